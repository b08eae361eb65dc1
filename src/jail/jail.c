/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side: the struct, the preparation outside the jail, the clone, and the id maps. */
#include "jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail_internal.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"

enum {
	OOM_SCORE =
		500, /* when memory runs out, jails are killed before other processes of the host */
	FIRST_KEPT = 3,
};

/* ---- the struct ---- */

void jail_init(struct jail *j, const char *name)
{
	*j = (struct jail){.name = name, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
}

void jail_release(struct jail *j)
{
	strv_release(&j->argv);
	strv_release(&j->env);
	for (size_t i = 0; i < j->bind_count; i++) {
		free(j->binds[i].outside);
		free(j->binds[i].inside);
	}
	for (size_t i = 0; i < j->file_count; i++)
		free(j->files[i].inside);
	free(j->keeps);
	free(j->binds);
	free(j->files);
	jail_init(j, "");
}

void jail_keep_as(struct jail *j, int fd, int inside)
{
	if (inside < FIRST_KEPT)
		BUG("jail %s: descriptor %d is not for keeping", j->name, inside);
	for (size_t i = 0; i < j->keep_count; i++)
		if (j->keeps[i].inside == inside)
			BUG("jail %s: descriptor %d is given twice", j->name, inside);
	j->keeps = mem_resize(j->keeps, j->keep_count + 1, sizeof(*j->keeps));
	j->keeps[j->keep_count++] = (struct jail_keep){.outside = fd, .inside = inside};
}

int jail_keep(struct jail *j, int fd)
{
	int inside = FIRST_KEPT;

	for (size_t i = 0; i < j->keep_count; i++)
		if (j->keeps[i].inside >= inside)
			inside = j->keeps[i].inside + 1;
	jail_keep_as(j, fd, inside);
	return inside;
}

static void add_file(struct jail *j, const struct jail_file *file)
{
	j->files = mem_resize(j->files, j->file_count + 1, sizeof(*j->files));
	j->files[j->file_count++] = *file;
}

void jail_place(struct jail *j, const char *inside, const void *data, size_t len)
{
	add_file(j,
		&(struct jail_file){
			.inside = mem_strdup(inside), .data = data, .len = len, .fd = -1});
}

void jail_place_fd(struct jail *j, const char *inside, int fd, int64_t mtime)
{
	add_file(j, &(struct jail_file){.inside = mem_strdup(inside), .fd = fd, .mtime = mtime});
}

void jail_bind(struct jail *j, const char *outside, const char *inside, unsigned flags)
{
	/*
	 * Without root the bind is made in the child, where the working directory is "/". So make
	 * the path absolute.
	 */
	auto_free char *cwd = getcwd(NULL, 0);

	j->binds = mem_resize(j->binds, j->bind_count + 1, sizeof(*j->binds));
	j->binds[j->bind_count++] =
		(struct jail_bind){.outside = path_join(cwd ? cwd : "/", outside),
			.inside = mem_strdup(inside),
			.flags = flags};
}

void jail_device(struct jail *j, const char *path)
{
	jail_bind(j, path, path, JAIL_DEVICE);
}

void jail_listen(struct jail *j, uint16_t port, int *ret_fd)
{
	if (j->listener_count == JAIL_LISTENERS_MAX)
		BUG("jail %s: more than %d sockets", j->name, JAIL_LISTENERS_MAX);
	j->listeners[j->listener_count++] = (struct jail_listener){port, ret_fd};
}

/* ---- preparation ---- */

static void setup_release(struct jail_setup *s)
{
	for (size_t i = 0; i < s->tree_count; i++)
		fd_close(s->trees[i].fd);
	for (size_t i = 0; i < s->link_count; i++)
		free(s->links[i].target);
	free(s->trees);
	buf_release(&s->filters.uses);
	fd_close(s->control);
	fd_close(s->control_outside);
	fd_close(s->program);
	fd_close(s->null);
	for (size_t i = 0; i < JAIL_LISTENERS_MAX; i++)
		fd_close(s->listeners[i]);
}

#define auto_setup __attribute__((cleanup(setup_release)))

static void check_use(const struct jail *j)
{
	if (!j->program == !j->entry)
		BUG("jail %s: either a program or a function", j->name);
	if (j->program && (j->program[0] != '/' || j->argv.count == 0))
		BUG("jail %s: a program needs an absolute path and a name", j->name);
	if (j->program && j->no_exec)
		BUG("jail %s: a program is started by exec", j->name);
}

static int check_kept(const struct jail *j, struct err *e)
{
	struct stat st;

	for (size_t i = 0; i < j->keep_count; i++) {
		if (fstat(j->keeps[i].outside, &st) < 0)
			return err_sys(e, "descriptor %d", j->keeps[i].outside);
		if (S_ISDIR(st.st_mode))
			return err_set(e, ERR_HOST, "descriptor %d is a directory, which leads out",
				j->keeps[i].outside);
	}
	return 0;
}

/* The group of /dev/kvm, if only this group may open it; else *ret_gid is unchanged. */
static int find_kvm_group(gid_t *ret_gid, struct err *e)
{
	struct stat st;

	if (stat("/dev/kvm", &st) < 0)
		return err_sys(e, "/dev/kvm");
	if ((st.st_mode & 06) == 06)
		return 0;
	if ((st.st_mode & 060) != 060 || st.st_gid == 0)
		return err_reason(e, ERR_HOST, "host_kvm_unusable",
			"/dev/kvm is open to root only, and QEMU never runs as root: give it a "
			"group (chgrp kvm /dev/kvm; chmod 660 /dev/kvm) or use accelerator: tcg");
	*ret_gid = st.st_gid;
	return 0;
}

int jail_check_kvm(struct err *e)
{
	auto_fd int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	gid_t any = 0;

	if (fd < 0)
		return err_reason(e, ERR_HOST, "host_kvm_unusable",
			"/dev/kvm: %s; join the group that owns it, or set 'accelerator: auto'",
			strerror(errno));
	return jail_may_change_ids() ? find_kvm_group(&any, e) : 0;
}

static int choose_identity(struct jail_setup *s, struct err *e)
{
	const struct jail *j = s->j;

	s->change_ids = jail_may_change_ids();
	s->uid = s->change_ids ? j->uid : geteuid();
	s->gid = s->change_ids ? j->gid : getegid();
	s->extra_gid = s->gid;
	if (!s->change_ids)
		return 0;
	if (!j->root_ok && (s->uid == 0 || s->gid == 0))
		return err_set(e, ERR_HOST, "refused to start as user %u, group %u of the host",
			(unsigned)s->uid, (unsigned)s->gid);
	return j->keep_kvm_group ? find_kvm_group(&s->extra_gid, e) : 0;
}

static void add_tree(struct jail_setup *s, const char *outside, const char *inside, unsigned flags)
{
	if ((flags & JAIL_IF_PRESENT) && access(outside, F_OK) < 0)
		return;
	s->trees = mem_resize(s->trees, s->tree_count + 1, sizeof(*s->trees));
	s->trees[s->tree_count++] =
		(struct jail_tree){.outside = outside, .inside = inside, .flags = flags, .fd = -1};
}

/* "/lib" and similar: links into /usr on most hosts, directories on some, missing on others. */
static int add_top_level(struct jail_setup *s, const char *path, struct err *e)
{
	char target[256];
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (S_ISDIR(st.st_mode))
		add_tree(s, path, path, JAIL_EXEC);
	if (!S_ISLNK(st.st_mode))
		return 0;
	n = readlink(path, target, sizeof(target));
	if (n < 0 || n == (ssize_t)sizeof(target))
		return err_sys(e, "read link %s", path);
	if (s->link_count == JAIL_LINKS_MAX)
		return err_set(e, ERR_HOST,
			"the root directory of this host has more than %d symbolic links to "
			"directories of programs",
			JAIL_LINKS_MAX);
	s->links[s->link_count++] =
		(struct jail_link){.name = path + 1, .target = mem_strndup(target, (size_t)n)};
	return 0;
}

/*
 * The contents of the jail's root. Root makes the copies of the mounts here, because the child has
 * dropped root's rights by then. Other users may mount only inside the new namespaces.
 */
static int list_trees(struct jail_setup *s, struct err *e)
{
	static const char *const top_level[] = {
		"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

	add_tree(s, "/usr", "/usr", JAIL_EXEC);
	for (size_t i = 0; i < ARRAY_SIZE(top_level); i++)
		if (add_top_level(s, top_level[i], e) < 0)
			return -1;
	add_tree(s, "/etc/ld.so.cache", "/etc/ld.so.cache", JAIL_IF_PRESENT);
	for (size_t i = 0; i < s->j->bind_count; i++)
		add_tree(s, s->j->binds[i].outside, s->j->binds[i].inside, s->j->binds[i].flags);
	for (size_t i = 0; s->change_ids && i < s->tree_count; i++)
		if (jail_mount_detach(&s->trees[i], e) < 0)
			return err_wrap(e, "bind");
	return 0;
}

static int prepare(struct jail_setup *s, struct err *e)
{
	int control[2];

	if (check_kept(s->j, e) < 0 || choose_identity(s, e) < 0)
		return -1;
	if (s->j->program) {
		s->program = open(s->j->program, O_PATH | O_CLOEXEC);
		if (s->program < 0)
			return err_sys(e, "%s", s->j->program);
	}
	s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null < 0)
		return err_sys(e, "/dev/null");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return err_sys(e, "socketpair");
	s->control_outside = control[0];
	s->control = control[1];
	if (jail_seccomp_make(
		    s->j, s->j->program ? jail_program_number(s->j) : -1, &s->filters, e) < 0)
		return -1;
	return list_trees(s, e);
}

/* ---- the clone ---- */

/* Like fork, but the child is pid 1 of new namespaces, and its pidfd is returned by the clone. */
static pid_t clone_into_namespaces(const struct jail *j, int *ret_pidfd)
{
	unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
		CLONE_NEWUTS | CLONE_PIDFD | SIGCHLD;

	if (!j->host_network)
		flags |= CLONE_NEWNET;
	if (access("/proc/self/ns/cgroup", F_OK) == 0)
		flags |= CLONE_NEWCGROUP;
	/* The order of the last two arguments differs between architectures; both are unused. */
	return (pid_t)syscall(SYS_clone, flags, NULL, ret_pidfd, NULL, 0);
}

static int write_of_child(pid_t pid, const char *file, const char *text, struct err *e)
{
	char path[64];
	auto_fd int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		(void)jail_wall(e, "write");
		return err_wrap(e, "%s", path);
	}
	return 0;
}

/* Each id is mapped to itself, so that files have the same owner inside. */
static int write_maps(const struct jail_setup *s, pid_t pid, struct err *e)
{
	char uids[64], gids[128];
	int n;

	(void)snprintf(uids, sizeof(uids), "%u %u 1\n", (unsigned)s->uid, (unsigned)s->uid);
	n = snprintf(gids, sizeof(gids), "%u %u 1\n", (unsigned)s->gid, (unsigned)s->gid);
	if (s->extra_gid != s->gid)
		(void)snprintf(gids + n, sizeof(gids) - (size_t)n, "%u %u 1\n",
			(unsigned)s->extra_gid, (unsigned)s->extra_gid);
	/* Only root may map a group without denying setgroups(2) first (user_namespaces(7)). */
	if (!s->change_ids && write_of_child(pid, "setgroups", "deny", e) < 0)
		return -1;
	if (write_of_child(pid, "gid_map", gids, e) < 0)
		return -1;
	return write_of_child(pid, "uid_map", uids, e);
}

static int current_oom_score(void)
{
	auto_fd int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0 || fd_read_full(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	return (int)strtol(text, NULL, 10);
}

static int raise_oom_score(pid_t pid, struct err *e)
{
	char text[16];

	if (current_oom_score() >= OOM_SCORE)
		return 0; /* lowering needs privileges, and is not wanted */
	(void)snprintf(text, sizeof(text), "%d", OOM_SCORE);
	return write_of_child(pid, "oom_score_adj", text, e);
}

static ssize_t receive(struct jail_setup *s, struct jail_report *report)
{
	ssize_t n;

	do {
		n = jail_net_receive(s->control_outside, report, s->listeners);
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * A ready report followed by the end of the socket means that the exec succeeded; anything else is
 * a failure.
 */
static int wait_until_started(struct jail_setup *s, struct err *e)
{
	struct jail_report report;
	bool ready = false;
	ssize_t n;

	while ((n = receive(s, &report)) == (ssize_t)sizeof(report)) {
		if (report.is_listener)
			continue;
		if (!report.ready) {
			*e = report.error;
			return -1;
		}
		ready = true;
	}
	if (n < 0)
		return err_sys(e, "wait for the jail");
	return ready ? 0 : err_set(e, ERR_HOST, "it died while the jail was set up");
}

static pid_t steal_pid(pid_t *pid)
{
	pid_t stolen = *pid;

	*pid = -1;
	return stolen;
}

static int start(struct jail_setup *s, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
	auto_fd int pidfd = -1;
	auto_jailed pid_t pid = clone_into_namespaces(s->j, &pidfd);

	if (pid < 0)
		return jail_wall(e, "make namespaces");
	if (pid == 0)
		jail_inside(s);
	fd_close(fd_steal(&s->control));
	if (write_maps(s, pid, e) < 0 || raise_oom_score(pid, e) < 0)
		return -1;
	if (send(s->control_outside, "g", 1, MSG_NOSIGNAL) != 1)
		return err_sys(e, "start the jail");
	if (wait_until_started(s, e) < 0)
		return -1;
	for (size_t i = 0; i < s->j->listener_count; i++)
		if (s->listeners[i] < 0)
			return err_set(e, ERR_HOST, "it returned no listening socket");
	for (size_t i = 0; i < s->j->listener_count; i++)
		*s->j->listeners[i].ret_fd = fd_steal(&s->listeners[i]);
	*ret_pid = steal_pid(&pid);
	if (ret_pidfd)
		*ret_pidfd = fd_steal(&pidfd);
	return 0;
}

/* ---- remedies ---- */

static bool setting_is(const char *path, long value)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0 || fd_read_full(fd, text, sizeof(text) - 1) <= 0)
		return false;
	return strtol(text, NULL, 10) == value;
}

/* Settings by which hosts forbid namespaces, each with the forbidding value. */
static const char *find_remedy(void)
{
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", 0))
		return "sysctl -w kernel.unprivileged_userns_clone=1";
	if (setting_is("/proc/sys/user/max_user_namespaces", 0))
		return "sysctl -w user.max_user_namespaces=10000";
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1))
		return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor "
		       "profile for ambient that allows userns";
	return "Linux 5.12 or newer with user namespaces is needed; in a container: one that may "
	       "create them (no seccomp profile against unshare and mount, /proc not masked); see "
	       "also kernel.unprivileged_userns_clone, user.max_user_namespaces and "
	       "kernel.apparmor_restrict_unprivileged_userns";
}

static int explain(const struct jail *j, struct err *e)
{
	if (strcmp(e->reason, JAIL_REASON_WALL) == 0)
		(void)err_append(e,
			"; the host does not let ambient build the walls around %s. Remedy: %s",
			j->name, find_remedy());
	return err_wrap(e, "jail for %s", j->name);
}

/* ---- starting and ending ---- */

int jail_start(const struct jail *j, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
	auto_setup struct jail_setup s = {.j = j,
		.control = -1,
		.control_outside = -1,
		.program = -1,
		.null = -1,
		.listeners = {-1, -1}};

	check_use(j);
	if (prepare(&s, e) < 0 || start(&s, ret_pid, ret_pidfd, e) < 0)
		return explain(j, e);
	return 0;
}

void jail_kill(pid_t *pid)
{
	int status;

	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL); /* fails only if it has ended already */
	(void)proc_wait(*pid, &status);
	*pid = -1;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

int jail_probe(struct err *e)
{
	auto_jail struct jail j;
	auto_buf struct buf none = {0};
	struct jail_end end;

	jail_init(&j, "a test");
	buf_init(&none, 0);
	j.entry = nothing;
	j.own_calls = true;
	if (jail_vm_user(NULL, &j.uid, &j.gid, e) < 0)
		return -1;
	if (jail_run(&j, 10000, &none, &none, &end, e) < 0)
		return -1;
	if (end.exit_code != 0)
		return err_set(e, ERR_HOST, "an empty jail ended with status %d, signal %d",
			end.exit_code, end.signal);
	return 0;
}
