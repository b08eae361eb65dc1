/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sshagent_internal.h"

enum { USERAUTH_REQUEST = 50 };

static void read_binding(struct sshwire *w, struct sshagent_request *ret)
{
	ret->kind = SSHAGENT_BINDS;
	ret->host_key = sshwire_string(w);
	ret->session = sshwire_string(w);
	ret->signature = sshwire_string(w);
	ret->forwarding = sshwire_bool(w);
}

static void read_signature(struct sshwire *w, struct sshagent_request *ret)
{
	ret->kind = SSHAGENT_ASKS_SIGNATURE;
	ret->key = sshwire_string(w);
	ret->data = sshwire_string(w);
	ret->flags = sshwire_u32(w);
}

/* Other requests are not parsed further. */
static void pass_over(struct sshwire *w, struct sshagent_request *ret)
{
	ret->kind = SSHAGENT_ASKS_OTHER;
	(void)sshwire_bytes(w, w->left);
}

void sshagent_read_request(struct sshbytes message, struct sshagent_request *ret)
{
	struct sshwire w = sshwire_over(message.data, message.len);

	*ret = (struct sshagent_request){.type = sshwire_byte(&w)};
	if (ret->type == SSHAGENT_REQUEST_IDENTITIES)
		ret->kind = SSHAGENT_ASKS_KEYS;
	else if (ret->type == SSHAGENT_SIGN_REQUEST)
		read_signature(&w, ret);
	else if (ret->type == SSHAGENT_EXTENSION &&
		sshbytes_are(sshwire_string(&w), "session-bind@openssh.com"))
		read_binding(&w, ret);
	else
		pass_over(&w, ret);
	if (!sshwire_ended(&w))
		ret->kind = SSHAGENT_MALFORMED;
}

bool sshagent_read_userauth(struct sshbytes data, struct sshagent_userauth *ret)
{
	struct sshwire w = sshwire_over(data.data, data.len);
	struct sshbytes service, method;
	bool known, bound;
	uint8_t type;

	*ret = (struct sshagent_userauth){.session = sshwire_string(&w)};
	type = sshwire_byte(&w);
	ret->user = sshwire_string(&w);
	service = sshwire_string(&w);
	method = sshwire_string(&w);
	bound = sshbytes_are(method, "publickey-hostbound-v00@openssh.com");
	known = sshwire_bool(&w) && (bound || sshbytes_are(method, "publickey"));
	ret->algorithm = sshwire_string(&w);
	ret->key = sshwire_string(&w);
	if (bound)
		ret->host_key = sshwire_string(&w);
	return sshwire_ended(&w) && known && type == USERAUTH_REQUEST && ret->user.len &&
		ret->key.len && (!bound || ret->host_key.len) &&
		sshbytes_are(service, "ssh-connection");
}
