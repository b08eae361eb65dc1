/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses an image of the store, for the message of a refused removal. */
#ifndef IMAGES_USERS_H
#define IMAGES_USERS_H

#include <sys/stat.h>

/*
 * The projects of the state directory with a run that has this file open: "hello, other". NULL:
 * none that this process can see; it may be a run of another user, or a machine without a project.
 * The caller frees.
 */
char *users_of(const char *state, const struct stat *file);

#endif
