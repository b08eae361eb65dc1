/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/hand/oldplan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"
#include "contract/ecosystem.h"
#include "contract/entry.h"
#include "data/schema.h"
#include "data/yamlfile.h"
#include "os/path.h"

static const char *const directories[] = {
	"source_dir", "deps_dir", "cache_dir", "artifacts_dir", NULL};

#define UNUSED(key)                                                                                \
	{                                                                                          \
		.name = (key), .type = PARAM_STRING, .help = "not used"                            \
	}

static const struct param params[] = {
	{.name = "steps", .type = PARAM_LIST, .required = true, .help = "the actions, in order"},
	UNUSED("executor_drive"),
	UNUSED("source_drive"),
	UNUSED("artifact_drive"),
	UNUSED("cache_drive"),
	UNUSED("deps_drive"),
	UNUSED("secrets_drive"),
	UNUSED("workspace_dir"),
	UNUSED("secrets_dir"),
	{.name = "source_dir", .type = PARAM_PATH, .required = true, .help = "where actions run"},
	{.name = "deps_dir", .type = PARAM_PATH, .required = true, .help = "the dependencies"},
	{.name = "cache_dir", .type = PARAM_PATH, .help = "the cache"},
	{.name = "artifacts_dir", .type = PARAM_PATH, .required = true, .help = "the artifacts"},
	{.name = "envs", .type = PARAM_NODE, .help = "variables: names, and the bytes of values"},
	{0},
};

void oldplan_release(struct oldplan *p)
{
	node_free(p->tree);
	node_free(p->settings);
	plan_release(&p->plan);
	*p = (struct oldplan){0};
}

/* ---- environment ---- */

static void set_inherited(struct strv *env)
{
	for (char **entry = environ; *entry; entry++) {
		size_t len = strcspn(*entry, "=");
		auto_free char *name = mem_strndup(*entry, len);

		if (len && (*entry)[len])
			strv_setenv(env, name, *entry + len + 1);
	}
}

/* The value is a path below a directory of the machine; the plan says where that is. */
static void set_moved(const struct oldplan *p, const struct action_variable *v, struct strv *env)
{
	static const struct {
		const char *there, *key;
	} moved[] = {{GUEST_DEPS, "deps_dir"}, {GUEST_CACHE, "cache_dir"}};

	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		const char *dir = node_get_text(p->settings, moved[i].key, NULL);
		auto_free char *path = NULL;

		if (!dir || !path_is_below(v->value, moved[i].there))
			continue;
		path = mem_printf("%s%s", dir, v->value + strlen(moved[i].there));
		strv_setenv(env, v->name, path);
	}
}

static void set_ecosystems(const struct oldplan *p, struct strv *env)
{
	for (const struct ecosystem *const *s = actions_by_hand_ecosystems; *s; s++)
		for (const struct action_variable *v = (*s)->always; v && v->name; v++)
			set_moved(p, v, env);
}

static void set_own(const struct oldplan *p, struct strv *env)
{
	const char *path = getenv("PATH");
	auto_free char *longer = path ? mem_printf(GUEST_CARGO_BIN ":%s", path) : NULL;

	if (!getenv("HOME"))
		strv_setenv(env, "HOME", GUEST_HOME);
	strv_setenv(env, "PATH", longer ? longer : GUEST_PATH);
	set_ecosystems(p, env);
	strv_setenv(env, "RUST_BACKTRACE", "1");
}

static int read_value(const struct node *item, struct buf *ret_value, struct err *e)
{
	const struct node *byte;
	uint64_t number;

	if (item->kind != NODE_LIST)
		return node_err(item, OLDPLAN_NAME, e,
			"the value of a variable is a list of its bytes, not %s",
			node_kind_name(item));
	node_each (item, byte) {
		if (byte->kind != NODE_SCALAR || !node_to_uint(byte, &number) || number < 1 ||
			number > UINT8_MAX)
			return node_err(byte, OLDPLAN_NAME, e,
				"a byte of a variable is a number from 1 to 255");
		buf_addc(ret_value, (char)number);
	}
	return 0;
}

static int set_given(const struct node *envs, struct strv *env, struct err *e)
{
	const struct node *item;

	if (envs && envs->kind != NODE_MAP)
		return node_err(envs, OLDPLAN_NAME, e, "'envs' must be a mapping, not %s",
			node_kind_name(envs));
	node_each (envs, item) {
		auto_buf struct buf value = {0};

		buf_init(&value, LIMIT_NODE_COUNT);
		if (actions_check_key(item, OLDPLAN_NAME, e) < 0 || read_value(item, &value, e) < 0)
			return -1;
		strv_setenv(env, item->key, value.len ? value.data : "");
	}
	return 0;
}

/* ---- steps ---- */

static int check_known(const struct node *node, const struct action *const *actions, struct err *e)
{
	const struct node *name = node_get(node, "action");
	auto_free char *shown = NULL;

	if (!node_text(name) || action_find(actions, node_text(name)))
		return 0;
	shown = text_safe(name->text, LIMIT_NAME_BYTES);
	return node_err(name, OLDPLAN_NAME, e,
		"the action '%s' cannot be carried out without a machine: it is not known, or it "
		"needs a network, which ambient gives to machines only",
		shown);
}

static int check_user(const struct entry *entry, struct err *e)
{
	const struct node *user = node_get(entry->args, ACTIONS_USER_KEY);

	return !user
		? 0
		: node_err(user, OLDPLAN_NAME, e,
			  "'" ACTIONS_USER_KEY
			  "' needs a machine: without one, all programs run as who started this");
}

/* Ambient CI writes deb2 as deb with a sub-directory of the artifacts. */
static void rename_deb2(struct node *step)
{
	const struct node *packages = node_get(step, "packages");

	if (!packages || strcmp(node_get_text(step, "action", ""), action_deb.name) != 0)
		return;
	node_set(step, "artifacts", node_copy(packages));
	node_remove(step, "packages");
	node_set_string(step, "action", action_deb2.name);
}

static int add_step(const struct node *node, size_t index, const struct action *const *actions,
	struct oldplan *p, struct err *e)
{
	auto_entry struct entry entry = {0};
	size_t first = p->plan.count;

	if (check_known(node, actions, e) < 0 ||
		entry_parse(node, actions, IN_PLAN, OLDPLAN_NAME, &entry, e) < 0 ||
		check_user(&entry, e) < 0)
		return -1;
	entry.origin.source = SOURCE_PLAN;
	entry.origin.index = index;
	if (entry_expand(&entry, p->settings, &p->plan, e) < 0)
		return -1;
	while (first < p->plan.count)
		p->plan.steps[first++].timeout_ms = entry.timeout_ms;
	if (p->plan.count > LIMIT_PLAN_STEPS)
		return node_err(
			node, OLDPLAN_NAME, e, "more than %d steps in a plan", LIMIT_PLAN_STEPS);
	return 0;
}

static int add_steps(const struct action *const *actions, struct oldplan *p, struct err *e)
{
	struct node *node;
	size_t index = 0;

	node_each (node_get(p->tree, "steps"), node) {
		rename_deb2(node);
		if (add_step(node, index++, actions, p, e) < 0)
			return -1;
	}
	return 0;
}

static void set_directories(struct oldplan *p)
{
	p->settings = node_copy(p->tree);
	for (const char *const *key = directories; *key; key++) {
		const char *given = node_get_text(p->tree, *key, NULL);
		auto_free char *path = given ? path_absolute(given) : NULL;

		if (path)
			node_set_string(p->settings, *key, path);
	}
	p->source = node_get_text(p->settings, "source_dir", NULL);
}

int oldplan_read(const struct action *const *actions, struct oldplan *ret, struct err *e)
{
	*ret = (struct oldplan){.plan.source = SOURCE_PLAN};
	if (yamlfile_read(OLDPLAN_NAME, &ret->tree, e) < 0 ||
		schema_check(params, ret->tree, OLDPLAN_NAME, e) < 0)
		return -1;
	set_directories(ret);
	set_inherited(&ret->plan.env);
	set_own(ret, &ret->plan.env);
	if (set_given(node_get(ret->tree, "envs"), &ret->plan.env, e) < 0 ||
		add_steps(actions, ret, e) < 0)
		return -1;
	return plan_check_limits(&ret->plan, e);
}
