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
#include "run/machine.h"
#include "run/result.h"

struct adhoc_run {
	const struct run_context *context;
	const struct adhoc *adhoc;
	const struct run_view *view;
	struct loop loop;
	struct machine_host host;
	struct drives drives;
	struct machine machine;
	struct result result;
	struct disk disk;
	struct outfile console;
};

static int add_drives(struct adhoc_run *r, struct err *e)
{
	const struct config *config = r->context->config;
	auto_fd int fd = -1;

	if (drives_add_stored(&r->drives, DRIVE_SRC, NULL, e) < 0 ||
		drives_add_stored(&r->drives, DRIVE_DEPS, NULL, e) < 0 ||
		drives_add_stored(&r->drives, DRIVE_FETCHED, NULL, e) < 0 ||
		drives_add_stored(&r->drives, DRIVE_CACHE, NULL, e) < 0 ||
		temporary_file(config->tmpdir, &fd, e) < 0)
		return -1;
	return drives_add_output(
		&r->drives, DRIVE_ARTIFACTS, fd_steal(&fd), config->artifacts_max, e);
}

static int add_disk(struct adhoc_run *r, struct err *e)
{
	const char *path = r->adhoc->persist;
	int fd;

	if (!path)
		return 0;
	if (r->host.image.boot == IMAGE_BOOT_DISK)
		return err_set(e, ERR_INPUT,
			"--persist: image %s boots from its own disk, whose changes are not kept",
			r->host.image.name);
	if (disk_open(path, &r->host.image, r->context->config->scratch_bytes, &r->disk, e) < 0)
		return -1;
	fd = fcntl(r->disk.copy.fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? err_sys(e, "%s", path) : drives_add_disk(&r->drives, fd, e);
}

/* Files that only this command reads; cli/commands/outputs.h checks the others. */
static int check_console(const struct adhoc_run *r, struct err *e)
{
	if (outfile_is_not(
		    &r->console, "--console", r->adhoc->persist, "the disk of --persist", e) < 0)
		return -1;
	return outfile_is_not(&r->console, "--console", r->adhoc->plan_file, "the plan", e);
}

static int open_console(struct adhoc_run *r, struct err *e)
{
	const char *path = r->adhoc->console;

	if (!path)
		return 0;
	if (outfile_open(path, OUTFILE_LINES, 0644, &r->console, e) < 0 ||
		check_console(r, e) < 0 || outfile_begin(&r->console, e) < 0)
		return err_wrap(e, "--console");
	return 0;
}

/*
 * If the host did not create all artifacts, keep the archive beside the directory, with a warning.
 */
static int keep_archive(const struct adhoc_run *r, int fd, uint64_t bytes,
	const struct unpack_withheld *w, struct err *e)
{
	auto_free char *path = mem_printf("%s.tar", r->adhoc->artifacts);
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
	event_send(&r->view->sink, EVENT_WARNING, SOURCE_EPILOG, n);
	return 0;
}

static int keep_artifacts(struct adhoc_run *r, struct err *e)
{
	const struct vm_drive *drive = drives_find(&r->drives, DRIVE_ARTIFACTS);
	const char *dest = r->adhoc->artifacts;
	struct unpack_result result;
	struct message_output out;

	if (!dest || r->result.verdict == VERDICT_INTERRUPTED ||
		!machine_was_packed(&r->machine, DRIVE_ARTIFACTS))
		return 0;
	if (machine_output(&r->machine, DRIVE_ARTIFACTS, &out, e) < 0)
		return -1;
	if (artifacts_unpack(drive->fd, out.bytes, out.entries, drive->bytes, dest, &r->view->sink,
		    &result, e) < 0)
		return -1;
	return keep_archive(r, drive->fd, out.bytes, &result.withheld, e);
}

/* Neither file exists yet, so their names are compared. */
static int are_two(const char *made, const char *option, const char *other, struct err *e)
{
	auto_free char *a = path_absolute(made), *b = other ? path_absolute(other) : NULL;

	if (!other || strcmp(a, b) != 0)
		return 0;
	return err_set(e, ERR_INPUT, "--artifacts %s and %s %s are one file", made, option, other);
}

static int is_new(const struct adhoc *adhoc, const char *made, struct err *e)
{
	struct stat st;

	if (lstat(made, &st) == 0)
		return err_set(e, ERR_INPUT,
			"--artifacts %s: %s is there already; name a directory that does not exist "
			"yet",
			adhoc->artifacts, made);
	if (are_two(made, "--console", adhoc->console, e) < 0)
		return -1;
	return are_two(made, "--persist", adhoc->persist, e);
}

/* Before the run: the artifacts are unpacked only after it. */
static int check_artifacts(const struct adhoc *adhoc, struct err *e)
{
	const char *dest = adhoc->artifacts;
	auto_free char *archive = dest ? mem_printf("%s.tar", dest) : NULL;
	auto_free char *parent = dest ? path_parent(dest) : NULL;

	if (!dest)
		return 0;
	if (is_new(adhoc, dest, e) < 0 || is_new(adhoc, archive, e) < 0)
		return -1;
	if (access(parent, W_OK | X_OK) == 0)
		return 0;
	(void)err_sys(e, "--artifacts %s: no directory can be made in %s", dest, parent);
	e->kind = ERR_INPUT;
	return -1;
}

static int prepare_host(struct adhoc_run *r, struct err *e)
{
	const struct config *config = r->context->config;
	const char *image = r->adhoc->image, *executor = r->adhoc->executor;

	if (!image)
		return machine_host_prepare_trusted(config, NULL, executor, &r->host, e);
	return machine_host_prepare(
		config, NULL, image, strchr(image, '/') ? image : NULL, executor, &r->host, e);
}

static int prepare(struct adhoc_run *r, struct err *e)
{
	const struct adhoc *adhoc = r->adhoc;

	if (check_artifacts(adhoc, e) < 0 || drives_check_host(r->context->config, NULL, e) < 0 ||
		prepare_host(r, e) < 0 || image_verify(&r->host.image, NULL, NULL, NULL, e) < 0)
		return -1;
	if (add_drives(r, e) < 0 || add_disk(r, e) < 0)
		return -1;
	return open_console(r, e);
}

static int carry_out(struct adhoc_run *r, struct err *e)
{
	struct machine *m = &r->machine;
	int ended;

	if (prepare(r, e) < 0)
		return -1;
	m->host = &r->host;
	m->plan = r->adhoc->plan;
	m->egress = r->adhoc->egress;
	m->drives = &r->drives;
	m->sink = &r->view->sink;
	m->loop = &r->loop;
	m->console_fd = r->console.fd;
	ended = machine_run(m, e);
	result_add_machine(&r->result, m);
	if (ended < 0)
		return -1;
	result_take_verdict(&r->result, m);
	if (keep_artifacts(r, e) < 0)
		return -1;
	/* The console log was requested, so a failure to write it is an error. */
	if (r->adhoc->console && m->console_error.kind != ERR_NONE) {
		*e = m->console_error;
		return -1;
	}
	/* After a failure the contents of the disk are undefined: the old disk is kept. */
	if (r->adhoc->persist && r->result.verdict == VERDICT_PASSED)
		return disk_save(&r->disk, &r->host.image, e);
	return 0;
}

void adhoc_run(const struct run_context *context, const struct adhoc *adhoc,
	const struct run_view *view, struct run_outcome *ret)
{
	struct adhoc_run r = {.context = context,
		.adhoc = adhoc,
		.view = view,
		.disk = DISK_NONE,
		.console = OUTFILE_NONE};
	struct err e = {0};

	*ret = (struct run_outcome){0};
	if (view->source)
		loop_add(&r.loop, view->source);
	machine_init(&r.machine);
	result_init(&r.result);
	if (carry_out(&r, &e) < 0) {
		space_explain_probably(&e, context->config->tmpdir);
		result_take_error(&r.result, &e);
	}
	result_set_image(&r.result, &r.host.image);
	result_send_end(&r.result, &view->sink);
	result_fill_outcome(&r.result, ret);
	result_release(&r.result);
	machine_release(&r.machine);
	drives_release(&r.drives);
	disk_release(&r.disk);
	machine_host_release(&r.host);
	outfile_release(&r.console);
}
