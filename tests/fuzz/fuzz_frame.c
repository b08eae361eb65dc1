/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel that a hostile guest writes to. The first byte says in what pieces the rest arrives.
 * Every frame that the reader accepts is decoded by its type, and what a decoder accepts is encoded
 * again: that gives the payload back, byte for byte, so a message has one form only.
 */
#include <string.h>

#include "contract/frame.h"
#include "contract/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
/* Of libFuzzer; not there when a corpus is only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

#define NONCE 0x1122334455667788u

/* ---- mutating: most channels keep right headers, with the lengths that the mutation gave ---- */

static uint32_t length_at(const uint8_t *header)
{
	return header[4] | (uint32_t)header[5] << 8 | (uint32_t)header[6] << 16;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	uint32_t sequence = 0;
	size_t at = 1;

	if (!LLVMFuzzerMutate)
		return size;
	size = LLVMFuzzerMutate(data, size, max_size);
	if (seed % 8 == 0)
		return size;
	while (at + FRAME_HEADER_BYTES <= size) {
		size_t left = size - at - FRAME_HEADER_BYTES;
		size_t len = length_at(data + at) % 256;
		enum frame_type type = (enum frame_type)(data[at + 20] % 40);

		if (len > left || seed % 16 == 1)
			len = left > LIMIT_FRAME_PAYLOAD ? LIMIT_FRAME_PAYLOAD : left;
		frame_header(data + at, type, NONCE, sequence++, len);
		at += FRAME_HEADER_BYTES + len;
	}
	return size;
}

/* ---- reading ---- */

static void expect_refusal(const struct err *e)
{
	if (e->kind != ERR_GUEST || strncmp(e->reason, "guest_frame_", 12) != 0)
		BUG("a refusal of kind %d, reason '%s': %s", (int)e->kind, e->reason, e->msg);
}

static void expect_same(const struct frame *f, const struct buf *again)
{
	if (again->len != f->len || memcmp(again->data, f->payload, f->len) != 0)
		BUG("a frame of type %u has two forms", f->type);
}

#define DECODE_AND_ENCODE(name)                                                                    \
	static int try_##name(const struct frame *f, struct buf *again, struct err *e)             \
	{                                                                                          \
		struct message_##name m;                                                           \
                                                                                                   \
		memset(&m, 0x5a, sizeof(m));                                                       \
		if (message_get_##name(f, &m, e) < 0)                                              \
			return -1;                                                                 \
		message_put_##name(again, &m);                                                     \
		return 0;                                                                          \
	}
DECODE_AND_ENCODE(hello)
DECODE_AND_ENCODE(go)
DECODE_AND_ENCODE(heartbeat)
DECODE_AND_ENCODE(step)
DECODE_AND_ENCODE(step_end)
DECODE_AND_ENCODE(note)
DECODE_AND_ENCODE(end)

static int try_output(const struct frame *f, struct buf *again, struct err *e)
{
	struct message_step m;
	const char *bytes;
	size_t len;

	if (message_get_output(f, &m, &bytes, &len, e) < 0)
		return -1;
	message_put_step(again, &m);
	buf_add(again, bytes, len);
	return 0;
}

static const struct {
	enum frame_type type;
	int (*attempt)(const struct frame *f, struct buf *again, struct err *e);
} messages[] = {
	{FRAME_HELLO, try_hello},
	{FRAME_HEARTBEAT, try_heartbeat},
	{FRAME_STEP_START, try_step},
	{FRAME_STDOUT, try_output},
	{FRAME_STDERR, try_output},
	{FRAME_STEP_END, try_step_end},
	{FRAME_NOTE, try_note},
	{FRAME_END, try_end},
	{FRAME_GO, try_go},
};

static void take(const struct frame *f)
{
	auto_buf struct buf again = {0};
	struct err e = {0};

	if (f->len > LIMIT_FRAME_PAYLOAD)
		BUG("a frame of %zu bytes", f->len);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].type != f->type)
			continue;
		buf_init(&again, LIMIT_FRAME_PAYLOAD);
		if (messages[i].attempt(f, &again, &e) == 0)
			expect_same(f, &again);
		else
			expect_refusal(&e);
	}
}

/* False when the channel is of no use any more. */
static bool take_all(struct frame_reader *r)
{
	struct err e = {0};
	struct frame f;
	int got;

	while ((got = frame_reader_next(r, &f, &e)) > 0)
		take(&f);
	if (got < 0)
		expect_refusal(&e);
	return got == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_reader r;
	size_t piece = size ? 1 + (size_t)data[0] * 17 : 1;

	frame_reader_init(&r);
	r.nonce = NONCE;
	for (size_t at = size ? 1 : 0; at < size;) {
		size_t room;
		uint8_t *to = frame_reader_room(&r, &room);
		size_t n = size - at < piece ? size - at : piece;

		if (!room)
			BUG("the reader is full and has no frame");
		n = n < room ? n : room;
		memcpy(to, data + at, n);
		frame_reader_fed(&r, n);
		at += n;
		if (!take_all(&r))
			break;
	}
	frame_reader_release(&r);
	return 0;
}
