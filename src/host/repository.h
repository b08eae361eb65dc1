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
 * Each directory is opened once, through no symbolic link below what the operator named, and what
 * is packed is reached from that descriptor.
 *
 * Formats: gitrepository-layout(5), git-worktree(1) "DETAILS".
 */
#ifndef HOST_REPOSITORY_H
#define HOST_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

enum repository_kind {
	REPOSITORY_NONE,     /* no .git, or one that git cannot use either */
	REPOSITORY_INSIDE,   /* the directory .git, or one in the tree that the file .git names */
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
	char *place;   /* INSIDE: where it is in the tree */
	char *pointer; /* INSIDE: what the file .git must be elsewhere; NULL: as it is */
	struct repository_part common; /* WORKTREE, NAMED: the repository itself */
	struct repository_part own;    /* WORKTREE: `worktrees/NAME` in it: HEAD, index, ... */
	struct repository_alternate alternates[REPOSITORY_ALTERNATES_MAX];
	size_t alternate_count;
	struct strv kept_alternates; /* lines for directories in the tree */
};

#define REPOSITORY_EMPTY                                                                           \
	{                                                                                          \
		.common = {.fd = -1}, .own = {.fd = -1 }                                           \
	}

void repository_release(struct repository *r);

/* Where git in its jail finds the parts. */
#define REPOSITORY_SOURCE "/source"
#define REPOSITORY_COMMON "/common"

/*
 * Look at the tree `source`, whose directory is `root`. `named` are the operator's directories, or
 * NULL when nothing outside of the tree may be used, whatever it is. ERR_INPUT, without the path of
 * the source in front, when the repository is not whole without what may not be used: the message
 * has the remedy. Release *ret in any case.
 */
int repository_find(const char *source, int root, const struct strv *named, struct repository *ret,
	struct err *e) NODISCARD;

/* The tree itself is a repository without a work tree, as git takes it for one. */
bool repository_is_bare(int root);

#endif
