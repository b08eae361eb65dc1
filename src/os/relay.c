/* SPDX-License-Identifier: Apache-2.0 */
#include "os/relay.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "os/fd.h"

enum { A_IN, A_OUT, B_IN, B_OUT, SIZE = LIMIT_PROXY_BUFFER };

void relay_init(struct relay *r, int a_in, int a_out, int b_in, int b_out)
{
	*r = (struct relay){.a_in = a_in,
		.a_out = a_out,
		.b_in = b_in,
		.b_out = b_out,
		.buffers = mem_array(2, SIZE)};
	flow_init(&r->up, r->buffers, SIZE);
	flow_init(&r->down, r->buffers + SIZE, SIZE);
}

void relay_release(struct relay *r)
{
	free(r->buffers);
	r->buffers = NULL;
}

static struct pollfd wait_for(int fd, bool wanted, short events)
{
	return (struct pollfd){.fd = wanted ? fd : -1, .events = events};
}

static bool wants_more(const struct flow *f)
{
	return !f->ended && flow_room(f, f->size) > 0;
}

void relay_poll(const struct relay *r, struct pollfd *p)
{
	p[A_IN] = wait_for(r->a_in, wants_more(&r->up), POLLIN);
	p[B_OUT] = wait_for(r->b_out, r->up.ready > 0, POLLOUT);
	p[B_IN] = wait_for(r->b_in, wants_more(&r->down), POLLIN);
	p[A_OUT] = wait_for(r->a_out, r->down.ready > 0, POLLOUT);
}

static void pass_end(struct flow *f, int *out)
{
	if (!flow_is_over(f))
		return;
	if (shutdown(*out, SHUT_WR) < 0 && errno == ENOTSOCK)
		fd_close(fd_steal(out));
	f->shut = true;
}

/* Only ends that poll(2) reported as ready are used, because the descriptors may be blocking. */
static int move(struct flow *f, int in, const struct pollfd *can_read, int *out,
	const struct pollfd *can_write)
{
	if (can_read->revents && flow_fill(f, in, f->size) < 0)
		return -1;
	if (can_write->revents && flow_drain(f, *out) < 0)
		return -1;
	f->ready = f->len;
	pass_end(f, out);
	return 0;
}

int relay_move(struct relay *r, const struct pollfd *p, struct err *e)
{
	if (move(&r->up, r->a_in, &p[A_IN], &r->b_out, &p[B_OUT]) < 0 ||
		move(&r->down, r->b_in, &p[B_IN], &r->a_out, &p[A_OUT]) < 0)
		return err_sys(e, "the connection broke");
	return r->up.shut && r->down.shut ? 0 : 1;
}
