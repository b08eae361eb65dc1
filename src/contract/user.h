/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user that runs a program of a plan, as `user` of a project, of an action and of a container
 * image has it: NAME or UID, and after a colon a group, GROUP or GID. The guest looks names up in
 * its image (executor/job/account.h).
 */
#ifndef CONTRACT_USER_H
#define CONTRACT_USER_H

#include <stdbool.h>

#define USER_RULE                                                                                  \
	"a name or a number, and after a colon a group or not: letters, digits, '_', '.' and "     \
	"'-', "                                                                                    \
	"each at most 64 of them"

/* -1 in a system call means "as it is", so the highest number is no user. */
#define USER_ID_MAX 0xfffffffeULL

bool user_is_valid(const char *text);

#endif
