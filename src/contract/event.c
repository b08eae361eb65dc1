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
			{"reason", "why the run is skipped", false}, ),
		false},
	[EVENT_SOURCE] = {"source_packed", "The source tree is packed.",
		FIELDS({"path", "the source directory", false},
			{"commit", "the checked-out commit, if the source is a git tree", true},
			{"clean", "true if git reports no changes", true},
			{"entries", "files, directories and links in the archive", false},
			{"bytes", "length of the archive", false},
			{"duration_ms", "time to pack it", false}, ),
		false},
	[EVENT_WARNING] = {"warning", "A warning for the user.",
		FIELDS({"message", "the text", false}, ), false},
	[EVENT_DEBUG] = {"debug", "A detail for debugging.",
		FIELDS({"message", "the text", false}, ), false},
	[EVENT_PROGRESS] = {"progress", "Progress of a long step.",
		FIELDS({"stage", "pack, unpack, ...", false}, {"entries", "files so far", false},
			{"bytes", "bytes so far", false}, ),
		true},
	[EVENT_DEPS_UNCHANGED] = {"dependencies_unchanged",
		"Dependencies are not fetched again, because nothing changed from which they were.",
		FIELDS({"machines", "list of the VMs that do not start: pre_plan, fetch", false},
			{"all", "true: no VM of the pre-plan starts", false}, ),
		false},
	[EVENT_RUNNABLE_PLAN] = {"runnable_plan", "The plan for a VM.",
		FIELDS({"plan",
			       "the runnable plan (docs/format-plan.md); without a machine, "
			       "plan.yaml",
			       false},
			{"actions", "number of actions in the project's list that it is made of",
				true}, ),
		false},
	[EVENT_SECRET_USED] = {"secret_used",
		"A secret is passed to an action in a virtual machine, or is used by the "
		"host's ssh agent.",
		FIELDS(ACTION_FIELDS{"secret", "name of the secret; its value is never logged",
			       false},
			{"agent", "true: the secret stays on the host", true}, ),
		false},
	[EVENT_VM_STARTS] = {"vm_starts", "A virtual machine starts.",
		FIELDS({"kind", "mirror, pre_plan, fetch, plan or post_plan", false},
			{"accelerator", "kvm or tcg", false},
			{"machine", "QEMU's machine type", false},
			{"image", "name of the image", false}, {"cpus", "virtual CPUs", false},
			{"memory", "guest memory in bytes", false},
			{"argv", "QEMU's argument list", false}, ),
		false},
	[EVENT_EXECUTOR_STARTS] = {"executor_starts", "The executor in the guest has started.",
		FIELDS({"version", "version and commit of the executor", false},
			{"boot_ms",
				"time from the start of QEMU to the hello of the executor; absent "
				"without a machine",
				true}, ),
		false},
	[EVENT_EXECUTE_ACTION] = {"execute_action", "An action starts.", FIELDS(ACTION_FIELDS),
		false},
	[EVENT_ACTION_OUTPUT] = {"action_output", "Output of an action.",
		FIELDS({"action", "index of the action in its list, from 0", false},
			{"stream", "stdout or stderr", false},
			{"text", "the bytes, if they are UTF-8", true},
			{"base64", "the bytes in base64, if they are not UTF-8", true}, ),
		false},
	[EVENT_ACTION_FINISHED] = {"action_finished",
		"An action ended; the next event is its verdict.",
		FIELDS(ACTION_FIELDS{"exit_code", "exit code, if it exited", true},
			{"signal", "number of the signal, if a signal killed it", true},
			{"duration_ms", "elapsed time by the guest's clock", false},
			{"cpu_ms", "CPU time of all its processes", false},
			{"peak_memory", "largest resident set of one of its processes, in bytes",
				false}, ),
		false},
	[EVENT_ACTION_SUCCEEDED] = {"action_succeeded", "The action passed.", FIELDS(ACTION_FIELDS),
		false},
	[EVENT_ACTION_FAILED] = {"action_failed", "The action did not pass.",
		FIELDS(ACTION_FIELDS{"reason", "a reason from docs/errors.md", false},
			{"message", "description of the error", false}, ),
		false},
	[EVENT_EXECUTOR_SUCCEEDS] = {"executor_ends_successfully",
		"The guest reports that all steps passed.", FIELDS(), false},
	[EVENT_EXECUTOR_FAILS] = {"executor_ends_in_failure",
		"The guest reports that a step did not pass.",
		FIELDS({"exit_code", "exit code of the failed action, else 1", false},
			{"message", "description of the error", false}, ),
		false},
	[EVENT_VM_ENDS] = {"vm_ends", "QEMU exited and was reaped.",
		FIELDS({"kind", "mirror, pre_plan, fetch, plan or post_plan", false},
			{"duration_ms", "time since the start of the virtual machine", false}, ),
		false},
	[EVENT_VM_DIED] = {"vm_died",
		"The virtual machine ended without an `end` frame, or was killed.",
		FIELDS({"kind", "mirror, pre_plan, fetch, plan or post_plan", false},
			{"reason", "a reason from docs/errors.md", false},
			{"message", "description of the error", false}, ),
		false},
	[EVENT_CLOCK_SKEW] = {"clock_skew",
		"The guest's clock ran at another speed than the host's.",
		FIELDS({"guest_ms", "elapsed by the guest's clock", false},
			{"host_ms", "elapsed by the host's clock", false}, ),
		false},
	[EVENT_LOG_LIMIT] = {"log_limit",
		"log_max_size was reached; the log does not contain further output.",
		FIELDS({"limit", "the limit in bytes", false}, ), false},
	[EVENT_CONSOLE_LIMIT] = {"console_limit", "console_max_size was reached.",
		FIELDS({"limit", "the limit in bytes", false}, ), false},
	[EVENT_OUTPUT_KEPT] = {"output_kept", "An output of the VM was checked and kept.",
		FIELDS({"kind", "artifacts, cache, deps or fetched", false},
			{"path", "path of the output", false},
			{"entries", "files, directories and links", false},
			{"bytes", "length of the archive", false},
			{"sha256", "digest of the archive", false},
			{"archive",
				"path of the archive, if it contains entries that were not created "
				"on "
				"the host",
				true},
			{"withheld",
				"entries that only the archive contains: a mapping of devices, "
				"fifos, "
				"sockets, links (that lead out), set_id and xattrs (files with "
				"them) to "
				"their numbers",
				true}, ),
		false},
	[EVENT_EGRESS_LIST] = {"egress_list", "The hosts that a VM with a network may reach.",
		FIELDS({"kind", "mirror, pre_plan, fetch or post_plan", false},
			{"hosts",
				"list of mappings with host, ports, private (addresses may be "
				"private) "
				"and from (the origin of the entry)",
				false}, ),
		false},
	[EVENT_EGRESS] = {"egress", "A connection that the VM requested from its proxy has ended.",
		FIELDS({"kind", "mirror, pre_plan, fetch or post_plan", false},
			{"method", "CONNECT, GET, ...; absent if it was not a valid request", true},
			{"host", "the host, as the VM wrote it", true}, {"port", "the port", true},
			{"address", "address of the connection, or of the failed attempt", true},
			{"verdict",
				"allowed, refused, or failed (allowed, but the connection failed)",
				false},
			{"reason",
				"a reason from docs/egress.md, if the connection was refused or "
				"failed",
				true},
			{"message", "the reason, human-readable", true},
			{"sent", "bytes to the host", false},
			{"received", "bytes from the host", false},
			{"duration_ms", "duration of the connection", false}, ),
		false},
	[EVENT_EGRESS_LIMIT] = {"egress_limit",
		"The VM requested more connections than are logged.",
		FIELDS({"kind", "mirror, pre_plan, fetch or post_plan", false},
			{"limit", "number of logged events", false},
			{"more", "number of events that are not logged", false}, ),
		false},
	[EVENT_SSH_AGENT] = {"ssh_agent", "A request of the VM to the host's ssh agent.",
		FIELDS({"verdict", "signed or refused", false},
			{"host", "the host's name in the configuration, if known", true},
			{"user", "the user of the login", true},
			{"key", "fingerprint of the requested key", true},
			{"reason", "a reason from docs/secrets.md, if the request was refused",
				true},
			{"message", "the reason, human-readable", true}, ),
		false},
	[EVENT_SSH_AGENT_LIMIT] = {"ssh_agent_limit",
		"The VM sent more requests to the host's ssh agent than are logged.",
		FIELDS({"limit", "number of logged events", false},
			{"more", "number of events that are not logged", false}, ),
		false},
	/* The misspelling is the existing Ambient's; it is kept for compatibility. */
	[EVENT_AMBIENT_SUCCEEDS] = {"ambient_ends_succssfully", "The run passed or was skipped.",
		FIELDS({"result", "passed or unchanged", false}, ), false},
	[EVENT_AMBIENT_FAILS] = {"ambient_ends_in_failure", "The run did not pass.",
		FIELDS({"result", "failed, timeout, broken, ...", false},
			{"reason", "a reason from docs/errors.md", false},
			{"message", "description of the error", false}, ),
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

/* Invalid fields are a bug; catch them before they are logged. */
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
