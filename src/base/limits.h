/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units, and limits that several rooms share. Every other limit is in limits.h of its room. Input
 * beyond a limit is rejected with a message and never silently truncated. docs/limits.md lists all
 * of them.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stdint.h>

#define KIB ((uint64_t)1024)
#define MIB ((uint64_t)1024 * KIB)
#define GIB ((uint64_t)1024 * MIB)
#define TIB ((uint64_t)1024 * GIB)

/* Files that people write: configuration, projects, plans, image.yaml. */
#define LIMIT_YAML_BYTES (1 * MIB)
#define LIMIT_NODE_COUNT 100000
#define LIMIT_NODE_BYTES (8 * MIB)
#define LIMIT_PLAN_BYTES (4 * MIB)
#define LIMIT_PLAN_STEPS 1000
/*
 * Linux does not start a program with an argument or a NAME=value of 128 KiB (MAX_ARG_STRLEN, which
 * includes the NUL).
 */
#define LIMIT_ARG_BYTES (128 * KIB - 1)

/* Names that become file names, QEMU arguments or log fields. */
#define LIMIT_NAME_BYTES 200

/* Tar archives written by a guest, when the host unpacks them. */
#define LIMIT_TAR_ENTRIES 1000000
#define LIMIT_TAR_DEPTH 128
#define LIMIT_TAR_PATH 4096
/* Trees that are packed, and archives that are only unpacked in a guest. */
#define LIMIT_TAR_LONG_PATH (16 * KIB)
/* Memory for the names in a directory and in all directories above it. */
#define LIMIT_PACK_NAMES_BYTES (128 * MIB)

/* Values of the configuration and of options. A value out of range is taken for a typing error. */
#define LIMIT_CPUS 255
/*
 * Measured with Debian's kernel 6.1: 72 MiB panic, 80 MiB leave no room for an action, 96 MiB do;
 * 128 MiB are enough with 32 processors and on each type of machine.
 */
#define LIMIT_MEMORY_LEAST (128 * MIB)
#define LIMIT_MEMORY_MOST (16 * TIB)
#define LIMIT_DRIVE_MOST (8 * TIB) /* every file system of a host supports a file of this size */
#define LIMIT_KEEP_RUNS 1000000
#define LIMIT_KEEP_DAYS 36500

/* Trusted programs on the host: git for the operator's settings, QEMU for its version. */
#define LIMIT_HELPER_MS (60 * 1000LL)

/* The buffer of a relay, one per direction of a connection. */
#define LIMIT_PROXY_BUFFER (16 * KIB)

/* Transfers: the time without receiving a byte of the file. */
#define LIMIT_HTTP_STALL_MS (60 * 1000LL)

/* Secrets: the size of one, and the number in a run. */
#define LIMIT_SECRET_BYTES (64 * KIB)
#define LIMIT_SECRETS 64
/* The list of what is to be uploaded, as JSON. */
#define LIMIT_UPLOAD_WORK LIMIT_NODE_BYTES
/* ssh: a known_hosts file or a certificate; a private key, as text; a message to the agent. */
#define LIMIT_SSH_FILE_BYTES (256 * KIB)
#define LIMIT_SSH_KEY_BYTES (32 * KIB)
#define LIMIT_AGENT_MESSAGE (16 * KIB)

/* Between guest and host: a frame, the heartbeat of the guest, and the host's patience. */
#define LIMIT_FRAME_PAYLOAD (64 * KIB)
#define HEARTBEAT_MS 5000
/* Without a frame. The host then checks whether its disk is full, which stops a machine. */
#define LIMIT_QUIET_MS (12 * 1000LL)
#define LIMIT_ACK_MS (10 * 1000LL) /* from `end` to the guest powering off */

#endif
