/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the layers of a container image make together. A layer is text: "d DIR", "f FILE",
 * "l LINK TARGET", "h LINK TARGET", "c DEVICE", one line each. The tree is shown as the names of
 * each entry that is left: "1.0 usr usr-other" is the first entry of the second layer.
 */
#include "tests/unit/expect.h"

#include <string.h>

#include "archive/layertree.h"
#include "base/clock.h"

enum { MOST = 1000 };

static enum tar_type type_of(char letter)
{
	switch (letter) {
	case 'd':
		return TAR_DIR;
	case 'l':
		return TAR_SYMLINK;
	case 'h':
		return TAR_HARDLINK;
	case 'c':
		return TAR_CHAR_DEVICE;
	default:
		return TAR_FILE;
	}
}

static int add_line(struct layertree *t, const char *line, struct err *e)
{
	auto_free char *text = mem_strdup(line + 2);
	char *space = strchr(text, ' ');
	struct foreign_entry f = {.entry = {.type = type_of(line[0]), .path = text, .link = ""}};

	if (space) {
		*space = '\0';
		f.entry.link = space + 1;
	}
	return layertree_add(t, &f, e);
}

static int add_layer(struct layertree *t, const char *layer, struct err *e)
{
	auto_free char *copy = mem_strdup(layer);
	char *rest = copy, *line;

	layertree_begin(t);
	while ((line = strsep(&rest, "\n")))
		if (*line && add_line(t, line, e) < 0)
			return -1;
	return 0;
}

static int add_layers(struct layertree *t, const char *const *layers, struct err *e)
{
	for (size_t i = 0; layers[i]; i++)
		if (add_layer(t, layers[i], e) < 0)
			return -1;
	return 0;
}

static int show_implied(void *arg, const struct layertree_name *name, struct err *e)
{
	(void)e;
	buf_adds(arg, "- ");
	layertree_path(name, arg);
	buf_addc(arg, '\n');
	return 0;
}

static void show_file(const struct layertree *t, size_t layer, size_t number, struct buf *b)
{
	const struct layertree_file *file = layertree_file(t, layer, number);

	if (!file || !file->names)
		return;
	buf_addf(b, "%zu.%zu", layer, number);
	for (const struct layertree_name *n = file->names; n; n = n->other) {
		buf_addc(b, ' ');
		layertree_path(n, b);
	}
	buf_addc(b, '\n');
}

static void show(const struct layertree *t, struct buf *b)
{
	struct err e = {0};

	expect_ok(layertree_each_implied(t, show_implied, b, &e), &e);
	for (size_t i = 0; i < t->layer_count; i++)
		for (size_t k = 0; k < t->layers[i].count; k++)
			show_file(t, i, k, b);
}

static void expect_tree(const char *const *layers, const char *wanted)
{
	auto_layertree struct layertree t;
	auto_buf struct buf shown = {0};
	struct err e = {0};

	layertree_init(&t, MOST);
	buf_init(&shown, 1 << 16);
	expect_ok(add_layers(&t, layers, &e), &e);
	show(&t, &shown);
	assert_string_equal(shown.data, wanted);
}

static void expect_refused(const char *const *layers, const char *message)
{
	auto_layertree struct layertree t;
	struct err e = {0};

	layertree_init(&t, MOST);
	expect_err(add_layers(&t, layers, &e), &e, ERR_INPUT, message);
}

#define LAYERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_later_entries_replace_earlier_ones(void **state)
{
	(void)state;
	expect_tree(LAYERS("d a\nf a/x\nf a/y"), "0.0 a\n0.1 a/x\n0.2 a/y\n");
	expect_tree(LAYERS("d a\nf a/x\nf a/y", "f a/x"), "0.0 a\n0.2 a/y\n1.0 a/x\n");
	expect_tree(LAYERS("d a\nf a/x", "d a"), "0.1 a/x\n1.0 a\n");
	expect_tree(LAYERS("f a", "d a\nf a/x"), "1.0 a\n1.1 a/x\n");
	expect_tree(LAYERS("d a\nf a/x", "f a"), "1.0 a\n");
	expect_tree(LAYERS("f a\nf a"), "0.1 a\n");
	expect_tree(LAYERS("f a", "c a"), "1.0 a\n");
}

static void test_names_in_all_their_forms(void **state)
{
	(void)state;
	expect_tree(LAYERS("d ./\nd ./a/\nf ./a//x", "f /a/./x"), "0.1 a\n1.0 a/x\n");
	expect_tree(LAYERS("f a/b/c"), "- a\n- a/b\n0.0 a/b/c\n");
	expect_tree(LAYERS("f a/b\nd a"), "0.0 a/b\n0.1 a\n");
	expect_tree(LAYERS("f a\xff\n"), "0.0 a\xff\n");
}

static void test_whiteouts_remove_what_lower_layers_have(void **state)
{
	(void)state;
	expect_tree(LAYERS("d a\nf a/x\nf a/y", "f a/.wh.x"), "0.0 a\n0.2 a/y\n");
	expect_tree(LAYERS("d a\nf a/x", "f .wh.a"), "");
	expect_tree(LAYERS("f a", "f .wh.a\nf a"), "1.1 a\n");
	expect_tree(LAYERS("f a", "f a\nf .wh.a"), "1.0 a\n");
	expect_tree(LAYERS("f a", "f .wh.nothing\nf b/.wh.c"), "0.0 a\n");
	expect_tree(LAYERS("d a\nf a/x", "f a/n\nf .wh.a"), "- a\n1.0 a/n\n");
	expect_tree(LAYERS("f a/b/x", "f .wh.a\nf a/b/y\nf .wh.a\nf a/b/.wh.y\nf a/.wh.b"),
		"- a\n- a/b\n1.1 a/b/y\n");
	expect_tree(LAYERS("f a/x", "f a/y\nf .wh.a", "f z\nf .wh.a"), "2.0 z\n");
	/* A link is removed, not what it leads to. */
	expect_tree(LAYERS("f a\nl b a", "f .wh.b"), "0.0 a\n");
}

static void test_an_opaque_directory_has_what_its_layer_puts_there(void **state)
{
	(void)state;
	expect_tree(LAYERS("d a\nf a/x\nd a/s\nf a/s/y", "d a\nf a/.wh..wh..opq\nf a/n"),
		"1.0 a\n1.2 a/n\n");
	expect_tree(LAYERS("d a\nf a/x\nd a/s\nf a/s/y", "f a/n\nf a/s/m\nf a/.wh..wh..opq"),
		"- a/s\n0.0 a\n1.0 a/n\n1.1 a/s/m\n");
	expect_tree(LAYERS("f a\nf b", "f .wh..wh..opq\nf c"), "1.1 c\n");
	expect_tree(LAYERS("f a", "f .wh..wh.plnk\nf .wh..wh.aufs"), "0.0 a\n");
}

static void test_links_in_a_path_are_followed_inside_the_tree(void **state)
{
	(void)state;
	expect_tree(LAYERS("d usr\nd usr/lib\nl lib usr/lib", "f lib/x"),
		"0.0 usr\n0.1 usr/lib\n0.2 lib\n1.0 usr/lib/x\n");
	expect_tree(LAYERS("l etc /data/etc", "f etc/x"),
		"- data\n- data/etc\n0.0 etc\n1.0 "
		"data/etc/x\n");
	expect_tree(LAYERS("l up ../../..", "f up/x"), "0.0 up\n1.0 x\n");
	expect_tree(LAYERS("d d\nl d/up ..\nl d/both up/d", "f d/both/x"),
		"0.0 d\n0.1 d/up\n0.2 d/both\n1.0 d/x\n");
	/* The last component is not followed. */
	expect_tree(LAYERS("d a\nl b a", "d b\nf b/x"), "0.0 a\n1.0 b\n1.1 b/x\n");
	expect_tree(LAYERS("d a\nf a/x\nl b a", "f b/.wh.x"), "0.0 a\n0.2 b\n");
}

static void test_hard_links_keep_the_file_that_they_were_made_of(void **state)
{
	(void)state;
	expect_tree(LAYERS("f a\nh b a\nh c b"), "0.0 a b c\n");
	expect_tree(LAYERS("f a\nh b a\nh c a\nh d a", "f .wh.b"), "0.0 a c d\n");
	expect_tree(LAYERS("f a\nh b a", "f .wh.b\nh c a\nf .wh.a\nh d c"), "0.0 c d\n");
	expect_tree(LAYERS("f a\nh b a", "f a"), "0.0 b\n1.0 a\n");
	expect_tree(LAYERS("f a", "h b a"), "0.0 a b\n");
	expect_tree(LAYERS("f a", "h b a\nf .wh.a"), "0.0 b\n");
	expect_tree(LAYERS("f a\nh a a"), "0.0 a\n");
	expect_tree(LAYERS("l a x\nh b a", "f b/f"), "- x\n0.0 a b\n1.0 x/f\n");
	expect_tree(LAYERS("f a\nf b\nh b a"), "0.0 a b\n");
	expect_tree(LAYERS("d d\nf d/a\nl e d\nh x e/a"), "0.0 d\n0.1 d/a x\n0.2 e\n");
}

static void test_refuses_what_makes_no_tree(void **state)
{
	auto_buf struct buf deep = {0};
	auto_free char *shown = NULL;

	(void)state;
	expect_refused(LAYERS("f ../a"), "entry '../a': the path has a component '..'");
	expect_refused(LAYERS("f a/../b"), "entry 'a/../b': the path has a component '..'");
	expect_refused(LAYERS("f /"), "entry '/': its path is empty");
	expect_refused(LAYERS("f a", "f a/b"),
		"entry 'a/b': it is below 'a', which is not a "
		"directory");
	expect_refused(LAYERS("f .wh."), "entry '.wh.': it is a whiteout without a name");
	expect_refused(LAYERS("f .wh..."), "entry '.wh...': it is a whiteout without a name");
	expect_refused(LAYERS("f .wh.."), "entry '.wh..': it is a whiteout without a name");
	expect_refused(LAYERS("h a b"),
		"entry 'a': it is a hard link to 'b', which is not in this "
		"or a lower layer");
	expect_refused(
		LAYERS("d b\nh a b"), "entry 'a': it is a hard link to 'b', which is a directory");
	expect_refused(LAYERS("f a\nd b\nh b a"),
		"entry 'b': it is a hard link in the place of a directory");
	expect_refused(LAYERS("l a b\nl b a\nf a/x"),
		"entry 'a/x': the path leads through more than 40 symbolic links");
	expect_refused(LAYERS("l a"), "entry 'a': it is a link whose target has 0 bytes");
	buf_init(&deep, LIMIT_TAR_PATH);
	buf_adds(&deep, "f ");
	for (int i = 0; i < LIMIT_TAR_DEPTH + 1; i++)
		buf_adds(&deep, "a/");
	shown = mem_printf("entry '%s': it is more than 128 levels deep, or its path has more than "
			   "4096 bytes",
		deep.data + 2);
	expect_refused(LAYERS(deep.data), shown);
}

/* A whiteout is no name. */
static void test_names_are_as_long_as_the_kernel_has_them(void **state)
{
	auto_free char *most = mem_printf("%0255d", 7), *longer = mem_printf("%0256d", 7);
	auto_free char *fits = mem_printf("f %s\nf .wh.%s", most, most);
	auto_free char *last = mem_printf("f a/%s", longer), *first = mem_printf("f %s/a", longer);
	auto_free char *led = mem_printf("l b %s\nf b/x", longer);
	auto_free char *why_last =
		mem_printf("entry 'a/%s': the name '%s' has more than 255 bytes", longer, longer);
	auto_free char *why_first =
		mem_printf("entry '%s/a': the name '%s' has more than 255 bytes", longer, longer);
	auto_free char *why_led =
		mem_printf("entry 'b/x': the name '%s' has more than 255 bytes", longer);
	auto_free char *wanted = mem_printf("0.0 %s\n", most);

	(void)state;
	expect_tree(LAYERS(fits), wanted);
	expect_refused(LAYERS(last), why_last);
	expect_refused(LAYERS(first), why_first);
	expect_refused(LAYERS(led), why_led);
}

static void test_entries_are_limited(void **state)
{
	auto_layertree struct layertree t;
	struct err e = {0};

	(void)state;
	layertree_init(&t, MOST);
	layertree_begin(&t);
	expect_ok(add_line(&t, "d d", &e), &e);
	for (int i = 1; i < MOST; i++) {
		auto_free char *line = mem_printf("f d/%d", i);

		expect_ok(add_line(&t, line, &e), &e);
	}
	expect_err(add_line(&t, "f d/1", &e), &e, ERR_INPUT,
		"entry 'd/1': the layers have more than 1000 entries");
}

static void test_directories_without_an_entry_are_limited_too(void **state)
{
	auto_layertree struct layertree t;
	struct err e = {0};
	int result = 0;

	(void)state;
	layertree_init(&t, MOST);
	layertree_begin(&t);
	for (int i = 0; result == 0 && i <= MOST; i++) {
		auto_free char *line = mem_printf("f d%d/x", i);

		result = add_line(&t, line, &e);
	}
	expect_err(result, &e, ERR_INPUT, "entry 'd500/x': the layers have more than 1000 entries");
}

/* As many layers as there can be, each with a whiteout of everything below it. */
static void test_many_opaque_layers(void **state)
{
	auto_layertree struct layertree t;
	auto_buf struct buf shown = {0};
	struct err e = {0};

	(void)state;
	layertree_init(&t, 100000);
	buf_init(&shown, 1 << 16);
	for (int i = 0; i < 128; i++)
		expect_ok(
			add_layer(&t,
				"f a/.wh..wh..opq\nf a/b/c/d\nf a/.wh..wh..opq\nf a/b/.wh..wh..opq",
				&e),
			&e);
	show(&t, &shown);
	assert_string_equal(shown.data, "- a\n- a/b\n- a/b/c\n127.1 a/b/c/d\n");
}

/* message: NULL if it fits. */
static void expect_need(const char *layer, const struct layertree_need *need, const char *message)
{
	auto_layertree struct layertree t;
	struct err e = {0};

	layertree_init(&t, MOST);
	expect_ok(add_layer(&t, layer, &e), &e);
	if (message)
		expect_err(layertree_check(&t, need, &e), &e, ERR_INPUT, message);
	else
		expect_ok(layertree_check(&t, need, &e), &e);
}

#define NEEDS_DIR "; a machine needs a directory there, or nothing"

static void test_a_path_is_what_a_machine_needs(void **state)
{
	static const struct layertree_need none = {"d", LAYERTREE_LINK_NONE, false},
					   inside = {"d", LAYERTREE_LINK_INSIDE, false},
					   there = {"d", LAYERTREE_LINK_THERE, false},
					   any = {"d", LAYERTREE_LINK_ANY, false},
					   below = {"l/m", LAYERTREE_LINK_NONE, false},
					   file = {"f", LAYERTREE_LINK_ANY, true};

	(void)state;
	expect_need("f x", &none, NULL);
	expect_need("d d", &none, NULL);
	expect_need("f d/x", &none, NULL);
	expect_need("f d", &none, "/d is a file" NEEDS_DIR);
	expect_need("c d", &any, "/d is a device" NEEDS_DIR);
	expect_need("d x\nl d x", &none,
		"/d is a symbolic link to 'x', which is a directory" NEEDS_DIR);
	expect_need("d x\nl d x", &inside, NULL);
	expect_need("d x\nl d /x", &inside,
		"/d is a symbolic link to '/x', which is a directory" NEEDS_DIR);
	expect_need("d x\nl d ../x", &inside,
		"/d is a symbolic link to '../x', which is a directory" NEEDS_DIR);
	expect_need(
		"l d x", &inside, "/d is a symbolic link to 'x', which leads to nothing" NEEDS_DIR);
	expect_need("d x\nl d ../x", &there, NULL);
	expect_need("d x\nl y x\nl d /y/.", &there, NULL);
	expect_need("f x/f\nl d x/f/..", &there,
		"/d is a symbolic link to 'x/f/..', which leads to nothing" NEEDS_DIR);
	expect_need("l x d\nl d x", &there,
		"/d is a symbolic link to 'x', which leads to nothing" NEEDS_DIR);
	expect_need("l d x", &any, NULL);
	expect_need("f x\nl d x", &any, "/d is a symbolic link to 'x', which is a file" NEEDS_DIR);
	expect_need("d u/m\nl l u", &below, NULL);
	expect_need("f u/m\nl l u", &below, "/l/m is a file" NEEDS_DIR);
	expect_need("f l", &below, NULL);
	expect_need("f f", &file, NULL);
	expect_need("f x\nl f x", &file, NULL);
	expect_need("d f", &file, "/f is a directory; a machine needs a file there, or nothing");
	expect_need("f f/x", &file, "/f is a directory; a machine needs a file there, or nothing");
}

enum { MANY = 150000, MANY_MS = 90 * 1000 };

/* Formats with a number; names of a file are taken away in another order than they were given. */
static void add_many(struct layertree *t, const char *before, const char *after, int step)
{
	for (int i = 0; i < MANY; i++) {
		auto_free char *line =
			mem_printf("%s%d%s", before, (int)((int64_t)i * step % MANY), after);
		struct err e = {0};

		expect_ok(add_line(t, line, &e), &e);
	}
}

/*
 * All of it takes less than a second, and longer with sanitizers. If all were looked at each time,
 * it would take minutes.
 */
static void test_time_grows_with_the_number_of_entries_only(void **state)
{
	auto_layertree struct layertree t;
	struct err e = {0};
	int64_t begin = clock_ms();

	(void)state;
	layertree_init(&t, 10 * MANY);
	layertree_begin(&t);
	expect_ok(add_line(&t, "f a", &e), &e);
	add_many(&t, "h l", " a", 1);
	add_many(&t, "f d/s/", "", 1);
	for (int i = 0; i < MANY; i++) {
		expect_ok(add_line(&t, "f .wh.d", &e), &e);
		expect_ok(add_line(&t, "f d/.wh.s", &e), &e);
	}
	layertree_begin(&t);
	add_many(&t, "f .wh.l", "", 7);
	assert_true(clock_ms() - begin < MANY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later_entries_replace_earlier_ones),
		cmocka_unit_test(test_names_in_all_their_forms),
		cmocka_unit_test(test_whiteouts_remove_what_lower_layers_have),
		cmocka_unit_test(test_an_opaque_directory_has_what_its_layer_puts_there),
		cmocka_unit_test(test_links_in_a_path_are_followed_inside_the_tree),
		cmocka_unit_test(test_hard_links_keep_the_file_that_they_were_made_of),
		cmocka_unit_test(test_refuses_what_makes_no_tree),
		cmocka_unit_test(test_names_are_as_long_as_the_kernel_has_them),
		cmocka_unit_test(test_entries_are_limited),
		cmocka_unit_test(test_directories_without_an_entry_are_limited_too),
		cmocka_unit_test(test_many_opaque_layers),
		cmocka_unit_test(test_a_path_is_what_a_machine_needs),
		cmocka_unit_test(test_time_grows_with_the_number_of_entries_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
