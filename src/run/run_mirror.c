/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source that is a repository on a server, before the run of its plans: a trusted machine fetches it
 * into a mirror, a bare repository; the host unpacks the mirror by the rules of artifacts, and git, in
 * its jail, checks it out. Mirror and checkout are kept in the project's directory (store.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/unpack.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/temporary.h"
#include "run/artifacts.h"
#include "run/run_internal.h"
#include "source/checkout.h"
#include "source/source.h"

static char *mirror_path(const struct run *r)
{
	return path_join(r->store.dir, PROJECT_MIRROR);
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int run_add_mirror_drives(struct run *r, struct drives *d, struct err *e)
{
	auto_free char *mirror = mirror_path(r);
	int fd;

	if (!is_there(mirror)) {
		if (drives_add_stored(d, DRIVE_MIRROR, NULL, e) < 0)
			return -1;
	} else if (source_pack_own(r->config, mirror, &fd, e) < 0 ||
		drives_add_fd(d, DRIVE_MIRROR, fd, e) < 0) {
		return -1;
	}
	if (temporary_file(r->config->tmpdir, &fd, e) < 0)
		return -1;
	return drives_add_output(d, DRIVE_MIRROR_OUT, fd, r->sizes.mirror, e);
}

/* A bare repository has nothing that would be withheld. */
static int unpack(struct run *r, const char *dest, struct err *e)
{
	const struct phase *p = &r->phases[RUN_MIRROR];
	const struct vm_drive *drive = drives_find(&p->drives, DRIVE_MIRROR_OUT);
	struct unpack_result result;
	struct message_output out;

	if (machine_output(&p->machine, DRIVE_MIRROR_OUT, &out, e) < 0)
		return -1;
	if (artifacts_unpack(drive->fd, out.bytes, out.entries, drive->bytes, dest, &r->sink,
		    &result, e) < 0)
		return e->kind == ERR_GUEST ? err_because(e, "guest_output") : -1;
	if (artifacts_are_whole(&result.withheld))
		return 0;
	return err_reason(e, ERR_GUEST, "guest_output",
		"the mirror has entries that no repository has, such as links or devices");
}

/* A mirror of which a power failure has left a part would be fetched anew. */
static int sync_files(const char *dir, struct err *e)
{
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? err_sys(e, "write %s to the disk", dir) : 0;
}

/* One rename replaces the old mirror; what is left of it is removed with work/. */
static int keep_mirror(struct run *r, struct err *e)
{
	auto_free char *new = path_join(r->store.work, PROJECT_MIRROR);
	auto_free char *place = mirror_path(r);
	unsigned how = is_there(place) ? RENAME_EXCHANGE : RENAME_NOREPLACE;

	if (unpack(r, new, e) < 0 || sync_files(new, e) < 0)
		return -1;
	if (renameat2(AT_FDCWD, new, AT_FDCWD, place, how) < 0)
		return err_sys(e, "rename %s to %s", new, place);
	return 0;
}

static int fetch_mirror(struct run *r, struct err *e)
{
	if (run_phase(r, RUN_MIRROR, e) < 0)
		return -1;
	return run_passes(r) ? keep_mirror(r, e) : 0;
}

/* The last run with a network has left it. */
static int need_mirror(struct run *r, struct err *e)
{
	auto_free char *mirror = mirror_path(r);

	if (is_there(mirror))
		return 0;
	return err_reason(e, ERR_INPUT, "offline",
		"--offline: the repository of the source must be fetched from %s; run it once with "
		"a network",
		r->phases[RUN_MIRROR].missed_host);
}

static int make_checkout(struct run *r, struct err *e)
{
	auto_free char *mirror = mirror_path(r);
	const struct node *source = r->project->repository;
	const struct checkout c = {.mirror = mirror,
		.objects = r->project->git_objects.items[0],
		.url = node_get_text(source, PROJECT_GIT, NULL),
		.ref = node_get_text(source, PROJECT_REF, NULL),
		.dir = r->project->source,
		.work = r->store.work,
		.max_bytes = r->sizes.mirror};

	if (checkout_make(&c, e) < 0)
		return err_wrap(e, "source %s", c.url);
	return 0;
}

int run_fetch_source(struct run *r, struct err *e)
{
	if ((r->options->offline ? need_mirror(r, e) : fetch_mirror(r, e)) < 0)
		return -1;
	return run_passes(r) ? make_checkout(r, e) : 0;
}
