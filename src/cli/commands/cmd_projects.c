/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "data/jsonl.h"
#include "data/yamlfile.h"
#include "run/planner.h"
#include "settings/construct.h"
#include "settings/image.h"

enum { NAME_COLUMN = 20 };

struct projects_settings {
	const char *projects;
	bool json;
	bool oneline;
	struct construct construct;
};

static const struct option options[] = {
	{.name = "projects",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct projects_settings, projects),
		.help = "show: use this projects file instead of the configured one"},
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct projects_settings, json),
		.help = "show: print JSON"},
	{.name = "oneline",
		.type = OPTION_FLAG,
		.offset = offsetof(struct projects_settings, oneline),
		.help = "show: print the names alone, as JSON on one line"},
	{.name = "name",
		.argument = "NAME",
		.type = OPTION_STRING,
		.offset = offsetof(struct projects_settings, construct.name),
		.help = "construct: the name of the project"},
	{.name = "partial",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct projects_settings, construct.partial),
		.help = "construct: the file with the plans, such as " PROJECT_SOURCE_PLAN},
	{.name = "source",
		.argument = "DIRECTORY",
		.type = OPTION_PATH,
		.offset = offsetof(struct projects_settings, construct.source),
		.help = "construct: the source directory"},
	{.name = "image",
		.argument = "IMAGE",
		.type = OPTION_PATH,
		.offset = offsetof(struct projects_settings, construct.image),
		.help = "construct: the image, a name in the image store or a path"},
	{.name = "allow-post-plan",
		.type = OPTION_FLAG,
		.offset = offsetof(struct projects_settings, construct.allow_post_plan),
		.help = "construct: take the post_plan, too; else it is left out"},
	{.name = "allow-hosts",
		.type = OPTION_FLAG,
		.offset = offsetof(struct projects_settings, construct.allow_hosts),
		.help = "construct: let actions of the pre_plan name hosts; else that is an error"},
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
	auto_free char *source = text_safe(project_source_name(p), LIMIT_ARG_BYTES);

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

		node_set_string(entry, "source", project_source_name(p));
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

/* {"projects":["a","b"]} */
static int show_names(const struct project_list *list, struct err *e)
{
	auto_node struct node *tree = node_map();
	struct node *names = node_set_list(tree, "projects");
	auto_buf struct buf line = {0};

	for (size_t i = 0; i < list->count; i++)
		node_add_string(names, list->items[i].name);
	buf_init(&line, JSONL_MOST_BYTES);
	jsonl_add(&line, tree);
	buf_addc(&line, '\n');
	return say_buf(&line, NULL, e);
}

static int show_list(const struct config *c, const struct project_list *list, struct err *e)
{
	for (size_t i = 0; i < list->count; i++)
		if (show_project(c, &list->items[i], e) < 0)
			return -1;
	return 0;
}

static int show(const struct call *call, const struct config *c, struct err *e)
{
	const struct projects_settings *s = call->settings;
	auto_project_list struct project_list list = {0};
	auto_node struct node *tree = NULL;

	if (load_projects(c, s->projects, &list, e) < 0)
		return -1;
	if (s->oneline)
		return show_names(&list, e);
	if (!s->json)
		return show_list(c, &list, e);
	tree = to_node(c, &list);
	return say_json(tree, NULL, e);
}

/* ---- making a projects file ---- */

static int check_parts(const struct construct *parts, struct err *e)
{
	if (parts->name && parts->partial && parts->source && parts->image)
		return 0;
	return err_set(e, ERR_INPUT,
		"'ambient projects construct' needs --name, --partial, --source and --image");
}

/* What is printed must be accepted when it is read. */
static int check_constructed(
	const struct config *c, struct node *root, const char *file, struct err *e)
{
	const struct run_context context = load_context(c);
	auto_project_list struct project_list list = {0};
	auto_planner struct planner planner = {
		.actions = context.actions, .action_env = context.action_env, .config = c};

	if (project_from_node(root, file, &list, e) < 0)
		return -1;
	planner.project = &list.items[0];
	return planner_open(&planner, e);
}

static int construct(const struct call *call, const struct config *c, struct err *e)
{
	const struct construct *parts =
		&((const struct projects_settings *)call->settings)->construct;
	auto_strv struct strv warnings = {0};
	auto_buf struct buf text = {0};
	struct node *root;

	if (check_parts(parts, e) < 0 || construct_projects(parts, c, &warnings, &root, e) < 0)
		return -1;
	buf_init(&text, 8 * LIMIT_NODE_BYTES);
	yamlfile_add(&text, root);
	say_warnings(&warnings);
	if (check_constructed(c, root, parts->partial, e) < 0)
		return -1;
	return say_buf(&text, NULL, e);
}

static const struct command_verb verbs[] = {
	{"show", "", 0, 0, show},
	{"construct", "", 0, 0, construct},
	{0},
};

static int run(const struct call *call)
{
	auto_config struct config c = {0};
	struct err e = {0};

	if (load_config(call, NULL, &c, &e) < 0 ||
		(call->operands.count ? command_run_verb(call, verbs, &c, &e)
				      : show(call, &c, &e)) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_projects = {
	.name = "projects",
	.summary = "List the configured projects, or make a projects file",
	.group = GROUP_SHOW,
	.operands = "[show | construct]",
	.max_operands = COMMAND_OPERANDS_MAX,
	.details = "  show         list the projects, one per line\n"
		   "  construct    print a projects file of one project, from the plans in a file "
		   "and\n"
		   "               the values of options. The file may be that of a source that is "
		   "not\n"
		   "               trusted: sizes in it are at most those of the configuration\n",
	.options = options,
	.settings_size = sizeof(struct projects_settings),
	.run = run,
};
