/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files outside of a source tree that its repository needs.
 *
 * A `.git` file and alternates are bytes of a hostile tree. They never select a file of the host:
 *
 * - The repository of a linked worktree is used only if its own `worktrees/NAME/gitdir` names this
 *   tree, both have the same owner, and it is the `.git` of another tree or named by the operator.
 *   A commit cannot contain an entry `.git`, so a checkout of untrusted commits cannot imitate one.
 * - Alternates, and repositories that a `.git` file names otherwise, are compared as text with the
 *   directories that the operator named (`git_objects` of the project). Those directories are
 *   opened; a path in the tree's text never is.
 * - Repositories in directories of the tree get nothing from outside.
 *
 * Each directory is opened once, through no symbolic link below the directory that the operator
 * named. All packed files are reached from that descriptor.
 *
 * Formats: gitrepository-layout(5), git-worktree(1) "DETAILS".
 */
#ifndef SOURCE_REPOSITORY_H
#define SOURCE_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

struct pack_avoid;

enum repository_kind {
	REPOSITORY_NONE,   /* no .git, or one that git itself cannot use */
	REPOSITORY_INSIDE, /* the directory .git, or one in the tree that .git names or links to */
	REPOSITORY_WORKTREE, /* the tree is a linked worktree of `common` */
	/* .git is a file that names `common`, and the operator names it, too */
	REPOSITORY_NAMED,
};

enum { REPOSITORY_ALTERNATES_MAX = 16 };

/* A directory outside of the tree. */
struct repository_part {
	int fd;        /* O_PATH */
	char *outside; /* its path */
};

struct repository_alternate {
	struct repository_part part; /* a directory of objects */
	/* the path in git's jail where git looks for it (REPOSITORY_SOURCE, REPOSITORY_COMMON) */
	char *inside;
};

struct repository {
	enum repository_kind kind;
	char *place;                   /* INSIDE: its path in the tree */
	struct repository_part common; /* WORKTREE, NAMED: the repository itself */
	struct repository_part own;    /* WORKTREE: `worktrees/NAME` in it: HEAD, index, ... */
	struct repository_alternate alternates[REPOSITORY_ALTERNATES_MAX];
	size_t alternate_count;
	struct strv kept_alternates; /* lines of alternates that are directories in the tree */
	/*
	 * Files .git of the tree that need other contents in a machine: their paths, and the new
	 * contents.
	 */
	struct strv pointer_paths, pointers;
	/* The other repositories in the tree, including submodules, that have a configuration. */
	struct strv nested;
};

#define REPOSITORY_EMPTY                                                                           \
	{                                                                                          \
		.common = {.fd = -1}, .own = {.fd = -1 }                                           \
	}

void repository_release(struct repository *r);

/* Paths of the parts in git's jail. */
#define REPOSITORY_SOURCE "/source"
#define REPOSITORY_COMMON "/common"

/* The tree to inspect; everything is borrowed. */
struct repository_tree {
	const char *source;
	int root; /* the directory `source` */
	/* The directories named by the operator; NULL: nothing outside of the tree may be used. */
	const struct strv *named;
	const struct pack_avoid *avoid; /* directories that are not packed */
	size_t avoid_count;
};

/*
 * Inspect the repository of a tree and, by a walk, all other repositories in it (submodules, clones
 * and worktrees in its directories). ERR_INPUT if git in a machine could not use one of them: it
 * needs a file that may not be used, a symbolic link in it leads out of the tree, core.worktree or
 * a file `commondir` names a path outside, or a file with such information cannot be read. The
 * message names the repository and the remedy, and does not begin with the path of the source.
 * Files that git does not need are not checked: hooks may be links. ERR_INTERRUPTED. The caller
 * releases *ret in any case.
 */
int repository_find(
	const struct repository_tree *tree, struct repository *ret, struct err *e) NODISCARD;

/*
 * The path by which git on the host finds the repository of the tree `source`; NULL: none. The
 * caller frees.
 */
char *repository_path(const struct repository *r, const char *source);

/*
 * The directory outside of the tree `source` that its file .git names as the repository; for a
 * linked worktree, that of the main repository. This is text of the tree: nothing is opened there,
 * and it may be useless. NULL: none. The caller frees.
 */
char *repository_elsewhere(const char *source);

/* True if git accepts the tree itself as a repository without a work tree. */
bool repository_is_bare(int root);

#endif
