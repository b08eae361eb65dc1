/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/machine/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "data/tar.h"
#include "executor/limits.h"
#include "os/fd.h"
#include "os/path.h"

/* Devices that every user may open, as with udev. Only root may open the others. */
static const char *const for_all[] = {"fuse", "net/tun"};

static mode_t permissions(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(for_all); i++)
		if (strcmp(name, for_all[i]) == 0)
			return 0666;
	return 0600;
}

bool nodes_parse(const char *line, struct node_spec *ret)
{
	char major[6], minor[8]; /* digits only: %u would take a sign */
	const char *why;
	char type;
	int end = 0;

	*ret = (struct node_spec){0};
	if (*line == '#' ||
		sscanf(line, "%*63s %63s %c%5[0-9]:%7[0-9]%n", ret->name, &type, major, minor,
			&end) < 4 ||
		line[end] || (type != 'c' && type != 'b') || !tar_path_is_plain(ret->name, &why))
		return false;
	ret->mode = (type == 'c' ? S_IFCHR : S_IFBLK) | permissions(ret->name);
	ret->device =
		makedev((unsigned)strtoul(major, NULL, 10), (unsigned)strtoul(minor, NULL, 10));
	return true;
}

/* Nodes made by the kernel are kept. */
static int make_node(const struct node_spec *n, struct err *e)
{
	auto_free char *path = mem_printf("/dev/%s", n->name);
	auto_free char *parent = path_parent(path);

	if (path_make_dirs(parent, 0755, e) < 0)
		return -1;
	if (mknod(path, n->mode, n->device) == 0)
		return chmod(path, n->mode & 0777) < 0 ? err_sys(e, "%s", path) : 0;
	return errno == EEXIST ? 0 : err_sys(e, "make %s", path);
}

int nodes_make(struct err *e)
{
	struct utsname kernel;
	auto_free char *path = NULL;
	auto_buf struct buf list = {0};
	char *rest, *line;

	if (uname(&kernel) < 0)
		return err_sys(e, "uname");
	path = mem_printf("/lib/modules/%s/modules.devname", kernel.release);
	if (access(path, F_OK) < 0)
		return 0;
	buf_init(&list, LIMIT_DEVICE_LIST_BYTES);
	if (fd_read_file(path, &list, e) < 0)
		return -1;
	for (rest = list.data; (line = strsep(&rest, "\n"));) {
		struct node_spec n;

		if (nodes_parse(line, &n) && make_node(&n, e) < 0)
			return -1;
	}
	return 0;
}
