/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files to a directory of a server, by the program sftp(1) of OpenSSH.
 *
 * - A file is sent under another name beside its own, ".ambient-HASH-DIGEST.part": HASH is of its
 *   name, DIGEST the SHA-256 of what is in it. It gets its name by a rename, when the server says
 *   that it is as long as here. A partial file is therefore of the same content or has another
 *   name; those of other contents are removed when the file is in place.
 * - A connection that is cut is made again, `tries` of http_options in all, with a pause that
 *   doubles. A partial file, of this run or an earlier one, is continued where it ends, when its
 *   last SFTPPUT_TAIL_BYTES, read back, are those of the file; else it is begun anew.
 * - A login that never came about is not tried again: that is a matter of keys.
 * - A server that for stall_ms neither answers nor takes anything of a file is left, and so is one
 *   whose answers have no end (LIMIT_SFTP_MEMORY, LIMIT_SFTP_LINE).
 *
 * What sftp and ssh say goes to standard error, unchanged. Reasons: upload_cut, upload_timeout,
 * upload_failed; none when nobody could log in.
 */
#ifndef TRANSFER_SFTPPUT_H
#define TRANSFER_SFTPPUT_H

#include "base/strv.h"
#include "data/node.h"
#include "transfer/http.h"

/*
 * Of the requests to write that are under way when a connection is cut, a server may have carried
 * out any: what is behind the first that it has not is no part of the file. sftp is told to have
 * SFTPPUT_REQUESTS of SFTPPUT_REQUEST_BYTES under way, 2 MiB, and twice that is read back.
 */
enum {
	SFTPPUT_REQUESTS = 64,
	SFTPPUT_REQUEST_BYTES = 32 * 1024,
	SFTPPUT_TAIL_BYTES = 2 * SFTPPUT_REQUESTS * SFTPPUT_REQUEST_BYTES,
};

struct sftpput {
	/* How sftp is started, the login and "-b -" included, but for -B and -R. */
	const struct strv *sftp;
	const char *host; /* for messages */
	const char *path; /* a directory there; "": where the login leads */
	/*
	 * In this order, relative to `path` and to o->dir_fd: "NAME/" is a directory to be made
	 * unless it is there, "NAME" a file.
	 */
	const struct node *entries;
};

int sftpput(const struct sftpput *p, const struct http_options *o, struct err *e) NODISCARD;

#endif
