/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of reading secrets. */
#ifndef SECRETS_LIMITS_H
#define SECRETS_LIMITS_H

#include "base/limits.h"

#define LIMIT_SECRET_COMMAND_MS (60 * 1000LL) /* for a command that prints one */

#endif
