/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/errorfile.h"

#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "os/fd.h"

int errorfile_write(const char *path, const struct err *why, struct err *e)
{
	auto_free char *text = mem_printf("%s\n%s", why->reason, why->msg);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "%s", path);
	return 0;
}
