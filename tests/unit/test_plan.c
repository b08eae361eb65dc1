/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "contract/action.h"
#include "contract/plan.h"
#include "data/jsonl.h"

/* ---- a table of our own: the plan knows no actions ---- */

static const struct param jump_params[] = {
	{.name = "height", .type = PARAM_UINT, .required = true, .help = "how high"},
	{0},
};

static int check_jump(const struct node *args, const char *file, struct err *e)
{
	if (node_get_uint(args, "height", 0) > 9)
		return node_err(node_get(args, "height"), file, e, "too high");
	return 0;
}

static int run_jump(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	(void)ctx;
	(void)args;
	(void)e;
	return 0;
}

static const struct action jump = {.name = "jump",
	.where = IN_STEP,
	.params = jump_params,
	.check = check_jump,
	.run = run_jump};
static const struct action leap = {.name = "leap", .where = IN_PLAN, .params = jump_params};
static const struct action *const table[] = {&jump, &leap, NULL};

#define ORIGIN "\"origin\":{\"source\":\"plan\",\"index\":4,\"action\":\"leap\"}"
#define STEP(height) "{\"action\":\"jump\",\"args\":{\"height\":" height "}," ORIGIN "}"
#define PLAN(steps) "{\"format\":1,\"source\":\"plan\",\"env\":[],\"steps\":[" steps "]}"

static int parse(const char *json, struct plan *ret, struct err *e)
{
	auto_node struct node *tree = NULL;

	expect_ok(jsonl_parse(json, strlen(json), "plan.json", &tree, e), e);
	return plan_from_node(tree, table, "plan.json", ret, e);
}

static void expect_refused(const char *json, const char *message)
{
	auto_plan struct plan p = {0};
	struct err e = {0};

	expect_err(parse(json, &p, &e), &e, ERR_INPUT, message);
}

static void test_a_plan_survives_the_way_through_json(void **state)
{
	static const char json[] =
		"{\"format\":1,\"source\":\"post_plan\",\"timeout_ms\":7200000,"
		"\"env\":[\"HOME=/root\",\"EMPTY=\"],\"steps\":["
		"{\"action\":\"jump\",\"args\":{\"height\":3},\"timeout_ms\":90000,\"always\":"
		"true," ORIGIN "},{\"action\":\"jump\",\"args\":{\"height\":0},"
		"\"origin\":{\"source\":\"epilog\",\"index\":0,\"action\":\"jump\"}}]}";
	auto_plan struct plan p = {0};
	auto_node struct node *tree = NULL;
	auto_buf struct buf again = {0};
	struct err e = {0};

	(void)state;
	expect_ok(parse(json, &p, &e), &e);
	assert_int_equal(p.source, SOURCE_POST_PLAN);
	assert_int_equal(p.timeout_ms, 7200000);
	assert_int_equal(p.count, 2);
	assert_string_equal(p.env.items[1], "EMPTY=");
	assert_string_equal(p.steps[0].action, "jump");
	assert_int_equal(p.steps[0].timeout_ms, 90000);
	assert_true(p.steps[0].always);
	assert_int_equal(p.steps[0].origin.index, 4);
	assert_string_equal(p.steps[0].origin.action, "leap");
	assert_int_equal(p.steps[1].origin.source, SOURCE_EPILOG);
	assert_false(p.steps[1].always);
	tree = plan_to_node(&p);
	buf_init(&again, 4096);
	jsonl_add(&again, tree);
	assert_string_equal(again.data, json);
}

static void test_a_step_without_a_word_of_the_user_has_its_own(void **state)
{
	const struct origin origin = {.source = SOURCE_PRELUDE};
	auto_plan struct plan p = {0};

	(void)state;
	(void)plan_add(&p, "jump", node_map(), &origin);
	assert_string_equal(p.steps[0].origin.action, "jump");
}

static void test_sources_have_names(void **state)
{
	static const char *const names[SOURCES] = {
		"prelude", "mirror", "pre_plan", "fetch", "plan", "post_plan", "epilog"};

	(void)state;
	for (int i = 0; i < SOURCES; i++)
		assert_string_equal(plan_source_name((enum plan_source)i), names[i]);
}

static void test_refuses_another_format(void **state)
{
	(void)state;
	expect_refused("{\"format\":2,\"source\":\"plan\",\"steps\":[]}",
		"plan.json: 'format' must be 1, not 2");
	expect_refused("{\"source\":\"plan\",\"steps\":[]}", "plan.json: missing key 'format'");
	expect_refused("[]", "plan.json: a mapping is needed here, not a list");
}

static void test_refuses_steps_that_are_none(void **state)
{
	(void)state;
	expect_refused(PLAN("{\"action\":\"fly\",\"args\":{}," ORIGIN "}"),
		"plan.json: there is no step 'fly' in this executor (step 0)");
	expect_refused(PLAN(STEP("1") ",{\"action\":\"leap\",\"args\":{\"height\":1}," ORIGIN "}"),
		"plan.json: there is no step 'leap' in this executor (step 1)");
	expect_refused(PLAN("{\"action\":\"jump\",\"args\":[]," ORIGIN "}"),
		"plan.json: 'args' must be a mapping, not a list (step 0)");
	expect_refused(PLAN("{\"action\":\"jump\",\"args\":{\"height\":1}}"),
		"plan.json: missing key 'origin'");
}

static void test_refuses_wrong_arguments(void **state)
{
	(void)state;
	expect_refused(PLAN(STEP("1") "," STEP("10")), "plan.json: too high (step 1)");
	expect_refused(PLAN("{\"action\":\"jump\",\"args\":{}," ORIGIN "}"),
		"plan.json: missing key 'height' (step 0)");
}

static void test_refuses_an_environment_without_names(void **state)
{
	(void)state;
	expect_refused("{\"format\":1,\"source\":\"plan\",\"env\":[\"HOME\"],\"steps\":[]}",
		"plan.json: an item of 'env' is not NAME=value");
	expect_refused("{\"format\":1,\"source\":\"plan\",\"env\":[\"=x\"],\"steps\":[]}",
		"plan.json: an item of 'env' is not NAME=value");
}

static void test_refuses_time_limits_that_cannot_be_added_to_a_clock(void **state)
{
	(void)state;
	expect_refused("{\"format\":1,\"source\":\"plan\",\"timeout_ms\":9223372036854775807,"
		       "\"steps\":[]}",
		"plan.json: 'timeout_ms' must be at most 316224000000, not 9223372036854775807");
}

static void test_refuses_too_many_steps(void **state)
{
	auto_buf struct buf json = {0};

	(void)state;
	buf_init(&json, 1 << 20);
	buf_adds(&json, "{\"format\":1,\"source\":\"plan\",\"steps\":[" STEP("1"));
	for (int i = 0; i < LIMIT_PLAN_STEPS; i++)
		buf_adds(&json, "," STEP("1"));
	buf_adds(&json, "]}");
	assert_false(json.overflow);
	expect_refused(json.data, "plan.json: 1001 steps, the limit is 1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plan_survives_the_way_through_json),
		cmocka_unit_test(test_a_step_without_a_word_of_the_user_has_its_own),
		cmocka_unit_test(test_sources_have_names),
		cmocka_unit_test(test_refuses_another_format),
		cmocka_unit_test(test_refuses_steps_that_are_none),
		cmocka_unit_test(test_refuses_wrong_arguments),
		cmocka_unit_test(test_refuses_an_environment_without_names),
		cmocka_unit_test(test_refuses_time_limits_that_cannot_be_added_to_a_clock),
		cmocka_unit_test(test_refuses_too_many_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
