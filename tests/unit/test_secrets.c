/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/jsonl.h"
#include "data/unpack.h"
#include "secrets/secret_read.h"
#include "secrets/secrets.h"
#include "settings/config.h"

#define KEY_TEXT "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0IGtleQ\n-----END EC PRIVATE KEY-----"
/* Its type and a nonce. */
#define CERTIFICATE                                                                                \
	"ssh-ed25519-cert-v01@openssh.com "                                                        \
	"AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAABG9uY2U=\n"

struct fixture {
	char *dir;
	struct config config;
	struct secrets secrets;
};

/* The configuration may name files of the directory, because paths are relative to it. */
static int load(struct fixture *f, const char *yaml, struct err *e)
{
	auto_free char *path = NULL;
	auto_strv struct strv more = {0};

	*f = (struct fixture){.dir = expect_dir()};
	path = expect_file(f->dir, "config.yaml", yaml);
	strv_push(&more, path);
	return config_load(&(struct configfiles){.more = more}, NULL, &f->config, e);
}

static void setup(struct fixture *f, const char *yaml)
{
	struct err e = {0};

	expect_ok(load(f, yaml, &e), &e);
}

static void teardown(struct fixture *f)
{
	secrets_release(&f->secrets);
	config_release(&f->config);
	expect_dir_remove(&f->dir);
}

static void put(struct fixture *f, const char *name, const char *text, mode_t mode)
{
	auto_free char *path = expect_file(f->dir, name, text);

	assert_int_equal(chmod(path, mode), 0);
}

static struct secrets_asker asker(const struct fixture *f)
{
	return (struct secrets_asker){.credentials = &f->config.credentials,
		.project = "web",
		.phase = SOURCE_POST_PLAN,
		.index = 1,
		.action = "rsync"};
}

static void expect_refused_config(const char *yaml, const char *message)
{
	struct fixture f;
	struct err e = {0};
	auto_free char *wanted = NULL;

	assert_int_equal(load(&f, yaml, &e), -1);
	wanted = mem_printf("%s/config.yaml:%s", f.dir, message);
	assert_string_equal(e.msg, wanted);
	assert_int_equal(e.kind, ERR_INPUT);
	teardown(&f);
}

/* The message has the directory of the test in it: "%s" of `message`. */
static void expect_no_value(const char *source, const char *reason, const char *message)
{
	auto_free char *yaml =
		mem_printf("secrets:\n  s: {%s, projects: [web], actions: [rsync]}\n", source);
	struct fixture f;
	auto_free char *wanted = NULL;
	struct secrets_asker who;
	struct err e = {0};

	setup(&f, yaml);
	put(&f, "open", "value", 0644);
	put(&f, "short", "abc\n", 0600);
	who = asker(&f);
	expect_ok(secrets_want(&f.secrets, &who, "s", &e), &e);
	assert_int_equal(secrets_read(&f.secrets, &e), -1);
	wanted = mem_printf(message, f.dir, f.dir);
	assert_string_equal(e.msg, wanted);
	assert_string_equal(e.reason, reason);
	teardown(&f);
}

static void expect_unreadable(const char *source, const char *message)
{
	expect_no_value(source, "secret_unreadable", message);
}

/* ---- configuration ---- */

static void test_refuses_wrong_secrets(void **state)
{
	(void)state;
	expect_refused_config("secrets:\n  s: {projects: [a], actions: [rsync]}\n",
		"2:6: secret s needs one of 'file', 'command' and 'env', and only one");
	expect_refused_config("secrets:\n  s: {file: a, env: B, projects: [a], actions: [rsync]}\n",
		"2:6: secret s needs one of 'file', 'command' and 'env', and only one");
	expect_refused_config(
		"secrets:\n  s: {file: a, actions: [rsync]}\n", "2:6: missing key 'projects'");
	expect_refused_config("secrets:\n  s: {file: a, projects: [a], actions: []}\n",
		"2:40: 'actions' must not be empty");
	expect_refused_config("secrets:\n  .s: {file: a, projects: [a], actions: [rsync]}\n",
		"2:7: '.s' is not a valid name of a secret: letters, digits, '_', '-' and '.', at "
		"most 64 of them, '.' and '-' not first");
	expect_refused_config(
		"secrets: [a]\n", "1:11: each item of 'secrets' must be a mapping, not a string");
	expect_refused_config("secrets: a\n",
		"1:10: 'secrets' must be a mapping of names to mappings, not a string");
}

static void test_refuses_wrong_hosts(void **state)
{
	(void)state;
	expect_refused_config("ssh:\n  - {host: a.example, key: k, known_hosts: h}\n",
		"2:28: there is no secret 'k' under 'secrets'");
	expect_refused_config(
		"ssh:\n  - {host: a.example, key: k}\n", "2:5: missing key 'known_hosts'");
	expect_refused_config("secrets:\n  k: {file: a, projects: [a], actions: [rsync]}\n"
			      "ssh:\n  - {host: a.example, key: k, known_hosts: h}\n"
			      "  - {host: A.example, key: k, known_hosts: h}\n",
		"5:5: host a.example is there twice");
}

static void test_a_variable_leaves_the_environment(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	struct err e = {0};

	(void)state;
	assert_int_equal(setenv("SECRETS_TEST", "from the environment", 1), 0);
	setup(&f,
		"secrets:\n"
		"  a: {env: SECRETS_TEST, projects: [web], actions: [rsync]}\n"
		"  b: {env: SECRETS_TEST, projects: [web], actions: [rsync]}\n");
	assert_null(getenv("SECRETS_TEST"));
	who = asker(&f);
	expect_ok(secrets_want(&f.secrets, &who, "a", &e), &e);
	expect_ok(secrets_want(&f.secrets, &who, "b", &e), &e);
	expect_ok(secrets_read(&f.secrets, &e), &e);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f.secrets.items[i].len, 20);
		assert_memory_equal(f.secrets.items[i].value.data, "from the environment", 20);
	}
	teardown(&f);
}

/* ---- who may have what ---- */

static void test_only_the_project_and_action_that_are_named_get_a_secret(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	struct err e = {0};

	(void)state;
	setup(&f, "secrets:\n  s: {file: a, projects: [web, docs], actions: [rsync]}\n");
	who = asker(&f);
	expect_ok(secrets_want(&f.secrets, &who, "s", &e), &e);
	assert_true(secrets_in_phase(&f.secrets, SOURCE_POST_PLAN));
	assert_false(secrets_in_phase(&f.secrets, SOURCE_PRE_PLAN));
	expect_err(secrets_want(&f.secrets, &who, "t", &e), &e, ERR_INPUT,
		"post_plan action 2 (rsync): secret 't' is not under 'secrets' of the "
		"configuration");
	assert_string_equal(e.reason, "no_secret");
	e = (struct err){0};
	who.project = "game";
	expect_err(secrets_want(&f.secrets, &who, "s", &e), &e, ERR_INPUT,
		"post_plan action 2 (rsync): secret 's' is not for project game: the configuration "
		"says which 'projects' may have it");
	assert_string_equal(e.reason, "secret_refused");
	e = (struct err){0};
	who.project = "docs";
	who.action = "dput";
	expect_err(secrets_want(&f.secrets, &who, "s", &e), &e, ERR_INPUT,
		"post_plan action 2 (dput): secret 's' is not for this action: the configuration "
		"says which 'actions' may have it");
	assert_int_equal(f.secrets.use_count, 1);
	teardown(&f);
}

static void test_a_host_needs_an_entry(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	struct err e = {0};

	(void)state;
	setup(&f,
		"secrets:\n  k: {file: a, projects: [web], actions: [rsync]}\n"
		"ssh:\n  - {host: a.example, user: ci, key: k, known_hosts: h}\n");
	who = asker(&f);
	expect_ok(secrets_want_host(&f.secrets, &who, "ci", "a.example", &e), &e);
	expect_err(secrets_want_host(&f.secrets, &who, "root", "a.example", &e), &e, ERR_INPUT,
		"post_plan action 2 (rsync): host root@a.example is not under 'ssh' of the "
		"configuration, which has to name its key and its known_hosts");
	assert_string_equal(e.reason, "no_ssh_host");
	teardown(&f);
}

/* ---- reading ---- */

static void test_says_why_a_secret_cannot_be_read(void **state)
{
	(void)state;
	expect_no_value("file: none", "secret_missing", "secret s: %s/none is not there");
	expect_unreadable("file: open",
		"secret s: others have access to %s/open (its mode is "
		"0644): chmod 600 %s/open");
	expect_unreadable("file: /dev/zero", "secret s: /dev/zero is not a regular file");
	expect_unreadable(
		"file: short", "secret s: it has fewer than 4 bytes, too few to be masked in logs");
	expect_no_value("env: NOT_SET_AT_ALL", "secret_missing",
		"secret s: the environment variable NOT_SET_AT_ALL is not set");
	expect_unreadable("command: [no-such-program]",
		"secret s: no-such-program: there is no such program");
	expect_unreadable("command: [sh, -c, echo hunter2; exit 3]",
		"secret s: sh: exit status 3; run it by hand to see what it says");
	expect_unreadable("command: [sh, -c, kill -9 $$]", "secret s: sh: signal 9 killed it");
	expect_unreadable(
		"command: [cat, /dev/zero]", "secret s: cat: it writes more than 65536 bytes");
}

static void test_a_command_says_a_secret(void **state)
{
	struct vault value = {0};
	auto_strv struct strv argv = {0};
	struct err e = {0};
	size_t len;

	(void)state;
	strv_push(&argv, "sh");
	strv_push(&argv, "-c");
	strv_push(&argv, "printf hunter2; echo noise >&2; exec >&-");
	expect_ok(secret_read_command(&argv, 100, 60000, &value, &len, &e), &e);
	assert_int_equal(len, 7);
	assert_memory_equal(value.data, "hunter2", 7);
	vault_free(&value);
}

static void test_a_command_has_a_time_limit(void **state)
{
	struct vault value = {0};
	auto_strv struct strv argv = {0};
	struct err e = {0};
	size_t len;

	(void)state;
	strv_push(&argv, "sh");
	strv_push(&argv, "-c");
	strv_push(&argv, "sleep 1000 & sleep 1000");
	expect_err(secret_read_command(&argv, 100, 50, &value, &len, &e), &e, ERR_INPUT,
		"sh: it takes too long");
	vault_free(&value);
	strv_release(&argv);
	e = (struct err){0};
	strv_push(&argv, "sh");
	strv_push(&argv, "-c");
	strv_push(&argv, "echo hunter2; exec >&-; sleep 1000");
	expect_err(secret_read_command(&argv, 100, 200, &value, &len, &e), &e, ERR_INPUT,
		"sh: it takes too long");
	vault_free(&value);
}

/* The program's own end counts: whoever holds its output open behind it is not waited for. */
static void test_a_command_that_leaves_its_output_open_has_said_its_value(void **state)
{
	static const char *const left[] = {"sleep 1000 &", "setsid sleep 20 &"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		struct vault value = {0};
		auto_strv struct strv argv = {0};
		struct err e = {0};
		size_t len;

		strv_push(&argv, "sh");
		strv_push(&argv, "-c");
		strv_pushf(&argv, "printf hunter2; %s exit 0", left[i]);
		/* No limit of time: a wait for the sleeping one is a hang, not a matter of speed.
		 */
		expect_ok(secret_read_command(&argv, 100, 3600000, &value, &len, &e), &e);
		assert_int_equal(len, 7);
		assert_memory_equal(value.data, "hunter2", 7);
		vault_free(&value);
	}
}

/* All that has the writing end is the program and what it has started. */
static void test_a_command_ends_with_its_caller_however_that_ends(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *fifo = path_join(dir, "fifo");
	auto_fd int held = -1;
	char text[16];
	int status;
	pid_t caller;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	caller = fork();
	if (caller == 0) {
		struct vault value = {0};
		struct strv argv = {0};
		struct err e = {0};
		size_t len;

		strv_push(&argv, "sh");
		strv_push(&argv, "-c");
		strv_pushf(&argv, "exec 5>%s; sleep 1000 & echo started >&5; sleep 1000", fifo);
		_exit(secret_read_command(&argv, 100, 3600000, &value, &len, &e) == 0);
	}
	held = open(fifo, O_RDONLY | O_CLOEXEC);
	assert_true(held >= 0);
	assert_int_equal(fd_read_full(held, text, 8), 8);
	assert_int_equal(kill(caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, &status, 0), caller);
	/* The end comes when both have ended. */
	assert_int_equal(fd_read_full(held, text, 1), 0);
}

static void test_nothing_of_a_vault_is_left_or_in_a_child(void **state)
{
	struct vault v = {0};
	struct err e = {0};
	struct rlimit limit;
	int status = 0;
	pid_t pid;

	(void)state;
	vault_alloc(&v, 10);
	memcpy(v.data, "hunter2", 8);
	pid = fork();
	if (pid == 0)
		_exit(((char *)v.data)[0] == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	vault_free(&v);
	assert_null(v.data);
	expect_ok(vault_forbid_core(&e), &e);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 1);
	assert_int_equal(limit.rlim_max, 1);
}

/* ---- the drive ---- */

static char *unpacked(const struct vm_drive *drive)
{
	const struct unpack_policy policy = {.keep_owner = false};
	struct unpack_result result;
	char *dir = expect_dir();
	auto_fd int to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = {0};

	expect_ok(unpack_tree(drive->fd, drive->bytes, to, &policy, &result, &e), &e);
	return dir;
}

static void expect_content(const char *dir, const char *name, const char *wanted)
{
	auto_free char *path = path_join(dir, name);
	auto_buf struct buf b;
	struct err e = {0};
	struct stat st;

	buf_init(&b, 1 << 20);
	expect_ok(fd_read_file(path, &b, &e), &e);
	assert_string_equal(b.data, wanted);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* A key that was made for this test and is used nowhere. */
#define AGENT_KEY                                                                                  \
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                    \
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"                 \
	"QyNTUxOQAAACAnD6rZqqs8Yf5VIAhdE/C/BRjONHT1VaUv2ZxDEfo+DQAAAIgdshuFHbIb\n"                 \
	"hQAAAAtzc2gtZWQyNTUxOQAAACAnD6rZqqs8Yf5VIAhdE/C/BRjONHT1VaUv2ZxDEfo+DQ\n"                 \
	"AAAEBl2+LotODovf3uwAlVyLZuTvAE65KsuX1c5/VqbVqp+ScPqtmqqzxh/lUgCF0T8L8F\n"                 \
	"GM40dPVVpS/ZnEMR+j4NAAAAAAECAwQF\n"                                                       \
	"-----END OPENSSH PRIVATE KEY-----\n"
#define AGENT_PUBLIC                                                                               \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICcPqtmqqzxh/lUgCF0T8L8FGM40dPVVpS/ZnEMR+j4N"

static void test_the_drive_has_what_the_actions_of_its_phase_named(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	auto_drives struct drives drives = {0}, none = {0};
	auto_dir char *dir = NULL;
	auto_free char *other = NULL;
	struct err e = {0};

	(void)state;
	setup(&f,
		"secrets:\n"
		"  key: {file: key, projects: [web], actions: [rsync]}\n"
		"  token: {file: token, projects: [web], actions: [rsync]}\n"
		"ssh:\n"
		"  - {host: a.example, key: key, known_hosts: hosts, certificate: cert}\n");
	put(&f, "key", KEY_TEXT, 0600);
	put(&f, "token", "hunter2", 0400);
	put(&f, "hosts", "a.example ssh-ed25519 AAAA\n", 0644);
	put(&f, "cert", CERTIFICATE, 0644);
	who = asker(&f);
	expect_ok(secrets_want_host(&f.secrets, &who, "ci", "a.example", &e), &e);
	who.phase = SOURCE_PRE_PLAN;
	expect_ok(secrets_want(&f.secrets, &who, "token", &e), &e);
	expect_ok(secrets_read(&f.secrets, &e), &e);
	expect_ok(secrets_add_drive(&f.secrets, SOURCE_PLAN, &none, &e), &e);
	assert_int_equal(none.count, 0);
	expect_ok(secrets_add_drive(&f.secrets, SOURCE_POST_PLAN, &drives, &e), &e);
	assert_int_equal(drives.count, 1);
	assert_false(drives.items[0].writable);
	dir = unpacked(&drives.items[0]);
	expect_content(dir, "key", KEY_TEXT);
	expect_content(dir, ".ssh/key-0", KEY_TEXT "\n");
	expect_content(dir, ".ssh/known_hosts-0", "a.example ssh-ed25519 AAAA\n");
	expect_content(dir, ".ssh/certificate-0", CERTIFICATE);
	other = path_join(dir, "token");
	assert_int_equal(access(other, F_OK), -1);
	teardown(&f);
}

static void test_the_drive_of_an_agent_has_no_private_key(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	struct drives drives = {0};
	auto_sshagent_rules struct sshagent_rules rules = {0};
	auto_dir char *dir = NULL;
	auto_free char *key = NULL, *named = NULL;
	struct err e = {0};

	(void)state;
	setup(&f,
		"secrets:\n"
		"  deploy: {file: key, projects: [web], actions: [rsync]}\n"
		"ssh:\n"
		"  - {host: a.example, key: deploy, known_hosts: hosts, ssh_agent: true}\n");
	put(&f, "key", AGENT_KEY, 0600);
	put(&f, "hosts", "a.example " AGENT_PUBLIC "\n", 0644);
	who = asker(&f);
	expect_ok(secrets_want_host(&f.secrets, &who, "ci", "a.example", &e), &e);
	expect_ok(secrets_want_host(&f.secrets, &who, NULL, "a.example", &e), &e);
	expect_ok(secrets_read(&f.secrets, &e), &e);
	expect_ok(secrets_add_drive(&f.secrets, SOURCE_POST_PLAN, &drives, &e), &e);
	dir = unpacked(&drives.items[0]);
	expect_content(dir, ".ssh/key-0.pub", AGENT_PUBLIC "\n");
	key = path_join(dir, ".ssh/key-0");
	named = path_join(dir, "deploy");
	assert_int_equal(access(key, F_OK), -1);
	assert_int_equal(access(named, F_OK), -1);
	secrets_agent(&f.secrets, SOURCE_PRE_PLAN, &rules);
	assert_int_equal(rules.login_count, 0);
	secrets_agent(&f.secrets, SOURCE_POST_PLAN, &rules);
	assert_int_equal(rules.key_count, 1);
	assert_int_equal(rules.login_count, 2);
	assert_string_equal(rules.logins[0].user, "ci");
	assert_string_equal(rules.logins[1].user, "root");
	teardown(&f);
}

static void expect_no_login(const char *key, const char *certificate, const char *message)
{
	struct fixture f;
	struct secrets_asker who;
	auto_free char *wanted = NULL;
	struct err e = {0};

	setup(&f,
		"secrets:\n"
		"  deploy: {file: key, projects: [web], actions: [rsync]}\n"
		"ssh:\n"
		"  - {host: a.example, key: deploy, known_hosts: hosts, certificate: cert}\n");
	put(&f, "key", key, 0600);
	put(&f, "cert", certificate, 0644);
	put(&f, "hosts", "", 0644);
	who = asker(&f);
	expect_ok(secrets_want_host(&f.secrets, &who, "ci", "a.example", &e), &e);
	assert_int_equal(secrets_read(&f.secrets, &e), -1);
	wanted = mem_printf(message, f.dir);
	assert_string_equal(e.msg, wanted);
	assert_string_equal(e.reason, "secret_unreadable");
	teardown(&f);
}

static void test_what_ssh_cannot_log_in_with_is_found_before_the_run(void **state)
{
	static const char no_key[] = "secret deploy, for ssh to a.example: it is not a private key "
				     "for ssh: it has no line '-----BEGIN ... PRIVATE KEY-----'";
	static const char locked[] = "secret deploy, for ssh to a.example: it has a passphrase, "
				     "which nobody can type here; 'ssh-keygen -p -N \"\" -f FILE' "
				     "removes it";
	static const char other[] = "certificate for a.example: %s/cert is not a certificate for "
				    "key deploy";

	(void)state;
	expect_no_login("a token, for another server\n", CERTIFICATE, no_key);
	expect_no_login(AGENT_PUBLIC "\n", CERTIFICATE, no_key);
	expect_no_login("-----BEGIN PUBLIC KEY-----\nAAAA\n", CERTIFICATE, no_key);
	expect_no_login("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", CERTIFICATE, locked);
	expect_no_login(
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", CERTIFICATE, locked);
	expect_no_login(KEY_TEXT, "ssh-ed25519-cert-v01@openssh.com AAAA\n", other);
	expect_no_login(KEY_TEXT, AGENT_PUBLIC "\n", other);
	/* Its key is known, so the certificate has to be for it. */
	expect_no_login(AGENT_KEY, CERTIFICATE, other);
}

static void keep(void *arg, const struct event *ev)
{
	struct buf *b = arg;

	buf_addf(b, "%s ", event_info(ev->type)->name);
	jsonl_add(b, ev->fields);
}

static void test_each_use_is_an_event_without_the_value(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	auto_buf struct buf b;
	const struct event_sink sink = {keep, &b};
	struct err e = {0};

	(void)state;
	setup(&f, "secrets:\n  s: {file: a, projects: [web], actions: [rsync]}\n");
	buf_init(&b, 10000);
	who = asker(&f);
	expect_ok(secrets_want(&f.secrets, &who, "s", &e), &e);
	secrets_audit(&f.secrets, SOURCE_PRE_PLAN, &sink);
	assert_string_equal(b.data, "");
	secrets_audit(&f.secrets, SOURCE_POST_PLAN, &sink);
	assert_string_equal(
		b.data, "secret_used {\"action\":1,\"name\":\"rsync\",\"secret\":\"s\"}");
	teardown(&f);
}

static void test_warns_of_a_secret_with_short_lines_and_does_not_show_them(void **state)
{
	struct fixture f;
	struct secrets_asker who;
	auto_buf struct buf b;
	const struct event_sink sink = {keep, &b};
	struct err e = {0};

	(void)state;
	setup(&f,
		"secrets:\n"
		"  words: {file: words, projects: [web], actions: [rsync]}\n"
		"  key: {file: key, projects: [web], actions: [rsync]}\n"
		"  pin: {file: pin, projects: [web], actions: [rsync]}\n");
	put(&f, "words", "a long secret line\nallowed\nCONNECT\n", 0600);
	put(&f, "key", AGENT_KEY, 0600);
	put(&f, "pin", "4711\n", 0600);
	buf_init(&b, 10000);
	who = asker(&f);
	expect_ok(secrets_want(&f.secrets, &who, "words", &e), &e);
	expect_ok(secrets_want(&f.secrets, &who, "key", &e), &e);
	expect_ok(secrets_want(&f.secrets, &who, "pin", &e), &e);
	expect_ok(secrets_read(&f.secrets, &e), &e);
	secrets_warn(&f.secrets, &sink);
	assert_string_equal(b.data,
		"warning {\"message\":\"secret words: 2 of its lines have fewer than 8 bytes; such "
		"a word is masked wherever actions print it\"}");
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_wrong_secrets),
		cmocka_unit_test(test_refuses_wrong_hosts),
		cmocka_unit_test(test_a_variable_leaves_the_environment),
		cmocka_unit_test(test_only_the_project_and_action_that_are_named_get_a_secret),
		cmocka_unit_test(test_a_host_needs_an_entry),
		cmocka_unit_test(test_says_why_a_secret_cannot_be_read),
		cmocka_unit_test(test_a_command_says_a_secret),
		cmocka_unit_test(test_a_command_has_a_time_limit),
		cmocka_unit_test(test_a_command_that_leaves_its_output_open_has_said_its_value),
		cmocka_unit_test(test_a_command_ends_with_its_caller_however_that_ends),
		cmocka_unit_test(test_nothing_of_a_vault_is_left_or_in_a_child),
		cmocka_unit_test(test_the_drive_has_what_the_actions_of_its_phase_named),
		cmocka_unit_test(test_the_drive_of_an_agent_has_no_private_key),
		cmocka_unit_test(test_what_ssh_cannot_log_in_with_is_found_before_the_run),
		cmocka_unit_test(test_each_use_is_an_event_without_the_value),
		cmocka_unit_test(test_warns_of_a_secret_with_short_lines_and_does_not_show_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
