/* SPDX-License-Identifier: Apache-2.0 */
#include "os/meminfo.h"

#include <string.h>

#include "os/fd.h"
#include "base/limits.h"
#include "base/num.h"

#define MEMINFO "/proc/meminfo"

/* "MemAvailable:  874812 kB" */
int meminfo_available(uint64_t *ret_bytes, struct err *e)
{
	static const char name[] = "\nMemAvailable:";
	auto_buf struct buf text = {0};
	uint64_t kib = 0;
	char *value;

	buf_init(&text, 64 * KIB);
	if (fd_read_file(MEMINFO, &text, e) < 0)
		return -1;
	value = strstr(text.data, name);
	if (!value)
		return err_set(e, ERR_HOST, MEMINFO " does not contain MemAvailable");
	value += strlen(name);
	value += strspn(value, " ");
	value[strspn(value, "0123456789")] = '\0';
	if (num_parse_u64(value, UINT64_MAX / KIB, &kib, e) < 0)
		return err_wrap(e, MEMINFO);
	*ret_bytes = kib * KIB;
	return 0;
}
