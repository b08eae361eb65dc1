/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambient-archive: rewrites an archive made by another program in the form of ours. `ambient`
 * starts it in a jail, with the descriptors of report.h. It is a separate program so that ambient
 * itself need not load libarchive and its dependencies.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layers.h"
#include "archive/report.h"
#include "archive/rewrite.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/version.h"
#include "os/fd.h"

enum { REPORT_MS = 200 };

static int64_t reported_ms;

/* If the receiver is gone, the program ends; the error is then not seen by anyone. */
static int report(const struct rewrite_report *r, struct err *e)
{
	if (send(REWRITE_REPORTS, r, sizeof(*r), MSG_NOSIGNAL) != (ssize_t)sizeof(*r))
		return err_sys(e, "report");
	return 0;
}

static int on_tick(void *arg, const struct rewrite_report *so_far, struct err *e)
{
	struct rewrite_report copy;
	int64_t now = clock_ms();

	(void)arg;
	if (now - reported_ms < REPORT_MS)
		return 0;
	reported_ms = now;
	copy = *so_far;
	copy.kind = REPORT_PROGRESS;
	return report(&copy, e);
}

static int rewrite(const char *max, struct rewrite_report *ret, struct err *e)
{
	struct rewrite_options options = {.tick = on_tick};
	struct stat st;

	if (num_parse_u64(max, LIMIT_DRIVE_MOST, &options.max_bytes, e) < 0)
		return -1;
	if (fstat(REWRITE_IN, &st) < 0)
		return err_sys(e, "the archive");
	return rewrite_archive(REWRITE_IN, (uint64_t)st.st_size, REWRITE_OUT, &options, ret, e);
}

/* `words` are offset and length of each layer. */
static int merge(const char *max, char *const *words, size_t count, struct rewrite_report *ret,
	struct err *e)
{
	struct layers_options options = {.tick = on_tick};
	struct layers_part layers[REWRITE_LAYERS_MAX];

	if (count > REWRITE_LAYERS_MAX)
		return err_set(e, ERR_HOST, "more than %d layers", REWRITE_LAYERS_MAX);
	if (num_parse_u64(max, LIMIT_DRIVE_MOST, &options.max_bytes, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		layers[i].fd = REWRITE_LAYERS + (int)i;
		if (num_parse_u64(words[2 * i], INT64_MAX, &layers[i].offset, e) < 0 ||
			num_parse_u64(words[2 * i + 1], INT64_MAX, &layers[i].length, e) < 0)
			return -1;
	}
	return layers_merge(layers, count, REWRITE_OUT, &options, ret, e);
}

static int work(int argc, char **argv, struct rewrite_report *ret, struct err *e)
{
	if (argc == 3 && strcmp(argv[1], "rewrite") == 0)
		return rewrite(argv[2], ret, e);
	if (argc > 3 && argc % 2 == 1 && strcmp(argv[1], "layers") == 0)
		return merge(argv[2], argv + 3, (size_t)(argc - 3) / 2, ret, e);
	return err_set(e, ERR_HOST, REWRITE_PROGRAM " is started by ambient");
}

int main(int argc, char **argv)
{
	struct rewrite_report last = {.kind = REPORT_DONE};
	struct err e = {0};

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf(REWRITE_PROGRAM " %s\n", version_build);
		return 0;
	}
	if (argc < 3) {
		(void)fprintf(stderr, REWRITE_PROGRAM " is started by ambient\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (work(argc, argv, &last, &e) == 0) {
		last.kind = REPORT_DONE;
		return report(&last, &e) < 0;
	}
	last = (struct rewrite_report){.kind = REPORT_FAILED, .is_host = e.kind == ERR_HOST};
	memcpy(last.reason, e.reason, sizeof(last.reason));
	(void)snprintf(last.message, sizeof(last.message), "%s", e.msg);
	return report(&last, &e) < 0;
}
