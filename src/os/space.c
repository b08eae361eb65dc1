/* SPDX-License-Identifier: Apache-2.0 */
#include "os/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/limits.h"
#include "base/num.h"
#include "os/fd.h"
#include "os/path.h"

#define SAID "; the disk of the host is full: "

/* And it is not said yet. */
static bool is_full(const struct err *e)
{
	return (e->sys == ENOSPC || e->sys == EDQUOT) && !strstr(e->msg, SAID);
}

static void append(struct err *e, const char *where, const struct statvfs *st)
{
	size_t len = strlen(e->msg);
	uint64_t left = (uint64_t)st->f_bavail * st->f_frsize;
	uint64_t whole = (uint64_t)st->f_blocks * st->f_frsize;

	if (e->sys == EDQUOT)
		(void)snprintf(e->msg + len, sizeof(e->msg) - len,
			SAID "the quota of this user is used up in %s", where);
	else if (st->f_files && !st->f_favail)
		(void)snprintf(e->msg + len, sizeof(e->msg) - len,
			SAID "no more files can be made in %s", where);
	else
		(void)snprintf(e->msg + len, sizeof(e->msg) - len, SAID "%s of %s are free in %s",
			num_show_size(left).s, num_show_size(whole).s, where);
}

void space_explain(struct err *e, int fd)
{
	auto_free char *name = NULL, *directory = NULL;
	struct statvfs st;
	struct stat file;

	/* What a device says of itself is not about the file system that its name is in. */
	if (!is_full(e) || fstat(fd, &file) < 0 || !S_ISREG(file.st_mode) || fstatvfs(fd, &st) < 0)
		return;
	name = fd_name(fd);
	directory = name[0] == '/' ? path_parent(name) : NULL;
	append(e, directory ? directory : name, &st);
}

void space_explain_path(struct err *e, const char *path)
{
	auto_free char *there = path_absolute(path);
	struct statvfs st;

	if (!is_full(e))
		return;
	while (statvfs(there, &st) < 0) {
		char *parent = path_parent(there);

		free(there);
		there = parent;
		if (strcmp(there, "/") == 0 || strcmp(there, ".") == 0)
			return;
	}
	if (st.f_bavail * st.f_frsize < LIMIT_DISK_FULL_BYTES || (st.f_files && !st.f_favail))
		append(e, there, &st);
}
