/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archiver.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/pack.h"
#include "jail/sidecar.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"
#include "os/space.h"
#include "store/limits.h"

/* What the program has reported so far. It is not trusted. */
struct claims {
	struct rewrite_report last;
	uint64_t progress; /* the sum of its counters */
	int64_t deadline;  /* extended at each progress */
};

static void take_report(void *arg, const void *report)
{
	struct claims *c = arg;
	uint64_t progress;

	if (c->last.kind == REPORT_DONE || c->last.kind == REPORT_FAILED)
		return;
	memcpy(&c->last, report, sizeof(c->last));
	progress = c->last.read + c->last.entries + c->last.bytes;
	if (progress > c->progress)
		c->deadline = clock_ms() + LIMIT_ARCHIVE_STALL_MS;
	c->progress = progress;
}

/* ---- the program ---- */

/*
 * Time for reading, which is more per byte for well compressed data, and for writing, which
 * includes copying to a disk.
 */
static uint64_t cpu_seconds(uint64_t length, uint64_t max_bytes)
{
	return LIMIT_ARCHIVE_CPU_SECONDS + length / MIB + max_bytes / (16 * MIB);
}

void archiver_init(struct jail *j, const char *program, const char *command, uint64_t max_bytes)
{
	jail_init(j, "archive");
	j->program = program;
	j->no_children = true;
	j->max_files = LIMIT_ARCHIVE_FILES;
	j->max_memory = LIMIT_ARCHIVE_MEMORY;
	j->max_file_bytes = max_bytes;
	jail_device(j, "/dev/null");
	strv_push(&j->argv, REWRITE_PROGRAM);
	strv_push(&j->argv, command);
	strv_pushf(&j->argv, "%" PRIu64, max_bytes);
}

/* Wait until the program has ended, makes no progress, or a signal arrives. */
static int follow(const struct sidecar *s, struct claims *c, struct err *e)
{
	bool listening = true, ended = false;

	while (!ended) {
		struct pollfd set[] = {
			{.fd = listening ? s->reports : -1, .events = POLLIN},
			{.fd = s->pidfd, .events = POLLIN},
			{.fd = sig_fd(), .events = POLLIN},
		};

		if (poll(set, ARRAY_SIZE(set), clock_poll_timeout(c->deadline)) < 0 &&
			errno != EINTR)
			return err_sys(e, "poll");
		ended = set[1].revents != 0;
		listening = listening && sidecar_read(s, sizeof(c->last), take_report, c) == 0;
		if (sig_check(e) < 0)
			return -1;
		if (!ended && clock_ms() >= c->deadline)
			return err_set(e, ERR_INPUT,
				"reading it makes no progress: it was given up after %s",
				num_show_duration(LIMIT_ARCHIVE_STALL_MS).s);
	}
	return 0;
}

/* ---- its end ---- */

static int no_report(const char *program, int status, int errors, struct err *e)
{
	auto_free char *safe = proc_first_line(errors);

	if (WIFSIGNALED(status))
		return err_set(e, ERR_INPUT, "reading it was ended by signal %d%s",
			WTERMSIG(status),
			WTERMSIG(status) == SIGKILL ? ": it takes too much processor time or memory"
						    : "");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_reason(e, ERR_HOST, "host_no_archive",
			"%s does not start: %s; " REWRITE_REMEDY, program, safe);
	return err_set(e, ERR_HOST, "%s ended with status %d and no report: %s", program,
		WIFEXITED(status) ? WEXITSTATUS(status) : -1, safe);
}

/* The message and the reason are not trusted. */
static int take_failure(const struct rewrite_report *claim, int to, uint64_t max, struct err *e)
{
	struct rewrite_report r = *claim;
	auto_free char *safe = NULL;

	r.message[sizeof(r.message) - 1] = r.reason[sizeof(r.reason) - 1] = '\0';
	safe = text_safe(r.message, sizeof(r.message));
	if (strcmp(r.reason, PACK_TOO_LARGE) == 0)
		return err_reason(e, ERR_INPUT, PACK_TOO_LARGE,
			"what is in it takes more than %s (%" PRIu64 " bytes)",
			num_show_size(max).s, max);
	if (!r.is_host)
		return err_set(e, ERR_INPUT, "%s", safe);
	if (strcmp(r.reason, ERR_REASON_DISK) != 0)
		return err_set(e, ERR_HOST, "%s", safe);
	(void)err_reason(e, ERR_HOST, ERR_REASON_DISK, "%s", safe);
	e->sys = ENOSPC;
	space_explain(e, to);
	return -1;
}

int archiver_run(struct jail *j, int out, uint64_t length, uint64_t max_bytes,
	struct rewrite_report *ret, struct err *e)
{
	auto_sidecar struct sidecar s = SIDECAR_NONE;
	auto_fd int errors = -1, errors_inside = -1;
	struct claims c = {0};
	int ends[2], status;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	errors = ends[0];
	errors_inside = ends[1];
	j->stderr_fd = errors_inside;
	j->max_cpu_seconds = cpu_seconds(length, max_bytes);
	jail_keep_as(j, out, REWRITE_OUT);
	if (jail_vm_user(NULL, &j->uid, &j->gid, e) < 0 ||
		sidecar_start(j, REWRITE_REPORTS, &s, e) < 0)
		return -1;
	c.deadline = clock_ms() + LIMIT_ARCHIVE_STALL_MS;
	if (follow(&s, &c, e) < 0)
		return -1;
	if (proc_wait(s.pid, &status) < 0)
		return err_sys(e, "wait for " REWRITE_PROGRAM);
	s.pid = -1;
	if (c.last.kind == REPORT_FAILED)
		return take_failure(&c.last, out, max_bytes, e);
	if (c.last.kind != REPORT_DONE || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return no_report(j->program, status, errors, e);
	*ret = c.last;
	return 0;
}
