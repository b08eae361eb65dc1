/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of actions. To add one: a file that ends in its `struct action`, a line here, a line
 * in the table of who needs it (table.c for users' words, guest_plan.c for what runs in a plan
 * machine), its name in the Makefile.
 */
#ifndef ACTIONS_TABLE_H
#define ACTIONS_TABLE_H

#include "contract/entry.h"

/* Every action, in the order of the documentation: for validation, help, and expansion on the host.
 */
extern const struct action *const actions_host[];

/* The steps of an untrusted plan: what the executor has in it, and all that it has in it. */
extern const struct action *const actions_guest_plan[];

/* The environment that every plan starts with; the last row has no name. */
extern const struct action_variable actions_env[];

/* Users' words that become steps. */
extern const struct action action_shell, action_custom, action_http_get, action_git_get,
	action_rsync, action_rsync2, action_dput, action_dput2, action_sftp_put;

/* Users' words that are steps of the same name. */
extern const struct action action_mkdir, action_setenv, action_pwd, action_dummy;

/* Steps only. */
extern const struct action action_spawn, action_tar_extract, action_tar_create, action_net,
	action_upload;

/* unsupported.c: known, parsed and checked, but not in this version. */
extern const struct action action_cargo_fetch, action_cargo_fmt, action_cargo_clippy,
	action_cargo_deny, action_cargo_doc, action_cargo_build, action_cargo_test,
	action_cargo_install, action_rustup, action_npm_get, action_deb_get, action_deb,
	action_deb2;

/*
 * A parameter of every action that runs the project's programs, in the user's word and in the step
 * `spawn` alike. Order is exact in one pipe, however many processors the machine has.
 */
#define ACTIONS_MERGE_KEY "merge_output"
#define ACTIONS_MERGE_OUTPUT                                                                       \
	{                                                                                          \
		.name = ACTIONS_MERGE_KEY, .type = PARAM_BOOL, .preset = "false", .inherit = true, \
		.help = "connect standard error to the same pipe as standard output, so that "     \
			"their order is exact even on several processors; the log then "           \
			"contains all output as standard output"                                   \
	}

/*
 * check.c: ERR_INPUT unless the key of an item is a name of an environment variable that shells
 * know too (letters, digits, _), or at least one that the system can pass on (no '=').
 */
int actions_check_name(const struct node *item, const char *file, struct err *e) NODISCARD;
int actions_check_key(const struct node *item, const char *file, struct err *e) NODISCARD;
/* The value, as variable `prefix` with the item's key behind it, is not longer than Linux takes. */
int actions_check_value(const struct node *item, const char *prefix, const char *value,
	const char *file, struct err *e) NODISCARD;
/*
 * The URL has no password in it, and no user unless it is ssh://, where that is no secret. The
 * message does not repeat the URL, so this comes before all other checks.
 */
int actions_check_no_credentials(const struct node *url, const char *file, struct err *e) NODISCARD;
/* endpoints_add_url, with the place of the entry in its errors. */
int actions_reach_url(const struct entry *entry, const char *url, struct endpoints *ret_endpoints,
	struct err *e) NODISCARD;
/* The text can be the name of a file in one directory: neither "", ".", "..", nor with a slash. */
int actions_check_component(const struct node *name, const char *file, struct err *e) NODISCARD;

/*
 * net.c: add the step `net` with the command of TOOL_NET that has the action's name. `ssh`: it logs
 * in by ssh, so it may ask the agent.
 */
void action_net_add(const struct entry *entry, bool ssh, struct plan *out);

/*
 * net.c, of one that was spawned and did not succeed: was it the program, and not the machine, a
 * limit, or somebody who stopped it?
 */
bool actions_program_failed(const struct action_ctx *ctx);

/* net.c: what that step does. */
struct net_call {
	const char *command;   /* of TOOL_NET */
	const char *input;     /* its work, JSON */
	const char *directory; /* where it works */
	bool ssh;              /* as above */
};
int action_net_run(struct action_ctx *ctx, const struct net_call *call, struct err *e) NODISCARD;

#endif
