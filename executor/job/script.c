/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/script.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/path.h"

static int write_file(const char *path, const char *text, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write the action's script to %s", path);
	return 0;
}

/* An earlier action may have created files at this path, so it is removed first. */
int script_write(const struct run *r, const char *text, char **ret_path, struct err *e)
{
	const struct origin *origin = &r->plan->steps[r->step].origin;
	auto_free char *dir = mem_printf("%s/%zu", r->machine->scripts, origin->index + 1);
	auto_script char *path = path_join(dir, origin->action);

	if (path_remove_tree(dir, e) < 0 || path_make_dirs(dir, 0755, e) < 0 ||
		write_file(path, text, e) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	return 0;
}

void script_remove(char **path)
{
	struct err ignored = {0};
	auto_free char *owned = *path;
	auto_free char *dir = owned ? path_parent(owned) : NULL;

	*path = NULL;
	/* Errors are ignored: the file disappears with the machine. */
	if (dir && path_remove_tree(dir, &ignored) < 0)
		return;
}
