/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/gitget.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "data/tar.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/tree.h"
#include "transfer/answer.h"
#include "transfer/limits.h"
#include "transfer/meter.h"
#include "transfer/sshcheck.h"

enum {
	COMMIT_SHORT = 40,
	OUTPUT_MAX = 64 * 1024,
	LINE_SHOWN_MAX = 400,
	URL_SHOWN_MAX = 300,
	LOOK_MS = 100
};

#define SSH "ssh://"
#define REMOTE_ERROR "fatal: remote error:"

struct job {
	const struct gitget *g;
	const struct transfer_options *o;
	char *commit; /* in lower case */
	char *part;   /* name of the directory until it is complete */
	char *path;   /* path of that directory */
	struct buf said;
	struct meter meter; /* counts the traffic to the proxy */
	/* State of a git process that uses the network. */
	uint64_t stored, received;  /* bytes */
	uint64_t names;             /* files and directories in the tree of the commit */
	int64_t cpu_ms, look_ms;    /* look_ms: time of the next check */
	int64_t heard_ms, moved_ms; /* times of the last byte received, and of the last progress */
};

static void job_release(struct job *j)
{
	free(j->commit);
	free(j->part);
	free(j->path);
	buf_release(&j->said);
	meter_stop(&j->meter);
}
#define auto_job __attribute__((cleanup(job_release)))

/* ---- the program ---- */

/* The command line for ssh, to be split by a shell. */
static char *ssh_command(const struct job *j)
{
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_SSH_COMMAND);
	strv_each (j->g->ssh, word)
		buf_addf(&b, "%s ", *word);
	if (j->meter.pid > 0 && j->g->ssh_proxy)
		buf_addf(&b, "'-oProxyCommand=%s 127.0.0.1:%u'", j->g->ssh_proxy, j->meter.port);
	return mem_strdup(b.data);
}

/* The configuration of the image and the environment must not influence git. */
static void set_environment(const struct job *j)
{
	auto_free char *ssh = ssh_command(j);
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
static void add_protocols(const struct job *j, struct strv *argv)
{
	const char *url = j->g->url;

	add_setting(argv, "protocol.allow=never");
	if (starts(url, SSH))
		add_setting(argv, "protocol.ssh.allow=always");
	if (starts(url, "http"))
		add_setting(argv, "protocol.https.allow=always");
	if (starts(url, "http:"))
		add_setting(argv, "protocol.http.allow=always");
}

static void add_settings(const struct job *j, struct strv *argv)
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
	auto_free char *near = mem_printf("http://127.0.0.1:%u", j->meter.port);
	auto_free char *proxy = mem_printf("http.proxy=%s",
		j->meter.pid > 0      ? near
			: j->o->proxy ? j->o->proxy
				      : "");

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		add_setting(argv, settings[i]);
	add_setting(argv, proxy);
	if (j->o->certificates) {
		auto_free char *authorities = mem_printf("http.sslCAInfo=%s", j->o->certificates);

		add_setting(argv, authorities);
	}
	add_protocols(j, argv);
}

/* ---- supervision ---- */

static int too_long(
	const struct job *j, const char *reason, const char *what, int64_t ms, struct err *e)
{
	auto_free char *url = text_safe(j->g->url, URL_SHOWN_MAX);

	return err_reason(
		e, ERR_INPUT, reason, "%s: %s within %s", url, what, num_show_duration(ms).s);
}

static int check_sizes(const struct job *j, uint64_t list_memory, struct err *e)
{
	auto_free char *url = text_safe(j->g->url, URL_SHOWN_MAX);

	if (j->o->bounded && j->stored > j->o->room)
		return err_reason(e, ERR_INPUT, "fetch_too_large",
			"%s: the repository has %s or more; of the dependencies' deps_max_size %s "
			"are left",
			url, num_show_size_beside(j->stored, j->o->room).s,
			num_show_size_beside(j->o->room, j->stored).s);
	if (j->received > LIMIT_GIT_OVERHEAD + 2 * j->stored)
		return err_reason(e, ERR_INPUT, "fetch_failed",
			"%s: the server sent %s, of which %s are of the repository: its list of "
			"references is too long, or what it sends has no end",
			url, num_show_size(j->received).s, num_show_size(j->stored).s);
	if (list_memory > LIMIT_GIT_LIST_MEMORY)
		return err_reason(e, ERR_INPUT, "fetch_failed",
			"%s: the server's list of references takes more than %s of memory", url,
			num_show_size(LIMIT_GIT_LIST_MEMORY).s);
	return 0;
}

/* A server that sends nothing gets less time than one that sends, but nothing of the repository. */
static int check_times(const struct job *j, int64_t now, struct err *e)
{
	bool hurry = j->o->stall_ms < LIMIT_HTTP_STALL_MS;
	int64_t wait = hurry ? j->o->stall_ms : LIMIT_GIT_WAIT_MS;

	if (now > j->moved_ms + j->o->stall_ms && now > j->heard_ms + j->o->stall_ms)
		return too_long(j, "fetch_timeout", "the server sent nothing", j->o->stall_ms, e);
	if (now > j->moved_ms + wait)
		return too_long(
			j, "fetch_timeout", "the server sent nothing of the repository", wait, e);
	return 0;
}

/* If the tree changes during the walk, the last size is kept. */
static void measure(struct job *j)
{
	struct err ignored = {0};
	uint64_t stored;

	j->received = meter_received(&j->meter);
	if (tree_archive_size(j->o->dir_fd, j->part, j->g->dir, &stored, &ignored) == 0)
		j->stored = stored;
}

/* A check of a large tree takes time, so larger trees are checked less often. */
static int look(void *arg, pid_t group, struct err *e)
{
	struct job *j = arg;
	int64_t now = clock_ms();
	struct proc_usage usage;
	uint64_t stored = j->stored, received = j->received;

	if (now < j->look_ms)
		return 0;
	usage = proc_group_usage(group, "git-remote-http");
	measure(j);
	/* Processing of received data counts as progress. */
	if (j->stored > stored || usage.cpu_ms > j->cpu_ms + (now - j->look_ms) / 5 + 20)
		j->moved_ms = now;
	if (j->received > received)
		j->heard_ms = now;
	j->cpu_ms = usage.cpu_ms;
	j->look_ms = now + LOOK_MS + 10 * (clock_ms() - now);
	if (check_sizes(j, usage.memory_bytes, e) < 0)
		return -1;
	return check_times(j, now, e);
}

static void begin_watch(struct job *j)
{
	if (j->meter.received)
		__atomic_store_n(j->meter.received, 0, __ATOMIC_RELAXED);
	j->received = 0;
	j->stored = 0;
	j->cpu_ms = 0;
	j->look_ms = 0;
	j->heard_ms = j->moved_ms = clock_ms();
}

static void set_words(
	const struct job *j, const char *directory, const char *const *words, struct strv *argv)
{
	strv_push(argv, "git");
	strv_push(argv, "-C");
	strv_push(argv, directory);
	add_settings(j, argv);
	for (; *words; words++)
		strv_push(argv, *words);
}

/*
 * Run git; its messages are in j->said. Returns the exit code, or -1 with *e if git could not start
 * or was stopped. Commands that create files are supervised.
 */
static int run_git(struct job *j, const char *directory, const char *const *words, struct err *e)
{
	bool makes = strcmp(words[0], "fetch") == 0 || strcmp(words[0], "checkout") == 0;
	const struct proc_watch watch = {.look = look, .arg = j};
	auto_strv struct strv argv = {0};
	int code;

	set_words(j, directory, words, &argv);
	buf_clear(&j->said);
	begin_watch(j);
	if (!makes)
		return proc_run(&argv, LIMIT_GIT_WAIT_MS, &j->said, e);
	code = proc_run_watched(&argv, &j->said, &watch, e);
	/* Apply the limits also to a command that ended between two checks. */
	if (code != 0)
		return code;
	measure(j);
	return check_sizes(j, 0, e);
}

#define GIT(j, directory, e, ...) run_git(j, directory, (const char *const[]){__VA_ARGS__, NULL}, e)

static bool is_aside(const char *line)
{
	static const char *const asides[] = {"warning:", "hint:", "remote:"};

	for (size_t i = 0; i < ARRAY_SIZE(asides); i++)
		if (strncasecmp(line, asides[i], strlen(asides[i])) == 0)
			return true;
	return false;
}

static void tell(struct job *j, const char *what)
{
	auto_free char *text = text_safe(what, LINE_SHOWN_MAX);
	auto_free char *line = mem_printf("%s: %s", j->g->name, text);

	j->o->tell(j->o->arg, line);
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
static const char *complaint(struct job *j)
{
	const char *first = NULL;
	char *save = NULL;

	drop_cut_line(&j->said);
	for (char *line = strtok_r(j->said.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		j->o->tell(j->o->arg, line);
		if (!first && !is_aside(line))
			first = line;
	}
	return first ? first : "git failed without a word";
}

/* A line is shown completely or not at all, because it is masked later. */
static int failed(struct job *j, const char *reason, const char *what, struct err *e)
{
	auto_free char *url = text_safe(j->g->url, URL_SHOWN_MAX);
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
static int failed_by_ssh(struct job *j, struct err *e)
{
	const char *login = j->g->url + strlen(SSH);
	auto_free char *host = mem_strndup(login, strcspn(login, "/"));
	struct err why = {0};

	(void)complaint(j);
	if (sshcheck(j->g->ssh, host, &sshcheck_of_fetch, j->o, &why) < 0 && why.reason[0])
		return failed(j, why.reason, why.msg, e);
	return failed(j, "fetch_failed",
		"git failed; the messages of git, ssh and the server are in the log", e);
}

static int failed_as_it_said(struct job *j, struct err *e)
{
	const struct answer *answer = answer_of_git(j->said.data);
	const char *first;

	if (starts(j->g->url, SSH))
		return failed_by_ssh(j, e);
	first = complaint(j);
	if (answer)
		return failed(j, answer->reason, answer->words, e);
	/* The text after this is from the server. */
	if (strncmp(first, REMOTE_ERROR, strlen(REMOTE_ERROR)) == 0)
		first = "the server rejected the request; its message is in the log";
	return failed(j, "fetch_failed", first, e);
}

/* For commands that fail only because of a full disk or an invalid repository. */
static int must(struct job *j, int code, struct err *e)
{
	if (code < 0)
		return -1;
	return code > 0 ? failed_as_it_said(j, e) : 0;
}

/* ---- existing files ---- */

static bool has_commit(struct job *j, const char *directory)
{
	auto_free char *wanted = mem_printf("%s\n", j->commit);
	auto_free char *name = mem_printf("%s^{commit}", j->commit);
	struct err ignored = {0};

	/* A tag does not count as a commit, even if it points to one. */
	return GIT(j, directory, &ignored, "rev-parse", "-q", "--verify", name) == 0 &&
		strcmp(j->said.data, wanted) == 0;
}

/* HEAD is the commit, and the working tree contains exactly its files. */
static bool is_whole(struct job *j, const char *directory)
{
	auto_free char *wanted = mem_printf("%s\n", j->commit);
	struct err ignored = {0};

	if (GIT(j, directory, &ignored, "rev-parse", "-q", "--verify", "HEAD") != 0 ||
		strcmp(j->said.data, wanted) != 0)
		return false;
	return GIT(j, directory, &ignored, "status", "--porcelain", "--ignored",
		       "--untracked-files=all", "--ignore-submodules=all") == 0 &&
		j->said.len == 0;
}

static bool is_there(struct job *j)
{
	auto_free char *path = path_join(j->g->dir, j->g->name);
	auto_free char *inside = path_join(path, ".git");
	struct stat st;

	/* If there is no .git, git would search the parent directories. */
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || lstat(inside, &st) < 0 ||
		!S_ISDIR(st.st_mode))
		return false;
	return is_whole(j, path);
}

/* ---- fetch ---- */

static int make_empty(struct job *j, struct err *e)
{
	const char *format = strlen(j->commit) == COMMIT_SHORT ? "--object-format=sha1"
							       : "--object-format=sha256";
	static const char none[] = "* -text -eol -ident -filter -working-tree-encoding\n";
	auto_free char *info = path_join(j->path, ".git/info");
	auto_free char *attributes = path_join(info, "attributes");
	auto_fd int fd = -1;

	if (tree_remove(j->o->dir_fd, j->part, j->g->dir, NULL, e) < 0 ||
		path_make_dirs(j->path, 0755, e) < 0 ||
		must(j, GIT(j, j->path, e, "init", "-q", "--template=", format), e) < 0 ||
		path_make_dirs(info, 0755, e) < 0)
		return -1;
	fd = open(attributes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fd_write_all(fd, none, strlen(none)) < 0)
		return err_sys(e, "make %s", attributes);
	return 0;
}

/*
 * Some servers serve only commits that are the tip of a branch or tag, or do not support shallow
 * fetches.
 */
static int fetch_all(struct job *j, struct err *e)
{
	(void)complaint(j);
	tell(j, "the server does not serve this commit on its own; fetching the whole history");
	if (make_empty(j, e) < 0)
		return -1;
	return must(j,
		GIT(j, j->path, e, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--",
			j->g->url, "+refs/heads/*:refs/fetched/heads/*",
			"+refs/tags/*:refs/fetched/tags/*"),
		e);
}

/* Fetch only the commit. 1: the server did not send it; the reason is in j->said. */
static int fetch_alone(struct job *j, struct err *e)
{
	int code = GIT(j, j->path, e, "fetch", "-q", "--no-tags", "--no-write-fetch-head",
		"--depth=1", "--", j->g->url, j->commit);

	if (code < 0)
		return -1;
	return code == 0 && has_commit(j, j->path) ? 0 : 1;
}

/*
 * Retry temporary errors of the server. A server that does not have or does not serve the commit
 * may look the same; then fetch_all() decides.
 */
static int fetch_with_tries(struct job *j, struct err *e)
{
	const struct answer *answer;
	int result;

	for (unsigned tries = 1;; tries++) {
		int64_t pause = j->o->pause_ms << (tries - 1);
		auto_free char *text = NULL;

		result = fetch_alone(j, e);
		if (result <= 0)
			return result;
		answer = answer_of_git(j->said.data);
		if (answer && !answer->again)
			return failed_as_it_said(j, e);
		if (!answer || tries >= j->o->tries || !transfer_may_pause(j->o, pause))
			return 1;
		text = mem_printf(
			"%s; trying again in %s", answer->words, num_show_duration(pause).s);
		tell(j, text);
		(void)poll(NULL, 0, (int)pause);
		if (make_empty(j, e) < 0)
			return -1;
	}
}

static int fetch(struct job *j, struct err *e)
{
	int result = make_empty(j, e) < 0 ? -1 : fetch_with_tries(j, e);

	if (result <= 0)
		return result;
	if (fetch_all(j, e) < 0)
		return -1;
	if (!has_commit(j, j->path)) {
		auto_free char *text = mem_printf("it has no commit %s", j->commit);

		return failed(j, "fetch_commit", text, e);
	}
	return 0;
}

/*
 * The number of files that an archive of the dependencies can contain: each takes at least a block.
 */
static uint64_t most_names(const struct job *j)
{
	uint64_t room = j->o->room / TAR_BLOCK;

	return j->o->bounded && room < LIMIT_TAR_ENTRIES ? room : LIMIT_TAR_ENTRIES;
}

static int check_names(void *arg, pid_t group, struct err *e)
{
	const struct job *j = arg;
	auto_free char *url = NULL;

	(void)group;
	if (j->names <= most_names(j))
		return 0;
	url = text_safe(j->g->url, URL_SHOWN_MAX);
	return err_reason(e, ERR_INPUT, "fetch_too_large",
		"%s: the commit has more than %llu files and directories, which is all that there "
		"is room for in the dependencies",
		url, (unsigned long long)most_names(j));
}

static void count_names(void *arg, const char *data, size_t len)
{
	struct job *j = arg;

	for (size_t i = 0; i < len; i++)
		j->names += data[i] == '\0';
}

/*
 * A tree of a few objects can have any number of files, if directories are used repeatedly, and git
 * lists all of them in memory before it writes the first file.
 */
static int check_tree(struct job *j, struct err *e)
{
	const struct proc_watch watch = {.look = check_names, .take = count_names, .arg = j};
	const char *const words[] = {"ls-tree", "-r", "-t", "-z", "--name-only", j->commit, NULL};
	auto_strv struct strv argv = {0};

	set_words(j, j->path, words, &argv);
	buf_clear(&j->said);
	j->names = 0;
	if (must(j, proc_run_watched(&argv, &j->said, &watch, e), e) < 0)
		return -1;
	return check_names(j, 0, e);
}

static int check_out(struct job *j, struct err *e)
{
	if (check_tree(j, e) < 0)
		return -1;
	if (must(j, GIT(j, j->path, e, "checkout", "-q", "--force", "--detach", j->commit), e) < 0)
		return -1;
	return is_whole(j, j->path) ? 0 : failed_as_it_said(j, e);
}

static int put_in_place(struct job *j, struct err *e)
{
	int dir = j->o->dir_fd;
	struct stat st;

	if (fstatat(dir, j->g->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return renameat(dir, j->part, dir, j->g->name) < 0
			? err_sys(e, "rename %s to %s", j->part, j->g->name)
			: 0;
	if (renameat2(dir, j->part, dir, j->g->name, RENAME_EXCHANGE) < 0)
		return err_sys(e, "exchange %s and %s", j->part, j->g->name);
	return tree_remove(dir, j->part, j->g->dir, NULL, e);
}

static int fetch_into_place(struct job *j, struct err *e)
{
	if (fetch(j, e) < 0 || check_out(j, e) < 0)
		return -1;
	return put_in_place(j, e);
}

/*
 * libcurl reports more exactly than git which side rejected a request. The response is discarded.
 */
static int probe(struct job *j, struct err *e)
{
	size_t len = strlen(j->g->url);
	auto_free char *url = NULL;

	while (len > 0 && j->g->url[len - 1] == '/')
		len--;
	url = mem_printf("%.*s/info/refs?service=git-upload-pack", (int)len, j->g->url);
	return starts(j->g->url, "http") ? http_probe(url, "Git-Protocol: version=2", j->o, e) : 0;
}

static char *lower_case(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

static int get(struct job *j, struct err *e)
{
	if (is_there(j)) {
		tell(j, "is there already");
		return 0;
	}
	if (j->o->proxy && meter_start(j->o->proxy, &j->meter, e) < 0)
		return -1;
	set_environment(j);
	if (probe(j, e) < 0)
		return -1;
	if (fetch_into_place(j, e) < 0)
		return -1;
	tell(j, "is the commit of the plan");
	return 0;
}

int gitget(const struct gitget *g, const struct transfer_options *o, struct err *e)
{
	auto_job struct job j = {.g = g,
		.o = o,
		.commit = lower_case(g->commit),
		.part = mem_printf(".%s.part", g->name)};

	if (!g->name[0] || strchr(g->name, '/') || strcmp(g->name, ".") == 0 ||
		strcmp(g->name, "..") == 0)
		return err_set(e, ERR_INPUT, "'%s' is not a valid name of a directory", g->name);
	j.path = path_join(g->dir, j.part);
	buf_init(&j.said, OUTPUT_MAX);
	set_environment(&j);
	return get(&j, e);
}
