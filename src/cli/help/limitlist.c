/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help/limitlist.h"

#include <inttypes.h>

#include "actions/limits.h"
#include "agent/limits.h"
#include "base/limits.h"
#include "base/num.h"
#include "contract/limits.h"
#include "data/limits.h"
#include "egress/limits.h"
#include "executor/limits.h"
#include "machine/limits.h"
#include "os/limits.h"
#include "run/limits.h"
#include "secrets/limits.h"
#include "settings/limits.h"
#include "source/limits.h"
#include "store/limits.h"
#include "transfer/limits.h"

enum unit { UNIT_BYTES, UNIT_COUNT, UNIT_MS, UNIT_SECONDS };

/* A row without a limit begins a group. */
struct row {
	const char *name; /* in limits.h */
	uint64_t value;
	enum unit unit;
	const char *what, *reached;
};

#define GROUP(title)                                                                               \
	{                                                                                          \
		NULL, 0, UNIT_COUNT, title, NULL                                                   \
	}
#define BYTES(name, what, reached)                                                                 \
	{                                                                                          \
#name, (uint64_t)(name), UNIT_BYTES, what, reached                                 \
	}
#define COUNT(name, what, reached)                                                                 \
	{                                                                                          \
#name, (uint64_t)(name), UNIT_COUNT, what, reached                                 \
	}
#define TIME(name, what, reached)                                                                  \
	{                                                                                          \
#name, (uint64_t)(name), UNIT_MS, what, reached                                    \
	}
#define SECONDS(name, what, reached)                                                               \
	{                                                                                          \
#name, (uint64_t)(name), UNIT_SECONDS, what, reached                               \
	}

static const struct row rows[] = {
	GROUP("What people write"),
	BYTES(LIMIT_YAML_BYTES, "a configuration, projects file, plan or image.yaml",
		"error, status 2"),
	COUNT(LIMIT_NODE_DEPTH, "levels of nesting in it, and in any JSON that is read",
		"error, status 2"),
	COUNT(LIMIT_NODE_COUNT, "values in it, aliases counted each time", "error, status 2"),
	BYTES(LIMIT_NODE_BYTES, "text of its values, aliases counted each time", "error, status 2"),
	COUNT(LIMIT_YAML_ANCHORS, "anchors in it", "error, status 2"),
	BYTES(LIMIT_NAME_BYTES, "a name that becomes a file name: projects, runs, scopes",
		"error, status 2"),
	COUNT(LIMIT_CPUS, "processors of a machine", "error, status 2"),
	BYTES(LIMIT_MEMORY_LEAST, "memory of a machine, at least", "error, status 2"),
	BYTES(LIMIT_MEMORY_MOST, "memory of a machine, at most", "error, status 2"),
	BYTES(LIMIT_DRIVE_LEAST, "a size of an output, at least", "error, status 2"),
	BYTES(LIMIT_DRIVE_MOST, "a size of an output or of the disk, at most", "error, status 2"),
	BYTES(LIMIT_SCRATCH_LEAST, "the disk of a machine, at least", "error, status 2"),
	COUNT(LIMIT_KEEP_RUNS, "`keep_runs` and `keep_scopes`", "error, status 2"),
	COUNT(LIMIT_KEEP_DAYS, "`keep_days`", "error, status 2"),
	COUNT(LIMIT_EGRESS_HOSTS, "hosts that one machine may reach", "error, status 2"),
	GROUP("What ambient itself needs"),
	COUNT(LIMIT_NEED_FILES, "open files that the parent must allow", "error"),
	BYTES(LIMIT_NEED_STACK, "stack that the parent must allow", "error"),
	BYTES(LIMIT_NEED_MEMORY, "memory that the parent must allow", "error"),
	COUNT(LIMIT_NEED_PROCESSES, "processes of the user that the parent must allow", "error"),
	SECONDS(LIMIT_NEED_CPU_SECONDS, "processor time that the parent must allow", "error"),
	GROUP("What is made of it"),
	COUNT(LIMIT_PLAN_STEPS, "steps of a machine's plan, ours included", "error, status 2"),
	BYTES(LIMIT_PLAN_BYTES, "a machine's plan as JSON", "error, status 2"),
	BYTES(LIMIT_SNIPPET_BYTES, "a snippet of shell", "error, status 2"),
	BYTES(LIMIT_ARG_BYTES,
		"one argument of a program, or one environment variable with its name: values of "
		"`env`, `--env`, `setenv`, arguments of `custom`",
		"error, status 2"),
	COUNT(LIMIT_VARIABLES, "variables of an environment", "error, status 2"),
	BYTES(LIMIT_EXEC_BYTES,
		"arguments and environment of one action's program together, with 8 bytes for each",
		"error, status 2"),
	COUNT(LIMIT_LINT_WARNINGS, "warnings about one plan", "the others are counted"),
	COUNT(LIMIT_SHELLCHECK_FILES, "snippets that shellcheck looks at", "a warning says so"),
	BYTES(LIMIT_SHELLCHECK_BYTES, "snippets that shellcheck looks at, and its answer",
		"a warning says so"),
	TIME(LIMIT_SHELLCHECK_MS, "time for shellcheck", "a warning says so"),
	SECONDS(LIMIT_SHELLCHECK_CPU_SECONDS, "processor time for shellcheck", "a warning says so"),
	BYTES(LIMIT_SHELLCHECK_MEMORY, "memory for shellcheck", "a warning says so"),
	GROUP("The source tree"),
	BYTES(LIMIT_TAR_LONG_PATH, "a path", "error, status 2"),
	BYTES(LIMIT_PACK_NAMES_BYTES, "names of a directory and of those above it, at once",
		"error, status 2"),
	COUNT(LIMIT_TAR_XATTRS, "extended attributes of a file", "error, status 2"),
	BYTES(LIMIT_TAR_XATTR_BYTES, "their names and values", "error, status 2"),
	COUNT(LIMIT_TAR_HOLES, "holes of a file that its header lists", "more are zeros"),
	COUNT(LIMIT_PACK_LINKS, "files with more than one link", "error, status 2"),
	TIME(LIMIT_HELPER_MS,
		"time for git to say what your configuration is, and for a program's version",
		"error, status 3"),
	TIME(LIMIT_GIT_MS, "time for one question to git", "the run takes place"),
	TIME(LIMIT_GIT_ALL_MS, "time for all questions to git", "the run takes place"),
	COUNT(LIMIT_GIT_SUBMODULES, "submodules that git is asked about", "the run takes place"),
	COUNT(LIMIT_FILEMEMORY_ENTRIES, "files whose digests are remembered",
		"the others are read again"),
	BYTES(LIMIT_GIT_CONFIG, "a configuration of git", "error, status 2"),
	BYTES(LIMIT_GIT_NESTED, "configurations of repositories in directories of a source",
		"error, status 2"),
	BYTES(LIMIT_GIT_EXCLUDES, "the operator's ignore file, attributes files",
		"error, status 2"),
	BYTES(LIMIT_GIT_POINTER, "a `.git` file, a list of alternates", "error, status 2"),
	COUNT(LIMIT_GIT_GRAFTS, "entries of a `.git` that is put together", "error, status 2"),
	BYTES(LIMIT_GIT_FILTERS, "names of settings of filters", "the run takes place"),
	BYTES(LIMIT_GIT_CHANGES, "paths whose attributes are asked for at once", ""),
	SECONDS(LIMIT_GIT_CPU_SECONDS, "processor time for git", "the run takes place"),
	BYTES(LIMIT_GIT_MEMORY, "memory for git", "the run takes place"),
	COUNT(LIMIT_GIT_FILES, "files that git has open at once", "the run takes place"),
	BYTES(LIMIT_GIT_STATUS_BYTES, "what git says about changes", "more is not read"),
	BYTES(LIMIT_GIT_INDEX_BYTES, "what git says about its index", "the run takes place"),
	GROUP("A machine, seen from the host"),
	TIME(LIMIT_MKE2FS_MS, "time for mke2fs to prepare its disk", "the run is broken"),
	TIME(LIMIT_HELPER_KILL_MS, "until a program of the host that was killed is gone",
		"it is not waited for"),
	BYTES(LIMIT_FRAME_PAYLOAD, "a frame from the guest", "the run is broken"),
	BYTES(LIMIT_CTL_PAYLOAD, "a frame to the guest", "the run is broken"),
	COUNT(LIMIT_NOTES, "remarks of one guest", "the others are dropped, and that is said"),
	COUNT(LIMIT_JSON_NUMBER, "a number of the guest in logs and results",
		"larger ones are this"),
	BYTES(LIMIT_LOG_LINE, "a line of the run log", "the run is broken"),
	TIME(LIMIT_QUIET_MS, "time without a frame until the host looks whether its disk is full",
		"the run is broken if it is"),
	TIME(LIMIT_SILENCE_MS, "time without a frame", "the run is broken"),
	TIME(LIMIT_STANDSTILL_MS, "time that a machine hangs before its first frame",
		"it is started again"),
	COUNT(LIMIT_STARTS, "starts of a machine that hangs or resets while it boots",
		"the run is broken"),
	TIME(LIMIT_STOP_MS, "from `stop`, or from the end of a time limit, to the end",
		"the run is broken"),
	TIME(LIMIT_ACK_MS, "from the end to power off", "the machine is killed"),
	TIME(LIMIT_EPILOG_MS, "from the time limit of the run to its end", "the run is broken"),
	BYTES(LIMIT_DISK_FULL_BYTES,
		"space left on the host, below which a guest that fails is not to blame",
		"the run is broken"),
	GROUP("Artifacts, as the host unpacks them"),
	COUNT(LIMIT_TAR_ENTRIES, "entries", "`artifacts_refused`"),
	COUNT(LIMIT_TAR_DEPTH, "levels of directories", "`artifacts_refused`"),
	BYTES(LIMIT_TAR_PATH, "a path", "`artifacts_refused`"),
	BYTES(LIMIT_TAR_PAX_BYTES, "an extended header", "`artifacts_refused`"),
	BYTES(LIMIT_UNPACKED_LEAST,
		"blocks of 4096 bytes and 256 bytes for each name: `artifacts_max_size`, or this "
		"when it is less",
		"`artifacts_refused`"),
	GROUP("Archives of others, as `deps import` reads them (entries, levels and paths as "
	      "above)"),
	BYTES(LIMIT_PACK_NAMES_BYTES, "names and targets of links", "`deps_damaged`"),
	BYTES(LIMIT_ARCHIVE_MEMORY, "memory for ambient-archive", "error, status 3"),
	COUNT(LIMIT_ARCHIVE_FILES, "files that it has open at once", "error, status 3"),
	TIME(LIMIT_ARCHIVE_STALL_MS, "time without a byte that is read or written",
		"`deps_damaged`"),
	SECONDS(LIMIT_ARCHIVE_CPU_SECONDS,
		"processor time; besides, a second for each MiB of the file and for each 16 MiB of "
		"`deps_max_size`",
		"`deps_damaged`"),
	GROUP("Hosts of ssh, as `doctor` asks them for their keys"),
	COUNT(LIMIT_HOSTKEY_AT_ONCE, "hosts that are asked at once", "waits"),
	TIME(LIMIT_HOSTKEY_MS, "time for all that are asked at once", "a warning"),
	BYTES(LIMIT_HOSTKEY_MEMORY, "memory for ambient-hostkey", "a warning"),
	COUNT(LIMIT_HOSTKEY_FILES, "files that it has open at once", "a warning"),
	SECONDS(LIMIT_HOSTKEY_CPU_SECONDS, "processor time", "a warning"),
	GROUP("In a guest"),
	TIME(LIMIT_GRACE_MS, "from SIGTERM to SIGKILL when an action is out of time",
		"it is killed"),
	TIME(LIMIT_ALWAYS_MS, "for all steps that run always: outputs are packed",
		"the run is broken"),
	TIME(LIMIT_DRIVES_MS, "until every drive is there", "the run is broken"),
	TIME(LIMIT_PORTS_MS, "until the two ports are there", "the run is broken"),
	TIME(LIMIT_REAP_MS, "until killed processes are gone", "the run is broken"),
	BYTES(LIMIT_PROCESS_MEMORY,
		"free memory of the machine for each process or thread of an action",
		"no more start"),
	COUNT(LIMIT_PROCESSES_LEAST, "processes and threads of an action, at least", ""),
	BYTES(LIMIT_GUEST_RESERVE, "memory that a guest keeps from its job, at most", ""),
	BYTES(LIMIT_DEVICE_LIST_BYTES, "a list of devices that the kernel gives",
		"the run is broken"),
	BYTES(LIMIT_HOSTS_BYTES, "`/etc/hosts` of a guest", "the run is broken"),
	GROUP("The way out of trusted machines"),
	COUNT(LIMIT_PROXY_CONNECTIONS, "connections of one machine at a time", "more of them wait"),
	BYTES(LIMIT_PROXY_BUFFER, "the buffer of a connection, each way", "the sender waits"),
	BYTES(LIMIT_PROXY_HEAD, "a head of HTTP", "the request is refused"),
	COUNT(LIMIT_PROXY_FIELDS, "fields of a head", "the request is refused"),
	COUNT(LIMIT_PROXY_LOOKUPS, "names that are looked up at a time", "more of them wait"),
	COUNT(LIMIT_PROXY_ADDRESSES, "addresses of one name that are tried", "more are not tried"),
	TIME(LIMIT_PROXY_HEAD_MS, "until the head of a request is there", "the request is refused"),
	TIME(LIMIT_PROXY_LOOKUP_MS, "for looking a name up", "the request fails"),
	TIME(LIMIT_PROXY_CONNECT_MS, "for a connection, all addresses together",
		"the request fails"),
	TIME(LIMIT_PROXY_ATTEMPT_MS, "for one address", "the next one is tried"),
	TIME(LIMIT_PROXY_IDLE_MS, "time without a byte in either direction", "the connection ends"),
	TIME(LIMIT_PROXY_HALF_MS, "the same when one side has ended", "the connection ends"),
	COUNT(LIMIT_PROXY_EVENTS, "connections of one machine that are logged", "more are counted"),
	TIME(LIMIT_PROXY_STOP_MS, "for the proxy to end", "it is killed"),
	TIME(LIMIT_CONNECT_MS, "in the guest, for a connection through the proxy",
		"the request fails"),
	TIME(LIMIT_HTTP_PAUSE_MS, "pause before the second try of a transfer; it doubles with each",
		""),
	TIME(LIMIT_HTTP_CONNECT_MS, "for a connection", "tried again"),
	TIME(LIMIT_HTTP_STALL_MS,
		"time without a byte of the file; at most half of what the action has left",
		"tried again"),
	TIME(LIMIT_HTTP_REPORT_MS, "between two lines about a transfer", ""),
	BYTES(LIMIT_HTTP_HEADS, "heads of one answer, interim ones included", "the transfer fails"),
	BYTES(LIMIT_HTTP_UNWANTED, "the body of an answer that is not the file",
		"the transfer fails"),
	BYTES(LIMIT_HTTP_OVERHEAD, "what is sent around a file, such as extensions of chunks",
		"the transfer fails"),
	COUNT(LIMIT_HTTP_OVERHEAD_FACTOR, "the same in addition, for each byte of the file",
		"the transfer fails"),
	BYTES(LIMIT_GIT_OVERHEAD, "what git receives beyond twice what it stores",
		"the transfer fails"),
	BYTES(LIMIT_GIT_LIST_MEMORY, "memory of git's transfer program", "the transfer fails"),
	TIME(LIMIT_GIT_WAIT_MS, "time in which git stores nothing and calculates nothing",
		"the transfer fails"),
	GROUP("Secrets and uploads"),
	BYTES(LIMIT_SECRET_BYTES, "a secret", "error, status 2"),
	COUNT(LIMIT_SECRETS, "secrets of a run", "error, status 2"),
	TIME(LIMIT_SECRET_COMMAND_MS, "for a command that says a secret", "error, status 2"),
	BYTES(LIMIT_SSH_FILE_BYTES, "known hosts, a certificate", "error, status 2"),
	BYTES(LIMIT_SSH_KEY_BYTES, "a private key", "error, status 2"),
	BYTES(LIMIT_AGENT_MESSAGE, "a message to the agent", "it is refused"),
	COUNT(LIMIT_AGENT_CONNECTIONS, "connections to the agent at a time", "more of them wait"),
	TIME(LIMIT_AGENT_IDLE_MS, "time without a message to the agent", "the connection ends"),
	COUNT(LIMIT_AGENT_SIGNATURES, "signatures of one machine", "more are refused"),
	COUNT(LIMIT_AGENT_EVENTS, "signatures and refusals that are logged", "more are counted"),
	TIME(LIMIT_AGENT_STOP_MS, "for the agent to end", "it is killed"),
	BYTES(LIMIT_UPLOAD_WORK, "the list of what is to be uploaded, as JSON", "the action fails"),
	COUNT(LIMIT_UPLOAD_NAMES, "files and directories of an upload", "the action fails"),
	BYTES(LIMIT_SSH_COMMAND, "a command that starts ssh", "the action fails"),
	BYTES(LIMIT_SFTP_ANSWER, "an answer of an sftp server", "the action fails"),
	COUNT(LIMIT_SFTP_NAMES, "names in a directory of an sftp server", "the action fails"),
	COUNT(LIMIT_UPLOAD_PARTS, "partial files on a server", "more are not continued"),
};

/* Exact, because it is the documentation of a limit: whole units or all digits. */
static void add_bytes(struct buf *b, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1024;
		unit++;
	}
	buf_addf(b, "%" PRIu64 " %s", bytes, units[unit]);
}

static void add_value(struct buf *b, const struct row *r)
{
	switch (r->unit) {
	case UNIT_BYTES:
		add_bytes(b, r->value);
		return;
	case UNIT_COUNT:
		buf_addf(b, "%" PRIu64, r->value);
		return;
	case UNIT_MS:
		buf_adds(b, num_show_duration((int64_t)r->value).s);
		return;
	case UNIT_SECONDS:
		buf_adds(b, num_show_duration((int64_t)r->value * 1000).s);
		return;
	}
}

void limitlist_add(struct buf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		if (!r->name) {
			buf_addf(b,
				"%s### %s\n\n| limit of | is | beyond it | name |\n"
				"| --- | --- | --- | --- |\n",
				i ? "\n" : "", r->what);
			continue;
		}
		buf_addf(b, "| %s | ", r->what);
		add_value(b, r);
		buf_addf(b, " | %s | `%s` |\n", r->reached, r->name);
	}
}
