/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dependencies by a program of others: a package manager that no action of ours knows. It runs what
 * the source and its servers say, so it is given neither secrets nor more of the source than it
 * needs.
 */
#include <string.h>

#include "actions/limits.h"
#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

static const char *const mistaken[] = {"shell", "script", "command", "cmd", "snippet", NULL};

static const struct param params[] = {
	{.name = "run",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.mistaken = mistaken,
		.help = "the snippet; bash runs it in the source directory as if it began with "
			"`set -xeuo pipefail`. What it leaves in " GUEST_DEPS
			" is there in the plan"},
	{.name = "hosts",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "the hosts that it may reach, by http and https; variables like "
			"`https_proxy` lead clients to them"},
	{.name = "reads",
		.type = PARAM_STRINGS,
		.help = "the files of the source that it is given, relative to the source "
			"directory: lock files, manifests; `**/NAME` is all files of that name, "
			"but for hidden directories"},
	ACTIONS_TRACE,
	ACTIONS_MERGE_OUTPUT,
	ACTIONS_USER,
	{0},
};

static int check_count(
	const struct node *args, const char *key, size_t limit, const char *file, struct err *e)
{
	const struct node *list = node_get(args, key);

	if (node_count(list) <= limit)
		return 0;
	return node_err(list, file, e, "'%s' has more than %zu items", key, limit);
}

/* A port would have no effect: the proxy opens 80 and 443. */
static int check_host(const struct node *host, const char *file, struct err *e)
{
	auto_free char *shown = NULL;

	if (host->text[0] && !strpbrk(host->text, "/:@?#"))
		return 0;
	shown = text_safe(host->text, LIMIT_NAME_BYTES);
	return node_err(host, file, e, "'%s' is not the name of a host, without a port", shown);
}

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *host;

	if (check_count(args, "hosts", LIMIT_FETCH_HOSTS, file, e) < 0 ||
		check_count(args, "reads", LIMIT_FETCH_READS, file, e) < 0)
		return -1;
	node_each (node_get(args, "hosts"), host)
		if (check_host(host, file, e) < 0)
			return -1;
	return actions_check_snippet(args, "run", file, e);
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	const struct node *host;

	(void)settings;
	node_each (node_get(entry->args, "hosts"), host)
		if (actions_reach_host(entry, host->text, ret_endpoints, e) < 0)
			return -1;
	return 0;
}

static void reads(const struct entry *entry, struct action_reads *ret)
{
	const struct node *path;

	node_each (node_get(entry->args, "reads"), path)
		strv_push(strncmp(path->text, "**/", 3) == 0 ? &ret->optional : &ret->files,
			path->text);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	actions_add_snippet(entry, "run", out);
	return 0;
}

const struct action action_fetch = {
	.name = "fetch",
	.summary = "Run a snippet that downloads dependencies, in a VM of its own, which has the "
		   "project's image, reaches certain hosts, and has no secrets.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
	.reads = reads,
	.lint = {.script = "run", .shebang = ACTIONS_SNIPPET_SHEBANG},
};
