/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/doctor_ssh.h"

#include <string.h>

#include "agent/ask.h"
#include "agent/knownhosts.h"
#include "agent/sshkey.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "secrets/secret_read.h"

enum { FINGERPRINT_MAX = 100, TYPE_MAX = 64 };

/* One entry of the configuration, or several that do not differ for this check. */
struct host {
	const struct credential_host *from;
	struct vault text; /* contents of the known_hosts file */
	size_t len;
	struct knownhosts known;
	struct strv types;         /* types of the known keys */
	struct ask_question asked; /* empty if the file cannot be read */
	struct err unreadable;
};

struct hosts {
	struct host *items;
	size_t count;
};

static void release(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++) {
		vault_free(&h->items[i].text);
		knownhosts_release(&h->items[i].known);
		strv_release(&h->items[i].types);
		ask_release(&h->items[i].asked);
	}
	free(h->items);
}
#define auto_hosts __attribute__((cleanup(release)))

/* ---- known hosts ---- */

static char *type_of(struct sshbytes key)
{
	struct sshwire w = sshwire_over(key.data, key.len);
	struct sshbytes type = sshwire_string(&w);

	if (!type.len)
		return mem_strdup("(unknown)");
	return mem_strndup((const char *)type.data, type.len < TYPE_MAX ? type.len : TYPE_MAX);
}

static struct sshbytes bytes_of(const struct buf *b)
{
	return (struct sshbytes){(const uint8_t *)b->data, b->len};
}

static void read_known(struct host *h)
{
	if (secret_read_public(h->from->known_hosts, LIMIT_SSH_FILE_BYTES, &h->text, &h->len,
		    &h->unreadable) < 0)
		return;
	knownhosts_read(h->text.data, h->len, h->from->host, &h->known);
	for (size_t i = 0; i < h->known.count; i++)
		strv_push_owned(&h->types, type_of(bytes_of(&h->known.keys[i])));
}

static bool is_same(const struct credential_host *a, const struct credential_host *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->known_hosts, b->known_hosts) == 0 &&
		a->ssh_agent == b->ssh_agent;
}

/* Entries may also differ by user, which does not matter here. */
static void take(struct hosts *all, const struct credential_host *from)
{
	struct host *h = &all->items[all->count];

	for (size_t i = 0; i < all->count; i++)
		if (is_same(all->items[i].from, from))
			return;
	all->count++;
	h->from = from;
	read_known(h);
}

/* ---- asking ---- */

static int ask(const struct doctor_ssh *d, struct hosts *all, struct err *e)
{
	auto_free struct ask_question *questions = mem_array(all->count, sizeof(*questions));
	int result;

	for (size_t i = 0; i < all->count; i++)
		questions[i] = (struct ask_question){
			.host = all->items[i].from->host, .types = &all->items[i].types};
	result = ask_hosts(d->program, &d->config->egress_allow_private, questions, all->count, e);
	for (size_t i = 0; i < all->count; i++)
		all->items[i].asked = questions[i];
	return result;
}

/* ---- results ---- */

/*
 * A command that accepts the current keys of the host. `old`: known_hosts has other keys, to be
 * removed.
 */
static char *remedy(const struct credential_host *h, bool old)
{
	auto_free char *file = text_word(h->known_hosts);

	return old ? mem_printf("ssh-keygen -R %s -f %s && ssh-keyscan %s >>%s", h->host, file,
			     h->host, file)
		   : mem_printf("ssh-keyscan %s >>%s", h->host, file);
}

static int say_unlisted(
	const struct doctor_ssh *d, const struct host *h, const char *presents, struct err *e)
{
	auto_free char *command = remedy(h->from, false);
	struct err fault = {0};

	(void)err_set(&fault, ERR_INPUT,
		"%s has no key of %s, without which nothing logs in there; %s. If its operator "
		"confirms the key: %s",
		h->from->known_hosts, h->from->host, presents, command);
	return d->fault(d->arg, &fault, e);
}

static int say_other(
	const struct doctor_ssh *d, const struct host *h, const char *presents, struct err *e)
{
	auto_free char *command = remedy(h->from, true);
	struct err fault = {0};

	(void)err_set(&fault, ERR_INPUT,
		"%s, which is not in %s: nothing logs in there. If its operator confirms the key: "
		"%s",
		presents, h->from->known_hosts, command);
	return d->fault(d->arg, &fault, e);
}

static int say_revoked(
	const struct doctor_ssh *d, const struct host *h, const char *presents, struct err *e)
{
	struct err fault = {0};

	(void)err_set(&fault, ERR_INPUT,
		"%s, which is @revoked in %s: nothing logs in there; its operator has to give it "
		"another key",
		presents, h->from->known_hosts);
	return d->fault(d->arg, &fault, e);
}

/* Keys that stay on the host do not accept certificates of hosts (docs/secrets.md). */
static int say_certified(
	const struct doctor_ssh *d, const struct host *h, const char *presents, struct err *e)
{
	auto_free char *finding = NULL;

	if (h->from->ssh_agent)
		return h->known.count ? say_other(d, h, presents, e)
				      : say_unlisted(d, h, presents, e);
	finding = mem_printf("%s; %s has an authority for it, and certificates of hosts are not "
			     "compared here",
		presents, h->from->known_hosts);
	return d->warn(d->arg, finding, e);
}

static int say_key(const struct doctor_ssh *d, const struct host *h, struct err *e)
{
	const struct sshbytes key = bytes_of(&h->asked.key);
	auto_free char *type = type_of(key), *presents = NULL, *finding = NULL;
	auto_buf struct buf fingerprint = {0};

	buf_init(&fingerprint, FINGERPRINT_MAX);
	sshkey_fingerprint(&fingerprint, key);
	presents = mem_printf("%s presents the %s key %s", h->from->host, type, fingerprint.data);
	switch (knownhosts_compare(h->text.data, h->len, h->from->host, key)) {
	case KNOWNHOSTS_REVOKED:
		return say_revoked(d, h, presents, e);
	case KNOWNHOSTS_CERTIFIED:
		return say_certified(d, h, presents, e);
	case KNOWNHOSTS_DIFFERS:
		return say_other(d, h, presents, e);
	case KNOWNHOSTS_UNLISTED:
		return say_unlisted(d, h, presents, e);
	case KNOWNHOSTS_MATCHES:
		break;
	}
	finding = mem_printf("%s, as in %s", presents, h->from->known_hosts);
	return d->well(d->arg, finding, e);
}

/* Without the host's key: does known_hosts have an entry for the host? */
static bool is_listed(const struct host *h)
{
	enum knownhosts_match match =
		knownhosts_compare(h->text.data, h->len, h->from->host, (struct sshbytes){0});

	return h->known.count > 0 || (match == KNOWNHOSTS_CERTIFIED && !h->from->ssh_agent);
}

static int say_unasked(const struct doctor_ssh *d, const struct host *h, struct err *e)
{
	auto_free char *why = mem_printf("it was not asked: %s", d->why_silent), *finding = NULL;

	if (!is_listed(h))
		return say_unlisted(d, h, why, e);
	finding = mem_printf("%s is in %s; %s", h->from->host, h->from->known_hosts, why);
	return d->is_fault ? d->warn(d->arg, finding, e) : d->well(d->arg, finding, e);
}

static int say_words(const struct doctor_ssh *d, const struct host *h, struct err *e)
{
	auto_free char *finding = NULL;
	struct err fault = {0};

	if (!is_listed(h))
		return say_unlisted(d, h, h->asked.words, e);
	if (h->asked.outcome == ASK_FORBIDDEN || h->asked.outcome == ASK_NOT_SSH) {
		(void)err_set(&fault, ERR_INPUT, "%s", h->asked.words);
		return d->fault(d->arg, &fault, e);
	}
	finding = mem_printf("the key of %s was not compared: %s", h->from->host, h->asked.words);
	return d->warn(d->arg, finding, e);
}

static int say(const struct doctor_ssh *d, const struct host *h, struct err *e)
{
	if (h->unreadable.kind != ERR_NONE)
		return d->fault(d->arg, &h->unreadable, e);
	if (!d->program)
		return say_unasked(d, h, e);
	return h->asked.outcome == ASK_KEY ? say_key(d, h, e) : say_words(d, h, e);
}

int doctor_ssh(const struct doctor_ssh *d, struct err *e)
{
	const struct credentials *c = &d->config->credentials;
	auto_hosts struct hosts all = {.items = mem_array(c->host_count, sizeof(*all.items))};
	struct err why = {0};

	if (c->host_count == 0)
		return 0;
	for (size_t i = 0; i < c->host_count; i++)
		take(&all, &c->hosts[i]);
	if (d->program && ask(d, &all, &why) < 0) {
		if (why.kind != ERR_INTERRUPTED)
			return d->fault(d->arg, &why, e);
		*e = why;
		return -1;
	}
	for (size_t i = 0; i < all.count; i++)
		if (say(d, &all.items[i], e) < 0)
			return -1;
	return 0;
}
