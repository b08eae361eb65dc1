/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory:
 *
 *     <state>/<project>/lock              flock: held while a run goes on
 *     <state>/<project>/state.json        what the last successful run was (digest, commit, run id)
 *     <state>/<project>/state-CLASS.json  the same of runs that may not speak for all others
 *     <state>/<project>/current           -> gen-N
 *     <state>/<project>/gen-N/            cache, cache@SCOPE..., deps
 *     <state>/<project>/runs/<run-id>/    lock, number, result.json, run.jsonl, console.log,
 *                                         artifacts/
 *     <state>/<project>/latest            -> runs/<run-id>, the last run that was not skipped
 *     <state>/<project>/work/             what the run that holds the lock is making
 *
 * Everything is made in work/, synced, and renamed into its place: `current` is replaced by one
 * rename, so a kill at any moment leaves the old generation or the new one. What a killed run left
 * (work/, generations that are not current) is removed by the next run that takes the lock, or by
 * store_sweep. Of what a run keeps, retention.h removes the old; a run that goes on holds a flock
 * of its runs/<run-id>/lock, from before the directory has that name. Both locks are files that
 * only their owner can open, whatever state_mode says: who may read keeps nobody waiting. A
 * `current` that is no link to a generation is ERR_INPUT, for nobody knows what may be removed
 * then.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

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
 * Make the directory if needed and take the lock without waiting, then remove what a killed run
 * left. ERR_BUSY, reason locked, names process and start of the run that holds it.
 */
int store_lock(
	const char *state, const char *project, struct store *ret_store, struct err *e) NODISCARD;

/*
 * Take the lock of a project that has a directory, and write nothing, so that it works on a full
 * disk. Of *ret_store only `dir` and `current` are filled. *ret_taken false: a run goes on.
 */
int store_try_lock(const char *state, const char *project, struct store *ret_store, bool *ret_taken,
	struct err *e) NODISCARD;
/*
 * For those who only look: fills `dir` and `current` without a lock. A project that has no
 * directory has no generation. ERR_INPUT as store_lock.
 */
int store_look(
	const char *state, const char *project, struct store *ret_store, struct err *e) NODISCARD;
void store_release(struct store *s); /* also empties work/ and gives the lock back */
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
 * The path of the archive `name` ("cache", "cache@x", "deps") in the current generation, NULL when
 * there is none. The caller frees.
 */
char *store_current(const struct store *s, const char *name);

/* Where to make an archive of the next generation: work/gen/<name>. The caller frees. */
char *store_next(const struct store *s, const char *name, struct err *e) NODISCARD;

/*
 * The number of a run, by which runs are in order whatever the clock said; runs_fd is runs/. 0: it
 * has none, because an older version made it, and so it came before all that have one.
 */
uint64_t store_run_number(int runs_fd, const char *run_id);

/* The class whose state file this is, by its name; NULL: none's. The caller frees. */
char *store_class_of(const char *file);

/*
 * What the last successful run of a class was: the content of its state file, NULL when there is
 * none. A class NULL is that of ordinary runs. Errors are those of statefile_read; also
 * state_unknown when the run of state.json is not there. The caller frees.
 */
int store_last_success(
	const struct store *s, const char *class, struct node **ret_state, struct err *e) NODISCARD;

/*
 * Publish work/gen, if there is one: what it lacks is linked from the current generation, then it
 * is synced and becomes current. Then the state file of the class is replaced by `state`, which was
 * written before; those of other classes stay as they are. At last the old generation is removed,
 * which may be left to the next run. An error leaves the old generation, or the new one with the
 * old state file: then the next run is not skipped.
 */
int store_publish(
	struct store *s, const char *class, const struct node *state, struct err *e) NODISCARD;

/* The first half of store_publish alone: what one VM left, before the next one starts. */
int store_publish_outputs(struct store *s, struct err *e) NODISCARD;

/* Write result.json of the run, and turn `latest` to it if that is wanted. */
int store_write_result(
	const struct store *s, const struct node *result, bool latest, struct err *e) NODISCARD;

/*
 * Remove what a killed run left, unless a run goes on: then *ret_bytes is 0. Takes the lock only
 * when there is something, and writes nothing, so that it works on a full disk. dry_run: only look.
 */
int store_sweep(const char *state, const char *project, bool dry_run, uint64_t *ret_bytes,
	struct err *e) NODISCARD;

/*
 * Is everything understood that says what may be removed: `current` and all state files, and is the
 * run there that state.json names? Nothing of the project may be removed otherwise. Takes no lock.
 * ERR_INPUT names the file and the remedy.
 */
int store_check(const char *state, const char *project, struct err *e) NODISCARD;

/*
 * The names of the projects that the state directory knows, sorted. None when it is not there. A
 * directory that may not be looked into counts as a project.
 */
int store_list(const char *state, struct strv *ret_projects, struct err *e) NODISCARD;

/* state.json of a project, read without a lock; NULL when there is none. As store_last_success. */
int store_read_state(
	const char *state, const char *project, struct node **ret_state, struct err *e) NODISCARD;

/*
 * For `state`, of one project: {"last_success": ..., "latest_run": ...}, each as its file has it,
 * or "error". Reads without a lock. Each is within the limits of node.h, all projects together are
 * not, so they are shown one by one. The caller frees.
 */
struct node *store_describe_project(const char *state, const char *project);

/* For `log`: the project whose `latest` was turned last. ERR_INPUT when there is none. */
int store_last_project(const char *state, char **ret_project, struct err *e) NODISCARD;

/* For `log`: the run's directory; run_id NULL: the latest. ERR_INPUT when there is none. */
int store_find_run(const char *state, const char *project, const char *run_id, char **ret_dir,
	struct err *e) NODISCARD;

#endif
