/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls of the jail, looked at from both sides: from outside by /proc of a live program, and
 * from inside by a function that tries what must not work and prints what happened.
 */
#include "expect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "jail/jail.h"
#include "os/proc.h"

enum { LIMIT_MS = 120000, SHORT_MS = 200 };

/* ---- helpers ---- */

static void make_jail(struct jail *j)
{
	struct err e = {0};

	jail_init(j, "test");
	expect_ok(jail_vm_user(NULL, &j->uid, &j->gid, &e), &e);
}

static void make_shell(struct jail *j, const char *command)
{
	make_jail(j);
	j->program = "/usr/bin/bash";
	jail_device(j, "/dev/null");
	strv_push(&j->argv, "bash");
	strv_push(&j->argv, "-c");
	strv_push(&j->argv, command);
}

static struct jail_end run(const struct jail *j, struct buf *out)
{
	auto_buf struct buf errors = {0};
	struct jail_end end;
	struct err e = {0};

	buf_init(out, MIB);
	buf_init(&errors, 4096);
	expect_ok(jail_run(j, LIMIT_MS, out, &errors, &end, &e), &e);
	if (errors.len)
		print_message("%s", errors.data);
	return end;
}

/* Run a function in a jail and compare everything it prints. */
static void expect_inside(int (*entry)(void *), void *arg, const char *wanted)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};
	struct jail_end end;

	make_jail(&j);
	j.entry = entry;
	j.arg = arg;
	end = run(&j, &out);
	assert_string_equal(out.data, wanted);
	assert_int_equal(end.exit_code, 0);
}

static void expect_shell(const struct jail *j, const char *wanted)
{
	auto_buf struct buf out = {0};
	struct jail_end end = run(j, &out);

	assert_string_equal(out.data, wanted);
	assert_int_equal(end.exit_code, 0);
}

static char *proc_path(pid_t pid, const char *name)
{
	return mem_printf("/proc/%d/%s", (int)pid, name);
}

static void read_proc(pid_t pid, const char *name, struct buf *b)
{
	auto_free char *path = proc_path(pid, name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e = {0};

	buf_init(b, MIB);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	expect_ok(fd_read_to_end(fd, path, b, &e), &e);
}

/* The value of "Name:\tvalue" in a status file; it is in a static buffer. */
static const char *status_field(const struct buf *status, const char *name)
{
	static char value[128];
	auto_free char *start = mem_printf("\n%s:\t", name);
	const char *at = strstr(status->data, start);

	if (!at)
		fail_msg("no field %s in\n%s", name, status->data);
	at += strlen(start);
	(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted, each followed by a space. */
static void list(const char *path, struct buf *out)
{
	auto_strv struct strv names = {0};
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		fail_msg("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_push(&names, entry->d_name);
	(void)closedir(dir);
	qsort(names.items, names.count, sizeof(*names.items), by_name);
	strv_each (&names, s)
		buf_addf(out, "%s ", *s);
}

/* Until it sleeps, it still loads its libraries, and has them open. */
static void wait_until_asleep(pid_t pid, int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	int64_t deadline = clock_ms() + LIMIT_MS;
	char state = 0;

	while (state != 'S' && clock_ms() < deadline) {
		auto_buf struct buf status = {0};

		read_proc(pid, "status", &status);
		state = status_field(&status, "State")[0];
		assert_int_equal(poll(&ended, 1, 1), 0);
	}
	assert_int_equal(state, 'S');
}

static pid_t start_sleep(struct jail *j)
{
	auto_fd int pidfd = -1;
	struct err e = {0};
	pid_t pid = -1;

	j->program = "/usr/bin/sleep";
	strv_push(&j->argv, "sleep");
	strv_push(&j->argv, "60");
	expect_ok(jail_start(j, &pid, &pidfd, &e), &e);
	wait_until_asleep(pid, pidfd);
	return pid;
}

/* ---- from outside ---- */

static void expect_ids(const struct buf *status, const struct jail *j)
{
	unsigned uid = geteuid() == 0 ? j->uid : geteuid();
	unsigned gid = geteuid() == 0 ? j->gid : getegid();
	auto_free char *uids = mem_printf("%u\t%u\t%u\t%u", uid, uid, uid, uid);
	auto_free char *gids = mem_printf("%u\t%u\t%u\t%u", gid, gid, gid, gid);

	assert_int_not_equal(uid, 0);
	assert_string_equal(status_field(status, "Uid"), uids);
	assert_string_equal(status_field(status, "Gid"), gids);
	if (geteuid() == 0) /* others cannot drop theirs, by a rule of the kernel */
		assert_string_equal(status_field(status, "Groups"), " ");
}

static void test_program_has_no_privileges(void **state)
{
	static const char *const capabilities[] = {
		"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	gid_t groups[] = {54321, 54322};
	auto_jailed pid_t pid = -1;
	auto_jail struct jail j;
	auto_buf struct buf status = {0};

	(void)state;
	if (geteuid() == 0)
		assert_int_equal(setgroups(ARRAY_SIZE(groups), groups), 0);
	make_jail(&j);
	pid = start_sleep(&j);
	read_proc(pid, "status", &status);
	if (geteuid() == 0)
		assert_int_equal(setgroups(0, NULL), 0);
	expect_ids(&status, &j);
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		assert_string_equal(status_field(&status, capabilities[i]), "0000000000000000");
	assert_string_equal(status_field(&status, "NoNewPrivs"), "1");
	assert_string_equal(status_field(&status, "Seccomp"), "2");
}

static void test_program_starts_fresh(void **state)
{
	auto_free char *parent = mem_printf("%d", (int)getpid());
	auto_jailed pid_t pid = -1;
	auto_jail struct jail j;
	auto_buf struct buf status = {0}, environment = {0}, limits = {0}, oom = {0};
	sigset_t some, before;

	(void)state;
	(void)sigemptyset(&some);
	(void)sigaddset(&some, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &some, &before), 0);
	assert_ptr_not_equal(signal(SIGUSR2, SIG_IGN), SIG_ERR);
	make_jail(&j);
	pid = start_sleep(&j);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)signal(SIGUSR2, SIG_DFL);

	read_proc(pid, "status", &status);
	assert_string_equal(status_field(&status, "SigBlk"), "0000000000000000");
	assert_string_equal(status_field(&status, "SigIgn"), "0000000000000000");
	assert_string_equal(status_field(&status, "PPid"), parent);
	assert_string_equal(status_field(&status, "Umask"), "0077");
	assert_int_equal(getsid(pid), pid);
	read_proc(pid, "environ", &environment);
	assert_int_equal(environment.len, 0);
	read_proc(pid, "limits", &limits);
	assert_non_null(strstr(limits.data, "Max core file size        0                    0 "));
	read_proc(pid, "oom_score_adj", &oom);
	assert_true(strtol(oom.data, NULL, 10) >= 500);
}

static void test_program_is_pid_1_of_its_own_namespaces(void **state)
{
	static const char *const names[] = {
		"ns/user", "ns/net", "ns/mnt", "ns/pid", "ns/ipc", "ns/uts", "ns/cgroup"};
	auto_jailed pid_t pid = -1;
	auto_jail struct jail j;
	auto_buf struct buf status = {0};

	(void)state;
	make_jail(&j);
	pid = start_sleep(&j);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *theirs = proc_path(pid, names[i]);
		auto_free char *ours = proc_path(getpid(), names[i]);
		char a[64] = "", b[64] = "";

		if (readlink(theirs, a, sizeof(a) - 1) < 0 || readlink(ours, b, sizeof(b) - 1) < 0)
			fail_msg("%s: %s", theirs, strerror(errno));
		assert_string_not_equal(a, b);
	}
	read_proc(pid, "status", &status);
	assert_string_equal(strrchr(status_field(&status, "NSpid"), '\t'), "\t1");
}

static void test_program_has_the_expected_descriptors_only(void **state)
{
	auto_fd int between = dup2(2, 20), above = dup2(2, 500); /* would be inherited */
	auto_fd int kept = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	auto_jailed pid_t pid = -1;
	auto_free char *path = NULL;
	auto_buf struct buf names = {0};
	auto_jail struct jail j;

	(void)state;
	assert_true(between == 20 && above == 500);
	make_jail(&j);
	assert_int_equal(jail_keep(&j, kept), 3);
	jail_keep_as(&j, kept, 40);
	assert_int_equal(jail_keep(&j, kept), 41);
	pid = start_sleep(&j);
	path = proc_path(pid, "fd");
	buf_init(&names, 4096);
	list(path, &names);
	assert_string_equal(names.data, "0 1 2 3 40 41 ");
}

/* What the host has of these differs; everything else is the same everywhere. */
static void add_if_on_host(struct buf *b, const char *name)
{
	auto_free char *path = mem_printf("/%s", name);

	if (access(path, F_OK) == 0)
		buf_addf(b, "%s ", name);
}

static void test_root_holds_nothing_but_usr(void **state)
{
	static const char *const may_be[] = {"lib", "lib32", "lib64", "libx32", "sbin", "usr"};
	auto_jailed pid_t pid = -1;
	auto_free char *path = NULL, *etc = NULL;
	auto_buf struct buf names = {0}, wanted = {0}, in_etc = {0};
	auto_jail struct jail j;

	(void)state;
	make_jail(&j);
	pid = start_sleep(&j);
	buf_init(&names, 4096);
	buf_init(&wanted, 4096);
	buf_init(&in_etc, 4096);
	path = proc_path(pid, "root/");
	list(path, &names);
	add_if_on_host(&wanted, "bin");
	add_if_on_host(&wanted, "etc");
	for (size_t i = 0; i < ARRAY_SIZE(may_be); i++)
		add_if_on_host(&wanted, may_be[i]);
	assert_string_equal(names.data, wanted.data);
	etc = proc_path(pid, "root/etc");
	list(etc, &in_etc);
	assert_string_equal(in_etc.data, "ld.so.cache ");
}

static void test_every_mount_is_read_only(void **state)
{
	auto_jailed pid_t pid = -1;
	auto_buf struct buf mounts = {0};
	auto_jail struct jail j;
	char *save = NULL;
	size_t count = 0;

	(void)state;
	make_jail(&j);
	pid = start_sleep(&j);
	read_proc(pid, "mounts", &mounts);
	for (char *line = strtok_r(mounts.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (!strstr(line, " ro,nosuid,nodev"))
			fail_msg("not read-only, nosuid, nodev: %s", line);
		if (!strstr(line, " /usr") && !strstr(line, " /lib") && !strstr(line, "bin ") &&
			!strstr(line, "noexec"))
			fail_msg("not noexec: %s", line);
		count++;
	}
	assert_true(count >= 3); /* root, /usr, /etc/ld.so.cache */
}

static void test_only_a_loopback_that_is_down(void **state)
{
	auto_jailed pid_t pid = -1;
	auto_buf struct buf devices = {0}, routes = {0};
	auto_jail struct jail j;
	const char *line;

	(void)state;
	make_jail(&j);
	pid = start_sleep(&j);
	read_proc(pid, "net/dev", &devices);
	line = strchr(devices.data, '\n');
	line = line ? strchr(line + 1, '\n') : NULL; /* two lines of headings */
	assert_non_null(line);
	assert_memory_equal(line + 1 + strspn(line + 1, " "), "lo:", 3);
	assert_string_equal(strchr(line + 1, '\n'), "\n");
	read_proc(pid, "net/route", &routes);
	assert_true(!routes.len || strchr(routes.data, '\n')[1] == '\0'); /* at most a heading */
}

/* ---- from inside ---- */

static void say(const char *what, long result)
{
	(void)dprintf(1, "%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "works");
}

static int try_files(void *arg)
{
	const char *home = arg;

	say("/etc/passwd", open("/etc/passwd", O_RDONLY));
	say("home", open(home, O_RDONLY));
	say("/proc", open("/proc", O_RDONLY));
	say("/sys", open("/sys", O_RDONLY));
	say("/dev", open("/dev", O_RDONLY));
	say("/tmp", open("/tmp", O_RDONLY));
	say("/..", open("/../work", O_RDONLY));
	say("create in /", open("/x", O_WRONLY | O_CREAT, 0600));
	say("create in /usr", open("/usr/x", O_WRONLY | O_CREAT, 0600));
	say("create in /usr/share", mkdir("/usr/share/x", 0700));
	say("create in /etc", symlink("a", "/etc/x"));
	say("remove a link", unlink("/bin"));
	say("chmod", chmod("/", 0777));
	say("anonymous file", open("/", O_TMPFILE | O_RDWR, 0600));
	return 0;
}

static void test_function_sees_and_writes_no_file(void **state)
{
	char *home = getenv("HOME");

	(void)state;
	assert_non_null(home);
	expect_inside(try_files, home,
		"/etc/passwd: ENOENT\nhome: ENOENT\n/proc: ENOENT\n/sys: ENOENT\n/dev: ENOENT\n"
		"/tmp: ENOENT\n/..: ENOENT\ncreate in /: EROFS\ncreate in /usr: EROFS\n"
		"create in /usr/share: EROFS\ncreate in /etc: EROFS\nremove a link: EROFS\n"
		"chmod: EROFS\nanonymous file: EROFS\n");
}

static int try_privileges(void *arg)
{
	(void)arg;
	say("setuid", setuid(0));
	say("setgid", setgid(0));
	say("user namespace", unshare(CLONE_NEWUSER));
	say("net namespace", unshare(CLONE_NEWNET));
	say("mount", mount("tmpfs", "/usr", "tmpfs", 0, NULL));
	say("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
	say("umount", umount2("/usr", MNT_DETACH));
	say("chroot", chroot("/usr"));
	say("hostname", sethostname("x", 1));
	say("ptrace", ptrace(PTRACE_ATTACH, 2, 0, 0));
	say("kill everybody", kill(-1, 0));
	say("device", mknod("/x", S_IFCHR | 0600, 0));
	say("oom", open("/proc/self/oom_score_adj", O_WRONLY));
	return 0;
}

static void test_function_has_no_powers(void **state)
{
	(void)state;
	expect_inside(try_privileges, NULL,
		"setuid: EINVAL\nsetgid: EINVAL\nuser namespace: EPERM\nnet namespace: EPERM\n"
		"mount: EPERM\nremount: EPERM\numount: EPERM\nchroot: EPERM\nhostname: EPERM\n"
		"ptrace: EPERM\nkill everybody: ESRCH\ndevice: EROFS\noom: ENOENT\n");
}

static int try_fresh_process(void *arg)
{
	char host[64] = "", directory[64] = "";

	(void)arg;
	(void)gethostname(host, sizeof(host));
	if (!getcwd(directory, sizeof(directory)))
		return 1;
	(void)dprintf(1, "pid %d parent %d session %d host %s directory %s umask %03o\n", getpid(),
		getppid(), getsid(0), host, directory, umask(0));
	(void)dprintf(1, "HOME %s dumpable %d securebits %x\n",
		getenv("HOME") ? "known" : "unknown", prctl(PR_GET_DUMPABLE),
		prctl(PR_GET_SECUREBITS));
	say("more descriptors", fcntl(3, F_GETFD));
	say("input", read(0, host, sizeof(host)) == 0 ? 0 : -1);
	return 0;
}

static void test_function_starts_fresh(void **state)
{
	(void)state;
	expect_inside(try_fresh_process, NULL,
		"pid 1 parent 0 session 1 host ambient directory / umask 077\n"
		"HOME unknown dumpable 0 securebits ef\nmore descriptors: EBADF\ninput: works\n");
}

static int connect_unix(const struct sockaddr_un *address, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, len);
}

struct listening {
	struct sockaddr_un path, abstract;
	struct sockaddr_in tcp;
};

static int try_network(void *arg)
{
	const struct listening *l = arg;
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char name[IF_NAMESIZE];

	say("path socket", connect_unix(&l->path, sizeof(l->path)));
	say("abstract socket", connect_unix(&l->abstract, sizeof(l->abstract)));
	say("host's loopback", connect(fd, (const struct sockaddr *)&l->tcp, sizeof(l->tcp)));
	(void)ioctl(fd, SIOCGIFFLAGS, &request);
	(void)dprintf(1, "lo: %s\n", request.ifr_flags & IFF_UP ? "up" : "down");
	request.ifr_flags |= IFF_UP;
	say("lo up", ioctl(fd, SIOCSIFFLAGS, &request));
	say("interface 2", if_indextoname(2, name) ? 0 : -1);
	say("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
	say("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	say("packet", socket(AF_PACKET, SOCK_RAW, 0));
	say("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	return 0;
}

static int listen_on(int family, const void *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_function_reaches_no_socket(void **state)
{
	auto_dir char *dir = expect_dir();
	struct listening l = {.path.sun_family = AF_UNIX,
		.abstract.sun_family = AF_UNIX,
		.tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(l.tcp);
	auto_fd int path = -1, abstract = -1, tcp = -1;

	(void)state;
	(void)snprintf(l.path.sun_path, sizeof(l.path.sun_path), "%s/s", dir);
	(void)snprintf(l.abstract.sun_path + 1, sizeof(l.abstract.sun_path) - 1, "%s", dir);
	path = listen_on(AF_UNIX, &l.path, sizeof(l.path));
	abstract = listen_on(AF_UNIX, &l.abstract, sizeof(l.abstract));
	tcp = listen_on(AF_INET, &l.tcp, len);
	assert_int_equal(getsockname(tcp, (struct sockaddr *)&l.tcp, &len), 0);
	/* They can be reached from here, so it is the walls that make the difference. */
	assert_int_equal(connect_unix(&l.path, sizeof(l.path)) < 0, 0);
	assert_int_equal(connect_unix(&l.abstract, sizeof(l.abstract)) < 0, 0);
	expect_inside(try_network, &l,
		"path socket: ENOENT\nabstract socket: ECONNREFUSED\nhost's loopback: ENETUNREACH\n"
		"lo: down\nlo up: EPERM\ninterface 2: ENXIO\nvsock: EAFNOSUPPORT\n"
		"netlink: EAFNOSUPPORT\npacket: EAFNOSUPPORT\nraw: EPERM\n");
}

/* The kernel looks at the low half of these arguments alone. */
static int try_high_halves(void *arg)
{
	const unsigned long high = 1UL << 32;

	(void)arg;
	say("vsock", syscall(SYS_socket, high | AF_VSOCK, SOCK_STREAM, 0));
	say("typing", syscall(SYS_ioctl, 1, high | TIOCSTI, "x"));
	say("namespace", syscall(SYS_clone, high | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	return 0;
}

static void test_high_halves_of_arguments_open_nothing(void **state)
{
	(void)state;
	expect_inside(
		try_high_halves, NULL, "vsock: EAFNOSUPPORT\ntyping: EPERM\nnamespace: EPERM\n");
}

static int try_calls(void *arg)
{
	char here[PATH_MAX];

	(void)arg;
	say("getcwd", syscall(SYS_getcwd, here, sizeof(here)));
	say("personality", syscall(SYS_personality, 0xffffffff));
	say("ptrace", syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
	say("clone3", syscall(SYS_clone3, NULL, 0));
	say("a call of Linux 6.5", syscall(451, 0, 0, 0, 0));
	say("the last call", syscall(100000));
	say("open", open("/usr", O_RDONLY));
	return 0;
}

static void test_later_calls_than_were_reviewed_are_missing(void **state)
{
	(void)state;
	expect_inside(try_calls, NULL,
		"getcwd: works\npersonality: works\nptrace: EPERM\nclone3: ENOSYS\n"
		"a call of Linux 6.5: ENOSYS\nthe last call: ENOSYS\nopen: works\n");
}

static void test_our_own_functions_have_few_calls(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};

	(void)state;
	make_jail(&j);
	j.entry = try_calls;
	j.own_calls = true;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data,
		"getcwd: ENOSYS\npersonality: ENOSYS\nptrace: ENOSYS\nclone3: ENOSYS\n"
		"a call of Linux 6.5: ENOSYS\nthe last call: ENOSYS\nopen: works\n");
}

static void *thread(void *arg)
{
	return arg;
}

static int try_children(void *arg)
{
	pid_t child = fork();
	pthread_t t;

	(void)arg;
	if (child == 0)
		_exit(0);
	say("fork", child);
	errno = pthread_create(&t, NULL, thread, NULL);
	say("thread", errno ? -1 : pthread_join(t, NULL));
	say("exec", execl("/usr/bin/true", "true", NULL));
	return 0;
}

static void test_no_children_means_threads_only(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};

	(void)state;
	make_jail(&j);
	j.entry = try_children;
	j.no_children = true;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data, "fork: EPERM\nthread: works\nexec: EPERM\n");
	buf_release(&out);
	j.no_children = false;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data, "fork: works\nthread: works\n"); /* the exec worked as well */
}

static void test_program_without_children_is_started_once(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};

	(void)state;
	make_shell(&j, "echo started; (echo child) 2>/dev/null; exec /usr/bin/true 2>/dev/null");
	j.no_children = true;
	assert_int_equal(run(&j, &out).exit_code, 254); /* bash gave up on the subshell */
	assert_string_equal(out.data, "started\n");
	buf_release(&out);
	jail_release(&j);
	make_shell(&j, "echo started; exec /usr/bin/true 2>/dev/null");
	j.no_children = true;
	assert_int_equal(run(&j, &out).exit_code, 126);
	j.no_children = false;
	buf_release(&out);
	assert_int_equal(run(&j, &out).exit_code, 0);
}

static int build_a_jail(void *arg)
{
	struct err e = {0};

	(void)arg;
	if (jail_probe(&e) == 0)
		return 1;
	(void)dprintf(1, "%d %s\n%.68s\n%s\n", e.kind == ERR_HOST, e.reason, e.msg,
		strstr(e.msg, "Remedy: ") && strstr(e.msg, "user.max_user_namespaces") ? "remedy"
										       : e.msg);
	return 0;
}

/* Inside a jail no namespace can be made: the same as on a host that forbids them. */
static void test_host_without_namespaces_is_an_error_with_a_remedy(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};

	(void)state;
	make_jail(&j);
	jail_device(&j, "/dev/null");
	j.entry = build_a_jail;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data,
		"1 host_no_namespaces\n"
		"jail for a test: make namespaces: Operation not permitted; the host \nremedy\n");
}

static bool write_to(const char *path, const char *text)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/*
 * Become "root" of a user namespace with one user, as by unshare -r, and try a jail in there;
 * `forbid`: where namespaces are forbidden. Runs in a child of the test and says what happened.
 */
NORETURN static void probe_in_namespace(bool forbid, int report)
{
	auto_free char *uids = mem_printf("0 %u 1\n", (unsigned)geteuid());
	auto_free char *gids = mem_printf("0 %u 1\n", (unsigned)getegid());
	struct err e = {0};

	if (unshare(CLONE_NEWUSER) < 0 || !write_to("/proc/self/setgroups", "deny") ||
		!write_to("/proc/self/gid_map", gids) || !write_to("/proc/self/uid_map", uids))
		(void)dprintf(report, "cannot make the namespace: %s", strerror(errno));
	else if (forbid && !write_to("/proc/sys/user/max_user_namespaces", "0"))
		(void)dprintf(report, "cannot forbid namespaces: %s", strerror(errno));
	else if (jail_probe(&e) < 0)
		(void)dprintf(report, "%s: %s", e.reason, e.msg);
	else
		(void)dprintf(report, "works");
	_exit(0);
}

static void expect_in_namespace(bool forbid, const char *wanted)
{
	auto_buf struct buf said = {0};
	auto_fd int report = -1;
	struct err e = {0};
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	report = pipes[0];
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		probe_in_namespace(forbid, pipes[1]);
	fd_close(pipes[1]);
	buf_init(&said, 4096);
	expect_ok(fd_read_to_end(report, "report", &said, &e), &e);
	assert_int_equal(proc_wait(pid, &status), 0);
	assert_string_equal(said.data, wanted);
}

static void test_works_in_a_namespace_with_one_user(void **state)
{
	(void)state;
	expect_in_namespace(false, "works");
}

static void test_remedy_names_the_setting(void **state)
{
	(void)state;
	expect_in_namespace(true,
		"host_no_namespaces: jail for a test: make namespaces: No space left on device; "
		"the "
		"host does not let ambient build the walls around a test. Remedy: sysctl -w "
		"user.max_user_namespaces=10000");
}

/* ---- what it is given ---- */

enum { CROSSED = 60 };

static int show_sizes(void *arg)
{
	struct stat st;

	(void)arg;
	for (int fd = 3; fd < CROSSED; fd++)
		(void)dprintf(1, "%d", fstat(fd, &st) < 0 ? -1 : (int)st.st_size);
	return 0;
}

/*
 * Every number is a target, so whatever the jail uses on its way, some target has it; downwards, so
 * that the first targets are numbers whose sources would still be needed.
 */
static void test_descriptors_may_overlap(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *a = expect_file(dir, "a", "1"), *b = expect_file(dir, "b", "22");
	auto_fd int one = open(a, O_RDONLY | O_CLOEXEC), two = open(b, O_RDONLY | O_CLOEXEC);
	auto_buf struct buf out = {0}, wanted = {0};
	auto_jail struct jail j;

	(void)state;
	make_jail(&j);
	buf_init(&wanted, CROSSED);
	j.entry = show_sizes;
	for (int fd = CROSSED - 1; fd >= 3; fd--)
		jail_keep_as(&j, fd % 3 ? one : two, fd);
	for (int fd = 3; fd < CROSSED; fd++)
		buf_adds(&wanted, fd % 3 ? "1" : "2");
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data, wanted.data);
}

static void test_directory_is_never_kept(void **state)
{
	auto_fd int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_jail struct jail j;
	auto_free char *wanted =
		mem_printf("jail for test: descriptor %d is a directory, which leads out", fd);
	struct err e = {0};
	pid_t pid;

	(void)state;
	make_shell(&j, "true");
	(void)jail_keep(&j, fd);
	expect_err(jail_start(&j, &pid, NULL, &e), &e, ERR_HOST, wanted);
}

static void test_files_are_placed(void **state)
{
	static const char text[] = "from memory\n";
	auto_fd int fd = -1;
	auto_jail struct jail j;
	struct err e = {0};
	char rest[8] = "";

	(void)state;
	fd = fd_memory("test", &e);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, "from a file\n", 12), 0);
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	make_shell(&j,
		"cd /; cat kernel deep/down/initrd; stat -c '%a %s' kernel deep/down/initrd; "
		"2>/dev/null >kernel || echo refused");
	jail_place(&j, "/kernel", text, sizeof(text) - 1);
	jail_place_fd(&j, "/deep/down/initrd", fd, 0);
	expect_shell(&j, "from memory\nfrom a file\n444 12\n444 12\nrefused\n");
	assert_int_equal(read(fd, rest, 1), 1); /* the offset was left alone */
	assert_string_equal(rest, "a");
}

static void test_binds(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *program = expect_file(dir, "in/run", "#!/bin/sh\necho ran\n");
	auto_free char *to = path_join(dir, "out"), *result = path_join(to, "new");
	auto_buf struct buf written = {0};
	auto_jail struct jail j;
	struct err e = {0};

	(void)state;
	free(expect_file(dir, "in/f", "read me\n"));
	make_shell(&j,
		"cat /source/f; 2>/dev/null >/source/f || echo read-only; "
		"/source/run 2>/dev/null || echo noexec; cp /source/f /deep/out/new; "
		"echo x >/dev/null; ls /dev");
	assert_int_equal(mkdir(to, 0700), 0);
	assert_int_equal(chmod(program, 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(to, j.uid, j.gid), 0);
	assert_int_equal(chdir(dir), 0);
	jail_bind(&j, "in", "/source", 0);
	jail_bind(&j, to, "/deep/out", JAIL_WRITABLE);
	assert_int_equal(chdir("/"), 0);
	jail_bind(&j, "/nonexistent", "/nonexistent", JAIL_IF_PRESENT);
	jail_device(&j, "/dev/zero");
	expect_shell(&j, "read me\nread-only\nnoexec\nnull\nzero\n");
	buf_init(&written, 100);
	expect_ok(fd_read_file(result, &written, &e), &e);
	assert_string_equal(written.data, "read me\n");
}

static void test_environment_and_limits_are_as_given(void **state)
{
	auto_jail struct jail j;

	(void)state;
	make_shell(&j, "echo $NAME; ulimit -n; ulimit -f; ulimit -v; ulimit -t; ulimit -c");
	strv_setenv(&j.env, "NAME", "value");
	j.max_files = 32;
	j.max_file_bytes = 10 * MIB;
	j.max_memory = GIB;
	j.max_cpu_seconds = 7;
	expect_shell(&j, "value\n32\n10240\n1048576\n7\n0\n");
}

static void test_proc_of_its_own(void **state)
{
	auto_jail struct jail j;

	(void)state;
	make_shell(
		&j, "cd /proc && echo [0-9]* && cat /proc/1/cmdline | tr '\\0' ' ' | cut -c 1-4");
	j.need_proc = true;
	expect_shell(&j, "1\nbash\n");
}

/* ---- ends and errors ---- */

static void test_end_is_told(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};
	struct jail_end end;

	(void)state;
	make_shell(&j, "exit 42");
	end = run(&j, &out);
	assert_int_equal(end.exit_code, 42);
	assert_int_equal(end.signal, 0);
	assert_false(end.timed_out || end.overflow);
}

/* How long a shell takes to begin is the machine's business: the limit grows until it does. */
static void test_run_ends_at_its_limit(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0}, errors = {0};
	struct jail_end end;
	struct err e = {0};

	(void)state;
	make_shell(&j, "echo begun; sleep 600 & exec sleep 600");
	buf_init(&out, 100);
	buf_init(&errors, 100);
	for (int limit = SHORT_MS; out.len == 0 && limit < LIMIT_MS; limit *= 4) {
		expect_ok(jail_run(&j, limit, &out, &errors, &end, &e), &e);
		assert_true(end.timed_out);
		assert_int_equal(end.signal, SIGKILL);
	}
	assert_string_equal(out.data, "begun\n");
}

static void test_output_is_bounded(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0}, errors = {0};
	struct jail_end end;
	struct err e = {0};

	(void)state;
	make_shell(
		&j, "for i in {1..20000}; do echo noise >&2; done; while :; do echo 1234567; done");
	buf_init(&out, 10);
	buf_init(&errors, 12);
	expect_ok(jail_run(&j, LIMIT_MS, &out, &errors, &end, &e), &e);
	assert_true(end.overflow);
	assert_int_equal(end.signal, SIGKILL);
	assert_string_equal(out.data, "1234567\n12");
	assert_string_equal(errors.data, "noise\nnoise\n");
}

static void expect_start_error(const struct jail *j, const char *message)
{
	struct err e = {0};
	pid_t pid = -1;

	expect_err(jail_start(j, &pid, NULL, &e), &e, ERR_HOST, message);
	assert_int_equal(pid, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left behind */
	assert_int_equal(errno, ECHILD);
}

static void test_errors_name_what_is_missing(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *text = expect_file(dir, "text", "not a program\n");
	auto_free char *not_executable =
		mem_printf("jail for test: start %s: Permission denied", text);
	auto_jail struct jail j;

	(void)state;
	make_shell(&j, "true");
	j.program = "/usr/bin/no-such-program";
	expect_start_error(
		&j, "jail for test: /usr/bin/no-such-program: No such file or directory");
	j.program = text;
	expect_start_error(&j, not_executable);
	j.program = "/usr/bin/bash";
	jail_bind(&j, "/no/such/source", "/source", 0);
	expect_start_error(&j,
		geteuid() == 0 ? "jail for test: bind: /no/such/source: No such file "
				 "or directory"
			       : "jail for test: bind /no/such/source to /source: "
				 "/no/such/source: No such file or directory");
}

/* Zero is what a caller gets who forgot to say; only root could become root by it. */
static void test_root_is_never_an_accident(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0}, status = {0};
	auto_jailed pid_t pid = -1;

	(void)state;
	jail_init(&j, "test");
	if (geteuid() != 0) {
		pid = start_sleep(&j);
		read_proc(pid, "status", &status);
		expect_ids(&status, &j);
		return;
	}
	j.program = "/usr/bin/id";
	strv_push(&j.argv, "id");
	expect_start_error(&j, "jail for test: refused to start as user 0, group 0 of the host");
	j.root_ok = true;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data, "uid=0 gid=0 groups=0\n");
	buf_release(&out);
	j.program = NULL;
	j.entry = try_privileges;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_non_null(strstr(out.data, "mount: EPERM\nremount: EPERM\numount: EPERM\n"));
}

/*
 * A process between the test and the jail starts a program in it, says so, and waits to be killed.
 * It must not fail by cmocka, which would go on with the tests in here.
 */
NORETURN static void be_the_parent(int report, const struct jail *j)
{
	struct err e = {0};
	pid_t pid = -1;

	if (jail_start(j, &pid, NULL, &e) < 0 ||
		write(report, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		_exit(1);
	(void)pause();
	_exit(1);
}

static void test_jail_dies_with_its_parent(void **state)
{
	auto_fd int pidfd = -1, report = -1;
	struct pollfd ended = {.events = POLLIN};
	pid_t middle, jailed = -1;
	auto_jail struct jail j;
	int pipes[2], status;

	(void)state;
	make_shell(&j, "exec sleep 60");
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0)
		be_the_parent(pipes[1], &j);
	fd_close(pipes[1]);
	report = pipes[0];
	assert_int_equal(read(report, &jailed, sizeof(jailed)), sizeof(jailed));
	pidfd = pidfd_open(jailed, 0);
	assert_true(pidfd >= 0);
	ended.fd = pidfd;
	assert_int_equal(poll(&ended, 1, 50), 0); /* it lives while its parent does */
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(proc_wait(middle, &status), 0);
	assert_int_equal(poll(&ended, 1, LIMIT_MS), 1);
}

static void test_kill_takes_the_whole_jail(void **state)
{
	auto_jail struct jail j;
	struct err e = {0};
	struct pollfd ended = {.events = POLLIN, .fd = -1};
	auto_fd int pidfd = -1;
	pid_t pid = -1, first;

	(void)state;
	make_shell(&j, "sleep 60 & sleep 60");
	expect_ok(jail_start(&j, &pid, &pidfd, &e), &e);
	ended.fd = pidfd;
	assert_int_equal(poll(&ended, 1, 50), 0);
	first = pid;
	jail_kill(&pid);
	assert_int_equal(pid, -1);
	assert_int_equal(kill(first, 0), -1);
	jail_kill(&pid); /* again is fine */
}

static void test_probe_works_here(void **state)
{
	struct err e = {0};

	(void)state;
	expect_ok(jail_probe(&e), &e);
}

static void expect_user(const char *configured, uid_t wanted_uid, gid_t wanted_gid)
{
	struct err e = {0};
	uid_t uid = 0;
	gid_t gid = 0;

	expect_ok(jail_find_user(configured, &uid, &gid, &e), &e);
	assert_int_equal(uid, wanted_uid);
	assert_int_equal(gid, wanted_gid);
}

static void expect_no_user(const char *configured, const char *message)
{
	struct err e = {0};
	uid_t uid = 1;
	gid_t gid = 1;

	expect_err(jail_find_user(configured, &uid, &gid, &e), &e, ERR_INPUT, message);
	assert_int_equal(uid, 1);
	assert_int_equal(gid, 1);
}

/* Debian's: sync is 4 of group 65534. The range of candidates has no entries. */
static void test_users_have_names_and_numbers(void **state)
{
	(void)state;
	expect_user("nobody", 65534, 65534);
	expect_user("65534", 65534, 65534);
	expect_user("sync", 4, 65534);
	expect_user("4", 4, 65534);
	expect_user("65525", 65525, 65525);
	expect_no_user("root", "'root' is root; name a user without rights");
	expect_no_user("0", "'0' is root; name a user without rights");
	expect_no_user("no-such-user", "there is no user 'no-such-user' on this host");
	expect_no_user("-1", "there is no user '-1' on this host");
	expect_no_user("1x", "there is no user '1x' on this host");
	expect_no_user("4294967295", "there is no user '4294967295' on this host");
	expect_no_user(
		"99999999999999999999", "there is no user '99999999999999999999' on this host");
}

static void test_vm_user(void **state)
{
	struct err e = {0};
	uid_t uid = 0;
	gid_t gid = 0;

	(void)state;
	expect_ok(jail_vm_user(NULL, &uid, &gid, &e), &e);
	if (geteuid() != 0) {
		assert_int_equal(uid, geteuid());
		assert_int_equal(gid, getegid());
		return;
	}
	assert_true(uid >= 65520 && gid == uid);
	expect_ok(jail_vm_user("nobody", &uid, &gid, &e), &e);
	assert_int_equal(uid, 65534);
	expect_err(jail_vm_user("no-such-user", &uid, &gid, &e), &e, ERR_INPUT,
		"vm_user: there is no user 'no-such-user' on this host");
	e = (struct err){0};
	expect_err(jail_vm_user("root", &uid, &gid, &e), &e, ERR_INPUT,
		"vm_user: 'root' is root; name a user without rights");
}

/* ---- with the host's network ---- */

static int try_host_network(void *arg)
{
	int pair[2];
	auto_fd int tcp = socket(AF_INET, SOCK_STREAM, 0);

	(void)arg;
	(void)dprintf(1, "tcp %d\n", tcp >= 0 && connect(tcp, &(struct sockaddr){0}, 0) < 0);
	say("unix", socket(AF_UNIX, SOCK_STREAM, 0));
	(void)dprintf(1, "pair %d\n", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	return 0;
}

static void test_host_network_is_the_callers_without_local_sockets(void **state)
{
	auto_jail struct jail j = {0}, live = {0};
	auto_buf struct buf out = {0};
	auto_jailed pid_t pid = -1;
	auto_free char *theirs = NULL;
	char a[64] = "", b[64] = "";

	(void)state;
	make_jail(&j);
	j.entry = try_host_network;
	j.host_network = true;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data, "tcp 1\nunix: EAFNOSUPPORT\npair 0\n");
	make_jail(&live);
	live.host_network = true;
	pid = start_sleep(&live);
	theirs = proc_path(pid, "ns/net");
	assert_true(readlink(theirs, a, sizeof(a) - 1) > 0);
	assert_true(readlink("/proc/self/ns/net", b, sizeof(b) - 1) > 0);
	assert_string_equal(a, b);
}

static int try_exec(void *arg)
{
	static char name[] = "/usr/bin/true";
	char *argv[] = {name, NULL};
	pid_t pid = fork();
	int status = 0;

	(void)arg;
	if (pid == 0) {
		(void)execv(name, argv);
		_exit(errno == EPERM ? 7 : 8);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	(void)dprintf(1, "child %d\n", WEXITSTATUS(status));
	return 0;
}

static void test_no_exec_forbids_exec_and_not_fork(void **state)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};

	(void)state;
	make_jail(&j);
	j.entry = try_exec;
	j.no_exec = true;
	assert_int_equal(run(&j, &out).exit_code, 0);
	assert_string_equal(out.data, "child 7\n");
}

/* ---- sockets of the jail's own network ---- */

struct outside {
	struct sockaddr_in listener; /* of the jail, by jail_listen */
	struct sockaddr_in host;     /* somebody listens there, on the host */
};

static struct sockaddr_in loopback_at(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int call(const struct sockaddr_in *at)
{
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		return -1;
	return fd_steal(&fd);
}

static int try_to_bind(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (const struct sockaddr *)at, sizeof(*at));
}

static void ask_listener(const struct sockaddr_in *at)
{
	char answer[16] = "";
	int fd = call(at);

	say("listener", fd);
	(void)fd_read_full(fd, answer, sizeof(answer) - 1);
	(void)dprintf(1, "it says %s\n", answer);
}

static int try_listener(void *arg)
{
	const struct outside *o = arg;
	struct sockaddr_in public = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_port = o->listener.sin_port,
		.sin6_addr.s6_addr[15] = 1};
	struct ifreq second = {.ifr_ifindex = 2};
	int any = socket(AF_INET, SOCK_DGRAM, 0), fd6 = socket(AF_INET6, SOCK_STREAM, 0);

	ask_listener(&o->listener);
	say("host's loopback", call(&o->host));
	public.sin_addr.s_addr = htonl(0x0a000202);
	say("10.0.2.2", call(&public));
	public.sin_addr.s_addr = htonl(0x08080808);
	say("8.8.8.8", call(&public));
	say("::1", connect(fd6, (struct sockaddr *)&six, sizeof(six)));
	say("interface 2", ioctl(any, SIOCGIFNAME, &second));
	say("the host's port is free here", try_to_bind(&o->host));
	return 0;
}

/* A port that nobody has on the host. */
static uint16_t free_port(void)
{
	struct sockaddr_in at = loopback_at(0);
	socklen_t len = sizeof(at);
	auto_fd int fd = listen_on(AF_INET, &at, sizeof(at));

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin_port);
}

static void make_pipe(int *ret_from, int *ret_to)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*ret_from = ends[0];
	*ret_to = ends[1];
}

static void test_a_listening_socket_is_all_that_is_on_the_jails_network(void **state)
{
	static const char wanted[] = "listener: works\nit says hello\n"
				     "host's loopback: ECONNREFUSED\n10.0.2.2: ENETUNREACH\n"
				     "8.8.8.8: ENETUNREACH\n::1: ECONNREFUSED\n"
				     "interface 2: ENODEV\nthe host's port is free here: works\n";
	auto_jailed pid_t pid = -1;
	auto_jail struct jail j;
	struct outside o = {.listener = loopback_at(free_port()), .host = loopback_at(0)};
	socklen_t len = sizeof(o.host);
	auto_fd int host = listen_on(AF_INET, &o.host, len), listener = -1, peer = -1;
	auto_fd int from = -1, to = -1;
	char got[512] = "";
	struct err e = {0};

	(void)state;
	assert_int_equal(getsockname(host, (struct sockaddr *)&o.host, &len), 0);
	make_pipe(&from, &to);
	make_jail(&j);
	j.entry = try_listener;
	j.arg = &o;
	j.stdout_fd = to;
	jail_listen(&j, ntohs(o.listener.sin_port), &listener);
	expect_ok(jail_start(&j, &pid, NULL, &e), &e);
	fd_close(fd_steal(&to));
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	/* It is not one of the host's. */
	assert_int_equal(call(&o.listener), -1);
	assert_int_equal(errno, ECONNREFUSED);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(fd_write_all(peer, "hello", 5), 0);
	fd_close(fd_steal(&peer));
	assert_true(fd_read_full(from, got, sizeof(got) - 1) > 0);
	assert_string_equal(got, wanted);
}

/* How many sockets a table of /proc/PID/net has, behind its line of headings. */
static size_t count_sockets(pid_t pid, const char *table, struct buf *ret)
{
	size_t lines = 0;

	read_proc(pid, table, ret);
	for (const char *p = ret->data; (p = strchr(p, '\n')); p++)
		lines++;
	assert_true(lines > 0);
	return lines - 1;
}

static void test_the_jails_network_has_no_socket_but_those_asked_for(void **state)
{
	static const char *const empty[] = {
		"net/tcp6", "net/udp", "net/udp6", "net/raw", "net/raw6", "net/packet", "net/unix"};
	auto_jailed pid_t pid = -1;
	auto_buf struct buf tcp = {0};
	auto_fd int listener = -1;
	auto_jail struct jail j;

	(void)state;
	make_jail(&j);
	jail_listen(&j, 3128, &listener);
	pid = start_sleep(&j);
	assert_int_equal(count_sockets(pid, "net/tcp", &tcp), 1);
	assert_non_null(strstr(tcp.data, " 0100007F:0C38 00000000:0000 0A ")); /* listening */
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		auto_buf struct buf none = {0};

		assert_int_equal(count_sockets(pid, empty[i], &none), 0);
	}
}

static int ask_two(void *arg)
{
	const struct sockaddr_in *ports = arg;

	ask_listener(&ports[0]);
	ask_listener(&ports[1]);
	return 0;
}

static void test_each_listening_socket_has_its_own_port(void **state)
{
	auto_jailed pid_t pid = -1;
	auto_jail struct jail j;
	struct sockaddr_in ports[] = {loopback_at(3128), loopback_at(3129)};
	int listeners[2] = {-1, -1};
	auto_fd int from = -1, to = -1;
	char got[128] = "";
	struct err e = {0};

	(void)state;
	make_pipe(&from, &to);
	make_jail(&j);
	j.entry = ask_two;
	j.arg = ports;
	j.stdout_fd = to;
	for (size_t i = 0; i < 2; i++)
		jail_listen(&j, ntohs(ports[i].sin_port), &listeners[i]);
	expect_ok(jail_start(&j, &pid, NULL, &e), &e);
	fd_close(fd_steal(&to));
	for (size_t i = 0; i < 2; i++) {
		auto_fd int peer = accept(listeners[i], NULL, NULL);

		assert_int_equal(fd_write_all(peer, i ? "two" : "one", 3), 0);
		fd_close(listeners[i]);
	}
	assert_true(fd_read_full(from, got, sizeof(got) - 1) > 0);
	assert_string_equal(got, "listener: works\nit says one\nlistener: works\nit says two\n");
}

static void test_a_port_that_cannot_be_had_leaves_nothing(void **state)
{
	auto_jail struct jail j;
	int listeners[2] = {-1, -1};
	struct err e = {0};
	pid_t pid = -1;

	(void)state;
	make_jail(&j);
	j.entry = ask_two;
	jail_listen(&j, 3128, &listeners[0]);
	jail_listen(&j, 3128, &listeners[1]);
	expect_err(jail_start(&j, &pid, NULL, &e), &e, ERR_HOST,
		"jail for test: listen on port 3128: Address already in use");
	assert_int_equal(pid, -1);
	assert_int_equal(listeners[0], -1);
	assert_int_equal(listeners[1], -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_has_no_privileges),
		cmocka_unit_test(test_program_starts_fresh),
		cmocka_unit_test(test_program_is_pid_1_of_its_own_namespaces),
		cmocka_unit_test(test_program_has_the_expected_descriptors_only),
		cmocka_unit_test(test_root_holds_nothing_but_usr),
		cmocka_unit_test(test_every_mount_is_read_only),
		cmocka_unit_test(test_only_a_loopback_that_is_down),
		cmocka_unit_test(test_function_sees_and_writes_no_file),
		cmocka_unit_test(test_function_has_no_powers),
		cmocka_unit_test(test_function_starts_fresh),
		cmocka_unit_test(test_function_reaches_no_socket),
		cmocka_unit_test(test_high_halves_of_arguments_open_nothing),
		cmocka_unit_test(test_later_calls_than_were_reviewed_are_missing),
		cmocka_unit_test(test_our_own_functions_have_few_calls),
		cmocka_unit_test(test_no_children_means_threads_only),
		cmocka_unit_test(test_program_without_children_is_started_once),
		cmocka_unit_test(test_host_without_namespaces_is_an_error_with_a_remedy),
		cmocka_unit_test(test_works_in_a_namespace_with_one_user),
		cmocka_unit_test(test_remedy_names_the_setting),
		cmocka_unit_test(test_descriptors_may_overlap),
		cmocka_unit_test(test_directory_is_never_kept),
		cmocka_unit_test(test_files_are_placed),
		cmocka_unit_test(test_binds),
		cmocka_unit_test(test_environment_and_limits_are_as_given),
		cmocka_unit_test(test_proc_of_its_own),
		cmocka_unit_test(test_end_is_told),
		cmocka_unit_test(test_run_ends_at_its_limit),
		cmocka_unit_test(test_output_is_bounded),
		cmocka_unit_test(test_errors_name_what_is_missing),
		cmocka_unit_test(test_root_is_never_an_accident),
		cmocka_unit_test(test_jail_dies_with_its_parent),
		cmocka_unit_test(test_kill_takes_the_whole_jail),
		cmocka_unit_test(test_probe_works_here),
		cmocka_unit_test(test_users_have_names_and_numbers),
		cmocka_unit_test(test_vm_user),
		cmocka_unit_test(test_host_network_is_the_callers_without_local_sockets),
		cmocka_unit_test(test_no_exec_forbids_exec_and_not_fork),
		cmocka_unit_test(test_a_listening_socket_is_all_that_is_on_the_jails_network),
		cmocka_unit_test(test_the_jails_network_has_no_socket_but_those_asked_for),
		cmocka_unit_test(test_each_listening_socket_has_its_own_port),
		cmocka_unit_test(test_a_port_that_cannot_be_had_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
