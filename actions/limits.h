/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of actions. */
#ifndef ACTIONS_LIMITS_H
#define ACTIONS_LIMITS_H

#include "base/limits.h"

/*
 * For the action `shell`. JSON encodes a byte in up to six bytes, so a snippet fits
 * LIMIT_PLAN_BYTES.
 */
#define LIMIT_SNIPPET_BYTES (512 * KIB)
#define LIMIT_NAMES_BYTES (64 * MIB) /* of one directory, names.h */
/* The lock file of npm_get, and what it names. */
#define LIMIT_LOCK_BYTES (32 * MIB)
#define LIMIT_LOCK_VALUES 500000
#define LIMIT_LOCK_DEPTH LIMIT_TAR_DEPTH
#define LIMIT_LOCK_PACKAGES 20000
#define LIMIT_LOCK_PLACE (LIMIT_TAR_PATH / 2) /* the path of a package */
/* What git_deps mirrors, and its names in the source. */
#define LIMIT_GIT_NAMES 200
#define LIMIT_GIT_COMMITS 100
#define LIMIT_GIT_PATH 200
#define LIMIT_FETCH_READS 1000
#define LIMIT_FETCH_HOSTS 100
/* Files and directories of an upload. */
#define LIMIT_UPLOAD_NAMES (LIMIT_NODE_COUNT / 2)
/*
 * The time without progress of rsync. It is long because a server that has a large older file reads
 * all of it before it asks for a part of the new one.
 */
#define LIMIT_UPLOAD_STALL_MS (10 * 60 * 1000LL)

#endif
