/* SPDX-License-Identifier: Apache-2.0 */
#include "run/planner.h"

#include <string.h>

#include "base/limits.h"
#include "base/num.h"

static const unsigned places[PROJECT_PHASES] = {
	[PROJECT_PRE_PLAN] = IN_PRE, [PROJECT_PLAN] = IN_PLAN, [PROJECT_POST_PLAN] = IN_POST};

static const enum plan_source sources[PROJECT_PHASES] = {
	[PROJECT_PRE_PLAN] = SOURCE_PRE_PLAN,
	[PROJECT_PLAN] = SOURCE_PLAN,
	[PROJECT_POST_PLAN] = SOURCE_POST_PLAN,
};

/* What each kind of VM unpacks before its actions and packs after them (drives of the design). */
enum { OUTPUTS_MAX = 2, PLAN_STEPS_BEFORE_OUTPUTS = LIMIT_PLAN_STEPS - OUTPUTS_MAX };

struct transfer {
	const char *serial, *directory;
	bool always;     /* also when an action failed */
	bool cache_only; /* only when the cache is kept */
};

static const struct transfer inputs[PROJECT_PHASES][4] = {
	[PROJECT_PRE_PLAN] = {{DRIVE_SRC, GUEST_SRC, false, false},
		{DRIVE_DEPS, GUEST_DEPS, false, false}},
	[PROJECT_PLAN] = {{DRIVE_SRC, GUEST_SRC, false, false},
		{DRIVE_DEPS, GUEST_DEPS, false, false}, {DRIVE_CACHE, GUEST_CACHE, false, false}},
	[PROJECT_POST_PLAN] = {{DRIVE_SRC, GUEST_SRC, false, false},
		{DRIVE_ARTIFACTS, GUEST_ARTIFACTS, false, false}},
};

static const struct transfer outputs[PROJECT_PHASES][OUTPUTS_MAX + 1] = {
	[PROJECT_PRE_PLAN] = {{DRIVE_DEPS_OUT, GUEST_DEPS, false, false}},
	[PROJECT_PLAN] = {{DRIVE_ARTIFACTS, GUEST_ARTIFACTS, true, false},
		{DRIVE_CACHE_OUT, GUEST_CACHE, false, true}},
};

static const struct transfer secrets_input[] = {{DRIVE_SECRETS, GUEST_SECRETS, false, false}, {0}};

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
		plan_add(plan, action, args, &origin)->always = list[i].always;
	}
}

const char *planner_stored_input(const struct plan *plan, size_t step)
{
	static const char *const stored[] = {DRIVE_CACHE, DRIVE_DEPS};
	const struct step *s = &plan->steps[step];
	const char *serial = node_get_text(s->args, "archive", "");

	for (size_t i = 0; s->origin.source != plan->source && i < ARRAY_SIZE(stored); i++)
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

void planner_inherit(const struct planner *p, const struct action *action, struct node *args)
{
	for (const struct param *row = action->params; row->name; row++) {
		const char *text = p->project && row->inherit
			? node_get_text(p->project->node, row->name, NULL)
			: NULL;

		if (text && !node_get_text(args, row->name, NULL))
			node_set_string(args, row->name, text);
	}
}

static int expand(const struct planner *p, const struct node *entry, size_t index,
	enum project_phase phase, const char *file, struct plan *plan, struct err *e)
{
	const struct action *action;
	auto_node struct node *args = NULL;
	auto_free char *word = NULL;
	struct origin origin = {.source = sources[phase], .index = index};
	size_t first = plan->count;
	int64_t timeout_ms;

	if (action_parse(entry, p->actions, places[phase], file, &action, &args, &timeout_ms, e) <
		0)
		return -1;
	word = mem_strdup(action->name);
	origin.action = word;
	planner_inherit(p, action, args);
	if (action_expand(action, args, &origin, plan, e) < 0)
		return -1;
	for (size_t i = first; i < plan->count; i++)
		plan->steps[i].timeout_ms = timeout_ms ? timeout_ms : action_time_limit(p);
	return 0;
}

/* Later entries replace earlier ones of the same name. */
static void put_env(struct strv *env, const char *entry)
{
	const char *equals = strchr(entry, '=');
	auto_free char *name = mem_strndup(entry, (size_t)(equals - entry));

	strv_setenv(env, name, equals + 1);
}

/*
 * Variables of the project and of --env are for its own code. In a trusted VM there is none, and
 * they could only lead the programs astray that run there.
 */
static void add_environment(const struct planner *p, enum project_phase phase, struct plan *plan)
{
	const struct node *item;

	for (const struct action_variable *v = p->action_env; v->name; v++)
		strv_setenv(&plan->env, v->name, v->value);
	if (phase != PROJECT_PLAN)
		return;
	if (p->project)
		node_each (p->project->env, item)
			strv_setenv(&plan->env, item->key, node_text(item));
	if (p->env)
		strv_each (p->env, entry)
			put_env(&plan->env, *entry);
}

/* The configuration as it is for this project: targets that depend on its name are put in. */
static void set_target(
	const struct planner *p, struct node *config, const char *key, const char *from_map)
{
	auto_free char *base_key = mem_printf("%s_base", key);
	const char *base = node_get_text(config, base_key, NULL);
	auto_free char *below = NULL;

	if (from_map)
		node_set_string(config, key, from_map);
	if (from_map || !base || node_get(config, key))
		return;
	below = mem_printf("%s/%s", base, p->project->name);
	node_set_string(config, key, below);
}

static bool overrides(const char *given, const struct node *config, const char *key)
{
	const char *in_file = node_get_text(config, key, NULL);

	return given && (!in_file || strcmp(given, in_file) != 0);
}

static struct node *settings_of(const struct planner *p)
{
	struct node *config = node_copy(p->config->effective);
	const char *mapped;

	if (!p->project)
		return config;
	mapped = node_get_text(p->config->rsync_target_map, p->project->name, NULL);
	/* What the command line says replaces what the file says. */
	if (overrides(p->config->rsync_target, config, "rsync_target"))
		mapped = p->config->rsync_target;
	if (overrides(p->config->dput_target, config, "dput_target"))
		node_set_string(config, "dput_target", p->config->dput_target);
	set_target(p, config, "rsync_target", mapped);
	set_target(p, config, "sftp_target", NULL);
	return config;
}

/* Into *plan, which is empty and the caller's also after an error. */
static int make(const struct planner *p, const struct node *list, const char *file,
	enum project_phase phase, struct plan *plan, struct err *e)
{
	auto_node struct node *config = settings_of(p);
	const struct node *entry;
	size_t index = 0;

	plan->source = sources[phase];
	plan->timeout_ms = time_limit(p);
	add_environment(p, phase, plan);
	add_transfers(p, inputs[phase], STEP_UNPACK, SOURCE_PRELUDE, plan);
	if (p->secrets && secrets_in_phase(p->secrets, sources[phase]))
		add_transfers(p, secrets_input, STEP_UNPACK, SOURCE_PRELUDE, plan);
	plan->config = config;
	node_each (list, entry) {
		if (expand(p, entry, index++, phase, file, plan, e) < 0)
			return -1;
		if (plan->count > PLAN_STEPS_BEFORE_OUTPUTS)
			return node_err(
				entry, file, e, "more than %d steps in a plan", LIMIT_PLAN_STEPS);
	}
	plan->config = NULL;
	add_transfers(p, outputs[phase], STEP_PACK, SOURCE_EPILOG, plan);
	return 0;
}

static int build(const struct planner *p, const struct node *list, const char *file,
	enum project_phase phase, struct plan *ret_plan, struct err *e)
{
	auto_plan struct plan plan = {0};

	if (make(p, list, file, phase, &plan, e) < 0 || plan_check_limits(&plan, e) < 0)
		return -1;
	*ret_plan = plan;
	plan = (struct plan){0};
	return 0;
}

int planner_build(
	const struct planner *p, enum project_phase phase, struct plan *ret_plan, struct err *e)
{
	return build(p, p->project->plans[phase], p->project->plan_file, phase, ret_plan, e);
}

/* "https://HOST/..." and "http://HOST/...", or "ssh://[USER@]HOST:PORT" for a target of uploads. */
static int allow_url(struct egress *g, const char *url, const char *from, struct err *e)
{
	static const char ssh[] = "ssh://";
	const char *at = strchr(url, '@');
	const char *host = at ? at + 1 : url + strlen(ssh);
	const char *colon = strrchr(url, ':');
	auto_free char *name = NULL;
	uint64_t port;

	if (strncmp(url, ssh, strlen(ssh)) != 0)
		return egress_add_url(g, url, from, e);
	if (colon < host || num_parse_u64(colon + 1, 65535, &port, e) < 0)
		return err_set(e, ERR_INPUT, "'%s' is not ssh://HOST:PORT", url);
	name = mem_strndup(host, (size_t)(colon - host));
	return egress_add_target(g, name, (unsigned)port, from, e);
}

static int allow_action(const struct planner *p, const struct node *entry, size_t index,
	enum project_phase phase, struct egress *g, struct err *e)
{
	auto_free char *from = mem_printf("%s action %zu", project_phase_keys[phase], index + 1);
	const char *file = p->project->plan_file;
	const struct action *action;
	auto_node struct node *args = NULL;
	auto_strv struct strv urls = {0};
	auto_node struct node *config = NULL;
	int64_t timeout_ms;

	if (action_parse(entry, p->actions, places[phase], file, &action, &args, &timeout_ms, e) <
		0)
		return -1;
	if (!action->reach)
		return 0;
	config = settings_of(p);
	if (action->reach(action, args, config, &urls, e) < 0)
		return -1;
	strv_each (&urls, url) {
		struct err why = {0};

		if (allow_url(g, *url, from, &why) < 0)
			return node_err(entry, file, e, "%s", why.msg);
	}
	return 0;
}

int planner_egress(
	const struct planner *p, enum project_phase phase, struct egress *ret_egress, struct err *e)
{
	auto_egress struct egress g = {0};
	const struct node *entry;
	size_t index = 0;

	if (phase == PROJECT_PLAN)
		return 0;
	node_each (p->project->plans[phase], entry)
		if (allow_action(p, entry, index++, phase, &g, e) < 0)
			return -1;
	if (g.count &&
		egress_add_config(
			&g, &p->config->egress_allow, &p->config->egress_allow_private, e) < 0)
		return -1;
	*ret_egress = g;
	g = (struct egress){0};
	return 0;
}

/* The host and user of "ssh://[USER@]HOST:PORT"; false: another kind of URL. */
static bool split_login(const char *url, char **ret_user, char **ret_host)
{
	static const char ssh[] = "ssh://";
	const char *from = url + strlen(ssh), *at, *colon;

	if (strncmp(url, ssh, strlen(ssh)) != 0)
		return false;
	at = strchr(from, '@');
	*ret_user = at ? mem_strndup(from, (size_t)(at - from)) : NULL;
	from = at ? at + 1 : from;
	colon = strrchr(from, ':');
	*ret_host = colon ? mem_strndup(from, (size_t)(colon - from)) : mem_strdup(from);
	return true;
}

static int want_logins(const struct secrets_asker *who, const struct strv *urls,
	struct secrets *secrets, struct err *e)
{
	strv_each (urls, url) {
		auto_free char *user = NULL, *host = NULL;

		if (split_login(*url, &user, &host) &&
			secrets_want_host(secrets, who, user, host, e) < 0)
			return -1;
	}
	return 0;
}

static int want_of_action(const struct planner *p, const struct node *entry,
	enum project_phase phase, size_t index, struct secrets *secrets, struct err *e)
{
	auto_node struct node *config = settings_of(p), *args = NULL;
	auto_strv struct strv urls = {0};
	struct secrets_asker who = {.credentials = &p->config->credentials,
		.project = p->project->name,
		.phase = sources[phase],
		.index = index};
	const struct action *action;
	int64_t timeout_ms;

	if (action_parse(entry, p->actions, places[phase], p->project->plan_file, &action, &args,
		    &timeout_ms, e) < 0)
		return -1;
	if (!action->reach)
		return 0;
	who.action = action->name;
	if (action->reach(action, args, config, &urls, e) < 0)
		return -1;
	return want_logins(&who, &urls, secrets, e);
}

int planner_secrets(
	const struct planner *p, enum project_phase phase, struct secrets *secrets, struct err *e)
{
	const struct node *entry;
	size_t index = 0;

	if (phase == PROJECT_PLAN)
		return 0;
	node_each (p->project->plans[phase], entry)
		if (want_of_action(p, entry, phase, index++, secrets, e) < 0)
			return -1;
	return 0;
}

int planner_adhoc(const struct planner *p, const struct node *list, const char *file,
	struct plan *ret_plan, struct err *e)
{
	return build(p, list, file, PROJECT_PLAN, ret_plan, e);
}

static int check_list(const struct planner *p, enum project_phase phase, bool built, struct err *e)
{
	const struct node *entry;

	node_each (p->project->plans[phase], entry) {
		auto_node struct node *args = NULL;
		const struct action *action;
		int64_t timeout_ms;

		if (action_parse(entry, p->actions, places[phase], p->project->plan_file, &action,
			    &args, &timeout_ms, e) < 0)
			return -1;
		if (built && !action_is_built(action)) {
			(void)node_err(entry, p->project->plan_file, e,
				"%s: known, not in this version", action->name);
			return err_because(e, "not_in_this_version");
		}
	}
	return 0;
}

/*
 * That a machine can be given what the actions of a list become. An action that cannot be expanded,
 * for want of a target, is told by those who need it expanded.
 */
static int check_limits(const struct planner *p, enum project_phase phase, struct err *e)
{
	auto_plan struct plan plan = {0};
	struct err why = {0};

	if (make(p, p->project->plans[phase], p->project->plan_file, phase, &plan, &why) == 0)
		return plan_check_limits(&plan, e);
	if (plan.count <= PLAN_STEPS_BEFORE_OUTPUTS)
		return 0;
	*e = why;
	return -1;
}

static bool all_are_built(const struct planner *p, enum project_phase phase)
{
	struct err ignored = {0};

	return check_list(p, phase, true, &ignored) == 0;
}

int planner_check(const struct planner *p, struct err *e)
{
	for (enum project_phase phase = 0; phase < PROJECT_PHASES; phase++)
		if (check_list(p, phase, false, e) < 0 ||
			(all_are_built(p, phase) && check_limits(p, phase, e) < 0))
			return -1;
	return 0;
}

int planner_check_built(const struct planner *p, bool with_post_plan, struct err *e)
{
	if (check_list(p, PROJECT_PRE_PLAN, true, e) < 0 ||
		check_list(p, PROJECT_PLAN, true, e) < 0)
		return -1;
	return with_post_plan ? check_list(p, PROJECT_POST_PLAN, true, e) : 0;
}
