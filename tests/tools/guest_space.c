/* SPDX-License-Identifier: Apache-2.0 */
#include "guest_space.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/strv.h"
#include "guest_net.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/path.h"

/* Users of the new namespace when root makes it: ids that no host gives to anybody. */
enum { FIRST_FOREIGN_ID = 1000000000, FOREIGN_IDS = 65536 };

void guest_space_release(struct guest_space *s)
{
	fd_close(s->log_fd);
	fd_close(s->ctl_fd);
	fd_close(s->console_fd);
	fd_close(s->executor_fd);
	for (size_t i = 0; i < GUEST_NET_SOCKETS; i++)
		fd_close(s->listeners[i]);
	for (size_t i = 0; i < s->drive_count; i++)
		fd_close(s->drives[i].fd);
}

/* ---- the initramfs ---- */

enum { CPIO_HEADER = 110, CPIO_AT_SIZE = 54, CPIO_AT_NAME_SIZE = 94, CPIO_NAME_MAX = 4096 };

static uint64_t cpio_number(const char *header, size_t at)
{
	char digits[9] = {0};

	memcpy(digits, header + at, 8);
	return strtoull(digits, NULL, 16);
}

/* Copy the member at this offset into an anonymous file that can be executed. */
static int take_member(int from, uint64_t offset, uint64_t size, int *ret_fd, struct err *e)
{
	auto_fd int fd = fd_memory("executor", e);

	if (fd < 0)
		return -1;
	if (lseek(from, (off_t)offset, SEEK_SET) < 0 || fd_copy(from, fd, size, e) < 0)
		return err_wrap(e, "copy the executor");
	fd_close(*ret_fd);
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* One member of a "newc" archive. *offset moves behind it; ERR_GUEST when it is no member. */
static int read_member(int fd, uint64_t *offset, struct guest_space *s, struct err *e)
{
	char header[CPIO_HEADER], name[CPIO_NAME_MAX] = {0};
	uint64_t name_size, size, data;

	if (fd_pread_full(fd, header, sizeof(header), *offset) != (ssize_t)sizeof(header) ||
		strncmp(header, "070701", 6) != 0)
		return err_set(e, ERR_GUEST, "no cpio member at offset %llu of the initramfs",
			(unsigned long long)*offset);
	name_size = cpio_number(header, CPIO_AT_NAME_SIZE);
	size = cpio_number(header, CPIO_AT_SIZE);
	if (name_size == 0 || name_size >= sizeof(name) ||
		fd_pread_full(fd, name, name_size, *offset + sizeof(header)) != (ssize_t)name_size)
		return err_set(e, ERR_GUEST, "bad name at offset %llu of the initramfs",
			(unsigned long long)*offset);
	data = (*offset + sizeof(header) + name_size + 3) & ~3ULL;
	*offset = (data + size + 3) & ~3ULL;
	if (strcmp(name, EXECUTOR_NAME) == 0)
		return take_member(fd, data, size, &s->executor_fd, e);
	return 0;
}

/* Archives may have zeros between them, four at a time. */
static bool skip_zeros(int fd, uint64_t *offset)
{
	uint32_t word;

	while (fd_pread_full(fd, &word, sizeof(word), *offset) == (ssize_t)sizeof(word)) {
		if (word)
			return true;
		*offset += sizeof(word);
	}
	return false;
}

int guest_space_executor(const char *initrd, struct guest_space *s, struct err *e)
{
	auto_fd int fd = open(initrd, O_RDONLY | O_CLOEXEC);
	uint64_t offset = 0;

	if (fd < 0)
		return err_sys(e, "open the initramfs");
	while (skip_zeros(fd, &offset))
		if (read_member(fd, &offset, s, e) < 0)
			return -1;
	if (s->executor_fd < 0)
		return err_set(e, ERR_GUEST, "the initramfs has no " EXECUTOR_NAME);
	return 0;
}

/* ---- inside: the root ---- */

static int bind_mount(const char *from, const char *to, bool read_only, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};

	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, "bind %s", from);
	if (read_only && mount_setattr(AT_FDCWD, to, AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_sys(e, "make %s read-only", from);
	return 0;
}

/* /bin and the like: a link as on the host, or the directory itself. */
static int copy_top_level(const char *name, struct err *e)
{
	auto_free char *outside = mem_printf("/%s", name);
	char target[256];
	ssize_t n = readlink(outside, target, sizeof(target) - 1);

	if (n >= 0) {
		target[n] = '\0';
		return symlink(target, name) < 0 ? err_sys(e, "link %s", name) : 0;
	}
	if (errno == ENOENT)
		return 0;
	return path_make_dirs(name, 0755, e) < 0 ? -1 : bind_mount(outside, name, true, e);
}

static int write_text(const char *path, const char *text, struct err *e)
{
	return fd_write_file(path, text, strlen(text), 0644, e);
}

static const char git_identity[] = "[user]\n\tname = Ambient\n\temail = ambient@localhost\n"
				   "[safe]\n\tdirectory = *\n";

/* What programs look up, without anything that says where this runs. */
static int make_etc(struct err *e)
{
	if (path_make_dirs("etc/alternatives", 0755, e) < 0 ||
		write_text("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", e) < 0 ||
		write_text("etc/group", "root:x:0:\n", e) < 0 ||
		write_text("etc/hostname", "ambient\n", e) < 0 ||
		write_text("etc/gitconfig", git_identity, e) < 0 ||
		write_text("etc/resolv.conf", "", e) < 0 ||
		write_text("etc/ld.so.cache", "", e) < 0)
		return -1;
	if (bind_mount("/etc/ld.so.cache", "etc/ld.so.cache", true, e) < 0)
		return -1;
	if (access("/etc/alternatives", F_OK) == 0)
		return bind_mount("/etc/alternatives", "etc/alternatives", true, e);
	return 0;
}

static int make_dev(struct err *e)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};

	if (path_make_dirs("dev/shm", 01777, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		auto_free char *from = mem_printf("/dev/%s", nodes[i]);
		auto_free char *to = mem_printf("dev/%s", nodes[i]);

		if (write_text(to, "", e) < 0 || bind_mount(from, to, false, e) < 0)
			return -1;
	}
	if (symlink("/proc/self/fd", "dev/fd") < 0 || symlink("fd/0", "dev/stdin") < 0 ||
		symlink("fd/1", "dev/stdout") < 0 || symlink("fd/2", "dev/stderr") < 0)
		return err_sys(e, "make links in /dev");
	return 0;
}

static int make_dirs(struct err *e)
{
	static const struct {
		const char *path;
		mode_t mode;
	} dirs[] = {{"ci", 0755}, {"tmp", 01777}, {"var/tmp", 01777}, {"root", 0700}, {"run", 0755},
		{"sys", 0555}, {"proc", 0555}, {"usr", 0755}};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (path_make_dirs(dirs[i].path, 0755, e) < 0)
			return -1;
		if (chmod(dirs[i].path, dirs[i].mode) < 0)
			return err_sys(e, "mode of %s", dirs[i].path);
	}
	return 0;
}

static int put_executor(int from, struct err *e)
{
	auto_fd int fd = open(EXECUTOR_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	if (fd < 0 || fstat(from, &st) < 0 || lseek(from, 0, SEEK_SET) < 0)
		return err_sys(e, "make the executor's file");
	return fd_copy(from, fd, (uint64_t)st.st_size, e);
}

static int furnish(const struct guest_space *s, struct err *e)
{
	static const char *const tops[] = {"bin", "sbin", "lib", "lib64"};

	if (make_dirs(e) < 0 || bind_mount("/usr", "usr", true, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (copy_top_level(tops[i], e) < 0)
			return -1;
	if (make_etc(e) < 0 || make_dev(e) < 0 || put_executor(s->executor_fd, e) < 0)
		return -1;
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_sys(e, "mount /proc of the new namespace");
	return 0;
}

/* /tmp is only the place where the new root is built: this mount is seen here alone. */
static int make_root(const struct guest_space *s, struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make the mounts private");
	if (mount("guest", "/tmp", "tmpfs", MS_NOSUID, "mode=0755") < 0 || chdir("/tmp") < 0)
		return err_sys(e, "mount the new root");
	if (furnish(s, e) < 0)
		return -1;
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "change the root");
	return 0;
}

/* ---- inside: the executor ---- */

static int keep_open(int fd, struct err *e)
{
	return fcntl(fd, F_SETFD, 0) < 0 ? err_sys(e, "keep descriptor %d", fd) : 0;
}

/*
 * What is found goes to our standard error, where the tests look. The programs of actions are not
 * looked at.
 */
static void add_valgrind(struct strv *argv)
{
	strv_push(argv, "valgrind");
	strv_push(argv, "--quiet");
	strv_push(argv, "--leak-check=full");
	strv_push(argv, "--errors-for-leak-kinds=definite");
	strv_pushf(argv, "--log-fd=%d", fcntl(STDERR_FILENO, F_DUPFD, 100));
	strv_push(argv, "/" EXECUTOR_NAME);
}

static int make_arguments(const struct guest_space *s, struct strv *argv, struct err *e)
{
	if (s->valgrind)
		add_valgrind(argv);
	else
		strv_push(argv, EXECUTOR_NAME);
	strv_push(argv, "--on-host");
	strv_push(argv, "--log");
	strv_pushf(argv, "%d", s->log_fd);
	strv_push(argv, "--ctl");
	strv_pushf(argv, "%d", s->ctl_fd);
	if (keep_open(s->log_fd, e) < 0 || keep_open(s->ctl_fd, e) < 0)
		return -1;
	for (size_t i = 0; i < s->drive_count; i++) {
		const struct fake_drive *d = &s->drives[i];

		strv_push(argv, "--drive");
		strv_pushf(argv, "%s=%d%s", d->serial, d->fd, d->writable ? "" : ":ro");
		if (keep_open(d->fd, e) < 0)
			return -1;
	}
	return 0;
}

static int become_user(struct err *e)
{
	/* Not allowed for ordinary users, who have no groups to drop in the new namespace. */
	(void)setgroups(0, NULL);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "become user 0");
	return 0;
}

static int reset_signals(struct err *e)
{
	sigset_t none;

	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_sys(e, "reset signals");
	return 0;
}

static int start_inside(const struct guest_space *s, struct err *e)
{
	/* Leaks are looked for in ambient; here the check would only cost time at every power-off.
	 */
	char *const env[] = {(char *)(uintptr_t) "ASAN_OPTIONS=detect_leaks=0", NULL};
	auto_strv struct strv argv = {0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(e, "prctl");
	if (reset_signals(e) < 0 || become_user(e) < 0 || make_root(s, e) < 0 ||
		make_arguments(s, &argv, e) < 0)
		return -1;
	if (dup2(s->console_fd, 1) < 0 || dup2(s->console_fd, 2) < 0)
		return err_sys(e, "open the console");
	(void)umask(022);
	(void)setsid();
	if (s->valgrind)
		(void)execve("/usr/bin/valgrind", argv.items, env);
	else
		(void)execve("/" EXECUTOR_NAME, argv.items, env);
	return err_sys(e, "start the executor");
}

NORETURN static void inside(const struct guest_space *s, int go)
{
	struct err e = {0};
	char byte;

	if (fd_read_full(go, &byte, 1) == 1 && (!s->network || guest_net_offer(go, &e) == 0) &&
		start_inside(s, &e) < 0)
		(void)dprintf(s->console_fd, "with-guests: %s\n", e.msg);
	_exit(127);
}

/* ---- outside ---- */

static int write_proc(pid_t pid, const char *name, const char *text, struct err *e)
{
	auto_free char *path = mem_printf("/proc/%d/%s", pid, name);
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_sys(e, "write %s", path);
	return 0;
}

static int map_ids(pid_t pid, struct err *e)
{
	bool root = jail_may_change_ids();
	auto_free char *users = NULL, *groups = NULL;

	if (root) {
		users = mem_printf("0 %d %d", FIRST_FOREIGN_ID, FOREIGN_IDS);
		groups = mem_strdup(users);
	} else {
		users = mem_printf("0 %u 1", geteuid());
		groups = mem_printf("0 %u 1", getegid());
		if (write_proc(pid, "setgroups", "deny", e) < 0)
			return -1;
	}
	return write_proc(pid, "uid_map", users, e) < 0 ? -1
							: write_proc(pid, "gid_map", groups, e);
}

int guest_space_start(struct guest_space *s, pid_t *ret_pid, struct err *e)
{
	const unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
		CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
	int go[2];
	long pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) < 0)
		return err_sys(e, "socketpair");
	pid = syscall(SYS_clone, flags, NULL, NULL, NULL, 0UL);
	if (pid == 0) {
		(void)close(go[1]);
		inside(s, go[0]);
	}
	(void)close(go[0]);
	if (pid < 0) {
		(void)close(go[1]);
		return err_sys(e, "make namespaces for a guest");
	}
	*ret_pid = (pid_t)pid;
	/* When the maps cannot be written the pipe closes without a byte, and the child ends. */
	if (map_ids((pid_t)pid, e) == 0 && fd_write_all(go[1], "g", 1) < 0)
		(void)err_sys(e, "start the guest");
	if (e->kind == ERR_NONE && s->network)
		err_ignore(guest_net_receive(go[1], s->listeners, e));
	(void)close(go[1]);
	return e->kind == ERR_NONE ? 0 : -1;
}
