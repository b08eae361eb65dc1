/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: separate pages that are not in core files, that a forked child does not
 * inherit (it reads zeros), that are not swapped out where the limit of locked memory permits, and
 * that are overwritten before they are freed. Host only.
 */
#ifndef OS_VAULT_H
#define OS_VAULT_H

#include <stddef.h>

#include "base/err.h"

struct vault {
	void *data; /* zeroed; NULL: empty */
	size_t size;
};

/*
 * When memory runs out, the program ends, as everywhere (mem.h). v must be empty, or is overwritten
 * and freed first.
 */
void vault_alloc(struct vault *v, size_t size);
void vault_free(struct vault *v); /* accepts an empty one */
#define auto_vault __attribute__((cleanup(vault_free)))

/*
 * Prevent core files of this process and of all programs that it starts, however core files are
 * written on this host (core(5)). ERR_HOST.
 */
int vault_forbid_core(struct err *e) NODISCARD;

#endif
