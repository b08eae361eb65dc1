/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail in which git works on a repository that may be hostile: no network, no other path of the
 * host than /usr and what the caller binds, and no child processes.
 *
 * Its settings keep git from attempts that the jail would refuse: these would be errors, and so also
 * honest trees would be "unknown". Other attempts cannot be disabled by name (filter.<name>.clean, a
 * lazy fetch). They fail with EPERM and a message on standard error.
 */
#ifndef SOURCE_GITJAIL_H
#define SOURCE_GITJAIL_H

#include "jail/jail.h"

/*
 * Set program, identity, limits and environment of a jail that jail_init has made. `git` is borrowed.
 * For a caller that is root, uid and gid are those of git, and may be 0: it has no capabilities, and
 * files of root may be readable by root alone.
 */
void gitjail_fill(struct jail *j, const char *git, uid_t uid, gid_t gid);

/*
 * Add the first arguments: git, its repository and its work tree, as they are inside, and settings that
 * override those of the repository which would run programs or hide changes. The command follows.
 */
void gitjail_repository(struct jail *j, const char *git_dir, const char *work_tree);

#endif
