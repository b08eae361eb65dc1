/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of trees and archives. */
#ifndef DATA_LIMITS_H
#define DATA_LIMITS_H

#include "base/limits.h"

#define LIMIT_NODE_DEPTH 64
#define LIMIT_YAML_ANCHORS 1000

/* Tar archives written by a guest, when the host unpacks them. */
#define LIMIT_TAR_PAX_BYTES (64 * KIB)
/* Extended attributes of one entry: their number, and the size of all names and values together. */
#define LIMIT_TAR_XATTRS 64
#define LIMIT_TAR_XATTR_BYTES (16 * KIB)
/* Holes of one file that are listed in its header. Further holes are read as zeros. */
#define LIMIT_TAR_HOLES 200

/* The size of a disk in a file, whatever the file's own size. */
#define LIMIT_DISK_BYTES (1024 * GIB)

/* Files with more than one link in a tree that is packed. */
#define LIMIT_PACK_LINKS 1000000

#endif
