/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sshkey.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"

enum { RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 16384, ED25519_BYTES = 32, POINT_UNCOMPRESSED = 4 };

static const char ed25519[] = "ssh-ed25519";
static const char rsa[] = "ssh-rsa";

static const struct curve {
	const char *type, *name, *group;
	size_t bytes; /* of a coordinate */
	const EVP_MD *(*digest)(void);
} curves[] = {
	{"ecdsa-sha2-nistp256", "nistp256", "P-256", 32, EVP_sha256},
	{"ecdsa-sha2-nistp384", "nistp384", "P-384", 48, EVP_sha384},
	{"ecdsa-sha2-nistp521", "nistp521", "P-521", 66, EVP_sha512},
};

static const struct {
	const char *name;
	const EVP_MD *(*digest)(void);
} rsa_algorithms[] = {
	{"rsa-sha2-256", EVP_sha256},
	{"rsa-sha2-512", EVP_sha512},
};

/* Destructors for libcrypto's objects. */
static void free_pkey(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}
static void free_pkey_context(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}
static void free_digest_context(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}
static void free_builder(OSSL_PARAM_BLD **p)
{
	OSSL_PARAM_BLD_free(*p);
}
static void free_params(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}
static void free_number(BIGNUM **p)
{
	BN_clear_free(*p);
}
static void free_ecdsa(ECDSA_SIG **p)
{
	ECDSA_SIG_free(*p);
}
#define auto_pkey __attribute__((cleanup(free_pkey)))
#define auto_pkey_context __attribute__((cleanup(free_pkey_context)))
#define auto_digest_context __attribute__((cleanup(free_digest_context)))
#define auto_builder __attribute__((cleanup(free_builder)))
#define auto_params __attribute__((cleanup(free_params)))
#define auto_number __attribute__((cleanup(free_number)))
#define auto_ecdsa __attribute__((cleanup(free_ecdsa)))

/* ---- numbers of a key ---- */

static const struct curve *find_curve(struct sshbytes type)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (sshbytes_are(type, curves[i].type))
			return &curves[i];
	return NULL;
}

/* The fields of a key, public or private; `secret` is empty in a public key. */
struct numbers {
	const struct curve *curve; /* NULL: not ecdsa */
	bool is_rsa;
	struct sshbytes n, e;   /* rsa */
	struct sshbytes point;  /* of ecdsa; of ed25519 the public key */
	struct sshbytes secret; /* d, or the seed */
};

static void read_point(struct sshwire *w, struct numbers *n)
{
	struct sshbytes name = sshwire_string(w);

	n->point = sshwire_string(w);
	if (!sshbytes_are(name, n->curve->name) || !n->point.data ||
		n->point.len != 2 * n->curve->bytes + 1 || n->point.data[0] != POINT_UNCOMPRESSED)
		w->bad = true;
}

static bool is_modulus(struct sshbytes n)
{
	return n.len >= RSA_BITS_LEAST / 8 && n.len <= RSA_BITS_MOST / 8;
}

/* Read the fields after the type in a public key. */
static bool read_public(struct sshbytes type, struct sshwire *w, struct numbers *ret)
{
	*ret = (struct numbers){.curve = find_curve(type), .is_rsa = sshbytes_are(type, rsa)};
	if (ret->curve) {
		read_point(w, ret);
	} else if (ret->is_rsa) {
		ret->e = sshwire_number(w);
		ret->n = sshwire_number(w);
		if (!is_modulus(ret->n))
			w->bad = true;
	} else {
		ret->point = sshwire_string(w);
		if (!sshbytes_are(type, ed25519) || ret->point.len != ED25519_BYTES)
			w->bad = true;
	}
	return !w->bad;
}

/* Read the fields after the type in the private part, where rsa has another order. */
static bool read_private(struct sshbytes type, struct sshwire *w, struct numbers *ret)
{
	*ret = (struct numbers){.curve = find_curve(type), .is_rsa = sshbytes_are(type, rsa)};
	if (ret->curve) {
		read_point(w, ret);
		ret->secret = sshwire_number(w);
	} else if (ret->is_rsa) {
		ret->n = sshwire_number(w);
		ret->e = sshwire_number(w);
		ret->secret = sshwire_number(w);
		(void)sshwire_number(w); /* iqmp, p, q: libcrypto does not need them */
		(void)sshwire_number(w);
		(void)sshwire_number(w);
	} else {
		struct sshbytes both;

		ret->point = sshwire_string(w);
		both = sshwire_string(w); /* the seed, followed by the public key */
		if (both.len != 2 * (size_t)ED25519_BYTES)
			w->bad = true;
		else
			ret->secret = (struct sshbytes){both.data, ED25519_BYTES};
	}
	return !w->bad;
}

/* ---- libcrypto's form ---- */

static bool push_number(
	OSSL_PARAM_BLD *b, const char *name, struct sshbytes from, bool secret, BIGNUM **ret)
{
	/* Secret numbers go to libcrypto's secure memory, which is cleared when freed. */
	*ret = secret ? BN_secure_new() : BN_new();
	return *ret && BN_bin2bn(from.data, (int)from.len, *ret) &&
		OSSL_PARAM_BLD_push_BN(b, name, *ret) == 1;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *b, bool secret)
{
	auto_params OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	auto_pkey_context EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &key, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
			params) != 1)
		return NULL;
	return key;
}

static EVP_PKEY *make_rsa(const struct numbers *k)
{
	auto_builder OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	auto_number BIGNUM *n = NULL;
	auto_number BIGNUM *e = NULL;
	auto_number BIGNUM *d = NULL;

	if (!b || !push_number(b, OSSL_PKEY_PARAM_RSA_N, k->n, false, &n) ||
		!push_number(b, OSSL_PKEY_PARAM_RSA_E, k->e, false, &e))
		return NULL;
	if (k->secret.len && !push_number(b, OSSL_PKEY_PARAM_RSA_D, k->secret, true, &d))
		return NULL;
	return from_params("RSA", b, k->secret.len > 0);
}

static EVP_PKEY *make_ecdsa(const struct numbers *k)
{
	auto_builder OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	auto_number BIGNUM *d = NULL;

	if (!b ||
		OSSL_PARAM_BLD_push_utf8_string(
			b, OSSL_PKEY_PARAM_GROUP_NAME, k->curve->group, 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(
			b, OSSL_PKEY_PARAM_PUB_KEY, k->point.data, k->point.len) != 1)
		return NULL;
	if (k->secret.len && !push_number(b, OSSL_PKEY_PARAM_PRIV_KEY, k->secret, true, &d))
		return NULL;
	return from_params("EC", b, k->secret.len > 0);
}

static EVP_PKEY *make_key(const struct numbers *k)
{
	if (k->is_rsa)
		return make_rsa(k);
	if (k->curve)
		return make_ecdsa(k);
	return k->secret.len
		? EVP_PKEY_new_raw_private_key(
			  EVP_PKEY_ED25519, NULL, k->secret.data, k->secret.len)
		: EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->point.data, k->point.len);
}

/* ---- algorithms ---- */

/* False: not an algorithm of this type of key. *ret NULL: the algorithm includes its digest. */
static bool find_digest(struct sshbytes type, struct sshbytes algorithm, const EVP_MD **ret)
{
	const struct curve *curve = find_curve(type);

	*ret = curve ? curve->digest() : NULL;
	if (!sshbytes_are(type, rsa))
		return sshbytes_equal(type, algorithm) && (curve || sshbytes_are(type, ed25519));
	for (size_t i = 0; i < ARRAY_SIZE(rsa_algorithms); i++) {
		if (!sshbytes_are(algorithm, rsa_algorithms[i].name))
			continue;
		*ret = rsa_algorithms[i].digest();
		return true;
	}
	return false;
}

bool sshkey_knows(struct sshbytes type, struct sshbytes algorithm)
{
	const EVP_MD *digest;

	return find_digest(type, algorithm, &digest);
}

/* ---- signing ---- */

/* Convert libcrypto's DER to two numbers (RFC 5656, 3.1.2). */
static bool put_ecdsa(struct buf *b, const uint8_t *der, size_t len)
{
	auto_ecdsa ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)len);
	auto_buf struct buf inner = {0};
	uint8_t number[66];

	if (!s)
		return false;
	buf_init(&inner, LIMIT_AGENT_MESSAGE);
	for (int i = 0; i < 2; i++) {
		const BIGNUM *n = i ? ECDSA_SIG_get0_s(s) : ECDSA_SIG_get0_r(s);
		int bytes = BN_num_bytes(n);

		if (bytes > (int)sizeof(number) || BN_bn2bin(n, number) != bytes)
			return false;
		sshwire_put_number(&inner, number, (size_t)bytes);
	}
	sshwire_put_string(b, inner.data, inner.len);
	return true;
}

static bool sign(const struct sshkey *k, struct sshbytes algorithm, struct sshbytes data,
	const EVP_MD *digest, struct buf *to)
{
	struct sshwire w = sshwire_over(k->fields.data, k->fields.len);
	auto_digest_context EVP_MD_CTX *context = EVP_MD_CTX_new();
	auto_pkey EVP_PKEY *key = NULL;
	uint8_t raw[RSA_BITS_MOST / 8];
	size_t len = sizeof(raw);
	struct numbers numbers;

	if (!read_private(k->type, &w, &numbers))
		return false;
	key = make_key(&numbers);
	if (!key || !context || EVP_DigestSignInit(context, NULL, digest, NULL, key) != 1 ||
		EVP_DigestSign(context, raw, &len, data.data, data.len) != 1)
		return false;
	sshwire_put_string(to, algorithm.data, algorithm.len);
	if (numbers.curve)
		return put_ecdsa(to, raw, len);
	sshwire_put_string(to, raw, len);
	return true;
}

int sshkey_sign(const struct sshkey *k, struct sshbytes algorithm, struct sshbytes data,
	struct buf *ret_signature, struct err *e)
{
	const EVP_MD *digest;

	if (!find_digest(k->type, algorithm, &digest))
		return err_set(e, ERR_INPUT, "the key cannot sign by this algorithm");
	if (!sign(k, algorithm, data, digest, ret_signature))
		return err_set(e, ERR_HOST, "libcrypto cannot sign with this key");
	return 0;
}

/* ---- verifying ---- */

static bool verify(
	EVP_PKEY *key, const EVP_MD *digest, struct sshbytes data, const uint8_t *raw, size_t len)
{
	auto_digest_context EVP_MD_CTX *context = EVP_MD_CTX_new();

	return key && context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
		EVP_DigestVerify(context, raw, len, data.data, data.len) == 1;
}

static bool verify_ecdsa(
	EVP_PKEY *key, const EVP_MD *digest, struct sshbytes data, struct sshbytes both)
{
	struct sshwire w = sshwire_over(both.data, both.len);
	struct sshbytes r = sshwire_number(&w), s = sshwire_number(&w);
	auto_ecdsa ECDSA_SIG *signature = ECDSA_SIG_new();
	auto_number BIGNUM *r_number = BN_bin2bn(r.data, (int)r.len, NULL);
	auto_number BIGNUM *s_number = BN_bin2bn(s.data, (int)s.len, NULL);
	uint8_t *der = NULL;
	bool good;
	int len;

	if (!sshwire_ended(&w) || r.len > 66 || s.len > 66 || !signature || !r_number || !s_number)
		return false;
	if (ECDSA_SIG_set0(signature, r_number, s_number) != 1)
		return false;
	r_number = NULL; /* now owned by the signature */
	s_number = NULL;
	len = i2d_ECDSA_SIG(signature, &der);
	good = len > 0 && verify(key, digest, data, der, (size_t)len);
	OPENSSL_free(der);
	return good;
}

bool sshkey_verify(struct sshbytes public_key, struct sshbytes data, struct sshbytes signature)
{
	struct sshwire w = sshwire_over(public_key.data, public_key.len);
	struct sshwire s = sshwire_over(signature.data, signature.len);
	struct sshbytes type = sshwire_string(&w);
	struct sshbytes algorithm = sshwire_string(&s), raw = sshwire_string(&s);
	auto_pkey EVP_PKEY *key = NULL;
	struct numbers numbers;
	const EVP_MD *digest;

	if (!sshwire_ended(&s) || !find_digest(type, algorithm, &digest) ||
		!read_public(type, &w, &numbers) || !sshwire_ended(&w))
		return false;
	key = make_key(&numbers);
	return numbers.curve ? verify_ecdsa(key, digest, data, raw)
			     : verify(key, digest, data, raw.data, raw.len);
}

/* ---- reading a private key ---- */

static const char head[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char tail[] = "-----END OPENSSH PRIVATE KEY-----";
static const char pem_head[] = "-----BEGIN ";
static const char pem_kind[] = "PRIVATE KEY-----";

void sshkey_release(struct sshkey *k)
{
	vault_free(&k->vault);
	*k = (struct sshkey){0};
}

static bool is_blank(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static const char *find_text(const char *text, size_t len, const char *wanted)
{
	return memmem(text, len, wanted, strlen(wanted));
}

/* Decode the base64 between the two lines. All copies are in vaults. */
static int decode(const char *text, size_t len, struct vault *ret, size_t *ret_len, struct err *e)
{
	const char *from = find_text(text, len, head), *end;
	auto_vault struct vault digits = {0};
	size_t count = 0;

	end = from ? find_text(from, len - (size_t)(from - text), tail) : NULL;
	if (!end)
		return err_set(e, ERR_INPUT,
			"it is not a private key in OpenSSH's format ('BEGIN OPENSSH PRIVATE "
			"KEY'); "
			"'ssh-keygen -p -f FILE' converts an older one");
	vault_alloc(&digits, len);
	for (from += strlen(head); from < end; from++)
		if (!is_blank(*from))
			((char *)digits.data)[count++] = *from;
	vault_alloc(ret, count + 1);
	if (base64_decode_to(ret->data, digits.data, count, ret_len) < 0)
		return err_set(e, ERR_INPUT, "the private key is damaged: it is not base64");
	return 0;
}

static int damaged(struct err *e)
{
	return err_set(e, ERR_INPUT, "the private key is damaged");
}

/* Padding is 1, 2, 3, ... up to the block size of the cipher, which is 8 without encryption. */
static bool is_padding(struct sshbytes rest)
{
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] != i + 1)
			return false;
	return rest.len < 8;
}

static bool is_known(struct sshbytes type)
{
	return find_curve(type) || sshbytes_are(type, rsa) || sshbytes_are(type, ed25519);
}

/*
 * Whether the public and the private part are the same key. If they differed, the agent would list
 * one key and sign with another.
 */
static bool agree(struct sshkey *k, const struct numbers *private)
{
	struct sshwire w = sshwire_over(k->public_key.data, k->public_key.len);
	struct sshbytes type = sshwire_string(&w);
	struct numbers public;

	return sshbytes_equal(type, k->type) && read_public(type, &w, &public) &&
		sshwire_ended(&w) && sshbytes_equal(public.point, private->point) &&
		sshbytes_equal(public.n, private->n) && sshbytes_equal(public.e, private->e);
}

static int read_secret_part(struct sshkey *k, struct sshbytes part, struct err *e)
{
	struct sshwire w = sshwire_over(part.data, part.len);
	uint32_t check = sshwire_u32(&w), again = sshwire_u32(&w);
	struct numbers numbers;

	k->type = sshwire_string(&w);
	if (w.bad || check != again)
		return damaged(e);
	if (!is_known(k->type))
		return err_set(e, ERR_INPUT,
			"the agent does not support its type of key; it supports ed25519, rsa and "
			"ecdsa");
	k->fields = (struct sshbytes){w.at, w.left};
	if (!read_private(k->type, &w, &numbers))
		return damaged(e);
	if (numbers.is_rsa && !is_modulus(numbers.n))
		return err_set(e, ERR_INPUT, "an rsa key must have %d to %d bits", RSA_BITS_LEAST,
			RSA_BITS_MOST);
	(void)sshwire_string(&w); /* the comment */
	if (w.bad || !is_padding((struct sshbytes){w.at, w.left}) || !agree(k, &numbers))
		return damaged(e);
	return 0;
}

static int has_passphrase(struct err *e)
{
	return err_set(e, ERR_INPUT,
		"it has a passphrase, which nobody can type here; "
		"'ssh-keygen -p -N \"\" -f FILE' removes it");
}

static int read_blob(struct sshkey *k, size_t len, struct sshbytes *ret_secret, struct err *e)
{
	static const char magic[] = "openssh-key-v1"; /* including its NUL */
	struct sshwire w = sshwire_over(k->vault.data, len);
	struct sshbytes begin = sshwire_bytes(&w, sizeof(magic));
	struct sshbytes cipher = sshwire_string(&w), kdf;
	uint32_t count;

	kdf = sshwire_string(&w);
	(void)sshwire_string(&w); /* options of the kdf */
	count = sshwire_u32(&w);
	if (w.bad || memcmp(begin.data, magic, sizeof(magic)) != 0 || count != 1)
		return damaged(e);
	if (!sshbytes_are(cipher, "none") || !sshbytes_are(kdf, "none"))
		return has_passphrase(e);
	k->public_key = sshwire_string(&w);
	*ret_secret = sshwire_string(&w);
	return sshwire_ended(&w) ? 0 : damaged(e);
}

static int read_parts(
	const char *text, size_t len, struct sshkey *k, struct sshbytes *ret_secret, struct err *e)
{
	size_t bytes = 0;

	if (len > LIMIT_SSH_KEY_BYTES)
		return err_set(e, ERR_INPUT, "it is too long for a key (%zu bytes)",
			(size_t)LIMIT_SSH_KEY_BYTES);
	if (decode(text, len, &k->vault, &bytes, e) < 0)
		return -1;
	return read_blob(k, bytes, ret_secret, e);
}

int sshkey_parse(const char *text, size_t len, struct sshkey *ret, struct err *e)
{
	auto_sshkey struct sshkey k = {0};
	struct sshbytes secret = {0};

	if (read_parts(text, len, &k, &secret, e) < 0 || read_secret_part(&k, secret, e) < 0)
		return -1;
	*ret = k;
	k = (struct sshkey){0};
	return 0;
}

/* RFC 7468, and the headers of RFC 1421 that OpenSSL writes. */
static int check_pem(const char *text, size_t len, struct err *e)
{
	const char *from = find_text(text, len, pem_head);
	const char *end = from ? memchr(from, '\n', len - (size_t)(from - text)) : NULL;
	size_t line = end ? (size_t)(end - from) : 0;

	if (!from || !find_text(from, line, pem_kind))
		return err_set(e, ERR_INPUT,
			"it is not a private key for ssh: it has no line '-----BEGIN ... PRIVATE "
			"KEY-----'");
	if (find_text(from, line, "ENCRYPTED") || find_text(text, len, "Proc-Type: 4,ENCRYPTED"))
		return has_passphrase(e);
	return 0;
}

int sshkey_check(const char *text, size_t len, struct buf *ret_public, struct err *e)
{
	auto_sshkey struct sshkey k = {0};
	struct sshbytes secret = {0};

	if (!find_text(text, len, head))
		return check_pem(text, len, e);
	if (read_parts(text, len, &k, &secret, e) < 0)
		return -1;
	buf_add(ret_public, k.public_key.data, k.public_key.len);
	return 0;
}

/* ---- public keys ---- */

void sshkey_fingerprint(struct buf *b, struct sshbytes public_key)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(public_key.data, public_key.len, digest, &len, EVP_sha256(), NULL) != 1)
		BUG("libcrypto cannot make a SHA-256 digest");
	buf_adds(b, "SHA256:");
	base64_add(b, digest, len);
	while (b->len && b->data[b->len - 1] == '=')
		b->data[--b->len] = '\0';
}

int sshkey_read_line(const char *line, size_t len, struct buf *ret_blob)
{
	const char *end = line + len, *type = line, *digits;
	struct sshwire w;
	size_t before = ret_blob->len, type_len;
	struct sshbytes inner;

	while (line < end && !is_blank(*line))
		line++;
	type_len = (size_t)(line - type);
	while (line < end && is_blank(*line))
		line++;
	for (digits = line; line < end && !is_blank(*line);)
		line++;
	if (base64_decode(ret_blob, digits, (size_t)(line - digits)) < 0 || ret_blob->overflow)
		return -1;
	w = sshwire_over(ret_blob->data + before, ret_blob->len - before);
	inner = sshwire_string(&w);
	return inner.len &&
			sshbytes_equal(inner, (struct sshbytes){(const uint8_t *)type, type_len})
		? 0
		: -1;
}

bool sshkey_is_certificate(struct sshbytes blob)
{
	struct sshwire w = sshwire_over(blob.data, blob.len);
	struct sshbytes type = sshwire_string(&w);
	size_t suffix = strlen(SSHKEY_CERTIFICATE_SUFFIX);

	return type.len > suffix &&
		memcmp(type.data + type.len - suffix, SSHKEY_CERTIFICATE_SUFFIX, suffix) == 0 &&
		w.left > 0;
}

/*
 * A certificate consists of TYPE-cert-v01@openssh.com, a nonce, and the fields that follow the type
 * in the public key (PROTOCOL.certkeys).
 */
bool sshkey_certifies(struct sshbytes certificate, struct sshbytes public_key)
{
	struct sshwire c = sshwire_over(certificate.data, certificate.len);
	struct sshwire k = sshwire_over(public_key.data, public_key.len);
	struct sshbytes type = sshwire_string(&k);
	auto_free char *wanted = mem_printf("%.*s" SSHKEY_CERTIFICATE_SUFFIX, (int)type.len,
		type.data ? (const char *)type.data : "");
	bool right = sshbytes_are(sshwire_string(&c), wanted);
	struct sshbytes fields;

	(void)sshwire_string(&c);
	fields = sshwire_bytes(&c, k.left);
	return right && !c.bad && fields.len &&
		sshbytes_equal(fields, (struct sshbytes){k.at, k.left});
}

void sshkey_use_locked_memory(void)
{
	enum { BYTES = 128 * 1024, LEAST = 32 };

	err_ignore(CRYPTO_secure_malloc_init(BYTES, LEAST));
}

void sshkey_hmac(struct sshbytes key, struct sshbytes data, uint8_t ret[SSHKEY_HMAC_BYTES])
{
	unsigned len = 0;

	if (!HMAC(EVP_sha1(), key.data, (int)key.len, data.data, data.len, ret, &len))
		BUG("libcrypto cannot make an HMAC");
}
