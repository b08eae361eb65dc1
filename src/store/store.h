/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory:
 *
 *     <state>/<project>/lock              flock: held during a run
 *     <state>/<project>/state.json        the last run that passed (digest, commit, run id)
 *     <state>/<project>/state-CLASS.json  the same for runs of a class (cache mode and scope)
 *     <state>/<project>/current           -> gen-N
 *     <state>/<project>/gen-N/            cache, deps, fetched; of a scope, cache@SCOPE, ...;
 *                                         deps-key, fetched-key (depskey.h)
 *     <state>/<project>/mirror/           of a source on a server (run/run_mirror.c): the repository,
 *     <state>/<project>/checkout/         and the commit of it that is the source (source/checkout.h)
 *     <state>/<project>/runs/<run-id>/    lock, number, result.json, run.jsonl, console.log,
 *                                         artifacts/
 *     <state>/<project>/latest            -> runs/<run-id>, the last run that was not skipped
 *     <state>/<project>/work/             files of the run that holds the lock
 *
 * All files are made in work/, synced, and renamed into place. `current` is replaced by one rename,
 * so a kill at any time leaves either the old or the new generation. The next run that takes the
 * lock, or store_sweep, removes the remains of a killed run (work/, generations that are not
 * current). retention.h removes old runs. A run in progress holds a flock on its
 * runs/<run-id>/lock, which it takes before the directory gets that name. Both lock files are
 * accessible only to their owner, regardless of state_mode, so that a user with read access cannot
 * block runs. A `current` that is not a link to a generation is ERR_INPUT, because then it is not
 * known which generations may be removed.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

/* The archives of a generation; dependencies are in two (deps.h). */
#define STORE_CACHE "cache"
#define STORE_DEPS "deps"
#define STORE_FETCHED "fetched"

#define STORE_RUN_LOCK "lock" /* in a run's directory; runs of version 0.1.0 have none */

/* A project's directory, locked. */
struct store {
	char *dir;        /* <state>/<project> */
	char *work;       /* dir/work: empty after store_lock */
	char *run_dir;    /* dir/runs/<run-id>; NULL before store_begin_run */
	uint64_t current; /* number of the current generation; 0: none */
	int lock_fd;
	int run_fd; /* run_dir/lock, with its flock; -1 before store_begin_run */
};

/*
 * Create the directory if needed, take the lock without waiting, and remove the remains of a killed
 * run. ERR_BUSY, reason locked, names process and start time of the run that holds the lock.
 */
int store_lock(
	const char *state, const char *project, struct store *ret_store, struct err *e) NODISCARD;

/*
 * Take the lock of a project that has a directory. Writes nothing, so that it works on a full disk.
 * Fills only `dir` and `current` of *ret_store. *ret_taken false: a run is in progress.
 */
int store_try_lock(const char *state, const char *project, struct store *ret_store, bool *ret_taken,
	struct err *e) NODISCARD;
/*
 * The process that took the lock of a project last, as the lock file says: 0 if that is not known.
 * It may have ended.
 */
pid_t store_holder(const char *state, const char *project);

/*
 * For readers: fills `dir` and `current` without a lock. A project without a directory has no
 * generation. ERR_INPUT as in store_lock.
 */
int store_look(
	const char *state, const char *project, struct store *ret_store, struct err *e) NODISCARD;
void store_release(struct store *s); /* also empties work/ and releases the lock */
#define auto_store __attribute__((cleanup(store_release)))
#define STORE_NONE                                                                                 \
	{                                                                                          \
		.lock_fd = -1, .run_fd = -1                                                        \
	}

/*
 * May a run have this id? ERR_INPUT: it is no file name, or (reason run_id_used) a run has it. Of *s
 * only `dir` is needed; without the lock the answer may be old when it is given.
 */
int store_check_run_id(const struct store *s, const char *run_id, struct err *e) NODISCARD;

/*
 * Make runs/<run-id>, and give the run a number greater than that of any run that is there. ERR_INPUT
 * of store_check_run_id.
 */
int store_begin_run(struct store *s, const char *run_id, struct err *e) NODISCARD;

/*
 * Returns the path of the archive `name` ("cache", "cache@x", ...) in the current generation, or
 * NULL if there is none. The caller frees.
 */
char *store_current(const struct store *s, const char *name);

/* Returns the path for an archive of the next generation, work/gen/<name>. The caller frees. */
char *store_next(const struct store *s, const char *name, struct err *e) NODISCARD;

/*
 * Read the number of a run. Numbers give the order of runs, regardless of the clock. runs_fd is
 * runs/. 0: the run has none, because version 0.1.0 made it; it precedes all runs with a number.
 * ERR_INPUT, reason state_unknown, with the remedy: what is there is not a number.
 */
int store_run_number(int runs_fd, const char *run_id, uint64_t *ret, struct err *e) NODISCARD;

/* Returns the class of a state file, by its name; NULL: not a state file. The caller frees. */
char *store_class_of(const char *file);

/*
 * Read the state file of a class, which describes its last run that passed. *ret_state is NULL if
 * there is none. The class NULL is that of ordinary runs. Errors are those of statefile_read, and
 * state_unknown if the run named by state.json does not exist. The caller frees.
 */
int store_last_success(
	const struct store *s, const char *class, struct node **ret_state, struct err *e) NODISCARD;

/*
 * Publish work/gen, if it exists. Archives that it lacks are linked from the current generation;
 * then it is synced and becomes current. Then `state`, which was written to a temporary file
 * before, replaces the state file of the class; the state files of other classes are not changed.
 * Finally the old generation is removed; if that fails, the next run removes it. An error leaves
 * the old generation, or the new one with the old state file; the next run is then not skipped.
 */
int store_publish(
	struct store *s, const char *class, const struct node *state, struct err *e) NODISCARD;

/*
 * Only the first half of store_publish: publish the outputs of one VM before the next one starts.
 */
int store_publish_outputs(struct store *s, struct err *e) NODISCARD;

/* Write result.json of the run. latest: also set the link `latest` to the run. */
int store_write_result(
	const struct store *s, const struct node *result, bool latest, struct err *e) NODISCARD;

/*
 * Remove the remains of a killed run. If a run is in progress, do nothing; *ret_bytes is then 0.
 * Takes the lock only if there is something to remove, and writes nothing, so that it works on a
 * full disk. dry_run: only report.
 */
int store_sweep(const char *state, const char *project, bool dry_run, uint64_t *ret_bytes,
	struct err *e) NODISCARD;

/*
 * Check that `current` and all state files are understood, and that the run named by state.json
 * exists. Otherwise nothing of the project may be removed. Takes no lock. ERR_INPUT names the file
 * and the remedy.
 */
int store_check(const char *state, const char *project, struct err *e) NODISCARD;

/*
 * Returns the sorted names of the projects in the state directory; none if it does not exist. An
 * unreadable directory counts as a project.
 */
int store_list(const char *state, struct strv *ret_projects, struct err *e) NODISCARD;

/* Read state.json of a project without a lock; NULL if there is none. As store_last_success. */
int store_read_state(
	const char *state, const char *project, struct node **ret_state, struct err *e) NODISCARD;

/*
 * For `ambient state`: {"last_success": ..., "latest_run": ...} of one project, each with the
 * content of its file, or "error". Reads without a lock. One project is within the limits of
 * node.h; all projects together may not be, so each is printed separately. The caller frees.
 */
struct node *store_describe_project(const char *state, const char *project);

/* For `ambient log`: the project whose `latest` was set last. ERR_INPUT if there is none. */
int store_last_project(const char *state, char **ret_project, struct err *e) NODISCARD;

/* For `ambient log`: a run's directory; run_id NULL: the latest run. ERR_INPUT if there is none. */
int store_find_run(const char *state, const char *project, const char *run_id, char **ret_dir,
	struct err *e) NODISCARD;

#endif
