/* SPDX-License-Identifier: Apache-2.0 */
#include "run/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "contract/contract.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sig.h"
#include "os/space.h"
#include "run/limits.h"

#define INSIDE "/artifacts"

enum { PROGRESS_MS = 100 };

/* Memory shared by parent and child: one or two pages. */
struct shared {
	int tar_fd; /* its number in the jail */
	uint64_t bytes;
	struct unpack_policy policy;
	volatile uint64_t entries_so_far, bytes_so_far;
	struct unpack_result result;
	struct err error;
};

/* ---- in the child ---- */

static int count(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	struct shared *s = arg;

	(void)e;
	s->entries_so_far = entries;
	s->bytes_so_far = bytes;
	return 0;
}

static int unpack_inside(void *arg)
{
	struct shared *s = arg;
	int dest = open(INSIDE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dest < 0) {
		err_ignore(err_sys(&s->error, "open the artifacts directory"));
		return 1;
	}
	return unpack_tree(s->tar_fd, s->bytes, dest, &s->policy, &s->result, &s->error) < 0;
}

/* ---- in the parent ---- */

static void report_progress(const struct shared *s, const struct event_sink *sink)
{
	struct node *n = node_map();

	node_set_string(n, "stage", "unpack");
	node_set_uint(n, "entries", s->entries_so_far);
	node_set_uint(n, "bytes", s->bytes_so_far);
	event_send(sink, EVENT_PROGRESS, SOURCE_EPILOG, n);
}

/* The child has read hostile bytes, so the shared memory is hostile, too. */
static int take_error(const struct err *from, struct err *e)
{
	struct err copy = *from;
	auto_free char *safe = NULL;

	copy.msg[sizeof(copy.msg) - 1] = '\0';
	safe = text_safe(copy.msg, sizeof(copy.msg) - 1);
	if (copy.kind != ERR_HOST)
		return err_reason(e, ERR_GUEST, "artifacts_refused", "%s", safe);
	(void)err_set(e, ERR_HOST, "%s", safe);
	e->sys = copy.sys;
	return strncmp(copy.reason, ERR_REASON_DISK, sizeof(copy.reason)) == 0
		? err_because(e, ERR_REASON_DISK)
		: -1;
}

static int wait_for_child(
	pid_t *pid, int pidfd, const struct shared *s, const struct event_sink *sink, struct err *e)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int status;

	while (poll(&p, 1, PROGRESS_MS) <= 0) {
		if (sig_check(e) < 0)
			return -1;
		report_progress(s, sink);
	}
	if (proc_wait(*pid, &status) < 0)
		return err_sys(e, "wait for the reader of artifacts");
	*pid = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (s->error.kind == ERR_NONE)
		return err_reason(e, ERR_GUEST, "guest_output",
			"the reader of the artifacts was killed by signal %d",
			WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return take_error(&s->error, e);
}

static int run_child(struct shared *s, int tar_fd, const char *dest, const struct event_sink *sink,
	struct err *e)
{
	auto_jail struct jail j;
	auto_jailed pid_t pid = -1;
	auto_fd int pidfd = -1;

	jail_init(&j, "unpack");
	j.entry = unpack_inside;
	j.arg = s;
	j.no_children = true;
	j.own_calls = true;
	/* The files must belong to the caller. The jail limits what root can do. */
	j.uid = geteuid();
	j.gid = getegid();
	j.root_ok = true;
	s->tar_fd = jail_keep(&j, tar_fd);
	jail_bind(&j, dest, INSIDE, JAIL_WRITABLE);
	if (jail_start(&j, &pid, &pidfd, e) < 0)
		return -1;
	return wait_for_child(&pid, pidfd, s, sink, e);
}

static int unpack_into(struct shared *s, int tar_fd, uint64_t entries, const char *dest,
	const struct event_sink *sink, struct err *e)
{
	if (run_child(s, tar_fd, dest, sink, e) < 0)
		return err_wrap(e, "%s", path_base(dest));
	if (s->result.entries != entries)
		return err_reason(e, ERR_GUEST, "guest_output",
			"%s: the archive holds %" PRIu64 " entries, the guest claims %" PRIu64,
			path_base(dest), s->result.entries, entries);
	return 0;
}

/* ---- entries that were not created ---- */

static const struct {
	const char *key, *one, *many;
	size_t offset;
} kinds[] = {
	{"devices", "device", "devices", offsetof(struct unpack_withheld, devices)},
	{"fifos", "fifo", "fifos", offsetof(struct unpack_withheld, fifos)},
	{"sockets", "socket", "sockets", offsetof(struct unpack_withheld, sockets)},
	{"links", "link that leads out", "links that lead out",
		offsetof(struct unpack_withheld, links)},
	{"set_id", "file with set-id or sticky bits", "files with set-id or sticky bits",
		offsetof(struct unpack_withheld, set_id)},
	{"xattrs", "file with extended attributes", "files with extended attributes",
		offsetof(struct unpack_withheld, xattrs)},
};

static uint64_t count_of(const struct unpack_withheld *w, size_t kind)
{
	return *(const uint64_t *)(const void *)((const char *)w + kinds[kind].offset);
}

bool artifacts_are_whole(const struct unpack_withheld *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (count_of(w, i))
			return false;
	return true;
}

struct node *artifacts_withheld(const struct unpack_withheld *w)
{
	struct node *map = node_map();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (count_of(w, i))
			node_set_uint(map, kinds[i].key, count_of(w, i));
	return map;
}

char *artifacts_withheld_text(const struct node *map)
{
	auto_buf struct buf b = {0};

	buf_init(&b, 1024);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t n = node_get_uint(map, kinds[i].key, 0);

		if (n)
			buf_addf(&b, "%s%" PRIu64 " %s", b.len ? ", " : "", n,
				n == 1 ? kinds[i].one : kinds[i].many);
	}
	return mem_strdup(b.data);
}

static int copy_data(int from, int to, uint64_t bytes, struct err *e)
{
	off_t at = 0;

	while ((uint64_t)at < bytes) {
		off_t start = lseek(from, at, SEEK_DATA), end;

		if (start < 0 && errno == ENXIO)
			break;
		end = start < 0 ? -1 : lseek(from, start, SEEK_HOLE);
		if (end < 0 || lseek(from, start, SEEK_SET) < 0 || lseek(to, start, SEEK_SET) < 0)
			return err_sys(e, "read the archive of artifacts");
		if ((uint64_t)end > bytes)
			end = (off_t)bytes;
		if (start < end && fd_copy(from, to, (uint64_t)(end - start), e) < 0)
			return -1;
		at = end;
	}
	return ftruncate(to, (off_t)bytes) < 0 ? err_sys(e, "set its size") : 0;
}

int artifacts_copy(int tar_fd, uint64_t bytes, const char *path, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		(void)err_sys(e, "make %s", path);
		space_explain_path(e, path);
		return -1;
	}
	if (copy_data(tar_fd, fd, bytes, e) == 0)
		return 0;
	space_explain(e, fd);
	(void)unlink(path);
	return err_wrap(e, "%s", path);
}

/* ---- the complete operation ---- */

/* The umask of this process; the jail has another one. */
static mode_t own_umask(void)
{
	mode_t mask = umask(077);

	(void)umask(mask);
	return mask;
}

/* An archive that is all zeros needs no reading, and so no jail. */
static bool is_empty_archive(int tar_fd, uint64_t bytes, uint64_t entries)
{
	static const char zeros[DRIVE_EMPTY_BYTES];
	char found[DRIVE_EMPTY_BYTES];

	return bytes == sizeof(found) && entries == 0 &&
		fd_pread_full(tar_fd, found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
		memcmp(found, zeros, sizeof(found)) == 0;
}

int artifacts_unpack(int tar_fd, uint64_t bytes, uint64_t entries, uint64_t max_bytes,
	const char *dest, const struct event_sink *sink, struct unpack_result *ret, struct err *e)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct err ignored = {0};
	int result;

	if (s == MAP_FAILED)
		return err_sys(e, "share memory with the reader of artifacts");
	s->bytes = bytes;
	s->policy = (struct unpack_policy){
		.rules = {.strict = true, .specials = true, .max_bytes = max_bytes},
		.plain_modes = true,
		.mask = own_umask(),
		.root = GUEST_ARTIFACTS,
		.max_disk = max_bytes > LIMIT_UNPACKED_LEAST ? max_bytes : LIMIT_UNPACKED_LEAST,
		.tick = count,
		.tick_arg = s};
	if (mkdir(dest, 0755) < 0) {
		(void)err_sys(e, "make %s", dest);
		space_explain_path(e, dest);
		(void)munmap(s, sizeof(*s));
		return -1;
	}
	if (is_empty_archive(tar_fd, bytes, entries))
		result = 0;
	else
		result = unpack_into(s, tar_fd, entries, dest, sink, e);
	if (result == 0) {
		*ret = s->result;
	} else {
		space_explain_path(e, dest);
		err_ignore(path_remove_tree(dest, &ignored)); /* work/ is emptied by the next run */
	}
	(void)munmap(s, sizeof(*s));
	return result;
}
