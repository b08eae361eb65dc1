/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of all uploads, in a trusted VM. It determines the files to upload, which must be below
 * the artifacts: the kernel resolves paths with RESOLVE_BENEATH, so that no symbolic link leads to
 * the secrets. Then it runs rsync, or for single files ambient-net (src/transfer/sftpput.h), with
 * the ssh configuration made by the host (secrets.h): host keys are checked, and connections go
 * through the proxy.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actions/delivery/delivery.h"
#include "actions/limits.h"
#include "base/limits.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "os/fd.h"

enum { SHOWN_MAX = 120, PATH_BYTES = 4096 };

static const char *const methods[] = {UPLOAD_RSYNC, UPLOAD_SFTP, UPLOAD_CHANGES, UPLOAD_PUT, NULL};

static const struct param params[] = {
	{.name = "method",
		.type = PARAM_ENUM,
		.choices = methods,
		.required = true,
		.help = "the kind of upload: rsync, every file by sftp, Debian packages by sftp, "
			"or by HTTP PUT"},
	{.name = "artifacts",
		.type = PARAM_PATH,
		.required = true,
		.help = "a directory below " GUEST_ARTIFACTS},
	{.name = "login",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the host, or USER@HOST; for put http://HOST or https://HOST"},
	{.name = "path", .type = PARAM_STRING, .required = true, .help = "a directory on the host"},
	{0},
};

struct upload {
	struct action_ctx *ctx;
	const char *login, *path;
	int dir;                /* the directory to upload */
	char shown[PATH_BYTES]; /* its path, for messages */
	struct node *work;      /* input for ambient-net */
	struct node
		*files; /* in `work`: names of files, and of directories with a slash at the end */
	size_t count;   /* number of files */
};

/* ---- the directory ---- */

static int open_beneath(int dir, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int refuse_path(const char *path, const char *what, struct err *e)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	return err_set(e, ERR_INPUT, "'%s' of the artifacts %s", shown, what);
}

/* Open the directory beneath `top`, and get its path without symbolic links. */
static int enter(struct upload *u, int top, const char *path, struct err *e)
{
	auto_free char *self = NULL;
	ssize_t len;

	u->dir = open_beneath(top, path, O_RDONLY | O_DIRECTORY);
	if (u->dir < 0 && errno == EXDEV)
		return refuse_path(path, "leads outside of them: nothing is uploaded", e);
	if (u->dir < 0)
		return refuse_path(path, errno == ENOENT ? "is not there" : "is no directory", e);
	self = mem_printf("/proc/self/fd/%d", u->dir);
	len = readlink(self, u->shown, sizeof(u->shown) - 1);
	if (len < 0 || (size_t)len >= sizeof(u->shown) - 1)
		return err_set(e, ERR_HOST, "the path of '%s' is too long", path);
	u->shown[len] = '\0';
	return 0;
}

static int find_directory(struct upload *u, const char *artifacts, const char *path, struct err *e)
{
	auto_fd int top = open(artifacts, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return top < 0 ? err_sys(e, "%s", artifacts) : enter(u, top, path, e);
}

/* A program that uses ssh failed without a reason. If the login fails, replace *e. */
static void explain_login(struct upload *u, struct err *e)
{
	const struct message_step_end before = u->ctx->result;
	auto_node struct node *work = node_map();
	auto_buf struct buf input = {0};
	struct net_call call = {.command = "ssh_check", .directory = u->shown};
	struct err why = {0};

	if (e->reason[0] || !actions_program_failed(u->ctx))
		return;
	node_set_string(work, "login", u->login);
	buf_init(&input, LIMIT_UPLOAD_WORK);
	jsonl_add(&input, work);
	call.input = input.data;
	if (action_net_run(u->ctx, &call, &why) < 0 &&
		(why.reason[0] || !actions_program_failed(u->ctx)))
		*e = why;
	if (actions_program_failed(u->ctx))
		u->ctx->result = before;
}

/* ---- rsync ---- */

/*
 * Exit codes of rsync(1) that a server can cause. 12 and 255 are not included: rsync exits with
 * these whenever ssh exits, whatever the cause.
 */
struct rsync_code {
	int code;
	const char *reason, *words;
};

static const struct rsync_code rsync_codes[] = {
	{2, "upload_failed", "the server does not speak the protocol of rsync"},
	{3, "upload_failed", "the target cannot be used"},
	{11, "upload_failed", "the server could not read or write a file"},
	{23, "upload_failed", "not all files could be uploaded"},
	{24, "upload_failed", "files vanished"},
	{25, "upload_failed", "the limit of deletions was reached"},
	{30, "upload_timeout", "the server took nothing and did not answer in time"},
	{35, "upload_timeout", "the server did not answer in time"},
};

/* Codes after a successful login. */
static const struct rsync_code rsync_ends[] = {
	{12, "upload_failed", "the connection ended, or the server has no rsync"},
};

/* The failed file is the last one that rsync has printed to the log. */
static void explain_rsync(
	struct upload *u, const struct rsync_code *codes, size_t count, struct err *e)
{
	if (e->reason[0] || !actions_program_failed(u->ctx))
		return;
	for (size_t i = 0; i < count; i++) {
		struct err why = {0};

		if (u->ctx->result.exit_code != codes[i].code)
			continue;
		(void)err_reason(&why, ERR_INPUT, codes[i].reason,
			"%s: %s (rsync ended with %d); the log has the last file", u->login,
			codes[i].words, codes[i].code);
		*e = why;
	}
}

/* With little time left, a stalled server must be reported before the action is out of time. */
static int64_t patience_ms(const struct upload *u, int64_t most_ms)
{
	int64_t half_ms = u->ctx->ops->time_left_ms(u->ctx) / 2 + 1;

	return half_ms < most_ms ? half_ms : most_ms;
}

/*
 * rsync ends if the connection is silent. The relay to the proxy ends a server that talks but
 * accepts nothing. rsync splits the text at spaces outside of quotes.
 */
static void add_ssh(const struct upload *u, struct strv *argv)
{
	strv_push(argv, "-e");
	strv_pushf(argv,
		"ssh -F " GUEST_SSH_CONFIG " '-oProxyCommand=" GUEST_EXECUTOR
		" connect --upload " GUEST_NET_ERROR " %lld %%h %%p'",
		(long long)patience_ms(u, LIMIT_UPLOAD_STALL_MS));
}

static void explain_stall(const struct upload *u, struct err *e)
{
	struct err why = {0};

	if (actions_program_failed(u->ctx) && action_net_take_error(&why))
		*e = why;
}

static int by_rsync(struct upload *u, struct err *e)
{
	int64_t timeout_s = (patience_ms(u, LIMIT_HTTP_STALL_MS) + 999) / 1000;
	struct spawn s = {.directory = u->shown, .agent = true};
	int result;

	strv_push(&s.argv, "rsync");
	strv_push(&s.argv, "-a");
	strv_push(&s.argv, "--del");
	strv_pushf(&s.argv, "--timeout=%lld", (long long)timeout_s);
	strv_push(&s.argv, "--out-format=%n");
	/* The shell of the server must not interpret the path. */
	strv_push(&s.argv, "--protect-args");
	add_ssh(u, &s.argv);
	strv_push(&s.argv, "--");
	strv_push(&s.argv, "./");
	strv_pushf(&s.argv, "%s:%s", u->login, u->path);
	action_net_forget_error();
	result = u->ctx->ops->spawn(u->ctx, &s, e);
	strv_release(&s.argv);
	if (result == 0)
		return 0;
	explain_stall(u, e);
	explain_rsync(u, rsync_codes, ARRAY_SIZE(rsync_codes), e);
	explain_login(u, e);
	explain_rsync(u, rsync_ends, ARRAY_SIZE(rsync_ends), e);
	return -1;
}

/* ---- sftp ---- */

/* The name is relative to the directory here and to the target. */
static int add_name(struct upload *u, const char *name, struct err *e)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return refuse_path(name, "has control characters in its name", e);
	if (!text_is_utf8(name, strlen(name)))
		return refuse_path(
			name, "has a name that is not UTF-8, which only rsync can upload", e);
	node_add_string(u->files, name);
	return u->ctx->ops->tick(u->ctx, e);
}

static int add_file(struct upload *u, const char *path, struct err *e)
{
	u->count++;
	return add_name(u, path, e);
}

static int add_tree(struct upload *u, int dir, const char *prefix, unsigned depth, struct err *e);

static int add_entry(struct upload *u, int dir, const char *prefix, const char *name,
	unsigned depth, struct err *e)
{
	auto_free char *path = mem_printf("%s%s", prefix, name), *below = NULL;
	auto_fd int sub = -1;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "%s", path);
	if (S_ISREG(st.st_mode))
		return add_file(u, path, e);
	if (!S_ISDIR(st.st_mode)) {
		auto_free char *shown = text_safe(path, SHOWN_MAX);
		auto_free char *text = mem_printf("%s: not uploaded: it is a link", shown);

		u->ctx->ops->warn(u->ctx, text);
		return 0;
	}
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return err_sys(e, "%s", path);
	below = mem_printf("%s/", path);
	if (add_name(u, below, e) < 0)
		return -1;
	return add_tree(u, sub, below, depth + 1, e);
}

static int add_tree(struct upload *u, int dir, const char *prefix, unsigned depth, struct err *e)
{
	struct dirent **names = NULL;
	int count, result = 0;

	if (depth > LIMIT_TAR_DEPTH)
		return refuse_path(prefix, "is too deep", e);
	count = scandirat(dir, ".", &names, NULL, alphasort);
	if (count < 0)
		return err_sys(e, "read %s", prefix);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			result = add_entry(u, dir, prefix, name, depth, e);
		free(names[i]);
	}
	free(names);
	return result;
}

/* Run a command of TOOL_NET with u->work as input. */
static int hand_over(struct upload *u, const char *command, bool ssh, struct err *e)
{
	auto_buf struct buf input = {0};
	struct net_call call = {.command = command, .directory = u->shown, .ssh = ssh};

	buf_init(&input, LIMIT_UPLOAD_WORK);
	jsonl_add(&input, u->work);
	call.input = input.data;
	if (input.overflow || u->files->count > LIMIT_UPLOAD_NAMES)
		return err_set(e, ERR_INPUT, "there are too many files to upload");
	if (action_net_run(u->ctx, &call, e) == 0)
		return 0;
	if (ssh)
		explain_login(u, e);
	return -1;
}

static int send_by_sftp(struct upload *u, struct err *e)
{
	node_set_string(u->work, "login", u->login);
	node_set_string(u->work, "path", u->path);
	return hand_over(u, "sftp_put", true, e);
}

static int by_sftp(struct upload *u, struct err *e)
{
	if (add_tree(u, u->dir, "", 0, e) < 0)
		return -1;
	if (!u->count)
		return err_set(e, ERR_INPUT, "there is nothing to upload in %s", u->shown);
	return send_by_sftp(u, e);
}

/* ---- Debian packages ---- */

/*
 * Fields that list files: the last word of each line is a name (Debian Policy, 5.6.21 and 5.6.24).
 */
static bool lists_files(const char *line)
{
	static const char *const fields[] = {"Files:", "Checksums-Sha1:", "Checksums-Sha256:"};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strncasecmp(line, fields[i], strlen(fields[i])) == 0)
			return true;
	return false;
}

/* A name of a package file cannot be a path or an option. */
static bool is_package_file(const char *name)
{
	static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789.+~_:-";

	return name[0] && name[0] != '.' && name[0] != '-' && strlen(name) <= LIMIT_NAME_BYTES &&
		strspn(name, known) == strlen(name);
}

static int check_listed(struct upload *u, const char *changes, const char *name, struct err *e)
{
	auto_free char *shown = text_safe(name, SHOWN_MAX);
	auto_fd int fd = -1;
	struct stat st;

	if (!is_package_file(name))
		return err_set(e, ERR_INPUT,
			"%s lists '%s', which is not the name of a file next to it: nothing is "
			"uploaded",
			changes, shown);
	fd = openat(u->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT,
			"%s lists '%s', but there is no such file next to it: nothing is uploaded",
			changes, shown);
	return 0;
}

/* Get the names, each once, in order of appearance. Modifies the text. */
static int read_names(
	struct upload *u, const char *changes, char *text, struct strv *names, struct err *e)
{
	bool in_list = false;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *name;

		if (line[0] != ' ' && line[0] != '\t') {
			in_list = lists_files(line);
			continue;
		}
		line[strcspn(line, "\r")] = '\0';
		name = strrchr(line, ' ');
		if (!in_list || !name)
			continue;
		if (check_listed(u, changes, name + 1, e) < 0)
			return -1;
		if (!strv_has(names, name + 1))
			strv_push(names, name + 1);
	}
	return 0;
}

static int add_changes(struct upload *u, const char *changes, struct err *e)
{
	auto_fd int fd = openat(u->dir, changes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_buf struct buf text = {0};
	auto_strv struct strv names = {0};

	buf_init(&text, LIMIT_YAML_BYTES);
	if (!is_package_file(changes) || fd < 0)
		return refuse_path(changes, "is not a .changes file", e);
	if (fd_read_to_end(fd, changes, &text, e) < 0 ||
		read_names(u, changes, text.data, &names, e) < 0)
		return -1;
	if (!names.count)
		return err_set(e, ERR_INPUT, "%s lists no files", changes);
	/* The archive processes a .changes file when it arrives, so it is uploaded last. */
	strv_push(&names, changes);
	strv_each (&names, name)
		if (add_file(u, *name, e) < 0)
			return -1;
	return 0;
}

static int is_changes(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && strcmp(dot, ".changes") == 0;
}

/* *ret_count: of .changes files in the directory. Checks all files before the first is uploaded. */
static int add_changes_here(struct upload *u, int *ret_count, struct err *e)
{
	struct dirent **names = NULL;
	int count = scandirat(u->dir, ".", &names, is_changes, alphasort), result = 0;

	if (count < 0)
		return err_sys(e, "read %s", u->shown);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = add_changes(u, names[i]->d_name, e);
		free(names[i]);
	}
	free(names);
	*ret_count = count;
	return result;
}

/* Where deb2 leaves them, if they are not in the directory itself. */
static int add_all_changes(struct upload *u, struct err *e)
{
	auto_fd int top = -1;
	int count = 0;

	if (add_changes_here(u, &count, e) < 0)
		return -1;
	if (count)
		return 0;
	top = u->dir;
	u->dir = -1;
	if (faccessat(top, ARTIFACTS_DEBIAN, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		(enter(u, top, ARTIFACTS_DEBIAN, e) < 0 || add_changes_here(u, &count, e) < 0))
		return -1;
	return count ? 0 : err_set(e, ERR_INPUT, "there is no .changes file in %s", u->shown);
}

static int by_changes(struct upload *u, struct err *e)
{
	return add_all_changes(u, e) < 0 ? -1 : send_by_sftp(u, e);
}

static int by_put(struct upload *u, struct err *e)
{
	size_t len = strlen(u->path);
	auto_free char *url =
		mem_printf("%s%s%s", u->login, u->path, len && u->path[len - 1] == '/' ? "" : "/");

	node_set_string(u->work, "url", url);
	return add_all_changes(u, e) < 0 ? -1 : hand_over(u, "http_put", false, e);
}

/* ---- the step ---- */

int delivery_upload(struct action_ctx *ctx, const struct node *args, const char *top, struct err *e)
{
	const char *method = schema_text(params, args, "method");
	struct upload u = {.ctx = ctx,
		.dir = -1,
		.login = schema_text(params, args, "login"),
		.path = schema_text(params, args, "path")};
	auto_node struct node *work = node_map();
	int result = find_directory(&u, top, schema_text(params, args, "artifacts"), e);

	u.work = work;
	u.files = node_set_list(work, "files");
	if (result == 0 && strcmp(method, UPLOAD_RSYNC) == 0)
		result = by_rsync(&u, e);
	else if (result == 0 && strcmp(method, UPLOAD_SFTP) == 0)
		result = by_sftp(&u, e);
	else if (result == 0 && strcmp(method, UPLOAD_PUT) == 0)
		result = by_put(&u, e);
	else if (result == 0)
		result = by_changes(&u, e);
	fd_close(u.dir);
	return result;
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	return delivery_upload(ctx, args, GUEST_ARTIFACTS, e);
}

const struct action action_upload = {
	.name = "upload",
	.summary = "Upload artifacts to a host, in a trusted VM.",
	.where = IN_STEP,
	.params = params,
	.run = run,
};
