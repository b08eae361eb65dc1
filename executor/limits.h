/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the executor in a guest. */
#ifndef EXECUTOR_LIMITS_H
#define EXECUTOR_LIMITS_H

#include "base/limits.h"

/* Longer than the time that the proxy has for a lookup and a connection. */
#define LIMIT_CONNECT_MS (90 * 1000LL)

/*
 * An upload through ssh (watch.h): the bytes that a server must take, and a part of those that it
 * sends, for it to count as progress; the bytes that it may send without.
 */
#define LIMIT_UPLOAD_PROGRESS (4 * KIB)
#define LIMIT_UPLOAD_PROGRESS_PART 64
#define LIMIT_UPLOAD_ANSWERS (64 * MIB)

/* Transfers, by ambient-net. */
#define LIMIT_HTTP_PAUSE_MS 1000            /* before the second attempt; doubled each time */
#define LIMIT_HTTP_CONNECT_MS (60 * 1000LL) /* the proxy has its own, shorter limits */
#define LIMIT_HTTP_REPORT_MS 2000

#define LIMIT_GRACE_MS 2000                /* from SIGTERM to SIGKILL after a time limit */
#define LIMIT_ALWAYS_MS (15 * 60 * 1000LL) /* for all steps that run always, together */
#define LIMIT_DRIVES_MS (20 * 1000LL)      /* until every drive listed in `go` is present */
#define LIMIT_DEVICE_LIST_BYTES (64 * KIB) /* of an image: the device nodes that modules provide */
#define LIMIT_HOSTS_BYTES (64 * KIB)       /* of /etc/hosts */
#define LIMIT_PORTS_MS (10 * 1000LL)       /* until the two ports are present */
#define LIMIT_REAP_MS (10 * 1000LL)        /* without the end of a killed process: it hangs */

/*
 * A guest reserves a sixteenth of its available memory, which its job cannot use, and at most this.
 */
#define LIMIT_GUEST_RESERVE (128 * MIB)

/*
 * A job may have one process or thread for each LIMIT_PROCESS_MEMORY of its memory, and at least
 * LIMIT_PROCESSES_LEAST.
 */
#define LIMIT_PROCESS_MEMORY (256 * KIB)
#define LIMIT_PROCESSES_LEAST 256

/* /etc/passwd and /etc/group of an image. */
#define LIMIT_ACCOUNTS_BYTES (4 * MIB)

#endif
