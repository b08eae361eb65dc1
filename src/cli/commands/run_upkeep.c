/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/run_upkeep.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "cli/say.h"
#include "run/planner.h"
#include "settings/image.h"
#include "upkeep/updates.h"
#include "upkeep/usage.h"

static void add(struct run_upkeep *u, const char *image)
{
	if (!strv_has(&u->images, image))
		strv_push(&u->images, image);
}

static const char *image_of(const struct config *c, const struct project *p, const char *machine)
{
	const char *own = p->image_path ? p->image_path : p->image;

	if (strcmp(machine, planner_machine_name(RUN_PLAN)) == 0)
		return own;
	if (strcmp(machine, planner_machine_name(RUN_FETCH)) != 0)
		return c->trusted_image;
	if (p->fetch_image_path)
		return p->fetch_image_path;
	return p->fetch_image ? p->fetch_image : own;
}

void run_upkeep_note(struct run_upkeep *u, const struct config *c, const struct project *p,
	const struct node *result)
{
	const struct node *vm;

	node_each (node_get(result, "vms"), vm)
		add(u, image_of(c, p, node_get_text(vm, "kind", "")));
}

void run_upkeep_release(struct run_upkeep *u)
{
	strv_release(&u->images);
}

static void warn_of_usage(const struct config *c)
{
	const struct usage_request request = {
		.state = c->state, .store = c->image_store, .remembered = true, .remember = true};
	auto_free char *line = NULL;
	struct usage usage;
	struct err why = {0};
	uint64_t used;

	if (usage_measure(&request, &usage, &why) < 0) {
		(void)err_wrap(&why, "disk_budget");
		say_warning(why.msg);
		return;
	}
	used = usage_total(&usage);
	if (used <= c->disk_budget)
		return;
	line = mem_printf(
		"%s of disk space are used, more than disk_budget (%s); 'ambient gc' makes room",
		num_show_size_beside(used, c->disk_budget).s,
		num_show_size_beside(c->disk_budget, used).s);
	say_warning(line);
}

/* An image that is gone meanwhile is no reason for a warning, nor is a signal. */
static void warn_of_updates(const struct config *c, const char *name)
{
	auto_image struct image image = {0};
	auto_updates struct updates u = {0};
	auto_free char *line = NULL;
	struct err ignored = {0};

	if (image_open(c->image_store, name, strchr(name, '/') ? name : NULL, &image, &ignored) <
			0 ||
		updates_recall(c->state, &image, &u, &ignored) < 0 || !u.newer)
		return;
	line = updates_message(&image, &u);
	say_warning(line);
}

void run_upkeep_warn(const struct run_upkeep *u, const struct config *c)
{
	strv_each (&u->images, image)
		warn_of_updates(c, *image);
	if (c->disk_budget)
		warn_of_usage(c);
}
