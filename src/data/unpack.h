/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking archives of our own writer (tar.h) into a directory.
 *
 * On the host, the archive comes from a hostile guest (rules.strict), and this code runs in a jail.
 * No file is opened through a link: each directory is opened from its parent, one component at a
 * time, by openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV. Files are created
 * with O_EXCL. A hard link is made from a name that was opened in the same way. So there is no time
 * between a check and the use of its result, and symbolic links are only text until another program
 * follows them (tar_symlink_stays_inside).
 */
#ifndef DATA_UNPACK_H
#define DATA_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "data/tar.h"

/* Progress and interruption, as pack_tick_fn: the entries and bytes of the archive read so far. */
typedef int (*unpack_tick_fn)(void *arg, uint64_t entries, uint64_t bytes, struct err *e);

struct unpack_policy {
	/*
	 * With `specials`: only entries that the strict rules accept are created; the others are
	 * counted.
	 */
	struct tar_rules rules;
	uint64_t max_disk; /* disk space of all entries, see unpack_tree; 0: no limit */
	bool keep_owner;   /* set the numeric user and group of files as in the archive */
	bool plain_modes;  /* modes of tar_plain_mode, not those of the archive */
	mode_t mask;       /* with plain_modes: bits to remove, as of umask(2) */
	/*
	 * The path of the tree where it was packed, or NULL. Symbolic links to it and to paths
	 * below it become relative.
	 */
	const char *root;
	unpack_tick_fn tick;
	void *tick_arg;
};

/*
 * The number of entries that were not created, by kind. For set_id and xattrs, the files were
 * created without them.
 */
struct unpack_withheld {
	uint64_t devices, fifos, sockets;
	uint64_t links;  /* symbolic links that lead out of the tree */
	uint64_t set_id; /* files and directories with set-id or sticky bits */
	uint64_t xattrs; /* files and directories with extended attributes */
};

struct unpack_result {
	uint64_t entries;
	uint64_t files;         /* regular files among them (hard links not counted) */
	uint64_t bytes;         /* sum of the sizes of files */
	uint64_t archive_bytes; /* including the end marker */
	struct unpack_withheld withheld;
	uint64_t lost_xattrs; /* attributes that the file system rejected */
	char lost[300];       /* the first one: "PATH: NAME: REASON" */
};

/* The disk space of a name without its contents, and the unit to which contents are rounded up. */
enum { UNPACK_NAME_BYTES = 256, UNPACK_BLOCK = 4096 };

/*
 * Read the archive in the first `length` bytes of tar_fd (a file or block device) and create its
 * entries in the directory dest_fd. With rules.strict the archive is exactly `length` bytes and the
 * directory is empty; otherwise what follows the end marker is ignored (drives are larger than
 * their archives). Modes are as in the archive, whatever the umask, unless the policy has
 * plain_modes. Runs of zeros become holes. Holes of the archive's file, and holes listed in the
 * archive, are not read. The umask of the process is 0 during the call, so no other thread may
 * create files. After a failure the directory contains the entries created so far; the caller
 * removes it.
 */
int unpack_tree(int tar_fd, uint64_t length, int dest_fd, const struct unpack_policy *p,
	struct unpack_result *ret, struct err *e) NODISCARD;

#endif
