/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the program, in one place. A limit is a refusal with a message, never a silent
 * cut. What an operator can set has its default here too.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stdint.h>

#define KIB ((uint64_t)1024)
#define MIB ((uint64_t)1024 * KIB)
#define GIB ((uint64_t)1024 * MIB)
#define TIB ((uint64_t)1024 * GIB)

/* Files that people write: configuration, projects, plans, image.yaml. */
#define LIMIT_YAML_BYTES (1 * MIB)
#define LIMIT_NODE_DEPTH 64
#define LIMIT_NODE_COUNT 100000
#define LIMIT_NODE_BYTES (8 * MIB)
#define LIMIT_YAML_ANCHORS 1000
#define LIMIT_PLAN_BYTES (4 * MIB)
#define LIMIT_PLAN_STEPS 1000
/* Of the action `shell`. JSON makes up to six bytes of one: it fits LIMIT_PLAN_BYTES. */
#define LIMIT_SNIPPET_BYTES (512 * KIB)
/*
 * Linux starts no program with an argument, or a NAME=value, of 128 KiB (MAX_ARG_STRLEN, with its
 * NUL), nor with more than 2 MiB of both together, pointers included. Half of it is for what an
 * action's programs add.
 */
#define LIMIT_ARG_BYTES (128 * KIB - 1)
#define LIMIT_EXEC_BYTES (1 * MIB)
#define LIMIT_VARIABLES 4096 /* of an environment; a shell takes minutes for very many */
/* A line of the run log: what its writer makes and its readers take. */
#define LIMIT_LOG_LINE LIMIT_NODE_BYTES

/* Names that become file names, QEMU arguments or log fields. */
#define LIMIT_NAME_BYTES 200

/* Frames between guest and host. */
#define LIMIT_FRAME_PAYLOAD (64 * KIB)
#define LIMIT_CTL_PAYLOAD (64 * KIB)
/* Warnings and the like of one VM: what is more is dropped, and that is said. */
#define LIMIT_NOTES 1000

/* Numbers of a guest that go into logs and results: 2^53-1, which every reader of JSON can hold. */
#define LIMIT_JSON_NUMBER ((uint64_t)9007199254740991)

/* Tar archives that a guest wrote, when they are unpacked on the host. */
#define LIMIT_TAR_ENTRIES 1000000
#define LIMIT_TAR_DEPTH 128
#define LIMIT_TAR_PATH 4096
/* Blocks and inodes: as many bytes as artifacts_max_size, but not less than this. */
#define LIMIT_UNPACKED_LEAST (1 * MIB)
#define LIMIT_TAR_PAX_BYTES (64 * KIB)

/* Extended attributes of one entry: how many, and the bytes of their names and values together. */
#define LIMIT_TAR_XATTRS 64
#define LIMIT_TAR_XATTR_BYTES (16 * KIB)
/* Holes of one file that its header lists; smaller ones are zeros to be read. */
#define LIMIT_TAR_HOLES 200

/* Trees that are packed, and archives that only the guest unpacks. */
#define LIMIT_TAR_LONG_PATH (16 * KIB)
/* Names of a directory and of those above it, at once; files with more than one link. */
#define LIMIT_PACK_NAMES_BYTES (128 * MIB)
#define LIMIT_PACK_LINKS 1000000
/* Files of a project whose digests are remembered; others are read again. */
#define LIMIT_FILEMEMORY_ENTRIES 500000

/* What an operator can ask for: what is outside is a typing error, not a wish. */
#define LIMIT_CPUS 255
/* Measured with Debian's kernel 6.1: 72 MiB panic, 80 MiB leave no room for an action, 96 MiB do;
 * 128 MiB are enough with 32 processors and on each machine. */
#define LIMIT_MEMORY_LEAST (128 * MIB)
#define LIMIT_MEMORY_MOST (16 * TIB)
#define LIMIT_DRIVE_MOST (8 * TIB) /* every file system of a host can hold such a file */
#define LIMIT_DRIVE_LEAST 1024     /* the smallest tar archive: two blocks of zeros */
#define LIMIT_SCRATCH_LEAST (16 * MIB)
#define LIMIT_KEEP_RUNS 1000000
#define LIMIT_KEEP_DAYS 36500

/*
 * Programs of the host that are trusted and asked (os/proc.h): git for the operator's settings,
 * QEMU for its version; mke2fs, which writes. Killed ones are waited for so long, then left.
 */
#define LIMIT_HELPER_MS (60 * 1000LL)
#define LIMIT_MKE2FS_MS (10 * 60 * 1000LL)
#define LIMIT_HELPER_KILL_MS (2 * 1000LL)

/* git, when it looks at a source tree. What it does not manage with these is "unknown". */
#define LIMIT_GIT_MS (30 * 1000LL)
/* From here on nothing more is asked. */
#define LIMIT_GIT_ALL_MS (60 * 1000LL)
#define LIMIT_GIT_SUBMODULES 100 /* checked out; of one tree, those of submodules included */
#define LIMIT_GIT_CPU_SECONDS 60
/* The operator's settings and ignore file, a tree's configuration; .git files and alternates. */
#define LIMIT_GIT_CONFIG (1 * MIB)
#define LIMIT_GIT_EXCLUDES (1 * MIB)
#define LIMIT_GIT_NESTED (64 * MIB) /* configurations of repositories in directories */
#define LIMIT_GIT_POINTER (16 * KIB)
#define LIMIT_GIT_GRAFTS 1000        /* entries of a .git that is put together */
#define LIMIT_GIT_FILTERS (16 * KIB) /* names of settings of filters */
#define LIMIT_GIT_CHANGES (64 * KIB) /* paths whose attributes are asked for at once */
#define LIMIT_GIT_MEMORY (4 * GIB)
#define LIMIT_GIT_FILES 1024 /* open at a time */
/* The commit and the first changes: more is only more. Names of about half a million files. */
#define LIMIT_GIT_STATUS_BYTES (64 * KIB)
#define LIMIT_GIT_INDEX_BYTES (64 * MIB)

/* The egress proxy of a VM. Heads are of HTTP messages; each connection has a buffer each way. */
#define LIMIT_EGRESS_HOSTS 1000
#define LIMIT_PROXY_CONNECTIONS 256 /* more of them wait in the socket's queue */
#define LIMIT_PROXY_BUFFER (16 * KIB)
#define LIMIT_PROXY_HEAD (15 * KIB)
#define LIMIT_PROXY_FIELDS 100
#define LIMIT_PROXY_LOOKUPS 8             /* at a time; more of them wait */
#define LIMIT_PROXY_ADDRESSES 16          /* of one name; more are not tried */
#define LIMIT_PROXY_HEAD_MS (30 * 1000LL) /* until the request's head is there */
#define LIMIT_PROXY_LOOKUP_MS (20 * 1000LL)
#define LIMIT_PROXY_CONNECT_MS (30 * 1000LL)  /* all addresses together */
#define LIMIT_PROXY_ATTEMPT_MS (10 * 1000LL)  /* one address */
#define LIMIT_PROXY_IDLE_MS (5 * 60 * 1000LL) /* without a byte in either direction */
#define LIMIT_PROXY_HALF_MS (60 * 1000LL)     /* the same when one side has ended */
#define LIMIT_PROXY_EVENTS 10000 /* attempts of one VM that are logged; more are counted */
#define LIMIT_PROXY_STOP_MS (10 * 1000LL)
/* In the guest: longer than the proxy needs for a lookup and a connection. */
#define LIMIT_CONNECT_MS (90 * 1000LL)

/* shellcheck, when it looks at the scripts of a plan; what does not fit is told as that. */
#define LIMIT_SHELLCHECK_MS (20 * 1000LL)
#define LIMIT_SHELLCHECK_CPU_SECONDS 20
#define LIMIT_SHELLCHECK_MEMORY (1 * GIB)
#define LIMIT_SHELLCHECK_FILES 64
#define LIMIT_SHELLCHECK_BYTES (4 * MIB)
/* Warnings about one plan that are shown; then it is said how many more there are. */
#define LIMIT_LINT_WARNINGS 50

/* Transfers in trusted VMs. */
#define LIMIT_HTTP_PAUSE_MS 1000            /* before the second try; it doubles with each */
#define LIMIT_HTTP_CONNECT_MS (60 * 1000LL) /* the proxy has its own, shorter limits */
#define LIMIT_HTTP_STALL_MS (60 * 1000LL)   /* without a byte of the file */
#define LIMIT_HTTP_REPORT_MS 2000
#define LIMIT_HTTP_HEADS (256 * KIB)   /* of one answer, interim ones included */
#define LIMIT_HTTP_UNWANTED (64 * KIB) /* the body of an answer that is not the file */
/* Of the body of an answer: what is sent around the file, and the smallest chunks for each byte. */
#define LIMIT_HTTP_OVERHEAD (1 * MIB)
#define LIMIT_HTTP_OVERHEAD_FACTOR 8

/*
 * git over a network: what it may receive beyond twice what it stores, the memory of its transfer
 * program, which holds the list of references, and how long nothing may be stored or worked on.
 */
#define LIMIT_GIT_OVERHEAD (64 * MIB)
#define LIMIT_GIT_LIST_MEMORY (256 * MIB)
#define LIMIT_GIT_WAIT_MS (10 * 60 * 1000LL)

/* Secrets: each of them, all of a run, and the command that says one. */
#define LIMIT_SECRET_BYTES (64 * KIB)
#define LIMIT_SECRETS 64
#define LIMIT_SECRET_COMMAND_MS (60 * 1000LL)
/* Uploads: what is to be uploaded, as JSON; how ssh is started; partial files of a server. */
#define LIMIT_UPLOAD_WORK LIMIT_NODE_BYTES
#define LIMIT_UPLOAD_NAMES (LIMIT_NODE_COUNT / 2)
#define LIMIT_SSH_COMMAND (32 * KIB)
#define LIMIT_SFTP_ANSWER (256 * KIB) /* as in OpenSSH */
#define LIMIT_SFTP_NAMES 100000
#define LIMIT_UPLOAD_PARTS 10000 /* what is more is not continued, and not removed */
/* Known hosts and certificates of ssh. */
#define LIMIT_SSH_FILE_BYTES (256 * KIB)
/* The agent of a VM, which signs with keys that stay on the host. */
#define LIMIT_SSH_KEY_BYTES (32 * KIB) /* a private key as text */
#define LIMIT_AGENT_MESSAGE (16 * KIB)
#define LIMIT_AGENT_CONNECTIONS 16 /* more of them wait in the socket's queue */
#define LIMIT_AGENT_IDLE_MS (5 * 60 * 1000LL)
#define LIMIT_AGENT_SIGNATURES 1000 /* of one VM; what is more is refused */
#define LIMIT_AGENT_EVENTS 2000     /* signatures and refusals that are logged; more are counted */
#define LIMIT_AGENT_STOP_MS (10 * 1000LL)

/* An archive that somebody else made, while ambient-archive reads it. */
#define LIMIT_ARCHIVE_MEMORY (1 * GIB)
#define LIMIT_ARCHIVE_FILES 16
#define LIMIT_ARCHIVE_STALL_MS (2 * 60 * 1000LL) /* without a byte that is read or written */
/* And a second for each MiB of it, and for each 16 MiB that it may become. */
#define LIMIT_ARCHIVE_CPU_SECONDS 60

/* ssh servers that doctor asks for their keys: together, and each ambient-hostkey. */
#define LIMIT_HOSTKEY_AT_ONCE 16
#define LIMIT_HOSTKEY_MS (5 * 1000LL)
#define LIMIT_HOSTKEY_MEMORY (256 * MIB)
#define LIMIT_HOSTKEY_FILES 16
#define LIMIT_HOSTKEY_CPU_SECONDS 5

/* With less space than this left on the host a guest that fails is not to blame. */
#define LIMIT_DISK_FULL_BYTES (1 * MIB)

/* What a run needs at least of what limits the process itself (os/inherit.h). */
#define LIMIT_NEED_FILES 128
#define LIMIT_NEED_STACK (1 * MIB)
#define LIMIT_NEED_MEMORY (1536 * MIB) /* emulation alone takes 1 GiB of address space */
#define LIMIT_NEED_PROCESSES 16
#define LIMIT_NEED_CPU_SECONDS 60

/* Defaults that the operator can change. */
#define DEFAULT_CPUS 1
#define DEFAULT_MEMORY (1 * GIB)
#define DEFAULT_SCRATCH_BYTES (20 * GIB)
#define DEFAULT_ARTIFACTS_MAX (1 * GIB)
#define DEFAULT_CACHE_MAX (10 * GIB)
#define DEFAULT_DEPS_MAX (10 * GIB)
#define DEFAULT_LOG_MAX (256 * MIB)
#define DEFAULT_CONSOLE_MAX (16 * MIB)
#define DEFAULT_RUN_TIMEOUT_MS (2 * 60 * 60 * 1000LL)
#define DEFAULT_ACTION_TIMEOUT_MS (60 * 60 * 1000LL)
#define DEFAULT_BOOT_TIMEOUT_MS (120 * 1000LL)

/* How long the host waits for the guest to react. */
#define LIMIT_STOP_MS (30 * 1000LL)    /* from `stop`, or from the end of a time limit, to `end` */
#define LIMIT_ACK_MS (10 * 1000LL)     /* from `end` to the guest powering off */
#define LIMIT_SILENCE_MS (60 * 1000LL) /* without a frame */
/* Without a frame, until the host looks whether its disk is full, which stops a machine. */
#define LIMIT_QUIET_MS (12 * 1000LL)
/* Before hello: a machine that uses less than a hundredth of a processor stands still. */
#define LIMIT_STANDSTILL_MS (15 * 1000LL)
#define LIMIT_STARTS 3 /* of a machine that hangs or resets before its hello */
#define HEARTBEAT_MS 5000
/* From the end of the run's time limit: for the guest to pack outputs (LIMIT_ALWAYS_MS) and to end.
 */
#define LIMIT_EPILOG_MS (16 * 60 * 1000LL)

/* In the guest. */
#define LIMIT_GRACE_MS 2000                /* from SIGTERM to SIGKILL when a step is out of time */
#define LIMIT_ALWAYS_MS (15 * 60 * 1000LL) /* for all steps together that run always */
#define LIMIT_DRIVES_MS (20 * 1000LL)      /* until every drive of `go` is there */
#define LIMIT_DEVICE_LIST_BYTES (64 * KIB) /* of an image: device nodes that stand for modules */
#define LIMIT_HOSTS_BYTES (64 * KIB)       /* of /etc/hosts */
#define LIMIT_PORTS_MS (10 * 1000LL)       /* until the two ports are there */
#define LIMIT_REAP_MS (10 * 1000LL)        /* in which no killed process ended: it cannot */

/* Of its available memory a guest keeps a sixteenth from its job, but not more than this. */
#define LIMIT_GUEST_RESERVE (128 * MIB)

/* One process or thread for so much of a job's memory, and at least so many. */
#define LIMIT_PROCESS_MEMORY (256 * KIB)
#define LIMIT_PROCESSES_LEAST 256

#endif
