/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the source tree, .ambient/NAME. It gets its arguments in two forms: each as an
 * environment variable AMBIENT_CI_<key>, for shell scripts, and all as a JSON object on standard
 * input, for other programs.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"
#include "data/jsonl.h"

#define PREFIX "AMBIENT_CI_"

static const struct param params[] = {
	{.name = "name",
		.type = PARAM_STRING,
		.required = true,
		.help = "the name of the program, `.ambient/<name>` in the source tree"},
	{.name = "args",
		.type = PARAM_NODE,
		.help = "a mapping of arguments; the program gets each as a variable "
			"AMBIENT_CI_<key>, and all as JSON on standard input"},
	ACTIONS_MERGE_OUTPUT,
	ACTIONS_USER,
	{0},
};

static int check_program(const struct node *name, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(name->text, LIMIT_NAME_BYTES);

	if (!name->text[0] || strlen(name->text) > LIMIT_NAME_BYTES || strchr(name->text, '/') ||
		strcmp(name->text, ".") == 0 || strcmp(name->text, "..") == 0)
		return node_err(name, file, e,
			"'%s' is not a valid name of a custom action: it is a file in the "
			"directory "
			".ambient",
			shown);
	return 0;
}

/* A string without quotes, for shell scripts; any other value as JSON. */
static char *value_of(const struct node *item)
{
	auto_buf struct buf b = {0};

	buf_init(&b, JSONL_MOST_BYTES);
	jsonl_add(&b, item);
	return b.data[0] == '"' ? mem_strdup(item->text) : buf_detach(&b, NULL);
}

static int check_value(const struct node *item, const char *file, struct err *e)
{
	auto_free char *value = value_of(item);

	return actions_check_value(item, PREFIX, value, file, e);
}

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *map = node_get(args, "args");
	const struct node *item;

	if (check_program(node_get(args, "name"), file, e) < 0 ||
		actions_check_user(args, file, e) < 0)
		return -1;
	if (!map)
		return 0;
	if (map->kind != NODE_MAP)
		return node_err(
			map, file, e, "'args' must be a mapping, not %s", node_kind_name(map));
	node_each (map, item) {
		if (actions_check_key(item, file, e) < 0 || check_value(item, file, e) < 0)
			return -1;
	}
	return 0;
}

static void fill_env(struct node *env, const struct node *map)
{
	const struct node *item;

	node_each (map, item) {
		auto_free char *name = mem_printf(PREFIX "%s", item->key);
		auto_free char *value = value_of(item);

		node_set_string(env, name, value);
	}
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	const struct node *args = entry->args;
	const struct node *map = node_get(args, "args");
	auto_free char *program = mem_printf(".ambient/%s", schema_text(params, args, "name"));
	auto_buf struct buf input = {0};
	struct node *spawn;

	(void)settings;
	(void)e;
	buf_init(&input, JSONL_MOST_BYTES);
	if (map)
		jsonl_add(&input, map);
	else
		buf_adds(&input, "{}");
	spawn = node_map();
	node_add_string(node_set_list(spawn, "argv"), program);
	fill_env(node_set_map(spawn, "env"), map);
	node_set_string(spawn, "input", input.data);
	if (schema_bool(params, args, ACTIONS_MERGE_KEY))
		node_set_bool(spawn, ACTIONS_MERGE_KEY, true);
	actions_pass_user(args, spawn);
	(void)plan_add(out, action_spawn.name, spawn, &entry->origin);
	return 0;
}

const struct action action_custom = {
	.name = "custom",
	.summary = "Run a program of the source tree, .ambient/NAME.",
	.where = IN_PLAN,
	.params = params,
	.check = check,
	.expand = expand,
};
