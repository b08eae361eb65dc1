/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *b, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			(n > 2 ? p[i + 2] : 0);
		char out[4] = {digits[v >> 18], digits[v >> 12 & 63],
			n > 1 ? digits[v >> 6 & 63] : '=', n > 2 ? digits[v & 63] : '='};

		buf_add(b, out, sizeof(out));
	}
}

static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Four digits, of which the last `padding` are '='. */
static int decode_group(unsigned char out[3], const char *text, int padding)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int digit = i >= 4 - padding ? 0 : value_of(text[i]);

		if (digit < 0)
			return -1;
		v = v << 6 | (uint32_t)digit;
	}
	if ((padding == 1 && (v & 0xff)) || (padding == 2 && (v & 0xffff)))
		return -1;
	out[0] = (unsigned char)(v >> 16);
	out[1] = (unsigned char)(v >> 8);
	out[2] = (unsigned char)v;
	return 0;
}

int base64_decode_to(void *to, const char *text, size_t len, size_t *ret_len)
{
	unsigned char *out = to;

	if (len % 4)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		unsigned char group[3];
		int padding = 0;

		if (i + 4 == len && text[i + 3] == '=')
			padding = text[i + 2] == '=' ? 2 : 1;
		if (decode_group(group, text + i, padding) < 0)
			return -1;
		memcpy(out, group, (size_t)(3 - padding));
		out += 3 - padding;
	}
	*ret_len = (size_t)(out - (unsigned char *)to);
	return 0;
}

int base64_decode(struct buf *b, const char *text, size_t len)
{
	auto_free char *bytes = mem_alloc(len / 4 * 3 + 1);
	size_t count;

	if (base64_decode_to(bytes, text, len, &count) < 0)
		return -1;
	buf_add(b, bytes, count);
	return 0;
}
