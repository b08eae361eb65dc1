/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan of the form of Ambient CI 0.21.1, plan.yaml:
 *
 *     steps:
 *       - {action: mkdir, pathname: /ci/src}
 *       - {action: tar_extract, archive: /dev/vdc, directory: /ci/src}
 *       - {action: shell, shell: make}
 *     source_dir: /ci/src
 *     deps_dir: /ci/deps
 *     artifacts_dir: /ci/artifacts
 *     cache_dir: /ci/cache              # absent or null: cargo builds where it does otherwise
 *     envs: {NAME: [118, 97, 108]}      # the bytes of the value
 *
 * The keys workspace_dir and secrets_dir, and those of the drives, are accepted and not used: the
 * steps name what they use. Paths are relative to the working directory of this process.
 */
#ifndef EXECUTOR_HAND_OLDPLAN_H
#define EXECUTOR_HAND_OLDPLAN_H

#include "contract/action.h"
#include "contract/plan.h"

#define OLDPLAN_NAME "plan.yaml"

struct oldplan {
	struct node *tree;     /* as it was read */
	const char *source;    /* its source_dir, absolute */
	struct node *settings; /* the same with absolute directories: for `expand` of actions */
	struct plan plan;
};

/*
 * Read OLDPLAN_NAME in the working directory, and expand its actions, which are in the table. The
 * plan's environment is that of this process, and above it what Ambient CI sets: HOME unless it is
 * set, PATH with cargo's programs in front, CARGO_HOME, CARGO_TARGET_DIR, RUST_BACKTRACE, and `envs`.
 * ERR_INPUT "plan.yaml:LINE:COL: ...": it is no such plan, or has an action that is not in the table.
 * The caller releases *ret in each case.
 */
int oldplan_read(const struct action *const *actions, struct oldplan *ret, struct err *e) NODISCARD;
void oldplan_release(struct oldplan *p);
#define auto_oldplan __attribute__((cleanup(oldplan_release)))

#endif
