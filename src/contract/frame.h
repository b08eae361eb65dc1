/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: the transport of messages over the two virtio-serial ports.
 *
 * A frame is a header of 24 bytes and a payload. All integers are little-endian:
 *
 *     offset size
 *          0    4  FRAME_MAGIC
 *          4    4  length of the payload, at most LIMIT_FRAME_PAYLOAD
 *          8    8  nonce of the run; 0 in `hello` and `go`, before which the guest does not know it
 *         16    4  sequence number, from 0, each direction its own
 *         20    2  type
 *         22    2  zero
 *
 * The nonce and the sequence number detect accidents (a late frame of another run, lost bytes).
 * They prove nothing about the sender: the code under test is root in the guest and can forge both.
 *
 * The reader accepts arbitrary bytes and never allocates more than its fixed buffer.
 */
#ifndef CONTRACT_FRAME_H
#define CONTRACT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

#define FRAME_MAGIC 0x31424d41u /* "AMB1" */

enum { FRAME_HEADER_BYTES = 24, FRAME_READER_BYTES = 4 * LIMIT_FRAME_PAYLOAD };

enum frame_type {
	/* guest to host */
	FRAME_HELLO = 1,
	FRAME_HEARTBEAT = 2,
	FRAME_STEP_START = 3,
	FRAME_STDOUT = 4,
	FRAME_STDERR = 5,
	FRAME_STEP_END = 6,
	FRAME_NOTE = 7,
	FRAME_END = 8,
	/* host to guest */
	FRAME_GO = 32,
	FRAME_STOP = 33,
	FRAME_ACK = 34,
};

struct frame {
	uint16_t type;          /* unknown types are returned, too; the caller rejects them */
	const uint8_t *payload; /* inside the reader: valid until the next call */
	size_t len;
};

/* Write the header of the next frame to out. The nonce of `hello` and `go` is written as 0. */
void frame_header(uint8_t out[FRAME_HEADER_BYTES], enum frame_type type, uint64_t nonce,
	uint32_t sequence, size_t payload_len);

struct frame_reader {
	uint8_t *data; /* FRAME_READER_BYTES */
	size_t start, end;
	uint64_t nonce;    /* expected in every frame except `hello` and `go` */
	uint32_t sequence; /* expected in the next frame */
};

void frame_reader_init(struct frame_reader *r);
void frame_reader_release(struct frame_reader *r);

/* The place for the next bytes. *ret_room is more than 0 once frame_reader_next has returned 0. */
uint8_t *frame_reader_room(struct frame_reader *r, size_t *ret_room);
void frame_reader_fed(struct frame_reader *r, size_t n);

/*
 * Get the next complete frame. 1: *ret_frame is set. 0: more bytes are needed. -1: the bytes are
 * not a frame, ERR_GUEST with a reason `guest_frame_*`; the channel cannot be used any more.
 */
int frame_reader_next(struct frame_reader *r, struct frame *ret_frame, struct err *e) NODISCARD;

/*
 * The number of bytes that are not yet part of a complete frame. More than 0 at the end: the last
 * frame is truncated.
 */
size_t frame_reader_pending(const struct frame_reader *r);

#endif
