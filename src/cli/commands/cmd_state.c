/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "data/jsonl.h"
#include "store/store.h"
#include "upkeep/usage.h"

/* The sum, and its parts; with an error in their place if they cannot be measured. */
static struct node *describe_disk(const struct config *c)
{
	const struct usage_request request = {
		.state = c->state, .store = c->image_store, .remembered = true};
	struct node *disk = node_map();
	struct usage usage;
	struct err why = {0};

	if (usage_measure(&request, &usage, &why) < 0) {
		node_set_string(disk, "error", why.msg);
		return disk;
	}
	node_set_uint(disk, "used", usage_total(&usage));
	node_set(disk, "budget", c->disk_budget ? node_uint(c->disk_budget) : node_null());
	for (int kind = 0; kind < USAGE_KINDS; kind++)
		node_set_uint(disk, usage_name(kind), usage.bytes[kind]);
	return disk;
}

static int show(const struct config *c, struct err *e)
{
	const char *state = c->state;
	auto_strv struct strv names = {0};
	auto_free char *close = NULL;
	auto_node struct node *disk = describe_disk(c);
	auto_buf struct buf shown = {0};
	struct say_items items = {.open = "{\n  \"projects\": {", .indent = 2};

	if (store_list(state, &names, e) < 0)
		return -1;
	buf_init(&shown, JSONL_MOST_PRETTY);
	jsonl_add_indented(&shown, disk, 1);
	close = mem_printf("%s},\n  \"project_count\": %zu,\n  \"disk\": %s\n}\n",
		names.count ? "\n  " : "", names.count, shown.data);
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

	if (load_config(call, NULL, &c, &e) < 0 || show(&c, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_state = {
	.name = "state",
	.summary = "Show the stored data of each project, and the disk space used, as JSON",
	.group = GROUP_KEEP,
	.run = run,
};
