/* SPDX-License-Identifier: Apache-2.0 */
#include "os/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"

void loop_add(struct loop *l, struct loop_source *s)
{
	if (l->count == LOOP_SOURCES_MAX)
		BUG("more than %d sources in a loop", LOOP_SOURCES_MAX);
	l->sources[l->count++] = s;
}

void loop_remove(struct loop *l, const struct loop_source *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->sources[i] != s)
			l->sources[kept++] = l->sources[i];
	l->count = kept;
}

static int call_ready(const struct loop *turn, const struct pollfd *polls, struct err *e)
{
	for (size_t i = 0; i < turn->count; i++) {
		const struct loop_source *s = turn->sources[i];

		if (polls[i].revents && s->ready && s->ready(s->arg, e) < 0)
			return -1;
	}
	return 0;
}

int loop_turn(struct loop *l, int64_t deadline_ms, struct err *e)
{
	struct pollfd polls[LOOP_SOURCES_MAX];
	const struct loop turn = *l;

	for (size_t i = 0; i < turn.count; i++) {
		const struct loop_source *s = turn.sources[i];

		polls[i] = (struct pollfd){.fd = s->fd ? *s->fd : -1, .events = s->events};
	}
	if (poll(polls, turn.count, clock_poll_timeout(deadline_ms)) < 0) {
		if (errno != EINTR)
			return err_sys(e, "poll");
		memset(polls, 0, sizeof(polls)); /* poll failed and did not set revents */
	}
	if (call_ready(&turn, polls, e) < 0)
		return -1;
	for (size_t i = 0; i < turn.count; i++)
		if (turn.sources[i]->after)
			turn.sources[i]->after(turn.sources[i]->arg);
	return 0;
}
