/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sshagent_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/limits.h"
#include "base/fit.h"
#include "base/text.h"

enum { SHOWN_MAX = 64 };

void sshagent_session_init(struct sshagent_session *s)
{
	*s = (struct sshagent_session){0};
	buf_init(&s->host_key, LIMIT_AGENT_MESSAGE);
}

void sshagent_session_release(struct sshagent_session *s)
{
	buf_release(&s->host_key);
}

static struct sshbytes bound_key(const struct sshagent_session *s)
{
	return (struct sshbytes){(const uint8_t *)s->host_key.data, s->host_key.len};
}

/* ---- refusing ---- */

PRINTF_LIKE(4, 5)
static bool refuse(
	struct buf *reply, struct sshagent_report *r, const char *reason, const char *fmt, ...)
{
	va_list ap;

	buf_clear(reply);
	buf_addc(reply, (char)SSHAGENT_FAILURE);
	r->verdict = SSHAGENT_REFUSED;
	(void)snprintf(r->reason, sizeof(r->reason), "%s", reason);
	va_start(ap, fmt);
	fit_vformat(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
	return true;
}

static void set_fingerprint(struct sshagent_report *r, struct sshbytes key)
{
	auto_buf struct buf text = {0};

	buf_init(&text, sizeof(r->key) - 1);
	sshkey_fingerprint(&text, key);
	(void)snprintf(r->key, sizeof(r->key), "%s", text.data);
}

/* ---- binding ---- */

static const struct sshagent_login *login_at(
	const struct sshagent_rules *r, struct sshbytes host_key, size_t from)
{
	for (size_t i = from; i < r->login_count; i++)
		if (knownhosts_have(r->logins[i].known, host_key))
			return &r->logins[i];
	return NULL;
}

static bool bind(struct sshagent_state *a, struct sshagent_session *s,
	const struct sshagent_request *q, struct buf *reply, struct sshagent_report *r)
{
	if (s->bound)
		return refuse(
			reply, r, "bound_twice", "the connection is bound to a session already");
	if (q->forwarding)
		return refuse(
			reply, r, "forwarding", "the agent is not forwarded to other machines");
	if (q->session.len < SSHAGENT_SESSION_MIN || q->session.len > SSHAGENT_SESSION_MAX)
		return refuse(reply, r, "malformed", "this is not a session identifier");
	if (!login_at(a->rules, q->host_key, 0)) {
		set_fingerprint(r, q->host_key);
		return refuse(reply, r, "host",
			"the host of the session is not configured: its key is in no known_hosts "
			"file");
	}
	if (!sshkey_verify(q->host_key, q->session, q->signature))
		return refuse(
			reply, r, "host_signature", "the host's signature of the session is wrong");
	s->bound = true;
	memcpy(s->id, q->session.data, q->session.len);
	s->id_len = q->session.len;
	buf_add(&s->host_key, q->host_key.data, q->host_key.len);
	buf_addc(reply, (char)SSHAGENT_SUCCESS);
	return false;
}

/* ---- signing ---- */

static size_t find_key(const struct sshagent_rules *r, struct sshbytes key)
{
	size_t i = 0;

	while (i < r->key_count && !sshbytes_equal(r->keys[i].public_key, key))
		i++;
	return i;
}

/*
 * The login that allows this key and user at the host of the session. NULL: none; *ret_host is then
 * the last host with this host key.
 */
static const struct sshagent_login *find_login(const struct sshagent_rules *r,
	const struct sshagent_session *s, size_t key, struct sshbytes user, const char **ret_host)
{
	const struct sshagent_login *l = NULL;

	for (size_t i = 0; (l = login_at(r, bound_key(s), i)); i = (size_t)(l - r->logins) + 1) {
		*ret_host = l->host;
		if (l->key == key && sshbytes_are(user, l->user))
			return l;
	}
	return NULL;
}

static const char certificate_suffix[] = SSHKEY_CERTIFICATE_SUFFIX;

/*
 * The login must name the key itself or its configured certificate, with an algorithm of the key;
 * for rsa, the one requested by the flags. *ret_plain is the algorithm without the certificate
 * suffix.
 */
static bool is_algorithm(const struct sshkey *k, const struct sshagent_login *l,
	const struct sshagent_userauth *u, uint32_t flags, struct sshbytes *ret_plain)
{
	size_t suffix = strlen(certificate_suffix);
	const char *wanted = flags == SSHAGENT_FLAG_SHA256 ? "rsa-sha2-256"
		: flags == SSHAGENT_FLAG_SHA512            ? "rsa-sha2-512"
							   : "ssh-rsa";

	*ret_plain = u->algorithm;
	if (!sshbytes_equal(u->key, k->public_key)) {
		if (!l->certificate.len || !sshbytes_equal(u->key, l->certificate) ||
			u->algorithm.len <= suffix ||
			memcmp(u->algorithm.data + u->algorithm.len - suffix, certificate_suffix,
				suffix) != 0)
			return false;
		ret_plain->len -= suffix;
	}
	if (!sshkey_knows(k->type, *ret_plain))
		return false;
	return !sshbytes_are(k->type, "ssh-rsa") || sshbytes_are(*ret_plain, wanted);
}

static bool sign(struct sshagent_state *a, size_t key, struct sshbytes algorithm,
	struct sshbytes data, struct buf *reply, struct sshagent_report *r)
{
	auto_buf struct buf signature = {0};
	struct err e = {0};

	if (a->signatures >= LIMIT_AGENT_SIGNATURES)
		return refuse(reply, r, "limit", "the machine has used all of its %d signatures",
			LIMIT_AGENT_SIGNATURES);
	buf_init(&signature, LIMIT_AGENT_MESSAGE);
	if (sshkey_sign(&a->keys[key], algorithm, data, &signature, &e) < 0)
		return refuse(reply, r, "failed", "%s", e.msg);
	a->signatures++;
	buf_addc(reply, (char)SSHAGENT_SIGN_RESPONSE);
	sshwire_put_string(reply, signature.data, signature.len);
	r->verdict = SSHAGENT_SIGNED;
	return true;
}

/* The data are a login; check that it is a configured one. */
static bool sign_login(struct sshagent_state *a, const struct sshagent_session *s,
	const struct sshagent_request *q, const struct sshagent_userauth *u, struct buf *reply,
	struct sshagent_report *r)
{
	size_t key = find_key(a->rules, q->key);
	const struct sshagent_login *login;
	struct sshbytes algorithm;
	const char *host = "";

	login = find_login(a->rules, s, key, u->user, &host);
	(void)snprintf(r->host, sizeof(r->host), "%s", host);
	if (!login)
		return refuse(reply, r, "user",
			"the configuration does not let this user log in to %s with this key",
			host);
	if (u->host_key.len && !sshbytes_equal(u->host_key, bound_key(s)))
		return refuse(
			reply, r, "session", "the login is for another host than the session");
	if (!is_algorithm(&a->keys[key], login, u, q->flags, &algorithm))
		return refuse(reply, r, "algorithm",
			"the login is with another key or certificate, or by an algorithm that is "
			"not allowed");
	return sign(a, key, algorithm, q->data, reply, r);
}

static bool answer_signature(struct sshagent_state *a, const struct sshagent_session *s,
	const struct sshagent_request *q, struct buf *reply, struct sshagent_report *r)
{
	struct sshagent_userauth u;
	auto_free char *user = NULL, *shown = NULL;

	set_fingerprint(r, q->key);
	if (find_key(a->rules, q->key) == a->rules->key_count)
		return refuse(reply, r, "key", "the key %s is not one that it offers", r->key);
	if (!sshagent_read_userauth(q->data, &u))
		return refuse(
			reply, r, "data", "the data to be signed is not a login with this key");
	user = mem_strndup((const char *)u.user.data, u.user.len);
	shown = text_safe(user, SHOWN_MAX);
	(void)snprintf(r->user, sizeof(r->user), "%s", shown);
	if (!s->bound)
		return refuse(reply, r, "unbound",
			"the connection has not proved that the login is to a configured host");
	if (!sshbytes_equal(u.session, (struct sshbytes){s->id, s->id_len}))
		return refuse(reply, r, "session", "the login is for another session");
	return sign_login(a, s, q, &u, reply, r);
}

/* ---- answering ---- */

static void list_keys(const struct sshagent_rules *rules, struct buf *reply)
{
	buf_addc(reply, (char)SSHAGENT_IDENTITIES_ANSWER);
	sshwire_put_u32(reply, (uint32_t)rules->key_count);
	for (size_t i = 0; i < rules->key_count; i++) {
		const struct sshagent_key *k = &rules->keys[i];

		sshwire_put_string(reply, k->public_key.data, k->public_key.len);
		sshwire_put_text(reply, k->name);
	}
}

bool sshagent_answer(struct sshagent_state *a, struct sshagent_session *s, struct sshbytes message,
	struct buf *reply, struct sshagent_report *ret_report)
{
	struct sshagent_request q;

	*ret_report = (struct sshagent_report){.verdict = SSHAGENT_REFUSED};
	sshagent_read_request(message, &q);
	switch (q.kind) {
	case SSHAGENT_ASKS_KEYS:
		list_keys(a->rules, reply);
		return false;
	case SSHAGENT_ASKS_SIGNATURE:
		return answer_signature(a, s, &q, reply, ret_report);
	case SSHAGENT_BINDS:
		return bind(a, s, &q, reply, ret_report);
	case SSHAGENT_ASKS_OTHER:
		return refuse(reply, ret_report, "request",
			"it only lists keys and signs logins (message %u)", q.type);
	case SSHAGENT_MALFORMED:
		break;
	}
	return refuse(
		reply, ret_report, "malformed", "the message is incomplete (message %u)", q.type);
}
