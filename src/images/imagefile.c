/* SPDX-License-Identifier: Apache-2.0 */
#include "images/imagefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/digest.h"
#include "data/jsonl.h"
#include "data/tarfile.h"
#include "images/limits.h"
#include "os/fd.h"
#include "os/outfile.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/space.h"
#include "os/sparse.h"
#include "settings/statefile.h"

enum { FORMAT = 1, CHUNK = 1 << 20 };

#define INFO_MEMBER "image.json"
#define YAML_MEMBER "image.yaml"
#define PARTS_MEMBER "parts"

/*
 * The parts that there are in the order of their names, each file once: two parts may be one file.
 * Returns their number.
 */
static size_t sorted_parts(const struct image *i, enum image_part ret[IMAGE_PARTS])
{
	size_t count = 0;

	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		size_t at = count;
		int order = 1;

		if (!i->parts[part].path)
			continue;
		while (at > 0 &&
			(order = strcmp(path_base(i->parts[part].path),
				 path_base(i->parts[ret[at - 1]].path))) < 0)
			at--;
		if (at > 0 && order == 0)
			continue;
		memmove(ret + at + 1, ret + at, (count - at) * sizeof(*ret));
		ret[at] = part;
		count++;
	}
	return count;
}

/* ---- export ---- */

struct writer {
	struct outfile out;
	uint64_t written, flushed;
	char *chunk;
};

static void writer_release(struct writer *w)
{
	outfile_release(&w->out);
	free(w->chunk);
}
#define auto_writer __attribute__((cleanup(writer_release)))

static int put(struct writer *w, const void *data, size_t len, struct err *e)
{
	if (sig_check(e) < 0 || outfile_write(&w->out, data, len, e) < 0)
		return -1;
	w->written += len;
	if (!w->out.stream)
		sparse_flush(w->out.fd, &w->flushed, w->written);
	return 0;
}

static int put_header(
	struct writer *w, const char *path, enum tar_type type, uint64_t size, struct err *e)
{
	const struct tar_entry entry = {.type = type,
		.path = path,
		.link = "",
		.mode = type == TAR_DIR ? 0755 : 0644,
		.size = size};
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);

	return put(w, header, tar_encode(&entry, header), e);
}

static int put_zeros(struct writer *w, size_t len, struct err *e)
{
	static const char zeros[TAR_END_BYTES];

	return put(w, zeros, len, e);
}

static int put_text(struct writer *w, const char *path, const struct buf *text, struct err *e)
{
	if (put_header(w, path, TAR_FILE, text->len, e) < 0 || put(w, text->data, text->len, e) < 0)
		return -1;
	return put_zeros(w, tar_padding(text->len), e);
}

/* The digest of what was written. */
static int put_contents(
	struct writer *w, int fd, uint64_t bytes, struct digest_text *ret, struct err *e)
{
	struct digest *digest = digest_new();
	uint64_t at = 0;
	int result = 0;

	while (result == 0 && at < bytes) {
		size_t len = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;

		if (fd_pread_full(fd, w->chunk, len, at) != (ssize_t)len)
			result = err_sys(e, "read");
		else
			result = put(w, w->chunk, len, e);
		digest_add(digest, w->chunk, len);
		at += len;
	}
	*ret = digest_end(digest);
	return result < 0 ? -1 : put_zeros(w, tar_padding(bytes), e);
}

static int is_changed(const struct image *i, const struct image_file *f, struct err *e)
{
	return err_reason(e, ERR_INPUT, "image_digest",
		"image %s: %s is not the file that image.yaml names; make the image again", i->name,
		f->path);
}

static int put_part(
	struct writer *w, const struct image *i, const struct image_file *f, struct err *e)
{
	auto_free char *path = mem_printf(PARTS_MEMBER "/%s", path_base(f->path));
	struct digest_text digest = {0};
	auto_fd int fd = -1;
	struct stat st;

	if (outfile_is_not(&w->out, "image export", f->path, "a file of the image itself", e) < 0 ||
		fd_open_file(f->path, &fd, e) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", f->path);
	if ((uint64_t)st.st_size != f->bytes)
		return is_changed(i, f, e);
	if (put_header(w, path, TAR_FILE, f->bytes, e) < 0 ||
		put_contents(w, fd, f->bytes, &digest, e) < 0)
		return -1;
	return strcmp(digest.s, f->sha256) == 0 ? 0 : is_changed(i, f, e);
}

static int put_head(struct writer *w, const struct image *i, struct err *e)
{
	auto_free char *file = path_join(i->dir, YAML_MEMBER);
	auto_node struct node *n = node_map();
	auto_buf struct buf info = {0}, yaml = {0};

	node_set_int(n, "format", FORMAT);
	node_set_string(n, "name", i->name);
	node_set_string(n, "digest", i->digest);
	buf_init(&info, LIMIT_IMAGEFILE_INFO);
	jsonl_add_pretty(&info, n);
	buf_init(&yaml, LIMIT_YAML_BYTES);
	if (fd_read_file(file, &yaml, e) < 0)
		return -1;
	if (strcmp(digest_of(yaml.data, yaml.len).s, i->digest) != 0)
		return err_set(
			e, ERR_HOST, "image %s was replaced at this moment; try again", i->name);
	if (put_text(w, INFO_MEMBER, &info, e) < 0 || put_text(w, YAML_MEMBER, &yaml, e) < 0)
		return -1;
	return put_header(w, PARTS_MEMBER, TAR_DIR, 0, e);
}

static int put_image(struct writer *w, const struct image *i, struct err *e)
{
	enum image_part order[IMAGE_PARTS];
	size_t count = sorted_parts(i, order);

	if (put_head(w, i, e) < 0)
		return -1;
	for (size_t k = 0; k < count; k++)
		if (put_part(w, i, &i->parts[order[k]], e) < 0)
			return -1;
	return put_zeros(w, TAR_END_BYTES, e);
}

int imagefile_export(const struct image *i, const char *path, struct err *e)
{
	auto_writer struct writer w = {.out = OUTFILE_NONE};

	w.chunk = mem_alloc(CHUNK);
	if (outfile_open(path, OUTFILE_WHOLE, 0644, &w.out, e) < 0)
		return -1;
	if (put_image(&w, i, e) < 0) {
		space_explain(e, w.out.fd);
		return err_wrap(e, "%s", path);
	}
	return outfile_finish(&w.out, e);
}

/* ---- reading ---- */

static int damaged(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int damaged(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	(void)err_because(e, "image_damaged");
	return err_wrap(e, "not a whole file of 'ambient image export'");
}

/* "oci:", "docker://": what a path of a file does not begin with, or is written as ./oci:x. */
static bool has_prefix(const char *source)
{
	size_t len = strspn(source, "abcdefghijklmnopqrstuvwxyz-");

	return len && source[len] == ':';
}

int imagefile_open(const char *source, int *ret_fd, struct err *e)
{
	auto_fd int fd = -1;
	struct stat st;

	*ret_fd = -1;
	if (has_prefix(source) || !*source)
		return 0;
	fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && strcmp(source, "-") == 0)
		return err_set(e, ERR_INPUT,
			"standard input cannot be imported, because a file is read twice: write it "
			"to a file first");
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, ERR_INPUT, "%s", strerror(errno));
	if (S_ISREG(st.st_mode) && tarfile_begins_with(fd, INFO_MEMBER))
		*ret_fd = fd_steal(&fd);
	return 0;
}

void imagefile_release(struct imagefile *f)
{
	free(f->name);
	buf_release(&f->yaml);
	image_release(&f->image);
	*f = (struct imagefile){.fd = -1};
}

/* The next member, which must have this name and type. */
static int want_member(struct tarfile *t, const char *path, enum tar_type type,
	struct tarfile_member *ret, struct err *e)
{
	struct err why = {0};
	int result = tarfile_next(t, ret, &why);
	auto_free char *shown = NULL;

	if (result < 0 && why.kind != ERR_GUEST) {
		*e = why;
		return -1;
	}
	if (result < 0)
		return damaged(e, "%s", why.msg);
	if (result == 0)
		return damaged(e, "it has no member %s", path);
	shown = text_safe(ret->entry.path, LIMIT_NAME_BYTES);
	if (strcmp(ret->entry.path, path) != 0 || ret->entry.type != type)
		return damaged(e, "its member '%s' is not the %s %s that belongs there", shown,
			type == TAR_DIR ? "directory" : "file", path);
	return 0;
}

static int want_text(
	struct tarfile *t, const char *path, size_t max, struct buf *ret, struct err *e)
{
	struct tarfile_member m;
	struct err why = {0};

	buf_init(ret, max);
	if (want_member(t, path, TAR_FILE, &m, e) < 0)
		return -1;
	return tarfile_read(t, &m, ret, &why) < 0 ? damaged(e, "%s", why.msg) : 0;
}

static int want_end(struct tarfile *t, struct err *e)
{
	struct tarfile_member m;
	struct err why = {0};
	int result = tarfile_next(t, &m, &why);
	auto_free char *shown = NULL;

	if (result == 0)
		return 0;
	if (result < 0)
		return damaged(e, "%s", why.msg);
	shown = text_safe(m.entry.path, LIMIT_NAME_BYTES);
	return damaged(e, "it has a member '%s', which image.yaml does not name", shown);
}

static int read_info(struct tarfile *t, struct imagefile *f, char digest[65], struct err *e)
{
	auto_buf struct buf text = {0};
	auto_node struct node *n = NULL;
	struct err why = {0};

	if (want_text(t, INFO_MEMBER, LIMIT_IMAGEFILE_INFO, &text, e) < 0)
		return -1;
	if (statefile_parse(STATEFILE_IMAGEFILE, text.data, text.len, INFO_MEMBER, &n, &why) < 0)
		return damaged(e, "%s", why.msg);
	f->name = mem_strdup(node_get_text(n, "name", ""));
	(void)snprintf(digest, 65, "%s", node_get_text(n, "digest", ""));
	return 0;
}

static int read_yaml(struct tarfile *t, struct imagefile *f, const char *digest, struct err *e)
{
	if (want_text(t, YAML_MEMBER, LIMIT_YAML_BYTES, &f->yaml, e) < 0)
		return -1;
	if (strcmp(digest_of(f->yaml.data, f->yaml.len).s, digest) != 0)
		return damaged(
			e, YAML_MEMBER " does not have the digest that " INFO_MEMBER " says");
	return image_parse(".", f->yaml.data, f->yaml.len, &f->image, e);
}

static bool is_same_file(const struct image_file *a, const struct image_file *b)
{
	return a->path && strcmp(path_base(a->path), path_base(b->path)) == 0;
}

static int read_part(
	struct tarfile *t, struct imagefile *f, const struct image_file *wanted, struct err *e)
{
	auto_free char *path = mem_printf(PARTS_MEMBER "/%s", path_base(wanted->path));
	struct tarfile_member m;

	if (strcmp(path_base(wanted->path), YAML_MEMBER) == 0)
		return damaged(e, "image.yaml names itself as a part");
	if (want_member(t, path, TAR_FILE, &m, e) < 0)
		return -1;
	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		const struct image_file *file = &f->image.parts[part];

		if (!is_same_file(file, wanted))
			continue;
		if (strcmp(file->sha256, wanted->sha256) != 0)
			return damaged(e, "image.yaml has two digests of %s", path);
		if (file->bytes != m.entry.size)
			return damaged(e, "%s has %" PRIu64 " bytes, and image.yaml says %" PRIu64,
				path, m.entry.size, file->bytes);
		f->offsets[part] = m.offset;
	}
	return 0;
}

static int read_parts(struct tarfile *t, struct imagefile *f, struct err *e)
{
	enum image_part order[IMAGE_PARTS];
	size_t count = sorted_parts(&f->image, order);
	struct tarfile_member m;

	if (want_member(t, PARTS_MEMBER, TAR_DIR, &m, e) < 0)
		return -1;
	for (size_t k = 0; k < count; k++)
		if (read_part(t, f, &f->image.parts[order[k]], e) < 0)
			return -1;
	return want_end(t, e);
}

int imagefile_read(int fd, struct imagefile *ret, struct err *e)
{
	auto_tarfile struct tarfile t = {0};
	char digest[65];

	*ret = (struct imagefile){.fd = fd};
	if (tarfile_open(fd, &t, e) < 0)
		return -1;
	if (t.reader.length > LIMIT_IMAGE_BYTES)
		return damaged(e, "it is larger than an image may be, %s",
			num_show_size(LIMIT_IMAGE_BYTES).s);
	if (read_info(&t, ret, digest, e) < 0 || read_yaml(&t, ret, digest, e) < 0)
		return -1;
	return read_parts(&t, ret, e);
}

/* ---- unpacking ---- */

static int unpack_part(
	const struct imagefile *f, enum image_part part, const char *dir, struct err *e)
{
	const struct image_file *file = &f->image.parts[part];
	auto_free char *path = path_join(dir, path_base(file->path));
	auto_fd int to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct digest_text found;

	if (to < 0)
		return err_sys(e, "make %s", path);
	if (sparse_copy(f->fd, f->offsets[part], to, file->bytes, e) < 0 ||
		digest_of_file(to, file->bytes, &found, e) < 0) {
		space_explain(e, to);
		return -1;
	}
	if (strcmp(found.s, file->sha256) != 0)
		return damaged(e, PARTS_MEMBER "/%s has the digest %s, and image.yaml says %s",
			path_base(file->path), found.s, file->sha256);
	return 0;
}

int imagefile_unpack(const struct imagefile *f, const char *dir, struct err *e)
{
	auto_free char *path = path_join(dir, YAML_MEMBER);
	enum image_part order[IMAGE_PARTS];
	size_t count = sorted_parts(&f->image, order);

	for (size_t k = 0; k < count; k++)
		if (unpack_part(f, order[k], dir, e) < 0)
			return -1;
	if (fd_write_synced(path, f->yaml.data, f->yaml.len, 0644, e) == 0)
		return 0;
	space_explain_path(e, dir);
	return -1;
}
