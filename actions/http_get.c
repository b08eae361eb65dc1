/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files from web servers. With a digest, neither the server nor the network can change what the
 * dependencies get.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"
#include "data/checksum.h"

static const struct param item_params[] = {
	{.name = "url",
		.type = PARAM_STRING,
		.required = true,
		.help = "the URL of the file, http:// or https://"},
	{.name = "filename",
		.type = PARAM_STRING,
		.required = true,
		.help = "the name for the file, below " GUEST_DEPS_HTTP},
	{.name = "checksum",
		.type = PARAM_STRING,
		.help = "the checksum of the file: sha256: and 64 hexadecimal digits; without it, "
			"the server decides what is fetched, and is asked in each run"},
	{0},
};

static const struct param params[] = {
	{.name = "items",
		.type = PARAM_MAPS,
		.sub = item_params,
		.required = true,
		.not_empty = true,
		.help = "the files to download, each with url and filename, and perhaps checksum"},
	{0},
};

static int refuse(const struct node *n, const char *what, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(n->text, LIMIT_NAME_BYTES);

	return node_err(n, file, e, "'%s' %s", shown, what);
}

static int check_url(const struct node *url, const char *file, struct err *e)
{
	if (actions_check_no_credentials(url, file, e) < 0)
		return -1;
	if (strncmp(url->text, "http://", 7) != 0 && strncmp(url->text, "https://", 8) != 0)
		return refuse(url, "is not a URL that starts with http:// or https://", file, e);
	return 0;
}

static int check_checksum(const struct node *sum, const char *file, struct err *e)
{
	struct checksum c;

	if (sum && (!checksum_parse(sum->text, &c) || c.algorithm != DIGEST_SHA256))
		return refuse(sum, "is not 'sha256:' and 64 hexadecimal digits", file, e);
	return 0;
}

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *item;

	node_each (node_get(args, "items"), item) {
		if (check_url(node_get(item, "url"), file, e) < 0 ||
			actions_check_component(node_get(item, "filename"), file, e) < 0 ||
			check_checksum(node_get(item, "checksum"), file, e) < 0)
			return -1;
	}
	return 0;
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	const struct node *item;

	(void)settings;
	node_each (node_get(entry->args, "items"), item)
		if (actions_reach_url(entry, node_get_text(item, "url", ""), ret_endpoints, e) < 0)
			return -1;
	return 0;
}

static bool is_pinned(const struct entry *entry)
{
	const struct node *item;

	node_each (node_get(entry->args, "items"), item)
		if (!node_get(item, "checksum"))
			return false;
	return true;
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	action_net_add(entry, false, out);
	return 0;
}

const struct action action_http_get = {
	.name = "http_get",
	.summary = "Download files into the dependencies, and verify the checksums that are given.",
	.where = IN_PRE,
	.determined = true,
	.is_pinned = is_pinned,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
	.lint = {.list = "items", .file = "filename"},
};
