/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarations shared by the files of a run only: the state of a run (run.c), and its phases
 * (run_phase.c). Each phase is a VM with its own drives.
 *
 *	phase      drives besides executor, root and scratch        outputs
 *	mirror     old mirror, secrets                              new mirror
 *	pre_plan   source, old dependencies, secrets                new dependencies
 *	fetch      files of the source, dependencies,               new fetched dependencies
 *	           old fetched dependencies
 *	plan       source, both dependencies, old cache             artifacts, new cache
 *	post_plan  source, artifacts (packed again by the host),    none
 *	           secrets
 *
 * pre_plan and post_plan are trusted: no code of others runs in them, they may have a network, and
 * they get secrets. fetch has a network, and programs of others; it gets no secrets. The plan never
 * has a network.
 */
#ifndef RUN_RUN_INTERNAL_H
#define RUN_RUN_INTERNAL_H

#include <sys/stat.h>

#include "data/digest.h"
#include "egress/egress.h"
#include "machine/drives.h"
#include "os/loop.h"
#include "run/machine.h"
#include "run/planner.h"
#include "run/result.h"
#include "run/run.h"
#include "contract/runlog.h"
#include "secrets/logmask.h"
#include "secrets/secrets.h"
#include "source/filememory.h"
#include "source/source.h"
#include "store/deps.h"
#include "store/depskey.h"
#include "store/store.h"

struct phase {
	bool wanted;    /* the phase has actions, and they are to run */
	bool unchanged; /* they need not run: what they would fetch is stored (run_reuse.c) */
	struct plan plan;
	struct egress egress; /* hosts that it may reach; none: no network */
	struct digest_text
		reads;     /* of the files that its actions declare; "": it is given the source */
	char *missed_host; /* offline, and skipped because it needs this host */
	struct sshagent_rules agent_rules;
	struct drives drives;
	struct machine machine;
};

/* A file that this run has read for its digest, so that it is not read twice. */
struct seen_file {
	struct stat st;
	struct digest_text contents;
};

enum { RUN_SEEN_FILES = 8 };

/* What trusted machines are given. */
struct run_secrets {
	struct secrets given;
	struct mask *mask; /* NULL: no secrets */
};

struct run {
	const struct run_context *context;
	const struct config *config;
	struct project *project;
	const struct run_options *options;
	const struct run_view *view;
	struct event_sink sink;            /* log and view; secrets are masked */
	struct planner planner;            /* the parsed lists of the project */
	struct run_secrets mirror_secrets; /* of the machine that fetches the source */
	struct run_secrets secrets;        /* of the two other trusted phases */
	struct logmask logmask;
	struct loop loop; /* the sources polled together with the machines */
	struct loop_source idle;
	struct runlog log;
	int log_fd, console_fd;
	char *run_id;
	struct drive_sizes sizes;    /* of the drives that its VMs write */
	struct machine_host host;    /* of the plan's VM */
	struct machine_host fetcher; /* of the VM that fetches; empty when it is not wanted */
	struct machine_host trusted; /* of the two others; empty when neither is wanted */
	/* Of the VM that fetches the source. What that one is given counts by what it brings. */
	struct machine_host mirror_host;
	struct phase phases[RUN_MACHINES];
	int64_t used_ms; /* time used by the machines so far, of the time limit */
	struct store store;
	struct source source;
	struct filememory *memory;        /* digests of files that need not be read again */
	struct digest_text source_digest; /* digest of the source's archive (fingerprint.h) */
	struct digest_text files_digest;  /* digest of all other files passed to machines */
	struct digest_text plans_digest;  /* of plans and settings; "" if they are too long */
	/* Of everything that a run depends on; "" if it cannot be computed. */
	struct digest_text digest;
	struct depskey stored[DEPS_KINDS];     /* contents and length of stored dependencies */
	struct seen_file seen[RUN_SEEN_FILES]; /* the last that were read */
	size_t seen_count;
	/* Of what each machine fetches; without `inputs`, it gets no key. */
	struct depskey keys[DEPS_KINDS];
	int source_fd; /* the packed source */
	int reads_fd;  /* the files of the source for the VM that fetches; -1: it is not wanted */
	char *deps[DEPS_KINDS]; /* the dependencies for the plan; NULL: none */
	char *kept_artifacts;   /* directory of the unpacked artifacts; NULL: none yet */
	struct result result;
	struct strv warnings; /* warnings from before the log existed */
};

static inline bool run_passes(const struct run *r)
{
	return r->result.verdict == VERDICT_PASSED;
}

void run_warn(struct run *r, const char *text);

/*
 * Returns the stored archive for the run's cache or dependencies (store.h, STORE_*); NULL: none. The
 * caller frees.
 */
char *run_stored(const struct run *r, const char *name);

/* ---- run_compare.c ---- */

/*
 * Fill r->memory, r->source_digest and r->digest, and compare them with the last run of the class
 * that passed. Reads only what is needed for the answer. Input that a run would reject is an error
 * here too: an image whose files do not match its image.yaml, and a stored archive that is larger
 * than its limit.
 */
int run_compare(struct run *r, bool *ret_unchanged, struct err *e) NODISCARD;

/* Fill r->files_digest, the digest of the current programs and stored dependencies, and r->stored. */
int run_look_at_files(struct run *r, struct err *e) NODISCARD;

/*
 * Compute the digest of an archive that this run has written, of `bytes` bytes. run_look_at_files will
 * not read it again.
 */
int run_sum_written(struct run *r, int fd, uint64_t bytes, struct digest_text *ret_contents,
	struct err *e) NODISCARD;

/* Add a value with its name to a digest; false: the tree is too large. path NULL: no file. */
void run_digest_line(struct digest *d, const char *what, const char *value);
bool run_digest_node(struct digest *d, const char *what, const struct node *n) NODISCARD;
int run_digest_file(struct run *r, struct digest *d, const char *what, const char *path,
	struct err *e) NODISCARD;
/* Add the authorities that a machine with a network is given. */
int run_digest_authorities(
	struct run *r, struct digest *d, const struct machine_host *host, struct err *e) NODISCARD;

/* Fill r->digest from the other three digests and the other inputs of the run. Reads no files. */
void run_make_digest(struct run *r);

char *run_class(const struct run *r); /* the caller frees */

/* ---- run_reuse.c ---- */

/*
 * Decide whether a machine of the pre-plan need not start: set its phase's `unchanged`, and
 * r->keys[kind] for the archive that it would write. Call it when the digests of the source, of
 * `reads` of the phases and of run_look_at_files are there.
 */
int run_find_deps(
	struct run *r, enum run_machine which, enum deps_kind kind, struct err *e) NODISCARD;

/* ---- run_mirror.c ---- */

/*
 * For a source that is a repository on a server: fetch it, unless the run is offline, and check it out.
 * The phase RUN_MIRROR has its plan, and the secrets of its action are read. 0: r->result has the
 * verdict, which may be a failure.
 */
int run_fetch_source(struct run *r, struct err *e) NODISCARD;
int run_add_mirror_drives(struct run *r, struct drives *d, struct err *e) NODISCARD;

/* ---- run_phase.c ---- */

struct machine_host *run_host_of(struct run *r, enum run_machine which);

/*
 * Make the drives of a phase and run its VM. 0: r->result has the verdict, which may be a failure.
 * -1: the infrastructure failed.
 */
int run_phase(struct run *r, enum run_machine which, struct err *e) NODISCARD;

/*
 * Call image_verify for all images of the run. Without the lock (r->store.work is NULL) it writes
 * nothing.
 */
int run_verify_images(struct run *r, struct err *e) NODISCARD;

/*
 * For a skipped pre-plan that needs `host`: check that dependencies are stored. ERR_INPUT, reason
 * offline, if there are none.
 */
int run_need_deps(struct run *r, const char *host, struct err *e) NODISCARD;

/* The host that the skipped part of the pre-plan needs; NULL: nothing of it is skipped. */
const char *run_missed_host(const struct run *r);

/* Check and store the outputs of a VM. Each is called after its phase. */
/* passed only; published at once */
int run_keep_deps(struct run *r, enum deps_kind kind, struct err *e) NODISCARD;
int run_keep_artifacts(struct run *r, struct err *e) NODISCARD; /* also of a failed plan */
int run_keep_cache(struct run *r, struct err *e) NODISCARD;     /* passed only; published at once */

#endif
