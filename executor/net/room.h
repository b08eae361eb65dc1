/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers that the executor gives ambient-net, and the space that is left for dependencies. */
#ifndef EXECUTOR_NET_ROOM_H
#define EXECUTOR_NET_ROOM_H

#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "transfer/http.h"

/* A number in the environment (contract.h); `preset` if there is none. */
uint64_t room_said(const char *name, uint64_t preset);

/*
 * Set o->bounded and o->room: the limit of dependencies less all files in o->dir_fd, the directory of
 * dependencies, except those named `replaced` in it, and except `bytes_replaced` of files below them.
 */
int room_find(struct transfer_options *o, const struct strv *replaced, uint64_t bytes_replaced,
	struct err *e) NODISCARD;

/* The same for a directory whose files are all replaced. */
void room_whole(struct transfer_options *o);

#endif
