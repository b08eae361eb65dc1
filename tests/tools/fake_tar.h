/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as hostile guests write them, by name. */
#ifndef FAKE_TAR_H
#define FAKE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

bool fake_tar_known(const char *name);
void fake_tar_list(void); /* print name and meaning of each, one a line */

/* Write the archive `name` to fd from its start; length and number of entries are told truly. */
int fake_tar_write(const char *name, int fd, uint64_t *ret_bytes, uint64_t *ret_entries,
	struct err *e) NODISCARD;

/* The content of a regular member of an archive of ours. The caller frees. */
int fake_tar_member(
	int fd, const char *name, char **ret_text, size_t *ret_len, struct err *e) NODISCARD;

#endif
