/* SPDX-License-Identifier: Apache-2.0 */
#include "store/depskey.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "data/jsonl.h"
#include "data/node.h"
#include "os/fd.h"
#include "os/path.h"
#include "settings/statefile.h"

enum { KEY_FORMAT = 1, KEY_BYTES = 4096 };

/* The name of an archive without its scope has no '@' (store.h). */
char *depskey_path(const char *archive)
{
	const char *base = path_base(archive);
	size_t len = (size_t)(base - archive) + strcspn(base, "@");

	return mem_printf("%.*s" DEPSKEY_SUFFIX "%s", (int)len, archive, archive + len);
}

static bool take_digest(const struct node *n, const char *key, struct digest_text *ret)
{
	const char *text = node_get_text(n, key, "");

	if (strlen(text) != sizeof(ret->s) - 1)
		return false;
	memcpy(ret->s, text, sizeof(ret->s));
	return true;
}

bool depskey_read(const char *archive, struct depskey *ret)
{
	auto_free char *path = depskey_path(archive);
	auto_node struct node *n = statefile_recall(STATEFILE_DEPSKEY, path);

	if (!n)
		return false;
	ret->bytes = node_get_uint(n, "bytes", 0);
	return take_digest(n, "inputs", &ret->inputs) && take_digest(n, "contents", &ret->contents);
}

bool depskey_equals(const struct depskey *a, const struct depskey *b)
{
	return a->bytes == b->bytes && strcmp(a->inputs.s, b->inputs.s) == 0 &&
		strcmp(a->contents.s, b->contents.s) == 0;
}

int depskey_write(const char *archive, const struct depskey *key, struct err *e)
{
	auto_free char *path = depskey_path(archive);
	auto_node struct node *n = node_map();
	auto_buf struct buf text = {0};

	node_set_int(n, "format", KEY_FORMAT);
	node_set_string(n, "inputs", key->inputs.s);
	node_set_string(n, "contents", key->contents.s);
	node_set_uint(n, "bytes", key->bytes);
	buf_init(&text, KEY_BYTES);
	jsonl_add_pretty(&text, n);
	return fd_write_synced(path, text.data, text.len, 0600, e);
}
