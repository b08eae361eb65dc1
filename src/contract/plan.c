/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/plan.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "contract/action.h"
#include "contract/limits.h"
#include "contract/user.h"
#include "data/jsonl.h"
#include "data/schema.h"

enum { SHOWN_MAX = 60 };

/* Ten years: a longer time is a mistake, and adding it to a clock could overflow. */
#define TIMEOUT_MAX_MS (10ULL * 366 * 24 * 60 * 60 * 1000)

static const char *const source_names[] = {
	[SOURCE_PRELUDE] = "prelude",
	[SOURCE_MIRROR] = "mirror",
	[SOURCE_PRE_PLAN] = "pre_plan",
	[SOURCE_FETCH] = "fetch",
	[SOURCE_PLAN] = "plan",
	[SOURCE_POST_PLAN] = "post_plan",
	[SOURCE_EPILOG] = "epilog",
	[SOURCES] = NULL,
};

static const struct param origin_params[] = {
	{.name = "source",
		.type = PARAM_ENUM,
		.choices = source_names,
		.required = true,
		.help = "the list that contains the action"},
	{.name = "index",
		.type = PARAM_UINT,
		.max = UINT32_MAX,
		.required = true,
		.help = "index of the user's action in its list, from 0"},
	{.name = "action",
		.type = PARAM_STRING,
		.not_empty = true,
		.required = true,
		.help = "the user's name for the action"},
	{0},
};

static const struct param step_params[] = {
	{.name = "action",
		.type = PARAM_STRING,
		.not_empty = true,
		.required = true,
		.help = "name of the primitive"},
	{.name = "args", .type = PARAM_NODE, .required = true, .help = "its parameters"},
	{.name = "timeout_ms",
		.type = PARAM_UINT,
		.max = TIMEOUT_MAX_MS,
		.preset = "0",
		.help = "time limit of this step in milliseconds; 0: no limit of its own"},
	{.name = "always",
		.type = PARAM_BOOL,
		.preset = "false",
		.help = "run this step even after a step that did not pass"},
	{.name = "origin",
		.type = PARAM_MAP,
		.sub = origin_params,
		.required = true,
		.help = "the user's action to which the step belongs"},
	{0},
};

static const struct param plan_params[] = {
	{.name = "format",
		.type = PARAM_UINT,
		.min = PLAN_FORMAT,
		.max = PLAN_FORMAT,
		.required = true,
		.help = "version of this format"},
	{.name = "source",
		.type = PARAM_ENUM,
		.choices = source_names,
		.required = true,
		.help = "the user's list from which the plan was made"},
	{.name = "timeout_ms",
		.type = PARAM_UINT,
		.max = TIMEOUT_MAX_MS,
		.preset = "0",
		.help = "time limit of all steps except those that run always, in milliseconds; "
			"0: none"},
	{.name = "env", .type = PARAM_STRINGS, .help = "NAME=value for every step"},
	{.name = "user",
		.type = PARAM_STRING,
		.help = "the user of programs whose step names none; absent: root"},
	{.name = "keep_disk",
		.type = PARAM_BOOL,
		.preset = "false",
		.help = "keep the machine's disk; it is complete before `end` is sent"},
	{.name = "steps",
		.type = PARAM_MAPS,
		.sub = step_params,
		.required = true,
		.help = "the steps, in order"},
	{0},
};

void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->steps[i].action);
		node_free(p->steps[i].args);
		free(p->steps[i].origin.action);
	}
	free(p->steps);
	free(p->user);
	strv_release(&p->env);
	*p = (struct plan){0};
}

struct step *plan_add(
	struct plan *p, const char *action, struct node *args, const struct origin *origin)
{
	struct step *s;

	p->steps = mem_resize(p->steps, p->count + 1, sizeof(*p->steps));
	s = &p->steps[p->count++];
	*s = (struct step){.action = mem_strdup(action),
		.args = args,
		.origin = {.source = origin->source,
			.index = origin->index,
			.action = mem_strdup(origin->action ? origin->action : action)}};
	return s;
}

const char *plan_source_name(enum plan_source source)
{
	if ((unsigned)source >= SOURCES)
		BUG("plan source %d", (int)source);
	return source_names[source];
}

bool plan_is_of_user(const struct plan *p, size_t step)
{
	enum plan_source source = p->steps[step].origin.source;

	return source != SOURCE_PRELUDE && source != SOURCE_EPILOG;
}

/* ---- to a tree ---- */

static void step_to_node(const struct step *s, struct node *map)
{
	struct node *origin;

	node_set_string(map, "action", s->action);
	node_set(map, "args", node_copy(s->args));
	if (s->timeout_ms)
		node_set_int(map, "timeout_ms", s->timeout_ms);
	if (s->always)
		node_set_bool(map, "always", true);
	origin = node_set_map(map, "origin");
	node_set_string(origin, "source", plan_source_name(s->origin.source));
	node_set_uint(origin, "index", s->origin.index);
	node_set_string(origin, "action", s->origin.action);
}

struct node *plan_to_node(const struct plan *p)
{
	struct node *map = node_map();
	struct node *steps;

	node_set_uint(map, "format", PLAN_FORMAT);
	node_set_string(map, "source", plan_source_name(p->source));
	if (p->timeout_ms)
		node_set_int(map, "timeout_ms", p->timeout_ms);
	node_add_strv(node_set_list(map, "env"), &p->env);
	if (p->user)
		node_set_string(map, "user", p->user);
	if (p->keep_disk)
		node_set_bool(map, "keep_disk", true);
	steps = node_set_list(map, "steps");
	for (size_t i = 0; i < p->count; i++)
		step_to_node(&p->steps[i], node_add_map(steps));
	return map;
}

/* ---- limits of a guest ---- */

/* The bytes that execve counts for a string: the text, its NUL and a pointer to it. */
static uint64_t exec_bytes(size_t len)
{
	return len + 1 + sizeof(char *);
}

static int check_variable(const char *name, size_t bytes, struct err *e)
{
	auto_free char *shown = NULL;

	if (bytes <= LIMIT_ARG_BYTES)
		return 0;
	shown = text_safe(name, SHOWN_MAX);
	return err_set(e, ERR_INPUT,
		"the environment variable '%s' has %zu bytes with its name, the limit is %llu; put "
		"its value into a file of the source",
		shown, bytes, (unsigned long long)LIMIT_ARG_BYTES);
}

static int check_count(size_t count, struct err *e)
{
	if (count <= LIMIT_VARIABLES)
		return 0;
	return err_set(e, ERR_INPUT, "the environment has %zu variables, the limit is %d", count,
		LIMIT_VARIABLES);
}

/*
 * The arguments and environment of a program: bytes as execve counts them, and the number of
 * variables. A variable that is set several times counts each time.
 */
struct load {
	uint64_t bytes;
	size_t variables;
};

static int count_variables(const struct node *map, struct load *load, struct err *e)
{
	const struct node *item;

	load->variables += node_count(map);
	if (check_count(load->variables, e) < 0)
		return -1;
	node_each (map, item) {
		const char *value = node_text(item);
		size_t bytes = strlen(item->key) + 1 + (value ? strlen(value) : 0);

		load->bytes += exec_bytes(bytes);
		if (check_variable(item->key, bytes, e) < 0)
			return -1;
	}
	return 0;
}

static int count_arguments(const struct node *argv, struct load *load, struct err *e)
{
	const struct node *item;

	node_each (argv, item) {
		size_t len = strlen(item->text);

		load->bytes += exec_bytes(len);
		if (len > LIMIT_ARG_BYTES)
			return err_set(e, ERR_INPUT,
				"an argument of %zu bytes, the limit is %llu; put it into a file "
				"of "
				"the source",
				len, (unsigned long long)LIMIT_ARG_BYTES);
	}
	return 0;
}

/* *lasting counts the variables that all later programs also get. */
static int check_exec(const struct step *s, struct load *lasting, struct err *e)
{
	struct load total;

	if (count_variables(node_get(s->args, "set"), lasting, e) < 0)
		return -1;
	total = *lasting;
	if (count_variables(node_get(s->args, "env"), &total, e) < 0 ||
		count_arguments(node_get(s->args, "argv"), &total, e) < 0)
		return -1;
	if (total.bytes <= LIMIT_EXEC_BYTES)
		return 0;
	return err_set(e, ERR_INPUT,
		"arguments and environment of its program have %llu bytes, the limit is %llu",
		(unsigned long long)total.bytes, (unsigned long long)LIMIT_EXEC_BYTES);
}

static int check_environment(uint64_t bytes, struct err *e)
{
	if (bytes <= LIMIT_EXEC_BYTES)
		return 0;
	return err_set(e, ERR_INPUT,
		"the environment (`env` of the project, --env) has %llu bytes, the limit is %llu",
		(unsigned long long)bytes, (unsigned long long)LIMIT_EXEC_BYTES);
}

/* Count the plan's own variables. */
static int check_lasting(const struct plan *p, struct load *lasting, struct err *e)
{
	lasting->variables = p->env.count;
	if (check_count(lasting->variables, e) < 0)
		return -1;
	strv_each (&p->env, entry) {
		auto_free char *name = mem_strndup(*entry, strcspn(*entry, "="));

		lasting->bytes += exec_bytes(strlen(*entry));
		if (check_variable(name, strlen(*entry), e) < 0)
			return -1;
	}
	return check_environment(lasting->bytes, e);
}

static int check_steps(const struct plan *p, struct err *e)
{
	struct load lasting = {0};

	if (check_lasting(p, &lasting, e) < 0)
		return -1;
	for (size_t i = 0; i < p->count; i++) {
		const struct origin *o = &p->steps[i].origin;

		if (check_exec(&p->steps[i], &lasting, e) < 0)
			return err_wrap(e, "%s: action %zu (%s)", plan_source_name(o->source),
				o->index + 1, o->action);
	}
	return 0;
}

static int check_text(const struct plan *p, struct err *e)
{
	auto_node struct node *tree = plan_to_node(p);
	struct node_size size = node_measure(tree);
	auto_buf struct buf text = {0};

	if (!node_size_fits(&size))
		return err_set(e, ERR_INPUT,
			"%s: its expanded actions have %zu values in %zu bytes; the limits are "
			"%d and %llu",
			plan_source_name(p->source), size.count, size.bytes, LIMIT_NODE_COUNT,
			(unsigned long long)LIMIT_NODE_BYTES);
	buf_init(&text, LIMIT_PLAN_BYTES);
	jsonl_add(&text, tree);
	if (text.overflow)
		return err_set(e, ERR_INPUT,
			"%s: its expanded actions are longer than %llu bytes as JSON; move "
			"scripts into files of the source",
			plan_source_name(p->source), (unsigned long long)LIMIT_PLAN_BYTES);
	return 0;
}

int plan_check_limits(const struct plan *p, struct err *e)
{
	return check_steps(p, e) < 0 ? -1 : check_text(p, e);
}

/* ---- from a tree; the schema has been checked ---- */

static enum plan_source source_of(const struct node *map)
{
	const char *name = node_get_text(map, "source", "");

	for (int i = 0; i < SOURCES; i++)
		if (strcmp(source_names[i], name) == 0)
			return (enum plan_source)i;
	BUG("a source that the schema let pass");
}

static int check_user(const struct node *tree, const char *file, struct err *e)
{
	const char *user = node_get_text(tree, "user", NULL);

	if (!user || user_is_valid(user))
		return 0;
	return node_err(node_get(tree, "user"), file, e, "'user' must be " USER_RULE);
}

static int check_env(const struct node *env, const char *file, struct err *e)
{
	const struct node *item;

	node_each (env, item) {
		if (item->text[0] == '=' || !strchr(item->text, '='))
			return node_err(item, file, e, "an item of 'env' is not NAME=value");
	}
	return 0;
}

/* Add the index after the message, because the position in the file comes before it. */
static int in_step(size_t index, struct err *e)
{
	struct err whole = {0};

	(void)err_set(&whole, e->kind, "%s (step %zu)", e->msg, index);
	*e = whole;
	return -1;
}

static int unknown_step(const struct node *map, const char *file, struct err *e)
{
	const struct node *name = node_get(map, "action");
	auto_free char *shown = text_safe(name->text, LIMIT_NAME_BYTES);

	return node_err(name, file, e, "there is no step '%s' in this executor", shown);
}

static int check_step(const struct node *map, const struct action *const *actions, const char *file,
	struct err *e)
{
	const struct action *a = action_find(actions, node_get_text(map, "action", ""));
	const struct node *args = node_get(map, "args");

	if (!a || !(a->where & IN_STEP) || !a->run)
		return unknown_step(map, file, e);
	if (args->kind != NODE_MAP)
		return node_err(
			args, file, e, "'args' must be a mapping, not %s", node_kind_name(args));
	if (schema_check(a->params, args, file, e) < 0)
		return -1;
	return a->check ? a->check(args, file, e) : 0;
}

static int step_from_node(const struct node *map, const struct action *const *actions,
	const char *file, struct plan *p, struct err *e)
{
	const struct node *origin_map = node_get(map, "origin");
	auto_free char *word = mem_strdup(node_get_text(origin_map, "action", ""));
	struct origin origin = {.source = source_of(origin_map),
		.index = node_get_uint(origin_map, "index", 0),
		.action = word};
	struct step *s;

	if (check_step(map, actions, file, e) < 0)
		return in_step(p->count, e);
	s = plan_add(
		p, node_get_text(map, "action", ""), node_copy(node_get(map, "args")), &origin);
	s->timeout_ms = (int64_t)schema_uint(step_params, map, "timeout_ms");
	s->always = schema_bool(step_params, map, "always");
	return 0;
}

int plan_from_node(const struct node *tree, const struct action *const *actions, const char *file,
	struct plan *ret_plan, struct err *e)
{
	const struct node *steps, *step;
	auto_plan struct plan p = {0};

	if (schema_check(plan_params, tree, file, e) < 0 ||
		check_env(node_get(tree, "env"), file, e) < 0 || check_user(tree, file, e) < 0)
		return -1;
	steps = node_get(tree, "steps");
	if (steps->count > LIMIT_PLAN_STEPS)
		return node_err(steps, file, e, "%zu steps, the limit is %d", steps->count,
			LIMIT_PLAN_STEPS);
	p.source = source_of(tree);
	p.timeout_ms = (int64_t)schema_uint(plan_params, tree, "timeout_ms");
	node_to_strv(node_get(tree, "env"), &p.env);
	if (node_get_text(tree, "user", NULL))
		p.user = mem_strdup(node_get_text(tree, "user", ""));
	p.keep_disk = schema_bool(plan_params, tree, "keep_disk");
	node_each (steps, step) {
		if (step_from_node(step, actions, file, &p, e) < 0)
			return -1;
	}
	*ret_plan = p;
	p = (struct plan){0};
	return 0;
}
