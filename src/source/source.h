/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source tree on its way to the VMs: what is packed is decided once, and packed once, for all
 * of them. Whoever else walks what would be packed uses source_pack_options, and so sees the same.
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
	int root;                      /* the directory; the path is looked up once */
	struct repository repository;
	struct gitsettings settings; /* of the operator; empty when there is no repository */
	struct git_state git;        /* after source_inspect, as the next two */
	struct composition composition;
	struct pack_avoid avoid[2];
	size_t avoid_count;
};

void source_init(struct source *s);
void source_close(struct source *s);

/*
 * Open the source of a project and decide what is packed, before anything else is touched: of the
 * tree itself, and of what its repository needs from elsewhere (repository.h). alone: nothing
 * outside of the tree is packed, whatever the operator has named; for runs with a cache scope.
 * ERR_INPUT, with the place in the projects file and the remedy, when the source is the state
 * directory, tmpdir, or a repository without a work tree, or when its repository is not whole.
 */
int source_open(struct source *s, const struct config *config, const struct project *project,
	bool alone, struct err *e) NODISCARD;

/* What source_open would say, for those who pack nothing. */
int source_check(
	const struct config *config, const struct project *project, struct err *e) NODISCARD;

/*
 * Ask git for commit and state (git.h). ERR_INPUT when the format of the repository is none that
 * this host's git can read: nor could we tell what a machine needs.
 */
int source_inspect(struct source *s, struct err *e) NODISCARD;

/* What of the options is about what is packed: directories that are left out, and grafts. */
void source_pack_options(const struct source *s, struct pack_options *o);

/*
 * Pack the tree into a file without a name in tmpdir; *ret_fd is the caller's. State directory and
 * tmpdir are left out when they are inside. Progress, warnings and EVENT_SOURCE go to the sink.
 * *ret_digest is of what was packed.
 * ERR_INPUT, ERR_HOST, ERR_INTERRUPTED.
 */
int source_pack(const struct source *s, struct filememory *memory, const struct event_sink *sink,
	int *ret_fd, struct digest_text *ret_digest, struct err *e) NODISCARD;

/*
 * The digest that source_pack would give (fingerprint.h), by a walk through the tree: files that
 * the memory knows are not read.
 */
int source_digest(const struct source *s, struct filememory *memory, struct digest_text *ret_digest,
	struct err *e) NODISCARD;

/*
 * Pack a directory of ours, without a word; what the strict reader refuses is left out. Modes are
 * plain (tar_plain_mode): who may read it here says nothing about who may where it goes.
 */
int source_pack_own(
	const struct config *config, const char *dir, int *ret_fd, struct err *e) NODISCARD;

#endif
