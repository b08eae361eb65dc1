/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/layers.h"

#include <inttypes.h>
#include <string.h>

#include "archive/foreign.h"
#include "archive/layertree.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/pack.h"
#include "os/fd.h"

enum {
	OUT_BYTES = 256 * 1024,
	OWNERS_BITS = 17,
	OWNERS_SIZE = 1 << OWNERS_BITS, /* a power of two, twice REWRITE_OWNERS_MAX */
	SHOWN_MAX = 300,
};

/* A device number that a header has room for: seven octal digits. */
#define DEVICE_MAX 07777777u

/* Users and groups that were written, in a hash table; id 0 takes no place, and is always one. */
struct owners {
	uint32_t ids[OWNERS_SIZE]; /* 0: free */
	size_t count;
};

struct merge {
	const struct layers_options *options;
	const struct layers_part *layers;
	size_t count;
	struct layertree tree;
	struct rewrite_report report;
	struct owners *owners;
	uint64_t expected; /* size of the files of all layers so far */
	int out;
	char *buffer;
	size_t used;
};

static int tick(struct merge *m, struct err *e)
{
	return m->options->tick ? m->options->tick(m->options->tick_arg, &m->report, e) : 0;
}

static int on_read(void *arg, uint64_t bytes, struct err *e)
{
	struct merge *m = arg;

	m->report.read += bytes;
	return tick(m, e);
}

/* What follows the end marker is of no interest: the digest of the layer was compared. */
static int open_layer(struct merge *m, size_t layer, struct foreign **ret, struct err *e)
{
	const struct layers_part *part = &m->layers[layer];
	const struct foreign_source source = {.fd = part->fd,
		.offset = part->offset,
		.length = part->length,
		.max_bytes = foreign_max_bytes(m->options->max_bytes),
		.no_end_marker = true,
		.tar_only = true,
		.on_read = on_read,
		.arg = m};

	return foreign_open(&source, false, ret, e);
}

/* ---- the first pass: names ---- */

static int too_large(const struct merge *m, struct err *e)
{
	return err_reason(e, ERR_INPUT, PACK_TOO_LARGE,
		"the files of the layers have more than %s (%" PRIu64 " bytes)",
		num_show_size(m->options->max_bytes).s, m->options->max_bytes);
}

static int check_entry(struct merge *m, const struct foreign_entry *f, struct err *e)
{
	const struct tar_entry *t = &f->entry;

	if (f->unknown || t->type == TAR_SOCKET)
		return err_set(e, ERR_INPUT, "an entry is %s", f->kind);
	if (t->uid == UINT32_MAX || t->gid == UINT32_MAX || t->major > DEVICE_MAX ||
		t->minor > DEVICE_MAX)
		return err_set(e, ERR_INPUT,
			"an entry has an owner or a device number that is too "
			"large");
	if (t->size > m->options->max_bytes - m->expected)
		return too_large(m, e);
	m->expected += t->size;
	return 0;
}

static int read_names(struct merge *m, size_t layer, struct err *e)
{
	auto_foreign struct foreign *f = NULL;
	struct foreign_entry entry;
	int more = open_layer(m, layer, &f, e);

	layertree_begin(&m->tree);
	if (more < 0)
		return -1;
	while ((more = foreign_next(f, &entry, e)) > 0) {
		m->report.entries++;
		if (check_entry(m, &entry, e) < 0 || layertree_add(&m->tree, &entry, e) < 0 ||
			tick(m, e) < 0 || foreign_skip(f, e) < 0)
			return -1;
	}
	return more;
}

/* ---- output ---- */

static int flush(struct merge *m, struct err *e)
{
	if (fd_write_all(m->out, m->buffer, m->used) < 0)
		return err_sys(e, "write");
	m->report.bytes += m->used;
	m->used = 0;
	return tick(m, e);
}

static int put(struct merge *m, const char *data, size_t len, struct err *e)
{
	while (len > 0) {
		size_t n = OUT_BYTES - m->used < len ? OUT_BYTES - m->used : len;

		memcpy(m->buffer + m->used, data, n);
		m->used += n;
		data += n;
		len -= n;
		if (m->used == OUT_BYTES && flush(m, e) < 0)
			return -1;
	}
	return 0;
}

static int put_zeros(struct merge *m, uint64_t len, struct err *e)
{
	static const char zeros[16 * 1024];

	while (len > 0) {
		size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		if (put(m, zeros, n, e) < 0)
			return -1;
		len -= n;
	}
	return 0;
}

/* False: it is one too many. */
static bool add_owner(struct owners *o, uint32_t id)
{
	size_t at = (uint32_t)(id * 0x9e3779b1u) >> (32 - OWNERS_BITS);

	if (id == 0)
		return true;
	while (o->ids[at] && o->ids[at] != id)
		at = (at + 1) % OWNERS_SIZE;
	if (o->ids[at])
		return true;
	o->ids[at] = id;
	return ++o->count < REWRITE_OWNERS_MAX;
}

static int put_header(struct merge *m, const struct tar_entry *t, struct err *e)
{
	if (!add_owner(m->owners, t->uid) || !add_owner(m->owners, t->gid)) {
		auto_free char *shown = text_safe(t->path, SHOWN_MAX);

		return err_set(e, ERR_INPUT,
			"entry '%s': up to it, files have more than %d different users and groups; "
			"a squashfs has no room for more",
			shown, REWRITE_OWNERS_MAX);
	}
	if (OUT_BYTES - m->used < TAR_HEADER_MAX && flush(m, e) < 0)
		return -1;
	m->used += tar_encode(t, m->buffer + m->used);
	return 0;
}

/* ---- the second pass: contents ---- */

static int changed(struct err *e)
{
	return err_set(e, ERR_INPUT,
		"the data of an entry has another length than its header says, or the layer "
		"changed while it was read");
}

static int put_data(
	struct merge *m, struct foreign *f, const struct tar_entry *t, bool sparse, struct err *e)
{
	uint64_t offset = 0, end = 0;
	const void *data = NULL;
	size_t len = 0;
	int more;

	while ((more = foreign_data(f, &data, &len, &offset, e)) > 0) {
		if (offset < end || offset > t->size || len > t->size - offset)
			return changed(e);
		if (put_zeros(m, offset - end, e) < 0 || put(m, data, len, e) < 0)
			return -1;
		end = offset + len;
	}
	if (more < 0)
		return -1;
	if (end != t->size && !sparse)
		return changed(e);
	return put_zeros(m, t->size - end + tar_padding(t->size), e);
}

/* What a squashfs has room for: seconds since 1970 in 32 bits, which last until 2106. */
static void limit_time(struct tar_entry *t)
{
	int64_t near = t->mtime < 0 ? 0 : t->mtime > UINT32_MAX ? UINT32_MAX : t->mtime;

	if (near == t->mtime)
		return;
	t->mtime = near;
	t->mtime_ns = 0;
}

/* What a header has room for. Only files and directories have attributes. */
static struct tar_entry plain_entry(const struct foreign_entry *f)
{
	struct tar_entry t = f->entry;

	limit_time(&t);
	if (t.type != TAR_FILE && t.type != TAR_DIR)
		t.xattr_count = 0;
	if (t.type != TAR_FILE)
		t.size = 0;
	return t;
}

/* A further name of a file; of a link or a device, a copy. */
static int put_other_name(
	struct merge *m, const struct tar_entry *first, const char *path, struct err *e)
{
	struct tar_entry t = *first;

	t.path = path;
	if (first->type == TAR_FILE) {
		t.type = TAR_HARDLINK;
		t.link = first->path;
		t.size = 0;
		t.xattr_count = 0;
	}
	return put_header(m, &t, e);
}

static int put_other_names(struct merge *m, const struct layertree_file *file,
	const struct tar_entry *first, struct err *e)
{
	auto_buf struct buf path = {0};

	buf_init(&path, LIMIT_TAR_LONG_PATH);
	for (const struct layertree_name *n = file->names->other; n; n = n->other) {
		buf_clear(&path);
		layertree_path(n, &path);
		if (put_other_name(m, first, path.data, e) < 0)
			return -1;
	}
	return 0;
}

static int put_file(struct merge *m, struct foreign *f, const struct layertree_file *file,
	const struct foreign_entry *entry, struct err *e)
{
	struct tar_entry t = plain_entry(entry);
	auto_buf struct buf path = {0};

	if (t.type != file->type || entry->entry.size != file->size)
		return changed(e);
	buf_init(&path, LIMIT_TAR_LONG_PATH);
	layertree_path(file->names, &path);
	t.path = path.data;
	m->report.dropped.xattrs += entry->xattrs_lost;
	if (put_header(m, &t, e) < 0 ||
		(t.type == TAR_FILE && put_data(m, f, &t, entry->sparse, e) < 0))
		return -1;
	return put_other_names(m, file, &t, e);
}

static int put_layer(struct merge *m, size_t layer, struct err *e)
{
	auto_foreign struct foreign *f = NULL;
	struct foreign_entry entry;
	size_t number = 0;
	int more = open_layer(m, layer, &f, e);

	if (more < 0)
		return -1;
	while ((more = foreign_next(f, &entry, e)) > 0) {
		const struct layertree_file *file = layertree_file(&m->tree, layer, number++);

		if (file && file->names ? put_file(m, f, file, &entry, e) < 0
					: foreign_skip(f, e) < 0)
			return -1;
	}
	return more;
}

static int put_implied(void *arg, const struct layertree_name *name, struct err *e)
{
	struct merge *m = arg;
	auto_buf struct buf path = {0};
	struct tar_entry t = {.type = TAR_DIR, .link = "", .mode = 0755};

	buf_init(&path, LIMIT_TAR_LONG_PATH);
	layertree_path(name, &path);
	t.path = path.data;
	return put_header(m, &t, e);
}

/* ---- the whole ---- */

static int each_layer(
	struct merge *m, int (*fn)(struct merge *m, size_t layer, struct err *e), struct err *e)
{
	for (size_t i = 0; i < m->count; i++)
		if (fn(m, i, e) < 0)
			return e->kind == ERR_INPUT && !e->reason[0]
				? err_wrap(e, "layer %zu", i + 1)
				: -1;
	return 0;
}

/*
 * What the executor does in a machine before the first action (executor/machine). /dev, /proc, /sys
 * and /var/tmp are mounted while another root is in use: an absolute link leads out then. What is in
 * the place of /lib/modules would be hidden wherever a link leads. A link at the place of a
 * directory of the scratch disk is kept.
 */
static const struct layertree_need needs[] = {
	{"dev", LAYERTREE_LINK_NONE, false},
	{"proc", LAYERTREE_LINK_NONE, false},
	{"sys", LAYERTREE_LINK_NONE, false},
	{"run", LAYERTREE_LINK_THERE, false},
	{"ci", LAYERTREE_LINK_THERE, false},
	{"root", LAYERTREE_LINK_ANY, false},
	{"tmp", LAYERTREE_LINK_ANY, false},
	{"var", LAYERTREE_LINK_INSIDE, false},
	{"var/tmp", LAYERTREE_LINK_ANY, false},
	{"lib", LAYERTREE_LINK_THERE, false},
	{"lib/modules", LAYERTREE_LINK_NONE, false},
	{"etc", LAYERTREE_LINK_THERE, false},
	{"etc/hosts", LAYERTREE_LINK_ANY, true},
	{"etc/machine-id", LAYERTREE_LINK_ANY, true},
};

static int check_needs(const struct merge *m, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (layertree_check(&m->tree, &needs[i], e) < 0)
			return -1;
	return 0;
}

static int merge(struct merge *m, struct err *e)
{
	if (each_layer(m, read_names, e) < 0 || check_needs(m, e) < 0 ||
		layertree_each_implied(&m->tree, put_implied, m, e) < 0 ||
		each_layer(m, put_layer, e) < 0)
		return -1;
	return put_zeros(m, TAR_END_BYTES, e) < 0 ? -1 : flush(m, e);
}

int layers_merge(const struct layers_part *layers, size_t count, int out,
	const struct layers_options *o, struct rewrite_report *ret, struct err *e)
{
	auto_free char *buffer = mem_alloc(OUT_BYTES);
	auto_free struct owners *owners = mem_alloc(sizeof(*owners));
	struct merge m = {.options = o,
		.layers = layers,
		.count = count,
		.owners = owners,
		.out = out,
		.buffer = buffer};
	int result;

	layertree_init(&m.tree, o->max_entries ? o->max_entries : LIMIT_TAR_ENTRIES);
	result = merge(&m, e);
	layertree_release(&m.tree);
	if (result == 0)
		*ret = m.report;
	return result;
}
