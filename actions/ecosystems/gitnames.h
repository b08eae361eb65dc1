/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The repositories of certain servers that a text of the source names: a lock file or manifest of
 * whatever package manager, or .gitmodules. For ambient-net, in a trusted machine.
 *
 * The text is not parsed, but searched for these forms, of which all clients use one:
 *
 *     ssh://USER@HOST/PATH    USER@HOST:PATH    git+https://HOST/PATH
 *
 * and in a go.mod for HOST/PATH, where PATH ends with the part that ends in .git, or else with the second
 * part, unless a line replaces the module by a directory. The full hash of a commit may follow, as
 * `@HASH`, or behind a query as `#HASH` or `#commit=HASH`.
 */
#ifndef ACTIONS_ECOSYSTEMS_GITNAMES_H
#define ACTIONS_ECOSYSTEMS_GITNAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

struct gitname {
	char *login; /* USER@HOST */
	char *path;  /* "group/project.git": no part is "", "." or ".." or begins with "-" */
	struct strv commits; /* 40 or 64 hexadecimal digits in lower case */
	bool https;          /* it is named by https, too */
	bool module; /* a go.mod names it: Go asks for it by https, without the last `.git`, too */
};

struct gitnames { /* {0}: none */
	struct gitname *items;
	size_t count, room;
	/* what was not asked for, each once: USER@HOST of other servers, and USER@HOST/PATH */
	struct strv others;
};

void gitnames_release(struct gitnames *g);
#define auto_gitnames __attribute__((cleanup(gitnames_release)))

/* ERR_INPUT without position: the text is no path that a repository can have here. */
int gitnames_check_path(const char *path, struct err *e) NODISCARD;

/*
 * Append what the text names at `places`, each USER@HOST, or USER@HOST/PATH for the repository PATH and
 * those below it; what is there is not repeated. `file` is the path of the text, relative to the
 * source, also for messages.
 * ERR_INPUT, reason fetch_lock_file: a path is none that a repository can have here, or there are more
 * than LIMIT_GIT_NAMES repositories or LIMIT_GIT_COMMITS commits of one.
 */
int gitnames_find(const char *text, const char *file, const struct strv *places,
	struct gitnames *ret, struct err *e) NODISCARD;

#endif
