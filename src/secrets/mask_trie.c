/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets/mask_trie.h"

/* mask_idle may show at most this many symbols of a word, and at most a quarter of it. */
enum { LET_GO_MOST = 3, LET_GO_PART = 4 };

void trie_init(struct trie *t, size_t symbols)
{
	*t = (struct trie){.size = (uint32_t)symbols + 1, .count = 1};
	vault_alloc(&t->memory, t->size * sizeof(*t->nodes));
	t->nodes = t->memory.data;
}

void trie_free(struct trie *t)
{
	vault_free(&t->memory);
	*t = (struct trie){0};
}

static uint32_t child_of(const struct trie *t, uint32_t node, uint8_t symbol)
{
	uint32_t at;

	if (node == 0)
		return t->first[symbol];
	at = t->nodes[node].child;
	while (at && t->nodes[at].symbol != symbol)
		at = t->nodes[at].sibling;
	return at;
}

static uint32_t make_child(struct trie *t, uint32_t node, uint8_t symbol)
{
	uint32_t at = t->count++;

	if (at >= t->size)
		BUG("more symbols than trie_init was told");
	t->nodes[at] = (struct trie_node){.symbol = symbol,
		.depth = t->nodes[node].depth + 1,
		.sibling = t->nodes[node].child};
	t->nodes[node].child = at;
	if (node == 0)
		t->first[symbol] = at;
	return at;
}

void trie_add(struct trie *t, const uint8_t *word, size_t len)
{
	uint32_t node = 0, length = (uint32_t)len;

	for (size_t i = 0; i < len; i++) {
		uint32_t next = child_of(t, node, word[i]);

		node = next ? next : make_child(t, node, word[i]);
		if (!t->nodes[node].shortest || t->nodes[node].shortest > length)
			t->nodes[node].shortest = length;
	}
	if (node)
		t->nodes[node].longest = length;
	if (t->deepest < length)
		t->deepest = length;
}

/* The suffix link of a node is computed from that of its parent, which was set before. */
static void link_child(struct trie *t, uint32_t parent, uint32_t at)
{
	struct trie_node *n = &t->nodes[at];
	const struct trie_node *fail;
	uint32_t allowed = n->shortest / LET_GO_PART;

	n->fail = parent ? trie_step(t, t->nodes[parent].fail, n->symbol) : 0;
	fail = &t->nodes[n->fail];
	if (!n->longest)
		n->longest = fail->longest;
	if (allowed > LET_GO_MOST)
		allowed = LET_GO_MOST;
	n->let_go = n->depth <= allowed && fail->let_go;
}

/* Breadth first: a suffix link leads to a node of lower depth, which must be complete. */
void trie_ready(struct trie *t)
{
	struct vault memory = {0};
	uint32_t *queue, head = 0, tail = 1;

	vault_alloc(&memory, t->count * sizeof(*queue));
	queue = memory.data;
	t->nodes[0].let_go = true;
	while (head < tail) {
		uint32_t node = queue[head++];

		for (uint32_t at = t->nodes[node].child; at; at = t->nodes[at].sibling) {
			link_child(t, node, at);
			queue[tail++] = at;
		}
	}
	vault_free(&memory);
}

uint32_t trie_step(const struct trie *t, uint32_t state, uint8_t symbol)
{
	uint32_t next = child_of(t, state, symbol);

	while (!next && state) {
		state = t->nodes[state].fail;
		next = child_of(t, state, symbol);
	}
	return next;
}
