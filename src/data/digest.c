/* SPDX-License-Identifier: Apache-2.0 */
#include "data/digest.h"

#include <openssl/evp.h>

#include "base/mem.h"
#include "os/fd.h"
#include "os/sig.h"

/* libcrypto fails here only without memory or without an algorithm; neither can be handled. */
static void must(int ok)
{
	if (ok != 1)
		BUG("libcrypto cannot make a digest");
}

static const EVP_MD *method_of(enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_SHA1:
		return EVP_sha1();
	case DIGEST_SHA384:
		return EVP_sha384();
	case DIGEST_SHA512:
		return EVP_sha512();
	case DIGEST_SHA256:
		break;
	}
	return EVP_sha256();
}

struct digest *digest_new_of(enum digest_algorithm algorithm)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	must(context && EVP_DigestInit_ex(context, method_of(algorithm), NULL));
	return (struct digest *)context;
}

struct digest *digest_new(void)
{
	return digest_new_of(DIGEST_SHA256);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	must(EVP_DigestUpdate((EVP_MD_CTX *)d, data, len));
}

size_t digest_end_raw(struct digest *d, unsigned char *raw)
{
	unsigned len = 0;

	must(EVP_DigestFinal_ex((EVP_MD_CTX *)d, raw, &len));
	EVP_MD_CTX_free((EVP_MD_CTX *)d);
	return len;
}

struct digest_text digest_end(struct digest *d)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[DIGEST_BYTES_MAX] = {0};
	struct digest_text text = {0};

	(void)digest_end_raw(d, raw);
	for (unsigned i = 0; i < 32; i++) {
		text.s[2 * i] = hex[raw[i] >> 4];
		text.s[2 * i + 1] = hex[raw[i] & 15];
	}
	return text;
}

struct digest_text digest_of(const void *data, size_t len)
{
	struct digest *d = digest_new();

	digest_add(d, data, len);
	return digest_end(d);
}

static int add_part(struct digest *d, int fd, uint64_t start, uint64_t bytes, struct err *e)
{
	enum { CHUNK = 1 << 20 };
	auto_free char *chunk = mem_alloc(CHUNK);

	for (uint64_t offset = 0; offset < bytes;) {
		size_t want = bytes - offset < CHUNK ? (size_t)(bytes - offset) : CHUNK;
		ssize_t n = fd_pread_full(fd, chunk, want, start + offset);

		if (n < 0)
			return err_sys(e, "read for the digest");
		if ((size_t)n < want)
			return err_set(e, ERR_HOST, "a file shrank while its digest was computed");
		digest_add(d, chunk, want);
		offset += want;
		if (sig_check(e) < 0)
			return -1;
	}
	return 0;
}

int digest_of_part(int fd, uint64_t offset, uint64_t bytes, struct digest_text *ret, struct err *e)
{
	struct digest *d = digest_new();
	int result = add_part(d, fd, offset, bytes, e);
	struct digest_text text = digest_end(d);

	if (result == 0)
		*ret = text;
	return result;
}

int digest_of_file(int fd, uint64_t bytes, struct digest_text *ret, struct err *e)
{
	return digest_of_part(fd, 0, bytes, ret, e);
}

int digest_add_file(struct digest *d, int fd, uint64_t bytes, struct err *e)
{
	return add_part(d, fd, 0, bytes, e);
}
