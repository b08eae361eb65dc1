/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: the one archive of a hostile guest that the host unpacks. Done by a jailed child. */
#ifndef HOST_ARTIFACTS_H
#define HOST_ARTIFACTS_H

#include <stdint.h>

#include "core/event.h"
#include "core/unpack.h"

/*
 * Unpack the first `bytes` bytes of tar_fd by the strict rules into the directory `dest`, which is
 * made and must not exist; its parent does. The child sees nothing but the archive and the
 * directory; for the archive of nothing, which is all zeros, there is none. The archive must hold
 * exactly `entries` entries. After a failure `dest` is gone.
 *
 * ERR_GUEST, reason artifacts_refused: what is wrong with which entry; reason guest_output: another
 * number of entries. Progress goes to `sink`.
 */
int artifacts_unpack(int tar_fd, uint64_t bytes, uint64_t entries, uint64_t max_bytes,
	const char *dest, const struct event_sink *sink, struct unpack_result *ret,
	struct err *e) NODISCARD;

#endif
