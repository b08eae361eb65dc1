/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/programs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "contract/contract.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "settings/architecture.h"
#include "settings/locate.h"

/* CHUNK: bytes read at once. PATH_SHOWN_MAX: bytes of a path in messages. */
enum { CHUNK = 256 * 1024, PATH_SHOWN_MAX = 600 };

static const char qemu_version_text[] = "QEMU emulator version ";

/* ---- the origin of a program's name ---- */

struct named {
	const struct config *config;
	const char *option;      /* NULL: none */
	const struct node *item; /* of the configuration; NULL: not configured */
	const char *key;         /* of `item` */
	const char *name;        /* a path, or a name for PATH */
	bool is_qemu;            /* else it is the executor */
};

/* Set an error that names the origin. Always -1. */
static int refuse(const struct named *n, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(n->name, PATH_SHOWN_MAX);

	if (n->option)
		(void)err_set(e, ERR_INPUT, "%s: %s: %s", n->option, shown, why);
	else if (n->item)
		(void)node_err(n->item, NULL, e, "'%s': %s: %s", n->key, shown, why);
	else
		(void)err_set(e, ERR_INPUT, "%s: %s", shown, why);
	return n->is_qemu ? err_because(e, "no_qemu") : err_because(e, "no_executor");
}

/* NULL: it is an executable file. */
static const char *why_not_runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	return access(path, X_OK) < 0 ? strerror(errno) : NULL;
}

/* The path; NULL with *e. The caller frees. */
static char *find(const struct named *n, struct err *e)
{
	auto_free char *path = proc_find(n->name);
	const char *why = path ? why_not_runnable(path)
			       : "there is no such program, neither as a path nor in PATH";

	if (!why)
		return steal_ptr(&path);
	(void)refuse(n, why, e);
	return NULL;
}

/* ---- contents of files ---- */

/* Whether the file contains the text. -1: the file cannot be read. */
static int contains(int fd, const char *text)
{
	const size_t len = strlen(text);
	auto_free char *chunk = mem_alloc(CHUNK);
	size_t kept = 0;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	while ((n = fd_read_full(fd, chunk + kept, CHUNK - kept)) > 0) {
		size_t have = kept + (size_t)n;

		if (memmem(chunk, have, text, len))
			return 1;
		kept = have < len - 1 ? have : len - 1;
		memmove(chunk, chunk + have - kept, kept);
	}
	return n < 0 ? -1 : 0;
}

/* Whether the kernel of an image can execute the file. */
static bool is_guest_program(int fd)
{
	Elf64_Ehdr h;

	return fd_read_full(fd, &h, sizeof(h)) == (ssize_t)sizeof(h) &&
		memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_ident[EI_CLASS] == ELFCLASS64 &&
		h.e_ident[EI_DATA] == ELFDATA2LSB && h.e_machine == architecture_own()->elf &&
		(h.e_type == ET_EXEC || h.e_type == ET_DYN);
}

/* ---- the executor ---- */

/* NULL: it is an executor of this version of the protocol. */
static const char *why_no_executor(int fd)
{
	/* Composed at run time, so that this program does not contain the text itself. */
	auto_free char *any = mem_printf("%s%s", EXECUTOR_NAME, EXECUTOR_MARK);
	auto_free char *ours = mem_printf("%s%d\n", any, CONTRACT_VERSION);
	int found;

	if (!is_guest_program(fd))
		return "it is not a program for this architecture";
	found = contains(fd, ours);
	if (found > 0)
		return NULL;
	if (found == 0)
		found = contains(fd, any);
	if (found < 0)
		return strerror(errno);
	return found ? "it is the " EXECUTOR_NAME
		       " of another version: install it and ambient of one release"
		     : "it is not the " EXECUTOR_NAME " of this release; ambient finds its own if "
		       "none is named";
}

static char *find_executor(const struct named *n, struct err *e)
{
	char *path = NULL;

	if (n->name)
		return find(n, e);
	return locate_executor(n->config, NULL, &path, e) < 0 ? NULL : path;
}

int programs_executor(const struct config *c, const char *given, char **ret_path, struct err *e)
{
	struct named n = {.config = c, .option = given ? "--executor" : NULL, .key = "executor"};
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	const char *why;

	n.name = given ? given : c->executor;
	n.item = c->executor ? node_get(c->effective, n.key) : NULL;
	path = find_executor(&n, e);
	if (!path)
		return -1;
	if (!n.name)
		n.name = path;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	why = fd < 0 ? strerror(errno) : why_no_executor(fd);
	if (why)
		return refuse(&n, why, e);
	*ret_path = steal_ptr(&path);
	return 0;
}

/* ---- QEMU ---- */

int programs_version(const char *program, char **ret_line, struct err *e)
{
	auto_strv struct strv argv = {0};
	auto_buf struct buf said = {0};

	buf_init(&said, 300);
	strv_push(&argv, program);
	strv_push(&argv, "--version");
	if (proc_run(&argv, LIMIT_HELPER_MS, &said, e) < 0)
		return -1;
	said.data[strcspn(said.data, "\n")] = '\0';
	*ret_line = text_safe(said.data, 200);
	return 0;
}

unsigned long programs_qemu_version(const char *line)
{
	const char *at = strstr(line, qemu_version_text);
	unsigned long major, minor;
	char *end;

	if (!at)
		return 0;
	major = strtoul(at + strlen(qemu_version_text), &end, 10);
	if (*end != '.' || major > 1000)
		return 0;
	minor = strtoul(end + 1, &end, 10);
	return major * 100 + (minor < 100 ? minor : 99);
}

static bool has_qemu_text(int fd)
{
	return fd >= 0 && is_guest_program(fd) && contains(fd, qemu_version_text) > 0;
}

static bool is_script(int fd)
{
	char head[2];

	return fd >= 0 && pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		memcmp(head, "#!", sizeof(head)) == 0;
}

/* For a program that can be executed but not read, or that does not look like QEMU. */
static int ask_qemu(const struct named *n, const char *path, struct err *e)
{
	auto_free char *line = NULL, *why = NULL;
	struct err failed = {0};

	if (programs_version(path, &line, &failed) < 0) {
		if (failed.kind == ERR_INTERRUPTED) {
			*e = failed;
			return -1;
		}
		return refuse(n, failed.msg, e);
	}
	if (programs_qemu_version(line))
		return 0;
	why = mem_printf("it is not QEMU: its --version says '%s'", line);
	return refuse(n, why, e);
}

/* The path of QEMU: as configured, or by its default name. */
static char *find_qemu(const struct named *n, struct err *e)
{
	auto_free char *found = NULL;
	char *path = NULL;

	if (!n->name)
		return locate_qemu(n->config, &path, e) < 0 ? NULL : path;
	found = find(n, e);
	return found ? path_absolute(found) : NULL;
}

int programs_qemu(const struct config *c, char **ret_path, struct err *e)
{
	struct named n = {.config = c, .name = c->qemu_program, .key = "program", .is_qemu = true};
	auto_free char *path = NULL;
	auto_fd int fd = -1;

	n.item = n.name ? node_get(node_get(c->effective, "qemu"), n.key) : NULL;
	path = find_qemu(&n, e);
	if (!path)
		return -1;
	n.name = path;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (is_script(fd))
		return refuse(&n,
			"it is a script, and the jail of QEMU has neither a shell nor the files "
			"that one reads; name the program that it starts",
			e);
	if (!has_qemu_text(fd) && ask_qemu(&n, path, e) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	return 0;
}
