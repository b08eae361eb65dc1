/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery/delivery.h"

static const struct delivery kind = {
	.key = "dput_target", .method = UPLOAD_CHANGES, .names = "dput_targets", .web = UPLOAD_PUT};

const struct action action_dput2 = {
	.name = "dput2",
	.summary = "Upload the Debian package in a directory of the artifacts to the configured "
		   "target.",
	.where = IN_POST,
	.logs_in = true,
	.params = delivery_debian_params,
	.check = delivery_check,
	.kind = &kind,
	.expand = delivery_expand,
	.reach = delivery_reach,
	.lint = {.target = TARGET_DPUT, .family = "packages", .generation = 2},
};
