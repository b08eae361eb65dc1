/* SPDX-License-Identifier: Apache-2.0 */
#include "images/skopeo.h"

#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "images/container.h"
#include "images/limits.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/space.h"
#include "os/tree.h"
#include "settings/architecture.h"

enum { LINE_MAX_BYTES = 2000, SHOWN_MAX = 400, MEASURE_MS = 1000, TELL_MS = 5000 };

struct fetch {
	const struct skopeo *skopeo;
	int parent_fd;            /* the directory that `dir` is in */
	struct buf line;          /* the line that it is writing */
	char last[SHOWN_MAX + 1]; /* the last whole one */
	int64_t measured_ms, told_ms;
	uint64_t told_bytes;
};

/* ---- what it prints ---- */

/* The message of `time="..." level=fatal msg="a \"text\""`; other lines as they are. */
static char *message_of(const char *line)
{
	static const char start[] = "msg=\"";
	const char *from = strstr(line, start);
	char *text = mem_strdup(from ? from + strlen(start) : line), *to = text;

	for (const char *c = text; from && *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		*to++ = *c;
	}
	if (from)
		*to = '\0';
	return text;
}

static void end_line(struct fetch *f)
{
	auto_free char *message = message_of(f->line.data);
	auto_free char *safe = text_safe(message, SHOWN_MAX);

	buf_clear(&f->line);
	if (!*safe)
		return;
	memcpy(f->last, safe, strlen(safe) + 1);
	f->skopeo->tell(f->skopeo->arg, safe);
}

/* Of a line that is too long, the start is taken. */
static void take(void *arg, const char *data, size_t len)
{
	struct fetch *f = arg;

	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			end_line(f);
		else if (f->line.len < LINE_MAX_BYTES && data[i])
			buf_addc(&f->line, data[i]);
}

/* ---- what it writes ---- */

static void tell_size(struct fetch *f, uint64_t bytes, int64_t now)
{
	auto_free char *text = NULL;

	if (now - f->told_ms < TELL_MS || bytes == f->told_bytes)
		return;
	text = mem_printf("%s so far", num_show_size(bytes).s);
	f->told_ms = now;
	f->told_bytes = bytes;
	f->skopeo->tell(f->skopeo->arg, text);
}

static int look(void *arg, pid_t group, struct err *e)
{
	struct fetch *f = arg;
	const char *dir = f->skopeo->dir;
	int64_t now = clock_ms();
	uint64_t bytes = 0;
	struct err ignored = {0};

	(void)group;
	if (now - f->measured_ms < MEASURE_MS)
		return 0;
	f->measured_ms = now;
	/* A file that is renamed meanwhile is no error. */
	if (tree_measure(f->parent_fd, path_base(dir), dir, &bytes, &ignored) < 0)
		return 0;
	if (bytes > LIMIT_IMAGE_BYTES)
		return err_set(e, ERR_INPUT, "the image has more than %s",
			num_show_size(LIMIT_IMAGE_BYTES).s);
	tell_size(f, bytes, now);
	return 0;
}

/* ---- running it ---- */

/* Both commands are to mean the same image. */
static void add_command(struct strv *argv, const char *command)
{
	const char *const fixed[] = {"skopeo", "--override-os", CONTAINER_SYSTEM, "--override-arch",
		architecture_own()->container, command};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(argv, fixed[i]);
}

static int failed(const struct fetch *f, struct err *e)
{
	(void)err_reason(e, ERR_HOST, "host_skopeo_failed", "skopeo could not fetch it: %s",
		*f->last ? f->last : "it gave no reason");
	space_explain_probably(e, f->skopeo->dir);
	return -1;
}

static int run(struct fetch *f, struct err *e)
{
	const struct proc_watch watch = {.look = look, .take = take, .arg = f};
	auto_strv struct strv argv = {0};
	auto_buf struct buf unused = {0};
	int code;

	add_command(&argv, "copy");
	strv_push(&argv, f->skopeo->reference);
	strv_pushf(&argv, "dir:%s", f->skopeo->dir);
	buf_init(&unused, 1);
	code = proc_run_watched(&argv, &unused, &watch, e);
	if (code < 0)
		return -1;
	if (f->line.len)
		end_line(f);
	return code == 0 ? 0 : failed(f, e);
}

int skopeo_copy(const struct skopeo *s, struct err *e)
{
	auto_free char *program = proc_find("skopeo");
	auto_free char *parent = path_parent(s->dir);
	auto_fd int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fetch f = {.skopeo = s, .parent_fd = fd, .told_ms = clock_ms()};
	int result;

	if (!program)
		return err_reason(e, ERR_HOST, "host_no_skopeo",
			"skopeo, which fetches images from registries, is missing; on Debian: "
			"apt-get install skopeo");
	if (fd < 0)
		return err_sys(e, "%s", parent);
	buf_init(&f.line, LINE_MAX_BYTES);
	result = run(&f, e);
	buf_release(&f.line);
	return result;
}

int skopeo_inspect(const struct skopeo *s, struct buf *ret, struct err *e)
{
	const struct proc_way way = {.no_errors = true};
	auto_strv struct strv argv = {0};
	auto_buf struct buf raw = {0};
	struct err why = {0};
	int code;

	add_command(&argv, "inspect");
	strv_push(&argv, "--raw");
	strv_push(&argv, s->reference);
	buf_init(&raw, LIMIT_OCI_JSON + 1); /* what is longer fills it */
	code = proc_run_as(&argv, &way, LIMIT_HELPER_MS, &raw, &why);
	if (code < 0 && why.kind == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	if (code == 0 && raw.len <= LIMIT_OCI_JSON)
		buf_add(ret, raw.data, raw.len);
	return 0;
}
