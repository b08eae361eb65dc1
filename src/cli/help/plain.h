/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages without man(1): for a host on which none is installed. */
#ifndef CLI_HELP_PLAIN_H
#define CLI_HELP_PLAIN_H

#include "base/buf.h"

/*
 * Append a page that manual_add_page has made, as text of at most `width` columns. Only the
 * requests that those pages have are known; tables keep their lines.
 */
void plain_add_page(struct buf *b, const char *roff, size_t width);

#endif
