/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/table.h"

const struct action *const actions_guest_plan[] = {
	&action_spawn,
	&action_mkdir,
	&action_symlink,
	&action_create_file,
	&action_setenv,
	&action_pwd,
	&action_dummy,
	&action_tar_extract,
	&action_tar_create,
	&action_net,
	&action_upload,
	NULL,
};
