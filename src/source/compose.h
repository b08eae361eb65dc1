/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `.git` that a machine gets if it is not simply that of the tree: entries of the archive that
 * do not come from the tree (pack.h, grafts).
 *
 * - A linked worktree gets a directory `.git` of one ordinary repository. It contains the
 *   worktree's own files (HEAD, index, ...) and those shared by its repository (objects, refs,
 *   configuration, ...), but not the hooks, and nothing of other worktrees.
 * - A repository elsewhere that the file `.git` names takes the place of that file.
 * - Borrowed objects (alternates) are in `.git/ambient/objects-N`, which
 *   `.git/objects/info/alternates` names.
 * - `.git/config` begins with the operator's settings (gitsettings.h) and ends with ours.
 *   core.checkStat is minimal, so that git considers an unpacked file unchanged by its size and
 *   time, as on the host; the index also contains numbers of the host. core.fsmonitor and
 *   core.untrackedCache are off, because they refer to the tree on the host. The other repositories
 *   in the tree (submodules) get the same if the operator has settings.
 * - The operator's ignore and attributes files are `.git/ambient/excludes` and
 *   `.git/ambient/attributes`, which `.git/config` names.
 * - If the repository has an entry `ambient` of its own, it keeps it: the name of the directory is
 *   then `ambient-2`, or the next one that is free.
 * - If filters are the only reason to read files again (git_state.settled), the index gets a time
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
	struct strv texts; /* texts that the grafts borrow */
	int *fds;
	size_t fd_count;
};

void composition_release(struct composition *c);

/*
 * Make the composition. root is the directory of the tree. root, the directories of `r` and the
 * files of `settings` are borrowed. ERR_HOST, ERR_INPUT.
 */
int compose_repository(const struct repository *r, int root, const struct gitsettings *settings,
	const struct git_state *git, struct composition *ret, struct err *e) NODISCARD;

#endif
