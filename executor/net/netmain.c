/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambient-net: the program for network access in a trusted machine, for the step `net`.
 *
 *     ambient-net COMMAND <WORK
 *
 * WORK is JSON on standard input; files are in the working directory.
 *
 * It is a separate program because its libraries cannot be linked statically, while the executor
 * must run in every image (docs/decisions). Its libraries are in the trusted image. Progress is
 * written to standard output. On failure the reason and the message are written to GUEST_NET_ERROR,
 * for the step, and the message to standard error, for users.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "contract/contract.h"
#include "data/jsonl.h"
#include "data/node.h"
#include "executor/limits.h"
#include "executor/net/errorfile.h"
#include "executor/net/getfiles.h"
#include "executor/net/gitdeps.h"
#include "executor/net/login.h"
#include "executor/net/room.h"
#include "os/fd.h"
#include "os/inherit.h"
#include "transfer/gitget.h"
#include "transfer/gitmirror.h"
#include "transfer/http.h"
#include "transfer/sftpput.h"
#include "transfer/sshcheck.h"

enum { PARALLEL = 32, TRIES = 4 };

static void tell(void *arg, const char *line)
{
	(void)arg;
	(void)printf("%s\n", line);
	(void)fflush(stdout);
}

/* The time at which the transfers must have ended; 0: no limit. */
static int64_t end_of_time(void)
{
	uint64_t left = room_said(GUEST_TIME_LEFT, 0);
	int64_t end;

	return left && !__builtin_add_overflow(clock_ms(), (int64_t)left, &end) ? end : 0;
}

/*
 * With little time left, a stalled server must be reported before the time limit ends the action.
 */
static int64_t patience(void)
{
	uint64_t half = room_said(GUEST_TIME_LEFT, UINT64_MAX) / 2;

	return half < LIMIT_HTTP_STALL_MS ? (int64_t)half + 1 : LIMIT_HTTP_STALL_MS;
}

/* The caller closes o->dir_fd. */
static int prepare(struct transfer_options *o, struct err *e)
{
	const char *near = getenv(GUEST_NEAR_PROXY);

	*o = (struct transfer_options){
		.dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.proxy = near ? near : GUEST_PROXY_URL,
		.parallel = PARALLEL,
		.tries = TRIES,
		.pause_ms = LIMIT_HTTP_PAUSE_MS,
		.connect_ms = LIMIT_HTTP_CONNECT_MS,
		.stall_ms = patience(),
		.end_ms = end_of_time(),
		.report_ms = LIMIT_HTTP_REPORT_MS,
		.tell = tell,
		.certificates = access(GUEST_CERTIFICATES, F_OK) == 0 ? GUEST_CERTIFICATES : NULL,
	};
	if (o->dir_fd < 0)
		return err_sys(e, "the working directory");
	return 0;
}

/* `ssh` is filled, and borrowed by the result. */
static struct gitrun_server server_of(const struct node *work, const char *key, struct strv *ssh)
{
	return login_server(node_get_text(work, key, NULL), ssh);
}

static int get_commit(const struct node *work, const struct transfer_options *o, struct err *e)
{
	auto_strv struct strv ssh = {0};
	const struct gitget g = {.server = server_of(work, "url", &ssh),
		.commit = node_get_text(work, "commit", NULL),
		.name = node_get_text(work, "name", NULL),
		.dir = GUEST_DEPS};
	auto_strv struct strv replaced = {0};
	struct transfer_options bounded = *o;

	if (!g.server.url || !g.commit || !g.name)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	strv_push(&replaced, g.name);
	if (room_find(&bounded, &replaced, 0, e) < 0)
		return -1;
	return gitget(&g, &bounded, e);
}

static int mirror(const struct node *work, const struct transfer_options *o, struct err *e)
{
	auto_strv struct strv ssh = {0};
	const struct gitmirror m = {.server = server_of(work, "git", &ssh),
		.ref = node_get_text(work, "ref", NULL),
		.dir = GUEST_MIRROR,
		.name = "mirror",
		.limit = "mirror_max_size"};
	struct transfer_options bounded = *o;

	if (!m.server.url)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	room_whole(&bounded);
	return gitmirror(&m, &bounded, e);
}

/* Only the header section of the answer is read. */
static int ask_server(const struct node *work, const struct transfer_options *o, struct err *e)
{
	const char *url = node_get_text(work, "url", NULL);

	if (!url)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	return http_probe(url, "Accept: */*", o, e);
}

/* In order, because the archive processes the last file when it arrives. */
static int put_files(const struct node *work, const struct transfer_options *o, struct err *e)
{
	const char *url = node_get_text(work, "url", NULL);
	const struct node *file;

	if (!url)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	node_each (node_get(work, "files"), file)
		if (http_put(url, file->text, o, e) < 0)
			return -1;
	return 0;
}

static int put_by_sftp(const struct node *work, const struct transfer_options *o, struct err *e)
{
	const char *login = node_get_text(work, "login", NULL);
	auto_strv struct strv argv = {0};
	const struct sftpput p = {.ssh = &argv,
		.host = login,
		.path = node_get_text(work, "path", NULL),
		.entries = node_get(work, "files")};

	if (!login || !p.path)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	login_add_ssh(&argv);
	strv_push(&argv, "-oBatchMode=yes");
	strv_push(&argv, "-s");
	strv_push(&argv, "--");
	strv_push(&argv, login);
	strv_push(&argv, "sftp");
	return sftpput(&p, o, e);
}

static int check_login(const struct node *work, const struct transfer_options *o, struct err *e)
{
	const char *login = node_get_text(work, "login", NULL);
	auto_strv struct strv ssh = {0};

	if (!login)
		return err_set(e, ERR_INPUT, "the request is incomplete");
	login_add_ssh(&ssh);
	return sshcheck(&ssh, login, &sshcheck_of_upload, o, e);
}

/* Through the proxy, which alone can look up a name. */
static int look_up(const struct node *work, const struct transfer_options *o, struct err *e)
{
	auto_free char *host = mem_strdup(node_get_text(work, "domain", ""));
	char *colon = strrchr(host, ':');
	uint64_t port = 80;

	if (colon && num_parse_u64(colon + 1, UINT16_MAX, &port, e) < 0)
		return -1;
	if (colon)
		*colon = '\0';
	return http_tunnel(host, (unsigned)port, o, e);
}

static const struct {
	const char *name;
	int (*run)(const struct node *work, const struct transfer_options *o, struct err *e);
} commands[] = {
	{"http_get", getfiles_named},
	{"npm_get", getfiles_locked},
	{"git_get", get_commit},
	{"git_deps", gitdeps},
	{"git_mirror", mirror},
	{"http_probe", ask_server},
	{"http_put", put_files},
	{"sftp_put", put_by_sftp},
	{"ssh_check", check_login},
	{"dns", look_up},
};

static int run(const char *command, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_node struct node *work = NULL;
	struct transfer_options o;
	int result;

	buf_init(&text, LIMIT_UPLOAD_WORK); /* the largest limit of all commands */
	if (fd_read_to_end(STDIN_FILENO, "standard input", &text, e) < 0 ||
		jsonl_parse(text.data, text.len, "standard input", &work, e) < 0 ||
		http_init(e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, command) != 0)
			continue;
		result = prepare(&o, e) < 0 ? -1 : commands[i].run(work, &o, e);
		fd_close(o.dir_fd);
		return result;
	}
	return err_set(e, ERR_INPUT, "unknown command '%s'", command);
}

/* If the file cannot be written, the action fails without a reason. */
static int complain(const struct err *e)
{
	struct err unwritten = {0};

	if (errorfile_write(GUEST_NET_ERROR, e, &unwritten) < 0)
		(void)fprintf(stderr, "ERROR: %s\n", unwritten.msg);
	(void)fprintf(stderr, "ERROR: %s\n", e->msg);
	return 1;
}

int main(int argc, char **argv)
{
	struct err e = {0};

	if (inherit_mend(&e) < 0)
		return complain(&e);
	if (argc != 2) {
		(void)fprintf(stderr, "usage: ambient-net COMMAND <WORK\n");
		return 2;
	}
	return run(argv[1], &e) < 0 ? complain(&e) : 0;
}
