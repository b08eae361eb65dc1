/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/console.h"

#include <errno.h>
#include <inttypes.h>

#include "os/fd.h"
#include "os/nowait.h"
#include "os/outfile.h"
#include "os/space.h"

void console_init(struct console *c, int fd, uint64_t max)
{
	*c = (struct console){.fd = fd, .max = max};
	buf_init(&c->tail, CONSOLE_TAIL_BYTES);
}

void console_release(struct console *c)
{
	buf_release(&c->tail);
	c->fd = -1;
}

static void give_up(struct console *c)
{
	auto_free char *name = fd_name(c->fd);
	auto_free char *shown = mem_printf("the console log %s", name);

	(void)outfile_failed(shown, &c->error);
	if (c->error.sys == ENOSPC || c->error.sys == EDQUOT)
		(void)err_because(&c->error, ERR_REASON_DISK);
	space_explain(&c->error, c->fd);
}

static void write_out(struct console *c, const char *data, size_t len)
{
	if (c->fd < 0 || nowait_put(c->fd, data, len) == 0)
		return;
	give_up(c);
	c->fd = -1;
}

static void keep_end(struct console *c, const char *data, size_t len)
{
	size_t n = len < CONSOLE_TAIL_BYTES ? len : CONSOLE_TAIL_BYTES;

	c->dropped += len;
	if (c->tail.len + n > CONSOLE_TAIL_BYTES)
		buf_drop_front(&c->tail, c->tail.len + n - CONSOLE_TAIL_BYTES);
	buf_add(&c->tail, data + len - n, n);
}

bool console_take(struct console *c, const char *data, size_t len)
{
	uint64_t room = c->max > c->bytes ? c->max - c->bytes : 0;
	size_t fits = len < room ? len : (size_t)room;
	bool first;

	write_out(c, data, fits);
	c->bytes += len;
	first = len > fits && !c->dropped && c->fd >= 0;
	if (len > fits)
		keep_end(c, data + fits, len - fits);
	return first;
}

void console_end(struct console *c)
{
	auto_buf struct buf line = {0};
	uint64_t missing = c->dropped - c->tail.len;

	buf_init(&line, 200);
	if (missing)
		buf_addf(
			&line, "\n[%" PRIu64 " bytes of the console are left out here]\n", missing);
	write_out(c, line.data, line.len);
	write_out(c, c->tail.data, c->tail.len);
	buf_clear(&c->tail);
	c->dropped = 0;
}
