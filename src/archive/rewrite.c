/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/rewrite.h"

#include <inttypes.h>
#include <unistd.h>

#include "archive/foreign.h"
#include "archive/members.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "data/pack.h"
#include "os/fd.h"

enum { HOLE_UNIT = TAR_HOLE_UNIT }; /* zeros are skipped in blocks of this size */

struct rewrite {
	const struct rewrite_options *options;
	struct foreign_source source;
	int out;
	uint64_t expected; /* minimum size of the result, from the entries so far */
	struct members members;
	struct rewrite_report report;
};

static int tick(struct rewrite *r, struct err *e)
{
	return r->options->tick ? r->options->tick(r->options->tick_arg, &r->report, e) : 0;
}

static int on_read(void *arg, uint64_t bytes, struct err *e)
{
	struct rewrite *r = arg;

	r->report.read += bytes;
	return tick(r, e);
}

/* ---- the first pass ---- */

static int too_large(const struct rewrite *r, struct err *e)
{
	return err_reason(e, ERR_INPUT, PACK_TOO_LARGE,
		"what is in it takes more than %s (%" PRIu64 " bytes)",
		num_show_size(r->options->max_bytes).s, r->options->max_bytes);
}

/* Check the size before the data are read, which could be endless. */
static int expect(struct rewrite *r, const struct tar_entry *t, struct err *e)
{
	uint64_t left = r->options->max_bytes - r->expected;

	if (left < TAR_BLOCK || t->size > left - TAR_BLOCK)
		return too_large(r, e);
	r->expected += TAR_BLOCK + t->size;
	return 0;
}

static int look(struct rewrite *r, struct err *e)
{
	auto_foreign struct foreign *f = NULL;
	struct foreign_entry entry;
	int more = foreign_open(&r->source, false, &f, e);

	if (more < 0)
		return -1;
	while ((more = foreign_next(f, &entry, e)) > 0) {
		r->report.entries++;
		if (members_add(&r->members, &entry, e) < 0 || expect(r, &entry.entry, e) < 0 ||
			tick(r, e) < 0 || foreign_skip(f, e) < 0)
			return -1;
	}
	return more;
}

/* ---- the second pass ---- */

static int write_out(struct rewrite *r, const char *data, size_t len, uint64_t at, struct err *e)
{
	if (fd_pwrite_all(r->out, data, len, at) < 0)
		return err_sys(e, "write");
	r->report.bytes += len;
	return tick(r, e);
}

/* Skip blocks of the output that would be zeros. */
static int write_data(struct rewrite *r, const char *data, size_t len, uint64_t at, struct err *e)
{
	size_t from = 0, i = 0;

	while (i < len) {
		size_t room = HOLE_UNIT - (at + i) % HOLE_UNIT;
		size_t n = len - i < room ? len - i : room;
		bool zero = tar_all_zero(data + i, n);

		if (zero && i > from && write_out(r, data + from, i - from, at + from, e) < 0)
			return -1;
		i += n;
		if (zero)
			from = i;
	}
	return i > from ? write_out(r, data + from, i - from, at + from, e) : 0;
}

static int changed(const struct member *m, struct err *e)
{
	return members_refuse(m->path, e, "its data have another length than its header says");
}

/*
 * Copy the data of a file to the position of its first name. A sparse file may end with zeros that
 * are not stored.
 */
static int copy_data(
	struct rewrite *r, struct foreign *f, const struct member *m, bool is_sparse, struct err *e)
{
	uint64_t offset = 0, end = 0;
	const void *data = NULL;
	size_t len = 0;
	int more;

	while ((more = foreign_data(f, &data, &len, &offset, e)) > 0) {
		if (offset < end || offset > m->size || len > m->size - offset)
			return changed(m, e);
		if (write_data(r, data, len, m->file->data + offset, e) < 0)
			return -1;
		end = offset + len;
		if (tick(r, e) < 0)
			return -1;
	}
	if (more == 0 && end != m->size && !is_sparse)
		return changed(m, e);
	return more;
}

static int copy_files(struct rewrite *r, size_t count, struct err *e)
{
	auto_foreign struct foreign *f = NULL;
	struct foreign_entry entry;
	size_t number = 0;
	int more;

	if (foreign_open(&r->source, true, &f, e) < 0)
		return -1;
	while ((more = foreign_next(f, &entry, e)) > 0) {
		const struct member *m;

		r->report.entries++;
		if (number >= count)
			return err_set(e, ERR_INPUT, "there is data after its end");
		if (!members_is(&r->members, number, &entry))
			return err_set(e, ERR_INPUT, "it changed while it was read: try again");
		m = r->members.items[number++];
		if (m->path && m->type == TAR_FILE ? copy_data(r, f, m, entry.sparse, e) < 0
						   : foreign_skip(f, e) < 0)
			return -1;
	}
	if (more == 0 && number < count)
		return err_set(e, ERR_INPUT, "it changed while it was read: try again");
	return more;
}

static int write_headers(struct rewrite *r, struct err *e)
{
	auto_free char *room = mem_alloc(TAR_HEADER_MAX);

	for (size_t i = 0; i < r->members.sorted_count; i++) {
		const struct member *m = r->members.sorted[i];
		size_t len = members_encode(m, room);

		if (write_out(r, room, len, m->header, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- both passes ---- */

static int rewrite(struct rewrite *r, struct err *e)
{
	uint64_t bytes = 0;
	size_t count;

	if (look(r, e) < 0)
		return -1;
	count = r->members.count;
	if (members_arrange(&r->members, r->options->max_bytes, &bytes, e) < 0)
		return -1;
	if (write_headers(r, e) < 0 || copy_files(r, count, e) < 0)
		return -1;
	if (ftruncate(r->out, (off_t)bytes) < 0)
		return err_sys(e, "write");
	r->report.bytes = bytes;
	r->report.entries = r->members.sorted_count;
	r->report.dropped = r->members.dropped;
	return 0;
}

int rewrite_archive(int in, uint64_t length, int out, const struct rewrite_options *o,
	struct rewrite_report *ret, struct err *e)
{
	struct rewrite r = {.options = o,
		.source = {.fd = in,
			.length = length,
			.max_bytes = foreign_max_bytes(o->max_bytes),
			.on_read = on_read,
			.arg = &r},
		.out = out};
	int result;

	members_init(&r.members, o->max_entries ? o->max_entries : LIMIT_TAR_ENTRIES);
	result = rewrite(&r, e);
	members_release(&r.members);
	if (result == 0)
		*ret = r.report;
	return result;
}
