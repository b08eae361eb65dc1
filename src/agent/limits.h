/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of the ssh agent of a VM, which signs with keys that never leave the host, and of asking for host keys.
 */
#ifndef AGENT_LIMITS_H
#define AGENT_LIMITS_H

#include "base/limits.h"

#define LIMIT_AGENT_CONNECTIONS 16 /* further ones wait in the socket's queue */
#define LIMIT_AGENT_IDLE_MS (5 * 60 * 1000LL)
#define LIMIT_AGENT_SIGNATURES 1000 /* for one VM; further ones are refused */
#define LIMIT_AGENT_EVENTS 2000     /* logged signatures and refusals; further ones are counted */
#define LIMIT_AGENT_STOP_MS (10 * 1000LL)

/*
 * ssh servers that doctor asks for host keys: servers at the same time, and each ambient-hostkey.
 */
#define LIMIT_HOSTKEY_AT_ONCE 16
#define LIMIT_HOSTKEY_MS (5 * 1000LL)
#define LIMIT_HOSTKEY_MEMORY (256 * MIB)
#define LIMIT_HOSTKEY_FILES 16
#define LIMIT_HOSTKEY_CPU_SECONDS 5

#endif
