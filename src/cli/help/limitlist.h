/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of base/limits.h, for docs/limits.md: the one list of them for people. */
#ifndef CLI_HELP_LIMITLIST_H
#define CLI_HELP_LIMITLIST_H

#include "base/buf.h"

/* A table in Markdown for each group. Every LIMIT_ of limits.h has a row; a lint (claims) compares.
 */
void limitlist_add(struct buf *b);

#endif
