/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/names.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "contract/ecosystem.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/proc.h"
#include "settings/image.h"
#include "settings/limits.h"
#include "settings/programs.h"

enum { PATH_SHOWN_MAX = 600 };

#define PEM "-----BEGIN CERTIFICATE-----"
#define PEM_TRUSTED "-----BEGIN TRUSTED CERTIFICATE-----"

/*
 * Known names to look up a name in. `known` ends with NULL; `remedy` is shown if no known name is
 * near.
 */
struct names {
	const char *kind;
	const char *const *known;
	const char *remedy;
};

/* "unknown KIND 'NAME'", with the nearest known name or the remedy. The caller frees. */
static char *unknown_name(const char *name, const struct names *names)
{
	auto_free char *shown = text_safe(name, LIMIT_NAME_BYTES);
	const char *nearest = text_nearest(name, names->known);
	auto_free char *rest =
		nearest ? mem_printf(", did you mean '%s'?", nearest) : mem_strdup(names->remedy);

	return mem_printf("unknown %s '%s'%s", names->kind, shown, rest);
}

static int unknown(const struct node *item, bool is_key, const struct names *names, struct err *e)
{
	auto_free char *what = unknown_name(is_key ? item->key : item->text, names);

	return (is_key ? node_key_err : node_err)(item, NULL, e, "%s", what);
}

/* ---- actions ---- */

static bool may_have_secrets(const struct action *a)
{
	return (a->where & (IN_MIRROR | IN_PRE | IN_POST)) && a->logs_in;
}

/* Those that can have secrets. NULL-terminated; the caller frees the list. */
static const char **list_actions(const struct action *const *actions)
{
	const char **names;
	size_t total = 0, n = 0;

	while (actions[total])
		total++;
	names = mem_array(total + 1, sizeof(*names));
	for (size_t i = 0; i < total; i++)
		if (may_have_secrets(actions[i]))
			names[n++] = actions[i]->name;
	return names;
}

static int refuse_action(
	const struct node *item, const struct action *const *actions, struct err *e)
{
	auto_buf struct buf those = {0};

	buf_init(&those, LIMIT_NODE_BYTES);
	for (; *actions; actions++)
		if ((*actions)->logs_in)
			buf_addf(&those, "%s%s", those.len ? ", " : "", (*actions)->name);
	return node_err(item, NULL, e,
		"'%s' cannot have a secret, because it does not log in to a server; these actions "
		"do: %s",
		item->text, those.data);
}

static int check_action(const struct node *item, const struct action *const *actions, struct err *e)
{
	const struct action *a = action_find(actions, item->text);
	auto_free const char **known = NULL;

	if (a && may_have_secrets(a))
		return 0;
	if (a)
		return refuse_action(item, actions, e);
	known = list_actions(actions);
	return unknown(item, false,
		&(struct names){"action", known, "; 'ambient actions' lists those that are known"},
		e);
}

int names_check_actions(const struct config *c, const struct action *const *actions, struct err *e)
{
	const struct node *secret, *item;

	node_each (node_get(c->effective, "secrets"), secret) {
		node_each (node_get(secret, "actions"), item)
			if (check_action(item, actions, e) < 0)
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

/*
 * Without dput_targets a name is a section of a dput.cf of Ambient CI; actions that need the target
 * refuse it.
 */
static bool is_unknown(const struct node *targets, const char *target)
{
	return targets && target && is_name(target) && !node_get(targets, target);
}

int names_check_targets(const struct config *c, struct err *e)
{
	const struct node *target = node_get(c->effective, "dput_target");
	const struct node *targets = node_get(c->effective, "dput_targets"), *item;
	auto_free const char **known = mem_array(node_count(targets) + 1, sizeof(*known));
	const struct names names = {
		"target", known, ": it is not in dput_targets, and an address contains a colon"};
	auto_free char *what = NULL;
	size_t n = 0;

	if (!is_unknown(targets, target ? target->text : NULL))
		return 0;
	node_each (targets, item)
		known[n++] = item->key;
	if (!c->options.dput_target)
		return unknown(target, false, &names, e);
	what = unknown_name(target->text, &names);
	return err_set(e, ERR_INPUT, "--dput-target: %s", what);
}

/* ---- files and programs ---- */

static int missing(const struct node *item, const char *key, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(item->text, PATH_SHOWN_MAX);

	return node_err(item, NULL, e, "'%s': %s: %s", key, shown, why);
}

/*
 * Only the file is checked; its contents are checked where they are used. NULL or without a text:
 * no file is configured.
 */
static int check_file(const struct node *item, const char *key, struct err *e)
{
	struct stat st;

	if (!item || !item->text)
		return 0;
	if (stat(item->text, &st) < 0)
		return missing(item, key, strerror(errno), e);
	if (!S_ISREG(st.st_mode))
		return missing(item, key, "it is not a regular file", e);
	if (access(item->text, R_OK) < 0)
		return missing(item, key, strerror(errno), e);
	return 0;
}

/* A missing default is reported only by runs that need it. */
static int check_programs(const struct config *c, struct err *e)
{
	auto_free char *executor = NULL, *qemu = NULL;

	if (c->executor && programs_executor(c, NULL, &executor, e) < 0)
		return -1;
	return c->qemu_program ? programs_qemu(c, &qemu, e) : 0;
}

static int check_ssh(const struct node *host, struct err *e)
{
	if (check_file(node_get(host, "known_hosts"), "known_hosts", e) < 0)
		return -1;
	return check_file(node_get(host, "certificate"), "certificate", e);
}

/* The default image may be missing: projects without pre-plan and post-plan do not use it. */
static int check_trusted_image(const struct config *c, struct err *e)
{
	const struct node *item = node_get(c->effective, "trusted_image");
	auto_image struct image image = {0};

	if (strcmp(c->trusted_image, CONFIG_TRUSTED_IMAGE) == 0)
		return 0;
	if (image_open(c->image_store, c->trusted_image,
		    strchr(c->trusted_image, '/') ? c->trusted_image : NULL, &image, e) == 0)
		return 0;
	return err_wrap(e, "%s:%d:%d: 'trusted_image'", item->file, item->line, item->column);
}

/* Checked for all users, although only root uses the key. */
static int check_vm_user(const struct config *c, struct err *e)
{
	struct err why = {0};
	uid_t uid;
	gid_t gid;

	if (!c->vm_user || jail_find_user(c->vm_user, &uid, &gid, &why) == 0)
		return 0;
	if (why.kind == ERR_INPUT)
		return node_err(
			node_get(c->effective, "vm_user"), NULL, e, "'vm_user': %s", why.msg);
	*e = why;
	return err_wrap(e, "vm_user");
}

/*
 * A file without certificates would be ignored, and then every server's certificate would seem to
 * be invalid.
 */
static int check_certificates(const struct node *item, struct buf *all, struct err *e)
{
	const size_t start = all->len;
	struct err why = {0};

	if (!item || !item->text)
		return 0;
	if (check_file(item, "ca_certificates", e) < 0)
		return -1;
	if (fd_read_file(item->text, all, &why) < 0)
		return node_err(item, NULL, e, "'ca_certificates': %s", why.msg);
	if (memmem(all->data + start, all->len - start, PEM, strlen(PEM)) ||
		memmem(all->data + start, all->len - start, PEM_TRUSTED, strlen(PEM_TRUSTED)))
		return 0;
	return missing(
		item, "ca_certificates", "it contains no certificate in PEM form ('" PEM "')", e);
}

/* A machine gets them as one file, so the limit is one of all. */
static int check_authorities(const struct config *c, struct err *e)
{
	auto_buf struct buf all = {0};
	const struct node *item;

	buf_init(&all, LIMIT_CERTIFICATES_BYTES);
	if (check_certificates(node_get(c->effective, "ca_certificates"), &all, e) < 0)
		return -1;
	node_each (node_get(c->effective, REGISTRIES_KEY), item)
		if (check_certificates(node_get(item, REGISTRY_AUTHORITIES), &all, e) < 0)
			return -1;
	return 0;
}

int names_check_files(const struct config *c, struct err *e)
{
	const struct node *item;

	if (check_programs(c, e) < 0 || check_vm_user(c, e) < 0 || check_trusted_image(c, e) < 0 ||
		check_authorities(c, e) < 0)
		return -1;
	node_each (node_get(c->effective, "ssh"), item)
		if (check_ssh(item, e) < 0)
			return -1;
	return 0;
}

/* ---- every file ---- */

struct visit {
	names_visitor *call;
	void *arg;
};

static int visit_program(const struct visit *v, const char *name, const char *what, struct err *e)
{
	auto_free char *found = proc_find(name);

	return found ? v->call(found, what, v->arg, e) : 0;
}

/* An argument may be a file, or an option with one: --key=FILE. */
static int visit_argument(
	const struct visit *v, const char *argument, const char *what, struct err *e)
{
	const char *equals = strchr(argument, '=');

	if (v->call(argument, what, v->arg, e) < 0)
		return -1;
	return equals ? v->call(equals + 1, what, v->arg, e) : 0;
}

static int visit_command(
	const struct visit *v, const struct node *argv, const char *what, struct err *e)
{
	auto_free char *argument_is = mem_printf("an argument of %s", what);
	const struct node *item, *first = node_child(argv, 0);

	node_each (argv, item)
		if ((item == first ? visit_program(v, node_text(item), what, e)
				   : visit_argument(v, node_text(item), argument_is, e)) < 0)
			return -1;
	return 0;
}

static int visit_table(
	const struct visit *v, const struct param *table, const struct node *map, struct err *e);

static int visit_tables(
	const struct visit *v, const struct param *table, const struct node *all, struct err *e)
{
	const struct node *map;

	node_each (all, map)
		if (visit_table(v, table, map, e) < 0)
			return -1;
	return 0;
}

static int visit_value(
	const struct visit *v, const struct param *row, const struct node *value, struct err *e)
{
	auto_free char *key = mem_printf("the file of %s", row->name);
	const char *what = row->file_is ? row->file_is : key;

	if (row->type == PARAM_PATH && node_text(value))
		return visit_program(v, node_text(value), what, e);
	if (row->is_command)
		return visit_command(v, value, what, e);
	if (row->type == PARAM_MAP)
		return visit_table(v, row->sub, value, e);
	if (row->type == PARAM_MAPS || row->type == PARAM_NAMED_MAPS)
		return visit_tables(v, row->sub, value, e);
	return 0;
}

static int visit_table(
	const struct visit *v, const struct param *table, const struct node *map, struct err *e)
{
	for (const struct param *row = table; row->name; row++) {
		const struct node *value = node_get(map, row->name);

		if (value && visit_value(v, row, value, e) < 0)
			return -1;
	}
	return 0;
}

int names_each_file(const struct config *c, names_visitor *visit, void *arg, struct err *e)
{
	return visit_table(&(struct visit){visit, arg}, config_params, c->effective, e);
}

/* ---- projects ---- */

static int check_project(
	const struct node *item, bool is_key, const struct names *names, struct err *e)
{
	for (const char *const *known = names->known; *known; known++)
		if (strcmp(*known, is_key ? item->key : item->text) == 0)
			return 0;
	return unknown(item, is_key, names, e);
}

/* Check every place that names a project. */
static int each_project(const struct config *c, const struct names *names, struct err *e)
{
	const struct node *secret, *item;

	node_each (node_get(c->effective, "secrets"), secret) {
		node_each (node_get(secret, "projects"), item)
			if (check_project(item, false, names, e) < 0)
				return -1;
	}
	node_each (node_get(c->effective, "rsync_target_map"), item)
		if (check_project(item, true, names, e) < 0)
			return -1;
	return 0;
}

static void add_names(const struct project_list *list, const char **known, size_t *n)
{
	for (size_t i = 0; list && i < list->count; i++)
		known[(*n)++] = list->items[i].name;
}

int names_check_projects(const struct config *c, const struct project_list *list,
	const struct names_elsewhere *elsewhere, struct err *e)
{
	const struct project_list *configured = elsewhere ? elsewhere->configured : NULL;
	const struct strv *stored = elsewhere ? elsewhere->stored : NULL;
	size_t most =
		list->count + (configured ? configured->count : 0) + (stored ? stored->count : 0);
	auto_free const char **known = mem_array(most + 1, sizeof(*known));
	auto_free char *file = text_safe(list->file, PATH_SHOWN_MAX);
	auto_free char *remedy = mem_printf(": it is not in %s", file);
	size_t n = 0;

	add_names(list, known, &n);
	add_names(configured, known, &n);
	for (size_t i = 0; stored && i < stored->count; i++)
		known[n++] = stored->items[i];
	return each_project(c, &(struct names){"project", known, remedy}, e);
}
