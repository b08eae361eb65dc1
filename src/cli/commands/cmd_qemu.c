/* SPDX-License-Identifier: Apache-2.0 */
/* `ambient qemu`: a single VM without project and state, to try an image or an action. */
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands/first_import.h"
#include "cli/commands/outputs.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/screen/term.h"
#include "data/yamlfile.h"
#include "os/fd.h"
#include "os/sig.h"
#include "run/adhoc.h"
#include "run/planner.h"
#include "run/run.h"
#include "settings/image.h"

struct qemu_settings {
	const char *plan;
	struct strv shell;
	const char *image;
	const char *persist;
	const char *artifacts;
	const char *console;
	const char *executor;
	uint64_t cpus;
	uint64_t memory;
	bool uefi;
	int color;
};

static const struct option options[] = {
	{.name = "image",
		.argument = "IMAGE",
		.type = OPTION_PATH,
		.offset = offsetof(struct qemu_settings, image),
		.help = "the image: a name in the image store, or the path of an image "
			"directory; required"},
	{.name = "shell",
		.argument = "SNIPPET",
		.type = OPTION_LIST,
		.offset = offsetof(struct qemu_settings, shell),
		.help = "run this snippet in bash, before the operands; can be given several "
			"times"},
	{.name = "plan",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct qemu_settings, plan),
		.help = "run the plan in this file: a list of actions, or a mapping with the key "
			"'plan' or 'steps'"},
	{.name = "artifacts",
		.argument = "DIR",
		.type = OPTION_PATH,
		.offset = offsetof(struct qemu_settings, artifacts),
		.help = "write the artifacts to this directory, which is created"},
	{.name = "console",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct qemu_settings, console),
		.help = "write the console output of the guest's kernel to this file"},
	{.name = "cpus",
		.argument = "N",
		.type = OPTION_COUNT,
		.max = LIMIT_CPUS,
		.offset = offsetof(struct qemu_settings, cpus),
		.help = "virtual processors; default: as configured"},
	{.name = "memory",
		.argument = "SIZE",
		.type = OPTION_SIZE,
		.min = LIMIT_MEMORY_LEAST,
		.max = LIMIT_MEMORY_MOST,
		.offset = offsetof(struct qemu_settings, memory),
		.help = "memory of the VM, for example 2GiB; default: as configured"},
	{.name = "executor",
		.argument = "PATH",
		.type = OPTION_PATH,
		.offset = offsetof(struct qemu_settings, executor),
		.help = "the executor, which runs in the VM; default: the one installed with "
			"ambient"},
	{.name = "color",
		.argument = "WHEN",
		.type = OPTION_ENUM,
		.choices = screen_colors,
		.offset = offsetof(struct qemu_settings, color),
		.help = "when to print colors: auto (on a terminal, unless NO_COLOR is set; "
			"default), always, never"},
	{.name = "persist",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct qemu_settings, persist),
		.help = "start with the disk in this file, if it exists, and save the changed "
			"disk to it if all actions passed"},
	{.name = "uefi",
		.type = OPTION_FLAG,
		.offset = offsetof(struct qemu_settings, uefi),
		.help = "boot an image that is a disk by UEFI, even if it was imported for BIOS"},
	{0},
};

static void add_snippets(struct node *list, const struct strv *snippets)
{
	strv_each (snippets, s) {
		struct node *action = node_add_map(list);

		node_set_string(action, "action", "shell");
		node_set_string(action, "shell", *s);
	}
}

static int check_line(const struct qemu_settings *s, const struct strv *operands, struct err *e)
{
	if (!s->image)
		return err_set(e, ERR_INPUT, "option '--image' is missing");
	if (s->plan && (s->shell.count || operands->count))
		return err_set(e, ERR_INPUT, "either '--plan' or snippets, not both");
	if (!s->plan && s->shell.count == 0 && operands->count == 0)
		return err_set(e, ERR_INPUT, "a SNIPPET or '--plan FILE' is missing");
	strv_each (operands, snippet)
		if (!text_is_utf8(*snippet, strlen(*snippet)))
			return err_set(e, ERR_INPUT, "a snippet is not valid UTF-8");
	return 0;
}

/* A file contains a list of `ambient plan --runnable`, or actions in the form that users write. */
static int plan_of_file(
	const struct planner *p, const char *file, struct plan *ret_plan, struct err *e)
{
	auto_node struct node *tree = NULL;
	const struct node *list;

	if (yamlfile_read(file, &tree, e) < 0)
		return -1;
	if (node_get(tree, "steps"))
		return plan_from_node(tree, p->actions, file, ret_plan, e);
	list = tree->kind == NODE_LIST ? tree : node_get(tree, "plan");
	if (!list || list->kind != NODE_LIST)
		return err_set(e, ERR_INPUT,
			"%s: neither a list of actions nor a mapping with 'plan' or 'steps'", file);
	return planner_adhoc(p, list, file, ret_plan, e);
}

static int make_plan(const struct qemu_settings *s, const struct call *call,
	const struct run_context *context, struct plan *ret_plan, struct err *e)
{
	const char *path = strchr(s->image, '/') ? s->image : NULL;
	auto_image struct image image = {0};
	const struct planner planner = {.actions = context->actions,
		.action_env = context->action_env,
		.config = context->config,
		.defaults = &image.defaults};
	auto_node struct node *list = node_list();

	/* An image that is not there is told when the machine is prepared. */
	err_ignore(
		image_open(context->config->image_store, s->image, path, &image, &(struct err){0}));

	if (s->plan)
		return plan_of_file(&planner, s->plan, ret_plan, e);
	add_snippets(list, &s->shell);
	add_snippets(list, &call->operands);
	return planner_adhoc(&planner, list, "--shell", ret_plan, e);
}

static int boot(
	const struct qemu_settings *s, const struct run_context *context, const struct plan *plan)
{
	const struct adhoc adhoc = {
		.image = s->image,
		.plan = plan,
		.plan_file = s->plan,
		.artifacts = s->artifacts,
		.console = s->console,
		.persist = s->persist,
		.executor = s->executor,
	};
	struct run_outcome outcome;
	auto_term struct term term;
	int status;

	term_init(&term, STDOUT_FILENO, STDERR_FILENO, (enum screen_color)s->color, false);
	term_limit_file(&term, context->config->log_max);
	term_begin(&term, NULL);
	adhoc_run(context, &adhoc, &term.view, &outcome);
	term_end(&term, &outcome);
	if (outcome.verdict != VERDICT_PASSED)
		say_error(&outcome.error);
	status = outcome.exit_status;
	if (term_write_error(&term))
		status = verdict_worst_status(status, say_unwritten(term_write_error(&term)));
	run_outcome_release(&outcome);
	return status;
}

/*
 * There are two outputs: the directory, and an archive of the files that the host does not create.
 */
static int check_artifacts(const char *path, const struct outputs_inputs *inputs, struct err *e)
{
	auto_free char *archive = path ? mem_printf("%s.tar", path) : NULL;

	if (outputs_check(path, "--artifacts", inputs, e) < 0)
		return -1;
	return outputs_check(archive, "--artifacts", inputs, e);
}

static void tell_import(void *arg, const char *line)
{
	auto_buf struct buf text = {0};

	(void)arg;
	buf_init(&text, SAY_LINE_MAX);
	buf_addf(&text, "%s\n", line);
	say_aside(&text);
}

static int run(const struct call *call)
{
	const struct qemu_settings *s = call->settings;
	const struct config_options set = {.cpus = s->cpus, .memory = s->memory, .uefi = s->uefi};
	auto_config struct config c = {0};
	auto_plan struct plan plan = {0};
	struct run_context context = load_context(&c);
	const struct outputs_inputs inputs = {
		.config = &c, .executor = s->executor, .image = s->image};
	struct err e = {0};

	if (sig_init(&e) < 0 || check_line(s, &call->operands, &e) < 0 ||
		load_config(call, &set, &c, &e) < 0 ||
		outputs_check(s->console, "--console", &inputs, &e) < 0 ||
		check_artifacts(s->artifacts, &inputs, &e) < 0 ||
		first_import(&c, strchr(s->image, '/') ? s->image : NULL, tell_import, NULL, &e) <
			0)
		return say_failure(&e);
	if (make_plan(s, call, &context, &plan, &e) < 0)
		return say_failure(&e);
	plan.keep_disk = s->persist != NULL;
	return boot(s, &context, &plan);
}

const struct command cmd_qemu = {
	.name = "qemu",
	.summary = "Boot one VM with empty source, cache and dependencies, and run a plan in it",
	.group = GROUP_RUN,
	.operands = "[SNIPPET]...",
	.max_operands = COMMAND_OPERANDS_MAX,
	.details = "  ambient qemu --image tiny 'uname -a'\n",
	.options = options,
	.settings_size = sizeof(struct qemu_settings),
	.run = run,
};
