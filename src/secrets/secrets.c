/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets/secrets.h"

#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/text.h"
#include "contract/contract.h"
#include "data/pack.h"
#include "data/tar.h"
#include "os/fd.h"
#include "secrets/limits.h"
#include "secrets/secret_read.h"

enum { SHOWN_MAX = 80, CONFIG_MAX = 64 * 1024 };

#define GUEST_USER "root" /* the user of programs in the guest */

#define SSH_DIR ".ssh"
#define SECRETS_SSH GUEST_SECRETS "/" SSH_DIR

static void host_release(struct secret_host *h)
{
	free(h->host);
	vault_free(&h->known_hosts);
	vault_free(&h->certificate);
	strv_release(&h->users);
	buf_release(&h->public_key);
	buf_release(&h->certificate_blob);
	knownhosts_release(&h->known);
}

void secrets_release(struct secrets *s)
{
	for (size_t i = 0; i < s->count; i++)
		vault_free(&s->items[i].value);
	for (size_t i = 0; i < s->use_count; i++)
		free(s->uses[i].action);
	for (size_t i = 0; i < s->host_count; i++)
		host_release(&s->hosts[i]);
	free(s->uses);
	free(s->hosts);
	*s = (struct secrets){0};
}

/* ---- access to secrets ---- */

static int refuse(
	const struct secrets_asker *who, const char *name, const char *what, struct err *e)
{
	auto_free char *shown = text_safe(name, SHOWN_MAX);

	return err_set(e, ERR_INPUT, "%s action %zu (%s): secret '%s' %s",
		plan_source_name(who->phase), who->index + 1, who->action, shown, what);
}

static struct secret *find(struct secrets *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].from->name, name) == 0)
			return &s->items[i];
	return NULL;
}

static void add_use(
	struct secrets *s, const struct secrets_asker *who, const char *name, bool agent)
{
	s->uses = mem_resize(s->uses, s->use_count + 1, sizeof(*s->uses));
	s->uses[s->use_count++] = (struct secret_use){.secret = name,
		.phase = who->phase,
		.index = who->index,
		.action = mem_strdup(who->action),
		.agent = agent};
}

static void give(
	struct secrets *s, const struct secrets_asker *who, const struct credential *c, bool agent)
{
	if (!find(s, c->name))
		s->items[s->count++] = (struct secret){.from = c};
	add_use(s, who, c->name, agent);
}

/* Ambient CI says of its secrets that the post_plan alone has them. */
static int want_listed(struct secrets *s, const struct secrets_asker *who,
	const struct credential *c, bool agent, struct err *e)
{
	if (who->phase != SOURCE_POST_PLAN) {
		(void)refuse(who, c->name,
			"is for post_plans only, because it is in a list: as a mapping, the "
			"configuration says which 'projects' and 'actions' may have it",
			e);
		return err_because(e, "secret_refused");
	}
	give(s, who, c, agent);
	return 0;
}

static int want(struct secrets *s, const struct secrets_asker *who, const char *name, bool agent,
	struct err *e)
{
	const struct credential *c = credentials_find(who->credentials, name);

	if (!c) {
		(void)refuse(who, name, "is not under 'secrets' of the configuration", e);
		return err_because(e, "no_secret");
	}
	if (c->listed)
		return want_listed(s, who, c, agent, e);
	if (!strv_has(&c->projects, who->project)) {
		auto_free char *what = mem_printf("is not for project %s: the configuration says "
						  "which 'projects' may have it",
			who->project);

		(void)refuse(who, name, what, e);
		return err_because(e, "secret_refused");
	}
	if (!strv_has(&c->actions, who->action)) {
		(void)refuse(who, name,
			"is not for this action: the configuration says which 'actions' may have "
			"it",
			e);
		return err_because(e, "secret_refused");
	}
	give(s, who, c, agent);
	return 0;
}

int secrets_want(
	struct secrets *s, const struct secrets_asker *who, const char *name, struct err *e)
{
	return want(s, who, name, false, e);
}

static struct secret_host *add_host(struct secrets *s, const struct credential_host *entry,
	const char *host, enum plan_source phase)
{
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].from == entry && strcmp(s->hosts[i].host, host) == 0 &&
			s->hosts[i].phase == phase)
			return &s->hosts[i];
	s->hosts = mem_resize(s->hosts, s->host_count + 1, sizeof(*s->hosts));
	s->hosts[s->host_count] =
		(struct secret_host){.from = entry, .host = mem_strdup(host), .phase = phase};
	return &s->hosts[s->host_count++];
}

/* If a target names no user, ssh logs in as the user that it runs as. */
static void add_user(struct secret_host *h, const char *user)
{
	const char *name = user ? user : GUEST_USER;

	if (!strv_has(&h->users, name))
		strv_push(&h->users, name);
}

int secrets_want_host(struct secrets *s, const struct secrets_asker *who, const char *user,
	const char *host, struct err *e)
{
	const struct credential_host *h = credentials_host(who->credentials, user, host);

	if (!h)
		return err_reason(e, ERR_INPUT, "no_ssh_host",
			"%s action %zu (%s): host %s%s%s is not under 'ssh' of the configuration, "
			"which has to name its key and its known_hosts",
			plan_source_name(who->phase), who->index + 1, who->action, user ? user : "",
			user ? "@" : "", host);
	if (want(s, who, h->key, h->ssh_agent, e) < 0)
		return -1;
	add_user(add_host(s, h, host, who->phase), user);
	return 0;
}

bool secrets_in_phase(const struct secrets *s, enum plan_source phase)
{
	for (size_t i = 0; i < s->use_count; i++)
		if (s->uses[i].phase == phase)
			return true;
	return false;
}

/* ---- reading ---- */

static int read_variable(struct secret *s, struct err *e)
{
	if (!s->from->value.data)
		return err_reason(e, ERR_INPUT, "secret_missing",
			"the environment variable %s is not set", s->from->variable);
	if (s->from->value_len > LIMIT_SECRET_BYTES)
		return err_set(
			e, ERR_INPUT, "it is longer than %zu bytes", (size_t)LIMIT_SECRET_BYTES);
	vault_alloc(&s->value, s->from->value_len);
	memcpy(s->value.data, s->from->value.data, s->from->value_len);
	s->len = s->from->value_len;
	return 0;
}

static int read_value(struct secret *s, struct err *e)
{
	if (s->from->file)
		return secret_read_file(s->from->file, LIMIT_SECRET_BYTES, &s->value, &s->len, e);
	if (s->from->variable)
		return read_variable(s, e);
	return secret_read_command(&s->from->command, LIMIT_SECRET_BYTES, LIMIT_SECRET_COMMAND_MS,
		&s->value, &s->len, e);
}

static int read_secret(struct secret *s, struct err *e)
{
	if (read_value(s, e) < 0)
		return -1;
	if (!mask_can(s->value.data, s->len))
		return err_set(e, ERR_INPUT,
			"it has fewer than %d bytes, too few to be masked in logs", MASK_LEAST);
	return 0;
}

static struct sshbytes bytes_of(const struct buf *b)
{
	return (struct sshbytes){(const uint8_t *)b->data, b->len};
}

/* ---- logins: errors that ssh would otherwise report in the middle of a run ---- */

static int read_agent_key(struct secret_host *h, const char *text, size_t len, struct err *e)
{
	auto_sshkey struct sshkey key = {0};

	if (sshkey_parse(text, len, &key, e) < 0)
		return err_wrap(e, "secret %s, for the ssh agent", h->from->key);
	buf_add(&h->public_key, key.public_key.data, key.public_key.len);
	return 0;
}

static int read_key(struct secret_host *h, const char *text, size_t len, struct err *e)
{
	buf_init(&h->public_key, LIMIT_SSH_KEY_BYTES);
	if (h->from->ssh_agent)
		return read_agent_key(h, text, len, e);
	if (sshkey_check(text, len, &h->public_key, e) < 0)
		return err_wrap(e, "secret %s, for ssh to %s", h->from->key, h->host);
	return 0;
}

static bool is_its_certificate(const struct secret_host *h)
{
	struct sshbytes blob = bytes_of(&h->certificate_blob);

	return h->public_key.len ? sshkey_certifies(blob, bytes_of(&h->public_key))
				 : sshkey_is_certificate(blob);
}

static int read_certificate(struct secret_host *h, struct err *e)
{
	if (!h->from->certificate)
		return 0;
	if (secret_read_public(h->from->certificate, LIMIT_SSH_FILE_BYTES, &h->certificate,
		    &h->certificate_len, e) < 0)
		return err_wrap(e, "certificate for %s", h->host);
	buf_init(&h->certificate_blob, LIMIT_AGENT_MESSAGE);
	if (sshkey_read_line(h->certificate.data, h->certificate_len, &h->certificate_blob) < 0 ||
		!is_its_certificate(h))
		return err_set(e, ERR_INPUT,
			"certificate for %s: %s is not a certificate for key %s", h->host,
			h->from->certificate, h->from->key);
	return 0;
}

static int read_known_hosts(struct secret_host *h, struct err *e)
{
	if (secret_read_public(h->from->known_hosts, LIMIT_SSH_FILE_BYTES, &h->known_hosts,
		    &h->known_hosts_len, e) < 0)
		return err_wrap(e, "known_hosts of %s", h->host);
	knownhosts_read(h->known_hosts.data, h->known_hosts_len, h->host, &h->known);
	if (!h->known.count && !h->from->host)
		return err_set(e, ERR_INPUT,
			"known_hosts of %s: %s has no key of %s; log in to it once by hand, or "
			"configure it under 'ssh'",
			h->host, h->from->known_hosts, h->host);
	if (!h->known.count && h->from->ssh_agent)
		return err_set(e, ERR_INPUT,
			"known_hosts of %s: %s has no key of this host, without which the ssh "
			"agent signs nothing for it",
			h->host, h->from->known_hosts);
	return 0;
}

static int read_host(const struct secrets *s, struct secret_host *h, struct err *e)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].from->name, h->from->key) == 0)
			h->key = &s->items[i];
	if (read_key(h, h->key->value.data, h->key->len, e) < 0 || read_certificate(h, e) < 0)
		return -1;
	return read_known_hosts(h, e);
}

int secrets_check_login(
	const struct credential_host *host, const char *key, size_t len, struct err *e)
{
	struct secret_host h = {.from = host, .host = mem_strdup(host->host)};
	int result = read_key(&h, key, len, e) < 0 ? -1 : read_certificate(&h, e);

	host_release(&h);
	return result;
}

/* ---- keys that stay on the host ---- */

static size_t agent_key(struct sshagent_rules *r, const struct secret_host *h)
{
	const char *name = h->key->from->name;

	for (size_t i = 0; i < r->key_count; i++)
		if (strcmp(r->keys[i].name, name) == 0)
			return i;
	r->keys = mem_resize(r->keys, r->key_count + 1, sizeof(*r->keys));
	r->keys[r->key_count] = (struct sshagent_key){.name = name,
		.text = h->key->value.data,
		.len = h->key->len,
		.public_key = bytes_of(&h->public_key)};
	return r->key_count++;
}

static void add_logins(struct sshagent_rules *r, const struct secret_host *h)
{
	size_t key = agent_key(r, h);

	strv_each (&h->users, user) {
		r->logins = mem_resize(r->logins, r->login_count + 1, sizeof(*r->logins));
		r->logins[r->login_count++] = (struct sshagent_login){.host = h->host,
			.user = *user,
			.key = key,
			.known = &h->known,
			.certificate = bytes_of(&h->certificate_blob)};
	}
}

void secrets_agent(const struct secrets *s, enum plan_source phase, struct sshagent_rules *ret)
{
	*ret = (struct sshagent_rules){0};
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].phase == phase && s->hosts[i].from->ssh_agent)
			add_logins(ret, &s->hosts[i]);
}

static int because_unreadable(struct err *e)
{
	return e->kind == ERR_INPUT && !e->reason[0] ? err_because(e, "secret_unreadable") : -1;
}

int secrets_read(struct secrets *s, struct err *e)
{
	if (s->count && vault_forbid_core(e) < 0)
		return -1;
	for (size_t i = 0; i < s->count; i++) {
		if (read_secret(&s->items[i], e) < 0) {
			(void)err_wrap(e, "secret %s", s->items[i].from->name);
			return because_unreadable(e);
		}
	}
	for (size_t i = 0; i < s->host_count; i++)
		if (read_host(s, &s->hosts[i], e) < 0)
			return because_unreadable(e);
	return 0;
}

/* ---- the drive ---- */

/* Does the value of this secret go to the machine of this phase? */
static bool is_given(const struct secrets *s, const struct secret *item, enum plan_source phase)
{
	for (size_t i = 0; i < s->use_count; i++)
		if (s->uses[i].phase == phase && !s->uses[i].agent &&
			strcmp(s->uses[i].secret, item->from->name) == 0)
			return true;
	return false;
}

/*
 * ssh_config(5) uses the first value of a keyword, so entries for one host precede those for all.
 */
static void add_host_block(struct buf *b, const struct secret_host *h, size_t number)
{
	const struct credential_host *c = h->from;

	buf_addf(b, "Match originalhost %s", h->host);
	if (c->user)
		buf_addf(b, " user %s", c->user);
	buf_addf(b, "\n\tIdentityFile " SECRETS_SSH "/key-%zu%s\n", number,
		c->ssh_agent ? ".pub" : "");
	if (c->ssh_agent)
		buf_adds(b, "\tIdentityAgent " GUEST_AGENT_SOCKET "\n");
	if (c->certificate)
		buf_addf(b, "\tCertificateFile " SECRETS_SSH "/certificate-%zu\n", number);
	buf_addf(b, "\tUserKnownHostsFile " SECRETS_SSH "/known_hosts-%zu\n", number);
}

static void add_common_block(struct buf *b)
{
	buf_adds(b,
		"Match all\n"
		"\tProxyCommand " GUEST_EXECUTOR " connect %h %p\n"
		"\tStrictHostKeyChecking yes\n"
		"\tGlobalKnownHostsFile none\n"
		"\tUserKnownHostsFile none\n"
		"\tVerifyHostKeyDNS no\n"
		"\tUpdateHostKeys no\n"
		"\tBatchMode yes\n"
		"\tIdentitiesOnly yes\n"
		"\tIdentityAgent none\n"
		"\tPreferredAuthentications publickey\n"
		"\tForwardAgent no\n"
		"\tForwardX11 no\n"
		"\tClearAllForwardings yes\n"
		"\tPermitLocalCommand no\n"
		"\tControlPath none\n"
		"\tControlMaster no\n"
		"\tConnectTimeout 60\n"
		"\tServerAliveInterval 20\n"
		"\tServerAliveCountMax 3\n"
		"\tServerAliveInterval 30\n"
		"\tServerAliveCountMax 4\n");
}

/* A file of the drive. */
struct member {
	char *path;
	const void *data;
	size_t len;
};

struct members {
	struct member *items;
	size_t count;
	struct buf config;
	struct vault *keys; /* copies of those without a final newline */
	size_t key_count;
	struct buf *public_keys;
	size_t public_count;
};

static void members_release(struct members *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->items[i].path);
	for (size_t i = 0; i < m->key_count; i++)
		vault_free(&m->keys[i]);
	for (size_t i = 0; i < m->public_count; i++)
		buf_release(&m->public_keys[i]);
	free(m->items);
	free(m->keys);
	free(m->public_keys);
	buf_release(&m->config);
}

#define auto_members __attribute__((cleanup(members_release)))

static void add_member(struct members *m, char *path, const void *data, size_t len)
{
	m->items = mem_resize(m->items, m->count + 1, sizeof(*m->items));
	m->items[m->count++] = (struct member){path, data, len};
}

/* ssh rejects a key without a newline at the end, and values from variables often lack it. */
static void add_key(struct members *m, char *path, const struct secret *key)
{
	const char *text = key->value.data;
	struct vault *whole;

	if (text[key->len - 1] == '\n') {
		add_member(m, path, text, key->len);
		return;
	}
	m->keys = mem_resize(m->keys, m->key_count + 1, sizeof(*m->keys));
	whole = &m->keys[m->key_count++];
	*whole = (struct vault){0};
	vault_alloc(whole, key->len + 1);
	memcpy(whole->data, text, key->len);
	((char *)whole->data)[key->len] = '\n';
	add_member(m, path, whole->data, key->len + 1);
}

/* The public key tells ssh which key of the agent to use. */
static void add_public_key(struct members *m, const struct secret_host *h, size_t number)
{
	struct sshwire w = sshwire_over(h->public_key.data, h->public_key.len);
	struct sshbytes type = sshwire_string(&w);
	struct buf text;

	buf_init(&text, 2 * LIMIT_SSH_KEY_BYTES);
	buf_add(&text, type.data, type.len);
	buf_addc(&text, ' ');
	base64_add(&text, h->public_key.data, h->public_key.len);
	buf_addc(&text, '\n');
	m->public_keys = mem_resize(m->public_keys, m->public_count + 1, sizeof(*m->public_keys));
	m->public_keys[m->public_count++] = text;
	add_member(m, mem_printf(SSH_DIR "/key-%zu.pub", number), text.data, text.len);
}

static void add_ssh_host(struct members *m, const struct secrets *s, const struct secret_host *h)
{
	size_t number = (size_t)(h - s->hosts);

	add_host_block(&m->config, h, number);
	for (size_t i = 0; i < s->count; i++)
		if (!h->from->ssh_agent && strcmp(s->items[i].from->name, h->from->key) == 0)
			add_key(m, mem_printf(SSH_DIR "/key-%zu", number), &s->items[i]);
	if (h->from->ssh_agent)
		add_public_key(m, h, number);
	add_member(m, mem_printf(SSH_DIR "/known_hosts-%zu", number), h->known_hosts.data,
		h->known_hosts_len);
	if (h->from->certificate)
		add_member(m, mem_printf(SSH_DIR "/certificate-%zu", number), h->certificate.data,
			h->certificate_len);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return tar_path_compare(x->path, y->path);
}

/* Entries with a user precede those for any user: see add_host_block. */
static int collect(
	const struct secrets *s, enum plan_source phase, struct members *m, struct err *e)
{
	buf_init(&m->config, CONFIG_MAX);
	for (int with_user = 1; with_user >= 0; with_user--)
		for (size_t i = 0; i < s->host_count; i++)
			if (s->hosts[i].phase == phase && !!s->hosts[i].from->user == with_user)
				add_ssh_host(m, s, &s->hosts[i]);
	add_common_block(&m->config);
	if (m->config.overflow)
		return err_set(e, ERR_INPUT,
			"the ssh configuration of the hosts that the %s logs in to is longer than "
			"%d bytes: there are %zu of them",
			plan_source_name(phase), CONFIG_MAX, s->host_count);
	add_member(m, mem_strdup(SSH_DIR "/config"), m->config.data, m->config.len);
	for (size_t i = 0; i < s->count; i++)
		if (is_given(s, &s->items[i], phase))
			add_member(m, mem_strdup(s->items[i].from->name), s->items[i].value.data,
				s->items[i].len);
	qsort(m->items, m->count, sizeof(*m->items), compare_members);
	return 0;
}

static int pack(const struct members *m, int fd, struct err *e)
{
	struct pack_options options = {.out_is_zero = true};
	auto_pack_result struct pack_result result = {0};
	auto_packer struct packer *p = pack_begin(fd, &options);

	if (pack_add_dir(p, SSH_DIR, 0700, e) < 0)
		return -1;
	for (size_t i = 0; i < m->count; i++)
		if (pack_add_file(p, m->items[i].path, 0600, m->items[i].data, m->items[i].len, e) <
			0)
			return -1;
	if (pack_end(p, &result, e) < 0)
		return -1;
	return ftruncate(fd, (off_t)result.bytes) < 0
		? err_sys(e, "give a file in memory its length")
		: 0;
}

int secrets_add_drive(
	const struct secrets *s, enum plan_source phase, struct drives *drives, struct err *e)
{
	auto_members struct members m = {0};
	auto_fd int fd = -1;

	if (!secrets_in_phase(s, phase))
		return 0;
	fd = fd_memory(DRIVE_SECRETS, e);
	if (fd < 0)
		return -1;
	if (collect(s, phase, &m, e) < 0 || pack(&m, fd, e) < 0)
		return err_wrap(e, "drive " DRIVE_SECRETS);
	return drives_add_fd(drives, DRIVE_SECRETS, fd_steal(&fd), e);
}

/* ---- logs ---- */

void secrets_add_to_mask(const struct secrets *s, struct mask *m)
{
	for (size_t i = 0; i < s->count; i++)
		mask_add(m, s->items[i].value.data, s->items[i].len);
}

void secrets_warn(const struct secrets *s, const struct event_sink *sink)
{
	for (size_t i = 0; i < s->count; i++) {
		size_t count = mask_count_short(s->items[i].value.data, s->items[i].len);
		auto_free char *text = mem_printf(
			"secret %s: %zu of its lines %s fewer than %d bytes; such a word is masked "
			"wherever actions print it",
			s->items[i].from->name, count, count == 1 ? "has" : "have", MASK_SHORT);
		struct node *n = count ? node_map() : NULL;

		if (!n)
			continue;
		node_set_string(n, "message", text);
		event_send(sink, EVENT_WARNING, SOURCE_PRELUDE, n);
	}
}

void secrets_audit(const struct secrets *s, enum plan_source phase, const struct event_sink *sink)
{
	for (size_t i = 0; i < s->use_count; i++) {
		const struct secret_use *use = &s->uses[i];
		struct node *n;

		if (use->phase != phase)
			continue;
		n = node_map();
		node_set_uint(n, "action", use->index);
		node_set_string(n, "name", use->action);
		node_set_string(n, "secret", use->secret);
		if (use->agent)
			node_set_bool(n, "agent", true);
		event_send(sink, EVENT_SECRET_USED, phase, n);
	}
}
