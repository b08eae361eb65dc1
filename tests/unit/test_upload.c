/* SPDX-License-Identifier: Apache-2.0 */
/* What the step `upload` starts, and above all what it does not. */
#include "expect.h"

#include <sys/stat.h>
#include <unistd.h>

#include "actions/delivery/delivery.h"

struct fixture {
	char *dir, *artifacts;
	struct buf said; /* program, arguments, directory, input of what was started */
	struct buf warned;
};

static struct fixture *fixture;

static int fake_spawn(struct action_ctx *ctx, const struct spawn *s, struct err *e)
{
	(void)ctx;
	(void)e;
	strv_each (&s->argv, word)
		buf_addf(&fixture->said, "%s ", *word);
	buf_addf(&fixture->said, "in %s\n%.*s", s->directory + strlen(fixture->artifacts),
		(int)s->input_len, s->input ? s->input : "");
	return 0;
}

static int fake_tick(struct action_ctx *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void fake_warn(struct action_ctx *ctx, const char *text)
{
	(void)ctx;
	buf_adds(&fixture->warned, text);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){.dir = expect_dir()};
	f->artifacts = path_join(f->dir, "artifacts");
	assert_int_equal(mkdir(f->artifacts, 0755), 0);
	free(expect_file(f->dir, "secrets/key", "hunter2"));
	buf_init(&f->said, 1 << 16);
	buf_init(&f->warned, 1 << 16);
	fixture = f;
}

static void teardown(struct fixture *f)
{
	buf_release(&f->said);
	buf_release(&f->warned);
	free(f->artifacts);
	expect_dir_remove(&f->dir);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	free(expect_file(f->artifacts, name, text));
}

static void put_link(const struct fixture *f, const char *name, const char *target)
{
	auto_free char *path = path_join(f->artifacts, name);

	assert_int_equal(symlink(target, path), 0);
}

static int64_t fake_time_left_ms(struct action_ctx *ctx)
{
	(void)ctx;
	return 60000;
}

static int upload(const struct fixture *f, const char *method, const char *sub, struct err *e)
{
	static const struct action_ops ops = {.spawn = fake_spawn,
		.tick = fake_tick,
		.time_left_ms = fake_time_left_ms,
		.warn = fake_warn};
	struct action_ctx ctx = {.ops = &ops, .source = GUEST_SRC};
	auto_node struct node *args = node_map();

	*e = (struct err){0};
	node_set_string(args, "method", method);
	node_set_string(args, "artifacts", sub);
	node_set_string(args, "login", "ci@www.example");
	node_set_string(args, "path", "/srv/www");
	return delivery_upload(&ctx, args, f->artifacts, e);
}

static void expect_refused(
	struct fixture *f, const char *method, const char *sub, const char *message)
{
	struct err e;

	expect_err(upload(f, method, sub, &e), &e, ERR_INPUT, message);
	assert_string_equal(f->said.data, "");
}

#define RSYNC                                                                                      \
	"rsync -a --del --timeout=31 --out-format=%n --protect-args -e ssh -F "                    \
	"/ci/secrets/.ssh/config '-oProxyCommand=/run/ambient/ambient-execute-plan connect "       \
	"--upload /run/ambient/error 30001 %h %p' -- ./ "                                          \
	"ci@www.example:/srv/www in "
#define SFTP(files)                                                                                \
	"/run/ambient/tools/ambient-net sftp_put in \n{\"files\":[" files                          \
	"],\"login\":\"ci@www.example\",\"path\":\"/srv/www\"}"

static void test_rsync_gets_a_directory(void **state)
{
	struct fixture f;
	struct err e;

	(void)state;
	setup(&f);
	put(&f, "html/a/index", "x");
	put_link(&f, "latest", "html/a");
	expect_ok(upload(&f, "rsync", ".", &e), &e);
	assert_string_equal(f.said.data, RSYNC "\n");
	buf_clear(&f.said);
	expect_ok(upload(&f, "rsync", "html/a", &e), &e);
	assert_string_equal(f.said.data, RSYNC "/html/a\n");
	buf_clear(&f.said);
	/* A link that stays inside is followed by the kernel, once. */
	expect_ok(upload(&f, "rsync", "latest", &e), &e);
	assert_string_equal(f.said.data, RSYNC "/html/a\n");
	teardown(&f);
}

static void test_nothing_is_uploaded_from_outside_of_the_artifacts(void **state)
{
	struct fixture f;
	auto_free char *secrets = NULL;

	(void)state;
	setup(&f);
	secrets = path_join(f.dir, "secrets");
	put_link(&f, "sub", secrets);
	put_link(&f, "up", "../secrets");
	put(&f, "file", "x");
	for (int i = 0; i < 3; i++) {
		const char *method = (const char *[]){"rsync", "sftp", "changes"}[i];

		expect_refused(&f, method, "sub",
			"'sub' of the artifacts leads outside of them: nothing is uploaded");
		expect_refused(&f, method, "up",
			"'up' of the artifacts leads outside of them: nothing is uploaded");
		expect_refused(&f, method, "../secrets",
			"'../secrets' of the artifacts leads outside of them: nothing is uploaded");
		expect_refused(&f, method, "file", "'file' of the artifacts is no directory");
		expect_refused(&f, method, "none", "'none' of the artifacts is not there");
	}
	teardown(&f);
}

static void test_sftp_gets_directories_before_their_files(void **state)
{
	struct fixture f;
	struct err e;

	(void)state;
	setup(&f);
	put(&f, "b/c d", "x");
	put(&f, "a\"1\\", "x");
	put_link(&f, "b/key", "../../secrets/key");
	expect_ok(upload(&f, "sftp", ".", &e), &e);
	assert_string_equal(f.said.data, SFTP("\"a\\\"1\\\\\",\"b/\",\"b/c d\""));
	assert_string_equal(f.warned.data, "b/key: not uploaded: it is a link");
	teardown(&f);
}

static void test_names_cannot_be_commands_for_sftp(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, "a\n!id", "x");
	expect_refused(
		&f, "sftp", ".", "'a\\n!id' of the artifacts has control characters in its name");
	teardown(&f);
	setup(&f);
	put(&f, "a\xff", "x");
	expect_refused(&f, "sftp", ".",
		"'a\\xff' of the artifacts has a name that is not UTF-8, which only rsync can "
		"upload");
	teardown(&f);
}

static void test_an_empty_directory_is_no_upload(void **state)
{
	struct fixture f;
	auto_free char *message = NULL, *changes = NULL;

	(void)state;
	setup(&f);
	message = mem_printf("there is nothing to upload in %s", f.artifacts);
	changes = mem_printf("there is no .changes file in %s", f.artifacts);
	expect_refused(&f, "sftp", ".", message);
	expect_refused(&f, "changes", ".", changes);
	teardown(&f);
}

static void test_packages_go_before_the_changes_that_list_them(void **state)
{
	struct fixture f;
	struct err e;

	(void)state;
	setup(&f);
	put(&f, "x_1.changes",
		"-----BEGIN PGP SIGNED MESSAGE-----\nFormat: 1.8\nDescription:\n x - /etc/passwd\n"
		"Checksums-Sha256:\n 00 3 x_1.dsc\n 00 3 x_1_all.deb\r\n"
		"Files:\n 00 3 misc optional x_1.dsc\n 00 3 misc optional x_1_all.deb\n");
	put(&f, "x_1.dsc", "abc");
	put(&f, "x_1_all.deb", "abc");
	put(&f, "not-listed", "abc");
	expect_ok(upload(&f, "changes", ".", &e), &e);
	assert_string_equal(f.said.data, SFTP("\"x_1.dsc\",\"x_1_all.deb\",\"x_1.changes\""));
	teardown(&f);
}

static void test_changes_that_list_a_secret_upload_nothing(void **state)
{
	static const char *const names[] = {"../secrets/key", "/ci/secrets/key", "-oProxyCommand=x",
		".ssh", "a\"b", "a;b", "*"};
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, "a.dsc", "abc");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *text = mem_printf(
			"Files:\n 00 3 misc optional a.dsc\n 00 7 misc optional %s\n", names[i]);
		auto_free char *message = mem_printf("a.changes lists '%s', which is not the name "
						     "of a file next to it: nothing is uploaded",
			names[i]);

		put(&f, "a.changes", text);
		expect_refused(&f, "changes", ".", message);
	}
	teardown(&f);
}

static void test_changes_that_list_a_link_upload_nothing(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put_link(&f, "key", "../secrets/key");
	put(&f, "a.changes", "Files:\n 00 7 misc optional key\n");
	expect_refused(&f, "changes", ".",
		"a.changes lists 'key', but there is no such file next to it: nothing is uploaded");
	put(&f, "a.changes", "Format: 1.8\n");
	expect_refused(&f, "changes", ".", "a.changes lists no files");
	teardown(&f);
}

static void test_packages_go_by_http_in_the_same_order(void **state)
{
	struct fixture f;
	struct err e;

	(void)state;
	setup(&f);
	put(&f, "x_1.changes", "Files:\n 00 3 misc optional x_1.dsc\n");
	put(&f, "x_1.dsc", "abc");
	expect_ok(upload(&f, "put", ".", &e), &e);
	assert_string_equal(f.said.data,
		"/run/ambient/tools/ambient-net http_put in \n"
		"{\"files\":[\"x_1.dsc\",\"x_1.changes\"],\"url\":\"ci@www.example/srv/www/\"}");
	buf_clear(&f.said);
	put(&f, "x_1.changes", "Files:\n 00 3 misc optional ../secrets/key\n");
	expect_refused(&f, "put", ".",
		"x_1.changes lists '../secrets/key', which is not the name of a file next to it: "
		"nothing is uploaded");
	teardown(&f);
}

/* ---- targets ---- */

/* "[USER@]HOST:PORT" or the URL of the one server that the entry must reach. */
static void expect_endpoint(const struct entry *entry, const char *text)
{
	const struct endpoint *p = &entry->endpoints.items[0];
	auto_free char *login = NULL;

	assert_int_equal(entry->endpoints.count, 1);
	login = mem_printf(
		"%s%s%s:%u", p->user ? p->user : "", p->user ? "@" : "", p->host, p->port);
	assert_string_equal(p->scheme == ENDPOINT_SSH ? login : p->text, text);
}

static struct entry entry_of(const struct action *action, struct node *args)
{
	static char word[] = "x";

	return (struct entry){.action = action,
		.args = args,
		.origin = {.source = SOURCE_POST_PLAN, .action = word}};
}

static void expect_target(const char *text, const char *endpoint, const char *path)
{
	auto_node struct node *settings = node_map(), *args = node_map();
	struct entry entry = entry_of(&action_sftp_put, args);
	auto_plan struct plan plan = {0};
	struct err e = {0};

	node_set_string(settings, "sftp_target", text);
	expect_ok(entry_reach(&entry, settings, &e), &e);
	expect_endpoint(&entry, endpoint);
	endpoints_release(&entry.endpoints);
	expect_ok(entry_expand(&entry, settings, &plan, &e), &e);
	assert_int_equal(plan.count, 1);
	assert_string_equal(node_get_text(plan.steps[0].args, "path", ""), path);
}

static void expect_no_target(const char *text, const char *message)
{
	auto_node struct node *settings = node_map(), *args = node_map();
	struct entry entry = entry_of(&action_sftp_put, args);
	struct err e = {0};

	node_set_string(settings, "sftp_target", text);
	expect_err(entry_reach(&entry, settings, &e), &e, ERR_INPUT, message);
}

static void test_targets_are_logins_and_paths(void **state)
{
	(void)state;
	expect_target("ci@www.example:/srv/a b", "ci@www.example:22", "/srv/a b");
	expect_target("www.example:", "www.example:22", "");
	expect_target("sftp://ci@www.example/srv", "ci@www.example:22", "/srv");
	expect_target("sftp://www.example", "www.example:22", "");
	expect_no_target("unstable",
		"sftp_target 'unstable' is neither [USER@]HOST:PATH nor "
		"sftp://[USER@]HOST/PATH");
	for (size_t i = 0; i < 5; i++) {
		const char *text = (const char *[]){
			"-oProxyCommand=x:/", "a@-x:/", "@h:/", "sftp://h:2222/", "a b@h:/"}[i];
		auto_free char *message = mem_printf(
			"sftp_target '%s' names no host that can be logged in to: USER and HOST "
			"are of letters, digits, '.', '_' and '-', and the port is always 22",
			text);

		expect_no_target(text, message);
	}
	for (size_t i = 0; i < 4; i++) {
		const char *text = (const char *[]){
			"rsync://files.test/x", "ftp://h/x", "http://h/x", "SFTP://h/x"}[i];
		auto_free char *message = mem_printf("sftp_target '%s' is a URL of another "
						     "protocol: only sftp://[USER@]HOST/PATH can "
						     "be used here",
			text);

		expect_no_target(text, message);
	}
	expect_no_target("u@files.test::backup/x",
		"sftp_target 'u@files.test::backup/x' names a module of an rsync daemon "
		"(HOST::MODULE), which has neither encryption nor a host key: write HOST:PATH, "
		"which goes through ssh");
	expect_no_target("h:/a\nb", "sftp_target 'h:/a\\nb' has control characters in it");
}

static void expect_package_target(
	const char *text, const char *endpoint, const char *method, const char *path)
{
	auto_node struct node *settings = node_map(), *args = node_map();
	struct entry entry = entry_of(&action_dput2, args);
	auto_plan struct plan plan = {0};
	struct err e = {0};

	node_set_string(settings, "dput_target", text);
	node_set_string(node_set_map(settings, "dput_targets"), "ci", "https://up.example/in");
	expect_ok(entry_reach(&entry, settings, &e), &e);
	expect_endpoint(&entry, endpoint);
	endpoints_release(&entry.endpoints);
	expect_ok(entry_expand(&entry, settings, &plan, &e), &e);
	assert_string_equal(node_get_text(plan.steps[0].args, "method", ""), method);
	assert_string_equal(node_get_text(plan.steps[0].args, "path", ""), path);
}

static void expect_no_package_target(const char *text, const char *message)
{
	auto_node struct node *settings = node_map(), *args = node_map();
	struct entry entry = entry_of(&action_dput, args);
	struct err e = {0};

	node_set_string(settings, "dput_target", text);
	expect_err(entry_reach(&entry, settings, &e), &e, ERR_INPUT, message);
}

static void test_packages_have_targets_with_names_and_on_the_web(void **state)
{
	(void)state;
	expect_package_target("ci", "https://up.example", "put", "/in");
	expect_package_target("http://up.example", "http://up.example", "put", "");
	expect_package_target("u@up.example:in", "u@up.example:22", "changes", "in");
	expect_no_package_target("ftp://up.example/in",
		"dput_target 'ftp://up.example/in' is a URL of another protocol: only "
		"sftp://[USER@]HOST/PATH and http[s]://HOST/PATH can be used here");
	expect_no_package_target("unstable",
		"dput_target 'unstable' is neither [USER@]HOST:PATH, nor sftp://[USER@]HOST/PATH, "
		"nor http[s]://HOST/PATH, nor a name under dput_targets");
	for (size_t i = 0; i < 3; i++) {
		const char *text =
			(const char *[]){"http://u@h/", "https://h:8080/", "https:///x"}[i];
		auto_free char *message = mem_printf(
			"dput_target '%s' names no host: it is of letters, digits, '.', '_' and "
			"'-', without a user and without a port",
			text);

		expect_no_package_target(text, message);
	}
	/* What may be a password is not repeated. */
	expect_no_package_target("http://u:p@h/",
		"dput_target has credentials in it, which would be in logs and plans: take them "
		"out; a login by ssh has its key under `ssh` of the configuration, and a PATH with "
		"'@' is written sftp://HOST/PATH");
	expect_no_package_target("sftp://u:p/q@h/",
		"dput_target has credentials in it, which would be in logs and plans: take them "
		"out; a login by ssh has its key under `ssh` of the configuration, and a PATH with "
		"'@' is written sftp://HOST/PATH");
	for (size_t i = 0; i < 4; i++) {
		const char *text =
			(const char *[]){"u:p@h:/x", "u:p/q@h:x", "u@mail:p@h:x", "u:p@h"}[i];

		expect_no_package_target(text,
			"dput_target has credentials in it, which would be in logs and plans: "
			"take them out; a login by ssh has its key under `ssh` of the "
			"configuration, and a PATH with '@' is written sftp://HOST/PATH");
	}
	expect_package_target("h:/x@y", "h:22", "changes", "/x@y");
	expect_no_package_target("https://h/a?b",
		"dput_target 'https://h/a?b' has characters in it that a directory cannot have");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsync_gets_a_directory),
		cmocka_unit_test(test_nothing_is_uploaded_from_outside_of_the_artifacts),
		cmocka_unit_test(test_sftp_gets_directories_before_their_files),
		cmocka_unit_test(test_names_cannot_be_commands_for_sftp),
		cmocka_unit_test(test_an_empty_directory_is_no_upload),
		cmocka_unit_test(test_packages_go_before_the_changes_that_list_them),
		cmocka_unit_test(test_changes_that_list_a_secret_upload_nothing),
		cmocka_unit_test(test_changes_that_list_a_link_upload_nothing),
		cmocka_unit_test(test_targets_are_logins_and_paths),
		cmocka_unit_test(test_packages_go_by_http_in_the_same_order),
		cmocka_unit_test(test_packages_have_targets_with_names_and_on_the_web),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
