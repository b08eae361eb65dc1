/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/getfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/ecosystems/npmlock.h"
#include "base/text.h"
#include "contract/contract.h"
#include "executor/net/room.h"
#include "os/fd.h"
#include "os/tree.h"

/* What a directory takes in an archive. */
#define DIRECTORY_BYTES 512

static int read_item(const struct node *n, struct http_item *ret, struct err *e)
{
	const char *sum = node_get_text(n, "checksum", NULL);

	*ret = (struct http_item){.url = node_get_text(n, "url", NULL),
		.name = node_get_text(n, "filename", NULL),
		.of = node_get_text(n, "of", NULL)};
	if (!ret->url || !ret->name || (sum && !checksum_parse(sum, &ret->checksum)))
		return err_set(e, ERR_INPUT, "an item is incomplete");
	return 0;
}

static int open_dir(int deps, const char *name, struct err *e)
{
	int fd = fd_make_directory(deps, name);

	return fd < 0 ? err_sys(e, "make " GUEST_DEPS "/%s", name) : fd;
}

/* What a file to be replaced takes in the archive; 0: there is none. */
static uint64_t size_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)
		? (uint64_t)st.st_size
		: 0;
}

int getfiles_named(const struct node *work, const struct transfer_options *o, struct err *e)
{
	const struct node *list = node_get(work, "items");
	size_t count = list ? list->count : 0;
	auto_free struct http_item *items = mem_array(count + 1, sizeof(*items));
	auto_fd int dir = open_dir(o->dir_fd, DEPS_HTTP, e);
	const struct strv none = {0};
	struct transfer_options bounded = *o;
	uint64_t replaced = 0;

	if (dir < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (read_item(list->items[i], &items[i], e) < 0)
			return -1;
		replaced += size_of(dir, items[i].name);
	}
	if (room_find(&bounded, &none, replaced, e) < 0)
		return -1;
	bounded.dir_fd = dir;
	return http_get(items, count, &bounded, e);
}

/* ---- archives of a lock file ---- */

/* The directories above a place, in a directory that is new: no link can be among them. */
static int make_above(int dir, const char *name, uint64_t *bytes, struct err *e)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		auto_free char *above = mem_strndup(name, (size_t)(slash - name));

		if (mkdirat(dir, above, 0755) == 0)
			*bytes += DIRECTORY_BYTES;
		else if (errno != EEXIST)
			return err_sys(e, "make %s", above);
	}
	return 0;
}

/* A file of the last time, which http_get verifies. */
static int take_over(int old, int new, const char *name, struct err *e)
{
	auto_fd int fd = old < 0 ? -1 : fd_open_beneath(old, name, O_RDONLY | O_NONBLOCK);
	auto_free char *path = mem_printf("/proc/self/fd/%d", fd);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (linkat(AT_FDCWD, path, new, name, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(e, "keep %s", name);
	return 0;
}

/* Of packages whose checksum is not known, each is told: the server decides what they are. */
static void tell_unverified(const struct http_item *item, const struct transfer_options *o)
{
	auto_free char *line = NULL;

	if (item->checksum.len)
		return;
	line = mem_printf(
		"%s: the lock file has no integrity of it, so nothing is verified", item->of);
	o->tell(o->arg, line);
}

/* Into the directory o->dir_fd, which is empty. `old`: that of the last time; -1: there is none. */
static int get_list(const struct node *list, int old, struct transfer_options *o, struct err *e)
{
	auto_free struct http_item *items = mem_array(list->count + 1, sizeof(*items));
	uint64_t bytes = DIRECTORY_BYTES;

	for (size_t i = 0; i < list->count; i++) {
		if (read_item(list->items[i], &items[i], e) < 0 ||
			make_above(o->dir_fd, items[i].name, &bytes, e) < 0 ||
			take_over(old, o->dir_fd, items[i].name, e) < 0)
			return -1;
		tell_unverified(&items[i], o);
	}
	o->room -= o->room < bytes ? o->room : bytes;
	return http_get(items, list->count, o, e);
}

/* What is at `from`, directory or not, goes to `to`, where nothing is afterwards but that. */
static int move_aside(int dir, const char *from, const char *to, struct err *e)
{
	if (tree_remove(dir, to, to, NULL, e) < 0)
		return -1;
	if (renameat(dir, from, dir, to) < 0 && errno != ENOENT)
		return err_sys(e, "rename %s to %s", from, to);
	return 0;
}

static int get_into_new(const struct node *list, const struct transfer_options *o, struct err *e)
{
	static const char aside[] = "." NPM_DEPS ".old";
	auto_strv struct strv replaced = {0};
	struct transfer_options new = *o;
	auto_fd int old = -1, dir = -1;

	strv_push(&replaced, NPM_DEPS);
	strv_push(&replaced, aside);
	if (room_find(&new, &replaced, 0, e) < 0 || move_aside(o->dir_fd, NPM_DEPS, aside, e) < 0)
		return -1;
	old = openat(o->dir_fd, aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = open_dir(o->dir_fd, NPM_DEPS, e);
	if (dir < 0)
		return -1;
	new.dir_fd = dir;
	return get_list(list, old, &new, e) < 0 ? -1
						: tree_remove(o->dir_fd, aside, aside, NULL, e);
}

int getfiles_locked(const struct node *work, const struct transfer_options *o, struct err *e)
{
	const char *registry = node_get_text(work, "registry", NULL);
	auto_fd int source = open(GUEST_SRC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_node struct node *list = NULL;

	if (!registry)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	if (source < 0)
		return err_sys(e, "open " GUEST_SRC);
	if (npmlock_read(source, registry, &list, e) < 0)
		return -1;
	return get_into_new(list, o, e);
}
