/* SPDX-License-Identifier: Apache-2.0 */
/* The rule by which ssh's ProxyCommand leaves a server that keeps an upload waiting. */
#include "expect.h"

#include "base/clock.h"
#include "executor/limits.h"
#include "executor/net/errorfile.h"
#include "executor/net/watch.h"

enum { PATIENCE_MS = 600000, SECOND = 1000 };

struct upload {
	struct watch watch;
	int64_t now_ms;
	uint64_t received, sent;
};

static void start(struct upload *u, int64_t patience_ms)
{
	*u = (struct upload){.now_ms = 5 * SECOND};
	watch_start(&u->watch, patience_ms, u->now_ms);
}

/* Time passes, and then this was received from the server and sent to it. */
static enum watch_verdict step(struct upload *u, int64_t ms, uint64_t received, uint64_t sent)
{
	u->now_ms += ms;
	u->received += received;
	u->sent += sent;
	return watch_look(&u->watch, u->now_ms, u->received, u->sent);
}

/* How many equal steps it takes until the verdict is no longer good; `most`: it stays good. */
static uint64_t steps_until(struct upload *u, int64_t ms, uint64_t received, uint64_t sent,
	uint64_t most, enum watch_verdict verdict)
{
	for (uint64_t i = 0; i < most; i++) {
		enum watch_verdict found = step(u, ms, received, sent);

		if (found == WATCH_GOOD)
			continue;
		assert_int_equal(found, verdict);
		return i;
	}
	return most;
}

static void test_a_server_that_drips_has_no_more_than_the_patience(void **state)
{
	struct upload u;

	(void)state;
	start(&u, PATIENCE_MS);
	assert_int_equal(watch_deadline_ms(&u.watch), u.now_ms + PATIENCE_MS);
	/* The login and the list of files are accepted. */
	assert_int_equal(step(&u, 0, 6000, 20000), WATCH_GOOD);
	assert_int_equal(steps_until(&u, SECOND, 60, 0, 10000, WATCH_STALLED), 599);
	start(&u, PATIENCE_MS);
	/* ssh answers with a few bytes. */
	assert_int_equal(steps_until(&u, SECOND, 2000, 6, 10000, WATCH_STALLED), 599);
	/* Silence is no different. */
	start(&u, PATIENCE_MS);
	assert_int_equal(step(&u, PATIENCE_MS - 1, 0, 0), WATCH_GOOD);
	assert_int_equal(step(&u, 1, 0, 0), WATCH_STALLED);
}

static void test_a_server_that_floods_has_so_many_bytes(void **state)
{
	const uint64_t part = 128 * KIB;
	struct upload u;

	(void)state;
	start(&u, PATIENCE_MS);
	assert_int_equal(
		steps_until(&u, 1, part, 0, 10000, WATCH_FLOODED), LIMIT_UPLOAD_ANSWERS / part);
	start(&u, PATIENCE_MS);
	/* Each part is answered, as ssh does; together these are many bytes. */
	assert_int_equal(steps_until(&u, 1, part, part / LIMIT_UPLOAD_PROGRESS_PART / 2, 10000,
				 WATCH_FLOODED),
		LIMIT_UPLOAD_ANSWERS / part);
}

static void test_honest_servers_are_not_left(void **state)
{
	struct upload u;

	(void)state;
	start(&u, PATIENCE_MS);
	/* A slow line. */
	assert_int_equal(steps_until(&u, 60 * SECOND, 100, 500, 10000, WATCH_STALLED), 10000);
	/* A large older file is read for minutes, its sums arrive, and nothing of it has changed. */
	start(&u, PATIENCE_MS);
	assert_int_equal(step(&u, PATIENCE_MS - SECOND, 0, 0), WATCH_GOOD);
	assert_int_equal(step(&u, 0, 16 * MIB, 0), WATCH_GOOD);
	assert_int_equal(step(&u, 0, 0, 3 * MIB), WATCH_GOOD);
	assert_int_equal(step(&u, PATIENCE_MS - SECOND, 0, 0), WATCH_GOOD);
	/* As many bytes as one likes, if as many are accepted. */
	start(&u, PATIENCE_MS);
	assert_int_equal(steps_until(&u, SECOND, MIB, MIB, 10000, WATCH_FLOODED), 10000);
}

static void test_progress_is_a_number_and_a_part(void **state)
{
	struct upload u;
	int64_t before;

	(void)state;
	start(&u, PATIENCE_MS);
	before = watch_deadline_ms(&u.watch);
	assert_int_equal(step(&u, 1, 0, LIMIT_UPLOAD_PROGRESS - 1), WATCH_GOOD);
	assert_int_equal(watch_deadline_ms(&u.watch), before);
	assert_int_equal(step(&u, 0, 0, 1), WATCH_GOOD);
	assert_int_equal(watch_deadline_ms(&u.watch), before + 1);
	assert_int_equal(step(&u, 1, (LIMIT_UPLOAD_PROGRESS + 1) * LIMIT_UPLOAD_PROGRESS_PART,
				 LIMIT_UPLOAD_PROGRESS),
		WATCH_GOOD);
	assert_int_equal(watch_deadline_ms(&u.watch), before + 1);
	assert_int_equal(step(&u, 0, 0, 1), WATCH_GOOD);
	assert_int_equal(watch_deadline_ms(&u.watch), before + 2);
}

static void test_other_connections_are_not_watched(void **state)
{
	struct upload u;

	(void)state;
	start(&u, 0);
	assert_int_equal(watch_deadline_ms(&u.watch), CLOCK_NEVER);
	assert_int_equal(step(&u, 10 * PATIENCE_MS, GIB, 0), WATCH_GOOD);
}

static void test_an_error_is_written_for_the_step(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "error");
	auto_buf struct buf text = {0};
	struct err why = {0}, e = {0};

	(void)state;
	buf_init(&text, KIB);
	(void)err_reason(&why, ERR_INPUT, "upload_failed", "long %s", "and longer");
	expect_ok(errorfile_write(path, &why, &e), &e);
	why = (struct err){0};
	(void)err_reason(&why, ERR_INPUT, "upload_timeout", "why");
	expect_ok(errorfile_write(path, &why, &e), &e);
	expect_ok(fd_read_file(path, &text, &e), &e);
	assert_string_equal(text.data, "upload_timeout\nwhy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_server_that_drips_has_no_more_than_the_patience),
		cmocka_unit_test(test_a_server_that_floods_has_so_many_bytes),
		cmocka_unit_test(test_honest_servers_are_not_left),
		cmocka_unit_test(test_progress_is_a_number_and_a_part),
		cmocka_unit_test(test_other_connections_are_not_watched),
		cmocka_unit_test(test_an_error_is_written_for_the_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
