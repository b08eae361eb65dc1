/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help/limitlist.h"

#include <inttypes.h>

#include "actions/limits.h"
#include "agent/limits.h"
#include "archive/report.h"
#include "base/limits.h"
#include "base/num.h"
#include "contract/limits.h"
#include "data/limits.h"
#include "egress/limits.h"
#include "executor/limits.h"
#include "images/limits.h"
#include "machine/limits.h"
#include "os/limits.h"
#include "run/limits.h"
#include "secrets/limits.h"
#include "settings/limits.h"
#include "source/limits.h"
#include "store/limits.h"
#include "transfer/limits.h"
#include "upkeep/limits.h"

enum unit { UNIT_BYTES, UNIT_COUNT, UNIT_MS, UNIT_SECONDS };

/* A row without a name is the heading of a group. */
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
	GROUP("Files written by users"),
	BYTES(LIMIT_CLIENTFILE_BYTES,
		"the settings of a package manager on the host, such as `~/.npmrc`",
		"error, status 2, of projects that use its registry"),
	COUNT(LIMIT_CONFIG_FILES, "configuration files, with those of `--config`",
		"error, status 2"),
	COUNT(LIMIT_REGISTRY_HOSTS, "`also` of a registry", "error, status 2"),
	BYTES(LIMIT_REGISTRY_ADDRESS, "the address of a registry", "error, status 2"),
	BYTES(LIMIT_YAML_BYTES, "a configuration, projects file, plan or image.yaml",
		"error, status 2"),
	COUNT(LIMIT_NODE_DEPTH, "levels of nesting in such a file, and in any JSON input",
		"error, status 2"),
	COUNT(LIMIT_NODE_COUNT, "values in such a file, with each use of an alias",
		"error, status 2"),
	BYTES(LIMIT_NODE_BYTES, "text of the values, with each use of an alias", "error, status 2"),
	COUNT(LIMIT_YAML_ANCHORS, "anchors in such a file", "error, status 2"),
	BYTES(LIMIT_NAME_BYTES, "a name used as a file name: projects, runs, scopes",
		"error, status 2"),
	COUNT(LIMIT_CPUS, "processors of a machine", "error, status 2"),
	BYTES(LIMIT_MEMORY_LEAST, "memory of a machine, minimum", "error, status 2"),
	BYTES(LIMIT_MEMORY_MOST, "memory of a machine, maximum", "error, status 2"),
	BYTES(LIMIT_DRIVE_LEAST, "size of an output, minimum", "error, status 2"),
	BYTES(LIMIT_DRIVE_MOST, "size of an output or of the disk, maximum", "error, status 2"),
	BYTES(LIMIT_SCRATCH_LEAST, "disk of a machine, minimum", "error, status 2"),
	BYTES(LIMIT_SENT_LEAST, "`fetch_max_sent`, minimum", "error, status 2"),
	COUNT(LIMIT_KEEP_RUNS, "`keep_runs` and `keep_scopes`", "error, status 2"),
	COUNT(LIMIT_KEEP_DAYS, "`keep_days`", "error, status 2"),
	COUNT(LIMIT_EGRESS_HOSTS, "hosts that one machine may reach", "error, status 2"),
	GROUP("Requirements of ambient itself (minimum)"),
	COUNT(LIMIT_NEED_FILES, "limit of open files, set by the parent process", "error"),
	BYTES(LIMIT_NEED_STACK, "limit of the stack, likewise", "error"),
	BYTES(LIMIT_NEED_MEMORY, "limit of memory, likewise", "error"),
	COUNT(LIMIT_NEED_PROCESSES, "limit of processes of the user, likewise", "error"),
	SECONDS(LIMIT_NEED_CPU_SECONDS, "limit of processor time, likewise", "error"),
	GROUP("Plans"),
	COUNT(LIMIT_PLAN_STEPS, "steps of a machine's plan, including those added by ambient",
		"error, status 2"),
	BYTES(LIMIT_PLAN_BYTES, "a machine's plan as JSON", "error, status 2"),
	BYTES(LIMIT_SNIPPET_BYTES, "a snippet of shell", "error, status 2"),
	COUNT(LIMIT_FETCH_HOSTS, "`hosts` or `registries` of an action `fetch`", "error, status 2"),
	COUNT(LIMIT_FETCH_READS, "`reads` of an action `fetch`", "error, status 2"),
	BYTES(LIMIT_NAMES_BYTES,
		"names in `/ci/deps` that come from trusted machines, if an action fetches",
		"`pre_plan_failed`"),
	BYTES(LIMIT_ARG_BYTES,
		"one argument of a program, or one environment variable with its name: values of "
		"`env`, `--env`, `setenv`, arguments of `custom`",
		"error, status 2"),
	COUNT(LIMIT_VARIABLES, "variables of an environment", "error, status 2"),
	BYTES(LIMIT_EXEC_BYTES,
		"arguments and environment of one action's program together, plus 8 "
		"bytes for each",
		"error, status 2"),
	COUNT(LIMIT_LINT_WARNINGS, "warnings about one plan", "further warnings are only counted"),
	COUNT(LIMIT_SHELLCHECK_FILES, "snippets checked by shellcheck", "a warning"),
	BYTES(LIMIT_SHELLCHECK_BYTES, "snippets checked by shellcheck, and its output",
		"a warning"),
	TIME(LIMIT_SHELLCHECK_MS, "time for shellcheck", "a warning"),
	SECONDS(LIMIT_SHELLCHECK_CPU_SECONDS, "processor time for shellcheck", "a warning"),
	BYTES(LIMIT_SHELLCHECK_MEMORY, "memory for shellcheck", "a warning"),
	GROUP("The source tree"),
	COUNT(LIMIT_DECLARED_FILES, "files of the source that an action that fetches reads",
		"error, status 2"),
	COUNT(LIMIT_DECLARED_DIRECTORIES,
		"directories that wait while a source is searched for them", "error, status 2"),
	BYTES(LIMIT_DECLARED_BYTES, "a file in `reads` of an action that fetches",
		"error, status 2"),
	BYTES(LIMIT_TAR_LONG_PATH, "a path", "error, status 2"),
	COUNT(LIMIT_TAR_DEPTH, "levels of directories", "error, status 2"),
	BYTES(LIMIT_PACK_NAMES_BYTES, "names in a directory and in its parents, at one time",
		"error, status 2"),
	COUNT(LIMIT_TAR_XATTRS, "extended attributes of a file",
		"all of them are left out, with a warning"),
	BYTES(LIMIT_TAR_XATTR_BYTES, "names and values of the extended attributes of a file",
		"all of them are left out, with a warning"),
	COUNT(LIMIT_TAR_HOLES, "holes of a file that are listed in its header",
		"further holes are stored as zeros"),
	COUNT(LIMIT_PACK_LINKS, "files with more than one link", "error, status 2"),
	TIME(LIMIT_HELPER_MS,
		"time for git to print your configuration, and for a program to print "
		"its version",
		"error, status 3"),
	TIME(LIMIT_GIT_MS, "time for one git command", "the state of the source is unknown"),
	TIME(LIMIT_GIT_ALL_MS, "time for all git commands", "the state of the source is unknown"),
	COUNT(LIMIT_GIT_SUBMODULES, "submodules whose state is checked",
		"the state of the source is unknown"),
	BYTES(LIMIT_SOURCE_BYTES, "the archive of a source, with its holes", "error, status 2"),
	COUNT(LIMIT_FILEMEMORY_ENTRIES, "files whose digests are stored",
		"further files are read again"),
	BYTES(LIMIT_GIT_CONFIG, "a git configuration file", "error, status 2"),
	BYTES(LIMIT_GIT_NESTED, "configurations of all repositories in subdirectories of a source",
		"error, status 2"),
	BYTES(LIMIT_GIT_EXCLUDES, "the operator's ignore file or attributes files",
		"error, status 2"),
	BYTES(LIMIT_GIT_POINTER, "a `.git` file or a list of alternates", "error, status 2"),
	COUNT(LIMIT_GIT_GRAFTS, "entries of an assembled `.git`", "error, status 2"),
	BYTES(LIMIT_GIT_FILTERS, "names of filter settings", "the state of the source is unknown"),
	BYTES(LIMIT_GIT_CHANGES, "paths per query for attributes", ""),
	SECONDS(LIMIT_GIT_CPU_SECONDS, "processor time for git",
		"the state of the source is unknown"),
	BYTES(LIMIT_GIT_MEMORY, "memory for git", "the state of the source is unknown"),
	COUNT(LIMIT_GIT_FILES, "open files of git", "the state of the source is unknown"),
	BYTES(LIMIT_GIT_STATUS_BYTES, "output of git about changes", "the rest is not read"),
	BYTES(LIMIT_GIT_INDEX_BYTES, "output of git about its index",
		"the state of the source is unknown"),
	BYTES(LIMIT_GIT_REFS_BYTES, "the references of a mirror", "error, status 2"),
	BYTES(LIMIT_GIT_TREE_BYTES, "the list of the files of a commit that is checked out",
		"error, status 2"),
	TIME(LIMIT_GIT_CHECKOUT_MS, "time for one git command that checks out a mirror",
		"error, status 2"),
	SECONDS(LIMIT_GIT_CHECKOUT_CPU_SECONDS, "processor time of such a command",
		"error, status 2"),
	GROUP("A machine, seen from the host"),
	TIME(LIMIT_MKE2FS_MS, "time for mke2fs to prepare the disk", "the run is broken"),
	TIME(LIMIT_HELPER_KILL_MS, "time for a killed program on the host to end",
		"ambient stops waiting"),
	BYTES(LIMIT_FRAME_PAYLOAD, "a frame from the guest", "the run is broken"),
	BYTES(LIMIT_CTL_PAYLOAD, "a frame to the guest", "the run is broken"),
	COUNT(LIMIT_RESULT_HOSTS, "hosts of one machine in `result.json`",
		"connections to further ones are counted"),
	COUNT(LIMIT_NOTES, "notes (warnings and debugging texts) of one guest",
		"further notes are dropped, with a warning"),
	COUNT(LIMIT_JSON_NUMBER, "a number from the guest in logs and results",
		"larger numbers are replaced by the limit"),
	BYTES(LIMIT_LOG_LINE, "a line of the run log", "the run is broken"),
	TIME(LIMIT_QUIET_MS, "time without a frame until the host checks whether its disk is full",
		"the run is broken if the disk is full"),
	TIME(LIMIT_SILENCE_MS, "time without a frame", "the run is broken"),
	TIME(LIMIT_STANDSTILL_MS, "time for which a machine hangs before its first frame",
		"the machine is restarted"),
	COUNT(LIMIT_STARTS, "starts of a machine that hangs or resets during boot",
		"the run is broken"),
	TIME(LIMIT_STOP_MS, "time from `stop`, or from an expired time limit, to `end`",
		"the run is broken"),
	TIME(LIMIT_ACK_MS, "time from `end` to power off", "the machine is killed"),
	TIME(LIMIT_EPILOG_MS, "time from the expired time limit of the run to its end",
		"the run is broken"),
	BYTES(LIMIT_DISK_FULL_BYTES,
		"free space on the host, minimum; with less, a failure of a guest is a "
		"failure of the host",
		"the run is broken"),
	GROUP("Artifacts unpacked on the host"),
	COUNT(LIMIT_TAR_ENTRIES, "entries", "`artifacts_refused`"),
	COUNT(LIMIT_TAR_DEPTH, "levels of directories", "`artifacts_refused`"),
	BYTES(LIMIT_TAR_PATH, "a path", "`artifacts_refused`"),
	BYTES(LIMIT_TAR_PAX_BYTES, "an extended header", "`artifacts_refused`"),
	BYTES(LIMIT_UNPACKED_LEAST,
		"blocks of 4096 bytes, plus 256 bytes for each name: "
		"`artifacts_max_size`, but at least this",
		"`artifacts_refused`"),
	GROUP("Archives imported by `deps import` (entries, levels and paths as above)"),
	BYTES(LIMIT_PACK_NAMES_BYTES, "names and link targets", "`deps_damaged`"),
	BYTES(LIMIT_ARCHIVE_MEMORY, "memory for ambient-archive", "error, status 3"),
	COUNT(LIMIT_ARCHIVE_FILES, "open files of the program", "error, status 3"),
	TIME(LIMIT_ARCHIVE_STALL_MS, "time without a byte read or written", "`deps_damaged`"),
	SECONDS(LIMIT_ARCHIVE_CPU_SECONDS,
		"processor time, plus a second for each MiB of the file and for each 16 "
		"MiB of `deps_max_size`",
		"`deps_damaged`"),
	GROUP("Disk space and packages"),
	COUNT(LIMIT_USAGE_RUNS, "runs whose sizes are remembered", "others are measured each time"),
	COUNT(LIMIT_UPDATES_IMAGES,
		"images of which it is remembered whether their packages are the newest",
		"the oldest are asked for again"),
	BYTES(LIMIT_APT_ANSWER, "what apt says of the packages of an image",
		"a warning of `doctor`"),
	GROUP("`ambient image import`"),
	BYTES(LIMIT_OCI_JSON, "an index, a manifest or a configuration of a container image",
		"error, status 2"),
	COUNT(LIMIT_OCI_INDEXES, "indexes within an index", "error, status 2"),
	COUNT(LIMIT_TARINDEX_HEADERS, "headers of an archive", "error, status 2"),
	BYTES(LIMIT_TARINDEX_NAMES_BYTES, "names of an archive's members", "error, status 2"),
	COUNT(LIMIT_DEFAULTS_VARIABLES, "environment variables of an image", "error, status 2"),
	BYTES(LIMIT_DEFAULTS_BYTES, "all of them together", "error, status 2"),
	BYTES(LIMIT_DEFAULTS_PATH, "its working directory", "left out, with a warning"),
	COUNT(REWRITE_LAYERS_MAX, "layers of an image", "error, status 2"),
	COUNT(REWRITE_OWNERS_MAX, "different users and groups of the files of an image",
		"error, status 2"),
	BYTES(LIMIT_IMAGE_BYTES, "the files of all layers, and a file of `ambient image export`",
		"error, status 2"),
	BYTES(LIMIT_IMAGEFILE_INFO, "`image.json` in such a file", "`image_damaged`"),
	TIME(LIMIT_SQUASH_STALL_MS, "time without a byte written by sqfstar", "error, status 3"),
	BYTES(LIMIT_SQUASH_MEMORY, "memory for sqfstar", "error, status 3"),
	BYTES(LIMIT_DISK_BYTES, "a disk with a boot loader", "error, status 2"),
	TIME(LIMIT_QEMU_IMG_MS, "time for qemu-img", "error, status 3"),
	BYTES(LIMIT_QEMU_IMG_MEMORY, "memory for qemu-img", "error, status 2"),
	GROUP("Host keys checked by `doctor`"),
	COUNT(LIMIT_HOSTKEY_AT_ONCE, "hosts asked at the same time", "further hosts wait"),
	TIME(LIMIT_HOSTKEY_MS, "time for all hosts asked at the same time", "a warning"),
	BYTES(LIMIT_HOSTKEY_MEMORY, "memory for ambient-hostkey", "a warning"),
	COUNT(LIMIT_HOSTKEY_FILES, "open files of the program", "a warning"),
	SECONDS(LIMIT_HOSTKEY_CPU_SECONDS, "processor time", "a warning"),
	GROUP("In the guest"),
	TIME(LIMIT_GRACE_MS,
		"time from SIGTERM to SIGKILL for an action that exceeded its time limit",
		"it is killed"),
	TIME(LIMIT_ALWAYS_MS, "time for all steps that run always, which pack the outputs",
		"the run is broken"),
	TIME(LIMIT_DRIVES_MS, "time until all drives are present", "the run is broken"),
	TIME(LIMIT_PORTS_MS, "time until the two ports are present", "the run is broken"),
	TIME(LIMIT_REAP_MS, "time for killed processes to end", "the run is broken"),
	BYTES(LIMIT_PROCESS_MEMORY,
		"free memory of the machine for each process or thread of an action",
		"no further process starts"),
	COUNT(LIMIT_PROCESSES_LEAST, "processes and threads of an action, minimum", ""),
	BYTES(LIMIT_GUEST_RESERVE, "memory reserved by the guest, maximum", ""),
	BYTES(LIMIT_DEVICE_LIST_BYTES, "a list of devices of the kernel", "the run is broken"),
	BYTES(LIMIT_ACCOUNTS_BYTES,
		"`/etc/passwd` and `/etc/group` of an image, if a `user` is set",
		"`action_failed`"),
	BYTES(LIMIT_HOSTS_BYTES, "`/etc/hosts` of a guest", "the run is broken"),
	GROUP("Network connections of machines"),
	COUNT(LIMIT_PROXY_CONNECTIONS, "simultaneous connections of one machine",
		"further ones wait"),
	BYTES(LIMIT_PROXY_BUFFER, "buffer of a connection, in each direction", "the sender waits"),
	BYTES(LIMIT_PROXY_HEAD, "an HTTP header section", "the request is rejected"),
	COUNT(LIMIT_PROXY_FIELDS, "fields of a header section", "the request is rejected"),
	COUNT(LIMIT_PROXY_LOOKUPS, "simultaneous name lookups", "further ones wait"),
	COUNT(LIMIT_PROXY_ADDRESSES, "addresses tried for one name",
		"further addresses are not tried"),
	TIME(LIMIT_PROXY_HEAD_MS, "time until the header section of a request is complete",
		"the request is rejected"),
	TIME(LIMIT_PROXY_LOOKUP_MS, "time for a name lookup", "the request fails"),
	TIME(LIMIT_PROXY_CONNECT_MS, "time for a connection, all addresses together",
		"the request fails"),
	TIME(LIMIT_PROXY_ATTEMPT_MS, "time for a connection to one address",
		"the next address is tried"),
	TIME(LIMIT_PROXY_IDLE_MS, "time without a byte in either direction",
		"the connection is closed"),
	TIME(LIMIT_PROXY_HALF_MS, "the same after one side has closed", "the connection is closed"),
	COUNT(LIMIT_PROXY_EVENTS, "logged connections of one machine",
		"further ones are only counted"),
	TIME(LIMIT_PROXY_STOP_MS, "time for the proxy to end", "it is killed"),
	TIME(LIMIT_CONNECT_MS, "time for a connection through the proxy, in the guest",
		"the request fails"),
	TIME(LIMIT_HTTP_PAUSE_MS,
		"pause before the second try of a transfer, doubled for each further try", ""),
	TIME(LIMIT_HTTP_CONNECT_MS, "time for a connection", "the transfer is retried"),
	TIME(LIMIT_HTTP_STALL_MS,
		"time without a byte of the file; at most half of the action's remaining "
		"time",
		"the transfer is retried"),
	TIME(LIMIT_HTTP_REPORT_MS, "interval of progress lines of a transfer", ""),
	BYTES(LIMIT_HTTP_HEADS, "header sections of one response, including interim responses",
		"the transfer fails"),
	BYTES(LIMIT_HTTP_UNWANTED, "body of a response that is not the file", "the transfer fails"),
	BYTES(LIMIT_HTTP_OVERHEAD, "data sent in addition to a file, such as chunk extensions",
		"the transfer fails"),
	COUNT(LIMIT_HTTP_OVERHEAD_FACTOR, "further such bytes for each byte of the file",
		"the transfer fails"),
	BYTES(LIMIT_GIT_OVERHEAD, "bytes that git receives in excess of twice the stored bytes",
		"the transfer fails"),
	BYTES(LIMIT_GIT_REF_LINE, "a line of a server's list of references",
		"the reference is not seen"),
	BYTES(LIMIT_GIT_LIST_MEMORY, "memory of git's transfer program", "the transfer fails"),
	TIME(LIMIT_GIT_WAIT_MS, "time in which git neither stores nor computes anything",
		"the transfer fails"),
	BYTES(LIMIT_LOCK_BYTES, "lock file of `npm_get` and `git_deps`", "the action fails"),
	COUNT(LIMIT_LOCK_VALUES, "values in it", "the action fails"),
	COUNT(LIMIT_LOCK_DEPTH, "levels of nesting in it", "the action fails"),
	COUNT(LIMIT_LOCK_PACKAGES, "packages in it", "the action fails"),
	BYTES(LIMIT_LOCK_PLACE, "the place of a package in it", "the action fails"),
	COUNT(LIMIT_GIT_NAMES, "repositories that the source names, for `git_deps`",
		"the action fails"),
	COUNT(LIMIT_GIT_COMMITS, "commits that it names, of one of them", "the action fails"),
	BYTES(LIMIT_GIT_PATH, "the path of one of them", "the action fails"),
	GROUP("Secrets and uploads"),
	BYTES(LIMIT_SECRET_BYTES, "a secret", "error, status 2"),
	COUNT(LIMIT_SECRETS, "secrets of a run", "error, status 2"),
	TIME(LIMIT_SECRET_COMMAND_MS, "time for a command that prints a secret", "error, status 2"),
	BYTES(LIMIT_CERTIFICATES_BYTES, "all `ca_certificates`", "error, status 2"),
	BYTES(LIMIT_SSH_FILE_BYTES, "a known_hosts file or a certificate", "error, status 2"),
	BYTES(LIMIT_SSH_KEY_BYTES, "a private key", "error, status 2"),
	BYTES(LIMIT_AGENT_MESSAGE, "a message to the agent", "the message is rejected"),
	COUNT(LIMIT_AGENT_CONNECTIONS, "simultaneous connections to the agent",
		"further ones wait"),
	TIME(LIMIT_AGENT_IDLE_MS, "time without a message to the agent",
		"the connection is closed"),
	COUNT(LIMIT_AGENT_SIGNATURES, "signatures of one machine", "further requests are rejected"),
	COUNT(LIMIT_AGENT_EVENTS, "logged signatures and rejections",
		"further ones are only counted"),
	TIME(LIMIT_AGENT_STOP_MS, "time for the agent to end", "it is killed"),
	BYTES(LIMIT_UPLOAD_WORK, "list of the files to upload, as JSON", "the action fails"),
	COUNT(LIMIT_UPLOAD_NAMES, "files and directories of an upload", "the action fails"),
	TIME(LIMIT_UPLOAD_STALL_MS,
		"time without progress of an upload by rsync; at most half of the action's "
		"remaining time",
		"the action fails"),
	BYTES(LIMIT_UPLOAD_PROGRESS, "bytes accepted by the server, minimum, to count as progress",
		""),
	COUNT(LIMIT_UPLOAD_PROGRESS_PART,
		"bytes that the server may send for each byte that it accepts, to count as "
		"progress",
		""),
	BYTES(LIMIT_UPLOAD_ANSWERS,
		"data sent by the server without progress; enough for the block sums of an older "
		"file of 400 GiB",
		"the action fails"),
	BYTES(LIMIT_SSH_COMMAND, "a command line of ssh", "the action fails"),
	BYTES(LIMIT_SFTP_ANSWER, "a response of an sftp server", "the action fails"),
	COUNT(LIMIT_SFTP_NAMES, "names in a directory of an sftp server", "the action fails"),
	COUNT(LIMIT_UPLOAD_PARTS, "partial files on a server", "further ones are not resumed"),
};

/* The documentation of a limit must be exact, so values are not rounded. */
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
				"%s### %s\n"
				"\n"
				"| item | limit | otherwise | name |\n"
				"| --- | --- | --- | --- |\n",
				i ? "\n" : "", r->what);
			continue;
		}
		buf_addf(b, "| %s | ", r->what);
		add_value(b, r);
		buf_addf(b, " | %s | `%s` |\n", r->reached, r->name);
	}
}
