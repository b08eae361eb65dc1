/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/group.h"

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

#include "base/fd.h"
#include "base/limits.h"
#include "base/meminfo.h"
#include "executor/machine.h"

#define ROOT "/sys/fs/cgroup"
#define JOB ROOT "/job"

static int group_fd = -1; /* JOB; -1: there is no group */

static int put(const char *path, const char *text, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write '%s' to %s", text, path);
	return 0;
}

/* A part stays for page tables, network buffers and the like, which are not charged to anybody. */
static uint64_t job_memory(uint64_t available)
{
	uint64_t keep = available / 16;

	if (keep > LIMIT_GUEST_RESERVE)
		keep = LIMIT_GUEST_RESERVE;
	return available - keep;
}

int group_make(struct err *e)
{
	uint64_t available = 0;
	char limit[32];

	if (meminfo_available(&available, e) < 0)
		return -1;
	(void)snprintf(limit, sizeof(limit), "%llu", (unsigned long long)job_memory(available));
	if (guest_mount("cgroup", ROOT, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e) < 0 ||
		put(ROOT "/cgroup.subtree_control", "+memory", e) < 0)
		return -1;
	if (mkdir(JOB, 0755) < 0)
		return err_sys(e, "make %s", JOB);
	if (put(JOB "/memory.max", limit, e) < 0)
		return -1;
	group_fd = open(JOB, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return group_fd < 0 ? err_sys(e, "%s", JOB) : 0;
}

pid_t group_fork(void)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};

	if (group_fd < 0)
		return fork();
	args.cgroup = (uint64_t)group_fd;
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}
