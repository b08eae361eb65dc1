/* SPDX-License-Identifier: Apache-2.0 */
#include "store/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/pack.h"
#include "data/tar.h"
#include "jail/jail.h"
#include "jail/sidecar.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"
#include "os/space.h"
#include "store/limits.h"

enum { STDERR_MAX = 300, WINDOW = 1 << 20 };

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

static int start(const char *program, int from, int to, uint64_t length, uint64_t max_bytes,
	int errors, struct sidecar *ret, struct err *e)
{
	auto_jail struct jail j;

	jail_init(&j, "archive");
	j.program = program;
	j.no_children = true;
	j.max_files = LIMIT_ARCHIVE_FILES;
	j.max_memory = LIMIT_ARCHIVE_MEMORY;
	j.max_file_bytes = max_bytes;
	j.max_cpu_seconds = cpu_seconds(length, max_bytes);
	j.stderr_fd = errors;
	jail_device(&j, "/dev/null");
	jail_keep_as(&j, from, REWRITE_IN);
	jail_keep_as(&j, to, REWRITE_OUT);
	strv_push(&j.argv, REWRITE_PROGRAM);
	strv_pushf(&j.argv, "%" PRIu64, max_bytes);
	if (jail_vm_user(NULL, &j.uid, &j.gid, e) < 0)
		return -1;
	return sidecar_start(&j, REWRITE_REPORTS, ret, e);
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
	char text[STDERR_MAX + 1] = "";
	struct err ignored = {0};
	ssize_t n = fd_set_nonblock(errors, &ignored) < 0 ? 0 : read(errors, text, STDERR_MAX);
	auto_free char *safe = NULL;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	safe = text_safe(text, STDERR_MAX);
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

static int run(const char *program, int from, int to, uint64_t length, uint64_t max_bytes,
	struct claims *c, struct err *e)
{
	auto_sidecar struct sidecar s = SIDECAR_NONE;
	auto_fd int errors = -1, errors_inside = -1;
	int ends[2], status;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	errors = ends[0];
	errors_inside = ends[1];
	if (start(program, from, to, length, max_bytes, errors_inside, &s, e) < 0)
		return -1;
	c->deadline = clock_ms() + LIMIT_ARCHIVE_STALL_MS;
	if (follow(&s, c, e) < 0)
		return -1;
	if (proc_wait(s.pid, &status) < 0)
		return err_sys(e, "wait for " REWRITE_PROGRAM);
	s.pid = -1;
	if (c->last.kind == REPORT_FAILED)
		return take_failure(&c->last, to, max_bytes, e);
	if (c->last.kind == REPORT_DONE && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return no_report(program, status, errors, e);
}

/* ---- what it has written ---- */

/* A part of the file, in memory. */
struct window {
	int fd;
	uint64_t at, length;
	size_t have;
	char *data;
};

/* Read `want` bytes at `at`, or all that are left of the file. */
static int window_move(struct window *w, uint64_t at, size_t want, struct err *e)
{
	uint64_t left = w->length - at;
	ssize_t n;

	if (left < want)
		want = (size_t)left;
	if (at >= w->at && at - w->at <= w->have && w->have - (at - w->at) >= want)
		return 0;
	n = fd_pread_full(w->fd, w->data, left < WINDOW ? (size_t)left : WINDOW, at);
	if (n < 0)
		return err_sys(e, "read");
	w->at = at;
	w->have = (size_t)n;
	return w->have < want ? err_set(e, ERR_HOST, "the archive became shorter") : 0;
}

static int check_entries(struct window *w, struct tar_reader *r, struct err *e)
{
	size_t padding = 0, header;
	struct tar_entry entry;
	int more = 1;

	while (more > 0) {
		uint64_t at = r->offset - padding;

		if (sig_check(e) < 0 || window_move(w, at, padding + TAR_HEADER_MAX, e) < 0 ||
			tar_check_padding(r, w->data + (at - w->at), padding, e) < 0)
			return -1;
		at += padding;
		more = tar_next(r, w->data + (at - w->at), w->have - (size_t)(at - w->at), &entry,
			&header, e);
		padding = more > 0 ? tar_padding(entry.size) : 0;
	}
	return more;
}

/* By the rules for archives of a guest. Errors are errors of the program. */
static int check(int fd, const struct claims *c, uint64_t max_bytes, struct err *e)
{
	const struct tar_rules rules = {.strict = true};
	auto_tar_reader struct tar_reader r = {0};
	auto_free char *data = mem_alloc(WINDOW);
	struct window w = {.fd = fd, .data = data};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	w.length = (uint64_t)st.st_size;
	if (w.length > max_bytes || w.length != c->last.bytes)
		return err_set(e, ERR_INPUT, "its length is %" PRIu64, w.length);
	tar_reader_init(&r, &rules, w.length);
	if (check_entries(&w, &r, e) < 0)
		return -1;
	if (r.entries != c->last.entries)
		return err_set(e, ERR_INPUT, "it has %" PRIu64 " entries", r.entries);
	return 0;
}

int convert_archive(const char *program, int from, int to, uint64_t max_bytes,
	struct convert_result *ret, struct err *e)
{
	struct claims c = {0};
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_sys(e, "stat");
	if (run(program, from, to, (uint64_t)st.st_size, max_bytes, &c, e) < 0)
		return -1;
	if (check(to, &c, max_bytes, e) < 0) {
		if (e->kind == ERR_GUEST)
			e->kind = ERR_INPUT;
		return err_wrap(e, "what " REWRITE_PROGRAM " made of it is not as it should be");
	}
	*ret = (struct convert_result){
		.bytes = c.last.bytes, .entries = c.last.entries, .dropped = c.last.dropped};
	return 0;
}
