/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

enum { HEAD_BYTES = 256, SHOWN_MAX = 100 }; /* the kernel reads that much of a script */

static const char *name_of(const struct spawn *s)
{
	return s->argv.items[0];
}

static char *path_of(const struct spawn *s)
{
	return path_join(s->directory ? s->directory : GUEST_SRC, name_of(s));
}

/* ---- the line with #! ---- */

struct head {
	char text[HEAD_BYTES];
	char *interpreter; /* inside text; NULL: it is no script */
	bool crlf;         /* it is text, and its first line ends in a carriage return */
};

static void read_head(const char *path, struct head *ret)
{
	static const char blank[] = " \t";
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, ret->text, sizeof(ret->text) - 1);
	size_t len;

	ret->interpreter = NULL;
	ret->text[n > 0 ? n : 0] = '\0';
	len = strcspn(ret->text, "\n");
	ret->crlf = len && ret->text[len - 1] == '\r' && ret->text[len] == '\n';
	if (strncmp(ret->text, "#!", 2) != 0)
		return;
	ret->text[len - ret->crlf] = '\0';
	ret->interpreter = ret->text + 2 + strspn(ret->text + 2, blank);
}

/* "/usr/bin/env" of "/usr/bin/env -S bash" */
static char *interpreter_path(const struct head *h)
{
	return mem_strndup(h->interpreter, strcspn(h->interpreter, " \t"));
}

/* In .gitattributes, a pattern has no blanks; a question mark stands for any character. */
static char *attributes_pattern(const char *name)
{
	char *pattern = mem_strdup(name);

	for (char *p = pattern; *p; p++)
		if (strchr(" \t\"\\", *p))
			*p = '?';
	return pattern;
}

static int refuse_crlf(const char *name, const char *part, struct err *e)
{
	auto_free char *pattern = attributes_pattern(name);

	return err_set(e, ERR_INPUT,
		"cannot run '%s': its lines end in CR LF, and the carriage return would belong to "
		"%s; write it with line ends of Unix (dos2unix, or '%s text eol=lf' in "
		".gitattributes)",
		name, part, pattern);
}

/* Perl reads past the carriage return in its own line with #!. */
static bool copes_with_cr(const char *interpreter)
{
	return strncmp(path_base(interpreter), "perl", 4) == 0;
}

int program_check(const struct spawn *s, struct err *e)
{
	auto_free char *path = path_of(s);
	auto_free char *interpreter = NULL;
	struct head head;

	if (!strchr(name_of(s), '/'))
		return 0;
	read_head(path, &head);
	if (!head.crlf)
		return 0;
	/* Without "#!" it is a shell that reads it. */
	if (!head.interpreter)
		return refuse_crlf(name_of(s), "its commands", e);
	interpreter = interpreter_path(&head);
	if (strlen(interpreter) == strlen(head.interpreter) || copes_with_cr(interpreter))
		return 0;
	return refuse_crlf(name_of(s), "an argument of its interpreter", e);
}

/* ---- after it failed ---- */

static int refuse_missing(const char *name, const char *path, struct err *e)
{
	char target[SHOWN_MAX + 1];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	auto_free char *shown = NULL;

	target[n > 0 ? n : 0] = '\0';
	shown = text_safe(target, SHOWN_MAX);
	if (n > 0)
		return err_set(e, ERR_INPUT,
			"cannot run '%s': it is a symbolic link to '%s', which is not there", name,
			shown);
	return err_set(e, ERR_INPUT,
		"cannot run '%s': there is no such file; it must be in the source, or be made by "
		"an "
		"action before",
		name);
}

static int refuse_interpreter(const char *name, const char *interpreter, struct err *e)
{
	auto_free char *shown = text_safe(interpreter, SHOWN_MAX);

	return err_set(e, ERR_INPUT,
		"cannot run '%s': its interpreter '%s' (the line with #!) is not in this image; "
		"name another one, or use an image that has it",
		name, shown);
}

static int refuse_access(const char *name, const struct stat *st, struct err *e)
{
	auto_free char *word = text_word(name);

	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_INPUT, "cannot run '%s': it is %s, not a file", name,
			S_ISDIR(st->st_mode) ? "a directory" : "something special");
	if (!(st->st_mode & 0111))
		return err_set(e, ERR_INPUT,
			"cannot run '%s': it is not executable; run 'chmod +x %s' in the source, "
			"and "
			"in a git repository commit that (git update-index --chmod=+x %s)",
			name, word, word);
	return err_set(e, ERR_INPUT,
		"cannot run '%s': permission denied; its interpreter may not be executable", name);
}

static int explain_missing(const char *name, const char *path, struct err *e)
{
	struct head head;
	auto_free char *interpreter = NULL;

	read_head(path, &head);
	if (!head.interpreter)
		return err_set(e, ERR_INPUT,
			"cannot run '%s': it is a program whose loader is not in this image; it "
			"was "
			"built for another system",
			name);
	interpreter = interpreter_path(&head);
	if (head.crlf && strlen(interpreter) == strlen(head.interpreter))
		return refuse_crlf(name, "the name of its interpreter", e);
	return refuse_interpreter(name, interpreter, e);
}

int program_explain(const struct spawn *s, int error, struct err *e)
{
	const char *name = name_of(s);
	auto_free char *path = path_of(s);
	struct stat st = {0};

	if (!strchr(name, '/') && error == ENOENT)
		return err_set(e, ERR_INPUT,
			"cannot run '%s': no such program in this image (PATH)", name);
	if (strchr(name, '/') && stat(path, &st) < 0)
		return refuse_missing(name, path, e);
	if (strchr(name, '/') && error == EACCES)
		return refuse_access(name, &st, e);
	if (error == ENOENT)
		return explain_missing(name, path, e);
	errno = error;
	return err_sys(e, "cannot run '%s'", name);
}
