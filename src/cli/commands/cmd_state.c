/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "store/store.h"

static int show(const char *state, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_free char *close = NULL;
	struct say_items items = {.open = "{\n  \"projects\": {", .indent = 2};

	if (store_list(state, &names, e) < 0)
		return -1;
	close = mem_printf(
		"%s},\n  \"project_count\": %zu\n}\n", names.count ? "\n  " : "", names.count);
	items.close = close;
	strv_each (&names, name) {
		auto_node struct node *entry = store_describe_project(state, *name);

		if (say_item(&items, *name, entry, e) < 0)
			return -1;
	}
	return say_items_end(&items, e);
}

static int run(const struct call *call)
{
	auto_config struct config c = {0};
	struct err e = {0};

	if (load_config(call, NULL, &c, &e) < 0 || show(c.state, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_state = {
	.name = "state",
	.summary = "Show the stored data of each project as JSON",
	.group = GROUP_KEEP,
	.run = run,
};
