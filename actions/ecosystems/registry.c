/* SPDX-License-Identifier: Apache-2.0 */
/* What actions of package managers share, and how they find their registry (contract/ecosystem.h). */
#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

struct node *actions_add_program(
	const struct entry *entry, const char *const *argv, struct plan *out)
{
	struct node *args = node_map();
	struct node *list = node_set_list(args, "argv");

	for (; *argv; argv++)
		node_add_string(list, *argv);
	(void)plan_add(out, action_spawn.name, args, &entry->origin);
	return args;
}

struct node *actions_add_script(const struct entry *entry, const char *script, struct plan *out)
{
	static const char *const argv[] = {"sh", "-eu", NULL};
	struct node *args = actions_add_program(entry, argv, out);

	node_set_string(args, "script", script);
	return args;
}

void actions_set_variable(struct node *spawn, const char *name, const char *value)
{
	struct node *env = node_get(spawn, "env");

	if (value)
		node_set_string(env ? env : node_set_map(spawn, "env"), name, value);
}

static const struct node *registry_of(const struct ecosystem *eco, const struct node *settings)
{
	return node_get(node_get(settings, REGISTRIES_KEY), eco->name);
}

int actions_registry_of(const struct ecosystem *eco, const struct entry *entry,
	const struct node *settings, const char **ret_address, struct err *e)
{
	const struct node *registry = registry_of(eco, settings);
	const char *why = node_get_text(registry, REGISTRY_ERROR, NULL);

	if (why) {
		(void)node_err(entry->node, entry->file, e, "%s", why);
		return -1; /* analyzers do not know that node_err does */
	}
	*ret_address = node_get_text(registry, REGISTRY_ADDRESS, eco->address);
	return 0;
}

int actions_registry(const struct entry *entry, const struct node *settings,
	const char **ret_address, struct err *e)
{
	return actions_registry_of(entry->action->ecosystem, entry, settings, ret_address, e);
}

const struct node *actions_named_registries(const struct entry *entry, const struct node *settings)
{
	return node_get(registry_of(entry->action->ecosystem, settings), REGISTRY_NAMED);
}

int actions_reach_host(
	const struct entry *entry, const char *host, struct endpoints *ret_endpoints, struct err *e)
{
	auto_free char *plain = mem_printf("http://%s/", host);
	auto_free char *secure = mem_printf("https://%s/", host);

	if (actions_reach_url(entry, plain, ret_endpoints, e) < 0)
		return -1;
	return actions_reach_url(entry, secure, ret_endpoints, e);
}

int actions_reach_registry_of(const struct ecosystem *eco, const struct entry *entry,
	const struct node *settings, struct endpoints *ret_endpoints, struct err *e)
{
	const struct node *registry = registry_of(eco, settings), *item;
	const char *address;

	if (actions_registry_of(eco, entry, settings, &address, e) < 0 ||
		actions_reach_url(entry, ecosystem_url(address), ret_endpoints, e) < 0)
		return -1;
	node_each (node_get(registry, REGISTRY_ALSO), item)
		if (actions_reach_host(entry, item->text, ret_endpoints, e) < 0)
			return -1;
	node_each (node_get(registry, REGISTRY_NAMED), item)
		if (actions_reach_url(entry, ecosystem_url(item->text), ret_endpoints, e) < 0)
			return -1;
	return 0;
}

int actions_reach_registry(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	return actions_reach_registry_of(
		entry->action->ecosystem, entry, settings, ret_endpoints, e);
}
