/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/owner.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/path.h"
#include "os/tree.h"

static int on_tick(void *arg, struct err *e)
{
	struct run *run = arg;

	return run->ctx.ops->tick(&run->ctx, e);
}

int owner_give(struct run *run, const struct account *a, struct err *e)
{
	static const char *const dirs[] = {GUEST_SRC, GUEST_DEPS, GUEST_CACHE, GUEST_ARTIFACTS};
	auto_fd int ci = -1;
	const struct tree_owner owner = {.uid = a->uid, .gid = a->gid, .tick = on_tick, .arg = run};

	if (!run->owner_unknown && run->owner == a->uid)
		return 0;
	/* Root's programs may do anything; but a tree that was given away is taken back, for git. */
	if (a->uid == 0 && !run->given_away)
		return 0;
	ci = open(GUEST_CI, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ci < 0 || fchown(ci, a->uid, a->gid) < 0)
		return err_sys(e, "give " GUEST_CI " to the user %s", a->name);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (tree_give(ci, path_base(dirs[i]), GUEST_CI, &owner, e) < 0)
			return -1;
	run->owner = a->uid;
	run->owner_unknown = false;
	run->given_away = true;
	return 0;
}
