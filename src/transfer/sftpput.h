/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads files to a directory of a server by SFTP (sftp.h), through ssh(1) of OpenSSH, which logs
 * in.
 *
 * - A file is uploaded to ".ambient-HASH-DIGEST.part" in the same directory: HASH is the hash of
 *   its name, DIGEST the SHA-256 of its content. It is renamed when the server reports the right
 *   length. Therefore partial files of other contents have other names; they are removed after the
 *   rename.
 * - A broken connection is opened again, `tries` of transfer_options in total, with a pause that
 *   doubles. A partial file of this or an earlier run is resumed if its last 4 MiB, read back,
 *   match the file; otherwise it is uploaded from the beginning.
 * - A failed login is not retried, because its cause is usually a key.
 * - The upload ends if the server neither responds nor accepts data for stall_ms, violates the
 *   protocol, or sends a list that exceeds its limit.
 *
 * Messages of ssh go to standard error, unchanged. Reasons: upload_cut, upload_timeout,
 * upload_failed; none if the login failed.
 */
#ifndef TRANSFER_SFTPPUT_H
#define TRANSFER_SFTPPUT_H

#include "base/strv.h"
#include "data/node.h"
#include "transfer/http.h"

struct sftpput {
	const struct strv *ssh; /* command that starts the host's sftp subsystem, with the login */
	const char *host;       /* for messages */
	const char *path;       /* a directory on the server; "": the initial directory */
	/*
	 * In this order, relative to `path` and to o->dir_fd: "NAME/" is a directory, which is
	 * created if it does not exist; "NAME" is a file.
	 */
	const struct node *entries;
};

int sftpput(const struct sftpput *p, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
