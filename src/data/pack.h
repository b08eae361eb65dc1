/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing archives: a tree of files, or single members from memory, as tar (tar.h) to a drive.
 *
 * Used on the host for hostile trees, so nothing is opened through a symbolic link, nothing that is
 * not a regular file or directory is opened at all, and memory does not grow with the tree: it
 * holds the names of the directories on the way from the root (bounded by LIMIT_PACK_NAMES_BYTES),
 * and the paths of files that have more than one link (LIMIT_PACK_LINKS).
 *
 * The same tree gives the same bytes. Kept: names, contents, permission bits, modification times to
 * the nanosecond, symbolic links, hard links within the tree, fifos, file capabilities and user's
 * extended attributes (tar_xattr_is_kept). Not kept: access times, other attributes, access control
 * lists. Holes cost no reading, and with out_is_zero no writing; the large ones are listed, so that
 * they cost a reader nothing either.
 */
#ifndef DATA_PACK_H
#define DATA_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/tar.h"

/* The reason (struct err) when the archive would grow over max_bytes. */
#define PACK_TOO_LARGE "too_large"

enum { PACK_WARNINGS_MAX = 50 }; /* kept as text; beyond that only counted */

/*
 * Progress, and the way to interrupt: entries and bytes of the archive so far. Called about once a
 * megabyte or every 256 entries. -1 with *e set stops the work.
 */
typedef int (*pack_tick_fn)(void *arg, uint64_t entries, uint64_t bytes, struct err *e);

/* A directory that is left out, with a warning: "left out: it is the state directory". */
struct pack_avoid {
	dev_t dev;
	ino_t ino;
	const char *what; /* "the state directory" */
};

enum pack_kinds {
	/* For guests: all but sockets and devices, which are left out with a warning. */
	PACK_FOR_GUESTS,
	/*
	 * For the strict reader: what it would refuse is left out (also fifos and symbolic links
	 * that lead out of the tree) or cleared (set-id and sticky bits), each with a warning.
	 * Extended attributes are no part of such a tree.
	 */
	PACK_PLAIN,
	/* For the strict reader with rules.specials: everything, and no list of holes. */
	PACK_EVERYTHING,
};

/*
 * An entry of the archive that comes from elsewhere than the tree: in place of what the tree has at
 * this path, or beside what it has in the directory. Grafts can be below one another. Two of the
 * same path: the first counts. A graft whose directory is not in the archive has no effect.
 */
enum pack_graft_kind {
	PACK_NOTHING,   /* what the tree has is left out, without a warning */
	PACK_BYTES,     /* a regular file, mode 0644: `data`, `len`, `time` */
	PACK_DIRECTORY, /* a directory, mode 0755, with only the grafts below it: `time` */
	PACK_ENTRY,     /* the entry `name` of the directory `dir`, with all that is below it */
	PACK_DATED,     /* the regular file `name` of `dir`, with the modification time `time` */
};

struct pack_graft {
	const char *path; /* in the archive, plain (tar.h); everything here is borrowed */
	enum pack_graft_kind kind;
	int dir;
	const char *name; /* "." is `dir` itself */
	const void *data;
	size_t len;
	struct timespec time;
};

/* An entry as a sink gets it. */
struct pack_entry {
	const struct tar_entry *entry;
	/* Its bytes in the archive, but with the time 0 and without a list of holes. */
	const char *header;
	size_t header_len;
	int fd; /* the directory or regular file, opened; -1: another kind, or none */
	const struct stat *st; /* of the regular file, before it is read; NULL likewise */
};

/* Told of everything that goes into an archive, in its order, whether it is written or not. */
struct pack_sink {
	/* True: the others are to get the contents that follow, if there are any. */
	bool (*entry)(void *arg, const struct pack_entry *entry);
	void (*data)(void *arg, const char *data, size_t len);
	void (*zeros)(void *arg, uint64_t len); /* a hole */
	void *arg;
};

struct pack_options {
	const struct pack_sink *sink; /* or NULL */
	bool keep_owner;              /* numeric user and group of the files; else 0 and 0 */
	enum pack_kinds kinds;
	bool plain_modes;   /* those of tar_plain_mode, not those of the files */
	bool out_is_zero;   /* the output reads as zeros all over: runs of zeros are skipped, not
			       written */
	uint64_t max_bytes; /* of the archive; 0: no limit */
	/* What may be held in memory; a zero stands for LIMIT_PACK_NAMES_BYTES and
	 * LIMIT_PACK_LINKS. */
	size_t max_names_bytes;
	size_t max_links;
	const struct pack_avoid *avoid;
	size_t avoid_count;
	const struct pack_graft *grafts;
	size_t graft_count;
	pack_tick_fn tick; /* or NULL */
	void *tick_arg;
};

struct pack_result {
	uint64_t entries;
	uint64_t bytes;         /* of the archive: a multiple of 512, with the end marker */
	bool untouched;         /* it was there already, see pack_end: nothing was written */
	uint64_t warning_count; /* of all warnings, also those not kept */
	struct strv warnings;   /* "src/x: left out: it is a socket"; safe to show */
};

void pack_result_release(struct pack_result *r);
#define auto_pack_result __attribute__((cleanup(pack_result_release)))

/*
 * Pack what is in the directory root_fd (not the directory itself) to out_fd, a regular file or
 * block device, from its byte 0 on; -1: nothing is written, and files whose contents the sink does
 * not want are not read. `shown` stands for the root in messages. *ret is set on success
 * only; release it.
 *
 * ERR_INPUT: the tree (unreadable file, too deep, too large: reason PACK_TOO_LARGE), with the
 * remedy. ERR_HOST: reading or writing failed. What tick returned.
 */
int pack_tree(int root_fd, const char *shown, int out_fd, const struct pack_options *o,
	struct pack_result *ret, struct err *e) NODISCARD;

/*
 * The same by single members:
 *
 *	auto_packer struct packer *p = pack_begin(fd, &options);
 *	if (pack_add_file(p, "plan.json", 0644, text, len, e) < 0 || pack_end(p, &result, e) < 0)
 *		...
 *
 * Members come in the order of a sorted walk (see tar.h) and after their directories; anything else
 * is a BUG of the caller. They belong to user and group 0 and have the time 0.
 */
struct packer;

struct packer *pack_begin(int out_fd, const struct pack_options *o); /* o is copied */
void pack_free(struct packer *p);                                    /* NULL is fine */
static inline void pack_auto_free(struct packer **p)
{
	pack_free(*p);
}
#define auto_packer __attribute__((cleanup(pack_auto_free)))

int pack_add_dir(struct packer *p, const char *path, mode_t mode, struct err *e) NODISCARD;
int pack_add_file(struct packer *p, const char *path, mode_t mode, const void *data, size_t len,
	struct err *e) NODISCARD;
/* The member is what the regular file `fd` holds, from its start. */
int pack_add_fd(struct packer *p, const char *path, mode_t mode, int fd, struct err *e) NODISCARD;
int pack_end(struct packer *p, struct pack_result *ret, struct err *e) NODISCARD;

#endif
