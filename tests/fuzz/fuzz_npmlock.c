/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock file of a source: whatever it is, each archive that is found has a URL without credentials
 * and a name beneath its directory, and a refusal is a mistake of the input's.
 */
#include "terminal.h"

#include <stdint.h>
#include <string.h>

#include "actions/ecosystems/npmlock.h"
#include "base/password.h"
#include "data/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (*p == '/' || *p == '.' || !*p)
			BUG("a name that leads elsewhere: %s", name);
	}
	expect_harmless("a name", name);
}

static void check(const struct node *items)
{
	const struct node *item;
	struct checksum sum;

	node_each (items, item) {
		const char *url = node_get_text(item, "url", "");
		const char *text = node_get_text(item, "checksum", NULL);

		if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
			BUG("a URL of no server: %s", url);
		if (password_is_in(url))
			BUG("a URL with a password");
		if (text && !checksum_parse(text, &sum))
			BUG("a checksum that is none: %s", text);
		check_name(node_get_text(item, "filename", ""));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_node struct node *items = NULL;
	struct err e = {0};

	if (npmlock_parse((const char *)data, size, "lock", "https://registry.test/", &items, &e) ==
		0)
		check(items);
	else if (e.kind != ERR_INPUT || !e.msg[0])
		BUG("a refusal of kind %d: %s", (int)e.kind, e.msg);
	else
		expect_harmless("a message", e.msg);
	return 0;
}
