/* SPDX-License-Identifier: Apache-2.0 */
#include "run/adhoc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/disk.h"
#include "machine/drives.h"
#include "os/fd.h"
#include "os/outfile.h"
#include "os/path.h"
#include "os/space.h"
#include "os/temporary.h"
#include "run/artifacts.h"
#include "run/result.h"
#include "run/stage.h"

struct machine {
	const struct run_context *context;
	const struct adhoc *adhoc;
	const struct run_view *view;
	struct loop loop;
	struct stage_host host;
	struct drives drives;
	struct stage stage;
	struct result result;
	struct disk disk;
	struct outfile console;
};

static int add_drives(struct machine *m, struct err *e)
{
	const struct config *config = m->context->config;
	auto_fd int fd = -1;

	if (drives_add_stored(&m->drives, DRIVE_SRC, NULL, e) < 0 ||
		drives_add_stored(&m->drives, DRIVE_DEPS, NULL, e) < 0 ||
		drives_add_stored(&m->drives, DRIVE_CACHE, NULL, e) < 0 ||
		temporary_file(config->tmpdir, &fd, e) < 0)
		return -1;
	return drives_add_output(
		&m->drives, DRIVE_ARTIFACTS, fd_steal(&fd), config->artifacts_max, e);
}

static int add_disk(struct machine *m, struct err *e)
{
	const char *path = m->adhoc->persist;
	int fd;

	if (!path)
		return 0;
	if (disk_open(path, &m->host.image, m->context->config->scratch_bytes, &m->disk, e) < 0)
		return -1;
	fd = fcntl(m->disk.copy.fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? err_sys(e, "%s", path) : drives_add_disk(&m->drives, fd, e);
}

/* What only this command reads; for the rest see cli/commands/outputs.h. */
static int check_console(const struct machine *m, struct err *e)
{
	if (outfile_is_not(
		    &m->console, "--console", m->adhoc->persist, "the disk of --persist", e) < 0)
		return -1;
	return outfile_is_not(&m->console, "--console", m->adhoc->plan_file, "the plan", e);
}

static int open_console(struct machine *m, struct err *e)
{
	const char *path = m->adhoc->console;

	if (!path)
		return 0;
	if (outfile_open(path, OUTFILE_LINES, 0644, &m->console, e) < 0 ||
		check_console(m, e) < 0 || outfile_begin(&m->console, e) < 0)
		return err_wrap(e, "--console");
	return 0;
}

/* What the host does not make is in the archive, beside the directory, and that is said. */
static int keep_archive(const struct machine *m, int fd, uint64_t bytes,
	const struct unpack_withheld *w, struct err *e)
{
	auto_free char *path = mem_printf("%s.tar", m->adhoc->artifacts);
	auto_free char *shown = text_safe(path, 1024);
	auto_node struct node *withheld = artifacts_withheld(w);
	auto_free char *text = artifacts_withheld_text(withheld);
	auto_free char *message =
		mem_printf("some artifacts are only in the archive %s: %s", shown, text);
	struct node *n;

	if (artifacts_are_whole(w))
		return 0;
	if (artifacts_copy(fd, bytes, path, e) < 0)
		return -1;
	n = node_map();
	node_set_string(n, "message", message);
	event_send(&m->view->sink, EVENT_WARNING, SOURCE_EPILOG, n);
	return 0;
}

static int keep_artifacts(struct machine *m, struct err *e)
{
	const struct vm_drive *drive = drives_find(&m->drives, DRIVE_ARTIFACTS);
	const char *dest = m->adhoc->artifacts;
	struct unpack_result result;
	struct message_output out;

	if (!dest || m->result.verdict == VERDICT_INTERRUPTED ||
		!stage_was_packed(&m->stage, DRIVE_ARTIFACTS))
		return 0;
	if (stage_output(&m->stage, DRIVE_ARTIFACTS, &out, e) < 0)
		return -1;
	if (artifacts_unpack(drive->fd, out.bytes, out.entries, drive->bytes, dest, &m->view->sink,
		    &result, e) < 0)
		return -1;
	return keep_archive(m, drive->fd, out.bytes, &result.withheld, e);
}

/* They are unpacked after the run, and then it is too late. */
static int check_artifacts(const char *dest, struct err *e)
{
	auto_free char *archive = dest ? mem_printf("%s.tar", dest) : NULL;
	auto_free char *parent = dest ? path_parent(dest) : NULL;
	const char *const made[] = {dest, archive};
	struct stat st;

	for (size_t i = 0; dest && i < ARRAY_SIZE(made); i++)
		if (lstat(made[i], &st) == 0)
			return err_set(e, ERR_INPUT,
				"--artifacts %s: %s is there already; name a directory that does "
				"not exist yet",
				dest, made[i]);
	if (!dest || access(parent, W_OK | X_OK) == 0)
		return 0;
	(void)err_sys(e, "--artifacts %s: no directory can be made in %s", dest, parent);
	e->kind = ERR_INPUT;
	return -1;
}

static int prepare(struct machine *m, struct err *e)
{
	const struct adhoc *adhoc = m->adhoc;
	const char *path = strchr(adhoc->image, '/') ? adhoc->image : NULL;

	if (check_artifacts(adhoc->artifacts, e) < 0 ||
		drives_check_host(m->context->config, NULL, e) < 0 ||
		stage_host_prepare(m->context->config, NULL, adhoc->image, path, adhoc->executor,
			&m->host, e) < 0 ||
		image_verify(&m->host.image, NULL, NULL, NULL, e) < 0)
		return -1;
	if (add_drives(m, e) < 0 || add_disk(m, e) < 0)
		return -1;
	return open_console(m, e);
}

static int carry_out(struct machine *m, struct err *e)
{
	struct stage *s = &m->stage;
	int ended;

	if (prepare(m, e) < 0)
		return -1;
	s->host = &m->host;
	s->plan = m->adhoc->plan;
	s->drives = &m->drives;
	s->sink = &m->view->sink;
	s->loop = &m->loop;
	s->console_fd = m->console.fd;
	ended = stage_run(s, e);
	result_add_stage(&m->result, s);
	if (ended < 0)
		return -1;
	result_take_verdict(&m->result, s);
	if (keep_artifacts(m, e) < 0)
		return -1;
	/* It was asked for, so it is owed. */
	if (m->adhoc->console && s->console_error.kind != ERR_NONE) {
		*e = s->console_error;
		return -1;
	}
	/* A disk on which something failed is in a state that nobody meant: the old one stays. */
	if (m->adhoc->persist && m->result.verdict == VERDICT_PASSED)
		return disk_save(&m->disk, &m->host.image, e);
	return 0;
}

void adhoc_run(const struct run_context *context, const struct adhoc *adhoc,
	const struct run_view *view, struct run_outcome *ret)
{
	struct machine m = {.context = context,
		.adhoc = adhoc,
		.view = view,
		.disk = DISK_NONE,
		.console = OUTFILE_NONE};
	struct err e = {0};

	*ret = (struct run_outcome){0};
	if (view->source)
		loop_add(&m.loop, view->source);
	stage_init(&m.stage);
	result_init(&m.result);
	if (carry_out(&m, &e) < 0) {
		space_explain_probably(&e, context->config->tmpdir);
		result_take_error(&m.result, &e);
	}
	result_set_image(&m.result, &m.host.image);
	result_send_end(&m.result, &view->sink);
	result_fill_outcome(&m.result, ret);
	result_release(&m.result);
	stage_release(&m.stage);
	drives_release(&m.drives);
	disk_release(&m.disk);
	stage_host_release(&m.host);
	outfile_release(&m.console);
}
