/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/message.h"

#include <endian.h>
#include <string.h>

#include "contract/limits.h"

/* ---- encoding ---- */

static void put8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void put32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

static void put64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_add(b, &v, sizeof(v));
}

static void put_text(struct buf *b, const char *s)
{
	uint16_t len = (uint16_t)strlen(s);
	uint16_t wire = htole16(len);

	buf_add(b, &wire, sizeof(wire));
	buf_add(b, s, len);
}

void message_put_hello(struct buf *b, const struct message_hello *m)
{
	put32(b, m->protocol);
	put_text(b, m->build);
}

void message_put_go(struct buf *b, const struct message_go *m)
{
	put64(b, m->nonce);
	put64(b, (uint64_t)m->utc_ns);
	buf_add(b, m->entropy, sizeof(m->entropy));
	put8(b, m->network);
	put32(b, m->drive_count);
	for (uint32_t i = 0; i < m->drive_count; i++) {
		put_text(b, m->drives[i].serial);
		put64(b, m->drives[i].bytes);
		put8(b, m->drives[i].writable);
	}
}

void message_put_heartbeat(struct buf *b, const struct message_heartbeat *m)
{
	put64(b, m->guest_ns);
}

void message_put_step(struct buf *b, const struct message_step *m)
{
	put32(b, m->step);
}

void message_put_step_end(struct buf *b, const struct message_step_end *m)
{
	put32(b, m->step);
	put8(b, m->outcome);
	put32(b, (uint32_t)m->exit_code);
	put32(b, (uint32_t)m->signal);
	put64(b, m->wall_ns);
	put64(b, m->cpu_ns);
	put64(b, m->peak_bytes);
	put_text(b, m->text);
	put_text(b, m->reason);
}

void message_put_note(struct buf *b, const struct message_note *m)
{
	put8(b, m->warning);
	put_text(b, m->text);
}

void message_put_end(struct buf *b, const struct message_end *m)
{
	put8(b, m->outcome);
	put32(b, m->failed_step);
	put64(b, m->guest_ns);
	put_text(b, m->text);
	put32(b, m->output_count);
	for (uint32_t i = 0; i < m->output_count; i++) {
		put_text(b, m->outputs[i].serial);
		put64(b, m->outputs[i].bytes);
		put64(b, m->outputs[i].entries);
	}
}

/* ---- decoding: an error is sticky in the cursor and is checked at the end ---- */

struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static struct cursor cursor_at(const struct frame *f)
{
	return (struct cursor){.p = f->payload, .left = f->len};
}

static void take(struct cursor *c, void *out, size_t n)
{
	if (c->bad || c->left < n) {
		c->bad = true;
		memset(out, 0, n);
		return;
	}
	memcpy(out, c->p, n);
	c->p += n;
	c->left -= n;
}

static uint8_t take8(struct cursor *c)
{
	uint8_t v;

	take(c, &v, sizeof(v));
	return v;
}

static uint32_t take32(struct cursor *c)
{
	uint32_t v;

	take(c, &v, sizeof(v));
	return le32toh(v);
}

static uint64_t take64(struct cursor *c)
{
	uint64_t v;

	take(c, &v, sizeof(v));
	return le64toh(v);
}

/* A number that is copied to JSON. A larger one could not be read back from the log. */
static uint64_t take_number(struct cursor *c)
{
	uint64_t v = take64(c);

	if (v > LIMIT_JSON_NUMBER)
		c->bad = true;
	return v;
}

static bool take_bool(struct cursor *c)
{
	uint8_t v = take8(c);

	if (v > 1)
		c->bad = true;
	return v == 1;
}

/* A string that fits into `size` with its NUL and contains no NUL. */
static void take_text(struct cursor *c, char *out, size_t size)
{
	uint16_t len;

	take(c, &len, sizeof(len));
	len = le16toh(len);
	if (len >= size)
		c->bad = true;
	if (c->bad) {
		out[0] = '\0';
		return;
	}
	take(c, out, len);
	out[c->bad ? 0 : len] = '\0';
	if (strlen(out) != len)
		c->bad = true;
}

static uint32_t take_count(struct cursor *c)
{
	uint32_t n = take32(c);

	if (n > DRIVES_MAX)
		c->bad = true;
	return c->bad ? 0 : n;
}

static uint8_t take_outcome(struct cursor *c)
{
	uint8_t outcome = take8(c);

	if (outcome >= STEP_OUTCOMES)
		c->bad = true;
	return outcome;
}

static int finish(const struct cursor *c, const char *what, struct err *e)
{
	if (c->bad || c->left != 0)
		return err_reason(e, ERR_GUEST, "guest_frame_content",
			"the frame '%s' has invalid content", what);
	return 0;
}

int message_get_hello(const struct frame *f, struct message_hello *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->protocol = take32(&c);
	take_text(&c, ret->build, sizeof(ret->build));
	return finish(&c, "hello", e);
}

int message_get_go(const struct frame *f, struct message_go *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->nonce = take64(&c);
	ret->utc_ns = (int64_t)take64(&c);
	take(&c, ret->entropy, sizeof(ret->entropy));
	ret->network = take_bool(&c);
	ret->drive_count = take_count(&c);
	for (uint32_t i = 0; i < ret->drive_count; i++) {
		take_text(&c, ret->drives[i].serial, sizeof(ret->drives[i].serial));
		ret->drives[i].bytes = take64(&c);
		ret->drives[i].writable = take_bool(&c);
	}
	return finish(&c, "go", e);
}

int message_get_heartbeat(const struct frame *f, struct message_heartbeat *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->guest_ns = take64(&c);
	return finish(&c, "heartbeat", e);
}

int message_get_step(const struct frame *f, struct message_step *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->step = take32(&c);
	return finish(&c, "step", e);
}

int message_get_output(const struct frame *f, struct message_step *ret, const char **ret_data,
	size_t *ret_len, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->step = take32(&c);
	*ret_data = (const char *)c.p;
	*ret_len = c.left;
	c.left = 0;
	return finish(&c, "output", e);
}

int message_get_step_end(const struct frame *f, struct message_step_end *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->step = take32(&c);
	ret->outcome = take_outcome(&c);
	ret->exit_code = (int32_t)take32(&c);
	ret->signal = (int32_t)take32(&c);
	ret->wall_ns = take64(&c);
	ret->cpu_ns = take64(&c);
	ret->peak_bytes = take_number(&c);
	take_text(&c, ret->text, sizeof(ret->text));
	take_text(&c, ret->reason, sizeof(ret->reason));
	return finish(&c, "step end", e);
}

int message_get_note(const struct frame *f, struct message_note *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->warning = take_bool(&c);
	take_text(&c, ret->text, sizeof(ret->text));
	return finish(&c, "note", e);
}

int message_get_end(const struct frame *f, struct message_end *ret, struct err *e)
{
	struct cursor c = cursor_at(f);

	ret->outcome = take_outcome(&c);
	ret->failed_step = take32(&c);
	ret->guest_ns = take64(&c);
	take_text(&c, ret->text, sizeof(ret->text));
	ret->output_count = take_count(&c);
	for (uint32_t i = 0; i < ret->output_count; i++) {
		take_text(&c, ret->outputs[i].serial, sizeof(ret->outputs[i].serial));
		ret->outputs[i].bytes = take64(&c);
		ret->outputs[i].entries = take_number(&c);
	}
	return finish(&c, "end", e);
}

static const char *const outcome_reasons[STEP_OUTCOMES] = {
	[STEP_PASSED] = NULL,
	[STEP_FAILED] = "action_failed",
	[STEP_TIMED_OUT] = "action_timeout",
	[STEP_OUT_OF_TIME] = "run_timeout",
	[STEP_STOPPED] = "interrupted",
	[STEP_NO_MEMORY] = "out_of_memory",
	[STEP_TOO_LARGE] = "output_too_large",
	[STEP_BROKEN] = "guest_broken",
	[STEP_NO_PROCESSES] = "too_many_processes",
};

const char *message_reason(enum step_outcome o)
{
	return outcome_reasons[o];
}
