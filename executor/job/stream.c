/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

enum { PIPE_BYTES = 1 << 18, PAGE_BYTES = 4096 };

int stream_pipe(int *ret_read, int *ret_write, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	*ret_read = ends[0];
	*ret_write = ends[1];
	if (fd_above_stdio(ret_read) < 0 || fd_above_stdio(ret_write) < 0)
		return err_sys(e, "pipe");
	return 0;
}

int stream_open(struct stream *s, struct err *e)
{
	if (stream_pipe(&s->fd, &s->their_fd, e) < 0)
		return -1;
	/* A program may change its user and open /dev/stderr, which is a link to this pipe. */
	if (fchmod(s->their_fd, 0666) < 0)
		return err_sys(e, "pipe");
	/* For speed only, so failure is harmless. */
	(void)fcntl(s->their_fd, F_SETPIPE_SZ, PIPE_BYTES);
	return fd_set_nonblock(s->fd, e);
}

void stream_close(struct stream *s)
{
	fd_close(fd_steal(&s->fd));
	fd_close(fd_steal(&s->their_fd));
	s->before_plug = s->plug = 0;
}

/* ---- plugs ---- */

/* A pipe full of pages of zeros, from which tee(2) copies; -1: none. */
static int plugs(void)
{
	static const char page[PAGE_BYTES];
	static int full = -1, unused = -1;
	struct err ignored = {0};

	if (full >= 0)
		return full;
	if (stream_pipe(&full, &unused, &ignored) < 0)
		return -1;
	(void)fcntl(unused, F_SETPIPE_SZ, PIPE_BYTES);
	if (fcntl(unused, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	while (write(unused, page, sizeof(page)) == sizeof(page))
		;
	return full;
}

/*
 * Fill the pipe. Then nothing can be written after the plug, so all other bytes in the pipe precede
 * it.
 */
void stream_plug(struct stream *s)
{
	ssize_t n;
	int bytes = 0;

	if (s->fd < 0 || s->plug)
		return;
	n = tee(plugs(), s->their_fd, PIPE_BYTES, SPLICE_F_NONBLOCK);
	if (n <= 0 || ioctl(s->fd, FIONREAD, &bytes) < 0)
		return;
	s->plug = (size_t)n;
	s->before_plug = (size_t)bytes - s->plug;
}

static int unplug(struct stream *s)
{
	static char waste[16 * PAGE_BYTES];

	while (s->plug) {
		ssize_t n = read(s->fd, waste, s->plug < sizeof(waste) ? s->plug : sizeof(waste));

		if (n <= 0)
			return -1;
		s->plug -= (size_t)n;
	}
	return 0;
}

ssize_t stream_read(struct stream *s, void *data, size_t room)
{
	ssize_t n;

	if (s->plug && s->before_plug == 0 && unplug(s) < 0)
		return -1;
	if (s->plug && room > s->before_plug)
		room = s->before_plug;
	n = read(s->fd, data, room);
	if (s->plug && n > 0)
		s->before_plug -= (size_t)n;
	return n;
}
