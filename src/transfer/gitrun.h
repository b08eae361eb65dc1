/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the program git on a repository of a server, for gitget.h and gitmirror.h.
 *
 * - No code of the repository runs. There are no hooks, filters, submodules, file system monitors,
 *   templates and credential helpers, and no configuration except that set here. git uses only the
 *   protocol of the URL.
 * - git itself has no limits, so they are enforced from outside: stored bytes are limited by
 *   o->room, received bytes are counted on the way from the proxy (meter.h), and a transfer ends if
 *   the server sends no data, or data that is not a repository.
 * - A failed HTTP request has the reason of its status (answer.h). Messages of the server are in the
 *   log, but not in errors. The reasons are those of http.h, and fetch_host_key if the server's host
 *   key is not the expected one.
 */
#ifndef TRANSFER_GITRUN_H
#define TRANSFER_GITRUN_H

#include "base/buf.h"
#include "base/strv.h"
#include "os/proc.h"
#include "transfer/answer.h"
#include "transfer/http.h"
#include "transfer/meter.h"

/* A server, and how to reach it. */
struct gitrun_server {
	const char *url; /* http://, https://, or ssh://[USER@]HOST/PATH; no credentials */
	/* The ssh command with options, for ssh://. Words without spaces and quotes. */
	const struct strv *ssh;
	/* Beginning of ssh's ProxyCommand, "PROGRAM... "; the proxy is appended. NULL: none. */
	const char *ssh_proxy;
};

/* The caller fills the first part; everything is borrowed. */
struct gitrun {
	struct gitrun_server server;
	const struct transfer_options *o;
	const char *name; /* begins each line of progress */
	const char *
		limit; /* where o->room comes from, for messages: "the dependencies' deps_max_size" */
	const char *part; /* the name in o->dir_fd of the tree that git writes */
	const char *dir;  /* the path of o->dir_fd, for messages */

	struct buf said; /* what the last git has printed */
	struct meter meter;
	/* State of a git process that uses the network. */
	uint64_t stored, received;  /* bytes */
	int64_t cpu_ms, look_ms;    /* look_ms: time of the next check */
	int64_t heard_ms, moved_ms; /* times of the last byte received, and of the last progress */
};

/* Changes the environment of the process, which git inherits. Release also after an error. */
void gitrun_init(struct gitrun *r);
void gitrun_release(struct gitrun *r);

/* Connect to the proxy, and see whether the server serves a repository at all. */
int gitrun_connect(struct gitrun *r, struct err *e) NODISCARD;

/*
 * Run git in a directory; its messages are in r->said. Returns the exit code, or -1 with *e if git
 * could not start or was stopped. Commands that use the network or create files are supervised.
 */
int gitrun_words(
	struct gitrun *r, const char *directory, const char *const *words, struct err *e) NODISCARD;
#define GITRUN(r, directory, e, ...)                                                               \
	gitrun_words(r, directory, (const char *const[]){__VA_ARGS__, NULL}, e)

/*
 * As gitrun_words, supervised; r->said is empty, and `take` gets what git prints, and what it says on
 * standard error.
 */
int gitrun_listen(struct gitrun *r, const char *directory, const char *const *words,
	void (*take)(void *arg, const char *data, size_t len), void *arg, struct err *e) NODISCARD;

/* The command line of gitrun_words, for a caller that watches git itself. */
void gitrun_argv(
	const struct gitrun *r, const char *directory, const char *const *words, struct strv *argv);

/* A line of progress. */
void gitrun_tell(struct gitrun *r, const char *what);

/* Show what git has printed, line by line. Returns the first line that is an error. */
const char *gitrun_complaint(struct gitrun *r);

/* The error "URL: what", which is left out if it is too long to be shown completely. */
int gitrun_failed(struct gitrun *r, const char *reason, const char *what, struct err *e);
/* The error that r->said tells of. */
int gitrun_failed_as_it_said(struct gitrun *r, struct err *e);
/* For commands that fail only because of a full disk or an invalid repository: 0 if code is 0. */
int gitrun_must(struct gitrun *r, int code, struct err *e) NODISCARD;

/*
 * The command has failed: may the same succeed later? If so, tell it, wait, and return true.
 * `tries` counts the attempts so far, from 1. *ret_answer: what r->said tells of; NULL: nothing that
 * is known.
 */
bool gitrun_try_again(struct gitrun *r, unsigned tries, const struct answer **ret_answer);

#endif
