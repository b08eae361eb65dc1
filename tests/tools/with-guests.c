/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with-guests COMMAND ARGUMENT...: run a command, and give every fake-qemu that it starts a guest.
 *
 * A fake-qemu sits in the jail that the host built for QEMU, where no process, namespace or mount
 * can be made: a good jail, and no place for an executor that runs programs. So this program, which
 * is outside, watches the descendants of its command. When a fake-qemu appears it reads its
 * arguments, checks them, takes copies of its descriptors (pidfd_getfd(2): the jail's user
 * namespace belongs to whoever started it), takes the executor out of its initramfs as a kernel
 * would, and runs it as process 1 of new namespaces, with a root of its own in memory and nothing
 * of the host but /usr, read-only.
 *
 * The guest ends: fake-qemu gets SIGTERM, which is its power-off. fake-qemu is killed: so is the
 * guest. The host program is the real one, unchanged, and so is its jail.
 *
 * With WITH_GUESTS_VALGRIND in the environment the executor runs under valgrind, whose findings go
 * to standard error.
 *
 * Exit status: that of the command, 128 + signal when it was killed; 126 when a process that it
 * started is there half a minute after its end. SIGTERM, SIGINT and SIGHUP are passed on to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strv.h"
#include "fake_machine.h"
#include "guest_net.h"
#include "guest_space.h"
#include "machine/qemu.h"
#include "os/fd.h"

enum { SURVIVORS_MS = 30000, EXIT_SURVIVORS = 126 };
enum { WATCH_MS = 5, GUESTS_MAX = 64, PROC_FILE_MAX = 256 * 1024, MESSAGES_MAX = 4 };

struct guest {
	pid_t qemu; /* of fake-qemu; 0: this slot is free */
	int qemu_pidfd;
	pid_t executor;                  /* 0: it has ended, or there is none */
	pid_t relays[GUEST_NET_SOCKETS]; /* its network; 0: it has none */
	bool broken;                     /* there could be no guest */
};

static struct guest guests[GUESTS_MAX];

/* ---- looking at processes ---- */

static int read_proc(pid_t pid, const char *name, struct buf *b)
{
	auto_free char *path = mem_printf("/proc/%d/%s", pid, name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf_init(b, PROC_FILE_MAX);
	if (fd < 0)
		return -1;
	while ((n = read(fd, buf_room(b, 4096), 4096)) > 0)
		buf_grew(b, (size_t)n);
	return n < 0 ? -1 : 0;
}

/* In the middle of its exec a process has its program already, and no arguments yet. */
static bool has_arguments(pid_t pid)
{
	auto_buf struct buf b;

	return read_proc(pid, "cmdline", &b) == 0 && b.len > 0;
}

static bool is_fake_qemu(pid_t pid)
{
	auto_free char *path = mem_printf("/proc/%d/exe", pid);
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *base;

	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	return base && strcmp(base, "/fake-qemu") == 0 && has_arguments(pid);
}

/* The kernel file that the jail was given has flags: the fake-qemu is the guest itself. */
static bool lives_by_itself(pid_t pid)
{
	auto_buf struct buf b;

	return read_proc(pid, "root" QEMU_KERNEL_PATH, &b) < 0 ||
		strcmp(b.data, "fake-qemu\n") != 0;
}

static struct guest *known(pid_t pid)
{
	for (size_t i = 0; i < GUESTS_MAX; i++)
		if (guests[i].qemu == pid)
			return &guests[i];
	return NULL;
}

/* ---- a new guest ---- */

static int read_machine(pid_t pid, struct fake_machine *m, struct err *e)
{
	auto_buf struct buf b;
	auto_strv struct strv argv = {0};

	if (read_proc(pid, "cmdline", &b) < 0)
		return err_sys(e, "read the arguments of process %d", pid);
	for (size_t at = 0; at < b.len; at += strlen(b.data + at) + 1)
		strv_push(&argv, b.data + at);
	if (argv.count == 0)
		return err_set(e, ERR_HOST, "process %d has no arguments", pid);
	return fake_machine_read(argv.items, m, e);
}

static int take_fd(int pidfd, int number, struct err *e)
{
	int fd = pidfd_getfd(pidfd, number, 0);

	return fd < 0 ? err_sys(e, "take descriptor %d out of fake-qemu", number) : fd;
}

static int take_descriptors(
	int pidfd, const struct fake_machine *m, struct guest_space *s, struct err *e)
{
	s->log_fd = take_fd(pidfd, QEMU_FD_LOG, e);
	if (s->log_fd < 0)
		return -1;
	s->ctl_fd = take_fd(pidfd, QEMU_FD_CTL, e);
	if (s->ctl_fd < 0)
		return -1;
	s->console_fd = take_fd(pidfd, QEMU_FD_CONSOLE, e);
	if (s->console_fd < 0)
		return -1;
	s->network = m->network;
	for (size_t i = 0; i < m->drive_count; i++) {
		s->drives[i] = m->drives[i];
		s->drives[i].fd = take_fd(pidfd, m->drives[i].fd, e);
		if (s->drives[i].fd < 0)
			return -1;
		s->drive_count++;
	}
	return 0;
}

static int furnish(struct guest *g, struct err *e)
{
	auto_free char *initrd = mem_printf("/proc/%d/root" QEMU_INITRD_PATH, g->qemu);
	struct guest_space space = GUEST_SPACE_NONE;
	struct fake_machine machine;
	int result = -1;

	space.valgrind = getenv("WITH_GUESTS_VALGRIND") != NULL;
	if (read_machine(g->qemu, &machine, e) == 0 &&
		take_descriptors(g->qemu_pidfd, &machine, &space, e) == 0 &&
		guest_space_executor(initrd, &space, e) == 0)
		result = guest_space_start(&space, &g->executor, e);
	for (int i = 0; i < GUEST_NET_SOCKETS && result == 0 && space.network; i++)
		result = guest_net_start(space.listeners[i], i, g->qemu_pidfd, &g->relays[i], e);
	guest_space_release(&space);
	return result;
}

static void adopt(pid_t pid)
{
	struct guest *g = known(0);
	struct err e = {0};

	if (!g)
		BUG("more than %d guests", GUESTS_MAX);
	*g = (struct guest){.qemu = pid, .qemu_pidfd = pidfd_open(pid, 0)};
	if (g->qemu_pidfd < 0) {
		*g = (struct guest){0}; /* it has ended meanwhile */
		return;
	}
	if (lives_by_itself(pid))
		return;
	if (furnish(g, &e) < 0) {
		(void)fprintf(stderr, "with-guests: %s\n", e.msg);
		g->broken = true;
	}
}

/* The children of a process, and theirs. */
static void look_below(pid_t pid)
{
	auto_free char *name = mem_printf("task/%d/children", pid);
	auto_buf struct buf b;
	char *at, *end;

	if (read_proc(pid, name, &b) < 0)
		return;
	at = b.data;
	for (long child; (child = strtol(at, &end, 10)) > 0; at = end) {
		if (known((pid_t)child))
			continue;
		if (is_fake_qemu((pid_t)child))
			adopt((pid_t)child);
		else
			look_below((pid_t)child);
	}
}

/* ---- the end of guests ---- */

/* An executor that has lost its host is no news: fake-qemu closes the ports before it is gone. */
static bool is_qemu_gone(const struct guest *g, int wait_ms)
{
	struct pollfd gone = {.fd = g->qemu_pidfd, .events = POLLIN};

	return poll(&gone, 1, wait_ms) > 0;
}

static void reap_executor(struct guest *g)
{
	enum { DYING_MS = 1000 };
	int status;

	if (g->executor <= 0 || waitpid(g->executor, &status, WNOHANG) != g->executor)
		return;
	g->executor = 0;
	if ((!WIFEXITED(status) || WEXITSTATUS(status) != 0) && !is_qemu_gone(g, DYING_MS))
		(void)fprintf(stderr, "with-guests: the executor ended with status 0x%x\n",
			(unsigned)status);
}

/*
 * Look after one guest. The signals that end fake-qemu are repeated, because it may not have come
 * to its handlers yet, and process 1 of a namespace gets no signal that it does not handle.
 */
static void tend(struct guest *g)
{
	bool had_executor = g->executor > 0;

	if (g->qemu == 0)
		return;
	reap_executor(g);
	if (is_qemu_gone(g, 0)) {
		if (g->executor > 0) {
			(void)kill(g->executor, SIGKILL);
			(void)waitpid(g->executor, NULL, 0);
		}
		for (size_t i = 0; i < GUEST_NET_SOCKETS; i++)
			if (g->relays[i] > 0) {
				(void)kill(g->relays[i], SIGKILL);
				(void)waitpid(g->relays[i], NULL, 0);
			}
		fd_close(g->qemu_pidfd);
		*g = (struct guest){0};
		return;
	}
	if (g->broken)
		(void)pidfd_send_signal(g->qemu_pidfd, SIGUSR1, NULL, 0);
	else if (g->executor == 0 && (had_executor || !lives_by_itself(g->qemu)))
		(void)pidfd_send_signal(g->qemu_pidfd, SIGTERM, NULL, 0);
}

static bool tend_all(void)
{
	bool any = false;

	for (size_t i = 0; i < GUESTS_MAX; i++) {
		tend(&guests[i]);
		any = any || guests[i].qemu;
	}
	return any;
}

/* ---- the command ---- */

static pid_t start_command(char **argv, const sigset_t *before)
{
	pid_t self = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	/* Nothing of a test may outlive the test. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self)
		_exit(127);
	(void)execvp(argv[0], argv);
	(void)fprintf(stderr, "with-guests: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void pass_signals(int signals, pid_t command)
{
	struct signalfd_siginfo info[MESSAGES_MAX];
	ssize_t n = read(signals, info, sizeof(info));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
		if (info[i].ssi_signo != SIGCHLD)
			(void)kill(command, (int)info[i].ssi_signo);
}

/* Until the command has ended and no guest is left. Returns the command's wait status. */
static int watch(pid_t command, int signals)
{
	struct pollfd wake = {.fd = signals, .events = POLLIN};
	bool running = true;
	int status = 0;

	while (tend_all() || running) {
		if (poll(&wake, 1, WATCH_MS) > 0 && running)
			pass_signals(signals, command);
		if (!running)
			continue;
		if (waitpid(command, &status, WNOHANG) == command)
			running = false;
		else
			look_below(command);
	}
	return status;
}

/* ---- what the command left ---- */

static void name_survivors(void)
{
	auto_free char *list = mem_printf("task/%d/children", getpid());
	auto_buf struct buf b;
	char *at, *end;

	if (read_proc(getpid(), list, &b) < 0)
		return;
	at = b.data;
	for (long child; (child = strtol(at, &end, 10)) > 0; at = end) {
		auto_buf struct buf comm;

		(void)read_proc((pid_t)child, "comm", &comm);
		(void)fprintf(stderr, "with-guests: process %ld survives the command: %s\n", child,
			comm.data);
	}
}

/* Orphans come to us, the subreaper. They may take a moment to die of their parent's death. */
static bool anybody_left(void)
{
	int64_t until = clock_ms() + SURVIVORS_MS;

	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return false;
		if (pid == 0 && clock_ms() >= until)
			return true;
		if (pid == 0)
			(void)poll(NULL, 0, WATCH_MS);
	}
}

int main(int argc, char **argv)
{
	sigset_t handled, before;
	pid_t command;
	int signals, status;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: with-guests COMMAND ARGUMENT...\n");
		return 2;
	}
	(void)sigemptyset(&handled);
	(void)sigaddset(&handled, SIGTERM);
	(void)sigaddset(&handled, SIGINT);
	(void)sigaddset(&handled, SIGHUP);
	(void)sigaddset(&handled, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &handled, &before);
	signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	command = start_command(argv + 1, &before);
	if (signals < 0 || command < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		perror("with-guests");
		return 127;
	}
	status = watch(command, signals);
	if (anybody_left()) {
		name_survivors();
		return EXIT_SURVIVORS;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
