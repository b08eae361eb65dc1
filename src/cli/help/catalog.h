/* SPDX-License-Identifier: Apache-2.0 */
/* The program's tables of actions, parameters, reasons and events, as text, JSON and Markdown. */
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

/* When an action of a pre_plan runs again, as a sentence; NULL: it is not allowed in one. */
const char *catalog_when(const struct action *a);

/* Append the help of a parameter, whether it is required, and its default. */
void catalog_add_help(struct buf *b, const struct param *row);

/* For `ambient actions --json`; the caller frees. */
struct node *catalog_action(const struct action *a);
struct node *catalog_actions(const struct action *const *actions, bool steps_too);

/*
 * The generated parts of docs/: a name and the function that writes it as Markdown. tools/docs
 * inserts each between its two marks in a page.
 */
struct catalog_page {
	const char *name;
	void (*add)(struct buf *b, const struct command *const *commands);
};
extern const struct catalog_page catalog_pages[]; /* ends with a NULL name */

#endif
