/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory:
 *
 *     <state>/<project>/lock              flock: held while a run goes on
 *     <state>/<project>/state.json        what the last successful run was (digest, commit, run id)
 *     <state>/<project>/current           -> gen-N
 *     <state>/<project>/gen-N/            cache, cache@SCOPE..., deps, generation.json
 *     <state>/<project>/runs/<run-id>/    result.json, run.jsonl, console.log, artifacts/
 *     <state>/<project>/latest            -> runs/<run-id>
 *
 * A generation is made under the name gen-N.new, synced, renamed, and then `current` is replaced by
 * one rename: a kill at any moment leaves the old generation or the new one. What a killed run left
 * (gen-*.new, older generations) is removed by the next run that has the lock.
 */
#ifndef HOST_STORE_H
#define HOST_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "core/node.h"

/* A project's directory, locked. */
struct store {
	char *dir;	   /* <state>/<project> */
	char *run_dir;	   /* dir/runs/<run-id>; NULL before store_begin_run */
	char *generation;  /* path of the current generation; NULL: none yet */
	char *next;	   /* path of the one in the making, gen-N.new; NULL before store_begin_run */
	uint64_t number;   /* of the current generation; 0: none */
	int lock_fd;
	struct node *state; /* state.json; NULL: none yet */
};

/*
 * Make the directory if needed and take the lock without waiting, then remove what a killed run
 * left. ERR_BUSY, reason locked, names process and start of the run that holds it.
 */
int store_lock(const char *state, const char *project, struct store *ret_store, struct err *e) NODISCARD;
void store_release(struct store *s); /* also removes a generation that was not published */
#define auto_store __attribute__((cleanup(store_release)))

/* Make runs/<run-id> and gen-N.new. A run id that is used already: ERR_INPUT. */
int store_begin_run(struct store *s, const char *run_id, struct err *e) NODISCARD;

/* The archive `name` ("cache", "cache@x", "deps") of the current generation: an absolute path or NULL
 * when there is none. The caller frees. */
char *store_current(const struct store *s, const char *name);

/*
 * Publish gen-N.new: what it lacks is linked from the current generation, then it is synced and
 * becomes current; the old one is removed. Then state.json is replaced by `state`.
 */
int store_publish(struct store *s, const struct node *state, struct err *e) NODISCARD;

/* Write result.json of the run and turn `latest` to it. */
int store_write_result(const struct store *s, const struct node *result, struct err *e) NODISCARD;

/* For `state`: {"projects": {NAME: {...}}, "project_count": N}. Reads without a lock. */
int store_describe(const char *state, struct node **ret_node, struct err *e) NODISCARD;

/* For `log`: the run's directory; run_id NULL: the latest. ERR_INPUT when there is none. */
int store_find_run(const char *state, const char *project, const char *run_id, char **ret_dir,
	struct err *e) NODISCARD;

#endif
