/* SPDX-License-Identifier: Apache-2.0 */
/* The ssh of ssh-liar: the server side of libssh. Who logs in with any key, under any name, gets sftp and nothing else. */
#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/tools/liar.h"

enum { TURN_MS = 1000 };

struct connection {
	const struct liar *liar;
	ssh_session session;
	ssh_channel channel;
	struct ssh_channel_callbacks_struct channel_callbacks;
	struct liar_sftp sftp;
	bool started, ended;
};

/* ---- sftp ---- */

/* Answering here would have libssh call this again in the middle of it. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len,
	int is_stderr, void *arg)
{
	struct connection *c = arg;

	(void)session;
	(void)channel;
	if (!is_stderr)
		buf_add(&c->sftp.in, data, len);
	return (int)len;
}

static int on_subsystem(ssh_session session, ssh_channel channel, const char *name, void *arg)
{
	struct connection *c = arg;

	(void)session;
	(void)channel;
	liar_log(c->liar, "subsystem %s", name);
	c->started = strcmp(name, "sftp") == 0;
	return c->started ? SSH_OK : SSH_ERROR;
}

static void on_end(ssh_session session, ssh_channel channel, void *arg)
{
	struct connection *c = arg;

	(void)session;
	(void)channel;
	c->ended = true;
}

static ssh_channel on_channel(ssh_session session, void *arg)
{
	struct connection *c = arg;

	if (c->channel)
		return NULL;
	c->channel = ssh_channel_new(session);
	c->channel_callbacks = (struct ssh_channel_callbacks_struct){.userdata = c,
		.channel_data_function = on_data,
		.channel_subsystem_request_function = on_subsystem,
		.channel_eof_function = on_end,
		.channel_close_function = on_end};
	ssh_callbacks_init(&c->channel_callbacks);
	(void)ssh_set_channel_callbacks(c->channel, &c->channel_callbacks);
	return c->channel;
}

/* ---- logins ---- */

static int on_service(ssh_session session, const char *service, void *arg)
{
	struct connection *c = arg;

	(void)session;
	liar_log(c->liar, "service %s", service);
	return 0;
}

/* What every client tries first. */
static int on_none(ssh_session session, const char *user, void *arg)
{
	struct connection *c = arg;

	liar_log(c->liar, "login %s none", user);
	if (c->liar->banner) {
		ssh_string text = ssh_string_from_char(c->liar->banner);

		(void)ssh_send_issue_banner(session, text);
		ssh_string_free(text);
	}
	return SSH_AUTH_DENIED;
}

static int on_key(
	ssh_session session, const char *user, struct ssh_key_struct *key, char state, void *arg)
{
	struct connection *c = arg;

	(void)session;
	(void)key;
	liar_log(c->liar, "login %s key", user);
	if (c->liar->deny || state == SSH_PUBLICKEY_STATE_WRONG ||
		state == SSH_PUBLICKEY_STATE_ERROR)
		return SSH_AUTH_DENIED;
	return SSH_AUTH_SUCCESS;
}

/* ---- the session ---- */

static bool flush(struct connection *c)
{
	struct buf *out = &c->sftp.out;

	if (out->len == 0)
		return true;
	if (ssh_channel_write(c->channel, out->data, (uint32_t)out->len) < 0)
		return false;
	buf_clear(out);
	return true;
}

static void serve(struct connection *c)
{
	ssh_event event = ssh_event_new();

	(void)ssh_event_add_session(event, c->session);
	while (!c->ended && ssh_event_dopoll(event, TURN_MS) != SSH_ERROR &&
		ssh_is_connected(c->session)) {
		if (!c->started)
			continue;
		liar_sftp_work(&c->sftp);
		if (!flush(c) || c->sftp.cut)
			break;
	}
	if (c->ended && c->channel && !c->sftp.cut) {
		(void)ssh_channel_request_send_exit_status(c->channel, 0);
		(void)ssh_channel_close(c->channel);
	}
	ssh_event_free(event);
}

static int failed(void *from)
{
	(void)fprintf(stderr, "ssh-liar: %s\n", ssh_get_error(from));
	return 1;
}

static int set_options(ssh_bind b, const struct liar *l)
{
	const bool no = false;

	if (ssh_bind_options_set(b, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) < 0 ||
		ssh_bind_options_set(b, SSH_BIND_OPTIONS_HOSTKEY, l->host_key) < 0 ||
		(l->identification &&
			ssh_bind_options_set(b, SSH_BIND_OPTIONS_BANNER, l->identification) < 0))
		return failed(b);
	return 0;
}

static int talk(struct connection *c, ssh_bind b, int fd)
{
	struct ssh_server_callbacks_struct callbacks = {.userdata = c,
		.auth_none_function = on_none,
		.auth_pubkey_function = on_key,
		.service_request_function = on_service,
		.channel_open_request_session_function = on_channel};

	ssh_callbacks_init(&callbacks);
	if (ssh_bind_accept_fd(b, c->session, fd) != SSH_OK)
		return failed(b);
	(void)ssh_set_server_callbacks(c->session, &callbacks);
	ssh_set_auth_methods(c->session, SSH_AUTH_METHOD_PUBLICKEY);
	if (ssh_handle_key_exchange(c->session) != SSH_OK) {
		liar_log(c->liar, "no key exchange: %s", ssh_get_error(c->session));
		return 0;
	}
	liar_log(c->liar, "key exchange");
	serve(c);
	return 0;
}

int liar_ssh(const struct liar *l, int fd)
{
	struct connection c = {.liar = l, .session = ssh_new()};
	ssh_bind b = ssh_bind_new();
	int result = set_options(b, l);

	liar_sftp_init(&c.sftp, l);
	if (result == 0)
		result = talk(&c, b, fd);
	ssh_disconnect(c.session);
	ssh_free(c.session);
	ssh_bind_free(b);
	liar_sftp_release(&c.sftp);
	return result;
}
