/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of actions. To add an action: write a file that ends with its `struct action`, declare
 * it here, add it to a table (table.c for actions of users, guest_plan.c for steps in a plan's
 * machine), and add the file to the Makefile.
 */
#ifndef ACTIONS_TABLE_H
#define ACTIONS_TABLE_H

#include "contract/entry.h"

/*
 * All actions, in the order of the documentation, for validation, help and expansion on the host.
 */
extern const struct action *const actions_host[];

/* The steps of untrusted plans: the only ones that the executor contains. */
extern const struct action *const actions_guest_plan[];

/*
 * The actions of a plan that is carried out without a machine (executor/hand/hand.h), all but those
 * that need our networks. They are expanded in the executor.
 */
extern const struct action *const actions_by_hand[];
/* The ecosystems whose variables such a plan has. */
extern const struct ecosystem *const actions_by_hand_ecosystems[];

/* All ecosystems, in the order of the documentation. */
extern const struct ecosystem *const actions_ecosystems[];

/* The initial environment of every plan; the last row has no name. */
extern const struct action_variable actions_env[];

/*
 * Directories of the artifacts that the actions of a plan find made, as in Ambient CI, and that the
 * actions rsync2 and dput2 deliver. Without content, they are no artifacts.
 */
#define ARTIFACTS_RSYNC "rsync"
#define ARTIFACTS_DEBIAN "debian"

/* Actions of users that expand to steps. */
extern const struct action action_shell, action_custom, action_http_get, action_git_get,
	action_git_deps, action_fetch, action_git_config, action_dns, action_rsync, action_rsync2,
	action_dput, action_dput2, action_sftp_put;

/* Made from the `source` of a project. */
extern const struct action action_git_mirror;

/* Ecosystems, and their actions. */
extern const struct ecosystem ecosystem_cargo, ecosystem_npm, ecosystem_pypi, ecosystem_go,
	ecosystem_rubygems, ecosystem_maven, ecosystem_debian, ecosystem_rustup;
extern const struct action action_cargo_fetch, action_cargo_fmt, action_cargo_clippy,
	action_cargo_deny, action_cargo_doc, action_cargo_build, action_cargo_test,
	action_cargo_install, action_npm_get, action_npm_fetch, action_pip_download,
	action_go_mod_download, action_bundle_fetch, action_maven_fetch, action_rustup,
	action_deb_get, action_apt_upgrade_download, action_deb_install, action_deb, action_deb2;

/* Actions of users that are also steps, with the same name. */
extern const struct action action_mkdir, action_setenv, action_pwd, action_dummy, action_symlink,
	action_create_file;

/* Steps only. */
extern const struct action action_spawn, action_tar_extract, action_tar_create, action_net,
	action_upload;

/*
 * A parameter of every action that runs the project's programs, and of the step `spawn`. With one
 * pipe the order of output is exact, for any number of processors.
 */
#define ACTIONS_MERGE_KEY "merge_output"
#define ACTIONS_MERGE_OUTPUT                                                                       \
	{                                                                                          \
		.name = ACTIONS_MERGE_KEY, .type = PARAM_BOOL, .preset = "false", .inherit = true, \
		.help = "connect standard error to the same pipe as standard output, so that "     \
			"their order is exact even on several processors; the log then "           \
			"contains all output as standard output"                                   \
	}

/* A parameter of every action with a snippet. */
#define ACTIONS_TRACE_KEY "trace"
#define ACTIONS_TRACE                                                                              \
	{                                                                                          \
		.name = ACTIONS_TRACE_KEY, .type = PARAM_BOOL, .preset = "true", .inherit = true,  \
		.help = "print each command to the log before it runs (`set -x`)"                  \
	}

/* Likewise. Without it, the user of the project or of the image runs it, else root. */
#define ACTIONS_USER_KEY "user"
#define ACTIONS_USER                                                                               \
	{                                                                                          \
		.name = ACTIONS_USER_KEY, .type = PARAM_STRING, .not_empty = true,                 \
		.inherit = true,                                                                   \
		.help = "the user that runs it, a name or a number, and after a colon a group or " \
			"not: `build`, `1000:100`"                                                 \
	}

/*
 * check.c: the directories of an action's expansion: those of the machine, or by hand those that
 * `settings` names, which are then the keys of a plan of the existing form (executor/hand/oldplan.h).
 */
const char *actions_artifacts(const struct node *settings);
const char *actions_deps(const struct node *settings);

/* check.c: ERR_INPUT unless `user` of the arguments is valid (contract/user.h) or not there. */
int actions_check_user(const struct node *args, const char *file, struct err *e) NODISCARD;
/* check.c: copy `user` of an action's arguments to those of the step `spawn`. */
void actions_pass_user(const struct node *args, struct node *spawn);

/*
 * shell.c: for actions with a snippet in the parameter `key`, which is required, and with the
 * parameters ACTIONS_TRACE, ACTIONS_MERGE_OUTPUT and ACTIONS_USER. ERR_INPUT unless the snippet has
 * at most LIMIT_SNIPPET_BYTES and the user is valid.
 */
int actions_check_snippet(
	const struct node *args, const char *key, const char *file, struct err *e) NODISCARD;
/* Add the step that runs the snippet by bash, as shell.c describes it. */
void actions_add_snippet(const struct entry *entry, const char *key, struct plan *out);
/* For struct action_lint. */
#define ACTIONS_SNIPPET_SHEBANG "#!/bin/bash -xeu\n"

/*
 * check.c: ERR_INPUT unless the key of an item is a valid name of an environment variable.
 * actions_check_name: valid in shells (letters, digits, _). actions_check_key: not empty, without
 * '='.
 */
int actions_check_name(const struct node *item, const char *file, struct err *e) NODISCARD;
int actions_check_key(const struct node *item, const char *file, struct err *e) NODISCARD;
/* ERR_INPUT if the variable, `prefix` and the item's key, with its value exceeds Linux's limit. */
int actions_check_value(const struct node *item, const char *prefix, const char *value,
	const char *file, struct err *e) NODISCARD;
/*
 * ERR_INPUT if the URL contains a password, or a user name unless it is ssh://, where it is not
 * secret. The message does not contain the URL; therefore call it before all other checks.
 */
int actions_check_no_credentials(const struct node *url, const char *file, struct err *e) NODISCARD;
/* As endpoints_add_url; errors name file and line of the entry. */
int actions_reach_url(const struct entry *entry, const char *url, struct endpoints *ret_endpoints,
	struct err *e) NODISCARD;
/*
 * giturl.c: ERR_INPUT unless the URL is one that git fetches a repository from, without a password.
 * actions_check_git_login: unless the first `len` bytes of the text are [USER@]HOST, as in a URL of ssh.
 * actions_git_logs_in: it is one of ssh. actions_reach_git: append its server.
 */
#define ACTIONS_GIT_URL                                                                            \
	"https://, http:// or ssh://[USER@]HOST/PATH; a host of ssh:// must be listed under "      \
	"`ssh` in the configuration"
int actions_check_git_url(const struct node *url, const char *file, struct err *e) NODISCARD;
int actions_check_git_login(
	const struct node *n, size_t len, const char *file, struct err *e) NODISCARD;
bool actions_git_logs_in(const char *url);
int actions_reach_git(const struct entry *entry, const char *url, struct endpoints *ret_endpoints,
	struct err *e) NODISCARD;
/*
 * ERR_INPUT unless the text is a file name: not "", "." or "..", without a slash, not ".NAME.part".
 */
int actions_check_component(const struct node *name, const char *file, struct err *e) NODISCARD;

/*
 * ecosystems/registry.c: add the step that runs a program (argv ends with NULL), or a snippet by
 * `sh -eu`. Returns the arguments of the step `spawn`, for more words of `argv` and for variables,
 * which are set unless the value is NULL.
 */
struct node *actions_add_program(
	const struct entry *entry, const char *const *argv, struct plan *out);
struct node *actions_add_script(const struct entry *entry, const char *script, struct plan *out);
void actions_set_variable(struct node *spawn, const char *name, const char *value);

/*
 * ecosystems/registry.c: the address of the action's registry, from `settings` as `reach` and `expand` get them.
 * ERR_INPUT: it cannot be used.
 */
int actions_registry(const struct entry *entry, const struct node *settings,
	const char **ret_address, struct err *e) NODISCARD;
/* The same for any ecosystem. */
int actions_registry_of(const struct ecosystem *eco, const struct entry *entry,
	const struct node *settings, const char **ret_address, struct err *e) NODISCARD;
/* ecosystems/registry.c: append the servers of an ecosystem's registry. */
int actions_reach_registry_of(const struct ecosystem *eco, const struct entry *entry,
	const struct node *settings, struct endpoints *ret_endpoints, struct err *e) NODISCARD;
/* ecosystems/registry.c: those that manifests name: a map of names to addresses; NULL: none. */
const struct node *actions_named_registries(const struct entry *entry, const struct node *settings);
/* ecosystems/registry.c: `reach` of an action with an ecosystem and no other servers. */
int actions_reach_registry(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e) NODISCARD;
/* ecosystems/registry.c: append what leads to both ports of a host, by http and https. */
int actions_reach_host(const struct entry *entry, const char *host, struct endpoints *ret_endpoints,
	struct err *e) NODISCARD;

/*
 * net.c: add the step `net` with the command of TOOL_NET that has the name of the action. `ssh`: it
 * logs in by ssh and may use the agent.
 */
void action_net_add(const struct entry *entry, bool ssh, struct plan *out);
/* The same, in a directory that is not that of the dependencies. */
void action_net_add_in(
	const struct entry *entry, const char *directory, bool ssh, struct plan *out);
/* The same, with this work in the place of the action's arguments. */
void action_net_add_work(
	const struct entry *entry, const struct node *work, bool ssh, struct plan *out);

/*
 * net.c, after a program that was spawned did not succeed: true if the program failed; false if the
 * cause was the machine, a limit or `stop`.
 */
bool actions_program_failed(const struct action_ctx *ctx);

/*
 * net.c: the error that a program in the machine has written to GUEST_NET_ERROR (errorfile.h of the
 * executor). Forget it before the program is started. False, and *e is unchanged: it wrote none.
 */
void action_net_forget_error(void);
bool action_net_take_error(struct err *e);

/* net.c: run the step `net`. */
struct net_call {
	const char *command;   /* of TOOL_NET */
	const char *input;     /* the work, as JSON */
	const char *directory; /* working directory */
	bool ssh;              /* as above */
};
int action_net_run(struct action_ctx *ctx, const struct net_call *call, struct err *e) NODISCARD;

#endif
