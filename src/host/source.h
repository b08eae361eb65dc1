/* SPDX-License-Identifier: Apache-2.0 */
/* The source tree on its way to the VMs: packed once, for all of them. */
#ifndef HOST_SOURCE_H
#define HOST_SOURCE_H

#include "core/event.h"
#include "host/config.h"
#include "host/git.h"

/*
 * Pack the tree into a file without a name in tmpdir; *ret_fd is the caller's. State directory and
 * tmpdir are left out when they are inside. Progress, warnings and EVENT_SOURCE go to the sink.
 * ERR_INPUT, ERR_HOST, ERR_INTERRUPTED.
 */
int source_pack(const struct config *config, const char *source, const struct git_state *git,
	const struct event_sink *sink, int *ret_fd, struct err *e) NODISCARD;

/* The same for a directory of ours, without a word; what the strict reader refuses is left out. */
int source_pack_own(
	const struct config *config, const char *dir, int *ret_fd, struct err *e) NODISCARD;

#endif
