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

/* What is in the image store; false: no usable image, or another one than the name says. */
static bool find_image(const struct config *c, const struct project *p, struct image *ret)
{
	struct err ignored = {0};

	return image_open(c->image_store, p->image, p->image_path, ret, &ignored) == 0;
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
	auto_free char *image = text_safe(p->image, LIMIT_ARG_BYTES);
	auto_free char *source = text_safe(p->source, LIMIT_ARG_BYTES);
	auto_image struct image found = {0};
	auto_free char *digest = find_image(c, p, &found)
		? mem_printf(", digest %.16s", found.digest)
		: mem_strdup("");

	return say_row(e, "%-*s  image %s%s, %s%s, source %s", NAME_COLUMN, p->name, image, digest,
		plan, more, source);
}

static void add_image(struct node *entry, const struct config *c, const struct project *p)
{
	auto_image struct image found = {0};
	bool is_there = find_image(c, p, &found);

	node_set_string(entry, "image", p->image_path ? p->image_path : p->image);
	node_set_string(entry, "image_digest", is_there ? found.digest : NULL);
	node_set_string(
		entry, "image_manifest", is_there && *found.manifest ? found.manifest : NULL);
}

static struct node *to_node(const struct config *c, const struct project_list *list)
{
	struct node *n = node_map();
	struct node *projects = node_set_map(n, "projects");

	for (size_t i = 0; i < list->count; i++) {
		const struct project *p = &list->items[i];
		struct node *entry = node_set_map(projects, p->name);

		node_set_string(entry, "source", p->source);
		add_image(entry, c, p);
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
