/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: pages of their own that are in no core file, that a forked child does not
 * have (it finds zeros), that are not swapped out where the limit of locked memory allows it, and
 * that are overwritten before they are given back. Host only.
 */
#ifndef OS_VAULT_H
#define OS_VAULT_H

#include <stddef.h>

#include "base/err.h"

struct vault {
	void *data; /* zeroed; NULL: nothing */
	size_t size;
};

/* Running out of memory ends the program, as everywhere. v is empty or is overwritten and freed
 * first. */
void vault_alloc(struct vault *v, size_t size);
void vault_free(struct vault *v); /* accepts an empty one */
#define auto_vault __attribute__((cleanup(vault_free)))

/*
 * From now on neither this process nor one that it starts leaves a core file, however core files
 * are written on this host (core(5)). ERR_HOST.
 */
int vault_forbid_core(struct err *e) NODISCARD;

#endif
