/* SPDX-License-Identifier: Apache-2.0 */
#include "source/declared.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "data/pack.h"
#include "data/tar.h"
#include "os/fd.h"
#include "os/space.h"
#include "os/temporary.h"
#include "source/limits.h"

enum { SHOWN_MAX = 300 };

static int refuse(const char *path, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	return err_set(e, ERR_INPUT, "the file '%s' of the source, which it reads, %s", shown, why);
}

/* O_NONBLOCK: a fifo must not make it wait. */
static int open_declared(int root, const char *path, int *ret_fd, struct err *e)
{
	auto_fd int fd = -1;
	const char *why;
	struct stat st;

	if (!tar_path_is_plain(path, &why))
		return refuse(path, why, e);
	fd = fd_open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP)
		return refuse(path, "is reached by a symbolic link: name the file itself", e);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return refuse(path, "is not there", e);
	if (fd < 0)
		return refuse(path, strerror(errno), e);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return refuse(path, "is not a regular file", e);
	if ((uint64_t)st.st_size > LIMIT_DECLARED_BYTES) {
		auto_free char *size = mem_printf("has %s, more than the limit of %s",
			num_show_size_beside((uint64_t)st.st_size, LIMIT_DECLARED_BYTES).s,
			num_show_size_beside(LIMIT_DECLARED_BYTES, (uint64_t)st.st_size).s);

		return refuse(path, size, e);
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

int declared_check(int root, const struct entry *entry, struct err *e)
{
	auto_strv struct strv paths = {0};

	if (entry->action->reads)
		entry->action->reads(entry, &paths);
	strv_each (&paths, path) {
		auto_fd int fd = -1;
		struct err why = {0};

		if (open_declared(root, *path, &fd, &why) < 0)
			return node_err(entry->node, entry->file, e, "%s", why.msg);
	}
	return 0;
}

/* ---- packing ---- */

/* In a sorted walk (tar.h), a directory is followed by what is in it. */
static int rank(char c)
{
	if (c == '\0')
		return 0;
	return c == '/' ? 1 : (unsigned char)c + 1;
}

static int by_walk(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return rank(*x) - rank(*y);
}

/* The directories of `path` that are not those of `previous`, which is packed. */
static int add_directories(struct packer *p, const char *path, const char *previous, struct err *e)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);
		auto_free char *directory = mem_strndup(path, len);

		if (strncmp(previous, path, len + 1) != 0 &&
			pack_add_dir(p, directory, 0755, e) < 0)
			return -1;
	}
	return 0;
}

static int add_all(struct packer *p, int root, const struct strv *sorted, struct err *e)
{
	const char *previous = "";

	strv_each (sorted, path) {
		auto_fd int fd = -1;

		if (strcmp(*path, previous) == 0)
			continue;
		if (open_declared(root, *path, &fd, e) < 0 ||
			add_directories(p, *path, previous, e) < 0 ||
			pack_add_fd(p, *path, 0644, fd, e) < 0)
			return -1;
		previous = *path;
	}
	return 0;
}

static int pack_sorted(int root, const struct strv *sorted, int to, struct err *e)
{
	const struct pack_options options = {.out_is_zero = true, .max_bytes = LIMIT_SOURCE_BYTES};
	auto_packer struct packer *p = pack_begin(to, &options);
	auto_pack_result struct pack_result result = {0};

	if (add_all(p, root, sorted, e) < 0 || pack_end(p, &result, e) < 0)
		return -1;
	return ftruncate(to, (off_t)result.bytes) < 0 ? err_sys(e, "cut the archive") : 0;
}

int declared_pack(
	int root, const struct strv *paths, const struct config *config, int *ret_fd, struct err *e)
{
	auto_strv struct strv sorted = {0};
	auto_fd int to = -1;

	strv_push_all(&sorted, paths);
	if (sorted.count > 1)
		qsort(sorted.items, sorted.count, sizeof(*sorted.items), by_walk);
	if (temporary_file(config->tmpdir, &to, e) < 0)
		return -1;
	if (pack_sorted(root, &sorted, to, e) < 0) {
		space_explain(e, to);
		return err_wrap(e, "pack the files of the source for actions that fetch");
	}
	*ret_fd = fd_steal(&to);
	return 0;
}
