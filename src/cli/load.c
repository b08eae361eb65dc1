/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load.h"

#include <errno.h>
#include <sys/stat.h>

#include "actions/table.h"
#include "base/mem.h"
#include "cli/say.h"
#include "host/names.h"

int load_config_quietly(const struct call *call, struct config *ret_config, struct err *e)
{
	if (config_load(call->config_file, ret_config, e) < 0)
		return -1;
	if (names_check_actions(ret_config, actions_host, e) == 0)
		return 0;
	config_release(ret_config);
	return -1;
}

int load_config(const struct call *call, struct config *ret_config, struct err *e)
{
	if (load_config_quietly(call, ret_config, e) < 0)
		return -1;
	say_warnings(&ret_config->warnings);
	return 0;
}

int load_projects(
	const struct config *c, const char *option, struct project_list *ret_list, struct err *e)
{
	if (project_load(option ? option : c->projects, ret_list, e) == 0) {
		if (option || names_check_projects(c, ret_list, e) == 0)
			return 0;
		project_list_release(ret_list);
		return -1;
	}
	if (!option && e->sys == ENOENT)
		return err_wrap(
			e, "there is no projects file ('man 5 ambient-projects' shows one)");
	return -1;
}

void load_restrict_modes(const struct config *c)
{
	(void)umask(umask(077) | (0777 & ~c->state_mode));
}

void load_override(char **setting, const char *value)
{
	if (!value)
		return;
	free(*setting);
	*setting = mem_strdup(value);
}

struct run_context load_context(const struct config *c)
{
	return (struct run_context){
		.config = c, .actions = actions_host, .action_env = actions_env};
}
