/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_outputs.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/path.h"
#include "core/jsonl.h"

/* What a line of result_to_node and one of the run log begin with. */
static const char *const own_beginnings[] = {"{\"format\":1,\"project\":", "{\"timestamp\":\""};

/* ---- opening ---- */

static int open_file(const char *path, const char *option, struct outfile *ret, struct err *e)
{
	if (!path || outfile_open(path, OUTFILE_LINES, 0644, ret, e) == 0)
		return 0;
	return err_wrap(e, "%s", option);
}

int run_outputs_open(struct run_outputs *o, const char *result, const char *log, struct err *e)
{
	if (open_file(result, "--result", &o->result, e) < 0 ||
		open_file(log, "--log", &o->log, e) < 0)
		return -1;
	if (outfile_are_two(&o->result, "--result", &o->log, "--log", e) == 0)
		return 0;
	outfile_release(&o->result);
	return -1;
}

void run_outputs_release(struct run_outputs *o)
{
	outfile_release(&o->result);
	outfile_release(&o->log);
}

/* ---- files that are read ---- */

static int is_not(const struct run_outputs *o, const char *path, const char *what, struct err *e)
{
	if (outfile_is_not(&o->result, "--result", path, what, e) < 0)
		return -1;
	return outfile_is_not(&o->log, "--log", path, what, e);
}

static int is_no_program(const struct run_outputs *o, const struct config *c, struct err *e)
{
	if (is_not(o, c->executor, "the executor", e) < 0 ||
		is_not(o, c->qemu_program, "the program of QEMU", e) < 0)
		return -1;
	return is_not(o, c->ca_certificates, "the file of ca_certificates", e);
}

static int is_no_credential(const struct run_outputs *o, const struct credentials *c, struct err *e)
{
	for (size_t i = 0; i < c->count; i++)
		if (is_not(o, c->secrets[i].file, "the file of a secret", e) < 0)
			return -1;
	for (size_t i = 0; i < c->host_count; i++)
		if (is_not(o, c->hosts[i].known_hosts, "a file of known hosts", e) < 0 ||
			is_not(o, c->hosts[i].certificate, "a certificate for ssh", e) < 0)
			return -1;
	return 0;
}

/* ---- trees that are read ---- */

static bool is_ours_or_nothing(const struct outfile *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_beginnings); i++)
		if (outfile_found_beginning(o, own_beginnings[i]))
			return true;
	return outfile_found_nothing(o);
}

static int is_not_of(const struct outfile *o, const char *option, const char *directory,
	const char *what, struct err *e)
{
	struct err below = {0};

	if (is_ours_or_nothing(o) || outfile_is_not_below(o, option, directory, what, &below) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		"%s %s: this is a file of %s, %s, and no earlier result or log; remove it first",
		option, o->path, what, directory);
}

/* New files are fine there. */
static int nothing_of(
	const struct run_outputs *o, const char *directory, const char *what, struct err *e)
{
	if (is_not_of(&o->result, "--result", directory, what, e) < 0)
		return -1;
	return is_not_of(&o->log, "--log", directory, what, e);
}

static int nothing_below(
	const struct run_outputs *o, const char *directory, const char *what, struct err *e)
{
	if (outfile_is_not_below(&o->result, "--result", directory, what, e) < 0)
		return -1;
	return outfile_is_not_below(&o->log, "--log", directory, what, e);
}

static int nothing_of_project(
	const struct run_outputs *o, const struct config *c, const struct project *p, struct err *e)
{
	auto_free char *plan = path_join(p->source, PROJECT_SOURCE_PLAN);
	auto_free char *kept = path_join(c->state, p->name);

	if (is_not(o, plan, "the plan of a project", e) < 0 ||
		nothing_below(o, kept, "the state of a project", e) < 0 ||
		nothing_of(o, p->source, "the source of a project", e) < 0)
		return -1;
	for (size_t i = 0; i < p->git_objects.count; i++)
		if (nothing_of(o, p->git_objects.items[i], "a directory of git_objects", e) < 0)
			return -1;
	return 0;
}

static int nothing_that_is_read(const struct run_outputs *o, const struct config *c,
	const struct project_list *list, struct err *e)
{
	if (is_not(o, c->file, "the configuration", e) < 0 ||
		is_not(o, list->file, "the projects file", e) < 0 || is_no_program(o, c, e) < 0 ||
		is_no_credential(o, &c->credentials, e) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		if (nothing_of_project(o, c, &list->items[i], e) < 0)
			return -1;
	if (nothing_of(o, c->image_store, "the image store", e) < 0)
		return -1;
	return nothing_of(o, c->state, "the state directory", e);
}

int run_outputs_check(struct run_outputs *o, const struct config *c,
	const struct project_list *list, struct err *e)
{
	if (nothing_that_is_read(o, c, list, e) < 0) {
		outfile_release(&o->result);
		return -1;
	}
	o->checked = true;
	return 0;
}

/* ---- writing ---- */

int run_outputs_write_result(struct run_outputs *o, const struct node *result, struct err *e)
{
	auto_buf struct buf line = {0};

	if (!o->result.path)
		return 0;
	if (!o->checked && !o->result.begun && !is_ours_or_nothing(&o->result))
		return err_set(e, ERR_INPUT,
			"--result %s: not written: it has something else in it than results",
			o->result.path);
	if (!o->result.begun && outfile_begin(&o->result, e) < 0)
		return -1;
	buf_init(&line, LIMIT_NODE_BYTES);
	jsonl_add(&line, result);
	buf_addc(&line, '\n');
	return outfile_write(&o->result, line.data, line.len, e);
}
