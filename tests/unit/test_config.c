/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "run/limits.h"
#include "settings/config.h"

/* Every test has a home directory of its own, and nothing of ours in the environment. */
static char *fresh_home(void)
{
	static const char *const ours[] = {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"};
	char *dir = expect_dir();

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		assert_int_equal(unsetenv(ours[i]), 0);
	assert_int_equal(setenv("HOME", dir, 1), 0);
	return dir;
}

/* `path` as the only --config; NULL: none. */
static int try_load(
	const char *path, const struct config_options *options, struct config *c, struct err *e)
{
	auto_strv struct strv more = {0};

	if (path)
		strv_push(&more, path);
	return config_load(&(struct configfiles){.more = more}, options, c, e);
}

static void load(const char *path, struct config *c)
{
	struct err e = {0};

	expect_ok(try_load(path, NULL, c, &e), &e);
}

static void expect_path(const char *path, const char *dir, const char *wanted)
{
	auto_free char *whole = path_join(dir, wanted);

	assert_string_equal(path, whole);
}

/* The message is "PATH<message>", with the path of the file in front. */
static void expect_refused(const char *text, const char *message)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml", text);
	auto_free char *whole = mem_printf("%s%s", path, message);
	struct config c = {0};
	struct err e = {0};

	expect_err(try_load(path, NULL, &c, &e), &e, ERR_INPUT, whole);
	assert_null(c.effective);
}

static void test_without_a_file_everything_has_its_default(void **state)
{
	auto_dir char *home = fresh_home();
	auto_config struct config c = {0};

	(void)state;
	assert_int_equal(unsetenv("TMPDIR"), 0);
	load(NULL, &c);
	assert_int_equal(c.files.count, 0);
	assert_int_equal(c.warnings.count, 0);
	expect_path(c.projects, home, ".config/ambient/projects.yaml");
	expect_path(c.image_store, home, ".local/share/ambient/images");
	expect_path(c.state, home, ".local/state/ambient");
	assert_string_equal(c.tmpdir, "/tmp");
	assert_null(c.executor);
	assert_null(c.rsync_target);
	assert_null(c.rsync_target_map);
	assert_null(c.vm_user);
	assert_null(c.qemu_program);
	assert_int_equal(c.accelerator, CONFIG_ACCEL_AUTO);
	assert_int_equal(c.machine, CONFIG_MACHINE_AUTO);
	assert_false(c.require_kvm);
	assert_false(c.uefi);
	assert_true(c.lint);
}

static void test_defaults_are_those_of_the_limits(void **state)
{
	auto_dir char *home = fresh_home();
	auto_config struct config c = {0};

	(void)state;
	load(NULL, &c);
	expect_path(c.state, home, ".local/state/ambient");
	assert_int_equal(c.cpus, 1);
	assert_int_equal(c.memory, 1 * GIB);
	assert_int_equal(c.scratch_bytes, 20 * GIB);
	assert_int_equal(c.artifacts_max, 1 * GIB);
	assert_int_equal(c.cache_max, 10 * GIB);
	assert_int_equal(c.deps_max, 10 * GIB);
	assert_int_equal(c.log_max, 256 * MIB);
	assert_int_equal(c.console_max, 16 * MIB);
	assert_int_equal(c.timeout_ms, DEFAULT_RUN_TIMEOUT_MS);
	assert_int_equal(c.action_timeout_ms, 60 * 60 * 1000);
	assert_int_equal(c.boot_timeout_ms, 120 * 1000);
}

static void test_directories_of_the_environment_are_used(void **state)
{
	auto_dir char *home = fresh_home();
	auto_config struct config c = {0};

	(void)state;
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/conf", 1), 0);
	assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
	assert_int_equal(setenv("XDG_STATE_HOME", "not/absolute", 1), 0);
	assert_int_equal(setenv("TMPDIR", "/scratch", 1), 0);
	load(NULL, &c);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_string_equal(c.projects, "/conf/ambient/projects.yaml");
	assert_string_equal(c.image_store, "/data/ambient/images");
	expect_path(c.state, home, ".local/state/ambient");
	assert_string_equal(c.tmpdir, "/scratch");
}

static void test_the_default_file_is_read_and_may_be_empty(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, ".config/ambient/config.yaml", "# nothing yet\n");
	auto_config struct config empty = {0}, full = {0};

	(void)state;
	load(NULL, &empty);
	assert_string_equal(empty.files.items[0], path);
	assert_int_equal(empty.cpus, 1);
	free(expect_file(home, ".config/ambient/config.yaml", "qemu: {cpus: 4}\n"));
	load(NULL, &full);
	assert_int_equal(full.cpus, 4);
}

/* Files `a` and `b` after the default one, or without it. */
static int load_two(const char *home, const char *a, const char *b, bool no_default,
	struct config *c, struct err *e)
{
	auto_free char *first = expect_file(home, "one/a.yaml", a);
	auto_free char *second = expect_file(home, "two/b.yaml", b);
	auto_strv struct strv more = {0};

	strv_push(&more, first);
	strv_push(&more, second);
	return config_load(
		&(struct configfiles){.more = more, .no_default = no_default}, NULL, c, e);
}

static void test_a_named_file_adds_to_the_default_one(void **state)
{
	auto_dir char *home = fresh_home();
	auto_config struct config c = {0}, alone = {0};
	struct err e = {0};

	(void)state;
	free(expect_file(home, ".config/ambient/config.yaml",
		"qemu: {cpus: 2, memory: 3GiB}\ntimeout: 7m\nstate: here\n"
		"rsync_target_map: {a: 'h:/a'}\n"));
	expect_ok(load_two(home, "qemu: {cpus: 3}\nstate: there\ntimeout:\n",
			  "rsync_target_map: {b: 'h:/b'}\nimage_store: ~/i\n", false, &c, &e),
		&e);
	assert_int_equal(c.files.count, 3);
	assert_int_equal(c.cpus, 3);
	assert_int_equal(c.memory, 3ULL << 30);
	assert_int_equal(c.timeout_ms, 420000);
	expect_path(c.state, home, "one/there");
	expect_path(c.image_store, home, "i");
	assert_null(node_get(c.rsync_target_map, "a"));
	assert_non_null(node_get(c.rsync_target_map, "b"));
	expect_ok(load_two(home, "timeout: 5m\n", "", true, &alone, &e), &e);
	assert_int_equal(alone.files.count, 2);
	assert_int_equal(alone.cpus, 1);
}

static void test_a_message_names_the_file_of_several(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *wrong = mem_printf("%s/one/a.yaml:2:18: ", home);
	auto_free char *unknown = mem_printf("%s/two/b.yaml:1:1: unknown key 'nothing'", home);
	struct config c = {0};
	struct err e = {0}, other = {0};

	(void)state;
	assert_int_equal(
		load_two(home, "\negress: {allow: ['a b']}\n", "timeout: 5m\n", false, &c, &e), -1);
	assert_memory_equal(e.msg, wrong, strlen(wrong));
	expect_err(
		load_two(home, "", "nothing: 1\n", false, &c, &other), &other, ERR_INPUT, unknown);
}

static void test_keys_of_ambient_ci_are_known(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml",
		"target: host:/srv/a\ndependencies_max_size: 2GiB\n"
		"qemu: {kvm_binary: /usr/bin/kvm, ovmf_vars_file: /a, ovmf_code_file: /b}\n");
	auto_free char *first = mem_printf("%s:3:8: 'kvm_binary' has no effect: the program of "
					   "QEMU is found by itself, `program` sets another one",
		path);
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	assert_string_equal(c.rsync_target, "host:/srv/a");
	assert_int_equal(c.deps_max, 2ULL << 30);
	assert_int_equal(c.warnings.count, 3);
	assert_string_equal(c.warnings.items[0], first);
	assert_null(node_get(c.effective, "target"));
	expect_refused("target: h:/a\nrsync_target: h:/b\n",
		":1:1: 'target' and 'rsync_target' are the same; give one");
}

/* "dput_target: x" with such a section; `wanted` is its target, or the end of the message. */
static void expect_dput(const char *section, bool valid, const char *wanted)
{
	auto_dir char *home = fresh_home();
	auto_free char *file = expect_file(home, "dput.cf", section);
	auto_free char *path = expect_file(home, "c.yaml",
		"dput_target: x\nsecrets: [{source: dput.cf, dest: /somewhere/dput.cf}]\n");
	auto_free char *message = mem_printf("%s: %s", file, wanted);
	auto_config struct config c = {0};
	struct err e = {0};

	if (!valid) {
		expect_err(try_load(path, NULL, &c, &e), &e, ERR_INPUT, message);
		return;
	}
	load(path, &c);
	assert_string_equal(
		node_get_text(node_get(c.effective, "dput_targets"), "x", "none"), wanted);
}

static void test_dput_target_may_be_a_section_of_a_listed_dput_cf(void **state)
{
	(void)state;
	expect_dput("[x]\nfqdn = h\nincoming = in\nmethod = scp\nlogin = *\n", true, "h:in");
	expect_dput("[DEFAULT]\nlogin: me\n[x]\nFQDN: h\nincoming: /in\nmethod: sftp\n", true,
		"me@h:/in");
	expect_dput("[x]\nfqdn=h\nincoming=in\nmethod=https\n", true, "https://h/in");
	expect_dput("[y]\nfqdn=h\nincoming=in\nmethod=https\n", true, "none");
	expect_dput("", true, "none");
	expect_dput("[x]\nfqdn=h\nincoming=in\n", false,
		"[x] has the method 'ftp'; uploads are possible by sftp, scp, http and https");
}

static void test_secrets_may_be_a_list(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml",
		"secrets:\n- {source: key, dest: /ci/secrets/ssh_key}\n"
		"- {source: ~/c, dest: ssh_key-cert.pub}\n");
	auto_config struct config c = {0};
	const struct credential_host *others;

	(void)state;
	load(path, &c);
	assert_int_equal(c.credentials.count, 2);
	assert_true(c.credentials.secrets[0].listed);
	assert_string_equal(c.credentials.secrets[0].name, "ssh_key");
	expect_path(c.credentials.secrets[0].file, home, "key");
	others = credentials_host(&c.credentials, "me", "any.example");
	assert_non_null(others);
	assert_string_equal(others->key, "ssh_key");
	expect_path(others->certificate, home, "c");
	expect_path(others->known_hosts, home, ".ssh/known_hosts");
	expect_refused("secrets: [{source: a, dest: x/k}, {source: b, dest: y/k}]\n",
		":1:53: two secrets have the name 'k'");
	expect_refused("secrets: [{source: a, dest: x/}]\n",
		":1:29: '' is not a valid name of a secret: letters, digits, '_', '-' and '.', at "
		"most 64 of them, '.' and '-' not first");
	expect_refused("secrets: [{source: a}]\n", ":1:11: missing key 'dest'");
}

static void test_existing_files_load_unchanged(void **state)
{
	static const char text[] =
		"tmpdir: ~/tmp\nimage_store: ~/images\nprojects: ~/p.yaml\n"
		"state: ~/.local/state/ambient\nrsync_target: host:/srv/a\n"
		"rsync_target_base: host:/srv\nrsync_target_map:\n  hello: host:/x\n"
		"dput_target: apt\nexecutor: ~/bin/ambient-execute-plan\n"
		"artifacts_max_size: 16 GB\ncache_max_size: 1TB\n"
		"qemu:\n  cpus: 8\n  memory: \"16 GiB\"\nuefi: true\nlint: false\n";
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "config.yaml", text);
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	assert_int_equal(c.warnings.count, 0);
	expect_path(c.tmpdir, home, "tmp");
	expect_path(c.image_store, home, "images");
	expect_path(c.projects, home, "p.yaml");
	expect_path(c.executor, home, "bin/ambient-execute-plan");
	assert_string_equal(c.rsync_target, "host:/srv/a");
	assert_string_equal(c.rsync_target_base, "host:/srv");
	assert_string_equal(node_get_text(c.rsync_target_map, "hello", NULL), "host:/x");
	assert_string_equal(c.dput_target, "apt");
	assert_int_equal(c.artifacts_max, 16000000000);
	assert_int_equal(c.cache_max, 1000000000000);
	assert_int_equal(c.cpus, 8);
	assert_int_equal(c.memory, 16 * GIB);
	assert_true(c.uefi);
	assert_false(c.lint);
}

static void test_relative_paths_are_relative_to_the_file(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "etc/c.yaml",
		"tmpdir: tmp\nstate: ../state\nexecutor: bin/exec\n"
		"qemu: {program: qemu-system-x86_64}\n");
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	expect_path(c.tmpdir, home, "etc/tmp");
	expect_path(c.state, home, "state");
	expect_path(c.executor, home, "etc/bin/exec");
	assert_string_equal(c.qemu_program, "qemu-system-x86_64");
}

static void test_naming_the_default_executor_is_no_wish(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *same = expect_file(home, "a.yaml", "executor: ambient-execute-plan\n");
	auto_free char *other = expect_file(home, "b.yaml", "executor: my-executor\n");
	auto_config struct config a = {0}, b = {0};

	(void)state;
	load(same, &a);
	load(other, &b);
	assert_null(a.executor);
	assert_string_equal(b.executor, "my-executor");
}

static void test_old_spellings_work_and_warn(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml", "cpus: 3\nmemory: 2G\n");
	auto_free char *first =
		mem_printf("%s:1:1: 'cpus' is deprecated, write cpus under qemu", path);
	auto_free char *second =
		mem_printf("%s:2:1: 'memory' is deprecated, write memory under qemu", path);
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	assert_int_equal(c.warnings.count, 2);
	assert_string_equal(c.warnings.items[0], first);
	assert_string_equal(c.warnings.items[1], second);
	assert_int_equal(c.cpus, 3);
	assert_int_equal(c.memory, 2000000000);
	assert_string_equal(node_get_text(node_get(c.effective, "qemu"), "memory", NULL), "2G");
	assert_null(node_get(c.effective, "cpus"));
	assert_null(node_get(c.effective, "memory"));
}

static void test_the_new_spelling_wins(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path =
		expect_file(home, "c.yaml", "qemu: {cpus: 2}\ncpus: 3\nmemory: 2G\n");
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	assert_int_equal(c.warnings.count, 2);
	assert_int_equal(c.cpus, 2);
	assert_int_equal(c.memory, 2000000000);
}

static void test_how_much_is_kept_is_read(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path =
		expect_file(home, "c.yaml", "keep_runs: 5\nkeep_days: 30\nkeep_bytes: 2 GB\n");
	auto_config struct config c = {0}, plain = {0};

	(void)state;
	load(path, &c);
	assert_int_equal(c.warnings.count, 0);
	assert_int_equal(c.keep_runs, 5);
	assert_int_equal(c.keep_days, 30);
	assert_int_equal(c.keep_bytes, 2000000000);
	load(NULL, &plain);
	assert_int_equal(plain.keep_runs, 10);
	assert_int_equal(plain.keep_days, 0);
	assert_int_equal(plain.keep_bytes, 0);
}

static void test_choices_are_read(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml",
		"qemu: {accelerator: tcg, machine: q35, require_kvm: true}\nvm_user: '1234'\n");
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	assert_int_equal(c.accelerator, CONFIG_ACCEL_TCG);
	assert_int_equal(c.machine, CONFIG_MACHINE_Q35);
	assert_true(c.require_kvm);
	assert_string_equal(c.vm_user, "1234");
}

static void test_the_effective_configuration_has_every_key(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml",
		"tmpdir: /t\nimage_store: /i\nprojects: /p\nstate: /s\nartifacts_max_size: 16 GB\n"
		"cpus: 2\n");
	auto_config struct config c = {0};
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	load(path, &c);
	jsonl_add(&b, c.effective);
	assert_string_equal(b.data,
		"{\"projects\":\"/p\",\"image_store\":\"/i\",\"state\":\"/"
		"s\",\"state_mode\":\"0700\",\"tmpdir\":\"/t\","
		"\"executor\":\"ambient-execute-plan\",\"trusted_image\":\"trusted\",\"ca_"
		"certificates\":null,\"rsync_target\":null,\"rsync_target_base\":"
		"null,"
		"\"rsync_target_map\":null,\"dput_target\":null,\"dput_targets\":null,"
		"\"sftp_target\":null,\"sftp_target_base\":null,"
		"\"secrets\":null,\"ssh\":null,"
		"\"artifacts_max_size\":\"16 GB\",\"cache_max_size\":\"10GiB\","
		"\"deps_max_size\":\"10GiB\",\"mirror_max_size\":\"4GiB\",\"fetch_max_sent\":"
		"\"1MiB\",\"log_max_size\":"
		"\"256MiB\","
		"\"console_max_size\":\"16MiB\",\"scratch_size\":\"20GiB\",\"timeout\":\"2h\","
		"\"action_timeout\":\"1h\",\"boot_timeout\":\"120s\","
		"\"qemu\":{\"cpus\":2,\"memory\":\"1GiB\",\"program\":null,"
		"\"accelerator\":\"auto\",\"require_kvm\":false,\"machine\":\"auto\"},"
		"\"egress\":{\"allow\":null,\"allow_private\":null},\"registries\":null,\"uefi\":"
		"false,\"lint\":true,"
		"\"vm_user\":null,\"keep_runs\":10,\"keep_days\":null,\"keep_bytes\":null,"
		"\"keep_scopes\":10,\"disk_budget\":null}");
}

static void test_refuses_wrong_files(void **state)
{
	(void)state;
	expect_refused("tmpdr: /x\n", ":1:1: unknown key 'tmpdr', did you mean 'tmpdir'?");
	expect_refused("qemu:\n  cpu: 3\n", ":2:3: unknown key 'cpu', did you mean 'cpus'?");
	expect_refused("qemu: 3\n", ":1:7: 'qemu' must be a mapping, not a string");
	expect_refused("qemu: {accelerator: kvn}\n",
		":1:21: 'accelerator' must be one of auto, kvm, tcg, not 'kvn', did you mean "
		"'kvm'?");
	expect_refused("cpus: 0\n", ":1:7: 'cpus' must be at least 1, not 0");
	expect_refused(
		"qemu: {memory: 512}\n", ":1:16: 'memory' must be at least 128.0 MiB, not 512 B");
	expect_refused("timeout: never\n",
		":1:10: 'timeout': 'never' is not a duration; write for example 90s, 45m, 2h or "
		"1h30m (366 days at most)");
	expect_refused("cache_max_size: 5 apples\n",
		":1:17: 'cache_max_size': '5 apples' is not a size; write for example 512MiB, 2G "
		"or "
		"16 GB (G is 10^9, GiB 2^30)");
	expect_refused("- a\n", ":1:1: a mapping is needed here, not a list");
	expect_refused("tmpdir: ''\n", ":1:9: 'tmpdir' must not be empty");
}

static void test_a_named_file_must_be_there(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = path_join(home, "missing.yaml");
	auto_free char *message = mem_printf("%s: No such file or directory", path);
	struct config c = {0};
	struct err e = {0};

	(void)state;
	expect_err(try_load(path, NULL, &c, &e), &e, ERR_INPUT, message);
}

static void test_a_default_file_that_is_no_file_is_an_error(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *path = path_join(home, ".config/ambient/config.yaml");
	auto_free char *message = mem_printf("%s: is a directory, a file is needed", path);
	struct config c = {0};
	struct err e = {0};

	(void)state;
	expect_ok(path_make_dirs(path, 0755, &e), &e);
	expect_err(try_load(NULL, NULL, &c, &e), &e, ERR_INPUT, message);
}

static void test_options_stand_in_place_of_what_the_file_says(void **state)
{
	static const struct config_options options = {.rsync_target = "h:/given",
		.dput_target = "p:/given",
		.cpus = 3,
		.memory = 5ULL << 30};
	auto_dir char *home = fresh_home();
	auto_free char *path = expect_file(home, "c.yaml",
		"rsync_target_map: {a: 'h:/a'}\nrsync_target: h:/file\n"
		"qemu: {cpus: 1, memory: 1GiB}\n");
	auto_config struct config c = {0};
	const struct node *qemu;
	struct err e = {0};

	(void)state;
	expect_ok(try_load(path, &options, &c, &e), &e);
	qemu = node_get(c.effective, "qemu");
	assert_string_equal(c.rsync_target, "h:/given");
	assert_string_equal(c.dput_target, "p:/given");
	assert_int_equal(c.cpus, 3);
	assert_int_equal(c.memory, 5ULL << 30);
	assert_string_equal(node_get_text(c.effective, "rsync_target", ""), "h:/given");
	assert_string_equal(node_get_text(c.effective, "dput_target", ""), "p:/given");
	assert_int_equal(node_get_uint(qemu, "cpus", 0), 3);
	assert_string_equal(node_get_text(qemu, "memory", ""), "5368709120");
	/* It is for some projects only, and the option is for all. */
	assert_null(c.rsync_target_map);
}

static void test_every_row_has_help_and_its_preset_fits(void **state)
{
	auto_node struct node *presets = node_map();
	struct err e = {0};

	(void)state;
	for (const struct param *row = config_params; row->name; row++) {
		assert_true(row->help || row->same_as || row->no_effect);
		if (row->preset)
			node_set_string(presets, row->name, row->preset);
	}
	expect_ok(schema_check(config_params, presets, "presets", &e), &e);
	for (const struct param *row = config_qemu_params; row->name; row++)
		assert_true(row->help || row->same_as || row->no_effect);
}

static void test_the_example_of_the_page_loads(void **state)
{
	auto_dir char *home = fresh_home();
	auto_free char *text = expect_example("docs/format-config.md", 0);
	auto_free char *path = expect_file(home, "c.yaml", text);
	auto_config struct config c = {0};

	(void)state;
	load(path, &c);
	assert_int_equal(c.warnings.count, 0);
	assert_int_equal(c.artifacts_max, 2000000000);
	assert_int_equal(c.memory, 4 * GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_file_everything_has_its_default),
		cmocka_unit_test(test_defaults_are_those_of_the_limits),
		cmocka_unit_test(test_directories_of_the_environment_are_used),
		cmocka_unit_test(test_the_default_file_is_read_and_may_be_empty),
		cmocka_unit_test(test_a_named_file_adds_to_the_default_one),
		cmocka_unit_test(test_a_message_names_the_file_of_several),
		cmocka_unit_test(test_keys_of_ambient_ci_are_known),
		cmocka_unit_test(test_dput_target_may_be_a_section_of_a_listed_dput_cf),
		cmocka_unit_test(test_secrets_may_be_a_list),
		cmocka_unit_test(test_existing_files_load_unchanged),
		cmocka_unit_test(test_relative_paths_are_relative_to_the_file),
		cmocka_unit_test(test_naming_the_default_executor_is_no_wish),
		cmocka_unit_test(test_old_spellings_work_and_warn),
		cmocka_unit_test(test_the_new_spelling_wins),
		cmocka_unit_test(test_how_much_is_kept_is_read),
		cmocka_unit_test(test_choices_are_read),
		cmocka_unit_test(test_the_effective_configuration_has_every_key),
		cmocka_unit_test(test_refuses_wrong_files),
		cmocka_unit_test(test_a_named_file_must_be_there),
		cmocka_unit_test(test_a_default_file_that_is_no_file_is_an_error),
		cmocka_unit_test(test_options_stand_in_place_of_what_the_file_says),
		cmocka_unit_test(test_every_row_has_help_and_its_preset_fits),
		cmocka_unit_test(test_the_example_of_the_page_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
