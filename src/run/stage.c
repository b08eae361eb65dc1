/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "jail/jail.h"
#include "machine/accel.h"
#include "machine/tsc.h"
#include "os/fd.h"
#include "os/meminfo.h"
#include "os/sig.h"
#include "os/space.h"
#include "run/planner.h"
#include "run/said.h"
#include "settings/locate.h"

enum { LATER_FAILURE_MAX = 100 };

/* ---- what is needed before a VM can be thought of ---- */

/* Where the memory of a machine is given. */
static const struct node *memory_node(
	const struct config *config, const struct project *project, const char **ret_file)
{
	const struct node *own = project ? node_get(project->node, "memory") : NULL;

	*ret_file = own ? project->file : config->file;
	return own ? own : node_get(node_get(config->effective, "qemu"), "memory");
}

static uint64_t memory_of(const struct config *config, const struct project *project)
{
	return project && project->memory ? project->memory : config->memory;
}

int stage_check_memory(const struct config *config, const struct project *project, struct err *e)
{
	const uint64_t wanted = memory_of(config, project);
	const char *file;
	const struct node *node = memory_node(config, project, &file);
	auto_free char *why = NULL;
	uint64_t total = 0;

	if (meminfo_total(&total, e) < 0)
		return -1;
	if (wanted <= total)
		return 0;
	why = mem_printf("a machine cannot be given %s: this host has %s, with its swap; lower it",
		num_show_size(wanted).s, num_show_size(total).s);
	if (node && node->line)
		return node_err(node, file, e, "'memory': %s", why);
	return err_set(
		e, ERR_INPUT, "%s: %s", config->options.memory ? "--memory" : "'memory'", why);
}

int stage_host_prepare(const struct config *config, const struct project *project,
	const char *image, const char *image_path, const char *executor,
	struct stage_host *ret_host, struct err *e)
{
	struct stage_host h = {.config = config};

	h.cpus = (unsigned)(project && project->cpus ? project->cpus
						     : config->cpus); /* LIMIT_CPUS */
	h.memory = memory_of(config, project);
	if (stage_check_memory(config, project, e) < 0 ||
		image_open(config->image_store, image, image_path, &h.image, e) < 0 ||
		locate_executor(config, executor, &h.executor, e) < 0 ||
		locate_qemu(config, &h.qemu, e) < 0 ||
		jail_vm_user(config->vm_user, &h.uid, &h.gid, e) < 0 ||
		accel_choose(config, &h.image, &h.accel, e) < 0) {
		stage_host_release(&h);
		return -1;
	}
	*ret_host = h;
	return 0;
}

int stage_host_prepare_trusted(const struct config *config, const struct project *project,
	const char *executor, struct stage_host *ret_host, struct err *e)
{
	const char *image = config->trusted_image;
	struct stage_host h;

	if (stage_host_prepare(
		    config, project, image, strchr(image, '/') ? image : NULL, executor, &h, e) < 0)
		return err_wrap(e, "pre- and post-plans");
	if (locate_net_tool(h.executor, &h.net_tool, e) < 0) {
		stage_host_release(&h);
		return -1;
	}
	*ret_host = h;
	return 0;
}

void stage_host_release(struct stage_host *h)
{
	image_release(&h->image);
	free(h->qemu);
	free(h->executor);
	free(h->net_tool);
	*h = (struct stage_host){0};
}

void stage_init(struct stage *s)
{
	*s = (struct stage){.console_fd = -1,
		.actions = node_list(),
		.vm = node_map(),
		.proxy = PROXY_NONE,
		.agent = SSHAGENT_NONE};
}

void stage_release(struct stage *s)
{
	node_free(s->actions);
	node_free(s->failed);
	node_free(s->vm);
	proxy_kill(&s->proxy);
	sshagent_kill(&s->agent);
	mask_stream_free(s->console_mask);
}

/* ---- from steps to the user's actions ---- */

static const struct origin *origin_of(const struct stage *s, size_t step)
{
	return &s->plan->steps[step].origin;
}

/* One action of the user can be several steps: they stand together and share their origin. */
static bool same_action(const struct stage *s, size_t a, size_t b)
{
	const struct origin *x = origin_of(s, a), *y = origin_of(s, b);

	return x->source == y->source && x->index == y->index;
}

static bool is_last_of_action(const struct stage *s, size_t step)
{
	return step + 1 >= s->plan->count || !same_action(s, step, step + 1);
}

static const char *action_name(const struct stage *s, size_t step)
{
	return origin_of(s, step)->action;
}

static struct node *action_fields(const struct stage *s, size_t step)
{
	struct node *n = node_map();

	node_set_uint(n, "action", origin_of(s, step)->index);
	node_set_string(n, "name", action_name(s, step));
	return n;
}

/* ---- what the guest reports ---- */

static void on_hello(void *arg, const struct message_hello *m, int64_t boot_ms)
{
	struct stage *s = arg;
	struct node *n = node_map();
	auto_free char *build = said_safe(s->mask, m->build, MESSAGE_BUILD_MAX);

	node_set_string(n, "version", build);
	node_set_int(n, "boot_ms", boot_ms);
	event_send(s->sink, EVENT_EXECUTOR_STARTS, s->plan->source, n);
}

static void on_step_start(void *arg, uint32_t step)
{
	struct stage *s = arg;

	if (s->action.running && same_action(s, s->action.step, step))
		return;
	memset(&s->action, 0, sizeof(s->action));
	s->action.step = step;
	s->action.running = true;
	event_send(
		s->sink, EVENT_EXECUTE_ACTION, origin_of(s, step)->source, action_fields(s, step));
}

static void on_output(void *arg, uint32_t step, bool is_stderr, const char *data, size_t len)
{
	struct stage *s = arg;
	const struct event ev = {
		.type = EVENT_ACTION_OUTPUT,
		.source = origin_of(s, step)->source,
		.utc_ns = clock_utc_ns(),
		.action = origin_of(s, step)->index,
		.is_stderr = is_stderr,
		.data = data,
		.len = len,
	};

	s->sink->event(s->sink->arg, &ev);
}

static void add_measures(const struct stage *s, struct node *n, const struct message_step_end *m)
{
	if (m->exit_code >= 0)
		node_set_int(n, "exit_code", m->exit_code);
	if (m->signal > 0)
		node_set_int(n, "signal", m->signal);
	node_set_uint(n, "duration_ms", s->action.wall_ns / 1000000);
	node_set_uint(n, "cpu_ms", s->action.cpu_ns / 1000000);
	node_set_uint(n, "peak_memory", s->action.peak_bytes);
}

static void report_failure(struct stage *s, const struct message_step_end *m)
{
	struct node *n = action_fields(s, m->step);
	/* A guest can claim that all its actions failed: the first has room for its reason. */
	auto_free char *text =
		said_safe(s->mask, m->text, s->failed ? LATER_FAILURE_MAX : MESSAGE_TEXT_MAX);
	const char *reason = verdict_reason_of_step(s->plan->source, m->outcome, m->reason);

	node_set_string(n, "reason", reason);
	node_set_string(n, "message", text);
	if (!s->failed) {
		s->failed = node_map();
		s->failed_reason = reason;
		node_set_uint(s->failed, "index", origin_of(s, m->step)->index);
		node_set_string(
			s->failed, "source", plan_source_name(origin_of(s, m->step)->source));
		node_set_string(s->failed, "action", action_name(s, m->step));
		node_set(s->failed, "exit_code",
			m->exit_code >= 0 ? node_int(m->exit_code) : node_null());
		node_set(s->failed, "signal", m->signal > 0 ? node_int(m->signal) : node_null());
	}
	event_send(s->sink, EVENT_ACTION_FAILED, origin_of(s, m->step)->source, n);
}

/* actions[] of result.json has the user's own actions only. */
static void keep_action(struct stage *s, const struct message_step_end *m)
{
	struct node *n;

	if (origin_of(s, m->step)->source != s->plan->source)
		return;
	n = node_add_map(s->actions);
	node_set_uint(n, "index", origin_of(s, m->step)->index);
	node_set_string(n, "source", plan_source_name(s->plan->source));
	node_set_string(n, "action", action_name(s, m->step));
	node_set_string(n, "result", verdict_name(verdict_of_outcome(m->outcome)));
	add_measures(s, n, m);
}

static void on_step_end(void *arg, const struct message_step_end *m)
{
	struct stage *s = arg;
	bool passed = m->outcome == STEP_PASSED;
	struct node *n;

	s->action.wall_ns += m->wall_ns;
	s->action.cpu_ns += m->cpu_ns;
	if (m->peak_bytes > s->action.peak_bytes)
		s->action.peak_bytes = m->peak_bytes;
	if (passed && !is_last_of_action(s, m->step))
		return;
	n = action_fields(s, m->step);
	add_measures(s, n, m);
	event_send(s->sink, EVENT_ACTION_FINISHED, origin_of(s, m->step)->source, n);
	if (passed)
		event_send(s->sink, EVENT_ACTION_SUCCEEDED, origin_of(s, m->step)->source,
			action_fields(s, m->step));
	else
		report_failure(s, m);
	keep_action(s, m);
	s->action.running = false;
}

static void on_note(void *arg, const struct message_note *m)
{
	struct stage *s = arg;
	bool last = s->notes == LIMIT_NOTES;
	auto_free char *text = last
		? mem_strdup("the guest has more to remark than is kept: the rest is dropped")
		: said_safe(s->mask, m->text, MESSAGE_TEXT_MAX);
	struct node *n;

	if (s->notes > LIMIT_NOTES)
		return;
	s->notes++;
	n = node_map();
	node_set_string(n, "message", text);
	event_send(s->sink, m->warning || last ? EVENT_WARNING : EVENT_DEBUG, s->plan->source, n);
}

/* What is missing is not missing for its length. */
static void note_console_error(struct stage *s)
{
	struct node *n;

	if (s->console.error.kind == ERR_NONE || s->console_error.kind != ERR_NONE)
		return;
	s->console_error = s->console.error;
	n = node_map();
	node_set_string(n, "message", s->console_error.msg);
	event_send(s->sink, EVENT_WARNING, s->plan->source, n);
}

static void keep_console(void *arg, const char *data, size_t len)
{
	struct stage *s = arg;
	struct node *n;

	if (console_take(&s->console, data, len)) {
		n = node_map();
		node_set_uint(n, "limit", s->console.max);
		event_send(s->sink, EVENT_CONSOLE_LIMIT, s->plan->source, n);
	}
	note_console_error(s);
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct stage *s = arg;
	const struct mask_sink sink = {keep_console, s};

	if (!s->mask) {
		keep_console(s, data, len);
		return;
	}
	if (!s->console_mask)
		s->console_mask = mask_stream_new(s->mask);
	mask_write(s->console_mask, data, len, &sink);
}

/* What was held back of the console is shown when nothing follows. */
static void end_console(struct stage *s)
{
	const struct mask_sink sink = {keep_console, s};

	if (s->console_mask)
		mask_end(s->console_mask, &sink);
}

/* ---- a full disk ---- */

/*
 * What a guest writes takes space of the host. On a full disk its machine is stopped, or its drives
 * have errors, and whatever it makes of them, an action that fails or an output that cannot be
 * packed, it is not at fault.
 */
static int check_disks(const struct vm *vm, struct err *e)
{
	for (size_t i = 0; i < vm->drive_count; i++)
		if (vm->drives[i].writable &&
			space_check(vm->drives[i].fd, "drives of the guest are there", e) < 0)
			return -1;
	return 0;
}

static int on_quiet(void *arg, struct err *e)
{
	const struct stage *s = arg;

	return check_disks(s->running, e);
}

/* Looked at while its drives were open: what they took is free again when they are closed. */
static int blame_disk(const struct stage *s, struct err *e)
{
	if (s->disk_error.kind == ERR_NONE)
		return 0;
	*e = s->disk_error;
	return -1;
}

/* ---- the network of a trusted VM ---- */

static bool has_network(const struct stage *s)
{
	return s->egress && s->egress->count;
}

static bool has_agent(const struct stage *s)
{
	return has_network(s) && s->agent_rules && s->agent_rules->login_count;
}

static struct said_reports reports_of(const struct stage *s)
{
	return (struct said_reports){s->mask, s->egress, s->agent_rules, *s->sink};
}

static int on_proxy(void *arg, struct err *e)
{
	struct stage *s = arg;
	enum plan_source source = s->plan->source;
	struct said_reports reports = reports_of(s);
	const struct event_sink sink = {said_report, &reports};

	return proxy_read(&s->proxy, &sink, plan_source_name(source), source, e);
}

static int on_agent(void *arg, struct err *e)
{
	struct stage *s = arg;
	struct said_reports reports = reports_of(s);
	const struct event_sink sink = {said_report, &reports};

	return sshagent_read(&s->agent, &sink, s->plan->source, e);
}

static int on_listening(void *arg, int listen_fd, int agent_listen_fd, struct err *e)
{
	struct stage *s = arg;
	const struct stage_host *h = s->host;

	if (proxy_start(listen_fd, s->egress, h->uid, h->gid, &s->proxy, e) < 0)
		return -1;
	s->proxy_source = (struct loop_source){
		.fd = proxy_fd(&s->proxy), .events = POLLIN, .ready = on_proxy, .arg = s};
	loop_add(s->loop, &s->proxy_source);
	if (!has_agent(s))
		return 0;
	if (sshagent_start(agent_listen_fd, s->agent_rules, h->uid, h->gid, &s->agent, e) < 0)
		return -1;
	s->agent_source = (struct loop_source){
		.fd = sshagent_fd(&s->agent), .events = POLLIN, .ready = on_agent, .arg = s};
	loop_add(s->loop, &s->agent_source);
	return 0;
}

/* What proxy and agent did is part of the log also when the VM did not come to its end. */
static int end_network(struct stage *s, int result, struct err *e)
{
	enum plan_source source = s->plan->source;
	struct said_reports reports = reports_of(s);
	const struct event_sink sink = {said_report, &reports};
	struct err died = {0}, agent_died = {0};
	int stopped;

	loop_remove(s->loop, &s->proxy_source);
	loop_remove(s->loop, &s->agent_source);
	stopped = proxy_stop(&s->proxy, &sink, plan_source_name(source), source, &died);
	if (sshagent_stop(&s->agent, &sink, source, &agent_died) < 0 && stopped == 0) {
		died = agent_died;
		stopped = -1;
	}
	if (stopped == 0 || result < 0)
		return result;
	*e = died;
	return -1;
}

static const struct vm_observer observer = {
	.quiet = on_quiet,
	.hello = on_hello,
	.step_start = on_step_start,
	.output = on_output,
	.step_end = on_step_end,
	.note = on_note,
	.console = on_console,
	.listening = on_listening,
};

/* ---- the VM ---- */

static int add_own_drives(const struct stage *s, struct drives *own, struct err *e)
{
	const struct stage_host *h = s->host;
	auto_node struct node *tree = plan_to_node(s->plan);
	auto_buf struct buf plan = {0};

	buf_init(&plan, LIMIT_PLAN_BYTES); /* the planner has seen that it fits */
	jsonl_add(&plan, tree);
	if (plan.overflow)
		return err_set(e, ERR_HOST, "the plan became larger than %llu bytes",
			(unsigned long long)LIMIT_PLAN_BYTES);
	/* The first drive is the executor's: images with their own boot unit look for it there. */
	if (drives_add_exec(own,
		    &(struct drives_exec){.executor = h->executor,
			    .plan = plan.data,
			    .plan_len = plan.len,
			    .net_tool = h->net_tool,
			    .certificates = h->net_tool ? h->config->ca_certificates : NULL},
		    e) < 0 ||
		drives_add_root(own, h->image.parts[IMAGE_ROOT].path, e) < 0)
		return -1;
	/* The caller's own, when it is kept. */
	if (drives_find(s->drives, DRIVE_SCRATCH))
		return 0;
	return drives_add_scratch(own, h->config->tmpdir, h->config->scratch_bytes, e);
}

/* Outputs are packed last. */
static uint32_t first_output(const struct plan *p)
{
	size_t i = p->count;

	while (i > 0 && p->steps[i - 1].origin.source == SOURCE_EPILOG)
		i--;
	return (uint32_t)i;
}

static void fill_vm(struct stage *s, const struct drives *own, struct vm *vm)
{
	const struct stage_host *h = s->host;
	int64_t limit = s->plan->timeout_ms ? s->plan->timeout_ms : DEFAULT_RUN_TIMEOUT_MS;

	*vm = (struct vm){
		.image = &h->image,
		.qemu_program = h->qemu,
		.executor = h->executor,
		.machine = h->accel.machine,
		.accelerator = h->accel.accelerator,
		.cpus = h->cpus,
		.memory = h->memory,
		.tsc_khz = tsc_khz(),
		.uid = h->uid,
		.gid = h->gid,
		.step_count = (uint32_t)s->plan->count,
		.boot_timeout_ms = h->config->boot_timeout_ms,
		.run_limit_ms = limit,
		.network = has_network(s),
		.agent = has_agent(s),
		.first_output = first_output(s->plan),
		.loop = s->loop,
		.observer = &observer,
		.arg = s,
	};
	for (size_t i = 0; i < own->count; i++)
		vm->drives[vm->drive_count++] = own->items[i];
	for (size_t i = 0; i < s->drives->count; i++)
		vm->drives[vm->drive_count++] = s->drives->items[i];
}

static void report_start(struct stage *s, const struct vm *vm)
{
	struct node *n = node_map();
	auto_strv struct strv argv = {0};

	vm_argv(vm, &argv);
	node_set_string(n, "kind", plan_source_name(s->plan->source));
	node_set_string(n, "accelerator", qemu_accelerator_name(vm->accelerator));
	node_set_string(n, "machine", qemu_machine_name(vm->machine));
	node_set_string(n, "image", vm->image->name);
	node_set_uint(n, "cpus", vm->cpus);
	node_set_uint(n, "memory", vm->memory);
	node_add_strv(node_set_list(n, "argv"), &argv);
	node_set_string(s->vm, "kind", plan_source_name(s->plan->source));
	node_set_string(s->vm, "accelerator", qemu_accelerator_name(vm->accelerator));
	node_add_strv(node_set_list(s->vm, "argv"), &argv);
	event_send(s->sink, EVENT_VM_STARTS, s->plan->source, n);
}

/* What the proxy of this VM will allow: before anything in it can ask. */
static void report_egress(struct stage *s)
{
	struct node *n;

	if (!has_network(s))
		return;
	n = node_map();
	node_set_string(n, "kind", plan_source_name(s->plan->source));
	node_set(n, "hosts", egress_to_node(s->egress));
	event_send(s->sink, EVENT_EGRESS_LIST, s->plan->source, n);
}

/*
 * A guest whose clock runs at another speed measures nothing rightly and keeps no time limit. Up to
 * a second is the way of the last frame on a busy host.
 */
static void check_clock(struct stage *s)
{
	int64_t guest_ms = (int64_t)(s->vm_result.end.guest_ns / 1000000);
	int64_t host_ms = s->vm_result.run_ms;
	int64_t off = guest_ms > host_ms ? guest_ms - host_ms : host_ms - guest_ms;
	struct node *n;

	if (off <= 1000 || off * 50 <= host_ms)
		return;
	n = node_map();
	node_set_int(n, "guest_ms", guest_ms);
	node_set_int(n, "host_ms", host_ms);
	event_send(s->sink, EVENT_CLOCK_SKEW, s->plan->source, n);
}

static void describe_vm(struct stage *s)
{
	const struct vm_result *r = &s->vm_result;

	node_set(s->vm, "boot_ms", r->said_hello ? node_int(r->boot_ms) : node_null());
	node_set_int(s->vm, "duration_ms", r->duration_ms);
	if (!r->ended)
		return;
	node_set_int(s->vm, "run_ms", r->run_ms);
	node_set_int(s->vm, "guest_ms", (int64_t)(r->end.guest_ns / 1000000));
}

static void report_end(struct stage *s)
{
	struct node *n = node_map();

	node_set_string(n, "kind", plan_source_name(s->plan->source));
	node_set_int(n, "duration_ms", s->vm_result.duration_ms);
	event_send(s->sink, EVENT_VM_ENDS, s->plan->source, n);
}

static void report_death(struct stage *s, const struct err *e)
{
	struct node *n = node_map();

	node_set_string(n, "kind", plan_source_name(s->plan->source));
	node_set_string(n, "reason", verdict_reason_of_error(e));
	node_set_string(n, "message", e->msg);
	event_send(s->sink, EVENT_VM_DIED, s->plan->source, n);
}

#define ERR_REASON_AGENT "ssh_agent_refused"

/* How to go on without what an earlier run has left, when that is what failed. The caller frees. */
static char *remedy_of(const struct stage *s, size_t step)
{
	const char *serial = planner_stored_input(s->plan, step);
	const struct vm_drive *drive = serial ? drives_find(s->drives, serial) : NULL;
	auto_free char *file = drive && drive->fd >= 0 ? fd_name(drive->fd) : NULL;

	return file ? mem_printf("; if it is damaged, remove %s to run without it", file)
		    : mem_strdup("");
}

static void describe_step_of_ours(struct stage *s, const char *text)
{
	size_t step = s->vm_result.end.failed_step;
	auto_free char *remedy = remedy_of(s, step);

	fit_format(s->message, sizeof(s->message), "%s: %s%s", action_name(s, step), text, remedy);
}

/* "action 2 (shell): exit code 3" */
static void describe_failure(struct stage *s, const char *text)
{
	const struct message_end *end = &s->vm_result.end;

	if (end->failed_step == MESSAGE_NO_STEP)
		fit_format(s->message, sizeof(s->message), "%s", text);
	else if (origin_of(s, end->failed_step)->source == s->plan->source)
		fit_format(s->message, sizeof(s->message), "action %zu (%s): %s",
			origin_of(s, end->failed_step)->index + 1, action_name(s, end->failed_step),
			text);
	else
		describe_step_of_ours(s, text);
}

static void take_claim(struct stage *s)
{
	const struct message_end *end = &s->vm_result.end;
	auto_free char *text = said_safe(s->mask, end->text, MESSAGE_TEXT_MAX);
	auto_free char *refusal = said_safe(s->mask, s->agent.refusal, sizeof(s->agent.refusal));
	auto_free char *why = NULL;
	const char *reason;
	struct node *n = NULL;

	if (end->outcome == STEP_PASSED) {
		s->verdict = VERDICT_PASSED;
		event_send(s->sink, EVENT_EXECUTOR_SUCCEEDS, s->plan->source, NULL);
		return;
	}
	reason = end->outcome == STEP_FAILED && s->failed_reason
		? s->failed_reason
		: verdict_reason_of_step(s->plan->source, end->outcome, "");
	if (end->outcome == STEP_STOPPED)
		why = mem_printf("stopped by %s", sig_name(sig_pending()));
	if (end->outcome == STEP_FAILED && s->agent.refusal[0]) {
		reason = ERR_REASON_AGENT;
		why = mem_printf("%s; the ssh agent refused it: %s", text, refusal);
	}
	s->verdict = verdict_of_reason(reason);
	(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
	describe_failure(s, why ? why : text);
	n = node_map();
	node_set_int(n, "exit_code", node_get_int(s->failed, "exit_code", 1));
	node_set_string(n, "message", s->message);
	event_send(s->sink, EVENT_EXECUTOR_FAILS, s->plan->source, n);
}

/* One start of the machine, with drives of its own: nothing of an earlier start is used again. */
static int attempt(struct stage *s, struct err *e)
{
	auto_drives struct drives own = {0};
	struct vm vm;
	int result;

	if (add_own_drives(s, &own, e) < 0)
		return -1;
	fill_vm(s, &own, &vm);
	report_start(s, &vm);
	report_egress(s);
	console_init(&s->console, s->console_fd, s->host->config->console_max);
	s->running = &vm;
	result = vm_run(&vm, &s->vm_result, e);
	s->running = NULL;
	s->disk_error = (struct err){0};
	err_ignore(check_disks(&vm, &s->disk_error));
	if (result < 0)
		said_cover(s->mask, e->msg, sizeof(e->msg));
	end_console(s);
	console_end(&s->console);
	note_console_error(s);
	console_release(&s->console);
	result = end_network(s, result, e);
	describe_vm(s);
	if (result < 0)
		report_death(s, e);
	return result;
}

static bool has_not_started(const struct err *e)
{
	return strcmp(e->reason, ERR_REASON_STANDSTILL) == 0 ||
		strcmp(e->reason, ERR_REASON_RESET) == 0;
}

/* It has not said hello, so nothing has run in it: start again. */
static int attempt_once_more(struct stage *s, struct err *e)
{
	struct node *n = node_map();

	node_set_string(n, "message",
		strcmp(e->reason, ERR_REASON_STANDSTILL) == 0
			? "the guest hung while it started: it is started again"
			: "the guest reset its machine while it started: it is started again");
	event_send(s->sink, EVENT_WARNING, s->plan->source, n);
	*e = (struct err){0};
	return attempt(s, e);
}

/* KVM was a guess and the guest did not come up under it: nothing has run yet, so start again. */
static int attempt_without_kvm(struct stage *s, struct err *e)
{
	struct node *n = node_map();

	*e = (struct err){0};
	node_set_string(n, "message",
		"KVM is there but no guest comes up under it: emulation (TCG) is used until this "
		"host boots again");
	event_send(s->sink, EVENT_WARNING, s->plan->source, n);
	accel_remember(s->host->config, false);
	if (accel_without_kvm(s->host->config, &s->host->image, &s->host->accel, e) < 0)
		return -1;
	return attempt(s, e);
}

/* ---- whose fault it is ---- */

static int blame_disk_not_guest(const struct stage *s, struct err *e)
{
	if (e->kind == ERR_GUEST)
		err_ignore(blame_disk(s, e));
	return -1;
}

int stage_run(struct stage *s, struct err *e)
{
	bool unproved = s->host->accel.unproved;
	int result = attempt(s, e);

	if (unproved && s->vm_result.said_hello)
		accel_remember(s->host->config, true);
	if (unproved && result < 0 && strcmp(e->reason, "host_kvm_unusable") == 0)
		result = attempt_without_kvm(s, e);
	for (int i = 1; i < LIMIT_STARTS && result < 0 && has_not_started(e); i++)
		result = attempt_once_more(s, e);
	if (result < 0)
		return blame_disk_not_guest(s, e);
	check_clock(s);
	take_claim(s);
	report_end(s);
	return s->verdict == VERDICT_FAILED || s->verdict == VERDICT_BROKEN ? blame_disk(s, e) : 0;
}

bool stage_was_packed(const struct stage *s, const char *serial)
{
	const struct message_end *end = &s->vm_result.end;

	for (uint32_t i = 0; i < end->output_count; i++)
		if (strcmp(end->outputs[i].serial, serial) == 0)
			return true;
	return false;
}

int stage_output(
	const struct stage *s, const char *serial, struct message_output *ret_output, struct err *e)
{
	const struct vm_drive *drive = drives_find(s->drives, serial);
	const struct message_end *end = &s->vm_result.end;
	const struct message_output *found = NULL;

	for (uint32_t i = 0; i < end->output_count; i++) {
		if (strcmp(end->outputs[i].serial, serial) != 0)
			continue;
		if (found)
			return err_reason(e, ERR_GUEST, "guest_output",
				"the guest names output %s twice", serial);
		found = &end->outputs[i];
	}
	if (!found)
		return err_reason(
			e, ERR_GUEST, "guest_output", "the guest did not pack output %s", serial);
	if (found->bytes % 512 || found->bytes < DRIVE_EMPTY_BYTES || found->bytes > drive->bytes)
		return err_reason(e, ERR_GUEST, "guest_output",
			"the guest claims %" PRIu64 " bytes for output %s, which cannot be",
			found->bytes, serial);
	*ret_output = *found;
	return 0;
}
