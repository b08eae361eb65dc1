/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds why a program that uses ssh failed. ssh exits with 255 for all causes, and the output of
 * such programs is mixed with untrusted messages of the server, so it is not parsed. Instead, the
 * proxy is asked to connect to the host, and ssh is started again without a key and with a log file
 * (-E), in which text of the server is never a complete line.
 */
#ifndef TRANSFER_SSHCHECK_H
#define TRANSFER_SSHCHECK_H

#include "base/err.h"
#include "base/strv.h"
#include "transfer/http.h"

/* The reasons of docs/errors.md for the causes that can be found. */
struct sshcheck_reasons {
	const char *unreachable, *refused, *timeout, *host_key;
};

extern const struct sshcheck_reasons sshcheck_of_fetch, sshcheck_of_upload;

/*
 * `ssh` is the command with its options, `login` is HOST or USER@HOST. ERR_INPUT with a reason; 0
 * if the host responds with the right host key, so that the login, or a later step, failed.
 */
int sshcheck(const struct strv *ssh, const char *login, const struct sshcheck_reasons *r,
	const struct transfer_options *o, struct err *e) NODISCARD;

#endif
