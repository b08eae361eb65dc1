/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/clientfile.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/fd.h"
#include "os/home.h"
#include "settings/limits.h"

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

#define INLINE_TABLE '{'

/* The text in quotes, else up to a comment. */
static char *value_in(char *s)
{
	char *end = NULL;

	s = trim(s);
	if (*s == '"' || *s == '\'')
		end = strchr(s + 1, *s);
	if (end) {
		*end = '\0';
		return s + 1;
	}
	for (end = s; *end; end++)
		if (isspace((unsigned char)end[0]) && (end[1] == '#' || end[1] == ';'))
			*end = '\0';
	return trim(s);
}

/* `source . "a-b"` becomes `source.a-b`. */
static char *plain_name(char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++)
		if (!strchr(" \t\r\"'", *from))
			*to++ = *from;
	*to = '\0';
	return s;
}

static int folded(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static bool same_key(const char *a, const char *b)
{
	while (*a && folded(*a) == folded(*b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

/*
 * "[name]" becomes "name", and what else begins with a bracket a name that nothing has; false: the line
 * is no header.
 */
static bool take_header(char *line, char **ret_section)
{
	char *end = strchr(line, ']');

	if (line[0] != '[')
		return false;
	if (!end || line[1] == '[') {
		*ret_section = line;
		return true;
	}
	*end = '\0';
	*ret_section = plain_name(line + 1);
	return true;
}

/* What is looked for: a key, in a section or not. */
struct wanted {
	const char *section; /* NULL: lines before any header */
	const char *key;
	char *found;    /* the value; NULL: none */
	bool is_unread; /* it may be in a table within one line */
	bool goes_on;   /* the value may be in the next line */
};

static char *full_name(const char *section, const char *key)
{
	return section ? mem_printf("%s.%s", section, key) : mem_strdup(key);
}

static bool is_wanted(const struct wanted *w, const char *name)
{
	size_t len = w->section ? strlen(w->section) : 0;

	if (!w->section)
		return same_key(name, w->key);
	return strncmp(name, w->section, len) == 0 && name[len] == '.' &&
		same_key(name + len + 1, w->key);
}

/* Is it a table that the key would be in? */
static bool is_above(const struct wanted *w, const char *name)
{
	size_t len = strlen(name);

	return w->section && strncmp(w->section, name, len) == 0 &&
		(!w->section[len] || w->section[len] == '.');
}

/* As clients have it, a later line replaces an earlier one. */
static void take_line(struct wanted *w, const char *section, char *line)
{
	char *equals = strpbrk(line, "=:"), *value;
	auto_free char *name = NULL;

	if (!equals)
		return;
	*equals = '\0';
	name = full_name(section, plain_name(line));
	value = value_in(equals + 1);
	w->is_unread |= *value == INLINE_TABLE && is_above(w, name);
	if (!is_wanted(w, name))
		return;
	w->found = value;
	w->goes_on = !*value;
}

/* Cuts `text` into lines. w->found is a part of it. */
static void find_value(struct wanted *w, char *text)
{
	char *next = NULL, *section = NULL;

	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		bool goes_on = w->goes_on && isspace((unsigned char)*line);
		char *start = trim(line);

		if (*start == '#' || *start == ';')
			continue;
		w->goes_on = false;
		if (goes_on)
			w->found = value_in(start);
		else if (!take_header(start, &section))
			take_line(w, section, start);
	}
	if (w->found && !*w->found)
		w->found = NULL;
}

static int read_text(const char *path, struct buf *text, struct err *e)
{
	buf_init(text, LIMIT_CLIENTFILE_BYTES);
	return fd_read_file(path, text, e);
}

static int look_up(
	const char *path, const char *section, const char *key, char **ret, struct err *e)
{
	struct wanted w = {.section = section, .key = key};
	auto_buf struct buf text = {0};

	if (read_text(path, &text, e) < 0)
		return -1;
	if (text.len)
		find_value(&w, text.data);
	if (!w.found && w.is_unread)
		return err_set(e, ERR_INPUT,
			"%s: a table within one line ('{ ... }') is not read here; write it as "
			"[%s]",
			path, section);
	*ret = w.found ? mem_strdup(w.found) : NULL;
	return 0;
}

/* The address in a section that another one names. */
static int look_up_named(const char *path, const struct client_setting *s, const char *name,
	char **ret, struct err *e)
{
	auto_free char *section = mem_printf("%s%s", s->then_prefix, name);
	auto_free char *other = s->or_prefix ? mem_printf("%s%s", s->or_prefix, name) : NULL;

	if (look_up(path, section, s->then_key, ret, e) < 0)
		return -1;
	if (!*ret && other && look_up(path, other, s->or_key, ret, e) < 0)
		return -1;
	if (*ret)
		return 0;
	return err_set(e, ERR_INPUT, "%s: '%s' of [%s] names '%s', of which no address is there",
		path, s->key, s->section, name);
}

static int look_through(
	const char *path, char *(*find)(const char *text), char **ret, struct err *e)
{
	auto_buf struct buf text = {0};

	if (read_text(path, &text, e) < 0)
		return -1;
	*ret = text.len ? find(text.data) : NULL;
	return 0;
}

int clientfile_get(const struct client_setting *s, char **ret, struct err *e)
{
	auto_free char *path = home_expand(s->file);
	auto_free char *name = NULL;

	*ret = NULL;
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (s->find)
		return look_through(path, s->find, ret, e);
	if (!s->then_key)
		return look_up(path, s->section, s->key, ret, e);
	if (look_up(path, s->section, s->key, &name, e) < 0)
		return -1;
	return name ? look_up_named(path, s, name, ret, e) : 0;
}
