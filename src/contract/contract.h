/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between host and guest: names, places, versions. Nothing here has code.
 *
 * A run's VM has virtual drives, found by their virtio serial, and two virtio-serial ports, found
 * by their name. The guest says `hello` on the log port, the host answers `go` on the control port
 * with the drives that must be there, the guest runs the steps of plan.json, reports in frames
 * (frame.h, message.h), says `end`, and powers off when the host has acknowledged that.
 *
 * Whoever changes the meaning of anything here raises CONTRACT_VERSION.
 */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

#define CONTRACT_VERSION 3

/* Virtio serials: at most 20 bytes (Virtual I/O Device 1.1, 5.2.6). */
#define DRIVE_EXEC "ambient-exec"
#define DRIVE_ROOT "ambient-root"
#define DRIVE_SCRATCH "ambient-scratch"
#define DRIVE_SRC "ambient-src"
#define DRIVE_DEPS "ambient-deps"
#define DRIVE_DEPS_OUT "ambient-deps-out"
#define DRIVE_CACHE "ambient-cache"
#define DRIVE_CACHE_OUT "ambient-cache-out"
#define DRIVE_ARTIFACTS "ambient-artifacts"
#define DRIVE_SECRETS "ambient-secrets"

enum { DRIVE_SERIAL_MAX = 20, DRIVES_MAX = 12 };

/* The length of an empty archive, all zeros: what an output has room for at least. */
#define DRIVE_EMPTY_BYTES 1024
/* An input that does not exist yet is announced with this length, and the machine has no such
 * drive: each one costs an emulated guest's start some milliseconds. It counts as an empty archive.
 */
#define DRIVE_ABSENT_BYTES 0

#define PORT_LOG "ambient.log"
#define PORT_CTL "ambient.ctl"

/* The two steps that the host itself asks for, around the actions: args `archive` (serial),
 * `directory`. */
#define STEP_UNPACK "tar_extract"
#define STEP_PACK "tar_create"

/* Members of the archive on DRIVE_EXEC; the first is also the init of the initramfs. */
#define EXECUTOR_NAME "ambient-execute-plan"
#define PLAN_NAME "plan.json"

/*
 * In the file of the executor stand EXECUTOR_NAME, this text, CONTRACT_VERSION in decimal and a
 * newline. The host looks for it before it starts a machine, and contains it nowhere itself.
 */
#define EXECUTOR_MARK ": contract "

/*
 * In a trusted machine only: the program that speaks to networks, and certificates beside those of
 * the image. The executor copies all members below TOOLS_NAME to GUEST_TOOLS.
 */
#define TOOLS_NAME "tools"
#define TOOL_NET "ambient-net"
#define TOOL_CERTIFICATES "certificates.pem"

/* Directories of the guest. */
#define GUEST_CI "/ci"
#define GUEST_OLD                                                                                  \
	"/workspace" /* what earlier versions of Ambient CI had in the place of GUEST_CI */
#define GUEST_SRC "/ci/src"
#define GUEST_DEPS "/ci/deps"
#define GUEST_CACHE "/ci/cache"
#define GUEST_ARTIFACTS "/ci/artifacts"
#define GUEST_SECRETS "/ci/secrets"
/* Of each action that is a script: NUMBER/ACTION, counted from 1, while it runs. */
#define GUEST_ACTIONS "/ci/actions"
#define GUEST_TOOLS "/run/ambient"
#define GUEST_NET_TOOL GUEST_TOOLS "/" TOOLS_NAME "/" TOOL_NET
#define GUEST_NET_ERROR GUEST_TOOLS "/error"
#define GUEST_SSH_CONFIG GUEST_SECRETS "/.ssh/config" /* for ssh -F, where there are keys */
#define GUEST_EXECUTOR "/run/ambient/" EXECUTOR_NAME  /* the executor, for other programs */
#define GUEST_HOME "/root"
#define GUEST_TMP "/tmp"
#define GUEST_PATH "/root/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * In a guest with a network the host's proxy is the one thing that answers (docs/egress.md).
 * Actions know it as GUEST_PROXY_URL; executor/net/forward.h takes it from there to where it is.
 */
#define NET_PROXY_ADDRESS "10.0.2.2"
#define GUEST_PROXY_ADDRESS "127.0.0.1"
#define PROXY_PORT 3128
#define GUEST_PROXY_URL "http://127.0.0.1:3128"
/*
 * Set for TOOL_NET alone: a URL by which it gets to the proxy without the forwarder, whose copying
 * takes longer than many transfers where the machine is emulated. What stands in it is the
 * executor's to say; without it the proxy is at GUEST_PROXY_URL.
 */
#define GUEST_NEAR_PROXY "AMBIENT_PROXY"
/*
 * Beside it, where the configuration says so, the host's ssh agent (agent/sshagent.h). Programs
 * that an action starts with `agent` find it as the socket GUEST_AGENT_SOCKET.
 */
#define AGENT_PORT 3129
#define GUEST_AGENT_SOCKET GUEST_TOOLS "/ssh-agent"
/*
 * For TOOL_NET too: how many bytes the archive of the dependencies may have, where the machine has
 * such an output, and how many milliseconds the action has left.
 */
#define GUEST_DEPS_MAX "AMBIENT_DEPS_MAX"
#define GUEST_TIME_LEFT "AMBIENT_TIME_LEFT"

/*
 * The initramfs of an image holds kernel modules in load order, in two stages: a template of a
 * running VM can be frozen between them, when it has not yet opened a drive.
 */
#define MODULES_CHANNELS "/modules/1-channels"
#define MODULES_PCI "/modules/1-pci" /* where the machine has devices on a PCI bus */
#define MODULES_DRIVES "/modules/2-drives"
/* A third, loaded only when `go` says that there is a network. */
#define MODULES_NETWORK "/modules/3-network"

#endif
