/* SPDX-License-Identifier: Apache-2.0 */
#include "os/flow.h"

#include <errno.h>
#include <unistd.h>

void flow_init(struct flow *f, char *data, size_t size)
{
	*f = (struct flow){.data = data, .size = size, .left = FLOW_NO_END};
}

static bool would_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

size_t flow_room(const struct flow *f, size_t max)
{
	size_t used = f->len ? f->start + f->len : 0;
	size_t room = used < max ? max - used : 0;

	return room < f->left ? room : (size_t)f->left;
}

ssize_t flow_fill(struct flow *f, int fd, size_t max)
{
	size_t room = flow_room(f, max);
	ssize_t n;

	if (f->ended || room == 0)
		return 0;
	if (f->len == 0)
		f->start = 0;
	n = read(fd, f->data + f->start + f->len, room);
	if (n < 0)
		return would_wait() ? 0 : -1;
	f->ended = n == 0;
	f->len += (size_t)n;
	f->filled += (uint64_t)n;
	if (f->left != FLOW_NO_END)
		f->left -= (uint64_t)n;
	return n;
}

ssize_t flow_drain(struct flow *f, int fd)
{
	ssize_t n;

	if (f->ready == 0)
		return 0;
	n = write(fd, f->data + f->start, f->ready);
	if (n < 0)
		return would_wait() ? 0 : -1;
	f->start += (size_t)n;
	f->ready -= (size_t)n;
	f->len -= (size_t)n;
	f->drained += (uint64_t)n;
	return n;
}

bool flow_is_over(const struct flow *f)
{
	return f->ended && f->len == 0 && !f->shut;
}
