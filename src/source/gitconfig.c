/* SPDX-License-Identifier: Apache-2.0 */
#include "source/gitconfig.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

struct reader {
	const char *at, *end;
	bool ended;      /* at the end of the text, where git assumes a newline */
	struct buf name; /* "SECTION.", then also the key */
	struct buf value;
};

static int next(struct reader *r)
{
	int c;

	if (r->at == r->end) {
		r->ended = true;
		return '\n';
	}
	c = (unsigned char)*r->at++;
	if (c == '\r' && r->at < r->end && *r->at == '\n') {
		r->at++;
		c = '\n';
	}
	return c;
}

/* Spaces of the C locale, whatever the current locale is. */
static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_key(int c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

static void add_lower(struct buf *b, int c)
{
	buf_addc(b, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
}

/* After the name of a section: a space, "SUBSECTION" in quotes, and the bracket. */
static bool read_subsection(struct reader *r, int c)
{
	for (; is_space(c); c = next(r))
		if (c == '\n')
			return false;
	if (c != '"')
		return false;
	buf_addc(&r->name, '.');
	while ((c = next(r)) != '"') {
		if (c == '\\')
			c = next(r);
		if (c == '\n')
			return false;
		buf_addc(&r->name, (char)c);
	}
	return next(r) == ']';
}

/* After the opening bracket. */
static bool read_section(struct reader *r)
{
	int c;

	buf_clear(&r->name);
	while ((c = next(r)) != ']') {
		if (is_space(c))
			return read_subsection(r, c);
		if (!is_key(c) && c != '.')
			return false;
		add_lower(&r->name, c);
	}
	return true;
}

/* After a backslash; false if the escape is invalid. */
static bool read_escape(struct reader *r)
{
	int c = next(r);

	switch (c) {
	case '\n': /* the value continues on the next line */
		return true;
	case 't':
		c = '\t';
		break;
	case 'b':
		c = '\b';
		break;
	case 'n':
		c = '\n';
		break;
	case '\\':
	case '"':
		break;
	default:
		return false;
	}
	buf_addc(&r->value, (char)c);
	return true;
}

/* After the equals sign, to the end of the line. */
static bool read_value(struct reader *r)
{
	bool quoted = false, comment = false;
	size_t spaces = 0; /* they count only if more text follows */
	int c;

	buf_clear(&r->value);
	while ((c = next(r)) != '\n') {
		if (comment)
			continue;
		if (!quoted && is_space(c)) {
			spaces += r->value.len > 0;
			continue;
		}
		if (!quoted && (c == ';' || c == '#')) {
			comment = true;
			continue;
		}
		for (; spaces; spaces--)
			buf_addc(&r->value, ' ');
		if (c == '"')
			quoted = !quoted;
		else if (c != '\\')
			buf_addc(&r->value, (char)c);
		else if (!read_escape(r))
			return false;
	}
	return !quoted;
}

/* A key, whose first letter was read, and its value. The key is appended to the section's name. */
static bool read_setting(struct reader *r, int c, bool *ret_has_value)
{
	buf_addc(&r->name, '.');
	for (; is_key(c); c = next(r))
		add_lower(&r->name, c);
	while (c == ' ' || c == '\t')
		c = next(r);
	*ret_has_value = c != '\n';
	return c == '\n' || (c == '=' && read_value(r));
}

struct telling {
	gitconfig_fn fn;
	void *arg;
	int result;
};

/* False: a syntax error. Ends early if the callback returns nonzero. */
static bool read_all(struct reader *r, struct telling *t)
{
	bool comment = false, has_value;
	size_t section = 0;

	while (!r->ended && t->result == 0) {
		int c = next(r);

		comment = c != '\n' && (comment || c == '#' || c == ';');
		if (comment || is_space(c))
			continue;
		if (c == '[') {
			if (!read_section(r))
				return false;
			section = r->name.len;
			continue;
		}
		r->name.len = section;
		if (!is_letter(c) || !read_setting(r, c, &has_value))
			return false;
		buf_addc(&r->name, '\0');
		buf_addc(&r->value, '\0');
		t->result = t->fn(t->arg, r->name.data, has_value ? r->value.data : NULL);
	}
	return true;
}

int gitconfig_each(const char *text, size_t len, gitconfig_fn fn, void *arg, bool *ret_understood)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reader r = {.at = text, .end = text + len};
	struct telling t = {.fn = fn, .arg = arg};

	if (len >= strlen(bom) && memcmp(text, bom, strlen(bom)) == 0)
		r.at += strlen(bom);
	buf_init(&r.name, len + 3);
	buf_init(&r.value, len + 2);
	*ret_understood = read_all(&r, &t);
	buf_release(&r.name);
	buf_release(&r.value);
	return t.result;
}

char *gitconfig_condition(const char *key)
{
	static const char before[] = "includeif.", after[] = ".path";
	size_t len = strlen(key), around = strlen(before) + strlen(after);

	if (len <= around || strncmp(key, before, strlen(before)) != 0 ||
		strcmp(key + len - strlen(after), after) != 0)
		return NULL;
	return mem_strndup(key + strlen(before), len - around);
}
