/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/group.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"
#include "executor/limits.h"
#include "executor/machine/machine.h"
#include "os/fd.h"
#include "os/meminfo.h"

#define ROOT "/sys/fs/cgroup"
#define JOB ROOT "/job"

static int group_fd = -1; /* of JOB; -1: there is no group */
static uint64_t process_limit;

static int put(const char *path, const char *text, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write '%s' to %s", text, path);
	return 0;
}

/*
 * Keep a reserve for page tables, network buffers and other memory that is not charged to a group.
 */
static uint64_t job_memory(uint64_t available)
{
	uint64_t keep = available / 16;

	if (keep > LIMIT_GUEST_RESERVE)
		keep = LIMIT_GUEST_RESERVE;
	return available - keep;
}

static int put_number(const char *path, uint64_t number, struct err *e)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return put(path, text, e);
}

/* The limit stops a fork bomb before it has used all memory. */
static uint64_t job_processes(uint64_t memory)
{
	uint64_t count = memory / LIMIT_PROCESS_MEMORY;

	return count > LIMIT_PROCESSES_LEAST ? count : LIMIT_PROCESSES_LEAST;
}

int group_make(struct err *e)
{
	uint64_t available = 0;

	if (meminfo_available(&available, e) < 0)
		return -1;
	if (guest_mount("cgroup", ROOT, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e) < 0 ||
		put(ROOT "/cgroup.subtree_control", "+memory +pids", e) < 0)
		return -1;
	if (mkdir(JOB, 0755) < 0)
		return err_sys(e, "make %s", JOB);
	process_limit = job_processes(job_memory(available));
	if (put_number(JOB "/memory.max", job_memory(available), e) < 0 ||
		put_number(JOB "/pids.max", process_limit, e) < 0)
		return -1;
	group_fd = open(JOB, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return group_fd < 0 ? err_sys(e, "%s", JOB) : 0;
}

/* ---- counters ---- */

/* The number in the line "NAME NUMBER" of a file; 0 if the kernel has no such counter. */
static uint64_t read_count(int dir, const char *path, const char *name)
{
	auto_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char text[16384];
	ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text + 1, sizeof(text) - 2);
	struct err ignored = {0};
	uint64_t count = 0;
	char *at;

	text[0] = '\n';
	text[n > 0 ? n + 1 : 1] = '\0';
	at = strstr(text, name);
	if (!at)
		return 0;
	at += strlen(name);
	at[strcspn(at, "\n")] = '\0';
	return num_parse_u64(at, UINT64_MAX, &count, &ignored) < 0 ? 0 : count;
}

uint64_t group_memory_kills(void)
{
	static const char name[] = "\noom_kill ";

	return group_fd < 0 ? read_count(AT_FDCWD, "/proc/vmstat", name)
			    : read_count(group_fd, "memory.events", name);
}

uint64_t group_failed_forks(void)
{
	return group_fd < 0 ? 0 : read_count(group_fd, "pids.events", "\nmax ");
}

uint64_t group_process_limit(void)
{
	return process_limit;
}

/* ---- start of a process in the group ---- */

pid_t group_fork(void)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = group_fd < 0 ? 0 : (uint64_t)group_fd};

	if (group_fd < 0)
		return fork();
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}
