/* SPDX-License-Identifier: Apache-2.0 */
#include "entrymake.h"

#include "contract/entry.h"
#include "data/yamlfile.h"

static const struct param jump_params[] = {
	{.name = "height", .type = PARAM_UINT, .required = true, .help = "how high"},
	{.name = "name", .type = PARAM_STRING, .help = "of the jump"},
	{0},
};

static int check_jump(const struct node *args, const char *file, struct err *e)
{
	/* Only the parameters: neither the action's name nor its time limit. */
	assert_null(node_get(args, "action"));
	assert_null(node_get(args, "timeout"));
	if (node_get_uint(args, "height", 0) > 9)
		return node_err(node_get(args, "height"), file, e, "too high");
	return 0;
}

static int expand_jump(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)entry;
	(void)settings;
	(void)out;
	(void)e;
	return 0;
}

static int run_hop(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	(void)ctx;
	(void)args;
	(void)e;
	return 0;
}

static const struct param none[] = {{0}};

static const struct action jump = {.name = "jump",
	.where = IN_PLAN | IN_POST,
	.params = jump_params,
	.check = check_jump,
	.expand = expand_jump};
static const struct action hop = {.name = "hop", .where = IN_STEP, .params = none, .run = run_hop};
static const struct action fly = {.name = "fly", .where = IN_PRE, .params = none};
static const struct action *const table[] = {&jump, &hop, &fly, NULL};

static int parse(const char *yaml, struct entry *ret, struct err *e)
{
	return parse_entry(yaml, table, IN_PLAN, ret, e);
}

static void expect_refused(const char *yaml, const char *message)
{
	struct entry entry = {0};
	struct err e = {0};

	expect_err(parse(yaml, &entry, &e), &e, ERR_INPUT, message);
}

static void test_entries_become_action_parameters_and_limit(void **state)
{
	auto_entry struct entry entry = {0};
	struct err e = {0};

	(void)state;
	expect_ok(parse("action: jump\ntimeout: 90s\nheight: 3\nname: 1.10\n", &entry, &e), &e);
	assert_ptr_equal(entry.action, &jump);
	assert_int_equal(entry.timeout_ms, 90000);
	assert_int_equal(entry.args->count, 2);
	assert_string_equal(node_get_text(entry.args, "name", ""), "1.10");
	assert_string_equal(entry.origin.action, "jump");
}

static void test_without_a_limit_there_is_none(void **state)
{
	auto_entry struct entry entry = {0};
	struct err e = {0};

	(void)state;
	expect_ok(parse("action: jump\nheight: 3\n", &entry, &e), &e);
	assert_int_equal(entry.timeout_ms, 0);
}

static void test_lists_know_the_place_of_each_entry(void **state)
{
	static const char yaml[] = "- {action: jump, height: 1}\n- {action: jump, height: 2}\n";
	static const char wrong[] = "- {action: jump, height: 1}\n- {action: fly}\n";
	auto_node struct node *nodes = NULL, *misplaced = NULL;
	auto_entry_list struct entry_list list = {0};
	struct err e = {0};

	(void)state;
	expect_ok(yamlfile_parse(yaml, strlen(yaml), "p.yaml", &nodes, &e), &e);
	expect_ok(entry_list_parse(nodes, table, SOURCE_POST_PLAN, "p.yaml", &list, &e), &e);
	assert_int_equal(list.count, 2);
	for (size_t i = 0; i < list.count; i++) {
		assert_int_equal(list.items[i].origin.source, SOURCE_POST_PLAN);
		assert_int_equal(list.items[i].origin.index, i);
		assert_ptr_equal(list.items[i].node, node_child(nodes, i));
	}
	entry_list_release(&list);
	expect_ok(yamlfile_parse(wrong, strlen(wrong), "p.yaml", &misplaced, &e), &e);
	expect_err(entry_list_parse(misplaced, table, SOURCE_PLAN, "p.yaml", &list, &e), &e,
		ERR_INPUT, "p.yaml:2:12: action 'fly' cannot stand here, only in: pre_plan");
	assert_int_equal(list.count, 0);
	e = (struct err){0};
	expect_ok(entry_list_parse(NULL, table, SOURCE_PLAN, "p.yaml", &list, &e), &e);
	assert_int_equal(list.count, 0);
}

static void test_unknown_actions_name_the_nearest_that_may_stand_there(void **state)
{
	(void)state;
	expect_refused("action: jumb\nheight: 3\n",
		"p.yaml:1:9: unknown action 'jumb', did you mean 'jump'?");
	/* hop is nearer, but only steps can be that. */
	expect_refused("action: huop\n", "p.yaml:1:9: unknown action 'huop', did you mean 'jump'?");
	/* What is like none of those may be meant for another list. */
	expect_refused("action: flie\n", "p.yaml:1:9: unknown action 'flie', did you mean 'fly'?");
	expect_refused("action: \"e\\e[31m\"\n",
		"p.yaml:1:9: unknown action 'e\\x1b[31m'; 'ambient actions' lists those that are "
		"known");
}

static void test_actions_in_the_wrong_list_say_where_they_belong(void **state)
{
	(void)state;
	expect_refused(
		"action: fly\n", "p.yaml:1:9: action 'fly' cannot stand here, only in: pre_plan");
	expect_refused("action: hop\n",
		"p.yaml:1:9: action 'hop' cannot stand here, only in: a runnable plan");
}

static void test_refuses_entries_that_are_no_actions(void **state)
{
	(void)state;
	expect_refused(
		"jump\n", "p.yaml:1:1: an action is a mapping with the key 'action', not a string");
	expect_refused("height: 3\n", "p.yaml:1:1: missing key 'action', which names the action");
	expect_refused("action: [jump]\n",
		"p.yaml:1:9: 'action' must be the name of an action, not a list");
}

static void test_parameters_are_checked_by_table_and_by_action(void **state)
{
	(void)state;
	expect_refused("action: jump\n", "p.yaml:1:1: missing key 'height'");
	expect_refused("action: jump\nheigth: 3\n",
		"p.yaml:2:1: unknown key 'heigth', did you mean 'height'?");
	expect_refused("action: jump\nheight: 10\n", "p.yaml:2:9: too high");
	expect_refused("action: jump\nheight: 1\ntimeout: soon\n",
		"p.yaml:3:10: 'timeout': 'soon' is not a duration; write for example 90s, 45m, "
		"2h or 1h30m (366 days at most)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_become_action_parameters_and_limit),
		cmocka_unit_test(test_without_a_limit_there_is_none),
		cmocka_unit_test(test_lists_know_the_place_of_each_entry),
		cmocka_unit_test(test_unknown_actions_name_the_nearest_that_may_stand_there),
		cmocka_unit_test(test_actions_in_the_wrong_list_say_where_they_belong),
		cmocka_unit_test(test_refuses_entries_that_are_no_actions),
		cmocka_unit_test(test_parameters_are_checked_by_table_and_by_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
