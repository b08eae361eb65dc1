/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/fd.h"
#include "os/sig.h"

/*
 * Written bytes leave the queue's memory in one move when they are many; the slack keeps such moves
 * rare while the queue is full.
 */
enum { RESERVE = 1 << 20, SLACK = 4 << 20 };

/* What a terminal takes at once when poll says that it takes something; and how long last words
 * last. */
enum { TERMINAL_PIECE = 64, LAST_WORDS_MS = 1000 };

static enum outlet_way choose_way(int *fd, size_t *piece)
{
	char path[64];
	struct stat st;
	int again;

	/* A descriptor for reading only must fail as it is, not be opened for writing. */
	if ((fcntl(*fd, F_GETFL) & O_ACCMODE) == O_RDONLY || fstat(*fd, &st) < 0 ||
		S_ISREG(st.st_mode))
		return OUTLET_PLAIN;
	if (S_ISSOCK(st.st_mode))
		return OUTLET_SOCKET;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (again < 0) {
		*piece = S_ISCHR(st.st_mode) ? TERMINAL_PIECE : PIPE_BUF;
		return OUTLET_POLL;
	}
	fd_close(*fd);
	*fd = again;
	return OUTLET_NONBLOCK;
}

void outlet_open(struct outlet *o, int fd)
{
	*o = (struct outlet){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	if (o->fd < 0)
		o->error = errno;
	else
		o->way = choose_way(&o->fd, &o->piece);
	buf_init(&o->queue, OUTLET_QUEUE_BYTES + RESERVE + SLACK);
}

void outlet_release(struct outlet *o)
{
	fd_close(o->fd);
	buf_release(&o->queue);
	*o = (struct outlet){.fd = -1};
}

static size_t waiting(const struct outlet *o)
{
	return o->queue.len - o->head;
}

bool outlet_waits(const struct outlet *o)
{
	return waiting(o) > 0 && !o->error;
}

bool outlet_is_low(const struct outlet *o)
{
	return waiting(o) < OUTLET_QUEUE_BYTES / 2;
}

struct buf *outlet_room(struct outlet *o, size_t n, bool important)
{
	size_t most = OUTLET_QUEUE_BYTES + (important ? RESERVE : 0);

	if (o->error || n > most || waiting(o) > most - n)
		return NULL;
	if (o->head > 0 && o->queue.len > o->queue.max - n) {
		buf_drop_front(&o->queue, o->head);
		o->head = 0;
	}
	return &o->queue;
}

static ssize_t write_some(const struct outlet *o, const char *data, size_t len)
{
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};

	switch (o->way) {
	case OUTLET_SOCKET:
		return send(o->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case OUTLET_POLL:
		if (poll(&p, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(o->fd, data, len < o->piece ? len : o->piece);
	case OUTLET_PLAIN:
	case OUTLET_NONBLOCK:
		break;
	}
	return write(o->fd, data, len);
}

void outlet_push(struct outlet *o)
{
	while (outlet_waits(o)) {
		ssize_t n = write_some(o, o->queue.data + o->head, waiting(o));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			o->error = errno;
			return;
		}
		o->head += (size_t)n;
	}
	buf_clear(&o->queue);
	o->head = 0;
}

/* Whoever interrupts us still wants the last words, but not to wait for them for ever. */
void outlet_finish(struct outlet *o)
{
	struct pollfd p[2] = {{.fd = o->fd, .events = POLLOUT}, {.fd = sig_fd(), .events = POLLIN}};
	int64_t deadline = CLOCK_NEVER;

	for (;;) {
		outlet_push(o);
		if (!outlet_waits(o) || clock_ms() >= deadline)
			return;
		if (sig_pending() && deadline == CLOCK_NEVER) {
			deadline = clock_ms() + LAST_WORDS_MS;
			p[1].fd = -1;
		}
		if (poll(p, 2, clock_poll_timeout(deadline)) < 0 && errno != EINTR) {
			o->error = errno;
			return;
		}
	}
}
