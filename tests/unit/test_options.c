/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "cli/command.h"
#include "cli/options.h"

struct settings {
	bool force;
	bool quiet;
	const char *log;
	const char *text;
	struct strv env;
	int mode;
	uint64_t cpus;
	uint64_t memory;
	const char *target;
	bool uefi;
};

static const char *const modes[] = {"rw", "ro", "none", NULL};
static const char *const target_aliases[] = {"rsync", "target", NULL};

static const struct option table[] = {
	{.name = "force",
		.letter = 'f',
		.type = OPTION_FLAG,
		.offset = offsetof(struct settings, force),
		.help = "do it"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		.offset = offsetof(struct settings, quiet),
		.help = "say nothing"},
	{.name = "log",
		.letter = 'l',
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct settings, log),
		.help = "write it there"},
	{.name = "text",
		.argument = "TEXT",
		.type = OPTION_STRING,
		.offset = offsetof(struct settings, text),
		.help = "any text"},
	{.name = "env",
		.argument = "NAME=VALUE",
		.type = OPTION_LIST,
		.offset = offsetof(struct settings, env),
		.help = "a variable"},
	{.name = "cache",
		.argument = "MODE",
		.type = OPTION_ENUM,
		.choices = modes,
		.offset = offsetof(struct settings, mode),
		.help = "a mode"},
	{.name = "cpus",
		.argument = "N",
		.type = OPTION_COUNT,
		.max = 8,
		.offset = offsetof(struct settings, cpus),
		.help = "how many"},
	{.name = "memory",
		.argument = "SIZE",
		.type = OPTION_SIZE,
		.min = 1 << 20,
		.max = 1 << 30,
		.offset = offsetof(struct settings, memory),
		.help = "how much"},
	{.name = "rsync-target",
		.aliases = target_aliases,
		.argument = "T",
		.type = OPTION_STRING,
		.offset = offsetof(struct settings, target),
		.help = "where to"},
	{.name = "uefi",
		.type = OPTION_FLAG,
		.offset = offsetof(struct settings, uefi),
		.help = "firmware"},
	{0},
};

struct common {
	const char *config;
};

static const struct option common_table[] = {
	{.name = "config",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct common, config),
		.help = "settings"},
	{0},
};

struct fixture {
	struct settings s;
	struct common common;
	struct options o;
	struct err e;
};

/* Parse a command line, which NULL ends. */
static int parse(struct fixture *f, ...)
{
	struct strv line = {0};
	const char *word;
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->o = (struct options){.table = table,
		.settings = &f->s,
		.common = common_table,
		.common_settings = &f->common};
	va_start(ap, f);
	while ((word = va_arg(ap, const char *)))
		strv_push_owned(&line, (char *)(uintptr_t)word);
	va_end(ap);
	word = NULL;
	{
		int r = options_parse(&f->o, line.items, line.count, &f->e);

		free(line.items); /* the words are constants, and settings point to them */
		return r;
	}
}

#define PARSE(f, ...) parse(f, ##__VA_ARGS__, (const char *)NULL)

static void test_options_and_operands_mix(void **state)
{
	struct fixture f;

	(void)state;
	expect_ok(
		PARSE(&f, "one", "--force", "two", "--log", "a.log", "--config=c", "three"), &f.e);
	assert_true(f.s.force);
	assert_false(f.s.quiet);
	assert_string_equal(f.s.log, "a.log");
	assert_string_equal(f.common.config, "c");
	assert_int_equal(f.o.operands.count, 3);
	assert_string_equal(f.o.operands.items[1], "two");
	options_release(&f.o);
}

static void test_behind_two_dashes_everything_is_an_operand(void **state)
{
	struct fixture f;

	(void)state;
	expect_ok(PARSE(&f, "-", "--", "--force", "-q", "--"), &f.e);
	assert_false(f.s.force);
	assert_int_equal(f.o.operands.count, 4);
	assert_string_equal(f.o.operands.items[0], "-");
	assert_string_equal(f.o.operands.items[3], "--");
	options_release(&f.o);
}

static void test_letters_stand_together_and_take_values(void **state)
{
	struct fixture f;

	(void)state;
	expect_ok(PARSE(&f, "-fqlx.log"), &f.e);
	assert_true(f.s.force && f.s.quiet);
	assert_string_equal(f.s.log, "x.log");
	expect_ok(PARSE(&f, "-l", "y.log"), &f.e);
	assert_string_equal(f.s.log, "y.log");
	expect_err(PARSE(&f, "-fz"), &f.e, ERR_INPUT, "unknown option '-z'");
}

static void test_the_last_value_counts_but_lists_collect(void **state)
{
	struct fixture f;

	(void)state;
	expect_ok(PARSE(&f, "--log=a", "--env", "A=1", "--log=b", "--env=B=2=3"), &f.e);
	assert_string_equal(f.s.log, "b");
	assert_int_equal(f.s.env.count, 2);
	assert_string_equal(f.s.env.items[1], "B=2=3");
	options_release(&f.o);
	assert_int_equal(f.s.env.count, 0);
}

static void test_values_are_typed(void **state)
{
	struct fixture f;

	(void)state;
	expect_ok(PARSE(&f, "--cache=none", "--cpus", "4", "--memory", "1 GiB"), &f.e);
	assert_int_equal(f.s.mode, 2);
	assert_int_equal(f.s.cpus, 4);
	assert_true(f.s.memory == (uint64_t)1 << 30);
	expect_ok(PARSE(&f, "--text="), &f.e);
	assert_string_equal(f.s.text, "");
	expect_err(PARSE(&f, "--cache", "wr"), &f.e, ERR_INPUT,
		"option '--cache': 'wr' is none of rw, ro, none");
	expect_err(
		PARSE(&f, "--cpus=9"), &f.e, ERR_INPUT, "option '--cpus' must be at most 8, not 9");
	expect_err(PARSE(&f, "--cpus=0"), &f.e, ERR_INPUT,
		"option '--cpus' must be at least 1, not 0");
	expect_err(PARSE(&f, "--cpus=two"), &f.e, ERR_INPUT,
		"option '--cpus': 'two' is not a whole number");
	expect_err(PARSE(&f, "--log="), &f.e, ERR_INPUT, "option '--log': the FILE is empty");
	expect_err(PARSE(&f, "--force=yes"), &f.e, ERR_INPUT, "option '--force' takes no value");
}

static void test_sizes_have_a_range(void **state)
{
	struct fixture f;

	(void)state;
	expect_err(PARSE(&f, "--memory=1K"), &f.e, ERR_INPUT,
		"option '--memory' must be at least 1.0 MiB, not 1000 B");
	expect_err(PARSE(&f, "--memory=2GiB"), &f.e, ERR_INPUT,
		"option '--memory' must be at most 1.0 GiB, not 2.0 GiB");
}

/* JSON has no other bytes: replaced ones would be another value. */
static void test_text_is_utf8_and_file_names_are_bytes(void **state)
{
	struct fixture f;

	(void)state;
	expect_err(PARSE(&f, "--text=a\xff\n"), &f.e, ERR_INPUT,
		"option '--text': 'a\\xff\\n' is not valid UTF-8");
	expect_err(PARSE(&f, "--env", "A=\xed\xa0\x80"), &f.e, ERR_INPUT,
		"option '--env': 'A=\\xed\\xa0\\x80' is not valid UTF-8");
	expect_ok(PARSE(&f, "--env", "A=\x1b\n\xe2\x80\xae"), &f.e);
	assert_string_equal(f.s.env.items[0], "A=\x1b\n\xe2\x80\xae");
	strv_release(&f.s.env);
	expect_ok(PARSE(&f, "--log", "a\xff"), &f.e);
	assert_string_equal(f.s.log, "a\xff");
}

static void test_unknown_options_name_the_nearest(void **state)
{
	struct fixture f;

	(void)state;
	expect_err(PARSE(&f, "--quite"), &f.e, ERR_INPUT,
		"unknown option '--quite', did you mean '--quiet'?");
	expect_err(PARSE(&f, "--conifg=x"), &f.e, ERR_INPUT,
		"unknown option '--conifg', did you mean '--config'?");
	expect_err(PARSE(&f, "--rsyncc"), &f.e, ERR_INPUT,
		"unknown option '--rsyncc', did you mean '--rsync'?");
	expect_err(PARSE(&f, "--xyzzyx"), &f.e, ERR_INPUT, "unknown option '--xyzzyx'");
	expect_err(PARSE(&f, "--a\033[2J"), &f.e, ERR_INPUT, "unknown option '--a\\x1b[2J'");
	/* No abbreviations. */
	expect_err(PARSE(&f, "--forc"), &f.e, ERR_INPUT,
		"unknown option '--forc', did you mean '--force'?");
}

static void test_a_forgotten_value_does_not_swallow_the_next_option(void **state)
{
	struct fixture f;

	(void)state;
	expect_err(PARSE(&f, "--log"), &f.e, ERR_INPUT, "option '--log' needs a FILE");
	expect_err(PARSE(&f, "--log", "--force"), &f.e, ERR_INPUT,
		"option '--log' needs a FILE, but '--force' follows");
	assert_true(f.s.force);
	/* What is no option of ours can be a value. */
	expect_ok(PARSE(&f, "--text", "--", "--text", "-x"), &f.e);
	assert_string_equal(f.s.text, "-x");
}

static void test_aliases_are_the_same_option(void **state)
{
	struct fixture f;

	(void)state;
	expect_ok(PARSE(&f, "--rsync", "a"), &f.e);
	assert_string_equal(f.s.target, "a");
	expect_ok(PARSE(&f, "--target=b"), &f.e);
	assert_string_equal(f.s.target, "b");
}

static void test_behind_a_mistake_the_rest_is_read(void **state)
{
	struct fixture f;

	(void)state;
	expect_err(PARSE(&f, "--nonsense", "--cpus=0", "--log", "r.json"), &f.e, ERR_INPUT,
		"unknown option '--nonsense'");
	assert_string_equal(f.s.log, "r.json");
}

static void test_common_options_end_at_the_command(void **state)
{
	char w1[] = "--config", w2[] = "c", w3[] = "run", w4[] = "--force";
	char *line[] = {w1, w2, w3, w4};
	struct common common = {0};
	struct options o = {.common = common_table, .common_settings = &common};
	struct err e = {0};
	size_t used = 0;

	(void)state;
	expect_ok(options_parse_common(&o, line, 4, &used, &e), &e);
	assert_int_equal(used, 2);
	assert_string_equal(common.config, "c");
	expect_err(options_parse_common(&o, line + 3, 1, &used, &e), &e, ERR_INPUT,
		"unknown option '--force'");
}

static void test_help_is_made_from_the_rows(void **state)
{
	static const struct option rows[] = {
		{.name = "output",
			.letter = 'o',
			.argument = "FILE",
			.type = OPTION_PATH,
			.help = "one two three four five six seven"},
		{.name = "rsync-target-of-all",
			.aliases = target_aliases,
			.argument = "TARGET",
			.type = OPTION_STRING,
			.help = "where"},
		{.name = "secret", .type = OPTION_FLAG, .help = "hidden", .hidden = true},
		{0},
	};
	auto_buf struct buf b = {0};

	(void)state;
	buf_init(&b, 4096);
	options_add_help(&b, rows, 50);
	assert_string_equal(b.data,
		"  -o, --output FILE         one two three four\n"
		"                            five six seven\n"
		"      --rsync-target-of-all TARGET\n"
		"                            where; also --rsync,\n"
		"                            --target\n");
}

static const struct command *const commands[] = {&cmd_run, &cmd_qemu, &cmd_projects, &cmd_plan,
	&cmd_actions, &cmd_config, &cmd_image, &cmd_state, &cmd_log, &cmd_help, NULL};

static void check_rows(const struct command *c)
{
	for (const struct option *o = c->options; o && o->name; o++) {
		assert_true(strlen(o->help) > 5);
		assert_true(o->help[strlen(o->help) - 1] != '.');
		assert_int_equal(o->type == OPTION_FLAG, o->argument == NULL);
		assert_int_equal(o->type == OPTION_ENUM, o->choices != NULL);
		assert_true(o->type != OPTION_COUNT || o->max != 0);
		assert_true(o->type == OPTION_COUNT || o->type == OPTION_SIZE || o->max == 0);
		assert_true(o->offset < c->settings_size);
		for (const struct option *other = c->options; other != o; other++) {
			assert_string_not_equal(other->name, o->name);
			assert_true(o->letter == 0 || other->letter != o->letter);
		}
		for (const struct option *common = command_common_options; common->name; common++) {
			assert_string_not_equal(common->name, o->name);
			assert_true(o->letter == 0 || common->letter != o->letter);
		}
	}
}

static void test_every_row_of_every_command_is_whole(void **state)
{
	(void)state;
	for (const struct command *const *c = commands; *c; c++) {
		assert_true(strlen((*c)->summary) > 5);
		check_rows(*c);
	}
}

static void test_the_help_of_the_program_names_every_command(void **state)
{
	auto_buf struct buf b = {0};

	(void)state;
	buf_init(&b, 1 << 16);
	command_add_help(&b, commands);
	for (const struct command *const *c = commands; *c; c++) {
		auto_free char *line = mem_printf("  %-10s %s\n", (*c)->name, (*c)->summary);

		assert_non_null(strstr(b.data, line));
	}
}

static void test_unknown_commands_name_the_nearest(void **state)
{
	const struct command *found;
	struct err e = {0}, far = {0};

	(void)state;
	expect_ok(command_get(commands, "run", &found, &e), &e);
	assert_ptr_equal(found, &cmd_run);
	expect_err(command_get(commands, "projcets", &found, &e), &e, ERR_INPUT,
		"unknown command 'projcets', did you mean 'projects'?");
	expect_err(command_get(commands, "x\x1byzzy", &found, &far), &far, ERR_INPUT,
		"unknown command 'x\\x1byzzy'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_and_operands_mix),
		cmocka_unit_test(test_behind_two_dashes_everything_is_an_operand),
		cmocka_unit_test(test_letters_stand_together_and_take_values),
		cmocka_unit_test(test_the_last_value_counts_but_lists_collect),
		cmocka_unit_test(test_values_are_typed),
		cmocka_unit_test(test_sizes_have_a_range),
		cmocka_unit_test(test_text_is_utf8_and_file_names_are_bytes),
		cmocka_unit_test(test_unknown_options_name_the_nearest),
		cmocka_unit_test(test_a_forgotten_value_does_not_swallow_the_next_option),
		cmocka_unit_test(test_aliases_are_the_same_option),
		cmocka_unit_test(test_behind_a_mistake_the_rest_is_read),
		cmocka_unit_test(test_common_options_end_at_the_command),
		cmocka_unit_test(test_help_is_made_from_the_rows),
		cmocka_unit_test(test_every_row_of_every_command_is_whole),
		cmocka_unit_test(test_the_help_of_the_program_names_every_command),
		cmocka_unit_test(test_unknown_commands_name_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
