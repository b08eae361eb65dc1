/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a run. It is filled during the run, and written as result.json
 * (docs/format-result.md) at its end. Every run has a result, even one that never started.
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
	const char *project; /* the project's name, or NULL; borrowed, as is run_id */
	const char *run_id;  /* NULL: none */
	enum verdict verdict;
	char reason[ERR_REASON_MAX];
	char message[ERR_MSG_MAX];
	int64_t started_utc_ns, started_ms;
	/* Owned; the first three may be NULL, which is null in the file. */
	struct node *failed_action, *source, *image;
	struct node *actions, *vms;  /* lists */
	struct node *deps_unchanged; /* a list: archives that were not fetched again (store.h) */
	struct node *outputs;        /* a map */
	char *log, *console;         /* paths, owned, or NULL */
};

void result_init(struct result *r); /* verdict passed; the run starts now */
void result_release(struct result *r);
#define auto_result __attribute__((cleanup(result_release)))

/* True for passed and unchanged. */
bool result_is_good(const struct result *r);
int result_exit_status(const struct result *r);

/* Set verdict, reason and message from an error that ends the run. */
void result_take_error(struct result *r, const struct err *e);

/* Set the image of the VMs. Does nothing if the image was not opened. */
void result_set_image(struct result *r, const struct image *image);

/* What a VM did, however it ended: its actions, its row of `vms`, the action that failed. */
void result_add_machine(struct result *r, const struct machine *m);

/* The verdict of the machine is that of the run. */
void result_take_verdict(struct result *r, const struct machine *m);

/* A kept output, for `outputs` and the event EVENT_OUTPUT_KEPT. */
struct result_output {
	const char *kind; /* "artifacts", "cache", "deps" */
	const char *path;
	uint64_t bytes, entries;
	const char *sha256;
	const char *archive;         /* the archive of artifacts, if some are only in it; or NULL */
	const struct node *withheld; /* the numbers of those, with `archive` */
};
void result_add_output(
	struct result *r, const struct result_output *o, const struct event_sink *sink);

/* Send the last event of the run. */
void result_send_end(const struct result *r, const struct event_sink *sink);

/* Returns the content of result.json; the caller frees. */
struct node *result_to_node(const struct result *r);

/* Fill the fields of an outcome that depend on the result. */
void result_fill_outcome(const struct result *r, struct run_outcome *ret);

#endif
