/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/watch.h"

#include <stdbool.h>

#include "base/clock.h"
#include "executor/limits.h"

void watch_start(struct watch *w, int64_t patience_ms, int64_t now_ms)
{
	*w = (struct watch){.patience_ms = patience_ms, .since_ms = now_ms};
}

static bool is_progress(const struct watch *w, uint64_t received, uint64_t sent)
{
	uint64_t accepted = sent - w->sent;

	return accepted >= LIMIT_UPLOAD_PROGRESS &&
		accepted >= (received - w->received) / LIMIT_UPLOAD_PROGRESS_PART;
}

enum watch_verdict watch_look(struct watch *w, int64_t now_ms, uint64_t received, uint64_t sent)
{
	if (w->patience_ms == 0)
		return WATCH_GOOD;
	if (is_progress(w, received, sent)) {
		w->since_ms = now_ms;
		w->received = received;
		w->sent = sent;
		return WATCH_GOOD;
	}
	if (received - w->received > LIMIT_UPLOAD_ANSWERS)
		return WATCH_FLOODED;
	return now_ms >= watch_deadline_ms(w) ? WATCH_STALLED : WATCH_GOOD;
}

int64_t watch_deadline_ms(const struct watch *w)
{
	return w->patience_ms == 0 ? CLOCK_NEVER : w->since_ms + w->patience_ms;
}
