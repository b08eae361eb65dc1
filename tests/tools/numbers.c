/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of numbers make of lines "KIND TEXT" on standard input, for tests/spec/numbers:
 * KIND is size, duration or whole. Prints the value, or "refused", for each line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

static void show(const char *kind, const char *text)
{
	uint64_t value = 0;
	int64_t ms = 0;
	struct err e = {0};
	int r;

	if (strcmp(kind, "duration") == 0)
		r = num_parse_duration(text, &ms, &e);
	else if (strcmp(kind, "size") == 0)
		r = num_parse_size(text, &value, &e);
	else
		r = num_parse_u64(text, UINT64_MAX, &value, &e);
	if (r < 0)
		(void)puts("refused");
	else
		(void)printf("%" PRIu64 "\n", value + (uint64_t)ms);
}

int main(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		char *text = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!text)
			return 2;
		*text++ = '\0';
		show(line, text);
	}
	return ferror(stdin) || fflush(stdout) != 0;
}
