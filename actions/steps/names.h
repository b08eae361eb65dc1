/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a directory in a file, each ended by a NUL. What an archive brought is told by them
 * from what a machine added to the same directory later.
 */
#ifndef ACTIONS_STEPS_NAMES_H
#define ACTIONS_STEPS_NAMES_H

#include "base/err.h"
#include "base/strv.h"

/* A parameter of the steps that write and read the file. */
#define ACTIONS_NAMES_KEY "names"
#define ACTIONS_NAMES(text)                                                                        \
	{                                                                                          \
		.name = ACTIONS_NAMES_KEY, .type = PARAM_PATH, .help = (text)                      \
	}

/* Write the names in `directory`, without those in directories below it, to a new file. */
int names_write(const char *directory, const char *file, struct err *e) NODISCARD;

/* Append the names to *ret. ERR_INPUT: there is no such file, or it has more than LIMIT_NAMES_BYTES. */
int names_read(const char *file, struct strv *ret, struct err *e) NODISCARD;

#endif
