/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of a run only: what is known of one (run.c has the story), and its phases
 * (run_phase.c), of which each is a VM with drives of its own.
 *
 *	phase      drives beside executor, root and scratch         leaves
 *	pre_plan   source, old dependencies, secrets                new dependencies
 *	plan       source, dependencies, old cache                  artifacts, new cache
 *	post_plan  source, artifacts (packed again by the host),    nothing
 *	           secrets
 *
 * pre_plan and post_plan are trusted: no code of the project runs there, and they may have a
 * network. The plan never has one.
 */
#ifndef RUN_RUN_INTERNAL_H
#define RUN_RUN_INTERNAL_H

#include "data/digest.h"
#include "egress/egress.h"
#include "machine/drives.h"
#include "os/loop.h"
#include "run/planner.h"
#include "run/result.h"
#include "run/run.h"
#include "run/runlog.h"
#include "run/machine.h"
#include "secrets/logmask.h"
#include "secrets/secrets.h"
#include "source/filememory.h"
#include "source/source.h"
#include "store/store.h"

struct phase {
	bool wanted; /* it has actions, and they are to be carried out */
	struct plan plan;
	struct egress egress; /* what it may reach; nothing: it has no network */
	char *missed_host;    /* left out, for the run is offline and it must reach this */
	struct sshagent_rules agent_rules;
	struct drives drives;
	struct machine machine;
};

struct run {
	const struct run_context *context;
	const struct config *config;
	struct project *project;
	const struct run_options *options;
	const struct run_view *view;
	struct event_sink sink; /* log and view, without secrets */
	struct planner planner; /* the lists of the project, parsed */
	struct secrets secrets; /* of both trusted phases */
	struct mask *mask;      /* NULL: there are no secrets */
	struct logmask logmask;
	struct loop loop; /* of those beside its machines */
	struct loop_source idle;
	struct runlog log;
	int log_fd, console_fd;
	char *run_id;
	struct drive_sizes sizes;    /* of the drives that its VMs write */
	struct machine_host host;    /* of the plan's VM */
	struct machine_host trusted; /* of the two others; empty when neither is wanted */
	struct phase phases[PROJECT_PHASES];
	int64_t used_ms; /* of the time limit, by the machines so far */
	struct store store;
	struct source source;
	struct filememory *memory;        /* of files that need not be read again */
	struct digest_text source_digest; /* of the archive of the source (fingerprint.h) */
	struct digest_text files_digest;  /* of the other files that machines are given */
	struct digest_text plans_digest;  /* of plans and settings; "" when they are too long */
	/* Of everything that a run depends on; "" when it cannot be known. */
	struct digest_text digest;
	int source_fd;        /* the packed source */
	char *deps;           /* what the plan gets as dependencies; NULL: none */
	char *kept_artifacts; /* the directory of the unpacked ones; NULL: none yet */
	struct result result;
	struct strv warnings; /* from before there was a log */
};

static inline bool run_passes(const struct run *r)
{
	return r->result.verdict == VERDICT_PASSED;
}

void run_warn(struct run *r, const char *text);

/* The stored archive that a run is given as "cache" or "deps"; NULL: none. The caller frees. */
char *run_stored(const struct run *r, const char *name);

/* ---- run_compare.c ---- */

/*
 * Fill r->memory, r->source_digest and r->digest, and compare with the last run of the class that
 * passed. Only what is needed to know the answer is looked at. What a run would refuse is refused
 * here, too: an image whose files are not those of its image.yaml.
 */
int run_compare(struct run *r, bool *ret_unchanged, struct err *e) NODISCARD;

/* Fill r->files_digest: of programs and stored dependencies as they are now. */
int run_look_at_files(struct run *r, struct err *e) NODISCARD;

/* r->digest, from the three before and all else that the run depends on; nothing is read for it. */
void run_make_digest(struct run *r);

char *run_class(const struct run *r); /* the caller frees */

/* ---- run_phase.c ---- */

/*
 * Make the drives of a phase and run its VM. 0: the verdict is in r->result, whatever it is. -1:
 * the machinery broke.
 */
int run_phase(struct run *r, enum project_phase which, struct err *e) NODISCARD;

/*
 * image_verify of all images of the run. Without the lock (r->store.work is NULL) nothing is
 * written.
 */
int run_verify_images(struct run *r, struct err *e) NODISCARD;

/* In place of a pre-plan that must reach `host`: stored dependencies, or ERR_INPUT, "offline". */
int run_need_deps(struct run *r, const char *host, struct err *e) NODISCARD;

/* What the VMs left, checked; each is called when its phase is over. */
int run_keep_deps(struct run *r, struct err *e) NODISCARD;      /* passed only; published at once */
int run_keep_artifacts(struct run *r, struct err *e) NODISCARD; /* also of a failed plan */
int run_keep_cache(struct run *r, struct err *e) NODISCARD;     /* passed only; published at once */

#endif
