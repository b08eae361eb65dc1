/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/user.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

enum { PART_MAX = 64 };

static bool part_is_valid(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(text);
	struct err ignored = {0};
	uint64_t number;

	if (len == 0 || len > PART_MAX || text[0] == '-' || strspn(text, allowed) != len)
		return false;
	return strspn(text, "0123456789") != len ||
		num_parse_u64(text, USER_ID_MAX, &number, &ignored) == 0;
}

bool user_is_valid(const char *text)
{
	const char *colon = strchr(text, ':');
	auto_free char *name = mem_strndup(text, colon ? (size_t)(colon - text) : strlen(text));

	return part_is_valid(name) && (!colon || part_is_valid(colon + 1));
}
