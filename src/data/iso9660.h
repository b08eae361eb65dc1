/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small file systems in the format ISO 9660 (ECMA-119), with some files in their root directory.
 *
 * Names are written as they are given, which the standard does not allow ("user-data" has a hyphen
 * and lower-case letters), but every system reads: Linux shows them unchanged, because they have no
 * version and no dot at their end, and are in lower case.
 */
#ifndef DATA_ISO9660_H
#define DATA_ISO9660_H

#include <stddef.h>

#include "base/err.h"

enum { ISO9660_FILES_MAX = 16, ISO9660_NAME_MAX = 30, ISO9660_LABEL_MAX = 32 };

struct iso9660_file {
	const char *name; /* at most ISO9660_NAME_MAX bytes */
	const char *data;
	size_t len;
};

/*
 * Write a file system with this label to an empty file. `files` are in alphabetical order; there are
 * at most ISO9660_FILES_MAX.
 */
int iso9660_write(int fd, const char *label, const struct iso9660_file *files, size_t count,
	struct err *e) NODISCARD;

#endif
