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

static char *unquote(char *s)
{
	size_t len = strlen(s);

	if (len < 2 || (*s != '"' && *s != '\'') || s[len - 1] != *s)
		return s;
	s[len - 1] = '\0';
	return s + 1;
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

/* "[name]" becomes "name"; false: the line is no header. */
static bool take_header(char *line, char **ret_section)
{
	size_t len = strlen(line);

	if (len < 2 || line[0] != '[' || line[len - 1] != ']')
		return false;
	line[len - 1] = '\0';
	*ret_section = trim(line + 1);
	return true;
}

/* Cuts `text` into lines. Returns a part of it; NULL: there is none. */
static char *find_value(char *text, const char *wanted, const char *key)
{
	char *next = NULL, *section = NULL, *found = NULL;

	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		char *start = trim(line), *equals;

		if (*start == '#' || *start == ';' || take_header(start, &section))
			continue;
		if (wanted ? !section || strcmp(section, wanted) != 0 : section != NULL)
			continue;
		equals = strpbrk(start, "=:");
		if (!equals)
			continue;
		*equals = '\0';
		/* As clients have it, a later line replaces an earlier one. */
		if (same_key(trim(start), key))
			found = unquote(trim(equals + 1));
	}
	return found && *found ? found : NULL;
}

static int read_text(const char *path, struct buf *text, struct err *e)
{
	buf_init(text, LIMIT_CLIENTFILE_BYTES);
	return fd_read_file(path, text, e);
}

static int look_up(
	const char *path, const char *section, const char *key, char **ret, struct err *e)
{
	auto_buf struct buf text = {0};
	const char *value;

	if (read_text(path, &text, e) < 0)
		return -1;
	value = text.len ? find_value(text.data, section, key) : NULL;
	*ret = value ? mem_strdup(value) : NULL;
	return 0;
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
	auto_free char *name = NULL, *section = NULL;

	*ret = NULL;
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (s->find)
		return look_through(path, s->find, ret, e);
	if (!s->then_key)
		return look_up(path, s->section, s->key, ret, e);
	if (look_up(path, s->section, s->key, &name, e) < 0)
		return -1;
	if (!name)
		return 0;
	section = mem_printf("%s%s", s->then_prefix, name);
	return look_up(path, section, s->then_key, ret, e);
}
