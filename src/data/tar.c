/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tar.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/limits.h"

/*
 * The ustar header: IEEE Std 1003.1-2017, "pax", ustar Interchange Format. Text fields end with a
 * NUL unless they are full; numbers are octal digits with leading zeros, and a NUL.
 */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char chksum[8];
	char typeflag;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char unused[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

enum {
	TYPE_PAX = 'x',
	NAME_MAX_BYTES = 255,
	SYMLINK_MAX = 4095, /* the kernel's PATH_MAX, less the NUL */
	SHOWN_MAX = 200,
};

#define OCTAL7_MAX 07777777ULL      /* in a field of 8 */
#define OCTAL11_MAX 077777777777ULL /* in a field of 12: 8 GiB, less one byte */

#define XATTR_PREFIX "SCHILY.xattr."
#define FILETYPE_SOCKET "socket"

static const char pax_name[] = "@PaxHeader"; /* file name for readers without pax support */

/* ---- paths ------------------------------------------------------------------------------- */

static const char *component_fault(const char *name, size_t len)
{
	if (len == 0)
		return "has an empty component";
	if (len == 1 && name[0] == '.')
		return "has a component '.'";
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return "has a component '..'";
	if (len > NAME_MAX_BYTES)
		return "has a component of more than 255 bytes";
	return NULL;
}

bool tar_path_is_plain(const char *path, const char **ret_why)
{
	const char *why = NULL;

	if (!*path)
		why = "is empty";
	else if (*path == '/')
		why = "is absolute";
	while (!why) {
		const char *end = strchrnul(path, '/');

		why = component_fault(path, (size_t)(end - path));
		if (!*end)
			break;
		path = end + 1;
	}
	if (why)
		*ret_why = why;
	return !why;
}

unsigned tar_path_depth(const char *path)
{
	unsigned depth = 1;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

/* A directory sorts before its entries, and these before longer names. */
static unsigned walk_rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned)(unsigned char)c + 1;
}

int tar_path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (int)walk_rank(*a) - (int)walk_rank(*b);
}

uint32_t tar_plain_mode(enum tar_type type, uint32_t mode)
{
	return type == TAR_DIR || (mode & 0100) ? 0755 : 0644;
}

bool tar_symlink_stays_inside(const char *path, const char *target)
{
	unsigned depth = tar_path_depth(path) - 1, ups = 0;
	bool in_front = true;

	if (*target == '/' || !*target)
		return false;
	while (*target) {
		size_t len = strcspn(target, "/");
		bool up = len == 2 && target[0] == '.' && target[1] == '.';
		bool here = len == 0 || (len == 1 && target[0] == '.');

		if (up && (!in_front || ++ups > depth))
			return false;
		if (!up && !here)
			in_front = false;
		target += len;
		target += strspn(target, "/");
	}
	return true;
}

const char *tar_xattr_refusal(const char *name)
{
	size_t len = strlen(name);

	if (len > NAME_MAX_BYTES || strchr(name, '='))
		return "an archive cannot carry this name";
	if (strcmp(name, "security.capability") == 0)
		return NULL;
	if (strncmp(name, "user.", 5) != 0 || len == 5)
		return "it describes the machine that it is on";
	return strncmp(name, "user.overlay.", 13) == 0
		? "an overlay file system would take it for an instruction"
		: NULL;
}

bool tar_xattr_is_kept(const char *name)
{
	return !tar_xattr_refusal(name);
}

/* ---- encoding ---------------------------------------------------------------------------- */

static void put_octal(char *field, size_t size, uint64_t value)
{
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
	field[size - 1] = '\0';
}

/*
 * The sum of the bytes, eight at a time: it is computed twice per header, also in emulated guests.
 */
static unsigned sum_bytes(const char *block)
{
	const uint64_t every_second = 0x00ff00ff00ff00ffULL;
	uint64_t lanes = 0;

	for (size_t i = 0; i < TAR_BLOCK; i += 8) {
		uint64_t word;

		memcpy(&word, block + i, 8);
		lanes += (word & every_second) + (word >> 8 & every_second);
	}
	return (unsigned)((lanes & 0xffff) + (lanes >> 16 & 0xffff) + (lanes >> 32 & 0xffff) +
		(lanes >> 48));
}

/* The checksum is computed as if its own field contained spaces. */
static unsigned header_sum(const char *block)
{
	const struct ustar *h = (const void *)block;
	unsigned sum = sum_bytes(block);

	for (size_t i = 0; i < sizeof(h->chksum); i++)
		sum = sum - (unsigned char)h->chksum[i] + ' ';
	return sum;
}

static void put_sum(struct ustar *h)
{
	put_octal(h->chksum, 7, header_sum((const char *)h));
	h->chksum[7] = ' ';
}

static void put_common(struct ustar *h, char typeflag)
{
	memset(h, 0, sizeof(*h));
	h->typeflag = typeflag;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	put_octal(h->devmajor, sizeof(h->devmajor), 0);
	put_octal(h->devminor, sizeof(h->devminor), 0);
}

/*
 * The length of the prefix if the path fits into name and prefix, else -1. The path is split at the
 * first slash after which the rest fits into the name.
 */
static int prefix_length(const char *path, size_t len)
{
	const struct ustar *h = NULL;
	const char *slash;

	if (len <= sizeof(h->name))
		return 0;
	slash = memchr(path + len - sizeof(h->name) - 1, '/', sizeof(h->name));
	if (!slash || (size_t)(slash - path) > sizeof(h->prefix))
		return -1;
	return (int)(slash - path);
}

/* In the order of their records. */
enum pax_key {
	PAX_CHARSET,
	PAX_PATH,
	PAX_LINK,
	PAX_SIZE,
	PAX_UID,
	PAX_GID,
	PAX_MTIME,
	PAX_HOLES,
	PAX_FILETYPE,
	PAX_KEYS
};

static const char *const pax_keys[PAX_KEYS] = {
	[PAX_CHARSET] = "hdrcharset",
	[PAX_PATH] = "path",
	[PAX_LINK] = "linkpath",
	[PAX_SIZE] = "size",
	[PAX_UID] = "uid",
	[PAX_GID] = "gid",
	[PAX_MTIME] = "mtime",
	[PAX_HOLES] = "AMBIENT.holes",
	[PAX_FILETYPE] = "SCHILY.filetype",
};

/* The fields of an entry that do not fit into the ustar header and need pax records. */
struct pax_needs {
	size_t path_len, link_len;
	int prefix; /* as prefix_length */
	bool path, link, size, uid, gid, mtime;
};

static struct pax_needs find_needs(const struct tar_entry *t)
{
	struct pax_needs n = {.path_len = strlen(t->path), .link_len = strlen(t->link)};

	n.prefix = prefix_length(t->path, n.path_len);
	n.path = n.prefix < 0;
	n.link = n.link_len > sizeof(((struct ustar *)NULL)->linkname);
	n.size = t->size > OCTAL11_MAX;
	n.uid = t->uid > OCTAL7_MAX;
	n.gid = t->gid > OCTAL7_MAX;
	n.mtime = t->mtime_ns || t->mtime < 0 || (uint64_t)t->mtime > OCTAL11_MAX;
	return n;
}

/* "%d %s=%s\n"; the number is the length of the record, including the number itself. */
static size_t put_record(char *out, const char *key, const char *value, size_t value_len)
{
	size_t rest = strlen(key) + value_len + 3; /* space, '=', newline */
	size_t len = rest + 1;
	size_t n;

	while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
		len++;
	n = (size_t)snprintf(out, len - value_len, "%zu %s=", len, key);
	memcpy(out + n, value, value_len);
	out[len - 1] = '\n';
	return len;
}

static size_t put_number_record(char *out, const char *key, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, value);

	return put_record(out, key, text, (size_t)n);
}

/* Seconds and nanoseconds as one decimal number; negative times have their seconds rounded down. */
static size_t put_time_record(char *out, int64_t seconds, uint32_t ns)
{
	bool negative = seconds < 0;
	char text[40];
	int n;

	if (negative && ns) {
		seconds++;
		ns = 1000000000 - ns;
	}
	if (ns)
		n = snprintf(text, sizeof(text), "%s%" PRId64 ".%09" PRIu32, negative ? "-" : "",
			negative ? -seconds : seconds, ns);
	else
		n = snprintf(text, sizeof(text), "%" PRId64, seconds);
	return put_record(out, pax_keys[PAX_MTIME], text, (size_t)n);
}

static size_t put_holes(const struct tar_entry *t, char *out)
{
	enum { TEXT_BYTES = 42 }; /* two 64-bit numbers and the separators */
	char text[LIMIT_TAR_HOLES * TEXT_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < t->hole_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%" PRIu64 "+%" PRIu64,
			i ? "," : "", t->holes[i].start, t->holes[i].len);
	return put_record(out, pax_keys[PAX_HOLES], text, len);
}

static size_t put_xattr(const struct tar_xattr *x, char *out)
{
	char key[sizeof(XATTR_PREFIX) + NAME_MAX_BYTES];

	(void)snprintf(key, sizeof(key), XATTR_PREFIX "%s", x->name);
	return put_record(out, key, x->value, x->len);
}

static size_t put_records(const struct tar_entry *t, const struct pax_needs *n, char *out)
{
	char *p = out;

	if ((n->path && !text_is_utf8(t->path, n->path_len)) ||
		(n->link && !text_is_utf8(t->link, n->link_len)))
		p += put_record(p, pax_keys[PAX_CHARSET], "BINARY", 6);
	if (n->path)
		p += put_record(p, pax_keys[PAX_PATH], t->path, n->path_len);
	if (n->link)
		p += put_record(p, pax_keys[PAX_LINK], t->link, n->link_len);
	if (n->size)
		p += put_number_record(p, pax_keys[PAX_SIZE], t->size);
	if (n->uid)
		p += put_number_record(p, pax_keys[PAX_UID], t->uid);
	if (n->gid)
		p += put_number_record(p, pax_keys[PAX_GID], t->gid);
	if (n->mtime)
		p += put_time_record(p, t->mtime, t->mtime_ns);
	if (t->hole_count)
		p += put_holes(t, p);
	if (t->type == TAR_SOCKET)
		p += put_record(
			p, pax_keys[PAX_FILETYPE], FILETYPE_SOCKET, sizeof(FILETYPE_SOCKET) - 1);
	for (size_t i = 0; i < t->xattr_count; i++)
		p += put_xattr(&t->xattrs[i], p);
	return (size_t)(p - out);
}

/* The pax header, its records and their padding; nothing if no records are needed. */
static size_t put_pax(const struct tar_entry *t, const struct pax_needs *n, char *out)
{
	struct ustar *h = (void *)out;
	size_t len = put_records(t, n, out + TAR_BLOCK);

	if (!len)
		return 0;
	memset(out + TAR_BLOCK + len, 0, tar_padding(len));
	put_common(h, TYPE_PAX);
	memcpy(h->name, pax_name, sizeof(pax_name));
	put_octal(h->mode, sizeof(h->mode), 0644);
	put_octal(h->uid, sizeof(h->uid), 0);
	put_octal(h->gid, sizeof(h->gid), 0);
	put_octal(h->size, sizeof(h->size), len);
	put_octal(h->mtime, sizeof(h->mtime), 0);
	put_sum(h);
	return TAR_BLOCK + len + tar_padding(len);
}

/* A path with a pax record is also stored here, truncated. */
static void put_path(struct ustar *h, const char *path, const struct pax_needs *n)
{
	size_t skip = n->prefix > 0 ? (size_t)n->prefix + 1 : 0;
	size_t len = n->path_len - skip;

	if (n->prefix > 0)
		memcpy(h->prefix, path, (size_t)n->prefix);
	memcpy(h->name, path + skip, len < sizeof(h->name) ? len : sizeof(h->name));
}

/* Numbers with a pax record are 0 here, except that a time with a fraction keeps its seconds. */
static void put_ustar(const struct tar_entry *t, const struct pax_needs *n, char *out)
{
	struct ustar *h = (void *)out;
	bool time_fits = t->mtime >= 0 && (uint64_t)t->mtime <= OCTAL11_MAX;

	put_common(h, t->type == TAR_SOCKET ? (char)TAR_FILE : (char)t->type);
	put_octal(h->devmajor, sizeof(h->devmajor), t->major);
	put_octal(h->devminor, sizeof(h->devminor), t->minor);
	put_path(h, t->path, n);
	memcpy(h->linkname, t->link, n->link ? sizeof(h->linkname) : n->link_len);
	put_octal(h->mode, sizeof(h->mode), t->mode);
	put_octal(h->uid, sizeof(h->uid), n->uid ? 0 : t->uid);
	put_octal(h->gid, sizeof(h->gid), n->gid ? 0 : t->gid);
	put_octal(h->size, sizeof(h->size), n->size ? 0 : t->size);
	put_octal(h->mtime, sizeof(h->mtime), time_fits ? (uint64_t)t->mtime : 0);
	put_sum(h);
}

static size_t xattr_bytes(const struct tar_entry *t)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->xattr_count; i++)
		sum += strlen(t->xattrs[i].name) + t->xattrs[i].len;
	return sum;
}

size_t tar_encode(const struct tar_entry *t, char *out)
{
	struct pax_needs needs = find_needs(t);
	size_t pax;

	if (needs.path_len > LIMIT_TAR_LONG_PATH || needs.link_len > LIMIT_TAR_LONG_PATH)
		BUG("tar: a path of %zu and a link of %zu bytes", needs.path_len, needs.link_len);
	if (t->mode > TAR_MODE_BITS || t->mtime_ns > 999999999 || t->size > TAR_SIZE_MAX ||
		t->mtime < TAR_MTIME_MIN || t->mtime > TAR_MTIME_MAX)
		BUG("tar: '%s' has a mode, a size or a time that no entry can have", t->path);
	if (t->major > OCTAL7_MAX || t->minor > OCTAL7_MAX || t->hole_count > LIMIT_TAR_HOLES ||
		t->xattr_count > LIMIT_TAR_XATTRS || xattr_bytes(t) > LIMIT_TAR_XATTR_BYTES)
		BUG("tar: '%s' has a number, holes or attributes that no entry can have", t->path);
	pax = put_pax(t, &needs, out);
	put_ustar(t, &needs, out + pax);
	return pax + TAR_BLOCK;
}

bool tar_all_zero(const char *data, size_t len)
{
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

/* ---- refusing ---------------------------------------------------------------------------- */

int tar_refuse(const struct tar_reader *r, struct err *e, const char *fmt, ...)
{
	auto_free char *shown = text_safe(r->path.data, SHOWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_GUEST, fmt, ap);
	va_end(ap);
	if (r->path.len)
		return err_wrap(
			e, "entry '%s' (header at byte %" PRIu64 ")", shown, r->header_offset);
	return err_wrap(e, "header at byte %" PRIu64, r->header_offset);
}

/* As tar_refuse, about a text of the archive: "entry ...: its link 'x' is absolute". */
static int refuse_text(const struct tar_reader *r, struct err *e, const char *what,
	const char *text, const char *why)
{
	auto_free char *shown = text_safe(text, SHOWN_MAX);

	return tar_refuse(r, e, "%s '%s' %s", what, shown, why);
}

/* ---- decoding: numbers and records ------------------------------------------------------- */

static int get_octal(const struct tar_reader *r, const char *field, size_t size, const char *what,
	uint64_t *ret, struct err *e)
{
	uint64_t value = 0;

	if (field[0] & 0x80)
		return tar_refuse(r, e, "its %s is a base-256 number", what);
	for (size_t i = 0; i < size - 1; i++) {
		if (field[i] < '0' || field[i] > '7')
			return tar_refuse(r, e, "its %s is not an octal number of %zu digits", what,
				size - 1);
		value = value << 3 | (uint64_t)(field[i] - '0');
	}
	if (field[size - 1])
		return tar_refuse(r, e, "its %s has no end", what);
	*ret = value;
	return 0;
}

/* The value of a pax record; s is NULL if there is no such record. */
struct pax_value {
	const char *s;
	size_t len;
};

/*
 * Parse decimal digits up to the end of the value or `stop`. False if there are none or the number
 * is above `max`.
 */
static bool parse_decimal(struct pax_value *v, char stop, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < v->len && v->s[i] != stop; i++) {
		unsigned digit = (unsigned)(unsigned char)v->s[i] - '0';

		if (digit > 9 || value > max / 10 || value * 10 > max - digit)
			return false;
		value = value * 10 + digit;
	}
	if (i == 0)
		return false;
	v->s += i;
	v->len -= i;
	*ret = value;
	return true;
}

static int get_decimal(const struct tar_reader *r, const struct pax_value *value, enum pax_key key,
	uint64_t max, uint64_t *ret, struct err *e)
{
	struct pax_value v = *value;

	if (v.len && v.s[0] == '-')
		return tar_refuse(r, e, "its pax record '%s' is negative", pax_keys[key]);
	if (!parse_decimal(&v, '\0', max, ret) || v.len)
		return tar_refuse(r, e, "its pax record '%s' is not a number up to %" PRIu64,
			pax_keys[key], max);
	return 0;
}

/* The reverse of put_time_record. */
static bool parse_time(struct pax_value v, int64_t *ret_seconds, uint32_t *ret_ns)
{
	bool negative = v.len && v.s[0] == '-';
	uint64_t seconds, ns = 0;

	if (negative) {
		v.s++;
		v.len--;
	}
	if (!parse_decimal(&v, '.', TAR_MTIME_MAX, &seconds))
		return false;
	if (v.len && (v.len != 10 || (v.s++, v.len--, !parse_decimal(&v, '\0', 999999999, &ns))))
		return false;
	*ret_seconds = negative ? -(int64_t)seconds : (int64_t)seconds;
	*ret_ns = (uint32_t)ns;
	if (negative && ns) {
		--*ret_seconds;
		*ret_ns = (uint32_t)(1000000000 - ns);
	}
	return *ret_seconds >= TAR_MTIME_MIN;
}

/* Parse the list of holes: "START+LENGTH", separated by commas. check_holes checks the numbers. */
static int get_holes(struct tar_reader *r, const struct pax_value *value, struct err *e)
{
	struct pax_value v = *value;

	for (;;) {
		struct tar_hole *h = &r->holes[r->hole_count];

		if (r->hole_count == LIMIT_TAR_HOLES)
			return tar_refuse(r, e, "it lists more than %d holes", LIMIT_TAR_HOLES);
		if (!parse_decimal(&v, '+', TAR_SIZE_MAX, &h->start) || !v.len)
			return tar_refuse(r, e, "its list of holes is not START+LENGTH,...");
		v.s++;
		v.len--;
		if (!parse_decimal(&v, ',', TAR_SIZE_MAX, &h->len))
			return tar_refuse(r, e, "its list of holes is not START+LENGTH,...");
		r->hole_count++;
		if (!v.len)
			return 0;
		v.s++;
		v.len--;
	}
}

static int take_xattr(struct tar_reader *r, const char *key, size_t key_len,
	const struct pax_value *value, struct err *e)
{
	size_t len = key_len - (sizeof(XATTR_PREFIX) - 1);
	char *name = r->xattr_text + r->xattr_bytes + r->xattr_count;
	struct tar_xattr *x = &r->xattrs[r->xattr_count];

	if (r->xattr_count == LIMIT_TAR_XATTRS ||
		len + value->len > LIMIT_TAR_XATTR_BYTES - r->xattr_bytes)
		return tar_refuse(r, e,
			"it has more than %d extended attributes, or more than %" PRIu64
			" bytes of them",
			LIMIT_TAR_XATTRS, LIMIT_TAR_XATTR_BYTES);
	memcpy(name, key + sizeof(XATTR_PREFIX) - 1, len);
	name[len] = '\0';
	memcpy(name + len + 1, value->s, value->len);
	*x = (struct tar_xattr){name, name + len + 1, value->len};
	if (!tar_xattr_is_kept(name))
		return refuse_text(r, e, "its extended attribute", name, "is not one that is kept");
	if (r->xattr_count && strcmp(x[-1].name, name) >= 0)
		return refuse_text(
			r, e, "its extended attribute", name, "comes twice or out of order");
	r->xattr_count++;
	r->xattr_bytes += len + value->len;
	return 0;
}

static int find_key(const char *key, size_t len)
{
	int i = 0;

	while (i < PAX_KEYS && (strlen(pax_keys[i]) != len || memcmp(pax_keys[i], key, len) != 0))
		i++;
	return i;
}

/* Store a record: its key ends before `equals`, its value follows. */
static int take_value(struct tar_reader *r, const char *key, const char *equals, size_t value_len,
	struct pax_value *values, struct err *e)
{
	const struct pax_value v = {equals + 1, value_len};
	size_t len = (size_t)(equals - key);
	auto_free char *name = NULL;
	int known;

	if (len >= sizeof(XATTR_PREFIX) && memcmp(key, XATTR_PREFIX, sizeof(XATTR_PREFIX) - 1) == 0)
		return take_xattr(r, key, len, &v, e);
	if (memchr(v.s, '\0', v.len))
		return tar_refuse(r, e, "it has a pax record without '=' or with a NUL");
	known = find_key(key, len);
	if (known == PAX_KEYS) {
		name = mem_strndup(key, len);
		return refuse_text(r, e, "its pax record", name, "is not supported");
	}
	if (values[known].s)
		return tar_refuse(r, e, "its pax record '%s' comes twice", pax_keys[known]);
	values[known] = v;
	return 0;
}

/* Parse the first record of `rest` and remove it. */
static int take_record(
	struct tar_reader *r, struct pax_value *rest, struct pax_value *values, struct err *e)
{
	struct pax_value v = *rest;
	uint64_t len;
	const char *equals;

	if (!parse_decimal(&v, ' ', rest->len, &len) || !v.len || len < rest->len - v.len + 4 ||
		rest->s[len - 1] != '\n')
		return tar_refuse(r, e, "it has a pax record with a wrong length");
	v.len = len - (rest->len - v.len) - 2; /* without the space and the newline */
	v.s++;
	equals = memchr(v.s, '=', v.len);
	if (!equals || memchr(v.s, '\0', (size_t)(equals - v.s)))
		return tar_refuse(r, e, "it has a pax record without '=' or with a NUL");
	if (take_value(r, v.s, equals, v.len - (size_t)(equals + 1 - v.s), values, e) < 0)
		return -1;
	rest->s += len;
	rest->len -= len;
	return 0;
}

/* ---- decoding: one entry ----------------------------------------------------------------- */

static int check_block(const struct tar_reader *r, const char *block, struct err *e)
{
	const struct ustar *h = (const void *)block;
	uint64_t sum = 0;

	if (memcmp(h->magic, "ustar", 6) != 0 || memcmp(h->version, "00", 2) != 0)
		return tar_refuse(r, e, "not a header of the ustar format");
	if (get_octal(r, h->chksum, 7, "checksum", &sum, e) < 0)
		return -1;
	if (sum != header_sum(block))
		return tar_refuse(r, e, "its checksum is wrong");
	return 0;
}

/*
 * Parse a pax header, if there is one, into `values`. *ret_used is the size of the header and its
 * records.
 */
static int read_pax(struct tar_reader *r, const char *data, size_t len, struct pax_value *values,
	size_t *ret_used, struct err *e)
{
	const struct ustar *h = (const void *)data;
	struct pax_value rest = {.s = data + TAR_BLOCK};
	uint64_t size = 0;

	if (h->typeflag != TYPE_PAX)
		return 0;
	if (get_octal(r, h->size, sizeof(h->size), "size", &size, e) < 0)
		return -1;
	if (size > LIMIT_TAR_PAX_BYTES)
		return tar_refuse(r, e,
			"its pax records have %" PRIu64 " bytes, more than %" PRIu64, size,
			LIMIT_TAR_PAX_BYTES);
	if (size + tar_padding(size) + 2 * TAR_BLOCK > len)
		return tar_refuse(r, e, "the archive is truncated in its pax records");
	rest.len = size;
	while (rest.len)
		if (take_record(r, &rest, values, e) < 0)
			return -1;
	*ret_used = TAR_BLOCK + size + tar_padding(size);
	return check_block(r, data + *ret_used, e);
}

static void get_text(struct buf *b, const struct pax_value *v, const char *field, size_t size)
{
	if (v->s)
		buf_add(b, v->s, v->len);
	else
		buf_add(b, field, strnlen(field, size));
}

static int get_paths(
	struct tar_reader *r, const struct ustar *h, const struct pax_value *values, struct err *e)
{
	if (!values[PAX_PATH].s && h->prefix[0]) {
		buf_add(&r->path, h->prefix, strnlen(h->prefix, sizeof(h->prefix)));
		buf_addc(&r->path, '/');
	}
	buf_clear(&r->link);
	get_text(&r->path, &values[PAX_PATH], h->name, sizeof(h->name));
	get_text(&r->link, &values[PAX_LINK], h->linkname, sizeof(h->linkname));
	if (r->path.overflow || r->link.overflow) {
		buf_clear(&r->path);
		return tar_refuse(r, e, "its path or link is longer than %" PRIu64 " bytes",
			LIMIT_TAR_LONG_PATH);
	}
	return 0;
}

/* The value of the pax record if there is one, else of the octal field. */
static int get_number(const struct tar_reader *r, const char *field, size_t size,
	const struct pax_value *values, enum pax_key key, uint64_t max, uint64_t *ret,
	struct err *e)
{
	if (get_octal(r, field, size, pax_keys[key], ret, e) < 0)
		return -1;
	if (values[key].s)
		return get_decimal(r, &values[key], key, max, ret, e);
	return 0;
}

static bool is_device(enum tar_type type)
{
	return type == TAR_CHAR_DEVICE || type == TAR_BLOCK_DEVICE;
}

static int get_device(
	const struct tar_reader *r, const struct ustar *h, struct tar_entry *t, struct err *e)
{
	uint64_t major = 0, minor = 0;

	if (get_octal(r, h->devmajor, sizeof(h->devmajor), "major number", &major, e) < 0 ||
		get_octal(r, h->devminor, sizeof(h->devminor), "minor number", &minor, e) < 0)
		return -1;
	t->major = (uint32_t)major;
	t->minor = (uint32_t)minor;
	return 0;
}

static int get_numbers(const struct tar_reader *r, const struct ustar *h,
	const struct pax_value *values, struct tar_entry *t, struct err *e)
{
	uint64_t mode = 0, uid = 0, gid = 0, mtime = 0;

	if (get_octal(r, h->mode, sizeof(h->mode), "mode", &mode, e) < 0 ||
		get_number(r, h->uid, sizeof(h->uid), values, PAX_UID, UINT32_MAX - 1, &uid, e) <
			0 ||
		get_number(r, h->gid, sizeof(h->gid), values, PAX_GID, UINT32_MAX - 1, &gid, e) <
			0 ||
		get_number(r, h->size, sizeof(h->size), values, PAX_SIZE, TAR_SIZE_MAX, &t->size,
			e) < 0 ||
		get_octal(r, h->mtime, sizeof(h->mtime), "mtime", &mtime, e) < 0)
		return -1;
	if (mode > TAR_MODE_BITS)
		return tar_refuse(
			r, e, "its mode %" PRIo64 " has bits beyond %o", mode, TAR_MODE_BITS);
	t->mode = (uint32_t)mode;
	t->uid = (uint32_t)uid;
	t->gid = (uint32_t)gid;
	t->mtime = (int64_t)mtime;
	t->mtime_ns = 0;
	if (is_device(t->type) && get_device(r, h, t, e) < 0)
		return -1;
	if (values[PAX_MTIME].s && !parse_time(values[PAX_MTIME], &t->mtime, &t->mtime_ns))
		return tar_refuse(
			r, e, "its pax record 'mtime' is not a time between 1901 and 2514");
	return 0;
}

static int get_type(const struct tar_reader *r, char typeflag, const struct pax_value *filetype,
	enum tar_type *ret, struct err *e)
{
	if (filetype->s &&
		(typeflag != TAR_FILE || filetype->len != sizeof(FILETYPE_SOCKET) - 1 ||
			memcmp(filetype->s, FILETYPE_SOCKET, filetype->len) != 0))
		return tar_refuse(r, e, "its pax record '%s' is not that of a socket",
			pax_keys[PAX_FILETYPE]);
	switch (typeflag) {
	case TAR_FILE:
		*ret = filetype->s ? TAR_SOCKET : TAR_FILE;
		return 0;
	case TAR_HARDLINK:
	case TAR_SYMLINK:
	case TAR_CHAR_DEVICE:
	case TAR_BLOCK_DEVICE:
	case TAR_DIR:
	case TAR_FIFO:
		*ret = (enum tar_type)typeflag;
		return 0;
	default:
		return tar_refuse(r, e, "its type 0x%02x is not supported",
			(unsigned)(unsigned char)typeflag);
	}
}

/* A wrong checksum results from another difference, so it is not the byte to report. */
static bool is_in_checksum(size_t at, size_t header_len)
{
	size_t first = offsetof(struct ustar, chksum),
	       size = sizeof(((struct ustar *)NULL)->chksum);

	return at - first < size || at - (header_len - TAR_BLOCK) - first < size;
}

/*
 * The entry, encoded again, must give the same bytes: this is the check that covers every byte of a
 * header.
 */
static int check_canonical(const struct tar_reader *r, const struct tar_entry *t, const char *data,
	size_t len, struct err *e)
{
	size_t again = tar_encode(t, r->scratch), i = 0;

	if (again == len && memcmp(r->scratch, data, len) == 0)
		return 0;
	while (i < len && i < again && (r->scratch[i] == data[i] || is_in_checksum(i, len)))
		i++;
	return tar_refuse(r, e, "byte %zu of its header is not as we write it", i);
}

static int decode(struct tar_reader *r, const char *data, size_t len, struct tar_entry *t,
	size_t *ret_used, struct err *e)
{
	struct pax_value values[PAX_KEYS] = {0};
	const struct ustar *h;
	size_t pax = 0;

	if (check_block(r, data, e) < 0 || read_pax(r, data, len, values, &pax, e) < 0)
		return -1;
	h = (const void *)(data + pax);
	if (get_paths(r, h, values, e) < 0 ||
		get_type(r, h->typeflag, &values[PAX_FILETYPE], &t->type, e) < 0 ||
		get_numbers(r, h, values, t, e) < 0)
		return -1;
	if (values[PAX_HOLES].s && get_holes(r, &values[PAX_HOLES], e) < 0)
		return -1;
	t->path = r->path.data;
	t->link = r->link.data;
	t->xattrs = r->xattrs;
	t->xattr_count = r->xattr_count;
	t->holes = r->holes;
	t->hole_count = r->hole_count;
	*ret_used = pax + TAR_BLOCK;
	return check_canonical(r, t, data, *ret_used, e);
}

/* ---- the rules --------------------------------------------------------------------------- */

static int check_path(const struct tar_reader *r, struct err *e)
{
	const char *why;
	unsigned depth;

	if (!tar_path_is_plain(r->path.data, &why))
		return tar_refuse(r, e, "its path %s", why);
	if (r->path.len > r->rules.max_path)
		return tar_refuse(r, e, "its path has %zu bytes, more than %zu", r->path.len,
			r->rules.max_path);
	depth = tar_path_depth(r->path.data);
	if (depth > r->rules.max_depth)
		return tar_refuse(
			r, e, "it is %u levels deep, more than %u", depth, r->rules.max_depth);
	return 0;
}

/* The parent directory must be the previous entry or contain the previous entry. */
static int check_order(const struct tar_reader *r, struct err *e)
{
	const char *path = r->path.data, *previous = r->previous.data;
	const char *slash = strrchr(path, '/');
	size_t parent = slash ? (size_t)(slash - path) : 0;

	if (r->entries && tar_path_compare(previous, path) == 0)
		return tar_refuse(r, e, "it comes twice");
	if (r->entries && tar_path_compare(previous, path) > 0)
		return refuse_text(r, e, "it comes after", previous, "and does not belong there");
	if (!parent)
		return 0;
	if (strncmp(previous, path, parent) != 0)
		return tar_refuse(r, e, "its directory does not come before it");
	if (previous[parent] == '/' || (previous[parent] == '\0' && r->previous_is_dir))
		return 0;
	if (previous[parent])
		return tar_refuse(r, e, "its directory does not come before it");
	return tar_refuse(r, e, "its directory is %s",
		r->previous_is_link ? "a symbolic link" : "not a directory");
}

static int check_link(const struct tar_reader *r, const struct tar_entry *t, struct err *e)
{
	const char *why;

	if ((t->type == TAR_HARDLINK || t->type == TAR_SYMLINK) != (*t->link != '\0'))
		return tar_refuse(r, e,
			*t->link ? "it has a link's target and is no link"
				 : "it is a link without a target");
	if (t->type == TAR_HARDLINK && !tar_path_is_plain(t->link, &why))
		return refuse_text(r, e, "the path it is linked to,", t->link, why);
	if (t->type == TAR_HARDLINK && tar_path_compare(t->link, t->path) >= 0)
		return refuse_text(
			r, e, "the path it is linked to,", t->link, "does not come before it");
	if (t->type == TAR_SYMLINK && r->link.len > SYMLINK_MAX)
		return tar_refuse(r, e, "it is a symbolic link to %zu bytes, more than %d",
			r->link.len, SYMLINK_MAX);
	if (t->type == TAR_SYMLINK && r->rules.strict && !r->rules.specials &&
		!tar_symlink_stays_inside(t->path, t->link))
		return refuse_text(
			r, e, "it is a symbolic link to", t->link, "which leads out of the tree");
	return 0;
}

static int check_limits(const struct tar_reader *r, const struct tar_entry *t, struct err *e)
{
	uint64_t left = r->length - r->offset;

	if (r->entries >= r->rules.max_entries)
		return tar_refuse(
			r, e, "there are more than %" PRIu64 " entries", r->rules.max_entries);
	if (t->type != TAR_FILE && t->size)
		return tar_refuse(r, e, "it has %" PRIu64 " bytes of data and is no file", t->size);
	if (t->size > left || t->size + tar_padding(t->size) > left)
		return tar_refuse(r, e,
			"the archive is truncated: the entry has %" PRIu64
			" bytes of data, %" PRIu64 " are left",
			t->size, left);
	if (t->size > r->rules.max_bytes - r->bytes)
		return tar_refuse(r, e, "the files have more than %" PRIu64 " bytes together",
			r->rules.max_bytes);
	return 0;
}

static int check_strict(const struct tar_reader *r, const struct tar_entry *t, struct err *e)
{
	if (t->type == TAR_FIFO)
		return tar_refuse(r, e, "it is a fifo");
	if (t->xattr_count)
		return tar_refuse(r, e, "it has extended attributes");
	if (t->mode & TAR_SPECIAL_BITS)
		return tar_refuse(r, e, "its mode %o has set-id or sticky bits", t->mode);
	return 0;
}

/* Holes must be within the file, sorted, separate, and of whole units. */
static int check_holes(const struct tar_reader *r, const struct tar_entry *t, struct err *e)
{
	uint64_t at = 0;

	if (t->hole_count && t->type != TAR_FILE)
		return tar_refuse(r, e, "it lists holes and is no file");
	if (t->hole_count && r->rules.strict)
		return tar_refuse(r, e, "it lists holes");
	for (size_t i = 0; i < t->hole_count; i++) {
		const struct tar_hole *h = &t->holes[i];

		if (!h->len || h->start % TAR_HOLE_UNIT || h->len % TAR_HOLE_UNIT ||
			h->start > t->size || h->len > t->size - h->start || (i && h->start <= at))
			return tar_refuse(r, e,
				"its hole %" PRIu64 "+%" PRIu64
				" is empty, out of order, beyond the end, or not of whole "
				"units of %d bytes",
				h->start, h->len, TAR_HOLE_UNIT);
		at = h->start + h->len;
	}
	return 0;
}

/* The kinds of entries that only some callers accept. */
static int check_kind(const struct tar_reader *r, const struct tar_entry *t, struct err *e)
{
	if (t->xattr_count && t->type != TAR_FILE && t->type != TAR_DIR)
		return tar_refuse(
			r, e, "it has extended attributes and is neither file nor directory");
	if (r->rules.specials)
		return 0;
	if (is_device(t->type))
		return tar_refuse(r, e, "it is a device");
	if (t->type == TAR_SOCKET)
		return tar_refuse(r, e, "it is a socket");
	return r->rules.strict ? check_strict(r, t, e) : 0;
}

/* ---- the reader -------------------------------------------------------------------------- */

void tar_reader_init(struct tar_reader *r, const struct tar_rules *rules, uint64_t length)
{
	struct tar_rules *limits = &r->rules;

	*r = (struct tar_reader){.rules = *rules, .length = length, .previous_is_dir = true};
	if (!limits->max_entries)
		limits->max_entries = rules->strict ? LIMIT_TAR_ENTRIES : UINT64_MAX;
	if (!limits->max_bytes)
		limits->max_bytes = UINT64_MAX;
	if (!limits->max_depth || limits->max_depth > LIMIT_TAR_DEPTH)
		limits->max_depth = LIMIT_TAR_DEPTH;
	if (!limits->max_path || limits->max_path > LIMIT_TAR_LONG_PATH)
		limits->max_path = rules->strict ? LIMIT_TAR_PATH : LIMIT_TAR_LONG_PATH;
	buf_init(&r->path, LIMIT_TAR_LONG_PATH);
	buf_init(&r->link, LIMIT_TAR_LONG_PATH);
	buf_init(&r->previous, LIMIT_TAR_LONG_PATH);
	r->scratch = mem_alloc(TAR_HEADER_MAX);
	r->xattr_text = mem_alloc(LIMIT_TAR_XATTR_BYTES + LIMIT_TAR_XATTRS);
}

void tar_reader_release(struct tar_reader *r)
{
	buf_release(&r->path);
	buf_release(&r->link);
	buf_release(&r->previous);
	free(r->scratch);
	free(r->xattr_text);
	r->scratch = r->xattr_text = NULL;
}

/* Read the end marker: 0, -1, or 1 if there is none here. */
static int read_end(struct tar_reader *r, const char *data, size_t len, struct err *e)
{
	uint64_t behind;

	if (len < TAR_BLOCK)
		return tar_refuse(r, e, "the archive is truncated: it has no end marker");
	if (!tar_all_zero(data, TAR_BLOCK))
		return 1;
	if (len < TAR_END_BYTES)
		return tar_refuse(r, e, "the archive is truncated in its end marker");
	if (!tar_all_zero(data + TAR_BLOCK, TAR_BLOCK))
		return tar_refuse(r, e, "a block of zeros is followed by something else");
	behind = r->length - r->offset - TAR_END_BYTES;
	if (r->rules.strict && behind)
		return tar_refuse(r, e, "the end marker is followed by %" PRIu64 " bytes", behind);
	r->offset += TAR_END_BYTES;
	return 0;
}

/*
 * The path of the last entry becomes the previous path; the current path is empty until it is
 * parsed.
 */
static void begin_entry(struct tar_reader *r)
{
	struct buf previous = r->previous;

	r->previous = r->path;
	r->path = previous;
	buf_clear(&r->path);
	r->xattr_count = r->xattr_bytes = r->hole_count = 0;
	r->header_offset = r->offset;
}

int tar_next(struct tar_reader *r, const char *data, size_t len, struct tar_entry *ret,
	size_t *ret_header, struct err *e)
{
	struct tar_entry t = {0};
	size_t header;
	int end;

	begin_entry(r);
	end = read_end(r, data, len, e);
	if (end <= 0)
		return end;
	if (decode(r, data, len, &t, &header, e) < 0)
		return -1;
	r->offset += header;
	if (check_path(r, e) < 0 || check_order(r, e) < 0 || check_limits(r, &t, e) < 0 ||
		check_link(r, &t, e) < 0 || check_kind(r, &t, e) < 0 || check_holes(r, &t, e) < 0)
		return -1;
	r->offset += t.size + tar_padding(t.size);
	r->entries++;
	r->files += t.type == TAR_FILE;
	r->bytes += t.size;
	r->previous_is_dir = t.type == TAR_DIR;
	r->previous_is_link = t.type == TAR_SYMLINK;
	*ret = t;
	*ret_header = header;
	return 1;
}

int tar_check_padding(const struct tar_reader *r, const char *padding, size_t len, struct err *e)
{
	if (!tar_all_zero(padding, len))
		return tar_refuse(r, e, "the padding after its data is not zeros");
	return 0;
}
