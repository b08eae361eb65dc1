/* SPDX-License-Identifier: Apache-2.0 */
/* Format: shellcheck(1), "json1", of version 0.9. */
#include "source/shellcheck.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "data/digest.h"
#include "data/jsonl.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/proc.h"
#include "settings/statefile.h"
#include "source/limits.h"

#define SCRIPT_PREFIX "/script-"

enum { COMPLAINT_BYTES = 160 };

static const char *const environment[] = {"HOME=/nonexistent", "LC_ALL=C.UTF-8", "PATH=/usr/bin"};

/*
 * Warnings and errors, but no matters of style. Excluded: a sourced file cannot be read (1090,
 * 1091: always the case in the jail), the shebang is in the second line (1128: harmless here), and
 * a variable has no value (2154: the plan may set it, and bash -u finds the others).
 */
static const char *const arguments[] = {"shellcheck", "--norc", "--shell=bash",
	"--severity=warning", "--exclude=1090,1091,1128,2154", "--format=json1", "--", NULL};

/* ---- running shellcheck ---- */

static void fill_jail(struct jail *j, const char *program, const struct strv *scripts)
{
	j->program = program;
	j->no_children = true;
	j->max_files = LIMIT_SHELLCHECK_FILES;
	j->max_memory = LIMIT_SHELLCHECK_MEMORY;
	j->max_cpu_seconds = LIMIT_SHELLCHECK_CPU_SECONDS;
	jail_device(j, "/dev/null");
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		strv_push(&j->env, environment[i]);
	for (const char *const *a = arguments; *a; a++)
		strv_push(&j->argv, *a);
	for (size_t i = 0; i < scripts->count; i++) {
		auto_free char *inside = mem_printf(SCRIPT_PREFIX "%zu", i);

		jail_place(j, inside, scripts->items[i], strlen(scripts->items[i]));
		strv_push(&j->argv, inside);
	}
}

PRINTF_LIKE(2, 3) static void trouble(struct node *answer, const char *fmt, ...)
{
	auto_free char *safe = NULL;
	char text[2 * COMPLAINT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	safe = text_safe(text, sizeof(text));
	node_set_string(answer, "trouble", safe);
}

/* ---- the answer ---- */

/* The number in "/script-12"; -1: not one of our scripts. */
static int64_t script_number(const char *file, size_t count)
{
	struct err ignored = {0};
	uint64_t number;

	if (strncmp(file, SCRIPT_PREFIX, strlen(SCRIPT_PREFIX)) != 0 ||
		num_parse_u64(file + strlen(SCRIPT_PREFIX), count - 1, &number, &ignored) < 0)
		return -1;
	return (int64_t)number;
}

static void take_finding(struct node *findings, const struct node *comment, size_t scripts)
{
	int64_t script = script_number(node_get_text(comment, "file", ""), scripts);
	struct node *n;

	if (script < 0)
		return;
	n = node_add_map(findings);
	node_set_int(n, "script", script);
	node_set_uint(n, "line", node_get_uint(comment, "line", 1));
	node_set_uint(n, "column", node_get_uint(comment, "column", 1));
	node_set_uint(n, "code", node_get_uint(comment, "code", 0));
	node_set_string(n, "message", node_get_text(comment, "message", "?"));
}

static void read_answer(const struct buf *out, size_t scripts, struct node *answer)
{
	auto_node struct node *tree = NULL;
	struct node *findings = node_set_list(answer, "findings");
	struct err why = {0};
	const struct node *comment;

	if (jsonl_parse(out->data, out->len, "answer", &tree, &why) < 0) {
		trouble(answer, "shellcheck gave no answer that can be read: %s", why.msg);
		return;
	}
	node_each (node_get(tree, "comments"), comment)
		take_finding(findings, comment, scripts);
}

static void judge_end(const struct jail_end *end, struct buf *out, struct buf *errors,
	size_t scripts, struct node *answer)
{
	errors->data[strcspn(errors->data, "\n")] = '\0';
	if (end->timed_out)
		trouble(answer, "shellcheck took longer than %d s",
			(int)(LIMIT_SHELLCHECK_MS / 1000));
	else if (end->overflow)
		trouble(answer, "shellcheck has more to say than %u MiB",
			(unsigned)(LIMIT_SHELLCHECK_BYTES / MIB));
	else if (end->exit_code == 0 || end->exit_code == 1)
		read_answer(out, scripts, answer);
	else
		trouble(answer, "shellcheck ended with status %d, signal %d: %s", end->exit_code,
			end->signal, errors->data);
}

static int look(const char *program, const struct strv *scripts, struct node *answer, struct err *e)
{
	auto_jail struct jail j;
	auto_buf struct buf out = {0};
	auto_buf struct buf errors = {0};
	struct jail_end end;

	jail_init(&j, "shellcheck");
	buf_init(&out, LIMIT_SHELLCHECK_BYTES);
	buf_init(&errors, COMPLAINT_BYTES);
	fill_jail(&j, program, scripts);
	if (jail_vm_user(NULL, &j.uid, &j.gid, e) < 0 ||
		jail_run(&j, LIMIT_SHELLCHECK_MS, &out, &errors, &end, e) < 0)
		return err_wrap(e, "look at the scripts of the plan");
	judge_end(&end, &out, &errors, scripts->count, answer);
	return 0;
}

/* ---- the cache ---- */

/* The digest of everything that the answer depends on. */
static struct digest_text digest_of_question(const char *program, const struct strv *scripts)
{
	struct digest *d = digest_new();
	struct stat st = {0};

	(void)stat(program, &st); /* if the program was removed meanwhile, starting it fails */
	digest_add(d, &st.st_size, sizeof(st.st_size));
	digest_add(d, &st.st_mtim, sizeof(st.st_mtim));
	for (const char *const *a = arguments; *a; a++)
		digest_add(d, *a, strlen(*a) + 1);
	strv_each (scripts, s)
		digest_add(d, *s, strlen(*s) + 1);
	return digest_end(d);
}

static struct node *recall(const char *memory, const char *digest)
{
	auto_node struct node *answer = statefile_recall(STATEFILE_LINT, memory);

	if (!answer || strcmp(node_get_text(answer, "digest", ""), digest) != 0)
		return NULL;
	return steal_ptr(&answer);
}

static int remember(const char *memory, const struct node *answer, struct err *e)
{
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_SHELLCHECK_BYTES);
	jsonl_add(&text, answer);
	return text.overflow ? 0 : fd_write_file(memory, text.data, text.len, 0644, e);
}

int shellcheck_ask(
	const struct strv *scripts, const char *memory, struct node **ret_answer, struct err *e)
{
	auto_free char *program = proc_find("shellcheck");
	auto_node struct node *answer = NULL;
	struct digest_text digest;

	*ret_answer = NULL;
	if (!program)
		return 0;
	digest = digest_of_question(program, scripts);
	answer = memory ? recall(memory, digest.s) : NULL;
	if (answer) {
		*ret_answer = steal_ptr(&answer);
		return 0;
	}
	answer = node_map();
	node_set_string(answer, "digest", digest.s);
	if (look(program, scripts, answer, e) < 0)
		return -1;
	*ret_answer = steal_ptr(&answer);
	return memory ? remember(memory, *ret_answer, e) : 0;
}
