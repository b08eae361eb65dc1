/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of the jail, from the clone to the program. Each step takes something away that
 * no later step needs:
 *
 *	wait until the parent has written the id maps
 *	take the identity       before the tmpfs, whose files need an owner that is mapped
 *	hostname, root          needs capabilities in the new namespaces
 *	descriptors, limits
 *	capabilities            locked, so that no exec gives them back
 *	death signal            after the last change of credentials, which would clear it
 *	seccomp                 last, because it forbids most of the above
 *
 * On the control socket the parent sends one byte, "go"; the child answers with one jail_report,
 * and with a second one if the exec fails. If the parent's end is closed, the parent has exited.
 */
#include "jail/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/sig.h"

enum { EXIT_NOT_STARTED = 127 };

int jail_wall(struct err *e, const char *what)
{
	(void)err_sys(e, "%s", what);
	(void)snprintf(e->reason, sizeof(e->reason), "%s", JAIL_REASON_WALL);
	return -1;
}

static void wait_for_go(const struct jail_setup *s)
{
	char go;

	fd_close(s->control_outside);
	if (fd_read_full(s->control, &go, 1) != 1)
		/* The parent gave up or died, so there is no one to report to. */
		_exit(EXIT_NOT_STARTED);
}

/* A program expects these defaults, whatever signals the caller blocked, ignored or caught. */
static int reset_process(const char *name, struct err *e)
{
	sig_reset();
	if (setsid() < 0)
		return err_sys(e, "start a session");
	(void)umask(022);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0); /* for ps only */
	return 0;
}

static int take_identity(const struct jail_setup *s, struct err *e)
{
	size_t extra = s->extra_gid != s->gid ? 1 : 0;

	if (!s->change_ids)
		return 0;
	if (setgroups(extra, &s->extra_gid) < 0)
		return jail_wall(e, "drop supplementary groups");
	if (setresgid(s->gid, s->gid, s->gid) < 0)
		return jail_wall(e, "change the group");
	if (setresuid(s->uid, s->uid, s->uid) < 0)
		return jail_wall(e, "change the user");
	return 0;
}

/* ---- descriptors ---- */

/* The source and target number of each descriptor; the standard three are first. */
static size_t list_descriptors(const struct jail_setup *s, struct jail_keep *list)
{
	const struct jail *j = s->j;

	list[0] = (struct jail_keep){.outside = j->stdin_fd, .inside = 0};
	list[1] = (struct jail_keep){.outside = j->stdout_fd, .inside = 1};
	list[2] = (struct jail_keep){.outside = j->stderr_fd, .inside = 2};
	for (size_t i = 0; i < 3; i++)
		if (list[i].outside < 0)
			list[i].outside = s->null;
	for (size_t i = 0; i < j->keep_count; i++)
		list[3 + i] = j->keeps[i];
	return 3 + j->keep_count;
}

static int move_high(int *fd, int base, struct err *e)
{
	int high;

	if (*fd < 0)
		return 0;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, base);
	if (high < 0)
		return err_sys(e, "keep descriptor %d", *fd);
	*fd = high;
	return 0;
}

static int move_to(int *fd, int number, struct err *e)
{
	if (*fd < 0)
		return 0;
	if (dup3(*fd, number, O_CLOEXEC) < 0)
		return err_sys(e, "move descriptor %d", *fd);
	*fd = number;
	return 0;
}

/* Close all descriptors that are not in the list, except from first_own to `last`. */
static int close_others(
	const struct jail_keep *list, size_t count, int first_own, int last, struct err *e)
{
	for (int fd = 0; fd < first_own; fd++) {
		bool wanted = false;

		for (size_t i = 0; i < count; i++)
			wanted = wanted || list[i].inside == fd;
		if (!wanted)
			(void)close(fd);
	}
	if (close_range((unsigned)last + 1, ~0U, 0) < 0)
		return err_sys(e, "close other descriptors");
	return 0;
}

int jail_control_number(const struct jail *j)
{
	int number = 3;

	for (size_t i = 0; i < j->keep_count; i++)
		if (j->keeps[i].inside >= number)
			number = j->keeps[i].inside + 1;
	return number;
}

/*
 * Source and target numbers may overlap in any way, so all sources are first moved above all
 * targets. The control socket and the program get the numbers directly above the targets; both are
 * close-on-exec.
 */
static int arrange_descriptors(
	const struct jail_setup *s, int *control, int *program, struct err *e)
{
	auto_free struct jail_keep *list = mem_array(3 + s->j->keep_count, sizeof(*list));
	size_t count = list_descriptors(s, list);
	int base = jail_control_number(s->j);

	for (size_t i = 0; i < count; i++)
		if (move_high(&list[i].outside, base + 2, e) < 0)
			return -1;
	if (move_high(control, base + 2, e) < 0 || move_high(program, base + 2, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (dup2(list[i].outside, list[i].inside) < 0)
			return err_sys(e, "move descriptor to %d", list[i].inside);
	if (move_to(control, base, e) < 0 || move_to(program, jail_program_number(s->j), e) < 0)
		return -1;
	return close_others(list, count, base, *program < 0 ? base : base + 1, e);
}

/* ---- limits and privileges ---- */

static int limit(int resource, uint64_t value, const char *what, struct err *e)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
		return err_sys(e, "read the limit of %s", what);
	if (now.rlim_max > value)
		now.rlim_max = value;
	now.rlim_cur = now.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &now) < 0)
		return err_sys(e, "set the limit of %s", what);
	return 0;
}

static int set_limits(const struct jail *j, struct err *e)
{
	if (limit(RLIMIT_CORE, 0, "core files", e) < 0)
		return -1;
	if (j->max_files && limit(RLIMIT_NOFILE, j->max_files, "descriptors", e) < 0)
		return -1;
	if (j->max_file_bytes && limit(RLIMIT_FSIZE, j->max_file_bytes, "file size", e) < 0)
		return -1;
	if (j->max_memory && limit(RLIMIT_AS, j->max_memory, "memory", e) < 0)
		return -1;
	if (j->max_cpu_seconds && limit(RLIMIT_CPU, j->max_cpu_seconds, "CPU time", e) < 0)
		return -1;
	return 0;
}

/* Without these securebits, user 0 of a user namespace would regain all capabilities by an exec. */
static int drop_privileges(struct err *e)
{
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return jail_wall(e, "lock the capabilities");
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return jail_wall(e, "drop the bounding set");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return jail_wall(e, "drop the ambient capabilities");
	if (syscall(SYS_capset, &header, none) < 0)
		return jail_wall(e, "drop the capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return jail_wall(e, "set no_new_privs");
	/* The exec makes the process dumpable again, but by then the caller's memory is gone. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return jail_wall(e, "forbid tracing");
	return 0;
}

/*
 * If the parent died before this, the signal is never sent. getppid is always 0 in a new pid
 * namespace, so check whether the parent's end of the socket is closed.
 */
static int die_with_parent(int control, struct err *e)
{
	struct pollfd parent = {.fd = control, .events = 0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return jail_wall(e, "ask for the death signal");
	if (poll(&parent, 1, 0) < 0)
		return err_sys(e, "look for the parent");
	if (parent.revents & (POLLHUP | POLLERR))
		_exit(EXIT_NOT_STARTED);
	return 0;
}

/* ---- the sequence of steps ---- */

static int build_walls(const struct jail_setup *s, int *control, int *program, struct err *e)
{
	static const char hostname[] = "ambient";

	if (reset_process(s->j->name, e) < 0 || take_identity(s, e) < 0)
		return -1;
	if (sethostname(hostname, sizeof(hostname) - 1) < 0)
		return jail_wall(e, "set the host name");
	if (jail_net_offer(s, e) < 0)
		return -1;
	if (jail_mount_root(s, e) < 0 || arrange_descriptors(s, control, program, e) < 0)
		return -1;
	(void)umask(077);
	if (set_limits(s->j, e) < 0 || drop_privileges(e) < 0 || die_with_parent(*control, e) < 0)
		return -1;
	return jail_seccomp_install(&s->filters, e);
}

NORETURN static void report_and_exit(int control, const struct err *error)
{
	struct jail_report report = {.ready = false, .error = *error};

	(void)send(control, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(EXIT_NOT_STARTED);
}

static char *no_strings[] = {NULL};

void jail_inside(const struct jail_setup *s)
{
	const struct jail *j = s->j;
	struct jail_report report = {.ready = true};
	int control = s->control, program = s->program;
	struct err e = {0};

	wait_for_go(s);
	if (build_walls(s, &control, &program, &e) < 0)
		report_and_exit(control, &e);
	if (send(control, &report, sizeof(report), MSG_NOSIGNAL) < 0)
		_exit(EXIT_NOT_STARTED);
	environ = j->env.items ? j->env.items : no_strings;
	if (program < 0) {
		(void)close(control);
		sig_detach();
		_exit(j->entry(j->arg));
	}
	(void)execveat(program, "", j->argv.items, environ, AT_EMPTY_PATH);
	(void)err_sys(&e, "start %s", j->program);
	report_and_exit(control, &e);
}
