/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/gitrun.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "os/tree.h"
#include "transfer/limits.h"
#include "transfer/sshcheck.h"

enum { OUTPUT_MAX = 64 * 1024, LINE_SHOWN_MAX = 400, URL_SHOWN_MAX = 300, LOOK_MS = 100 };

#define SSH "ssh://"
#define REMOTE_ERROR "fatal: remote error:"

/* ---- the program ---- */

/* The command line for ssh, to be split by a shell. */
static char *ssh_command(const struct gitrun *r)
{
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_SSH_COMMAND);
	strv_each (r->server.ssh, word)
		buf_addf(&b, "%s ", *word);
	if (r->meter.pid > 0 && r->server.ssh_proxy)
		buf_addf(
			&b, "'-oProxyCommand=%s 127.0.0.1:%u'", r->server.ssh_proxy, r->meter.port);
	return mem_strdup(b.data);
}

/* The configuration of the image and the environment must not influence git. */
static void set_environment(const struct gitrun *r)
{
	auto_free char *ssh = ssh_command(r);
	static const char *const without[] = {"GIT_DIR", "GIT_WORK_TREE", "GIT_SSH",
		"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_TEMPLATE_DIR",
		"GIT_PROXY_COMMAND", "GIT_EXTERNAL_DIFF", "SSH_ASKPASS", "no_proxy", "NO_PROXY",
		"all_proxy", "ALL_PROXY"};
	const struct {
		const char *name, *value;
	} with[] = {
		{"GIT_CONFIG_NOSYSTEM", "1"},
		{"GIT_CONFIG_GLOBAL", "/dev/null"},
		{"GIT_ATTR_NOSYSTEM", "1"},
		{"GIT_TERMINAL_PROMPT", "0"},
		{"GIT_ASKPASS", "false"},
		{"GIT_LFS_SKIP_SMUDGE", "1"},
		{"GIT_SSH_COMMAND", ssh},
		{"GIT_SSH_VARIANT", "ssh"},
		{"LC_ALL", "C"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		(void)unsetenv(without[i]);
	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		if (setenv(with[i].name, with[i].value, 1) < 0)
			BUG("no environment");
}

static void add_setting(struct strv *argv, const char *setting)
{
	strv_push(argv, "-c");
	strv_push(argv, setting);
}

static bool starts(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

/* A redirect must not lead from an encrypted server to an unencrypted one. */
static void add_protocols(const struct gitrun *r, struct strv *argv)
{
	const char *url = r->server.url;

	add_setting(argv, "protocol.allow=never");
	if (starts(url, SSH))
		add_setting(argv, "protocol.ssh.allow=always");
	if (starts(url, "http"))
		add_setting(argv, "protocol.https.allow=always");
	if (starts(url, "http:"))
		add_setting(argv, "protocol.http.allow=always");
}

static void add_settings(const struct gitrun *r, struct strv *argv)
{
	static const char *const settings[] = {
		"core.hooksPath=/dev/null",
		"core.fsmonitor=false",
		"core.attributesFile=/dev/null",
		"core.excludesFile=/dev/null",
		"core.autocrlf=false",
		"core.untrackedCache=false",
		"credential.helper=",
		"submodule.recurse=false",
		"fetch.recurseSubmodules=false",
		"fetch.writeCommitGraph=false",
		"transfer.fsckObjects=true",
		"transfer.bundleURI=false",
		"safe.directory=*",
		"gc.auto=0",
		"maintenance.auto=false",
		/* With version 2 a server does not list its references if a commit is requested. */
		"protocol.version=2",
		/* The proxy accepts only requests with a length. */
		"http.postBuffer=64m",
	};
	auto_free char *near = mem_printf("http://127.0.0.1:%u", r->meter.port);
	auto_free char *proxy = mem_printf("http.proxy=%s",
		r->meter.pid > 0      ? near
			: r->o->proxy ? r->o->proxy
				      : "");

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		add_setting(argv, settings[i]);
	add_setting(argv, proxy);
	if (r->o->certificates) {
		auto_free char *authorities = mem_printf("http.sslCAInfo=%s", r->o->certificates);

		add_setting(argv, authorities);
	}
	add_protocols(r, argv);
}

/* ---- supervision ---- */

static int too_long(
	const struct gitrun *r, const char *reason, const char *what, int64_t ms, struct err *e)
{
	auto_free char *url = text_safe(r->server.url, URL_SHOWN_MAX);

	return err_reason(
		e, ERR_INPUT, reason, "%s: %s within %s", url, what, num_show_duration(ms).s);
}

static int check_sizes(const struct gitrun *r, uint64_t list_memory, struct err *e)
{
	auto_free char *url = text_safe(r->server.url, URL_SHOWN_MAX);

	if (r->o->bounded && r->stored > r->o->room)
		return err_reason(e, ERR_INPUT, "fetch_too_large",
			"%s: the repository has %s or more; of %s %s are left", url,
			num_show_size_beside(r->stored, r->o->room).s, r->limit,
			num_show_size_beside(r->o->room, r->stored).s);
	if (r->received > LIMIT_GIT_OVERHEAD + 2 * r->stored)
		return err_reason(e, ERR_INPUT, "fetch_failed",
			"%s: the server sent %s, of which %s are of the repository: its list of "
			"references is too long, or what it sends has no end",
			url, num_show_size(r->received).s, num_show_size(r->stored).s);
	if (list_memory > LIMIT_GIT_LIST_MEMORY)
		return err_reason(e, ERR_INPUT, "fetch_failed",
			"%s: the server's list of references takes more than %s of memory", url,
			num_show_size(LIMIT_GIT_LIST_MEMORY).s);
	return 0;
}

/* A server that sends nothing gets less time than one that sends, but nothing of the repository. */
static int check_times(const struct gitrun *r, int64_t now, struct err *e)
{
	bool hurry = r->o->stall_ms < LIMIT_HTTP_STALL_MS;
	int64_t wait = hurry ? r->o->stall_ms : LIMIT_GIT_WAIT_MS;

	if (now > r->moved_ms + r->o->stall_ms && now > r->heard_ms + r->o->stall_ms)
		return too_long(r, "fetch_timeout", "the server sent nothing", r->o->stall_ms, e);
	if (now > r->moved_ms + wait)
		return too_long(
			r, "fetch_timeout", "the server sent nothing of the repository", wait, e);
	return 0;
}

/* If the tree changes during the walk, the last size is kept. */
static void measure(struct gitrun *r)
{
	struct err ignored = {0};
	uint64_t stored;

	r->received = meter_received(&r->meter);
	if (tree_archive_size(r->o->dir_fd, r->part, r->dir, &stored, &ignored) == 0)
		r->stored = stored;
}

/* A check of a large tree takes time, so larger trees are checked less often. */
static int look(void *arg, pid_t group, struct err *e)
{
	struct gitrun *r = arg;
	int64_t now = clock_ms();
	struct proc_usage usage;
	uint64_t stored = r->stored, received = r->received;

	if (now < r->look_ms)
		return 0;
	usage = proc_group_usage(group, "git-remote-http");
	measure(r);
	/* Processing of received data counts as progress. */
	if (r->stored > stored || usage.cpu_ms > r->cpu_ms + (now - r->look_ms) / 5 + 20)
		r->moved_ms = now;
	if (r->received > received)
		r->heard_ms = now;
	r->cpu_ms = usage.cpu_ms;
	r->look_ms = now + LOOK_MS + 10 * (clock_ms() - now);
	if (check_sizes(r, usage.memory_bytes, e) < 0)
		return -1;
	return check_times(r, now, e);
}

static void begin_watch(struct gitrun *r)
{
	if (r->meter.received)
		__atomic_store_n(r->meter.received, 0, __ATOMIC_RELAXED);
	r->received = 0;
	r->stored = 0;
	r->cpu_ms = 0;
	r->look_ms = 0;
	r->heard_ms = r->moved_ms = clock_ms();
}

void gitrun_argv(
	const struct gitrun *r, const char *directory, const char *const *words, struct strv *argv)
{
	strv_push(argv, "git");
	strv_push(argv, "-C");
	strv_push(argv, directory);
	add_settings(r, argv);
	for (; *words; words++)
		strv_push(argv, *words);
}

/* Commands that use the network, or whose time depends on the repository. */
static bool is_supervised(const char *const *words)
{
	static const char *const commands[] = {"fetch", "checkout", "repack"};

	for (; *words; words++)
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (strcmp(*words, commands[i]) == 0)
				return true;
	return false;
}

int gitrun_words(struct gitrun *r, const char *directory, const char *const *words, struct err *e)
{
	bool makes = is_supervised(words);
	const struct proc_watch watch = {.look = look, .arg = r};
	auto_strv struct strv argv = {0};
	int code;

	gitrun_argv(r, directory, words, &argv);
	buf_clear(&r->said);
	begin_watch(r);
	if (!makes)
		return proc_run(&argv, LIMIT_GIT_WAIT_MS, &r->said, e);
	code = proc_run_watched(&argv, &r->said, &watch, e);
	/* Apply the limits also to a command that ended between two checks. */
	if (code != 0)
		return code;
	measure(r);
	return check_sizes(r, 0, e);
}

struct listener {
	struct gitrun *run;
	void (*take)(void *arg, const char *data, size_t len);
	void *arg;
};

static int look_of_listener(void *arg, pid_t group, struct err *e)
{
	const struct listener *l = arg;

	return look(l->run, group, e);
}

static void take_of_listener(void *arg, const char *data, size_t len)
{
	const struct listener *l = arg;

	l->take(l->arg, data, len);
}

int gitrun_listen(struct gitrun *r, const char *directory, const char *const *words,
	void (*take)(void *arg, const char *data, size_t len), void *arg, struct err *e)
{
	struct listener listener = {r, take, arg};
	const struct proc_watch watch = {look_of_listener, take_of_listener, &listener};
	auto_strv struct strv argv = {0};

	gitrun_argv(r, directory, words, &argv);
	buf_clear(&r->said);
	begin_watch(r);
	return proc_run_watched(&argv, &r->said, &watch, e);
}

static bool is_aside(const char *line)
{
	static const char *const asides[] = {"warning:", "hint:", "remote:"};

	for (size_t i = 0; i < ARRAY_SIZE(asides); i++)
		if (strncasecmp(line, asides[i], strlen(asides[i])) == 0)
			return true;
	return false;
}

void gitrun_tell(struct gitrun *r, const char *what)
{
	auto_free char *text = text_safe(what, LINE_SHOWN_MAX);
	auto_free char *line = mem_printf("%s: %s", r->name, text);

	r->o->tell(r->o->arg, line);
}

/*
 * If the buffer was full, remove the incomplete last line: masking would not find part of a secret.
 */
static void drop_cut_line(struct buf *said)
{
	const char *end;

	if (said->len < OUTPUT_MAX)
		return;
	end = memrchr(said->data, '\n', said->len);
	said->len = end ? (size_t)(end - said->data) : 0;
	said->data[said->len] = '\0';
}

/*
 * Show the messages, unchanged and as complete lines, because they are masked later. Returns the
 * first line that is an error.
 */
const char *gitrun_complaint(struct gitrun *r)
{
	const char *first = NULL;
	char *save = NULL;

	drop_cut_line(&r->said);
	for (char *line = strtok_r(r->said.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		r->o->tell(r->o->arg, line);
		if (!first && !is_aside(line))
			first = line;
	}
	return first ? first : "git failed without a word";
}

/* A line is shown completely or not at all, because it is masked later. */
int gitrun_failed(struct gitrun *r, const char *reason, const char *what, struct err *e)
{
	auto_free char *url = text_safe(r->server.url, URL_SHOWN_MAX);
	auto_free char *text = text_safe(what, OUTPUT_MAX);

	if (strlen(text) > LINE_SHOWN_MAX)
		return err_reason(e, ERR_INPUT, reason,
			"%s: git failed; its output is too long to be shown here and is in the log",
			url);
	return err_reason(e, ERR_INPUT, reason, "%s: %s", url, text);
}

/*
 * The messages of git about ssh are mixed with those of the server, so they are not shown. Another
 * login with ssh finds the cause.
 */
static int failed_by_ssh(struct gitrun *r, struct err *e)
{
	const char *login = r->server.url + strlen(SSH);
	auto_free char *host = mem_strndup(login, strcspn(login, "/"));
	struct err why = {0};

	(void)gitrun_complaint(r);
	if (sshcheck(r->server.ssh, host, &sshcheck_of_fetch, r->o, &why) < 0 && why.reason[0])
		return gitrun_failed(r, why.reason, why.msg, e);
	return gitrun_failed(r, "fetch_failed",
		"git failed; the messages of git, ssh and the server are in the log", e);
}

int gitrun_failed_as_it_said(struct gitrun *r, struct err *e)
{
	const struct answer *answer = answer_of_git(r->said.data);
	const char *first;

	if (starts(r->server.url, SSH))
		return failed_by_ssh(r, e);
	first = gitrun_complaint(r);
	if (answer)
		return gitrun_failed(r, answer->reason, answer->words, e);
	/* The text after this is from the server. */
	if (strncmp(first, REMOTE_ERROR, strlen(REMOTE_ERROR)) == 0)
		first = "the server rejected the request; its message is in the log";
	return gitrun_failed(r, "fetch_failed", first, e);
}

/* For commands that fail only because of a full disk or an invalid repository. */
int gitrun_must(struct gitrun *r, int code, struct err *e)
{
	if (code < 0)
		return -1;
	return code > 0 ? gitrun_failed_as_it_said(r, e) : 0;
}

/*
 * libcurl reports more exactly than git which side rejected a request. The response is discarded.
 */
static int probe(struct gitrun *r, struct err *e)
{
	size_t len = strlen(r->server.url);
	auto_free char *url = NULL;

	while (len > 0 && r->server.url[len - 1] == '/')
		len--;
	url = mem_printf("%.*s/info/refs?service=git-upload-pack", (int)len, r->server.url);
	return starts(r->server.url, "http") ? http_probe(url, "Git-Protocol: version=2", r->o, e)
					     : 0;
}

void gitrun_init(struct gitrun *r)
{
	buf_init(&r->said, OUTPUT_MAX);
	set_environment(r);
}

void gitrun_release(struct gitrun *r)
{
	buf_release(&r->said);
	meter_stop(&r->meter);
}

int gitrun_connect(struct gitrun *r, struct err *e)
{
	if (r->o->proxy && meter_start(r->o->proxy, &r->meter, e) < 0)
		return -1;
	set_environment(r); /* of ssh, which now goes through the meter */
	return probe(r, e);
}

bool gitrun_try_again(struct gitrun *r, unsigned tries, const struct answer **ret_answer)
{
	const struct answer *answer = answer_of_git(r->said.data);
	int64_t pause = r->o->pause_ms << (tries - 1);
	auto_free char *text = NULL;

	*ret_answer = answer;
	if (!answer || !answer->again || tries >= r->o->tries || !transfer_may_pause(r->o, pause))
		return false;
	text = mem_printf("%s; trying again in %s", answer->words, num_show_duration(pause).s);
	gitrun_tell(r, text);
	(void)poll(NULL, 0, (int)pause);
	return true;
}
