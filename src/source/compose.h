/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `.git` that a machine gets, where it is not simply the tree's: entries of the archive that
 * come from elsewhere (pack.h, grafts).
 *
 * - A linked worktree gets a directory `.git` of one ordinary repository: what the worktree has of
 *   its own (HEAD, index, ...), and what its repository shares (objects, refs, configuration, ...);
 *   not its hooks, and nothing of other worktrees.
 * - A repository that `.git` names elsewhere takes its place.
 * - Objects that are borrowed (alternates) are in `.git/ambient/objects-N`, which
 *   `.git/objects/info/alternates` names.
 * - `.git/config` begins with the operator's settings (gitsettings.h) and ends with ours:
 *   core.checkStat is minimal, so that git takes an unpacked file for unchanged by its size and its
 *   time, as it was on the host, where the index has numbers of the host beside. core.fsmonitor and
 *   core.untrackedCache are off: they are about the tree as it was on the host.
 *   The repositories in the tree besides (submodules) get the same, if the operator has settings.
 * - The operator's ignore and attributes files are `.git/ambient/excludes` and
 *   `.git/ambient/attributes`, which `.git/config` names.
 * - When filters are the only reason to read files again (git_state.settled), the index is dated
 *   after the second in which it was written, for the same purpose.
 */
#ifndef SOURCE_COMPOSE_H
#define SOURCE_COMPOSE_H

#include "data/pack.h"
#include "source/git.h"
#include "source/gitsettings.h"
#include "source/repository.h"

struct composition {
	struct pack_graft *grafts;
	size_t count;
	struct strv texts; /* what grafts borrow */
	int *fds;
	size_t fd_count;
};

void composition_release(struct composition *c);

/* root: the directory of the tree, borrowed as the directories of `r` and the files of
 * `settings` are. ERR_HOST, ERR_INPUT. */
int compose_repository(const struct repository *r, int root, const struct gitsettings *settings,
	const struct git_state *git, struct composition *ret, struct err *e) NODISCARD;

#endif
