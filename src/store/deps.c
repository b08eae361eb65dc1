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
#include "store/store.h"

#define NAME "deps"
#define INFO_MEMBER "deps.json"
#define DATA_MEMBER "deps.tar"

enum { FORMAT = 1, INFO_BYTES = 64 * 1024 };

/* ---- export ---- */

struct written {
	int fd;
	uint64_t flushed;
};

/* The open file, because a run may replace its name. */
static int open_stored(const char *state, const char *project, int *ret_fd, struct err *e)
{
	auto_free char *path = mem_printf("%s/%s/current/" NAME, state, project);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_reason(e, ERR_INPUT, "no_deps", "project %s has no dependencies in %s",
			project, state);
	if (fd < 0)
		return err_sys(e, "%s", path);
	*ret_fd = fd;
	return 0;
}

static int measure(int fd, struct deps_info *ret_info, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "dependencies");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_HOST, "the dependencies are damaged: they are no file");
	ret_info->bytes = (uint64_t)st.st_size;
	return digest_of_file(fd, ret_info->bytes, &ret_info->sha256, e);
}

static int on_packed(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	struct written *w = arg;

	(void)entries;
	sparse_flush(w->fd, &w->flushed, bytes);
	return sig_check(e);
}

static int write_archive(
	int to, int from, const char *project, const struct deps_info *info, struct err *e)
{
	struct written written = {.fd = to};
	const struct pack_options options = {
		.out_is_zero = true, .tick = on_packed, .tick_arg = &written};
	auto_pack_result struct pack_result result = {0};
	auto_packer struct packer *p = pack_begin(to, &options);
	auto_node struct node *n = node_map();
	auto_buf struct buf text = {0};

	node_set_int(n, "format", FORMAT);
	node_set_string(n, "project", project);
	node_set_uint(n, "bytes", info->bytes);
	node_set_string(n, "sha256", info->sha256.s);
	node_set_string(n, "exported", clock_rfc3339(clock_utc_ns()).s);
	buf_init(&text, INFO_BYTES);
	jsonl_add_pretty(&text, n);
	if (pack_add_file(p, INFO_MEMBER, 0644, text.data, text.len, e) < 0 ||
		pack_add_fd(p, DATA_MEMBER, 0644, from, e) < 0 || pack_end(p, &result, e) < 0)
		return -1;
	return ftruncate(to, (off_t)result.bytes) < 0 ? err_sys(e, "write") : 0;
}

/* A pipe or a device is written in order, but the header is made after the data. */
static int write_stream(struct outfile *o, const char *tmpdir, int from, const char *project,
	const struct deps_info *info, struct err *e)
{
	enum { CHUNK = 64 * 1024 };
	auto_fd int whole = -1;
	char chunk[CHUNK];
	uint64_t at = 0;
	ssize_t n;

	if (temporary_file(tmpdir, &whole, e) < 0 ||
		write_archive(whole, from, project, info, e) < 0)
		return -1;
	while ((n = fd_pread_full(whole, chunk, sizeof(chunk), at)) > 0) {
		if (sig_check(e) < 0 || outfile_write(o, chunk, (size_t)n, e) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return n < 0 ? err_sys(e, "read") : 0;
}

/* The target must not be the stored file under another name, nor in the project's state. */
static int check_target(
	const struct outfile *o, const char *state, const char *project, int from, struct err *e)
{
	auto_free char *home = path_join(state, project);
	auto_free char *stored = mem_printf("/proc/self/fd/%d", from);

	if (outfile_is_not(o, "deps export", stored, "the dependencies themselves", e) < 0)
		return -1;
	return outfile_is_not_below(o, "deps export", home, "the project's state", e);
}

int deps_export(const char *state, const char *tmpdir, const char *project, const char *path,
	struct deps_info *ret_info, struct err *e)
{
	auto_outfile struct outfile o = OUTFILE_NONE;
	auto_fd int from = -1;
	struct deps_info info = {0};
	int result;

	if (project_check_name(project, e) < 0 || open_stored(state, project, &from, e) < 0 ||
		outfile_open(path, OUTFILE_WHOLE, 0644, &o, e) < 0 ||
		check_target(&o, state, project, from, e) < 0 || measure(from, &info, e) < 0)
		return -1;
	result = o.stream ? write_stream(&o, tmpdir, from, project, &info, e)
			  : write_archive(o.fd, from, project, &info, e);
	if (result < 0) {
		space_explain(e, o.fd);
		return err_wrap(e, "%s", path);
	}
	if (outfile_finish(&o, e) < 0)
		return -1;
	*ret_info = info;
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

static int read_info(const struct tarfile *t, const struct tarfile_member *m, struct deps_info *ret,
	struct err *e)
{
	auto_buf struct buf text = {0};
	auto_node struct node *n = NULL;
	struct err why = {0};
	const char *sum;

	if (m->entry.size > INFO_BYTES)
		return damaged(e, INFO_MEMBER " is too large");
	buf_init(&text, INFO_BYTES);
	if (tarfile_read(t, m, &text, &why) < 0)
		return damaged(e, why.msg);
	if (statefile_parse(STATEFILE_DEPS, text.data, text.len, INFO_MEMBER, &n, &why) < 0)
		return damaged(e, why.msg);
	sum = node_get_text(n, "sha256", "");
	if (strlen(sum) != sizeof(ret->sha256.s) - 1)
		return damaged(e, INFO_MEMBER " has no sha256");
	memcpy(ret->sha256.s, sum, sizeof(ret->sha256.s));
	ret->bytes = node_get_uint(n, "bytes", 0);
	return 0;
}

/* Read the offset of the data, and their expected size and digest. */
static int read_head(int fd, uint64_t *ret_offset, struct deps_info *ret, struct err *e)
{
	auto_tarfile struct tarfile t = {0};
	struct tarfile_member m;

	if (tarfile_open(fd, &t, e) < 0 || want_member(&t, INFO_MEMBER, &m, e) < 0 ||
		read_info(&t, &m, ret, e) < 0 || want_member(&t, DATA_MEMBER, &m, e) < 0)
		return -1;
	if (m.entry.size != ret->bytes)
		return damaged(e, DATA_MEMBER " has another length than " INFO_MEMBER " says");
	*ret_offset = m.offset;
	return want_end(&t, e);
}

static int copy_data(
	int from, uint64_t offset, const struct deps_info *info, const char *path, struct err *e)
{
	auto_fd int to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct digest_text found = {0};

	if (to < 0)
		return err_sys(e, "make %s", path);
	if (sparse_copy(from, offset, to, info->bytes, e) < 0 ||
		digest_of_file(to, info->bytes, &found, e) < 0)
		return -1;
	if (strcmp(found.s, info->sha256.s) != 0)
		return damaged(
			e, DATA_MEMBER " does not have the digest that " INFO_MEMBER " says");
	return fsync(to) < 0 ? err_sys(e, "write %s", path) : 0;
}

/* The limit that applies to a machine's output applies here, too. */
static int check_size(const struct deps_info *info, uint64_t max, struct err *e)
{
	if (info->bytes <= max)
		return 0;
	return err_set(e, ERR_INPUT, "the dependencies in it take %s, more than deps_max_size, %s",
		num_show_size_beside(info->bytes, max).s, num_show_size_beside(max, info->bytes).s);
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
	if (!is_next(&t, INFO_MEMBER, e) || !is_next(&t, DATA_MEMBER, e))
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
static int convert(int from, const struct deps_import_options *o, int *ret_fd,
	struct deps_info *ret, struct err *e)
{
	auto_free char *program = o->program ? mem_strdup(o->program) : NULL;
	struct convert_result result = {0};
	auto_fd int to = -1;

	if ((!program && locate_archive_program(REWRITE_PROGRAM, &program, e) < 0) ||
		temporary_file(o->tmpdir, &to, e) < 0)
		return -1;
	if (convert_archive(program, from, to, o->max_bytes, &result, e) < 0 ||
		check_not_exported(to, e) < 0)
		return refused(e);
	if (digest_of_file(to, result.bytes, &ret->sha256, e) < 0)
		return -1;
	ret->bytes = result.bytes;
	ret->dropped = result.dropped;
	*ret_fd = fd_steal(&to);
	return 0;
}

/* ---- import ---- */

static int publish(int from, uint64_t offset, const struct deps_info *info, const char *state,
	const char *project, struct err *e)
{
	auto_store struct store s = STORE_NONE;
	auto_free char *path = NULL;

	if (store_lock(state, project, &s, e) < 0)
		return -1;
	path = store_next(&s, NAME, e);
	if (!path || copy_data(from, offset, info, path, e) < 0)
		return -1;
	return store_publish_outputs(&s, e);
}

static int import_from(int from, const char *state, const char *project,
	const struct deps_import_options *o, struct deps_info *ret_info, struct err *e)
{
	auto_fd int converted = -1;
	bool exported = false;
	uint64_t offset = 0;

	if (is_exported(from, &exported, e) < 0)
		return -1;
	if (!exported)
		return convert(from, o, &converted, ret_info, e) < 0
			? -1
			: publish(converted, 0, ret_info, state, project, e);
	if (read_head(from, &offset, ret_info, e) < 0 || check_size(ret_info, o->max_bytes, e) < 0)
		return -1;
	return publish(from, offset, ret_info, state, project, e);
}

int deps_import(const char *state, const char *project, const struct deps_import_options *o,
	const char *path, struct deps_info *ret_info, struct err *e)
{
	auto_fd int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct deps_info info = {0};

	if (project_check_name(project, e) < 0)
		return -1;
	if (from < 0 && strcmp(path, "-") == 0)
		return err_set(e, ERR_INPUT,
			"standard input cannot be imported, because an archive is read twice: "
			"write "
			"it to a file first");
	if (from < 0)
		return err_set(e, ERR_INPUT, "%s: %s", path, strerror(errno));
	if (import_from(from, state, project, o, &info, e) < 0)
		return err_wrap(e, "%s", path);
	*ret_info = info;
	return 0;
}

/* ---- list and clear ---- */

/* "deps" and "deps@SCOPE" */
static bool is_deps(const char *name)
{
	size_t len = strlen(NAME);

	return strncmp(name, NAME, len) == 0 && (name[len] == '\0' || name[len] == '@');
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
	int count = scandir(dir, &entries, select_deps, alphasort), result = 0;

	*ret_bytes = 0;
	if (count < 0)
		return errno == ENOENT ? 0 : err_sys(e, "list %s", dir);
	for (int i = 0; i < count && result == 0; i++) {
		auto_free char *path = path_join(dir, entries[i]->d_name);
		struct stat st;

		if (lstat(path, &st) < 0 || unlink(path) < 0)
			result = err_sys(e, "remove %s", path);
		else
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
