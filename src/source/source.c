/* SPDX-License-Identifier: Apache-2.0 */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "data/pack.h"
#include "os/fd.h"
#include "os/sig.h"
#include "os/space.h"
#include "os/temporary.h"
#include "source/fingerprint.h"
#include "source/limits.h"

enum { PATH_SHOWN_MAX = 600 };

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

/* The source is at fault: refer to its place in the projects file. `why` is the problem. */
static int refuse(const struct source *s, const char *why, struct err *e)
{
	const struct project *p = s->project;
	auto_free char *shown = text_safe(p->source, PATH_SHOWN_MAX);

	(void)node_err(node_get(p->node, "source"), p->file, e, "source %s: %s", shown, why);
	return err_because(e, "source_repository");
}

/* A state or temporary directory inside the source would grow while it is packed. */
static int find_avoided(struct source *s, struct err *e)
{
	const char *const paths[2] = {s->config->state, s->config->tmpdir};
	const char *const names[2] = {"the state directory", "the directory for temporary files"};
	struct stat root, st;

	s->avoid_count = 0;
	if (fstat(s->root, &root) < 0)
		return err_sys(e, "%s", s->project->source);
	for (int i = 0; i < 2; i++) {
		if (stat(paths[i], &st) < 0)
			continue;
		if (st.st_dev == root.st_dev && st.st_ino == root.st_ino) {
			auto_free char *why =
				mem_printf("it is %s, in which each run would find what "
					   "runs leave: use another directory for "
					   "one of them",
					names[i]);

			return refuse(s, why, e);
		}
		s->avoid[s->avoid_count++] = (struct pack_avoid){st.st_dev, st.st_ino, names[i]};
	}
	return 0;
}

static int check_git_objects(const struct project *p, struct err *e)
{
	const struct node *item;
	struct stat st;
	size_t i = 0;

	node_each (node_get(p->node, "git_objects"), item) {
		auto_free char *shown = text_safe(p->git_objects.items[i], PATH_SHOWN_MAX);

		if (stat(p->git_objects.items[i++], &st) < 0)
			return node_err(
				item, p->file, e, "'git_objects': %s: %s", shown, strerror(errno));
		if (!S_ISDIR(st.st_mode))
			return node_err(
				item, p->file, e, "'git_objects': %s is not a directory", shown);
	}
	return 0;
}

static int find_repository(struct source *s, bool alone, struct err *e)
{
	const struct repository_tree tree = {.source = s->project->source,
		.root = s->root,
		.named = alone && !s->project->repository ? NULL : &s->project->git_objects,
		.avoid = s->avoid,
		.avoid_count = s->avoid_count};
	struct err why = {0};

	if (repository_is_bare(s->root))
		return refuse(s,
			"it is a repository without a work tree (bare): clone it, and use the "
			"clone "
			"as the source; or the directory above it, if the repository itself is "
			"meant",
			e);
	if (repository_find(&tree, &s->repository, &why) == 0)
		return 0;
	if (why.kind == ERR_INPUT)
		return refuse(s, why.msg, e);
	*e = why;
	return -1;
}

void source_init(struct source *s)
{
	*s = (struct source){.root = -1, .repository = REPOSITORY_EMPTY};
	gitsettings_init(&s->settings);
}

void source_close(struct source *s)
{
	composition_release(&s->composition);
	repository_release(&s->repository);
	gitsettings_release(&s->settings);
	fd_close(s->root);
	s->root = -1;
}

static int read_settings(struct source *s, struct err *e)
{
	auto_free char *path = repository_path(&s->repository, s->project->source);

	return path || s->repository.nested.count ? gitsettings_read(&s->settings, path, e) : 0;
}

int source_open(struct source *s, const struct config *config, const struct project *project,
	bool alone, struct err *e)
{
	s->config = config;
	s->project = project;
	if (project_check_source(project, e) < 0)
		return err_because(e, "no_source");
	s->root = open(project->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0)
		return err_sys(e, "%s", project->source);
	if (find_avoided(s, e) < 0 || check_git_objects(project, e) < 0 ||
		find_repository(s, alone, e) < 0)
		return -1;
	return read_settings(s, e);
}

int source_check(const struct config *config, const struct project *project, struct err *e)
{
	struct source s;
	int result;

	source_init(&s);
	result = source_open(&s, config, project, false, e);
	source_close(&s);
	return result;
}

int source_inspect(struct source *s, struct err *e)
{
	const struct git_tree tree = {.source = s->project->source,
		.root = s->root,
		.repository = &s->repository,
		.settings = &s->settings};

	/* Again: the first run has created its state directory since source_open. */
	if (find_avoided(s, e) < 0 || git_inspect(&tree, &s->git, e) < 0)
		return -1;
	if (s->git.foreign) {
		auto_free char *why = mem_printf("%s: this host's git cannot read the repository; "
						 "install a newer git, or convert the repository",
			s->git.reason);

		return refuse(s, why, e);
	}
	return compose_repository(
		&s->repository, s->root, &s->settings, &s->git, &s->composition, e);
}

/* The options that select the packed files. */
static void select_files(const struct source *s, struct pack_options *o)
{
	o->avoid = s->avoid;
	o->avoid_count = s->avoid_count;
	o->max_bytes = LIMIT_SOURCE_BYTES;
	o->grafts = s->composition.grafts;
	o->graft_count = s->composition.count;
}

static int pack_into(int root, const char *dir, int fd, const struct pack_options *options,
	struct pack_result *ret, struct err *e)
{
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

int source_pack(const struct source *s, struct filememory *memory, const struct event_sink *sink,
	int *ret_fd, struct digest_text *ret_digest, struct err *e)
{
	auto_fingerprint struct fingerprint *print = fingerprint_new(memory);
	const struct pack_sink told = fingerprint_sink(print);
	struct packing packing = {.sink = sink, .next_ms = clock_ms()};
	struct pack_options options = {
		.sink = &told, .out_is_zero = true, .tick = on_tick, .tick_arg = &packing};
	auto_pack_result struct pack_result packed = {0};
	auto_fd int fd = -1;
	int64_t since_ms = clock_ms();

	select_files(s, &options);
	if (temporary_file(s->config->tmpdir, &fd, e) < 0)
		return -1;
	if (pack_into(s->root, s->project->source, fd, &options, &packed, e) < 0) {
		space_explain(e, fd); /* before fd is closed, because the file uses the space */
		return err_wrap(e, "pack the source");
	}
	report(s->project->source, &s->git, &packed, since_ms, sink);
	*ret_digest = fingerprint_end(print);
	*ret_fd = fd_steal(&fd);
	return 0;
}

int source_digest(const struct source *s, struct filememory *memory, const struct event_sink *sink,
	struct digest_text *ret_digest, struct err *e)
{
	auto_fingerprint struct fingerprint *print = fingerprint_new(memory);
	const struct pack_sink told = fingerprint_sink(print);
	struct packing packing = {.sink = sink, .next_ms = clock_ms()};
	struct pack_options options = {.sink = &told, .tick = on_tick, .tick_arg = &packing};
	auto_pack_result struct pack_result packed = {0};

	select_files(s, &options);
	if (pack_tree(s->root, s->project->source, -1, &options, &packed, e) < 0)
		return err_wrap(e, "pack the source");
	*ret_digest = fingerprint_end(print);
	return 0;
}

int source_pack_own(const struct config *config, const char *dir, int *ret_fd, struct err *e)
{
	struct packing packing = {0};
	const struct pack_options options = {.kinds = PACK_PLAIN,
		.plain_modes = true,
		.out_is_zero = true,
		.tick = on_tick,
		.tick_arg = &packing};
	auto_pack_result struct pack_result packed = {0};
	auto_fd int root = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int fd = -1;

	if (root < 0)
		return err_sys(e, "%s", dir);
	if (temporary_file(config->tmpdir, &fd, e) < 0)
		return -1;
	if (pack_into(root, dir, fd, &options, &packed, e) < 0)
		return err_wrap(e, "pack %s", dir);
	*ret_fd = fd_steal(&fd);
	return 0;
}
