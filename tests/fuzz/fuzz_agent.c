/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of a hostile machine to the ssh agent. An input is messages behind their lengths, as
 * they come; all of them are answered for one connection, by an agent with one key and one login.
 * The seeds have messages that are signed rightly. Every answer is a whole message of a kind that
 * agents send, nothing is signed before the session is bound, and what is signed is read as a login
 * again.
 */
#include <string.h>

#include "agent/sshagent_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A key that was made for this and is used nowhere; the host's other half was thrown away. */
static const char key_text[] =
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	"QyNTUxOQAAACAnD6rZqqs8Yf5VIAhdE/C/BRjONHT1VaUv2ZxDEfo+DQAAAIgdshuFHbIb\n"
	"hQAAAAtzc2gtZWQyNTUxOQAAACAnD6rZqqs8Yf5VIAhdE/C/BRjONHT1VaUv2ZxDEfo+DQ\n"
	"AAAEBl2+LotODovf3uwAlVyLZuTvAE65KsuX1c5/VqbVqp+ScPqtmqqzxh/lUgCF0T8L8F\n"
	"GM40dPVVpS/ZnEMR+j4NAAAAAAECAwQF\n"
	"-----END OPENSSH PRIVATE KEY-----\n";
static const char host_line[] =
	"host.test ssh-ed25519 "
	"AAAAC3NzaC1lZDI1NTE5AAAAILwQhhFoOA0LCK7gjpkA1u34DsGaV9/ghAGSdB+Ce3Sv\n";

static struct sshkey key;
static struct knownhosts known;
static struct sshagent_key keys[1];
static struct sshagent_login logins[1];
static const struct sshagent_rules rules = {keys, 1, logins, 1};

static void set_up(void)
{
	struct err e = {0};

	if (known.count)
		return;
	if (sshkey_parse(key_text, strlen(key_text), &key, &e) < 0)
		BUG("%s", e.msg);
	knownhosts_read(host_line, strlen(host_line), "host.test", &known);
	keys[0] = (struct sshagent_key){.name = "key", .public_key = key.public_key};
	logins[0] = (struct sshagent_login){.host = "host.test", .user = "deploy", .known = &known};
}

static void check_signature(const struct sshagent_session *s, struct sshbytes message,
	struct sshwire *answer, const struct sshagent_report *report)
{
	struct sshbytes signature = sshwire_string(answer);
	struct sshagent_request q;
	struct sshagent_userauth u;

	sshagent_read_request(message, &q);
	if (!s->bound || report->verdict != SSHAGENT_SIGNED)
		BUG("a signature that nobody may have");
	if (q.kind != SSHAGENT_ASKS_SIGNATURE || !sshagent_read_userauth(q.data, &u) ||
		!sshbytes_are(u.user, "deploy") || !sshbytes_equal(q.key, key.public_key))
		BUG("a signature of what is no login");
	if (!sshkey_verify(key.public_key, q.data, signature))
		BUG("a signature that is none");
}

static void check(const struct sshagent_session *s, struct sshbytes message,
	const struct buf *reply, bool told, const struct sshagent_report *report)
{
	struct sshwire w = sshwire_over(reply->data, reply->len);
	uint8_t type = sshwire_byte(&w);

	if (type == SSHAGENT_SIGN_RESPONSE) {
		check_signature(s, message, &w, report);
	} else if (type == SSHAGENT_IDENTITIES_ANSWER) {
		if (sshwire_u32(&w) != 1)
			BUG("it has one key");
		(void)sshwire_string(&w);
		(void)sshwire_string(&w);
	} else if (type == SSHAGENT_FAILURE) {
		if (!told || !report->reason[0] || !report->message[0])
			BUG("a refusal without a reason");
	} else if (type != SSHAGENT_SUCCESS) {
		BUG("an answer of type %u", type);
	}
	if (!sshwire_ended(&w))
		BUG("the answer is not whole");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sshwire input = sshwire_over(data, size);
	struct sshagent_state state = {.rules = &rules, .keys = &key};
	struct sshagent_session session;

	set_up();
	sshagent_session_init(&session);
	while (!input.bad && input.left) {
		struct sshbytes message = sshwire_string(&input);
		struct sshagent_report report;
		auto_buf struct buf reply = {0};
		bool told;

		if (input.bad || message.len == 0 || message.len > LIMIT_AGENT_MESSAGE)
			break;
		buf_init(&reply, 2 * LIMIT_AGENT_MESSAGE);
		told = sshagent_answer(&state, &session, message, &reply, &report);
		check(&session, message, &reply, told, &report);
	}
	sshagent_session_release(&session);
	return 0;
}
