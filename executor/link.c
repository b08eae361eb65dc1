/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/link.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fit.h"
#include "executor/limits.h"
#include "os/fd.h"

enum {
	STEP_BYTES = 4,
	OUTPUT_HEAD = FRAME_HEADER_BYTES + STEP_BYTES,
	/*
	 * Full pages are read faster from a pipe than as many bytes as fit into the buffer (15 %
	 * under TCG).
	 */
	OUTPUT_BYTES = 7 * 4096,
	OUTPUT_LEAST = 1024, /* the buffer is sent if it has less room than this */
};
static_assert(OUTPUT_HEAD + OUTPUT_BYTES <= LINK_OUT_BYTES, "a frame of output fits its buffer");

void link_init(struct link *l)
{
	*l = (struct link){.log_fd = -1, .ctl_fd = -1};
	frame_reader_init(&l->in);
}

void link_release(struct link *l)
{
	fd_close(l->log_fd);
	fd_close(l->ctl_fd);
	frame_reader_release(&l->in);
}

static int lost(struct err *e)
{
	return err_set(e, ERR_HOST, "the host has closed its end of the ports");
}

/* ---- sending ---- */

bool link_busy(const struct link *l)
{
	return l->stuck;
}

static void all_out(struct link *l)
{
	l->out_start = l->out_end = 0;
	l->stuck = false;
}

int link_flush(struct link *l, struct err *e)
{
	l->growing.is = false;
	l->hold_ns = clock_ns() + LINK_HOLD_NS;
	while (l->out_start != l->out_end) {
		ssize_t n = write(l->log_fd, l->out + l->out_start, l->out_end - l->out_start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			l->stuck = true;
			return 0;
		}
		if (n < 0 && errno == EPIPE)
			return lost(e);
		if (n < 0)
			return err_sys(e, "write to the log port");
		l->out_start += (size_t)n;
	}
	all_out(l);
	return 0;
}

/* Append a frame to the buffer. Every frame counts as a heartbeat. */
static void add_frame(struct link *l, enum frame_type type, size_t len)
{
	frame_header(l->out + l->out_end, type, l->nonce, l->sequence++, len);
	l->out_end += FRAME_HEADER_BYTES + len;
	l->next_beat_ms = clock_ms() + HEARTBEAT_MS;
}

static bool grows(const struct link *l, enum frame_type type, uint32_t step)
{
	return l->growing.is && l->growing.type == type && l->growing.step == step;
}

static size_t room_for(const struct link *l, enum frame_type type, uint32_t step)
{
	size_t used = l->out_end + (grows(l, type, step) ? 0 : OUTPUT_HEAD);

	return used < OUTPUT_HEAD + OUTPUT_BYTES ? OUTPUT_HEAD + OUTPUT_BYTES - used : 0;
}

uint8_t *link_room(struct link *l, enum frame_type type, uint32_t step, size_t *ret_room)
{
	if (l->stuck)
		BUG("output while the link is busy");
	*ret_room = room_for(l, type, step);
	return l->out + l->out_end + (grows(l, type, step) ? 0 : OUTPUT_HEAD);
}

static void grow_frame(struct link *l, size_t len)
{
	size_t payload = l->out_end - l->growing.start - FRAME_HEADER_BYTES + len;

	frame_header(
		l->out + l->growing.start, l->growing.type, l->nonce, l->sequence - 1, payload);
	l->out_end += len;
}

static void begin_output(struct link *l, enum frame_type type, uint32_t step, size_t len)
{
	uint32_t wire = htole32(step);

	memcpy(l->out + l->out_end + FRAME_HEADER_BYTES, &wire, sizeof(wire));
	l->growing = (struct link_growing){true, type, step, l->out_end};
	add_frame(l, type, STEP_BYTES + len);
}

int link_output(struct link *l, enum frame_type type, uint32_t step, size_t len, struct err *e)
{
	if (grows(l, type, step))
		grow_frame(l, len);
	else
		begin_output(l, type, step, len);
	/* Both streams need room for more than a header. */
	if (room_for(l, FRAME_STDOUT, step) < OUTPUT_LEAST ||
		room_for(l, FRAME_STDERR, step) < OUTPUT_LEAST)
		return link_flush(l, e);
	return link_send_due(l, e);
}

int64_t link_held_ns(const struct link *l)
{
	int64_t left = l->hold_ns - clock_ns();

	if (l->stuck || l->out_start == l->out_end)
		return -1;
	return left > 0 ? left : 0;
}

int link_send_due(struct link *l, struct err *e)
{
	return link_held_ns(l) == 0 ? link_flush(l, e) : 0;
}

/* Send all frames. The host's frames are read meanwhile, so that the host never blocks. */
int link_drain(struct link *l, struct err *e)
{
	if (link_flush(l, e) < 0)
		return -1;
	while (link_busy(l)) {
		struct pollfd fds[LINK_POLL_FDS];

		link_poll_fill(l, fds);
		if (poll(fds, LINK_POLL_FDS, -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (link_poll_done(l, fds, e) < 0)
			return -1;
	}
	return 0;
}

int link_send(struct link *l, enum frame_type type, const struct buf *payload, struct err *e)
{
	size_t len = payload ? payload->len : 0;

	if (len > sizeof(l->out) - FRAME_HEADER_BYTES || (payload && payload->overflow))
		BUG("a message of type %d is too long", (int)type);
	if (sizeof(l->out) - l->out_end < FRAME_HEADER_BYTES + len && link_drain(l, e) < 0)
		return -1;
	if (len)
		memcpy(l->out + l->out_end + FRAME_HEADER_BYTES, payload->data, len);
	add_frame(l, type, len);
	return link_flush(l, e);
}

int link_beat(struct link *l, struct err *e)
{
	struct message_heartbeat m = {.guest_ns = (uint64_t)clock_ns()};
	auto_buf struct buf b = {0};

	if (link_busy(l) || clock_ms() < l->next_beat_ms)
		return 0;
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_heartbeat(&b, &m);
	return link_send(l, FRAME_HEARTBEAT, &b, e);
}

/* ---- receiving ---- */

static int take_frame(struct link *l, const struct frame *f, struct err *e)
{
	switch (f->type) {
	case FRAME_GO:
		if (l->have_go)
			return err_set(e, ERR_HOST, "the host said go twice");
		if (message_get_go(f, &l->go, e) < 0)
			return err_wrap(e, "from the host");
		if (l->go.nonce == 0)
			return err_set(e, ERR_HOST, "the host said go without a nonce");
		l->nonce = l->in.nonce = l->go.nonce;
		l->go_ns = clock_ns();
		l->have_go = true;
		return 0;
	case FRAME_STOP:
		l->stop = true;
		return 0;
	case FRAME_ACK:
		l->ack = true;
		return 0;
	default:
		return err_set(e, ERR_HOST, "the host sent a frame of unknown type %u", f->type);
	}
}

static int take_frames(struct link *l, struct err *e)
{
	struct frame f;
	int got;

	while ((got = frame_reader_next(&l->in, &f, e)) > 0)
		if (take_frame(l, &f, e) < 0)
			return -1;
	return got < 0 ? err_wrap(e, "from the host") : 0;
}

int link_read(struct link *l, struct err *e)
{
	for (;;) {
		size_t room;
		uint8_t *at = frame_reader_room(&l->in, &room);
		ssize_t n = read(l->ctl_fd, at, room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return err_sys(e, "read from the control port");
		if (n == 0)
			return lost(e);
		frame_reader_fed(&l->in, (size_t)n);
		if (take_frames(l, e) < 0)
			return -1;
	}
}

/* ---- poll ---- */

void link_poll_fill(const struct link *l, struct pollfd fds[LINK_POLL_FDS])
{
	fds[0] = (struct pollfd){.fd = l->log_fd, .events = link_busy(l) ? POLLOUT : 0};
	fds[1] = (struct pollfd){.fd = l->ctl_fd, .events = POLLIN};
}

int link_poll_done(struct link *l, const struct pollfd fds[LINK_POLL_FDS], struct err *e)
{
	if (fds[1].revents && link_read(l, e) < 0)
		return -1;
	if (fds[0].revents & (POLLHUP | POLLERR))
		return lost(e);
	return fds[0].revents & POLLOUT ? link_flush(l, e) : 0;
}

int link_wait(struct link *l, const bool *flag, int64_t deadline_ms, struct err *e)
{
	while (!*flag && clock_ms() < deadline_ms) {
		struct pollfd fds[LINK_POLL_FDS];

		link_poll_fill(l, fds);
		if (poll(fds, LINK_POLL_FDS, clock_poll_timeout(deadline_ms)) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (link_poll_done(l, fds, e) < 0)
			return -1;
	}
	return 0;
}

/* A port reports POLLHUP until the driver knows that the host has opened its end. */
int link_connect(struct link *l, int log_fd, int ctl_fd, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t deadline = clock_ms() + LIMIT_PORTS_MS;
	struct pollfd fds[LINK_POLL_FDS];

	l->log_fd = log_fd;
	l->ctl_fd = ctl_fd;
	if (fd_set_nonblock(log_fd, e) < 0 || fd_set_nonblock(ctl_fd, e) < 0)
		return -1;
	for (;;) {
		link_poll_fill(l, fds);
		if (poll(fds, LINK_POLL_FDS, 0) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (!((fds[0].revents | fds[1].revents) & POLLHUP))
			return 0;
		if (clock_ms() >= deadline)
			return lost(e);
		(void)nanosleep(&pause, NULL);
	}
}

/* ---- the end ---- */

void link_break(struct message_end *ret_end, const struct err *why)
{
	*ret_end = (struct message_end){.outcome = STEP_BROKEN, .failed_step = MESSAGE_NO_STEP};
	fit_format(ret_end->text, sizeof(ret_end->text), "%s", why->msg);
}

int link_part(struct link *l, struct message_end *end, struct err *e)
{
	struct err gone = {0};
	auto_buf struct buf b = {0};

	end->guest_ns = (uint64_t)(clock_ns() - l->go_ns);
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_end(&b, end);
	if (link_send(l, FRAME_END, &b, e) < 0 || link_drain(l, e) < 0)
		return -1;
	if (link_wait(l, &l->ack, clock_ms() + LIMIT_ACK_MS, &gone) < 0)
		return 0;
	return l->ack ? 0 : err_set(e, ERR_HOST, "the host did not acknowledge the end");
}
