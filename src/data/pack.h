/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing archives: a directory tree, or single members from memory, as tar (tar.h) to a drive.
 *
 * On the host, the tree is hostile. So no file is opened through a symbolic link, and only regular
 * files and directories are opened. Memory does not grow with the tree: it contains the names of
 * the directories between the root and the current entry (limited by LIMIT_PACK_NAMES_BYTES), and
 * the paths of files that have more than one link (LIMIT_PACK_LINKS).
 *
 * The same tree gives the same bytes. Kept: names, contents, permission bits, modification times to
 * the nanosecond, symbolic links, hard links within the tree, fifos, file capabilities and the
 * user's extended attributes (tar_xattr_is_kept). Not kept: access times, other attributes, access
 * control lists. Holes are not read, and with out_is_zero they are not written; large holes are
 * listed in the header, so that a reader need not read them either.
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
#include "data/limits.h"
#include "data/tar.h"

/* The reason (struct err) when the archive would be larger than max_bytes. */
#define PACK_TOO_LARGE "too_large"

enum { PACK_WARNINGS_MAX = 50 }; /* kept as text; further ones are only counted */

/*
 * Progress and interruption. Gets the entries and bytes of the archive so far. Called about once
 * per megabyte or every 256 entries. -1 with *e set stops the work.
 */
typedef int (*pack_tick_fn)(void *arg, uint64_t entries, uint64_t bytes, struct err *e);

/* A directory that is left out, with the warning "left out: it is the state directory". */
struct pack_avoid {
	dev_t dev;
	ino_t ino;
	const char *what; /* "the state directory" */
};

enum pack_kinds {
	/* For guests: all entries except sockets and devices, which are left out with a warning. */
	PACK_FOR_GUESTS,
	/*
	 * For the strict reader. Entries that it would reject are left out (also fifos, and
	 * symbolic links that lead out of the tree), set-id and sticky bits are cleared; each with
	 * a warning. Extended attributes are not archived.
	 */
	PACK_PLAIN,
	/* For the strict reader with rules.specials: all entries, without lists of holes. */
	PACK_EVERYTHING,
};

/*
 * A graft: an entry of the archive that does not come from the tree. It replaces the entry of the
 * tree at this path, or is added to the directory. A graft may be below another graft. Of two
 * grafts with the same path, the first one counts. A graft whose directory is not in the archive
 * has no effect.
 */
enum pack_graft_kind {
	PACK_NOTHING,   /* leave out the entry of the tree, without a warning */
	PACK_BYTES,     /* a regular file, mode 0644: `data`, `len`, `time` */
	PACK_DIRECTORY, /* a directory, mode 0755, that contains only the grafts below it: `time` */
	PACK_ENTRY,     /* the entry `name` of the directory `dir`, with everything below it */
	PACK_DATED,     /* the regular file `name` of `dir`, with the modification time `time` */
};

struct pack_graft {
	/* in the archive, in plain form (tar.h); all pointers here are borrowed */
	const char *path;
	enum pack_graft_kind kind;
	int dir;
	const char *name; /* ".": `dir` itself */
	const void *data;
	size_t len;
	struct timespec time;
};

/* An entry as a sink receives it. */
struct pack_entry {
	const struct tar_entry *entry;
	/*
	 * The bytes of its header in the archive, but with the time 0 and without a list of holes.
	 */
	const char *header;
	size_t header_len;
	int fd;                /* the open directory or regular file; -1: another kind, or none */
	const struct stat *st; /* of the regular file, before it is read; else NULL */
};

/*
 * Receives everything that goes into an archive, in order, whether the archive is written or not.
 */
struct pack_sink {
	/* True: call `data` and `zeros` with the contents that follow, if there are any. */
	bool (*entry)(void *arg, const struct pack_entry *entry);
	void (*data)(void *arg, const char *data, size_t len);
	void (*zeros)(void *arg, uint64_t len); /* a hole */
	void *arg;
};

struct pack_options {
	const struct pack_sink *sink; /* or NULL */
	/* keep the numeric user and group of the files; else 0 and 0 */
	bool keep_owner;
	enum pack_kinds kinds;
	bool plain_modes;   /* those of tar_plain_mode, not those of the files */
	bool out_is_zero;   /* the output reads as zeros all over: runs of zeros are skipped, not
			       written */
	uint64_t max_bytes; /* of the archive; 0: no limit */
	/* Limits of memory. 0 means LIMIT_PACK_NAMES_BYTES and LIMIT_PACK_LINKS. */
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
	uint64_t bytes; /* of the archive: a multiple of 512, including the end marker */
	/* the output contained the archive before (pack_end): nothing was written */
	bool untouched;
	uint64_t warning_count; /* all warnings, including those not kept */
	struct strv warnings;   /* "src/x: left out: it is a socket"; safe to show on a terminal */
};

void pack_result_release(struct pack_result *r);
#define auto_pack_result __attribute__((cleanup(pack_result_release)))

/*
 * Pack the contents of the directory root_fd (not the directory itself) to out_fd, a regular file
 * or block device, from its byte 0 on. out_fd -1: nothing is written, and files whose contents the
 * sink does not want are not read. `shown` is the name of the root in messages. *ret is set on
 * success only; the caller releases it.
 *
 * ERR_INPUT, with the remedy: the tree is at fault (unreadable file, too deep, too large: reason
 * PACK_TOO_LARGE). ERR_HOST: reading or writing failed. Errors of tick are returned.
 */
int pack_tree(int root_fd, const char *shown, int out_fd, const struct pack_options *o,
	struct pack_result *ret, struct err *e) NODISCARD;

/*
 * Pack single members:
 *
 *	auto_packer struct packer *p = pack_begin(fd, &options);
 *	if (pack_add_file(p, "plan.json", 0644, text, len, e) < 0 || pack_end(p, &result, e) < 0)
 *		...
 *
 * Members are added in the order of a sorted walk (see tar.h) and after their directories; another
 * order is a BUG of the caller. They belong to user and group 0 and have the time 0.
 */
struct packer;

struct packer *pack_begin(int out_fd, const struct pack_options *o); /* o is copied */
void pack_free(struct packer *p);                                    /* accepts NULL */
static inline void pack_auto_free(struct packer **p)
{
	pack_free(*p);
}
#define auto_packer __attribute__((cleanup(pack_auto_free)))

int pack_add_dir(struct packer *p, const char *path, mode_t mode, struct err *e) NODISCARD;
int pack_add_file(struct packer *p, const char *path, mode_t mode, const void *data, size_t len,
	struct err *e) NODISCARD;
/* Add a member with the contents of the regular file `fd`, from its start. */
int pack_add_fd(struct packer *p, const char *path, mode_t mode, int fd, struct err *e) NODISCARD;
int pack_end(struct packer *p, struct pack_result *ret, struct err *e) NODISCARD;

#endif
