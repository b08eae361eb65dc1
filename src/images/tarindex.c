/* SPDX-License-Identifier: Apache-2.0 */
#include "images/tarindex.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/tar.h"
#include "images/limits.h"
#include "os/fd.h"
#include "os/path.h"

enum { CHECKSUM_AT = 148, CHECKSUM_BYTES = 8 };

/* The header of ustar; GNU and v7 have the same fields up to `magic`. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[CHECKSUM_BYTES];
	char type, link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
	char prefix[155], padding[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

struct reader {
	struct tarindex *index;
	const char *path;
	int fd;
	uint64_t at, length;
	size_t headers;       /* read so far */
	struct header header; /* of the member at `at` */
	/* What the headers before a member say about it; NULL, false: nothing. */
	char *long_path, *long_link;
	bool has_size;
	uint64_t size;
};

static void reader_clear(struct reader *r)
{
	free(steal_ptr(&r->long_path));
	free(steal_ptr(&r->long_link));
	r->has_size = false;
}
#define auto_reader __attribute__((cleanup(reader_clear)))

/* ---- errors ---- */

static int damaged(const struct reader *r, struct err *e, const char *what)
{
	return err_set(e, ERR_INPUT, "%s, at byte %" PRIu64, what, r->at);
}

static const struct {
	const char *magic;
	size_t len;
	const char *command;
} compressions[] = {
	{"\x1f\x8b", 2, "gzip -dc"},
	{"\x28\xb5\x2f\xfd", 4, "zstd -dc"},
	{"\xfd\x37zXZ", 5, "xz -dc"},
	{"BZh", 3, "bzip2 -dc"},
	{"\x04\x22\x4d\x18", 4, "lz4 -dc"},
};

static int no_archive(const struct reader *r, struct err *e)
{
	auto_free char *word = text_word(r->path);

	if (r->at > 0)
		return damaged(r, e, "it is damaged");
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (memcmp(&r->header, compressions[i].magic, compressions[i].len) == 0)
			return err_set(e, ERR_INPUT,
				"it is compressed; '%s %s >image.tar' decompresses it",
				compressions[i].command, word);
	return err_set(e, ERR_INPUT, "it is not a tar archive");
}

/* ---- fields ---- */

static bool checksum_fits(const struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	uint64_t sum = 0, wanted = 0;
	size_t i = 0;

	for (size_t k = 0; k < TAR_BLOCK; k++)
		sum += k >= CHECKSUM_AT && k < CHECKSUM_AT + CHECKSUM_BYTES ? ' ' : bytes[k];
	while (i < CHECKSUM_BYTES && h->checksum[i] == ' ')
		i++;
	for (; i < CHECKSUM_BYTES && h->checksum[i] >= '0' && h->checksum[i] <= '7'; i++)
		wanted = 8 * wanted + (uint64_t)(h->checksum[i] - '0');
	return sum == wanted;
}

static bool read_octal(const char *field, size_t len, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		value = 8 * value + (uint64_t)(field[i] - '0');
	*ret = value;
	return i == len || field[i] == ' ' || field[i] == '\0';
}

/* Base 256, as GNU has it: the first byte is 0x80, and the last eight have the number. */
static bool read_binary(const char *field, size_t len, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)field[i];

		if (i + sizeof(value) < len && byte != (i == 0 ? 0x80 : 0))
			return false;
		value = value << 8 | byte;
	}
	*ret = value;
	return true;
}

static bool read_size(const struct header *h, uint64_t *ret)
{
	if ((unsigned char)h->size[0] & 0x80)
		return read_binary(h->size, sizeof(h->size), ret);
	return read_octal(h->size, sizeof(h->size), ret);
}

static char *field_text(const char *field, size_t len)
{
	return mem_strndup(field, strnlen(field, len));
}

/* Only ustar has a prefix: GNU's magic ends with a space, and has other fields there. */
static char *header_path(const struct header *h)
{
	auto_free char *name = field_text(h->name, sizeof(h->name));
	auto_free char *prefix = field_text(h->prefix, sizeof(h->prefix));

	if (memcmp(h->magic, "ustar", sizeof(h->magic)) != 0 || !*prefix)
		return steal_ptr(&name);
	return mem_printf("%s/%s", prefix, name);
}

/* ---- headers about the next member ---- */

static int read_text(const struct reader *r, uint64_t size, struct buf *text, struct err *e)
{
	char *room;

	buf_init(text, LIMIT_TAR_PAX_BYTES);
	if (size > LIMIT_TAR_PAX_BYTES)
		return damaged(r, e, "a header is too long");
	room = buf_room(text, (size_t)size);
	if (fd_pread_full(r->fd, room, (size_t)size, r->at + TAR_BLOCK) != (ssize_t)size)
		return damaged(r, e, "it is cut short");
	buf_grew(text, (size_t)size);
	return 0;
}

static void take_text(char **to, const char *text)
{
	free(*to);
	*to = mem_strdup(text);
}

static int take_record(struct reader *r, char *key, struct err *e)
{
	char *value = strchr(key, '=');

	if (!value)
		return damaged(r, e, "a record of a header has no value");
	*value++ = '\0';
	if (strcmp(key, "path") == 0)
		take_text(&r->long_path, value);
	else if (strcmp(key, "linkpath") == 0)
		take_text(&r->long_link, value);
	else if (strcmp(key, "size") == 0) {
		if (num_parse_u64(value, TAR_SIZE_MAX, &r->size, e) < 0)
			return err_wrap(e, "the size in a header, at byte %" PRIu64, r->at);
		r->has_size = true;
	} else if (strncmp(key, "GNU.sparse.", strlen("GNU.sparse.")) == 0)
		return damaged(r, e, "a member is a sparse file");
	return 0;
}

/* Records "LENGTH KEY=VALUE\n"; the length counts all of it. */
static int take_pax(struct reader *r, struct buf *text, struct err *e)
{
	char *at = text->data, *end = text->data + text->len;

	while (at < end) {
		size_t digits = strspn(at, "0123456789"), len = 0;

		for (size_t i = 0; i < digits && len <= LIMIT_TAR_PAX_BYTES; i++)
			len = 10 * len + (size_t)(at[i] - '0');
		if (digits == 0 || at[digits] != ' ' || len <= digits + 1 ||
			len > (size_t)(end - at) || at[len - 1] != '\n')
			return damaged(r, e, "a record of a header is damaged");
		at[len - 1] = '\0';
		if (take_record(r, at + digits + 1, e) < 0)
			return -1;
		at += len;
	}
	return 0;
}

/* ---- members ---- */

/* Without "./" at its start, and slashes at its end. */
static char *plain_path(const char *path)
{
	size_t len;

	while (path[0] == '.' && path[1] == '/')
		for (path++; *path == '/'; path++)
			;
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	return mem_strndup(path, len);
}

static int add_member(struct reader *r, const struct tarindex_member *new, struct err *e)
{
	struct tarindex *t = r->index;

	t->names_bytes += strlen(new->path) + (new->link ? strlen(new->link) : 0);
	if (t->count == t->size) {
		t->size = t->size ? 2 * t->size : 64;
		t->items = mem_resize(t->items, t->size, sizeof(*t->items));
	}
	t->items[t->count++] = *new;
	if (t->names_bytes <= LIMIT_TARINDEX_NAMES_BYTES)
		return 0;
	return err_set(e, ERR_INPUT, "the names of its members have more than %s together",
		num_show_size(LIMIT_TARINDEX_NAMES_BYTES).s);
}

static int take_member(struct reader *r, uint64_t size, struct err *e)
{
	const struct header *h = &r->header;
	struct tarindex_member new = {.offset = r->at + TAR_BLOCK, .bytes = size};
	auto_free char *path = r->long_path ? steal_ptr(&r->long_path) : header_path(h);

	if (h->type == TAR_HARDLINK || h->type == TAR_SYMLINK)
		new.link = r->long_link ? steal_ptr(&r->long_link)
					: field_text(h->link, sizeof(h->link));
	else if (h->type != TAR_FILE && h->type != '\0' && h->type != '7')
		return 0;
	new.is_symlink = h->type == TAR_SYMLINK;
	new.path = plain_path(path);
	return add_member(r, &new, e);
}

/* 'K' and 'L' are GNU's: the next member's link, or path. */
static bool is_about_next(char type)
{
	return type == 'x' || type == 'K' || type == 'L';
}

/* A global header, 'g', changes no place. */
static int take_header(struct reader *r, uint64_t size, struct err *e)
{
	char type = r->header.type;
	auto_buf struct buf text = {0};
	int result;

	if (type == 'S')
		return damaged(r, e, "a member is a sparse file");
	if (!is_about_next(type)) {
		result = type == 'g' ? 0 : take_member(r, size, e);
		reader_clear(r);
		return result;
	}
	if (read_text(r, size, &text, e) < 0)
		return -1;
	if (type == 'x')
		return take_pax(r, &text, e);
	take_text(type == 'K' ? &r->long_link : &r->long_path, text.data);
	return 0;
}

/* Some writers give links and directories the size of what they are for. */
static bool has_data(char type)
{
	return type < TAR_HARDLINK || type > TAR_FIFO;
}

/* 1: there is another member. */
static int next(struct reader *r, struct err *e)
{
	uint64_t size = 0, room;

	if (r->at == r->length)
		return 0;
	memset(&r->header, 0, sizeof(r->header));
	if (fd_pread_full(r->fd, &r->header, TAR_BLOCK, r->at) < 0)
		return err_sys(e, "read");
	if (r->length - r->at < TAR_BLOCK)
		return no_archive(r, e);
	if (tar_all_zero((const char *)&r->header, TAR_BLOCK))
		return 0;
	if (!checksum_fits(&r->header) || !read_size(&r->header, &size))
		return no_archive(r, e);
	if (r->has_size && !is_about_next(r->header.type))
		size = r->size;
	if (!has_data(r->header.type))
		size = 0;
	if (++r->headers > LIMIT_TARINDEX_HEADERS)
		return err_set(e, ERR_INPUT, "it has more than %d headers", LIMIT_TARINDEX_HEADERS);
	room = r->length - r->at - TAR_BLOCK;
	if (size > room)
		return damaged(r, e, "it is cut short");
	if (take_header(r, size, e) < 0)
		return -1;
	room -= size;
	r->at += TAR_BLOCK + size + (tar_padding(size) < room ? tar_padding(size) : room);
	return 1;
}

int tarindex_read(int fd, const char *path, uint64_t length, struct tarindex *ret, struct err *e)
{
	auto_reader struct reader r = {.index = ret, .path = path, .fd = fd, .length = length};
	int more;

	*ret = (struct tarindex){0};
	do
		more = next(&r, e);
	while (more > 0);
	return more;
}

void tarindex_release(struct tarindex *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->items[i].path);
		free(t->items[i].link);
	}
	free(t->items);
	*t = (struct tarindex){0};
}

/* ---- finding ---- */

static const struct tarindex_member *last_of(const struct tarindex *t, const char *path)
{
	for (size_t i = t->count; i > 0; i--)
		if (strcmp(t->items[i - 1].path, path) == 0)
			return &t->items[i - 1];
	return NULL;
}

/* A path from the root of the archive. That of a symbolic link begins at its directory. */
static char *target_of(const struct tarindex_member *m)
{
	auto_free char *parent = path_parent(m->path);
	auto_free char *from =
		m->is_symlink ? mem_printf("/%s/%s", parent, m->link) : mem_printf("/%s", m->link);
	auto_free char *path = path_absolute(from);

	return mem_strdup(path + 1);
}

const struct tarindex_member *tarindex_find(const struct tarindex *t, const char *path)
{
	const struct tarindex_member *m = last_of(t, path);
	auto_free char *target = m && m->link ? target_of(m) : NULL;

	if (target)
		m = last_of(t, target);
	return m && !m->link ? m : NULL;
}
