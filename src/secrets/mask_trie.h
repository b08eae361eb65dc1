/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The automaton of Aho and Corasick over symbols 0 to 255: finds all of many words in one pass.
 * Words are added, then trie_ready is called once. Its memory is wiped by trie_free.
 */
#ifndef SECRETS_MASK_TRIE_H
#define SECRETS_MASK_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/vault.h"

struct trie_node {
	uint32_t child, sibling; /* 0: none */
	uint32_t fail;           /* the longest proper suffix that is a beginning too */
	uint32_t depth;
	uint32_t longest;  /* the length of the longest word that ends here; 0: none */
	uint32_t shortest; /* the length of the shortest word that begins like this */
	uint8_t symbol;
	bool let_go; /* so short a beginning that it may be shown */
};

struct trie {
	struct vault memory;
	struct trie_node *nodes; /* 0 is the root */
	uint32_t count, size;
	uint32_t deepest;    /* the length of the longest word */
	uint32_t first[256]; /* children of the root */
};

/* Makes room for words of so many symbols together. */
void trie_init(struct trie *t, size_t symbols);
void trie_free(struct trie *t);

void trie_add(struct trie *t, const uint8_t *word, size_t len);
void trie_ready(struct trie *t);

/* From a state (0 at the beginning) by a symbol to the next one. */
uint32_t trie_step(const struct trie *t, uint32_t state, uint8_t symbol);

#endif
