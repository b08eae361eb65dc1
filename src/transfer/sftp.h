/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SFTP client, version 3 (draft-ietf-secsh-filexfer-02), with the OpenSSH extensions for
 * renaming over a file and for fsync (OpenSSH's file PROTOCOL, section 4). It uses two descriptors
 * of an existing connection.
 *
 * The server is untrusted. These rules apply; breaking one of them ends the session:
 *
 * - A response has at most LIMIT_SFTP_ANSWER bytes and belongs to a pending request.
 * - A response arrives within stall_ms after the last complete response, or after the server last
 *   accepted data.
 * - A list of names is complete within stall_ms and has at most LIMIT_SFTP_NAMES names.
 * - Reading is complete within four times stall_ms, each block in at most SFTP_PIECES responses.
 *
 * Functions return 0; or the positive code with which the server rejected the request (SFTP_...),
 * with the server's message in s->said; or -1 if the session has ended, with the cause in s->end.
 * Names are bytes without an encoding.
 */
#ifndef TRANSFER_SFTP_H
#define TRANSFER_SFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "transfer/limits.h"

enum {
	SFTP_NAME_MAX = 4096, /* bytes of a path in a request */
	SFTP_WINDOW = 64,     /* pending read and write requests */
	SFTP_BLOCK = 32 * 1024,
	SFTP_HANDLE_MAX = 256,
	SFTP_PIECES = 32,
	SFTP_SAID_MAX = 200,
};

/* Codes of the server (section 7); others exist. */
enum {
	SFTP_OK = 0,
	SFTP_EOF = 1,
	SFTP_NO_SUCH_FILE = 2,
	SFTP_PERMISSION_DENIED = 3,
	SFTP_FAILURE = 4,
	SFTP_UNSUPPORTED = 8,
};

enum sftp_end {
	SFTP_GOES_ON,
	SFTP_CUT,      /* the server closed the connection */
	SFTP_STALLED,  /* no response in time */
	SFTP_NONSENSE, /* protocol violation or exceeded limit; named by s->nonsense */
	SFTP_LOCAL,    /* a local file cannot be read; errno */
};

/* A pending read or write request. */
struct sftp_block {
	uint32_t id;
	uint32_t len;
	uint64_t offset;
	unsigned pieces; /* responses received for this block */
};

struct sftp {
	int in, out; /* borrowed, non-blocking */
	int64_t stall_ms;
	enum sftp_end end;
	const char *nonsense; /* SFTP_NONSENSE: "an answer that is too long" */
	bool can_rename_over, can_sync;
	char said[SFTP_SAID_MAX +
		1]; /* server's message for the last code; may have control characters */

	uint32_t last_id;
	int64_t until_ms; /* deadline of a list; 0: none */
	int64_t moved_ms; /* time of the last complete response or accepted data */
	struct buf coming, going;
	bool ended; /* end of input */
	struct sftp_block blocks[SFTP_WINDOW];
	size_t block_count;
};

struct sftp_handle {
	char data[SFTP_HANDLE_MAX];
	size_t len;
};

struct sftp_attributes {
	bool has_size, is_file,
		is_directory; /* as reported by the server; both false: another type, or unknown */
	uint64_t size;
};

/* Start a session. in and out are borrowed until sftp_release, and may be the same. */
int sftp_begin(struct sftp *s, int in, int out, int64_t stall_ms);
void sftp_release(struct sftp *s);

int sftp_stat(struct sftp *s, const char *path, struct sftp_attributes *ret); /* follows links */
int sftp_mkdir(struct sftp *s, const char *path);
int sftp_remove(struct sftp *s, const char *path);
/*
 * Rename `from` to `to`, replacing `to`. If the server cannot replace a file atomically, `to` is
 * first renamed to its name with ".ambient-old" appended, and renamed back if the second rename
 * fails.
 */
int sftp_rename(struct sftp *s, const char *from, const char *to);

/* name: at most SFTP_NAME_MAX bytes, without NUL and slashes; never "." or "..". */
typedef void (*sftp_take_name)(void *arg, const char *name, const struct sftp_attributes *a);
int sftp_list(struct sftp *s, const char *path, sftp_take_name take, void *arg);

/* Open for reading and writing; create the file if it does not exist; do not truncate it. */
int sftp_open(struct sftp *s, const char *path, struct sftp_handle *ret);
int sftp_size(struct sftp *s, const struct sftp_handle *h, struct sftp_attributes *ret);
int sftp_truncate(struct sftp *s, const struct sftp_handle *h, uint64_t size);
/* Read `len` bytes at `offset`; *ret_len is smaller only at the end of the file. */
int sftp_read(struct sftp *s, const struct sftp_handle *h, uint64_t offset, char *data, size_t len,
	size_t *ret_len);
/* Write the bytes from `offset` to `end` of the local file `fd` to the same offset. */
int sftp_write(struct sftp *s, const struct sftp_handle *h, int fd, uint64_t offset, uint64_t end);
/* Returns 0 if the server does not support it. */
int sftp_sync(struct sftp *s, const struct sftp_handle *h);
int sftp_close(struct sftp *s, const struct sftp_handle *h);

#endif
