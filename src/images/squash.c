/* SPDX-License-Identifier: Apache-2.0 */
#include "images/squash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "images/imagestore.h"
#include "images/limits.h"
#include "images/squashroot.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sig.h"
#include "os/space.h"
#include "store/archiver.h"
#include "store/limits.h"

enum { LOOK_MS = 1000 };

#define SQFSTAR "sqfstar"
#define INSIDE "/out/" /* the directory in the jail */

/* sqfstar while it runs. */
struct packer {
	pid_t pid;
	int pidfd;
	int input;     /* its standard input: the writing end of the pipe */
	int errors;    /* its standard error */
	int file;      /* its output */
	uint64_t most; /* bytes that it may write */
};

static void packer_release(struct packer *p)
{
	jail_kill(&p->pid);
	fd_close(p->pidfd);
	fd_close(p->input);
	fd_close(p->errors);
	fd_close(p->file);
}
#define auto_packer __attribute__((cleanup(packer_release)))

/* ---- starting ---- */

static int find_program(char **ret, struct err *e)
{
	*ret = proc_find(SQFSTAR);
	if (*ret)
		return 0;
	return err_reason(e, ERR_HOST, "host_no_squashfs",
		SQFSTAR " is missing; on Debian: apt-get install squashfs-tools");
}

/* -noI and the mode: see squashroot.h. */
static void add_arguments(struct jail *j, const char *name)
{
	static const char *const fixed[] = {SQFSTAR, "-quiet", "-no-progress", "-force",
		"-exit-on-error", "-noI", "-comp", "lz4", "-mkfs-time", "0", "-root-mode", "0755",
		"-mem", "512M"};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(&j->argv, fixed[i]);
	strv_pushf(&j->argv, INSIDE "%s", name);
}

static int start_packer(const char *program, const char *path, struct packer *p, int input,
	int errors, struct err *e)
{
	auto_free char *inside = mem_printf(INSIDE "%s", path_base(path));
	auto_jail struct jail j;

	jail_init(&j, SQFSTAR);
	j.program = program;
	j.stdin_fd = input;
	j.stderr_fd = errors;
	j.max_files = LIMIT_ARCHIVE_FILES;
	j.max_memory = LIMIT_SQUASH_MEMORY;
	j.max_file_bytes = p->most;
	jail_device(&j, "/dev/null");
	jail_bind(&j, path, inside, JAIL_WRITABLE);
	add_arguments(&j, path_base(path));
	if (jail_vm_user(NULL, &j.uid, &j.gid, e) < 0)
		return -1;
	return jail_start(&j, &p->pid, &p->pidfd, e);
}

static int make_pipe(int ret[2], struct err *e)
{
	return pipe2(ret, O_CLOEXEC) < 0 ? err_sys(e, "pipe") : 0;
}

static int start(const char *dir, const char *name, struct packer *p, struct err *e)
{
	auto_free char *program = NULL, *path = path_join(dir, name);
	auto_fd int input_inside = -1, errors_inside = -1;
	int ends[2];

	p->most = space_share(dir, LIMIT_IMAGE_BYTES);
	if (find_program(&program, e) < 0 || imagestore_make_file(path, &p->file, e) < 0 ||
		make_pipe(ends, e) < 0)
		return -1;
	input_inside = ends[0];
	p->input = ends[1];
	if (make_pipe(ends, e) < 0)
		return -1;
	p->errors = ends[0];
	errors_inside = ends[1];
	return start_packer(program, path, p, input_inside, errors_inside, e);
}

/* ---- layers ---- */

static int write_layers(const struct container_image *image, const char *program, int out,
	struct rewrite_report *ret, struct err *e)
{
	auto_jail struct jail j;
	uint64_t bytes = 0;

	archiver_init(&j, program, "layers", LIMIT_IMAGE_BYTES);
	j.max_files = LIMIT_ARCHIVE_FILES + image->layer_count;
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct blob *layer = &image->layers[i];

		jail_keep_as(&j, layer->fd, REWRITE_LAYERS + (int)i);
		strv_pushf(&j.argv, "%" PRIu64, layer->offset);
		strv_pushf(&j.argv, "%" PRIu64, layer->bytes);
		bytes += layer->bytes;
	}
	return archiver_run(&j, out, bytes, LIMIT_IMAGE_BYTES, ret, e);
}

/* ---- the end ---- */

/* Always -1. */
static int explained(const struct packer *p, struct err *e)
{
	space_explain(e, p->file);
	return -1;
}

/* It was not allowed to write more, and says so: it gets no SIGXFSZ as the first process of a jail. */
static int too_large(const struct packer *p, const char *dir, struct err *e)
{
	if (p->most == LIMIT_IMAGE_BYTES)
		return err_set(e, ERR_INPUT, "its root file system needs more than %s",
			num_show_size(p->most).s);
	return err_reason(e, ERR_HOST, ERR_REASON_DISK,
		"its root file system needs more than %s, which is nine tenths of what was free on "
		"the disk of the host in %s; make room there",
		num_show_size(p->most).s, dir);
}

/* Its messages are not translated: the jail has no locale. */
static bool says(const char *line, int number)
{
	return strstr(line, strerror(number));
}

/* The first line of its standard error has the reason. */
static int failed(const struct packer *p, int status, const char *dir, struct err *e)
{
	auto_free char *safe = proc_first_line(p->errors);

	if (says(safe, EFBIG) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ))
		return too_large(p, dir, e);
	if (WIFSIGNALED(status))
		return err_set(e, ERR_HOST, SQFSTAR " was ended by signal %d", WTERMSIG(status));
	(void)err_set(e, ERR_HOST, SQFSTAR ": %s", safe[0] ? safe : "it failed without a reason");
	e->sys = says(safe, ENOSPC) ? ENOSPC : says(safe, EDQUOT) ? EDQUOT : 0;
	if (e->sys)
		(void)err_because(e, ERR_REASON_DISK);
	return explained(p, e);
}

/* Its output grows while it works. */
static int await(struct packer *p, int *ret_status, struct err *e)
{
	int64_t deadline = clock_ms() + LIMIT_SQUASH_STALL_MS;
	bool ended = false;
	off_t size = 0;

	while (!ended) {
		struct pollfd set[] = {
			{.fd = p->pidfd, .events = POLLIN}, {.fd = sig_fd(), .events = POLLIN}};
		struct stat st;

		ended = poll(set, ARRAY_SIZE(set), LOOK_MS) > 0 && set[0].revents;
		if (sig_check(e) < 0)
			return -1;
		if (fstat(p->file, &st) == 0 && st.st_size != size) {
			size = st.st_size;
			deadline = clock_ms() + LIMIT_SQUASH_STALL_MS;
		}
		if (!ended && clock_ms() >= deadline)
			return err_set(e, ERR_HOST, SQFSTAR " made no progress for %s",
				num_show_duration(LIMIT_SQUASH_STALL_MS).s);
	}
	if (proc_wait(p->pid, ret_status) < 0)
		return err_sys(e, "wait for " SQFSTAR);
	p->pid = -1;
	return 0;
}

static int finish(struct packer *p, const char *dir, struct err *e)
{
	int status = 0;

	if (await(p, &status, e) < 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return failed(p, status, dir, e);
	if (squashroot_set(p->file, e) < 0)
		return explained(p, e);
	if (fchmod(p->file, 0644) < 0 || fsync(p->file) < 0) {
		(void)err_sys(e, "keep the root file system in %s", dir);
		return explained(p, e);
	}
	return 0;
}

int squash_layers(const struct container_image *image, const char *program, const char *dir,
	const char *name, struct squash_result *ret, struct err *e)
{
	auto_packer struct packer p = {
		.pid = -1, .pidfd = -1, .input = -1, .errors = -1, .file = -1};
	struct rewrite_report report = {0};
	struct err why = {0};
	bool written;

	if (start(dir, name, &p, e) < 0)
		return -1;
	written = write_layers(image, program, p.input, &report, &why) == 0;
	fd_close(p.input);
	p.input = -1;
	/* A fault of a layer ends sqfstar, too; a fault of sqfstar ends the writing of layers. */
	if (written || why.kind == ERR_HOST) {
		if (finish(&p, dir, e) < 0)
			return -1;
	}
	if (!written) {
		*e = why;
		return -1;
	}
	*ret = (struct squash_result){.dropped = report.dropped.xattrs};
	return 0;
}
