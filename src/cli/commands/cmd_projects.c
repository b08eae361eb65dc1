/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "settings/image.h"

enum { NAME_COLUMN = 20 };

struct projects_settings {
	const char *projects;
	bool json;
};

static const struct option options[] = {
	{.name = "projects",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct projects_settings, projects),
		.help = "use this projects file instead of the configured one"},
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct projects_settings, json),
		.help = "print JSON"},
	{0},
};

/* An image of the project, as it is in the image store, if it is usable and the one that its name says. */
static struct node *image_node(const struct config *c, const char *name, const char *path)
{
	auto_image struct image found = {0};
	struct node *n = node_map();
	struct err ignored = {0};

	node_set_string(n, "name", path ? path : name);
	if (image_open(c->image_store, name, path, &found, &ignored) < 0)
		return n;
	node_set_string(n, "digest", found.digest);
	if (*found.manifest)
		node_set_string(n, "manifest", found.manifest);
	return n;
}

/* "image tiny, digest 0123456789abcdef"; empty if the project names none. */
static char *show_image(
	const struct config *c, const char *what, const char *name, const char *path)
{
	auto_node struct node *image = name ? image_node(c, name, path) : NULL;
	const char *digest = node_get_text(image, "digest", NULL);
	auto_free char *shown = text_safe(node_get_text(image, "name", ""), LIMIT_ARG_BYTES);

	if (!image)
		return mem_strdup("");
	return mem_printf(
		"%s %s%s%.16s, ", what, shown, digest ? ", digest " : "", digest ? digest : "");
}

static int show_project(const struct config *c, const struct project *p, struct err *e)
{
	size_t actions = node_count(p->plans[PROJECT_PLAN]);
	size_t others =
		node_count(p->plans[PROJECT_PRE_PLAN]) + node_count(p->plans[PROJECT_POST_PLAN]);
	auto_free char *plan = p->plan_given
		? mem_printf("%zu action%s", actions, num_plural(actions))
		: mem_strdup("plan in the source");
	auto_free char *more =
		others ? mem_printf(" + %zu before and after", others) : mem_strdup("");
	auto_free char *image = show_image(c, "image", p->image, p->image_path);
	auto_free char *fetch = show_image(c, "fetch_image", p->fetch_image, p->fetch_image_path);
	auto_free char *source = text_safe(p->source, LIMIT_ARG_BYTES);

	return say_row(e, "%-*s  %s%s%s%s, source %s", NAME_COLUMN, p->name, image, fetch, plan,
		more, source);
}

static void add_image(struct node *entry, const struct config *c, const char *key, const char *name,
	const char *path)
{
	auto_node struct node *image = name ? image_node(c, name, path) : NULL;
	auto_free char *digest = mem_printf("%s_digest", key);
	auto_free char *manifest = mem_printf("%s_manifest", key);

	node_set_string(entry, key, node_get_text(image, "name", NULL));
	node_set_string(entry, digest, node_get_text(image, "digest", NULL));
	node_set_string(entry, manifest, node_get_text(image, "manifest", NULL));
}

static struct node *to_node(const struct config *c, const struct project_list *list)
{
	struct node *n = node_map();
	struct node *projects = node_set_map(n, "projects");

	for (size_t i = 0; i < list->count; i++) {
		const struct project *p = &list->items[i];
		struct node *entry = node_set_map(projects, p->name);

		node_set_string(entry, "source", p->source);
		add_image(entry, c, "image", p->image, p->image_path);
		add_image(entry, c, "fetch_image", p->fetch_image, p->fetch_image_path);
		for (int plan = 0; plan < PROJECT_PLANS; plan++)
			node_set_uint(entry, project_plan_keys[plan], node_count(p->plans[plan]));
		node_set_bool(entry, "plan_in_source", !p->plan_given);
	}
	node_set_uint(n, "project_count", list->count);
	node_hide_passwords(n);
	return n;
}

static int show(const struct config *c, const struct project_list *list, bool json, struct err *e)
{
	auto_node struct node *tree = json ? to_node(c, list) : NULL;

	if (json)
		return say_json(tree, NULL, e);
	for (size_t i = 0; i < list->count; i++)
		if (show_project(c, &list->items[i], e) < 0)
			return -1;
	return 0;
}

static int run(const struct call *call)
{
	const struct projects_settings *s = call->settings;
	auto_config struct config c = {0};
	auto_project_list struct project_list list = {0};
	struct err e = {0};

	if (load_config(call, NULL, &c, &e) < 0 || load_projects(&c, s->projects, &list, &e) < 0 ||
		show(&c, &list, s->json, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_projects = {
	.name = "projects",
	.summary = "List the configured projects",
	.group = GROUP_SHOW,
	.options = options,
	.settings_size = sizeof(struct projects_settings),
	.run = run,
};
