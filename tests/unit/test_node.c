/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "data/limits.h"
#include "data/node.h"

static void test_set_keeps_order_and_replaces_in_place(void **state)
{
	auto_node struct node *map = node_map();

	(void)state;
	node_set_string(map, "a", "1");
	node_set_int(map, "b", -2);
	node_set_bool(map, "c", true);
	node_set_uint(map, "a", UINT64_MAX);
	assert_int_equal(map->count, 3);
	assert_string_equal(map->items[0]->key, "a");
	assert_string_equal(map->items[0]->text, "18446744073709551615");
	assert_false(map->items[0]->quoted);
	assert_string_equal(map->items[1]->text, "-2");
	assert_string_equal(map->items[2]->text, "true");
}

static void test_remove_leaves_the_others_in_order(void **state)
{
	auto_node struct node *map = node_map();

	(void)state;
	node_set_string(map, "a", "1");
	node_set_string(map, "b", "2");
	node_set_string(map, "c", "3");
	node_remove(map, "b");
	node_remove(map, "nothing");
	assert_int_equal(map->count, 2);
	assert_string_equal(map->items[0]->key, "a");
	assert_string_equal(map->items[1]->key, "c");
	node_set_string(map, "d", "4");
	node_set_string(map, "e", "5");
	assert_string_equal(node_get_text(map, "e", NULL), "5");
	node_remove(map, "a");
	node_remove(map, "c");
	node_remove(map, "d");
	node_remove(map, "e");
	assert_int_equal(map->count, 0);
	node_set_string(map, "f", "6");
	assert_string_equal(node_get_text(map, "f", NULL), "6");
}

static void test_get_takes_null_for_absent(void **state)
{
	auto_node struct node *map = node_map();
	auto_node struct node *list = node_list();

	(void)state;
	node_set_string(map, "nothing", NULL);
	assert_int_equal(map->items[0]->kind, NODE_NULL);
	assert_null(node_get(map, "nothing"));
	assert_null(node_get(map, "absent"));
	assert_null(node_get(NULL, "absent"));
	assert_null(node_get(list, "absent"));
	assert_string_equal(node_get_text(map, "absent", "fallback"), "fallback");
	assert_null(node_text(list));
	assert_null(node_text(NULL));
}

static void test_numbers_are_whole_and_in_range(void **state)
{
	static const char *const not_int[] = {"", "-", "+1", " 1", "1 ", "0x10", "1.0", "1e3",
		"9223372036854775808", "-9223372036854775809", "one"};
	auto_node struct node *map = node_map();

	(void)state;
	node_set(map, "n", node_plain("-9223372036854775808"));
	assert_int_equal(node_get_int(map, "n", 7), INT64_MIN);
	assert_int_equal(node_get_uint(map, "n", 7), 7);
	node_set(map, "n", node_string("18446744073709551615"));
	assert_true(node_get_uint(map, "n", 7) == UINT64_MAX);
	assert_int_equal(node_get_int(map, "n", 7), 7);
	node_set(map, "n", node_plain("18446744073709551616"));
	assert_int_equal(node_get_uint(map, "n", 7), 7);
	for (size_t i = 0; i < ARRAY_SIZE(not_int); i++) {
		node_set(map, "n", node_plain(not_int[i]));
		assert_int_equal(node_get_int(map, "n", 7), 7);
	}
}

static void test_only_true_and_false_are_bools(void **state)
{
	static const char *const not_bool[] = {"yes", "no", "on", "1", "0", "tRUE", ""};
	auto_node struct node *map = node_map();

	(void)state;
	node_set(map, "b", node_plain("TRUE"));
	assert_true(node_get_bool(map, "b", false));
	node_set(map, "b", node_string("False"));
	assert_false(node_get_bool(map, "b", true));
	for (size_t i = 0; i < ARRAY_SIZE(not_bool); i++) {
		node_set(map, "b", node_plain(not_bool[i]));
		assert_true(node_get_bool(map, "b", true));
		assert_false(node_get_bool(map, "b", false));
	}
}

static void test_each_visits_children_in_order_and_accepts_null(void **state)
{
	auto_node struct node *list = node_list();
	const struct node *item;
	const struct node *none = NULL;
	auto_buf struct buf seen;

	(void)state;
	buf_init(&seen, 8);
	for (const char *const *s = (const char *const[]){"a", "b", "c", "d", "e", NULL}; *s; s++)
		node_add_string(list, *s);
	node_each (list, item)
		buf_adds(&seen, item->text);
	assert_string_equal(seen.data, "abcde");
	node_each (none, item)
		fail_msg("a child of nothing");
}

static void test_to_strv_takes_scalars_only(void **state)
{
	auto_node struct node *list = node_list();
	auto_strv struct strv v = {0}, back = {0};

	(void)state;
	strv_push(&v, "x");
	strv_push(&v, "");
	node_add_strv(list, &v);
	node_add(list, node_int(3));
	node_add(list, node_null());
	node_add_string(node_set_list(node_add_map(list), "deeper"), "y");
	node_to_strv(list, &back);
	assert_int_equal(back.count, 3);
	assert_string_equal(back.items[0], "x");
	assert_string_equal(back.items[1], "");
	assert_string_equal(back.items[2], "3");
}

static struct node *sample(void)
{
	struct node *map = node_map();
	struct node *list = node_set_list(map, "list");

	node_set_string(node_set_map(map, "map"), "key", "value");
	node_add_string(list, "x");
	node_set_bool(node_add_map(list), "deep", false);
	return map;
}

static void test_copy_is_equal_and_independent(void **state)
{
	auto_node struct node *one = sample();
	auto_node struct node *copy = NULL;

	(void)state;
	one->items[0]->key_line = 4;
	one->items[0]->line = 5;
	one->items[0]->column = 6;
	copy = node_copy(one);
	assert_true(node_equal(one, copy));
	assert_int_equal(copy->items[0]->key_line, 4);
	assert_int_equal(copy->items[0]->line, 5);
	assert_int_equal(copy->items[0]->column, 6);
	node_set_string(node_get(copy, "map"), "key", "other");
	assert_false(node_equal(one, copy));
	assert_string_equal(node_get_text(node_get(one, "map"), "key", NULL), "value");
}

static void test_equal_sees_kind_quotes_keys_and_order(void **state)
{
	auto_node struct node *text = node_string("1"), *plain = node_plain("1");
	auto_node struct node *list = node_list(), *map = node_map(), *other = node_map();

	(void)state;
	assert_false(node_equal(text, plain));
	assert_false(node_equal(list, map));
	node_set_string(map, "a", "1");
	node_set_string(map, "b", "2");
	node_set_string(other, "b", "2");
	assert_false(node_equal(map, other));
	node_set_string(other, "a", "1");
	assert_false(node_equal(map, other));
}

static void test_measure_counts_depth_values_and_text(void **state)
{
	auto_node struct node *one = sample();
	struct node_size size = node_measure(one);

	(void)state;
	assert_int_equal(size.depth, 4);
	assert_int_equal(size.count, 7);
	/* list, map, key, value, x, deep, false */
	assert_int_equal(size.bytes, 4 + 3 + 3 + 5 + 1 + 4 + 5);
}

static void test_size_fits_up_to_each_limit(void **state)
{
	struct node_size most = {LIMIT_NODE_DEPTH, LIMIT_NODE_COUNT, LIMIT_NODE_BYTES};
	struct node_size deep = most, many = most, long_ = most;

	(void)state;
	deep.depth++;
	many.count++;
	long_.bytes++;
	assert_true(node_size_fits(&most));
	assert_false(node_size_fits(&deep));
	assert_false(node_size_fits(&many));
	assert_false(node_size_fits(&long_));
}

static void test_repeated_key_is_the_first_second_one(void **state)
{
	static const char *const keys[] = {"z", "a", "m", "q", "m", "a", "z"};
	auto_node struct node *map = node_map();

	(void)state;
	assert_null(node_repeated_key(map));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		node_append(map, keys[i], node_null());
		if (i < 4)
			assert_null(node_repeated_key(map));
	}
	assert_ptr_equal(node_repeated_key(map), map->items[4]);
}

static void test_messages_carry_the_place_that_is_known(void **state)
{
	struct node n = {.kind = NODE_NULL, .line = 3, .column = 9, .key_line = 3, .key_column = 5};
	struct node made = {.kind = NODE_NULL};
	struct err e = {0};

	(void)state;
	expect_err(node_err(&n, "f.yaml", &e, "bad %d", 1), &e, ERR_INPUT, "f.yaml:3:9: bad 1");
	e = (struct err){0};
	expect_err(node_key_err(&n, "f.yaml", &e, "bad"), &e, ERR_INPUT, "f.yaml:3:5: bad");
	e = (struct err){0};
	expect_err(node_err(&made, "f.yaml", &e, "bad"), &e, ERR_INPUT, "f.yaml: bad");
	e = (struct err){0};
	expect_err(node_err(&n, NULL, &e, "bad"), &e, ERR_INPUT, "bad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_keeps_order_and_replaces_in_place),
		cmocka_unit_test(test_remove_leaves_the_others_in_order),
		cmocka_unit_test(test_get_takes_null_for_absent),
		cmocka_unit_test(test_numbers_are_whole_and_in_range),
		cmocka_unit_test(test_only_true_and_false_are_bools),
		cmocka_unit_test(test_each_visits_children_in_order_and_accepts_null),
		cmocka_unit_test(test_to_strv_takes_scalars_only),
		cmocka_unit_test(test_copy_is_equal_and_independent),
		cmocka_unit_test(test_equal_sees_kind_quotes_keys_and_order),
		cmocka_unit_test(test_measure_counts_depth_values_and_text),
		cmocka_unit_test(test_size_fits_up_to_each_limit),
		cmocka_unit_test(test_repeated_key_is_the_first_second_one),
		cmocka_unit_test(test_messages_carry_the_place_that_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
