/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/run_outputs.h"

#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonl.h"

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

int run_outputs_check(struct run_outputs *o, const struct outputs_inputs *in, struct err *e)
{
	if (outputs_check_file(&o->result, "--result", in, e) < 0 ||
		outputs_check_file(&o->log, "--log", in, e) < 0) {
		outfile_release(&o->result);
		return -1;
	}
	o->checked = true;
	return 0;
}

int run_outputs_write_result(struct run_outputs *o, const struct node *result, struct err *e)
{
	auto_buf struct buf line = {0};

	if (!o->result.path)
		return 0;
	if (!o->checked && !o->result.begun && !outputs_lose_nothing(&o->result))
		return err_set(e, ERR_INPUT,
			"--result %s: not written: it contains something other than results",
			o->result.path);
	if (!o->result.begun && outfile_begin(&o->result, e) < 0)
		return -1;
	buf_init(&line, LIMIT_NODE_BYTES);
	jsonl_add(&line, result);
	buf_addc(&line, '\n');
	return outfile_write(&o->result, line.data, line.len, e);
}
