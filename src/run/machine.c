/* SPDX-License-Identifier: Apache-2.0 */
#include "run/machine.h"

#include <string.h>

#include "base/limits.h"
#include "data/jsonl.h"
#include "machine/accel.h"
#include "machine/bootdisk.h"
#include "machine/tsc.h"
#include "os/space.h"
#include "run/limits.h"
#include "run/machine_internal.h"
#include "run/said.h"

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

/* ---- a full disk ---- */

/*
 * Drives take space of the host. On a full disk a guest is stopped, or its drives have errors, so
 * an action fails or an output cannot be packed. None of this is the guest's fault.
 */
static int check_disks(const struct vm *vm, struct err *e)
{
	for (size_t i = 0; i < vm->drive_count; i++)
		if (vm->drives[i].writable &&
			space_check(vm->drives[i].fd, "drives of the guest are there", e) < 0)
			return -1;
	if (vm->disk)
		return space_check(vm->disk->overlay_fd, "drives of the guest are there", e);
	return 0;
}

int machine_check_quiet(void *arg, struct err *e)
{
	const struct machine *m = arg;

	return check_disks(m->running, e);
}

/* The disk was checked while the drives were open: closing them frees their space. */
static int blame_disk(const struct machine *m, struct err *e)
{
	if (m->disk_error.kind == ERR_NONE)
		return 0;
	*e = m->disk_error;
	return -1;
}

/* ---- the VM ---- */

static int add_image(const struct image *image, struct drives *own, struct err *e)
{
	const char *modules = image->parts[IMAGE_MODULES].path;

	if (image->boot == IMAGE_BOOT_DISK)
		return bootdisk_add_cidata(own, e);
	if (drives_add_image(own, DRIVE_ROOT, image->parts[IMAGE_ROOT].path, e) < 0)
		return -1;
	return modules ? drives_add_image(own, DRIVE_MODULES, modules, e) : 0;
}

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
	/*
	 * The executor's drive must be the first: disks with their own boot unit look for it
	 * there.
	 */
	if (drives_add_exec(own,
		    &(struct drives_exec){.executor = h->executor,
			    .name = h->image.boot == IMAGE_BOOT_DISK ? EXECUTOR_OLD_NAME
								     : EXECUTOR_NAME,
			    .plan = plan.data,
			    .plan_len = plan.len,
			    .net_tool = h->net_tool,
			    .certificates = h->certificates},
		    e) < 0 ||
		add_image(&h->image, own, e) < 0)
		return -1;
	/* The caller provides the scratch drive if it is kept. */
	if (drives_find(m->drives, DRIVE_SCRATCH))
		return 0;
	return drives_add_scratch(own, h->config->tmpdir, h->config->scratch_bytes, e);
}

/* The outputs are packed by the last steps. */
static uint32_t first_output(const struct plan *p)
{
	size_t i = p->count;

	while (i > 0 && p->steps[i - 1].origin.source == SOURCE_EPILOG)
		i--;
	return (uint32_t)i;
}

/* The system of a disk starts all its services before the executor. */
static int64_t boot_timeout(const struct machine_host *h)
{
	return h->image.boot == IMAGE_BOOT_DISK ? h->config->boot_timeout_ms * DISK_BOOT_FACTOR
						: h->config->boot_timeout_ms;
}

static void fill_vm(
	struct machine *m, const struct drives *own, const struct bootdisk *disk, struct vm *vm)
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
		.boot_timeout_ms = boot_timeout(h),
		.disk = h->image.boot == IMAGE_BOOT_DISK ? disk : NULL,
		.uefi = machine_host_uefi(h),
		.run_limit_ms = limit,
		.network = machine_has_network(m),
		.agent = machine_has_agent(m),
		.first_output = first_output(m->plan),
		.loop = m->loop,
		.observer = &machine_observer,
		.arg = m,
	};
	for (size_t i = 0; i < own->count; i++)
		vm->drives[vm->drive_count++] = own->items[i];
	for (size_t i = 0; i < m->drives->count; i++)
		vm->drives[vm->drive_count++] = m->drives->items[i];
}

/* Start the machine once, with new drives: nothing of an earlier start is used again. */
static int attempt(struct machine *m, struct err *e)
{
	auto_bootdisk struct bootdisk disk = BOOTDISK_NONE;
	auto_drives struct drives own = {0};
	const struct machine_host *h = m->host;
	struct vm vm;
	int result;

	if (add_own_drives(m, &own, e) < 0 ||
		(h->image.boot == IMAGE_BOOT_DISK &&
			bootdisk_open(&h->image, h->config->tmpdir, &disk, e) < 0))
		return -1;
	fill_vm(m, &own, &disk, &vm);
	machine_report_start(m, &vm);
	machine_report_egress(m);
	console_init(&m->console, m->console_fd, m->host->config->console_max);
	m->running = &vm;
	result = vm_run(&vm, &m->vm_result, e);
	m->running = NULL;
	m->disk_error = (struct err){0};
	err_ignore(check_disks(&vm, &m->disk_error));
	if (result < 0)
		said_cover(m->mask, e->msg, sizeof(e->msg));
	machine_end_console(m);
	console_end(&m->console);
	machine_note_console_error(m);
	console_release(&m->console);
	result = machine_end_network(m, result, e);
	machine_describe_vm(m);
	if (result < 0)
		machine_report_death(m, e);
	return result;
}

static bool has_not_started(const struct err *e)
{
	return strcmp(e->reason, ERR_REASON_STANDSTILL) == 0 ||
		strcmp(e->reason, ERR_REASON_RESET) == 0;
}

/* Without hello, nothing has run in the guest, so it may be started again. */
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

/*
 * KVM was not proved to work, and the guest did not boot under it. Nothing has run, so start again.
 */
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

/* ---- attribution of errors ---- */

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
	machine_check_clock(m);
	machine_take_claim(m);
	machine_report_end(m);
	return m->verdict == VERDICT_FAILED || m->verdict == VERDICT_BROKEN ? blame_disk(m, e) : 0;
}
