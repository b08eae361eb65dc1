/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/steps.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/num.h"
#include "data/pack.h"
#include "executor/limits.h"

enum { FULL_PART = 100 }; /* a disk is full with less than this part left */

struct run *run_of(struct action_ctx *ctx)
{
	return (struct run *)((char *)ctx - offsetof(struct run, ctx));
}

/* ---- limits ---- */

enum step_outcome steps_limit(const struct run *r)
{
	int64_t now = clock_ms();

	if (r->link->stop)
		return STEP_STOPPED;
	if (now >= r->step_deadline_ms)
		return STEP_TIMED_OUT;
	if (now >= r->plan_deadline_ms)
		return STEP_OUT_OF_TIME;
	return STEP_PASSED;
}

int64_t steps_next_limit_ms(const struct run *r)
{
	return r->step_deadline_ms < r->plan_deadline_ms ? r->step_deadline_ms
							 : r->plan_deadline_ms;
}

int64_t steps_time_left_ms(const struct run *r)
{
	int64_t left = steps_next_limit_ms(r) - clock_ms();

	return left > 0 ? left : 1;
}

int steps_over(struct run *r, enum step_outcome outcome, struct err *e)
{
	const struct step *s = &r->plan->steps[r->step];

	r->ctx.result.outcome = (uint8_t)outcome;
	if (outcome == STEP_STOPPED)
		return err_set(e, ERR_INTERRUPTED, "stopped");
	if (outcome == STEP_TIMED_OUT)
		return err_set(e, ERR_INPUT, "the time limit of the action, %s, is reached",
			num_show_duration(s->timeout_ms).s);
	if (s->always)
		return err_set(e, ERR_INPUT, "packing took longer than %s",
			num_show_duration(LIMIT_ALWAYS_MS).s);
	/* The message contains no duration: earlier machines of the run have used part of it. */
	return err_set(e, ERR_INPUT, "the time limit of the run is reached");
}

static int64_t deadline_after(int64_t ms)
{
	return ms ? clock_ms() + ms : CLOCK_NEVER;
}

static void set_deadlines(struct run *r, const struct step *s)
{
	r->step_deadline_ms = deadline_after(s->timeout_ms);
	if (s->always && r->always_deadline_ms == CLOCK_NEVER)
		r->always_deadline_ms = deadline_after(LIMIT_ALWAYS_MS);
	r->plan_deadline_ms = s->always ? r->always_deadline_ms : r->normal_deadline_ms;
}

/* ---- one step ---- */

static int send_start(struct run *r, struct err *e)
{
	struct message_step m = {.step = r->step};
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_step(&b, &m);
	return link_send(r->link, FRAME_STEP_START, &b, e);
}

static int send_end(struct run *r, struct err *e)
{
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_step_end(&b, &r->ctx.result);
	return link_send(r->link, FRAME_STEP_END, &b, e);
}

/* Record the message of a failed action, and an outcome if the action has set none. */
static void note_failure(struct message_step_end *result, const struct err *why)
{
	fit_format(result->text, sizeof(result->text), "%s", why->msg);
	if (result->outcome == STEP_PASSED || result->outcome == STEP_FAILED)
		(void)snprintf(result->reason, sizeof(result->reason), "%s", why->reason);
	if (result->outcome == STEP_PASSED)
		result->outcome =
			strcmp(why->reason, PACK_TOO_LARGE) == 0 ? STEP_TOO_LARGE : STEP_FAILED;
	if (result->exit_code == 0)
		result->exit_code = -1;
}

/* A program that finds no room does not know which limit of the operator's that is. */
static void explain_full_disk(struct run *r)
{
	struct statvfs disk;
	uint64_t left, size;

	if (r->ctx.result.outcome != STEP_FAILED || !plan_is_of_user(r->plan, r->step) ||
		statvfs(r->ctx.source, &disk) < 0)
		return;
	left = (uint64_t)disk.f_bavail * disk.f_frsize;
	size = (uint64_t)disk.f_blocks * disk.f_frsize;
	if (left < size / FULL_PART) {
		auto_free char *text =
			mem_printf("the disk of the VM is full: of %s, %s are left; a larger "
				   "scratch_size in the configuration allows more",
				num_show_size(size).s, num_show_size(left).s);

		r->ctx.ops->warn(&r->ctx, text);
	}
}

static uint64_t own_cpu_ns(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) < 0)
		BUG("getrusage failed");
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* The processor time of built-in actions is that of the executor. Programs add theirs (spawn.c). */
static void act(struct run *r, const struct action *a, const struct step *s)
{
	struct message_step_end *result = &r->ctx.result;
	uint64_t cpu = own_cpu_ns();
	int64_t start = clock_ns();
	struct err why = {0};

	*result = (struct message_step_end){.step = r->step};
	r->spawned = false;
	if (a->run(&r->ctx, s->args, &why) < 0) {
		note_failure(result, &why);
		explain_full_disk(r);
	}
	r->owner_unknown |= !r->spawned;
	result->wall_ns = (uint64_t)(clock_ns() - start);
	result->cpu_ns += own_cpu_ns() - cpu;
}

static int run_step(struct run *r, const struct action *a, struct err *e)
{
	const struct step *s = &r->plan->steps[r->step];

	set_deadlines(r, s);
	if (send_start(r, e) < 0)
		return -1;
	act(r, a, s);
	return send_end(r, e);
}

/* ---- all steps ---- */

static void blame(struct run *r)
{
	const struct message_step_end *result = &r->ctx.result;

	if (result->outcome == STEP_PASSED || r->end.outcome != STEP_PASSED)
		return;
	r->end.outcome = result->outcome;
	r->end.failed_step = r->step;
	memcpy(r->end.text, result->text, sizeof(r->end.text));
}

/* Between two steps: after `stop` nothing more runs, after a failure only the `always` steps. */
static bool is_skipped(struct run *r, const struct step *s)
{
	if (r->link->stop)
		return true;
	return r->end.outcome != STEP_PASSED && !s->always;
}

static void note_stop(struct run *r)
{
	if (!r->link->stop || r->end.outcome != STEP_PASSED)
		return;
	r->end.outcome = STEP_STOPPED;
	(void)snprintf(r->end.text, sizeof(r->end.text), "stopped");
}

int steps_run(const struct plan *plan, const struct action *const *actions, const struct machine *m,
	struct link *l, struct message_end *ret_end, struct err *e)
{
	struct run r = {.ctx.ops = &run_ops,
		.ctx.source = m->source,
		.machine = m,
		.link = l,
		.plan = plan,
		.normal_deadline_ms = deadline_after(plan->timeout_ms),
		.always_deadline_ms = CLOCK_NEVER,
		.end = {.outcome = STEP_PASSED, .failed_step = MESSAGE_NO_STEP}};
	int result = 0;

	strv_push_all(&r.ctx.env, &plan->env);
	for (r.step = 0; r.step < plan->count && result == 0; r.step++) {
		const struct step *s = &plan->steps[r.step];

		result = link_read(l, e);
		if (result < 0 || is_skipped(&r, s))
			continue;
		result = run_step(&r, action_find(actions, s->action), e);
		blame(&r);
	}
	note_stop(&r);
	strv_release(&r.ctx.env);
	*ret_end = r.end;
	return result;
}
