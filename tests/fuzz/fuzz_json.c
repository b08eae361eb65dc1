/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that a stranger wrote, read and written and read again: the same tree, and the same text
 * when it is written a second time. The input is also escaped as the bytes that it is.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "data/jsonl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node *read_back(const struct buf *b)
{
	struct node *back = NULL;
	struct err e = {0};

	if (jsonl_parse(b->data, b->len, "back", &back, &e) < 0)
		BUG("our own JSON is refused: %s\n%s", e.msg, b->data);
	return back;
}

static void check_tree(const struct node *n)
{
	auto_node struct node *back = NULL, *pretty_back = NULL;
	auto_buf struct buf once, again, pretty;

	buf_init(&once, 256 * MIB);
	buf_init(&again, 256 * MIB);
	buf_init(&pretty, 256 * MIB);
	jsonl_add(&once, n);
	jsonl_add_pretty(&pretty, n);
	if (pretty.len > LIMIT_NODE_BYTES)
		return;
	back = read_back(&once);
	pretty_back = read_back(&pretty);
	jsonl_add(&again, back);
	if (!node_equal(n, back) || !node_equal(n, pretty_back))
		BUG("our own JSON reads as another tree:\n%s", once.data);
	if (strcmp(once.data, again.data) != 0)
		BUG("the same tree is written in two ways:\n%s\n%s", once.data, again.data);
}

static void check_string(const char *s, size_t len)
{
	auto_node struct node *back = NULL;
	auto_buf struct buf b, safe;

	buf_init(&b, 64 * MIB);
	buf_init(&safe, 64 * MIB);
	jsonl_add_string(&b, s, len);
	text_add_safe(&safe, b.data, b.len, true);
	if (b.len != safe.len || memcmp(b.data, safe.data, b.len) != 0)
		BUG("an escaped string is not harmless: %s", safe.data);
	if (memchr(s, '\0', len))
		return;
	back = read_back(&b);
	if (text_is_utf8(s, len) && (strlen(back->text) != len || memcmp(back->text, s, len) != 0))
		BUG("a string comes back as another: %s", b.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_node struct node *n = NULL;
	struct err e = {0};

	check_string((const char *)data, size);
	if (jsonl_parse((const char *)data, size, "fuzz", &n, &e) == 0)
		check_tree(n);
	else if (e.kind != ERR_INPUT || !e.msg[0])
		BUG("a refusal of kind %d: %s", (int)e.kind, e.msg);
	return 0;
}
