/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completes commands that messages propose. All layers write them as 'ambient COMMAND ...' in
 * quotes. Before a message is printed, they are completed so that they work as printed: with the
 * program as the user called it, and with the --config and --projects of the command line.
 */
#ifndef CLI_HINT_H
#define CLI_HINT_H

#include "base/buf.h"
#include "settings/configfiles.h"

/* Call once, at the start. `program` is argv[0] (NULL: ambient). The strings must stay valid. */
void hint_set_program(const char *program);
void hint_set_config(const struct configfiles *given); /* as given; kept */

void hint_set_projects(const char *projects); /* likewise */

/* Append the options that name the configuration, each with a space before it. */
void hint_add_config(struct buf *b);

/* Append "ambient", completed: "bin/ambient --config my\\ file.yaml". */
void hint_add_program(struct buf *b);

/* Append the message; each 'ambient ...' in it is completed. */
void hint_add_message(struct buf *b, const char *message);

#endif
