/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of ssh-liar: a connection (ssh-liar.c), ssh on it (liar_ssh.c), sftp in that (liar_sftp.c). */
#ifndef TESTS_LIAR_H
#define TESTS_LIAR_H

#include <stdbool.h>

#include "base/buf.h"

struct liar {
	const char *host_key;       /* file */
	const char *identification; /* behind "SSH-2.0-"; NULL: as libssh */
	const char *banner;         /* before the login; NULL: none */
	bool deny;                  /* nobody logs in */
	const char *sftp;           /* a lie of liar_sftp.c */
	const char *log;            /* gets a line for each event; NULL: none */
};

/* Append a line to the log. */
void liar_log(const struct liar *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Serve one connection; it is closed when this returns. 1: something of our own failed. */
int liar_ssh(const struct liar *l, int fd);

/* One sftp session. `in` has what has come and is not answered yet. */
struct liar_sftp {
	const struct liar *liar;
	struct buf in, out;
	unsigned lists;
	bool cut; /* end the connection now */
};

void liar_sftp_init(struct liar_sftp *s, const struct liar *l);
void liar_sftp_release(struct liar_sftp *s);
bool liar_sftp_knows(const char *lie);
extern const char liar_sftp_help[];

/* Answer the packets that are whole: what is to be sent is appended to `out`. */
void liar_sftp_work(struct liar_sftp *s);

#endif
