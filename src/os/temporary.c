/* SPDX-License-Identifier: Apache-2.0 */
#include "os/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/path.h"

/* A missing or unwritable directory is the operator's to fix. */
static int no_temporary(const char *tmpdir, struct err *e)
{
	int sys = errno;

	if (sys != ENOENT && sys != ENOTDIR && sys != EACCES && sys != EROFS)
		return err_sys(e, "make a temporary file in %s", tmpdir);
	return err_set(e, ERR_INPUT,
		"cannot make a temporary file in %s (%s): name another directory by 'tmpdir' in "
		"the configuration or by TMPDIR",
		tmpdir, strerror(sys));
}

static int temporary_by_name(const char *tmpdir, int *ret_fd, struct err *e)
{
	auto_free char *name = path_join(tmpdir, "ambient-XXXXXX");
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0)
		return no_temporary(tmpdir, e);
	(void)unlink(name);
	*ret_fd = fd;
	return 0;
}

int temporary_file(const char *tmpdir, int *ret_fd, struct err *e)
{
	int fd = open(tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	/* Some file systems do not support O_TMPFILE. */
	if (errno == EOPNOTSUPP || errno == EISDIR)
		return temporary_by_name(tmpdir, ret_fd, e);
	return no_temporary(tmpdir, e);
}
