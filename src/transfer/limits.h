/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of transfers in trusted VMs. */
#ifndef TRANSFER_LIMITS_H
#define TRANSFER_LIMITS_H

#include "base/limits.h"

#define LIMIT_HTTP_HEADS (256 * KIB)   /* of one response, interim responses included */
#define LIMIT_HTTP_UNWANTED (64 * KIB) /* the body of a response that is not the requested file */
/*
 * Bytes received in the body of a response: a fixed surplus (extensions of chunks and the like),
 * and a factor for each byte of the file, which allows for the smallest chunks.
 */
#define LIMIT_HTTP_OVERHEAD (1 * MIB)
#define LIMIT_HTTP_OVERHEAD_FACTOR 8

/*
 * git over a network: the bytes that it may receive beyond twice the size that it stores; the
 * memory of its transfer program, which contains the list of references; the time in which it may
 * store nothing and use no processor time.
 */
#define LIMIT_GIT_OVERHEAD (64 * MIB)
#define LIMIT_GIT_LIST_MEMORY (256 * MIB)
#define LIMIT_GIT_REF_LINE 4096
#define LIMIT_GIT_WAIT_MS (10 * 60 * 1000LL)

/* The command that starts ssh; answers, directories and partial files of an sftp server. */
#define LIMIT_SSH_COMMAND (32 * KIB)
#define LIMIT_SFTP_ANSWER (256 * KIB) /* as in OpenSSH */
#define LIMIT_SFTP_NAMES 100000
#define LIMIT_UPLOAD_PARTS 10000 /* further ones are not resumed and not removed */

#endif
