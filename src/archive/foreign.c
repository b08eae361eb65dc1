/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/foreign.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"

/*
 * A hundred bytes of bzip2 can decompress to ninety megabytes. Small chunks, so that limits are
 * checked often enough.
 */
enum { CHUNK = 8 * 1024, SHOWN_MAX = 300, FILTERS_MAX = 2 /* the file itself is one */ };

/* The record at the end of a zip, without its comment, and where it is looked for. */
enum { ZIP_END_BYTES = 22, ZIP_END_SEARCHED = ZIP_END_BYTES + 65535 };
#define ZIP_END "PK\005\006"

#define TAR_KINDS "tar (v7, ustar, pax, GNU), alone or compressed by gzip, bzip2, xz, zstd or lz4"

struct foreign {
	struct archive *archive;
	struct foreign_source source;
	uint64_t at;        /* in the file */
	uint64_t entry_end; /* in the decompressed data: the end of the previous entry */
	bool is_zip;        /* according to its first bytes */
	bool is_empty;      /* likewise: a zip that begins with its end */
	uint64_t left;      /* of the data of the current entry */
	bool ended;         /* after the data of the last entry, which has no padding */
	bool to_end;        /* also read the data after the end marker */
	struct err on_read; /* the error set by on_read */
	struct tar_xattr xattrs[LIMIT_TAR_XATTRS]; /* of the current entry */
	char shown[SHOWN_MAX + 1];                 /* the path of the current entry; "": none */
	char chunk[CHUNK];
};

/* ---- reading the file ---- */

/* As fd_pread_full, from `at` in the archive on. */
static ssize_t read_at(const struct foreign *f, void *data, size_t len, uint64_t at)
{
	return fd_pread_full(f->source.fd, data, len, f->source.offset + at);
}

/* Checked here because libarchive skips zeros after the end marker without returning to us. */
static int check_length(struct foreign *f)
{
	la_int64_t bytes = archive_filter_bytes(f->archive, 0);

	if (bytes < 0 || (uint64_t)bytes <= f->source.max_bytes)
		return 0;
	return err_set(&f->on_read, ERR_INPUT, "decompressed it has more than %s",
		num_show_size(f->source.max_bytes).s);
}

static ssize_t on_read(struct archive *a, void *arg, const void **ret_data)
{
	struct foreign *f = arg;
	uint64_t left = f->source.length - f->at;
	ssize_t n = read_at(f, f->chunk, left < CHUNK ? (size_t)left : CHUNK, f->at);

	*ret_data = f->chunk;
	if (n < 0)
		(void)err_sys(&f->on_read, "read");
	if (n < 0 || check_length(f) < 0 ||
		f->source.on_read(f->source.arg, (uint64_t)n, &f->on_read) < 0) {
		archive_set_error(a, -1, "it was given up");
		return ARCHIVE_FATAL;
	}
	f->at += (uint64_t)n;
	return n;
}

static la_int64_t on_skip(struct archive *a, void *arg, la_int64_t request)
{
	struct foreign *f = arg;
	uint64_t left = f->source.length - f->at;
	uint64_t len = request < 0 ? 0 : (uint64_t)request;

	(void)a;
	if (len > left)
		len = left;
	f->at += len;
	return (la_int64_t)len;
}

static la_int64_t on_seek(struct archive *a, void *arg, la_int64_t offset, int whence)
{
	struct foreign *f = arg;
	uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? f->at : f->source.length;
	int64_t to;

	if (__builtin_add_overflow((int64_t)base, offset, &to) || to < 0 ||
		(uint64_t)to > f->source.length) {
		archive_set_error(a, -1, "a position in it is outside of the file");
		return ARCHIVE_FATAL;
	}
	f->at = (uint64_t)to;
	return to;
}

/* ---- errors ---- */

/* Report libarchive's message. It may contain text of the archive. */
static int complain(const struct foreign *f, struct err *e)
{
	const char *text = archive_error_string(f->archive);
	auto_free char *safe = text_safe(text ? text : "it is damaged", SHOWN_MAX);

	if (f->on_read.kind != ERR_NONE) {
		*e = f->on_read;
		return -1;
	}
	if (*f->shown)
		return err_set(e, ERR_INPUT, "entry '%s': %s", f->shown, safe);
	return err_set(e, ERR_INPUT, "%s", safe);
}

/* The message of libarchive for a file of no known format. */
static bool is_unrecognized(const struct foreign *f)
{
	const char *text = archive_error_string(f->archive);

	return text && strstr(text, "nrecognized archive format");
}

static int not_opened(const struct foreign *f, struct err *e)
{
	if (f->on_read.kind != ERR_NONE || !is_unrecognized(f))
		return complain(f, e);
	if (f->is_empty)
		return err_set(e, ERR_INPUT, FOREIGN_EMPTY);
	if (f->is_zip)
		return err_set(e, ERR_INPUT,
			"it begins as a zip file and has no directory at its end: it is cut short");
	if (archive_filter_count(f->archive) > 1)
		return err_set(e, ERR_INPUT,
			"what is compressed in it (%s) is no whole tar archive",
			archive_filter_name(f->archive, 0));
	if (f->source.tar_only)
		return err_set(e, ERR_INPUT, "it is no archive of files: " TAR_KINDS);
	return err_set(e, ERR_INPUT,
		"it is none of: a file of 'ambient deps export'; " TAR_KINDS ", or zip");
}

/* ---- opening ---- */

static int enable(struct archive *a, bool zip, struct err *e)
{
	static int (*const enable[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
		archive_read_support_filter_xz, archive_read_support_filter_zstd,
		archive_read_support_filter_lz4, archive_read_support_format_tar,
		archive_read_support_format_zip_seekable, /* the last one */
	};
	const size_t count = ARRAY_SIZE(enable) - !zip;

	/* A result of ARCHIVE_WARN means that it would start an external program. */
	for (size_t i = 0; i < count; i++)
		if (enable[i](a) != ARCHIVE_OK)
			return err_set(e, ERR_HOST,
				"the libarchive of this host was built without a part that is "
				"needed: %s",
				archive_error_string(a));
	return 0;
}

static int set_up(struct foreign *f, struct err *e)
{
	struct archive *a = f->archive;

	if (enable(a, !f->source.tar_only, e) < 0)
		return -1;
	if (f->to_end &&
		archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1") !=
			ARCHIVE_OK)
		return complain(f, e);
	if (archive_read_set_read_callback(a, on_read) != ARCHIVE_OK ||
		archive_read_set_skip_callback(a, on_skip) != ARCHIVE_OK ||
		archive_read_set_seek_callback(a, on_seek) != ARCHIVE_OK ||
		archive_read_set_callback_data(a, f) != ARCHIVE_OK)
		return complain(f, e);
	if (archive_read_open1(a) != ARCHIVE_OK)
		return not_opened(f, e);
	if (archive_filter_count(a) > FILTERS_MAX)
		return err_set(e, ERR_INPUT, "it is compressed more than once");
	return 0;
}

/*
 * libarchive leaves names of a tar unchanged if it cannot convert them, so the locale is "C", which
 * can convert only ASCII. Names of a zip would be lost that way.
 */
static int choose_locale(struct foreign *f, struct err *e)
{
	char magic[sizeof(ZIP_END)] = "";

	if (read_at(f, magic, strlen(ZIP_END), 0) < 0)
		return err_sys(e, "read");
	f->is_zip = f->source.length >= 2 && memcmp(magic, "PK", 2) == 0;
	f->is_empty = f->source.length >= ZIP_END_BYTES && strcmp(magic, ZIP_END) == 0;
	if (!setlocale(LC_CTYPE, f->is_zip ? "C.UTF-8" : "C"))
		return err_set(e, ERR_HOST, "the C library has no locale C.UTF-8");
	return 0;
}

int foreign_open(const struct foreign_source *s, bool to_end, struct foreign **ret, struct err *e)
{
	struct foreign *f = mem_alloc(sizeof(*f));

	f->source = *s;
	f->to_end = to_end;
	f->archive = archive_read_new();
	if (!f->archive) {
		foreign_close(f);
		return err_set(e, ERR_HOST, "out of memory");
	}
	if (choose_locale(f, e) < 0 || set_up(f, e) < 0) {
		foreign_close(f);
		return -1;
	}
	*ret = f;
	return 0;
}

void foreign_close(struct foreign *f)
{
	if (!f)
		return;
	(void)archive_read_free(f->archive);
	free(f);
}

/* ---- entries ---- */

static bool is_conversion(const struct foreign *f)
{
	const char *text = archive_error_string(f->archive);

	return !f->is_zip && text &&
		strstr(text, "can't be converted from UTF-8 to current locale");
}

static void show(struct foreign *f, const char *path)
{
	auto_free char *safe = text_safe(path ? path : "", SHOWN_MAX);

	(void)snprintf(f->shown, sizeof(f->shown), "%s", safe);
}

static void take_device(struct archive_entry *a, struct foreign_entry *ret)
{
	ret->kind = "a device";
	ret->entry.type =
		archive_entry_filetype(a) == AE_IFCHR ? TAR_CHAR_DEVICE : TAR_BLOCK_DEVICE;
	ret->entry.major = (uint32_t)archive_entry_rdevmajor(a);
	ret->entry.minor = (uint32_t)archive_entry_rdevminor(a);
}

static void take_type(struct archive_entry *a, struct foreign_entry *ret)
{
	const char *hard = archive_entry_hardlink(a), *soft = archive_entry_symlink(a);

	ret->entry.link = hard ? hard : "";
	ret->entry.type = TAR_FILE;
	if (hard) {
		ret->entry.type = TAR_HARDLINK;
		return;
	}
	switch (archive_entry_filetype(a)) {
	case AE_IFREG:
		break;
	case AE_IFDIR:
		ret->entry.type = TAR_DIR;
		break;
	case AE_IFLNK:
		ret->entry.type = TAR_SYMLINK;
		ret->entry.link = soft ? soft : "";
		break;
	case AE_IFIFO:
		ret->entry.type = TAR_FIFO;
		ret->kind = "a fifo";
		break;
	case AE_IFSOCK:
		ret->entry.type = TAR_SOCKET;
		ret->kind = "a socket";
		break;
	case AE_IFCHR:
	case AE_IFBLK:
		take_device(a, ret);
		break;
	default:
		ret->kind = "of a kind that is not known";
		ret->unknown = true;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct tar_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* In libarchive's memory until the next entry. */
static int take_xattrs(
	struct foreign *f, struct archive_entry *a, struct foreign_entry *ret, struct err *e)
{
	size_t count = 0, bytes = 0, len = 0;
	const char *name = NULL;
	const void *value = NULL;

	ret->xattrs_lost = archive_entry_acl_types(a) != 0;
	(void)archive_entry_xattr_reset(a);
	while (archive_entry_xattr_next(a, &name, &value, &len) == ARCHIVE_OK) {
		ret->xattrs_lost |= !name || !tar_xattr_is_kept(name);
		if (!name || !tar_xattr_is_kept(name))
			continue;
		bytes += strlen(name) + len;
		if (count == LIMIT_TAR_XATTRS || bytes > LIMIT_TAR_XATTR_BYTES)
			return err_set(e, ERR_INPUT,
				"entry '%s': it has more than %d extended attributes, or more than "
				"%s of them",
				f->shown, LIMIT_TAR_XATTRS, num_show_size(LIMIT_TAR_XATTR_BYTES).s);
		f->xattrs[count++] = (struct tar_xattr){.name = name, .value = value, .len = len};
	}
	qsort(f->xattrs, count, sizeof(f->xattrs[0]), by_name);
	for (size_t i = 1; i < count; i++)
		if (strcmp(f->xattrs[i].name, f->xattrs[i - 1].name) == 0)
			return err_set(e, ERR_INPUT,
				"entry '%s': it has an extended attribute twice", f->shown);
	ret->entry.xattrs = f->xattrs;
	ret->entry.xattr_count = count;
	return 0;
}

static int take_owner(
	struct foreign *f, struct archive_entry *a, struct foreign_entry *ret, struct err *e)
{
	int64_t uid = archive_entry_uid(a), gid = archive_entry_gid(a);

	if (uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
		return err_set(
			e, ERR_INPUT, "entry '%s': its owner is not a user and a group", f->shown);
	ret->entry.uid = (uint32_t)uid;
	ret->entry.gid = (uint32_t)gid;
	return 0;
}

/* A time that our archives cannot have becomes the nearest one. */
static void take_time(struct archive_entry *a, struct tar_entry *t)
{
	int64_t mtime = archive_entry_mtime(a);
	uint32_t ns = (uint32_t)archive_entry_mtime_nsec(a);

	t->mtime = mtime < TAR_MTIME_MIN ? TAR_MTIME_MIN
		: mtime > TAR_MTIME_MAX  ? TAR_MTIME_MAX
					 : mtime;
	t->mtime_ns = t->mtime == mtime && ns <= 999999999 ? ns : 0;
}

static int take_entry(
	struct foreign *f, struct archive_entry *a, struct foreign_entry *ret, struct err *e)
{
	const char *path = archive_entry_pathname(a);
	int64_t size = archive_entry_size(a);

	*ret = (struct foreign_entry){.entry = {.path = path}};
	if (!path)
		return err_set(e, ERR_INPUT, "an entry of it has no name");
	if (archive_entry_is_encrypted(a))
		return err_set(e, ERR_INPUT, "entry '%s': it is encrypted", f->shown);
	take_type(a, ret);
	ret->entry.mode = archive_entry_perm(a) & TAR_MODE_BITS;
	if (archive_entry_mtime_is_set(a))
		take_time(a, &ret->entry);
	ret->xattrs = archive_entry_xattr_count(a) > 0 || archive_entry_acl_types(a) != 0;
	if (take_owner(f, a, ret, e) < 0 || take_xattrs(f, a, ret, e) < 0)
		return -1;
	ret->sparse = archive_entry_sparse_count(a) > 0;
	if (ret->entry.type != TAR_FILE && ret->entry.type != TAR_HARDLINK)
		return 0;
	if (!archive_entry_size_is_set(a) && ret->entry.type == TAR_FILE)
		return err_set(e, ERR_INPUT, "entry '%s': it has no size", f->shown);
	if (size < 0)
		return err_set(e, ERR_INPUT, "entry '%s': its size is negative", f->shown);
	ret->entry.size = (uint64_t)size;
	f->left = ret->entry.size;
	return 0;
}

static bool is_tar(const struct foreign *f)
{
	return (archive_format(f->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

/* From here to the end of the file, there may be only zeros, as a tape or a copied disk has them. */
static int check_tail(struct foreign *f, uint64_t at, struct err *e)
{
	while (at < f->source.length) {
		uint64_t left = f->source.length - at;
		ssize_t n = read_at(f, f->chunk, left < CHUNK ? (size_t)left : CHUNK, at);

		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			return 0;
		if (!tar_all_zero(f->chunk, (size_t)n))
			return err_set(e, ERR_INPUT, "there is data after its end");
		if (f->source.on_read(f->source.arg, (uint64_t)n, e) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

/*
 * The end of a zip: its last record, and the comment whose length is the last field of the record.
 * libarchive looks for it in the same part of the file.
 */
static int check_zip_end(struct foreign *f, struct err *e)
{
	auto_free char *end = mem_alloc(ZIP_END_SEARCHED);
	uint64_t from =
		f->source.length > ZIP_END_SEARCHED ? f->source.length - ZIP_END_SEARCHED : 0;
	ssize_t n = read_at(f, end, ZIP_END_SEARCHED, from);

	if (n < 0)
		return err_sys(e, "read");
	for (ssize_t i = n - ZIP_END_BYTES; i >= 0; i--) {
		const unsigned char *record = (const unsigned char *)end + i;
		unsigned comment = record[ZIP_END_BYTES - 2] | record[ZIP_END_BYTES - 1] << 8U;

		if (memcmp(record, ZIP_END, strlen(ZIP_END)) == 0)
			return check_tail(f, from + (uint64_t)i + ZIP_END_BYTES + comment, e);
	}
	return 0;
}

/* What libarchive has not read of the file: it stops at the end of compressed data. */
static int check_rest(struct foreign *f, struct err *e)
{
	la_int64_t used = archive_filter_bytes(f->archive, -1);

	if (!is_tar(f))
		return check_zip_end(f, e);
	return used < 0 ? 0 : check_tail(f, (uint64_t)used, e);
}

/*
 * libarchive accepts end of file as the end of a tar. A file that was truncated between two entries
 * ends like that, so require the two blocks of zeros.
 */
static int check_end(struct foreign *f, struct err *e)
{
	uint64_t now = (uint64_t)archive_filter_bytes(f->archive, 0);

	if (is_tar(f) && !f->source.no_end_marker &&
		(now < f->entry_end || now - f->entry_end < TAR_END_BYTES))
		return err_set(
			e, ERR_INPUT, "it is cut short: the end of the tar archive is missing");
	return f->to_end ? check_rest(f, e) : 0;
}

int foreign_next(struct foreign *f, struct foreign_entry *ret, struct err *e)
{
	struct archive_entry *entry = NULL;
	int result;

	if (f->ended)
		return 0;
	f->shown[0] = '\0';
	f->entry_end = (uint64_t)archive_filter_bytes(f->archive, 0);
	result = archive_read_next_header(f->archive, &entry);
	if (result == ARCHIVE_EOF)
		return check_end(f, e);
	if (result < ARCHIVE_WARN && !entry)
		return complain(f, e);
	show(f, archive_entry_pathname(entry));
	if (result != ARCHIVE_OK && !(result == ARCHIVE_WARN && is_conversion(f)))
		return is_unrecognized(f) ? not_opened(f, e) : complain(f, e);
	if (take_entry(f, entry, ret, e) < 0)
		return -1;
	return 1;
}

/* libarchive skips the padding together with the data. */
static bool lacks_only_padding(const struct foreign *f)
{
	return f->source.no_end_marker && f->left == 0 && f->on_read.kind == ERR_NONE;
}

int foreign_skip(struct foreign *f, struct err *e)
{
	const void *data;
	uint64_t offset;
	size_t len;
	int more;

	if (!f->source.no_end_marker)
		return archive_read_data_skip(f->archive) == ARCHIVE_OK ? 0 : complain(f, e);
	while ((more = foreign_data(f, &data, &len, &offset, e)) > 0)
		;
	return more;
}

int foreign_data(struct foreign *f, const void **ret_data, size_t *ret_len, uint64_t *ret_offset,
	struct err *e)
{
	la_int64_t offset = 0;
	int result = archive_read_data_block(f->archive, ret_data, ret_len, &offset);

	if (result == ARCHIVE_EOF)
		return 0;
	if (result != ARCHIVE_OK && lacks_only_padding(f)) {
		f->ended = true;
		return 0;
	}
	if (result != ARCHIVE_OK)
		return complain(f, e);
	if (offset < 0)
		return err_set(e, ERR_INPUT, "entry '%s': its data has no position", f->shown);
	f->left -= *ret_len < f->left ? *ret_len : f->left;
	*ret_offset = (uint64_t)offset;
	return 1;
}
