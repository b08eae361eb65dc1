/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of each frame. Encoders append to a buffer. Decoders take untrusted bytes and accept
 * exactly one well-formed message: no field is missing, nothing follows it, and every string is
 * limited.
 *
 * Encoding: integers are little-endian; a string is its length (2 bytes) and its bytes.
 */
#ifndef CONTRACT_MESSAGE_H
#define CONTRACT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/contract.h"
#include "contract/frame.h"
#include "contract/limits.h"

enum {
	MESSAGE_BUILD_MAX = 64,
	MESSAGE_TEXT_MAX = 900,
	MESSAGE_REASON_MAX = 40,
	MESSAGE_ENTROPY_BYTES = 32
};

#define MESSAGE_NO_STEP UINT32_MAX

/* FRAME_HELLO: the executor has started. */
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
	uint64_t nonce; /* contained in every later frame; not 0 */
	int64_t utc_ns; /* the current time of the host */
	uint8_t entropy[MESSAGE_ENTROPY_BYTES];
	bool network; /* there is a network device that leads to the proxy (NET_PROXY_ADDRESS) */
	uint32_t drive_count;
	struct message_drive drives[DRIVES_MAX];
};

/* FRAME_HEARTBEAT: sent at least every HEARTBEAT_MS. */
struct message_heartbeat {
	uint64_t guest_ns; /* the guest's CLOCK_MONOTONIC */
};

/* FRAME_STEP_START, and the first part of FRAME_STDOUT and FRAME_STDERR, whose bytes follow. */
struct message_step {
	uint32_t step; /* index in the plan */
};

enum step_outcome {
	STEP_PASSED = 0,
	STEP_FAILED = 1,       /* exit code, signal, or an error of a built-in step */
	STEP_TIMED_OUT = 2,    /* time limit of the step */
	STEP_OUT_OF_TIME = 3,  /* time limit of the run */
	STEP_STOPPED = 4,      /* the host sent stop */
	STEP_NO_MEMORY = 5,    /* the guest ran out of memory during the step */
	STEP_TOO_LARGE = 6,    /* an output is larger than its drive */
	STEP_BROKEN = 7,       /* a fault of the guest itself: a drive cannot be read, ... */
	STEP_NO_PROCESSES = 8, /* the limit of processes was reached */
	STEP_OUTCOMES,
};

/* Its reason of docs/errors.md, unless there is a more specific one. NULL for STEP_PASSED. */
const char *message_reason(enum step_outcome o);

/* FRAME_STEP_END */
struct message_step_end {
	uint32_t step;
	uint8_t outcome;   /* enum step_outcome */
	int32_t exit_code; /* -1 when killed by a signal or never started */
	int32_t signal;    /* 0 if it was not killed by a signal */
	uint64_t wall_ns, cpu_ns;
	uint64_t peak_bytes; /* resident set of the largest process; at most LIMIT_JSON_NUMBER */
	char text[MESSAGE_TEXT_MAX]; /* the error, or "" */
	/*
	 * With STEP_FAILED: a more specific reason of docs/errors.md, or "". The host accepts it
	 * only from a trusted VM, and only if it is a reason that guests may report.
	 */
	char reason[MESSAGE_REASON_MAX];
};

/* FRAME_NOTE: a message for the user. */
struct message_note {
	bool warning; /* false: a debug message */
	char text[MESSAGE_TEXT_MAX];
};

/* FRAME_END: the result of the run as the guest claims it. No frame follows. */
struct message_output {
	char serial[DRIVE_SERIAL_MAX + 1];
	uint64_t bytes;   /* length of the archive: a multiple of 512, at least 1024 */
	uint64_t entries; /* at most LIMIT_JSON_NUMBER */
};
struct message_end {
	uint8_t outcome; /* enum step_outcome of the first step that did not pass */
	/* MESSAGE_NO_STEP if all steps passed, or if no step caused the failure */
	uint32_t failed_step;
	uint64_t guest_ns; /* the guest's CLOCK_MONOTONIC since `go` */
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

/* Each returns 0, or -1 with ERR_GUEST, reason guest_frame_content. */
int message_get_hello(const struct frame *f, struct message_hello *ret, struct err *e) NODISCARD;
int message_get_go(const struct frame *f, struct message_go *ret, struct err *e) NODISCARD;
int message_get_heartbeat(
	const struct frame *f, struct message_heartbeat *ret, struct err *e) NODISCARD;
int message_get_step(const struct frame *f, struct message_step *ret, struct err *e) NODISCARD;
int message_get_step_end(
	const struct frame *f, struct message_step_end *ret, struct err *e) NODISCARD;
int message_get_note(const struct frame *f, struct message_note *ret, struct err *e) NODISCARD;
int message_get_end(const struct frame *f, struct message_end *ret, struct err *e) NODISCARD;

/* FRAME_STDOUT and FRAME_STDERR: the step, and its output (a pointer into the frame). */
int message_get_output(const struct frame *f, struct message_step *ret, const char **ret_data,
	size_t *ret_len, struct err *e) NODISCARD;

#endif
