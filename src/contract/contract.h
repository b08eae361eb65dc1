/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between host and guest: names, paths, versions. There is no code here.
 *
 * The VM of a run has virtual drives, identified by their virtio serials, and two virtio-serial
 * ports, identified by their names. The guest sends `hello` on the log port. The host answers `go`
 * on the control port, with the list of drives that must be present. The guest runs the steps of
 * plan.json and reports in frames (frame.h, message.h). It sends `end`, and powers off after the
 * host has acknowledged it.
 *
 * A change of the meaning of anything here must increase CONTRACT_VERSION.
 */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

#define CONTRACT_VERSION 5

/* Virtio serials: at most 20 bytes (Virtual I/O Device 1.1, 5.2.6). */
#define DRIVE_EXEC "ambient-exec"
#define DRIVE_ROOT "ambient-root"
#define DRIVE_MODULES "ambient-modules"
#define DRIVE_SCRATCH "ambient-scratch"
#define DRIVE_SRC "ambient-src"
/* Dependencies from a trusted machine, and those from one that ran programs of others. */
#define DRIVE_DEPS "ambient-deps"
#define DRIVE_DEPS_OUT "ambient-deps-out"
#define DRIVE_FETCHED "ambient-fetched"
#define DRIVE_FETCHED_OUT "ambient-fetched-out"
/* The mirror of the repository that is the source, if that is on a server. */
#define DRIVE_MIRROR "ambient-mirror"
#define DRIVE_MIRROR_OUT "ambient-mirror-out"
#define DRIVE_CACHE "ambient-cache"
#define DRIVE_CACHE_OUT "ambient-cache-out"
#define DRIVE_ARTIFACTS "ambient-artifacts"
#define DRIVE_SECRETS "ambient-secrets"

enum { DRIVE_SERIAL_MAX = 20, DRIVES_MAX = 12 };

/* The length of an empty archive, all zeros: the minimum size of an output. */
#define DRIVE_EMPTY_BYTES 1024
/*
 * The length announced for an input that does not exist yet. The machine has no such drive, because
 * each drive adds some milliseconds to the boot of an emulated guest. It counts as an empty
 * archive.
 */
#define DRIVE_ABSENT_BYTES 0

#define PORT_LOG "ambient.log"
#define PORT_CTL "ambient.ctl"

/*
 * The two steps that the host adds before and after the user's actions: args `archive` (serial),
 * `directory`, and `names`, a file: the first writes to it which names the directory has then, the
 * second leaves these names out.
 */
#define STEP_UNPACK "tar_extract"
#define STEP_PACK "tar_create"

/* Members of the archive on DRIVE_EXEC. The first one is also the init of the initramfs. */
#define EXECUTOR_NAME "ambient-execute-plan"
#define PLAN_NAME "plan.json"
/* The name of the executor for images of the existing Ambient, which start it themselves. */
#define EXECUTOR_OLD_NAME "run-ci"

/*
 * In the file of the executor stand EXECUTOR_NAME, this text, CONTRACT_VERSION in decimal and a
 * newline. The host looks for it before it starts a machine, and contains it nowhere itself.
 */
#define EXECUTOR_MARK ": contract "

/*
 * In a machine with a network only: the program that speaks to networks (in a trusted one), and
 * certificates beside those of the image. The executor copies all members below TOOLS_NAME to GUEST_TOOLS.
 */
#define TOOLS_NAME "tools"
#define TOOL_NET "ambient-net"
#define TOOL_CERTIFICATES "certificates.pem"

/* Directories and files of the guest. */
#define GUEST_CI "/ci"
/* The directory of earlier versions of Ambient CI that corresponds to GUEST_CI. */
#define GUEST_OLD "/workspace"
#define GUEST_SRC "/ci/src"
#define GUEST_DEPS "/ci/deps"
#define DEPS_HTTP "http" /* below GUEST_DEPS: files from web servers */
#define GUEST_DEPS_HTTP GUEST_DEPS "/" DEPS_HTTP
/* Below GUEST_DEPS: mirrors of private repositories, and git's settings that lead to them. */
#define GIT_DEPS "git-mirrors"
#define GIT_DEPS_CONFIG "config"
#define GUEST_MIRROR "/ci/mirror"
#define GUEST_CACHE "/ci/cache"
#define GUEST_ARTIFACTS "/ci/artifacts"
#define GUEST_SECRETS "/ci/secrets"
/* One directory for each running action that is a script: NUMBER/ACTION, counted from 1. */
#define GUEST_ACTIONS "/ci/actions"
#define GUEST_TOOLS "/run/ambient"
/* Those of the image and those of TOOL_CERTIFICATES, which many clients want in one file. */
#define GUEST_CERTIFICATES GUEST_TOOLS "/all-certificates.pem"
#define GUEST_NET_TOOL GUEST_TOOLS "/" TOOLS_NAME "/" TOOL_NET
/* Of TOOL_NET, and of EXECUTOR_NAME as ssh's ProxyCommand: why the program failed. */
#define GUEST_NET_ERROR GUEST_TOOLS "/error"
#define GUEST_TRUSTED_NAMES GUEST_TOOLS "/trusted-names" /* of GUEST_DEPS, where others are added */
#define GUEST_SSH_CONFIG GUEST_SECRETS "/.ssh/config"    /* for ssh -F, if there are keys */
#define GUEST_EXECUTOR "/run/ambient/" EXECUTOR_NAME /* the executor, for use by other programs */
#define GUEST_HOME "/root"
/* The variable that has the working directory of a container image. */
#define GUEST_IMAGE_DIRECTORY "CONTAINER_WORKDIR"
#define GUEST_TMP "/tmp"
#define GUEST_CARGO_BIN "/root/.cargo/bin"
#define GUEST_PATH GUEST_CARGO_BIN ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * In a guest with a network, only the host's proxy can be reached (docs/egress.md). Actions use
 * GUEST_PROXY_URL; executor/net/forward.h forwards it to the proxy.
 */
#define NET_PROXY_ADDRESS "10.0.2.2"
#define GUEST_PROXY_ADDRESS "127.0.0.1"
#define PROXY_PORT 3128
#define GUEST_PROXY_URL "http://127.0.0.1:3128"
/*
 * Set only for TOOL_NET: a URL of the proxy that bypasses the forwarder, whose copying takes longer
 * than many transfers on an emulated machine. The executor chooses the value. If it is not set, the
 * proxy is at GUEST_PROXY_URL.
 */
#define GUEST_NEAR_PROXY "AMBIENT_PROXY"
/*
 * If the configuration enables it, the host's ssh agent (agent/sshagent.h) listens at the address
 * of the proxy. Programs that an action starts with `agent` reach it by the socket
 * GUEST_AGENT_SOCKET.
 */
#define AGENT_PORT 3129
#define GUEST_AGENT_SOCKET GUEST_TOOLS "/ssh-agent"
/*
 * Also for TOOL_NET: the maximum size of the archive of what it fetches in bytes, if the machine has
 * such an output, and the remaining time of the action in milliseconds.
 */
#define GUEST_OUTPUT_MAX "AMBIENT_OUTPUT_MAX"
#define GUEST_TIME_LEFT "AMBIENT_TIME_LEFT"

/*
 * The initramfs of an image contains kernel modules in load order, in two stages. A template of a
 * running VM can be frozen between the stages, before it has opened a drive.
 */
#define MODULES_CHANNELS "/modules/1-channels"
#define MODULES_PCI "/modules/1-pci" /* if the machine has devices on a PCI bus */
#define MODULES_DRIVES "/modules/2-drives"
/* A third stage, loaded only when `go` says that there is a network. */
#define MODULES_NETWORK "/modules/3-network"

#endif
