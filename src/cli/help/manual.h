/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual pages, in roff (man(7)), from the tables of the program: ambient(1), a page for each
 * command, and one for each file that users write. `make docs` puts them into docs/man/.
 */
#ifndef CLI_HELP_MANUAL_H
#define CLI_HELP_MANUAL_H

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"

/* Append the names of all pages, such as "ambient-run.1", one per line. */
void manual_add_list(struct buf *b, const struct command *const *commands);

/* Append a page of the list. ERR_INPUT for any other name. */
int manual_add_page(struct buf *b, const struct command *const *commands, const char *page,
	struct err *e) NODISCARD;

#endif
