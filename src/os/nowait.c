/* SPDX-License-Identifier: Apache-2.0 */
#include "os/nowait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/sig.h"

/* The bytes that a terminal accepts without blocking when poll(2) reports POLLOUT. */
enum { TERMINAL_PIECE = 64, PAUSE_MS = 10 };

/* Includes descriptors that are open only for reading: a write to them fails at once. */
static bool is_plain(int fd, const struct stat *st)
{
	return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY || S_ISREG(st->st_mode) ||
		S_ISBLK(st->st_mode);
}

static void choose_way(struct nowait *w)
{
	char path[64];
	struct stat st;
	int again;

	if (fstat(w->fd, &st) < 0 || is_plain(w->fd, &st))
		return;
	if (S_ISSOCK(st.st_mode)) {
		w->way = NOWAIT_SOCKET;
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (again < 0) {
		w->piece = S_ISCHR(st.st_mode) ? TERMINAL_PIECE : PIPE_BUF;
		w->way = NOWAIT_POLL;
		return;
	}
	fd_close(w->fd);
	w->fd = again;
	w->way = NOWAIT_NONBLOCK;
}

int nowait_open(int fd, struct nowait *ret)
{
	*ret = (struct nowait){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	if (ret->fd < 0)
		return -1;
	choose_way(ret);
	return 0;
}

void nowait_release(struct nowait *w)
{
	fd_close(w->fd);
	*w = (struct nowait)NOWAIT_NONE;
}

ssize_t nowait_write(const struct nowait *w, const void *data, size_t len)
{
	struct pollfd p = {.fd = w->fd, .events = POLLOUT};

	switch (w->way) {
	case NOWAIT_SOCKET:
		return send(w->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case NOWAIT_POLL:
		if (poll(&p, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(w->fd, data, len < w->piece ? len : w->piece);
	case NOWAIT_PLAIN:
	case NOWAIT_NONBLOCK:
		break;
	}
	return write(w->fd, data, len);
}

/*
 * -1, EINTR: a signal arrived. `again`: poll(2) has just reported room, but there was not enough: a
 * terminal needs two bytes for a newline.
 */
static int wait_for_room(int fd, bool again)
{
	struct pollfd p[] = {
		{.fd = sig_fd(), .events = POLLIN}, {.fd = again ? -1 : fd, .events = POLLOUT}};

	if (sig_pending()) {
		errno = EINTR;
		return -1;
	}
	(void)poll(p, ARRAY_SIZE(p), again ? PAUSE_MS : -1);
	return 0;
}

int nowait_put(int fd, const void *data, size_t len)
{
	auto_nowait struct nowait w = NOWAIT_NONE;
	const char *p = data;
	bool waited = false;

	if (nowait_open(fd, &w) < 0)
		return -1;
	while (len) {
		ssize_t n = nowait_write(&w, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n < 0 && wait_for_room(w.fd, waited) < 0)
			return -1;
		waited = n < 0 && !waited;
		p += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
	}
	return 0;
}
