/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery/delivery.h"

static const struct delivery kind = {.key = "rsync_target", .method = UPLOAD_RSYNC};

const struct action action_rsync2 = {
	.name = "rsync2",
	.summary = "Copy a directory of the artifacts to the configured rsync target.",
	.where = IN_POST,
	.logs_in = true,
	.params = delivery_rsync_params,
	.check = delivery_check,
	.kind = &kind,
	.expand = delivery_expand,
	.reach = delivery_reach,
	.lint = {.target = TARGET_RSYNC},
};
