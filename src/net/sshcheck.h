/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why no login by ssh came about. ssh exits with 255 whatever it was, and what programs that use it
 * have said is mixed with the words of the host. So it is asked once more, for a login with nothing
 * to show: that ends before the host says anything, or with a refusal.
 */
#ifndef NET_SSHCHECK_H
#define NET_SSHCHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

/* Has ssh said that the host's key is another one? */
bool sshcheck_is_wrong_key(const char *said);

/*
 * `ssh` is the command with its options, `login` HOST or USER@HOST. ERR_INPUT with the reason
 * upload_host_key or upload_unreachable; 0 when it was neither.
 */
int sshcheck(const struct strv *ssh, const char *login, struct err *e) NODISCARD;

#endif
