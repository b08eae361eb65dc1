/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "contract/frame.h"

#define NONCE 0x1122334455667788u

/* A reader in the middle of a run, and the bytes that it is to read. */
struct channel {
	struct frame_reader reader;
	struct buf bytes;
	uint32_t sequence;
};

static void channel_init(struct channel *c)
{
	*c = (struct channel){0};
	frame_reader_init(&c->reader);
	c->reader.nonce = NONCE;
	buf_init(&c->bytes, 1 << 20);
}

static void channel_release(struct channel *c)
{
	frame_reader_release(&c->reader);
	buf_release(&c->bytes);
}
#define auto_channel __attribute__((cleanup(channel_release)))

static void put(struct channel *c, enum frame_type type, const void *payload, size_t len)
{
	uint8_t header[FRAME_HEADER_BYTES];

	frame_header(header, type, NONCE, c->sequence++, len);
	buf_add(&c->bytes, header, sizeof(header));
	buf_add(&c->bytes, payload, len);
}

/* Hand over up to n bytes of what is to be read. */
static void feed(struct channel *c, size_t n)
{
	size_t room;
	uint8_t *at = frame_reader_room(&c->reader, &room);

	assert_true(room > 0);
	n = n < room ? n : room;
	n = n < c->bytes.len ? n : c->bytes.len;
	memcpy(at, c->bytes.data, n);
	frame_reader_fed(&c->reader, n);
	buf_drop_front(&c->bytes, n);
}

static struct frame expect_frame(struct channel *c, enum frame_type type, size_t len)
{
	struct err e = {0};
	struct frame f;

	expect_ok(frame_reader_next(&c->reader, &f, &e), &e);
	assert_int_equal(f.type, type);
	assert_int_equal(f.len, len);
	return f;
}

static void expect_more_needed(struct channel *c)
{
	struct err e = {0};
	struct frame f;

	assert_int_equal(frame_reader_next(&c->reader, &f, &e), 0);
}

static void expect_refused(struct channel *c, const char *reason, const char *message)
{
	struct err e = {0};
	struct frame f;

	expect_err(frame_reader_next(&c->reader, &f, &e), &e, ERR_GUEST, message);
	assert_string_equal(e.reason, reason);
}

static void test_header_is_as_documented(void **state)
{
	static const uint8_t wanted[FRAME_HEADER_BYTES] = {'A', 'M', 'B', '1', 5, 1, 0, 0, 0x88,
		0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 7, 0, 0, 0, 4, 0, 0, 0};
	uint8_t header[FRAME_HEADER_BYTES];

	(void)state;
	frame_header(header, FRAME_STDOUT, NONCE, 7, 261);
	assert_memory_equal(header, wanted, sizeof(wanted));
}

static void test_hello_and_go_carry_no_nonce(void **state)
{
	static const enum frame_type types[] = {FRAME_HELLO, FRAME_GO};
	static const uint8_t none[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		auto_channel struct channel c;

		channel_init(&c);
		put(&c, types[i], "x", 1);
		assert_memory_equal(c.bytes.data + 8, none, sizeof(none));
		feed(&c, SIZE_MAX);
		(void)expect_frame(&c, types[i], 1);
	}
}

static void test_frames_arrive_as_they_were_sent(void **state)
{
	auto_channel struct channel c;
	struct frame f;

	(void)state;
	channel_init(&c);
	put(&c, FRAME_STDOUT, "hello", 5);
	put(&c, FRAME_ACK, "", 0);
	put(&c, FRAME_STDERR, "there", 5);
	feed(&c, SIZE_MAX);
	f = expect_frame(&c, FRAME_STDOUT, 5);
	assert_memory_equal(f.payload, "hello", 5);
	(void)expect_frame(&c, FRAME_ACK, 0);
	f = expect_frame(&c, FRAME_STDERR, 5);
	assert_memory_equal(f.payload, "there", 5);
	expect_more_needed(&c);
	assert_int_equal(frame_reader_pending(&c.reader), 0);
}

static void test_frames_may_come_byte_by_byte(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	put(&c, FRAME_STDOUT, "hello", 5);
	for (size_t i = 1; i < FRAME_HEADER_BYTES + 5; i++) {
		feed(&c, 1);
		expect_more_needed(&c);
		assert_int_equal(frame_reader_pending(&c.reader), i);
	}
	feed(&c, 1);
	(void)expect_frame(&c, FRAME_STDOUT, 5);
}

/* Far more than the reader's buffer, in pieces that never match the frames. */
static void test_a_long_stream_keeps_its_order(void **state)
{
	static uint8_t payload[LIMIT_FRAME_PAYLOAD];
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	for (size_t i = 0; i < 40; i++) {
		size_t len = i * 1699 % (LIMIT_FRAME_PAYLOAD + 1);
		struct err e = {0};
		struct frame f;

		memset(payload, (int)i, sizeof(payload));
		put(&c, FRAME_STDOUT, payload, i == 39 ? LIMIT_FRAME_PAYLOAD : len);
		while (c.bytes.len && frame_reader_next(&c.reader, &f, &e) == 0)
			feed(&c, 4099);
		(void)e;
		if (!c.bytes.len) {
			f = expect_frame(&c, FRAME_STDOUT, i == 39 ? LIMIT_FRAME_PAYLOAD : len);
			if (f.len)
				assert_memory_equal(f.payload, payload, f.len);
		}
	}
	assert_int_equal(c.reader.sequence, 40);
}

static void test_refuses_what_is_no_frame(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	buf_adds(&c.bytes, "Linux version 6.1.0 (debian)");
	feed(&c, SIZE_MAX);
	expect_refused(&c, "guest_frame_garbage", "the guest sent bytes that are not a frame");
}

static void test_refuses_a_type_beyond_two_bytes(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	put(&c, FRAME_STDOUT, "", 0);
	c.bytes.data[22] = 1;
	feed(&c, SIZE_MAX);
	expect_refused(&c, "guest_frame_garbage", "the guest sent bytes that are not a frame");
}

/* Before the payload is there: a reader must not wait for four gigabytes. */
static void test_refuses_a_frame_that_is_too_long(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	put(&c, FRAME_STDOUT, "", 0);
	memcpy(c.bytes.data + 4, "\x01\x00\x01\x00", 4);
	feed(&c, SIZE_MAX);
	expect_refused(&c, "guest_frame_size",
		"the guest sent a frame of 65537 bytes, the limit is 65536");
}

static void test_refuses_the_nonce_of_another_run(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	c.reader.nonce = NONCE + 1;
	put(&c, FRAME_STDOUT, "", 0);
	feed(&c, SIZE_MAX);
	expect_refused(
		&c, "guest_frame_nonce", "the guest sent a frame with the nonce of another run");
}

static void test_refuses_a_gap(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	c.sequence = 2;
	put(&c, FRAME_STDOUT, "", 0);
	feed(&c, SIZE_MAX);
	expect_refused(
		&c, "guest_frame_sequence", "the guest sent frame 2 where frame 0 was expected");
}

static void test_a_cut_shows_as_pending(void **state)
{
	auto_channel struct channel c;

	(void)state;
	channel_init(&c);
	put(&c, FRAME_STDOUT, "hello", 5);
	feed(&c, FRAME_HEADER_BYTES + 4);
	expect_more_needed(&c);
	assert_int_equal(frame_reader_pending(&c.reader), FRAME_HEADER_BYTES + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_is_as_documented),
		cmocka_unit_test(test_hello_and_go_carry_no_nonce),
		cmocka_unit_test(test_frames_arrive_as_they_were_sent),
		cmocka_unit_test(test_frames_may_come_byte_by_byte),
		cmocka_unit_test(test_a_long_stream_keeps_its_order),
		cmocka_unit_test(test_refuses_what_is_no_frame),
		cmocka_unit_test(test_refuses_a_type_beyond_two_bytes),
		cmocka_unit_test(test_refuses_a_frame_that_is_too_long),
		cmocka_unit_test(test_refuses_the_nonce_of_another_run),
		cmocka_unit_test(test_refuses_a_gap),
		cmocka_unit_test(test_a_cut_shows_as_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
