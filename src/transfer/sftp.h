/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of SFTP, version 3 (draft-ietf-secsh-filexfer-02), with the extensions of OpenSSH for renaming over
 * a file and for fsync (its file PROTOCOL, section 4), over two descriptors: a connection that somebody else has made.
 *
 * The server is a stranger. An answer has at most LIMIT_SFTP_ANSWER bytes, is the one to a request that waits for it, and
 * comes within stall_ms after the last whole answer or the last byte that the server took. A list of names ends within
 * stall_ms and LIMIT_SFTP_NAMES, what is read within four times stall_ms, and a block that is read comes in at most SFTP_PIECES answers, so that one that is
 * slow on purpose is left, too. What breaks one of these rules ends the session, for good.
 *
 * Functions return 0; or the positive code with which the server rejected the request (SFTP_...), and s->said is what it
 * said of it; or -1 when the session is over, and s->end tells why. Names are bytes, without any meaning to us.
 */
#ifndef TRANSFER_SFTP_H
#define TRANSFER_SFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/limits.h"

#include "base/buf.h"

enum {
	SFTP_NAME_MAX = 4096, /* of a path in a request */
	SFTP_WINDOW = 64,     /* requests to read or write that are under way */
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
	SFTP_CUT,      /* the other side has closed the connection */
	SFTP_STALLED,  /* no answer in time */
	SFTP_NONSENSE, /* against the protocol, or without end; s->nonsense names it */
	SFTP_LOCAL,    /* a file of ours cannot be read; errno */
};

/* A request to read or write that waits for its answer. */
struct sftp_block {
	uint32_t id;
	uint32_t len;
	uint64_t offset;
	unsigned pieces; /* that have come of what was first asked for */
};

struct sftp {
	int in, out; /* borrowed, non-blocking */
	int64_t stall_ms;
	enum sftp_end end;
	const char *nonsense; /* of SFTP_NONSENSE: "an answer that is too long" */
	bool can_rename_over, can_sync;
	char said[SFTP_SAID_MAX +
		1]; /* the server's words for the last code; unsafe to show as they are */

	uint32_t last_id;
	int64_t until_ms; /* when all of a list must have come; 0: no such time */
	int64_t moved_ms; /* when the last whole answer came, or the server took something */
	struct buf coming, going;
	bool ended; /* nothing more comes */
	struct sftp_block blocks[SFTP_WINDOW];
	size_t block_count;
};

struct sftp_handle {
	char data[SFTP_HANDLE_MAX];
	size_t len;
};

struct sftp_attributes {
	bool has_size, is_file,
		is_directory; /* what the server says; both false: something else, or not said */
	uint64_t size;
};

/* Say hello. in and out are borrowed until sftp_release, and may be the same. */
int sftp_begin(struct sftp *s, int in, int out, int64_t stall_ms);
void sftp_release(struct sftp *s);

int sftp_stat(
	struct sftp *s, const char *path, struct sftp_attributes *ret); /* links are followed */
int sftp_mkdir(struct sftp *s, const char *path);
int sftp_remove(struct sftp *s, const char *path);
/*
 * `to` is replaced. Where the server cannot do that at once, what is there is first moved to its name with ".ambient-old"
 * added, and back if that does not help.
 */
int sftp_rename(struct sftp *s, const char *from, const char *to);

/* name: no longer than SFTP_NAME_MAX, without NUL and slashes; "." and ".." are left out. */
typedef void (*sftp_take_name)(void *arg, const char *name, const struct sftp_attributes *a);
int sftp_list(struct sftp *s, const char *path, sftp_take_name take, void *arg);

/* To read and write, made if it is not there, nothing of it removed. */
int sftp_open(struct sftp *s, const char *path, struct sftp_handle *ret);
int sftp_size(struct sftp *s, const struct sftp_handle *h, struct sftp_attributes *ret);
int sftp_truncate(struct sftp *s, const struct sftp_handle *h, uint64_t size);
/* `len` bytes from `offset` on; *ret_len: those before its end. */
int sftp_read(struct sftp *s, const struct sftp_handle *h, uint64_t offset, char *data, size_t len,
	size_t *ret_len);
/* The bytes from `offset` to `end` of our file, to the same place there. */
int sftp_write(struct sftp *s, const struct sftp_handle *h, int fd, uint64_t offset, uint64_t end);
int sftp_sync(struct sftp *s, const struct sftp_handle *h); /* 0 where the server cannot */
int sftp_close(struct sftp *s, const struct sftp_handle *h);

#endif
