/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/table.h"

const struct action *const actions_host[] = {
	&action_shell,
	&action_custom,
	&action_mkdir,
	&action_setenv,
	&action_pwd,
	&action_dummy,
	&action_cargo_fetch,
	&action_cargo_fmt,
	&action_cargo_clippy,
	&action_cargo_deny,
	&action_cargo_doc,
	&action_cargo_build,
	&action_cargo_test,
	&action_cargo_install,
	&action_rustup,
	&action_http_get,
	&action_git_get,
	&action_npm_get,
	&action_deb_get,
	&action_deb,
	&action_deb2,
	&action_rsync,
	&action_rsync2,
	&action_dput,
	&action_dput2,
	&action_sftp_put,
	&action_spawn,
	&action_tar_extract,
	&action_tar_create,
	&action_net,
	&action_upload,
	NULL,
};

/*
 * Where jobs have their home, and where the tools that actions know find what was fetched for them.
 * A bash that is not told SHELL asks the name services who it is, each time that it starts.
 */
const char *const actions_env[] = {
	"HOME=" GUEST_HOME,
	"CARGO_TARGET_DIR=" GUEST_CACHE,
	"CARGO_HOME=" GUEST_DEPS,
	"PATH=" GUEST_PATH,
	"SHELL=/bin/bash",
	NULL,
};
