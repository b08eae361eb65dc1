/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/event.h"

#include <string.h>

#include "base/clock.h"

#define FIELDS(...)                                                                                \
	(const struct event_field[])                                                               \
	{                                                                                          \
		__VA_ARGS__                                                                        \
		{                                                                                  \
			NULL, NULL, false                                                          \
		}                                                                                  \
	}

#define ACTION_FIELDS                                                                              \
	{"action", "index of the action in its list, from 0", false},                              \
		{"name", "the action's name: shell, custom, ...", false},

static const struct event_info table[EVENTS] = {
	[EVENT_AMBIENT_STARTS] = {"ambient_starts", "The first event of a run.",
		FIELDS({"name", "name of the program", false},
			{"version", "version and commit of the program", false},
			{"run_id", "id of the run", false}, ),
		false},
	[EVENT_RUNTIME_CONFIG] = {"ambient_runtime_config", "The effective configuration.",
		FIELDS({"config", "the configuration, as `ambient config` prints it", false}, ),
		false},
	[EVENT_RUN_CI] = {"run_ci", "A run of a project begins.",
		FIELDS({"project_name", "name of the project", false}, ), false},
	[EVENT_SKIP_CI] = {"skip_ci", "Nothing changed since the last successful run.",
		FIELDS({"project_name", "name of the project", false},
			{"reason", "why nothing has to be done", false}, ),
		false},
	[EVENT_SOURCE] = {"source_packed", "The source tree is packed.",
		FIELDS({"path", "the source directory", false},
			{"commit", "commit that is checked out, when it is a git tree", true},
			{"clean", "true when git reports no changes", true},
			{"entries", "files, directories and links in the archive", false},
			{"bytes", "length of the archive", false},
			{"duration_ms", "time to pack it", false}, ),
		false},
	[EVENT_WARNING] = {"warning", "Something that people should see.",
		FIELDS({"message", "the text", false}, ), false},
	[EVENT_DEBUG] = {"debug", "A detail for people who look for a fault.",
		FIELDS({"message", "the text", false}, ), false},
	[EVENT_PROGRESS] = {"progress", "A long step moves on.",
		FIELDS({"stage", "pack, unpack, ...", false}, {"entries", "files so far", false},
			{"bytes", "bytes so far", false}, ),
		true},
	[EVENT_RUNNABLE_PLAN] = {"runnable_plan", "The plan that a VM gets.",
		FIELDS({"plan", "the runnable plan (docs/format-plan.md)", false}, ), false},
	[EVENT_SECRET_USED] = {"secret_used",
		"An action gets a secret into its virtual machine, or the host's ssh agent to sign "
		"with it.",
		FIELDS(ACTION_FIELDS{"secret", "name of the secret; its value is in no log", false},
			{"agent", "true: it stays on the host", true}, ),
		false},
	[EVENT_VM_STARTS] = {"vm_starts", "A virtual machine is started.",
		FIELDS({"kind", "pre_plan, plan or post_plan", false},
			{"accelerator", "kvm or tcg", false},
			{"machine", "QEMU's machine type", false},
			{"image", "name of the image", false}, {"cpus", "virtual CPUs", false},
			{"memory", "guest memory in bytes", false},
			{"argv", "QEMU's argument list", false}, ),
		false},
	[EVENT_EXECUTOR_STARTS] = {"executor_starts", "The executor in the guest said hello.",
		FIELDS({"version", "version and commit of the executor", false},
			{"boot_ms", "from the start of QEMU to hello", false}, ),
		false},
	[EVENT_EXECUTE_ACTION] = {"execute_action", "An action starts.", FIELDS(ACTION_FIELDS),
		false},
	[EVENT_ACTION_OUTPUT] = {"action_output", "Bytes that an action wrote.",
		FIELDS({"action", "index of the action in its list, from 0", false},
			{"stream", "stdout or stderr", false},
			{"text", "the bytes, when they are UTF-8", true},
			{"base64", "the bytes in base64, when they are not UTF-8", true}, ),
		false},
	[EVENT_ACTION_FINISHED] = {"action_finished",
		"An action ended; the next event is its verdict.",
		FIELDS(ACTION_FIELDS{"exit_code", "exit code, when it exited", true},
			{"signal", "number of the signal, when one killed it", true},
			{"duration_ms", "by the guest's clock", false},
			{"cpu_ms", "CPU time of all its processes", false},
			{"peak_memory", "largest resident set of one of its processes, in bytes",
				false}, ),
		false},
	[EVENT_ACTION_SUCCEEDED] = {"action_succeeded", "The action passed.", FIELDS(ACTION_FIELDS),
		false},
	[EVENT_ACTION_FAILED] = {"action_failed", "The action did not pass.",
		FIELDS(ACTION_FIELDS{"reason", "a word of docs/errors.md", false},
			{"message", "what went wrong", false}, ),
		false},
	[EVENT_EXECUTOR_SUCCEEDS] = {"executor_ends_successfully",
		"All steps passed, says the guest.", FIELDS(), false},
	[EVENT_EXECUTOR_FAILS] = {"executor_ends_in_failure",
		"A step did not pass, says the guest.",
		FIELDS({"exit_code", "exit code of the failed action, else 1", false},
			{"message", "what went wrong", false}, ),
		false},
	[EVENT_VM_ENDS] = {"vm_ends", "QEMU has exited and was reaped.",
		FIELDS({"kind", "pre_plan, plan or post_plan", false},
			{"duration_ms", "from its start", false}, ),
		false},
	[EVENT_VM_DIED] = {"vm_died",
		"The virtual machine ended without a proper end, or was killed.",
		FIELDS({"kind", "pre_plan, plan or post_plan", false},
			{"reason", "a word of docs/errors.md", false},
			{"message", "what went wrong", false}, ),
		false},
	[EVENT_CLOCK_SKEW] = {"clock_skew",
		"The guest's clock ran at another speed than the host's.",
		FIELDS({"guest_ms", "elapsed by the guest's clock", false},
			{"host_ms", "elapsed by the host's clock", false}, ),
		false},
	[EVENT_LOG_LIMIT] = {"log_limit",
		"log_max_size was reached: further output is not in the log.",
		FIELDS({"limit", "the limit in bytes", false}, ), false},
	[EVENT_CONSOLE_LIMIT] = {"console_limit", "console_max_size was reached.",
		FIELDS({"limit", "the limit in bytes", false}, ), false},
	[EVENT_OUTPUT_KEPT] = {"output_kept", "An output of the VM was checked and kept.",
		FIELDS({"kind", "artifacts, cache or deps", false}, {"path", "where it is", false},
			{"entries", "files, directories and links", false},
			{"bytes", "length of the archive", false},
			{"sha256", "digest of the archive", false},
			{"archive",
				"the archive itself, when it holds more than was made of it on the "
				"host",
				true},
			{"withheld",
				"what is only there: a mapping of devices, fifos, sockets, links "
				"(that lead out), set_id and xattrs (files with them) to their "
				"numbers",
				true}, ),
		false},
	[EVENT_EGRESS_LIST] = {"egress_list", "What a VM with a network may reach.",
		FIELDS({"kind", "pre_plan or post_plan", false},
			{"hosts",
				"list of mappings with host, ports, private (may lead to "
				"addresses that are not public) and from (who asked for it)",
				false}, ),
		false},
	[EVENT_EGRESS] = {"egress", "The VM asked its proxy for a connection, which has ended.",
		FIELDS({"kind", "pre_plan or post_plan", false},
			{"method", "CONNECT, GET, ...; absent when it was no request", true},
			{"host", "as the VM wrote it", true}, {"port", "of the host", true},
			{"address", "where the connection went, or could not go", true},
			{"verdict", "allowed, refused, or failed: allowed, but it did not work",
				false},
			{"reason", "a word of docs/egress.md, when something went wrong", true},
			{"message", "the same for people", true},
			{"sent", "bytes to the host", false},
			{"received", "bytes from the host", false},
			{"duration_ms", "from its first to its last moment", false}, ),
		false},
	[EVENT_EGRESS_LIMIT] = {"egress_limit",
		"The VM asked for more connections than are logged.",
		FIELDS({"kind", "pre_plan or post_plan", false},
			{"limit", "how many are logged", false},
			{"more", "how many are not", false}, ),
		false},
	[EVENT_SSH_AGENT] = {"ssh_agent",
		"The VM asked the host's ssh agent for a signature, or for what it does not do.",
		FIELDS({"verdict", "signed or refused", false},
			{"host", "of the configuration, when it is known which one it is", true},
			{"user", "as whom the VM logs in there", true},
			{"key", "fingerprint of the key that was asked for", true},
			{"reason", "a word of docs/secrets.md, when it was refused", true},
			{"message", "the same for people", true}, ),
		false},
	[EVENT_SSH_AGENT_LIMIT] = {"ssh_agent_limit",
		"The VM asked the host's ssh agent more often than is logged.",
		FIELDS({"limit", "how many are logged", false},
			{"more", "how many are not", false}, ),
		false},
	/* The spelling is the existing Ambient's. */
	[EVENT_AMBIENT_SUCCEEDS] = {"ambient_ends_succssfully",
		"The run passed, or nothing had to be done.",
		FIELDS({"result", "passed or unchanged", false}, ), false},
	[EVENT_AMBIENT_FAILS] = {"ambient_ends_in_failure", "The run did not pass.",
		FIELDS({"result", "failed, timeout, broken, ...", false},
			{"reason", "a word of docs/errors.md", false},
			{"message", "what went wrong", false}, ),
		false},
};

const struct event_info *event_info(enum event_type type)
{
	return &table[type];
}

int event_by_name(const char *name)
{
	for (int i = 0; i < EVENTS; i++)
		if (strcmp(table[i].name, name) == 0)
			return i;
	return -1;
}

static const struct event_field *find_field(const struct event_info *info, const char *name)
{
	for (const struct event_field *f = info->fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* The program's own mistakes end here, before they are in anybody's log. */
static void check_fields(const struct event_info *info, const struct node *fields)
{
	const struct node *item;

	for (const struct event_field *f = info->fields; f->name; f++)
		if (!f->optional && !node_get(fields, f->name))
			BUG("event %s without field %s", info->name, f->name);
	node_each (fields, item)
		if (!find_field(info, item->key))
			BUG("event %s has no field %s", info->name, item->key);
}

void event_send(const struct event_sink *sink, enum event_type type, enum plan_source source,
	struct node *fields)
{
	auto_node struct node *owned = fields ? fields : node_map();
	struct event ev = {
		.type = type, .source = source, .utc_ns = clock_utc_ns(), .fields = owned};

	check_fields(&table[type], owned);
	node_hide_passwords(owned);
	sink->event(sink->arg, &ev);
}
