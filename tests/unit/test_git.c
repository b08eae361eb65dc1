/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repositories, honest and hostile. The git of the host makes them; where a tree attacks, the same
 * git first walks into the trap without a jail, so that the test knows it to be one.
 */
#include "expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strv.h"
#include "os/proc.h"
#include "source/git.h"
#include "source/limits.h"

#define GIT(dir, ...) run_git(dir, (const char *const[]){__VA_ARGS__, NULL})

static int run_git_any(const char *dir, const char *const *arguments)
{
	auto_strv struct strv argv = {0};
	auto_buf struct buf output = {0};
	struct err e = {0};
	int code;

	buf_init(&output, 4096);
	strv_push(&argv, "git");
	/* What it does in the background would make files while the test removes the tree. */
	strv_push(&argv, "-c");
	strv_push(&argv, "gc.auto=0");
	strv_push(&argv, "-C");
	strv_push(&argv, dir);
	for (; *arguments; arguments++)
		strv_push(&argv, *arguments);
	code = proc_run(&argv, EXPECT_PATIENCE_MS, &output, &e);
	expect_ok(code, &e);
	if (code)
		print_message("git %s: %s", argv.items[5], output.data);
	return code;
}

static void run_git(const char *dir, const char *const *arguments)
{
	assert_int_equal(run_git_any(dir, arguments), 0);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	auto_free char *path = expect_file(dir, name, text);

	assert_non_null(path);
}

static void append(const char *dir, const char *name, const char *text)
{
	auto_free char *path = path_join(dir, name);
	auto_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static bool exists(const char *dir, const char *name)
{
	auto_free char *path = path_join(dir, name);

	return access(path, F_OK) == 0;
}

/* A repository `dir`/tree with one commit of two files. */
static char *make_tree(const char *dir)
{
	char *tree = path_join(dir, "tree");

	assert_int_equal(mkdir(tree, 0755), 0);
	GIT(tree, "init", "-q");
	write_file(tree, "a", "one\n");
	write_file(tree, "sub/b", "two\n");
	GIT(tree, "add", ".");
	GIT(tree, "commit", "-q", "-m", "first");
	return tree;
}

/* As if repository_find had nothing against it: what git in its jail does is tested here. */
static struct git_state inspect(const char *tree)
{
	auto_fd int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct repository repository = REPOSITORY_EMPTY;
	const struct git_tree t = {.source = tree, .root = root, .repository = &repository};
	struct git_state state = {0};
	struct err e = {0};
	struct stat st;

	if (fstatat(root, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		repository.kind = REPOSITORY_INSIDE;
		repository.place = mem_strdup(".git");
	}
	expect_ok(git_inspect(&t, &state, &e), &e);
	repository_release(&repository);
	return state;
}

static void expect_commit(const char *tree, const struct git_state *state)
{
	auto_strv struct strv argv = {0};
	auto_buf struct buf output = {0};
	struct err e = {0};

	buf_init(&output, 100);
	strv_push(&argv, "git");
	strv_push(&argv, "-C");
	strv_push(&argv, tree);
	strv_push(&argv, "rev-parse");
	strv_push(&argv, "HEAD");
	assert_int_equal(proc_run(&argv, EXPECT_PATIENCE_MS, &output, &e), 0);
	assert_int_equal(output.data[output.len - 1], '\n');
	output.data[output.len - 1] = '\0';
	assert_string_equal(state->commit, output.data);
}

static void expect_known(const char *tree, enum git_clean clean)
{
	struct git_state state = inspect(tree);

	assert_true(state.repository);
	assert_string_equal(state.reason, "");
	assert_string_equal(git_clean_word(state.clean), git_clean_word(clean));
	expect_commit(tree, &state);
}

static void expect_doubt(const char *tree, const char *reason)
{
	struct git_state state = inspect(tree);

	assert_true(state.repository);
	assert_string_equal(state.reason, reason);
	assert_string_equal(git_clean_word(state.clean), "unknown");
}

/* The commit of the tree is known all the same. */
static void expect_doubt_at_commit(const char *tree, const char *reason)
{
	struct git_state state = inspect(tree);

	expect_doubt(tree, reason);
	expect_commit(tree, &state);
}

/* ---- honest trees ---- */

static void test_clean_tree(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	write_file(tree, ".gitignore", "built\n");
	GIT(tree, "add", ".");
	GIT(tree, "commit", "-q", "-m", "second");
	write_file(tree, "built/file", "ignored\n");
	expect_known(tree, GIT_CLEAN);
}

static void test_commit_of_64_digits(void **state)
{
	auto_dir char *dir = expect_dir();
	struct git_state seen;

	(void)state;
	GIT(dir, "init", "-q", "--object-format=sha256");
	write_file(dir, "a", "one\n");
	GIT(dir, "add", ".");
	GIT(dir, "commit", "-q", "-m", "first");
	seen = inspect(dir);
	assert_int_equal(strlen(seen.commit), 64);
	assert_int_equal(seen.clean, GIT_CLEAN);
}

static void test_every_change_is_dirty(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *file = path_join(tree, "a");

	(void)state;
	write_file(tree, "new \n\x1b[31m name", "untracked\n");
	expect_known(tree, GIT_DIRTY);
	GIT(tree, "clean", "-qf");
	expect_known(tree, GIT_CLEAN);
	write_file(tree, "a", "1\n");
	expect_known(tree, GIT_DIRTY);
	GIT(tree, "add", "a");
	expect_known(tree, GIT_DIRTY);
	GIT(tree, "reset", "-q", "--hard");
	assert_int_equal(unlink(file), 0);
	expect_known(tree, GIT_DIRTY);
	GIT(tree, "reset", "-q", "--hard");
	assert_int_equal(chmod(file, 0755), 0);
	expect_known(tree, GIT_DIRTY);
}

static void test_more_changes_than_the_answer_holds(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		auto_free char *name = mem_printf("an-untracked-file-with-a-long-name-%d", i);

		append(tree, name, "x");
	}
	expect_known(tree, GIT_DIRTY);
}

static void test_ten_thousand_files(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	for (int i = 0; i < 10000; i++) {
		auto_free char *name = mem_printf("f%d", i);

		append(tree, name, name);
	}
	GIT(tree, "add", ".");
	GIT(tree, "commit", "-q", "-m", "many");
	expect_known(tree, GIT_CLEAN);
}

static void test_no_repository(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *below = path_join(tree, "sub");
	struct git_state seen;

	(void)state;
	seen = inspect(dir);
	assert_false(seen.repository);
	seen = inspect(below); /* a repository further up is not this tree's */
	assert_false(seen.repository);
	assert_string_equal(seen.commit, "");
	assert_string_equal(seen.reason, "");
	assert_int_equal(seen.clean, GIT_UNKNOWN);
}

/* They are packed, so the machine's git follows them, too. */
static void test_replaced_commits_count(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	write_file(tree, "a", "other\n");
	GIT(tree, "commit", "-q", "-a", "-m", "second");
	expect_known(tree, GIT_CLEAN);
	GIT(tree, "replace", "HEAD", "HEAD~1");
	expect_known(tree, GIT_DIRTY);
}

static void test_no_commit_yet(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	GIT(dir, "init", "-q");
	expect_doubt(dir, "there is no commit yet");
}

/* Root asks as the owner, though it alone can pass the directory above; others own what they look
 * at. */
static void test_asks_as_the_owner(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_strv struct strv argv = {0};
	struct git_state seen;
	struct err e = {0};

	(void)state;
	strv_push(&argv, "chown");
	strv_push(&argv, "-R");
	strv_push(&argv, "54321:0");
	strv_push(&argv, tree);
	if (geteuid() == 0)
		expect_ok(proc_run_ok(&argv, EXPECT_PATIENCE_MS, &e), &e);
	assert_int_equal(chmod(tree, 0700), 0);
	seen = inspect(tree);
	assert_string_equal(seen.reason, "");
	assert_int_equal(seen.clean, GIT_CLEAN);
}

/* ---- hostile trees ---- */

/* A configuration that runs `touch` on every occasion that git status offers. */
static void set_traps(const char *dir, const char *tree)
{
	auto_free char *config =
		mem_printf("[core]\n"
			   "\tfsmonitor = \"touch %s/ran-fsmonitor %s/ran-inside; false\"\n"
			   "\thooksPath = %s/hooks\n"
			   "\tsshCommand = touch %s/ran-ssh\n"
			   "\tpager = touch %s/ran-pager\n"
			   "[filter \"x\"]\n"
			   "\tclean = \"touch %s/ran-filter %s/ran-inside; cat\"\n"
			   "[diff \"x\"]\n"
			   "\ttextconv = touch %s/ran-textconv\n"
			   "\tcommand = touch %s/ran-diff\n",
			dir, tree, dir, dir, dir, dir, tree, dir, dir);
	auto_free char *hook = mem_printf("#!/bin/sh\ntouch %s/ran-hook\n", dir);
	auto_free char *path = expect_file(dir, "hooks/post-index-change", hook);

	assert_int_equal(chmod(path, 0755), 0);
	append(tree, ".git/config", config);
	write_file(tree, ".gitattributes", "* filter=x diff=x\n");
}

static bool trap_was_sprung(const char *dir, const char *tree)
{
	static const char *const names[] = {"ran-fsmonitor", "ran-filter", "ran-ssh", "ran-pager",
		"ran-textconv", "ran-diff", "ran-hook"};
	bool ran = exists(tree, "ran-inside");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ran = ran || exists(dir, names[i]);
	return ran;
}

static void remove_marker(const char *dir, const char *name)
{
	auto_free char *path = path_join(dir, name);

	(void)unlink(path);
}

static void test_nothing_of_a_hostile_tree_runs(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *reason =
		mem_printf("git status needs to run 'touch %s/ran-filter %s/ran-inside; cat', and "
			   "the jail of git forbids it",
			dir, tree);

	(void)state;
	set_traps(dir, tree);
	/* Newer than the index, so that git has to look at its content. */
	write_file(tree, "a", "one\n");
	(void)run_git_any(tree, (const char *const[]){"status", "--short", NULL});
	assert_true(exists(dir, "ran-fsmonitor") && exists(dir, "ran-filter"));
	assert_true(exists(dir, "ran-hook") && exists(tree, "ran-inside"));
	remove_marker(dir, "ran-fsmonitor");
	remove_marker(dir, "ran-filter");
	remove_marker(dir, "ran-hook");
	remove_marker(tree, "ran-inside");
	assert_false(trap_was_sprung(dir, tree));

	write_file(tree, "a", "one\n");
	expect_doubt(tree, reason);
	assert_false(trap_was_sprung(dir, tree));
}

static void test_filters_that_cannot_run_are_a_doubt(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	append(tree, ".git/config", "[filter \"x\"]\n\tclean = cat\n");
	append(tree, ".git/info/attributes", "* filter=x\n");
	write_file(tree, "a", "one\n");
	expect_doubt_at_commit(
		tree, "git status needs to run 'cat', and the jail of git forbids it");
}

static void test_outside_configuration_is_not_read(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *outside = expect_file(dir, "outside", "[not a configuration\n");
	auto_free char *include = mem_printf("[include]\n\tpath = %s\n", outside);
	struct git_state seen;

	(void)state;
	append(tree, ".git/config", include);
	assert_int_not_equal(run_git_any(tree, (const char *const[]){"status", NULL}), 0);
	seen = inspect(tree);
	assert_string_equal(seen.reason, "");
	assert_int_equal(seen.clean, GIT_CLEAN);
}

static void test_configuration_of_the_work_tree_is_overruled(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	append(tree, ".git/config",
		"[core]\n\tworktree = /usr\n\tignoreStat = true\n\tfileMode = false\n"
		"[status]\n\tshowUntrackedFiles = no\n[color]\n\tui = always\n");
	expect_known(tree, GIT_CLEAN);
	write_file(tree, "new", "x\n");
	expect_known(tree, GIT_DIRTY);
}

static void test_broken_configuration_is_a_doubt(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	append(tree, ".git/config", "[\x1b[31m\n");
	expect_doubt(tree, "git status: fatal: bad config line 6 in file /source/.git/config");
}

static void test_git_file_that_points_outside(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *from = path_join(tree, ".git"), *to = path_join(dir, "moved");
	auto_free char *pointer = mem_printf("gitdir: %s\n", to);

	(void)state;
	assert_int_equal(rename(from, to), 0);
	write_file(tree, ".git", pointer);
	expect_doubt(
		tree, ".git is not a directory but points elsewhere (a worktree or a submodule)");
	assert_int_equal(unlink(from), 0);
	assert_int_equal(symlink(to, from), 0);
	expect_doubt(
		tree, ".git is not a directory but points elsewhere (a worktree or a submodule)");
}

static void test_objects_outside_are_not_reached(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *clone = path_join(dir, "clone");
	auto_free char *reason =
		mem_printf("git status: error: unable to normalize alternate object "
			   "path: %s/.git/objects",
			tree);

	(void)state;
	GIT(dir, "clone", "-q", "--shared", tree, clone);
	expect_doubt(clone, reason);
}

/* ---- submodules and sparse checkouts ---- */

/* A repository `dir`/whole in which `tree` is the submodule `part`. */
static char *make_whole(const char *dir, const char *tree)
{
	char *whole = path_join(dir, "whole");

	assert_int_equal(mkdir(whole, 0755), 0);
	GIT(whole, "init", "-q");
	GIT(whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", tree, "part");
	GIT(whole, "commit", "-q", "-m", "with a submodule");
	return whole;
}

static void test_submodules_are_looked_into(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *whole = make_whole(dir, tree), *part = path_join(whole, "part");

	(void)state;
	expect_known(whole, GIT_CLEAN);
	write_file(part, "new", "untracked\n");
	expect_known(whole, GIT_DIRTY);
	GIT(part, "clean", "-qf");
	write_file(part, "a", "1\n");
	expect_known(whole, GIT_DIRTY);
	GIT(part, "reset", "-q", "--hard");
	expect_known(whole, GIT_CLEAN);
	GIT(part, "commit", "-q", "--allow-empty", "-m", "another commit");
	expect_known(whole, GIT_DIRTY);
	GIT(part, "reset", "-q", "--hard", "HEAD^");
	GIT(whole, "submodule", "--quiet", "deinit", "-f", "part");
	expect_known(whole, GIT_CLEAN);
}

/* The tree's own words do not hide a submodule. */
static void test_no_setting_hides_a_submodule(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *whole = make_whole(dir, tree), *part = path_join(whole, "part");

	(void)state;
	GIT(whole, "config", "-f", ".gitmodules", "submodule.part.ignore", "all");
	GIT(whole, "commit", "-q", "-a", "-m", "ignore it");
	GIT(whole, "config", "submodule.part.ignore", "all");
	GIT(whole, "config", "diff.ignoreSubmodules", "all");
	expect_known(whole, GIT_CLEAN);
	write_file(part, "new", "untracked\n");
	expect_known(whole, GIT_DIRTY);
}

static void test_submodules_of_submodules_are_looked_into(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *whole = make_whole(dir, tree), *top = path_join(dir, "top");
	auto_free char *inner = path_join(top, "whole/part");

	(void)state;
	assert_int_equal(mkdir(top, 0755), 0);
	GIT(top, "init", "-q");
	GIT(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", whole, "whole");
	GIT(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init",
		"--recursive");
	GIT(top, "commit", "-q", "-m", "two levels");
	expect_known(top, GIT_CLEAN);
	write_file(inner, "a", "1\n");
	expect_known(top, GIT_DIRTY);
}

static void test_submodule_that_is_elsewhere_is_a_doubt(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *whole = make_whole(dir, tree);
	auto_free char *pointer = mem_printf("gitdir: %s/.git\n", tree);
	auto_free char *reason = mem_printf(
		"submodule part: git status: fatal: not a git repository: %s/.git", tree);

	(void)state;
	/* The same commit is there, but git in the jail does not get there. */
	write_file(whole, "part/.git", pointer);
	expect_doubt_at_commit(whole, reason);
}

static void test_submodule_reached_by_a_link_is_a_doubt(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *whole = make_whole(dir, tree), *part = path_join(whole, "part");
	auto_free char *moved = path_join(whole, ".git/moved");

	(void)state;
	assert_int_equal(rename(part, moved), 0);
	assert_int_equal(symlink(".git/moved", part), 0);
	expect_known(whole, GIT_DIRTY); /* git sees a link in place of a directory */
}

static void test_sparse_checkout_is_clean_when_the_rest_is_absent(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	GIT(tree, "sparse-checkout", "set", "--no-cone", "/a");
	assert_false(exists(tree, "sub/b"));
	expect_known(tree, GIT_CLEAN);
	write_file(tree, "a", "1\n");
	expect_known(tree, GIT_DIRTY);
}

static void test_files_hidden_in_the_index_are_a_doubt(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	GIT(tree, "update-index", "--assume-unchanged", "a");
	write_file(tree, "a", "changed, and git does not look\n");
	expect_doubt(tree, "the index tells git not to look at some files, such as a");
	GIT(tree, "update-index", "--no-assume-unchanged", "a");
	expect_known(tree, GIT_DIRTY);
	GIT(tree, "reset", "-q", "--hard");
	GIT(tree, "update-index", "--skip-worktree", "sub/b");
	write_file(tree, "sub/b", "changed, and git takes for granted that it is absent\n");
	expect_doubt(tree, "sub/b is outside of the sparse checkout, and git does not look at it");
}

static void test_words_of_the_tree_are_harmless(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);

	(void)state;
	write_file(tree, "\x1b]0;x\n", "x\n");
	GIT(tree, "add", ".");
	GIT(tree, "commit", "-q", "-m", "second");
	GIT(tree, "update-index", "--skip-worktree", "\x1b]0;x\n");
	expect_doubt(tree,
		"\\x1b]0;x\\n is outside of the sparse checkout, and git does not look at it");
}

/* The name of a branch that fills the answer, so that no change would be seen behind it. */
static void test_an_answer_that_is_cut_before_the_changes_is_a_doubt(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *tree = make_tree(dir);
	auto_free char *config = NULL;
	char name[LIMIT_GIT_STATUS_BYTES + 1];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	config = mem_printf(
		"[remote \"r\"]\n\turl = /nowhere\n\tfetch = +refs/heads/*:refs/remotes/r/*\n"
		"[branch \"main\"]\n\tremote = r\n\tmerge = refs/heads/%s\n",
		name);
	GIT(tree, "branch", "-M", "main");
	append(tree, ".git/config", config);
	write_file(tree, "new", "untracked\n");
	expect_doubt(tree, "git status: 65536 bytes without a change and without an end");
}

/* The repositories must not depend on who runs the tests. */
static void set_environment(void)
{
	(void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	(void)setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	(void)setenv("GIT_AUTHOR_NAME", "Test", 1);
	(void)setenv("GIT_AUTHOR_EMAIL", "test@example.com", 1);
	(void)setenv("GIT_COMMITTER_NAME", "Test", 1);
	(void)setenv("GIT_COMMITTER_EMAIL", "test@example.com", 1);
	(void)setenv("LC_ALL", "C", 1);
	(void)unsetenv("GIT_DIR");
	(void)unsetenv("GIT_WORK_TREE");
	(void)unsetenv("GIT_INDEX_FILE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_tree),
		cmocka_unit_test(test_commit_of_64_digits),
		cmocka_unit_test(test_every_change_is_dirty),
		cmocka_unit_test(test_more_changes_than_the_answer_holds),
		cmocka_unit_test(test_ten_thousand_files),
		cmocka_unit_test(test_no_repository),
		cmocka_unit_test(test_replaced_commits_count),
		cmocka_unit_test(test_no_commit_yet),
		cmocka_unit_test(test_asks_as_the_owner),
		cmocka_unit_test(test_nothing_of_a_hostile_tree_runs),
		cmocka_unit_test(test_filters_that_cannot_run_are_a_doubt),
		cmocka_unit_test(test_outside_configuration_is_not_read),
		cmocka_unit_test(test_configuration_of_the_work_tree_is_overruled),
		cmocka_unit_test(test_broken_configuration_is_a_doubt),
		cmocka_unit_test(test_git_file_that_points_outside),
		cmocka_unit_test(test_objects_outside_are_not_reached),
		cmocka_unit_test(test_submodules_are_looked_into),
		cmocka_unit_test(test_no_setting_hides_a_submodule),
		cmocka_unit_test(test_submodules_of_submodules_are_looked_into),
		cmocka_unit_test(test_submodule_that_is_elsewhere_is_a_doubt),
		cmocka_unit_test(test_submodule_reached_by_a_link_is_a_doubt),
		cmocka_unit_test(test_sparse_checkout_is_clean_when_the_rest_is_absent),
		cmocka_unit_test(test_files_hidden_in_the_index_are_a_doubt),
		cmocka_unit_test(test_words_of_the_tree_are_harmless),
		cmocka_unit_test(test_an_answer_that_is_cut_before_the_changes_is_a_doubt),
	};

	set_environment();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
