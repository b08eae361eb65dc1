/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The automaton of Aho and Corasick over symbols 0 to 255: finds many words in one pass.
 * Add all words, then call trie_ready once. trie_free wipes the memory.
 */
#ifndef SECRETS_MASK_TRIE_H
#define SECRETS_MASK_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/vault.h"

struct trie_node {
	uint32_t child, sibling; /* 0: none */
	uint32_t fail;           /* node of the longest proper suffix that begins a word */
	uint32_t depth;
	uint32_t longest;  /* length of the longest word that ends here; 0: none */
	uint32_t shortest; /* length of the shortest word with this beginning */
	uint8_t symbol;
	bool let_go; /* this beginning is short enough to be shown */
};

struct trie {
	struct vault memory;
	struct trie_node *nodes; /* 0 is the root */
	uint32_t count, size;
	uint32_t deepest;    /* the length of the longest word */
	uint32_t first[256]; /* children of the root */
};

/* Allocates memory for words with this total number of symbols. */
void trie_init(struct trie *t, size_t symbols);
void trie_free(struct trie *t);

void trie_add(struct trie *t, const uint8_t *word, size_t len);
void trie_ready(struct trie *t);

/* Returns the next state after a symbol. The first state is 0. */
uint32_t trie_step(const struct trie *t, uint32_t state, uint8_t symbol);

#endif
