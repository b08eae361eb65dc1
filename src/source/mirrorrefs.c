/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mirrorrefs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "os/fd.h"
#include "source/limits.h"

#define HEADS "refs/heads/"
#define TAGS "refs/tags/"
#define COMMITS "refs/commits/"

enum { SHOWN_MAX = 200 };

/* A line of packed-refs, and the line "^HASH" behind it, if there is one. */
struct reference {
	const char *hash, *name, *end; /* `end`: of both lines */
	size_t digits, name_len;
	const char *peeled; /* of a tag that is an object: the hash of what it names; else NULL */
};

void mirrorrefs_release(struct mirrorrefs *r)
{
	free(r->full);
	buf_release(&r->packed);
}

static bool begins(const char *text, size_t len, const char *head)
{
	return len > strlen(head) && strncmp(text, head, strlen(head)) == 0;
}

static size_t hash_digits(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return n == 40 || n == MIRRORREFS_HASH_MAX ? n : 0;
}

static const char *line_end(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* The next reference from *at; false: there is none. Lines that are none are left out. */
static bool next(const char **at, struct reference *ret)
{
	while (**at) {
		const char *line = *at, *end = line_end(line);
		size_t digits = hash_digits(line), len = (size_t)(end - line);

		*at = end;
		if (!digits || line[digits] != ' ' || end[-1] != '\n' || len < digits + 3)
			continue;
		*ret = (struct reference){.hash = line,
			.digits = digits,
			.name = line + digits + 1,
			.name_len = len - digits - 2,
			.end = end};
		if (*end == '^' && hash_digits(end + 1) == digits && end[1 + digits] == '\n') {
			ret->peeled = end + 1;
			ret->end = *at = line_end(end);
		}
		return true;
	}
	return false;
}

static bool is_named(const struct reference *r, const char *name)
{
	return strlen(name) == r->name_len && memcmp(r->name, name, r->name_len) == 0;
}

/* Take the commit of the reference `full`; false: there is none. */
static bool take(const char *packed, char *full, struct mirrorrefs *ret)
{
	auto_free char *name = full;
	struct reference r;

	while (next(&packed, &r)) {
		if (!is_named(&r, name))
			continue;
		memcpy(ret->commit, r.peeled ? r.peeled : r.hash, r.digits);
		ret->full = steal_ptr(&name);
		return true;
	}
	return false;
}

static bool find(const char *packed, const char *head, const char *ref, struct mirrorrefs *ret)
{
	if (!ref)
		return take(packed, mem_strdup(head), ret);
	if (begins(ref, strlen(ref), "refs/"))
		return take(packed, mem_strdup(ref), ret);
	if (hash_digits(ref) && !ref[hash_digits(ref)])
		return take(packed, mem_printf(COMMITS "%s", ref), ret);
	return take(packed, mem_printf(HEADS "%s", ref), ret) ||
		take(packed, mem_printf(TAGS "%s", ref), ret);
}

/* They are sorted in the mirror, and stay so. */
static void pack(const char *packed, struct mirrorrefs *ret)
{
	struct reference r;

	buf_init(&ret->packed, LIMIT_GIT_REFS_BYTES);
	buf_adds(&ret->packed, "# pack-refs with: peeled fully-peeled sorted \n");
	while (next(&packed, &r))
		if (begins(r.name, r.name_len, TAGS) ||
			(mirrorrefs_is_branch(ret) && is_named(&r, ret->full)))
			buf_add(&ret->packed, r.hash, (size_t)(r.end - r.hash));
}

static int read_file(int dir_fd, const char *name, struct buf *b, struct err *e)
{
	if (fd_read_beneath(dir_fd, name, b, NULL) < 0)
		return err_set(e, ERR_INPUT, "the mirror's file %s: %s", name, strerror(errno));
	if (strlen(b->data) != b->len)
		return err_set(e, ERR_INPUT, "the mirror's file %s is not text", name);
	return 0;
}

int mirrorrefs_find(int dir_fd, const char *ref, struct mirrorrefs *ret, struct err *e)
{
	static const char symbolic[] = "ref: ";
	auto_buf struct buf packed = {0}, head = {0};
	auto_free char *name = NULL, *shown = NULL;

	*ret = (struct mirrorrefs){0};
	buf_init(&packed, LIMIT_GIT_REFS_BYTES);
	buf_init(&head, LIMIT_GIT_POINTER);
	if (read_file(dir_fd, "HEAD", &head, e) < 0 ||
		read_file(dir_fd, "packed-refs", &packed, e) < 0)
		return -1;
	if (!begins(head.data, head.len, symbolic))
		return err_set(e, ERR_INPUT, "the mirror's file HEAD does not name a reference");
	name = mem_strndup(
		head.data + strlen(symbolic), strcspn(head.data + strlen(symbolic), "\n"));
	if (!find(packed.data, name, ref, ret)) {
		shown = text_safe(ref ? ref : name, SHOWN_MAX);
		return err_set(e, ERR_INPUT, "the mirror does not have '%s'", shown);
	}
	pack(packed.data, ret);
	return 0;
}

bool mirrorrefs_is_branch(const struct mirrorrefs *r)
{
	return strncmp(r->full, HEADS, strlen(HEADS)) == 0;
}
