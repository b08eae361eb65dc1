/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the egress proxy of a VM. A head is that of an HTTP message. */
#ifndef EGRESS_LIMITS_H
#define EGRESS_LIMITS_H

#include "base/limits.h"

#define LIMIT_EGRESS_HOSTS 1000
#define LIMIT_PROXY_CONNECTIONS 256 /* further ones wait in the socket's queue */
#define LIMIT_PROXY_HEAD (15 * KIB)
#define LIMIT_PROXY_FIELDS 100
#define LIMIT_PROXY_LOOKUPS 8             /* at the same time; further ones wait */
#define LIMIT_PROXY_ADDRESSES 16          /* of one name; further ones are not tried */
#define LIMIT_PROXY_HEAD_MS (30 * 1000LL) /* until the head of the request is complete */
#define LIMIT_PROXY_LOOKUP_MS (20 * 1000LL)
#define LIMIT_PROXY_CONNECT_MS (30 * 1000LL)  /* for all addresses together */
#define LIMIT_PROXY_ATTEMPT_MS (10 * 1000LL)  /* for one address */
#define LIMIT_PROXY_IDLE_MS (5 * 60 * 1000LL) /* without a byte in either direction */
#define LIMIT_PROXY_HALF_MS (60 * 1000LL)     /* the same after one side has closed */
#define LIMIT_PROXY_EVENTS 10000 /* logged attempts of one VM; further ones are counted */
#define LIMIT_PROXY_STOP_MS (10 * 1000LL)

#endif
