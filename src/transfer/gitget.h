/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches a commit of another repository by the program git, into a new directory.
 *
 * - No code of the repository runs. There are no hooks, filters, submodules, file system monitors,
 *   templates and credential helpers, and no configuration except that set here. Attributes of the
 *   repository are ignored, so files have the committed bytes. git uses only the protocol of the
 *   URL.
 * - The directory is created as ".NAME.part". It is renamed to NAME when HEAD is the commit and the
 *   files match the commit. An earlier entry NAME is then removed.
 * - The history is not fetched, unless the server does not serve the commit on its own.
 * - An existing directory with exactly the commit and its files is kept, without network access.
 *
 * git itself has no limits, so they are enforced from outside: stored bytes are limited by o->room,
 * received bytes are counted on the way from the proxy (meter.h), and the transfer ends if the
 * server sends no data, or data that is not a repository.
 *
 * A failed HTTP request has the reason of its status (answer.h), and is retried if a retry may
 * succeed, as in http.h. Messages of the server are in the log, but not in errors.
 *
 * The reasons of errors are those of http.h, and fetch_commit if the repository lacks the commit,
 * fetch_host_key if the server's host key is not the expected one.
 */
#ifndef TRANSFER_GITGET_H
#define TRANSFER_GITGET_H

#include "base/strv.h"
#include "transfer/http.h"

struct gitget {
	const char *url;    /* http://, https://, or ssh://[USER@]HOST/PATH; no credentials */
	const char *commit; /* full hash: 40 or 64 hexadecimal digits of either case */
	const char *name;   /* name of the directory: one component */
	const char *dir;    /* absolute path of the parent directory; o->dir_fd is the same */
	/* The ssh command with options, for ssh://. Words without spaces and quotes. */
	const struct strv *ssh;
	/* Beginning of ssh's ProxyCommand, "PROGRAM... "; the proxy is appended. NULL: none. */
	const char *ssh_proxy;
};

/* Changes the environment of the process, which git inherits. */
int gitget(const struct gitget *g, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
