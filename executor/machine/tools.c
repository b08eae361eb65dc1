/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/machine/tools.h"

#include <fcntl.h>
#include <unistd.h>

#include "data/unpack.h"
#include "os/fd.h"
#include "os/path.h"

int tools_unpack(const struct machine *m, struct err *e)
{
	const struct drive *d = machine_drive(m, DRIVE_EXEC);
	const struct unpack_policy policy = {0};
	struct unpack_result result;
	auto_fd int drive = -1, dest = -1;

	if (!d)
		return err_set(e, ERR_HOST, "the host announced no drive '%s'", DRIVE_EXEC);
	if (m->open_drive(m, d, &drive, e) < 0 || path_make_dirs(GUEST_TOOLS, 0755, e) < 0)
		return -1;
	dest = open(GUEST_TOOLS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dest < 0)
		return err_sys(e, "%s", GUEST_TOOLS);
	if (unpack_tree(drive, d->want.bytes, dest, &policy, &result, e) < 0)
		return err_wrap(e, "drive '%s'", DRIVE_EXEC);
	return 0;
}
