/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files directly in the state directory that only save time: what they say can be found out again. No
 * lock is held while they are read, and several programs may write them.
 */
#ifndef UPKEEP_MEMORY_H
#define UPKEEP_MEMORY_H

#include "data/node.h"

/*
 * Replace the file by this tree, in one rename. Nothing is changed if that is not possible, as on a full
 * disk, if another program is writing it at this moment, or if the text is larger than STATEFILE_BYTES:
 * none of it is an error, because the next reader finds out again what is not there.
 */
void memory_write(const char *path, const struct node *file);

#endif
