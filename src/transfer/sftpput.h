/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files to a directory of a server by SFTP (sftp.h), through ssh(1) of OpenSSH, which logs in.
 *
 * - A file is sent under another name beside its own, ".ambient-HASH-DIGEST.part": HASH is of its
 *   name, DIGEST the SHA-256 of what is in it. It gets its name by a rename, when the server says
 *   that it is as long as here. A partial file is therefore of the same content or has another
 *   name; those of other contents are removed when the file is in place.
 * - A connection that is cut is made again, `tries` of transfer_options in all, with a pause that
 *   doubles. A partial file, of this run or an earlier one, is continued where it ends, when its
 *   last 4 MiB, read back, are those of the file; else it is begun anew.
 * - A login that never came about is not tried again: that is a matter of keys.
 * - A server that for stall_ms neither answers nor takes anything of a file is left, and so is one
 *   that breaks the protocol, or whose lists have no end.
 *
 * What ssh says goes to standard error, unchanged. Reasons: upload_cut, upload_timeout,
 * upload_failed; none when nobody could log in.
 */
#ifndef TRANSFER_SFTPPUT_H
#define TRANSFER_SFTPPUT_H

#include "base/strv.h"
#include "data/node.h"
#include "transfer/http.h"

struct sftpput {
	const struct strv
		*ssh;     /* how the subsystem sftp of the host is started, the login included */
	const char *host; /* for messages */
	const char *path; /* a directory there; "": where the login leads */
	/*
	 * In this order, relative to `path` and to o->dir_fd: "NAME/" is a directory to be made
	 * unless it is there, "NAME" a file.
	 */
	const struct node *entries;
};

int sftpput(const struct sftpput *p, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
