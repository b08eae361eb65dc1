/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "contract/contract.h"
#include "data/jsonl.h"
#include "data/pack.h"
#include "data/tarfile.h"
#include "os/fd.h"
#include "os/outfile.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/space.h"
#include "os/sparse.h"
#include "os/temporary.h"
#include "settings/locate.h"
#include "settings/project.h"
#include "settings/statefile.h"
#include "store/convert.h"
#include "store/depskey.h"
#include "store/store.h"

#define INFO_MEMBER "deps.json"

/* A file without fetched dependencies is one that older versions read. */
enum { FORMAT_TRUSTED = 1, FORMAT_BOTH = 2, INFO_BYTES = 64 * 1024 };

const char *const deps_names[DEPS_KINDS] = {
	[DEPS_TRUSTED] = STORE_DEPS, [DEPS_FETCHED] = STORE_FETCHED};

static const char *const members[DEPS_KINDS] = {
	[DEPS_TRUSTED] = "deps.tar", [DEPS_FETCHED] = "fetched.tar"};

/* Archives in open files, and what is known of them. Without one of a kind, fd is -1. */
struct archives {
	int fds[DEPS_KINDS];          /* owned */
	uint64_t offsets[DEPS_KINDS]; /* of the archive in its file */
	struct deps_info info;
};

#define ARCHIVES_NONE                                                                              \
	{                                                                                          \
		.fds = { -1, -1 }                                                                  \
	}

static void archives_release(struct archives *a)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++)
		fd_close(a->fds[kind]);
}
#define auto_archives __attribute__((cleanup(archives_release)))

/* ---- export ---- */

struct written {
	int fd;
	uint64_t flushed;
};

/* The open file, because a run may replace its name. -1 and no error: there is none. */
static int open_stored(
	const char *state, const char *project, enum deps_kind kind, int *ret_fd, struct err *e)
{
	auto_free char *path = mem_printf("%s/%s/current/%s", state, project, deps_names[kind]);

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return *ret_fd < 0 && errno != ENOENT && errno != ENOTDIR ? err_sys(e, "%s", path) : 0;
}

static int measure(int fd, struct deps_archive *ret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "dependencies");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_HOST, "the dependencies are damaged: they are no file");
	ret->bytes = (uint64_t)st.st_size;
	return digest_of_file(fd, ret->bytes, &ret->sha256, e);
}

/* A file always has an archive of trusted machines; this one has no entries. */
static int make_empty(const char *tmpdir, int *ret_fd, struct err *e)
{
	auto_fd int fd = -1;

	if (temporary_file(tmpdir, &fd, e) < 0)
		return -1;
	if (ftruncate(fd, DRIVE_EMPTY_BYTES) < 0)
		return err_sys(e, "make an empty archive");
	*ret_fd = fd_steal(&fd);
	return 0;
}

static int open_archives(const char *state, const char *tmpdir, const char *project,
	struct archives *a, struct err *e)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++)
		if (open_stored(state, project, (enum deps_kind)kind, &a->fds[kind], e) < 0)
			return -1;
	if (a->fds[DEPS_TRUSTED] < 0 && a->fds[DEPS_FETCHED] < 0)
		return err_reason(e, ERR_INPUT, "no_deps", "project %s has no dependencies in %s",
			project, state);
	if (a->fds[DEPS_TRUSTED] < 0 && make_empty(tmpdir, &a->fds[DEPS_TRUSTED], e) < 0)
		return -1;
	return 0;
}

static int measure_all(struct archives *a, struct err *e)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++)
		if (a->fds[kind] >= 0 && measure(a->fds[kind], &a->info.archives[kind], e) < 0)
			return -1;
	return 0;
}

static int on_packed(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	struct written *w = arg;

	(void)entries;
	sparse_flush(w->fd, &w->flushed, bytes);
	return sig_check(e);
}

static struct node *describe(const char *project, const struct deps_info *info)
{
	const struct deps_archive *trusted = &info->archives[DEPS_TRUSTED];
	const struct deps_archive *fetched = &info->archives[DEPS_FETCHED];
	struct node *n = node_map(), *more;

	node_set_int(n, "format", fetched->bytes ? FORMAT_BOTH : FORMAT_TRUSTED);
	node_set_string(n, "project", project);
	node_set_uint(n, "bytes", trusted->bytes);
	node_set_string(n, "sha256", trusted->sha256.s);
	if (fetched->bytes) {
		more = node_set_map(n, "fetched");
		node_set_uint(more, "bytes", fetched->bytes);
		node_set_string(more, "sha256", fetched->sha256.s);
	}
	node_set_string(n, "exported", clock_rfc3339(clock_utc_ns()).s);
	return n;
}

static int add_members(
	struct packer *p, const struct archives *a, const char *project, struct err *e)
{
	auto_node struct node *n = describe(project, &a->info);
	auto_buf struct buf text = {0};

	buf_init(&text, INFO_BYTES);
	jsonl_add_pretty(&text, n);
	if (pack_add_file(p, INFO_MEMBER, 0644, text.data, text.len, e) < 0)
		return -1;
	for (int kind = 0; kind < DEPS_KINDS; kind++)
		if (a->fds[kind] >= 0 && pack_add_fd(p, members[kind], 0644, a->fds[kind], e) < 0)
			return -1;
	return 0;
}

static int write_archive(int to, const struct archives *a, const char *project, struct err *e)
{
	struct written written = {.fd = to};
	const struct pack_options options = {
		.out_is_zero = true, .tick = on_packed, .tick_arg = &written};
	auto_pack_result struct pack_result result = {0};
	auto_packer struct packer *p = pack_begin(to, &options);

	if (add_members(p, a, project, e) < 0 || pack_end(p, &result, e) < 0)
		return -1;
	return ftruncate(to, (off_t)result.bytes) < 0 ? err_sys(e, "write") : 0;
}

/* A pipe or a device is written in order, but the header is made after the data. */
static int write_stream(struct outfile *o, const char *tmpdir, const struct archives *a,
	const char *project, struct err *e)
{
	enum { CHUNK = 64 * 1024 };
	auto_fd int whole = -1;
	char chunk[CHUNK];
	uint64_t at = 0;
	ssize_t n;

	if (temporary_file(tmpdir, &whole, e) < 0 || write_archive(whole, a, project, e) < 0)
		return -1;
	while ((n = fd_pread_full(whole, chunk, sizeof(chunk), at)) > 0) {
		if (sig_check(e) < 0 || outfile_write(o, chunk, (size_t)n, e) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return n < 0 ? err_sys(e, "read") : 0;
}

/* The target must not be a stored file under another name, nor in the project's state. */
static int check_target(const struct outfile *o, const char *state, const char *project,
	const struct archives *a, struct err *e)
{
	auto_free char *home = path_join(state, project);

	for (int kind = 0; kind < DEPS_KINDS; kind++) {
		auto_free char *stored = mem_printf("/proc/self/fd/%d", a->fds[kind]);

		if (a->fds[kind] >= 0 &&
			outfile_is_not(o, "deps export", stored, "the dependencies themselves", e) <
				0)
			return -1;
	}
	return outfile_is_not_below(o, "deps export", home, "the project's state", e);
}

int deps_export(const char *state, const char *tmpdir, const char *project, const char *path,
	struct deps_info *ret_info, struct err *e)
{
	auto_outfile struct outfile o = OUTFILE_NONE;
	auto_archives struct archives a = ARCHIVES_NONE;
	int result;

	if (project_check_name(project, e) < 0 ||
		open_archives(state, tmpdir, project, &a, e) < 0 ||
		outfile_open(path, OUTFILE_WHOLE, 0644, &o, e) < 0 ||
		check_target(&o, state, project, &a, e) < 0 || measure_all(&a, e) < 0)
		return -1;
	result = o.stream ? write_stream(&o, tmpdir, &a, project, e)
			  : write_archive(o.fd, &a, project, e);
	if (result < 0) {
		space_explain(e, o.fd);
		return err_wrap(e, "%s", path);
	}
	if (outfile_finish(&o, e) < 0)
		return -1;
	*ret_info = a.info;
	return 0;
}

/* ---- import of exported files ---- */

static int damaged(struct err *e, const char *what)
{
	return err_reason(e, ERR_INPUT, "deps_damaged",
		"not a whole file of 'ambient deps export': %s", what);
}

/* 1: a member; 0: the end of the archive. */
static int next_member(struct tarfile *t, struct tarfile_member *ret, struct err *e)
{
	struct err why = {0};
	int result = tarfile_next(t, ret, &why);

	if (result >= 0)
		return result;
	if (why.kind == ERR_GUEST)
		return damaged(e, why.msg);
	*e = why;
	return -1;
}

/* The next member, which must have this name. */
static int want_member(
	struct tarfile *t, const char *name, struct tarfile_member *ret, struct err *e)
{
	int result = next_member(t, ret, e);

	if (result <= 0)
		return result < 0 ? -1 : damaged(e, "it ends too early");
	if (ret->entry.type != TAR_FILE || strcmp(ret->entry.path, name) != 0)
		return damaged(e, "it has other members");
	return 0;
}

static int want_end(struct tarfile *t, struct err *e)
{
	struct tarfile_member other;
	int result = next_member(t, &other, e);

	return result > 0 ? damaged(e, "it has other members") : result;
}

static int read_archive_info(const struct node *n, struct deps_archive *ret, struct err *e)
{
	const char *sum = node_get_text(n, "sha256", "");

	if (strlen(sum) != sizeof(ret->sha256.s) - 1)
		return damaged(e, INFO_MEMBER " has no sha256");
	memcpy(ret->sha256.s, sum, sizeof(ret->sha256.s));
	ret->bytes = node_get_uint(n, "bytes", 0);
	return 0;
}

static int read_info(const struct tarfile *t, const struct tarfile_member *m, struct deps_info *ret,
	struct err *e)
{
	auto_buf struct buf text = {0};
	auto_node struct node *n = NULL;
	const struct node *fetched;
	struct err why = {0};

	if (m->entry.size > INFO_BYTES)
		return damaged(e, INFO_MEMBER " is too large");
	buf_init(&text, INFO_BYTES);
	if (tarfile_read(t, m, &text, &why) < 0)
		return damaged(e, why.msg);
	if (statefile_parse(STATEFILE_DEPS, text.data, text.len, INFO_MEMBER, &n, &why) < 0)
		return damaged(e, why.msg);
	if (read_archive_info(n, &ret->archives[DEPS_TRUSTED], e) < 0)
		return -1;
	fetched = node_get(n, "fetched");
	return fetched ? read_archive_info(fetched, &ret->archives[DEPS_FETCHED], e) : 0;
}

static int find_data(struct tarfile *t, enum deps_kind kind, struct archives *a, struct err *e)
{
	struct tarfile_member m;

	if (want_member(t, members[kind], &m, e) < 0)
		return -1;
	if (m.entry.size != a->info.archives[kind].bytes) {
		auto_free char *why = mem_printf(
			"%s has another length than " INFO_MEMBER " says", members[kind]);

		return damaged(e, why);
	}
	a->offsets[kind] = m.offset;
	a->fds[kind] = fcntl(t->fd, F_DUPFD_CLOEXEC, 3);
	return a->fds[kind] < 0 ? err_sys(e, "read") : 0;
}

/* Find the archives in an exported file. */
static int read_head(int fd, struct archives *a, struct err *e)
{
	auto_tarfile struct tarfile t = {0};
	struct tarfile_member m;

	if (tarfile_open(fd, &t, e) < 0 || want_member(&t, INFO_MEMBER, &m, e) < 0 ||
		read_info(&t, &m, &a->info, e) < 0 || find_data(&t, DEPS_TRUSTED, a, e) < 0)
		return -1;
	if (a->info.archives[DEPS_FETCHED].bytes && find_data(&t, DEPS_FETCHED, a, e) < 0)
		return -1;
	return want_end(&t, e);
}

static int copy_data(const struct archives *a, enum deps_kind kind, const char *path, struct err *e)
{
	const struct deps_archive *archive = &a->info.archives[kind];
	auto_fd int to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct digest_text found = {0};

	if (to < 0)
		return err_sys(e, "make %s", path);
	if (sparse_copy(a->fds[kind], a->offsets[kind], to, archive->bytes, e) < 0 ||
		digest_of_file(to, archive->bytes, &found, e) < 0)
		return -1;
	if (strcmp(found.s, archive->sha256.s) != 0) {
		auto_free char *why = mem_printf(
			"%s does not have the digest that " INFO_MEMBER " says", members[kind]);

		return damaged(e, why);
	}
	return fsync(to) < 0 ? err_sys(e, "write %s", path) : 0;
}

/* The limit that applies to a machine's output applies here, too. */
static int check_sizes(const struct deps_info *info, uint64_t max, struct err *e)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++) {
		uint64_t bytes = info->archives[kind].bytes;

		if (bytes > max)
			return err_set(e, ERR_INPUT,
				"the dependencies in it take %s, more than deps_max_size, %s",
				num_show_size_beside(bytes, max).s,
				num_show_size_beside(max, bytes).s);
	}
	return 0;
}

/* ---- import of other archives ---- */

/* By the first bytes, so that a damaged exported file is recognised, too. */
static int is_exported(int fd, bool *ret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode))
		return err_reason(e, ERR_INPUT, "deps_damaged",
			"it is %s; an archive is read twice, so it must be a regular file",
			fd_kind(st.st_mode));
	*ret = tarfile_begins_with(fd, INFO_MEMBER);
	return 0;
}

/* Is this the next member of an archive that was checked before? */
static bool is_next(struct tarfile *t, const char *name, struct err *e)
{
	struct tarfile_member m;

	return next_member(t, &m, e) > 0 && strcmp(m.entry.path, name) == 0;
}

/* An exported file that was compressed must not be imported as dependencies. */
static int check_not_exported(int fd, struct err *e)
{
	auto_tarfile struct tarfile t = {0};

	if (tarfile_open(fd, &t, e) < 0)
		return -1;
	if (!is_next(&t, INFO_MEMBER, e) || !is_next(&t, members[DEPS_TRUSTED], e))
		return e->kind == ERR_NONE ? 0 : -1;
	return err_set(e, ERR_INPUT,
		"it is a file of 'ambient deps export' that was compressed or packed again: "
		"decompress it first");
}

/*
 * If the archive is too large, the message names deps_max_size. All other errors have one reason.
 */
static int refused(struct err *e)
{
	if (e->kind != ERR_INPUT)
		return -1;
	if (strcmp(e->reason, PACK_TOO_LARGE) == 0) {
		*e->reason = '\0';
		return err_append(e, ", which is deps_max_size");
	}
	return err_because(e, "deps_damaged");
}

/* To a file without a name, so that nothing is left after an error. */
static int convert(int from, const struct deps_import_options *o, struct archives *a, struct err *e)
{
	auto_free char *program = o->program ? mem_strdup(o->program) : NULL;
	struct deps_archive *archive = &a->info.archives[DEPS_FETCHED];
	struct convert_result result = {0};
	int *to = &a->fds[DEPS_FETCHED];

	if ((!program && locate_archive_program(REWRITE_PROGRAM, &program, e) < 0) ||
		temporary_file(o->tmpdir, to, e) < 0)
		return -1;
	if (convert_archive(program, from, *to, o->max_bytes, &result, e) < 0 ||
		check_not_exported(*to, e) < 0)
		return refused(e);
	if (digest_of_file(*to, result.bytes, &archive->sha256, e) < 0)
		return -1;
	archive->bytes = result.bytes;
	a->info.dropped = result.dropped;
	return 0;
}

/* ---- import ---- */

/* Without a new archive of a kind, an old one must not stay. */
static int put_nothing(const struct store *s, enum deps_kind kind, const char *path, struct err *e)
{
	auto_free char *old = store_current(s, deps_names[kind]);
	auto_fd int fd = -1;

	if (!old)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || ftruncate(fd, DRIVE_EMPTY_BYTES) < 0 || fsync(fd) < 0)
		return err_sys(e, "make %s", path);
	return 0;
}

static int put(const struct store *s, const struct archives *a, enum deps_kind kind, struct err *e)
{
	auto_free char *path = store_next(s, deps_names[kind], e);

	if (!path)
		return -1;
	return a->fds[kind] < 0 ? put_nothing(s, kind, path, e) : copy_data(a, kind, path, e);
}

static int publish(const struct archives *a, const char *state, const char *project, struct err *e)
{
	auto_store struct store s = STORE_NONE;

	if (store_lock(state, project, &s, e) < 0 || put(&s, a, DEPS_TRUSTED, e) < 0 ||
		put(&s, a, DEPS_FETCHED, e) < 0)
		return -1;
	return store_publish_outputs(&s, e);
}

static int read_file(
	int from, const struct deps_import_options *o, struct archives *a, struct err *e)
{
	bool exported = false;

	if (is_exported(from, &exported, e) < 0)
		return -1;
	if (!exported)
		return convert(from, o, a, e);
	return read_head(from, a, e) < 0 ? -1 : check_sizes(&a->info, o->max_bytes, e);
}

int deps_import(const char *state, const char *project, const struct deps_import_options *o,
	const char *path, struct deps_info *ret_info, struct err *e)
{
	auto_fd int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	auto_archives struct archives a = ARCHIVES_NONE;

	if (project_check_name(project, e) < 0)
		return -1;
	if (from < 0 && strcmp(path, "-") == 0)
		return err_set(e, ERR_INPUT,
			"standard input cannot be imported, because an archive is read twice: "
			"write "
			"it to a file first");
	if (from < 0)
		return err_set(e, ERR_INPUT, "%s: %s", path, strerror(errno));
	if (read_file(from, o, &a, e) < 0 || publish(&a, state, project, e) < 0)
		return err_wrap(e, "%s", path);
	*ret_info = a.info;
	return 0;
}

/* ---- list and clear ---- */

/* "deps" and "deps@SCOPE", and so for the other kind */
static bool is_deps(const char *name)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++) {
		size_t len = strlen(deps_names[kind]);

		if (strncmp(name, deps_names[kind], len) == 0 &&
			(name[len] == '\0' || name[len] == '@'))
			return true;
	}
	return false;
}

/* The key of such an archive goes with it. */
static bool is_key(const char *name)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++) {
		auto_free char *key = depskey_path(deps_names[kind]);
		size_t len = strlen(key);

		if (strncmp(name, key, len) == 0 && (name[len] == '\0' || name[len] == '@'))
			return true;
	}
	return false;
}

static int select_deps_and_keys(const struct dirent *d)
{
	return is_deps(d->d_name) || is_key(d->d_name);
}

static int select_deps(const struct dirent *d)
{
	return is_deps(d->d_name);
}

static void entries_free(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static void add_row(struct node *list, const char *project, const char *name, const struct stat *st)
{
	struct node *row = node_add_map(list);

	node_set_string(row, "project", project);
	node_set_string(row, "name", name);
	node_set_uint(row, "bytes", (uint64_t)st->st_size);
	node_set_string(row, "changed", clock_show(&st->st_mtim).s);
}

/* An error of one project does not end the list. */
static void add_error(struct node *list, const char *project, const char *dir)
{
	struct node *row = node_add_map(list);
	struct err why = {0};

	err_ignore(err_sys(&why, "list %s", dir));
	node_set_string(row, "project", project);
	node_set_string(row, "error", why.msg);
}

static void list_project(struct node *list, const char *state, const char *project)
{
	auto_free char *dir = mem_printf("%s/%s/current", state, project);
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, select_deps, alphasort);

	for (int i = 0; i < count; i++) {
		auto_free char *path = path_join(dir, entries[i]->d_name);
		struct stat st;

		/* A run may have replaced the file meanwhile; the next list shows the new one. */
		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
			add_row(list, project, entries[i]->d_name, &st);
	}
	if (count >= 0)
		entries_free(entries, count);
	else if (errno != ENOENT)
		add_error(list, project, dir);
}

int deps_list(const char *state, struct node **ret_list, struct err *e)
{
	auto_strv struct strv projects = {0};
	struct node *list;

	if (store_list(state, &projects, e) < 0)
		return -1;
	list = node_list();
	strv_each (&projects, project)
		list_project(list, state, *project);
	*ret_list = list;
	return 0;
}

static int remove_all(const char *dir, uint64_t *ret_bytes, struct err *e)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, select_deps_and_keys, alphasort), result = 0;

	*ret_bytes = 0;
	if (count < 0)
		return errno == ENOENT ? 0 : err_sys(e, "list %s", dir);
	for (int i = 0; i < count && result == 0; i++) {
		auto_free char *path = path_join(dir, entries[i]->d_name);
		struct stat st;

		if (lstat(path, &st) < 0 || unlink(path) < 0)
			result = err_sys(e, "remove %s", path);
		else if (is_deps(entries[i]->d_name))
			*ret_bytes += (uint64_t)st.st_size;
	}
	entries_free(entries, count);
	return result < 0 || count == 0 ? result : fd_sync_dir(dir, e);
}

int deps_clear(const char *state, const char *project, uint64_t *ret_bytes, struct err *e)
{
	auto_store struct store s = STORE_NONE;
	auto_free char *home = path_join(state, project), *dir = NULL;

	if (project_check_name(project, e) < 0)
		return -1;
	*ret_bytes = 0;
	/* store_lock would create the directory, for any name on the command line. */
	if (access(home, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (store_lock(state, project, &s, e) < 0)
		return -1;
	dir = path_join(s.dir, "current");
	return remove_all(dir, ret_bytes, e);
}
