/* SPDX-License-Identifier: Apache-2.0 */
#include "run/planner.h"

#include <string.h>

#include "base/limits.h"
#include "contract/ecosystem.h"

/* What each VM unpacks before its actions and packs after them. */
enum {
	INPUTS_MAX = 4,
	OUTPUTS_MAX = 2,
	PLAN_STEPS_BEFORE_OUTPUTS = LIMIT_PLAN_STEPS - OUTPUTS_MAX
};

struct transfer {
	const char *serial, *directory;
	const char *names; /* of STEP_UNPACK and STEP_PACK (contract.h); NULL: none */
	bool always;       /* even if an action failed */
	bool cache_only;   /* only if the cache is kept */
};

/*
 * Data flows in one direction: what a machine wrote that ran programs of others is given to no trusted
 * machine, except as artifacts, which the host has unpacked and packed again.
 */
static const struct {
	enum plan_source source;
	enum project_plan list; /* of RUN_MIRROR, none */
	bool trusted;
	struct transfer inputs[INPUTS_MAX + 1], outputs[OUTPUTS_MAX + 1];
} machines[RUN_MACHINES] = {
	[RUN_MIRROR] = {.source = SOURCE_MIRROR,
		.trusted = true,
		.inputs = {{.serial = DRIVE_MIRROR, .directory = GUEST_MIRROR}},
		.outputs = {{.serial = DRIVE_MIRROR_OUT, .directory = GUEST_MIRROR}}},
	[RUN_PRE_PLAN] = {.source = SOURCE_PRE_PLAN,
		.list = PROJECT_PRE_PLAN,
		.trusted = true,
		.inputs = {{.serial = DRIVE_SRC, .directory = GUEST_SRC},
			{.serial = DRIVE_DEPS, .directory = GUEST_DEPS}},
		.outputs = {{.serial = DRIVE_DEPS_OUT, .directory = GUEST_DEPS}}},
	[RUN_FETCH] = {.source = SOURCE_FETCH,
		.list = PROJECT_PRE_PLAN,
		.inputs = {{.serial = DRIVE_SRC, .directory = GUEST_SRC},
			{.serial = DRIVE_DEPS,
				.directory = GUEST_DEPS,
				.names = GUEST_TRUSTED_NAMES},
			{.serial = DRIVE_FETCHED, .directory = GUEST_DEPS}},
		.outputs = {{.serial = DRIVE_FETCHED_OUT,
			.directory = GUEST_DEPS,
			.names = GUEST_TRUSTED_NAMES}}},
	[RUN_PLAN] = {.source = SOURCE_PLAN,
		.list = PROJECT_PLAN,
		.inputs = {{.serial = DRIVE_SRC, .directory = GUEST_SRC},
			{.serial = DRIVE_DEPS, .directory = GUEST_DEPS},
			{.serial = DRIVE_FETCHED, .directory = GUEST_DEPS},
			{.serial = DRIVE_CACHE, .directory = GUEST_CACHE}},
		.outputs = {{.serial = DRIVE_ARTIFACTS,
				    .directory = GUEST_ARTIFACTS,
				    .always = true},
			{.serial = DRIVE_CACHE_OUT, .directory = GUEST_CACHE, .cache_only = true}}},
	[RUN_POST_PLAN] = {.source = SOURCE_POST_PLAN,
		.list = PROJECT_POST_PLAN,
		.trusted = true,
		.inputs = {{.serial = DRIVE_SRC, .directory = GUEST_SRC},
			{.serial = DRIVE_ARTIFACTS, .directory = GUEST_ARTIFACTS}}},
};

static const struct transfer secrets_input[] = {
	{.serial = DRIVE_SECRETS, .directory = GUEST_SECRETS}, {0}};

const char *planner_machine_name(enum run_machine machine)
{
	return plan_source_name(machines[machine].source);
}

bool planner_is_trusted(enum run_machine machine)
{
	return machines[machine].trusted;
}

/* A list of which two machines have actions is divided between them. */
static bool belongs(const struct entry *entry, enum run_machine machine)
{
	return entry->action->fetches == (machine == RUN_FETCH);
}

static struct entry *next_of(const struct entry_list *list, enum run_machine machine, size_t *at)
{
	while (*at < list->count) {
		struct entry *entry = &list->items[(*at)++];

		if (belongs(entry, machine))
			return entry;
	}
	return NULL;
}

static const struct entry_list *list_of(const struct planner *p, enum run_machine machine)
{
	return machine == RUN_MIRROR ? &p->mirror : &p->lists[machines[machine].list];
}

struct entry *planner_next(const struct planner *p, enum run_machine machine, size_t *at)
{
	return next_of(list_of(p, machine), machine, at);
}

size_t planner_count(const struct planner *p, enum run_machine machine)
{
	size_t at = 0, n = 0;

	while (planner_next(p, machine, &at))
		n++;
	return n;
}

size_t planner_list_length(const struct planner *p, enum run_machine machine)
{
	return list_of(p, machine)->count;
}

static void add_transfers(const struct planner *p, const struct transfer *list, const char *action,
	enum plan_source source, struct plan *plan)
{
	for (size_t i = 0; list[i].serial; i++) {
		auto_free char *word = mem_strdup(action);
		struct origin origin = {.source = source, .index = i, .action = word};
		struct node *args;

		if (list[i].cache_only && !p->keep_cache)
			continue;
		args = node_map();
		node_set_string(args, "archive", list[i].serial);
		node_set_string(args, "directory", list[i].directory);
		if (list[i].names)
			node_set_string(args, "names", list[i].names);
		plan_add(plan, action, args, &origin)->always = list[i].always;
	}
}

const char *planner_stored_input(const struct plan *plan, size_t step)
{
	static const char *const stored[] = {DRIVE_CACHE, DRIVE_DEPS, DRIVE_FETCHED};
	const char *serial = node_get_text(plan->steps[step].args, "archive", "");

	for (size_t i = 0; !plan_is_of_user(plan, step) && i < ARRAY_SIZE(stored); i++)
		if (strcmp(serial, stored[i]) == 0)
			return stored[i];
	return NULL;
}

static int64_t time_limit(const struct planner *p)
{
	if (p->project && p->project->timeout_ms)
		return p->project->timeout_ms;
	return p->config->timeout_ms;
}

static int64_t action_time_limit(const struct planner *p)
{
	if (p->project && p->project->action_timeout_ms)
		return p->project->action_timeout_ms;
	return p->config->action_timeout_ms;
}

/* Add arguments that an action lacks and the project sets (param.inherit). */
static void inherit(const struct project *project, struct entry *entry)
{
	for (const struct param *row = entry->action->params; row->name; row++) {
		const char *text =
			row->inherit ? node_get_text(project->node, row->name, NULL) : NULL;

		if (text && !node_get_text(entry->args, row->name, NULL))
			node_set_string(entry->args, row->name, text);
	}
}

static int expand(
	const struct planner *p, const struct entry *entry, struct plan *plan, struct err *e)
{
	size_t first = plan->count;

	if (entry_expand(entry, p->settings, plan, e) < 0)
		return -1;
	for (size_t i = first; i < plan->count; i++)
		plan->steps[i].timeout_ms =
			entry->timeout_ms ? entry->timeout_ms : action_time_limit(p);
	if (plan->count > PLAN_STEPS_BEFORE_OUTPUTS)
		return node_err(entry->node, entry->file, e, "more than %d steps in a plan",
			LIMIT_PLAN_STEPS);
	return 0;
}

/* A later entry replaces an earlier one of the same name. */
static void put_env(struct strv *env, const char *entry)
{
	const char *equals = strchr(entry, '=');
	auto_free char *name = mem_strndup(entry, (size_t)(equals - entry));

	strv_setenv(env, name, equals + 1);
}

static bool image_decides(const struct planner *p, const char *name)
{
	for (const struct action_variable *v = p->action_env; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v->image_decides;
	return true;
}

/* Where the cache is, for example, is not the image's business. */
static void add_defaults(const struct planner *p, struct plan *plan)
{
	strv_each (&p->defaults->env, entry) {
		auto_free char *name = mem_strndup(*entry, strcspn(*entry, "="));

		if (image_decides(p, name))
			put_env(&plan->env, *entry);
	}
	if (p->defaults->directory)
		strv_setenv(&plan->env, GUEST_IMAGE_DIRECTORY, p->defaults->directory);
	if (p->defaults->user)
		plan->user = mem_strdup(p->defaults->user);
}

static bool has_variable(
	const struct planner *p, enum run_machine machine, const struct action_variable *v)
{
	if (v->authorities && !p->config->authorities.count)
		return false;
	return !v->fetch_only || machine == RUN_FETCH;
}

static const char *value_of(
	const struct planner *p, const struct ecosystem *ecosystem, const struct action_variable *v)
{
	const struct node *registry;

	if (!v->of_registry || !ecosystem)
		return v->value;
	registry = node_get(node_get(p->settings, REGISTRIES_KEY), ecosystem->name);
	return node_get_text(registry, REGISTRY_ADDRESS, ecosystem->address);
}

/* Of an action with this ecosystem; NULL: with none. */
static void add_variable(const struct planner *p, enum run_machine machine,
	const struct ecosystem *ecosystem, const struct action_variable *v, struct plan *plan)
{
	if (has_variable(p, machine, v))
		strv_setenv(&plan->env, v->name, value_of(p, ecosystem, v));
}

/* Of all ecosystems, because snippets use clients, too. */
static void add_always(const struct planner *p, enum run_machine machine, struct plan *plan)
{
	for (const struct action *const *a = p->actions; *a; a++) {
		const struct ecosystem *eco = (*a)->ecosystem;

		for (const struct action_variable *v = eco ? eco->always : NULL; v && v->name; v++)
			add_variable(p, machine, eco, v, plan);
	}
}

/*
 * What the fetching actions of the pre_plan have left is found by these: in the plan by all, which keep
 * clients from a network, in the machine that fetches by some.
 */
static void add_given(const struct planner *p, enum run_machine machine, struct plan *plan)
{
	const struct entry_list *list = &p->lists[PROJECT_PRE_PLAN];

	for (size_t i = 0; i < list->count; i++) {
		const struct action *action = list->items[i].action;

		for (const struct action_variable *v = action->gives; v && v->name; v++)
			if (machine == RUN_PLAN || v->fetch_too)
				add_variable(p, machine, action->ecosystem, v, plan);
	}
}

/*
 * Variables of the image, of the project and of --env are for others' programs. There is none in a
 * trusted VM, where the variables could only manipulate the operator's programs.
 */
static void add_environment(const struct planner *p, enum run_machine machine, struct plan *plan)
{
	const struct node *item;

	for (const struct action_variable *v = p->action_env; v->name; v++)
		add_variable(p, machine, NULL, v, plan);
	if (planner_is_trusted(machine))
		return;
	add_always(p, machine, plan);
	add_given(p, machine, plan);
	if (p->defaults)
		add_defaults(p, plan);
	if (p->project)
		node_each (p->project->env, item)
			strv_setenv(&plan->env, item->key, node_text(item));
	if (p->env)
		strv_each (p->env, entry)
			put_env(&plan->env, *entry);
}

/* The default target is BASE/PROJECT. */
static void set_target(const struct planner *p, struct node *settings, const char *key)
{
	auto_free char *base_key = mem_printf("%s_base", key);
	const char *base = node_get_text(settings, base_key, NULL);
	auto_free char *below = NULL;

	if (!base || node_get(settings, key))
		return;
	below = mem_printf("%s/%s", base, p->project->name);
	node_set_string(settings, key, below);
}

/* With a base it is the last part, else a whole target. */
static void set_mapped(const struct planner *p, struct node *settings)
{
	const char *mapped = node_get_text(p->config->rsync_target_map, p->project->name, NULL);
	const char *base = p->config->rsync_target_base;
	auto_free char *target = mapped && base ? mem_printf("%s/%s", base, mapped) : NULL;

	if (mapped)
		node_set_string(settings, "rsync_target", target ? target : mapped);
}

/* The configuration with the targets of this project, which depend on its name. */
static struct node *settings_of(const struct planner *p)
{
	struct node *settings = node_copy(p->config->effective);

	set_mapped(p, settings);
	if (p->config->registries)
		node_set(settings, REGISTRIES_KEY, node_copy(p->config->registries));
	set_target(p, settings, "rsync_target");
	set_target(p, settings, "sftp_target");
	return settings;
}

/* Fill *plan, which is empty. The caller releases it, also after an error. */
static int make(const struct planner *p, const struct entry_list *list, enum run_machine machine,
	struct plan *plan, struct err *e)
{
	const struct entry *entry;
	size_t at = 0;

	plan->source = machines[machine].source;
	plan->timeout_ms = time_limit(p);
	add_environment(p, machine, plan);
	add_transfers(p, machines[machine].inputs, STEP_UNPACK, SOURCE_PRELUDE, plan);
	if (p->secrets && secrets_in_phase(p->secrets, plan->source))
		add_transfers(p, secrets_input, STEP_UNPACK, SOURCE_PRELUDE, plan);
	while ((entry = next_of(list, machine, &at)))
		if (expand(p, entry, plan, e) < 0)
			return -1;
	add_transfers(p, machines[machine].outputs, STEP_PACK, SOURCE_EPILOG, plan);
	return 0;
}

static int build(const struct planner *p, const struct entry_list *list, enum run_machine machine,
	struct plan *ret_plan, struct err *e)
{
	auto_plan struct plan plan = {0};

	if (make(p, list, machine, &plan, e) < 0 || plan_check_limits(&plan, e) < 0)
		return -1;
	*ret_plan = plan;
	plan = (struct plan){0};
	return 0;
}

int planner_build(
	const struct planner *p, enum run_machine machine, struct plan *ret_plan, struct err *e)
{
	return build(p, list_of(p, machine), machine, ret_plan, e);
}

/* ---- networks and logins ---- */

static int allow(const struct entry *entry, struct egress *g, struct err *e)
{
	auto_free char *from = mem_printf(
		"%s action %zu", plan_source_name(entry->origin.source), entry->origin.index + 1);

	for (size_t i = 0; i < entry->endpoints.count; i++) {
		struct err why = {0};

		if (egress_add_endpoint(g, &entry->endpoints.items[i], from, &why) < 0)
			return node_err(entry->node, entry->file, e, "%s", why.msg);
	}
	return 0;
}

int planner_egress(
	struct planner *p, enum run_machine machine, struct egress *ret_egress, struct err *e)
{
	auto_egress struct egress g = {0};
	struct entry *entry;
	size_t at = 0;

	if (machine == RUN_PLAN)
		return 0;
	while ((entry = planner_next(p, machine, &at)))
		if (entry_reach(entry, p->settings, e) < 0 || allow(entry, &g, e) < 0)
			return -1;
	if (g.count &&
		egress_add_config(
			&g, &p->config->egress_allow, &p->config->egress_allow_private, e) < 0)
		return -1;
	g.guarded = !planner_is_trusted(machine);
	g.max_sent = p->config->fetch_max_sent;
	*ret_egress = g;
	g = (struct egress){0};
	return 0;
}

static int want_logins(
	const struct planner *p, const struct entry *entry, struct secrets *secrets, struct err *e)
{
	const struct secrets_asker who = {.credentials = &p->config->credentials,
		.project = p->project->name,
		.phase = entry->origin.source,
		.index = entry->origin.index,
		.action = entry->action->name};

	for (size_t i = 0; i < entry->endpoints.count; i++) {
		const struct endpoint *at = &entry->endpoints.items[i];

		if (at->scheme == ENDPOINT_SSH &&
			secrets_want_host(secrets, &who, at->user, at->host, e) < 0)
			return -1;
	}
	return 0;
}

int planner_secrets(
	struct planner *p, enum run_machine machine, struct secrets *secrets, struct err *e)
{
	struct entry *entry;
	size_t at = 0;

	while (planner_is_trusted(machine) && (entry = planner_next(p, machine, &at)))
		if (entry_reach(entry, p->settings, e) < 0 || want_logins(p, entry, secrets, e) < 0)
			return -1;
	return 0;
}

int planner_adhoc(const struct planner *p, const struct node *list, const char *file,
	struct plan *ret_plan, struct err *e)
{
	auto_entry_list struct entry_list entries = {0};

	if (entry_list_parse(list, p->actions, SOURCE_PLAN, file, &entries, e) < 0)
		return -1;
	return build(p, &entries, RUN_PLAN, ret_plan, e);
}

/* ---- checks ---- */

/*
 * Check that the steps of a machine do not exceed its limits. An action without a target cannot be
 * expanded; that is no error here, but where the plan is needed.
 */
static int check_limits(const struct planner *p, enum run_machine machine, struct err *e)
{
	auto_plan struct plan plan = {0};
	struct err why = {0};

	if (make(p, list_of(p, machine), machine, &plan, &why) == 0)
		return plan_check_limits(&plan, e);
	if (plan.count <= PLAN_STEPS_BEFORE_OUTPUTS)
		return 0;
	*e = why;
	return -1;
}

static int open_list(struct planner *p, enum project_plan which, struct err *e)
{
	static const enum plan_source sources[PROJECT_PLANS] = {
		[PROJECT_PRE_PLAN] = SOURCE_PRE_PLAN,
		[PROJECT_PLAN] = SOURCE_PLAN,
		[PROJECT_POST_PLAN] = SOURCE_POST_PLAN,
	};
	struct entry_list *list = &p->lists[which];

	if (entry_list_parse(p->project->plans[which], p->actions, sources[which],
		    p->project->plan_file, list, e) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		inherit(p->project, &list->items[i]);
	return 0;
}

static const struct action *find_mirror(const struct planner *p)
{
	for (const struct action *const *a = p->actions; *a; a++)
		if ((*a)->where == IN_MIRROR)
			return *a;
	BUG("no action fetches a repository");
}

/* The keys of `source` are the parameters of the action. */
static int open_mirror(struct planner *p, struct err *e)
{
	struct node *entry = node_copy(p->project->repository);

	node_set_string(entry, "action", find_mirror(p)->name);
	p->mirror_node = node_list();
	node_add(p->mirror_node, entry);
	return entry_list_parse(
		p->mirror_node, p->actions, SOURCE_MIRROR, p->project->file, &p->mirror, e);
}

int planner_open_mirror(struct planner *p, struct err *e)
{
	if (!p->settings)
		p->settings = settings_of(p);
	return p->project->repository && !p->mirror.count ? open_mirror(p, e) : 0;
}

int planner_open(struct planner *p, struct err *e)
{
	if (planner_open_mirror(p, e) < 0)
		return -1;
	for (enum project_plan which = 0; which < PROJECT_PLANS; which++)
		if (open_list(p, which, e) < 0)
			return -1;
	for (enum run_machine machine = 0; machine < RUN_MACHINES; machine++)
		if (check_limits(p, machine, e) < 0)
			return -1;
	return 0;
}

void planner_release(struct planner *p)
{
	node_free(p->settings);
	entry_list_release(&p->mirror);
	node_free(p->mirror_node);
	for (int i = 0; i < PROJECT_PLANS; i++)
		entry_list_release(&p->lists[i]);
}
