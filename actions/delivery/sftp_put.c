/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery/delivery.h"

static const struct delivery kind = {.key = "sftp_target", .method = UPLOAD_SFTP};

const struct action action_sftp_put = {
	.name = "sftp_put",
	.summary = "Upload the files of a directory of the artifacts to the configured sftp "
		   "target. An interrupted upload is resumed.",
	.where = IN_POST,
	.logs_in = true,
	.params = delivery_params,
	.check = delivery_check,
	.kind = &kind,
	.expand = delivery_expand,
	.reach = delivery_reach,
};
