/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/ecosystems/gitnames.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "actions/limits.h"
#include "base/text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NAME_CHARACTERS LETTERS "._-"
#define PATH_CHARACTERS NAME_CHARACTERS "~+/"
#define HASH_DIGITS "0123456789abcdef"

enum { SHA1_DIGITS = 40, SHA256_DIGITS = 64, GO_PARTS = 2, SHOWN_MAX = 200 };

/* One search. */
struct search {
	const char *text, *file, *login;
	bool module; /* the form is that of a module of Go */
	struct gitnames *found;
};

void gitnames_release(struct gitnames *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free(g->items[i].login);
		free(g->items[i].path);
		strv_release(&g->items[i].commits);
	}
	free(g->items);
	strv_release(&g->others);
	*g = (struct gitnames){0};
}

static int refuse(const struct search *s, const char *at, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(at, SHOWN_MAX);

	shown[strcspn(shown, " \"'")] = '\0';
	return err_reason(
		e, ERR_INPUT, "fetch_lock_file", "%s names '%s': %s", s->file, shown, why);
}

/* ---- the list ---- */

static struct gitname *find(const struct gitnames *g, const char *login, const char *path)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->items[i].login, login) == 0 && strcmp(g->items[i].path, path) == 0)
			return &g->items[i];
	return NULL;
}

static struct gitname *append(struct gitnames *g, const char *login, const char *path)
{
	if (g->count == g->room) {
		g->room = g->room ? 2 * g->room : 16;
		g->items = mem_resize(g->items, g->room, sizeof(*g->items));
	}
	g->items[g->count] = (struct gitname){.login = mem_strdup(login), .path = mem_strdup(path)};
	return &g->items[g->count++];
}

/* "?QUERY#HASH"; NULL: no hash of a commit follows. */
static char *commit_behind(const char *end)
{
	const char *hash = end + strcspn(end, "# \t\r\n\"'");
	size_t len;

	if (*hash != '#')
		return NULL;
	len = strspn(++hash, HASH_DIGITS);
	if ((len != SHA1_DIGITS && len != SHA256_DIGITS) || isalnum((unsigned char)hash[len]))
		return NULL;
	return mem_strndup(hash, len);
}

static int add(
	const struct search *s, const char *at, const char *path, const char *end, struct err *e)
{
	auto_free char *commit = commit_behind(end);
	struct gitname *name = find(s->found, s->login, path);

	if (!name && s->found->count == LIMIT_GIT_NAMES)
		return refuse(s, at, "the source names too many repositories", e);
	if (!name)
		name = append(s->found, s->login, path);
	name->module |= s->module;
	if (!commit || strv_has(&name->commits, commit))
		return 0;
	if (name->commits.count == LIMIT_GIT_COMMITS)
		return refuse(s, at, "the source names too many commits of this repository", e);
	strv_push(&name->commits, commit);
	return 0;
}

/* ---- paths ---- */

static bool is_sound_part(const char *part, size_t len)
{
	return len > 0 && part[0] != '-' && (len > 2 || strspn(part, ".") < len);
}

/* No part is empty, a directory above, or an option. */
static bool is_sound(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!is_sound_part(part, strcspn(part, "/")))
			return false;
	}
	return strlen(path) <= LIMIT_GIT_PATH;
}

/* What may follow a path: the end of a word, or of the part of a URL. */
static bool ends(char c)
{
	return !c || isspace((unsigned char)c) || strchr("\"'`?#@,;)]}>|", c);
}

/* `at`: where the name begins; `from`: its path. */
static int take_path(const struct search *s, const char *at, const char *from, struct err *e)
{
	auto_free char *path = NULL;
	const char *end;
	size_t len;

	from += strspn(from, "/");
	len = strspn(from, PATH_CHARACTERS);
	end = from + len;
	if (!ends(*end))
		return refuse(s, at,
			"the path of a repository has letters, digits and . _ ~ + - alone", e);
	while (len > 0 && from[len - 1] == '/')
		len--;
	path = mem_strndup(from, len);
	if (!is_sound(path))
		return refuse(s, at, "this is not the path of a repository", e);
	return add(s, at, path, end, e);
}

/* ---- forms ---- */

static bool is_behind(const struct search *s, const char *at, const char *prefix)
{
	size_t len = strlen(prefix);

	return (size_t)(at - s->text) >= len && strncmp(at - len, prefix, len) == 0;
}

/* Otherwise it is the end of another name. */
static bool begins(const struct search *s, const char *at)
{
	return at == s->text || !strchr(NAME_CHARACTERS "@", at[-1]);
}

/* A path may begin with digits and a slash, too, but not in a URL. */
static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && text[digits] == '/';
}

static int take_login(const struct search *s, const char *at, struct err *e)
{
	const char *behind = at + strlen(s->login);
	bool is_url = is_behind(s, at, "ssh://");

	if (*behind == '/')
		return is_url ? take_path(s, at, behind, e) : 0;
	if (*behind != ':')
		return 0;
	if (is_url && is_port(behind + 1))
		return refuse(s, at, "the port of ssh is always 22 here", e);
	return take_path(s, at, behind + 1, e);
}

/* Of "group/project.git/part/v2" or "group/project/part/v2", the length of what is the repository's. */
static size_t repository_length(const char *module)
{
	static const char suffix[] = ".git";
	size_t end = 0, front = 0;

	for (unsigned parts = 1; module[end]; parts++) {
		end += strcspn(module + end, "/");
		if (end > strlen(suffix) &&
			strncmp(module + end - strlen(suffix), suffix, strlen(suffix)) == 0)
			return end;
		if (parts <= GO_PARTS)
			front = end;
		end += module[end] == '/';
	}
	return front;
}

static int take_module(const struct search *s, const char *at, const char *from, struct err *e)
{
	auto_free char *module = mem_strndup(from, strcspn(from, " \t\r\n\""));
	struct search of_module = *s;

	of_module.module = true;
	module[repository_length(module)] = '\0';
	return take_path(&of_module, at, module, e);
}

/* It is required or replaced, and not the source itself. */
static bool is_module(const struct search *s, const char *at)
{
	return (at == s->text || strchr(" \t\n\"", at[-1])) && !is_behind(s, at, "module ") &&
		!is_behind(s, at, "module \"");
}

static int take_host(
	const struct search *s, const char *at, size_t len, bool modules, struct err *e)
{
	const char *behind = at + len;

	if (*behind != '/')
		return 0;
	if (is_behind(s, at, "git+https://"))
		return take_path(s, at, behind, e);
	if (modules && is_module(s, at))
		return take_module(s, at, behind + 1, e);
	return 0;
}

static bool is_of_modules(const char *file)
{
	const char *slash = strrchr(file, '/');

	return strcmp(slash ? slash + 1 : file, "go.mod") == 0;
}

static int find_of_login(const struct search *s, struct err *e)
{
	const char *host = strchr(s->login, '@') + 1;
	const size_t len = strlen(host);

	for (const char *at = s->text; (at = strstr(at, s->login)); at++)
		if (begins(s, at) && take_login(s, at, e) < 0)
			return -1;
	for (const char *at = s->text; (at = strstr(at, host)); at++)
		if (begins(s, at) && take_host(s, at, len, is_of_modules(s->file), e) < 0)
			return -1;
	return 0;
}

/* ---- servers that were not asked for ---- */

static void find_others(const char *text, const struct strv *logins, struct gitnames *ret)
{
	static const char scheme[] = "ssh://";

	while ((text = strstr(text, scheme)) && ret->others.count < LIMIT_GIT_NAMES) {
		size_t len = strspn(text += strlen(scheme), NAME_CHARACTERS "@");
		auto_free char *login = mem_strndup(text, len);

		if (len && len <= LIMIT_GIT_PATH && !strv_has(logins, login) &&
			!strv_has(&ret->others, login))
			strv_push(&ret->others, login);
	}
}

int gitnames_find(const char *text, const char *file, const struct strv *logins,
	struct gitnames *ret, struct err *e)
{
	strv_each (logins, login) {
		const struct search s = {.text = text, .file = file, .login = *login, .found = ret};

		if (find_of_login(&s, e) < 0)
			return -1;
	}
	find_others(text, logins, ret);
	return 0;
}
