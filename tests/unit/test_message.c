/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "contract/limits.h"
#include "contract/message.h"

static struct frame frame_of(const struct buf *b)
{
	return (struct frame){.payload = (const uint8_t *)b->data, .len = b->len};
}

/* One decoder behind a common face, for what all of them must refuse. */
#define DECODER(name)                                                                              \
	static int decode_##name(const struct frame *f, struct err *e)                             \
	{                                                                                          \
		struct message_##name m;                                                           \
                                                                                                   \
		return message_get_##name(f, &m, e);                                               \
	}
DECODER(hello)
DECODER(go)
DECODER(heartbeat)
DECODER(step)
DECODER(step_end)
DECODER(note)
DECODER(end)

static const struct message_hello hello = {.protocol = CONTRACT_VERSION, .build = "0.1.0@abc"};

static const struct message_go go = {.nonce = 0xfedcba9876543210u,
	.utc_ns = 1795319359123456789,
	.entropy = {1, 2, 3, [31] = 255},
	.network = true,
	.drive_count = 2,
	.drives = {{.serial = "ambient-src", .bytes = 1024, .writable = false},
		{.serial = "ambient-01234567890x", .bytes = UINT64_MAX, .writable = true}}};

static const struct message_step_end step_end = {.step = 3,
	.outcome = STEP_NO_MEMORY,
	.exit_code = -1,
	.signal = 9,
	.wall_ns = 1,
	.cpu_ns = 2,
	.peak_bytes = LIMIT_JSON_NUMBER,
	.text = "out of \xff memory",
	.reason = "fetch_cut"};

static const struct message_end end = {.outcome = STEP_TOO_LARGE,
	.failed_step = MESSAGE_NO_STEP,
	.guest_ns = 5,
	.text = "",
	.output_count = 1,
	.outputs = {{.serial = "ambient-artifacts", .bytes = 2048, .entries = 2}}};

static void put_all(struct buf bufs[7])
{
	const struct message_heartbeat beat = {.guest_ns = 77};
	const struct message_step step = {.step = 8};
	const struct message_note note = {.warning = true, .text = "left out: a socket"};

	for (size_t i = 0; i < 7; i++)
		buf_init(&bufs[i], LIMIT_FRAME_PAYLOAD);
	message_put_hello(&bufs[0], &hello);
	message_put_go(&bufs[1], &go);
	message_put_heartbeat(&bufs[2], &beat);
	message_put_step(&bufs[3], &step);
	message_put_step_end(&bufs[4], &step_end);
	message_put_note(&bufs[5], &note);
	message_put_end(&bufs[6], &end);
}

static int (*const decoders[7])(const struct frame *, struct err *) = {decode_hello, decode_go,
	decode_heartbeat, decode_step, decode_step_end, decode_note, decode_end};

static const char *const names[7] = {"hello", "go", "heartbeat", "step", "step end", "note", "end"};

static void release_all(struct buf bufs[7])
{
	for (size_t i = 0; i < 7; i++)
		buf_release(&bufs[i]);
}

static void expect_refused(size_t i, const struct frame *f)
{
	auto_free char *message = mem_printf("the frame '%s' has invalid content", names[i]);
	struct err e = {0};

	expect_err(decoders[i](f, &e), &e, ERR_GUEST, message);
	assert_string_equal(e.reason, "guest_frame_content");
}

static void test_every_message_survives(void **state)
{
	struct buf bufs[7];
	struct frame f;
	struct message_hello h;
	struct message_go g;
	struct message_step_end s;
	struct message_end n;
	struct err e = {0};

	(void)state;
	put_all(bufs);
	f = frame_of(&bufs[0]);
	expect_ok(message_get_hello(&f, &h, &e), &e);
	assert_int_equal(h.protocol, CONTRACT_VERSION);
	assert_string_equal(h.build, "0.1.0@abc");
	f = frame_of(&bufs[1]);
	expect_ok(message_get_go(&f, &g, &e), &e);
	assert_true(g.nonce == go.nonce && g.utc_ns == go.utc_ns && g.drive_count == 2);
	assert_true(g.network);
	assert_memory_equal(g.entropy, go.entropy, sizeof(g.entropy));
	assert_string_equal(g.drives[1].serial, "ambient-01234567890x");
	assert_true(
		g.drives[1].bytes == UINT64_MAX && g.drives[1].writable && !g.drives[0].writable);
	f = frame_of(&bufs[4]);
	expect_ok(message_get_step_end(&f, &s, &e), &e);
	assert_true(
		s.step == 3 && s.outcome == STEP_NO_MEMORY && s.exit_code == -1 && s.signal == 9);
	assert_true(s.wall_ns == 1 && s.cpu_ns == 2 && s.peak_bytes == LIMIT_JSON_NUMBER);
	assert_string_equal(s.text, step_end.text);
	assert_string_equal(s.reason, "fetch_cut");
	f = frame_of(&bufs[6]);
	expect_ok(message_get_end(&f, &n, &e), &e);
	assert_true(
		n.outcome == STEP_TOO_LARGE && n.failed_step == MESSAGE_NO_STEP && n.guest_ns == 5);
	assert_string_equal(n.outputs[0].serial, "ambient-artifacts");
	assert_true(n.output_count == 1 && n.outputs[0].bytes == 2048 && n.outputs[0].entries == 2);
	release_all(bufs);
}

static void test_small_messages_survive(void **state)
{
	struct buf bufs[7];
	struct frame f;
	struct message_heartbeat beat;
	struct message_step step;
	struct message_note note;
	struct err e = {0};

	(void)state;
	put_all(bufs);
	f = frame_of(&bufs[2]);
	expect_ok(message_get_heartbeat(&f, &beat, &e), &e);
	assert_int_equal(beat.guest_ns, 77);
	f = frame_of(&bufs[3]);
	expect_ok(message_get_step(&f, &step, &e), &e);
	assert_int_equal(step.step, 8);
	f = frame_of(&bufs[5]);
	expect_ok(message_get_note(&f, &note, &e), &e);
	assert_true(note.warning);
	assert_string_equal(note.text, "left out: a socket");
	release_all(bufs);
}

static void test_output_is_a_step_and_any_bytes(void **state)
{
	static const uint8_t bytes[] = {7, 0, 0, 0, 'a', 0, 0xff};
	struct frame f = {.payload = bytes, .len = sizeof(bytes)};
	struct message_step m;
	struct err e = {0};
	const char *data;
	size_t len;

	(void)state;
	expect_ok(message_get_output(&f, &m, &data, &len, &e), &e);
	assert_int_equal(m.step, 7);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "a\0\xff", 3);
	f.len = 4;
	expect_ok(message_get_output(&f, &m, &data, &len, &e), &e);
	assert_int_equal(len, 0);
	f.len = 3;
	expect_err(message_get_output(&f, &m, &data, &len, &e), &e, ERR_GUEST,
		"the frame 'output' has invalid content");
}

static void test_refuses_every_cut(void **state)
{
	struct buf bufs[7];

	(void)state;
	put_all(bufs);
	for (size_t i = 0; i < 7; i++) {
		struct frame f = frame_of(&bufs[i]);

		for (f.len = 0; f.len < bufs[i].len; f.len++)
			expect_refused(i, &f);
	}
	release_all(bufs);
}

static void test_refuses_anything_behind(void **state)
{
	struct buf bufs[7];

	(void)state;
	put_all(bufs);
	for (size_t i = 0; i < 7; i++) {
		struct frame f;

		buf_addc(&bufs[i], '\0');
		f = frame_of(&bufs[i]);
		expect_refused(i, &f);
	}
	release_all(bufs);
}

/* Change one byte of a message, which must then be refused. */
static void expect_bad_byte(size_t i, size_t at, char value)
{
	struct buf bufs[7];
	struct frame f;

	put_all(bufs);
	assert_true(at < bufs[i].len);
	assert_true(bufs[i].data[at] != value);
	bufs[i].data[at] = value;
	f = frame_of(&bufs[i]);
	expect_refused(i, &f);
	release_all(bufs);
}

static void test_refuses_values_that_do_not_exist(void **state)
{
	(void)state;
	expect_bad_byte(4, 4, STEP_OUTCOMES); /* outcome of a step */
	expect_bad_byte(6, 0, STEP_OUTCOMES); /* outcome of the whole */
	expect_bad_byte(5, 0, 2);             /* a bool */
	expect_bad_byte(1, 48, DRIVES_MAX + 1);
	expect_bad_byte(1, 51, 1); /* 2^24 drives */
	expect_bad_byte(6, 15, DRIVES_MAX + 1);
}

static void expect_bad_number(struct message_step_end step, struct message_end whole, size_t i)
{
	auto_buf struct buf b = {0};
	struct frame f;

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	if (i == 4)
		message_put_step_end(&b, &step);
	else
		message_put_end(&b, &whole);
	f = (struct frame){.type = i == 4 ? FRAME_STEP_END : FRAME_END,
		.payload = (const uint8_t *)b.data,
		.len = b.len};
	expect_refused(i, &f);
}

static void test_refuses_numbers_that_json_cannot_hold(void **state)
{
	struct message_step_end step = step_end;
	struct message_end whole = end;

	(void)state;
	step.peak_bytes = LIMIT_JSON_NUMBER + 1;
	whole.outputs[0].entries = UINT64_MAX;
	expect_bad_number(step, whole, 4);
	expect_bad_number(step, whole, 6);
}

static void test_refuses_strings_that_do_not_fit_or_hold_nul(void **state)
{
	struct message_note note = {.warning = false};
	auto_buf struct buf b = {0};
	struct frame f;

	(void)state;
	expect_bad_byte(0, 6, '\0');                  /* inside the build */
	expect_bad_byte(1, 52, DRIVE_SERIAL_MAX + 1); /* length of a serial */
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	memset(note.text, 'x', sizeof(note.text) - 1);
	message_put_note(&b, &note);
	f = frame_of(&b);
	assert_int_equal(message_get_note(&f, &note, &(struct err){0}), 0);
	buf_addc(&b, 'x');
	b.data[1] = (char)(MESSAGE_TEXT_MAX & 0xff);
	b.data[2] = (char)(MESSAGE_TEXT_MAX >> 8);
	f = frame_of(&b);
	expect_refused(5, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_survives),
		cmocka_unit_test(test_small_messages_survive),
		cmocka_unit_test(test_output_is_a_step_and_any_bytes),
		cmocka_unit_test(test_refuses_every_cut),
		cmocka_unit_test(test_refuses_anything_behind),
		cmocka_unit_test(test_refuses_values_that_do_not_exist),
		cmocka_unit_test(test_refuses_numbers_that_json_cannot_hold),
		cmocka_unit_test(test_refuses_strings_that_do_not_fit_or_hold_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
