/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/hand/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "executor/job/steps.h"
#include "executor/link.h"
#include "executor/machine/machine.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sig.h"

void worker_release(struct worker *w)
{
	struct err ignored = {0};
	int status;

	fd_close(fd_steal(&w->log_fd));
	fd_close(fd_steal(&w->ctl_fd));
	if (w->pid > 0) {
		(void)kill(w->pid, SIGKILL);
		(void)proc_wait(w->pid, &status);
	}
	/* What cannot be removed is in the directory for temporary files. */
	if (w->scripts && path_remove_tree(w->scripts, &ignored) < 0)
		errno = 0;
	free(w->scripts);
}

/* ---- in the worker ---- */

/* Who started this, if a user namespace was needed. */
struct user {
	bool mapped;
	uid_t uid;
	gid_t gid;
};

static int write_text(const char *path, const char *text, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || fd_write_all(fd, text, strlen(text)) < 0 ? err_sys(e, "%s", path) : 0;
}

/* The same ids as outside. */
static int map_ids(const struct user *u, struct err *e)
{
	auto_free char *users = mem_printf("%u %u 1\n", u->uid, u->uid);
	auto_free char *groups = mem_printf("%u %u 1\n", u->gid, u->gid);

	if (write_text("/proc/self/setgroups", "deny", e) < 0 ||
		write_text("/proc/self/uid_map", users, e) < 0)
		return -1;
	return write_text("/proc/self/gid_map", groups, e);
}

static int enter(const struct user *u, struct err *e)
{
	if (u->mapped && map_ids(u, e) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make mounts private");
	return guest_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e);
}

/* What the worker needs: borrowed, but for the ports. */
struct work {
	const struct plan *plan;
	const struct action *const *steps;
	struct machine here;
	int log_fd, ctl_fd;
	struct user user;
};

static int work(const struct work *w)
{
	auto_link struct link l;
	struct message_end end;
	struct err e = {0};

	link_init(&l);
	if (link_connect(&l, w->log_fd, w->ctl_fd, &e) < 0)
		return -1;
	l.go_ns = clock_ns();
	if (enter(&w->user, &e) < 0 || steps_run(w->plan, w->steps, &w->here, &l, &end, &e) < 0)
		link_break(&end, &e);
	return link_part(&l, &end, &e);
}

/* ---- start ---- */

static int make_ports(struct worker *w, int *ret_log, int *ret_ctl, struct err *e)
{
	int log[2], ctl[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, log) < 0)
		return err_sys(e, "socketpair");
	w->log_fd = log[0];
	*ret_log = log[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl) < 0)
		return err_sys(e, "socketpair");
	w->ctl_fd = ctl[0];
	*ret_ctl = ctl[1];
	return 0;
}

static int make_scripts(struct worker *w, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	auto_free char *path = path_join(tmp && tmp[0] == '/' ? tmp : GUEST_TMP, "run-ci.XXXXXX");

	if (!mkdtemp(path))
		return err_sys(e, "make a directory like %s", path);
	w->scripts = steal_ptr(&path);
	return 0;
}

/* As fork(2), into new namespaces; this process stays in its own. */
static pid_t fork_into(unsigned long namespaces)
{
	return (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* ret->pid is 0 in the worker. */
static int fork_worker(struct worker *ret, struct user *ret_user, struct err *e)
{
	*ret_user = (struct user){.uid = getuid(), .gid = getgid()};
	ret->pid = fork_into(CLONE_NEWPID | CLONE_NEWNS);
	if (ret->pid < 0 && errno == EPERM) {
		ret_user->mapped = true;
		ret->pid = fork_into(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER);
	}
	if (ret->pid >= 0)
		return 0;
	(void)err_sys(e, "make a pid namespace");
	return err_append(e, "; start this as root, or allow user namespaces");
}

int worker_start(const struct oldplan *plan, const struct action *const *steps, struct worker *ret,
	struct err *e)
{
	auto_fd int log = -1, ctl = -1;
	struct work w = {.plan = &plan->plan, .steps = steps, .here.source = plan->source};

	if (make_scripts(ret, e) < 0 || make_ports(ret, &log, &ctl, e) < 0)
		return -1;
	w.here.scripts = ret->scripts;
	if (fork_worker(ret, &w.user, e) < 0)
		return -1;
	if (ret->pid > 0)
		return 0;
	sig_detach();
	/* If these stayed open here, the end of the other process would not be noticed. */
	fd_close(ret->log_fd);
	fd_close(ret->ctl_fd);
	w.log_fd = fd_steal(&log);
	w.ctl_fd = fd_steal(&ctl);
	_exit(work(&w) < 0);
}
