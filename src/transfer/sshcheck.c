/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/sshcheck.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/proc.h"

enum { LOG_MAX = 256 * 1024, SHOWN_MAX = 300, SSH_PORT = 22 };

const struct sshcheck_reasons sshcheck_of_fetch = {
	.unreachable = "fetch_unreachable",
	.refused = "fetch_refused",
	.timeout = "fetch_timeout",
	.host_key = "fetch_host_key",
};

const struct sshcheck_reasons sshcheck_of_upload = {
	.unreachable = "upload_unreachable",
	.refused = "upload_refused",
	.timeout = "upload_timeout",
	.host_key = "upload_host_key",
};

/* The status of the proxy reaches http_tunnel in a form that a server cannot forge. */
static int check_proxy(const char *login, const struct sshcheck_reasons *r,
	const struct transfer_options *o, struct err *e)
{
	const char *at = strrchr(login, '@');
	struct transfer_options once = *o;
	struct err why = {0};

	if (!o->proxy)
		return 0;
	once.tries = 1;
	if (http_tunnel(at ? at + 1 : login, SSH_PORT, &once, &why) == 0)
		return 0;
	if (strcmp(why.reason, "fetch_refused") == 0)
		return err_reason(e, ERR_INPUT, r->refused, "%s", why.msg);
	if (strcmp(why.reason, "fetch_unreachable") == 0)
		return err_reason(e, ERR_INPUT, r->unreachable, "%s", why.msg);
	if (strcmp(why.reason, "fetch_timeout") == 0)
		return err_reason(e, ERR_INPUT, r->timeout, "%s", why.msg);
	*e = why;
	return -1;
}

struct waiting {
	const char *login;
	const struct sshcheck_reasons *r;
	int64_t until_ms, stall_ms;
};

static int look(void *arg, pid_t group, struct err *e)
{
	const struct waiting *w = arg;
	auto_free char *login = text_safe(w->login, SHOWN_MAX);

	(void)group;
	if (clock_ms() < w->until_ms)
		return 0;
	return err_reason(e, ERR_INPUT, w->r->timeout,
		"%s: the ssh server did not answer within %s", login,
		num_show_duration(w->stall_ms).s);
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (strncmp(at, line, len) == 0 && strchr("\r\n", at[len]))
			return true;
	return false;
}

static void add_words(struct strv *argv, const struct strv *ssh, const char *login, int log)
{
	strv_push_all(argv, ssh);
	strv_pushf(argv, "-E/proc/%d/fd/%d", (int)getpid(), log);
	strv_push(argv, "-T");
	strv_push(argv, "-oLogLevel=INFO");
	strv_push(argv, "-oBatchMode=yes");
	strv_push(argv, "-oPreferredAuthentications=none");
	strv_push(argv, "--");
	strv_push(argv, login);
	strv_push(argv, "true");
}

int sshcheck(const struct strv *ssh, const char *login, const struct sshcheck_reasons *r,
	const struct transfer_options *o, struct err *e)
{
	struct waiting w = {.login = login,
		.r = r,
		.until_ms = clock_ms() + o->stall_ms,
		.stall_ms = o->stall_ms};
	const struct proc_watch watch = {.look = look, .arg = &w};
	auto_free char *shown = text_safe(login, SHOWN_MAX);
	auto_free char *text = mem_alloc(LOG_MAX + 1);
	auto_strv struct strv argv = {0};
	auto_buf struct buf dropped = {0};
	auto_fd int log = fd_memory("ssh", e);
	ssize_t n;

	if (log < 0 || check_proxy(login, r, o, e) < 0)
		return -1;
	buf_init(&dropped, 1);
	add_words(&argv, ssh, login, log);
	if (proc_run_watched(&argv, &dropped, &watch, e) < 0)
		return -1;
	n = fd_pread_full(log, text, LOG_MAX, 0);
	if (n < 0)
		return err_sys(e, "the log of ssh");
	text[n] = '\0';
	if (has_line(text, "Host key verification failed."))
		return err_reason(e, ERR_INPUT, r->host_key,
			"%s presents a host key that is not in known_hosts: nothing was sent to it",
			shown);
	return 0;
}
