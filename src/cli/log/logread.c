/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "contract/event.h"
#include "data/jsonl.h"
#include "os/fd.h"

enum { CHUNK = 256 * 1024 };

int logread_open(struct logread *r, const char *path, struct err *e)
{
	*r = (struct logread){.fd = -1, .name = path};
	if (fd_open_file(path, &r->fd, e) < 0)
		return -1;
	buf_init(&r->data, LOGREAD_LINE_MAX + CHUNK);
	return 0;
}

void logread_release(struct logread *r)
{
	fd_close(r->fd);
	node_free(r->event);
	buf_release(&r->data);
	*r = (struct logread){.fd = -1};
}

static int fill(struct logread *r, struct err *e)
{
	ssize_t n;

	buf_drop_front(&r->data, r->start);
	r->start = 0;
	do
		n = read(r->fd, buf_room(&r->data, CHUNK), CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "read %s", r->name);
	buf_grew(&r->data, (size_t)n);
	r->at_end = n == 0;
	return 0;
}

/* 1: a line, without its newline; 0: the end. Lines that are too long are skipped and counted. */
static int next_line(struct logread *r, const char **ret_line, size_t *ret_len, struct err *e)
{
	size_t seen = 0;
	bool skipping = false;

	for (;;) {
		const char *line = r->data.data + r->start;
		size_t have = r->data.len - r->start;
		const char *newline = memchr(line + seen, '\n', have - seen);

		if (newline) {
			r->start += (size_t)(newline - line) + 1;
			r->lines++;
			seen = 0;
			if (!skipping) {
				*ret_line = line;
				*ret_len = (size_t)(newline - line);
				return 1;
			}
			r->damaged++;
			skipping = false;
			continue;
		}
		if (r->at_end) {
			r->cut = have > 0 || skipping;
			return 0;
		}
		seen = have;
		if (have > LOGREAD_LINE_MAX - CHUNK) {
			r->start = r->data.len;
			seen = 0;
			skipping = true;
		}
		if (fill(r, e) < 0)
			return -1;
	}
}

int logread_next(struct logread *r, const struct node **ret_event, struct err *e)
{
	const char *line;
	size_t len;
	int more;

	while ((more = next_line(r, &line, &len, e)) > 0) {
		struct err ignored = {0};

		node_free(r->event);
		r->event = NULL;
		if (jsonl_parse(line, len, r->name, &r->event, &ignored) < 0 ||
			!node_text(node_get(r->event, "type"))) {
			r->damaged++;
			continue;
		}
		*ret_event = r->event;
		return 1;
	}
	return more;
}

bool logread_output(struct logread *r, const struct node *event, struct buf *b)
{
	const char *text = node_get_text(event, "text", NULL);
	const char *base64 = node_get_text(event, "base64", NULL);

	if (event_by_name(node_get_text(event, "type", "")) != EVENT_ACTION_OUTPUT)
		return false;
	if (text) {
		buf_adds(b, text);
		return true;
	}
	if (base64 && base64_decode(b, base64, strlen(base64)) == 0)
		return true;
	r->damaged++;
	return false;
}
