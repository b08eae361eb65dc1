/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands/outputs.h"
#include "cli/load.h"
#include "cli/log/loghtml.h"
#include "cli/log/logread.h"
#include "cli/say.h"
#include "os/fd.h"
#include "os/outfile.h"
#include "os/path.h"
#include "settings/statefile.h"
#include "store/store.h"

enum { COPY_BYTES = 64 * 1024 };

/* A line of the log as HTML: a byte becomes at most six (&quot;). */
#define PAGE_PART_MAX (8 * LOGREAD_LINE_MAX)

enum log_format { LOG_RAW, LOG_JSON, LOG_HTML };

static const char *const formats[] = {
	[LOG_RAW] = "raw",
	[LOG_JSON] = "json",
	[LOG_HTML] = "html",
	NULL,
};

struct log_settings {
	const char *run;
	int format;
	bool console;
	const char *filename;
	const char *output;
	const char *prelude;
};

static const struct option options[] = {
	{.name = "format",
		.argument = "FORMAT",
		.type = OPTION_ENUM,
		.choices = formats,
		.offset = offsetof(struct log_settings, format),
		.help = "raw: the output of the actions, in order of arrival (default); json: "
			"the run log, one event per line; html: a self-contained page"},
	{.name = "console",
		.type = OPTION_FLAG,
		.offset = offsetof(struct log_settings, console),
		.help = "show the console of the guest's kernel instead of the log"},
	{.name = "run",
		.argument = "ID",
		.type = OPTION_PATH,
		.offset = offsetof(struct log_settings, run),
		.help = "show this run instead of the last run that was not skipped"},
	{.name = "filename",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct log_settings, filename),
		.help = "read this run log, in any directory"},
	{.name = "output",
		.letter = 'o',
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct log_settings, output),
		.help = "write to this file instead of standard output"},
	{.name = "prelude",
		.argument = "HTML",
		.type = OPTION_STRING,
		.offset = offsetof(struct log_settings, prelude),
		.help = "put this HTML, as it is, at the top of the page of --format html"},
	{0},
};

/* The output. Control characters are made safe for a terminal. */
struct sink {
	struct outfile file;
	bool terminal;
	struct buf safe;
};

static int put(struct sink *s, const char *data, size_t len, struct err *e)
{
	if (!s->terminal)
		return outfile_write(&s->file, data, len, e);
	buf_clear(&s->safe);
	text_add_safe(&s->safe, data, len, false);
	return outfile_write(&s->file, s->safe.data, s->safe.len, e);
}

/* The length of an incomplete character at the end, which continues in the next chunk. */
static size_t cut_character(const char *data, size_t len)
{
	for (size_t n = 1; n <= 3 && n <= len; n++)
		if (text_utf8_sequence(data + len - n, n) < 0)
			return n;
	return 0;
}

static int copy_file(struct sink *out, const char *path, struct err *e)
{
	auto_fd int fd = -1;
	char chunk[COPY_BYTES];
	size_t held = 0;
	ssize_t n;

	if (fd_open_file(path, &fd, e) < 0)
		return -1;
	while ((n = fd_read_full(fd, chunk + held, sizeof(chunk) - held)) > 0) {
		size_t len = held + (size_t)n;

		held = cut_character(chunk, len);
		if (put(out, chunk, len - held, e) < 0)
			return -1;
		memmove(chunk, chunk + len - held, held);
	}
	return n < 0 ? err_sys(e, "read %s", path) : put(out, chunk, held, e);
}

/* ---- the output of actions ---- */

/*
 * "broken, guest_panic: the kernel of the guest panicked", from the last event or from result.json;
 * "passed" if there is no reason. NULL: unknown. The caller frees it.
 */
static char *ending_of(const struct node *n)
{
	const char *result = node_get_text(n, "result", NULL);
	const char *reason = node_get_text(n, "reason", NULL);
	const char *message = node_get_text(n, "message", NULL);

	if (!result)
		return NULL;
	return reason && message ? mem_printf("%s, %s: %s", result, reason, message)
				 : mem_strdup(result);
}

/*
 * For a log without a last event. result NULL: there is no result.json, because the log is not in
 * the state directory.
 */
static char *ending_beside(const char *result)
{
	auto_node struct node *n = result ? statefile_recall(STATEFILE_RESULT, result) : NULL;

	return ending_of(n);
}

/* A warning that explains a log without any output. ending NULL: unknown. */
static void warn_no_output(const struct logread *r, const char *ending)
{
	auto_free char *text = ending
		? mem_printf("%s: no action wrote anything; the run ended: %s", r->name, ending)
		: mem_printf("%s: no action wrote anything, and nothing says how the run ended: "
			     "it was killed, or is in progress",
			  r->name);

	say_warning(text);
}

static bool is_ending(const struct node *event)
{
	int type = (int)event_by_name(node_get_text(event, "type", ""));

	return type == EVENT_AMBIENT_FAILS || type == EVENT_AMBIENT_SUCCEEDS;
}

static int put_output(struct logread *r, const char *result, struct sink *out, struct err *e)
{
	const struct node *event;
	auto_buf struct buf bytes = {0};
	auto_free char *ending = NULL;
	bool any = false;
	int more;

	buf_init(&bytes, LOGREAD_LINE_MAX);
	while ((more = logread_next(r, &event, e)) > 0) {
		buf_clear(&bytes);
		if (logread_output(r, event, &bytes)) {
			any = true;
			if (put(out, bytes.data, bytes.len, e) < 0)
				return -1;
		} else if (is_ending(event)) {
			free(ending);
			ending = ending_of(event);
		}
	}
	if (!ending)
		ending = ending_beside(result);
	if (more == 0 && !any)
		warn_no_output(r, ending);
	return more;
}

/* ---- all formats ---- */

static int put_html(struct logread *r, const char *prelude, struct sink *out, struct err *e)
{
	auto_buf struct buf page = {0};
	const struct node *event;
	int more;

	buf_init(&page, PAGE_PART_MAX);
	loghtml_begin(&page);
	if (put(out, page.data, page.len, e) < 0 ||
		(prelude && put(out, prelude, strlen(prelude), e) < 0))
		return -1;
	buf_clear(&page);
	while ((more = logread_next(r, &event, e)) > 0) {
		loghtml_event(&page, r, event);
		if (put(out, page.data, page.len, e) < 0)
			return -1;
		buf_clear(&page);
	}
	loghtml_end(&page);
	return more < 0 ? -1 : put(out, page.data, page.len, e);
}

static void warn_damage(const struct logread *r)
{
	auto_free char *left_out = mem_printf("%s: %llu damaged line%s left out", r->name,
		(unsigned long long)r->damaged, num_plural(r->damaged));
	auto_free char *cut = mem_printf(
		"%s: ends in the middle of a line; the run was killed, or goes on", r->name);

	if (r->damaged)
		say_warning(left_out);
	if (r->cut)
		say_warning(cut);
}

/* result_json: the result of the same run; NULL: unknown. */
static int show_log(const struct log_settings *s, const char *path, const char *result_json,
	struct sink *out, struct err *e)
{
	auto_logread struct logread r = {.fd = -1};
	int result;

	if (s->format == LOG_JSON)
		return copy_file(out, path, e);
	if (logread_open(&r, path, e) < 0)
		return -1;
	result = s->format == LOG_RAW ? put_output(&r, result_json, out, e)
				      : put_html(&r, s->prelude, out, e);
	if (result == 0)
		warn_damage(&r);
	return result;
}

/* Reject options that would have no effect. */
static int check_options(const struct call *call, struct err *e)
{
	const struct log_settings *s = call->settings;

	if (s->filename && call->operands.count)
		return err_set(e, ERR_INPUT, "either a project or '--filename', not both");
	if (s->filename && s->run)
		return err_set(e, ERR_INPUT, "either '--run' or '--filename', not both");
	if (s->prelude && s->format != LOG_HTML)
		return err_set(e, ERR_INPUT, "'--prelude' is for '--format html'");
	if (s->console && s->format != LOG_RAW)
		return err_set(
			e, ERR_INPUT, "'--console' has no '--format': it is as the guest wrote it");
	return 0;
}

static int find_log(const struct call *call, const struct config *c, char **ret_path, struct err *e)
{
	const struct log_settings *s = call->settings;
	auto_free char *project = call->operands.count ? mem_strdup(call->operands.items[0]) : NULL;
	auto_free char *dir = NULL;

	if (s->filename) {
		*ret_path = mem_strdup(s->filename);
		return 0;
	}
	if ((project && load_check_project(c, NULL, project, e) < 0) ||
		(!project && store_last_project(c->state, &project, e) < 0) ||
		store_find_run(c->state, project, s->run, &dir, e) < 0)
		return -1;
	*ret_path = path_join(dir, s->console ? "console.log" : "run.jsonl");
	return 0;
}

/* The path of the result of this run; NULL: the log is not in the state directory. */
static char *result_beside(const struct log_settings *s, const char *log)
{
	auto_free char *dir = path_parent(log);

	return s->filename ? NULL : path_join(dir, "result.json");
}

/*
 * Find the log. The configuration is needed to find it in the state directory, or to check
 * --output.
 */
static int prepare(const struct call *call, struct config *c, char **ret_path, struct err *e)
{
	const struct log_settings *s = call->settings;

	if ((!s->filename || s->output) && load_config(call, NULL, c, e) < 0)
		return -1;
	return find_log(call, c, ret_path, e);
}

static int check_output(
	const struct sink *out, const struct config *c, const char *log, struct err *e)
{
	const struct outputs_inputs inputs = {.config = c};

	if (outputs_check_file(&out->file, "--output", &inputs, e) < 0)
		return -1;
	return outfile_is_not(&out->file, "--output", log, "the log itself", e);
}

static int open_sink(struct sink *out, const char *path, struct err *e)
{
	if (outfile_open(path, OUTFILE_WHOLE, 0644, &out->file, e) < 0)
		return -1;
	out->terminal = isatty(out->file.fd) == 1;
	buf_init(&out->safe, 6 * PAGE_PART_MAX);
	return 0;
}

static int show_file(
	const struct log_settings *s, const char *path, struct sink *out, struct err *e)
{
	auto_free char *result_json = result_beside(s, path);

	return s->console ? copy_file(out, path, e) : show_log(s, path, result_json, out, e);
}

static int show(const struct call *call, struct err *e)
{
	const struct log_settings *s = call->settings;
	auto_free char *path = NULL;
	auto_config struct config c = {0};
	struct sink out = {.file = OUTFILE_NONE};
	int result;

	/*
	 * A wrong --output is reported before a wrong project, a closed standard output after it.
	 */
	if (check_options(call, e) < 0 || (s->output && open_sink(&out, s->output, e) < 0))
		return -1;
	result = prepare(call, &c, &path, e);
	if (result == 0)
		result = s->output ? check_output(&out, &c, path, e) : open_sink(&out, "-", e);
	if (result == 0)
		result = show_file(s, path, &out, e);
	if (result == 0)
		result = outfile_finish(&out.file, e);
	outfile_release(&out.file);
	buf_release(&out.safe);
	return result;
}

static int run(const struct call *call)
{
	struct err e = {0};

	return show(call, &e) < 0 ? say_failure(&e) : 0;
}

const struct command cmd_log = {
	.name = "log",
	.summary = "Show the log of a run: the last run of a project, or of all projects",
	.group = GROUP_KEEP,
	.operands = "[PROJECT]",
	.max_operands = 1,
	.options = options,
	.settings_size = sizeof(struct log_settings),
	.run = run,
};
