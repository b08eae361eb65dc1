/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account of a program's user: ids, groups and home directory, as the image's /etc/passwd and
 * /etc/group have them (passwd(5), group(5)). Both files are the image's or the job's: each line
 * that is not as it should be is passed over.
 */
#ifndef EXECUTOR_JOB_ACCOUNT_H
#define EXECUTOR_JOB_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"

enum { ACCOUNT_GROUPS_MAX = 256 };

struct account {
	uid_t uid;
	gid_t gid;
	gid_t groups[ACCOUNT_GROUPS_MAX]; /* further ones */
	size_t group_count;
	char *name; /* of a user that the file lacks: the number */
	char *home;
};

/*
 * Find the account of `user` (contract/user.h) in the files below `etc`, "/etc". A number needs no
 * line there; its group is then 0, as for container engines. With a group in `user` there are no
 * further groups. ERR_INPUT that names the user or the group: it is not there, or the file has more
 * than LIMIT_ACCOUNTS_BYTES. The caller releases *ret.
 */
int account_find(const char *etc, const char *user, struct account *ret, struct err *e) NODISCARD;
void account_release(struct account *a);
#define auto_account __attribute__((cleanup(account_release)))

/* Set HOME, USER and LOGNAME, where they have the values of root. */
void account_set_env(const struct account *a, struct strv *env);

/*
 * In a child before exec, as root: take the account, and let it open its standard streams by name.
 * 0, or -1 with errno.
 */
int account_become(const struct account *a);

#endif
