/* SPDX-License-Identifier: Apache-2.0 */
/* Preparations of every virtual machine before its first step. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/random.h>
#include <net/if.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "actions/table.h"
#include "executor/limits.h"
#include "executor/machine/machine.h"
#include "os/fd.h"
#include "os/path.h"

/* As in Debian: for this address gethostbyaddr(3) returns only the name. */
#define OWN_ADDRESS "127.0.1.1"

/*
 * Machines that are copies of one template have the same random state. So random bytes from the
 * host are credited, and the generator is reseeded at once.
 */
static int add_entropy(const uint8_t *bytes, struct err *e)
{
	/* struct rand_pool_info, followed by the bytes */
	struct {
		int entropy_bits;
		int size;
		uint8_t bytes[MESSAGE_ENTROPY_BYTES];
	} pool = {.entropy_bits = 8 * MESSAGE_ENTROPY_BYTES, .size = MESSAGE_ENTROPY_BYTES};
	auto_fd int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	static_assert(offsetof(struct rand_pool_info, buf) == 2 * sizeof(int), "as above");
	if (fd < 0)
		return err_sys(e, "/dev/urandom");
	memcpy(pool.bytes, bytes, sizeof(pool.bytes));
	if (ioctl(fd, RNDADDENTROPY, &pool) < 0)
		return err_sys(e, "/dev/urandom: credit random bytes");
	if (ioctl(fd, RNDRESEEDCRNG) < 0)
		return err_sys(e, "/dev/urandom: reseed");
	return 0;
}

int guest_seed(const struct message_go *go, struct err *e)
{
	struct timespec now = {
		.tv_sec = go->utc_ns / 1000000000, .tv_nsec = go->utc_ns % 1000000000};

	if (add_entropy(go->entropy, e) < 0)
		return -1;
	if (go->utc_ns < 0 || clock_settime(CLOCK_REALTIME, &now) < 0)
		return err_sys(e, "set the clock");
	return 0;
}

/*
 * Without other networks, only the loopback device is needed. The kernel assigns 127.0.0.1 to it.
 */
static int raise_loopback(struct err *e)
{
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "loopback network device");
	return 0;
}

/*
 * A deadline task precedes all real-time priorities, which a job may use, too (sched(7)). The
 * kernel permits deadline tasks 95 % of the time. Most of it is reserved here, so that a job cannot
 * reserve it.
 */
static int go_first(struct err *e)
{
	enum { MS = 1000 * 1000 };
	const struct sched_attr deadline = {.size = sizeof(deadline),
		.sched_policy = SCHED_DEADLINE,
		.sched_flags = SCHED_FLAG_RESET_ON_FORK,
		.sched_runtime = 900 * MS,
		.sched_deadline = 1000 * MS,
		.sched_period = 1000 * MS};

	if (syscall(SYS_sched_setattr, 0, &deadline, 0) < 0)
		return err_sys(e, "deadline scheduling");
	return 0;
}

/*
 * A job may use up memory and processor time. It must not prevent the executor from enforcing the
 * time limit. Priority over all other processes also keeps the output in order (spawn.c). Children
 * inherit neither setting (child.c).
 */
static int protect(struct err *e)
{
	static const char score[] = "-1000";
	auto_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, score, strlen(score)) < 0)
		return err_sys(e, "/proc/self/oom_score_adj");
	return go_first(e);
}

/* Is the word in a line, outside of comments? */
static bool names_host(const char *hosts, const char *name)
{
	size_t len = strlen(name);

	while (*hosts) {
		size_t line = strcspn(hosts, "#\n"), at = 0;

		while (at < line) {
			size_t word = strcspn(hosts + at, " \t#\n");

			if (word == len && memcmp(hosts + at, name, len) == 0)
				return true;
			at += word + (at + word < line);
		}
		hosts += strcspn(hosts, "\n");
		hosts += *hosts == '\n';
	}
	return false;
}

/* Programs look up the name of their machine. Without a network only this file can answer. */
int guest_add_host(const char *path, const char *name, struct err *e)
{
	auto_buf struct buf hosts = {0};
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	auto_free char *line = NULL;

	if (fd < 0)
		return err_sys(e, "%s", path);
	buf_init(&hosts, LIMIT_HOSTS_BYTES);
	if (fd_read_to_end(fd, path, &hosts, e) < 0)
		return -1;
	if (names_host(hosts.data, name))
		return 0;
	line = mem_printf("%s%s%s\t%s\n",
		hosts.len && hosts.data[hosts.len - 1] != '\n' ? "\n" : "",
		names_host(hosts.data, "localhost") ? "" : "127.0.0.1\tlocalhost\n", OWN_ADDRESS,
		name);
	return fd_write_all(fd, line, strlen(line)) < 0 ? err_sys(e, "%s", path) : 0;
}

/* Each machine gets its own id (machine-id(5)), unless the image contains one. */
int guest_identify(const char *path, struct err *e)
{
	uint64_t id[2];
	auto_free char *line = NULL;
	auto_fd int fd = -1;
	struct stat st;

	if (stat(path, &st) == 0 && st.st_size > 0)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(e, "%s", path);
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return err_sys(e, "random bytes");
	line = mem_printf("%016" PRIx64 "%016" PRIx64 "\n", id[0], id[1]);
	return fd_write_all(fd, line, strlen(line)) < 0 ? err_sys(e, "%s", path) : 0;
}

int guest_name(struct err *e)
{
	static const char name[] = "ambient";

	if (sethostname(name, strlen(name)) < 0)
		return err_sys(e, "set the host name");
	/* The root file system may have nothing but one program. */
	if (path_make_dirs("/etc", 0755, e) < 0)
		return -1;
	if (guest_add_host("/etc/hosts", name, e) < 0 || guest_identify("/etc/machine-id", e) < 0)
		return -1;
	return raise_loopback(e) < 0 ? -1 : protect(e);
}

/* Only for a plan, which writes artifacts: made for a post_plan, they would be delivered empty. */
static int make_artifacts_dirs(const struct machine *m, struct err *e)
{
	static const char *const dirs[] = {
		GUEST_ARTIFACTS "/" ARTIFACTS_RSYNC, GUEST_ARTIFACTS "/" ARTIFACTS_DEBIAN};
	const struct drive *artifacts = machine_drive(m, DRIVE_ARTIFACTS);

	for (size_t i = 0; artifacts && artifacts->want.writable && i < ARRAY_SIZE(dirs); i++)
		if (path_make_dirs(dirs[i], 0755, e) < 0)
			return -1;
	return 0;
}

int guest_link_old(struct err *e)
{
	if (symlink(GUEST_CI, GUEST_OLD) < 0 && errno != EEXIST)
		return err_sys(e, "make the link " GUEST_OLD);
	return 0;
}

int guest_make_dirs(const struct machine *m, struct err *e)
{
	static const char *const dirs[] = {GUEST_SRC, GUEST_DEPS, GUEST_CACHE, GUEST_ARTIFACTS};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (path_make_dirs(dirs[i], 0755, e) < 0)
			return -1;
	if (make_artifacts_dirs(m, e) < 0)
		return -1;
	/* In memory, so that secrets are not written to a disk. */
	if (machine_drive(m, DRIVE_SECRETS) &&
		guest_mount("secrets", GUEST_SECRETS, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=0700", e) < 0)
		return -1;
	return 0;
}

int guest_mount(const char *what, const char *where, const char *type, unsigned long flags,
	const char *data, struct err *e)
{
	if (path_make_dirs(where, 0755, e) < 0)
		return -1;
	if (mount(what, where, type, flags, data) < 0)
		return err_sys(e, "mount %s at %s", what, where);
	return 0;
}

void guest_power_off(void)
{
	(void)reboot(RB_POWER_OFF);
	/* If power-off fails: the exit of init causes a panic, and a panic ends QEMU. */
	_exit(1);
}
