/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text of a source that names repositories: whatever it is, each path that is found stays beneath its
 * directory and needs no quotes, and a refusal is a mistake of the input's.
 */
#include "terminal.h"

#include <stdint.h>
#include <string.h>

#include "actions/ecosystems/gitnames.h"
#include "actions/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path)
{
	static const char needs_quotes[] = "\"'\\#;,[]= \t\n";

	if (!*path || strlen(path) > LIMIT_GIT_PATH || strpbrk(path, needs_quotes))
		BUG("a path that cannot be written as it is: %s", path);
	for (const char *p = path; p; p = strchr(p, '/')) {
		size_t len = strcspn(p += *p == '/', "/");

		if (!len || *p == '-' || (len <= 2 && strspn(p, ".") == len))
			BUG("a path that leads elsewhere: %s", path);
	}
	expect_harmless("a path", path);
}

static void check(const struct gitnames *names)
{
	if (names->count > LIMIT_GIT_NAMES)
		BUG("%zu repositories", names->count);
	for (size_t i = 0; i < names->count; i++) {
		check_path(names->items[i].path);
		strv_each (&names->items[i].commits, commit)
			if (strspn(*commit, "0123456789abcdef") < 40)
				BUG("a commit that is none: %s", *commit);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	const char *file = size % 2 ? "go.mod" : "lock";
	auto_gitnames struct gitnames names = {0};
	auto_strv struct strv places = {0};
	struct err e = {0};

	strv_push(&places, "g@h");
	strv_push(&places, "g@i/a");
	strv_push(&places, "git@h.test");
	if (gitnames_find(text, file, &places, &names, &e) == 0)
		check(&names);
	else if (e.kind != ERR_INPUT || !e.msg[0])
		BUG("a refusal of kind %d: %s", (int)e.kind, e.msg);
	else
		expect_harmless("a message", e.msg);
	return 0;
}
