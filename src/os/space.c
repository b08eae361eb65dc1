/* SPDX-License-Identifier: Apache-2.0 */
#include "os/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/num.h"
#include "os/fd.h"
#include "os/limits.h"
#include "os/path.h"

#define FULL "the disk of the host is full: "
#define QUOTA "the quota of this user is used up"

/* Out of space, and the message does not say so yet. */
static bool is_full(const struct err *e)
{
	return (e->sys == ENOSPC || e->sys == EDQUOT) && !strstr(e->msg, FULL);
}

static uint64_t bytes_left(const struct statvfs *st)
{
	return (uint64_t)st->f_bavail * st->f_frsize;
}

/* File systems without a fixed size, or without a limit of files, report 0. */
static bool lacks_bytes(const struct statvfs *st)
{
	return st->f_blocks && bytes_left(st) < LIMIT_DISK_FULL_BYTES;
}

static bool lacks_files(const struct statvfs *st)
{
	return st->f_files && !st->f_favail;
}

/* The caller frees the result. */
static char *describe(const char *where, const struct statvfs *st)
{
	if (lacks_files(st))
		return mem_printf("no more files can be made in %s", where);
	return mem_printf("%s of %s are free in %s", num_show_size(bytes_left(st)).s,
		num_show_size((uint64_t)st->f_blocks * st->f_frsize).s, where);
}

static void append(struct err *e, const char *where, const struct statvfs *st)
{
	auto_free char *quota = e->sys == EDQUOT ? mem_printf(QUOTA " in %s", where) : NULL;
	auto_free char *text = quota ? NULL : describe(where, st);

	err_ignore(err_append(e, "; " FULL "%s", quota ? quota : text));
}

/*
 * The file system of a path, or of its nearest existing parent directory. The caller frees the
 * result.
 */
static char *find(const char *path, struct statvfs *ret_st)
{
	auto_free char *there = path_absolute(path);

	while (statvfs(there, ret_st) < 0) {
		char *parent = path_parent(there);

		free(there);
		there = parent;
		if (strcmp(there, "/") == 0 || strcmp(there, ".") == 0)
			return NULL;
	}
	return steal_ptr(&there);
}

void space_explain(struct err *e, int fd)
{
	auto_free char *directory = NULL;
	struct statvfs st;
	struct stat file;

	/* ENOSPC from a device is not about the file system that contains the device node. */
	if (!is_full(e) || fstat(fd, &file) < 0 || !S_ISREG(file.st_mode) || fstatvfs(fd, &st) < 0)
		return;
	directory = fd_directory(fd);
	if (directory)
		append(e, directory, &st);
}

void space_explain_path(struct err *e, const char *path)
{
	auto_free char *where = NULL;
	struct statvfs st;

	if (is_full(e) && (where = find(path, &st)))
		append(e, where, &st);
}

uint64_t space_share(const char *path, uint64_t max)
{
	struct statvfs st;
	auto_free char *where = find(path, &st);
	uint64_t share;

	if (!where || !st.f_blocks)
		return max;
	share = bytes_left(&st) / 10 * 9 + 1;
	return share < max ? share : max;
}

void space_explain_probably(struct err *e, const char *path)
{
	auto_free char *where = NULL;
	struct statvfs st;

	if (is_full(e) && e->sys == EDQUOT)
		err_ignore(err_append(e, "; " FULL QUOTA));
	if (is_full(e) && (where = find(path, &st)) && (lacks_bytes(&st) || lacks_files(&st)))
		append(e, where, &st);
}

int space_check(int fd, const char *what, struct err *e)
{
	auto_free char *where = NULL, *text = NULL;
	struct statvfs st;

	/* If the check fails, the next write reports the error. */
	if (fstatvfs(fd, &st) < 0 || !lacks_bytes(&st))
		return 0;
	where = fd_directory(fd);
	text = where ? describe(where, &st) : NULL;
	if (!text)
		return 0;
	return err_reason(e, ERR_HOST, ERR_REASON_DISK, FULL "%s, and %s", text, what);
}
