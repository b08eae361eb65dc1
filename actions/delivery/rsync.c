/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery/delivery.h"

static const struct delivery kind = {.key = "rsync_target", .method = UPLOAD_RSYNC};

static const struct param params[] = {{0}};

const struct action action_rsync = {
	.name = "rsync",
	.summary = "Copy the artifacts to the configured rsync target, and remove all other "
		   "files there.",
	.where = IN_POST,
	.logs_in = true,
	.params = params,
	.kind = &kind,
	.expand = delivery_expand,
	.reach = delivery_reach,
	.lint = {.target = TARGET_RSYNC},
};
