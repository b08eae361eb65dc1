/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to standard output and the like without blocking. A terminal that was stopped with ^S and
 * a pipe whose reader sleeps accept no bytes. A blocking write(2) to them could not be interrupted,
 * because the signals that ask the program to end are blocked (os/sig.h).
 *
 * O_NONBLOCK is a property of the open file, which this process shares with the shell and other
 * processes. So it is never set on an inherited descriptor:
 *
 * - a terminal or pipe is opened again through /proc/self/fd, which gives a separate open file;
 * - a socket is written to with MSG_DONTWAIT;
 * - a file on a disk is written to normally (its disk may be slow, but never sleeps);
 * - if opening again fails (another user's terminal), poll(2) reports when a small piece fits:
 *   PIPE_BUF bytes of a pipe, which POSIX guarantees; a terminal guarantees nothing, so only few
 *   bytes.
 */
#ifndef OS_NOWAIT_H
#define OS_NOWAIT_H

#include <stddef.h>
#include <sys/types.h>

enum nowait_way { NOWAIT_PLAIN, NOWAIT_NONBLOCK, NOWAIT_SOCKET, NOWAIT_POLL };

struct nowait {
	int fd; /* owned */
	enum nowait_way way;
	size_t piece; /* NOWAIT_POLL: the most bytes in one write */
};
#define NOWAIT_NONE                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* fd is borrowed; a duplicate is kept. -1 with errno, and ret->fd is -1 then. */
int nowait_open(int fd, struct nowait *ret);
void nowait_release(struct nowait *w);
#define auto_nowait __attribute__((cleanup(nowait_release)))

/* Write what can be written at once. The number of bytes, or -1 with errno; EAGAIN: no byte. */
ssize_t nowait_write(const struct nowait *w, const void *data, size_t len);

/*
 * Write all bytes to a borrowed descriptor. Waits for a sleeping reader until a signal comes. 0, or
 * -1 with errno; EINTR: a signal came first.
 */
int nowait_put(int fd, const void *data, size_t len);

#endif
