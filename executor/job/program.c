/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"

enum {
	HEAD_BYTES = 256, /* the kernel reads that many bytes of a script */
	SHOWN_MAX = 100,
	INTERPRETERS_MAX = 5, /* the kernel follows that many scripts that are interpreters */
};

static const char blank[] = " \t";

/* ---- the first bytes of a file ---- */

struct head {
	char text[HEAD_BYTES]; /* ends with a NUL; if it is a script, the NUL ends its first line */
	size_t len;            /* bytes read */
	char *interpreter;     /* inside text: after "#!" of the first line; NULL: not a script */
	bool is_text;          /* no byte is NUL */
	bool crlf;             /* the first line ends in CR LF */
};

static void read_head(const char *path, struct head *ret)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;
	size_t line;

	*ret = (struct head){0};
	n = fd < 0 ? -1 : fd_read_full(fd, ret->text, sizeof(ret->text) - 1);
	ret->len = n > 0 ? (size_t)n : 0;
	ret->is_text = !memchr(ret->text, '\0', ret->len);
	line = strcspn(ret->text, "\n");
	ret->crlf = line && ret->text[line - 1] == '\r' && ret->text[line] == '\n';
	if (strncmp(ret->text, "#!", 2) != 0)
		return;
	ret->text[line - ret->crlf] = '\0';
	ret->interpreter = ret->text + 2 + strspn(ret->text + 2, blank);
}

/* "/usr/bin/env" in "/usr/bin/env -S bash" */
static char *interpreter_path(const struct head *h)
{
	return mem_strndup(h->interpreter, strcspn(h->interpreter, blank));
}

/* "-S bash" in "/usr/bin/env -S bash"; "": no argument */
static const char *interpreter_argument(const struct head *h)
{
	const char *rest = h->interpreter + strcspn(h->interpreter, blank);

	return rest + strspn(rest, blank);
}

static bool is_elf(const struct head *h)
{
	return h->len >= SELFMAG && memcmp(h->text, ELFMAG, SELFMAG) == 0;
}

/* The byte order marks of UTF-8 and of both forms of UTF-16. */
static bool has_bom(const struct head *h)
{
	static const char *const marks[] = {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (strncmp(h->text, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

/* Compares class, byte order and machine of two ELF headers. */
static bool same_processor(const struct head *a, const struct head *b)
{
	const size_t machine = offsetof(Elf64_Ehdr, e_machine);

	return a->text[EI_CLASS] == b->text[EI_CLASS] && a->text[EI_DATA] == b->text[EI_DATA] &&
		memcmp(a->text + machine, b->text + machine, sizeof(Elf64_Half)) == 0;
}

static const char *processor_of(const struct head *h)
{
	static const struct {
		unsigned machine;
		const char *name;
	} known[] = {
		{EM_386, "i386"},
		{EM_X86_64, "x86_64"},
		{EM_ARM, "arm"},
		{EM_AARCH64, "aarch64"},
		{EM_RISCV, "riscv"},
		{EM_PPC64, "ppc64"},
		{EM_S390, "s390x"},
	};
	const size_t at = offsetof(Elf64_Ehdr, e_machine);
	unsigned low = (unsigned char)h->text[at], high = (unsigned char)h->text[at + 1];
	unsigned machine = h->text[EI_DATA] == ELFDATA2MSB ? low << 8 | high : high << 8 | low;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].machine == machine)
			return known[i].name;
	return "an unknown one";
}

/* ---- the program, or one of its interpreters ---- */

struct program {
	const struct spawn *spawn;
	const struct strv *env; /* set by program_check only */
	int error;              /* of execve; 0 before it */
	unsigned depth;         /* number of interpreters followed to this file */
	char *script;           /* the file whose interpreter this is; NULL at depth 0 */
	char *name;             /* as written in that file */
	char *path;
	int missing; /* errno of stat; 0: it exists */
	struct stat st;
	struct head head;
};

static void program_release(struct program *p)
{
	free(p->script);
	free(p->name);
	free(p->path);
}
#define auto_program __attribute__((cleanup(program_release)))

static char *path_of(const struct spawn *s, const char *name)
{
	return path_join(s->directory ? s->directory : GUEST_SRC, name);
}

/* Takes ownership of the name. */
static void look_at(struct program *p, char *name)
{
	free(p->script);
	free(p->path);
	p->script = p->name;
	p->name = name;
	p->path = path_of(p->spawn, name);
	p->missing = stat(p->path, &p->st) < 0 ? errno : 0;
	p->head = (struct head){0};
	if (!p->missing && S_ISREG(p->st.st_mode))
		read_head(p->path, &p->head);
}

static bool cr_in_interpreter(const struct head *h)
{
	return h->interpreter && h->crlf && !*interpreter_argument(h);
}

/* Continue with the interpreter, like the kernel. */
static bool follow(struct program *p)
{
	if (!p->head.interpreter || !p->head.interpreter[0] || cr_in_interpreter(&p->head) ||
		p->depth > INTERPRETERS_MAX)
		return false;
	p->depth++;
	look_at(p, interpreter_path(&p->head));
	return true;
}

static int refuse(const struct program *p, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int refuse(const struct program *p, struct err *e, const char *fmt, ...)
{
	auto_free char *name = text_safe(p->spawn->argv.items[0], SHOWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "cannot run '%s'", name);
}

/* The subject of the sentence in the message. */
static char *subject_of(const struct program *p)
{
	auto_free char *name = text_safe(p->name, SHOWN_MAX);
	auto_free char *script = text_safe(p->script ? p->script : "", SHOWN_MAX);

	if (p->depth == 0)
		return mem_strdup("it");
	if (p->depth == 1)
		return mem_printf("its interpreter '%s' (the line with #!)", name);
	return mem_printf(
		"the interpreter '%s' of its interpreter '%s' (the lines with #!)", name, script);
}

/* ---- checks before the start ---- */

/* Perl ignores a carriage return at the end of the line with #!. */
static bool copes_with_cr(const struct head *h)
{
	auto_free char *interpreter = interpreter_path(h);

	return strncmp(path_base(interpreter), "perl", 4) == 0;
}

static bool cr_in_commands(const struct program *p)
{
	return p->depth == 0 && p->head.crlf && !p->head.interpreter;
}

static bool cr_in_argument(const struct program *p)
{
	return p->head.crlf && p->head.interpreter && *interpreter_argument(&p->head) &&
		!copes_with_cr(&p->head);
}

static const char *path_variable(const struct strv *env)
{
	const char *value = NULL;

	strv_each (env, item)
		if (strncmp(*item, "PATH=", 5) == 0)
			value = *item + 5;
	return value;
}

static bool is_program(const struct spawn *s, const char *name)
{
	auto_free char *path = path_of(s, name);
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* An empty entry of PATH is the current directory. */
static bool is_in_path(const struct spawn *s, const char *search, const char *name)
{
	if (strchr(name, '/'))
		return is_program(s, name);
	for (;;) {
		size_t len = strcspn(search, ":");
		auto_free char *dir = len ? mem_strndup(search, len) : mem_strdup(".");
		auto_free char *path = path_join(dir, name);

		if (is_program(s, path))
			return true;
		if (!search[len])
			return false;
		search += len + 1;
	}
}

bool program_is_there(const struct spawn *s, const char *name, const struct strv *env)
{
	const char *search = path_variable(env);

	return is_in_path(s, search ? search : "", name);
}

/*
 * The program that env(1) in the first line starts. The kernel passes one argument, which env
 * splits only after -S. NULL: another interpreter, or options or quotes that are not parsed here.
 */
static char *env_program(const struct program *p)
{
	const struct head *h = &p->head;
	auto_free char *interpreter = h->interpreter ? interpreter_path(h) : NULL;
	const char *argument = h->interpreter ? interpreter_argument(h) : "";
	size_t end = strlen(argument);

	if (!*argument || strcmp(path_base(interpreter), "env") != 0 ||
		!is_program(p->spawn, interpreter))
		return NULL;
	while (strchr(blank, argument[end - 1]))
		end--;
	if (strncmp(argument, "-S", 2) == 0) {
		argument += 2 + strspn(argument + 2, blank);
		end = strcspn(argument, blank);
	}
	if (!end || argument[0] == '-' || memchr(argument, '=', end) ||
		strcspn(argument, "\"'\\$#") < end)
		return NULL;
	return mem_strndup(argument, end);
}

static bool env_finds_nothing(const struct program *p)
{
	auto_free char *wanted = env_program(p);
	const char *search = path_variable(p->env);

	return wanted && search && !is_in_path(p->spawn, search, wanted);
}

static bool env_is_given_arguments(const struct program *p)
{
	auto_free char *wanted = env_program(p);

	return wanted && strpbrk(wanted, blank) && env_finds_nothing(p);
}

static int refuse_env(const struct program *p, struct err *e)
{
	auto_free char *wanted = env_program(p);
	auto_free char *shown = text_safe(wanted, SHOWN_MAX);

	return refuse(p, e,
		"its interpreter '%s' (the line with #!), which env looks for, is not in PATH in "
		"this image; name another one, or use an image that has it",
		shown);
}

static int refuse_env_arguments(const struct program *p, struct err *e)
{
	auto_free char *wanted = env_program(p);
	auto_free char *shown = text_safe(wanted, SHOWN_MAX);

	return refuse(p, e,
		"env takes '%s' of the line with #! for the name of one program; write '#!%.*s -S "
		"%s'",
		shown, (int)strcspn(p->head.interpreter, blank), p->head.interpreter, shown);
}

/* ---- CR LF ---- */

/* A pattern in .gitattributes cannot contain blanks; a question mark matches any character. */
static char *attributes_pattern(const char *name)
{
	char *pattern = mem_strdup(name);

	for (char *p = pattern; *p; p++)
		if (strchr(" \t\"\\", *p))
			*p = '?';
	return pattern;
}

static int refuse_crlf(const struct program *p, struct err *e)
{
	auto_free char *pattern = attributes_pattern(p->name);
	auto_free char *shown = text_safe(pattern, SHOWN_MAX);
	auto_free char *subject = subject_of(p);
	const char *part = !p->head.interpreter ? "its commands"
		: cr_in_interpreter(&p->head)   ? "the name of its interpreter"
						: "an argument of its interpreter";

	if (p->depth)
		return refuse(p, e,
			"%s has lines that end in CR LF; write it with line ends of Unix "
			"(dos2unix)",
			subject);
	return refuse(p, e,
		"its lines end in CR LF, and the carriage return would belong to %s; write it with "
		"line ends of Unix (dos2unix, or '%s text eol=lf' in .gitattributes)",
		part, shown);
}

/* ---- ENOENT: missing files ---- */

static bool is_searched(const struct program *p)
{
	return !strchr(p->spawn->argv.items[0], '/');
}

/* It is a shell, and sh would have run in its place. */
static bool has_stand_in(const struct program *p)
{
	return is_searched(p) && p->spawn->instead.count > 0;
}

static bool is_dangling(const struct program *p)
{
	struct stat st;

	return p->missing && lstat(p->path, &st) == 0;
}

static bool is_missing(const struct program *p)
{
	return p->depth == 0 && p->missing;
}

static bool interpreter_is_missing(const struct program *p)
{
	return p->depth > 0 && p->missing;
}

/* The path is relative to the working directory; the kernel does not search PATH. */
static bool relative_interpreter_is_missing(const struct program *p)
{
	return interpreter_is_missing(p) && p->name[0] != '/';
}

static bool cr_is_searched_for(const struct program *p)
{
	return cr_in_interpreter(&p->head);
}

static bool loader_is_missing(const struct program *p)
{
	return !p->missing && is_elf(&p->head);
}

static int refuse_relative(const struct program *p, struct err *e)
{
	auto_free char *subject = subject_of(p);
	auto_free char *name = text_safe(p->name, SHOWN_MAX);

	if (strchr(p->name, '/'))
		return refuse(p, e,
			"%s has a relative path, which counts from the working directory, and is "
			"not there; write an absolute path",
			subject);
	return refuse(p, e,
		"%s has no absolute path, and PATH is not searched for it; write its absolute "
		"path, or '#!/usr/bin/env %s'",
		subject, name);
}

static int refuse_dangling(const struct program *p, struct err *e)
{
	char target[SHOWN_MAX + 1];
	ssize_t n = readlink(p->path, target, sizeof(target) - 1);
	auto_free char *subject = subject_of(p);
	auto_free char *shown = NULL;

	target[n > 0 ? n : 0] = '\0';
	shown = text_safe(target, SHOWN_MAX);
	return refuse(p, e, "%s is a symbolic link to '%s', which is not there", subject, shown);
}

/* ---- ELOOP and EACCES ---- */

static bool leads_to_itself(const struct program *p)
{
	return p->missing == ELOOP;
}

static bool too_many_interpreters(const struct program *p)
{
	return p->depth > INTERPRETERS_MAX;
}

static bool is_directory(const struct program *p)
{
	return S_ISDIR(p->st.st_mode);
}

static bool is_special(const struct program *p)
{
	return !p->missing && !S_ISREG(p->st.st_mode);
}

static bool is_not_executable(const struct program *p)
{
	return !p->missing && !(p->st.st_mode & 0111);
}

static bool is_on_noexec(const struct program *p)
{
	struct statvfs vfs;

	return statvfs(p->path, &vfs) == 0 && (vfs.f_flag & ST_NOEXEC);
}

static int refuse_mode(const struct program *p, struct err *e)
{
	auto_free char *word = text_word(p->name);
	auto_free char *subject = subject_of(p);

	if (p->depth)
		return refuse(p, e,
			"%s is not executable; run 'chmod +x' for it, or name another one",
			subject);
	return refuse(p, e,
		"it is not executable; run 'chmod +x %s' in the source, or in the action that "
		"makes "
		"it; in a git repository commit that (git update-index --chmod=+x %s)",
		word, word);
}

/* ---- ENOEXEC ---- */

static bool begins_with_bom(const struct program *p)
{
	return has_bom(&p->head);
}

static bool is_for_other_processor(const struct program *p)
{
	struct head own;

	read_head("/proc/self/exe", &own);
	return is_elf(&p->head) && p->head.len >= sizeof(Elf32_Ehdr) && is_elf(&own) &&
		!same_processor(&p->head, &own);
}

static bool is_broken_elf(const struct program *p)
{
	return is_elf(&p->head);
}

static bool is_binary(const struct program *p)
{
	return !p->head.is_text;
}

static bool names_no_interpreter(const struct program *p)
{
	return p->head.interpreter && !p->head.interpreter[0];
}

/* The path may be truncated, because the kernel reads only the first bytes. */
static bool interpreter_is_cut(const struct program *p)
{
	return p->head.interpreter && p->head.len == HEAD_BYTES - 1 &&
		strlen(p->head.text) == HEAD_BYTES - 1 && !*interpreter_argument(&p->head);
}

static bool interpreter_is_plain_text(const struct program *p)
{
	return p->depth > 0 && !p->head.interpreter && p->head.is_text;
}

static bool shell_is_missing(const struct program *p)
{
	return program_is_for_shell(p->spawn);
}

static int refuse_processor(const struct program *p, struct err *e)
{
	auto_free char *subject = subject_of(p);
	struct head own;

	read_head("/proc/self/exe", &own);
	return refuse(p, e,
		"%s is a program for another processor (%s); this machine has %s: build it for "
		"that",
		subject, processor_of(&p->head), processor_of(&own));
}

/* ---- the table ---- */

#define NO_INTERPRETER "has a line with #! that names no interpreter"

static bool always(const struct program *p)
{
	(void)p;
	return true;
}

/*
 * The first row with this error whose function holds is the cause. `text` follows the subject
 * (subject_of); or `refuse` makes the complete message.
 */
static const struct cause {
	const char *name;
	int error; /* of execve; 0: checked before the start */
	bool (*holds)(const struct program *p);
	const char *text;
	int (*refuse)(const struct program *p, struct err *e);
	bool searched;  /* also for names that are searched in PATH */
	bool not_there; /* before the start: env(1) would not find the program */
} causes[] = {
	{"crlf_commands", 0, cr_in_commands, .refuse = refuse_crlf},
	{"crlf_argument", 0, cr_in_argument, .refuse = refuse_crlf},
	{"env_arguments", 0, env_is_given_arguments, .refuse = refuse_env_arguments,
		.not_there = true},
	{"env", 0, env_finds_nothing, .refuse = refuse_env, .not_there = true},

	{"shell_path", ENOENT, has_stand_in, .searched = true,
		.text = "is not in PATH in this image, and no sh either; the action 'custom' runs "
			"a program of the source without a shell"},
	{"path", ENOENT, is_searched, .searched = true, .text = "is not in PATH in this image"},
	{"dangling", ENOENT, is_dangling, .refuse = refuse_dangling},
	{"missing", ENOENT, is_missing,
		.text = "is not there; it must be in the source, or be made by an earlier action"},
	{"interpreter_path", ENOENT, relative_interpreter_is_missing, .refuse = refuse_relative},
	{"interpreter", ENOENT, interpreter_is_missing,
		.text = "is not in this image; name another one, or use an image that has it"},
	{"crlf_interpreter", ENOENT, cr_is_searched_for, .refuse = refuse_crlf},
	{"loader", ENOENT, loader_is_missing,
		.text = "is a program whose loader is not in this image; it was built for another "
			"system"},
	{"no_directory", ENOTDIR, always,
		.text = "has a path that leads through a file that is not a directory"},

	{"link_loop", ELOOP, leads_to_itself, .text = "is a symbolic link that leads to itself"},
	{"interpreter_loop", ELOOP, too_many_interpreters,
		.text = "is one of too many interpreters that are scripts themselves"},

	{"directory", EACCES, is_directory, .text = "is a directory, not a file"},
	{"special", EACCES, is_special, .text = "is not a regular file"},
	{"mode", EACCES, is_not_executable, .refuse = refuse_mode},
	{"noexec", EACCES, is_on_noexec,
		.text = "is on a file system that is mounted with 'noexec'; copy it to another "
			"one"},

	/* Without a line end, the kernel opens the empty name, which is the working directory. */
	{"no_interpreter", EACCES, names_no_interpreter, .text = NO_INTERPRETER},

	{"bom", ENOEXEC, begins_with_bom,
		.text = "begins with a byte order mark (BOM); write it in UTF-8 without one"},
	{"processor", ENOEXEC, is_for_other_processor, .refuse = refuse_processor},
	{"elf", ENOEXEC, is_broken_elf,
		.text = "is an ELF file, but not a program: it is truncated, damaged, or an object "
			"file"},
	{"binary", ENOEXEC, is_binary, .text = "is neither a program of Linux nor a script"},
	{"no_interpreter", ENOEXEC, names_no_interpreter, .text = NO_INTERPRETER},
	{"long_line", ENOEXEC, interpreter_is_cut,
		.text = "has a line with #! in which the path of the interpreter is too long; the "
			"kernel reads 255 bytes"},
	{"plain_text", ENOEXEC, interpreter_is_plain_text,
		.text = "is a text without a line with #!; name its interpreter there"},
	{"shell", ENOEXEC, shell_is_missing,
		.text = "has no line with #!, and this image has no /bin/sh to read it"},

	{"arguments", E2BIG, always, .searched = true,
		.text = "is given more arguments and environment than the kernel takes; put them "
			"into a file"},
	{"busy", ETXTBSY, always, .text = "is open for writing; close it first"},
};

const char *program_cause_name(size_t n)
{
	return n < ARRAY_SIZE(causes) ? causes[n].name : NULL;
}

static const struct cause *match(const struct program *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (causes[i].error == p->error && (causes[i].searched || !is_searched(p)) &&
			causes[i].holds(p))
			return &causes[i];
	return NULL;
}

/* The first cause found, for the program and then its interpreters. */
static const struct cause *find_cause(struct program *p)
{
	const struct cause *c;

	look_at(p, mem_strdup(p->spawn->argv.items[0]));
	do {
		c = match(p);
	} while (!c && follow(p));
	return c;
}

static int refuse_for(const struct cause *c, const struct program *p, struct err *e)
{
	auto_free char *subject = subject_of(p);

	return c->refuse ? c->refuse(p, e) : refuse(p, e, "%s %s", subject, c->text);
}

int program_check(const struct spawn *s, const struct strv *env, int *ret_code, struct err *e)
{
	auto_program struct program p = {.spawn = s, .env = env};
	const struct cause *c = strchr(s->argv.items[0], '/') ? find_cause(&p) : NULL;

	if (!c)
		return 0;
	*ret_code = c->not_there ? PROGRAM_NOT_THERE : PROGRAM_CANNOT_RUN;
	return refuse_for(c, &p, e);
}

int program_explain(const struct spawn *s, int error, int *ret_code, struct err *e)
{
	auto_program struct program p = {.spawn = s, .error = error};
	const struct cause *c = find_cause(&p);

	*ret_code = error == ENOENT ? PROGRAM_NOT_THERE : PROGRAM_CANNOT_RUN;
	if (c)
		return refuse_for(c, &p, e);
	errno = error;
	return err_sys(e, "cannot run '%s'", s->argv.items[0]);
}

bool program_is_for_shell(const struct spawn *s)
{
	auto_free char *path = path_of(s, s->argv.items[0]);
	struct head head;

	if (!strchr(s->argv.items[0], '/'))
		return false;
	read_head(path, &head);
	return !head.interpreter && !is_elf(&head) && !has_bom(&head) && head.is_text;
}
