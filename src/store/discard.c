/* SPDX-License-Identifier: Apache-2.0 */
#include "store/discard.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/node.h"
#include "os/fd.h"
#include "os/path.h"
#include "settings/statefile.h"
#include "store/store.h"

enum { BLOCK = 512 };

static int discard(const char *path, bool dry_run, uint64_t *ret_bytes, struct err *e)
{
	auto_free char *dir = path_parent(path);
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "%s", path);
	if (!dry_run && (unlink(path) < 0 || fd_sync_dir(dir, e) < 0))
		return e->kind == ERR_NONE ? err_sys(e, "remove %s", path) : -1;
	*ret_bytes = st.st_nlink > 1 ? 0 : (uint64_t)st.st_blocks * BLOCK;
	return 0;
}

int discard_archive(const char *state, const char *project, const char *name, bool dry_run,
	uint64_t *ret_bytes, bool *ret_taken, struct err *e)
{
	auto_free char *path = mem_printf("%s/%s/current/%s", state, project, name);
	auto_store struct store lock = STORE_NONE;

	*ret_bytes = 0;
	if (store_try_lock(state, project, &lock, ret_taken, e) < 0)
		return -1;
	return *ret_taken ? discard(path, dry_run, ret_bytes, e) : 0;
}

/* It was fetched, or would have been, if it were not there. A run of a scope uses that of its scope. */
static bool is_of_run(const struct node *result, const char *name)
{
	const struct node *output = node_get(node_get(result, "outputs"), name), *item;

	if (strcmp(path_base(node_get_text(output, "path", "")), name) == 0)
		return true;
	node_each (node_get(result, "deps_unchanged"), item)
		if (node_text(item) && strcmp(node_text(item), name) == 0)
			return true;
	return false;
}

bool discard_can_fetch(const char *state, const char *project, const char *name)
{
	auto_free char *home = path_join(state, project);
	auto_free char *deps = mem_printf("%s/current/%s", home, name);
	auto_free char *file = path_join(home, "latest/result.json");
	auto_node struct node *result = statefile_recall(STATEFILE_RESULT, file);
	struct stat archive, told;

	if (!is_of_run(result, name))
		return false;
	/* An archive that is newer than the result was imported since. */
	return lstat(deps, &archive) == 0 && stat(file, &told) == 0 &&
		clock_compare(&archive.st_mtim, &told.st_mtim) <= 0;
}
