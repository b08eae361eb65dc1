/* SPDX-License-Identifier: Apache-2.0 */
#include "host/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sig.h"
#include "core/pack.h"
#include "host/drives.h"

struct packing {
	const struct event_sink *sink;
	int64_t next_ms; /* when to show progress again */
};

static int on_tick(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	enum { PROGRESS_MS = 100 };
	struct packing *p = arg;
	struct node *n;

	if (p->sink && clock_ms() >= p->next_ms) {
		p->next_ms = clock_ms() + PROGRESS_MS;
		n = node_map();
		node_set_string(n, "stage", "pack");
		node_set_uint(n, "entries", entries);
		node_set_uint(n, "bytes", bytes);
		event_send(p->sink, EVENT_PROGRESS, SOURCE_PRELUDE, n);
	}
	return sig_check(e);
}

/* A state or temporary directory inside the source would grow while it is packed. */
static size_t find_avoided(const struct config *config, struct pack_avoid avoid[2])
{
	const char *const paths[2] = {config->state, config->tmpdir};
	const char *const names[2] = {"the state directory", "the directory for temporary files"};
	size_t n = 0;
	struct stat st;

	for (int i = 0; i < 2; i++)
		if (stat(paths[i], &st) == 0)
			avoid[n++] = (struct pack_avoid){st.st_dev, st.st_ino, names[i]};
	return n;
}

static int pack_into(const char *dir, int flags, int fd, const struct pack_options *options,
	struct pack_result *ret, struct err *e)
{
	auto_fd int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);

	if (root < 0)
		return err_sys(e, "%s", dir);
	if (pack_tree(root, dir, fd, options, ret, e) < 0)
		return -1;
	if (ftruncate(fd, (off_t)ret->bytes) < 0) {
		auto_free char *name = fd_name(fd);

		return err_sys(e, "cut the archive, %s", name);
	}
	return 0;
}

static void report(const char *source, const struct git_state *git,
	const struct pack_result *packed, int64_t since_ms, const struct event_sink *sink)
{
	struct node *n;

	strv_each (&packed->warnings, text) {
		n = node_map();
		node_set_string(n, "message", *text);
		event_send(sink, EVENT_WARNING, SOURCE_PRELUDE, n);
	}
	n = node_map();
	node_set_string(n, "path", source);
	if (*git->commit)
		node_set_string(n, "commit", git->commit);
	if (git->clean != GIT_UNKNOWN)
		node_set_bool(n, "clean", git->clean == GIT_CLEAN);
	node_set_uint(n, "entries", packed->entries);
	node_set_uint(n, "bytes", packed->bytes);
	node_set_int(n, "duration_ms", clock_ms() - since_ms);
	event_send(sink, EVENT_SOURCE, SOURCE_PRELUDE, n);
}

int source_pack(const struct config *config, const char *source, const struct git_state *git,
	const struct event_sink *sink, int *ret_fd, struct err *e)
{
	struct packing packing = {.sink = sink, .next_ms = clock_ms()};
	struct pack_avoid avoid[2];
	const struct pack_options options = {
		.out_is_zero = true,
		.avoid = avoid,
		.avoid_count = find_avoided(config, avoid),
		.tick = on_tick,
		.tick_arg = &packing,
	};
	auto_pack_result struct pack_result packed = {0};
	auto_fd int fd = -1;
	int64_t since_ms = clock_ms();

	if (drives_temporary(config->tmpdir, &fd, e) < 0)
		return -1;
	if (pack_into(source, 0, fd, &options, &packed, e) < 0)
		return err_wrap(e, "pack the source");
	report(source, git, &packed, since_ms, sink);
	*ret_fd = fd_steal(&fd);
	return 0;
}

int source_pack_own(const struct config *config, const char *dir, int *ret_fd, struct err *e)
{
	struct packing packing = {0};
	const struct pack_options options = {
		.kinds = PACK_PLAIN, .out_is_zero = true, .tick = on_tick, .tick_arg = &packing};
	auto_pack_result struct pack_result packed = {0};
	auto_fd int fd = -1;

	if (drives_temporary(config->tmpdir, &fd, e) < 0)
		return -1;
	if (pack_into(dir, O_NOFOLLOW, fd, &options, &packed, e) < 0)
		return err_wrap(e, "pack %s", dir);
	*ret_fd = fd_steal(&fd);
	return 0;
}
