/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery.h"

static const struct delivery delivery = {.key = "dput_target", .method = UPLOAD_CHANGES};

static int expand(
	const struct node *args, const struct origin *origin, struct plan *out, struct err *e)
{
	return delivery_expand(&delivery, args, origin, out, e);
}

static int reach(
	const struct node *args, const struct node *config, struct strv *ret_urls, struct err *e)
{
	(void)args;
	return delivery_reach(&delivery, config, ret_urls, e);
}

const struct action action_dput2 = {
	.name = "dput2",
	.summary = "Upload the Debian package in a directory of the artifacts to the configured "
		   "target.",
	.where = IN_POST,
	.params = delivery_params,
	.check = delivery_check,
	.expand = expand,
	.reach = reach,
	.lint = {.target = TARGET_DPUT, .family = "packages", .generation = 2},
};
