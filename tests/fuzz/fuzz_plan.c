/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans that strangers wrote, as JSON. A mapping is read as a runnable plan, as the executor does;
 * what is accepted is written and read again, to the same tree. A list is read as a user's list of
 * actions, as they come from a source tree; what is accepted and can be expanded must make a plan
 * that the executor accepts.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "data/jsonl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_refusal(const struct err *e)
{
	if (e->kind != ERR_INPUT || !*e->msg)
		BUG("a refusal of kind %d: %s", (int)e->kind, e->msg);
}

/* Our own plan, on its way through a file: the executor's reader must take it. */
static void expect_accepted(const struct plan *p)
{
	auto_node struct node *tree = plan_to_node(p), *back = NULL, *again = NULL;
	auto_plan struct plan q = {0};
	auto_buf struct buf text = {0};
	struct err e = {0};

	buf_init(&text, 16 * LIMIT_PLAN_BYTES);
	jsonl_add(&text, tree);
	if (jsonl_parse(text.data, text.len, "back", &back, &e) < 0 ||
		plan_from_node(back, actions_guest_plan, "back", &q, &e) < 0)
		BUG("our own plan is refused: %s\n%s", e.msg, text.data);
	again = plan_to_node(&q);
	if (!node_equal(back, again))
		BUG("a plan changes on its way: %s", text.data);
}

static void read_plan(const struct node *tree)
{
	auto_plan struct plan p = {0};
	struct err e = {0};

	if (plan_from_node(tree, actions_guest_plan, "plan.json", &p, &e) < 0)
		expect_refusal(&e);
	else
		expect_accepted(&p);
}

static void read_entry(const struct node *node, const struct node *settings, struct plan *p)
{
	auto_entry struct entry entry = {0};
	struct err e = {0};

	if (entry_parse(node, actions_host, IN_PRE | IN_PLAN | IN_POST, "p.yaml", &entry, &e) < 0) {
		expect_refusal(&e);
		return;
	}
	if (entry.timeout_ms < 0)
		BUG("a time limit of %lld ms", (long long)entry.timeout_ms);
	if (entry_reach(&entry, settings, &e) < 0)
		expect_refusal(&e);
	e = (struct err){0};
	if (entry_expand(&entry, settings, p, &e) < 0)
		expect_refusal(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_node struct node *tree = NULL;
	auto_node struct node *settings = node_map();
	auto_plan struct plan p = {0};
	struct err e = {0};

	if (jsonl_parse((const char *)data, size, "input", &tree, &e) < 0)
		return 0;
	if (tree->kind != NODE_LIST) {
		read_plan(tree);
		return 0;
	}
	for (size_t i = 0; i < tree->count && i < LIMIT_PLAN_STEPS; i++)
		read_entry(tree->items[i], settings, &p);
	expect_accepted(&p);
	return 0;
}
