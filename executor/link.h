/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor's end of the two ports.
 *
 * Frames to the host go out from one buffer of LINK_OUT_BYTES, as many as are in it in a single
 * write: the kernel's virtio-console driver passes at most 32 KiB per write to the host, and each
 * write is a queue element of its own.
 *
 * The executor is woken by every single write of a program. So output that follows soon after what
 * was sent before waits up to LINK_HOLD_NS for more, in its order, and what one stream wrote at a
 * time becomes one frame. The first byte after a silence goes out at once.
 *
 * Nothing here blocks in write(2). While the host does not read, the link is busy, and who has
 * something to do meanwhile (time limits, `stop`) does it; who has not, waits in link_send.
 *
 * An error of any function here means that the host is gone or talks nonsense: nothing can be
 * reported any more, and the executor ends.
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
	uint8_t out[LINK_OUT_BYTES]; /* frames that are not wholly out: */
	size_t out_start, out_end;
	bool stuck;           /* the host did not take all of it when it was last written */
	int64_t hold_ns;      /* output is not written before this moment */
	struct link_growing { /* the last frame, while output may be added to it */
		bool is;
		enum frame_type type;
		uint32_t step;
		size_t start; /* where its header is in `out` */
	} growing;
	struct frame_reader in;
	int64_t next_beat_ms;
	int64_t go_ns; /* CLOCK_MONOTONIC when `go` came */
	/* What the host has said. */
	bool have_go, stop, ack;
	struct message_go go;
};

void link_init(struct link *l); /* without ports yet */
void link_release(struct link *l);
#define auto_link __attribute__((cleanup(link_release)))

/* Take over the two ports and wait until the host has connected them. */
int link_connect(struct link *l, int log_fd, int ctl_fd, struct err *e) NODISCARD;

/* ---- sending ---- */

/* Queue a frame, waiting as long as the host takes for those before it. NULL: no payload. */
int link_send(
	struct link *l, enum frame_type type, const struct buf *payload, struct err *e) NODISCARD;

/* True while the host does not take what was written: link_room must not be called then. */
bool link_busy(const struct link *l);

/*
 * Where up to *ret_room bytes of output of a step go, at least one; link_output says how many have
 * come, and that at once.
 */
uint8_t *link_room(struct link *l, enum frame_type type, uint32_t step, size_t *ret_room);
int link_output(
	struct link *l, enum frame_type type, uint32_t step, size_t len, struct err *e) NODISCARD;

/* How long output may still wait: 0 when it is due, -1 when there is none that could be sent. */
int64_t link_held_ns(const struct link *l);
/* Send output that is due. */
int link_send_due(struct link *l, struct err *e) NODISCARD;

/* Wait until everything is out. */
int link_drain(struct link *l, struct err *e) NODISCARD;

/* Write what can be written now. */
int link_flush(struct link *l, struct err *e) NODISCARD;

/* Send a heartbeat if one is due and the link is not busy. To be called about once a second. */
int link_beat(struct link *l, struct err *e) NODISCARD;

/* ---- receiving and waiting ---- */

/* Read what the host said, without waiting: have_go, stop, ack. */
int link_read(struct link *l, struct err *e) NODISCARD;

/* For a caller's own poll loop: fill two entries; then act on what they report. */
void link_poll_fill(const struct link *l, struct pollfd fds[LINK_POLL_FDS]);
int link_poll_done(struct link *l, const struct pollfd fds[LINK_POLL_FDS], struct err *e) NODISCARD;

/* Wait until *flag, one of the three above, or the deadline (ms, CLOCK_NEVER). Then look at *flag.
 */
int link_wait(struct link *l, const bool *flag, int64_t deadline_ms, struct err *e) NODISCARD;

#endif
