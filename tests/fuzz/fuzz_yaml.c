/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML that a stranger wrote: read, checked against the tables, written as YAML and as JSON, and
 * read again. The tree must come back with the same kinds, keys and texts.
 */
#include "terminal.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "data/yamlfile.h"
#include "settings/config.h"
#include "settings/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Equal but for the quotes: a string may be written without them, a plain scalar with them. */
static bool same(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->text && strcmp(a->text, b->text) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct node *x = a->items[i], *y = b->items[i];

		if ((x->key && strcmp(x->key, y->key) != 0) || !same(x, y))
			return false;
	}
	return true;
}

static void check_yaml_back(const struct node *n)
{
	auto_node struct node *back = NULL;
	auto_buf struct buf b;
	struct err e = {0};

	buf_init(&b, 256 * MIB);
	yamlfile_add(&b, n);
	/* what aliases made large may not be read again, and that is all that may be wrong */
	if (b.len > LIMIT_YAML_BYTES)
		return;
	if (yamlfile_parse(b.data, b.len, "back", &back, &e) < 0)
		BUG("our own YAML is refused: %s\n%s", e.msg, b.data);
	if (!same(n, back))
		BUG("our own YAML reads as another tree:\n%s", b.data);
}

static void check_json_back(const struct node *n)
{
	auto_node struct node *back = NULL;
	auto_buf struct buf b;
	struct err e = {0};

	buf_init(&b, 256 * MIB);
	jsonl_add(&b, n);
	if (b.len > LIMIT_NODE_BYTES)
		return;
	if (jsonl_parse(b.data, b.len, "back", &back, &e) < 0)
		BUG("our own JSON is refused: %s\n%s", e.msg, b.data);
	if (!same(n, back))
		BUG("our own JSON reads as another tree:\n%s", b.data);
}

/* A message is one line that a terminal obeys nothing of. */
static void check_message(const struct err *e)
{
	if (e->kind != ERR_INPUT || !e->msg[0])
		BUG("a refusal of kind %d: %s", (int)e->kind, e->msg);
	expect_harmless("a message", e->msg);
}

static void check_table(const struct param *table, const struct node *n)
{
	struct err e = {0};

	if (schema_check(table, n, "fuzz", &e) < 0) {
		check_message(&e);
		return;
	}
	node_free(schema_fill(table, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_node struct node *n = NULL;
	const struct node *projects, *item;
	struct node_size measured;
	struct err e = {0};

	if (yamlfile_parse((const char *)data, size, "fuzz", &n, &e) < 0) {
		check_message(&e);
		return 0;
	}
	measured = node_measure(n);
	if (!node_size_fits(&measured))
		BUG("a tree beyond the limits was let in");
	check_yaml_back(n);
	check_json_back(n);
	check_table(config_params, n);
	projects = node_get(n, "projects");
	node_each (projects, item)
		check_table(project_params, item);
	return 0;
}
