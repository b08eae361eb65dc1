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
 * part. `#` and a full hash of a commit may follow PATH and a query.
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
	bool module;         /* a go.mod names it: Go asks for PATH without the last `.git`, too */
};

struct gitnames { /* {0}: none */
	struct gitname *items;
	size_t count, room;
	struct strv others; /* logins in ssh://LOGIN/ that were not asked for, each once */
};

void gitnames_release(struct gitnames *g);
#define auto_gitnames __attribute__((cleanup(gitnames_release)))

/*
 * Append what the text names of the servers of `logins`, each USER@HOST; what is there is not repeated.
 * `file` is the path of the text, relative to the source, also for messages.
 * ERR_INPUT, reason fetch_lock_file: a path is none that a repository can have here, or there are more
 * than LIMIT_GIT_NAMES repositories or LIMIT_GIT_COMMITS commits of one.
 */
int gitnames_find(const char *text, const char *file, const struct strv *logins,
	struct gitnames *ret, struct err *e) NODISCARD;

#endif
