/* SPDX-License-Identifier: Apache-2.0 */
#include "os/meminfo.h"

#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "os/fd.h"

#define MEMINFO "/proc/meminfo"

/* "MemAvailable:  874812 kB" */
static int find(const char *text, const char *name, uint64_t *ret_bytes, struct err *e)
{
	auto_free char *begin = mem_printf("\n%s:", name);
	auto_free char *digits = NULL;
	const char *value = strstr(text, begin);
	uint64_t kib = 0;

	if (!value)
		return err_set(e, ERR_HOST, MEMINFO " does not contain %s", name);
	value += strlen(begin);
	value += strspn(value, " ");
	digits = mem_strndup(value, strspn(value, "0123456789"));
	if (num_parse_u64(digits, UINT64_MAX / KIB, &kib, e) < 0)
		return err_wrap(e, MEMINFO);
	*ret_bytes = kib * KIB;
	return 0;
}

/* A newline before each line, also the first one, so that names are found at the start of lines. */
static int read_lines(struct buf *ret, struct err *e)
{
	buf_init(ret, 64 * KIB);
	buf_addc(ret, '\n');
	return fd_read_file(MEMINFO, ret, e);
}

int meminfo_available(uint64_t *ret_bytes, struct err *e)
{
	auto_buf struct buf text = {0};

	if (read_lines(&text, e) < 0)
		return -1;
	return find(text.data, "MemAvailable", ret_bytes, e);
}

int meminfo_total(uint64_t *ret_bytes, struct err *e)
{
	auto_buf struct buf text = {0};
	uint64_t memory = 0, swap = 0;

	if (read_lines(&text, e) < 0 || find(text.data, "MemTotal", &memory, e) < 0 ||
		find(text.data, "SwapTotal", &swap, e) < 0)
		return -1;
	*ret_bytes = swap > UINT64_MAX - memory ? UINT64_MAX : memory + swap;
	return 0;
}
