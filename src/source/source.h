/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing the source tree for the VMs: an archive of at most LIMIT_SOURCE_BYTES. The files to pack
 * are selected once, and packed once, for all VMs. The digest is of the same selection.
 *
 *	struct source s;
 *
 *	source_init(&s);
 *	if (source_open(&s, config, project, alone, e) < 0 || source_inspect(&s, e) < 0 ||
 *		source_pack(&s, sink, &fd, e) < 0) ...
 *	source_close(&s);
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "contract/event.h"
#include "data/digest.h"
#include "data/pack.h"
#include "settings/config.h"
#include "settings/project.h"
#include "source/compose.h"
#include "source/filememory.h"
#include "source/git.h"
#include "source/gitsettings.h"
#include "source/repository.h"

struct source {
	const struct config *config;   /* borrowed */
	const struct project *project; /* borrowed */
	int root;                      /* the open directory; the path is resolved only once */
	struct repository repository;
	struct gitsettings settings; /* of the operator; empty if there is no repository */
	struct git_state git;        /* set by source_inspect, like the next two */
	struct composition composition;
	struct pack_avoid avoid[2];
	size_t avoid_count;
};

void source_init(struct source *s);
void source_close(struct source *s);

/*
 * Open the source of a project and select the files to pack, before anything else is done: those of
 * the tree, and those that its repository needs from outside (repository.h). alone: nothing outside
 * of the tree is packed, whatever the operator has named, but for the mirror of a checkout; for runs
 * with a cache scope. ERR_INPUT,
 * with the position in the projects file and the remedy, if the source is the state directory,
 * tmpdir, or a repository without a work tree, or if its repository is incomplete.
 */
int source_open(struct source *s, const struct config *config, const struct project *project,
	bool alone, struct err *e) NODISCARD;

/* Check for the errors of source_open, for callers that pack nothing. */
int source_check(
	const struct config *config, const struct project *project, struct err *e) NODISCARD;

/*
 * Ask git for commit and state (git.h). ERR_INPUT if the git of this host does not support the
 * format of the repository; this program could not tell either which files a machine needs.
 */
int source_inspect(struct source *s, struct err *e) NODISCARD;

/*
 * Pack the tree into a file without a name in tmpdir; *ret_fd is owned by the caller. The state
 * directory and tmpdir are left out if they are in the tree. Progress, warnings and EVENT_SOURCE
 * are sent to the sink. *ret_digest is the digest of the packed files. ERR_INPUT, ERR_HOST,
 * ERR_INTERRUPTED.
 */
int source_pack(const struct source *s, struct filememory *memory, const struct event_sink *sink,
	int *ret_fd, struct digest_text *ret_digest, struct err *e) NODISCARD;

/*
 * The digest that source_pack would return (fingerprint.h), by a walk through the tree. Files in
 * the cache `memory` are not read. Progress is sent to the sink.
 */
int source_digest(const struct source *s, struct filememory *memory, const struct event_sink *sink,
	struct digest_text *ret_digest, struct err *e) NODISCARD;

/*
 * Pack a directory of ours, without a word; what the strict reader refuses is left out. Modes are
 * plain (tar_plain_mode): who may read it here says nothing about who may where it goes.
 */
int source_pack_own(
	const struct config *config, const char *dir, int *ret_fd, struct err *e) NODISCARD;

#endif
