/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/frame.h"

#include <endian.h>
#include <string.h>

#include "base/mem.h"

static void put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* The first two frames are sent before the guest knows the nonce. */
static uint64_t nonce_of(uint32_t type, uint64_t nonce)
{
	return type == FRAME_HELLO || type == FRAME_GO ? 0 : nonce;
}

void frame_header(uint8_t out[FRAME_HEADER_BYTES], enum frame_type type, uint64_t nonce,
	uint32_t sequence, size_t payload_len)
{
	if (payload_len > LIMIT_FRAME_PAYLOAD)
		BUG("a frame of %zu bytes", payload_len);
	put32(out, FRAME_MAGIC);
	put32(out + 4, (uint32_t)payload_len);
	nonce = nonce_of(type, nonce);
	put32(out + 8, (uint32_t)nonce);
	put32(out + 12, (uint32_t)(nonce >> 32));
	put32(out + 16, sequence);
	put32(out + 20, (uint32_t)type);
}

void frame_reader_init(struct frame_reader *r)
{
	*r = (struct frame_reader){.data = mem_alloc(FRAME_READER_BYTES)};
}

void frame_reader_release(struct frame_reader *r)
{
	free(r->data);
	*r = (struct frame_reader){0};
}

uint8_t *frame_reader_room(struct frame_reader *r, size_t *ret_room)
{
	/* Data are moved only when room runs short, so that this costs little at full speed. */
	if (FRAME_READER_BYTES - r->end < LIMIT_FRAME_PAYLOAD + FRAME_HEADER_BYTES) {
		memmove(r->data, r->data + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	*ret_room = FRAME_READER_BYTES - r->end;
	return r->data + r->end;
}

void frame_reader_fed(struct frame_reader *r, size_t n)
{
	if (n > FRAME_READER_BYTES - r->end)
		BUG("a frame reader was fed more than its room");
	r->end += n;
}

size_t frame_reader_pending(const struct frame_reader *r)
{
	return r->end - r->start;
}

static int check_header(const struct frame_reader *r, const uint8_t *h, struct err *e)
{
	uint32_t type = get32(h + 20);

	if (get32(h) != FRAME_MAGIC || type > UINT16_MAX)
		return err_reason(e, ERR_GUEST, "guest_frame_garbage",
			"the guest sent bytes that are not a frame");
	if (get32(h + 4) > LIMIT_FRAME_PAYLOAD)
		return err_reason(e, ERR_GUEST, "guest_frame_size",
			"the guest sent a frame of %u bytes, the limit is %llu", get32(h + 4),
			(unsigned long long)LIMIT_FRAME_PAYLOAD);
	if (get64(h + 8) != nonce_of(type, r->nonce))
		return err_reason(e, ERR_GUEST, "guest_frame_nonce",
			"the guest sent a frame with the nonce of another run");
	if (get32(h + 16) != r->sequence)
		return err_reason(e, ERR_GUEST, "guest_frame_sequence",
			"the guest sent frame %u where frame %u was expected", get32(h + 16),
			r->sequence);
	return 0;
}

int frame_reader_next(struct frame_reader *r, struct frame *ret_frame, struct err *e)
{
	const uint8_t *h = r->data + r->start;
	size_t have = r->end - r->start;
	size_t len;

	if (have < FRAME_HEADER_BYTES)
		return 0;
	if (check_header(r, h, e) < 0)
		return -1;
	len = get32(h + 4);
	if (have < FRAME_HEADER_BYTES + len)
		return 0;
	*ret_frame = (struct frame){
		.type = (uint16_t)get32(h + 20), .payload = h + FRAME_HEADER_BYTES, .len = len};
	r->start += FRAME_HEADER_BYTES + len;
	r->sequence++;
	return 1;
}
