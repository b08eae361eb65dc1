/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run has come to: filled as the run goes on, and made into result.json
 * (docs/format-result.md) at its end. Every run has one, also one that never began.
 */
#ifndef RUN_RESULT_H
#define RUN_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/event.h"
#include "data/node.h"
#include "run/run.h"
#include "run/verdict.h"

struct image;
struct machine;

struct result {
	const char *project; /* its name, or NULL; borrowed, as run_id is */
	const char *run_id;  /* NULL: none */
	enum verdict verdict;
	char reason[ERR_REASON_MAX];
	char message[ERR_MSG_MAX];
	int64_t started_utc_ns, started_ms;
	/* Owned; the first three may be NULL, which is null in the file. */
	struct node *failed_action, *source, *image;
	struct node *actions, *vms; /* lists */
	struct node *outputs;       /* a map */
	char *log, *console;        /* paths, owned, or NULL */
};

void result_init(struct result *r); /* passed so far, and begun now */
void result_release(struct result *r);
#define auto_result __attribute__((cleanup(result_release)))

/* Did it end well: passed or unchanged? */
bool result_is_good(const struct result *r);
int result_exit_status(const struct result *r);

/* The run ends with this error. */
void result_take_error(struct result *r, const struct err *e);

/* The image of the VMs; nothing happens when it was not opened. */
void result_set_image(struct result *r, const struct image *image);

/* What a VM did, however it ended: its actions, its row of `vms`, the action that failed. */
void result_add_machine(struct result *r, const struct machine *m);

/* The verdict of the machine is that of the run. */
void result_take_verdict(struct result *r, const struct machine *m);

/* Something that was kept, for `outputs`, and the event that tells it. */
struct result_output {
	const char *kind; /* "artifacts", "cache", "deps" */
	const char *path;
	uint64_t bytes, entries;
	const char *sha256;
	const char *archive;         /* of artifacts, some of which are only there; or NULL */
	const struct node *withheld; /* their numbers, with `archive` */
};
void result_add_output(
	struct result *r, const struct result_output *o, const struct event_sink *sink);

/* The last event of the run. */
void result_send_end(const struct result *r, const struct event_sink *sink);

/* The content of result.json; the caller frees. */
struct node *result_to_node(const struct result *r);

/* Fill all of an outcome that follows from the result. */
void result_fill_outcome(const struct result *r, struct run_outcome *ret);

#endif
