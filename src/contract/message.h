/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the payload of each frame means. Encoders append to a buffer; decoders take hostile bytes
 * and accept exactly one well-formed message: nothing missing, nothing behind it, every string
 * bounded.
 *
 * On the wire: integers little-endian; a string is its length (2 bytes) and its bytes.
 */
#ifndef CONTRACT_MESSAGE_H
#define CONTRACT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/contract.h"
#include "contract/frame.h"

enum {
	MESSAGE_BUILD_MAX = 64,
	MESSAGE_TEXT_MAX = 900,
	MESSAGE_REASON_MAX = 40,
	MESSAGE_ENTROPY_BYTES = 32
};

#define MESSAGE_NO_STEP UINT32_MAX

/* FRAME_HELLO: the executor is there. */
struct message_hello {
	uint32_t protocol; /* CONTRACT_VERSION of the executor */
	char build[MESSAGE_BUILD_MAX];
};

/* FRAME_GO: the host's answer to `hello`. */
struct message_drive {
	char serial[DRIVE_SERIAL_MAX + 1];
	uint64_t bytes; /* a multiple of 512 */
	bool writable;
};
struct message_go {
	uint64_t nonce; /* to be carried by every later frame; not 0 */
	int64_t utc_ns; /* the host's time */
	uint8_t entropy[MESSAGE_ENTROPY_BYTES];
	bool network; /* there is a network device, and behind it the proxy (NET_PROXY_ADDRESS) */
	uint32_t drive_count;
	struct message_drive drives[DRIVES_MAX];
};

/* FRAME_HEARTBEAT: sent every HEARTBEAT_MS at least. */
struct message_heartbeat {
	uint64_t guest_ns; /* the guest's CLOCK_MONOTONIC */
};

/* FRAME_STEP_START, and the head of FRAME_STDOUT and FRAME_STDERR, whose bytes follow. */
struct message_step {
	uint32_t step; /* index in the plan */
};

enum step_outcome {
	STEP_PASSED = 0,
	STEP_FAILED = 1,       /* exit code, signal, or an error of a built-in step */
	STEP_TIMED_OUT = 2,    /* its own time limit */
	STEP_OUT_OF_TIME = 3,  /* the time limit of the run */
	STEP_STOPPED = 4,      /* the host said stop */
	STEP_NO_MEMORY = 5,    /* the guest's memory ran out under it */
	STEP_TOO_LARGE = 6,    /* an output does not fit its drive */
	STEP_BROKEN = 7,       /* the guest itself is at fault: a drive cannot be read, ... */
	STEP_NO_PROCESSES = 8, /* it reached the limit of processes */
	STEP_OUTCOMES,
};

/* FRAME_STEP_END */
struct message_step_end {
	uint32_t step;
	uint8_t outcome;   /* enum step_outcome */
	int32_t exit_code; /* -1 when killed by a signal or never started */
	int32_t signal;    /* 0 when not killed by one */
	uint64_t wall_ns, cpu_ns;
	uint64_t peak_bytes; /* resident set of the largest process; up to LIMIT_JSON_NUMBER */
	char text[MESSAGE_TEXT_MAX]; /* what went wrong, or "" */
	/*
	 * With STEP_FAILED: a word of docs/errors.md that says more, or "". Of a trusted VM the
	 * host takes it when it is one of those that a guest may say.
	 */
	char reason[MESSAGE_REASON_MAX];
};

/* FRAME_NOTE: something that people should see. */
struct message_note {
	bool warning; /* else for debugging */
	char text[MESSAGE_TEXT_MAX];
};

/* FRAME_END: the guest's claim about the run; nothing follows. */
struct message_output {
	char serial[DRIVE_SERIAL_MAX + 1];
	uint64_t bytes;   /* length of the archive: a multiple of 512, at least 1024 */
	uint64_t entries; /* up to LIMIT_JSON_NUMBER */
};
struct message_end {
	uint8_t outcome;      /* enum step_outcome: of the first step that did not pass */
	uint32_t failed_step; /* MESSAGE_NO_STEP when passed, or when no step is to blame */
	uint64_t guest_ns;    /* the guest's CLOCK_MONOTONIC since `go` */
	char text[MESSAGE_TEXT_MAX];
	uint32_t output_count;
	struct message_output outputs[DRIVES_MAX];
};

void message_put_hello(struct buf *b, const struct message_hello *m);
void message_put_go(struct buf *b, const struct message_go *m);
void message_put_heartbeat(struct buf *b, const struct message_heartbeat *m);
void message_put_step(struct buf *b, const struct message_step *m);
void message_put_step_end(struct buf *b, const struct message_step_end *m);
void message_put_note(struct buf *b, const struct message_note *m);
void message_put_end(struct buf *b, const struct message_end *m);

/* Each: 0, or -1 with ERR_GUEST, reason guest_frame_content. */
int message_get_hello(const struct frame *f, struct message_hello *ret, struct err *e) NODISCARD;
int message_get_go(const struct frame *f, struct message_go *ret, struct err *e) NODISCARD;
int message_get_heartbeat(
	const struct frame *f, struct message_heartbeat *ret, struct err *e) NODISCARD;
int message_get_step(const struct frame *f, struct message_step *ret, struct err *e) NODISCARD;
int message_get_step_end(
	const struct frame *f, struct message_step_end *ret, struct err *e) NODISCARD;
int message_get_note(const struct frame *f, struct message_note *ret, struct err *e) NODISCARD;
int message_get_end(const struct frame *f, struct message_end *ret, struct err *e) NODISCARD;

/* FRAME_STDOUT and FRAME_STDERR: the step, and where its bytes are (inside the frame). */
int message_get_output(const struct frame *f, struct message_step *ret, const char **ret_data,
	size_t *ret_len, struct err *e) NODISCARD;

#endif
