/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of ambient-net that download files into the dependencies (o->dir_fd). `work` is what the
 * action has asked for.
 */
#ifndef EXECUTOR_NET_GETFILES_H
#define EXECUTOR_NET_GETFILES_H

#include "base/err.h"
#include "data/node.h"
#include "transfer/http.h"

/* http_get: the `items` of the work, each with url, filename and perhaps checksum, to DEPS_HTTP. */
int getfiles_named(
	const struct node *work, const struct transfer_options *o, struct err *e) NODISCARD;

/*
 * npm_get: the archives that a lock file of the source names (npmlock.h), from the `registry` of the
 * work or from other servers, to NPM_DEPS, where nothing else is afterwards.
 */
int getfiles_locked(
	const struct node *work, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
