/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: the one archive of a hostile guest that the host unpacks. Done by a jailed child. */
#ifndef RUN_ARTIFACTS_H
#define RUN_ARTIFACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/event.h"
#include "data/unpack.h"

/*
 * Unpack the first `bytes` bytes of tar_fd by the strict rules into the directory `dest`, which is
 * made and must not exist; its parent does. The child sees nothing but the archive and the
 * directory; for the archive of nothing, which is all zeros, there is none. The archive must hold
 * exactly `entries` entries. After a failure `dest` is gone.
 *
 * Who may read and change them, the guest does not say: 0755 for directories and what its owner may
 * execute, else 0644, less the umask of this process.
 *
 * Made are directories, files without set-id bits and extended attributes, and symbolic links that
 * stay inside; those to GUEST_ARTIFACTS become relative. What else is there is counted in
 * ret->withheld, for the caller to keep the archive.
 *
 * ERR_GUEST, reason artifacts_refused: what is wrong with which entry; reason guest_output: another
 * number of entries. Progress goes to `sink`.
 */
int artifacts_unpack(int tar_fd, uint64_t bytes, uint64_t entries, uint64_t max_bytes,
	const char *dest, const struct event_sink *sink, struct unpack_result *ret,
	struct err *e) NODISCARD;

bool artifacts_are_whole(const struct unpack_withheld *w); /* nothing was withheld */

/* The counts that are not 0, as a map for events and result.json. The caller frees. */
struct node *artifacts_withheld(const struct unpack_withheld *w);

/* Such a map for people: "1 device, 2 links that lead out". The caller frees. */
char *artifacts_withheld_text(const struct node *map);

/* Copy the archive to the new file `path`, with its holes. */
int artifacts_copy(int tar_fd, uint64_t bytes, const char *path, struct err *e) NODISCARD;

#endif
