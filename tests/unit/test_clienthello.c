/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/clienthello.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "expect.h"

/* ---- messages ---- */

static void add_number(struct buf *b, uint32_t n, size_t width)
{
	while (width-- > 0)
		buf_addc(b, (char)(n >> (8 * width)));
}

static void add_counted(struct buf *b, const struct buf *part, size_t width)
{
	add_number(b, (uint32_t)part->len, width);
	buf_add(b, part->data, part->len);
}

/* The content of the extension server_name with one name. */
static void add_names(struct buf *b, unsigned type, const char *name, size_t len)
{
	auto_buf struct buf list = {0};

	buf_init(&list, 4096);
	add_number(&list, type, 1);
	add_number(&list, (uint32_t)len, 2);
	buf_add(&list, name, len);
	add_counted(b, &list, 2);
}

static void add_extension(struct buf *b, unsigned type, const struct buf *content)
{
	add_number(b, type, 2);
	add_counted(b, content, 2);
}

/* A message with these extensions; NULL: it has no place for any. */
static void add_message(struct buf *b, const struct buf *extensions)
{
	static const char random[32], suites[] = {0x13, 0x01}, compressions[] = {0};
	auto_buf struct buf hello = {0};

	buf_init(&hello, 64 * 1024);
	add_number(&hello, 0x0303, 2);
	buf_add(&hello, random, sizeof(random));
	add_number(&hello, sizeof(random), 1);
	buf_add(&hello, random, sizeof(random));
	add_number(&hello, sizeof(suites), 2);
	buf_add(&hello, suites, sizeof(suites));
	add_number(&hello, sizeof(compressions), 1);
	buf_add(&hello, compressions, sizeof(compressions));
	if (extensions)
		add_counted(&hello, extensions, 2);
	add_number(b, 1, 1);
	add_counted(b, &hello, 3);
}

/* `message` in records of at most `max` bytes. */
static void add_records(struct buf *b, const struct buf *message, size_t max)
{
	for (size_t at = 0; at < message->len; at += max) {
		size_t len = message->len - at < max ? message->len - at : max;

		add_number(b, 22, 1);
		add_number(b, 0x0301, 2);
		add_number(b, (uint32_t)len, 2);
		buf_add(b, message->data + at, len);
	}
}

struct made {
	struct buf extensions, message, records;
};

static void made_init(struct made *m)
{
	buf_init(&m->extensions, 64 * 1024);
	buf_init(&m->message, 64 * 1024);
	buf_init(&m->records, 128 * 1024);
}

static void made_release(struct made *m)
{
	buf_release(&m->extensions);
	buf_release(&m->message);
	buf_release(&m->records);
}
#define auto_made __attribute__((cleanup(made_release)))

static void made_name(struct made *m, unsigned type, const char *name, size_t len)
{
	auto_buf struct buf names = {0};

	buf_init(&names, 4096);
	add_names(&names, type, name, len);
	add_extension(&m->extensions, 0, &names);
}

static void made_other(struct made *m, unsigned type, size_t len)
{
	auto_buf struct buf content = {0};

	buf_init(&content, 64 * 1024);
	for (size_t i = 0; i < len; i++)
		buf_addc(&content, 'x');
	add_extension(&m->extensions, type, &content);
}

static void made_end(struct made *m, size_t record_max)
{
	add_message(&m->message, &m->extensions);
	add_records(&m->records, &m->message, record_max);
}

static void expect_read(const struct made *m, enum clienthello_verdict verdict)
{
	char name[CLIENTHELLO_NAME_MAX + 1];

	assert_int_equal(clienthello_read(m->records.data, m->records.len, name), verdict);
}

/* ---- tests ---- */

static void test_the_name_is_read_in_records_of_any_size(void **state)
{
	(void)state;
	for (size_t max = 1; max < 600; max = max * 3 + 1) {
		auto_made struct made m;
		char name[CLIENTHELLO_NAME_MAX + 1] = "";

		made_init(&m);
		made_other(&m, 0x0a0a, 0);
		made_name(&m, 0, "files.example", 13);
		made_other(&m, 51, 1216);
		made_end(&m, max);
		assert_int_equal(
			clienthello_read(m.records.data, m.records.len, name), CLIENTHELLO_WHOLE);
		assert_string_equal(name, "files.example");
	}
}

static void test_a_part_of_a_message_asks_for_more(void **state)
{
	auto_made struct made m;
	char name[CLIENTHELLO_NAME_MAX + 1];

	(void)state;
	made_init(&m);
	made_name(&m, 0, "files.example", 13);
	made_end(&m, 50);
	for (size_t len = 0; len < m.records.len; len++)
		assert_int_equal(clienthello_read(m.records.data, len, name), CLIENTHELLO_MORE);
	/* What follows is not looked at. */
	buf_adds(&m.records, "anything");
	expect_read(&m, CLIENTHELLO_WHOLE);
}

static void test_a_message_without_a_name(void **state)
{
	auto_made struct made none, other;

	(void)state;
	made_init(&none);
	add_message(&none.message, NULL);
	add_records(&none.records, &none.message, 16384);
	expect_read(&none, CLIENTHELLO_NO_NAME);
	made_init(&other);
	made_other(&other, 10, 4);
	made_end(&other, 16384);
	expect_read(&other, CLIENTHELLO_NO_NAME);
}

static void test_names_that_can_be_read_in_two_ways(void **state)
{
	static const struct {
		unsigned type;
		const char *name;
		size_t len;
	} names[] = {{0, "", 0}, {0, "a.example\0.evil", 15}, {1, "a.example", 9}};
	auto_made struct made twice, list;
	auto_buf struct buf names_of_two = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_made struct made m;

		made_init(&m);
		made_name(&m, names[i].type, names[i].name, names[i].len);
		made_end(&m, 16384);
		expect_read(&m, CLIENTHELLO_OTHER);
	}
	made_init(&twice);
	made_name(&twice, 0, "a.example", 9);
	made_name(&twice, 0, "b.example", 9);
	made_end(&twice, 16384);
	expect_read(&twice, CLIENTHELLO_OTHER);
	/* Two names in one list: the second takes the room of the first one's list. */
	made_init(&list);
	buf_init(&names_of_two, 4096);
	add_number(&names_of_two, 8, 2);
	for (int i = 0; i < 2; i++) {
		add_number(&names_of_two, 0, 1);
		add_number(&names_of_two, 1, 2);
		buf_addc(&names_of_two, (char)('a' + i));
	}
	add_extension(&list.extensions, 0, &names_of_two);
	made_end(&list, 16384);
	expect_read(&list, CLIENTHELLO_OTHER);
}

static void test_lengths_that_lie(void **state)
{
	auto_made struct made m;
	size_t at = 5 + 4 + 2 + 32; /* of the session's length */

	(void)state;
	made_init(&m);
	made_name(&m, 0, "files.example", 13);
	made_end(&m, 16384);
	m.records.data[at] = (char)0xff;
	expect_read(&m, CLIENTHELLO_OTHER);
	m.records.data[at] = 31;
	expect_read(&m, CLIENTHELLO_OTHER);
}

static void test_what_is_no_hello(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} others[] = {
		{"GET / HTTP/1.1\r\n\r\n", 18}, {"SSH-2.0-x\r\n", 11},
		{"\x80\x2e\x01\x03\x01", 5},                 /* SSLv2 */
		{"\x16\x02\x01\x00\x05\x01", 6},             /* another major version */
		{"\x16\x03\x01\x00\x00\x01", 6},             /* an empty record */
		{"\x16\x03\x01\x40\x01\x01", 6},             /* a record beyond the limit */
		{"\x16\x03\x01\x00\x05\x02", 6},             /* a ServerHello */
		{"\x15\x03\x01\x00\x02\x01\x00", 7},         /* an alert */
		{"\x16\x03\x01\x00\x05\x01\xff\xff\xff", 9}, /* a message of 16 MiB */
	};
	char name[CLIENTHELLO_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(
			clienthello_read(others[i].data, others[i].len, name), CLIENTHELLO_OTHER);
}

static void test_the_longest_message(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		auto_made struct made m;
		size_t rest;

		made_init(&m);
		made_name(&m, 0, "a.example", 9);
		rest = CLIENTHELLO_MAX - (2 + 32 + 33 + 4 + 2 + 2) - m.extensions.len - 4;
		made_other(&m, 21, rest + more);
		made_end(&m, 16384);
		expect_read(&m, more ? CLIENTHELLO_OTHER : CLIENTHELLO_WHOLE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_name_is_read_in_records_of_any_size),
		cmocka_unit_test(test_a_part_of_a_message_asks_for_more),
		cmocka_unit_test(test_a_message_without_a_name),
		cmocka_unit_test(test_names_that_can_be_read_in_two_ways),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_what_is_no_hello),
		cmocka_unit_test(test_the_longest_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
