/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking git for the commit and the state of a source tree that may be hostile.
 *
 * `git status` runs programs that the tree's own .git/config names. So git runs in the jail
 * (jail.h): source read-only, no network, no other path of the host except /usr, and a seccomp
 * filter that forbids child processes. Anything doubtful results in "unknown". Then a caller may
 * run the project again without need, but it never skips a run because of a hostile tree's claim
 * about a file that the tree hides.
 */
#ifndef SOURCE_GIT_H
#define SOURCE_GIT_H

#include <stdbool.h>

#include "base/err.h"
#include "source/gitsettings.h"
#include "source/repository.h"

enum git_clean {
	GIT_UNKNOWN, /* the value in a zeroed struct */
	GIT_CLEAN,
	GIT_DIRTY, /* changed, staged, conflicting or untracked files */
};

enum { GIT_COMMIT_MAX = 64, GIT_REASON_MAX = 256 };

/* The tree to inspect; everything is borrowed. */
struct git_tree {
	const char *source;
	int root;                            /* the directory `source` */
	const struct repository *repository; /* the repository of the tree; repository.h */
	const struct gitsettings *settings;  /* of the operator; NULL: none */
};

struct git_state {
	bool repository;                 /* there is a .git in the directory itself */
	char commit[GIT_COMMIT_MAX + 1]; /* 40 or 64 hex digits, or "" */
	enum git_clean clean;
	/* why commit or clean is unknown: one line, safe to show, or "" */
	char reason[GIT_REASON_MAX];
	bool forbidden; /* git tried to start a program, which its jail forbids */
	/* git does not support this format of repositories; `reason` names it */
	bool foreign;
	/*
	 * The tree is clean, but git would have to read some files again to know it, and pass them
	 * through filters. The files count as unchanged because their size and times are those in
	 * the index, although they were written in the same second as the index.
	 */
	bool settled;
};

/*
 * Inspect a tree. *ret is always set when the result is 0. -1 only for errors that the tree did not
 * cause: the jail cannot be created (ERR_HOST), a signal came (ERR_INTERRUPTED). If git is not
 * installed, the state is unknown. If the caller is root, git runs as the owner of the tree. Takes
 * at most 90 s.
 */
int git_inspect(const struct git_tree *tree, struct git_state *ret, struct err *e) NODISCARD;

const char *git_clean_word(enum git_clean clean); /* "clean", "dirty", "unknown" */

#endif
