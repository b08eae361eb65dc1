/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking archives of our own writer (tar.h) into a directory.
 *
 * On the host the archive comes from a hostile guest (rules.strict) and this runs in a jail.
 * Nothing is opened through a link: directories are entered one component at a time from the
 * directory above, by openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV; files
 * are made with O_EXCL; a hard link is made from a name that was opened the same way. So no check
 * can be outdated by the time its result is used, and symbolic links are only text until somebody
 * else follows them (tar_symlink_stays_inside).
 */
#ifndef DATA_UNPACK_H
#define DATA_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "data/tar.h"

/* Progress and interruption, as pack_tick_fn: entries so far, bytes of the archive read so far. */
typedef int (*unpack_tick_fn)(void *arg, uint64_t entries, uint64_t bytes, struct err *e);

struct unpack_policy {
	/* With `specials`, only what the strict rules accept is made, and the rest is counted. */
	struct tar_rules rules;
	uint64_t max_disk; /* of what the entries take on a disk, see unpack_tree; 0: no limit */
	bool keep_owner;   /* give files the numeric user and group of the archive */
	bool plain_modes;  /* those of tar_plain_mode, not those of the archive */
	mode_t mask;       /* with plain_modes: bits that none has, as of umask(2) */
	/*
	 * The path of the tree where it was packed, or NULL. Symbolic links to it and to what is in
	 * it become relative.
	 */
	const char *root;
	unpack_tick_fn tick;
	void *tick_arg;
};

/* What was not made: entries of each kind. Files with the last two were made without them. */
struct unpack_withheld {
	uint64_t devices, fifos, sockets;
	uint64_t links;  /* symbolic links that lead out of the tree */
	uint64_t set_id; /* files and directories with set-id or sticky bits */
	uint64_t xattrs; /* files and directories with extended attributes */
};

struct unpack_result {
	uint64_t entries;
	uint64_t files;         /* of them regular files (hard links not counted) */
	uint64_t bytes;         /* sum of the sizes of files */
	uint64_t archive_bytes; /* with the end marker */
	struct unpack_withheld withheld;
	uint64_t lost_xattrs; /* that this file system did not take */
	char lost[300];       /* the first of them: "PATH: NAME: REASON" */
};

/* What a name takes besides its contents, and what contents are rounded up to. */
enum { UNPACK_NAME_BYTES = 256, UNPACK_BLOCK = 4096 };

/*
 * Read the archive in the first `length` bytes of tar_fd (a file or block device) and make its
 * entries in the directory dest_fd. With rules.strict the archive is exactly `length` bytes and the
 * directory is empty; otherwise what follows the end marker is ignored (drives are larger than
 * their archives). Modes are as in the archive, whatever the umask, unless the policy has
 * plain_modes; runs of zeros become holes, and
 * holes of the archive's file, or that it lists, are not read. The umask of the process is 0
 * meanwhile, so no other thread may make files. After a failure the directory holds what was made
 * so far: remove it.
 *
 * An archive of small files becomes more than its length: contents of files, directories and long
 * links take whole blocks, and every name takes an inode. Their sum is limited by max_disk.
 *
 * ERR_GUEST: the archive is not one of ours or breaks the rules. ERR_HOST: a file could not be
 * made.
 */
int unpack_tree(int tar_fd, uint64_t length, int dest_fd, const struct unpack_policy *p,
	struct unpack_result *ret, struct err *e) NODISCARD;

#endif
