/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that cannot be run: each cause of the table is provoked, with the whole message. */
#include "expect.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "executor/job/child.h"
#include "executor/job/program.h"

/* What is put at ./x, and what then happens when ./x is run. */
struct attempt {
	const char *cause;
	const char *text;               /* of ./x; NULL: `make` does everything */
	void (*make)(const char *path); /* after the text was written */
	const char *argv0;              /* default: ./x */
	const char *instead;            /* runs in its place, if it is there */
	int error;                      /* not run: execve is said to have failed with this */
	bool keep_mode;                 /* as written or made; else it becomes executable */
	const char *message;
};

static void write_bytes(const char *path, const void *data, size_t len)
{
	struct err e = {0};

	expect_ok(fd_write_file(path, data, len, 0644, &e), &e);
}

static void make_dangling(const char *path)
{
	assert_int_equal(symlink("/no/such/file", path), 0);
}

static void make_loop(const char *path)
{
	assert_int_equal(symlink("x", path), 0);
}

static void make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0755), 0);
}

static void own_header(Elf64_Ehdr *ret)
{
	auto_fd int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fd_read_full(fd, ret, sizeof(*ret)), sizeof(*ret));
}

static void make_truncated(const char *path)
{
	Elf64_Ehdr header;

	own_header(&header);
	write_bytes(path, &header, sizeof(header));
}

static void make_foreign(const char *path)
{
	Elf64_Ehdr header;

	own_header(&header);
	header.e_machine = EM_AARCH64;
	write_bytes(path, &header, sizeof(header));
}

static void make_without_loader(const char *path)
{
	Elf64_Ehdr header;
	const char loader[] = "/no/such/loader";
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr interpreter;
		char path[sizeof(loader)];
	} file = {.interpreter = {.p_type = PT_INTERP,
			  .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			  .p_filesz = sizeof(loader),
			  .p_memsz = sizeof(loader)}};

	own_header(&header);
	file.header = header;
	file.header.e_phoff = sizeof(header);
	file.header.e_phnum = 1;
	memcpy(file.path, loader, sizeof(loader));
	write_bytes(path, &file, sizeof(file));
}

static void make_binary(const char *path)
{
	write_bytes(path, "\x01\x02\0\x03", 4);
}

static void make_long_line(const char *path)
{
	char line[400] = "#!/";

	memset(line + 3, 'x', sizeof(line) - 5);
	line[sizeof(line) - 2] = '\n';
	write_bytes(path, line, sizeof(line) - 1);
}

static void make_script_of_script(const char *path)
{
	auto_free char *dir = path_parent(path);
	auto_free char *other = expect_file(dir, "other", "#!/no/such/interpreter -x\n");

	assert_int_equal(chmod(other, 0755), 0);
}

static void make_text_of_script(const char *path)
{
	auto_free char *dir = path_parent(path);
	auto_free char *other = expect_file(dir, "other", "true\n");

	assert_int_equal(chmod(other, 0755), 0);
}

static const struct attempt attempts[] = {
	{"crlf_commands", "true\r\n",
		.message = "its lines end in CR LF, and the carriage return would belong to its "
			   "commands; write it with line ends of Unix (dos2unix, or './x text "
			   "eol=lf' in .gitattributes)"},
	{"crlf_argument", "#!/bin/sh -e\r\n",
		.message =
			"its lines end in CR LF, and the carriage return would belong to an "
			"argument of its interpreter; write it with line ends of Unix (dos2unix, "
			"or './x text eol=lf' in .gitattributes)"},
	{"env_arguments", "#!/usr/bin/env sh -e\n",
		.message = "env takes 'sh -e' of the line with #! for the name of one program; "
			   "write '#!/usr/bin/env -S sh -e'"},
	{"env", "#!/usr/bin/env nosuch\n",
		.message = "its interpreter 'nosuch' (the line with #!), which env looks for, is "
			   "not in PATH in this image; name another one, or use an image that has "
			   "it"},
	{"env", "#! /usr/bin/env -S nosuch -e\n",
		.message = "its interpreter 'nosuch' (the line with #!), which env looks for, is "
			   "not in PATH in this image; name another one, or use an image that has "
			   "it"},
	{"path", "", .argv0 = "nosuch", .message = "it is not in PATH in this image"},
	{"shell_path", "", .argv0 = "nosuch", .instead = "none",
		.message = "it is not in PATH in this image, and no sh either; the action 'custom' "
			   "runs a program of the source without a shell"},
	{"dangling", .make = make_dangling, .keep_mode = true,
		.message = "it is a symbolic link to '/no/such/file', which is not there"},
	{"missing", "", .argv0 = "./nosuch",
		.message = "it is not there; it must be in the source, or be made by an earlier "
			   "action"},
	{"interpreter_path", "#!sh\n",
		.message = "its interpreter 'sh' (the line with #!) has no absolute path, and PATH "
			   "is not searched for it; write its absolute path, or '#!/usr/bin/env "
			   "sh'"},
	{"interpreter_path", "#!./interp -x\n",
		.message = "its interpreter './interp' (the line with #!) has a relative path, "
			   "which counts from the working directory, and is not there; write an "
			   "absolute path"},
	{"interpreter", "#!/no/such/interpreter -x\n",
		.message = "its interpreter '/no/such/interpreter' (the line with #!) is not in "
			   "this image; name another one, or use an image that has it"},
	{"interpreter", "#!./other\n", .make = make_script_of_script,
		.message = "the interpreter '/no/such/interpreter' of its interpreter './other' "
			   "(the lines with #!) is not in this image; name another one, or use an "
			   "image that has it"},
	{"crlf_interpreter", "#!/bin/sh\r\n",
		.message = "its lines end in CR LF, and the carriage return would belong to the "
			   "name of its interpreter; write it with line ends of Unix (dos2unix, or "
			   "'./x text eol=lf' in .gitattributes)"},
	{"loader", .make = make_without_loader,
		.message = "it is a program whose loader is not in this image; it was built for "
			   "another system"},
	{"no_directory", "", .argv0 = "./x/y",
		.message = "it has a path that leads through a file that is not a directory"},
	{"link_loop", .make = make_loop, .keep_mode = true,
		.message = "it is a symbolic link that leads to itself"},
	{"interpreter_loop", "#!./x\n",
		.message = "the interpreter './x' of its interpreter './x' (the lines with #!) is "
			   "one of too many interpreters that are scripts themselves"},
	{"directory", .make = make_directory, .message = "it is a directory, not a file"},
	{"directory", "#!/\n",
		.message = "its interpreter '/' (the line with #!) is a directory, not a file"},
	{"special", .make = make_fifo, .message = "it is not a regular file"},
	{"mode", "#!/bin/sh\n", .keep_mode = true,
		.message =
			"it is not executable; run 'chmod +x ./x' in the source, or in the action "
			"that makes it; in a git repository commit that (git update-index "
			"--chmod=+x ./x)"},
	{"mode", "#!/proc/version\n",
		.message = "its interpreter '/proc/version' (the line with #!) is not executable; "
			   "run 'chmod +x' for it, or name another one"},
	{"bom", "\xef\xbb\xbf#!/bin/sh\n",
		.message = "it begins with a byte order mark (BOM); write it in UTF-8 without "
			   "one"},
	{"bom", "\xef\xbb\xbftrue\n",
		.message = "it begins with a byte order mark (BOM); write it in UTF-8 without "
			   "one"},
	/* A host may have an emulator for it (binfmt_misc), so it is not started. */
	{"processor", .make = make_foreign, .error = ENOEXEC,
		.message = "it is a program for another processor (aarch64); this machine has "
			   "x86_64: build it for that"},
	{"elf", .make = make_truncated,
		.message = "it is an ELF file, but not a program: it is truncated, damaged, or an "
			   "object file"},
	{"binary", .make = make_binary, .message = "it is neither a program of Linux nor a script"},
	{"no_interpreter", "#! \n", .message = "it has a line with #! that names no interpreter"},
	{"no_interpreter", "#!", .message = "it has a line with #! that names no interpreter"},
	{"no_interpreter", "#! ", .message = "it has a line with #! that names no interpreter"},
	{"long_line", .make = make_long_line,
		.message = "it has a line with #! in which the path of the interpreter is too "
			   "long; the kernel reads 255 bytes"},
	{"plain_text", "#!./other\n", .make = make_text_of_script,
		.message = "its interpreter './other' (the line with #!) is a text without a line "
			   "with #!; name its interpreter there"},
	{"shell", "true\n", .error = ENOEXEC,
		.message = "it has no line with #!, and this image has no /bin/sh to read it"},
	{"arguments", "#!/bin/sh\n", .error = E2BIG,
		.message = "it is given more arguments and environment than the kernel takes; put "
			   "them into a file"},
	{"busy", "#!/bin/sh\n", .error = ETXTBSY,
		.message = "it is open for writing; close it first"},
};

/* A program, or an interpreter, that is not there, however it was looked for. */
static bool is_not_there(const char *cause)
{
	static const char *const causes[] = {"env", "env_arguments", "path", "shell_path",
		"dangling", "missing", "interpreter_path", "interpreter", "crlf_interpreter",
		"loader"};

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (strcmp(causes[i], cause) == 0)
			return true;
	return false;
}

static int start(const struct spawn *s, struct child *ret, struct err *e)
{
	auto_strv struct strv env = {0};

	strv_push(&env, "PATH=/usr/bin:/bin");
	return child_start(s, &env, NULL, ret, e);
}

static void try(const struct attempt *a)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	const char *argv0 = a->argv0 ? a->argv0 : "./x";
	auto_free char *message = mem_printf("cannot run '%s': %s", argv0, a->message);
	auto_child struct child c = CHILD_NONE;
	struct spawn s = {.directory = dir};
	struct err e = {0};

	if (a->text)
		write_bytes(path, a->text, strlen(a->text));
	if (a->make)
		a->make(path);
	if (!a->keep_mode)
		assert_int_equal(chmod(path, 0755), 0);
	strv_push(&s.argv, argv0);
	if (a->instead)
		strv_push(&s.instead, a->instead);
	expect_err(a->error ? program_explain(&s, a->error, &c.exit_code, &e) : start(&s, &c, &e),
		&e, ERR_INPUT, message);
	assert_int_equal(c.exit_code, is_not_there(a->cause) ? 127 : 126);
	strv_release(&s.argv);
	strv_release(&s.instead);
}

static void test_each_cause_has_its_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		try(&attempts[i]);
}

/* "noexec" has a test of its own. */
static void test_each_cause_of_the_table_is_provoked(void **state)
{
	const char *name;

	(void)state;
	for (size_t n = 0; (name = program_cause_name(n)); n++) {
		bool tried = strcmp(name, "noexec") == 0;

		for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
			tried = tried || strcmp(attempts[i].cause, name) == 0;
		if (!tried)
			fail_msg("nothing provokes '%s'", name);
	}
}

/* As root of a user namespace, with a mount namespace. */
static int enter_namespaces(void)
{
	auto_free char *uid = mem_printf("0 %u 1", (unsigned)getuid());
	auto_free char *gid = mem_printf("0 %u 1", (unsigned)getgid());
	const struct {
		const char *path, *text;
	} maps[] = {{"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", uid},
		{"/proc/self/gid_map", gid}};

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		auto_fd int fd = open(maps[i].path, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || fd_write_all(fd, maps[i].text, strlen(maps[i].text)) < 0)
			return -1;
	}
	return 0;
}

/* In namespaces of its own: what running ./x in a file system with noexec says, to the pipe. */
static void run_on_noexec(const char *dir, int report)
{
	struct spawn s = {.directory = dir};
	struct child c = CHILD_NONE;
	auto_free char *path = path_join(dir, "x");
	struct err e = {0};

	strv_push(&s.argv, "./x");
	if (enter_namespaces() < 0 || mount("none", dir, "tmpfs", MS_NOEXEC, NULL) < 0)
		(void)err_sys(&e, "prepare");
	else if (fd_write_file(path, "#!/bin/sh\n", 10, 0755, &e) == 0 && start(&s, &c, &e) == 0)
		(void)err_set(&e, ERR_HOST, "it was run");
	(void)fd_write_all(report, &e, sizeof(e));
	_exit(0);
}

static void test_a_file_system_with_noexec(void **state)
{
	auto_dir char *dir = expect_dir();
	int ends[2], status;
	struct err e = {0};
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		run_on_noexec(dir, ends[1]);
	fd_close(ends[1]);
	assert_int_equal(fd_read_full(ends[0], &e, sizeof(e)), sizeof(e));
	fd_close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_string_equal(e.msg,
		"cannot run './x': it is on a file system that is mounted with 'noexec'; copy it "
		"to another one");
}

static void expect_runs(const char *text)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "x", text);
	auto_child struct child c = CHILD_NONE;
	struct spawn s = {.directory = dir};
	struct err e = {0};
	int status;

	assert_int_equal(chmod(path, 0755), 0);
	strv_push(&s.argv, "./x");
	expect_ok(start(&s, &c, &e), &e);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	strv_release(&s.argv);
}

static void test_what_can_run_is_run(void **state)
{
	(void)state;
	expect_runs("#!/bin/sh\nexit 7\n");
	expect_runs("#!/usr/bin/env sh\nexit 7\n");
	expect_runs("#!/usr/bin/env sh  \nexit 7\n");
	expect_runs("#!/usr/bin/env -S sh -e\nexit 7\n");
	expect_runs("#!/usr/bin/env -S A=b sh\nexit 7\n");
	expect_runs("#!/usr/bin/env /bin/sh\nexit 7\n");
	/* Without an interpreter, a shell reads it (POSIX, execvp). */
	expect_runs("exit 7\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_cause_has_its_message),
		cmocka_unit_test(test_each_cause_of_the_table_is_provoked),
		cmocka_unit_test(test_a_file_system_with_noexec),
		cmocka_unit_test(test_what_can_run_is_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
