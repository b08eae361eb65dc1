/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing the output of git about a source tree that may be hostile. The output is untrusted: it
 * contains names of files and branches, and words of the tree's configuration.
 *
 * No program or file is started or opened here; git.c does that.
 *
 * Formats: git-status(1), "Porcelain Format Version 2" with -z, and git-ls-files(1), options -s, -v
 * and -z, of git 2.39.
 */
#ifndef SOURCE_GITREPLY_H
#define SOURCE_GITREPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/strv.h"
#include "jail/jail.h"
#include "source/git.h"

enum { GITREPLY_COMPLAINT_BYTES = 160 };

/* One answer of git: its two outputs, within the limits, and how git ended. */
struct gitreply {
	struct buf out;    /* owned */
	struct buf errors; /* owned; the first line is quoted in messages */
	struct jail_end end;
};

void gitreply_init(struct gitreply *r, size_t out_max);
void gitreply_release(struct gitreply *r);
#define auto_gitreply __attribute__((cleanup(gitreply_release)))

/*
 * Record why the state is unknown: clean becomes GIT_UNKNOWN, and the first such text, made one
 * safe line, becomes the reason.
 */
void gitreply_doubt(struct git_state *state, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Parse the answer of `status`: the commit, and whether there are changes. True if status shows no
 * change; then the index must be asked as well, and until then clean is GIT_UNKNOWN without a
 * reason. Output that is not understood is recorded as a doubt.
 */
bool gitreply_status(const struct gitreply *r, struct git_state *state);

/*
 * Get the files that `status` reports as changed against the index. False if there is anything
 * else: a staged, unmerged or untracked file, a truncated list, or more than max bytes of names.
 */
bool gitreply_changes(const struct gitreply *r, size_t max, struct strv *ret_paths);

/* Append each name of a setting, followed by `value`: "filter.x.required=false". */
void gitreply_overrule(const struct gitreply *r, const char *value, struct strv *ret);

/*
 * Parse the answer of `check-attr -z filter` about `count` files: does each of them have a filter?
 */
bool gitreply_filters(const struct gitreply *r, size_t count);

/* Entries of the index that must be checked one by one; paths as written by git. */
struct gitreply_entries {
	struct strv submodules; /* either another repository is checked out there, or nothing */
	/* entries of a sparse checkout: git assumes that these files are absent */
	struct strv sparse;
};

void gitreply_entries_release(struct gitreply_entries *entries);
#define auto_gitreply_entries __attribute__((cleanup(gitreply_entries_release)))

/*
 * Parse the answer of `ls-files`, after gitreply_status returned true. True if the index shows no
 * change, provided that the entries in `ret` pass their checks; clean is still GIT_UNKNOWN then.
 * Otherwise a doubt is recorded. The caller releases `ret` in any case.
 */
bool gitreply_index(
	const struct gitreply *r, struct git_state *state, struct gitreply_entries *ret);

#endif
