/* SPDX-License-Identifier: Apache-2.0 */
#include "source/gitsettings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/home.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "base/text.h"

/* Settings that are handed on; their values are words. */
static const char *const handed_on[] = {"core.autocrlf", "core.eol"};

void gitsettings_init(struct gitsettings *s)
{
	*s = (struct gitsettings){.config = mem_strdup("")};
	buf_init(&s->excludes, LIMIT_GIT_EXCLUDES);
}

void gitsettings_release(struct gitsettings *s)
{
	free(s->config);
	buf_release(&s->excludes);
	*s = (struct gitsettings){0};
}

static bool is_word(const char *s)
{
	return *s &&
		s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] ==
		'\0';
}

static void hand_on(struct gitsettings *s, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++) {
		char *more;

		if (strcmp(key, handed_on[i]) != 0 || !is_word(value))
			continue;
		more = mem_printf("%s[core]\n\t%s = %s\n", s->config, key + strlen("core."), value);
		free(s->config);
		s->config = more;
	}
}

/* One item of the list is "KEY<newline>VALUE", or "KEY" alone, which stands for true. */
void gitsettings_parse(const char *list, size_t len, struct gitsettings *s, char **ret_excludes)
{
	const char *at = list, *end = list + len;

	*ret_excludes = NULL;
	while (at < end && memchr(at, '\0', (size_t)(end - at))) {
		size_t key_len = strcspn(at, "\n");
		auto_free char *key = mem_strndup(at, key_len);
		const char *value = at[key_len] ? at + key_len + 1 : "true";

		if (strncmp(key, "filter.", strlen("filter.")) == 0)
			s->filters = true;
		if (strcmp(key, "core.excludesfile") == 0) {
			free(*ret_excludes);
			*ret_excludes = mem_strdup(value);
		}
		hand_on(s, key, value);
		at += strlen(at) + 1;
	}
}

static int list_settings(struct buf *output, struct err *e)
{
	static const char *const arguments[] = {
		"git", "--git-dir=/nonexistent", "config", "--list", "--includes", "-z"};
	auto_strv struct strv argv = {0};
	auto_free char *shown = NULL;
	int code;

	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++)
		strv_push(&argv, arguments[i]);
	code = proc_run(&argv, LIMIT_HELPER_MS, output, e);
	if (code < 0 && e->kind == ERR_INTERRUPTED)
		return -1;
	if (code < 0)
		return err_wrap(e, "your git configuration cannot be read");
	if (code == 0 && !output->overflow)
		return 0;
	buf_addc(output, '\0');
	output->data[strcspn(output->data, "\n")] = '\0';
	shown = text_safe(code ? output->data : "it is too large", 300);
	return err_set(e, ERR_INPUT, "your git configuration cannot be read: %s", shown);
}

/* Where git looks when core.excludesFile is not set. The caller frees. */
static char *usual_excludes(void)
{
	auto_free char *config = home_xdg("XDG_CONFIG_HOME", ".config");

	return path_join(config, "git/ignore");
}

static int read_excludes(const char *given, struct gitsettings *s, struct err *e)
{
	auto_free char *path = given ? home_expand(given) : usual_excludes();

	/* git, too, goes on without a file that is not there or not readable. */
	if (!*path || access(path, R_OK) < 0)
		return 0;
	if (fd_read_file(path, &s->excludes, e) < 0)
		return err_wrap(e, "the ignore file of your git configuration");
	if (s->excludes.len && s->excludes.data[s->excludes.len - 1] != '\n')
		buf_addc(&s->excludes, '\n');
	return 0;
}

int gitsettings_read(struct gitsettings *s, struct err *e)
{
	auto_free char *git = proc_find("git"), *excludes = NULL;
	auto_buf struct buf output;

	buf_init(&output, LIMIT_GIT_CONFIG);
	if (!git)
		return 0;
	if (list_settings(&output, e) < 0)
		return -1;
	gitsettings_parse(output.data, output.len, s, &excludes);
	return read_excludes(excludes, s, e);
}
