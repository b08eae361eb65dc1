/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "os/fd.h"
#include "os/loop.h"

/* One end of a pipe in a loop; what is called is written down. */
struct party {
	const char *name;
	struct buf *said;
	int read_fd, write_fd;
	bool fails;
	struct loop *joins; /* when it is ready, `other` is added there */
	struct loop_source source, *other;
};

static int on_ready(void *arg, struct err *e)
{
	struct party *p = arg;
	char byte;

	buf_addf(p->said, "%s ready, ", p->name);
	if (read(p->read_fd, &byte, 1) == 0)
		fd_close(fd_steal(&p->read_fd));
	if (p->joins)
		loop_add(p->joins, p->other);
	return p->fails ? err_set(e, ERR_HOST, "%s fails", p->name) : 0;
}

static void on_after(void *arg)
{
	struct party *p = arg;

	buf_addf(p->said, "%s after, ", p->name);
}

static void join(struct party *p, const char *name, struct buf *said)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	*p = (struct party){.name = name, .said = said, .read_fd = ends[0], .write_fd = ends[1]};
	p->source = (struct loop_source){.fd = &p->read_fd,
		.events = POLLIN,
		.ready = on_ready,
		.after = on_after,
		.arg = p};
}

static void leave(struct party *p)
{
	fd_close(p->read_fd);
	fd_close(p->write_fd);
}
#define auto_party __attribute__((cleanup(leave)))

static void poke(const struct party *p)
{
	assert_int_equal(write(p->write_fd, "x", 1), 1);
}

static void expect_turn(struct loop *l, struct buf *said, const char *text)
{
	struct err e = {0};

	buf_clear(said);
	expect_ok(loop_turn(l, clock_ms(), &e), &e);
	assert_string_equal(said->data, text);
}

static void test_each_that_is_ready_has_its_turn_in_order(void **state)
{
	auto_party struct party a, b;
	auto_buf struct buf said = {0};
	struct loop l = {0};

	(void)state;
	buf_init(&said, 1000);
	join(&a, "a", &said);
	join(&b, "b", &said);
	loop_add(&l, &a.source);
	loop_add(&l, &b.source);
	expect_turn(&l, &said, "a after, b after, ");
	poke(&b);
	expect_turn(&l, &said, "b ready, a after, b after, ");
	poke(&a);
	poke(&b);
	expect_turn(&l, &said, "a ready, b ready, a after, b after, ");
}

static void test_a_descriptor_that_has_ended_is_waited_for_no_more(void **state)
{
	auto_party struct party a;
	auto_buf struct buf said = {0};
	struct loop l = {0};

	(void)state;
	buf_init(&said, 1000);
	join(&a, "a", &said);
	loop_add(&l, &a.source);
	fd_close(fd_steal(&a.write_fd));
	expect_turn(&l, &said, "a ready, a after, ");
	assert_int_equal(a.read_fd, -1);
	expect_turn(&l, &said, "a after, ");
	loop_remove(&l, &a.source);
	loop_remove(&l, &a.source);
	expect_turn(&l, &said, "");
}

static void test_an_error_ends_the_turn(void **state)
{
	auto_party struct party a, b;
	auto_buf struct buf said = {0};
	struct loop l = {0};
	struct err e = {0};

	(void)state;
	buf_init(&said, 1000);
	join(&a, "a", &said);
	join(&b, "b", &said);
	loop_add(&l, &a.source);
	loop_add(&l, &b.source);
	a.fails = true;
	poke(&a);
	poke(&b);
	expect_err(loop_turn(&l, CLOCK_NEVER, &e), &e, ERR_HOST, "a fails");
	assert_string_equal(said.data, "a ready, ");
}

/* As a proxy does, which is there from the first turn of its machine on. */
static void test_a_source_that_joins_has_its_first_turn_next_time(void **state)
{
	auto_party struct party a, b;
	auto_buf struct buf said = {0};
	struct loop l = {0};

	(void)state;
	buf_init(&said, 1000);
	join(&a, "a", &said);
	join(&b, "b", &said);
	loop_add(&l, &a.source);
	a.joins = &l;
	a.other = &b.source;
	poke(&a);
	poke(&b);
	expect_turn(&l, &said, "a ready, a after, ");
	a.joins = NULL;
	expect_turn(&l, &said, "b ready, a after, b after, ");
}

static void test_a_wait_ends_at_its_deadline(void **state)
{
	struct loop l = {0};
	struct err e = {0};
	int64_t before = clock_ms();

	(void)state;
	expect_ok(loop_turn(&l, before + 20, &e), &e);
	assert_true(clock_ms() >= before + 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_that_is_ready_has_its_turn_in_order),
		cmocka_unit_test(test_a_descriptor_that_has_ended_is_waited_for_no_more),
		cmocka_unit_test(test_an_error_ends_the_turn),
		cmocka_unit_test(test_a_source_that_joins_has_its_first_turn_next_time),
		cmocka_unit_test(test_a_wait_ends_at_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
