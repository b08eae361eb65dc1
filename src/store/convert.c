/* SPDX-License-Identifier: Apache-2.0 */
#include "store/convert.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "data/tar.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/sig.h"
#include "store/archiver.h"

enum { WINDOW = 1 << 20 };

/* ---- what it has written ---- */

/* A part of the file, in memory. */
struct window {
	int fd;
	uint64_t at, length;
	size_t have;
	char *data;
};

/* Read `want` bytes at `at`, or all that are left of the file. */
static int window_move(struct window *w, uint64_t at, size_t want, struct err *e)
{
	uint64_t left = w->length - at;
	ssize_t n;

	if (left < want)
		want = (size_t)left;
	if (at >= w->at && at - w->at <= w->have && w->have - (at - w->at) >= want)
		return 0;
	n = fd_pread_full(w->fd, w->data, left < WINDOW ? (size_t)left : WINDOW, at);
	if (n < 0)
		return err_sys(e, "read");
	w->at = at;
	w->have = (size_t)n;
	return w->have < want ? err_set(e, ERR_HOST, "the archive became shorter") : 0;
}

static int check_entries(struct window *w, struct tar_reader *r, struct err *e)
{
	size_t padding = 0, header;
	struct tar_entry entry;
	int more = 1;

	while (more > 0) {
		uint64_t at = r->offset - padding;

		if (sig_check(e) < 0 || window_move(w, at, padding + TAR_HEADER_MAX, e) < 0 ||
			tar_check_padding(r, w->data + (at - w->at), padding, e) < 0)
			return -1;
		at += padding;
		more = tar_next(r, w->data + (at - w->at), w->have - (size_t)(at - w->at), &entry,
			&header, e);
		padding = more > 0 ? tar_padding(entry.size) : 0;
	}
	return more;
}

/* By the rules for archives of a guest. Errors are errors of the program. */
static int check(int fd, const struct rewrite_report *claim, uint64_t max_bytes, struct err *e)
{
	const struct tar_rules rules = {.strict = true};
	auto_tar_reader struct tar_reader r = {0};
	auto_free char *data = mem_alloc(WINDOW);
	struct window w = {.fd = fd, .data = data};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	w.length = (uint64_t)st.st_size;
	if (w.length > max_bytes || w.length != claim->bytes)
		return err_set(e, ERR_INPUT, "its length is %" PRIu64, w.length);
	tar_reader_init(&r, &rules, w.length);
	if (check_entries(&w, &r, e) < 0)
		return -1;
	if (r.entries != claim->entries)
		return err_set(e, ERR_INPUT, "it has %" PRIu64 " entries", r.entries);
	return 0;
}

static int rewrite(const char *program, int from, int to, uint64_t length, uint64_t max_bytes,
	struct rewrite_report *ret, struct err *e)
{
	auto_jail struct jail j;

	archiver_init(&j, program, "rewrite", max_bytes);
	jail_keep_as(&j, from, REWRITE_IN);
	return archiver_run(&j, to, length, max_bytes, ret, e);
}

int convert_archive(const char *program, int from, int to, uint64_t max_bytes,
	struct convert_result *ret, struct err *e)
{
	struct rewrite_report r;
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_sys(e, "stat");
	if (rewrite(program, from, to, (uint64_t)st.st_size, max_bytes, &r, e) < 0)
		return -1;
	if (check(to, &r, max_bytes, e) < 0) {
		if (e->kind == ERR_GUEST)
			e->kind = ERR_INPUT;
		return err_wrap(e, "what " REWRITE_PROGRAM " made of it is not as it should be");
	}
	*ret = (struct convert_result){
		.bytes = r.bytes, .entries = r.entries, .dropped = r.dropped};
	return 0;
}
