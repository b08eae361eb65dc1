/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dependencies by a program of others: a package manager that no action of ours knows. It runs what
 * the source and its servers say, so it is given neither secrets nor more of the source than it
 * needs.
 */
#include <ctype.h>
#include <string.h>

#include "actions/limits.h"
#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"
#include "contract/ecosystem.h"

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
		.help = "the hosts that it may reach, by http and https; variables like "
			"`https_proxy` lead clients to them. These, or `registries`, are needed"},
	{.name = "registries",
		.type = PARAM_STRINGS,
		.help = "ecosystems whose registries it may reach, with the addresses of the "
			"configuration: `npm`, for example, whose address is in "
			"`AMBIENT_REGISTRY_NPM`"},
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

static const struct ecosystem *find_ecosystem(const char *name)
{
	for (const struct ecosystem *const *eco = actions_ecosystems; *eco; eco++)
		if (strcmp((*eco)->name, name) == 0)
			return *eco;
	return NULL;
}

static int check_registries(const struct node *args, const char *file, struct err *e)
{
	const struct node *name;

	node_each (node_get(args, "registries"), name) {
		auto_free char *shown = text_safe(name->text, LIMIT_NAME_BYTES);
		auto_buf struct buf names = {0};

		if (find_ecosystem(name->text))
			continue;
		buf_init(&names, LIMIT_NODE_BYTES);
		for (const struct ecosystem *const *eco = actions_ecosystems; *eco; eco++)
			buf_addf(&names, "%s%s", names.len ? ", " : "", (*eco)->name);
		return node_err(name, file, e, "there is no registry '%s'; there are %s", shown,
			names.data);
	}
	return 0;
}

/* It would reach nothing. */
static int check_servers(const struct node *args, const char *file, struct err *e)
{
	if (node_count(node_get(args, "hosts")) || node_count(node_get(args, "registries")))
		return 0;
	return node_err(args, file, e,
		"'hosts' or 'registries' is needed: the servers that the snippet may reach");
}

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *host;

	if (check_count(args, "hosts", LIMIT_FETCH_HOSTS, file, e) < 0 ||
		check_count(args, "registries", LIMIT_FETCH_HOSTS, file, e) < 0 ||
		check_count(args, "reads", LIMIT_FETCH_READS, file, e) < 0 ||
		check_servers(args, file, e) < 0 || check_registries(args, file, e) < 0)
		return -1;
	node_each (node_get(args, "hosts"), host)
		if (check_host(host, file, e) < 0)
			return -1;
	return actions_check_snippet(args, "run", file, e);
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	const struct node *item;

	node_each (node_get(entry->args, "hosts"), item)
		if (actions_reach_host(entry, item->text, ret_endpoints, e) < 0)
			return -1;
	node_each (node_get(entry->args, "registries"), item) {
		const struct ecosystem *eco = find_ecosystem(item->text);

		if (eco && actions_reach_registry_of(eco, entry, settings, ret_endpoints, e) < 0)
			return -1;
	}
	return 0;
}

static void reads(const struct entry *entry, struct action_reads *ret)
{
	const struct node *path;

	node_each (node_get(entry->args, "reads"), path)
		strv_push(strncmp(path->text, "**/", 3) == 0 ? &ret->optional : &ret->files,
			path->text);
}

/* "AMBIENT_REGISTRY_NPM" */
static int set_address(const struct ecosystem *eco, const struct entry *entry,
	const struct node *settings, struct node *step, struct err *e)
{
	auto_free char *name = mem_printf("AMBIENT_REGISTRY_%s", eco->name);
	const char *address;

	if (actions_registry_of(eco, entry, settings, &address, e) < 0)
		return -1;
	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	actions_set_variable(step, name, ecosystem_url(address));
	return 0;
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	const struct node *name;
	struct node *step;

	actions_add_snippet(entry, "run", out);
	step = out->steps[out->count - 1].args;
	node_each (node_get(entry->args, "registries"), name) {
		const struct ecosystem *eco = find_ecosystem(name->text);

		if (eco && set_address(eco, entry, settings, step, e) < 0)
			return -1;
	}
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
