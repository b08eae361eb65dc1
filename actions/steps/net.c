/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step for all network access: a command of TOOL_NET, with JSON on standard input. An error is
 * returned in a file, as a reason (docs/errors.md) and a message, so that the host can report more
 * than an exit code.
 */
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "actions/table.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "os/fd.h"

static const struct param params[] = {
	{.name = "command",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "a command of " TOOL_NET},
	{.name = "input",
		.type = PARAM_STRING,
		.required = true,
		.help = "the work of the command, as JSON"},
	{.name = "directory",
		.type = PARAM_STRING,
		.not_empty = true,
		.preset = GUEST_DEPS,
		.help = "its working directory"},
	{.name = "ssh",
		.type = PARAM_BOOL,
		.help = "the command logs in by ssh and may use the agent"},
	{0},
};

/* A key without a value is as good as none, so it is not handed over. */
static void drop_nulls(struct node *n)
{
	for (size_t i = n->count; i-- > 0;) {
		struct node *item = n->items[i];

		if (n->kind == NODE_MAP && item->kind == NODE_NULL)
			node_remove(n, item->key);
		else
			drop_nulls(item);
	}
}

/* Returns the arguments of the step. */
static struct node *add_step(const struct entry *entry, const struct node *work, struct plan *out)
{
	struct node *step = node_map();
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_PLAN_BYTES);
	jsonl_add(&text, work);
	node_set_string(step, "command", entry->action->name);
	node_set_string(step, "input", text.data);
	(void)plan_add(out, action_net.name, step, &entry->origin);
	return step;
}

static void set_ssh(struct node *step, bool ssh)
{
	if (ssh)
		node_set_bool(step, "ssh", true);
}

void action_net_add_in(const struct entry *entry, const char *directory, bool ssh, struct plan *out)
{
	auto_node struct node *args = node_copy(entry->args);
	struct node *step;

	drop_nulls(args);
	step = add_step(entry, args, out);
	if (directory)
		node_set_string(step, "directory", directory);
	set_ssh(step, ssh);
}

void action_net_add(const struct entry *entry, bool ssh, struct plan *out)
{
	action_net_add_in(entry, NULL, ssh, out);
}

void action_net_add_work(
	const struct entry *entry, const struct node *work, bool ssh, struct plan *out)
{
	set_ssh(add_step(entry, work, out), ssh);
}

void action_net_forget_error(void)
{
	(void)unlink(GUEST_NET_ERROR);
}

bool action_net_take_error(struct err *e)
{
	auto_buf struct buf text = {0};
	struct err ignored = {0};
	char *sentence;

	buf_init(&text, MESSAGE_TEXT_MAX + MESSAGE_REASON_MAX);
	if (fd_read_file(GUEST_NET_ERROR, &text, &ignored) < 0)
		return false;
	sentence = strchr(text.data, '\n');
	if (!sentence || sentence - text.data >= ERR_REASON_MAX)
		return false;
	*sentence++ = '\0';
	(void)err_reason(e, ERR_INPUT, text.data, "%s", sentence);
	return true;
}

bool actions_program_failed(const struct action_ctx *ctx)
{
	return ctx->result.outcome == STEP_PASSED || ctx->result.outcome == STEP_FAILED;
}

/* The signature of QEMU's TCG, in the first hypervisor leaf of cpuid. */
static bool is_emulated(void)
{
	unsigned leaf = 0, name[3] = {0};

#if defined(__x86_64__)
	__cpuid(0x40000000, leaf, name[0], name[1], name[2]);
#endif
	return leaf >= 0x40000000 && memcmp(name, "TCGTCGTCGTCG", sizeof(name)) == 0;
}

/*
 * Vector instructions are slow under emulation, but libcrypto uses all that the processor reports:
 * SHA-256 takes three times as long with them. This hides AVX, SSSE3, AVX2 and SHA
 * (OPENSSL_ia32cap(3)).
 */
static void set_scalar(struct strv *env)
{
	if (is_emulated())
		strv_setenv(env, "OPENSSL_ia32cap", "~0x1000020000000000:~0x20000020");
}

int action_net_run(struct action_ctx *ctx, const struct net_call *call, struct err *e)
{
	struct spawn s = {.directory = call->directory,
		.input = call->input,
		.input_len = strlen(call->input),
		.agent = call->ssh,
		.net_tool = true};
	struct err why = {0};
	int result;

	action_net_forget_error();
	strv_push(&s.argv, GUEST_NET_TOOL);
	strv_push(&s.argv, call->command);
	set_scalar(&s.env);
	result = ctx->ops->spawn(ctx, &s, &why);
	strv_release(&s.argv);
	strv_release(&s.env);
	if (result == 0)
		return 0;
	/* Ignore the tool's message if it was stopped by a limit, or the machine failed. */
	if (!actions_program_failed(ctx) || !action_net_take_error(e))
		*e = why;
	return -1;
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	const struct net_call call = {.command = schema_text(params, args, "command"),
		.input = schema_text(params, args, "input"),
		.directory = schema_text(params, args, "directory"),
		.ssh = schema_bool(params, args, "ssh")};

	return action_net_run(ctx, &call, e);
}

const struct action action_net = {
	.name = "net",
	.summary = "Transfer data over the network, in a trusted VM.",
	.where = IN_STEP,
	.params = params,
	.run = run,
};
