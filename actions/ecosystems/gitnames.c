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
#define BLANKS " \t"
#define WORD_ENDS " \t\r\n\"'"

enum {
	SHA1_DIGITS = 40,
	SHA256_DIGITS = 64,
	GO_PARTS = 2,
	SHOWN_MAX = 200,
	AROUND_MAX = 1000, /* how far is looked for what belongs to a name */
};

/* One search, for the repositories of one login. */
struct search {
	const char *text, *file, *login;
	const struct strv *places;
	const struct strv *replaced; /* modules of Go */
	bool https, module;          /* the form in which a name was found */
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

static bool starts(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

static int refuse(const struct search *s, const char *at, const char *why, struct err *e)
{
	auto_free char *word = mem_strndup(at, strcspn(at, WORD_ENDS));
	auto_free char *shown = text_safe(word, SHOWN_MAX);

	return err_reason(
		e, ERR_INPUT, "fetch_lock_file", "%s names '%s': %s", s->file, shown, why);
}

/* ---- the list ---- */

static void note_other(struct gitnames *g, const char *other)
{
	if (g->others.count < LIMIT_GIT_NAMES && !strv_has(&g->others, other))
		strv_push(&g->others, other);
}

/* Is the path that of a place of this login, or below it? */
static bool is_wanted(const struct search *s, const char *path)
{
	const size_t len = strlen(s->login);

	strv_each (s->places, place) {
		const char *top = *place + len + 1;

		if (strcmp(*place, s->login) == 0)
			return true;
		if (starts(*place, s->login) && (*place)[len] == '/' && starts(path, top) &&
			(!path[strlen(top)] || path[strlen(top)] == '/'))
			return true;
	}
	return false;
}

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

/* "@HASH", "?QUERY#HASH", "#commit=HASH"; NULL: no hash of a commit follows. */
static char *commit_behind(const char *end)
{
	static const char key[] = "commit=";
	size_t len = 0;

	while (*end != '@' && len < AROUND_MAX && end[len] && !strchr("#" WORD_ENDS, end[len]))
		len++;
	end += len;
	if (*end != '#' && *end != '@')
		return NULL;
	end++;
	end += starts(end, key) ? strlen(key) : 0;
	len = strspn(end, HASH_DIGITS);
	if ((len != SHA1_DIGITS && len != SHA256_DIGITS) || isalnum((unsigned char)end[len]))
		return NULL;
	return mem_strndup(end, len);
}

static int add_commit(const struct search *s, const char *at, struct gitname *name,
	const char *commit, struct err *e)
{
	if (strv_has(&name->commits, commit))
		return 0;
	if (name->commits.count == LIMIT_GIT_COMMITS)
		return refuse(s, at, "the source names too many commits of this repository", e);
	strv_push(&name->commits, commit);
	return 0;
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
	name->https |= s->https;
	name->module |= s->module;
	return commit ? add_commit(s, at, name, commit, e) : 0;
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

int gitnames_check_path(const char *path, struct err *e)
{
	if (path[strspn(path, PATH_CHARACTERS)])
		return err_set(e, ERR_INPUT,
			"the path of a repository has letters, digits and . _ ~ + - alone");
	if (!is_sound(path))
		return err_set(e, ERR_INPUT, "this is not the path of a repository");
	return 0;
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
	struct err why = {0};
	const char *end;
	size_t len;

	from += strspn(from, "/");
	end = from + strspn(from, PATH_CHARACTERS);
	len = (size_t)(end - from) + (ends(*end) ? 0 : 1);
	while (len > 0 && from[len - 1] == '/')
		len--;
	path = mem_strndup(from, len);
	if (gitnames_check_path(path, &why) < 0)
		return refuse(s, at, why.msg, e);
	if (!is_wanted(s, path)) {
		auto_free char *other = mem_printf("%s/%s", s->login, path);

		note_other(s->found, other);
		return 0;
	}
	return add(s, at, path, end, e);
}

/* ---- names with a login ---- */

static bool is_behind(const char *text, const char *at, const char *prefix)
{
	size_t len = strlen(prefix);

	return (size_t)(at - text) >= len && strncmp(at - len, prefix, len) == 0;
}

/* Otherwise it is the end of another name. */
static bool begins(const char *text, const char *at)
{
	return at == text || !strchr(NAME_CHARACTERS, at[-1]);
}

/* Of a URL: ":PORT/"; 0: none is there. */
static size_t port_length(const char *behind)
{
	size_t digits = *behind == ':' ? strspn(behind + 1, "0123456789") : 0;

	return digits && behind[1 + digits] == '/' ? 1 + digits : 0;
}

static int take_url(const struct search *s, const char *at, const char *behind, struct err *e)
{
	size_t port = port_length(behind);

	if (port && !starts(behind, ":22/"))
		return refuse(s, at, "the port of ssh is always 22 here", e);
	behind += port;
	/* "ssh://USER@HOST:PATH" is a form that clients accept. */
	return *behind == '/' || *behind == ':' ? take_path(s, at, behind + 1, e) : 0;
}

/* In prose, a colon may follow a login, too. */
static int take_login(const struct search *s, const char *at, struct err *e)
{
	const char *behind = at + strlen(s->login);

	if (is_behind(s->text, at, "ssh://"))
		return take_url(s, at, behind, e);
	return *behind == ':' && !ends(behind[1]) ? take_path(s, at, behind + 1, e) : 0;
}

static int find_logins(const struct search *s, struct err *e)
{
	for (const char *at = s->text; (at = strstr(at, s->login)); at++)
		if (begins(s->text, at) && take_login(s, at, e) < 0)
			return -1;
	return 0;
}

/* ---- names with a host alone ---- */

static int find_urls(const struct search *s, const char *host, struct err *e)
{
	const size_t len = strlen(host);
	struct search of_https = *s;

	of_https.https = true;
	for (const char *at = s->text; (at = strstr(at, host)); at++)
		if (is_behind(s->text, at, "git+https://") && at[len] == '/' &&
			take_path(&of_https, at, at + len, e) < 0)
			return -1;
	return 0;
}

/* ---- modules of Go ---- */

static const char *line_before(const char *text, const char *at)
{
	const char *start = at;

	while (start > text && at - start < AROUND_MAX && start[-1] != '\n')
		start--;
	return start;
}

/* A word of its own, not in a comment, and not the source's own name. */
static bool is_module(const char *text, const char *at)
{
	const char *start = line_before(text, at), *word = start + strspn(start, BLANKS);

	if (at > text && !strchr(BLANKS "\n\"", at[-1]))
		return false;
	return !memmem(start, (size_t)(at - start), "//", 2) &&
		!(starts(word, "module") && strchr(BLANKS, word[strlen("module")]));
}

/* "[VERSION] => DIRECTORY" */
static bool is_replaced(const char *behind)
{
	behind += strspn(behind, BLANKS "\"");
	if (*behind == 'v') {
		behind += strcspn(behind, WORD_ENDS);
		behind += strspn(behind, BLANKS);
	}
	if (!starts(behind, "=>"))
		return false;
	behind += strlen("=>");
	behind += strspn(behind, BLANKS "\"");
	return *behind == '.' || *behind == '/';
}

static char *module_at(const char *at)
{
	return mem_strndup(at, strcspn(at, WORD_ENDS));
}

static int find_replaced(const struct search *s, const char *host, struct strv *ret, struct err *e)
{
	for (const char *at = s->text; (at = strstr(at, host)); at++) {
		auto_free char *module = NULL;

		if (!is_module(s->text, at))
			continue;
		module = module_at(at);
		if (!is_replaced(at + strlen(module)) || strv_has(ret, module))
			continue;
		if (ret->count == LIMIT_GIT_NAMES)
			return refuse(s, at, "the source replaces too many modules", e);
		strv_push(ret, module);
	}
	return 0;
}

/* Of "group/project.git/part/v2" or "group/project/part/v2", the length of what is the repository's. */
static size_t repository_length(const char *module)
{
	static const char suffix[] = ".git";
	size_t end = 0, front = 0;

	for (unsigned parts = 1; module[end]; parts++) {
		end += strcspn(module + end, "/");
		if (end > strlen(suffix) && starts(module + end - strlen(suffix), suffix))
			return end;
		if (parts <= GO_PARTS)
			front = end;
		end += module[end] == '/';
	}
	return front;
}

static int take_module(const struct search *s, const char *at, size_t host_len, struct err *e)
{
	auto_free char *module = module_at(at);
	char *path = module + host_len + 1;

	if (module[host_len] != '/' || strv_has(s->replaced, module))
		return 0;
	path[repository_length(path)] = '\0';
	return take_path(s, at, path, e);
}

static int find_modules(const struct search *s, const char *host, struct err *e)
{
	const size_t len = strlen(host);
	auto_strv struct strv replaced = {0};
	struct search of_module = *s;

	of_module.module = true;
	of_module.replaced = &replaced;
	if (find_replaced(s, host, &replaced, e) < 0)
		return -1;
	for (const char *at = s->text; (at = strstr(at, host)); at++)
		if (at[len] == '/' && is_module(s->text, at) &&
			take_module(&of_module, at, len, e) < 0)
			return -1;
	return 0;
}

static bool is_of_modules(const char *file)
{
	const char *slash = strrchr(file, '/');

	return strcmp(slash ? slash + 1 : file, "go.mod") == 0;
}

/* ---- servers that were not asked for ---- */

static void find_others(
	const char *text, const char *before, const struct strv *logins, struct gitnames *ret)
{
	for (const char *at = text; (at = strstr(at, before)); at++) {
		const char *login = strcmp(before, "git@") == 0 ? at : at + strlen(before);
		size_t len = strspn(login, NAME_CHARACTERS "@");
		auto_free char *other = NULL;

		if (!len || len > LIMIT_GIT_PATH || (login == at && login[len] != ':') ||
			!begins(text, at))
			continue;
		other = mem_strndup(login, len);
		if (!strv_has(logins, other))
			note_other(ret, other);
	}
}

/* ---- all of them ---- */

static int find_of_login(const struct search *s, struct err *e)
{
	const char *host = strchr(s->login, '@') + 1;

	if (find_logins(s, e) < 0 || find_urls(s, host, e) < 0)
		return -1;
	return is_of_modules(s->file) ? find_modules(s, host, e) : 0;
}

int gitnames_find(const char *text, const char *file, const struct strv *places,
	struct gitnames *ret, struct err *e)
{
	auto_strv struct strv logins = {0};

	strv_each (places, place) {
		auto_free char *login = mem_strndup(*place, strcspn(*place, "/"));
		const struct search s = {
			.text = text, .file = file, .login = login, .places = places, .found = ret};

		if (strv_has(&logins, login))
			continue;
		strv_push(&logins, login);
		if (find_of_login(&s, e) < 0)
			return -1;
	}
	find_others(text, "ssh://", &logins, ret);
	find_others(text, "git@", &logins, ret);
	return 0;
}
