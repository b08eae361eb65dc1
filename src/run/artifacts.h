/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: the only guest archive that the host unpacks. A jailed child process unpacks it. */
#ifndef RUN_ARTIFACTS_H
#define RUN_ARTIFACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/event.h"
#include "data/unpack.h"

/*
 * Unpack the first `bytes` bytes of tar_fd by the strict rules into the new directory `dest`, whose
 * parent exists. The child process has access only to the archive and the directory. No child is
 * started for an empty archive, which is all zeros. The archive must have exactly `entries`
 * entries. After a failure, `dest` does not exist.
 *
 * Who may read and change them, the guest does not say: 0755 for directories and what its owner may
 * execute, else 0644, less the umask of this process.
 *
 * Made are directories, files without set-id bits and extended attributes, and symbolic links that
 * stay inside; those to GUEST_ARTIFACTS become relative. What else is there is counted in
 * ret->withheld, for the caller to keep the archive.
 *
 * ERR_GUEST, reason artifacts_refused, names the directory, the entry and its fault; reason guest_output: the
 * number of entries differs. Progress goes to `sink`.
 */
int artifacts_unpack(int tar_fd, uint64_t bytes, uint64_t entries, uint64_t max_bytes,
	const char *dest, const struct event_sink *sink, struct unpack_result *ret,
	struct err *e) NODISCARD;

bool artifacts_are_whole(const struct unpack_withheld *w); /* nothing was withheld */

/* Returns the counts other than 0 as a map for events and result.json. The caller frees. */
struct node *artifacts_withheld(const struct unpack_withheld *w);

/* Returns such a map as text: "1 device, 2 links that lead out". The caller frees. */
char *artifacts_withheld_text(const struct node *map);

/* Copy the archive to the new file `path`. Holes are preserved. */
int artifacts_copy(int tar_fd, uint64_t bytes, const char *path, struct err *e) NODISCARD;

#endif
