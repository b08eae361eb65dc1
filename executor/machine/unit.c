/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor started by the init of an image (a boot unit, cloud-init). The image's root and its
 * processes are left alone, and the processes of a step must be told from them. So the executor
 * continues as the first process of a new pid namespace, while its parent waits outside and powers
 * the machine off at the end.
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "executor/machine/machine.h"
#include "os/proc.h"

/* The parent waits here until the child has ended. */
NORETURN static void outlive(pid_t child)
{
	int status = 0;

	while (proc_wait(child, &status) < 0 && errno == EINTR)
		;
	sync();
	guest_power_off();
}

static int enter_namespace(struct err *e)
{
	pid_t child;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		return err_sys(e, "make a pid namespace (the executor must run as root)");
	child = fork();
	if (child < 0)
		return err_sys(e, "fork");
	if (child > 0)
		outlive(child);
	return 0;
}

/*
 * An image may have a unit of its own and cloud-init. The second executor that they start finds the
 * ports in use. It does not end: what started it would then switch the machine off.
 */
NORETURN static void wait_for_the_other(void)
{
	for (;;)
		(void)pause();
}

static int start(struct machine *m, struct err *e)
{
	int log = -1, ctl = -1;

	/* First of all: without ports, this is not a machine of ambient and must not be changed. */
	if (ports_open(m, &log, &ctl, e) < 0) {
		if (e->sys == EBUSY)
			wait_for_the_other();
		return -1;
	}
	m->log_fd = log;
	m->ctl_fd = ctl;
	if (enter_namespace(e) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make mounts private");
	return guest_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e);
}

static int open_ports(struct machine *m, int *ret_log, int *ret_ctl, struct err *e)
{
	(void)e;
	*ret_log = m->log_fd;
	*ret_ctl = m->ctl_fd;
	return 0;
}

static int mount_scratch(const struct machine *m, struct err *e)
{
	const struct drive *d = machine_drive(m, DRIVE_SCRATCH);
	auto_free char *device = d ? mem_printf("/dev/%s", d->device) : NULL;

	if (!d)
		return err_set(e, ERR_HOST, "the host announced no drive '%s'", DRIVE_SCRATCH);
	return guest_mount(device, GUEST_CI, "ext4", MS_NOATIME, "barrier=0", e);
}

static int prepare(struct machine *m, const struct message_go *go, struct err *e)
{
	if (guest_seed(go, e) < 0 || blockdev_find(m, go, e) < 0 || mount_scratch(m, e) < 0)
		return -1;
	m->forward = go->network;
	m->host_address = go->network ? NET_PROXY_ADDRESS : NULL;
	if (go->network && network_up(e) < 0)
		return -1;
	return guest_name(e) < 0 || guest_link_old(e) < 0 ? -1 : guest_make_dirs(m, e);
}

/* The parent powers off: inside the namespace, reboot(2) would only end the namespace. */
static void shut_down(struct machine *m)
{
	(void)m;
}

const struct machine machine_unit = {
	.start = start,
	.open_ports = open_ports,
	.prepare = prepare,
	.open_drive = blockdev_open,
	.shut_down = shut_down,
	.source = GUEST_SRC,
	.scripts = GUEST_ACTIONS,
};
