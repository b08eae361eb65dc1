/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/names.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* What a name is looked up among. `known` ends with NULL; `remedy` follows a name that none is
 * near. */
struct names {
	const char *kind;
	const char *const *known;
	const char *remedy;
};

static int unknown(const struct config *c, const struct node *item, bool is_key,
	const struct names *names, struct err *e)
{
	const char *name = is_key ? item->key : item->text;
	auto_free char *shown = text_safe(name, LIMIT_NAME_BYTES);
	const char *nearest = text_nearest(name, names->known);
	auto_free char *rest =
		nearest ? mem_printf(", did you mean '%s'?", nearest) : mem_strdup(names->remedy);

	return (is_key ? node_key_err : node_err)(
		item, c->file, e, "unknown %s '%s'%s", names->kind, shown, rest);
}

/* ---- actions ---- */

static bool may_have_secrets(const struct action *a)
{
	return (a->where & (IN_PRE | IN_POST)) != 0;
}

static int check_action(const struct config *c, const struct node *item,
	const struct action *const *actions, struct err *e)
{
	const struct action *a = action_find(actions, item->text);
	auto_free const char **known = NULL;
	size_t total = 0, n = 0;

	if (a && may_have_secrets(a))
		return 0;
	if (a)
		return node_err(item, c->file, e,
			"'%s' cannot have a secret: only actions of pre-plans and post-plans can",
			a->name);
	while (actions[total])
		total++;
	known = mem_array(total + 1, sizeof(*known));
	for (size_t i = 0; i < total; i++)
		if (may_have_secrets(actions[i]))
			known[n++] = actions[i]->name;
	return unknown(c, item, false,
		&(struct names){"action", known, "; 'ambient actions' lists those that are known"},
		e);
}

int names_check_actions(const struct config *c, const struct action *const *actions, struct err *e)
{
	const struct node *secret, *item;

	node_each (node_get(c->effective, "secrets"), secret) {
		node_each (node_get(secret, "actions"), item)
			if (check_action(c, item, actions, e) < 0)
				return -1;
	}
	return 0;
}

/* ---- targets ---- */

/* An address has a colon or a slash; a name has neither. */
static bool is_name(const char *target)
{
	return !strpbrk(target, ":/");
}

int names_check_targets(const struct config *c, struct err *e)
{
	const struct node *target = node_get(c->effective, "dput_target");
	const struct node *targets = node_get(c->effective, "dput_targets"), *item;
	auto_free const char **known = mem_array(node_count(targets) + 1, sizeof(*known));
	size_t n = 0;

	/* Without names, it is that of a configuration of Ambient CI, and for others to use. */
	if (!targets || !target || !target->text || !is_name(target->text))
		return 0;
	node_each (targets, item) {
		if (strcmp(item->key, target->text) == 0)
			return 0;
		known[n++] = item->key;
	}
	return unknown(c, target, false,
		&(struct names){"target", known,
			": it is not in dput_targets, and an address contains a colon"},
		e);
}

/* ---- projects ---- */

static int check_project(const struct config *c, const struct node *item, bool is_key,
	const struct names *names, struct err *e)
{
	for (const char *const *known = names->known; *known; known++)
		if (strcmp(*known, is_key ? item->key : item->text) == 0)
			return 0;
	return unknown(c, item, is_key, names, e);
}

static int check_projects(const struct config *c, const struct names *names, struct err *e)
{
	const struct node *secret, *item;

	node_each (node_get(c->effective, "secrets"), secret) {
		node_each (node_get(secret, "projects"), item)
			if (check_project(c, item, false, names, e) < 0)
				return -1;
	}
	node_each (node_get(c->effective, "rsync_target_map"), item)
		if (check_project(c, item, true, names, e) < 0)
			return -1;
	return 0;
}

int names_check_projects(const struct config *c, const struct project_list *list, struct err *e)
{
	auto_free const char **known = mem_array(list->count + 1, sizeof(*known));
	auto_free char *file = text_safe(list->file, LIMIT_NAME_BYTES);
	auto_free char *remedy = mem_printf(": it is not in %s", file);

	for (size_t i = 0; i < list->count; i++)
		known[i] = list->items[i].name;
	return check_projects(c, &(struct names){"project", known, remedy}, e);
}
