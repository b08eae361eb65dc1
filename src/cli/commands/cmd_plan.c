/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "contract/ecosystem.h"
#include "data/yamlfile.h"
#include "run/machine.h"
#include "run/planner.h"
#include "settings/image.h"
#include "settings/names.h"
#include "source/lint.h"
#include "source/source.h"

struct plan_settings {
	const char *projects;
	const char *rsync_target;
	const char *dput_target;
	bool yaml;
	bool runnable;
};

static const char *const rsync_aliases[] = {"rsync", "target", NULL};
static const char *const dput_aliases[] = {"dput", NULL};

static const struct option options[] = {
	{.name = "projects",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct plan_settings, projects),
		.help = "use this projects file instead of the configured one"},
	{.name = "runnable",
		.type = OPTION_FLAG,
		.offset = offsetof(struct plan_settings, runnable),
		.help = "show the plans for the executor in each VM instead of the user's actions"},
	{.name = "yaml",
		.type = OPTION_FLAG,
		.offset = offsetof(struct plan_settings, yaml),
		.help = "print YAML instead of JSON"},
	{.name = "rsync-target",
		.aliases = rsync_aliases,
		.argument = "TARGET",
		.type = OPTION_STRING,
		.offset = offsetof(struct plan_settings, rsync_target),
		.help = "the target of the rsync actions"},
	{.name = "dput-target",
		.aliases = dput_aliases,
		.argument = "TARGET",
		.type = OPTION_STRING,
		.offset = offsetof(struct plan_settings, dput_target),
		.help = "the target of the dput actions"},
	{0},
};

/* An action with all its defaults, in the form that users write. */
static void add_action(struct node *list, const struct entry *entry)
{
	auto_node struct node *full = schema_fill(entry->action->params, entry->args);
	struct node *shown = node_add_map(list);
	const struct node *item;

	node_set_string(shown, "action", entry->action->name);
	node_each (full, item) {
		if (item->kind != NODE_NULL)
			node_set(shown, item->key, node_copy(item));
	}
	if (entry->timeout_ms)
		node_set(shown, "timeout", node_copy(node_get(entry->node, "timeout")));
}

static void add_actions(struct node *tree, const struct planner *p, enum project_plan plan)
{
	struct node *list = node_set_list(tree, project_plan_keys[plan]);

	for (size_t i = 0; i < p->lists[plan].count; i++)
		add_action(list, &p->lists[plan].items[i]);
}

/* The actions of a machine, in their order: "pre_plan action 2 (http_get)". */
static void add_machine(struct node *machines, const struct planner *p, enum run_machine machine)
{
	struct node *list = node_set_list(machines, planner_machine_name(machine));
	const struct entry *entry;
	size_t at = 0;

	while ((entry = planner_next(p, machine, &at))) {
		auto_free char *text =
			mem_printf("%s action %zu (%s)", plan_source_name(entry->origin.source),
				entry->origin.index + 1, entry->action->name);

		node_add_string(list, text);
	}
}

/* These are shown only if there are actions for them. */
static bool is_shown(const struct planner *p, enum run_machine machine)
{
	bool is_rare = machine == RUN_FETCH || machine == RUN_MIRROR;

	return !is_rare || planner_count(p, machine) > 0;
}

/* Elsewhere the machines are as the lists. */
static void add_machines(struct node *tree, const struct planner *p)
{
	struct node *machines;

	if (!is_shown(p, RUN_FETCH) && !is_shown(p, RUN_MIRROR))
		return;
	machines = node_set_map(tree, "machines");
	for (enum run_machine machine = 0; machine < RUN_MACHINES; machine++)
		if (planner_count(p, machine) > 0)
			add_machine(machines, p, machine);
}

static void add_used(struct node *used, const struct planner *p, enum run_machine machine)
{
	const struct node *known = node_get(p->settings, REGISTRIES_KEY);
	const struct entry *entry;
	size_t at = 0;

	while ((entry = planner_next(p, machine, &at))) {
		const struct ecosystem *ecosystem = entry->action->ecosystem;

		if (ecosystem)
			node_set(
				used, ecosystem->name, node_copy(node_get(known, ecosystem->name)));
	}
}

/* The registries from which the actions download, and where each address comes from. */
static void add_registries(struct node *tree, const struct planner *p)
{
	static const enum run_machine machines[] = {RUN_PRE_PLAN, RUN_FETCH};
	auto_node struct node *used = node_map();

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		add_used(used, p, machines[i]);
	if (used->count)
		node_set(tree, REGISTRIES_KEY, steal_ptr(&used));
}

/* A list without actions needs no VM and so has no runnable plan. */
static int add_runnable(
	struct node *tree, struct planner *p, enum run_machine machine, struct err *e)
{
	auto_plan struct plan plan = {0};

	if (machine != RUN_PLAN && planner_count(p, machine) == 0) {
		node_set(tree, planner_machine_name(machine), node_null());
		return 0;
	}
	if (planner_build(p, machine, &plan, e) < 0)
		return -1;
	node_set(tree, planner_machine_name(machine), plan_to_node(&plan));
	return 0;
}

/*
 * The hosts that each VM with a network may reach. A missing target prevents a run, but here it is
 * only a warning.
 */
static int list_egress(struct planner *p, struct node *all, struct err *e)
{
	for (enum run_machine machine = 0; machine < RUN_MACHINES; machine++) {
		auto_egress struct egress g = {0};
		struct err why = {0};

		if (planner_egress(p, machine, &g, &why) == 0) {
			if (g.count)
				node_set(all, planner_machine_name(machine), egress_to_node(&g));
		} else if (strcmp(why.reason, ERR_REASON_NO_TARGET) == 0) {
			say_warning(why.msg);
		} else {
			*e = why;
			return -1;
		}
	}
	return 0;
}

static int show_actions(struct planner *p, struct node *tree, struct err *e)
{
	auto_node struct node *egress = node_map();

	if (list_egress(p, egress, e) < 0)
		return -1;
	for (enum project_plan plan = 0; plan < PROJECT_PLANS; plan++)
		add_actions(tree, p, plan);
	add_machines(tree, p);
	add_registries(tree, p);
	if (egress->count)
		node_set(tree, "egress", steal_ptr(&egress));
	return 0;
}

static int show_steps(struct planner *p, struct node *tree, struct err *e)
{
	auto_node struct node *egress =
		node_map(); /* not shown, but hosts that no run may reach are errors */

	if (list_egress(p, egress, e) < 0)
		return -1;
	for (enum run_machine machine = 0; machine < RUN_MACHINES; machine++)
		if (is_shown(p, machine) && add_runnable(tree, p, machine, e) < 0)
			return -1;
	return 0;
}

static int print_yaml(const struct node *tree, struct err *e)
{
	auto_buf struct buf text = {0};

	buf_init(&text, 8 * LIMIT_NODE_BYTES);
	yamlfile_add(&text, tree);
	return say_buf(&text, NULL, e);
}

/* Check which secrets each list may use. No secret is read. */
static int check_secrets(struct planner *p, struct secrets *secrets, struct err *e)
{
	for (enum run_machine machine = 0; machine < RUN_MACHINES; machine++)
		if (planner_secrets(p, machine, secrets, e) < 0)
			return -1;
	return 0;
}

/*
 * A plan can be shown on a host that does not have the image. With another image than the one that
 * its name pins, no run starts.
 */
static int check_pin(const struct config *c, const char *image, const char *path, struct err *e)
{
	auto_image struct image found = {0};
	struct err why = {0};

	if (!image || image_open(c->image_store, image, path, &found, &why) == 0 ||
		strcmp(why.reason, "image_pin") != 0)
		return 0;
	*e = why;
	return -1;
}

static int check_pins(const struct config *c, const struct project *p, struct err *e)
{
	if (check_pin(c, p->image, p->image_path, e) < 0)
		return -1;
	return check_pin(c, p->fetch_image, p->fetch_image_path, e);
}

/* Check the plans: problems are errors, the rest are warnings on standard error. */
static int check(struct planner *p, struct secrets *secrets, struct err *e)
{
	const struct lint lint = {.config = p->config,
		.project = p->project,
		.lists = p->lists,
		.with_post_plan = true};
	auto_strv struct strv warnings = {0};

	if (planner_open(p, e) < 0 || check_pins(p->config, p->project, e) < 0 ||
		machine_check_memory(p->config, p->project, e) < 0 || lint_check(&lint, e) < 0 ||
		lint_warn(&lint, NULL, &warnings, e) < 0 || check_secrets(p, secrets, e) < 0)
		return -1;
	say_warnings(&warnings);
	return 0;
}

/* By the digest an image can be pinned. One that is not there is none here. */
static void add_image(struct node *tree, const struct image *image)
{
	struct node *shown;

	if (!image->name)
		return;
	shown = node_set_map(tree, "image");
	node_set_string(shown, "name", image->name);
	node_set_string(shown, "digest", image->digest);
	if (*image->manifest)
		node_set_string(shown, "manifest", image->manifest);
}

/* The projects file has all that is shown, whatever the server has. */
static bool is_enough(const struct project *p)
{
	return p->plan_given && project_is_unfetched(p);
}

static int show(const struct plan_settings *s, const struct config *c, struct project *project,
	struct err *e)
{
	const struct run_context context = load_context(c);
	auto_secrets struct secrets secrets = {0};
	auto_planner struct planner planner = {
		.actions = context.actions,
		.action_env = context.action_env,
		.config = c,
		.project = project,
		.keep_cache = true,
		.secrets = &secrets,
	};
	auto_strv struct strv warnings = {0};
	auto_node struct node *tree = node_map();
	auto_image struct image image = {0};
	struct err ignored = {0};

	/* A plan can be looked at without its image. */
	err_ignore(
		image_open(c->image_store, project->image, project->image_path, &image, &ignored));
	planner.defaults = &image.defaults;
	if (!is_enough(project) && source_check(c, project, e) < 0)
		return -1;
	if (project_adopt_source_plan(project, &warnings, e) < 0)
		return -1;
	say_warnings(&warnings);
	if (check(&planner, &secrets, e) < 0 ||
		(s->runnable ? show_steps(&planner, tree, e) : show_actions(&planner, tree, e)) < 0)
		return -1;
	if (!s->runnable)
		add_image(tree, &image);
	node_hide_passwords(tree);
	return s->yaml ? print_yaml(tree, e) : say_json(tree, NULL, e);
}

static int run(const struct call *call)
{
	const struct plan_settings *s = call->settings;
	auto_config struct config c = {0};
	auto_project_list struct project_list list = {0};
	struct project *project;
	struct err e = {0};

	const struct config_options targets = {
		.rsync_target = s->rsync_target, .dput_target = s->dput_target};

	if (load_config(call, &targets, &c, &e) < 0 ||
		load_projects(&c, s->projects, &list, &e) < 0 || names_check_files(&c, &e) < 0 ||
		project_find(&list, call->operands.items[0], &project, &e) < 0)
		return say_failure(&e);
	if (show(s, &c, project, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_plan = {
	.name = "plan",
	.summary = "Check the plans of a project, and show them with all defaults",
	.group = GROUP_SHOW,
	.operands = "PROJECT",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.settings_size = sizeof(struct plan_settings),
	.run = run,
};
