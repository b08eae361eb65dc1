/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/table.h"

const struct action *const actions_host[] = {
	&action_shell,
	&action_custom,
	&action_mkdir,
	&action_symlink,
	&action_create_file,
	&action_setenv,
	&action_pwd,
	&action_dummy,
	&action_git_config,
	&action_dns,
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
	&action_git_deps,
	&action_git_mirror,
	&action_fetch,
	&action_npm_fetch,
	&action_pip_download,
	&action_go_mod_download,
	&action_bundle_fetch,
	&action_maven_fetch,
	&action_npm_get,
	&action_deb_get,
	&action_apt_upgrade_download,
	&action_deb_install,
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

const struct ecosystem *const actions_ecosystems[] = {
	&ecosystem_cargo,
	&ecosystem_npm,
	&ecosystem_pypi,
	&ecosystem_go,
	&ecosystem_rubygems,
	&ecosystem_maven,
	&ecosystem_debian,
	&ecosystem_rustup,
	NULL,
};

/* Clients disagree on upper and lower case. */
#define PROXY_VARIABLE(variable, text)                                                             \
	{                                                                                          \
		.name = (variable), .value = GUEST_PROXY_URL, .help = (text), .fetch_only = true   \
	}

/* Each client has a name of its own for it. */
#define AUTHORITIES_VARIABLE(variable, clients)                                                    \
	{                                                                                          \
		.name = (variable), .value = GUEST_CERTIFICATES, .fetch_only = true,               \
		.authorities = true,                                                               \
		.help = "with `ca_certificates`: these and those of the image, for " clients       \
	}

const struct action_variable actions_env[] = {
	{.name = "HOME",
		.value = GUEST_HOME,
		.help = "the home directory of root, on the scratch disk"},
	{.name = "USER", .value = "root", .help = "the user that runs the actions"},
	{.name = "LOGNAME", .value = "root", .help = "like USER"},
	{.name = "SHELL",
		.value = "/bin/bash",
		.help = "bash looks up root's shell in the name services at each start if it is "
			"not set"},
	{.name = "PATH",
		.value = GUEST_PATH,
		.help = "search path for programs",
		.image_decides = true},
	{.name = "LANG",
		.value = "C.UTF-8",
		.help = "text is UTF-8; messages are not translated",
		.image_decides = true},
	{.name = "TERM",
		.value = "dumb",
		.help = "the output is not a terminal: programs print no colors and no cursor "
			"movements"},
	{.name = "TMPDIR", .value = GUEST_TMP, .help = "temporary files, on the scratch disk"},
	{.name = "CI",
		.value = "true",
		.help = "indicates a build server: programs ask no questions"},
	PROXY_VARIABLE("http_proxy", "the proxy, the only server that the machine can reach"),
	PROXY_VARIABLE("https_proxy", "like http_proxy"),
	PROXY_VARIABLE("HTTP_PROXY", "like http_proxy"),
	PROXY_VARIABLE("HTTPS_PROXY", "like http_proxy"),
	AUTHORITIES_VARIABLE("SSL_CERT_FILE", "OpenSSL, Go, Ruby, uv"),
	AUTHORITIES_VARIABLE("CURL_CA_BUNDLE", "curl"),
	AUTHORITIES_VARIABLE("REQUESTS_CA_BUNDLE", "pip and other programs in Python"),
	AUTHORITIES_VARIABLE("NODE_EXTRA_CA_CERTS", "Node: npm, yarn, pnpm"),
	AUTHORITIES_VARIABLE("GIT_SSL_CAINFO", "git"),
	{0},
};
