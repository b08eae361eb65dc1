/* SPDX-License-Identifier: Apache-2.0 */
#include "data/checksum.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *name;
	size_t bytes;
} algorithms[] = {
	[DIGEST_SHA256] = {"sha256", 32},
	[DIGEST_SHA1] = {"sha1", 20},
	[DIGEST_SHA384] = {"sha384", 48},
	[DIGEST_SHA512] = {"sha512", 64},
};

size_t checksum_algorithm(const char *name, size_t name_len, enum digest_algorithm *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		const char *known = algorithms[i].name;

		if (strlen(known) != name_len || memcmp(known, name, name_len) != 0)
			continue;
		*ret = (enum digest_algorithm)i;
		return algorithms[i].bytes;
	}
	return 0;
}

static unsigned value_of(char digit)
{
	if (digit <= '9')
		return (unsigned)(digit - '0');
	return (unsigned)((digit | 0x20) - 'a' + 10);
}

bool checksum_parse(const char *text, struct checksum *ret)
{
	const size_t name_len = strcspn(text, ":");
	const char *hex = text + name_len + 1;
	struct checksum c = {0};

	if (!text[name_len])
		return false;
	c.len = checksum_algorithm(text, name_len, &c.algorithm);
	if (c.len == 0 || strlen(hex) != 2 * c.len ||
		strspn(hex, "0123456789abcdefABCDEF") != 2 * c.len)
		return false;
	for (size_t i = 0; i < c.len; i++)
		c.bytes[i] = (unsigned char)(value_of(hex[2 * i]) << 4 | value_of(hex[2 * i + 1]));
	*ret = c;
	return true;
}

struct checksum_text checksum_show(const struct checksum *c)
{
	struct checksum_text text;
	int n = snprintf(text.s, sizeof(text.s), "%s:", algorithms[c->algorithm].name);

	for (size_t i = 0; i < c->len; i++)
		n += snprintf(text.s + n, sizeof(text.s) - (size_t)n, "%02x", c->bytes[i]);
	return text;
}

struct checksum checksum_end(enum digest_algorithm algorithm, struct digest *d)
{
	struct checksum c = {.algorithm = algorithm};

	c.len = digest_end_raw(d, c.bytes);
	return c;
}

bool checksum_equals(const struct checksum *a, const struct checksum *b)
{
	return a->algorithm == b->algorithm && a->len == b->len &&
		memcmp(a->bytes, b->bytes, a->len) == 0;
}
