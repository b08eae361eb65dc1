/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program that uses ssh failed. ssh exits with 255 whatever it was, and what such programs
 * print is mixed with the words of the server, which may say anything. So nothing of that is read:
 * the proxy is asked whether it reaches the host, and ssh is started once more with nothing to log
 * in with and a log of its own (-E), in which a server's words are never a whole line.
 */
#ifndef TRANSFER_SSHCHECK_H
#define TRANSFER_SSHCHECK_H

#include "base/err.h"
#include "base/strv.h"
#include "transfer/http.h"

/* The reasons of docs/errors.md for what can be found. */
struct sshcheck_reasons {
	const char *unreachable, *refused, *timeout, *host_key;
};

extern const struct sshcheck_reasons sshcheck_of_fetch, sshcheck_of_upload;

/*
 * `ssh` is the command with its options, `login` HOST or USER@HOST. ERR_INPUT with a reason; 0 when
 * the host answers with the right key, so that it was the login, or what came after it.
 */
int sshcheck(const struct strv *ssh, const char *login, const struct sshcheck_reasons *r,
	const struct transfer_options *o, struct err *e) NODISCARD;

#endif
