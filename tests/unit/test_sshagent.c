/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, known hosts and the decisions of the ssh agent. The keys are ssh-keygen's; tests/cli and
 * tests/vm have a real ssh and a real sshd at the two ends.
 */
#include "expect.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/limits.h"
#include "agent/sshagent_internal.h"
#include "base/base64.h"
#include "base/strv.h"
#include "data/jsonl.h"
#include "os/proc.h"

/* ---- programs and files ---- */

static void run(const char *const *argv)
{
	int status = -1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();

	if (pid == 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(null);
}

/* DIR/NAME and DIR/NAME.pub. */
static void make_key(
	const char *dir, const char *name, const char *type, const char *bits, const char *phrase)
{
	auto_free char *path = path_join(dir, name);
	const char *argv[] = {"ssh-keygen", "-q", "-t", type, "-b", bits, "-N", phrase, "-C", "",
		"-f", path, NULL};

	run(argv);
}

static void make_certificate(const char *dir, const char *name)
{
	auto_free char *ca = path_join(dir, "ca");
	auto_free char *pub = mem_printf("%s/%s.pub", dir, name);
	const char *argv[] = {
		"ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", "deploy", pub, NULL};

	run(argv);
}

static void read_text(const char *dir, const char *name, struct buf *b)
{
	auto_free char *path = path_join(dir, name);
	struct err e = {0};

	buf_init(b, 1 << 16);
	expect_ok(fd_read_file(path, b, &e), &e);
}

static void load_key(const char *dir, const char *name, struct sshkey *ret)
{
	auto_buf struct buf text = {0};
	struct err e = {0};

	read_text(dir, name, &text);
	expect_ok(sshkey_parse(text.data, text.len, ret, &e), &e);
}

static void load_blob(const char *dir, const char *name, struct buf *ret)
{
	auto_buf struct buf line = {0};

	read_text(dir, name, &line);
	buf_init(ret, 1 << 16);
	assert_int_equal(sshkey_read_line(line.data, line.len, ret), 0);
}

static struct sshbytes bytes_of(const struct buf *b)
{
	return (struct sshbytes){(const uint8_t *)b->data, b->len};
}

static struct sshbytes text_bytes(const char *text)
{
	return (struct sshbytes){(const uint8_t *)text, strlen(text)};
}

/* ---- keys ---- */

static const struct {
	const char *type, *bits, *algorithm, *other;
} kinds[] = {
	{"ed25519", "256", "ssh-ed25519", "rsa-sha2-256"},
	{"rsa", "2048", "rsa-sha2-256", "ssh-rsa"},
	{"rsa", "3072", "rsa-sha2-512", "ssh-rsa"},
	{"ecdsa", "256", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"},
	{"ecdsa", "384", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256"},
	{"ecdsa", "521", "ecdsa-sha2-nistp521", "ssh-ed25519"},
};

static void try_kind(const char *dir, size_t i)
{
	auto_free char *name = mem_printf("key%zu", i), *pub = mem_printf("key%zu.pub", i);
	struct sshbytes data = text_bytes("what is signed"), other = text_bytes("what is not");
	auto_sshkey struct sshkey key = {0};
	auto_buf struct buf blob = {0};
	auto_buf struct buf signature = {0};
	auto_buf struct buf none = {0};
	struct err e = {0};

	make_key(dir, name, kinds[i].type, kinds[i].bits, "");
	load_key(dir, name, &key);
	load_blob(dir, pub, &blob);
	assert_true(sshbytes_equal(key.public_key, bytes_of(&blob)));
	buf_init(&signature, LIMIT_AGENT_MESSAGE);
	buf_init(&none, LIMIT_AGENT_MESSAGE);
	expect_ok(sshkey_sign(&key, text_bytes(kinds[i].algorithm), data, &signature, &e), &e);
	assert_true(sshkey_verify(bytes_of(&blob), data, bytes_of(&signature)));
	assert_false(sshkey_verify(bytes_of(&blob), other, bytes_of(&signature)));
	expect_err(sshkey_sign(&key, text_bytes(kinds[i].other), data, &none, &e), &e, ERR_INPUT,
		"the key cannot sign by this algorithm");
	signature.data[signature.len - 1] ^= 1;
	assert_false(sshkey_verify(bytes_of(&blob), data, bytes_of(&signature)));
	for (size_t len = 0; len < signature.len; len += 7)
		assert_false(sshkey_verify(bytes_of(&blob), data,
			(struct sshbytes){(const uint8_t *)signature.data, len}));
}

static void test_signs_with_every_kind_of_key(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		try_kind(dir, i);
}

static void expect_no_key(const char *dir, const char *name, const char *why)
{
	auto_buf struct buf text = {0};
	struct sshkey key;
	struct err e = {0};

	read_text(dir, name, &text);
	expect_err(sshkey_parse(text.data, text.len, &key, &e), &e, ERR_INPUT, why);
}

static void test_refuses_keys_that_it_cannot_use(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *text = expect_file(dir, "text", "no key\n");
	auto_free char *cut = expect_file(dir, "cut",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"
		"-----END OPENSSH PRIVATE KEY-----\n");

	(void)state;
	assert_true(text && cut);
	make_key(dir, "locked", "ed25519", "256", "phrase");
	make_key(dir, "small", "rsa", "1024", "");
	expect_no_key(dir, "text",
		"it is not a private key in OpenSSH's format ('BEGIN OPENSSH PRIVATE KEY'); "
		"'ssh-keygen -p -f FILE' converts an older one");
	expect_no_key(dir, "cut", "the private key is damaged");
	expect_no_key(dir, "locked",
		"it has a passphrase, which nobody can type here; "
		"'ssh-keygen -p -N \"\" -f FILE' removes it");
	expect_no_key(dir, "small", "an rsa key must have 2048 to 16384 bits");
}

/* Every bit of a key matters, but that of the comment and of nothing that was asked for. */
static void test_a_damaged_key_is_refused_or_another(void **state)
{
	static const char head[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	static const char tail[] = "-----END OPENSSH PRIVATE KEY-----\n";
	auto_dir char *dir = expect_dir();
	auto_sshkey struct sshkey whole = {0};
	auto_buf struct buf text = {0};
	size_t len;

	(void)state;
	make_key(dir, "key", "ed25519", "256", "");
	load_key(dir, "key", &whole);
	/* Its blob ends in padding: the end of the last field and seven bytes at most. */
	len = (size_t)(whole.fields.data + whole.fields.len - (const uint8_t *)whole.vault.data);
	buf_init(&text, 1 << 16);
	for (size_t cut = 1; cut < len; cut += 3) {
		struct sshkey key = {0};
		struct err e = {0};

		buf_clear(&text);
		buf_adds(&text, head);
		base64_add(&text, whole.vault.data, len - cut);
		buf_adds(&text, tail);
		assert_int_equal(sshkey_parse(text.data, text.len, &key, &e), -1);
	}
}

static void test_a_certificate_belongs_to_one_key(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_buf struct buf key = {0};
	auto_buf struct buf other = {0};
	auto_buf struct buf certificate = {0};

	(void)state;
	make_key(dir, "ca", "ed25519", "256", "");
	make_key(dir, "key", "ecdsa", "256", "");
	make_key(dir, "other", "ecdsa", "256", "");
	make_certificate(dir, "key");
	load_blob(dir, "key.pub", &key);
	load_blob(dir, "other.pub", &other);
	load_blob(dir, "key-cert.pub", &certificate);
	assert_true(sshkey_certifies(bytes_of(&certificate), bytes_of(&key)));
	assert_false(sshkey_certifies(bytes_of(&certificate), bytes_of(&other)));
	assert_false(sshkey_certifies(bytes_of(&key), bytes_of(&key)));
	assert_false(sshkey_certifies((struct sshbytes){0}, bytes_of(&key)));
	assert_false(sshkey_certifies(bytes_of(&certificate), (struct sshbytes){0}));
	assert_true(sshkey_is_certificate(bytes_of(&certificate)));
	assert_false(sshkey_is_certificate(bytes_of(&key)));
	assert_false(sshkey_is_certificate((struct sshbytes){0}));
}

/* ---- known hosts ---- */

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"

static size_t known(const char *text, const char *host)
{
	auto_knownhosts struct knownhosts k = {0};

	knownhosts_read(text, strlen(text), host, &k);
	return k.count;
}

static void test_reads_known_hosts_as_ssh_does(void **state)
{
	static const struct {
		const char *text, *host;
		size_t count;
	} rows[] = {
		{"a.example " KEY_A "\n", "a.example", 1},
		{"a.example " KEY_A " comment", "a.example", 1},
		{"b.example,A.example,1.2.3.4 " KEY_A "\n", "a.example", 1},
		{"a.example " KEY_A "\na.example " KEY_B "\n", "a.example", 2},
		{"*.example " KEY_A "\n", "a.example", 1},
		{"?.ex*le " KEY_A "\n", "a.example", 1},
		{"*.example,!a.example " KEY_A "\n", "a.example", 0},
		{"!a.example,*.example " KEY_A "\n", "a.example", 0},
		{"[a.example]:22 " KEY_A "\n", "a.example", 0},
		{"example " KEY_A "\n", "a.example", 0},
		{"a.exampl " KEY_A "\n", "a.example", 0},
		{"a.example.net " KEY_A "\n", "a.example", 0},
		{"# a.example " KEY_A "\n", "a.example", 0},
		{"a.example ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAA\n", "a.example", 0},
		{"a.example ssh-ed25519 !!!!\n", "a.example", 0},
		{"a.example\n", "a.example", 0},
		{"@cert-authority a.example " KEY_A "\n", "a.example", 0},
		{"a.example " KEY_A "\n@revoked * " KEY_A "\n", "a.example", 0},
		{"a.example " KEY_A "\n@revoked b.example " KEY_A "\n", "a.example", 1},
		{"a.example " KEY_A "\n@revoked * " KEY_B "\n", "a.example", 1},
		{"|1|AAAA|AAAA " KEY_A "\n", "a.example", 0},
		{"|1|| " KEY_A "\n|1 " KEY_A "\n| " KEY_A "\n", "a.example", 0},
		{"", "a.example", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (known(rows[i].text, rows[i].host) != rows[i].count)
			fail_msg("row %zu: %s", i, rows[i].text);
}

static void test_compares_a_key_with_known_hosts(void **state)
{
	static const struct {
		const char *text;
		enum knownhosts_match match; /* of KEY_A, presented by a.example */
	} rows[] = {
		{"a.example " KEY_A "\n", KNOWNHOSTS_MATCHES},
		{"a.example " KEY_B "\na.example " KEY_A "\n", KNOWNHOSTS_MATCHES},
		{"a.example " KEY_A "\n@cert-authority * " KEY_B "\n", KNOWNHOSTS_MATCHES},
		{"@revoked * " KEY_A "\na.example " KEY_A "\n", KNOWNHOSTS_REVOKED},
		{"@revoked * " KEY_A "\n", KNOWNHOSTS_REVOKED},
		{"@revoked b.example " KEY_A "\na.example " KEY_B "\n", KNOWNHOSTS_DIFFERS},
		{"@cert-authority *.example " KEY_B "\n", KNOWNHOSTS_CERTIFIED},
		/* An authority's key is not a host's. */
		{"@cert-authority *.example " KEY_A "\n", KNOWNHOSTS_CERTIFIED},
		{"@cert-authority *.net " KEY_B "\n", KNOWNHOSTS_UNLISTED},
		{"a.example " KEY_B "\n@cert-authority * " KEY_B "\n", KNOWNHOSTS_CERTIFIED},
		{"a.example " KEY_B "\n", KNOWNHOSTS_DIFFERS},
		{"a.example " KEY_B "\n@revoked * " KEY_B "\n", KNOWNHOSTS_UNLISTED},
		{"[a.example]:22 " KEY_A "\n", KNOWNHOSTS_UNLISTED},
		{"b.example " KEY_A "\n", KNOWNHOSTS_UNLISTED},
		{"", KNOWNHOSTS_UNLISTED},
	};
	auto_buf struct buf key = {0};

	(void)state;
	buf_init(&key, LIMIT_AGENT_MESSAGE);
	assert_int_equal(sshkey_read_line(KEY_A, strlen(KEY_A), &key), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (knownhosts_compare(rows[i].text, strlen(rows[i].text), "a.example",
			    bytes_of(&key)) != rows[i].match)
			fail_msg("row %zu: %s", i, rows[i].text);
}

static void test_reads_hashed_names(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "hosts", "a.example " KEY_A "\n");
	const char *argv[] = {"ssh-keygen", "-H", "-f", path, NULL};
	auto_buf struct buf text = {0};

	(void)state;
	run(argv);
	read_text(dir, "hosts", &text);
	assert_int_equal(strncmp(text.data, "|1|", 3), 0);
	assert_int_equal(known(text.data, "a.example"), 1);
	assert_int_equal(known(text.data, "b.example"), 0);
}

/* ---- an agent with two keys, for two hosts ---- */

#define SESSION "0123456789abcdef0123456789abcdef"

struct fixture {
	char *dir;
	struct sshkey keys[2], host, other_host;
	struct buf certificate;
	struct knownhosts known[2];
	struct sshagent_key names[2];
	struct sshagent_login logins[2];
	struct sshagent_rules rules;
	struct sshagent_state state;
	struct sshagent_session session;
	struct buf reply;
	struct sshagent_report report;
};

static void know(struct knownhosts *k, const struct sshkey *host)
{
	k->keys = mem_array(1, sizeof(*k->keys));
	buf_init(&k->keys[0], LIMIT_AGENT_MESSAGE);
	buf_add(&k->keys[0], host->public_key.data, host->public_key.len);
	k->count = 1;
}

static void setup_type(struct fixture *f, const char *type, const char *bits)
{
	static const char *const names[] = {"one", "two"};

	*f = (struct fixture){.dir = expect_dir()};
	make_key(f->dir, "ca", "ed25519", "256", "");
	make_key(f->dir, "one", type, bits, "");
	make_key(f->dir, "two", "ed25519", "256", "");
	make_key(f->dir, "host", type, bits, "");
	make_key(f->dir, "other", "ed25519", "256", "");
	make_certificate(f->dir, "one");
	load_blob(f->dir, "one-cert.pub", &f->certificate);
	load_key(f->dir, "host", &f->host);
	load_key(f->dir, "other", &f->other_host);
	know(&f->known[0], &f->host);
	know(&f->known[1], &f->other_host);
	for (size_t i = 0; i < 2; i++) {
		load_key(f->dir, names[i], &f->keys[i]);
		f->names[i] = (struct sshagent_key){
			.name = names[i], .public_key = f->keys[i].public_key};
		f->logins[i] = (struct sshagent_login){
			.host = names[i], .user = "deploy", .key = i, .known = &f->known[i]};
	}
	f->logins[0].certificate = bytes_of(&f->certificate);
	f->rules = (struct sshagent_rules){f->names, 2, f->logins, 2};
	f->state = (struct sshagent_state){.rules = &f->rules, .keys = f->keys};
	sshagent_session_init(&f->session);
	buf_init(&f->reply, 1 << 20);
}

static void setup(struct fixture *f)
{
	setup_type(f, "ed25519", "256");
}

static void teardown(struct fixture *f)
{
	sshagent_session_release(&f->session);
	buf_release(&f->reply);
	buf_release(&f->certificate);
	for (size_t i = 0; i < 2; i++) {
		sshkey_release(&f->keys[i]);
		knownhosts_release(&f->known[i]);
	}
	sshkey_release(&f->host);
	sshkey_release(&f->other_host);
	expect_dir_remove(&f->dir);
}

static void say(struct fixture *f, const struct buf *message, bool reported)
{
	buf_clear(&f->reply);
	assert_int_equal(
		sshagent_answer(&f->state, &f->session, bytes_of(message), &f->reply, &f->report),
		reported);
	assert_true(f->reply.len > 0);
}

static void expect_refusal(const struct fixture *f, const char *reason)
{
	assert_string_equal(f->report.reason, reason);
	assert_int_equal(f->report.verdict, SSHAGENT_REFUSED);
	assert_true(f->report.message[0]);
	assert_int_equal(f->reply.len, 1);
	assert_int_equal(f->reply.data[0], SSHAGENT_FAILURE);
}

struct binding {
	struct sshbytes host_key;
	const struct sshkey *signer;
	const char *session, *signed_session;
	uint8_t forwarding;
};

static void put_binding(struct buf *b, const struct binding *s)
{
	auto_buf struct buf signature = {0};
	struct sshbytes algorithm = sshbytes_are(s->signer->type, "ssh-rsa")
		? text_bytes("rsa-sha2-512")
		: s->signer->type;
	struct err e = {0};

	buf_init(&signature, LIMIT_AGENT_MESSAGE);
	buf_init(b, LIMIT_AGENT_MESSAGE);
	expect_ok(sshkey_sign(s->signer, algorithm, text_bytes(s->signed_session), &signature, &e),
		&e);
	buf_addc(b, SSHAGENT_EXTENSION);
	sshwire_put_text(b, "session-bind@openssh.com");
	sshwire_put_string(b, s->host_key.data, s->host_key.len);
	sshwire_put_text(b, s->session);
	sshwire_put_string(b, signature.data, signature.len);
	buf_addc(b, (char)s->forwarding);
}

static struct binding right_binding(const struct fixture *f)
{
	return (struct binding){f->host.public_key, &f->host, SESSION, SESSION, 0};
}

static void send_binding(struct fixture *f, const struct binding *s, bool reported)
{
	auto_buf struct buf message = {0};

	put_binding(&message, s);
	say(f, &message, reported);
}

static void bind_session(struct fixture *f)
{
	struct binding s = right_binding(f);

	send_binding(f, &s, false);
	assert_int_equal(f->reply.len, 1);
	assert_int_equal(f->reply.data[0], SSHAGENT_SUCCESS);
}

struct login {
	struct sshbytes key, blob, host_key;
	const char *session, *user, *service, *method, *algorithm;
	uint8_t type, has_signature;
	uint32_t flags;
	bool trailing;
};

static void put_login(struct buf *b, const struct login *l)
{
	buf_init(b, LIMIT_AGENT_MESSAGE);
	sshwire_put_text(b, l->session);
	buf_addc(b, (char)l->type);
	sshwire_put_text(b, l->user);
	sshwire_put_text(b, l->service);
	sshwire_put_text(b, l->method);
	buf_addc(b, (char)l->has_signature);
	sshwire_put_text(b, l->algorithm);
	sshwire_put_string(b, l->blob.data, l->blob.len);
	if (l->host_key.len)
		sshwire_put_string(b, l->host_key.data, l->host_key.len);
	if (l->trailing)
		buf_addc(b, 'x');
}

static struct login right_login(const struct fixture *f)
{
	struct sshbytes key = f->keys[0].public_key;

	return (struct login){.key = key,
		.blob = key,
		.session = SESSION,
		.user = "deploy",
		.service = "ssh-connection",
		.method = "publickey",
		.algorithm = "ssh-ed25519",
		.type = 50,
		.has_signature = 1};
}

static void ask_signature(struct fixture *f, const struct login *l)
{
	auto_buf struct buf data = {0};
	auto_buf struct buf message = {0};

	put_login(&data, l);
	buf_init(&message, LIMIT_AGENT_MESSAGE);
	buf_addc(&message, SSHAGENT_SIGN_REQUEST);
	sshwire_put_string(&message, l->key.data, l->key.len);
	sshwire_put_string(&message, data.data, data.len);
	sshwire_put_u32(&message, l->flags);
	say(f, &message, true);
}

static void expect_signature(struct fixture *f, const struct login *l)
{
	struct sshwire w = sshwire_over(f->reply.data, f->reply.len);
	auto_buf struct buf data = {0};
	struct sshbytes signature;

	put_login(&data, l);
	assert_string_equal(f->report.message, "");
	assert_int_equal(f->report.verdict, SSHAGENT_SIGNED);
	assert_string_equal(f->report.user, l->user);
	assert_int_equal(sshwire_byte(&w), SSHAGENT_SIGN_RESPONSE);
	signature = sshwire_string(&w);
	assert_true(sshwire_ended(&w));
	assert_true(sshkey_verify(l->key, bytes_of(&data), signature));
}

/* A login that is not quite right. */
static void expect_login_refused(const struct login *l, struct fixture *f, const char *reason)
{
	ask_signature(f, l);
	expect_refusal(f, reason);
}

static void test_lists_the_keys_and_signs_the_configured_login(void **state)
{
	static const uint8_t request = SSHAGENT_REQUEST_IDENTITIES;
	auto_buf struct buf message = {0};
	struct fixture f;
	struct login l;
	struct sshwire w;

	(void)state;
	setup(&f);
	buf_init(&message, 16);
	buf_add(&message, &request, 1);
	say(&f, &message, false);
	w = sshwire_over(f.reply.data, f.reply.len);
	assert_int_equal(sshwire_byte(&w), SSHAGENT_IDENTITIES_ANSWER);
	assert_int_equal(sshwire_u32(&w), 2);
	assert_true(sshbytes_equal(sshwire_string(&w), f.keys[0].public_key));
	assert_true(sshbytes_are(sshwire_string(&w), "one"));
	bind_session(&f);
	l = right_login(&f);
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	assert_string_equal(f.report.host, "one");
	assert_int_equal(strncmp(f.report.key, "SHA256:", 7), 0);
	l.method = "publickey-hostbound-v00@openssh.com";
	l.host_key = f.host.public_key;
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	teardown(&f);
}

static void test_signs_nothing_but_the_configured_login(void **state)
{
	struct fixture f;
	struct login l;

	(void)state;
	setup(&f);
	l = right_login(&f);
	expect_login_refused(&l, &f, "unbound");
	bind_session(&f);
#define REFUSED(reason, ...)                                                                       \
	l = right_login(&f);                                                                       \
	__VA_ARGS__;                                                                               \
	expect_login_refused(&l, &f, reason)
	REFUSED("key", l.key = f.other_host.public_key);
	REFUSED("key", l.key = (struct sshbytes){0});
	REFUSED("data", l.type = 51);
	REFUSED("data", l.service = "ssh-userauth");
	REFUSED("data", l.method = "hostbased");
	REFUSED("data", l.has_signature = 0);
	REFUSED("data", l.has_signature = 2);
	REFUSED("data", l.trailing = true);
	REFUSED("data", l.user = "");
	REFUSED("data", l.host_key = f.host.public_key);
	REFUSED("data", l.method = "publickey-hostbound-v00@openssh.com");
	REFUSED("session", l.session = "0123456789abcdef0123456789abcdeX");
	REFUSED("session", l.session = "");
	REFUSED("session", l.method = "publickey-hostbound-v00@openssh.com";
		l.host_key = f.other_host.public_key);
	REFUSED("user", l.user = "root");
	REFUSED("user", l.user = "deploy2");
	/* The second key is for the second host. */
	REFUSED("user", l.key = l.blob = f.keys[1].public_key);
	REFUSED("algorithm", l.algorithm = "ssh-rsa");
	REFUSED("algorithm", l.blob = f.keys[1].public_key);
	REFUSED("algorithm", l.algorithm = "ssh-ed25519-cert-v01@openssh.com");
#undef REFUSED
	l = right_login(&f);
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	teardown(&f);
}

static void test_a_session_is_bound_to_a_configured_host(void **state)
{
	struct fixture f;
	struct login l;
	struct sshkey stranger = {0};

	(void)state;
	setup(&f);
	make_key(f.dir, "stranger", "ed25519", "256", "");
	load_key(f.dir, "stranger", &stranger);
	l = right_login(&f);
#define REFUSED(why, ...)                                                                          \
	do {                                                                                       \
		struct binding s = right_binding(&f);                                              \
		__VA_ARGS__;                                                                       \
		send_binding(&f, &s, true);                                                        \
		expect_refusal(&f, why);                                                           \
		expect_login_refused(&l, &f, "unbound");                                           \
	} while (0)
	REFUSED("host", s.host_key = stranger.public_key; s.signer = &stranger);
	REFUSED("host", s.host_key = (struct sshbytes){0});
	/* Who knows the host's public key has not its signature. */
	REFUSED("host_signature", s.signer = &stranger);
	REFUSED("host_signature", s.signed_session = "0123456789abcdef0123456789abcdeX");
	REFUSED("malformed", s.session = s.signed_session = "short");
	REFUSED("forwarding", s.forwarding = 1);
	REFUSED("malformed", s.forwarding = 2);
#undef REFUSED
	bind_session(&f);
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	{
		struct binding s = right_binding(&f);

		send_binding(&f, &s, true);
		expect_refusal(&f, "bound_twice");
	}
	sshkey_release(&stranger);
	teardown(&f);
}

static void test_a_login_with_the_configured_certificate(void **state)
{
	auto_buf struct buf other = {0};
	struct fixture f;
	struct login l;

	(void)state;
	setup(&f);
	make_certificate(f.dir, "two");
	load_blob(f.dir, "two-cert.pub", &other);
	bind_session(&f);
	l = right_login(&f);
	l.blob = bytes_of(&f.certificate);
	l.algorithm = "ssh-ed25519-cert-v01@openssh.com";
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	l.algorithm = "ssh-ed25519";
	expect_login_refused(&l, &f, "algorithm");
	l.algorithm = "ssh-ed25519-cert-v01@openssh.com";
	l.blob = bytes_of(&other);
	expect_login_refused(&l, &f, "algorithm");
	teardown(&f);
}

static void test_rsa_signs_with_sha2_as_asked_for(void **state)
{
	struct fixture f;
	struct login l;

	(void)state;
	setup_type(&f, "rsa", "2048");
	bind_session(&f);
	l = right_login(&f);
	l.algorithm = "rsa-sha2-256";
	l.flags = SSHAGENT_FLAG_SHA256;
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	l.algorithm = "rsa-sha2-512";
	expect_login_refused(&l, &f, "algorithm");
	l.flags = SSHAGENT_FLAG_SHA512;
	ask_signature(&f, &l);
	expect_signature(&f, &l);
	l.algorithm = "ssh-rsa";
	expect_login_refused(&l, &f, "algorithm");
	l.flags = 0;
	expect_login_refused(&l, &f, "algorithm");
	teardown(&f);
}

static void test_a_machine_has_so_many_signatures(void **state)
{
	struct fixture f;
	struct login l;

	(void)state;
	setup(&f);
	bind_session(&f);
	l = right_login(&f);
	for (int i = 0; i < LIMIT_AGENT_SIGNATURES; i++) {
		ask_signature(&f, &l);
		assert_int_equal(f.report.verdict, SSHAGENT_SIGNED);
	}
	expect_login_refused(&l, &f, "limit");
	teardown(&f);
}

/* Whole messages, cut at every place, and with a byte too many. */
static void test_cut_messages_are_refused(void **state)
{
	auto_buf struct buf message = {0};
	struct fixture f;
	struct binding s;

	(void)state;
	setup(&f);
	s = right_binding(&f);
	put_binding(&message, &s);
	buf_addc(&message, 'x');
	say(&f, &message, true);
	expect_refusal(&f, "malformed");
	/* Up to its name it is another extension. */
	for (message.len -= 2; message.len > 5 + strlen("session-bind@openssh.com");
		message.len--) {
		say(&f, &message, true);
		expect_refusal(&f, "malformed");
	}
	message.data[0] = 17;
	message.len = 1;
	say(&f, &message, true);
	expect_refusal(&f, "request");
	message.len = 0;
	say(&f, &message, true);
	expect_refusal(&f, "malformed");
	teardown(&f);
}

/* ---- the process ---- */

struct world {
	struct fixture f;
	struct buf texts[2];
	struct sshagent agent;
	char *path;
	struct buf events;
};

static void keep(void *arg, const struct event *ev)
{
	struct buf *b = arg;

	buf_addf(b, "%s ", event_info(ev->type)->name);
	jsonl_add(b, ev->fields);
	buf_addc(b, '\n');
}

static int listen_in(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void world_begin(struct world *w)
{
	auto_fd int listener = -1;
	struct err e = {0};
	uid_t uid;
	gid_t gid;

	*w = (struct world){.agent = SSHAGENT_NONE};
	setup(&w->f);
	buf_init(&w->events, 1 << 20);
	read_text(w->f.dir, "one", &w->texts[0]);
	read_text(w->f.dir, "two", &w->texts[1]);
	for (size_t i = 0; i < 2; i++) {
		w->f.names[i].text = w->texts[i].data;
		w->f.names[i].len = w->texts[i].len;
	}
	w->path = path_join(w->f.dir, "socket");
	listener = listen_in(w->path);
	expect_ok(jail_vm_user(NULL, &uid, &gid, &e), &e);
	expect_ok(sshagent_start(listener, &w->f.rules, uid, gid, &w->agent, &e), &e);
}

static void world_end(struct world *w)
{
	sshagent_kill(&w->agent);
	buf_release(&w->texts[0]);
	buf_release(&w->texts[1]);
	buf_release(&w->events);
	free(w->path);
	teardown(&w->f);
}

static int call(const struct world *w)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* A request and its answer; 0 when the agent hangs up instead. */
static size_t ask(int fd, const struct buf *message, struct buf *reply)
{
	auto_buf struct buf framed = {0};
	uint8_t head[4];
	size_t len;

	buf_init(&framed, 1 << 20);
	buf_init(reply, 1 << 20);
	sshwire_put_string(&framed, message->data, message->len);
	assert_int_equal(fd_write_all(fd, framed.data, framed.len), 0);
	if (fd_read_full(fd, head, sizeof(head)) != (ssize_t)sizeof(head))
		return 0;
	len = (size_t)head[2] << 8 | head[3];
	assert_int_equal(fd_read_full(fd, buf_room(reply, len), len), (ssize_t)len);
	buf_grew(reply, len);
	return len;
}

static void finish(struct world *w)
{
	const struct event_sink sink = {keep, &w->events};
	struct err e = {0};

	expect_ok(sshagent_stop(&w->agent, &sink, SOURCE_POST_PLAN, &e), &e);
}

static void test_the_process_signs_and_reports(void **state)
{
	auto_buf struct buf message = {0};
	auto_buf struct buf reply = {0};
	auto_buf struct buf none = {0};
	auto_fd int fd = -1, other = -1;
	struct binding s;
	struct world w;

	(void)state;
	world_begin(&w);
	fd = call(&w);
	other = call(&w);
	s = right_binding(&w.f);
	put_binding(&message, &s);
	assert_int_equal(ask(fd, &message, &reply), 1);
	assert_int_equal(reply.data[0], SSHAGENT_SUCCESS);
	message.data[0] = 99;
	buf_release(&reply);
	assert_int_equal(ask(other, &message, &reply), 1);
	assert_int_equal(reply.data[0], SSHAGENT_FAILURE);
	buf_clear(&message);
	assert_int_equal(ask(other, &message, &none), 0);
	finish(&w);
	assert_string_equal(w.events.data,
		"ssh_agent {\"verdict\":\"refused\",\"reason\":\"request\",\"message\":\"it only "
		"lists keys and signs logins (message 99)\"}\n"
		"ssh_agent {\"verdict\":\"refused\",\"reason\":\"malformed\",\"message\":\"the "
		"message is too long or empty\"}\n");
	assert_string_equal(w.agent.refusal, "it only lists keys and signs logins (message 99)");
	world_end(&w);
}

static void test_a_message_that_is_too_long_ends_the_connection(void **state)
{
	static const uint8_t huge[4] = {0xff, 0xff, 0xff, 0xff};
	auto_fd int fd = -1;
	struct world w;
	char byte;

	(void)state;
	world_begin(&w);
	fd = call(&w);
	assert_int_equal(fd_write_all(fd, huge, sizeof(huge)), 0);
	assert_int_equal(fd_read_full(fd, &byte, 1), 0);
	finish(&w);
	assert_non_null(strstr(w.events.data, "too long"));
	world_end(&w);
}

static void test_the_death_of_the_agent_is_told(void **state)
{
	const struct event_sink sink = {keep, NULL};
	struct err e = {0};
	struct world w;
	siginfo_t info;

	(void)state;
	world_begin(&w);
	assert_int_equal(kill(w.agent.sidecar.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)w.agent.sidecar.pid, &info, WEXITED | WNOWAIT), 0);
	expect_err(sshagent_read(&w.agent, &sink, SOURCE_POST_PLAN, &e), &e, ERR_HOST,
		"the ssh agent of the virtual machine ended before the machine did");
	assert_string_equal(e.reason, "host_agent_died");
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs_with_every_kind_of_key),
		cmocka_unit_test(test_refuses_keys_that_it_cannot_use),
		cmocka_unit_test(test_a_damaged_key_is_refused_or_another),
		cmocka_unit_test(test_a_certificate_belongs_to_one_key),
		cmocka_unit_test(test_reads_known_hosts_as_ssh_does),
		cmocka_unit_test(test_compares_a_key_with_known_hosts),
		cmocka_unit_test(test_reads_hashed_names),
		cmocka_unit_test(test_lists_the_keys_and_signs_the_configured_login),
		cmocka_unit_test(test_signs_nothing_but_the_configured_login),
		cmocka_unit_test(test_a_session_is_bound_to_a_configured_host),
		cmocka_unit_test(test_a_login_with_the_configured_certificate),
		cmocka_unit_test(test_rsa_signs_with_sha2_as_asked_for),
		cmocka_unit_test(test_a_machine_has_so_many_signatures),
		cmocka_unit_test(test_cut_messages_are_refused),
		cmocka_unit_test(test_the_process_signs_and_reports),
		cmocka_unit_test(test_a_message_that_is_too_long_ends_the_connection),
		cmocka_unit_test(test_the_death_of_the_agent_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
