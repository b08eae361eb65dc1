/* SPDX-License-Identifier: Apache-2.0 */
#include "run/verdict.h"

#include <signal.h>
#include <string.h>

#include "base/mem.h"

/* Reason, verdict, who is at fault, whether a retry makes sense, help. Sorted by fault. */
const struct verdict_reason verdict_reasons[] = {
	{"action_failed", VERDICT_FAILED, "project", false,
		"An action exited with another code than 0, was killed by a signal, or could not "
		"be "
		"carried out. `failed_action` in result.json names it, `ambient log` shows what it "
		"said."},
	{"mirror_failed", VERDICT_FAILED, "project", true,
		"The repository of the source could not be fetched, so nothing else ran; mirror "
		"and "
		"checkout are unchanged."},
	{"pre_plan_failed", VERDICT_FAILED, "project", true,
		"An action of the pre-plan failed, so the plan did not start; the dependencies "
		"are unchanged. `failed_action` in result.json names the action."},
	{"post_plan_failed", VERDICT_FAILED, "project", true,
		"The plan passed and an action of the post-plan failed. The artifacts are kept, "
		"and the next run does not count as unchanged."},
	{"fetch_refused", VERDICT_FAILED, "project", false,
		"The proxy blocked a request made by the pre-plan: neither the plan nor the "
		"configuration names the host, or its address is private. A redirect to another "
		"host needs `egress` in the configuration. The events `egress` of the run log "
		"give the cause."},
	{"fetch_not_found", VERDICT_FAILED, "project", false,
		"The file was not found on the server (status 404 or 410)."},
	{"fetch_denied", VERDICT_FAILED, "project", false,
		"The server rejected the request for a file (another status of 400 to 499, or "
		"511); the message has the status."},
	{"fetch_server_error", VERDICT_FAILED, "network", true,
		"The server failed on every try (status 408, 425, 429 or 500 to 599); 501 and 505 "
		"are not retried."},
	{"fetch_timeout", VERDICT_FAILED, "network", true,
		"The server did not answer or did not end its answer in time, or sent no byte of "
		"the file for a minute (for half of the time left to the action, if that was "
		"less), on every try; a server that went on talking meanwhile is not tried "
		"again."},
	{"fetch_cut", VERDICT_FAILED, "network", true,
		"The connection broke before the file was complete, on every try."},
	{"fetch_unreachable", VERDICT_FAILED, "network", true,
		"The host could not be resolved or reached, on every try."},
	{"fetch_tls", VERDICT_FAILED, "project", false,
		"The server's certificate could not be verified, or the TLS handshake failed. "
		"`ca_certificates` in the configuration names private authorities."},
	{"fetch_redirect", VERDICT_FAILED, "project", false,
		"The server redirected too often, without a location (300 to 399), or to a URL "
		"that is malformed or not followed: another protocol, or http after https."},
	{"fetch_checksum", VERDICT_FAILED, "project", false,
		"The checksum of a file does not match the plan's. The file was discarded."},
	{"fetch_lock_file", VERDICT_FAILED, "project", false,
		"A lock file of the source is missing, is malformed, or names something that the "
		"action does not fetch. Nothing was fetched."},
	{"fetch_commit", VERDICT_FAILED, "project", false,
		"The repository does not have the commit, branch or tag that is asked for."},
	{"fetch_host_key", VERDICT_FAILED, "project", false,
		"The git server presented a host key that is not in `known_hosts` of its entry "
		"under `ssh`. Nothing was sent."},
	{"fetch_too_large", VERDICT_FAILED, "project", false,
		"A file or repository exceeds the rest of `deps_max_size`; the transfer was "
		"ended."},
	{"fetch_no_space", VERDICT_FAILED, "project", false,
		"The disk of the pre-plan's VM is full; raise `scratch_size` in the "
		"configuration."},
	{"fetch_failed", VERDICT_FAILED, "project", true,
		"A transfer failed for a reason without a word of its own, given in the message: "
		"an answer that is not HTTP, or has no end, or that the proxy rejected."},
	{"ssh_agent_refused", VERDICT_FAILED, "project", false,
		"An action of a pre- or post-plan failed after the host's ssh agent refused one "
		"of its requests: a key that is not offered, a host or user that is not "
		"configured, or any request other than a login. The events `ssh_agent` of the run "
		"log give the cause."},
	{"upload_refused", VERDICT_FAILED, "project", false,
		"The proxy of a post-plan blocked an upload: the address of the target is "
		"private. The events `egress` of the run log give the cause."},
	{"upload_failed", VERDICT_FAILED, "network", true,
		"A server rejected an upload, did not end its answer to it, or went on talking and "
		"accepted next to nothing; the message gives the cause. Files uploaded before may "
		"be there."},
	{"upload_host_key", VERDICT_FAILED, "project", false,
		"The host presented a host key that is not in `known_hosts` of its entry under "
		"`ssh`. Nothing was sent."},
	{"upload_timeout", VERDICT_FAILED, "network", true,
		"The server of an upload by ssh did not answer, or accepted no data, for a minute, "
		"or talked for ten minutes and accepted next to nothing (for half of the time "
		"left to the action, if that was less)."},
	{"upload_unreachable", VERDICT_FAILED, "network", true,
		"The proxy could not connect to the host of an upload by ssh; the message and the "
		"events `egress` of the run log give the cause."},
	{"upload_cut", VERDICT_FAILED, "network", true,
		"The connection of an upload by sftp broke on every try. The partial file is "
		"kept; the next upload of the same file resumes it."},
	{"out_of_memory", VERDICT_FAILED, "project", false,
		"The guest ran out of memory during an action. Raise `memory`, in the projects "
		"file or in the configuration."},
	{"too_many_processes", VERDICT_FAILED, "project", false,
		"An action failed after it reached the machine's limit of processes and threads. "
		"Start fewer at a time, or raise `memory`: the limit is one for each 256 KiB of "
		"it."},
	{"output_too_large", VERDICT_FAILED, "project", false,
		"Artifacts, cache, dependencies or mirror do not fit their drive. Write less, or "
		"raise "
		"`artifacts_max_size`, `cache_max_size`, `deps_max_size` or `mirror_max_size`; a "
		"truncated output is discarded."},
	{"artifacts_refused", VERDICT_FAILED, "project", false,
		"The archive of the artifacts is not one that the executor writes, or has more "
		"files or deeper directories than the limits; or, for a post-plan, longer names "
		"than can be packed."},
	{"action_timeout", VERDICT_TIMEOUT, "project", false,
		"An action took longer than its `timeout`, or than `action_timeout`. Its processes "
		"were killed."},
	{"run_timeout", VERDICT_TIMEOUT, "project", false,
		"The run took longer than `timeout`. The running action was killed."},
	{"guest_timeout", VERDICT_TIMEOUT, "project", false,
		"The time limit of the run was reached, and the guest did not end by itself, so "
		"it was killed. Usually the code under test keeps the guest busy."},
	{"interrupted", VERDICT_INTERRUPTED, "user", true,
		"A signal stopped the run: 130 for SIGINT, 143 for SIGTERM, SIGHUP and SIGALRM."},
	{"locked", VERDICT_BUSY, "user", true,
		"Another run of the project is in progress; the message names its process and its "
		"start. This run did not wait."},

	{"wrong_input", VERDICT_INPUT_ERROR, "operator", false,
		"Arguments, configuration, projects file or plan are wrong. The message says where "
		"and what."},
	{"not_in_this_version", VERDICT_INPUT_ERROR, "operator", false,
		"An image of another architecture than this program's machines."},
	{"offline", VERDICT_INPUT_ERROR, "user", false,
		"`--offline` was given, and an action needs the network, so no VM was started for "
		"it."},
	{"no_target", VERDICT_INPUT_ERROR, "user", false,
		"An action uploads, and the configuration does not name a target for it."},
	{"no_deps", VERDICT_INPUT_ERROR, "user", false,
		"The project has no dependencies to export."},
	{"deps_damaged", VERDICT_INPUT_ERROR, "user", false,
		"The file given to `ambient deps import` is truncated or damaged, does not match "
		"its digest, is of no known kind, or is an archive with entries that break the "
		"rules for archives of guests. Nothing was changed."},
	{"source_repository", VERDICT_INPUT_ERROR, "operator", false,
		"The source, or the repository that it is checked out from, cannot be packed so "
		"that it works in a machine. The message names the part and the remedy."},
	{"no_source", VERDICT_INPUT_ERROR, "operator", false,
		"The project's `source` is missing, or is not a directory."},
	{"no_image", VERDICT_INPUT_ERROR, "operator", false,
		"The image is not in the image store. The message says how to make it."},
	{"image_not_imported", VERDICT_INPUT_ERROR, "user", false,
		"A project names a disk by its file, which is not imported yet, or has changed "
		"since. `ambient run` imports it."},
	{"no_packages", VERDICT_INPUT_ERROR, "user", false,
		"`ambient image show --format spdx` was given an image that has no list of its "
		"packages: it was not made by `ambient image build`."},
	{"image_in_use", VERDICT_BUSY, "user", true,
		"`ambient image remove` was given an image that a run or a machine uses; the "
		"message names the projects. Wait for the end of the run, or stop it."},
	{"image_damaged", VERDICT_INPUT_ERROR, "operator", false,
		"The file is truncated or was not written by `ambient image export`. Export the "
		"image again, and carry the file again."},
	{"image_pin", VERDICT_INPUT_ERROR, "operator", false,
		"The image has another digest than its name (`NAME@sha256:DIGEST`) says. The "
		"message has both. Import the image that is wanted, or change the name."},
	{"image_digest", VERDICT_INPUT_ERROR, "operator", false,
		"A file of the image does not match its digest in image.yaml: it was changed or "
		"is damaged. Make or fetch the image again."},
	{"no_executor", VERDICT_INPUT_ERROR, "operator", false,
		"The executor, ambient-execute-plan, was not found, or the program in its place is "
		"not the executor of this release. The message names the key, or the places that "
		"were searched."},
	{"no_qemu", VERDICT_INPUT_ERROR, "operator", false,
		"`qemu.program` of the configuration names something that is not QEMU. The message "
		"has the position."},
	{"run_id_used", VERDICT_INPUT_ERROR, "user", false,
		"A run with the id of `--run-id` exists. Every run needs an id of its own."},
	{"state_unknown", VERDICT_INPUT_ERROR, "operator", false,
		"A file of the state directory is damaged, or its format is of a newer version. "
		"Nothing of the project was removed. The message names the file and the remedy."},
	{"no_run", VERDICT_INPUT_ERROR, "user", false, "The run is not in the state directory."},

	{"no_secret", VERDICT_INPUT_ERROR, "operator", false,
		"An action needs a secret that is not under `secrets` of the configuration."},
	{"secret_refused", VERDICT_INPUT_ERROR, "operator", false,
		"The configuration does not grant the secret to this project, or not to this "
		"action."},
	{"secret_unreadable", VERDICT_INPUT_ERROR, "operator", false,
		"A secret could not be read: other users have access to its file, its command "
		"failed, its value is too short or too long; or a part of a login is not usable: "
		"known hosts, a certificate, or the key with `ssh_agent`. The message names it."},
	{"secret_missing", VERDICT_INPUT_ERROR, "operator", false,
		"The file of a secret does not exist, or its environment variable is not set."},
	{"no_ssh_host", VERDICT_INPUT_ERROR, "operator", false,
		"An action uploads to a host that is not under `ssh` of the configuration, which "
		"has its key and its known hosts."},

	{"host_error", VERDICT_BROKEN, "host", true,
		"A system call failed on the host: a file could not be read, a limit of processes "
		"was reached. The message names it."},
	{"host_disk", VERDICT_BROKEN, "host", true,
		"The host's disk is full or broken: a file of the run could not be written, or "
		"the guest failed or stopped while there was no space for its drives. The message "
		"names the file or the directory."},
	{"host_limit", VERDICT_BROKEN, "host", false,
		"A limit of the process itself is too low: open files, file size, stack, memory. "
		"The message names the limit and how to raise it."},
	{"host_no_namespaces", VERDICT_BROKEN, "host", false,
		"The host does not allow the namespaces of QEMU's jail. The message names the "
		"setting; QEMU never runs without its jail."},
	{"host_no_archive", VERDICT_BROKEN, "host", false,
		"`ambient-archive`, which reads archives of others, or a library that it needs is "
		"not installed. The message names the place or the package."},
	{"host_no_squashfs", VERDICT_BROKEN, "host", false,
		"`sqfstar`, which makes the root file system of an imported image, is not "
		"installed. The message names the package."},
	{"host_no_skopeo", VERDICT_BROKEN, "host", false,
		"`skopeo`, which fetches images from registries, is not installed. The message "
		"names the package."},
	{"host_skopeo_failed", VERDICT_BROKEN, "host", true,
		"`skopeo` did not fetch the image: the registry, the network, or a login. The "
		"message has its last line."},
	{"host_no_qemu", VERDICT_BROKEN, "host", false,
		"QEMU is not installed. The message names the package."},
	{"host_qemu_failed", VERDICT_BROKEN, "host", true,
		"QEMU did not start, or exited with an error; the message has the end of its "
		"output."},
	{"host_qemu_killed", VERDICT_BROKEN, "host", true,
		"A signal killed QEMU. If it was SIGKILL, the host was probably out of memory."},
	{"host_kvm_unusable", VERDICT_BROKEN, "host", false,
		"KVM was requested, and is not available or does not work. `accelerator: tcg` "
		"works everywhere."},
	{"host_kvm_required", VERDICT_BROKEN, "host", false,
		"`require_kvm` is set, and KVM cannot be used here."},
	{"host_proxy_died", VERDICT_BROKEN, "host", true,
		"The process that connects a VM to the network died or was killed. The VM was "
		"ended."},
	{"host_agent_died", VERDICT_BROKEN, "host", true,
		"The process that signs with the keys of `ssh_agent` died or was killed. The VM "
		"was ended."},
	{"host_no_uefi", VERDICT_BROKEN, "host", false,
		"An image boots from its disk by UEFI, and this host has no firmware for that."},
	{"host_no_qemu_img", VERDICT_BROKEN, "host", false,
		"`ambient image import` of a disk needs `qemu-img`, and it is not installed."},
	{"host_output", VERDICT_BROKEN, "host", true,
		"Standard output, or a file named by an option, could not be written: a full "
		"disk, a closed pipe."},

	{"guest_broken", VERDICT_BROKEN, "guest", true,
		"The executor in the guest could not do its own work: a drive could not be read "
		"or written. An action that takes the machine's drives away does this."},
	{"guest_boot_timeout", VERDICT_BROKEN, "guest", true,
		"The guest did not boot within `boot_timeout`, or a disk within five times that. "
		"`ambient log --console` shows how far it came."},
	{"guest_standstill", VERDICT_BROKEN, "guest", true,
		"The guest hung for 15 s while it booted, three times in a row. `ambient log "
		"--console` shows how far it came."},
	{"guest_reset", VERDICT_BROKEN, "guest", true,
		"The guest reset or switched off its machine while it booted, three times in a "
		"row. `ambient log "
		"--console` shows how far it came."},
	{"guest_no_executor", VERDICT_BROKEN, "guest", false,
		"The system on the disk of an image switched off or reset the machine before it "
		"started the executor. It needs a unit that does this, or cloud-init. `ambient log "
		"--console` shows how far it came."},
	{"guest_panic", VERDICT_BROKEN, "guest", true,
		"The guest's kernel panicked. `ambient log --console` shows it."},
	{"guest_power_off", VERDICT_BROKEN, "guest", false,
		"The guest powered off before its end event. An action that calls `poweroff` or "
		"`reboot` does this."},
	{"guest_silent", VERDICT_BROKEN, "guest", true,
		"The guest sent nothing for a minute, not even its heartbeat, and was killed. An "
		"action that suspends the machine (`/sys/power/state`) does this."},
	{"guest_protocol", VERDICT_BROKEN, "guest", false,
		"Host and executor are of different versions. Build or install both together."},
	{"guest_output", VERDICT_BROKEN, "guest", false,
		"The contents of an output drive do not match the guest's description of them. "
		"The output is discarded."},
	{"guest_error", VERDICT_BROKEN, "guest", true,
		"The guest violated the protocol between host and guest. The message says how."},
	{"guest_frame_garbage", VERDICT_BROKEN, "guest", false,
		"The guest sent bytes that are not a frame. Code under test that writes to the "
		"executor's port does this."},
	{"guest_frame_size", VERDICT_BROKEN, "guest", false,
		"The guest sent a frame that exceeds the largest size."},
	{"guest_frame_nonce", VERDICT_BROKEN, "guest", false,
		"The guest sent a frame with the nonce of another run."},
	{"guest_frame_sequence", VERDICT_BROKEN, "guest", false,
		"A frame of the guest was lost or repeated."},
	{"guest_frame_order", VERDICT_BROKEN, "guest", false,
		"The guest sent a frame at a time when the protocol does not allow it."},
	{"guest_frame_content", VERDICT_BROKEN, "guest", false,
		"The guest sent a frame with invalid contents."},
	{0},
};

static const struct {
	const char *name;
	int status;
	int rank; /* if there are several projects, the highest rank wins */
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

/*
 * The reason is more exact than the kind: rejected artifacts come from the guest, but are the
 * project's fault.
 */
enum verdict verdict_of_error(const struct err *e)
{
	const struct verdict_reason *known = find_reason(e->reason);

	return known ? known->verdict : kinds[e->kind].verdict;
}

const char *verdict_reason_of_error(const struct err *e)
{
	return e->reason[0] ? e->reason : kinds[e->kind].reason;
}

static const char *const failures[SOURCES] = {
	[SOURCE_MIRROR] = "mirror_failed",
	[SOURCE_PRE_PLAN] = "pre_plan_failed",
	[SOURCE_FETCH] = "pre_plan_failed",
	[SOURCE_POST_PLAN] = "post_plan_failed",
};

/* Prefixes of the reasons that an action of a trusted VM may report. */
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
		return message_reason(o);
	return known && is_of_transfers(known->reason) ? known->reason : failures[source];
}

enum verdict verdict_of_reason(const char *reason)
{
	const struct verdict_reason *known = find_reason(reason);

	if (!known)
		BUG("there is no reason '%s'", reason);
	return known->verdict;
}

enum verdict verdict_of_outcome(enum step_outcome o)
{
	const struct verdict_reason *known;

	if (o == STEP_PASSED)
		return VERDICT_PASSED;
	known = find_reason(message_reason(o));
	if (!known)
		BUG("outcome %d has no row in the table of reasons", (int)o);
	return known->verdict;
}
