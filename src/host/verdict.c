/* SPDX-License-Identifier: Apache-2.0 */
#include "host/verdict.h"

#include <signal.h>
#include <string.h>

#include "base/mem.h"

/* Reason, verdict, whose fault, whether a retry makes sense, help; by fault. */
const struct verdict_reason verdict_reasons[] = {
	{"action_failed", VERDICT_FAILED, "project", false,
		"An action exited with another code than 0, was killed by a signal, or could not "
		"be "
		"carried out. `failed_action` in result.json names it, `ambient log` shows what it "
		"said."},
	{"pre_plan_failed", VERDICT_FAILED, "project", true,
		"An action of the pre-plan failed, so the plan was not begun; the dependencies are "
		"as they were. `failed_action` in result.json names it."},
	{"post_plan_failed", VERDICT_FAILED, "project", true,
		"The plan passed and an action of the post-plan failed. The artifacts are kept, "
		"and "
		"the next run does not count as unchanged."},
	{"fetch_refused", VERDICT_FAILED, "project", false,
		"The proxy of a pre-plan let a request not through: the host is not one that the "
		"plan or the configuration names, or it leads to a private address. A redirect to "
		"another host needs `egress` in the configuration. The events `egress` of the run "
		"log say why."},
	{"fetch_not_found", VERDICT_FAILED, "project", false,
		"A server says that a file is not there (status 404 or 410)."},
	{"fetch_denied", VERDICT_FAILED, "project", false,
		"A server rejected the request for a file (another status of 400 to 499, or 511); "
		"the message says how."},
	{"fetch_server_error", VERDICT_FAILED, "network", true,
		"A server failed (status 408, 425, 429 or 500 to 599), at every try; 501 and 505 "
		"are not tried again."},
	{"fetch_timeout", VERDICT_FAILED, "network", true,
		"A server did not answer in time, or sent no byte of the file for a minute (for "
		"half of the time that the action had left, when that was less), at every try."},
	{"fetch_cut", VERDICT_FAILED, "network", true,
		"A connection broke before the whole file was there, at every try."},
	{"fetch_unreachable", VERDICT_FAILED, "network", true,
		"A host could not be found or reached, at every try."},
	{"fetch_tls", VERDICT_FAILED, "project", false,
		"A server could not prove who it is, or no encrypted connection came about. "
		"`ca_certificates` in the configuration names authorities that are not public."},
	{"fetch_redirect", VERDICT_FAILED, "project", false,
		"A server redirected too often, or to nowhere (300 to 399 without a place), or to "
		"something that is not followed: another protocol, or from https to http."},
	{"fetch_checksum", VERDICT_FAILED, "project", false,
		"A file is not the one whose checksum the plan gives. It was thrown away."},
	{"fetch_commit", VERDICT_FAILED, "project", false,
		"A repository does not have the commit that the plan names, on no branch and no "
		"tag."},
	{"fetch_host_key", VERDICT_FAILED, "project", false,
		"A git server has another key than the ones that `known_hosts` of its entry under "
		"`ssh` has for it. It got nothing."},
	{"fetch_too_large", VERDICT_FAILED, "project", false,
		"A file or a repository does not fit into what is left of `deps_max_size`; the "
		"transfer ended there."},
	{"fetch_no_space", VERDICT_FAILED, "project", false,
		"The disk of the pre-plan's VM is full: `scratch_size` in the configuration."},
	{"fetch_failed", VERDICT_FAILED, "project", true,
		"A transfer failed in a way that has no word of its own; the message says how: an "
		"answer that is not HTTP, that has no end, or that the proxy rejected."},
	{"ssh_agent_refused", VERDICT_FAILED, "project", false,
		"An action of a pre- or post-plan failed after the host's ssh agent had refused it "
		"something: a key that it does not offer, a host or user that is not configured, "
		"anything that is no login. The events `ssh_agent` of the run log say what."},
	{"upload_refused", VERDICT_FAILED, "project", false,
		"The proxy of a post-plan rejected an upload: the target leads to a private "
		"address. The events `egress` of the run log say why."},
	{"upload_failed", VERDICT_FAILED, "network", true,
		"A server did not take an upload by HTTP or sftp; the message says why, and files "
		"before it may be there."},
	{"upload_host_key", VERDICT_FAILED, "project", false,
		"A host has another key than the ones that `known_hosts` of its entry under `ssh` "
		"has for it. It got nothing."},
	{"upload_timeout", VERDICT_FAILED, "network", true,
		"The server of an upload by ssh did not answer, or took nothing, for a minute (for "
		"half of the time that the action had left, when that was less)."},
	{"upload_unreachable", VERDICT_FAILED, "network", true,
		"The proxy did not reach the host of an upload by ssh; the message and the events "
		"`egress` of the run log say why."},
	{"upload_cut", VERDICT_FAILED, "network", true,
		"The connection of an upload by sftp was cut, at every try: the partial file is "
		"kept, and the next upload of the same resumes it."},
	{"out_of_memory", VERDICT_FAILED, "project", false,
		"The guest's memory ran out under an action. Give the project more: `memory`, in "
		"the projects "
		"file or in the configuration."},
	{"too_many_processes", VERDICT_FAILED, "project", false,
		"An action failed after it had reached the machine's limit of processes and "
		"threads. Start fewer at a time, or give the project more `memory`: the limit is "
		"one for each 256 KiB of it."},
	{"output_too_large", VERDICT_FAILED, "project", false,
		"Artifacts, cache or dependencies do not fit their drive. Write less, or raise "
		"`artifacts_max_size` or `cache_max_size`; nothing of a cut output is kept."},
	{"artifacts_refused", VERDICT_FAILED, "project", false,
		"The archive of the artifacts is not as the guest's executor packs it, or has more "
		"files or deeper directories than the limits; or, for a post-plan, a file of the "
		"artifacts cannot be read even by its owner."},
	{"action_timeout", VERDICT_TIMEOUT, "project", false,
		"An action took longer than its `timeout`, or than `action_timeout`. Its processes "
		"were killed."},
	{"run_timeout", VERDICT_TIMEOUT, "project", false,
		"The run took longer than `timeout`. The action that went on was killed."},
	{"guest_timeout", VERDICT_TIMEOUT, "project", false,
		"The time of the run was over and the guest did not end by itself, so it was "
		"killed. Usually the "
		"code under test keeps the whole guest from answering."},
	{"interrupted", VERDICT_INTERRUPTED, "user", true,
		"A signal stopped the run: 130 for SIGINT, 143 for SIGTERM and SIGHUP."},
	{"locked", VERDICT_BUSY, "user", true,
		"Another run of the same project goes on; the message names its process and its "
		"start. Nothing "
		"waits for it."},

	{"wrong_input", VERDICT_INPUT_ERROR, "operator", false,
		"Arguments, configuration, projects file or plan are wrong. The message says where "
		"and what."},
	{"not_in_this_version", VERDICT_INPUT_ERROR, "operator", false,
		"An action, an option or a kind of image that is known, but that this version "
		"cannot carry out."},
	{"offline", VERDICT_INPUT_ERROR, "user", false,
		"`--offline` was given, and an action needs the network: no VM was started for "
		"it."},
	{"no_target", VERDICT_INPUT_ERROR, "user", false,
		"An action uploads, and the configuration names no target for it."},
	{"no_deps", VERDICT_INPUT_ERROR, "user", false,
		"`ambient deps export` was asked for dependencies that a project does not have."},
	{"deps_damaged", VERDICT_INPUT_ERROR, "user", false,
		"What `ambient deps import` was given is not a whole file of `ambient deps "
		"export`, "
		"or does not have the digest that it should have. Nothing was changed."},
	{"source_repository", VERDICT_INPUT_ERROR, "operator", false,
		"The source, or the repository that it is checked out from, cannot be packed so "
		"that it works in a machine. The message names the part and the remedy."},
	{"no_source", VERDICT_INPUT_ERROR, "operator", false,
		"The project's `source` is missing, or is not a directory."},
	{"no_image", VERDICT_INPUT_ERROR, "operator", false,
		"There is no such image in the image store. The message says how to make it."},
	{"image_digest", VERDICT_INPUT_ERROR, "operator", false,
		"A file of the image is not what its image.yaml says: it was changed or is "
		"damaged. Make or "
		"fetch the image again."},
	{"no_executor", VERDICT_INPUT_ERROR, "operator", false,
		"The executor, ambient-execute-plan, is not where it is looked for. The message "
		"lists the places."},
	{"run_id_used", VERDICT_INPUT_ERROR, "user", false,
		"There is a run with the id of `--run-id` already. Every run needs an id of its "
		"own."},
	{"state_unknown", VERDICT_INPUT_ERROR, "operator", false,
		"A file of the state directory is damaged, or of a format that only a newer "
		"version "
		"knows. Nothing of the project was removed. The message names the file and the "
		"remedy."},
	{"no_run", VERDICT_INPUT_ERROR, "user", false,
		"`ambient log` was asked for a run that is not in the state directory."},

	{"no_secret", VERDICT_INPUT_ERROR, "operator", false,
		"An action needs a secret that the configuration does not have under `secrets`."},
	{"secret_refused", VERDICT_INPUT_ERROR, "operator", false,
		"The configuration does not give a secret to this project, or not to this action."},
	{"secret_unreadable", VERDICT_INPUT_ERROR, "operator", false,
		"A secret could not be read: its file is open to others, its command failed, its "
		"value is too short or too long; or what belongs to a login cannot be used: known "
		"hosts, a certificate, with `ssh_agent` the key. The message says which."},
	{"secret_missing", VERDICT_INPUT_ERROR, "operator", false,
		"The file of a secret is not there, or its environment variable is not set."},
	{"no_ssh_host", VERDICT_INPUT_ERROR, "operator", false,
		"An action uploads to a host that the configuration does not have under `ssh`, "
		"where "
		"its key and its known hosts are."},

	{"host_error", VERDICT_BROKEN, "host", true,
		"The host refused something: a file that cannot be read, a limit of processes. The "
		"message says which."},
	{"host_disk", VERDICT_BROKEN, "host", true,
		"The disk is full or broken: a file of the run could not be written, or the guest "
		"failed while there was no space for what it wrote. The message names the file or "
		"the directory."},
	{"host_limit", VERDICT_BROKEN, "host", false,
		"A limit of the process itself is too low: open files, sizes of files, stack, "
		"memory. The message names it, and how to raise it."},
	{"host_no_namespaces", VERDICT_BROKEN, "host", false,
		"The host does not let QEMU be locked in. The message names the setting; nothing "
		"runs without "
		"the walls."},
	{"host_no_qemu", VERDICT_BROKEN, "host", false,
		"There is no QEMU. The message names the package."},
	{"host_qemu_failed", VERDICT_BROKEN, "host", true,
		"QEMU could not start or exited with an error; its last words are in the message."},
	{"host_qemu_killed", VERDICT_BROKEN, "host", true,
		"A signal killed QEMU. When it was SIGKILL the host was probably out of memory."},
	{"host_kvm_unusable", VERDICT_BROKEN, "host", false,
		"KVM was asked for, and is not there or does not work. `accelerator: tcg` works "
		"everywhere."},
	{"host_kvm_required", VERDICT_BROKEN, "host", false,
		"`require_kvm` is set, and KVM cannot be used here."},
	{"host_proxy_died", VERDICT_BROKEN, "host", true,
		"The process through which a virtual machine reaches the network has died, or was "
		"killed. The machine was ended."},
	{"host_agent_died", VERDICT_BROKEN, "host", true,
		"The process that signs with the keys of `ssh_agent` has died, or was killed. The "
		"virtual machine was ended."},
	{"host_output", VERDICT_BROKEN, "host", true,
		"What `ambient` had to write, to standard output or to a file given by an option, "
		"could not be "
		"written: a full disk, a closed pipe."},

	{"guest_broken", VERDICT_BROKEN, "guest", true,
		"The executor in the guest could not do its own work: a drive that cannot be read "
		"or written."},
	{"guest_boot_timeout", VERDICT_BROKEN, "guest", true,
		"The guest did not come up within `boot_timeout`. `ambient log --console` shows "
		"how far it came."},
	{"guest_standstill", VERDICT_BROKEN, "guest", true,
		"The guest did nothing for 15 s while it started, three times one after the other. "
		"`ambient log --console` shows how far it came."},
	{"guest_panic", VERDICT_BROKEN, "guest", true,
		"The guest's kernel panicked. `ambient log --console` shows it."},
	{"guest_power_off", VERDICT_BROKEN, "guest", false,
		"The guest went off before its end. An action that calls `poweroff` or `reboot` "
		"does this."},
	{"guest_silent", VERDICT_BROKEN, "guest", true,
		"The guest sent nothing for a minute, not even its heartbeat, and was killed."},
	{"guest_protocol", VERDICT_BROKEN, "guest", false,
		"Host and executor are of different versions. Build or install both together."},
	{"guest_output", VERDICT_BROKEN, "guest", false,
		"What the guest left on an output drive is not what it said of it. Nothing of it "
		"is kept."},
	{"guest_error", VERDICT_BROKEN, "guest", true,
		"The guest broke the contract between host and guest. The message says how."},
	{"guest_frame_garbage", VERDICT_BROKEN, "guest", false,
		"The guest sent bytes that are no message. Code under test that writes to the "
		"executor's port "
		"does this."},
	{"guest_frame_size", VERDICT_BROKEN, "guest", false,
		"The guest sent a message that is longer than any may be."},
	{"guest_frame_nonce", VERDICT_BROKEN, "guest", false,
		"The guest sent a message of another run."},
	{"guest_frame_sequence", VERDICT_BROKEN, "guest", false,
		"A message of the guest was lost, or came twice."},
	{"guest_frame_order", VERDICT_BROKEN, "guest", false,
		"The guest sent a message when it was not its time."},
	{"guest_frame_content", VERDICT_BROKEN, "guest", false,
		"The guest sent a message that makes no sense."},
	{0},
};

static const struct {
	const char *name;
	int status;
	int rank; /* of several projects the highest wins */
} verdicts[VERDICTS] = {
	[VERDICT_PASSED] = {"passed", 0, 0},
	[VERDICT_UNCHANGED] = {"unchanged", 0, 0},
	[VERDICT_FAILED] = {"failed", 1, 1},
	[VERDICT_BUSY] = {"busy", 5, 2},
	[VERDICT_TIMEOUT] = {"timeout", 4, 3},
	[VERDICT_INPUT_ERROR] = {"input_error", 2, 4},
	[VERDICT_BROKEN] = {"broken", 3, 5},
	[VERDICT_INTERRUPTED] = {"interrupted", 143, 6},
};

const char *verdict_name(enum verdict v)
{
	return verdicts[v].name;
}

int verdict_exit_status(enum verdict v, int signal)
{
	return v == VERDICT_INTERRUPTED && signal == SIGINT ? 130 : verdicts[v].status;
}

bool verdict_is_uneventful(enum verdict v)
{
	return v == VERDICT_PASSED || v == VERDICT_UNCHANGED || v == VERDICT_BUSY;
}

static int rank_of(int status)
{
	for (int v = 0; v < VERDICTS; v++)
		if (verdicts[v].status == status)
			return verdicts[v].rank;
	return verdicts[VERDICT_INTERRUPTED].rank;
}

int verdict_worst_status(int a, int b)
{
	return rank_of(b) > rank_of(a) ? b : a;
}

static const struct verdict_reason *find_reason(const char *reason)
{
	for (const struct verdict_reason *r = verdict_reasons; r->reason; r++)
		if (strcmp(r->reason, reason) == 0)
			return r;
	return NULL;
}

static const struct {
	enum verdict verdict;
	const char *reason;
} kinds[] = {
	[ERR_NONE] = {VERDICT_PASSED, ""},
	[ERR_INPUT] = {VERDICT_INPUT_ERROR, "wrong_input"},
	[ERR_HOST] = {VERDICT_BROKEN, "host_error"},
	[ERR_GUEST] = {VERDICT_BROKEN, "guest_error"},
	[ERR_BUSY] = {VERDICT_BUSY, "locked"},
	[ERR_INTERRUPTED] = {VERDICT_INTERRUPTED, "interrupted"},
};

/* A reason says more than the kind: artifacts that are refused came from the guest, but by the
 * project. */
enum verdict verdict_of_error(const struct err *e)
{
	const struct verdict_reason *known = find_reason(e->reason);

	return known ? known->verdict : kinds[e->kind].verdict;
}

const char *verdict_reason_of_error(const struct err *e)
{
	return e->reason[0] ? e->reason : kinds[e->kind].reason;
}

static const char *const outcome_reasons[STEP_OUTCOMES] = {
	[STEP_PASSED] = NULL,
	[STEP_FAILED] = "action_failed",
	[STEP_TIMED_OUT] = "action_timeout",
	[STEP_OUT_OF_TIME] = "run_timeout",
	[STEP_STOPPED] = "interrupted",
	[STEP_NO_MEMORY] = "out_of_memory",
	[STEP_TOO_LARGE] = "output_too_large",
	[STEP_BROKEN] = "guest_broken",
	[STEP_NO_PROCESSES] = "too_many_processes",
};

static const char *const failures[SOURCES] = {
	[SOURCE_PRE_PLAN] = "pre_plan_failed",
	[SOURCE_POST_PLAN] = "post_plan_failed",
};

/* The words that an action of a trusted VM may end with begin so. */
static bool is_of_transfers(const char *reason)
{
	static const char *const heads[] = {"fetch_", "upload_"};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (strncmp(reason, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

const char *verdict_reason_of_step(enum plan_source source, enum step_outcome o, const char *said)
{
	const struct verdict_reason *known = find_reason(said);

	if (o != STEP_FAILED || !failures[source])
		return outcome_reasons[o];
	return known && is_of_transfers(known->reason) ? known->reason : failures[source];
}

enum verdict verdict_of_reason(const char *reason)
{
	const struct verdict_reason *known = find_reason(reason);

	if (!known)
		BUG("there is no reason '%s'", reason);
	return known->verdict;
}

const char *verdict_reason_of_outcome(enum step_outcome o)
{
	return outcome_reasons[o];
}

enum verdict verdict_of_outcome(enum step_outcome o)
{
	const struct verdict_reason *known;

	if (o == STEP_PASSED)
		return VERDICT_PASSED;
	known = find_reason(outcome_reasons[o]);
	if (!known)
		BUG("outcome %d has no row in the table of reasons", (int)o);
	return known->verdict;
}
