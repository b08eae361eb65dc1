/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all limits of base/limits.h, for docs/limits.md. */
#ifndef CLI_HELP_LIMITLIST_H
#define CLI_HELP_LIMITLIST_H

#include "base/buf.h"

/*
 * Append a Markdown table for each group. Every LIMIT_ of limits.h has a row; the lint `claims`
 * checks this.
 */
void limitlist_add(struct buf *b);

#endif
