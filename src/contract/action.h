/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions: the items of a plan.
 *
 * One file in actions/ defines one action in one `struct action`; the tables in actions/table.h
 * collect them. Parsing, validation, `ambient actions`, the documentation and `--help` are all
 * derived from that struct. On the host, most actions of a user *expand* into steps (IN_STEP). Only
 * steps *run*, and always in a guest.
 *
 * In src/, only cli names an action; other code gets the tables as arguments.
 */
#ifndef CONTRACT_ACTION_H
#define CONTRACT_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/message.h"
#include "contract/plan.h"
#include "data/node.h"
#include "data/schema.h"

/* The lists in which an action is allowed. */
enum action_where {
	IN_PRE = 1,
	IN_PLAN = 2,
	IN_POST = 4,
	IN_STEP = 8,    /* in a runnable plan */
	IN_MIRROR = 16, /* made from a `source` on a server; in no list of a user */
};

/* The interface of the executor for a running step. */
struct action_ctx;

struct spawn {
	struct strv argv;      /* argv[0] is looked up in PATH of the environment */
	struct strv instead;   /* runs if argv[0] is not there, with a warning; empty: nothing */
	struct strv env;       /* added to ctx->env, for this process only */
	const char *directory; /* NULL: GUEST_SRC */
	const char *input;     /* bytes for standard input; NULL: /dev/null */
	size_t input_len;
	/* contents of a script file whose path becomes the last argument, or NULL */
	const char *script;
	/* both streams use one pipe, and all output counts as standard output */
	bool merge_output;
	const char *user; /* that runs it (user.h); NULL: the plan's */
	bool agent;       /* it may use GUEST_AGENT_SOCKET, if the host provides an agent */
	bool net_tool;    /* it is TOOL_NET, which understands GUEST_NEAR_PROXY and the limits */
};

struct action_ops {
	/*
	 * Run a program to its end, within the limits of the step. Its output is streamed to the
	 * host. When the call returns, all processes that it started have ended. 0 when the exit
	 * code is 0.
	 */
	int (*spawn)(struct action_ctx *ctx, const struct spawn *s, struct err *e);

	/*
	 * Open the drive with this serial, as announced in `go`. The caller owns the descriptor. It
	 * is -1, with DRIVE_ABSENT_BYTES, for an input that does not exist yet.
	 */
	int (*open_drive)(struct action_ctx *ctx, const char *serial, bool writable, int *ret_fd,
		uint64_t *ret_bytes, struct err *e);

	/*
	 * Must be called in long loops: handles heartbeats, stop and time limits. -1 when the step
	 * must end.
	 */
	int (*tick)(struct action_ctx *ctx, struct err *e);

	/* The remaining time of the step, in milliseconds, at least 1. */
	int64_t (*time_left_ms)(struct action_ctx *ctx);

	/* Text for the user, handled like standard output of a program. */
	void (*print)(struct action_ctx *ctx, const char *data, size_t len);

	/* A warning for the user that does not make the step fail. */
	void (*warn)(struct action_ctx *ctx, const char *text);

	/* Report an archive that was packed. It is listed in the end message. */
	void (*packed)(
		struct action_ctx *ctx, const char *serial, uint64_t bytes, uint64_t entries);
};

struct action_ctx {
	const struct action_ops *ops;
	const char *source;             /* the directory in which actions run: GUEST_SRC */
	struct strv env;                /* of this step and all later ones; setenv changes it */
	struct message_step_end result; /* outcome, exit code, ...; set by ops->spawn or by run */
};

/* The kind of target in the configuration to which an action delivers. */
enum action_target { TARGET_NONE, TARGET_RSYNC, TARGET_DPUT };

/* Facts for checks of a plan that a table of parameters cannot express (src/source/lint.h). */
struct action_lint {
	const char *script;  /* the parameter that contains a bash script */
	const char *shebang; /* the first line of a file that would be run in the same way */
	const char *list;    /* a parameter that is a list of mappings; NULL: none */
	/*
	 * the key in these mappings, or else the parameter, that names a file which the action
	 * creates
	 */
	const char *file;
	enum action_target target; /* the action fails without a target of this kind */
	/*
	 * Actions of one family pass files to each other. Each generation uses another directory.
	 */
	const char *family;
	unsigned generation;
};

/*
 * The files of a source that an action is given. A path is relative to the source directory, and not
 * checked. In `optional` and `names`, "**" and a slash in front of a name, or of "*.SUFFIX", means all
 * such files in the source, but for hidden directories and those in `without`.
 */
struct action_reads {
	struct strv files;    /* must be there */
	struct strv optional; /* are given if they are there */
	struct strv names;    /* are given if they are there, but empty */
	struct strv without;  /* names of directories */
};

/* A variable in the environment of every action. */
struct action_variable {
	const char *name, *value;
	bool of_registry;   /* the value is the address of the action's registry */
	const char *help;   /* for the documentation */
	bool image_decides; /* the value of the image is used, if it has one */
	bool fetch_only;    /* only in a machine for actions with `fetches` */
	bool fetch_too;     /* of `gives`: in such a machine, too */
	bool authorities;   /* only if the configuration has ca_certificates */
};

/* Reason of errors of `reach` and `expand`: the configuration contains no target. */
#define ERR_REASON_NO_TARGET "no_target"

struct ecosystem;
struct entry;
struct endpoints;

struct action {
	const char *name;    /* as users write it */
	const char *summary; /* one sentence for help and docs */
	unsigned where;      /* enum action_where, or-ed */
	bool logs_in;        /* `reach` can add a login by ssh, which a secret is for */
	/*
	 * It runs programs of others: in a pre_plan, in a machine of its own, with a network and
	 * without secrets. Never together with `logs_in`.
	 */
	bool fetches;
	bool once; /* at most one is in a list: it replaces all that it left before */
	/* It needs the whole source, which the operator must allow (`fetch_source: all`). */
	bool whole_source;
	/*
	 * In a pre_plan: it need not run again while its arguments and the files that it reads are the
	 * same, and what it left is there (run/run_reuse.c). Either the result can be no other, or who
	 * wants a newer one asks for it. If `reads` appends nothing, it is not known on which files the
	 * action depends, and any change of the source counts. false: it runs each time.
	 */
	bool determined;
	/* With `determined`, optional: false for an entry whose result a server decides. */
	bool (*is_pinned)(const struct entry *entry);
	const struct ecosystem *ecosystem; /* from whose registry it downloads; NULL: none */
	/*
	 * Variables that the plan has when this action is in its pre_plan, by which
	 * clients find what was fetched, offline. The last row has no name. NULL: none.
	 */
	const struct action_variable *gives;
	const struct param *params; /* schema.h; ends with a NULL name */
	/*
	 * Data for hooks that several actions share: the differences between these actions. The
	 * type is defined by the hooks.
	 */
	const void *kind;
	/* Optional: checks that the table cannot express. Messages start with FILE:LINE:COL. */
	int (*check)(const struct node *args, const char *file, struct err *e);
	/*
	 * Append the steps of this action; they carry the entry's origin. NULL: the action is a
	 * step of the same name. `settings` is the effective configuration (config.h) with the
	 * targets of the project. The error has the reason ERR_REASON_NO_TARGET when the settings
	 * contain no target.
	 */
	int (*expand)(const struct entry *entry, const struct node *settings, struct plan *out,
		struct err *e);
	/*
	 * Optional: append the servers that the action must reach on a network, from its arguments
	 * and `settings` alone. The allowlist of the VM's proxy is made from them. If no action of
	 * a VM appends a server, the VM has no network. Errors as of `expand`.
	 */
	int (*reach)(const struct entry *entry, const struct node *settings,
		struct endpoints *ret_endpoints, struct err *e);
	/*
	 * In a pre_plan: append the files of the source that the action reads. With `fetches` it is
	 * given no others. NULL: none.
	 */
	void (*reads)(const struct entry *entry, struct action_reads *ret);
	/*
	 * With `reads`: append the files that the text of one of them names, relative to the source
	 * directory, also with "..". Called once for each file of `files`, and for those that it
	 * appended. NULL: none.
	 */
	void (*follow)(const char *path, const char *text, struct strv *ret_paths);
	/*
	 * Run the step. On failure, the text of the error becomes result.text, and result.outcome,
	 * if still STEP_PASSED, becomes STEP_FAILED. The reason of the error is sent to the host
	 * (message_step_end).
	 */
	int (*run)(struct action_ctx *ctx, const struct node *args, struct err *e);
	struct action_lint lint;
};

/* Find an action by name in a NULL-terminated table. NULL: none. */
const struct action *action_find(const struct action *const *actions, const char *name);

#endif
