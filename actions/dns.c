/* SPDX-License-Identifier: Apache-2.0 */
/* Can a host be reached by its name? The proxy looks the name up, and connects. */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

static const struct param params[] = {
	{.name = "domain",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the name of the host, and after a colon its port or not; default: 80"},
	{0},
};

static int check(const struct node *args, const char *file, struct err *e)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:";
	const struct node *domain = node_get(args, "domain");
	auto_free char *shown = text_safe(domain->text, LIMIT_NAME_BYTES);

	if (strlen(domain->text) <= LIMIT_NAME_BYTES &&
		strspn(domain->text, allowed) == strlen(domain->text))
		return 0;
	return node_err(domain, file, e, "'%s' is neither HOST nor HOST:PORT", shown);
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	auto_free char *url = mem_printf("http://%s/", node_get_text(entry->args, "domain", ""));

	(void)settings;
	return actions_reach_url(entry, url, ret_endpoints, e);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	action_net_add(entry, false, out);
	return 0;
}

const struct action action_dns = {
	.name = "dns",
	.summary = "Look up the name of a host, and connect to it.",
	.where = IN_PRE | IN_POST,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
};
