/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What git said about a source tree that may be hostile, read. The bytes are the tree's as much as
 * git's: names of files, of branches, and words of its configuration come through.
 *
 * Nothing here starts or opens anything; git.c asks.
 *
 * Formats: git-status(1), "Porcelain Format Version 2" with -z, and git-ls-files(1), options
 * -s, -v and -z, of git 2.39.
 */
#ifndef SOURCE_GITREPLY_H
#define SOURCE_GITREPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/strv.h"
#include "jail/jail.h"
#include "source/git.h"

enum { GITREPLY_COMPLAINT_BYTES = 160 };

/* One answer of git: all that came on its two outputs, within the limits, and how it ended. */
struct gitreply {
	struct buf out;    /* owned */
	struct buf errors; /* owned; its first line is told */
	struct jail_end end;
};

void gitreply_init(struct gitreply *r, size_t out_max);
void gitreply_release(struct gitreply *r);
#define auto_gitreply __attribute__((cleanup(gitreply_release)))

/*
 * Note why something is unknown: clean becomes GIT_UNKNOWN, and the first such text is the reason,
 * made one harmless line.
 */
void gitreply_doubt(struct git_state *state, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Read the answer of `status`: the commit, and whether something is changed. True when nothing is
 * as far as status can see; then the index has to be asked as well, and until then clean is
 * GIT_UNKNOWN without a reason. Whatever is not understood is a doubt.
 */
bool gitreply_status(const struct gitreply *r, struct git_state *state);

/*
 * The files that `status` has as changed against the index, when there is nothing else: no file
 * that is staged, unmerged or untracked, and all of them, at most max bytes of names.
 */
bool gitreply_changes(const struct gitreply *r, size_t max, struct strv *ret_paths);

/* Each name of a setting, with `value` behind it: "filter.x.required=false". */
void gitreply_overrule(const struct gitreply *r, const char *value, struct strv *ret);

/* Read the answer of `check-attr -z filter` about so many files: has each of them a filter? */
bool gitreply_filters(const struct gitreply *r, size_t count);

/* Entries of the index that have to be looked at one by one; paths as git writes them. */
struct gitreply_entries {
	struct strv submodules; /* another repository is checked out there, or nothing */
	struct strv sparse; /* of a sparse checkout: git takes for granted that they are absent */
};

void gitreply_entries_release(struct gitreply_entries *entries);
#define auto_gitreply_entries __attribute__((cleanup(gitreply_entries_release)))

/*
 * Read the answer of `ls-files`, after a status that returned true. True when the tree is clean as
 * far as the index tells, once the entries are what they should be; clean is still GIT_UNKNOWN
 * then. Else a doubt. `ret` is to be released in any case.
 */
bool gitreply_index(
	const struct gitreply *r, struct git_state *state, struct gitreply_entries *ret);

#endif
