/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/statefile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "data/jsonl.h"
#include "data/schema.h"
#include "os/fd.h"
#include "settings/project.h"

enum { SHOWN_MAX = 60 };

/* ---- the tables ---- */

static const struct param state_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "digest", .type = PARAM_STRING},
	{.name = "commit", .type = PARAM_STRING},
	{.name = "run_id", .type = PARAM_STRING, .required = true, .not_empty = true},
	{.name = "finished", .type = PARAM_STRING},
	{0},
};

static const struct param result_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "project", .type = PARAM_STRING},
	{.name = "run_id", .type = PARAM_STRING},
	{.name = "result", .type = PARAM_STRING, .required = true, .not_empty = true},
	{.name = "reason", .type = PARAM_STRING},
	{.name = "message", .type = PARAM_STRING},
	{.name = "exit_status", .type = PARAM_UINT},
	{.name = "started", .type = PARAM_STRING},
	{.name = "finished", .type = PARAM_STRING},
	{.name = "duration_ms", .type = PARAM_UINT},
	{.name = "actions", .type = PARAM_LIST},
	{.name = "vms", .type = PARAM_LIST},
	{.name = "deps_unchanged", .type = PARAM_LIST},
	{.name = "log", .type = PARAM_STRING},
	{.name = "console", .type = PARAM_STRING},
	{0},
};

/* All other keys are file identities; their values are SHA-256 digests. */
static const struct param images_params[] = {
	{.name = "format", .type = PARAM_UINT},
	{0},
};

static const struct param finding_params[] = {
	{.name = "script", .type = PARAM_UINT, .required = true},
	{.name = "line", .type = PARAM_UINT, .required = true},
	{.name = "column", .type = PARAM_UINT, .required = true},
	{.name = "code", .type = PARAM_UINT, .required = true},
	{.name = "message", .type = PARAM_STRING, .required = true},
	{0},
};

static const struct param lint_params[] = {
	{.name = "format", .type = PARAM_UINT},
	{.name = "digest", .type = PARAM_STRING, .required = true},
	{.name = "trouble", .type = PARAM_STRING},
	{.name = "findings", .type = PARAM_MAPS, .sub = finding_params},
	{0},
};

static const struct param deps_fetched_params[] = {
	{.name = "bytes", .type = PARAM_UINT, .required = true},
	{.name = "sha256", .type = PARAM_STRING, .required = true},
	{0},
};

static const struct param deps_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "project", .type = PARAM_STRING},
	{.name = "bytes", .type = PARAM_UINT, .required = true},
	{.name = "sha256", .type = PARAM_STRING, .required = true},
	{.name = "fetched", .type = PARAM_MAP, .sub = deps_fetched_params},
	{.name = "exported", .type = PARAM_STRING},
	{0},
};

static const struct param depskey_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "inputs", .type = PARAM_STRING, .required = true},
	{.name = "contents", .type = PARAM_STRING, .required = true},
	{.name = "bytes", .type = PARAM_UINT, .required = true},
	{0},
};

/* Of each project, the runs and their sizes (upkeep/usage.h). */
static const struct param usage_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "runs", .type = PARAM_NODE},
	{0},
};

/* Of each image, by digest, what apt said last (upkeep/updates.h). */
static const struct param updates_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "images", .type = PARAM_NODE},
	{0},
};

static const struct param imagefile_params[] = {
	{.name = "format", .type = PARAM_UINT, .required = true},
	{.name = "name", .type = PARAM_STRING, .required = true},
	{.name = "digest", .type = PARAM_STRING, .required = true},
	{0},
};

/*
 * Formats are counted from 1; a file without a format is from the time before the first one was
 * numbered.
 */
static const struct kind {
	const struct param *params;
	uint64_t newest;
	const char *remedy;
} kinds[] = {
	[STATEFILE_STATE] = {state_params, 1,
		"remove the file, and the next run of the project takes place"},
	[STATEFILE_RESULT] = {result_params, 1, "remove the run's directory when nobody needs it"},
	[STATEFILE_IMAGES] = {images_params, 1, "remove the file"},
	[STATEFILE_LINT] = {lint_params, 1, "remove the file"},
	[STATEFILE_DEPS] = {deps_params, 2, NULL}, /* its reader gives the remedy */
	[STATEFILE_DEPSKEY] = {depskey_params, 1, "remove the file"},
	[STATEFILE_USAGE] = {usage_params, 1, "remove the file"},
	[STATEFILE_UPDATES] = {updates_params, 1, "remove the file"},
	[STATEFILE_IMAGEFILE] = {imagefile_params, 1, NULL}, /* likewise */
};

/* ---- reading ---- */

bool statefile_is_unknown(const struct err *e)
{
	return strcmp(e->reason, "state_unknown") == 0;
}

static int not_understood(const struct kind *k, const struct err *why, struct err *e)
{
	return err_reason(e, ERR_INPUT, "state_unknown", "%s%s%s", why->msg, k->remedy ? "; " : "",
		k->remedy ? k->remedy : "");
}

/* Check the format before the types, because the tables describe only the known formats. */
static int check_format(const struct kind *k, const struct node *n, const char *name, struct err *e)
{
	const struct node *format = node_get(n, "format");
	auto_free char *shown = NULL;
	uint64_t number;

	if (!format || format->quoted || !node_to_uint(format, &number))
		return 0;
	if (number >= 1 && number <= k->newest)
		return 0;
	shown = text_safe(node_text(format), SHOWN_MAX);
	return node_err(n, name, e,
		"format %s is not known, this version of ambient reads formats up to %" PRIu64,
		shown, k->newest);
}

/* The run id is the name of a directory that must not be removed, so it must be a valid name. */
static int check_run_id(const struct node *n, const char *name, struct err *e)
{
	struct err why = {0};

	if (project_check_name(node_get_text(n, "run_id", ""), &why) == 0)
		return 0;
	return node_err(node_get(n, "run_id"), name, e, "'run_id': %s", why.msg);
}

int statefile_parse(enum statefile_kind kind, const char *text, size_t len, const char *name,
	struct node **ret_node, struct err *e)
{
	const struct kind *k = &kinds[kind];
	auto_node struct node *n = NULL;
	struct err why = {0};

	if (jsonl_parse(text, len, name, &n, &why) < 0 || check_format(k, n, name, &why) < 0 ||
		schema_check_written(k->params, n, name, &why) < 0 ||
		(kind == STATEFILE_STATE && check_run_id(n, name, &why) < 0))
		return not_understood(k, &why, e);
	*ret_node = steal_ptr(&n);
	return 0;
}

/* A dangling link exists, but cannot be read. */
static bool is_absent(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 && errno == ENOENT;
}

int statefile_read(
	enum statefile_kind kind, const char *path, struct node **ret_node, struct err *e)
{
	auto_buf struct buf text = {0};
	struct err why = {0};
	auto_fd int fd = -1;

	*ret_node = NULL;
	if (fd_open_file(path, &fd, &why) < 0) {
		if (why.sys == ENOENT && is_absent(path))
			return 0;
		*e = why;
		return -1;
	}
	buf_init(&text, STATEFILE_BYTES);
	if (fd_read_to_end(fd, path, &text, &why) == 0)
		return statefile_parse(kind, text.data, text.len, path, ret_node, e);
	if (why.kind == ERR_INPUT)
		return not_understood(&kinds[kind], &why, e);
	*e = why;
	return -1;
}

struct node *statefile_recall(enum statefile_kind kind, const char *path)
{
	struct err ignored = {0};
	struct node *n = NULL;

	return statefile_read(kind, path, &n, &ignored) < 0 ? NULL : n;
}

int statefile_not_kept(const struct err *why, struct strv *warnings, struct err *e)
{
	if (why->kind == ERR_INTERRUPTED || *why->reason) {
		*e = *why;
		return -1;
	}
	strv_pushf(warnings,
		"%s; the file only saves time, and so the run goes on: remove what is in its place",
		why->msg);
	return 0;
}
