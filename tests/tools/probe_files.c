/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes, for which the tiny image has no program. */
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "guest_probe.h"

int probe_set_attribute(char **args)
{
	return setxattr(args[0], args[1], args[2], strlen(args[2]), 0) < 0 ? probe_failed(args[0])
									   : 0;
}

/* Printable characters only; the rest as '?'. */
static void show(const char *file, const char *name)
{
	char value[4096];
	ssize_t n = getxattr(file, name, value, sizeof(value));

	(void)printf("%s %s=", file, name);
	for (ssize_t i = 0; i < n; i++)
		(void)putchar(value[i] >= ' ' && value[i] <= '~' ? value[i] : '?');
	(void)putchar('\n');
}

int probe_attributes(char **args)
{
	for (; *args; args++) {
		char names[4096];
		ssize_t n = listxattr(*args, names, sizeof(names));

		if (n < 0)
			return probe_failed(*args);
		for (const char *name = names; name < names + n; name += strlen(name) + 1)
			show(*args, name);
	}
	return 0;
}
