/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load.h"

#include <errno.h>
#include <sys/stat.h>

#include "actions/delivery/delivery.h"
#include "actions/table.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/hint.h"
#include "cli/say.h"
#include "settings/names.h"
#include "settings/registries.h"
#include "store/store.h"

/* First of all, because other messages quote these options. */
static int check_options(const struct config_options *o, struct err *e)
{
	if (o->rsync_target && delivery_check_password("--rsync-target", o->rsync_target, e) < 0)
		return -1;
	return o->dput_target ? delivery_check_password("--dput-target", o->dput_target, e) : 0;
}

int load_config_quietly(const struct call *call, const struct config_options *options,
	struct config *ret_config, struct err *e)
{
	if ((options && check_options(options, e) < 0) ||
		config_load(&call->config_files, options, ret_config, e) < 0)
		return -1;
	if (names_check_actions(ret_config, actions_host, e) == 0 &&
		delivery_check_config(ret_config->effective, NULL, &ret_config->warnings, e) == 0 &&
		names_check_targets(ret_config, e) == 0 &&
		registries_resolve(ret_config, actions_ecosystems, e) == 0)
		return 0;
	config_release(ret_config);
	return -1;
}

int load_config(const struct call *call, const struct config_options *options,
	struct config *ret_config, struct err *e)
{
	if (load_config_quietly(call, options, ret_config, e) < 0)
		return -1;
	say_warnings(&ret_config->warnings);
	return 0;
}

/*
 * A configuration may serve several projects files, of which --projects names one. A name that is
 * in none of the known files may be in another one, so this is only a warning. Projects that have
 * run have state.
 */
static void warn_of_unknown(const struct config *c, const struct project_list *list)
{
	auto_project_list struct project_list configured = {0};
	auto_strv struct strv stored = {0};
	const struct names_elsewhere elsewhere = {&configured, &stored};
	struct err unread = {0}, unlisted = {0}, why = {0};

	err_ignore(project_load(c->projects, &configured, &unread));
	err_ignore(store_list(c->state, &stored, &unlisted));
	if (names_check_projects(c, list, &elsewhere, &why) < 0)
		say_warning(why.msg);
}

int load_projects_quietly(
	const struct config *c, const char *option, struct project_list *ret_list, struct err *e)
{
	hint_set_projects(option);
	if (project_load(option ? option : c->projects, ret_list, e) == 0) {
		project_place_sources(ret_list, c->state);
		if (option || names_check_projects(c, ret_list, NULL, e) == 0)
			return 0;
		project_list_release(ret_list);
		return -1;
	}
	if (!option && e->sys == ENOENT)
		return err_wrap(
			e, "there is no projects file ('ambient help projects.yaml' shows one)");
	return -1;
}

int load_projects(
	const struct config *c, const char *option, struct project_list *ret_list, struct err *e)
{
	if (load_projects_quietly(c, option, ret_list, e) < 0)
		return -1;
	if (option)
		warn_of_unknown(c, ret_list);
	return 0;
}

int load_check_names(const struct config *c, struct err *e)
{
	auto_project_list struct project_list list = {0};
	struct err unread = {0};

	/* An error of the projects file is reported by the code that needs the projects. */
	if (project_load(c->projects, &list, &unread) == 0 &&
		names_check_projects(c, &list, NULL, e) < 0)
		return -1;
	return names_check_files(c, e);
}

/* `hint` stands in the place of the nearest name, if there is none. */
static int unknown_project(
	const char *name, const struct strv *known, const char *hint, struct err *e)
{
	auto_free char *shown = text_safe(name, LIMIT_NAME_BYTES);
	const char *nearest =
		known->count ? text_nearest(name, (const char *const *)known->items) : NULL;
	auto_free char *near = nearest ? text_safe(nearest, LIMIT_NAME_BYTES) : NULL;

	if (!near)
		return err_set(e, ERR_INPUT, "unknown project '%s'%s", shown, hint);
	return err_set(e, ERR_INPUT, "unknown project '%s', did you mean '%s'?", shown, near);
}

/* Where a name is known from. */
struct known {
	struct strv names;
	bool listed; /* a projects file is among it, so that a command lists its projects */
};

static void known_release(struct known *k)
{
	strv_release(&k->names);
}
#define auto_known __attribute__((cleanup(known_release)))

/* An error of the state is reported by the code that reads it. */
static int list_known(
	const struct config *c, const struct project_list *list, struct known *ret_known)
{
	auto_project_list struct project_list own = {0};
	struct err unread = {0}, ignored = {0};

	if (!list && project_load(c->projects, &own, &unread) == 0)
		list = &own;
	if (store_list(c->state, &ret_known->names, &ignored) < 0)
		return -1;
	for (size_t i = 0; list && i < list->count; i++)
		strv_push(&ret_known->names, list->items[i].name);
	ret_known->listed = list && list->count;
	return 0;
}

int load_check_project(
	const struct config *c, const struct project_list *list, const char *name, struct err *e)
{
	auto_known struct known known = {0};

	if (list_known(c, list, &known) < 0 || strv_has(&known.names, name))
		return 0;
	return unknown_project(name, &known.names, known.listed ? PROJECT_LIST_HINT : "", e);
}

int load_check_new_project(const struct config *c, const char *name, struct err *e)
{
	auto_known struct known known = {0};

	if (list_known(c, NULL, &known) < 0 || known.names.count == 0 ||
		strv_has(&known.names, name))
		return 0;
	return unknown_project(name, &known.names, "", e);
}

void load_restrict_modes(const struct config *c)
{
	(void)umask(umask(077) | (0777 & ~c->state_mode));
}

struct run_context load_context(const struct config *c)
{
	return (struct run_context){
		.config = c, .actions = actions_host, .action_env = actions_env};
}
