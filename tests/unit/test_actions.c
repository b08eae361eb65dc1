/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions themselves: what their rows say, what they expand to, and what the steps do, with the
 * executor's side played by the test.
 */
#include "entrymake.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/limits.h"
#include "actions/table.h"
#include "data/jsonl.h"
#include "data/pack.h"
#include "data/yamlfile.h"

enum { DRIVE_BYTES = 1 << 20 };

/* ---- the tables ---- */

static void check_rows(const struct action *a, const struct param *params)
{
	for (const struct param *p = params; p->name; p++) {
		if (!p->help || !*p->help || p->help[strlen(p->help) - 1] == '.')
			fail_msg("%s, parameter %s: help must be a sentence without a full stop",
				a->name, p->name);
		if (p->sub)
			check_rows(a, p->sub);
	}
}

static void test_every_row_is_whole(void **state)
{
	(void)state;
	for (const struct action *const *a = actions_host; *a; a++) {
		const char *summary = (*a)->summary;

		if (!summary || summary[strlen(summary) - 1] != '.')
			fail_msg("%s: the summary must be a sentence", (*a)->name);
		assert_non_null((*a)->params);
		assert_true((*a)->where != 0);
		check_rows(*a, (*a)->params);
		assert_ptr_equal(action_find(actions_host, (*a)->name), *a);
	}
}

/* What a lint is to look at is there; one that is misspelt would look at nothing. */
static void test_lints_name_parameters(void **state)
{
	size_t scripts = 0, files = 0;

	(void)state;
	for (const struct action *const *a = actions_host; *a; a++) {
		const struct action_lint *lint = &(*a)->lint;

		if (lint->script) {
			assert_int_equal(
				schema_find((*a)->params, lint->script)->type, PARAM_STRING);
			assert_int_equal(strcspn(lint->shebang, "\n"), strlen(lint->shebang) - 1);
			scripts++;
		}
		if (lint->list) {
			const struct param *list = schema_find((*a)->params, lint->list);

			assert_int_equal(list->type, PARAM_MAPS);
			assert_true(schema_find(list->sub, lint->file)->required);
			files++;
		}
		assert_int_equal(!lint->family, !lint->generation);
	}
	assert_true(scripts > 0 && files > 0);
}

static void test_what_is_a_step_runs_and_is_in_the_executor(void **state)
{
	size_t steps = 0, linked = 0;

	(void)state;
	for (const struct action *const *a = actions_host; *a; a++) {
		assert_int_equal(!!((*a)->where & IN_STEP), !!(*a)->run);
		steps += (*a)->run ? 1 : 0;
	}
	for (const struct action *const *a = actions_guest_plan; *a; a++, linked++) {
		assert_ptr_equal(action_find(actions_host, (*a)->name), *a);
		assert_non_null((*a)->run);
	}
	assert_int_equal(linked, steps);
}

/* The actions of the existing Ambient CI and ours, and where they may stand. */
static void test_every_known_action_is_there(void **state)
{
	static const struct {
		const char *name;
		unsigned where;
	} known[] = {
		{"shell", IN_PLAN},
		{"custom", IN_PLAN},
		{"mkdir", IN_PRE | IN_PLAN | IN_POST | IN_STEP},
		{"pwd", IN_PRE | IN_PLAN | IN_POST | IN_STEP},
		{"dummy", IN_PRE | IN_PLAN | IN_POST | IN_STEP},
		{"setenv", IN_PLAN | IN_STEP},
		{"tar_create", IN_STEP},
		{"tar_extract", IN_STEP},
		{"spawn", IN_STEP},
		{"net", IN_STEP},
		{"cargo_fetch", IN_PRE},
		{"cargo_fmt", IN_PLAN},
		{"cargo_clippy", IN_PLAN},
		{"cargo_deny", IN_PLAN},
		{"cargo_doc", IN_PLAN},
		{"cargo_build", IN_PLAN},
		{"cargo_test", IN_PLAN},
		{"cargo_install", IN_PLAN},
		{"rustup", IN_PRE},
		{"http_get", IN_PRE},
		{"git_get", IN_PRE},
		{"git_deps", IN_PRE},
		{"git_mirror", IN_MIRROR},
		{"npm_get", IN_PRE},
		{"deb_get", IN_PRE},
		{"deb", IN_PLAN},
		{"deb2", IN_PLAN},
		{"rsync", IN_POST},
		{"rsync2", IN_POST},
		{"dput", IN_POST},
		{"dput2", IN_POST},
		{"sftp_put", IN_POST},
		{"upload", IN_STEP},
		{"fetch", IN_PRE},
		{"symlink", IN_PLAN | IN_STEP},
		{"create_file", IN_PLAN | IN_STEP},
		{"git_config", IN_PLAN},
		{"dns", IN_PRE | IN_POST},
		{"npm_fetch", IN_PRE},
		{"pip_download", IN_PRE},
		{"go_mod_download", IN_PRE},
		{"bundle_fetch", IN_PRE},
		{"maven_fetch", IN_PRE},
		{"apt_upgrade_download", IN_PRE},
		{"deb_install", IN_PLAN},
	};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct action *a = action_find(actions_host, known[i].name);

		assert_non_null(a);
		assert_int_equal(a->where, known[i].where);
		assert_true(a->expand || a->run);
	}
	while (actions_host[count])
		count++;
	assert_int_equal(count, ARRAY_SIZE(known));
}

/* A machine has programs of others with a network, or secrets; never both. */
static void test_no_action_that_fetches_logs_in(void **state)
{
	size_t fetching = 0;

	(void)state;
	for (const struct action *const *a = actions_host; *a; a++) {
		if (!(*a)->fetches)
			continue;
		fetching++;
		assert_int_equal((*a)->where, IN_PRE);
		assert_false((*a)->logs_in);
		assert_non_null((*a)->reach);
	}
	assert_true(fetching > 0);
}

/* ---- parsing and expanding ---- */

static int parse(const char *yaml, unsigned where, struct entry *ret, struct err *e)
{
	return parse_entry(yaml, actions_host, where, ret, e);
}

static void expect_refused(unsigned where, const char *yaml, const char *message)
{
	struct entry entry = {0};
	struct err e = {0};

	expect_err(parse(yaml, where, &entry, &e), &e, ERR_INPUT, message);
}

static void expect_accepted(unsigned where, const char *yaml)
{
	auto_entry struct entry entry = {0};
	struct err e = {0};

	expect_ok(parse(yaml, where, &entry, &e), &e);
}

/* What a user's action expands to: "ACTION ARGS", one line for each step. */
static void expect_steps(const char *yaml, const char *steps)
{
	auto_entry struct entry entry = {0};
	auto_plan struct plan plan = {0};
	auto_buf struct buf b = {0};
	struct err e = {0};

	expect_ok(parse(yaml, IN_PRE | IN_PLAN, &entry, &e), &e);
	entry.origin.index = 2;
	expect_ok(entry_expand(&entry, NULL, &plan, &e), &e);
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < plan.count; i++) {
		const struct step *s = &plan.steps[i];
		const struct action *step = action_find(actions_guest_plan, s->action);

		assert_non_null(step);
		expect_ok(schema_check(step->params, s->args, "plan.json", &e), &e);
		if (step->check)
			expect_ok(step->check(s->args, "plan.json", &e), &e);
		assert_int_equal(s->origin.index, 2);
		assert_string_equal(s->origin.action, entry.action->name);
		buf_addf(&b, "%s%s ", i ? "\n" : "", s->action);
		jsonl_add(&b, s->args);
	}
	assert_string_equal(b.data, steps);
}

static void test_shell_becomes_bash_that_stops_at_errors(void **state)
{
	(void)state;
	expect_steps("action: shell\nshell: |\n  make\n  make check\n",
		"spawn {\"argv\":[\"bash\",\"-xeuo\",\"pipefail\"],"
		"\"instead\":[\"sh\",\"-xeu\"],"
		"\"script\":\"make\\nmake check\\n\"}");
}

static void test_trace_and_streams_are_as_the_action_says(void **state)
{
	(void)state;
	expect_steps("action: shell\ntrace: false\nmerge_output: true\nshell: make\n",
		"spawn {\"argv\":[\"bash\",\"-euo\",\"pipefail\"],"
		"\"instead\":[\"sh\",\"-eu\"],"
		"\"script\":\"make\",\"merge_output\":true}");
	expect_steps("action: custom\nname: x\nmerge_output: true\n",
		"spawn {\"argv\":[\".ambient/x\"],\"env\":{},\"input\":\"{}\","
		"\"merge_output\":true}");
}

static void test_snippets_have_a_limit_of_their_own(void **state)
{
	auto_free char *largest =
		mem_printf("action: shell\nshell: x%0*d", (int)LIMIT_SNIPPET_BYTES - 1, 0);
	auto_free char *too_large = mem_printf("%s0", largest);

	(void)state;
	expect_accepted(IN_PLAN, largest);
	expect_refused(IN_PLAN, too_large,
		"p.yaml:2:8: the snippet has 524289 bytes, the limit is 524288; put it into a file "
		"of the source and run that");
}

static void test_custom_gets_its_arguments_twice(void **state)
{
	(void)state;
	expect_steps(
		"action: custom\nname: deploy.sh\nargs: {level: 3, to: [a, b], dry-run: true}\n",
		"spawn {\"argv\":[\".ambient/deploy.sh\"],\"env\":{\"AMBIENT_CI_level\":\"3\","
		"\"AMBIENT_CI_to\":\"[\\\"a\\\",\\\"b\\\"]\",\"AMBIENT_CI_dry-run\":\"true\"},"
		"\"input\":\"{\\\"level\\\":3,\\\"to\\\":[\\\"a\\\",\\\"b\\\"],\\\"dry-run\\\":"
		"true}\"}");
	expect_steps("action: custom\nname: x\n",
		"spawn {\"argv\":[\".ambient/x\"],\"env\":{},\"input\":\"{}\"}");
}

static void test_steps_that_users_write_expand_to_themselves(void **state)
{
	(void)state;
	expect_steps("action: mkdir\npathname: a/b\n", "mkdir {\"pathname\":\"a/b\"}");
	expect_steps(
		"action: setenv\nset: {A: 1, B: ''}\n", "setenv {\"set\":{\"A\":1,\"B\":\"\"}}");
	expect_steps("action: pwd\n", "pwd {}");
	expect_steps("action: dummy\n", "dummy {}");
}

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

/* Who speaks ssh, and nobody else, may ask the agent. */
static void test_steps_say_who_logs_in_by_ssh(void **state)
{
	(void)state;
	expect_steps("action: git_get\nurl: ssh://h.example/a\nname: a\ncommit: '" COMMIT "'\n",
		"net {\"command\":\"git_get\",\"input\":\"{\\\"url\\\":\\\"ssh://h.example/a\\\","
		"\\\"name\\\":\\\"a\\\",\\\"commit\\\":\\\"" COMMIT "\\\"}\",\"ssh\":true}");
	expect_steps("action: git_get\nurl: http://h.example/a\nname: a\ncommit: '" COMMIT "'\n",
		"net {\"command\":\"git_get\",\"input\":\"{\\\"url\\\":\\\"http://h.example/a\\\","
		"\\\"name\\\":\\\"a\\\",\\\"commit\\\":\\\"" COMMIT "\\\"}\"}");
}

/* The user of forges is git. */
static void test_git_deps_asks_its_hosts_by_ssh(void **state)
{
	(void)state;
	expect_steps("action: git_deps\nhosts: [h.example, me@i.example/a/b]\nreads: [a.lock]\n",
		"net "
		"{\"command\":\"git_deps\",\"input\":\"{\\\"hosts\\\":[{\\\"user\\\":\\\"git\\\","
		"\\\"host\\\":\\\"h.example\\\"},{\\\"user\\\":\\\"me\\\",\\\"host\\\":\\\"i."
		"example\\\","
		"\\\"path\\\":\\\"a/b\\\"}],"
		"\\\"optional\\\":[],\\\"files\\\":[\\\"a.lock\\\"]}\",\"ssh\":true}");
	expect_refused(IN_PRE, "action: git_deps\nhosts: [h.example/a/../b]\n",
		"p.yaml:2:9: this is not the path of a repository");
	expect_refused(IN_PRE, "action: git_deps\nhosts: [h.example:2222]\n",
		"p.yaml:2:9: 'h.example:2222' is not [USER@]HOST, of letters, digits, '.', '_' and "
		"'-'; the port is always 22");
	expect_refused(IN_PRE, "action: git_deps\nhosts: ['-oProxyCommand=x']\n",
		"p.yaml:2:9: '-oProxyCommand=x' is not [USER@]HOST, of letters, digits, '.', '_' "
		"and "
		"'-'; the port is always 22");
	expect_refused(IN_PRE, "action: git_deps\nhosts: [h]\nreads: ['**/go.mod']\n",
		"p.yaml:3:9: '**/go.mod' is not the path of one file in the source");
	expect_refused(IN_PRE, "action: git_deps\nhosts: [h]\nreads: [/etc/passwd]\n",
		"p.yaml:3:9: '/etc/passwd' is not the path of one file in the source");
}

static void test_custom_cannot_leave_its_directory(void **state)
{
	(void)state;
	expect_refused(IN_PLAN, "action: custom\nname: ../../bin/sh\n",
		"p.yaml:2:7: '../../bin/sh' is not a valid name of a custom action: it is a file "
		"in "
		"the "
		"directory .ambient");
	expect_refused(IN_PLAN, "action: custom\nname: ..\n",
		"p.yaml:2:7: '..' is not a valid name of a custom action: it is a file in the "
		"directory "
		".ambient");
	expect_refused(IN_PLAN, "action: custom\nname: x\nargs: [1]\n",
		"p.yaml:3:7: 'args' must be a mapping, not a list");
	expect_refused(IN_PLAN, "action: custom\nname: x\nargs: {'a=b': 1}\n",
		"p.yaml:3:8: 'a=b' is not a valid name of an environment variable: it is empty or "
		"has a '='");
}

static void test_setenv_takes_only_names_that_shells_know(void **state)
{
	static const char why[] = "letters, digits and _, not beginning with a digit";
	static const char *const bad[] = {"A-B", "1A", "A=B", "A B"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_free char *yaml = mem_printf("action: setenv\nset:\n  %s: x\n", bad[i]);
		auto_free char *message = mem_printf(
			"p.yaml:3:3: '%s' is not a valid name of an environment variable: %s",
			bad[i], why);

		expect_refused(IN_PLAN, yaml, message);
	}
	expect_accepted(IN_PLAN, "action: setenv\nset: {_a1: x}\n");
}

static void test_actions_of_later_versions_are_checked_already(void **state)
{
	(void)state;
	expect_accepted(
		IN_PRE, "action: rustup\nchannel: 1.95\ncomponents: [clippy]\nprofile: minimal\n");
	expect_accepted(IN_PRE, "action: deb_get\npackages: [hello]\nsuite: bookworm\n");
	expect_accepted(IN_POST, "action: rsync2\nartifacts: html/doc\n");
	expect_accepted(IN_PRE,
		"action: http_get\nitems:\n- url: https://example.com/x\n"
		"  filename: x\n  checksum: sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
	expect_refused(IN_PRE, "action: rustup\nchanel: beta\n",
		"p.yaml:2:1: unknown key 'chanel', did you mean 'channel'?");
	expect_refused(IN_PRE, "action: deb_get\npackages: []\n",
		"p.yaml:2:11: 'packages' must not be empty");
	expect_refused(IN_POST, "action: rsync2\nartifacts: a/../..\n",
		"p.yaml:2:12: 'a/../..' is not a sub-directory of the artifacts");
	expect_refused(IN_POST, "action: dput2\nartifacts: /etc\n",
		"p.yaml:2:12: '/etc' is not a sub-directory of the artifacts");
}

static void expect_http_refused(const char *key, const char *value, const char *message)
{
	static const char sum[] =
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	auto_free char *yaml = mem_printf("action: http_get\nitems:\n- url: %s\n  filename: %s\n"
					  "  checksum: %s\n",
		strcmp(key, "url") == 0 ? value : "http://example.com/",
		strcmp(key, "filename") == 0 ? value : "x",
		strcmp(key, "checksum") == 0 ? value : sum);

	expect_refused(IN_PRE, yaml, message);
}

static void test_http_get_refuses_bad_items(void **state)
{
	(void)state;
	expect_http_refused("filename", ".x.part",
		"p.yaml:4:13: '.x.part' is the name of a file that is not whole yet: .NAME.part");
	expect_http_refused("url", "file:///etc/passwd",
		"p.yaml:3:8: 'file:///etc/passwd' is not a URL that starts with http:// or "
		"https://");
	expect_http_refused("filename", "../x",
		"p.yaml:4:13: '../x' is not a valid name of a file in one directory");
	expect_http_refused("checksum", "md5:abc",
		"p.yaml:5:13: 'md5:abc' is not 'sha256:' and 64 hexadecimal digits");
	expect_http_refused("checksum", "sha256:abc",
		"p.yaml:5:13: 'sha256:abc' is not 'sha256:' and 64 hexadecimal digits");
}

static void expect_git_refused(const char *key, const char *value, const char *message)
{
	static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
	auto_free char *yaml =
		mem_printf("action: git_get\nurl: \"%s\"\ncommit: \"%s\"\nname: \"%s\"\n",
			strcmp(key, "url") == 0 ? value : "https://git.example.com/a.git",
			strcmp(key, "commit") == 0 ? value : commit,
			strcmp(key, "name") == 0 ? value : "a");

	expect_refused(IN_PRE, yaml, message);
}

#define NOT_A_GIT_URL                                                                              \
	"' is not a URL that starts with https://, http:// or ssh://: git gets commits by no "     \
	"other protocol here"
#define GIT_CREDENTIALS                                                                            \
	"p.yaml:2:6: the URL has credentials in it, which would be in logs and plans: take them "  \
	"out; for private repositories use ssh:// and `ssh` of the configuration"
#define NOT_A_COMMIT                                                                               \
	"' is not the whole name of a commit, 40 or 64 hexadecimal digits: branches, tags and "    \
	"shortened names may lead elsewhere tomorrow"
#define NOT_A_LOGIN                                                                                \
	"' is not ssh://[USER@]HOST/PATH, of letters, digits, '.', '_' and '-'; the port is "      \
	"always 22"

static void test_git_get_takes_whole_commits_from_servers(void **state)
{
	(void)state;
	expect_git_refused(
		"url", "git://h.example/a", "p.yaml:2:6: 'git://h.example/a" NOT_A_GIT_URL);
	expect_git_refused(
		"url", "file:///srv/a.git", "p.yaml:2:6: 'file:///srv/a.git" NOT_A_GIT_URL);
	expect_git_refused("url", "ext::sh -c id", "p.yaml:2:6: 'ext::sh -c id" NOT_A_GIT_URL);
	expect_git_refused("url", "h.example:a.git", "p.yaml:2:6: 'h.example:a.git" NOT_A_GIT_URL);
	expect_git_refused("url", "https://u:hunter2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "https://token@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "ssh://u:hunter2@h.example/a", GIT_CREDENTIALS);
	/* However it is written, a password is not repeated. */
	expect_git_refused("url", "https:/u:hunter2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "ssh://u%3Ahunter2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "https://u:hunter/2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "https://u:hunter#2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "https://u:hunter?2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "u:hunter2@h.example/a", GIT_CREDENTIALS);
	expect_git_refused("url", "https://h.example/a?b",
		"p.yaml:2:6: 'https://h.example/a?b' has characters that cannot be in the URL of a "
		"repository");
	expect_git_refused("url", "ssh://-oProxyCommand=x/a",
		"p.yaml:2:6: 'ssh://-oProxyCommand=x/a" NOT_A_LOGIN);
	expect_git_refused("url", "ssh://a@-x/a", "p.yaml:2:6: 'ssh://a@-x/a" NOT_A_LOGIN);
	expect_git_refused("url", "ssh://h:2222/a", "p.yaml:2:6: 'ssh://h:2222/a" NOT_A_LOGIN);
	expect_git_refused("commit", "main", "p.yaml:3:9: 'main" NOT_A_COMMIT);
	expect_git_refused("commit", "0123456789", "p.yaml:3:9: '0123456789" NOT_A_COMMIT);
	expect_git_refused("name", "../a",
		"p.yaml:4:7: '../a' is not a valid name of a file in one directory");
	expect_accepted(IN_PRE,
		"action: git_get\nurl: https://h.example/from/https://u:p@o.example/a\nname: a\n"
		"commit: 0123456789abcdef0123456789abcdef01234567\n");
	expect_accepted(IN_PRE,
		"action: git_get\nurl: https://h.example:8443/@scope/a:b@1\nname: a\n"
		"commit: 0123456789abcdef0123456789abcdef01234567\n");
	expect_accepted(IN_PRE,
		"action: git_get\nurl: ssh://git@h.example/a\nname: a\n"
		"commit: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
}

static void test_environment_has_home_and_tools(void **state)
{
	static const char *const wanted[] = {"HOME=/root", "USER=root", "LOGNAME=root",
		"SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=dumb", "TMPDIR=/tmp", "CI=true",
		"http_proxy=http://127.0.0.1:3128", "https_proxy=http://127.0.0.1:3128",
		"HTTP_PROXY=http://127.0.0.1:3128", "HTTPS_PROXY=http://127.0.0.1:3128",
		"SSL_CERT_FILE=" GUEST_CERTIFICATES, "CURL_CA_BUNDLE=" GUEST_CERTIFICATES,
		"REQUESTS_CA_BUNDLE=" GUEST_CERTIFICATES, "NODE_EXTRA_CA_CERTS=" GUEST_CERTIFICATES,
		"GIT_SSL_CAINFO=" GUEST_CERTIFICATES};
	struct strv env = {0};

	(void)state;
	for (const struct action_variable *v = actions_env; v->name; v++) {
		strv_pushf(&env, "%s=%s", v->name, v->value);
		assert_true(*v->help);
	}
	assert_int_equal(env.count, ARRAY_SIZE(wanted) + 1); /* and PATH */
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_true(strv_has(&env, wanted[i]));
	strv_release(&env);
}

/* ---- running, in a guest that the test plays ---- */

struct guest {
	struct action_ctx ctx;
	struct buf printed;
	struct buf warned;
	struct buf spawned; /* directory, argv, env, input of the last one */
	int drive;
	bool writable;
	uint64_t packed_bytes, packed_entries;
	bool stop; /* what tick says */
	unsigned ticks;
};

static struct guest *guest_of(struct action_ctx *ctx)
{
	return (struct guest *)((char *)ctx - offsetof(struct guest, ctx));
}

static int guest_spawn(struct action_ctx *ctx, const struct spawn *s, struct err *e)
{
	struct buf *b = &guest_of(ctx)->spawned;

	(void)e;
	buf_addf(b, "%s:", s->directory);
	strv_each (&s->argv, word)
		buf_addf(b, " %s", *word);
	strv_each (&s->env, item)
		buf_addf(b, " [%s]", *item);
	if (s->input)
		buf_addf(b, " <%.*s", (int)s->input_len, s->input);
	return 0;
}

static int guest_open_drive(struct action_ctx *ctx, const char *serial, bool writable, int *ret_fd,
	uint64_t *ret_bytes, struct err *e)
{
	struct guest *g = guest_of(ctx);

	if (strcmp(serial, DRIVE_ARTIFACTS) != 0 && strcmp(serial, DRIVE_CACHE_OUT) != 0)
		return err_set(e, ERR_HOST, "there is no drive '%s'", serial);
	g->writable = writable;
	*ret_fd = fcntl(g->drive, F_DUPFD_CLOEXEC, 3);
	*ret_bytes = DRIVE_BYTES;
	return 0;
}

static int guest_tick(struct action_ctx *ctx, struct err *e)
{
	struct guest *g = guest_of(ctx);

	g->ticks++;
	return g->stop ? err_set(e, ERR_INTERRUPTED, "stopped") : 0;
}

static void guest_print(struct action_ctx *ctx, const char *data, size_t len)
{
	buf_add(&guest_of(ctx)->printed, data, len);
}

static void guest_warn(struct action_ctx *ctx, const char *text)
{
	buf_addf(&guest_of(ctx)->warned, "%s\n", text);
}

static void guest_packed(
	struct action_ctx *ctx, const char *serial, uint64_t bytes, uint64_t entries)
{
	struct guest *g = guest_of(ctx);

	assert_true(strncmp(serial, "ambient-", 8) == 0);
	g->packed_bytes = bytes;
	g->packed_entries = entries;
}

static const struct action_ops guest_ops = {.spawn = guest_spawn,
	.open_drive = guest_open_drive,
	.tick = guest_tick,
	.print = guest_print,
	.warn = guest_warn,
	.packed = guest_packed};

static void guest_init(struct guest *g)
{
	struct err e = {0};

	*g = (struct guest){.ctx = {.ops = &guest_ops, .source = GUEST_SRC}};
	buf_init(&g->printed, 4096);
	buf_init(&g->warned, 4096);
	buf_init(&g->spawned, 4096);
	g->drive = fd_memory("drive", &e);
	expect_ok(g->drive, &e);
	assert_int_equal(ftruncate(g->drive, DRIVE_BYTES), 0);
}

static void guest_release(struct guest *g)
{
	buf_release(&g->printed);
	buf_release(&g->warned);
	buf_release(&g->spawned);
	strv_release(&g->ctx.env);
	fd_close(g->drive);
}
#define auto_guest __attribute__((cleanup(guest_release)))

static int run(struct guest *g, const char *yaml, struct err *e)
{
	auto_entry struct entry entry = {0};

	expect_ok(parse(yaml, IN_STEP, &entry, e), e);
	return entry.action->run(&g->ctx, entry.args, e);
}

static void test_spawn_hands_everything_on(void **state)
{
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	expect_ok(run(&g, "action: spawn\nargv: [ls, -l]\n", &e), &e);
	assert_string_equal(g.spawned.data, "/ci/src: ls -l");
	buf_clear(&g.spawned);
	expect_ok(
		run(&g, "{action: spawn, argv: [x], env: {A: 1}, directory: sub, input: '{}'}", &e),
		&e);
	assert_string_equal(g.spawned.data, "/ci/src/sub: x [A=1] <{}");
	expect_refused(IN_STEP, "action: spawn\nargv: ['']\n",
		"p.yaml:2:7: the name of the program is empty");
}

static void test_setenv_replaces_what_was_set(void **state)
{
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	strv_push(&g.ctx.env, "A=old");
	expect_ok(run(&g, "action: setenv\nset: {B: '2 3', A: new}\n", &e), &e);
	assert_int_equal(g.ctx.env.count, 2);
	assert_string_equal(g.ctx.env.items[0], "A=new");
	assert_string_equal(g.ctx.env.items[1], "B=2 3");
}

static void test_pwd_prints_and_dummy_does_nothing(void **state)
{
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	expect_ok(run(&g, "action: dummy\n", &e), &e);
	assert_string_equal(g.printed.data, "");
	expect_ok(run(&g, "action: pwd\n", &e), &e);
	assert_string_equal(g.printed.data, "/ci/src\n");
}

static void test_mkdir_makes_parents(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *yaml = mem_printf("action: mkdir\npathname: %s/a/b\n", dir);
	auto_free char *made = path_join(dir, "a/b");
	auto_guest struct guest g;
	struct stat st;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	expect_ok(run(&g, yaml, &e), &e);
	assert_int_equal(stat(made, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	expect_ok(run(&g, yaml, &e), &e);
}

static void test_a_directory_goes_through_a_drive(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *create = mem_printf(
		"{action: tar_create, archive: ambient-cache-out, directory: %s/from}", dir);
	auto_free char *extract = mem_printf(
		"{action: tar_extract, archive: ambient-cache-out, directory: %s/to/here}", dir);
	auto_free char *from = expect_file(dir, "from/a/b", "text\n");
	auto_free char *to = path_join(dir, "to/here/a/b");
	auto_guest struct guest g;
	auto_buf struct buf text = {0};
	struct err e = {0};

	(void)state;
	assert_non_null(from);
	guest_init(&g);
	expect_ok(run(&g, create, &e), &e);
	assert_true(g.writable);
	assert_int_equal(g.packed_entries, 2);
	assert_int_equal(g.packed_bytes, 2 * 512 + 512 + 1024 + 2 * 1024);
	expect_ok(run(&g, extract, &e), &e);
	assert_false(g.writable);
	buf_init(&text, 100);
	expect_ok(fd_read_file(to, &text, &e), &e);
	assert_string_equal(text.data, "text\n");
}

static void test_an_empty_drive_makes_an_empty_directory(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *extract = mem_printf(
		"{action: tar_extract, archive: ambient-cache-out, directory: %s/to}", dir);
	auto_free char *to = path_join(dir, "to");
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	expect_ok(run(&g, extract, &e), &e);
	assert_int_equal(rmdir(to), 0);
}

static void test_a_directory_that_a_job_removed_is_empty(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *create = mem_printf(
		"{action: tar_create, archive: ambient-artifacts, directory: %s/gone}", dir);
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	expect_ok(run(&g, create, &e), &e);
	assert_int_equal(g.packed_entries, 0);
	assert_int_equal(g.packed_bytes, 1024);
}

/* What of artifacts is not to be made on the host is the host's own business. */
static void test_artifacts_have_all_that_is_there(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *art = mem_printf(
		"{action: tar_create, archive: ambient-artifacts, directory: %s/d}", dir);
	auto_free char *cache = mem_printf(
		"{action: tar_create, archive: ambient-cache-out, directory: %s/d}", dir);
	auto_free char *file = expect_file(dir, "d/file", "x");
	auto_free char *link = path_join(dir, "d/link");
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	assert_non_null(file);
	guest_init(&g);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	expect_ok(run(&g, art, &e), &e);
	assert_int_equal(g.packed_entries, 2);
	assert_string_equal(g.warned.data, "");
	expect_ok(run(&g, cache, &e), &e);
	assert_int_equal(g.packed_entries, 2);
	assert_string_equal(g.warned.data, "");
}

static void test_a_full_drive_is_its_own_reason(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *create = mem_printf(
		"{action: tar_create, archive: ambient-artifacts, directory: %s/d}", dir);
	auto_free char *file = expect_file(dir, "d/large", "");
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	assert_int_equal(truncate(file, DRIVE_BYTES), 0);
	assert_int_equal(run(&g, create, &e), -1);
	assert_string_equal(e.reason, PACK_TOO_LARGE);
	assert_non_null(strstr(e.msg, "larger than"));
	assert_int_equal(g.packed_bytes, 0);
}

static void test_long_work_can_be_stopped(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *create = mem_printf(
		"{action: tar_create, archive: ambient-cache-out, directory: %s/d}", dir);
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	for (int i = 0; i < 600; i++) {
		auto_free char *name = mem_printf("d/%d", i);
		auto_free char *file = expect_file(dir, name, "x");

		assert_non_null(file);
	}
	g.stop = true;
	expect_err(run(&g, create, &e), &e, ERR_INTERRUPTED, "stopped");
	assert_int_equal(g.ticks, 1);
}

static void test_unknown_drives_are_named(void **state)
{
	auto_guest struct guest g;
	struct err e = {0};

	(void)state;
	guest_init(&g);
	expect_err(run(&g, "{action: tar_extract, archive: floppy, directory: /nonexistent}", &e),
		&e, ERR_HOST, "there is no drive 'floppy'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_whole),
		cmocka_unit_test(test_lints_name_parameters),
		cmocka_unit_test(test_what_is_a_step_runs_and_is_in_the_executor),
		cmocka_unit_test(test_every_known_action_is_there),
		cmocka_unit_test(test_no_action_that_fetches_logs_in),
		cmocka_unit_test(test_shell_becomes_bash_that_stops_at_errors),
		cmocka_unit_test(test_trace_and_streams_are_as_the_action_says),
		cmocka_unit_test(test_snippets_have_a_limit_of_their_own),
		cmocka_unit_test(test_custom_gets_its_arguments_twice),
		cmocka_unit_test(test_steps_that_users_write_expand_to_themselves),
		cmocka_unit_test(test_custom_cannot_leave_its_directory),
		cmocka_unit_test(test_setenv_takes_only_names_that_shells_know),
		cmocka_unit_test(test_actions_of_later_versions_are_checked_already),
		cmocka_unit_test(test_steps_say_who_logs_in_by_ssh),
		cmocka_unit_test(test_git_deps_asks_its_hosts_by_ssh),
		cmocka_unit_test(test_http_get_refuses_bad_items),
		cmocka_unit_test(test_git_get_takes_whole_commits_from_servers),
		cmocka_unit_test(test_environment_has_home_and_tools),
		cmocka_unit_test(test_spawn_hands_everything_on),
		cmocka_unit_test(test_setenv_replaces_what_was_set),
		cmocka_unit_test(test_pwd_prints_and_dummy_does_nothing),
		cmocka_unit_test(test_mkdir_makes_parents),
		cmocka_unit_test(test_a_directory_goes_through_a_drive),
		cmocka_unit_test(test_an_empty_drive_makes_an_empty_directory),
		cmocka_unit_test(test_a_directory_that_a_job_removed_is_empty),
		cmocka_unit_test(test_artifacts_have_all_that_is_there),
		cmocka_unit_test(test_a_full_drive_is_its_own_reason),
		cmocka_unit_test(test_long_work_can_be_stopped),
		cmocka_unit_test(test_unknown_drives_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
