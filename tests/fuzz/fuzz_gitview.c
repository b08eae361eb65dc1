/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tree says in its .git. The first byte chooses the reader, the rest is the file: H, p, r, i
 * and c for HEAD, packed refs, a ref, the index and the configuration as gitview.h sees them, w for
 * the configuration again (gitconfig.h), and a, g for a list of alternates and a file .git.
 *
 * Whatever comes: the same bytes give the same digest; what git clone adds to a configuration
 * without remotes and branches changes nothing; the last setting of a configuration that is
 * understood is found; and no path that was read has what ends one.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/path.h"
#include "source/gitconfig.h"
#include "source/gitview.h"
#include "source/repository_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 100000 };

static const char clone[] = "[remote \"origin\"]\n\turl = /x\n"
			    "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
			    "[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n";

static const char *path_of(char reader)
{
	switch (reader) {
	case 'H':
		return ".git/HEAD";
	case 'p':
		return ".git/packed-refs";
	case 'r':
		return ".git/refs/remotes/origin/HEAD";
	case 'i':
		return ".git/index";
	case 'c':
		return ".git/config";
	default:
		return NULL;
	}
}

static void add_entry(
	struct gitview *g, const char *path, const char *text, size_t len, struct digest *d)
{
	const struct tar_entry t = {.type = TAR_FILE, .path = path, .link = ""};

	if (gitview_entry(g, &t, -1) != GITVIEW_READ)
		BUG("%s is not read", path);
	if (!gitview_read(g, text, len, d))
		digest_add(d, text, len);
}

static struct digest_text view(const char *path, const char *text, size_t len)
{
	static const char ref[] = "ref: refs/heads/main\n";
	const struct tar_entry dir = {.type = TAR_DIR, .path = ".git", .link = ""};
	struct gitview *g = gitview_new();
	struct digest *d = digest_new();

	(void)gitview_entry(g, &dir, -1);
	add_entry(g, path, text, len, d);
	if (strcmp(path, ".git/HEAD") != 0)
		add_entry(g, ".git/HEAD", ref, strlen(ref), d);
	gitview_end(g, d);
	gitview_free(g);
	return digest_end(d);
}

static void expect_clone(const struct digest_text *plain, const char *text, size_t len)
{
	auto_buf struct buf more = {0};
	struct digest_text cloned;

	if (memchr(text, '\0', len) || !len || text[len - 1] != '\n' ||
		(len > 1 && text[len - 2] == '\\') || strcasestr(text, "[remote") ||
		strcasestr(text, "[branch") || strcasestr(text, "[include"))
		return;
	buf_init(&more, len + sizeof(clone));
	buf_add(&more, text, len);
	buf_adds(&more, clone);
	cloned = view(".git/config", more.data, more.len);
	if (strcmp(plain->s, cloned.s) != 0)
		BUG("a clone has another digest");
}

static void try_view(const char *path, const char *text, size_t len)
{
	struct digest_text one = view(path, text, len), two = view(path, text, len);

	if (strcmp(one.s, two.s) != 0)
		BUG("%s has two digests", path);
	if (strcmp(path, ".git/config") == 0)
		expect_clone(&one, text, len);
}

static int take_worktree(void *arg, const char *key, const char *value)
{
	char **last = arg;

	if (strcmp(key, "core.worktree") == 0) {
		free(*last);
		*last = value ? mem_strdup(value) : NULL;
	}
	return 0;
}

static void try_config(const char *text, size_t len)
{
	static const char setting[] = "\n\n[core]\n\tworktree = \"x y\"\n";
	auto_free char *value = NULL, *added = NULL;
	auto_buf struct buf more = {0};
	bool understood;

	(void)gitconfig_each(text, len, take_worktree, &value, &understood);
	if (!understood)
		return;
	buf_init(&more, len + sizeof(setting));
	buf_add(&more, text, len);
	buf_adds(&more, setting);
	(void)gitconfig_each(more.data, more.len, take_worktree, &added, &understood);
	if (!understood || !added || strcmp(added, "x y") != 0)
		BUG("the last setting is '%s'", added ? added : "none");
}

static char scratch_path[] = "/tmp/fuzz-gitview-XXXXXX";

static void remove_scratch(void)
{
	struct err e = {0};

	if (path_remove_tree(scratch_path, &e) < 0)
		BUG("%s", e.msg);
}

/* A directory for the file, made once. */
static int scratch(void)
{
	static int dir = -1;

	if (dir >= 0)
		return dir;
	if (!mkdtemp(scratch_path) || atexit(remove_scratch) != 0)
		BUG("no directory");
	dir = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir;
}

static void write_file(const char *text, size_t len)
{
	auto_fd int fd = openat(scratch(), "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, text, len) < 0)
		BUG("no file");
}

static void try_alternates(void)
{
	auto_strv struct strv lines = {0};
	struct err e = {0};

	if (repository_read_alternates(scratch(), "file", "file", &lines, &e) < 0)
		return;
	strv_each (&lines, line)
		if (!**line || strchr("#\"", **line) || strchr(*line, '\n'))
			BUG("a path '%s'", *line);
}

static void try_pointer(void)
{
	auto_free char *line = NULL;
	struct err e = {0};

	if (repository_read_line(scratch(), "file", "file", "gitdir: ", &line, &e) == 0 && line &&
		(!*line || strchr(line, '\n')))
		BUG("a path '%s'", line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = NULL;
	const char *path;

	if (!size || size > INPUT_MAX)
		return 0;
	path = path_of((char)*data);
	size--;
	text = mem_alloc(size + 1);
	memcpy(text, data + 1, size);
	if (path) {
		try_view(path, text, size);
	} else if (*data == 'w') {
		try_config(text, size);
	} else {
		write_file(text, size);
		if (*data == 'a')
			try_alternates();
		else
			try_pointer();
	}
	return 0;
}
