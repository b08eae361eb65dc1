/* SPDX-License-Identifier: Apache-2.0 */
#include "run/machine.h"

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
#include "settings/programs.h"

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

int machine_check_memory(const struct config *config, const struct project *project, struct err *e)
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

int machine_host_prepare(const struct config *config, const struct project *project,
	const char *image, const char *image_path, const char *executor,
	struct machine_host *ret_host, struct err *e)
{
	struct machine_host h = {.config = config};

	h.cpus = (unsigned)(project && project->cpus ? project->cpus
						     : config->cpus); /* LIMIT_CPUS */
	h.memory = memory_of(config, project);
	if (machine_check_memory(config, project, e) < 0 ||
		image_open(config->image_store, image, image_path, &h.image, e) < 0 ||
		programs_executor(config, executor, &h.executor, e) < 0 ||
		programs_qemu(config, &h.qemu, e) < 0 ||
		jail_vm_user(config->vm_user, &h.uid, &h.gid, e) < 0 ||
		accel_choose(config, &h.image, &h.accel, e) < 0) {
		machine_host_release(&h);
		return -1;
	}
	*ret_host = h;
	return 0;
}

int machine_host_prepare_trusted(const struct config *config, const struct project *project,
	const char *executor, struct machine_host *ret_host, struct err *e)
{
	const char *image = config->trusted_image;
	struct machine_host h;

	if (machine_host_prepare(
		    config, project, image, strchr(image, '/') ? image : NULL, executor, &h, e) < 0)
		return err_wrap(e, "pre- and post-plans");
	if (locate_net_tool(h.executor, &h.net_tool, e) < 0) {
		machine_host_release(&h);
		return -1;
	}
	*ret_host = h;
	return 0;
}

void machine_host_release(struct machine_host *h)
{
	image_release(&h->image);
	free(h->qemu);
	free(h->executor);
	free(h->net_tool);
	*h = (struct machine_host){0};
}

void machine_init(struct machine *m)
{
	*m = (struct machine){.console_fd = -1,
		.actions = node_list(),
		.vm = node_map(),
		.proxy = PROXY_NONE,
		.agent = SSHAGENT_NONE};
}

void machine_release(struct machine *m)
{
	node_free(m->actions);
	node_free(m->failed);
	node_free(m->vm);
	proxy_kill(&m->proxy);
	sshagent_kill(&m->agent);
	mask_stream_free(m->console_mask);
}

/* ---- from steps to the user's actions ---- */

static const struct origin *origin_of(const struct machine *m, size_t step)
{
	return &m->plan->steps[step].origin;
}

/* One action of the user can be several steps: they stand together and share their origin. */
static bool same_action(const struct machine *m, size_t a, size_t b)
{
	const struct origin *x = origin_of(m, a), *y = origin_of(m, b);

	return x->source == y->source && x->index == y->index;
}

static bool is_last_of_action(const struct machine *m, size_t step)
{
	return step + 1 >= m->plan->count || !same_action(m, step, step + 1);
}

static const char *action_name(const struct machine *m, size_t step)
{
	return origin_of(m, step)->action;
}

static struct node *action_fields(const struct machine *m, size_t step)
{
	struct node *n = node_map();

	node_set_uint(n, "action", origin_of(m, step)->index);
	node_set_string(n, "name", action_name(m, step));
	return n;
}

/* ---- what the guest reports ---- */

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

	if (m->action.running && same_action(m, m->action.step, step))
		return;
	memset(&m->action, 0, sizeof(m->action));
	m->action.step = step;
	m->action.running = true;
	event_send(
		m->sink, EVENT_EXECUTE_ACTION, origin_of(m, step)->source, action_fields(m, step));
}

static void on_output(void *arg, uint32_t step, bool is_stderr, const char *data, size_t len)
{
	struct machine *m = arg;
	const struct event ev = {
		.type = EVENT_ACTION_OUTPUT,
		.source = origin_of(m, step)->source,
		.utc_ns = clock_utc_ns(),
		.action = origin_of(m, step)->index,
		.is_stderr = is_stderr,
		.data = data,
		.len = len,
	};

	m->sink->event(m->sink->arg, &ev);
}

static void add_measures(
	const struct machine *m, struct node *n, const struct message_step_end *msg)
{
	if (msg->exit_code >= 0)
		node_set_int(n, "exit_code", msg->exit_code);
	if (msg->signal > 0)
		node_set_int(n, "signal", msg->signal);
	node_set_uint(n, "duration_ms", m->action.wall_ns / 1000000);
	node_set_uint(n, "cpu_ms", m->action.cpu_ns / 1000000);
	node_set_uint(n, "peak_memory", m->action.peak_bytes);
}

static void report_failure(struct machine *m, const struct message_step_end *msg)
{
	struct node *n = action_fields(m, msg->step);
	/* A guest can claim that all its actions failed: the first has room for its reason. */
	auto_free char *text =
		said_safe(m->mask, msg->text, m->failed ? LATER_FAILURE_MAX : MESSAGE_TEXT_MAX);
	const char *reason = verdict_reason_of_step(m->plan->source, msg->outcome, msg->reason);

	node_set_string(n, "reason", reason);
	node_set_string(n, "message", text);
	if (!m->failed) {
		m->failed = node_map();
		m->failed_reason = reason;
		node_set_uint(m->failed, "index", origin_of(m, msg->step)->index);
		node_set_string(
			m->failed, "source", plan_source_name(origin_of(m, msg->step)->source));
		node_set_string(m->failed, "action", action_name(m, msg->step));
		node_set(m->failed, "exit_code",
			msg->exit_code >= 0 ? node_int(msg->exit_code) : node_null());
		node_set(
			m->failed, "signal", msg->signal > 0 ? node_int(msg->signal) : node_null());
	}
	event_send(m->sink, EVENT_ACTION_FAILED, origin_of(m, msg->step)->source, n);
}

/* actions[] of result.json has the user's own actions only. */
static void keep_action(struct machine *m, const struct message_step_end *msg)
{
	struct node *n;

	if (origin_of(m, msg->step)->source != m->plan->source)
		return;
	n = node_add_map(m->actions);
	node_set_uint(n, "index", origin_of(m, msg->step)->index);
	node_set_string(n, "source", plan_source_name(m->plan->source));
	node_set_string(n, "action", action_name(m, msg->step));
	node_set_string(n, "result", verdict_name(verdict_of_outcome(msg->outcome)));
	add_measures(m, n, msg);
}

static void on_step_end(void *arg, const struct message_step_end *msg)
{
	struct machine *m = arg;
	bool passed = msg->outcome == STEP_PASSED;
	struct node *n;

	m->action.wall_ns += msg->wall_ns;
	m->action.cpu_ns += msg->cpu_ns;
	if (msg->peak_bytes > m->action.peak_bytes)
		m->action.peak_bytes = msg->peak_bytes;
	if (passed && !is_last_of_action(m, msg->step))
		return;
	n = action_fields(m, msg->step);
	add_measures(m, n, msg);
	event_send(m->sink, EVENT_ACTION_FINISHED, origin_of(m, msg->step)->source, n);
	if (passed)
		event_send(m->sink, EVENT_ACTION_SUCCEEDED, origin_of(m, msg->step)->source,
			action_fields(m, msg->step));
	else
		report_failure(m, msg);
	keep_action(m, msg);
	m->action.running = false;
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

/* What is missing is not missing for its length. */
static void note_console_error(struct machine *m)
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
	note_console_error(m);
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

/* What was held back of the console is shown when nothing follows. */
static void end_console(struct machine *m)
{
	const struct mask_sink sink = {keep_console, m};

	if (m->console_mask)
		mask_end(m->console_mask, &sink);
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
	const struct machine *m = arg;

	return check_disks(m->running, e);
}

/* Looked at while its drives were open: what they took is free again when they are closed. */
static int blame_disk(const struct machine *m, struct err *e)
{
	if (m->disk_error.kind == ERR_NONE)
		return 0;
	*e = m->disk_error;
	return -1;
}

/* ---- the network of a trusted VM ---- */

static bool has_network(const struct machine *m)
{
	return m->egress && m->egress->count;
}

static bool has_agent(const struct machine *m)
{
	return has_network(m) && m->agent_rules && m->agent_rules->login_count;
}

static struct said_reports reports_of(const struct machine *m)
{
	return (struct said_reports){m->mask, m->egress, m->agent_rules, *m->sink};
}

static int on_proxy(void *arg, struct err *e)
{
	struct machine *m = arg;
	enum plan_source source = m->plan->source;
	struct said_reports reports = reports_of(m);
	const struct event_sink sink = {said_report, &reports};

	return proxy_read(&m->proxy, &sink, plan_source_name(source), source, e);
}

static int on_agent(void *arg, struct err *e)
{
	struct machine *m = arg;
	struct said_reports reports = reports_of(m);
	const struct event_sink sink = {said_report, &reports};

	return sshagent_read(&m->agent, &sink, m->plan->source, e);
}

static int on_listening(void *arg, int listen_fd, int agent_listen_fd, struct err *e)
{
	struct machine *m = arg;
	const struct machine_host *h = m->host;

	if (proxy_start(listen_fd, m->egress, h->uid, h->gid, &m->proxy, e) < 0)
		return -1;
	m->proxy_source = (struct loop_source){
		.fd = proxy_fd(&m->proxy), .events = POLLIN, .ready = on_proxy, .arg = m};
	loop_add(m->loop, &m->proxy_source);
	if (!has_agent(m))
		return 0;
	if (sshagent_start(agent_listen_fd, m->agent_rules, h->uid, h->gid, &m->agent, e) < 0)
		return -1;
	m->agent_source = (struct loop_source){
		.fd = sshagent_fd(&m->agent), .events = POLLIN, .ready = on_agent, .arg = m};
	loop_add(m->loop, &m->agent_source);
	return 0;
}

/* What proxy and agent did is part of the log also when the VM did not come to its end. */
static int end_network(struct machine *m, int result, struct err *e)
{
	enum plan_source source = m->plan->source;
	struct said_reports reports = reports_of(m);
	const struct event_sink sink = {said_report, &reports};
	struct err died = {0}, agent_died = {0};
	int stopped;

	loop_remove(m->loop, &m->proxy_source);
	loop_remove(m->loop, &m->agent_source);
	stopped = proxy_stop(&m->proxy, &sink, plan_source_name(source), source, &died);
	if (sshagent_stop(&m->agent, &sink, source, &agent_died) < 0 && stopped == 0) {
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

static int add_own_drives(const struct machine *m, struct drives *own, struct err *e)
{
	const struct machine_host *h = m->host;
	auto_node struct node *tree = plan_to_node(m->plan);
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
	if (drives_find(m->drives, DRIVE_SCRATCH))
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

static void fill_vm(struct machine *m, const struct drives *own, struct vm *vm)
{
	const struct machine_host *h = m->host;
	int64_t limit = m->plan->timeout_ms ? m->plan->timeout_ms : DEFAULT_RUN_TIMEOUT_MS;

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
		.step_count = (uint32_t)m->plan->count,
		.boot_timeout_ms = h->config->boot_timeout_ms,
		.run_limit_ms = limit,
		.network = has_network(m),
		.agent = has_agent(m),
		.first_output = first_output(m->plan),
		.loop = m->loop,
		.observer = &observer,
		.arg = m,
	};
	for (size_t i = 0; i < own->count; i++)
		vm->drives[vm->drive_count++] = own->items[i];
	for (size_t i = 0; i < m->drives->count; i++)
		vm->drives[vm->drive_count++] = m->drives->items[i];
}

static void report_start(struct machine *m, const struct vm *vm)
{
	struct node *n = node_map();
	auto_strv struct strv argv = {0};

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

/* What the proxy of this VM will allow: before anything in it can ask. */
static void report_egress(struct machine *m)
{
	struct node *n;

	if (!has_network(m))
		return;
	n = node_map();
	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set(n, "hosts", egress_to_node(m->egress));
	event_send(m->sink, EVENT_EGRESS_LIST, m->plan->source, n);
}

/*
 * A guest whose clock runs at another speed measures nothing rightly and keeps no time limit. Up to
 * a second is the way of the last frame on a busy host.
 */
static void check_clock(struct machine *m)
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

static void describe_vm(struct machine *m)
{
	const struct vm_result *r = &m->vm_result;

	node_set(m->vm, "boot_ms", r->said_hello ? node_int(r->boot_ms) : node_null());
	node_set_int(m->vm, "duration_ms", r->duration_ms);
	if (!r->ended)
		return;
	node_set_int(m->vm, "run_ms", r->run_ms);
	node_set_int(m->vm, "guest_ms", (int64_t)(r->end.guest_ns / 1000000));
}

static void report_end(struct machine *m)
{
	struct node *n = node_map();

	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set_int(n, "duration_ms", m->vm_result.duration_ms);
	event_send(m->sink, EVENT_VM_ENDS, m->plan->source, n);
}

static void report_death(struct machine *m, const struct err *e)
{
	struct node *n = node_map();

	node_set_string(n, "kind", plan_source_name(m->plan->source));
	node_set_string(n, "reason", verdict_reason_of_error(e));
	node_set_string(n, "message", e->msg);
	event_send(m->sink, EVENT_VM_DIED, m->plan->source, n);
}

#define ERR_REASON_AGENT "ssh_agent_refused"

/* How to go on without what an earlier run has left, when that is what failed. The caller frees. */
static char *remedy_of(const struct machine *m, size_t step)
{
	const char *serial = planner_stored_input(m->plan, step);
	const struct vm_drive *drive = serial ? drives_find(m->drives, serial) : NULL;
	auto_free char *file = drive && drive->fd >= 0 ? fd_name(drive->fd) : NULL;

	return file ? mem_printf("; if it is damaged, remove %s to run without it", file)
		    : mem_strdup("");
}

static void describe_step_of_ours(struct machine *m, const char *text)
{
	size_t step = m->vm_result.end.failed_step;
	auto_free char *remedy = remedy_of(m, step);

	fit_format(m->message, sizeof(m->message), "%s: %s%s", action_name(m, step), text, remedy);
}

/* "action 2 (shell): exit code 3" */
static void describe_failure(struct machine *m, const char *text)
{
	const struct message_end *end = &m->vm_result.end;

	if (end->failed_step == MESSAGE_NO_STEP)
		fit_format(m->message, sizeof(m->message), "%s", text);
	else if (origin_of(m, end->failed_step)->source == m->plan->source)
		fit_format(m->message, sizeof(m->message), "action %zu (%s): %s",
			origin_of(m, end->failed_step)->index + 1, action_name(m, end->failed_step),
			text);
	else
		describe_step_of_ours(m, text);
}

static void take_claim(struct machine *m)
{
	const struct message_end *end = &m->vm_result.end;
	auto_free char *text = said_safe(m->mask, end->text, MESSAGE_TEXT_MAX);
	auto_free char *refusal = said_safe(m->mask, m->agent.refusal, sizeof(m->agent.refusal));
	auto_free char *why = NULL;
	const char *reason;
	struct node *n = NULL;

	if (end->outcome == STEP_PASSED) {
		m->verdict = VERDICT_PASSED;
		event_send(m->sink, EVENT_EXECUTOR_SUCCEEDS, m->plan->source, NULL);
		return;
	}
	reason = end->outcome == STEP_FAILED && m->failed_reason
		? m->failed_reason
		: verdict_reason_of_step(m->plan->source, end->outcome, "");
	if (end->outcome == STEP_STOPPED)
		why = mem_printf("stopped by %s", sig_name(sig_pending()));
	if (end->outcome == STEP_FAILED && m->agent.refusal[0]) {
		reason = ERR_REASON_AGENT;
		why = mem_printf("%s; the ssh agent refused it: %s", text, refusal);
	}
	m->verdict = verdict_of_reason(reason);
	(void)snprintf(m->reason, sizeof(m->reason), "%s", reason);
	describe_failure(m, why ? why : text);
	n = node_map();
	node_set_int(n, "exit_code", node_get_int(m->failed, "exit_code", 1));
	node_set_string(n, "message", m->message);
	event_send(m->sink, EVENT_EXECUTOR_FAILS, m->plan->source, n);
}

/* One start of the machine, with drives of its own: nothing of an earlier start is used again. */
static int attempt(struct machine *m, struct err *e)
{
	auto_drives struct drives own = {0};
	struct vm vm;
	int result;

	if (add_own_drives(m, &own, e) < 0)
		return -1;
	fill_vm(m, &own, &vm);
	report_start(m, &vm);
	report_egress(m);
	console_init(&m->console, m->console_fd, m->host->config->console_max);
	m->running = &vm;
	result = vm_run(&vm, &m->vm_result, e);
	m->running = NULL;
	m->disk_error = (struct err){0};
	err_ignore(check_disks(&vm, &m->disk_error));
	if (result < 0)
		said_cover(m->mask, e->msg, sizeof(e->msg));
	end_console(m);
	console_end(&m->console);
	note_console_error(m);
	console_release(&m->console);
	result = end_network(m, result, e);
	describe_vm(m);
	if (result < 0)
		report_death(m, e);
	return result;
}

static bool has_not_started(const struct err *e)
{
	return strcmp(e->reason, ERR_REASON_STANDSTILL) == 0 ||
		strcmp(e->reason, ERR_REASON_RESET) == 0;
}

/* It has not said hello, so nothing has run in it: start again. */
static int attempt_once_more(struct machine *m, struct err *e)
{
	struct node *n = node_map();

	node_set_string(n, "message",
		strcmp(e->reason, ERR_REASON_STANDSTILL) == 0
			? "the guest hung while it started: it is started again"
			: "the guest reset its machine while it started: it is started again");
	event_send(m->sink, EVENT_WARNING, m->plan->source, n);
	*e = (struct err){0};
	return attempt(m, e);
}

/* KVM was a guess and the guest did not come up under it: nothing has run yet, so start again. */
static int attempt_without_kvm(struct machine *m, struct err *e)
{
	struct node *n = node_map();

	*e = (struct err){0};
	node_set_string(n, "message",
		"KVM is there but no guest comes up under it: emulation (TCG) is used until this "
		"host boots again");
	event_send(m->sink, EVENT_WARNING, m->plan->source, n);
	accel_remember(m->host->config, false);
	if (accel_without_kvm(m->host->config, &m->host->image, &m->host->accel, e) < 0)
		return -1;
	return attempt(m, e);
}

/* ---- whose fault it is ---- */

static int blame_disk_not_guest(const struct machine *m, struct err *e)
{
	if (e->kind == ERR_GUEST)
		err_ignore(blame_disk(m, e));
	return -1;
}

int machine_run(struct machine *m, struct err *e)
{
	bool unproved = m->host->accel.unproved;
	int result = attempt(m, e);

	if (unproved && m->vm_result.said_hello)
		accel_remember(m->host->config, true);
	if (unproved && result < 0 && strcmp(e->reason, "host_kvm_unusable") == 0)
		result = attempt_without_kvm(m, e);
	for (int i = 1; i < LIMIT_STARTS && result < 0 && has_not_started(e); i++)
		result = attempt_once_more(m, e);
	if (result < 0)
		return blame_disk_not_guest(m, e);
	check_clock(m);
	take_claim(m);
	report_end(m);
	return m->verdict == VERDICT_FAILED || m->verdict == VERDICT_BROKEN ? blame_disk(m, e) : 0;
}

bool machine_was_packed(const struct machine *m, const char *serial)
{
	const struct message_end *end = &m->vm_result.end;

	for (uint32_t i = 0; i < end->output_count; i++)
		if (strcmp(end->outputs[i].serial, serial) == 0)
			return true;
	return false;
}

int machine_output(const struct machine *m, const char *serial, struct message_output *ret_output,
	struct err *e)
{
	const struct vm_drive *drive = drives_find(m->drives, serial);
	const struct message_end *end = &m->vm_result.end;
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
