/* SPDX-License-Identifier: Apache-2.0 */
#include "source/gitsettings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/home.h"
#include "os/path.h"
#include "os/proc.h"
#include "source/gitconfig.h"
#include "source/gitplace.h"
#include "source/limits.h"

/* Settings that are passed on, by the names that git prints; their values are single words. */
static const struct {
	const char *key, *section, *name;
} handed_on[] = {
	{"core.autocrlf", "core", "autocrlf"},
	{"core.eol", "core", "eol"},
	{"core.filemode", "core", "fileMode"},
	{"core.ignorecase", "core", "ignoreCase"},
	{"core.symlinks", "core", "symlinks"},
	{"diff.ignoresubmodules", "diff", "ignoreSubmodules"},
	{"status.showuntrackedfiles", "status", "showUntrackedFiles"},
};

/* The limit of git. */
enum { INCLUDES_DEPTH_MAX = 10 };

struct reading {
	struct gitsettings *settings;
	const char *git_dir;
	char *excludes, *attributes; /* the paths as written */
};

void gitsettings_init(struct gitsettings *s)
{
	*s = (struct gitsettings){.config = mem_strdup("")};
	buf_init(&s->excludes, LIMIT_GIT_EXCLUDES);
	buf_init(&s->attributes, LIMIT_GIT_EXCLUDES);
}

void gitsettings_release(struct gitsettings *s)
{
	free(s->config);
	buf_release(&s->excludes);
	buf_release(&s->attributes);
	strv_release(&s->files);
	*s = (struct gitsettings){0};
}

static bool is_word(const char *s)
{
	return *s &&
		s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] ==
		'\0';
}

static bool is_false(const char *value)
{
	static const char *const words[] = {"", "0", "false", "no", "off"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static void hand_on(struct gitsettings *s, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++) {
		char *more;

		if (strcmp(key, handed_on[i].key) != 0 || !is_word(value))
			continue;
		more = mem_printf("%s[%s]\n\t%s = %s\n", s->config, handed_on[i].section,
			handed_on[i].name, value);
		free(s->config);
		s->config = more;
	}
	if (strcmp(key, "core.filemode") == 0)
		s->ignores_modes = is_false(value);
}

static void take_path(const char *key, const char *wanted, const char *value, char **path)
{
	if (strcmp(key, wanted) != 0)
		return;
	free(*path);
	*path = mem_strdup(value);
}

static void take_origin(struct gitsettings *s, const char *origin)
{
	static const char file[] = "file:";
	const char *path = origin + strlen(file);

	if (strncmp(origin, file, strlen(file)) == 0 && !strv_has(&s->files, path))
		strv_push(&s->files, path);
}

static int read_list(struct reading *r, const char *file, int depth, struct err *e);

/*
 * git runs here without a repository and so ignores includes with a gitdir condition. Follow them
 * here.
 */
static int include(struct reading *r, const char *key, const char *value, const char *origin,
	int depth, struct err *e)
{
	auto_free char *condition = gitconfig_condition(key);
	const char *file = strncmp(origin, "file:", 5) == 0 ? origin + 5 : "";
	auto_free char *dir = path_parent(file), *wanted = home_expand(value);
	auto_free char *path = path_join(dir, wanted);

	if (!condition || !*file)
		return 0;
	if (!r->git_dir)
		strv_push(&r->settings->files, path);
	if (!r->git_dir || depth == INCLUDES_DEPTH_MAX ||
		!gitplace_holds(condition, file, r->git_dir) || access(path, R_OK) < 0)
		return 0;
	return read_list(r, path, depth + 1, e);
}

/* An item is "KEY<newline>VALUE", or "KEY" alone, which means true. */
static int take_item(
	struct reading *r, const char *item, const char *origin, int depth, struct err *e)
{
	size_t key_len = strcspn(item, "\n");
	auto_free char *key = mem_strndup(item, key_len);
	const char *value = item[key_len] ? item + key_len + 1 : "true";

	take_origin(r->settings, origin);
	if (strncmp(key, "filter.", strlen("filter.")) == 0)
		r->settings->filters = true;
	take_path(key, "core.excludesfile", value, &r->excludes);
	take_path(key, "core.attributesfile", value, &r->attributes);
	hand_on(r->settings, key, value);
	return include(r, key, value, origin, depth, e);
}

/* The list contains the origin of each setting, followed by the setting. */
static int take_list(struct reading *r, const char *list, size_t len, int depth, struct err *e)
{
	const char *at = list, *end = list + len, *origin = NULL;

	for (; at < end && memchr(at, '\0', (size_t)(end - at)); at += strlen(at) + 1) {
		if (!origin) {
			origin = at;
			continue;
		}
		if (take_item(r, at, origin, depth, e) < 0)
			return -1;
		origin = NULL;
	}
	return 0;
}

/*
 * Of all commands of git, only `git config` obeys this variable: it would show another file than
 * those that git uses.
 */
static const char *const misleading[] = {"GIT_CONFIG", NULL};

/* file NULL: all settings that git reads outside of repositories. */
static int ask(const char *file, bool no_errors, struct buf *output, struct err *e)
{
	static const char *const arguments[] = {
		"config", "--list", "--includes", "--show-origin", "-z"};
	const struct proc_way way = {.unset = misleading, .no_errors = no_errors};
	auto_strv struct strv argv = {0};

	strv_push(&argv, "git");
	strv_push(&argv, "--git-dir=/nonexistent");
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++)
		strv_push(&argv, arguments[i]);
	if (file)
		strv_pushf(&argv, "--file=%s", file);
	return proc_run_as(&argv, &way, LIMIT_HELPER_MS, output, e);
}

/* Why git failed, in its words: asked again, with the stream of errors. */
static int explain(const char *file, struct err *e)
{
	auto_buf struct buf said;
	auto_free char *shown = NULL;
	int code;

	buf_init(&said, LIMIT_GIT_CONFIG);
	code = ask(file, false, &said, e);
	if (code < 0)
		return -1;
	buf_addc(&said, '\0');
	said.data[strcspn(said.data, "\n")] = '\0';
	shown = text_safe(code ? said.data : "try again", 300);
	return err_set(e, ERR_INPUT, "%s", shown);
}

/* The stream of errors is not read at first: it has traces and warnings, which are no settings. */
static int list_settings(const char *file, struct buf *output, struct err *e)
{
	int result = ask(file, true, output, e);

	if (result > 0)
		result = explain(file, e);
	else if (result == 0 && output->len == output->max)
		result = err_set(e, ERR_INPUT, "it is too large");
	if (result < 0 && e->kind != ERR_INTERRUPTED)
		return err_wrap(e, "your git configuration cannot be read");
	return result;
}

static int read_list(struct reading *r, const char *file, int depth, struct err *e)
{
	auto_buf struct buf output;

	buf_init(&output, LIMIT_GIT_CONFIG);
	if (list_settings(file, &output, e) < 0)
		return -1;
	return take_list(r, output.data, output.len, depth, e);
}

/* path "": there is no file. Like git, ignore a missing or unreadable file. */
static int read_file(
	struct gitsettings *s, const char *path, const char *what, struct buf *b, struct err *e)
{
	if (!*path || access(path, R_OK) < 0)
		return 0;
	if (fd_read_file(path, b, e) < 0)
		return err_wrap(e, "the %s of your git configuration", what);
	if (b->len && b->data[b->len - 1] != '\n')
		buf_addc(b, '\n');
	strv_push(&s->files, path);
	return 0;
}

/*
 * given: the path set by a setting; NULL: the default, `usual` in the user's configuration
 * directory.
 */
static int read_given(struct gitsettings *s, const char *given, const char *usual, const char *what,
	struct buf *b, struct err *e)
{
	auto_free char *config = home_xdg("XDG_CONFIG_HOME", ".config");
	auto_free char *path = given ? home_expand(given) : path_join(config, usual);

	return read_file(s, path, what, b, e);
}

static bool has_system_attributes(void)
{
	const char *no = getenv("GIT_ATTR_NOSYSTEM");

	return !no || is_false(no);
}

static int read_files(const struct reading *r, struct err *e)
{
	struct gitsettings *s = r->settings;

	if (read_given(s, r->excludes, "git/ignore", "ignore file", &s->excludes, e) < 0)
		return -1;
	/* Later lines take precedence. */
	if (has_system_attributes() &&
		read_file(s, "/etc/gitattributes", "attributes of the system", &s->attributes, e) <
			0)
		return -1;
	return read_given(s, r->attributes, "git/attributes", "attributes file", &s->attributes, e);
}

int gitsettings_read(struct gitsettings *s, const char *git_dir, struct err *e)
{
	auto_free char *git = proc_find("git");
	struct reading r = {.settings = s, .git_dir = git_dir};
	int result = 0;

	if (git && (read_list(&r, NULL, 0, e) < 0 || read_files(&r, e) < 0))
		result = -1;
	free(r.excludes);
	free(r.attributes);
	return result;
}

/* ---- as a configuration file ---- */

static void add_path(struct buf *b, const char *name, const char *dir, const char *file)
{
	auto_free char *path = path_join(dir, file);

	buf_addf(b, "[core]\n\t%s = \"", name);
	for (const char *p = path; *p; p++) {
		if (*p == '\n') {
			buf_adds(b, "\\n");
			continue;
		}
		if (*p == '"' || *p == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
	buf_adds(b, "\"\n");
}

char *gitsettings_text(const struct gitsettings *s, const char *dir)
{
	auto_buf struct buf b;

	buf_init(&b, 2 * LIMIT_GIT_CONFIG);
	buf_adds(&b, s->config);
	if (s->excludes.len)
		add_path(&b, "excludesFile", dir, GITSETTINGS_EXCLUDES);
	if (s->attributes.len)
		add_path(&b, "attributesFile", dir, GITSETTINGS_ATTRIBUTES);
	return mem_strdup(b.len ? b.data : "");
}
