/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of SFTP, with a server that is a file: its answers are written before they are asked for, and the
 * requests end in another file, to be compared byte for byte. Requests are numbered from 1 on.
 */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/sshwire.h"
#include "transfer/limits.h"
#include "transfer/sftp.h"

enum {
	REGULAR = 0100644,
	DIRECTORY = 0040755,
	STALL_MS = 60000,
	SHORT_MS = 100,
	MAX = 16 * 1024 * 1024
};
enum { VERSION = 2, STATUS = 101, HANDLE = 102, DATA = 103, NAME = 104, ATTRS = 105 };

struct server {
	struct buf answers;
	int in, out;
	struct sftp s;
};

/* ---- what it answers ---- */

static size_t begin(struct server *v, uint8_t type)
{
	size_t start = v->answers.len;

	sshwire_put_u32(&v->answers, 0);
	buf_addc(&v->answers, (char)type);
	return start;
}

static void end(struct server *v, size_t start)
{
	size_t len = v->answers.len - start - 4;

	v->answers.data[start + 2] = (char)(len >> 8);
	v->answers.data[start + 3] = (char)len;
	v->answers.data[start + 1] = (char)(len >> 16);
}

static void greets(struct server *v, uint32_t version, const char *extension)
{
	size_t start = begin(v, VERSION);

	sshwire_put_u32(&v->answers, version);
	if (extension) {
		sshwire_put_text(&v->answers, extension);
		sshwire_put_text(&v->answers, "1");
	}
	end(v, start);
}

static void says_status(struct server *v, uint32_t id, uint32_t code)
{
	size_t start = begin(v, STATUS);

	sshwire_put_u32(&v->answers, id);
	sshwire_put_u32(&v->answers, code);
	sshwire_put_text(&v->answers, "because");
	sshwire_put_text(&v->answers, "");
	end(v, start);
}

static void says_text(struct server *v, uint8_t type, uint32_t id, const char *text, size_t len)
{
	size_t start = begin(v, type);

	sshwire_put_u32(&v->answers, id);
	sshwire_put_string(&v->answers, text, len);
	end(v, start);
}

static void put_attributes(struct buf *b, uint64_t size, uint32_t mode)
{
	sshwire_put_u32(b, 0x8000000fU);
	sshwire_put_u64(b, size);
	sshwire_put_u32(b, 1000);
	sshwire_put_u32(b, 1000);
	sshwire_put_u32(b, mode);
	sshwire_put_u32(b, 1);
	sshwire_put_u32(b, 2);
	sshwire_put_u32(b, 1);
	sshwire_put_text(b, "more@example");
	sshwire_put_text(b, "x");
}

static void says_attributes(struct server *v, uint32_t id, uint64_t size, uint32_t mode)
{
	size_t start = begin(v, ATTRS);

	sshwire_put_u32(&v->answers, id);
	put_attributes(&v->answers, size, mode);
	end(v, start);
}

static void says_names(struct server *v, uint32_t id, const char *const *names, uint32_t count)
{
	size_t start = begin(v, NAME);

	sshwire_put_u32(&v->answers, id);
	sshwire_put_u32(&v->answers, count);
	for (uint32_t i = 0; i < count; i++) {
		sshwire_put_text(&v->answers, names[i]);
		sshwire_put_text(&v->answers, "drwxr-xr-x");
		put_attributes(&v->answers, 5, names[i][0] == 'd' ? DIRECTORY : REGULAR);
	}
	end(v, start);
}

/* ---- the session ---- */

static void prepare(struct server *v)
{
	*v = (struct server){.in = -1, .out = -1};
	buf_init(&v->answers, MAX);
}

/* After all that it is to say was written. */
static int start(struct server *v)
{
	v->in = memfd_create("answers", MFD_CLOEXEC);
	v->out = memfd_create("requests", MFD_CLOEXEC);
	assert_true(v->in >= 0 && v->out >= 0);
	assert_int_equal(fd_write_all(v->in, v->answers.data, v->answers.len), 0);
	assert_int_equal(lseek(v->in, 0, SEEK_SET), 0);
	return sftp_begin(&v->s, v->in, v->out, STALL_MS);
}

static void meet(struct server *v)
{
	assert_int_equal(start(v), 0);
}

static void finish(struct server *v)
{
	sftp_release(&v->s);
	buf_release(&v->answers);
	fd_close(v->in);
	fd_close(v->out);
}
#define auto_server __attribute__((cleanup(finish)))

/* All requests behind INIT. */
static void expect_asked(const struct server *v, const void *bytes, size_t len)
{
	auto_free char *asked = mem_alloc(MAX);
	ssize_t n = fd_pread_full(v->out, asked, MAX, 0);

	assert_true(n >= 9);
	assert_memory_equal(asked, "\0\0\0\5\1\0\0\0\3", 9);
	assert_int_equal(n - 9, len);
	assert_memory_equal(asked + 9, bytes, len);
}
#define EXPECT_ASKED(v, text) expect_asked(v, text, sizeof(text) - 1)

static void expect_over(const struct server *v, int result, enum sftp_end why, const char *nonsense)
{
	assert_int_equal(result, -1);
	assert_int_equal(v->s.end, why);
	if (nonsense)
		assert_string_equal(v->s.nonsense, nonsense);
}

/* ---- tests ---- */

static void test_extensions_are_used_where_they_are(void **state)
{
	auto_server struct server with = {0}, without = {0};

	(void)state;
	prepare(&with);
	greets(&with, 3, "posix-rename@openssh.com");
	says_status(&with, 1, SFTP_OK);
	meet(&with);
	assert_int_equal(sftp_rename(&with.s, "a", "b"), SFTP_OK);
	EXPECT_ASKED(&with,
		"\0\0\0\x2b\xc8\0\0\0\1\0\0\0\x18posix-rename@openssh.com\0\0\0\1a\0\0\0\1b");

	prepare(&without);
	greets(&without, 3, NULL);
	says_status(&without, 1, SFTP_FAILURE);
	says_status(&without, 2, SFTP_OK);
	says_status(&without, 3, SFTP_OK);
	says_status(&without, 4, SFTP_OK);
	meet(&without);
	assert_int_equal(sftp_rename(&without.s, "a", "b"), SFTP_OK);
	EXPECT_ASKED(&without,
		"\0\0\0\x0f\x12\0\0\0\1\0\0\0\1a\0\0\0\1b"
		"\0\0\0\x1b\x12\0\0\0\2\0\0\0\1b\0\0\0\x0d"
		"b.ambient-old"
		"\0\0\0\x0f\x12\0\0\0\3\0\0\0\1a\0\0\0\1b"
		"\0\0\0\x16\x0d\0\0\0\4\0\0\0\x0d"
		"b.ambient-old");
	assert_int_equal(sftp_sync(&without.s, &(struct sftp_handle){.len = 1}),
		SFTP_OK); /* nobody was asked */
}

/* A server that renames nothing: what was there comes back. */
static void test_a_rename_that_is_refused_loses_nothing(void **state)
{
	auto_server struct server v = {0}, w = {0};

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	says_status(&v, 1, SFTP_PERMISSION_DENIED);
	says_status(&v, 2, SFTP_FAILURE);
	meet(&v);
	assert_int_equal(sftp_rename(&v.s, "a", "b"), SFTP_PERMISSION_DENIED);
	assert_int_equal(v.s.last_id, 2);

	prepare(&w);
	greets(&w, 3, NULL);
	says_status(&w, 1, SFTP_FAILURE);
	says_status(&w, 2, SFTP_OK);
	says_status(&w, 3, SFTP_PERMISSION_DENIED);
	says_status(&w, 4, SFTP_OK);
	meet(&w);
	assert_int_equal(sftp_rename(&w.s, "a", "b"), SFTP_PERMISSION_DENIED);
	assert_int_equal(w.s.last_id, 4);
}

/* A line that is cut could be a part of a secret. */
static void test_words_are_kept_by_whole_lines(void **state)
{
	static const char words[] = "first line\n", *text;
	auto_server struct server v = {0};
	auto_buf struct buf b = {0};

	(void)state;
	buf_init(&b, 4096);
	buf_adds(&b, words);
	for (int i = 0; i < 300; i++)
		buf_addc(&b, 'x');
	text = b.data;
	prepare(&v);
	greets(&v, 3, NULL);
	for (uint32_t id = 1; id <= 2; id++) {
		size_t start = begin(&v, STATUS);

		sshwire_put_u32(&v.answers, id);
		sshwire_put_u32(&v.answers, SFTP_FAILURE);
		sshwire_put_text(&v.answers, id == 1 ? text : text + strlen(words));
		end(&v, start);
	}
	meet(&v);
	assert_int_equal(sftp_remove(&v.s, "a"), SFTP_FAILURE);
	assert_string_equal(v.s.said, "first line");
	assert_int_equal(sftp_remove(&v.s, "a"), SFTP_FAILURE);
	assert_string_equal(v.s.said, "");
}

static void test_names_are_bytes(void **state)
{
	auto_server struct server v = {0};

	(void)state;
	prepare(&v);
	greets(&v, 6, NULL);
	says_status(&v, 1, SFTP_PERMISSION_DENIED);
	meet(&v);
	assert_int_equal(sftp_mkdir(&v.s, "\xff \"\n"), SFTP_PERMISSION_DENIED);
	assert_string_equal(v.s.said, "because");
	EXPECT_ASKED(&v, "\0\0\0\x11\x0e\0\0\0\1\0\0\0\4\xff \"\n\0\0\0\0");
}

static void take_name(void *arg, const char *name, const struct sftp_attributes *a)
{
	buf_addf(arg, "%s %d %d %llu\n", name, a->is_file, a->is_directory,
		(unsigned long long)a->size);
}

static void test_lists_names_and_drops_odd_ones(void **state)
{
	static const char *const first[] = {".", "..", "a", "d", "", "../up"};
	static const char *const second[] = {"b c"};
	auto_server struct server v = {0};
	auto_buf struct buf found = {0};

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	says_text(&v, HANDLE, 1, "h", 1);
	says_names(&v, 2, first, ARRAY_SIZE(first));
	says_names(&v, 3, second, 1);
	says_status(&v, 4, SFTP_EOF);
	says_status(&v, 5, SFTP_OK);
	meet(&v);
	buf_init(&found, 4096);
	assert_int_equal(sftp_list(&v.s, ".", take_name, &found), SFTP_OK);
	assert_string_equal(found.data, "a 1 0 5\nd 0 1 5\nb c 1 0 5\n");
}

static void test_a_directory_without_end_is_left(void **state)
{
	static const char *names[2000];
	auto_server struct server v = {0};
	auto_buf struct buf found = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		names[i] = "n";
	buf_init(&found, 1);
	prepare(&v);
	greets(&v, 3, NULL);
	says_text(&v, HANDLE, 1, "h", 1);
	for (uint32_t i = 0; i <= LIMIT_SFTP_NAMES / ARRAY_SIZE(names); i++)
		says_names(&v, 2 + i, names, ARRAY_SIZE(names));
	meet(&v);
	expect_over(&v, sftp_list(&v.s, ".", take_name, &found), SFTP_NONSENSE,
		"a list of a directory that has no end");
	assert_int_equal(v.s.last_id, 2 + LIMIT_SFTP_NAMES / ARRAY_SIZE(names));
	finish(&v);

	prepare(&v);
	greets(&v, 3, NULL);
	says_text(&v, HANDLE, 1, "h", 1);
	says_names(&v, 2, names, 0);
	meet(&v);
	expect_over(&v, sftp_list(&v.s, ".", take_name, &found), SFTP_NONSENSE,
		"a list of a directory that has no end");
}

static void test_reads_what_comes_in_pieces(void **state)
{
	const struct sftp_handle h = {.data = "h", .len = 1};
	auto_server struct server v = {0};
	char data[8] = "";
	size_t len = 0;

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	says_text(&v, DATA, 1, "abc", 3);
	says_text(&v, DATA, 2, "de", 2);
	says_status(&v, 3, SFTP_EOF);
	meet(&v);
	assert_int_equal(sftp_read(&v.s, &h, 10, data, 7, &len), SFTP_OK);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "abcde", 5);
	EXPECT_ASKED(&v,
		"\0\0\0\x16\5\0\0\0\1\0\0\0\1h\0\0\0\0\0\0\0\x0a\0\0\0\7"
		"\0\0\0\x16\5\0\0\0\2\0\0\0\1h\0\0\0\0\0\0\0\x0d\0\0\0\4"
		"\0\0\0\x16\5\0\0\0\3\0\0\0\1h\0\0\0\0\0\0\0\x0f\0\0\0\2");
}

static void test_pieces_that_are_too_small_are_nonsense(void **state)
{
	const struct sftp_handle h = {.data = "h", .len = 1};
	auto_server struct server v = {0};
	char data[SFTP_PIECES + 1];
	size_t len = 0;

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	for (uint32_t i = 1; i <= SFTP_PIECES; i++)
		says_text(&v, DATA, i, "a", 1);
	meet(&v);
	expect_over(&v, sftp_read(&v.s, &h, 0, data, sizeof(data), &len), SFTP_NONSENSE,
		"a file in pieces that are too small");
	assert_int_equal(v.s.last_id, SFTP_PIECES);
}

static void test_more_than_was_asked_for_is_nonsense(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} cases[] = {{"abcd", 4}, {"", 0}};
	const struct sftp_handle h = {.data = "h", .len = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_server struct server v = {0};
		char data[3];
		size_t len;

		prepare(&v);
		greets(&v, 3, NULL);
		says_text(&v, DATA, 1, cases[i].data, cases[i].len);
		meet(&v);
		expect_over(&v, sftp_read(&v.s, &h, 0, data, sizeof(data), &len), SFTP_NONSENSE,
			"more or less of a file than was asked for");
	}
}

static int file_of(size_t bytes)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	auto_free char *data = mem_alloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		data[i] = (char)(i / 1000);
	assert_int_equal(fd_write_all(fd, data, bytes), 0);
	return fd;
}

/* 100 blocks, answered in pairs the other way round. */
static void test_writes_many_blocks_at_a_time(void **state)
{
	const uint64_t bytes = 100 * SFTP_BLOCK - 7;
	const struct sftp_handle h = {.data = "h", .len = 1};
	auto_fd int fd = file_of((size_t)bytes);
	auto_free char *ours = mem_alloc((size_t)bytes), *theirs = mem_alloc(MAX);
	auto_server struct server v = {0};
	size_t at = 9;
	ssize_t n;

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	for (uint32_t i = 0; i < 100; i++)
		says_status(&v, (i ^ 1) + 1, SFTP_OK);
	meet(&v);
	assert_int_equal(sftp_write(&v.s, &h, fd, 0, bytes), SFTP_OK);
	assert_int_equal(v.s.block_count, 0);
	assert_int_equal(fd_pread_full(fd, ours, (size_t)bytes, 0), bytes);
	n = fd_pread_full(v.out, theirs, MAX, 0);
	for (uint64_t offset = 0; offset < bytes; offset += SFTP_BLOCK) {
		size_t len = bytes - offset < SFTP_BLOCK ? (size_t)(bytes - offset) : SFTP_BLOCK;

		at += 4 + 1 + 4 + 5 + 8 + 4;
		assert_true(at + len <= (size_t)n);
		assert_memory_equal(theirs + at, ours + offset, len);
		at += len;
	}
	assert_int_equal(at, n);
}

static void test_a_block_that_is_rejected_ends_the_file(void **state)
{
	const struct sftp_handle h = {.data = "h", .len = 1};
	auto_fd int fd = file_of(200 * SFTP_BLOCK);
	auto_server struct server v = {0};

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	for (uint32_t i = 1; i <= SFTP_WINDOW; i++)
		says_status(&v, i, i == 2 ? SFTP_FAILURE : SFTP_OK);
	says_status(&v, SFTP_WINDOW + 1, SFTP_OK);
	says_status(&v, SFTP_WINDOW + 2, SFTP_OK);
	meet(&v);
	assert_int_equal(sftp_write(&v.s, &h, fd, 0, 200 * SFTP_BLOCK), SFTP_FAILURE);
	assert_int_equal(v.s.block_count, 0);
	assert_true(lseek(v.out, 0, SEEK_END) < 70 * SFTP_BLOCK);
	assert_int_equal(sftp_write(&v.s, &h, fd, 200 * SFTP_BLOCK, 201 * SFTP_BLOCK),
		-1); /* there is no such byte */
	assert_int_equal(v.s.end, SFTP_LOCAL);
}

static void bad_greeting(struct server *v, const char *nonsense)
{
	expect_over(v, start(v), nonsense ? SFTP_NONSENSE : SFTP_CUT, nonsense);
	finish(v);
}

static void test_greetings(void **state)
{
	struct server v;

	(void)state;
	prepare(&v);
	bad_greeting(&v, NULL);
	prepare(&v);
	greets(&v, 2, NULL);
	bad_greeting(&v, "no greeting of sftp, version 3");
	prepare(&v);
	says_status(&v, 3, SFTP_OK);
	bad_greeting(&v, "no greeting of sftp, version 3");
	prepare(&v);
	buf_add(&v.answers, "\0\0\0\0", 4);
	bad_greeting(&v, "no greeting of sftp, version 3");
	prepare(&v);
	buf_adds(&v.answers, "Welcome to this host\n");
	bad_greeting(&v, "no greeting of sftp, version 3");
	prepare(&v);
	buf_add(&v.answers, "\0\0\0\5\2", 5);
	bad_greeting(&v, NULL);
}

/* What a server answers to `stat`. */
static void test_answers_of_another_kind(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *nonsense;
	} cases[] = {
#define CASE(bytes, nonsense) {bytes, sizeof(bytes) - 1, nonsense}
		CASE("\0\0\0\1\x69", "an answer that is too short"),
		CASE("\0\0\0\x09\x69\0\0\0\2\0\0\0\0", "an answer to nothing that was asked"),
		CASE("\0\0\0\x09\x69\0\0\0\1\0\0\0\1", "attributes that are not whole"),
		CASE("\0\0\0\x0d\x69\0\0\0\1\x80\0\0\0\xff\xff\xff\xff",
			"attributes that are not whole"),
		CASE("\0\0\0\x09\x66\0\0\0\1\0\0\0\0",
			"an answer of another kind than was asked for"),
		CASE("\0\0\0\x09\x65\0\0\0\1\0\0\0\0", "'OK' in place of an answer"),
		CASE("\0\0\0\x09\x65\0\0\0\1\xff\0\0\0",
			"an answer of another kind than was asked for"),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_server struct server v = {0};
		struct sftp_attributes a;

		prepare(&v);
		greets(&v, 3, NULL);
		buf_add(&v.answers, cases[i].bytes, cases[i].len);
		meet(&v);
		expect_over(&v, sftp_stat(&v.s, ".", &a), SFTP_NONSENSE, cases[i].nonsense);
	}
}

static void test_attributes_may_be_absent(void **state)
{
	auto_server struct server v = {0};
	struct sftp_attributes a = {.has_size = true};

	(void)state;
	prepare(&v);
	greets(&v, 3, NULL);
	buf_add(&v.answers, "\0\0\0\x09\x69\0\0\0\1\0\0\0\0", 13);
	says_attributes(&v, 2, 1ULL << 33, DIRECTORY);
	meet(&v);
	assert_int_equal(sftp_stat(&v.s, ".", &a), SFTP_OK);
	assert_false(a.has_size || a.is_file || a.is_directory);
	assert_int_equal(sftp_stat(&v.s, ".", &a), SFTP_OK);
	assert_true(a.has_size && a.is_directory && a.size == 1ULL << 33);
}

static void test_handles_are_short(void **state)
{
	static const char long_one[SFTP_HANDLE_MAX + 1];
	static const size_t lengths[] = {0, sizeof(long_one)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		auto_server struct server v = {0};
		struct sftp_handle h;

		prepare(&v);
		greets(&v, 3, NULL);
		says_text(&v, HANDLE, 1, long_one, lengths[i]);
		meet(&v);
		expect_over(&v, sftp_open(&v.s, "a", &h), SFTP_NONSENSE,
			"a handle of 0 or of more than 256 bytes");
	}
}

static void test_a_name_that_is_too_long_is_an_error(void **state)
{
	auto_free char *name = mem_alloc(MAX);
	auto_server struct server v = {0};

	(void)state;
	memset(name, 'x', MAX - 1);
	name[MAX - 1] = '\0';
	prepare(&v);
	greets(&v, 3, NULL);
	meet(&v);
	expect_over(&v, sftp_mkdir(&v.s, name), SFTP_LOCAL, NULL);
}

/* A server that says a byte now and then says nothing. */
static void test_a_server_that_stalls_is_left(void **state)
{
	auto_fd int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int ends[2];
	struct sftp s;
	int64_t started = clock_ms();

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(ends[1], "\0\0\0\5\2", 5), 5);
	assert_int_equal(sftp_begin(&s, ends[0], nowhere, SHORT_MS), -1);
	assert_int_equal(s.end, SFTP_STALLED);
	assert_true(clock_ms() - started >= SHORT_MS);
	sftp_release(&s);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extensions_are_used_where_they_are),
		cmocka_unit_test(test_a_rename_that_is_refused_loses_nothing),
		cmocka_unit_test(test_words_are_kept_by_whole_lines),
		cmocka_unit_test(test_names_are_bytes),
		cmocka_unit_test(test_lists_names_and_drops_odd_ones),
		cmocka_unit_test(test_a_directory_without_end_is_left),
		cmocka_unit_test(test_reads_what_comes_in_pieces),
		cmocka_unit_test(test_pieces_that_are_too_small_are_nonsense),
		cmocka_unit_test(test_more_than_was_asked_for_is_nonsense),
		cmocka_unit_test(test_writes_many_blocks_at_a_time),
		cmocka_unit_test(test_a_block_that_is_rejected_ends_the_file),
		cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_answers_of_another_kind),
		cmocka_unit_test(test_attributes_may_be_absent),
		cmocka_unit_test(test_handles_are_short),
		cmocka_unit_test(test_a_name_that_is_too_long_is_an_error),
		cmocka_unit_test(test_a_server_that_stalls_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
