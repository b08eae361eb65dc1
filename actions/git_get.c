/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit of another repository. The full hash of the commit covers all its contents, so neither
 * the server nor the network can change what the dependencies get.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

static const struct param params[] = {
	{.name = "url",
		.type = PARAM_STRING,
		.required = true,
		.help = "the URL of the repository, " ACTIONS_GIT_URL},
	{.name = "commit",
		.type = PARAM_STRING,
		.required = true,
		.help = "the full hash of the commit, 40 or 64 hexadecimal digits"},
	{.name = "name",
		.type = PARAM_STRING,
		.required = true,
		.help = "the directory for the files, below " GUEST_DEPS},
	{0},
};

static int check_commit(const struct node *commit, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(commit->text, LIMIT_NAME_BYTES);
	size_t len = strlen(commit->text);

	if ((len != 40 && len != 64) || strspn(commit->text, "0123456789abcdefABCDEF") != len)
		return node_err(commit, file, e,
			"'%s' is not the whole name of a commit, 40 or 64 hexadecimal digits: "
			"branches, "
			"tags and shortened names may lead elsewhere tomorrow",
			shown);
	return 0;
}

static int check(const struct node *args, const char *file, struct err *e)
{
	if (actions_check_git_url(node_get(args, "url"), file, e) < 0 ||
		check_commit(node_get(args, "commit"), file, e) < 0)
		return -1;
	return actions_check_component(node_get(args, "name"), file, e);
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	(void)settings;
	return actions_reach_git(entry, node_get_text(entry->args, "url", ""), ret_endpoints, e);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	action_net_add(entry, actions_git_logs_in(node_get_text(entry->args, "url", "")), out);
	return 0;
}

const struct action action_git_get = {
	.name = "git_get",
	.summary = "Fetch a commit of another repository into the dependencies. No code of "
		   "the repository runs.",
	.where = IN_PRE,
	.logs_in = true,
	.determined = true,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
	.lint = {.file = "name"},
};
