/* SPDX-License-Identifier: Apache-2.0 */
/* A name and an address, without which git makes no commit. */
#include "actions/table.h"

static const struct param params[] = {{0}};

static void add_setting(
	const struct entry *entry, const char *key, const char *value, struct plan *out)
{
	const char *const argv[] = {"git", "config", "--global", key, value, NULL};

	(void)actions_add_program(entry, argv, out);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	add_setting(entry, "user.name", "Ambient CI", out);
	add_setting(entry, "user.email", "ambient@example.com", out);
	return 0;
}

const struct action action_git_config = {
	.name = "git_config",
	.summary = "Set a name and an e-mail address for commits that git makes.",
	.where = IN_PLAN,
	.params = params,
	.expand = expand,
};
