/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the repository of a source tree needs from outside of the tree.
 *
 * A `.git` file and alternates are bytes of a hostile tree. They never choose a file of the host:
 *
 * - The repository of a linked worktree counts only when its own `worktrees/NAME/gitdir` names this
 *   tree, when both have one owner, and when it is the `.git` of another tree, or named by the
 *   operator. No commit can have an entry `.git`, so no checkout of a stranger's can pass for one.
 * - Alternates, and repositories that a `.git` file names otherwise, are compared as text with the
 *   directories that the operator named (`git_objects` of the project). Those are opened; the
 *   tree's text never is.
 *
 * - The repositories of directories of the tree get nothing from outside.
 *
 * Each directory is opened once, through no symbolic link below what the operator named, and what
 * is packed is reached from that descriptor.
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
	REPOSITORY_NONE,   /* no .git, or one that git cannot use either */
	REPOSITORY_INSIDE, /* the directory .git, or one in the tree that .git names or links to */
	REPOSITORY_WORKTREE, /* the tree is a linked worktree of `common` */
	REPOSITORY_NAMED,    /* .git is a file that names `common`, and so does the operator */
};

enum { REPOSITORY_ALTERNATES_MAX = 16 };

/* A directory outside of the tree. */
struct repository_part {
	int fd;        /* O_PATH */
	char *outside; /* its path */
};

struct repository_alternate {
	struct repository_part part; /* a directory of objects */
	char *inside; /* where git looks for it when the tree is at `base` of repository_find */
};

struct repository {
	enum repository_kind kind;
	char *place;                   /* INSIDE: where it is in the tree */
	struct repository_part common; /* WORKTREE, NAMED: the repository itself */
	struct repository_part own;    /* WORKTREE: `worktrees/NAME` in it: HEAD, index, ... */
	struct repository_alternate alternates[REPOSITORY_ALTERNATES_MAX];
	size_t alternate_count;
	struct strv kept_alternates; /* lines for directories in the tree */
	/* Files .git of the tree that must be others elsewhere: their paths, and what they are. */
	struct strv pointer_paths, pointers;
	/* The repositories in the tree besides, submodules' too, that have a configuration. */
	struct strv nested;
};

#define REPOSITORY_EMPTY                                                                           \
	{                                                                                          \
		.common = {.fd = -1}, .own = {.fd = -1 }                                           \
	}

void repository_release(struct repository *r);

/* Where git in its jail finds the parts. */
#define REPOSITORY_SOURCE "/source"
#define REPOSITORY_COMMON "/common"

/* Where to look; everything is borrowed. */
struct repository_tree {
	const char *source;
	int root; /* its directory */
	/* The operator's directories; NULL when nothing outside of the tree may be used. */
	const struct strv *named;
	const struct pack_avoid *avoid; /* what is not packed */
	size_t avoid_count;
};

/*
 * Look at the repository of a tree, and by a walk at all others in it (submodules, clones and
 * worktrees in directories of it). ERR_INPUT, without the path of the source in front, when git
 * would not work elsewhere in one of them: because it needs what may not be used, a symbolic link
 * in it leads out of the tree, core.worktree or a file `commondir` names what is elsewhere, or a
 * file that says such things cannot be read. Names the repository and the remedy. What git does not
 * need is not looked at: hooks may be links. ERR_INTERRUPTED. Release *ret in any case.
 */
int repository_find(
	const struct repository_tree *tree, struct repository *ret, struct err *e) NODISCARD;

/* Where git on the host finds the repository of the tree `source`; NULL: there is none. To be freed. */
char *repository_path(const struct repository *r, const char *source);

/*
 * The directory outside of the tree `source` that its file .git says the repository is in; of a
 * linked worktree, that of the whole repository. It is the tree's text: nothing is looked at there,
 * and it may be of no use. NULL: there is none. To be freed.
 */
char *repository_elsewhere(const char *source);

/* The tree itself is a repository without a work tree, as git takes it for one. */
bool repository_is_bare(int root);

#endif
