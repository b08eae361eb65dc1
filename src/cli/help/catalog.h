/* SPDX-License-Identifier: Apache-2.0 */
/* The program's tables, for people: actions, parameters, reasons, events; as text, JSON and
 * Markdown. */
#ifndef CLI_HELP_CATALOG_H
#define CLI_HELP_CATALOG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "contract/action.h"

#define CATALOG_USERS (IN_PRE | IN_PLAN | IN_POST) /* lists that users write */

/* "pre_plan, plan" */
void catalog_add_where(struct buf *b, const struct action *a, const char *separator);

/* What a parameter is for, that it is required, its default. */
void catalog_add_help(struct buf *b, const struct param *row);

/* For `actions --json`; the caller frees. */
struct node *catalog_action(const struct action *a);
struct node *catalog_actions(const struct action *const *actions, bool steps_too);

/*
 * The generated parts of docs/: a name and what writes it as Markdown. tools/docs puts each between
 * its two marks in the page that has them.
 */
struct catalog_page {
	const char *name;
	void (*add)(struct buf *b, const struct command *const *commands);
};
extern const struct catalog_page catalog_pages[]; /* ends with a NULL name */

#endif
