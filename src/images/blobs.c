/* SPDX-License-Identifier: Apache-2.0 */
#include "images/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "images/limits.h"
#include "os/fd.h"

enum { SHOWN_MAX = 200 };

void blobs_release(struct blobs *b)
{
	fd_close(b->fd);
	tarindex_release(&b->index);
	*b = BLOBS_NONE;
}

struct blob_state blob_state_of(const struct stat *st)
{
	return (struct blob_state){
		.bytes = st->st_size, .mtime = st->st_mtim, .ctime = st->st_ctim};
}

int blobs_open_directory(const char *path, struct blobs *ret, struct err *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, ERR_INPUT, "%s: %s", path, strerror(errno));
	*ret = (struct blobs){.path = path, .folder = BLOBS_FOLDER, .fd = fd_steal(&fd)};
	return 0;
}

int blobs_open_archive(const char *path, struct blobs *ret, struct err *e)
{
	struct stat st;

	*ret = (struct blobs){.path = path, .folder = BLOBS_FOLDER, .fd = -1, .is_archive = true};
	if (fd_open_file(path, &ret->fd, e) < 0)
		return -1;
	if (fstat(ret->fd, &st) < 0)
		return err_sys(e, "%s", path);
	ret->state = blob_state_of(&st);
	if (tarindex_read(ret->fd, path, (uint64_t)st.st_size, &ret->index, e) < 0)
		return err_wrap(e, "%s", path);
	return 0;
}

int blobs_refuse(const struct blobs *b, const char *name, struct err *e, const char *fmt, ...)
{
	auto_free char *shown = text_safe(name, SHOWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "%s%s%s", b->path, b->is_archive ? ": " : "/", shown);
}

/* ---- files ---- */

void blob_release(struct blob *blob)
{
	fd_close(blob->fd);
	*blob = BLOB_NONE;
}

static int open_file(const struct blobs *b, const char *name, struct blob *ret, struct err *e)
{
	auto_fd int fd = fd_open_beneath(b->fd, name, O_RDONLY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return blobs_refuse(b, name, e, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return blobs_refuse(b, name, e, "it is not a regular file");
	*ret = (struct blob){
		.fd = fd_steal(&fd), .bytes = (uint64_t)st.st_size, .state = blob_state_of(&st)};
	return 0;
}

static int find_member(const struct blobs *b, const char *name, struct blob *ret, struct err *e)
{
	const struct tarindex_member *m = tarindex_find(&b->index, name);
	int fd;

	if (!m)
		return blobs_refuse(b, name, e, "it is not in the archive, or is no file");
	fd = fcntl(b->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "%s", b->path);
	*ret = (struct blob){.fd = fd, .offset = m->offset, .bytes = m->bytes, .state = b->state};
	return 0;
}

int blobs_get(const struct blobs *b, const char *name, struct blob *ret, struct err *e)
{
	return b->is_archive ? find_member(b, name, ret, e) : open_file(b, name, ret, e);
}

bool blobs_has(const struct blobs *b, const char *name)
{
	auto_blob struct blob found = BLOB_NONE;
	struct err ignored = {0};

	return blobs_get(b, name, &found, &ignored) == 0;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* mtime can be set back; ctime cannot. */
int blob_check(const struct blob *blob, const char *shown, struct err *e)
{
	struct blob_state now;
	struct stat st;

	if (fstat(blob->fd, &st) < 0)
		return err_sys(e, "%s", shown);
	now = blob_state_of(&st);
	if (now.bytes == blob->state.bytes && is_same_time(now.mtime, blob->state.mtime) &&
		is_same_time(now.ctime, blob->state.ctime))
		return 0;
	return err_set(e, ERR_INPUT, "%s was changed while it was imported", shown);
}

int blobs_read(const struct blobs *b, const char *name, const struct blob *blob, struct buf *text,
	struct err *e)
{
	char *room = blob->bytes <= text->max ? buf_room(text, (size_t)blob->bytes) : NULL;
	ssize_t n;

	if (!room)
		return blobs_refuse(
			b, name, e, "it has %" PRIu64 " bytes, too many for its kind", blob->bytes);
	n = fd_pread_full(blob->fd, room, (size_t)blob->bytes, blob->offset);
	if (n < 0)
		return err_sys(e, "read %s", b->path);
	buf_grew(text, (size_t)n);
	return (uint64_t)n == blob->bytes ? 0 : blobs_refuse(b, name, e, "it is cut short");
}

/* ---- what is in them ---- */

int blobs_parse(const struct blobs *b, const char *name, const struct buf *text,
	enum node_kind kind, struct node **ret, struct err *e)
{
	auto_node struct node *node = NULL;
	auto_free char *shown = text_safe(name, SHOWN_MAX);
	auto_free char *path = mem_printf("%s%s%s", b->path, b->is_archive ? ": " : "/", shown);

	if (jsonl_parse(text->data, text->len, path, &node, e) < 0)
		return -1;
	if (node->kind != kind)
		return blobs_refuse(
			b, name, e, "it is not a JSON %s", kind == NODE_MAP ? "object" : "array");
	*ret = steal_ptr(&node);
	return 0;
}

int blobs_compare(const struct blobs *b, const char *name, const struct digest_text *found,
	const char *wanted, struct err *e)
{
	if (strcmp(found->s, wanted) == 0)
		return 0;
	return blobs_refuse(b, name, e, "its digest is sha256:%s: it is damaged", found->s);
}
