/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to what others read, without being at their mercy: a terminal that was stopped with ^S
 * and a pipe whose reader sleeps take no bytes, and a write(2) that waits for them cannot be
 * interrupted, because the signals that ask us to end are blocked (os/sig.h).
 *
 * O_NONBLOCK belongs to the open file, which the shell and others share with us, so it is never set
 * on the descriptor that we were given:
 *
 * - a terminal or pipe is opened again through /proc/self/fd, which gives an open file of our own;
 * - a socket is written with MSG_DONTWAIT;
 * - a file on a disk is written as it is (its disk may be slow, but is never asleep);
 * - where opening again is refused (another user's terminal), poll(2) says when a small piece fits:
 *   PIPE_BUF bytes of a pipe, as POSIX promises; a terminal promises nothing, so few bytes.
 */
#ifndef OS_NOWAIT_H
#define OS_NOWAIT_H

#include <stddef.h>
#include <sys/types.h>

enum nowait_way { NOWAIT_PLAIN, NOWAIT_NONBLOCK, NOWAIT_SOCKET, NOWAIT_POLL };

struct nowait {
	int fd; /* owned */
	enum nowait_way way;
	size_t piece; /* NOWAIT_POLL: most bytes of one write */
};
#define NOWAIT_NONE                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* fd is borrowed: only a duplicate is kept. -1 with errno, and ret->fd is -1 then. */
int nowait_open(int fd, struct nowait *ret);
void nowait_release(struct nowait *w);
#define auto_nowait __attribute__((cleanup(nowait_release)))

/* What goes at once. The number of bytes, or -1 with errno: EAGAIN when it is none. */
ssize_t nowait_write(const struct nowait *w, const void *data, size_t len);

/*
 * Write all of it to a borrowed descriptor. A reader that sleeps is waited for until a signal
 * comes. 0, or -1 with errno: EINTR when a signal came first.
 */
int nowait_put(int fd, const void *data, size_t len);

#endif
