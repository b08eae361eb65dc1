/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor's end of the two ports.
 *
 * Frames to the host are collected in one buffer of LINK_OUT_BYTES and sent by a single write: the
 * kernel's virtio-console driver passes at most 32 KiB per write to the host, and each write needs
 * a separate queue element.
 *
 * Every write of a program wakes the executor. Therefore output that arrives shortly after the last
 * write to the host waits up to LINK_HOLD_NS for more output. The order is kept, and consecutive
 * output of one stream becomes one frame. The first output after a pause is sent immediately.
 *
 * No function blocks in write(2). While the host does not read, the link is busy. A caller with
 * other work (time limits, `stop`) continues with it; other callers wait in link_send.
 *
 * An error of any function means that the host has disconnected or violates the protocol. Nothing
 * can be reported then, and the executor ends.
 */
#ifndef EXECUTOR_LINK_H
#define EXECUTOR_LINK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/frame.h"
#include "contract/message.h"

enum { LINK_OUT_BYTES = 32 * 1024, LINK_POLL_FDS = 2, LINK_HOLD_NS = 2000000 };

struct link {
	int log_fd, ctl_fd; /* owned, non-blocking */
	uint64_t nonce;     /* 0 until `go` */
	uint32_t sequence;
	uint8_t out[LINK_OUT_BYTES]; /* frames that are not completely written: */
	size_t out_start, out_end;
	bool stuck;           /* the last write was incomplete */
	int64_t hold_ns;      /* do not write output before this time */
	struct link_growing { /* the last frame, while output may be added to it */
		bool is;
		enum frame_type type;
		uint32_t step;
		size_t start; /* where its header is in `out` */
	} growing;
	struct frame_reader in;
	int64_t next_beat_ms;
	int64_t go_ns; /* CLOCK_MONOTONIC when `go` came */
	/* Frames received from the host. */
	bool have_go, stop, ack;
	struct message_go go;
};

void link_init(struct link *l); /* without ports yet */
void link_release(struct link *l);
#define auto_link __attribute__((cleanup(link_release)))

/* Take ownership of the two ports and wait until the host has connected them. */
int link_connect(struct link *l, int log_fd, int ctl_fd, struct err *e) NODISCARD;

/* ---- sending ---- */

/* Queue a frame; blocks until there is space for it. payload NULL: no payload. */
int link_send(
	struct link *l, enum frame_type type, const struct buf *payload, struct err *e) NODISCARD;

/* True while the host does not read: link_room must not be called then. */
bool link_busy(const struct link *l);

/*
 * Returns the place for at most *ret_room bytes of output of a step, at least one. Call link_output
 * directly afterwards with the number of bytes.
 */
uint8_t *link_room(struct link *l, enum frame_type type, uint32_t step, size_t *ret_room);
int link_output(
	struct link *l, enum frame_type type, uint32_t step, size_t len, struct err *e) NODISCARD;

/* Time until waiting output is due: 0: now; -1: there is no output that could be sent. */
int64_t link_held_ns(const struct link *l);
/* Send output that is due. */
int link_send_due(struct link *l, struct err *e) NODISCARD;

/* Block until all frames are written. */
int link_drain(struct link *l, struct err *e) NODISCARD;

/* Write as much as possible without blocking. */
int link_flush(struct link *l, struct err *e) NODISCARD;

/* Send a heartbeat if one is due and the link is not busy. Call it about once per second. */
int link_beat(struct link *l, struct err *e) NODISCARD;

/* ---- receiving and waiting ---- */

/* Read frames of the host without blocking; sets have_go, stop, ack. */
int link_read(struct link *l, struct err *e) NODISCARD;

/* For a caller's own poll loop: fill two entries; after poll(2), handle their events. */
void link_poll_fill(const struct link *l, struct pollfd fds[LINK_POLL_FDS]);
int link_poll_done(struct link *l, const struct pollfd fds[LINK_POLL_FDS], struct err *e) NODISCARD;

/* Wait until *flag, one of the three above, is set, or for the deadline (ms; CLOCK_NEVER: none). */
int link_wait(struct link *l, const bool *flag, int64_t deadline_ms, struct err *e) NODISCARD;

/* ---- the end ---- */

/*
 * Send it, and wait until the host has acknowledged it. If the host has closed its end, that counts
 * as an acknowledgement.
 */
int link_part(struct link *l, struct message_end *end, struct err *e) NODISCARD;

/* The end after an error that is not of a step. */
void link_break(struct message_end *ret_end, const struct err *why);

#endif
