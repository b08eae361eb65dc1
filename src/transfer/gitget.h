/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit of another repository, by the program git, into a directory of its own.
 *
 * - Nothing of the repository runs: no hooks, filters (attributes of the repository do not count at
 *   all: files get the bytes that were committed), submodules, file system monitors, templates,
 *   credential helpers, and no configuration but what is said here. git gets there by the protocol
 *   of the URL only.
 * - The directory is made under another name, ".NAME.part", and put in place by a rename when HEAD
 *   is the commit and the files are those of the commit. What had the name before is removed then.
 * - The history is not fetched, unless the server gives commits away only together with it.
 * - A directory that is there already, with the commit and its files and no other, is left as it
 *   is, and nothing is asked over the network.
 *
 * git itself has no bounds, so it is watched: what it stores counts as o->room, what it receives is
 * counted on its way to the proxy (meter.h), and a server that sends something else than a
 * repository, or nothing, is left.
 *
 * A request that fails over HTTP has the reason of its status (answer.h), and is tried again where that may help, as
 * in http.h. Messages of a server are in the log and in no error.
 *
 * The reasons of errors are those of http.h, and fetch_commit for a repository that lacks it,
 * fetch_host_key for a server with another key.
 */
#ifndef TRANSFER_GITGET_H
#define TRANSFER_GITGET_H

#include "base/strv.h"
#include "transfer/http.h"

struct gitget {
	const char *url;    /* http://, https://, or ssh://[USER@]HOST/PATH; no credentials */
	const char *commit; /* its whole name: 40 or 64 hexadecimal digits of either case */
	const char *name;   /* of the directory: one component */
	const char *dir;    /* the absolute path of the one above; o->dir_fd is the same */
	/* The command for ssh:// and its options, of words without blanks and quotes. */
	const struct strv *ssh;
	/* What its option ProxyCommand is: "PROGRAM... ", followed by the proxy; NULL: as it is. */
	const char *ssh_proxy;
};

/* Changes the environment of the process, which git inherits. */
int gitget(const struct gitget *g, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
