/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/tree.h"
#include "settings/project.h"
#include "settings/statefile.h"

#define GENERATION_PREFIX "gen-"
#define GENERATION_DIR "gen"
#define NUMBER_FILE "number"

/*
 * Far below UINT64_MAX, so that numbers never wrap; a larger number in a damaged file is an error.
 */
#define RUN_NUMBER_MAX ((uint64_t)INT64_MAX)

/* ---- helpers ---- */

static char *in_dir(const struct store *s, const char *name)
{
	return path_join(s->dir, name);
}

static char *generation_path(const struct store *s, uint64_t number)
{
	return mem_printf("%s/" GENERATION_PREFIX "%" PRIu64, s->dir, number);
}

/* "gen-12" is 12. All other names are 0, including other spellings of 12: none is made here. */
static uint64_t generation_number(const char *name)
{
	auto_free char *ours = NULL;
	struct err ignored = {0};
	uint64_t number;

	if (strncmp(name, GENERATION_PREFIX, strlen(GENERATION_PREFIX)) != 0 ||
		num_parse_u64(name + strlen(GENERATION_PREFIX), UINT64_MAX, &number, &ignored) < 0)
		return 0;
	ours = mem_printf(GENERATION_PREFIX "%" PRIu64, number);
	return strcmp(name, ours) == 0 ? number : 0;
}

static bool is_generation(const struct store *s, uint64_t number)
{
	auto_free char *path = generation_path(s, number);
	struct stat st;

	return number && lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* If the current generation is unknown, this is an error: else all generations would be removed. */
static int read_current(struct store *s, struct err *e)
{
	auto_free char *path = in_dir(s, "current");
	char target[64] = "";

	s->current = 0;
	if (readlink(path, target, sizeof(target) - 1) < 0 && errno != EINVAL)
		return errno == ENOENT ? 0 : err_sys(e, "read %s", path);
	s->current = generation_number(target);
	if (is_generation(s, s->current))
		return 0;
	return err_set(e, ERR_INPUT,
		"damaged state: it names no generation; remove %s to run without the old cache "
		"and dependencies",
		path);
}

/* The next generation has a greater number; after the largest number there is none. */
static int check_next(const struct store *s, struct err *e)
{
	if (s->current < UINT64_MAX)
		return 0;
	return err_reason(e, ERR_INPUT, "state_unknown",
		"%s/current names the largest generation number there is, so there can be no next; "
		"remove %s/current to run without the old cache and dependencies, counted from 1",
		s->dir, s->dir);
}

/* A copy of the state that followed links has a directory there, which rename cannot replace. */
static int check_latest(const struct store *s, struct err *e)
{
	auto_free char *path = in_dir(s, "latest");
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	return err_reason(e, ERR_INPUT, "state_unknown",
		"%s is a directory, not the link to the last run that it should be; remove it",
		path);
}

/* Replace a symbolic link atomically. */
static int point(const struct store *s, const char *name, const char *target, struct err *e)
{
	auto_free char *path = in_dir(s, name);
	auto_free char *new = path_join(s->work, name);

	if (unlink(new) < 0 && errno != ENOENT)
		return err_sys(e, "remove %s", new);
	if (symlink(target, new) < 0)
		return err_sys(e, "make %s", new);
	if (rename(new, path) < 0)
		return err_sys(e, "rename %s to %s", new, path);
	return fd_sync_dir(s->dir, e);
}

/* Write a JSON file in work/, to be renamed later. After a kill it is removed with work/. */
static int make_json(const struct store *s, const char *name, const struct node *n, char **ret_path,
	struct err *e)
{
	auto_free char *path = path_join(s->work, name);
	auto_buf struct buf text = {0};

	buf_init(&text, STATEFILE_BYTES);
	jsonl_add_pretty(&text, n);
	if (text.overflow)
		return err_set(
			e, ERR_HOST, "%s would be larger than %d bytes", path, STATEFILE_BYTES);
	if (fd_write_synced(path, text.data, text.len, 0644, e) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	return 0;
}

/* ---- lock ---- */

/* The lock file has the process that took it and the time: "process 123, started ...". */
#define HOLDER "process "

enum { LOCK_TEXT_MAX = 200 };

static int busy(int fd, const char *project, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_free char *holder = NULL;
	struct err ignored = {0};

	buf_init(&text, LOCK_TEXT_MAX);
	/* The holder may be writing the file at the moment: then the details are missing. */
	err_ignore(fd_read_to_end(fd, "lock", &text, &ignored));
	text.data[strcspn(text.data, "\n")] = '\0';
	holder = text_safe(text.data, 150);
	return err_reason(e, ERR_BUSY, "locked", "project %s is locked by another run%s%s", project,
		*holder ? ": " : "", holder);
}

/* Write the holder to the lock file, for the message of `busy`. */
static int sign_lock(const struct store *s, struct err *e)
{
	auto_free char *text = mem_printf(
		HOLDER "%d, started %s\n", (int)getpid(), clock_rfc3339(clock_utc_ns()).s);

	if (ftruncate(s->lock_fd, 0) < 0 || fd_pwrite_all(s->lock_fd, text, strlen(text), 0) < 0)
		return err_sys(e, "write %s/lock", s->dir);
	return 0;
}

pid_t store_holder(const char *state, const char *project)
{
	auto_free char *path = mem_printf("%s/%s/lock", state, project);
	auto_buf struct buf text = {0};
	struct err ignored = {0};
	uint64_t pid;

	buf_init(&text, LOCK_TEXT_MAX);
	if (fd_read_file(path, &text, &ignored) < 0 ||
		strncmp(text.data, HOLDER, strlen(HOLDER)) != 0)
		return 0;
	text.data[strcspn(text.data, ",")] = '\0';
	return num_parse_u64(text.data + strlen(HOLDER), INT_MAX, &pid, &ignored) < 0 ? 0
										      : (pid_t)pid;
}

/* Something else under the name of the lock: it must not be opened or followed. */
static int check_lock(const struct store *s, struct err *e)
{
	auto_free char *path = in_dir(s, "lock");
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	return err_set(e, ERR_INPUT,
		"damaged state: the lock of the project is %s, not a regular file; remove %s to "
		"run "
		"without it",
		fd_kind(st.st_mode), path);
}

static int take_lock(struct store *s, const char *project, struct err *e)
{
	auto_free char *path = in_dir(s, "lock");
	auto_fd int fd = -1;

	if (check_lock(s, e) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fd_make_private(fd) < 0)
		return err_sys(e, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? busy(fd, project, e) : err_sys(e, "lock %s", path);
	s->lock_fd = fd_steal(&fd);
	return 0;
}

int store_try_lock(const char *state, const char *project, struct store *ret_store, bool *ret_taken,
	struct err *e)
{
	auto_store struct store s = {.lock_fd = -1, .run_fd = -1, .dir = path_join(state, project)};
	struct err why = {0};

	*ret_taken = false;
	if (take_lock(&s, project, &why) < 0) {
		if (why.kind == ERR_BUSY)
			return 0;
		*e = why;
		return -1;
	}
	if (read_current(&s, e) < 0)
		return -1;
	*ret_store = s;
	*ret_taken = true;
	s = (struct store)STORE_NONE;
	return 0;
}

int store_look(const char *state, const char *project, struct store *ret_store, struct err *e)
{
	auto_store struct store s = {.lock_fd = -1, .run_fd = -1, .dir = path_join(state, project)};

	if (check_lock(&s, e) < 0 || read_current(&s, e) < 0 || check_next(&s, e) < 0 ||
		check_latest(&s, e) < 0)
		return -1;
	*ret_store = s;
	s = (struct store)STORE_NONE;
	return 0;
}

/* ---- leftovers of killed runs ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

/* Only the holder of the lock may remove these: during a run, work/ is in use. */
static bool is_leftover(const struct store *s, const char *name)
{
	uint64_t number = generation_number(name);

	return (number && number != s->current) || strcmp(name, "work") == 0 ||
		ends_with(name, ".json.tmp");
}

/* Add up the sizes, or remove. work/ itself is removed, too. */
static int sweep(const struct store *s, bool remove, uint64_t *ret_bytes, struct err *e)
{
	DIR *dir = opendir(s->dir);
	int result = 0;

	*ret_bytes = 0;
	if (!dir)
		return err_sys(e, "list %s", s->dir);
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));) {
		uint64_t bytes = 0;

		if (!is_leftover(s, entry->d_name))
			continue;
		result = (remove ? tree_remove : tree_measure)(
			dirfd(dir), entry->d_name, s->dir, &bytes, e);
		*ret_bytes += bytes;
	}
	(void)closedir(dir);
	return result;
}

int store_sweep(
	const char *state, const char *project, bool dry_run, uint64_t *ret_bytes, struct err *e)
{
	auto_store struct store s = {.lock_fd = -1, .run_fd = -1, .dir = path_join(state, project)};
	auto_store struct store locked = STORE_NONE;
	bool taken;

	*ret_bytes = 0;
	if (read_current(&s, e) < 0 || sweep(&s, false, ret_bytes, e) < 0)
		return -1;
	if (*ret_bytes == 0)
		return 0;
	*ret_bytes = 0;
	if (store_try_lock(state, project, &locked, &taken, e) < 0) {
		/*
		 * Without write access, leftovers cannot be told from files of a run in progress.
		 */
		if (!dry_run || (e->sys != EACCES && e->sys != EROFS && e->sys != EPERM))
			return -1;
		*e = (struct err){0};
		return 0;
	}
	/* A run may have ended normally meanwhile and replaced `current`. */
	return taken ? sweep(&locked, !dry_run, ret_bytes, e) : 0;
}

/*
 * Create a directory that others may read if the umask permits it. The mode of an existing
 * directory is changed, too, because the configuration may have changed since. Its set-group-ID bit
 * is kept, because new files inherit the group by it.
 */
static int make_open_dir(const char *path, struct err *e)
{
	mode_t mask = umask(077), wanted;
	struct stat st;

	(void)umask(mask);
	if (path_make_dirs(path, 0755, e) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_sys(e, "%s", path);
	wanted = (st.st_mode & S_ISGID) | (0755 & ~mask);
	if ((st.st_mode & 07777) != wanted && chmod(path, wanted) < 0)
		return err_sys(e, "change the mode of %s", path);
	return 0;
}

int store_lock(const char *state, const char *project, struct store *ret_store, struct err *e)
{
	auto_store struct store s = {.lock_fd = -1, .run_fd = -1, .dir = path_join(state, project)};
	uint64_t ignored;

	s.work = in_dir(&s, "work");
	if (make_open_dir(s.dir, e) < 0 || take_lock(&s, project, e) < 0 ||
		read_current(&s, e) < 0 || check_next(&s, e) < 0 || check_latest(&s, e) < 0)
		return -1;
	/* Remove leftovers first: the disk may be full because of them. */
	if (sweep(&s, true, &ignored, e) < 0 || sign_lock(&s, e) < 0 ||
		path_make_dirs(s.work, 0700, e) < 0)
		return -1;
	*ret_store = s;
	s = (struct store)STORE_NONE;
	return 0;
}

void store_release(struct store *s)
{
	struct err ignored = {0};

	/*
	 * What cannot be removed now is removed by store_lock of the next run, which reports
	 * errors.
	 */
	if (s->work && s->lock_fd >= 0)
		err_ignore(path_remove_tree(s->work, &ignored));
	fd_close(s->run_fd);
	fd_close(s->lock_fd);
	free(s->dir);
	free(s->work);
	free(s->run_dir);
	*s = (struct store)STORE_NONE;
}

/* ---- a run ---- */

int store_run_number(int runs_fd, const char *run_id, uint64_t *ret, struct err *e)
{
	auto_free char *path = mem_printf("%s/" NUMBER_FILE, run_id);
	auto_fd int fd =
		openat(runs_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct err ignored = {0};
	char text[24] = "";

	*ret = 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd >= 0 && fd_read_full(fd, text, sizeof(text) - 1) >= 0) {
		text[strcspn(text, "\n")] = '\0';
		if (num_parse_u64(text, RUN_NUMBER_MAX, ret, &ignored) == 0)
			return 0;
	}
	return err_reason(e, ERR_INPUT, "state_unknown",
		"the file runs/%s is not the number of a run: the order of runs is not known; "
		"remove the run's directory when nobody needs it",
		path);
}

/* One more than the largest number of all runs. */
static int next_run_number(const char *runs, uint64_t *ret_number, struct err *e)
{
	DIR *dir = opendir(runs);

	*ret_number = 1;
	if (!dir)
		return err_sys(e, "list %s", runs);
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct err unknown = {0};
		uint64_t number;

		/*
		 * A run with a damaged number does not count: while there is one, retention removes
		 * no runs.
		 */
		if (store_run_number(dirfd(dir), entry->d_name, &number, &unknown) < 0)
			continue;
		if (number >= *ret_number)
			*ret_number = number < RUN_NUMBER_MAX ? number + 1 : number;
	}
	(void)closedir(dir);
	return 0;
}

static int write_run_number(const char *run_dir, uint64_t number, struct err *e)
{
	auto_free char *path = path_join(run_dir, NUMBER_FILE);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	auto_free char *text = mem_printf("%" PRIu64 "\n", number);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write %s", path);
	return 0;
}

/*
 * The directory is created and locked under another name first, because retention may read runs/ at
 * any time and considers an unlocked run as not in use.
 */
static int make_run_dir(struct store *s, const char *path, uint64_t number, struct err *e)
{
	auto_free char *made = path_join(s->work, "run");
	auto_free char *lock = path_join(made, STORE_RUN_LOCK);
	auto_fd int fd = -1;

	if (mkdir(made, 0755) < 0)
		return err_sys(e, "make %s", made);
	fd = open(lock, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "lock %s", lock);
	if (write_run_number(made, number, e) < 0)
		return -1;
	if (rename(made, path) < 0)
		return err_sys(e, "make %s", path);
	s->run_fd = fd_steal(&fd);
	return 0;
}

int store_check_run_id(const struct store *s, const char *run_id, struct err *e)
{
	auto_free char *path = mem_printf("%s/runs/%s", s->dir, run_id);
	struct stat st;

	if (project_check_name(run_id, e) < 0)
		return err_wrap(e, "run id");
	if (lstat(path, &st) == 0)
		return err_reason(e, ERR_INPUT, "run_id_used", "run id %s is used already", run_id);
	return 0;
}

int store_begin_run(struct store *s, const char *run_id, struct err *e)
{
	auto_free char *runs = in_dir(s, "runs");
	auto_free char *path = path_join(runs, run_id);
	uint64_t number;

	/* No other run can create it meanwhile: this one holds the lock of the project. */
	if (store_check_run_id(s, run_id, e) < 0 || make_open_dir(runs, e) < 0)
		return -1;
	if (next_run_number(runs, &number, e) < 0 || make_run_dir(s, path, number, e) < 0)
		return -1;
	s->run_dir = steal_ptr(&path);
	return 0;
}

char *store_current(const struct store *s, const char *name)
{
	auto_free char *generation = s->current ? generation_path(s, s->current) : NULL;
	auto_free char *path = generation ? path_join(generation, name) : NULL;

	/* A file that cannot be examined counts as present: opening it reports the error. */
	return path && (access(path, F_OK) == 0 || errno != ENOENT) ? steal_ptr(&path) : NULL;
}

char *store_next(const struct store *s, const char *name, struct err *e)
{
	auto_free char *dir = path_join(s->work, GENERATION_DIR);

	return path_make_dirs(dir, 0755, e) < 0 ? NULL : path_join(dir, name);
}

static char *state_path(const struct store *s, const char *class)
{
	return class ? mem_printf("%s/state-%s.json", s->dir, class) : in_dir(s, "state.json");
}

static int run_is_there(const char *dir, const char *run_id, bool *ret, struct err *e)
{
	auto_free char *path = mem_printf("%s/runs/%s", dir, run_id);
	struct stat st;

	*ret = lstat(path, &st) == 0;
	if (*ret || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return err_sys(e, "%s", path);
}

/*
 * Read state.json. Retention never removes its run. So if the run is missing, the last success is
 * unknown, which is an error. A run that passes meanwhile replaces the file before it removes the
 * old run, so the file is read again.
 */
static int read_ordinary(const char *dir, struct node **ret_state, struct err *e)
{
	auto_free char *path = path_join(dir, "state.json"), *missing = NULL;

	for (;;) {
		auto_node struct node *state = NULL;
		const char *id;
		bool there;

		if (statefile_read(STATEFILE_STATE, path, &state, e) < 0)
			return -1;
		id = node_get_text(state, "run_id", "");
		if (state && run_is_there(dir, id, &there, e) < 0)
			return -1;
		if (!state || there) {
			*ret_state = steal_ptr(&state);
			return 0;
		}
		if (missing && strcmp(missing, id) == 0)
			break;
		free(missing);
		missing = mem_strdup(id);
	}
	return err_reason(e, ERR_INPUT, "state_unknown",
		"%s: its run %s is not in %s/runs, so nobody knows which run passed last and "
		"nothing is removed; the next run that passes mends this",
		path, missing, dir);
}

int store_last_success(
	const struct store *s, const char *class, struct node **ret_state, struct err *e)
{
	auto_free char *path = class ? state_path(s, class) : NULL;

	*ret_state = NULL;
	return path ? statefile_read(STATEFILE_STATE, path, ret_state, e)
		    : read_ordinary(s->dir, ret_state, e);
}

char *store_class_of(const char *file)
{
	static const char begin[] = "state-", end[] = ".json";
	size_t len = strlen(begin);

	if (strncmp(file, begin, len) != 0 || !ends_with(file + len, end))
		return NULL;
	return mem_printf("%.*s", (int)(strlen(file + len) - strlen(end)), file + len);
}

static bool is_state_file(const char *name)
{
	auto_free char *class = store_class_of(name);

	return class || strcmp(name, "state.json") == 0;
}

static int check_state_files(const char *path, struct err *e)
{
	auto_node struct node *ordinary = NULL;
	DIR *dir = opendir(path);
	int result = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(e, "list %s", path);
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));) {
		auto_free char *file = path_join(path, entry->d_name);
		auto_node struct node *ignored = NULL;

		if (is_state_file(entry->d_name))
			result = statefile_read(STATEFILE_STATE, file, &ignored, e);
	}
	(void)closedir(dir);
	if (result == 0)
		result = read_ordinary(path, &ordinary, e);
	return result;
}

int store_check(const char *state, const char *project, struct err *e)
{
	auto_store struct store s = {.lock_fd = -1, .run_fd = -1, .dir = path_join(state, project)};

	return read_current(&s, e) < 0 ? -1 : check_state_files(s.dir, e);
}

/* ---- publishing ---- */

static int link_missing(const char *from, const char *to, struct err *e)
{
	DIR *dir = opendir(from);
	int result = 0;

	if (!dir)
		return err_sys(e, "list %s", from);
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));) {
		auto_free char *target = path_join(to, entry->d_name);

		if (entry->d_name[0] != '.' &&
			linkat(dirfd(dir), entry->d_name, AT_FDCWD, target, 0) < 0 &&
			errno != EEXIST)
			result = err_sys(e, "link %s/%s to %s", from, entry->d_name, target);
	}
	(void)closedir(dir);
	return result;
}

static int publish_generation(struct store *s, const char *next, struct err *e)
{
	auto_free char *old = s->current ? generation_path(s, s->current) : NULL;
	auto_free char *new = generation_path(s, s->current + 1);
	auto_free char *name = mem_printf(GENERATION_PREFIX "%" PRIu64, s->current + 1);
	struct err ignored = {0};

	if (check_next(s, e) < 0 || (old && link_missing(old, next, e) < 0))
		return -1;
	if (fd_sync_dir(next, e) < 0)
		return -1;
	if (rename(next, new) < 0)
		return err_sys(e, "rename %s to %s", next, new);
	if (point(s, "current", name, e) < 0)
		return -1;
	s->current++;
	/* What cannot be removed now is removed by the next run. */
	if (old)
		err_ignore(path_remove_tree(old, &ignored));
	return 0;
}

int store_publish_outputs(struct store *s, struct err *e)
{
	auto_free char *next = path_join(s->work, GENERATION_DIR);

	return access(next, F_OK) == 0 ? publish_generation(s, next, e) : 0;
}

int store_publish(struct store *s, const char *class, const struct node *state, struct err *e)
{
	auto_free char *path = state_path(s, class);
	auto_free char *made = NULL;

	/*
	 * Write first, because a write can fail for lack of space; after it there are only renames.
	 */
	if (make_json(s, "state.json", state, &made, e) < 0 || store_publish_outputs(s, e) < 0)
		return -1;
	return fd_move(made, path, e);
}

int store_write_result(const struct store *s, const struct node *result, bool latest, struct err *e)
{
	auto_free char *path = path_join(s->run_dir, "result.json");
	auto_free char *made = NULL;
	auto_free char *target = mem_printf("runs/%s", path_base(s->run_dir));

	if (make_json(s, "result.json", result, &made, e) < 0 || fd_move(made, path, e) < 0)
		return -1;
	return latest ? point(s, "latest", target, e) : 0;
}

/* ---- reading without a lock ---- */

static void add_json(
	struct node *entry, const char *key, enum statefile_kind kind, const char *path)
{
	struct node *n = NULL;
	struct err err = {0};

	if (statefile_read(kind, path, &n, &err) < 0)
		node_set_string(entry, "error", err.msg);
	else if (n)
		node_set(entry, key, n);
}

struct node *store_describe_project(const char *state, const char *name)
{
	auto_free char *path = mem_printf("%s/%s/state.json", state, name);
	auto_free char *latest = mem_printf("%s/%s/latest/result.json", state, name);
	struct node *entry = node_map();

	add_json(entry, "last_success", STATEFILE_STATE, path);
	add_json(entry, "latest_run", STATEFILE_RESULT, latest);
	return entry;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A directory that cannot be examined counts as a project: its readers report the error. */
static bool is_project(const char *state, const char *name)
{
	auto_free char *lock = mem_printf("%s/%s/lock", state, name);

	if (name[0] == '.')
		return false;
	return access(lock, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int store_list(const char *state, struct strv *ret_projects, struct err *e)
{
	struct dirent **entries = NULL;
	int count = scandir(state, &entries, NULL, by_name);

	if (count < 0)
		return errno == ENOENT ? 0 : err_sys(e, "list %s", state);
	for (int i = 0; i < count; i++) {
		if (is_project(state, entries[i]->d_name))
			strv_push(ret_projects, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int store_read_state(const char *state, const char *project, struct node **ret_state, struct err *e)
{
	auto_free char *dir = path_join(state, project);

	*ret_state = NULL;
	return read_ordinary(dir, ret_state, e);
}

int store_find_run(
	const char *state, const char *project, const char *run_id, char **ret_dir, struct err *e)
{
	auto_free char *dir = NULL;

	if (project_check_name(project, e) < 0 || (run_id && project_check_name(run_id, e) < 0))
		return -1;
	dir = run_id ? mem_printf("%s/%s/runs/%s", state, project, run_id)
		     : mem_printf("%s/%s/latest", state, project);
	if (access(dir, F_OK) < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "%s", dir);
	if (access(dir, F_OK) < 0)
		return err_reason(e, ERR_INPUT, "no_run", "no run %s of project %s in %s",
			run_id ? run_id : "yet", project, state);
	*ret_dir = steal_ptr(&dir);
	return 0;
}

/*
 * Was the link `latest` at time a made after that at b? A time in the future comes from a wrong
 * clock and counts as older.
 */
static bool is_later(const struct timespec *a, const struct timespec *b, const struct timespec *now)
{
	bool a_wrong = clock_compare(a, now) > 0, b_wrong = clock_compare(b, now) > 0;

	return a_wrong == b_wrong ? clock_compare(a, b) > 0 : b_wrong;
}

int store_last_project(const char *state, char **ret_project, struct err *e)
{
	const struct timespec now = clock_now();
	auto_strv struct strv names = {0};
	struct timespec latest = {0};
	struct err unreadable = {0};
	const char *last = NULL;

	if (store_list(state, &names, e) < 0)
		return -1;
	strv_each (&names, name) {
		auto_free char *path = mem_printf("%s/%s/latest", state, *name);
		struct stat st;

		if (lstat(path, &st) < 0) {
			if (errno != ENOENT && unreadable.kind == ERR_NONE)
				err_ignore(err_sys(&unreadable, "%s", path));
		} else if (!last || is_later(&st.st_mtim, &latest, &now)) {
			latest = st.st_mtim;
			last = *name;
		}
	}
	if (!last && unreadable.kind != ERR_NONE)
		*e = unreadable;
	else if (!last)
		err_ignore(err_reason(e, ERR_INPUT, "no_run", "there is no run yet in %s", state));
	else
		*ret_project = mem_strdup(last);
	return last ? 0 : -1;
}
