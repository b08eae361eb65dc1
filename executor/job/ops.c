/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that the executor provides to a running step. */
#include <stdio.h>
#include <string.h>

#include "base/fit.h"
#include "executor/job/spawn.h"
#include "executor/job/steps.h"

static int op_spawn(struct action_ctx *ctx, const struct spawn *s, struct err *e)
{
	return spawn_run(run_of(ctx), s, e);
}

static int broken(struct run *r)
{
	r->ctx.result.outcome = STEP_BROKEN;
	return -1;
}

static int op_open_drive(struct action_ctx *ctx, const char *serial, bool writable, int *ret_fd,
	uint64_t *ret_bytes, struct err *e)
{
	struct run *r = run_of(ctx);
	const struct drive *d = machine_drive(r->machine, serial);

	if (!d)
		(void)err_set(e, ERR_HOST, "there is no drive '%s' in this machine", serial);
	else if (d->want.bytes == DRIVE_ABSENT_BYTES && !writable) {
		*ret_fd = -1;
		*ret_bytes = DRIVE_ABSENT_BYTES;
		return 0;
	} else if (writable && !d->want.writable)
		(void)err_set(e, ERR_HOST, "drive '%s' is read-only", serial);
	else if (r->machine->open_drive(r->machine, d, ret_fd, e) == 0) {
		*ret_bytes = d->want.bytes;
		return 0;
	}
	return broken(r);
}

/* During built-in steps, this is the only function that talks to the host and checks limits. */
static int op_tick(struct action_ctx *ctx, struct err *e)
{
	struct run *r = run_of(ctx);
	enum step_outcome limit;

	if (link_flush(r->link, e) < 0 || link_read(r->link, e) < 0 || link_beat(r->link, e) < 0)
		return broken(r);
	limit = steps_limit(r);
	return limit == STEP_PASSED ? 0 : steps_over(r, limit, e);
}

static int64_t op_time_left_ms(struct action_ctx *ctx)
{
	return steps_time_left_ms(run_of(ctx));
}

/*
 * These functions return no error: if the host is lost, the next call that uses the link reports
 * it.
 */
static void op_print(struct action_ctx *ctx, const char *data, size_t len)
{
	struct run *r = run_of(ctx);
	struct message_step m = {.step = r->step};
	struct err lost = {0};

	while (len) {
		auto_buf struct buf b = {0};
		size_t n = len < 16384 ? len : 16384;

		buf_init(&b, LIMIT_FRAME_PAYLOAD);
		message_put_step(&b, &m);
		buf_add(&b, data, n);
		if (link_send(r->link, FRAME_STDOUT, &b, &lost) < 0)
			return;
		data += n;
		len -= n;
	}
}

static void op_warn(struct action_ctx *ctx, const char *text)
{
	struct message_note m = {.warning = true};
	auto_buf struct buf b = {0};
	struct err lost = {0};

	fit_format(m.text, sizeof(m.text), "%s", text);
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_note(&b, &m);
	if (link_send(run_of(ctx)->link, FRAME_NOTE, &b, &lost) < 0)
		return;
}

/* If a drive is packed again, the new entry replaces the old one. */
static void op_packed(struct action_ctx *ctx, const char *serial, uint64_t bytes, uint64_t entries)
{
	struct message_end *end = &run_of(ctx)->end;
	uint32_t i = 0;

	while (i < end->output_count && strcmp(end->outputs[i].serial, serial) != 0)
		i++;
	if (i == DRIVES_MAX)
		BUG("more outputs than drives");
	if (i == end->output_count)
		end->output_count++;
	(void)snprintf(end->outputs[i].serial, sizeof(end->outputs[i].serial), "%s", serial);
	end->outputs[i].bytes = bytes;
	end->outputs[i].entries = entries;
}

const struct action_ops run_ops = {
	.spawn = op_spawn,
	.open_drive = op_open_drive,
	.tick = op_tick,
	.time_left_ms = op_time_left_ms,
	.print = op_print,
	.warn = op_warn,
	.packed = op_packed,
};
