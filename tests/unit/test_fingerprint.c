/* SPDX-License-Identifier: Apache-2.0 */
#include "treemake.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "data/contents.h"
#include "os/settled.h"
#include "source/fingerprint.h"
#include "source/gitview.h"

/* ---- trees ---- */

static struct digest_text print_tree(const char *dir, int out_fd, struct filememory *m)
{
	auto_fingerprint struct fingerprint *f = fingerprint_new(m);
	const struct pack_sink sink = fingerprint_sink(f);
	const struct pack_options o = {.sink = &sink, .out_is_zero = true};
	auto_pack_result struct pack_result result = {0};
	auto_fd int root = treemake_open(dir);
	struct err e = {0};

	expect_ok(pack_tree(root, dir, out_fd, &o, &result, &e), &e);
	return fingerprint_end(f);
}

static struct digest_text walk(const char *dir)
{
	struct filememory *m = filememory_open(NULL);
	struct digest_text sum = print_tree(dir, -1, m);

	filememory_free(m);
	return sum;
}

static void expect_same(const struct digest_text *a, const struct digest_text *b)
{
	assert_string_equal(a->s, b->s);
}

static void expect_other(const struct digest_text *a, const struct digest_text *b)
{
	assert_string_not_equal(a->s, b->s);
}

static char *make_tree(const char *dir, const char *name)
{
	char *path = path_join(dir, name);
	auto_fd int fd = -1, empty = -1;

	expect_sys(mkdir(path, 0755));
	fd = treemake_open(path);
	treemake_plain(fd);
	empty = treemake_dir(fd, "nothing", 0755);
	expect_sys(mkfifoat(fd, "fifo", 0640));
	return path;
}

static void test_a_walk_and_an_archive_have_the_same_digest(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir, "tree"), *out = expect_file(dir, "out", "");
	auto_fd int fd = open(out, O_RDWR | O_CLOEXEC);
	struct filememory *m = filememory_open(NULL);
	struct digest_text packed = print_tree(tree, fd, m), walked = walk(tree);

	(void)state;
	filememory_free(m);
	expect_same(&packed, &walked);
}

static void test_equal_trees_have_the_same_digest_whatever_their_times(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *one = make_tree(dir, "one"), *two = make_tree(dir, "two");
	auto_free char *file = path_join(two, "sub/size-1");
	struct digest_text a = walk(one), b;

	(void)state;
	treemake_time(AT_FDCWD, file, 12345, 678);
	b = walk(two);
	expect_same(&a, &b);
}

static void change_mode(int fd)
{
	expect_sys(fchmodat(fd, "sub/size-1", 0600, 0));
}

static void change_directory_mode(int fd)
{
	expect_sys(fchmodat(fd, "nothing", 0700, 0));
}

static void change_name(int fd)
{
	expect_sys(renameat(fd, "sub/size-1", fd, "sub/size-one"));
}

static void change_contents(int fd)
{
	auto_fd int file = openat(fd, "sub/size-4097", O_WRONLY | O_CLOEXEC);

	assert_true(pwrite(file, "\1", 1, 4096) == 1);
}

static void change_to_empty(int fd)
{
	expect_sys(unlinkat(fd, "nothing", AT_REMOVEDIR));
}

static void change_kind(int fd)
{
	expect_sys(unlinkat(fd, "fifo", 0));
	treemake_file(fd, "fifo", 0640, 0);
}

static void change_link(int fd)
{
	expect_sys(unlinkat(fd, "sub/size-0", 0));
	expect_sys(symlinkat("sub/size-1", fd, "sub/size-0"));
}

static void change_hard_link(int fd)
{
	expect_sys(unlinkat(fd, "sub/size-0", 0));
	expect_sys(linkat(fd, "sub/size-1", fd, "sub/size-0", 0));
}

static void test_each_difference_is_another_digest(void **state)
{
	static void (*const changes[])(int) = {change_mode, change_directory_mode, change_name,
		change_contents, change_to_empty, change_kind, change_link, change_hard_link};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		auto_dir char *dir = expect_dir();
		auto_free char *tree = make_tree(dir, "tree");
		auto_fd int fd = treemake_open(tree);
		struct digest_text before = walk(tree), after;

		changes[i](fd);
		after = walk(tree);
		expect_other(&before, &after);
	}
}

/* ---- contents ---- */

/* In pieces of this size, where zeros are told as such or not. */
static struct digest_text digest_in_pieces(const char *data, size_t len, size_t piece, bool holes)
{
	struct contents c;

	contents_begin(&c);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (holes && !data[at] && memcmp(data + at, data + at + 1, n - 1) == 0)
			contents_zeros(&c, n);
		else
			contents_add(&c, data + at, n);
	}
	return contents_end(&c);
}

/* Data, a hole of some chunks, data over the edge of a chunk, zeros at the end. */
static void test_holes_and_zeros_are_the_same_in_whatever_pieces(void **state)
{
	static const size_t pieces[] = {1, 511, 4096, CONTENTS_CHUNK - 1, CONTENTS_CHUNK,
		CONTENTS_CHUNK + 1, 10 * CONTENTS_CHUNK};
	const size_t len = 8 * CONTENTS_CHUNK;
	auto_free char *data = mem_alloc(len);
	struct digest_text whole, other;

	(void)state;
	memset(data + 100, 'a', 1000);
	memset(data + 4 * CONTENTS_CHUNK - 5, 'b', 10);
	whole = digest_in_pieces(data, len, len, false);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (int holes = 0; holes < 2; holes++) {
			other = digest_in_pieces(data, len, pieces[i], holes);
			expect_same(&whole, &other);
		}
	data[4 * CONTENTS_CHUNK - 5] = 0;
	other = digest_in_pieces(data, len, len, false);
	expect_other(&whole, &other);
	/* The same bytes in another chunk. */
	memset(data, 0, len);
	data[0] = 'x';
	whole = digest_in_pieces(data, len, len, false);
	data[0] = 0;
	data[CONTENTS_CHUNK] = 'x';
	other = digest_in_pieces(data, len, len, false);
	expect_other(&whole, &other);
}

static void test_a_sparse_file_is_the_same_as_one_of_zeros(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *a = path_join(dir, "a"), *b = path_join(dir, "b");
	auto_free char *zeros = mem_alloc(MIB);
	auto_fd int one = -1, two = -1, file = -1;
	struct digest_text sparse, dense;
	struct err e = {0};

	(void)state;
	expect_sys(mkdir(a, 0755));
	expect_sys(mkdir(b, 0755));
	one = treemake_open(a);
	two = treemake_open(b);
	file = openat(one, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	expect_sys(ftruncate(file, MIB));
	{
		auto_free char *path = path_join(b, "f");

		expect_ok(fd_write_file(path, zeros, MIB, 0644, &e), &e);
	}
	sparse = walk(a);
	dense = walk(b);
	expect_same(&sparse, &dense);
}

/* ---- the memory ---- */

/* A file of the past, as far as the memory is told. */
static void make_file(const char *dir, int *ret_fd, struct stat *ret_st)
{
	auto_free char *path = expect_file(dir, "file", "contents");

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	expect_sys(fstat(*ret_fd, ret_st));
	ret_st->st_ctim.tv_sec -= 1000;
}

/* On these the memory works (filememory.h); elsewhere it must remember nothing. */
static bool has_memory(int fd)
{
	static const long good[] = {0xef53, 0x58465342, 0x9123683e, 0xf2f52010};
	struct statfs fs;

	expect_sys(fstatfs(fd, &fs));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if ((long)fs.f_type == good[i])
			return true;
	return false;
}

static const struct digest_text some_sum = {
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

static void remember(const char *dir, const char *path, int fd, const struct stat *st)
{
	struct filememory *m = filememory_open(path);
	struct err e = {0};

	assert_int_equal(filememory_may_add(m, fd, st), has_memory(fd));
	filememory_add(m, st, &some_sum);
	expect_ok(filememory_save(m, dir, &e), &e);
	filememory_free(m);
}

static bool is_known(const char *path, int fd, const struct stat *st)
{
	struct filememory *m = filememory_open(path);
	struct digest_text sum = {""};
	bool found = filememory_find(m, fd, st, &sum);

	if (found)
		assert_string_equal(sum.s, some_sum.s);
	filememory_free(m);
	return found;
}

static void test_a_digest_is_found_again_by_identity_and_times(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *work = path_join(dir, "work"), *path = path_join(dir, "files");
	auto_fd int fd = -1;
	struct stat st, other;

	(void)state;
	expect_sys(mkdir(work, 0700));
	make_file(dir, &fd, &st);
	remember(work, path, fd, &st);
	assert_int_equal(is_known(path, fd, &st), has_memory(fd));
#define EXPECT_UNKNOWN(change)                                                                     \
	do {                                                                                       \
		other = st;                                                                        \
		other.change++;                                                                    \
		assert_false(is_known(path, fd, &other));                                          \
	} while (0)
	EXPECT_UNKNOWN(st_ino);
	EXPECT_UNKNOWN(st_dev);
	EXPECT_UNKNOWN(st_size);
	EXPECT_UNKNOWN(st_mtim.tv_sec);
	EXPECT_UNKNOWN(st_mtim.tv_nsec);
	EXPECT_UNKNOWN(st_ctim.tv_sec);
	EXPECT_UNKNOWN(st_ctim.tv_nsec);
}

static void test_what_changed_just_now_is_not_remembered(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "files");
	struct filememory *m = filememory_open(path);
	auto_fd int fd = -1;
	struct stat st;

	(void)state;
	make_file(dir, &fd, &st);
	assert_int_equal(filememory_may_add(m, fd, &st), has_memory(fd));
	st.st_ctim = clock_now();
	assert_false(filememory_may_add(m, fd, &st));
	st.st_ctim.tv_sec -= SETTLED_S - 5;
	assert_false(filememory_may_add(m, fd, &st));
	st.st_ctim.tv_sec += 1000;
	assert_false(filememory_may_add(m, fd, &st));
	filememory_free(m);
}

/* As all have that mke2fs -d writes: it tells two file systems of it not apart. */
static void test_a_time_of_whole_seconds_is_not_remembered(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "files");
	struct filememory *m = filememory_open(path);
	auto_fd int fd = -1;
	struct stat st;

	(void)state;
	make_file(dir, &fd, &st);
	st.st_ctim.tv_nsec = 0;
	assert_false(filememory_may_add(m, fd, &st));
	st.st_ctim.tv_nsec = 1;
	assert_int_equal(filememory_may_add(m, fd, &st), has_memory(fd));
	filememory_free(m);
}

/*
 * A page that is dirty and mapped is written without a new ctime, until its file may be remembered.
 */
static void test_no_write_through_a_mapping_is_missed(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "files"), *file = path_join(dir, "file");
	struct filememory *m = filememory_open(path);
	auto_fd int fd = -1;
	struct stat old, before, after;
	volatile char *page;

	(void)state;
	make_file(dir, &fd, &old);
	fd_close(fd);
	fd = open(file, O_RDWR | O_CLOEXEC);
	page = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(page != MAP_FAILED);
	page[0] = 'x';
	expect_sys(fstat(fd, &before));
	if (filememory_may_add(m, fd, &old)) {
		(void)poll(NULL, 0, 50);
		page[0] = 'z';
		expect_sys(fstat(fd, &after));
		assert_true(clock_compare(&before.st_ctim, &after.st_ctim) < 0);
	} else {
		assert_false(has_memory(fd));
	}
	expect_sys(munmap((void *)(uintptr_t)page, 8));
	filememory_free(m);
}

static void test_shared_memory_is_not_remembered(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "files");
	auto_fd int fd = memfd_create("tmpfs", MFD_CLOEXEC);
	struct filememory *m = filememory_open(path);
	struct stat st;

	(void)state;
	expect_sys(fstat(fd, &st));
	st.st_ctim.tv_sec -= 1000;
	assert_false(filememory_may_add(m, fd, &st));
	filememory_free(m);
}

static void test_other_file_systems_are_not_remembered(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "files");
	auto_fd int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	struct filememory *m = filememory_open(path);
	struct stat st;

	(void)state;
	expect_sys(fstat(fd, &st));
	st.st_ctim.tv_sec -= 1000;
	assert_false(filememory_may_add(m, fd, &st));
	filememory_free(m);
}

/* Each bit of it. */
static void test_a_damaged_memory_is_none(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *work = path_join(dir, "work"), *path = path_join(dir, "files");
	auto_buf struct buf b = {0};
	auto_fd int fd = -1;
	struct stat st;
	struct err e = {0};

	(void)state;
	expect_sys(mkdir(work, 0700));
	make_file(dir, &fd, &st);
	remember(work, path, fd, &st);
	buf_init(&b, 10000);
	expect_ok(fd_read_file(path, &b, &e), &e);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		expect_ok(fd_write_file(path, b.data, b.len, 0600, &e), &e);
		assert_false(is_known(path, fd, &st));
		b.data[i] ^= 1;
	}
	for (size_t len = 0; len < b.len; len += 7) {
		expect_ok(fd_write_file(path, b.data, len, 0600, &e), &e);
		assert_false(is_known(path, fd, &st));
	}
	expect_ok(fd_write_file(path, b.data, b.len, 0600, &e), &e);
	assert_int_equal(is_known(path, fd, &st), has_memory(fd));
}

static void test_only_what_is_still_there_is_remembered(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *work = path_join(dir, "work"), *path = path_join(dir, "files");
	auto_fd int fd = -1;
	struct filememory *m;
	struct stat st;
	struct err e = {0};

	(void)state;
	expect_sys(mkdir(work, 0700));
	make_file(dir, &fd, &st);
	remember(work, path, fd, &st);
	m = filememory_open(path);
	expect_ok(filememory_save(m, work, &e), &e);
	filememory_free(m);
	assert_false(is_known(path, fd, &st));
}

/* ---- repositories ---- */

/* A file of a repository at .git, or of one whose directory is that path. */
struct git_file {
	const char *path, *text;
	size_t len; /* 0: the text is a string */
};

static struct digest_text view(const struct git_file *files, size_t count)
{
	struct gitview *g = gitview_new();
	struct digest *d = digest_new();
	const struct tar_entry dir = {.type = TAR_DIR, .path = ".git", .link = ""};

	assert_int_equal(gitview_entry(g, &dir, -1), GITVIEW_AS_IT_IS);
	for (size_t i = 0; i < count; i++) {
		const struct tar_entry t = {.type = TAR_FILE, .path = files[i].path, .link = ""};
		size_t len = files[i].len ? files[i].len : strlen(files[i].text);

		assert_int_equal(gitview_entry(g, &t, -1), GITVIEW_READ);
		if (!gitview_read(g, files[i].text, len, d))
			digest_add(d, files[i].text, len);
	}
	gitview_end(g, d);
	gitview_free(g);
	return digest_end(d);
}

static struct digest_text view_one(const char *path, const char *text, size_t len)
{
	const struct git_file file = {path, text, len};

	return view(&file, 1);
}

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"

static void test_refs_are_the_same_loose_and_packed(void **state)
{
	static const struct git_file loose[] = {
		{".git/refs/heads/main", ONE "\n", 0}, {".git/refs/tags/v1", TWO "\n", 0}};
	static const struct git_file packed[] = {{".git/packed-refs",
		"# pack-refs with: peeled fully-peeled sorted \n" ONE " refs/heads/main\n" TWO
		" refs/tags/v1\n^" ONE "\n",
		0}};
	static const struct git_file both[] = {
		{".git/packed-refs", TWO " refs/heads/main\n" TWO " refs/tags/v1\n", 0},
		{".git/refs/heads/main", ONE "\n", 0}};
	static const struct git_file clone[] = {
		{".git/packed-refs", ONE " refs/remotes/origin/main\n" TWO " refs/tags/v1\n", 0},
		{".git/refs/heads/main", ONE "\n", 0}};
	static const struct git_file ahead[] = {
		{".git/packed-refs", TWO " refs/remotes/origin/main\n" TWO " refs/tags/v1\n", 0},
		{".git/refs/heads/main", ONE "\n", 0}};
	struct digest_text a = view(loose, 2), b = view(packed, 1), c = view(both, 2),
			   d = view(clone, 2), other = view(ahead, 2), less = view(loose, 1);

	(void)state;
	expect_same(&a, &b);
	expect_same(&a, &c);
	expect_same(&a, &d);
	expect_other(&a, &other);
	expect_other(&a, &less);
}

/* Refs of the kind "NAME VALUE", NULL at the end, each in a file of its own. */
static struct digest_text view_refs(const char *const *refs)
{
	struct git_file files[10] = {0};
	char *made[20] = {0};
	struct digest_text sum;
	size_t n = 0;

	for (; refs[n]; n++) {
		const char *space = strchr(refs[n], ' ');

		made[2 * n] = mem_printf(".git/%.*s", (int)(space - refs[n]), refs[n]);
		made[2 * n + 1] = mem_printf("%s\n", space + 1);
		files[n] = (struct git_file){made[2 * n], made[2 * n + 1], 0};
	}
	sum = view(files, n);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		free(made[i]);
	return sum;
}

#define HERE "HEAD ref: refs/heads/main"
#define THERE "refs/remotes/origin/HEAD ref: refs/remotes/origin/main"
#define LOCAL(name, value) "refs/heads/" name " " value
#define REMOTE(name, value) "refs/remotes/" name " " value

static void test_what_a_clone_has_besides_is_no_difference(void **state)
{
	static const char *const origin[] = {HERE, LOCAL("main", ONE), NULL};
	static const char *const clone[] = {
		HERE, LOCAL("main", ONE), THERE, REMOTE("origin/main", ONE), NULL};
	struct digest_text a = view_refs(origin), b = view_refs(clone);

	(void)state;
	expect_same(&a, &b);
}

/* Any two of them are what git would answer differently about. */
static void test_each_difference_of_refs_counts(void **state)
{
	static const char *const trees[][7] = {
		{HERE, LOCAL("main", ONE)},
		{HERE, LOCAL("main", TWO)},
		{"HEAD " ONE, LOCAL("main", ONE)},
		{"HEAD " TWO, LOCAL("main", ONE)},
		{HERE, LOCAL("main", ONE), REMOTE("origin/main", TWO)},
		{HERE, LOCAL("main", TWO), REMOTE("origin/main", ONE)},
		{HERE, LOCAL("main", ONE), REMOTE("origin/main", TWO), REMOTE("fork/main", ONE)},
		{HERE, LOCAL("main", TWO), REMOTE("origin/main", TWO), REMOTE("fork/main", ONE)},
		{HERE, LOCAL("main", ONE), LOCAL("x", TWO), REMOTE("origin/x", ONE)},
		{HERE, LOCAL("main", ONE), LOCAL("x", ONE), REMOTE("origin/x", TWO)},
		{HERE, LOCAL("main", ONE), LOCAL("x", TWO)},
		{HERE, LOCAL("main", ONE), REMOTE("origin/x", TWO)},
		{HERE, LOCAL("main", ONE), REMOTE("fork/main", ONE)},
		{HERE, LOCAL("main", ONE), REMOTE("origin/dev", TWO),
			"refs/remotes/origin/HEAD ref: refs/remotes/origin/dev"},
		{HERE, LOCAL("main", ONE), THERE, REMOTE("origin/dev", TWO),
			REMOTE("origin/main", TWO)},
		{HERE, LOCAL("main", ONE), REMOTE("origin/dev", TWO), REMOTE("origin/main", TWO)},
		{HERE, LOCAL("main", ONE), "refs/heads/x ref: refs/remotes/origin/main"},
		{HERE, LOCAL("main", ONE), "refs/heads/x ref: refs/remotes/origin/main",
			REMOTE("origin/main", ONE)},
		{HERE, LOCAL("main", ONE), "refs/tags/main " ONE},
	};
	struct digest_text sums[ARRAY_SIZE(trees)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		sums[i] = view_refs(trees[i]);
		for (size_t k = 0; k < i; k++)
			expect_other(&sums[k], &sums[i]);
	}
}

static void test_a_symbolic_ref_without_end_has_no_commit(void **state)
{
	static const char *const loop[] = {"HEAD ref: refs/heads/a",
		"refs/heads/a ref: refs/heads/b", "refs/heads/b ref: refs/heads/a", NULL};
	static const char *const itself[] = {"HEAD ref: HEAD", NULL};
	struct digest_text a = view_refs(loop), b = view_refs(itself);

	(void)state;
	expect_other(&a, &b);
}

static void test_refs_that_are_none_count_byte_for_byte(void **state)
{
	static const char *const texts[] = {"x", "x\n\n", " " ONE " refs/heads/main\n",
		ONE " refs/heads/main", ONE " main\n", "g" ONE " refs/heads/main\n",
		ONE " refs/heads/x\n" ONE " refs/heads/main\n",
		ONE " refs/heads/x\n" TWO " refs/heads/x\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t k = 0; k < i; k++) {
			struct digest_text a = view_one(".git/packed-refs", texts[i], 0);
			struct digest_text b = view_one(".git/packed-refs", texts[k], 0);

			expect_other(&a, &b);
		}
}

#define CORE "[core]\n\tbare = false\n"
#define ORIGIN                                                                                     \
	"[remote \"origin\"]\n\turl = /somewhere\n"                                                \
	"\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
#define BRANCH "[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n"

static void test_what_git_clone_writes_to_config_is_no_difference(void **state)
{
	static const char *const clones[] = {
		CORE ORIGIN BRANCH, ORIGIN CORE BRANCH, BRANCH ORIGIN CORE, CORE ORIGIN};
	struct digest_text plain = view_one(".git/config", CORE, 0);
	struct digest_text a = view_one(".git/config", CORE "# c\n[x]\n\ty = z\n", 0);
	struct digest_text b = view_one(".git/config", CORE ORIGIN "# c\n[x]\n\ty = z\n", 0);

	(void)state;
	expect_same(&a, &b);
	for (size_t i = 0; i < ARRAY_SIZE(clones); i++) {
		struct digest_text clone = view_one(".git/config", clones[i], 0);

		expect_same(&plain, &clone);
	}
}

/* Any two of them are other settings, or could be. */
static void test_all_else_in_config_counts(void **state)
{
	static const char *const texts[] = {
		CORE,
		"[core]\n\tbare = true\n",
		CORE "[remote \"origin\"]\n\tpromisor = true\n",
		CORE "[remote \"origin\"]\n\turl = a\\\n[filter \"x\"]\n",
		CORE "[remote \"origin\"] [filter \"x\"]\n\turl = a\n",
		CORE "[remote \"o\"]\n[filter \"x\"]\n\turl = a\n",
		CORE "\turl = a\n",
		CORE "[remote \"o\"]\n\turl = \"a\n\turl = b\"\n",
		CORE "[remote \"origin\"]\n\turl = /somewhere\n\tfetch = +refs/heads/a:refs/x\n",
		CORE ORIGIN "\tprune = true\n",
		CORE ORIGIN "# c\n\tprune = true\n",
		CORE "[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/dev\n",
		CORE "[branch \"main\"]\n\tremote = fork\n\tmerge = refs/heads/main\n",
		CORE "[branch \"main\"]\n\tremote = fork\n",
		CORE "[branch \"main\"]\n\tremote = origin\n",
		CORE BRANCH "\trebase = true\n",
		CORE BRANCH "[branch \"main\"]\n\tmerge = refs/heads/dev\n",
		CORE "[branch \"main\"]\n\tmerge = refs/heads/dev\n",
		CORE BRANCH "[Branch \"main\"]\n\trebase = true\n",
		CORE BRANCH "[include]\n\tpath = x\n",
		CORE "[include]\n\tpath = x\n",
		CORE "\tx = a\\\n" BRANCH,
		CORE "\tx = a\\\n",
		CORE "[branch \"other\"]\n\tremote = origin\n\tmerge = refs/heads/main\n",
	};
	struct digest_text sums[ARRAY_SIZE(texts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		sums[i] = view_one(".git/config", texts[i], 0);
		for (size_t k = 0; k < i; k++)
			expect_other(&sums[k], &sums[i]);
	}
}

/* An index of two entries; `times` is in each byte that git calls stat data. */
struct index_options {
	unsigned version;
	size_t hash;
	char times, object, mode, flags, more;
	const char *path, *extension;
};

static void add_be32(struct buf *b, unsigned value)
{
	const unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
		(unsigned char)(value >> 8), (unsigned char)value};

	buf_add(b, bytes, 4);
}

static void fill(struct buf *b, char c, size_t len)
{
	while (len--)
		buf_addc(b, c);
}

static void add_entry(struct buf *b, const struct index_options *o, const char *path)
{
	size_t start = b->len;

	fill(b, o->times, 24);
	fill(b, 0, 2);
	buf_addc(b, '\x81');
	buf_addc(b, o->mode);
	fill(b, o->times, 12);
	fill(b, o->object, o->hash);
	buf_addc(b, (char)(o->flags | (o->version >= 3 ? 0x40 : 0)));
	buf_addc(b, (char)strlen(path));
	if (o->version >= 3) {
		buf_addc(b, o->more);
		buf_addc(b, 0);
	}
	if (o->version == 4)
		buf_addc(b, strcmp(path, "a") == 0 ? 0 : 1);
	buf_add(b, path, strlen(path) + 1);
	while (o->version < 4 && (b->len - start) % 8)
		buf_addc(b, 0);
}

static void make_index(struct buf *b, const struct index_options *o)
{
	buf_init(b, 10000);
	buf_adds(b, "DIRC");
	add_be32(b, o->version);
	add_be32(b, 2);
	add_entry(b, o, "a");
	add_entry(b, o, o->path);
	if (o->extension) {
		buf_adds(b, o->extension);
		add_be32(b, 3);
		buf_adds(b, "xyz");
	}
	fill(b, '#', o->hash);
}

static struct digest_text view_index(struct index_options o)
{
	auto_buf struct buf b = {0};

	make_index(&b, &o);
	return view_one(".git/index", b.data, b.len);
}

static void test_an_index_counts_without_its_times(void **state)
{
	static const size_t hashes[] = {20, 32};

	(void)state;
	for (unsigned version = 2; version <= 4; version++)
		for (size_t h = 0; h < 2; h++) {
			const struct index_options o = {.version = version,
				.hash = hashes[h],
				.times = 'T',
				.object = 'o',
				.mode = 'm',
				.path = "bc/d"};
			struct index_options x = o;
			struct digest_text a = view_index(o), b;

#define EXPECT_INDEX(expect, field, value)                                                         \
	do {                                                                                       \
		x = o;                                                                             \
		x.field = value;                                                                   \
		b = view_index(x);                                                                 \
		expect(&a, &b);                                                                    \
	} while (0)
			EXPECT_INDEX(expect_same, times, 'U');
			EXPECT_INDEX(expect_same, extension, "TREE");
			EXPECT_INDEX(expect_same, extension, "UNTR");
			EXPECT_INDEX(expect_other, extension, "link");
			EXPECT_INDEX(expect_other, object, 'p');
			EXPECT_INDEX(expect_other, mode, 'n');
			EXPECT_INDEX(expect_other, path, "bc/e");
			EXPECT_INDEX(expect_other, flags, '\x10');
			if (version >= 3)
				EXPECT_INDEX(expect_other, more, '\x20');
		}
}

/* Under the sanitizers: nothing beyond the bytes is read. */
static void test_a_damaged_index_counts_byte_for_byte(void **state)
{
	(void)state;
	for (unsigned version = 2; version <= 4; version++) {
		const struct index_options o = {
			.version = version, .hash = 20, .times = 'T', .path = "bc/d"};
		auto_buf struct buf b = {0};
		struct digest_text whole;

		make_index(&b, &o);
		whole = view_one(".git/index", b.data, b.len);
		for (size_t len = 1; len < b.len; len++) {
			char *copy = mem_alloc(len);
			struct digest_text cut;

			memcpy(copy, b.data, len);
			cut = view_one(".git/index", copy, len);
			expect_other(&whole, &cut);
			free(copy);
		}
		for (size_t i = 0; i < b.len; i++)
			for (int bit = 0; bit < 8; bit++) {
				b.data[i] ^= (char)(1 << bit);
				(void)view_one(".git/index", b.data, b.len);
				b.data[i] ^= (char)(1 << bit);
			}
	}
}

static enum gitview_part part_of(const char *path)
{
	struct gitview *g = gitview_new();
	const struct tar_entry dir = {.type = TAR_DIR, .path = "a/.git", .link = ""};
	const struct tar_entry t = {.type = TAR_FILE, .path = path, .link = ""};
	enum gitview_part part;

	(void)gitview_entry(g, &dir, -1);
	part = gitview_entry(g, &t, -1);
	gitview_free(g);
	return part;
}

static void test_only_names_of_objects_are_ignored(void **state)
{
	static const char *const ignored[] = {
		"a/.git/objects/12/34567890123456789012345678901234567890",
		"a/.git/objects/pack/pack-" ONE ".pack", "a/.git/objects/pack/pack-" ONE ".idx",
		"a/.git/objects/pack/multi-pack-index", "a/.git/objects/info/packs",
		"a/.git/objects/info/commit-graph",
		"a/.git/objects/info/commit-graphs/graph-" ONE ".graph", "a/.git/logs/HEAD",
		"a/.git/logs/refs/heads/main", "a/.git/FETCH_HEAD", "a/.git/ORIG_HEAD"};
	static const char *const counted[] = {"a/.git/objects/12/345", "a/.git/objects/odd",
		"a/.git/objects/info/alternates", "a/.git/objects/pack/tool.sh",
		"a/.git/objects/pack/pack-1.pack", "a/.git/objects/pack/pack-" ONE ".txt",
		"a/.git/objects/info/commit-graph.txt", "a/.git/logs/my.txt",
		"a/.git/logs/refs/stash", "a/.git/hooks/x", "a/.git/shallow",
		"a/.git/x/objects/info/packs", "a/b/objects/info/packs", "objects/info/packs",
		"a/.gitx/FETCH_HEAD", "FETCH_HEAD", "index", "a/.git/x/index"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		assert_int_equal(part_of(ignored[i]), GITVIEW_IGNORED);
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		assert_int_equal(part_of(counted[i]), GITVIEW_AS_IT_IS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_walk_and_an_archive_have_the_same_digest),
		cmocka_unit_test(test_equal_trees_have_the_same_digest_whatever_their_times),
		cmocka_unit_test(test_each_difference_is_another_digest),
		cmocka_unit_test(test_holes_and_zeros_are_the_same_in_whatever_pieces),
		cmocka_unit_test(test_a_sparse_file_is_the_same_as_one_of_zeros),
		cmocka_unit_test(test_a_digest_is_found_again_by_identity_and_times),
		cmocka_unit_test(test_what_changed_just_now_is_not_remembered),
		cmocka_unit_test(test_a_time_of_whole_seconds_is_not_remembered),
		cmocka_unit_test(test_no_write_through_a_mapping_is_missed),
		cmocka_unit_test(test_shared_memory_is_not_remembered),
		cmocka_unit_test(test_other_file_systems_are_not_remembered),
		cmocka_unit_test(test_a_damaged_memory_is_none),
		cmocka_unit_test(test_only_what_is_still_there_is_remembered),
		cmocka_unit_test(test_refs_are_the_same_loose_and_packed),
		cmocka_unit_test(test_what_a_clone_has_besides_is_no_difference),
		cmocka_unit_test(test_each_difference_of_refs_counts),
		cmocka_unit_test(test_a_symbolic_ref_without_end_has_no_commit),
		cmocka_unit_test(test_refs_that_are_none_count_byte_for_byte),
		cmocka_unit_test(test_what_git_clone_writes_to_config_is_no_difference),
		cmocka_unit_test(test_all_else_in_config_counts),
		cmocka_unit_test(test_an_index_counts_without_its_times),
		cmocka_unit_test(test_a_damaged_index_counts_byte_for_byte),
		cmocka_unit_test(test_only_names_of_objects_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
