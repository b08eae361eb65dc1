/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions: what a plan consists of.
 *
 * One file in actions/ describes one action in one `struct action`; the tables in actions/table.h
 * collect them. Parsing, validation, `ambient actions`, the documentation and `--help` all come
 * from that one row. What a user writes mostly *expands* on the host into steps (IN_STEP), and only
 * steps *run*, always in a guest. An action that can do neither is known but not in this version.
 *
 * No room of src/ but cli names an action: tables are passed in.
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

/* Where an action may stand. */
enum action_where {
	IN_PRE = 1,
	IN_PLAN = 2,
	IN_POST = 4,
	IN_STEP = 8, /* in a runnable plan */
};

/* What the executor offers to a running step. */
struct action_ctx;

struct spawn {
	struct strv argv;      /* argv[0] is looked up in PATH of the environment */
	struct strv env;       /* added to ctx->env for this process only */
	const char *directory; /* NULL: GUEST_SRC */
	const char *input;     /* bytes for standard input, or NULL for /dev/null */
	size_t input_len;
	const char *script; /* text of a file that is the last argument, or NULL */
	bool merge_output;  /* one pipe for both streams: all of it is standard output */
	bool agent;         /* it may use GUEST_AGENT_SOCKET, which the host may answer */
	bool net_tool;      /* it is TOOL_NET, which understands GUEST_NEAR_PROXY and the limits */
};

struct action_ops {
	/*
	 * Run a program to its end with its output streamed to the host, within the limits of the
	 * step; every process that it started is gone afterwards. 0 when it exited with 0.
	 */
	int (*spawn)(struct action_ctx *ctx, const struct spawn *s, struct err *e);

	/*
	 * The drive with this serial, as `go` announced it. The descriptor is the caller's; -1 with
	 * DRIVE_ABSENT_BYTES for an input that does not exist yet.
	 */
	int (*open_drive)(struct action_ctx *ctx, const char *serial, bool writable, int *ret_fd,
		uint64_t *ret_bytes, struct err *e);

	/* To be called in long loops: heartbeats, stop, time limits. -1 when the step must end. */
	int (*tick)(struct action_ctx *ctx, struct err *e);

	/* How long the step may still run, in milliseconds, at least 1. */
	int64_t (*time_left_ms)(struct action_ctx *ctx);

	/* Text for the user, as if a program had written it to its standard output. */
	void (*print)(struct action_ctx *ctx, const char *data, size_t len);

	/* Something that people should see, and that is no fault of the step. */
	void (*warn)(struct action_ctx *ctx, const char *text);

	/* An archive was packed: becomes part of the end message. */
	void (*packed)(
		struct action_ctx *ctx, const char *serial, uint64_t bytes, uint64_t entries);
};

struct action_ctx {
	const struct action_ops *ops;
	struct strv env;                /* of this and all later steps; setenv changes it */
	struct message_step_end result; /* outcome, exit code, ...: set by ops->spawn, or by run */
};

/* Of the configuration: where an action delivers to. */
enum action_target { TARGET_NONE, TARGET_RSYNC, TARGET_DPUT };

/* What can be wrong with a plan beyond what a table of parameters says; for src/source/lint.h. */
struct action_lint {
	const char *script;        /* the parameter that is a script for bash */
	const char *shebang;       /* the first line of a file that would run it in the same way */
	const char *list;          /* a parameter that is a list of mappings; NULL: none is */
	const char *file;          /* its key, or else the parameter, that names a file it makes */
	enum action_target target; /* it fails without one */
	/*
	 * Actions of one family hand over files to each other, each generation in another place.
	 */
	const char *family;
	unsigned generation;
};

/* A variable that every action finds in its environment. */
struct action_variable {
	const char *name, *value;
	const char *help; /* for the documentation */
};

/* Of `reach` and `expand`: the configuration names no target. */
#define ERR_REASON_NO_TARGET "no_target"

struct entry;
struct endpoints;

struct action {
	const char *name;           /* as users write it */
	const char *summary;        /* one sentence for help and docs */
	unsigned where;             /* enum action_where, or-ed */
	const struct param *params; /* schema.h; ends with a NULL name */
	/* Hooks that several actions share find here what sets this one apart; a type of theirs. */
	const void *kind;
	/* What the table cannot say; optional. Messages start with FILE:LINE:COL. */
	int (*check)(const struct node *args, const char *file, struct err *e);
	/*
	 * Append the steps that do it; they carry the entry's origin. NULL: it is a step of the
	 * same name. `settings` is the effective configuration (config.h) with the targets of the
	 * project. The reason of the error is ERR_REASON_NO_TARGET when it names no target.
	 */
	int (*expand)(const struct entry *entry, const struct node *settings, struct plan *out,
		struct err *e);
	/*
	 * Optional: append what it must reach on a network, from its arguments and `settings`
	 * alone: it makes the allowlist of the VM's proxy. A VM none of whose actions says anything
	 * has no network. Errors as of `expand`.
	 */
	int (*reach)(const struct entry *entry, const struct node *settings,
		struct endpoints *ret_endpoints, struct err *e);
	/* Do it. An error's text becomes result.text; result.outcome, if still STEP_PASSED, becomes
	 * STEP_FAILED; its reason goes to the host (message_step_end). */
	int (*run)(struct action_ctx *ctx, const struct node *args, struct err *e);
	struct action_lint lint;
};

/* By name in a NULL-ended table, or NULL. */
const struct action *action_find(const struct action *const *actions, const char *name);

/* True when this version can carry it out. */
bool action_is_built(const struct action *a);

#endif
