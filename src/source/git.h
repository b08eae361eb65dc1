/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commit a source tree is at, asked of a tree that may be hostile.
 *
 * `git status` runs programs that the tree's own .git/config names. So git runs in the jail
 * (jail.h): source read-only, no network, no other path of the host but /usr, and a seccomp filter
 * that refuses it every child process. Whatever is doubtful ends as "unknown"; a caller may then
 * run the project again for nothing, but never skips a run by what a hostile tree claims about a
 * file it hides.
 */
#ifndef SOURCE_GIT_H
#define SOURCE_GIT_H

#include <stdbool.h>

#include "base/err.h"
#include "source/gitsettings.h"
#include "source/repository.h"

enum git_clean {
	GIT_UNKNOWN, /* the value of a zeroed struct */
	GIT_CLEAN,
	GIT_DIRTY, /* changed, staged, conflicting or untracked files */
};

enum { GIT_COMMIT_MAX = 64, GIT_REASON_MAX = 256 };

/* What is looked at; everything is borrowed. */
struct git_tree {
	const char *source;
	int root;                            /* the directory `source` */
	const struct repository *repository; /* of it; repository.h */
	const struct gitsettings *settings;  /* of the operator; NULL: none */
};

struct git_state {
	bool repository;                 /* there is a .git in the directory itself */
	char commit[GIT_COMMIT_MAX + 1]; /* 40 or 64 hex digits, or "" */
	enum git_clean clean;
	char reason[GIT_REASON_MAX]; /* why commit or clean is unknown: one safe line, or "" */
	bool forbidden;              /* git wanted to start a program, which its jail forbids */
	bool foreign; /* git does not know this format of repositories; `reason` says which */
	/*
	 * Clean, but git would read some files again to know it, and pass them through filters.
	 * They are taken for unchanged because size and times are those of the index, though they
	 * were made in the second in which the index was written.
	 */
	bool settled;
};

/*
 * Look at a tree. Always fills *ret when it returns 0. -1 only for errors that the tree did not
 * cause: the jail cannot be made (ERR_HOST), a signal came (ERR_INTERRUPTED). If git is not
 * installed, the state is unknown. Root asks as the owner of the tree. Takes at most a minute and a
 * half.
 */
int git_inspect(const struct git_tree *tree, struct git_state *ret, struct err *e) NODISCARD;

const char *git_clean_word(enum git_clean clean); /* "clean", "dirty", "unknown" */

#endif
