/* SPDX-License-Identifier: Apache-2.0 */
#include "data/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "os/fd.h"

enum {
	WINDOW_BYTES = 1 << 20,
	HOLE_UNIT = 4096, /* zeros are skipped in whole blocks of this size */
	TICK_ENTRIES = 256,
	SHOWN_MAX = 300,
};

_Static_assert(WINDOW_BYTES >= 2 * TAR_HEADER_MAX, "a header fits into the window");

/* The part of the archive that is in memory. */
struct window {
	int fd;
	bool has_holes;  /* the kernel reports the holes of the archive's file */
	uint64_t length; /* of the archive */
	uint64_t offset; /* in the archive, of the byte at `start` */
	char *data;      /* WINDOW_BYTES */
	size_t start, have;
};

/* An open directory above the current entry. Its metadata are set when the walk leaves it. */
struct open_dir {
	int fd;
	size_t path_len;        /* of its path, a prefix of the paths of all its entries */
	struct tar_entry entry; /* without the strings */
};

struct unpacker {
	const struct unpack_policy *policy;
	struct tar_reader reader;
	struct window window;
	int root;
	struct open_dir dirs[LIMIT_TAR_DEPTH];
	size_t depth;     /* of them open */
	const char *path; /* of the current entry, for messages */
	size_t path_len;
	uint64_t ticked;
	struct unpack_result result; /* the counts that the reader does not have */
	uint64_t disk;               /* disk space of the entries so far */
	uid_t uid;
	gid_t gid;
};

/* ---- the archive ------------------------------------------------------------------------- */

/* Fill the window with `want` bytes from `start` on, or all that are left. */
static int window_fill(struct window *w, size_t want, struct err *e)
{
	uint64_t left = w->length - w->offset - w->have;
	size_t room = WINDOW_BYTES - w->have;
	ssize_t n;

	if (w->have >= want || !left)
		return 0;
	memmove(w->data, w->data + w->start, w->have);
	w->start = 0;
	if (left < room)
		room = (size_t)left;
	n = fd_pread_full(w->fd, w->data + w->have, room, w->offset + w->have);
	if (n < 0)
		return err_sys(e, "read the archive at byte %" PRIu64, w->offset + w->have);
	if ((size_t)n < room)
		return err_set(e, ERR_GUEST,
			"the archive is truncated: it should have %" PRIu64
			" bytes and has %" PRIu64,
			w->length, w->offset + w->have + (uint64_t)n);
	w->have += (size_t)n;
	return 0;
}

static void window_take(struct window *w, size_t len)
{
	w->start += len;
	w->have -= len;
	w->offset += len;
}

/* Skip `len` bytes, which need not be in memory. */
static void window_skip(struct window *w, uint64_t len)
{
	size_t held = len < w->have ? (size_t)len : w->have;

	window_take(w, held);
	w->offset += len - held;
}

/* The bytes of the hole at the current position of the archive's file; 0 if unknown. */
static uint64_t window_hole(const struct window *w)
{
	off_t data = w->has_holes ? lseek(w->fd, (off_t)w->offset, SEEK_DATA) : (off_t)w->offset;

	if (data < 0)
		return errno == ENXIO ? w->length - w->offset : 0;
	return (uint64_t)data - w->offset;
}

static const char *window_data(const struct window *w)
{
	return w->data + w->start;
}

/* ---- messages ---------------------------------------------------------------------------- */

static void at_hand(struct unpacker *u, const char *path, size_t len)
{
	u->path = path;
	u->path_len = len;
}

/* Set the error for the current entry from errno. */
static int cannot(const struct unpacker *u, const char *what, struct err *e)
{
	int saved = errno;
	auto_free char *path = mem_strndup(u->path, u->path_len);
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	errno = saved;
	return err_sys(e, "%s: %s", shown, what);
}

/* ---- directories ------------------------------------------------------------------------- */

/* Open beneath `dir`, not through links and not across mounts. -1 with errno. */
static int open_beneath(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int set_owner(const struct unpacker *u, int fd, const struct tar_entry *t, struct err *e)
{
	if (!u->policy->keep_owner || (t->uid == u->uid && t->gid == u->gid))
		return 0;
	return fchown(fd, t->uid, t->gid) < 0 ? cannot(u, "set the owner", e) : 0;
}

static void get_times(const struct tar_entry *t, struct timespec times[2])
{
	times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	times[1] = (struct timespec){.tv_sec = t->mtime, .tv_nsec = t->mtime_ns};
}

/*
 * Must follow set_owner, because a change of the owner clears set-id bits. `made`: the current
 * mode.
 */
static int set_metadata(
	const struct unpacker *u, int fd, const struct tar_entry *t, mode_t made, struct err *e)
{
	struct timespec times[2];

	get_times(t, times);
	if (made != t->mode && fchmod(fd, t->mode) < 0)
		return cannot(u, "set the mode", e);
	if (futimens(fd, times) < 0)
		return cannot(u, "set the time", e);
	return 0;
}

static void note_lost(struct unpacker *u, const char *name)
{
	auto_free char *path = mem_strndup(u->path, u->path_len);
	auto_free char *shown = text_safe(path, SHOWN_MAX / 2);
	auto_free char *shown_name = text_safe(name, SHOWN_MAX / 4);
	struct unpack_result *r = &u->result;

	if (r->lost_xattrs++ == 0)
		(void)snprintf(
			r->lost, sizeof(r->lost), "%s: %s: %s", shown, shown_name, strerror(errno));
}

/* Attributes that the file system does not support are not fatal. */
static void set_xattrs(struct unpacker *u, int fd, const struct tar_entry *t)
{
	if (t->xattr_count && u->policy->rules.specials) {
		u->result.withheld.xattrs++;
		return;
	}
	for (size_t i = 0; i < t->xattr_count; i++)
		if (fsetxattr(fd, t->xattrs[i].name, t->xattrs[i].value, t->xattrs[i].len, 0) < 0)
			note_lost(u, t->xattrs[i].name);
}

/*
 * The mode when a file or directory is created. In a guest it is the final one where possible,
 * which saves a system call. On the host it gives access only to the owner until all metadata are
 * set.
 */
static mode_t first_mode(const struct unpacker *u, const struct tar_entry *t)
{
	if (u->policy->rules.strict || (t->type == TAR_DIR && (t->mode & 0700) != 0700))
		return t->type == TAR_DIR ? 0700 : 0600;
	return t->mode & 0777;
}

static int leave_dir(struct unpacker *u, struct err *e)
{
	struct open_dir *d = &u->dirs[--u->depth];
	auto_fd int fd = d->fd;

	at_hand(u, u->reader.previous.data, d->path_len);
	if (set_owner(u, fd, &d->entry, e) < 0)
		return -1;
	return set_metadata(u, fd, &d->entry, first_mode(u, &d->entry), e);
}

/*
 * Close the directories that do not contain the current entry. The reader has checked its parent.
 */
static int leave_dirs(struct unpacker *u, const char *path, struct err *e)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	size_t parent = slash ? (size_t)(slash - path) : 0;

	while (u->depth && u->dirs[u->depth - 1].path_len > parent)
		if (leave_dir(u, e) < 0)
			return -1;
	return 0;
}

static int parent_fd(const struct unpacker *u)
{
	return u->depth ? u->dirs[u->depth - 1].fd : u->root;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int make_dir(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	const char *name = base_name(t->path);
	struct open_dir *d = &u->dirs[u->depth];

	if (u->depth == LIMIT_TAR_DEPTH)
		BUG("unpack: '%s' is deeper than the reader allows", t->path);
	if (mkdirat(parent_fd(u), name, first_mode(u, t)) < 0)
		return cannot(u, "make the directory", e);
	*d = (struct open_dir){.path_len = strlen(t->path), .entry = *t};
	d->fd = open_beneath(parent_fd(u), name, O_RDONLY | O_DIRECTORY);
	if (d->fd < 0)
		return cannot(u, "open the directory", e);
	set_xattrs(u, d->fd, t);
	u->depth++;
	return 0;
}

/* ---- files ------------------------------------------------------------------------------- */

/*
 * Write a piece of a file without its blocks of zeros. Pieces start at multiples of HOLE_UNIT.
 * *ret_end is the end of the data written so far.
 */
static int write_piece(int fd, const char *data, size_t len, uint64_t at, uint64_t *ret_end)
{
	size_t from = 0, i = 0;

	while (i < len) {
		size_t n = len - i < HOLE_UNIT ? len - i : HOLE_UNIT;
		bool hole = n == HOLE_UNIT && tar_all_zero(data + i, n);

		if (hole && i > from) {
			if (fd_pwrite_all(fd, data + from, i - from, at + from) < 0)
				return -1;
			*ret_end = at + i;
		}
		i += n;
		if (hole)
			from = i;
	}
	if (i == from)
		return 0;
	*ret_end = at + i;
	return fd_pwrite_all(fd, data + from, i - from, at + from);
}

static int tick(struct unpacker *u, struct err *e)
{
	u->ticked = u->reader.entries;
	if (!u->policy->tick)
		return 0;
	return u->policy->tick(u->policy->tick_arg, u->reader.entries, u->window.offset, e);
}

/* Skip whole units of a hole in the archive's file, within the contents: they need not be read. */
static uint64_t take_hole(struct window *w, uint64_t left)
{
	uint64_t len = window_hole(w);

	len = (len < left ? len : left) & ~(uint64_t)(HOLE_UNIT - 1);
	window_skip(w, len);
	return len;
}

/* Copy the contents from `at` to `stop`. *ret_end is the end of the data written. */
static int copy_part(
	struct unpacker *u, int fd, uint64_t at, uint64_t stop, uint64_t *ret_end, struct err *e)
{
	struct window *w = &u->window;

	while (at < stop) {
		size_t n;

		if (stop - at > w->have) {
			at += take_hole(w, stop - at);
			if (window_fill(w, WINDOW_BYTES, e) < 0 || tick(u, e) < 0)
				return -1;
		}
		n = stop - at <= w->have ? (size_t)(stop - at) : w->have & ~(size_t)(HOLE_UNIT - 1);
		if (write_piece(fd, window_data(w), n, at, ret_end) < 0)
			return cannot(u, "write", e);
		window_take(w, n);
		at += n;
	}
	return 0;
}

static int copy_data(struct unpacker *u, int fd, const struct tar_entry *t, struct err *e)
{
	uint64_t at = 0, end = 0;

	for (size_t i = 0; i < t->hole_count; i++) {
		const struct tar_hole *h = &t->holes[i];

		if (copy_part(u, fd, at, h->start, &end, e) < 0)
			return -1;
		window_skip(&u->window, h->len);
		at = h->start + h->len;
	}
	if (copy_part(u, fd, at, t->size, &end, e) < 0)
		return -1;
	if (end < t->size && ftruncate(fd, (off_t)t->size) < 0)
		return cannot(u, "set the size", e);
	return 0;
}

static int skip_padding(struct unpacker *u, uint64_t size, struct err *e)
{
	size_t padding = tar_padding(size);

	if (window_fill(&u->window, padding, e) < 0 ||
		tar_check_padding(&u->reader, window_data(&u->window), padding, e) < 0)
		return -1;
	window_take(&u->window, padding);
	return 0;
}

static int make_file(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	mode_t mode = first_mode(u, t);
	auto_fd int fd = openat(parent_fd(u), base_name(t->path),
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return cannot(u, "make the file", e);
	if (copy_data(u, fd, t, e) < 0 || skip_padding(u, t->size, e) < 0)
		return -1;
	if (set_owner(u, fd, t, e) < 0)
		return -1;
	/* After owner and contents: changing these removes capabilities. */
	set_xattrs(u, fd, t);
	return set_metadata(u, fd, t, mode, e);
}

/* ---- links and fifos --------------------------------------------------------------------- */

/* Open the parent directory of a path, in steps shorter than PATH_MAX. -1 with errno. */
static int open_parent(int root, const char *path)
{
	enum { STEP = 3072 };
	int dir = open_beneath(root, ".", O_PATH | O_DIRECTORY);

	while (dir >= 0 && strchr(path, '/')) {
		size_t len = strnlen(path, STEP);
		const char *slash = memrchr(path, '/', len);
		auto_free char *step = mem_strndup(path, (size_t)(slash - path));
		int next = open_beneath(dir, step, O_PATH | O_DIRECTORY);

		fd_close(dir);
		dir = next;
		path = slash + 1;
	}
	return dir;
}

static int refuse_hardlink(const struct unpacker *u, const char *target, struct err *e)
{
	auto_free char *shown = text_safe(target, SHOWN_MAX);

	if (errno == EMLINK)
		return tar_refuse(&u->reader, e, "the file '%s' has too many links", shown);
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return cannot(u, "make the hard link", e);
	return tar_refuse(
		&u->reader, e, "it is linked to '%s', which is no file of the archive", shown);
}

static int make_hardlink(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	auto_fd int dir = open_parent(u->root, t->link);
	const char *name = base_name(t->link);
	struct stat st;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return refuse_hardlink(u, t->link, e);
	if (!S_ISREG(st.st_mode)) {
		errno = ENOENT;
		return refuse_hardlink(u, t->link, e);
	}
	if (linkat(dir, name, parent_fd(u), base_name(t->path), 0) < 0)
		return refuse_hardlink(u, t->link, e);
	return 0;
}

/*
 * Set the metadata of an entry that cannot be opened, by its name. The name was just created; links
 * are not followed.
 */
static int set_by_name(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	const char *name = base_name(t->path);
	struct timespec times[2];

	get_times(t, times);
	if (u->policy->keep_owner && (t->uid != u->uid || t->gid != u->gid) &&
		fchownat(parent_fd(u), name, t->uid, t->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(u, "set the owner", e);
	if (t->type == TAR_FIFO && (t->mode & TAR_SPECIAL_BITS) &&
		fchmodat(parent_fd(u), name, t->mode, 0) < 0)
		return cannot(u, "set the mode", e);
	if (utimensat(parent_fd(u), name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(u, "set the time", e);
	return 0;
}

/* The length of the common prefix of both paths in whole directories. */
static size_t common_directories(const char *path, const char *target)
{
	size_t common = 0;

	for (size_t i = 0; path[i] && path[i] == target[i]; i++)
		if (path[i] == '/')
			common = i + 1;
	return common;
}

/*
 * The relative text for a link at `path` to `root` or below it; NULL for other links. The caller
 * frees. The common directories are real ones, not links.
 */
static char *relative_link(const char *root, const char *path, const char *target)
{
	size_t len = strlen(root), common;
	auto_buf struct buf text = {0};

	if (strncmp(target, root, len) != 0 || (target[len] && target[len] != '/'))
		return NULL;
	target += len + strspn(target + len, "/");
	common = common_directories(path, target);
	buf_init(&text, LIMIT_TAR_LONG_PATH);
	for (unsigned up = tar_path_depth(path + common) - 1; up; up--)
		buf_adds(&text, "../");
	buf_adds(&text, target + common);
	if (!text.len)
		buf_adds(&text, ".");
	return text.overflow ? NULL : mem_strdup(text.data);
}

static int make_symlink(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	const char *root = u->policy->root;
	auto_free char *relative = root ? relative_link(root, t->path, t->link) : NULL;
	const char *text = relative ? relative : t->link;

	if (u->policy->rules.specials &&
		(strlen(text) >= PATH_MAX || !tar_symlink_stays_inside(t->path, text))) {
		u->result.withheld.links++;
		return 0;
	}
	if (symlinkat(text, parent_fd(u), base_name(t->path)) < 0)
		return cannot(u, "make the symbolic link", e);
	return set_by_name(u, t, e);
}

static int make_fifo(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	if (mkfifoat(parent_fd(u), base_name(t->path), t->mode & 0777) < 0)
		return cannot(u, "make the fifo", e);
	return set_by_name(u, t, e);
}

/* ---- disk space -------------------------------------------------------------------------- */

static uint64_t disk_bytes(const struct tar_entry *t)
{
	enum { LINK_IN_INODE = 60 };

	switch (t->type) {
	case TAR_FILE:
		/* The piece after each hole can end in a partly filled block. */
		return ((t->size + UNPACK_BLOCK - 1) / UNPACK_BLOCK + t->hole_count) * UNPACK_BLOCK;
	case TAR_DIR:
		return UNPACK_BLOCK;
	case TAR_SYMLINK:
		return strlen(t->link) < LINK_IN_INODE ? 0 : UNPACK_BLOCK;
	case TAR_HARDLINK:
	case TAR_FIFO:
	case TAR_CHAR_DEVICE:
	case TAR_BLOCK_DEVICE:
	case TAR_SOCKET:
		break;
	}
	return 0;
}

static int charge(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	uint64_t max = u->policy->max_disk;

	if (!max)
		return 0;
	u->disk += UNPACK_NAME_BYTES + disk_bytes(t);
	if (u->disk <= max)
		return 0;
	return tar_refuse(&u->reader, e,
		"what the archive becomes takes more than %" PRIu64
		" bytes of the disk, in whole blocks of %d and %d for each name; "
		"artifacts_max_size is the limit",
		max, UNPACK_BLOCK, UNPACK_NAME_BYTES);
}

/* ---- the complete archive ---------------------------------------------------------------- */

static int make_plain(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	switch (t->type) {
	case TAR_FILE:
		return make_file(u, t, e);
	case TAR_HARDLINK:
		return make_hardlink(u, t, e);
	case TAR_SYMLINK:
		return make_symlink(u, t, e);
	case TAR_DIR:
		return make_dir(u, t, e);
	case TAR_FIFO:
		return make_fifo(u, t, e);
	case TAR_CHAR_DEVICE:
	case TAR_BLOCK_DEVICE:
	case TAR_SOCKET:
		break;
	}
	BUG("unpack: an entry of type %d", (int)t->type);
}

/* The counter for entries of this type that are not created; NULL if they are. */
static uint64_t *withheld(struct unpacker *u, enum tar_type type)
{
	switch (type) {
	case TAR_CHAR_DEVICE:
	case TAR_BLOCK_DEVICE:
		return &u->result.withheld.devices;
	case TAR_SOCKET:
		return &u->result.withheld.sockets;
	case TAR_FIFO:
		return u->policy->rules.specials ? &u->result.withheld.fifos : NULL;
	case TAR_FILE:
	case TAR_HARDLINK:
	case TAR_SYMLINK:
	case TAR_DIR:
		break;
	}
	return NULL;
}

static int make_entry(struct unpacker *u, const struct tar_entry *t, struct err *e)
{
	uint64_t *count = withheld(u, t->type);
	struct tar_entry plain = *t;

	if (leave_dirs(u, t->path, e) < 0)
		return -1;
	at_hand(u, t->path, strlen(t->path));
	if (count) {
		++*count;
		return 0;
	}
	if (charge(u, t, e) < 0)
		return -1;
	if (u->policy->rules.specials && (t->mode & TAR_SPECIAL_BITS)) {
		u->result.withheld.set_id += t->type == TAR_FILE || t->type == TAR_DIR;
		plain.mode &= ~(uint32_t)TAR_SPECIAL_BITS;
	}
	if (u->policy->plain_modes)
		plain.mode = tar_plain_mode(t->type, t->mode) & ~(uint32_t)u->policy->mask;
	return make_plain(u, &plain, e);
}

static int make_entries(struct unpacker *u, struct err *e)
{
	struct window *w = &u->window;

	for (;;) {
		struct tar_entry t;
		size_t header;
		int more;

		if (window_fill(w, TAR_HEADER_MAX, e) < 0)
			return -1;
		more = tar_next(&u->reader, window_data(w), w->have, &t, &header, e);
		if (more < 0)
			return -1;
		if (!more)
			return leave_dirs(u, NULL, e);
		window_take(w, header);
		if (make_entry(u, &t, e) < 0)
			return -1;
		if (u->reader.entries - u->ticked >= TICK_ENTRIES && tick(u, e) < 0)
			return -1;
	}
}

static int check_length(const struct unpack_policy *p, uint64_t length, struct err *e)
{
	if (p->rules.max_depth > LIMIT_TAR_DEPTH || p->rules.max_path > LIMIT_TAR_LONG_PATH)
		BUG("unpack: limits beyond what can be unpacked");
	if (length < TAR_END_BYTES || length % TAR_BLOCK)
		return err_set(e, ERR_GUEST,
			"the archive is truncated: its length of %" PRIu64
			" bytes is less than %d or no multiple of %d",
			length, TAR_END_BYTES, TAR_BLOCK);
	return 0;
}

/* The destination must be empty, so that each hard link can only lead to a file of the archive. */
static int check_empty(int dest_fd, struct err *e)
{
	auto_fd int dir = openat(dest_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char names[1024];
	ssize_t n = dir < 0 ? -1 : getdents64(dir, names, sizeof(names));

	if (n < 0)
		return err_sys(e, "read the directory to unpack into");
	for (ssize_t at = 0; at < n;) {
		const struct dirent64 *d = (const void *)(names + at);

		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return err_set(e, ERR_HOST, "the directory to unpack into is not empty");
		at += d->d_reclen;
	}
	return 0;
}

int unpack_tree(int tar_fd, uint64_t length, int dest_fd, const struct unpack_policy *p,
	struct unpack_result *ret, struct err *e)
{
	struct unpacker u = {
		.policy = p,
		.window = {.fd = tar_fd, .length = length},
		.root = dest_fd,
		.uid = geteuid(),
		.gid = getegid(),
	};
	struct stat st;
	mode_t mask;
	int r;

	if (check_length(p, length, e) < 0 || (p->rules.strict && check_empty(dest_fd, e) < 0))
		return -1;
	tar_reader_init(&u.reader, &p->rules, length);
	u.window.data = mem_alloc(WINDOW_BYTES);
	u.window.has_holes = fstat(tar_fd, &st) == 0 && S_ISREG(st.st_mode);
	mask = umask(0);
	r = make_entries(&u, e);
	(void)umask(mask);
	while (u.depth)
		fd_close(u.dirs[--u.depth].fd);
	if (r == 0) {
		*ret = u.result;
		ret->entries = u.reader.entries;
		ret->files = u.reader.files;
		ret->bytes = u.reader.bytes;
		ret->archive_bytes = u.reader.offset;
	}
	free(u.window.data);
	tar_reader_release(&u.reader);
	return r;
}
