/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/group.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "executor/machine.h"

#define ROOT "/sys/fs/cgroup"
#define JOB ROOT "/job"

static int enter_fd = -1; /* JOB/cgroup.procs; -1: there is no group */

static int put(const char *path, const char *text, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write '%s' to %s", text, path);
	return 0;
}

/* What the kernel and this program keep: a sixteenth, within bounds. */
static uint64_t job_memory(void)
{
	struct sysinfo info;
	uint64_t total, keep;

	(void)sysinfo(&info);
	total = (uint64_t)info.totalram * info.mem_unit;
	keep = total / 16;
	if (keep < LIMIT_GUEST_RESERVE_LEAST)
		keep = LIMIT_GUEST_RESERVE_LEAST;
	if (keep > LIMIT_GUEST_RESERVE_MOST)
		keep = LIMIT_GUEST_RESERVE_MOST;
	return total > 2 * keep ? total - keep : total / 2;
}

int group_make(struct err *e)
{
	char limit[32];

	(void)snprintf(limit, sizeof(limit), "%llu", (unsigned long long)job_memory());
	if (guest_mount("cgroup", ROOT, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e) < 0 ||
		put(ROOT "/cgroup.subtree_control", "+memory", e) < 0)
		return -1;
	if (mkdir(JOB, 0755) < 0)
		return err_sys(e, "make %s", JOB);
	if (put(JOB "/memory.max", limit, e) < 0)
		return -1;
	enter_fd = open(JOB "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	return enter_fd < 0 ? err_sys(e, "%s", JOB) : 0;
}

int group_enter(void)
{
	return enter_fd < 0 ? 0 : fd_write_all(enter_fd, "0", 1);
}
