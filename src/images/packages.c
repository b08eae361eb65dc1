/* SPDX-License-Identifier: Apache-2.0 */
#include "images/packages.h"

#include <string.h>

#include "base/mem.h"

#define SMALL "abcdefghijklmnopqrstuvwxyz0123456789"
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool consists_of(const char *text, const char *characters)
{
	return *text && text[strspn(text, characters)] == '\0';
}

bool packages_split(const char *row, char **ret_name, char **ret_version)
{
	const char *equals = row ? strchr(row, '=') : NULL;
	auto_free char *name = equals ? mem_strndup(row, (size_t)(equals - row)) : NULL;

	if (!name || !*name || !strchr(SMALL, *name) || !consists_of(name, SMALL "+.-") ||
		!consists_of(equals + 1, SMALL CAPITAL "+.-~:"))
		return false;
	*ret_name = steal_ptr(&name);
	*ret_version = mem_strdup(equals + 1);
	return true;
}
