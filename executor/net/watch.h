/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does an upload make progress? A server that accepts nothing can keep a client waiting by talking:
 * for rsync, any byte in either direction is a sign of life. So only bytes that the server accepts
 * count, and enough of them: LIMIT_UPLOAD_PROGRESS, and one for LIMIT_UPLOAD_PROGRESS_PART of the
 * bytes that it sent meanwhile, because ssh answers a server that talks with a few bytes.
 */
#ifndef EXECUTOR_NET_WATCH_H
#define EXECUTOR_NET_WATCH_H

#include <stdint.h>

enum watch_verdict {
	WATCH_GOOD,
	WATCH_STALLED, /* no progress for `patience_ms` */
	WATCH_FLOODED, /* no progress while more than LIMIT_UPLOAD_ANSWERS were received */
};

struct watch {
	int64_t patience_ms; /* 0: nothing is watched */
	/* At the last progress: the time, and the bytes received and sent until then. */
	int64_t since_ms;
	uint64_t received, sent;
};

void watch_start(struct watch *w, int64_t patience_ms, int64_t now_ms);

/* `received` from the server and `sent` to it are numbers of bytes from the start. */
enum watch_verdict watch_look(struct watch *w, int64_t now_ms, uint64_t received, uint64_t sent);

/* When watch_look must be called if no byte moves. CLOCK_NEVER: nothing is watched. */
int64_t watch_deadline_ms(const struct watch *w);

#endif
