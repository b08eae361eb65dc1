/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load.h"

#include <errno.h>

#include "actions/table.h"
#include "base/mem.h"
#include "cli/say.h"

int load_config_quietly(const struct call *call, struct config *ret_config, struct err *e)
{
	return config_load(call->config_file, ret_config, e);
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
	if (project_load(option ? option : c->projects, ret_list, e) == 0)
		return 0;
	if (!option && e->sys == ENOENT)
		return err_wrap(e, "there is no projects file (docs/format-projects.md shows one)");
	return -1;
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
