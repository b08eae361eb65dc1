/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a machine and its guest, and their entries in the result. */
#include <string.h>

#include "base/mem.h"
#include "run/limits.h"
#include "run/machine_internal.h"
#include "run/said.h"

enum { LATER_FAILURE_MAX = 100 };

/* ---- reports of the guest ---- */

const struct origin *machine_origin(const struct machine *m, size_t step)
{
	return &m->plan->steps[step].origin;
}

const char *machine_action_name(const struct machine *m, size_t step)
{
	return machine_origin(m, step)->action;
}

static void on_hello(void *arg, const struct message_hello *msg, int64_t boot_ms)
{
	struct machine *m = arg;
	struct node *n = node_map();
	auto_free char *build = said_safe(m->mask, msg->build, MESSAGE_BUILD_MAX);

	node_set_string(n, "version", build);
	node_set_int(n, "boot_ms", boot_ms);
	event_send(m->sink, EVENT_EXECUTOR_STARTS, m->plan->source, n);
}

static void on_step_start(void *arg, uint32_t step)
{
	struct machine *m = arg;

	steplog_start(&m->steps, step);
}

static void on_output(void *arg, uint32_t step, bool is_stderr, const char *data, size_t len)
{
	const struct machine *m = arg;

	steplog_output(&m->steps, step, is_stderr, data, len);
}

/* The key that limits what the step packs; NULL: it packs nothing. */
static const char *key_of_limit(const struct machine *m, size_t step)
{
	static const struct {
		const char *archive, *key;
	} limits[] = {
		{DRIVE_ARTIFACTS, "artifacts_max_size"},
		{DRIVE_CACHE_OUT, "cache_max_size"},
		{DRIVE_DEPS_OUT, "deps_max_size"},
		{DRIVE_MIRROR_OUT, "mirror_max_size"},
		{DRIVE_FETCHED_OUT, "deps_max_size"},
	};
	const char *archive = node_get_text(m->plan->steps[step].args, "archive", "");

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (strcmp(archive, limits[i].archive) == 0)
			return limits[i].key;
	return NULL;
}

char *machine_failure(const struct machine *m, enum step_outcome outcome, uint32_t step,
	const char *text, size_t max)
{
	auto_free char *said = said_safe(m->mask, text, max);
	const char *key =
		outcome == STEP_TOO_LARGE && step != MESSAGE_NO_STEP ? key_of_limit(m, step) : NULL;

	return key ? mem_printf("%s; a larger %s allows it", said, key) : steal_ptr(&said);
}

static void report_failure(struct machine *m, const struct message_step_end *msg)
{
	/*
	 * A guest can report many failed actions, so only the first has room for a long message, unless
	 * none but our programs run there.
	 */
	bool later = m->failed && !m->host->net_tool;
	auto_free char *text = machine_failure(m, msg->outcome, msg->step, msg->text,
		later ? LATER_FAILURE_MAX : MESSAGE_TEXT_MAX);
	const char *reason = verdict_reason_of_step(m->plan->source, msg->outcome, msg->reason);

	if (!m->failed) {
		m->failed = node_map();
		m->failed_reason = reason;
		node_set_uint(m->failed, "index", machine_origin(m, msg->step)->index);
		node_set_string(m->failed, "source",
			plan_source_name(machine_origin(m, msg->step)->source));
		node_set_string(m->failed, "action", machine_action_name(m, msg->step));
		node_set(m->failed, "exit_code",
			msg->exit_code >= 0 ? node_int(msg->exit_code) : node_null());
		node_set(
			m->failed, "signal", msg->signal > 0 ? node_int(msg->signal) : node_null());
	}
	steplog_fail(&m->steps, msg->step, reason, text);
}

/* actions[] of result.json contains only the user's actions. */
static void keep_action(struct machine *m, const struct message_step_end *msg)
{
	struct node *n;

	if (!plan_is_of_user(m->plan, msg->step))
		return;
	n = node_add_map(m->actions);
	node_set_uint(n, "index", machine_origin(m, msg->step)->index);
	node_set_string(n, "source", plan_source_name(machine_origin(m, msg->step)->source));
	node_set_string(n, "action", machine_action_name(m, msg->step));
	node_set_string(n, "result", verdict_name(verdict_of_outcome(msg->outcome)));
	steplog_add_measures(&m->steps, n, msg);
}

static void on_step_end(void *arg, const struct message_step_end *msg)
{
	struct machine *m = arg;

	if (!steplog_end(&m->steps, msg))
		return;
	if (msg->outcome != STEP_PASSED)
		report_failure(m, msg);
	keep_action(m, msg);
}

static void on_note(void *arg, const struct message_note *msg)
{
	struct machine *m = arg;
	bool last = m->notes == LIMIT_NOTES;
	auto_free char *text = last
		? mem_strdup("the guest has more to remark than is kept: the rest is dropped")
		: said_safe(m->mask, msg->text, MESSAGE_TEXT_MAX);
	struct node *n;

	if (m->notes > LIMIT_NOTES)
		return;
	m->notes++;
	n = node_map();
	node_set_string(n, "message", text);
	event_send(m->sink, msg->warning || last ? EVENT_WARNING : EVENT_DEBUG, m->plan->source, n);
}

/* A missing part of the console must not look as if it was beyond the size limit. */
void machine_note_console_error(struct machine *m)
{
	struct node *n;

	if (m->console.error.kind == ERR_NONE || m->console_error.kind != ERR_NONE)
		return;
	m->console_error = m->console.error;
	n = node_map();
	node_set_string(n, "message", m->console_error.msg);
	event_send(m->sink, EVENT_WARNING, m->plan->source, n);
}

static void keep_console(void *arg, const char *data, size_t len)
{
	struct machine *m = arg;
	struct node *n;

	if (console_take(&m->console, data, len)) {
		n = node_map();
		node_set_uint(n, "limit", m->console.max);
		event_send(m->sink, EVENT_CONSOLE_LIMIT, m->plan->source, n);
	}
	machine_note_console_error(m);
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct machine *m = arg;
	const struct mask_sink sink = {keep_console, m};

	if (!m->mask) {
		keep_console(m, data, len);
		return;
	}
	if (!m->console_mask)
		m->console_mask = mask_stream_new(m->mask);
	mask_write(m->console_mask, data, len, &sink);
}

/* Nothing follows, so show what was held back of the console. */
void machine_end_console(struct machine *m)
{
	const struct mask_sink sink = {keep_console, m};

	if (m->console_mask)
		mask_end(m->console_mask, &sink);
}

const struct vm_observer machine_observer = {
	.quiet = machine_check_quiet,
	.hello = on_hello,
	.step_start = on_step_start,
	.output = on_output,
	.step_end = on_step_end,
	.note = on_note,
	.console = on_console,
	.listening = machine_listen,
};

/* ---- events of the machine ---- */

void machine_report_start(struct machine *m, const struct vm *vm)
{
	struct node *n = node_map();
	auto_strv struct strv argv = {0};

	m->steps = (struct steplog){.plan = m->plan, .sink = m->sink};
	vm_argv(vm, &argv);
	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set_string(n, "accelerator", qemu_accelerator_name(vm->accelerator));
	node_set_string(n, "machine", qemu_machine_name(vm->machine));
	node_set_string(n, "image", vm->image->name);
	node_set_uint(n, "cpus", vm->cpus);
	node_set_uint(n, "memory", vm->memory);
	node_add_strv(node_set_list(n, "argv"), &argv);
	node_set_string(m->vm, "kind", plan_source_name(m->plan->source));
	node_set_string(m->vm, "accelerator", qemu_accelerator_name(vm->accelerator));
	node_add_strv(node_set_list(m->vm, "argv"), &argv);
	event_send(m->sink, EVENT_VM_STARTS, m->plan->source, n);
}

/* The list of hosts allowed by the proxy. It is logged before the VM can make requests. */
void machine_report_egress(struct machine *m)
{
	struct node *n;

	if (!machine_has_network(m))
		return;
	n = node_map();
	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set(n, "hosts", egress_to_node(m->egress));
	event_send(m->sink, EVENT_EGRESS_LIST, m->plan->source, n);
}

/*
 * A guest whose clock has another speed measures wrong times and does not keep time limits. A
 * difference of up to a second may be the delay of the last frame on a busy host.
 */
void machine_check_clock(struct machine *m)
{
	int64_t guest_ms = (int64_t)(m->vm_result.end.guest_ns / 1000000);
	int64_t host_ms = m->vm_result.run_ms;
	int64_t off = guest_ms > host_ms ? guest_ms - host_ms : host_ms - guest_ms;
	struct node *n;

	if (off <= 1000 || off * 50 <= host_ms)
		return;
	n = node_map();
	node_set_int(n, "guest_ms", guest_ms);
	node_set_int(n, "host_ms", host_ms);
	event_send(m->sink, EVENT_CLOCK_SKEW, m->plan->source, n);
}

void machine_describe_vm(struct machine *m)
{
	const struct vm_result *r = &m->vm_result;

	node_set(m->vm, "boot_ms", r->said_hello ? node_int(r->boot_ms) : node_null());
	node_set_int(m->vm, "duration_ms", r->duration_ms);
	if (!r->ended)
		return;
	node_set_int(m->vm, "run_ms", r->run_ms);
	node_set_int(m->vm, "guest_ms", (int64_t)(r->end.guest_ns / 1000000));
}

void machine_report_end(struct machine *m)
{
	struct node *n = node_map();

	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set_int(n, "duration_ms", m->vm_result.duration_ms);
	event_send(m->sink, EVENT_VM_ENDS, m->plan->source, n);
}

void machine_report_death(struct machine *m, const struct err *e)
{
	struct node *n = node_map();

	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set_string(n, "reason", verdict_reason_of_error(e));
	node_set_string(n, "message", e->msg);
	event_send(m->sink, EVENT_VM_DIED, m->plan->source, n);
}
