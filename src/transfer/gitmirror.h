/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a mirror, a bare repository, of one branch, tag or commit of a server's repository, or of all
 * branches, with their history, and of all tags. gitrun.h says what git may do, and its limits.
 *
 * In the mirror, HEAD names the branch that the server's HEAD names. References have the names that
 * they have on the server; a commit that was asked for by its hash is refs/commits/HASH. All are in
 * the file packed-refs. What was fetched before stays, so that only what is new is transferred; a
 * mirror that git cannot continue is made anew.
 *
 * All objects are checked (git-fsck(1)), but for the form of dates and names of persons and the
 * leading zeros of modes, which old repositories have and no reader trips over.
 *
 * The reasons of errors are those of gitrun.h, and fetch_commit if the repository does not have the
 * branch, tag or commit.
 */
#ifndef TRANSFER_GITMIRROR_H
#define TRANSFER_GITMIRROR_H

#include "transfer/gitrun.h"

/* The directory of references to commits that were asked for by their hash. */
#define GITMIRROR_COMMITS "refs/commits/"

struct gitmirror {
	struct gitrun_server server;
	/* "refs/...", a full hash, or the name of a branch or of a tag; NULL: what HEAD names */
	const char *ref;
	/* Instead: all branches, and these commits, by full hashes, wherever they are; NULL: `ref` */
	const struct strv *commits;
	const char
		*dir; /* absolute path of the mirror, which may be empty; o->dir_fd is the same */
	const char *name;  /* begins each line of progress */
	const char *limit; /* where o->room comes from, for messages */
};

/* Changes the environment of the process, which git inherits. */
int gitmirror(const struct gitmirror *m, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
