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
/* Files and directories of an upload. */
#define LIMIT_UPLOAD_NAMES (LIMIT_NODE_COUNT / 2)

#endif
