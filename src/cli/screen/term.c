/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen/term.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/hint.h"
#include "contract/event.h"
#include "run/artifacts.h"

enum {
	PROGRESS_AFTER_MS = 500, /* after this time, the progress of a step is shown */
	PROGRESS_EVERY_MS = 100,
	SILENCE_MS = 1000, /* after this time, and at this interval, a duration is shown */
	TEXT_MAX = 200,    /* of text from others within a line */
	COMMIT_SHOWN = 10,
};

static void keep(char **field, char *owned)
{
	free(*field);
	*field = owned;
}

/* Text from others within a line. The caller frees it. */
static char *field_text(const struct event *ev, const char *key)
{
	return text_safe(node_get_text(ev->fields, key, "?"), TEXT_MAX);
}

static const char *paint(const struct term *t, enum screen_paint p)
{
	return screen_paint(&t->screen, p);
}

/* A line that begins with the project: "hello  ". */
PRINTF_LIKE(2, 3) static void project_line(struct term *t, const char *fmt, ...)
{
	auto_buf struct buf line = {0};
	char text[4096];
	va_list ap;

	if (t->quiet)
		return;
	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_init(&line, sizeof(text) + 1024);
	if (t->project)
		buf_addf(&line, "%s%s%s  ", paint(t, PAINT_BOLD), t->project, paint(t, PAINT_END));
	buf_adds(&line, text);
	screen_line(&t->screen, "%s", line.data);
}

/*
 * Set the text of the status line. No effect if the terminal cannot rewrite a line. Takes ownership
 * of the text; NULL: no status.
 */
static void wait_for(struct term *t, char *text)
{
	keep(&t->waiting, text);
	t->waiting_ms = t->drawn_ms = clock_ms();
	if (text && !t->quiet)
		screen_status(&t->screen, "%s ...", text);
}

/* Shows the duration of a silent step: "  2/3 shell ... 42 s" */
static void show_waiting(struct term *t)
{
	int64_t now = clock_ms();
	int64_t seconds = (now - t->waiting_ms) / 1000;

	if (!t->waiting || t->quiet || now - t->drawn_ms < SILENCE_MS ||
		!screen_is_between_lines(&t->screen))
		return;
	t->drawn_ms = now;
	if (seconds < 60)
		screen_status(&t->screen, "%s ... %" PRId64 " s", t->waiting, seconds);
	else
		screen_status(
			&t->screen, "%s ... %s", t->waiting, num_show_duration(seconds * 1000).s);
}

static void warn(struct term *t, const char *message)
{
	if (!t->quiet)
		screen_warning(&t->screen, message);
}

/* ---- the run ---- */

static const char *vm_name(const char *kind)
{
	static const char *const names[][2] = {{"mirror", "mirror"}, {"pre_plan", "pre-plan"},
		{"fetch", "fetch"}, {"post_plan", "post-plan"}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(kind, names[i][0]) == 0)
			return names[i][1];
	return "plan";
}

static void on_deps_unchanged(struct term *t, const struct event *ev)
{
	const struct node *machine;
	auto_buf struct buf names = {0};

	buf_init(&names, TEXT_MAX);
	if (!node_get_bool(ev->fields, "all", true))
		node_each (node_get(ev->fields, "machines"), machine)
			buf_addf(&names, " (%s)", vm_name(node_text(machine)));
	project_line(t, "dependencies unchanged%s", names.data);
}

static void on_source(struct term *t, const struct event *ev)
{
	const char *commit = node_get_text(ev->fields, "commit", NULL);
	const char *state = "perhaps changed";
	auto_free char *id = commit ? text_safe(commit, TEXT_MAX) : NULL;
	uint64_t entries = node_get_uint(ev->fields, "entries", 0);
	auto_buf struct buf line = {0};

	buf_init(&line, 1024);
	if (node_get(ev->fields, "clean"))
		state = node_get_bool(ev->fields, "clean", false) ? "clean" : "with changes";
	if (id)
		buf_addf(&line, "commit %.*s (%s), ", COMMIT_SHOWN, id, state);
	else
		buf_adds(&line, "source ");
	buf_addf(&line, "%" PRIu64 " file%s, %s, packed in %s", entries, num_plural(entries),
		num_show_size(node_get_uint(ev->fields, "bytes", 0)).s,
		num_show_duration(node_get_int(ev->fields, "duration_ms", 0)).s);
	project_line(t, "%s", line.data);
	t->progress_ms = 0;
}

static void on_progress(struct term *t, const struct event *ev)
{
	auto_free char *stage = field_text(ev, "stage");
	uint64_t entries = node_get_uint(ev->fields, "entries", 0);
	int64_t now = clock_ms();

	if (t->quiet || !t->screen.rewrite)
		return;
	if (t->progress_ms == 0)
		t->progress_ms = now;
	if (now - t->progress_ms < PROGRESS_AFTER_MS || now - t->drawn_ms < PROGRESS_EVERY_MS)
		return;
	t->drawn_ms = now;
	screen_status(&t->screen, "%s%s%s: %" PRIu64 " file%s, %s", t->project ? t->project : "",
		t->project ? "  " : "", stage, entries, num_plural(entries),
		num_show_size(node_get_uint(ev->fields, "bytes", 0)).s);
}

static void on_warning(struct term *t, const struct event *ev)
{
	warn(t, node_get_text(ev->fields, "message", ""));
}

static void on_clock_skew(struct term *t, const struct event *ev)
{
	auto_free char *message =
		mem_printf("the guest's clock ran for %s while the host's ran for %s",
			num_show_duration(node_get_int(ev->fields, "guest_ms", 0)).s,
			num_show_duration(node_get_int(ev->fields, "host_ms", 0)).s);

	warn(t, message);
}

static void on_limit(struct term *t, const struct event *ev)
{
	auto_free char *message = mem_printf("the %s is full (%s): what follows is not in it",
		ev->type == EVENT_LOG_LIMIT ? "run log" : "console log",
		num_show_size(node_get_uint(ev->fields, "limit", 0)).s);

	warn(t, message);
}

static void on_output_kept(struct term *t, const struct event *ev)
{
	const struct node *withheld = node_get(ev->fields, "withheld");

	if (strcmp(node_get_text(ev->fields, "kind", ""), "artifacts") == 0)
		t->artifact_entries = node_get_uint(ev->fields, "entries", 0);
	if (withheld)
		keep(&t->withheld, artifacts_withheld_text(withheld));
	t->progress_ms = 0;
}

/* ---- the VM ---- */

static bool is_in_list(const char *source)
{
	return strcmp(source, plan_source_name(SOURCE_PRELUDE)) != 0 &&
		strcmp(source, plan_source_name(SOURCE_EPILOG)) != 0;
}

/* In logs of earlier versions, which do not say it: the largest index of the steps, plus one. */
static size_t list_length(const struct node *steps)
{
	const struct node *step;
	size_t length = 0;

	node_each (steps, step) {
		const struct node *origin = node_get(step, "origin");
		const char *source = node_get_text(origin, "source", "");
		uint64_t index = node_get_uint(origin, "index", 0);

		if (is_in_list(source) && index >= length)
			length = (size_t)index + 1;
	}
	return length;
}

static void on_runnable_plan(struct term *t, const struct event *ev)
{
	const struct node *steps = node_get(node_get(ev->fields, "plan"), "steps");

	t->total = (size_t)node_get_uint(ev->fields, "actions", list_length(steps));
}

static void on_vm_starts(struct term *t, const struct event *ev)
{
	uint64_t cpus = node_get_uint(ev->fields, "cpus", 1);
	auto_free char *image = field_text(ev, "image");
	auto_free char *accelerator = field_text(ev, "accelerator");

	keep(&t->machine,
		mem_printf("%s VM: %s, %s, %" PRIu64 " CPU%s, %s",
			vm_name(node_get_text(ev->fields, "kind", "plan")), image, accelerator,
			cpus, num_plural(cpus),
			num_show_size(node_get_uint(ev->fields, "memory", 0)).s));
	wait_for(t,
		mem_printf("%s%s%s, starting", t->project ? t->project : "", t->project ? "  " : "",
			t->machine));
}

static void on_executor_starts(struct term *t, const struct event *ev)
{
	wait_for(t, NULL);
	project_line(t, "%s%s, up in %s%s", paint(t, PAINT_DIM), t->machine ? t->machine : "VM",
		num_show_duration(node_get_int(ev->fields, "boot_ms", 0)).s, paint(t, PAINT_END));
}

/* ---- actions ---- */

/* "1/3 shell": both numbers count from 1. */
static char *action_label(const struct term *t)
{
	if (!t->in_list)
		return mem_strdup(t->action);
	return mem_printf("%zu/%zu %s", t->index + 1, t->total > t->index ? t->total : t->index + 1,
		t->action);
}

static void announce(struct term *t)
{
	auto_free char *label = action_label(t);

	if (t->announced || t->quiet)
		return;
	t->announced = true;
	screen_line(&t->screen, "  %s%s%s", paint(t, PAINT_BOLD), label, paint(t, PAINT_END));
}

static void on_execute_action(struct term *t, const struct event *ev)
{
	auto_free char *label = NULL;

	t->index = (size_t)node_get_uint(ev->fields, "action", 0);
	t->in_list = ev->source != SOURCE_PRELUDE && ev->source != SOURCE_EPILOG;
	t->running = true;
	t->announced = false;
	t->duration_ms = 0;
	keep(&t->action, field_text(ev, "name"));
	keep(&t->ending, NULL);
	if (!t->last)
		lines_tail_clear(&t->tail);
	if (t->quiet)
		return;
	label = action_label(t);
	if (!t->in_list)
		wait_for(t,
			mem_printf("  %s",
				ev->source == SOURCE_PRELUDE ? "inputs are unpacked"
							     : "outputs are packed"));
	else
		wait_for(t, mem_printf("  %s", label));
	if (t->in_list && !t->screen.rewrite)
		announce(t);
}

static void on_output(struct term *t, const struct event *ev)
{
	if ((t->quiet || t->screen.file_max) && !t->last)
		lines_tail_add(&t->tail, ev->is_stderr, ev->data, ev->len);
	if (t->quiet)
		return;
	announce(t);
	screen_output(&t->screen, ev->is_stderr, ev->data, ev->len);
	t->drawn_ms = clock_ms();
}

static void on_action_finished(struct term *t, const struct event *ev)
{
	int64_t killed_by = node_get_int(ev->fields, "signal", 0);

	screen_end_output(&t->screen);
	wait_for(t, NULL);
	t->duration_ms = node_get_int(ev->fields, "duration_ms", 0);
	if (killed_by)
		keep(&t->ending, mem_printf("signal %" PRId64, killed_by));
	else if (node_get(ev->fields, "exit_code"))
		keep(&t->ending,
			mem_printf("exit code %" PRId64, node_get_int(ev->fields, "exit_code", 0)));
}

static void on_action_succeeded(struct term *t, const struct event *ev)
{
	auto_free char *label = action_label(t);

	(void)ev;
	t->running = false;
	if (t->quiet || !t->in_list)
		return;
	screen_line(&t->screen, "%s%s%s %s  %s%s%s", paint(t, PAINT_GOOD),
		t->screen.unicode ? "✓" : "ok", paint(t, PAINT_END), label, paint(t, PAINT_DIM),
		num_show_duration(t->duration_ms).s, paint(t, PAINT_END));
}

/* If an action exited, its exit code is the explanation; else the message is needed. */
static void on_action_failed(struct term *t, const struct event *ev)
{
	auto_free char *label = action_label(t);
	auto_free char *message = field_text(ev, "message");
	auto_free char *line = mem_printf("%s%s%s %s  %s, %s", paint(t, PAINT_BAD),
		t->screen.unicode ? "✗" : "FAILED", paint(t, PAINT_END), label,
		strcmp(node_get_text(ev->fields, "reason", ""), "action_failed") == 0 && t->ending
			? t->ending
			: message,
		num_show_duration(t->duration_ms).s);

	t->running = false;
	if (!t->quiet)
		screen_line(&t->screen, "%s", line);
	if (!t->last)
		t->last = steal_ptr(&line);
}

/* Programs of others say "403 Forbidden", or nothing: the reason is shown when the run has failed. */
static void on_egress(struct term *t, const struct event *ev)
{
	auto_free char *message = field_text(ev, "message");

	if (strcmp(node_get_text(ev->fields, "verdict", ""), "refused") == 0 && message &&
		t->blocked.count < TERM_BLOCKED && !strv_has(&t->blocked, message))
		strv_push(&t->blocked, message);
}

/* ---- result ---- */

static const struct {
	const char *word;
	enum screen_paint paint;
} endings[VERDICTS] = {
	[VERDICT_PASSED] = {"passed", PAINT_GOOD},
	[VERDICT_UNCHANGED] = {"unchanged", PAINT_GOOD},
	[VERDICT_FAILED] = {"FAILED", PAINT_BAD},
	[VERDICT_TIMEOUT] = {"OUT OF TIME", PAINT_BAD},
	[VERDICT_BROKEN] = {"BROKEN", PAINT_BAD},
	[VERDICT_INPUT_ERROR] = {"NOT RUN", PAINT_BAD},
	[VERDICT_INTERRUPTED] = {"INTERRUPTED", PAINT_BAD},
	[VERDICT_BUSY] = {"BUSY", PAINT_WARN},
};

static void verdict_line(struct term *t, const struct run_outcome *o)
{
	auto_buf struct buf line = {0};

	buf_init(&line, 1024);
	buf_addf(&line, "%s%s%s", paint(t, endings[o->verdict].paint), endings[o->verdict].word,
		paint(t, PAINT_END));
	if (o->verdict == VERDICT_UNCHANGED)
		buf_adds(&line, " since the last run that passed; --force runs it again");
	else if (o->log)
		buf_addf(&line, " in %s", num_show_duration(clock_ms() - t->start_ms).s);
	if (t->withheld)
		buf_addf(&line, "; only in artifacts.tar: %s", t->withheld);
	project_line(t, "%s", line.data);
}

PRINTF_LIKE(2, 3) static void below(struct term *t, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	screen_line(&t->screen, "%*s%s", t->project ? (int)strlen(t->project) + 2 : 0, "", text);
}

static void point_to_log(struct term *t, const struct run_outcome *o)
{
	auto_buf struct buf command = {0};

	buf_init(&command, 8192);
	hint_add_program(&command);
	buf_adds(&command, " log ");
	if (o->unnamed) {
		buf_adds(&command, "--run ");
		text_add_word(&command, node_get_text(o->result, "run_id", ""));
		buf_addc(&command, ' ');
	}
	if (t->project[0] == '-')
		buf_adds(&command, "-- ");
	text_add_word(&command, t->project);
	below(t, "log        %s", command.data);
}

static void show_blocked(struct term *t, const struct run_outcome *o)
{
	if (!verdict_is_uneventful(o->verdict))
		strv_each (&t->blocked, message)
			below(t, "blocked    %s", *message);
}

/* Paths and commands that lead to artifacts and log. */
static void pointers(struct term *t, const struct run_outcome *o)
{
	const struct node *artifacts = node_get(node_get(o->result, "outputs"), "artifacts");
	const char *path = node_get_text(artifacts, "path", NULL);
	auto_free char *shown = path ? text_safe(path, 1024) : NULL;

	if (shown && t->artifact_entries > 0)
		below(t, "artifacts  %s (%" PRIu64 " file%s, %s)", shown, t->artifact_entries,
			num_plural(t->artifact_entries),
			num_show_size(node_get_uint(artifacts, "bytes", 0)).s);
	if (o->log && t->project && !verdict_is_uneventful(o->verdict))
		point_to_log(t, o);
}

static void show_tail(struct term *t)
{
	size_t len;
	const char *last = lines_tail_last(&t->tail, TERM_QUIET_LINES, &len);

	screen_limit_file(&t->screen, 0);
	screen_output(&t->screen, false, last, len);
	screen_end_output(&t->screen);
}

/* The report of --quiet after a failure, for example in a mail from cron. */
static void quiet_report(struct term *t, const struct run_outcome *o)
{
	auto_free char *label = t->running ? action_label(t) : NULL;
	auto_free char *log = o->log ? text_safe(o->log, 1024) : NULL;

	t->quiet = false;
	verdict_line(t, o);
	if (t->last)
		screen_line(&t->screen, "%s", t->last);
	else if (label)
		screen_line(&t->screen, "  %s", label);
	show_tail(t);
	show_blocked(t, o);
	if (log)
		below(t, "log  %s", log);
	t->quiet = true;
}

void term_end(struct term *t, const struct run_outcome *o)
{
	screen_end_output(&t->screen);
	if (t->quiet && !verdict_is_uneventful(o->verdict))
		quiet_report(t, o);
	if (!t->quiet) {
		if (t->screen.limited && !verdict_is_uneventful(o->verdict))
			show_tail(t);
		verdict_line(t, o);
		show_blocked(t, o);
		pointers(t, o);
	}
	screen_finish(&t->screen);
}

/* ---- events ---- */

static void (*const handlers[EVENTS])(struct term *, const struct event *) = {
	[EVENT_SOURCE] = on_source,
	[EVENT_WARNING] = on_warning,
	[EVENT_PROGRESS] = on_progress,
	[EVENT_DEPS_UNCHANGED] = on_deps_unchanged,
	[EVENT_RUNNABLE_PLAN] = on_runnable_plan,
	[EVENT_EGRESS] = on_egress,
	[EVENT_VM_STARTS] = on_vm_starts,
	[EVENT_EXECUTOR_STARTS] = on_executor_starts,
	[EVENT_EXECUTE_ACTION] = on_execute_action,
	[EVENT_ACTION_OUTPUT] = on_output,
	[EVENT_ACTION_FINISHED] = on_action_finished,
	[EVENT_ACTION_SUCCEEDED] = on_action_succeeded,
	[EVENT_ACTION_FAILED] = on_action_failed,
	[EVENT_CLOCK_SKEW] = on_clock_skew,
	[EVENT_LOG_LIMIT] = on_limit,
	[EVENT_CONSOLE_LIMIT] = on_limit,
	[EVENT_OUTPUT_KEPT] = on_output_kept,
};

static void on_event(void *arg, const struct event *ev)
{
	if (handlers[ev->type])
		handlers[ev->type](arg, ev);
}

/* Called in each turn of the loop: writes as much as the terminal accepts. */
static void push(void *arg)
{
	struct term *t = arg;

	show_waiting(t);
	screen_push(&t->screen);
	t->pending_fd = screen_pending_fd(&t->screen);
}

void term_init(struct term *t, int out_fd, int err_fd, enum screen_color color, bool quiet)
{
	*t = (struct term){.quiet = quiet};
	screen_init(&t->screen, out_fd, err_fd, color);
	lines_tail_init(&t->tail);
	t->pending_fd = -1;
	t->source = (struct loop_source){
		.fd = &t->pending_fd, .events = POLLOUT, .after = push, .arg = t};
	t->view = (struct run_view){.sink = {.event = on_event, .arg = t}, .source = &t->source};
}

void term_begin(struct term *t, const char *project)
{
	keep(&t->project, project ? text_safe(project, TEXT_MAX) : NULL);
	keep(&t->last, NULL);
	keep(&t->machine, NULL);
	keep(&t->waiting, NULL);
	keep(&t->ending, NULL);
	keep(&t->action, mem_strdup("?"));
	lines_tail_clear(&t->tail);
	screen_limit_file(&t->screen, t->file_max);
	t->start_ms = clock_ms();
	t->running = false;
	t->total = 0;
	t->artifact_entries = 0;
	strv_release(&t->blocked);
	keep(&t->withheld, NULL);
	t->progress_ms = 0;
}

void term_limit_file(struct term *t, uint64_t max)
{
	t->file_max = max;
	screen_limit_file(&t->screen, max);
}

void term_release(struct term *t)
{
	screen_release(&t->screen);
	lines_tail_release(&t->tail);
	keep(&t->project, NULL);
	keep(&t->action, NULL);
	keep(&t->ending, NULL);
	keep(&t->last, NULL);
	keep(&t->machine, NULL);
	keep(&t->waiting, NULL);
	strv_release(&t->blocked);
	keep(&t->withheld, NULL);
}

void term_note(struct term *t, const char *text)
{
	if (t->quiet)
		return;
	screen_line(&t->screen, "%s", text);
	screen_finish(&t->screen);
}

int term_write_error(const struct term *t)
{
	const struct screen *s = &t->screen;

	if (s->out.error)
		return s->out.error;
	return s->err.error == EINTR ? EINTR : 0;
}
