/* SPDX-License-Identifier: Apache-2.0 */
#include "data/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "data/limits.h"
#include "data/tar.h"
#include "os/fd.h"

enum {
	BUFFER_BYTES = 1 << 20,
	PAGE = 4096,              /* writes to a drive start at multiples of it */
	LISTING_BYTES = 64 << 10, /* also the limit for all names of attributes of a file */
	TICK_ENTRIES = 256,
	TICK_BYTES = BUFFER_BYTES,
	SMALL_HOLE = 64 << 10, /* shorter holes are written as zeros */
	SHOWN_MAX = 300,
};

/*
 * A file with more than one link, by device and inode, with the position of its first path in
 * `link_paths`.
 */
struct link_slot {
	dev_t dev;
	ino_t ino;
	size_t path; /* offset + 1; 0: the slot is free */
};

struct packer {
	struct pack_options options;
	const char *shown; /* of the tree that is being packed */
	int fd;
	char *header;  /* TAR_HEADER_MAX, for the sink; NULL when there is none */
	bool told;     /* the sink wants the contents of the current entry */
	dev_t out_dev; /* of fd, if that is a regular file: it is not packed into itself */
	ino_t out_ino;
	char *buffer;  /* not yet written; BUFFER_BYTES */
	char *listing; /* LISTING_BYTES: raw directory entries or attribute names */
	/* Of the current entry. */
	struct tar_xattr xattrs[LIMIT_TAR_XATTRS];
	char *xattr_text; /* names and values: LIMIT_TAR_XATTR_BYTES, and a NUL after each name */
	size_t xattr_bytes;
	struct tar_hole holes[LIMIT_TAR_HOLES];
	size_t used;     /* bytes in `buffer` */
	uint64_t offset; /* of `buffer` in the output; a multiple of PAGE */
	struct buf path; /* of the current entry */
	struct buf previous;
	uint64_t ticked_entries, ticked_bytes;
	size_t names_bytes; /* held by all listings, see LIMIT_PACK_NAMES_BYTES */
	struct link_slot *links;
	size_t link_count, link_slots; /* slots: a power of two, or 0 */
	struct buf link_paths;
	struct pack_result result;
};

void pack_result_release(struct pack_result *r)
{
	strv_release(&r->warnings);
	*r = (struct pack_result){0};
}

/* ---- messages ---------------------------------------------------------------------------- */

/*
 * The path of the current entry for messages, prefixed with the name of the tree. The caller frees.
 */
static char *shown_path(const struct packer *p)
{
	auto_free char *safe = text_safe(p->path.data, SHOWN_MAX);

	if (!p->shown || !*p->shown)
		return steal_ptr(&safe);
	if (!*safe)
		return mem_strdup(p->shown);
	return mem_printf("%s/%s", p->shown, safe);
}

static void warn(struct packer *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(struct packer *p, const char *fmt, ...)
{
	auto_free char *path = NULL;
	char text[ERR_SET_MAX];
	va_list ap;

	if (p->result.warning_count++ >= PACK_WARNINGS_MAX)
		return;
	path = shown_path(p);
	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	strv_pushf(&p->result.warnings, "%s: %s", path, text);
}

static int refuse(const struct packer *p, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int refuse(const struct packer *p, struct err *e, const char *fmt, ...)
{
	auto_free char *path = shown_path(p);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "%s", path);
}

/* Set the error for the current entry from errno; ERR_INPUT if its owner can fix it. */
static int cannot(const struct packer *p, const char *what, struct err *e)
{
	auto_free char *path = NULL;
	int saved = errno;

	if (saved == EACCES || saved == EPERM)
		return refuse(p, e, "%s: %s: make it readable, or move it out of the tree", what,
			strerror(saved));
	path = shown_path(p);
	errno = saved;
	return err_sys(e, "%s: %s", path, what);
}

static int too_large(const struct packer *p, uint64_t size, struct err *e)
{
	auto_free char *path = shown_path(p);

	return err_reason(e, ERR_INPUT, PACK_TOO_LARGE,
		"the archive would be larger than %s (%" PRIu64 " bytes): no room for %s (%s)",
		num_show_size(p->options.max_bytes).s, p->options.max_bytes, path,
		num_show_size(size).s);
}

/* ---- the output -------------------------------------------------------------------------- */

static uint64_t position(const struct packer *p)
{
	return p->offset + p->used;
}

static int tick(struct packer *p, struct err *e)
{
	if (p->result.entries - p->ticked_entries < TICK_ENTRIES &&
		position(p) - p->ticked_bytes < TICK_BYTES)
		return 0;
	p->ticked_entries = p->result.entries;
	p->ticked_bytes = position(p);
	if (!p->options.tick)
		return 0;
	return p->options.tick(p->options.tick_arg, p->result.entries, position(p), e);
}

static int write_failed(const struct packer *p, struct err *e)
{
	auto_free char *name = fd_name(p->fd);

	return err_sys(e, "write the archive at byte %" PRIu64 ", %s", p->offset, name);
}

/* Write the first `len` bytes of the buffer and move the rest to its start. */
static int write_front(struct packer *p, size_t len, struct err *e)
{
	if (p->fd >= 0 && fd_pwrite_all(p->fd, p->buffer, len, p->offset) < 0)
		return write_failed(p, e);
	p->offset += len;
	p->used -= len;
	memmove(p->buffer, p->buffer + len, p->used);
	return tick(p, e);
}

/*
 * Make room for `len` bytes. Only whole pages are written, so that the kernel need not read the
 * drive to fill up a page.
 */
static int make_room(struct packer *p, size_t len, struct err *e)
{
	if (BUFFER_BYTES - p->used >= len)
		return 0;
	return write_front(p, p->used & ~(size_t)(PAGE - 1), e);
}

static int put_zeros(struct packer *p, uint64_t len, struct err *e)
{
	while (len) {
		size_t n = len < PAGE ? (size_t)len : PAGE;

		if (make_room(p, n, e) < 0)
			return -1;
		memset(p->buffer + p->used, 0, n);
		p->used += n;
		len -= n;
	}
	return 0;
}

/* Zeros. If the output is known to read as zeros, whole pages are skipped. */
static int put_hole(struct packer *p, uint64_t len, struct err *e)
{
	uint64_t first = -position(p) & (PAGE - 1), pages;

	if (!p->options.out_is_zero || len < SMALL_HOLE)
		return put_zeros(p, len, e);
	pages = (len - first) & ~(uint64_t)(PAGE - 1);
	if (put_zeros(p, first, e) < 0 || write_front(p, p->used, e) < 0)
		return -1;
	p->offset += pages;
	return put_zeros(p, len - first - pages, e);
}

static void tell_data(const struct packer *p, const char *data, size_t len)
{
	if (p->told)
		p->options.sink->data(p->options.sink->arg, data, len);
}

/* Zeros that belong to the contents of a file. */
static int put_gap(struct packer *p, uint64_t len, struct err *e)
{
	if (p->told && len)
		p->options.sink->zeros(p->options.sink->arg, len);
	return put_hole(p, len, e);
}

static int put_bytes(struct packer *p, const char *data, size_t len, struct err *e)
{
	tell_data(p, data, len);
	while (len) {
		size_t n;

		if (make_room(p, PAGE, e) < 0)
			return -1;
		n = BUFFER_BYTES - p->used < len ? BUFFER_BYTES - p->used : len;
		memcpy(p->buffer + p->used, data, n);
		p->used += n;
		data += n;
		len -= n;
	}
	return 0;
}

/* fd and st as in struct pack_entry. */
static void tell_entry(struct packer *p, const struct tar_entry *t, int fd, const struct stat *st)
{
	const struct pack_sink *sink = p->options.sink;
	struct tar_entry timeless = *t;

	if (!sink)
		return;
	timeless.mtime = 0;
	timeless.mtime_ns = 0;
	timeless.hole_count = 0;
	p->told = sink->entry(sink->arg,
		&(struct pack_entry){.entry = t,
			.header = p->header,
			.header_len = tar_encode(&timeless, p->header),
			.fd = fd,
			.st = st});
}

/*
 * Write the header if the limit has room for the entry with its contents. Path and link have been
 * checked.
 */
static int put_header_of(
	struct packer *p, const struct tar_entry *t, int fd, const struct stat *st, struct err *e)
{
	uint64_t max = p->options.max_bytes ? p->options.max_bytes : UINT64_MAX;
	uint64_t data = t->size + tar_padding(t->size);
	size_t header;

	if (make_room(p, TAR_HEADER_MAX, e) < 0)
		return -1;
	header = tar_encode(t, p->buffer + p->used);
	if (position(p) + header + TAR_END_BYTES > max ||
		data > max - position(p) - header - TAR_END_BYTES)
		return too_large(p, t->size, e);
	p->used += header;
	p->result.entries++;
	tell_entry(p, t, fd, st);
	return tick(p, e);
}

static int put_header(struct packer *p, const struct tar_entry *t, struct err *e)
{
	return put_header_of(p, t, -1, NULL, e);
}

/* ---- files ------------------------------------------------------------------------------- */

/* Read up to `len` bytes of the file; *ret_got is less only at end of file. */
static int put_from_file(struct packer *p, int fd, uint64_t len, uint64_t *ret_got, struct err *e)
{
	*ret_got = 0;
	while (*ret_got < len) {
		uint64_t left = len - *ret_got;
		size_t room;
		ssize_t n;

		if (make_room(p, left < PAGE ? (size_t)left : PAGE, e) < 0)
			return -1;
		room = BUFFER_BYTES - p->used;
		n = read(fd, p->buffer + p->used, left < room ? (size_t)left : room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot(p, "read", e);
		if (n == 0)
			break;
		tell_data(p, p->buffer + p->used, (size_t)n);
		p->used += (size_t)n;
		*ret_got += (uint64_t)n;
	}
	return 0;
}

/* *missing is increased by the bytes that the file lost since fstat. */
static int put_dense(struct packer *p, int fd, uint64_t size, uint64_t *missing, struct err *e)
{
	uint64_t got;

	if (put_from_file(p, fd, size, &got, e) < 0)
		return -1;
	*missing += size - got;
	return put_gap(p, size - got, e);
}

/* Find the next data at or after `at`; both results are `size` if there are no more data. */
static int find_data(struct packer *p, int fd, uint64_t at, uint64_t size, uint64_t *ret_start,
	uint64_t *ret_end, struct err *e)
{
	off_t start = lseek(fd, (off_t)at, SEEK_DATA), end;

	*ret_start = *ret_end = size;
	if (start < 0 && errno == ENXIO)
		return 0;
	if (start < 0)
		return cannot(p, "find the data of the sparse file", e);
	if ((uint64_t)start >= size)
		return 0;
	end = lseek(fd, start, SEEK_HOLE);
	if (end < 0 || lseek(fd, start, SEEK_SET) < 0)
		return cannot(p, "find the holes of the sparse file", e);
	*ret_start = (uint64_t)start;
	*ret_end = (uint64_t)end < size ? (uint64_t)end : size;
	return 0;
}

/* Write the contents from `at` to `end`. */
static int put_sparse(
	struct packer *p, int fd, uint64_t at, uint64_t end, uint64_t *missing, struct err *e)
{
	while (at < end) {
		uint64_t start, stop;

		if (find_data(p, fd, at, end, &start, &stop, e) < 0 ||
			put_gap(p, start - at, e) < 0 ||
			put_dense(p, fd, stop - start, missing, e) < 0)
			return -1;
		at = stop;
	}
	return 0;
}

/* A hole listed in the header reads as zeros, even if data was written into it since. */
static int put_around_holes(struct packer *p, int fd, const struct tar_entry *t, uint64_t size,
	uint64_t *missing, struct err *e)
{
	uint64_t at = 0;

	for (size_t i = 0; i < t->hole_count; i++) {
		const struct tar_hole *h = &t->holes[i];

		if (put_sparse(p, fd, at, h->start, missing, e) < 0 || put_gap(p, h->len, e) < 0)
			return -1;
		at = h->start + h->len;
	}
	return put_sparse(p, fd, at, size, missing, e);
}

static bool is_sparse(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size && st->st_size >= SMALL_HOLE;
}

/*
 * The header says st_size, so exactly that many bytes must follow even if the file changes
 * meanwhile. Lost bytes are replaced with zeros; added ones are ignored.
 */
static int put_contents(
	struct packer *p, int fd, const struct stat *st, const struct tar_entry *t, struct err *e)
{
	uint64_t size = (uint64_t)st->st_size, missing = 0;

	if (p->fd < 0 && !p->told)
		return 0;
	if (is_sparse(st) ? put_around_holes(p, fd, t, size, &missing, e) < 0
			  : put_dense(p, fd, size, &missing, e) < 0)
		return -1;
	if (missing)
		warn(p,
			"shrank while it was packed: zeros stand for %" PRIu64 " of its %" PRIu64
			" bytes",
			missing, size);
	return put_zeros(p, tar_padding(size), e);
}

/* ---- hard links -------------------------------------------------------------------------- */

static size_t link_index(const struct packer *p, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 40) * 0x9e3779b97f4a7c15ULL;
	size_t i = (size_t)(hash >> 20) & (p->link_slots - 1);

	while (p->links[i].path && (p->links[i].ino != ino || p->links[i].dev != dev))
		i = (i + 1) & (p->link_slots - 1);
	return i;
}

static void grow_links(struct packer *p)
{
	struct link_slot *old = p->links;
	size_t count = p->link_slots;

	p->link_slots = count ? 2 * count : 256;
	p->links = mem_array(p->link_slots, sizeof(*p->links));
	for (size_t i = 0; i < count; i++)
		if (old[i].path)
			p->links[link_index(p, old[i].dev, old[i].ino)] = old[i];
	free(old);
}

/*
 * *ret_first is the path under which this file was packed before, or NULL: then the current path is
 * remembered.
 */
static int find_link(struct packer *p, const struct stat *st, const char **ret_first, struct err *e)
{
	struct link_slot *slot;

	*ret_first = NULL;
	if (2 * p->link_count >= p->link_slots)
		grow_links(p);
	slot = &p->links[link_index(p, st->st_dev, st->st_ino)];
	if (slot->path) {
		*ret_first = p->link_paths.data + slot->path - 1;
		return 0;
	}
	*slot = (struct link_slot){st->st_dev, st->st_ino, p->link_paths.len + 1};
	buf_add(&p->link_paths, p->path.data, p->path.len + 1);
	if (++p->link_count > p->options.max_links || p->link_paths.overflow)
		return refuse(p, e,
			"the tree has more than %zu files with several links, or their paths have "
			"more than %s",
			p->options.max_links, num_show_size(p->options.max_names_bytes).s);
	return 0;
}

/* ---- holes and attributes ---------------------------------------------------------------- */

/* If there are more holes than a header can list, the smallest ones are not listed. */
static size_t forget_smallest(struct tar_hole *holes, size_t count)
{
	size_t smallest = 0;

	for (size_t i = 1; i < count; i++)
		if (holes[i].len < holes[smallest].len)
			smallest = i;
	memmove(holes + smallest, holes + smallest + 1, (count - smallest - 1) * sizeof(*holes));
	return count - 1;
}

static size_t add_hole(struct tar_hole *holes, size_t count, uint64_t start, uint64_t end)
{
	const uint64_t unit = TAR_HOLE_UNIT;
	struct tar_hole h = {.start = (start + unit - 1) / unit * unit};

	if (end < h.start + SMALL_HOLE)
		return count;
	h.len = (end - h.start) / unit * unit;
	if (count == LIMIT_TAR_HOLES)
		count = forget_smallest(holes, count);
	holes[count] = h;
	return count + 1;
}

static int find_holes(
	struct packer *p, int fd, const struct stat *st, struct tar_entry *t, struct err *e)
{
	uint64_t size = (uint64_t)st->st_size, at = 0;

	t->holes = p->holes;
	if (p->options.kinds != PACK_FOR_GUESTS || !is_sparse(st))
		return 0;
	while (at < size) {
		uint64_t start, end;

		if (find_data(p, fd, at, size, &start, &end, e) < 0)
			return -1;
		t->hole_count = add_hole(p->holes, t->hole_count, at, start);
		at = end;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? cannot(p, "read", e) : 0;
}

/*
 * False if the limits are exceeded or the attribute cannot be read. One that was removed meanwhile
 * is skipped.
 */
static bool add_xattr(struct packer *p, int fd, const char *name, struct tar_entry *t)
{
	size_t len = strlen(name);
	char *at = p->xattr_text + p->xattr_bytes + t->xattr_count;
	ssize_t n;

	if (t->xattr_count == LIMIT_TAR_XATTRS || len > LIMIT_TAR_XATTR_BYTES - p->xattr_bytes)
		return false;
	n = fgetxattr(fd, name, at + len + 1, LIMIT_TAR_XATTR_BYTES - p->xattr_bytes - len);
	if (n < 0)
		return errno == ENODATA;
	/* With a size of 0 the call only returns the length needed. */
	if ((size_t)n > LIMIT_TAR_XATTR_BYTES - p->xattr_bytes - len)
		return false;
	memcpy(at, name, len + 1);
	p->xattrs[t->xattr_count++] = (struct tar_xattr){at, at + len + 1, (size_t)n};
	p->xattr_bytes += len + (size_t)n;
	return true;
}

static void warn_of_xattr(struct packer *p, const char *name)
{
	auto_free char *shown = text_safe(name, SHOWN_MAX);

	warn(p, "its extended attribute '%s' is left out: %s", shown, tar_xattr_refusal(name));
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

/*
 * System attributes (access control lists, labels) are specific to this machine and are not
 * archived.
 */
static void add_xattrs(struct packer *p, int fd, struct tar_entry *t)
{
	ssize_t n = p->options.kinds == PACK_PLAIN ? 0 : flistxattr(fd, p->listing, LISTING_BYTES);

	p->xattr_bytes = 0;
	t->xattrs = p->xattrs;
	if (n < 0 && errno != ENOTSUP && errno != ENOSYS)
		warn(p, "its extended attributes are left out: %s", strerror(errno));
	if (n <= 0)
		return;
	for (const char *name = p->listing; name < p->listing + n; name += strlen(name) + 1) {
		if (tar_xattr_is_kept(name) && !add_xattr(p, fd, name, t)) {
			warn(p,
				"its extended attributes are left out: they cannot be read, or are "
				"more than %d or more than %s",
				LIMIT_TAR_XATTRS, num_show_size(LIMIT_TAR_XATTR_BYTES).s);
			t->xattr_count = 0;
			return;
		}
		if (!tar_xattr_is_kept(name) && strncmp(name, "user.", 5) == 0)
			warn_of_xattr(p, name);
	}
	qsort(p->xattrs, t->xattr_count, sizeof(*p->xattrs), compare_xattrs);
}

/* ---- entries ----------------------------------------------------------------------------- */

static void set_time(struct packer *p, struct tar_entry *t, const struct stat *st)
{
	t->mtime = st->st_mtim.tv_sec;
	t->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	if (t->mtime >= TAR_MTIME_MIN && t->mtime <= TAR_MTIME_MAX)
		return;
	warn(p, "its modification time (%" PRId64 ") is moved into the years 1901 to 2514",
		t->mtime);
	t->mtime = t->mtime < TAR_MTIME_MIN ? TAR_MTIME_MIN : TAR_MTIME_MAX;
	t->mtime_ns = 0;
}

static struct tar_entry make_entry(struct packer *p, enum tar_type type, const struct stat *st)
{
	struct tar_entry t = {
		.type = type,
		.path = p->path.data,
		.link = "",
		.mode = st->st_mode & TAR_MODE_BITS,
	};

	if (p->options.kinds == PACK_PLAIN && (t.mode & TAR_SPECIAL_BITS) && type != TAR_SYMLINK) {
		warn(p, "its set-id and sticky bits are cleared (mode %04o)", t.mode);
		t.mode &= ~(uint32_t)TAR_SPECIAL_BITS;
	}
	if (p->options.plain_modes && type != TAR_SYMLINK)
		t.mode = tar_plain_mode(type, t.mode);
	if (p->options.keep_owner) {
		t.uid = st->st_uid;
		t.gid = st->st_gid;
	}
	set_time(p, &t, st);
	return t;
}

static bool is_output(const struct packer *p, const struct stat *st)
{
	return st->st_ino == p->out_ino && st->st_dev == p->out_dev && p->out_ino;
}

static int add_opened_file(struct packer *p, int fd, const struct stat *st, struct err *e)
{
	struct tar_entry t;
	const char *first = NULL;

	if (is_output(p, st)) {
		warn(p, "left out: it is the archive itself");
		return 0;
	}
	if (st->st_nlink > 1 && find_link(p, st, &first, e) < 0)
		return -1;
	t = make_entry(p, first ? TAR_HARDLINK : TAR_FILE, st);
	if (first)
		t.link = first;
	else if (find_holes(p, fd, st, &t, e) < 0)
		return -1;
	if (!first) {
		t.size = (uint64_t)st->st_size;
		add_xattrs(p, fd, &t);
	}
	if (put_header_of(p, &t, fd, st, e) < 0)
		return -1;
	return first ? 0 : put_contents(p, fd, st, &t, e);
}

/* 1: the entry was removed after the listing (with a warning). Else -1. */
static int open_failed(struct packer *p, struct err *e)
{
	if (errno == ENOENT) {
		warn(p, "left out: it vanished while the tree was packed");
		return 1;
	}
	if (errno == ELOOP || errno == ENOTDIR || errno == ENXIO)
		return refuse(p, e, "its type changed while it was packed: try again");
	return cannot(p, "open", e);
}

/* time: replaces the modification time; NULL: use the file's own. */
static int add_file(
	struct packer *p, int dir, const char *name, const struct timespec *time, struct err *e)
{
	/* Non-blocking, because a fifo may have replaced the file after the listing. */
	auto_fd int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return open_failed(p, e) < 0 ? -1 : 0;
	if (fstat(fd, &st) < 0)
		return cannot(p, "stat", e);
	if (!S_ISREG(st.st_mode))
		return refuse(p, e, "its type changed while it was packed: try again");
	if (time)
		st.st_mtim = *time;
	return add_opened_file(p, fd, &st, e);
}

static int add_symlink(
	struct packer *p, int dir, const char *name, const struct stat *st, struct err *e)
{
	char target[LIMIT_TAR_PATH + 1];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));
	struct tar_entry t;

	if (n < 0)
		return cannot(p, "read the symbolic link", e);
	if (n == 0 || (size_t)n == sizeof(target))
		return refuse(p, e, "the target of the symbolic link is empty or too long");
	target[n] = '\0';
	if (p->options.kinds == PACK_PLAIN && !tar_symlink_stays_inside(p->path.data, target)) {
		auto_free char *shown = text_safe(target, SHOWN_MAX);

		warn(p, "left out: it is a symbolic link to '%s', which leads out of the tree",
			shown);
		return 0;
	}
	t = make_entry(p, TAR_SYMLINK, st);
	t.link = target;
	return put_header(p, &t, e);
}

static int add_fifo(struct packer *p, const struct stat *st, struct err *e)
{
	struct tar_entry t;

	if (p->options.kinds == PACK_PLAIN) {
		warn(p, "left out: it is a fifo");
		return 0;
	}
	t = make_entry(p, TAR_FIFO, st);
	return put_header(p, &t, e);
}

/* ---- directories ------------------------------------------------------------------------- */

/*
 * The names of one directory, sorted. Each item is the d_type of an entry followed by its name. The
 * items point into `text`, which must not grow after that.
 */
struct listing {
	struct packer *packer;
	struct buf text;
	char **items;
	size_t count;
	size_t charged; /* of packer->names_bytes */
	bool has_grafts;
};

static void listing_release(struct listing *l)
{
	l->packer->names_bytes -= l->charged;
	buf_release(&l->text);
	free(l->items);
}

#define auto_listing __attribute__((cleanup(listing_release)))

static int list_name(struct listing *l, unsigned char type, const char *name, struct err *e)
{
	size_t len = strlen(name), cost = len + 2 + sizeof(char *);

	l->charged += cost;
	l->packer->names_bytes += cost;
	if (l->packer->names_bytes > l->packer->options.max_names_bytes)
		return refuse(l->packer, e,
			"too many entries: the names of a directory and of "
			"those above it can have %s",
			num_show_size(l->packer->options.max_names_bytes).s);
	buf_addc(&l->text, (char)type);
	buf_add(&l->text, name, len + 1);
	l->count++;
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static void listing_sort(struct listing *l)
{
	char *item = l->text.data;

	l->items = mem_array(l->count, sizeof(*l->items));
	for (size_t i = 0; i < l->count; i++) {
		l->items[i] = item;
		item += strlen(item + 1) + 2;
	}
	qsort(l->items, l->count, sizeof(*l->items), compare_items);
}

static int listing_read(struct listing *l, int dir, struct err *e)
{
	for (;;) {
		ssize_t n = getdents64(dir, l->packer->listing, LISTING_BYTES);

		if (n < 0)
			return cannot(l->packer, "read the directory", e);
		if (n == 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(l->packer->listing + at);

			at += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
				continue;
			if (list_name(l, d->d_type, d->d_name, e) < 0)
				return -1;
		}
	}
	return 0;
}

/* The name of the graft if it is an entry of the current directory; else NULL. */
static const char *graft_name(const struct packer *p, const struct pack_graft *g)
{
	const char *name = g->path;

	if (p->path.len) {
		if (strncmp(name, p->path.data, p->path.len) != 0 || name[p->path.len] != '/')
			return NULL;
		name += p->path.len + 1;
	}
	return strchr(name, '/') ? NULL : name;
}

/* A name that is also in the directory is then listed twice; add_children skips the second one. */
static int listing_graft(struct listing *l, struct err *e)
{
	const struct pack_options *o = &l->packer->options;

	for (size_t i = 0; i < o->graft_count; i++) {
		const char *name = graft_name(l->packer, &o->grafts[i]);

		if (!name)
			continue;
		l->has_grafts = true;
		if (list_name(l, DT_UNKNOWN, name, e) < 0)
			return -1;
	}
	return 0;
}

static int add_entry(
	struct packer *p, int dir, unsigned char type, const char *name, struct err *e);
static int add_graft(struct packer *p, const struct pack_graft *g, struct err *e);

static const struct pack_graft *find_graft(const struct packer *p)
{
	const struct pack_options *o = &p->options;

	for (size_t i = 0; i < o->graft_count; i++)
		if (strcmp(o->grafts[i].path, p->path.data) == 0)
			return &o->grafts[i];
	return NULL;
}

/* Add an item of a listing; p->path is its path. */
static int add_item(
	struct packer *p, const struct listing *l, int dir, const char *item, struct err *e)
{
	const struct pack_graft *graft = l->has_grafts ? find_graft(p) : NULL;

	if (graft)
		return add_graft(p, graft, e);
	return add_entry(p, dir, (unsigned char)item[0], item + 1, e);
}

/* dir -1: a directory that contains only grafts. */
static int add_children(struct packer *p, int dir, struct err *e)
{
	auto_listing struct listing l = {.packer = p};
	size_t len = p->path.len;

	buf_init(&l.text, p->options.max_names_bytes);
	if ((dir >= 0 && listing_read(&l, dir, e) < 0) || listing_graft(&l, e) < 0)
		return -1;
	listing_sort(&l);
	for (size_t i = 0; i < l.count; i++) {
		if (i && strcmp(l.items[i] + 1, l.items[i - 1] + 1) == 0)
			continue;
		if (len)
			buf_addc(&p->path, '/');
		buf_adds(&p->path, l.items[i] + 1);
		if (p->path.overflow)
			return refuse(p, e, "the paths below have more than %" PRIu64 " bytes",
				LIMIT_TAR_LONG_PATH);
		if (add_item(p, &l, dir, l.items[i], e) < 0)
			return -1;
		p->path.len = len;
		p->path.data[len] = '\0';
	}
	return 0;
}

static const struct pack_avoid *find_avoid(const struct packer *p, const struct stat *st)
{
	for (size_t i = 0; i < p->options.avoid_count; i++)
		if (p->options.avoid[i].dev == st->st_dev && p->options.avoid[i].ino == st->st_ino)
			return &p->options.avoid[i];
	return NULL;
}

static int add_directory(struct packer *p, int dir, const char *name, struct err *e)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct pack_avoid *avoid;
	struct tar_entry t;
	struct stat st;

	if (fd < 0)
		return open_failed(p, e) < 0 ? -1 : 0;
	if (fstat(fd, &st) < 0)
		return cannot(p, "stat", e);
	avoid = find_avoid(p, &st);
	if (avoid) {
		warn(p, "left out: it is %s", avoid->what);
		return 0;
	}
	t = make_entry(p, TAR_DIR, &st);
	add_xattrs(p, fd, &t);
	if (put_header_of(p, &t, fd, NULL, e) < 0)
		return -1;
	return add_children(p, fd, e);
}

/* Devices and sockets. */
static int add_special(struct packer *p, const struct stat *st, struct err *e)
{
	mode_t mode = st->st_mode;
	struct tar_entry t;

	if (p->options.kinds == PACK_EVERYTHING) {
		t = make_entry(p,
			S_ISSOCK(mode)          ? TAR_SOCKET
				: S_ISCHR(mode) ? TAR_CHAR_DEVICE
						: TAR_BLOCK_DEVICE,
			st);
		t.major = S_ISSOCK(mode) ? 0 : major(st->st_rdev);
		t.minor = S_ISSOCK(mode) ? 0 : minor(st->st_rdev);
		return put_header(p, &t, e);
	}
	warn(p, "left out: it is a %s",
		S_ISSOCK(mode)          ? "socket"
			: S_ISCHR(mode) ? "character device"
					: "block device");
	return 0;
}

/* For entries without contents, and for file systems without d_type. */
static int add_by_stat(struct packer *p, int dir, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return open_failed(p, e) < 0 ? -1 : 0;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return add_file(p, dir, name, NULL, e);
	case S_IFDIR:
		return add_directory(p, dir, name, e);
	case S_IFLNK:
		return add_symlink(p, dir, name, &st, e);
	case S_IFIFO:
		return add_fifo(p, &st, e);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFSOCK:
		return add_special(p, &st, e);
	default:
		warn(p, "left out: it is a file of an unknown kind");
		return 0;
	}
}

static int add_entry(struct packer *p, int dir, unsigned char type, const char *name, struct err *e)
{
	if (tar_path_depth(p->path.data) > LIMIT_TAR_DEPTH)
		return refuse(p, e, "more than %d directories deep", LIMIT_TAR_DEPTH);
	if (type == DT_REG)
		return add_file(p, dir, name, NULL, e);
	if (type == DT_DIR)
		return add_directory(p, dir, name, e);
	return add_by_stat(p, dir, name, e);
}

static int add_bytes(struct packer *p, const struct pack_graft *g, struct err *e)
{
	const struct stat st = {.st_mode = S_IFREG | 0644, .st_mtim = g->time};
	struct tar_entry t = make_entry(p, TAR_FILE, &st);

	t.size = g->len;
	if (put_header(p, &t, e) < 0 || put_bytes(p, g->data, g->len, e) < 0)
		return -1;
	return put_zeros(p, tar_padding(g->len), e);
}

static int add_bare_directory(struct packer *p, const struct pack_graft *g, struct err *e)
{
	const struct stat st = {.st_mode = S_IFDIR | 0755, .st_mtim = g->time};
	struct tar_entry t = make_entry(p, TAR_DIR, &st);

	return put_header(p, &t, e) < 0 ? -1 : add_children(p, -1, e);
}

static int add_graft(struct packer *p, const struct pack_graft *g, struct err *e)
{
	switch (g->kind) {
	case PACK_NOTHING:
		return 0;
	case PACK_BYTES:
		return add_bytes(p, g, e);
	case PACK_DIRECTORY:
		return add_bare_directory(p, g, e);
	case PACK_ENTRY:
		return add_entry(p, g->dir, DT_UNKNOWN, g->name, e);
	case PACK_DATED:
		return add_file(p, g->dir, g->name, &g->time, e);
	}
	return 0;
}

/* ---- the interface ----------------------------------------------------------------------- */

struct packer *pack_begin(int out_fd, const struct pack_options *o)
{
	struct packer *p = mem_alloc(sizeof(*p));
	struct stat st;

	p->options = *o;
	if (!o->max_names_bytes)
		p->options.max_names_bytes = LIMIT_PACK_NAMES_BYTES;
	if (!o->max_links)
		p->options.max_links = LIMIT_PACK_LINKS;
	p->fd = out_fd;
	if (fstat(out_fd, &st) == 0 && S_ISREG(st.st_mode)) {
		p->out_dev = st.st_dev;
		p->out_ino = st.st_ino;
	}
	p->buffer = mem_alloc(BUFFER_BYTES);
	p->listing = mem_alloc(LISTING_BYTES);
	p->header = o->sink ? mem_alloc(TAR_HEADER_MAX) : NULL;
	p->xattr_text = mem_alloc(LIMIT_TAR_XATTR_BYTES + LIMIT_TAR_XATTRS);
	buf_init(&p->path, LIMIT_TAR_LONG_PATH);
	buf_init(&p->previous, LIMIT_TAR_LONG_PATH);
	buf_init(&p->link_paths, p->options.max_names_bytes);
	return p;
}

void pack_free(struct packer *p)
{
	if (!p)
		return;
	free(p->buffer);
	free(p->listing);
	free(p->header);
	free(p->xattr_text);
	buf_release(&p->path);
	buf_release(&p->previous);
	free(p->links);
	buf_release(&p->link_paths);
	pack_result_release(&p->result);
	free(p);
}

/* The program chooses the members, so an invalid one is a bug. */
static int put_member(struct packer *p, enum tar_type type, const char *path, mode_t mode,
	uint64_t size, struct err *e)
{
	struct tar_entry t = {.type = type, .path = path, .link = "", .mode = mode, .size = size};
	const char *why;

	if (!tar_path_is_plain(path, &why))
		BUG("pack: member '%s' %s", path, why);
	if (p->result.entries && tar_path_compare(p->previous.data, path) >= 0)
		BUG("pack: member '%s' behind '%s'", path, p->previous.data);
	buf_clear(&p->path);
	buf_adds(&p->path, path);
	buf_clear(&p->previous);
	buf_adds(&p->previous, path);
	return put_header(p, &t, e);
}

int pack_add_dir(struct packer *p, const char *path, mode_t mode, struct err *e)
{
	return put_member(p, TAR_DIR, path, mode, 0, e);
}

int pack_add_file(struct packer *p, const char *path, mode_t mode, const void *data, size_t len,
	struct err *e)
{
	if (put_member(p, TAR_FILE, path, mode, len, e) < 0 || put_bytes(p, data, len, e) < 0)
		return -1;
	return put_zeros(p, tar_padding(len), e);
}

int pack_add_fd(struct packer *p, const char *path, mode_t mode, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat what becomes %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "what becomes %s is not a regular file", path);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "seek in what becomes %s", path);
	if (put_member(p, TAR_FILE, path, mode, (uint64_t)st.st_size, e) < 0)
		return -1;
	return put_contents(p, fd, &st, &(struct tar_entry){0}, e);
}

/*
 * The archive is empty, so it consists of zeros, and the drive contains these already. It is not
 * written then: in a VM with no other output, the first write and the wait for it take a thirtieth
 * of the time of a short run.
 */
static bool is_there(const struct packer *p)
{
	char found[TAR_END_BYTES];
	static const char zeros[TAR_END_BYTES];

	return position(p) == 0 && p->fd >= 0 && p->options.out_is_zero &&
		fd_pread_full(p->fd, found, sizeof(found), 0) == sizeof(found) &&
		memcmp(found, zeros, sizeof(zeros)) == 0;
}

int pack_end(struct packer *p, struct pack_result *ret, struct err *e)
{
	uint64_t max = p->options.max_bytes;

	buf_clear(&p->path);
	if (max && position(p) + TAR_END_BYTES > max)
		return too_large(p, TAR_END_BYTES, e);
	p->result.untouched = is_there(p);
	if (p->result.untouched)
		p->offset = TAR_END_BYTES;
	else if (put_zeros(p, TAR_END_BYTES, e) < 0 || write_front(p, p->used, e) < 0)
		return -1;
	p->result.bytes = p->offset;
	*ret = p->result;
	p->result = (struct pack_result){0};
	return 0;
}

int pack_tree(int root_fd, const char *shown, int out_fd, const struct pack_options *o,
	struct pack_result *ret, struct err *e)
{
	auto_packer struct packer *p = pack_begin(out_fd, o);
	/*
	 * A descriptor with its own position; it is readable even if root_fd was opened with
	 * O_PATH.
	 */
	auto_fd int dir = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	p->shown = shown;
	if (dir < 0)
		return cannot(p, "open", e);
	if (add_children(p, dir, e) < 0)
		return -1;
	return pack_end(p, ret, e);
}
