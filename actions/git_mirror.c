/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The repository that is the source of a project, `source: {git: URL, ref: NAME}`: no action of a
 * list, but what becomes of these keys, so that their checks, hosts, secrets and limits are those of
 * any other action.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

static const struct param params[] = {
	{.name = "git",
		.type = PARAM_STRING,
		.required = true,
		.help = "the URL of the repository, " ACTIONS_GIT_URL},
	{.name = "ref",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "a branch or a tag, `refs/...`, or the full hash of a commit; default: the "
			"server's default branch"},
	{0},
};

/* git-check-ref-format(1), in what could be understood otherwise on the way to the server. */
static int check_ref(const struct node *ref, const char *file, struct err *e)
{
	auto_free char *shown = NULL;
	const char *text = ref ? ref->text : "main";
	bool plain = text[0] != '-' && text[0] != '/' && strlen(text) <= LIMIT_NAME_BYTES &&
		!strstr(text, "..") && !strstr(text, "@{");

	for (; *text; text++)
		plain = plain && *text > ' ' && *text != 0x7f && !strchr("~^:?*[\\", *text);
	if (plain)
		return 0;
	shown = text_safe(ref->text, LIMIT_NAME_BYTES);
	return node_err(ref, file, e,
		"'%s' is not the name of a branch or tag, nor 'refs/...', nor the hash of a commit",
		shown);
}

static int check(const struct node *args, const char *file, struct err *e)
{
	if (actions_check_git_url(node_get(args, "git"), file, e) < 0)
		return -1;
	return check_ref(node_get(args, "ref"), file, e);
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	(void)settings;
	return actions_reach_git(entry, node_get_text(entry->args, "git", ""), ret_endpoints, e);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	action_net_add_in(entry, GUEST_MIRROR,
		actions_git_logs_in(node_get_text(entry->args, "git", "")), out);
	return 0;
}

const struct action action_git_mirror = {
	.name = "git_mirror",
	.summary = "Fetch the repository that is the source of a project into its mirror. No code "
		   "of the repository runs.",
	.where = IN_MIRROR,
	.logs_in = true,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
};
