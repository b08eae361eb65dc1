/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery/delivery.h"

static const struct delivery kind = {
	.key = "dput_target", .method = UPLOAD_CHANGES, .names = "dput_targets", .web = UPLOAD_PUT};

static const struct param params[] = {{0}};

const struct action action_dput = {
	.name = "dput",
	.summary = "Upload the Debian package in the artifacts to the configured target.",
	.where = IN_POST,
	.logs_in = true,
	.params = params,
	.kind = &kind,
	.expand = delivery_expand,
	.reach = delivery_reach,
	.lint = {.target = TARGET_DPUT, .family = "packages", .generation = 1},
};
