/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "agent/limits.h"
#include "base/clock.h"
#include "base/fit.h"
#include "base/num.h"
#include "base/text.h"
#include "egress/proxy.h"
#include "hostkey/report.h"
#include "jail/jail.h"
#include "jail/sidecar.h"
#include "os/fd.h"
#include "os/sig.h"

enum { WORDS_MAX = 600 };

/* A question in progress: one server. */
struct asking {
	struct ask_question *question;
	struct sidecar program;
	struct proxy proxy;
	struct hostkey_report last; /* the last report of the program */
	bool over;                  /* the program has ended or sent its last report */

	/* The report of the proxy about the connection. */
	bool refused;
	char *proxy_words;
};

void ask_release(struct ask_question *q)
{
	buf_release(&q->key);
	free(q->words);
	q->words = NULL;
}

/* ---- starting ---- */

static int start_program(const char *program, const struct ask_question *q, uid_t uid, gid_t gid,
	int *ret_listener, struct sidecar *ret, struct err *e)
{
	auto_jail struct jail j;

	jail_init(&j, HOSTKEY_PROGRAM);
	j.program = program;
	j.no_children = true;
	j.max_files = LIMIT_HOSTKEY_FILES;
	j.max_memory = LIMIT_HOSTKEY_MEMORY;
	j.max_cpu_seconds = LIMIT_HOSTKEY_CPU_SECONDS;
	j.uid = uid;
	j.gid = gid;
	jail_device(&j, "/dev/null");
	jail_listen(&j, HOSTKEY_PROXY_PORT, ret_listener);
	strv_push(&j.argv, HOSTKEY_PROGRAM);
	strv_push(&j.argv, q->host);
	strv_push_all(&j.argv, q->types);
	return sidecar_start(&j, HOSTKEY_REPORTS, ret, e);
}

static int start(
	const char *program, const struct strv *allow_private, struct asking *a, struct err *e)
{
	static const struct strv nothing = {0};
	auto_egress struct egress allow = {0};
	auto_fd int listener = -1;
	uid_t uid;
	gid_t gid;

	if (egress_add_config(&allow, &nothing, allow_private, e) < 0 ||
		egress_add_target(&allow, a->question->host, HOSTKEY_SSH_PORT, "doctor", e) < 0 ||
		jail_vm_user(NULL, &uid, &gid, e) < 0 ||
		start_program(program, a->question, uid, gid, &listener, &a->program, e) < 0)
		return -1;
	return proxy_start(listener, &allow, uid, gid, &a->proxy, e);
}

/* ---- listening ---- */

static bool is_last(const struct hostkey_report *r)
{
	return r->kind >= HOSTKEY_KEY;
}

static void take_report(void *arg, const void *report)
{
	struct asking *a = arg;

	if (!is_last(&a->last))
		memcpy(&a->last, report, sizeof(a->last));
}

/* Receive reports until all programs have ended, the time limit, or a signal. */
static int listen_to(struct asking *all, size_t count, int64_t deadline_ms, struct err *e)
{
	struct pollfd set[LIMIT_HOSTKEY_AT_ONCE + 1];
	size_t open = count;

	while (open > 0 && clock_ms() < deadline_ms) {
		for (size_t i = 0; i < count; i++)
			set[i] = (struct pollfd){
				.fd = all[i].over ? -1 : all[i].program.reports, .events = POLLIN};
		set[count] = (struct pollfd){.fd = sig_fd(), .events = POLLIN};
		if (poll(set, count + 1, clock_poll_timeout(deadline_ms)) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (sig_check(e) < 0)
			return -1;
		for (size_t i = 0; i < count; i++)
			if (set[i].revents && !all[i].over &&
				(sidecar_read(&all[i].program, sizeof(all[i].last), take_report,
					 &all[i]) < 0 ||
					is_last(&all[i].last))) {
				all[i].over = true;
				open--;
			}
	}
	return 0;
}

/* ---- evaluation ---- */

static void on_proxy_event(void *arg, const struct event *ev)
{
	struct asking *a = arg;

	if (ev->type != EVENT_EGRESS)
		return;
	a->refused = strcmp(node_get_text(ev->fields, "verdict", ""), "refused") == 0;
	free(a->proxy_words);
	a->proxy_words = mem_strdup(node_get_text(ev->fields, "message", ""));
}

static void answer(struct ask_question *q, enum ask_outcome outcome, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static void answer(struct ask_question *q, enum ask_outcome outcome, const char *fmt, ...)
{
	char words[WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(words, sizeof(words), fmt, ap);
	va_end(ap);
	q->outcome = outcome;
	q->words = mem_strdup(words);
}

static void answer_unconnected(struct asking *a)
{
	bool told = a->last.kind == HOSTKEY_NO_CONNECTION && a->proxy_words && *a->proxy_words;

	if (told)
		answer(a->question, a->refused ? ASK_FORBIDDEN : ASK_UNREACHABLE, "%s",
			a->proxy_words);
	else
		answer(a->question, ASK_UNREACHABLE, "no connection to '%s', port %d, within %s",
			a->question->host, HOSTKEY_SSH_PORT, num_show_duration(LIMIT_HOSTKEY_MS).s);
}

static void answer_key(struct ask_question *q, const struct hostkey_report *r)
{
	if (r->key_len == 0 || r->key_len > sizeof(r->key)) {
		answer(q, ASK_FAILED, "'%s' sent an invalid key", q->host);
		return;
	}
	q->outcome = ASK_KEY;
	buf_init(&q->key, HOSTKEY_KEY_MAX);
	buf_add(&q->key, r->key, r->key_len);
}

/* The report is untrusted: it is derived from data of the server. */
static void answer_all(struct asking *a)
{
	struct ask_question *q = a->question;
	auto_free char *text =
		mem_strndup(a->last.text, strnlen(a->last.text, sizeof(a->last.text)));
	auto_free char *safe = text_safe(text, HOSTKEY_TEXT_MAX);
	const struct num_text time = num_show_duration(LIMIT_HOSTKEY_MS);

	if (a->over && !is_last(&a->last)) {
		answer(q, ASK_FAILED, HOSTKEY_PROGRAM " ended without an answer from '%s'",
			q->host);
		return;
	}
	switch ((enum hostkey_report_kind)a->last.kind) {
	case HOSTKEY_CONNECTED:
		answer(q, ASK_SILENT, "'%s' sent no ssh identification within %s", q->host, time.s);
		return;
	case HOSTKEY_GREETED:
		answer(q, ASK_SILENT, "'%s' stopped in the middle of the key exchange", q->host);
		return;
	case HOSTKEY_KEY:
		answer_key(q, &a->last);
		return;
	case HOSTKEY_CLOSED:
		answer(q, ASK_UNREACHABLE, "'%s' closed the connection at once", q->host);
		return;
	case HOSTKEY_NOT_SSH:
		answer(q, ASK_NOT_SSH,
			"what answers at port %d of '%s' is not an ssh server; it sent '%s'",
			HOSTKEY_SSH_PORT, q->host, safe);
		return;
	case HOSTKEY_FAILED:
		answer(q, ASK_FAILED, "the key exchange with '%s' failed: %s", q->host, safe);
		return;
	case HOSTKEY_NO_CONNECTION:
		break;
	}
	answer_unconnected(a);
}

static int finish(struct asking *a, struct err *e)
{
	const struct event_sink sink = {.event = on_proxy_event, .arg = a};

	/* Reports that arrived while the loop was busy with a program that sent too many. */
	jail_kill(&a->program.pid);
	if (!a->over)
		(void)sidecar_read(&a->program, sizeof(a->last), take_report, a);
	sidecar_kill(&a->program);
	if (proxy_stop(&a->proxy, &sink, "doctor", SOURCE_PRE_PLAN, e) < 0)
		return -1;
	answer_all(a);
	return 0;
}

static void release(struct asking *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sidecar_kill(&all[i].program);
		proxy_kill(&all[i].proxy);
		free(all[i].proxy_words);
	}
}

static int ask_some(const char *program, const struct strv *allow_private,
	struct ask_question *questions, size_t count, struct err *e)
{
	struct asking all[LIMIT_HOSTKEY_AT_ONCE];
	int result = 0;

	for (size_t i = 0; i < count; i++)
		all[i] = (struct asking){
			.question = &questions[i], .program = SIDECAR_NONE, .proxy = PROXY_NONE};
	for (size_t i = 0; result == 0 && i < count; i++)
		result = start(program, allow_private, &all[i], e);
	if (result == 0)
		result = listen_to(all, count, clock_ms() + LIMIT_HOSTKEY_MS, e);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = finish(&all[i], e);
	release(all, count);
	return result;
}

int ask_hosts(const char *program, const struct strv *allow_private, struct ask_question *questions,
	size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i += LIMIT_HOSTKEY_AT_ONCE) {
		size_t left = count - i;

		if (ask_some(program, allow_private, questions + i,
			    left < LIMIT_HOSTKEY_AT_ONCE ? left : LIMIT_HOSTKEY_AT_ONCE, e) < 0)
			return -1;
	}
	return 0;
}
