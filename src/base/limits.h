/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the program, in one place. Input beyond a limit is rejected with a message and
 * never silently truncated. The defaults of configurable limits are here, too.
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
/*
 * For the action `shell`. JSON encodes a byte in up to six bytes, so a snippet fits
 * LIMIT_PLAN_BYTES.
 */
#define LIMIT_SNIPPET_BYTES (512 * KIB)
/*
 * Linux does not start a program with an argument or a NAME=value of 128 KiB (MAX_ARG_STRLEN, which
 * includes the NUL), nor with more than 2 MiB of arguments and variables together, pointers
 * included. The program uses half of that, so that programs started by an action can add their own.
 */
#define LIMIT_ARG_BYTES (128 * KIB - 1)
#define LIMIT_EXEC_BYTES (1 * MIB)
#define LIMIT_VARIABLES 4096 /* in an environment; a shell takes minutes for very many */
/* A line of the run log, for writer and readers. */
#define LIMIT_LOG_LINE LIMIT_NODE_BYTES

/* Names that become file names, QEMU arguments or log fields. */
#define LIMIT_NAME_BYTES 200

/* Frames between guest and host. */
#define LIMIT_FRAME_PAYLOAD (64 * KIB)
#define LIMIT_CTL_PAYLOAD (64 * KIB)
/* Warnings and other notes of one VM. The surplus is dropped, and a message says so. */
#define LIMIT_NOTES 1000

/* Numbers of a guest in logs and results: 2^53-1, which every JSON reader can represent. */
#define LIMIT_JSON_NUMBER ((uint64_t)9007199254740991)

/* Tar archives written by a guest, when the host unpacks them. */
#define LIMIT_TAR_ENTRIES 1000000
#define LIMIT_TAR_DEPTH 128
#define LIMIT_TAR_PATH 4096
/*
 * The least limit of the disk space that an unpacked archive uses: blocks and inodes. The limit is
 * artifacts_max_size, or this if artifacts_max_size is smaller.
 */
#define LIMIT_UNPACKED_LEAST (1 * MIB)
#define LIMIT_TAR_PAX_BYTES (64 * KIB)

/* Extended attributes of one entry: their number, and the size of all names and values together. */
#define LIMIT_TAR_XATTRS 64
#define LIMIT_TAR_XATTR_BYTES (16 * KIB)
/* Holes of one file that are listed in its header. Further holes are read as zeros. */
#define LIMIT_TAR_HOLES 200

/* Trees that are packed, and archives that are only unpacked in a guest. */
#define LIMIT_TAR_LONG_PATH (16 * KIB)
/*
 * Memory for the names in a directory and in all directories above it; the number of files with
 * more than one link.
 */
#define LIMIT_PACK_NAMES_BYTES (128 * MIB)
#define LIMIT_PACK_LINKS 1000000
/* Files of a project whose digests are remembered. Other files are read again. */
#define LIMIT_FILEMEMORY_ENTRIES 500000

/* Values of the configuration and of options. A value out of range is taken for a typing error. */
#define LIMIT_CPUS 255
/* Measured with Debian's kernel 6.1: 72 MiB panic, 80 MiB leave no room for an action, 96 MiB do;
 * 128 MiB are enough with 32 processors and on each machine. */
#define LIMIT_MEMORY_LEAST (128 * MIB)
#define LIMIT_MEMORY_MOST (16 * TIB)
#define LIMIT_DRIVE_MOST (8 * TIB) /* every file system of a host supports a file of this size */
#define LIMIT_DRIVE_LEAST 1024     /* the smallest tar archive: two blocks of zeros */
#define LIMIT_SCRATCH_LEAST (16 * MIB)
#define LIMIT_KEEP_RUNS 1000000
#define LIMIT_KEEP_DAYS 36500

/*
 * Trusted programs on the host (os/proc.h): git for the operator's settings and QEMU for its
 * version (LIMIT_HELPER_MS); mke2fs, which writes a file system. LIMIT_HELPER_KILL_MS is how long a
 * killed program is waited for; after that it is abandoned.
 */
#define LIMIT_HELPER_MS (60 * 1000LL)
#define LIMIT_MKE2FS_MS (10 * 60 * 1000LL)
#define LIMIT_HELPER_KILL_MS (2 * 1000LL)

/* git on a source tree. A question that git does not answer within these limits is "unknown". */
#define LIMIT_GIT_MS (30 * 1000LL)
/* After this time, git is not asked any further question. */
#define LIMIT_GIT_ALL_MS (60 * 1000LL)
#define LIMIT_GIT_SUBMODULES 100 /* that are checked out, in one tree, nested submodules included */
#define LIMIT_GIT_CPU_SECONDS 60
/*
 * LIMIT_GIT_CONFIG: the operator's settings, and the configuration of a tree. LIMIT_GIT_EXCLUDES:
 * the operator's ignore file and attributes files. LIMIT_GIT_POINTER: `.git` files and lists of
 * alternates.
 */
#define LIMIT_GIT_CONFIG (1 * MIB)
#define LIMIT_GIT_EXCLUDES (1 * MIB)
#define LIMIT_GIT_NESTED (64 * MIB) /* configurations of repositories in directories */
#define LIMIT_GIT_POINTER (16 * KIB)
#define LIMIT_GIT_GRAFTS 1000        /* entries of a composed .git (compose.h) */
#define LIMIT_GIT_FILTERS (16 * KIB) /* names of the settings of filters */
#define LIMIT_GIT_CHANGES (64 * KIB) /* paths in one question about attributes */
#define LIMIT_GIT_MEMORY (4 * GIB)
#define LIMIT_GIT_FILES 1024 /* open at the same time */
/*
 * The output of `git status`: it contains the commit and the first changes, and further changes do
 * not alter the answer. The output of `git ls-files`: names of about half a million files.
 */
#define LIMIT_GIT_STATUS_BYTES (64 * KIB)
#define LIMIT_GIT_INDEX_BYTES (64 * MIB)

/*
 * The egress proxy of a VM. A head is that of an HTTP message. Each connection has one buffer per
 * direction.
 */
#define LIMIT_EGRESS_HOSTS 1000
#define LIMIT_PROXY_CONNECTIONS 256 /* further ones wait in the socket's queue */
#define LIMIT_PROXY_BUFFER (16 * KIB)
#define LIMIT_PROXY_HEAD (15 * KIB)
#define LIMIT_PROXY_FIELDS 100
#define LIMIT_PROXY_LOOKUPS 8             /* at the same time; further ones wait */
#define LIMIT_PROXY_ADDRESSES 16          /* of one name; further ones are not tried */
#define LIMIT_PROXY_HEAD_MS (30 * 1000LL) /* until the head of the request is complete */
#define LIMIT_PROXY_LOOKUP_MS (20 * 1000LL)
#define LIMIT_PROXY_CONNECT_MS (30 * 1000LL)  /* for all addresses together */
#define LIMIT_PROXY_ATTEMPT_MS (10 * 1000LL)  /* for one address */
#define LIMIT_PROXY_IDLE_MS (5 * 60 * 1000LL) /* without a byte in either direction */
#define LIMIT_PROXY_HALF_MS (60 * 1000LL)     /* the same after one side has closed */
#define LIMIT_PROXY_EVENTS 10000 /* logged attempts of one VM; further ones are counted */
#define LIMIT_PROXY_STOP_MS (10 * 1000LL)
/* In the guest. Longer than the time that the proxy has for a lookup and a connection. */
#define LIMIT_CONNECT_MS (90 * 1000LL)

/*
 * shellcheck on the scripts of a plan. If the scripts or the answer exceed a limit, a warning says
 * so.
 */
#define LIMIT_SHELLCHECK_MS (20 * 1000LL)
#define LIMIT_SHELLCHECK_CPU_SECONDS 20
#define LIMIT_SHELLCHECK_MEMORY (1 * GIB)
#define LIMIT_SHELLCHECK_FILES 64
#define LIMIT_SHELLCHECK_BYTES (4 * MIB)
/* Warnings shown about one plan. Further ones are counted, and the number is shown. */
#define LIMIT_LINT_WARNINGS 50

/* Transfers in trusted VMs. */
#define LIMIT_HTTP_PAUSE_MS 1000            /* before the second attempt; doubled each time */
#define LIMIT_HTTP_CONNECT_MS (60 * 1000LL) /* the proxy has its own, shorter limits */
#define LIMIT_HTTP_STALL_MS (60 * 1000LL)   /* without receiving a byte of the file */
#define LIMIT_HTTP_REPORT_MS 2000
#define LIMIT_HTTP_HEADS (256 * KIB)   /* of one response, interim responses included */
#define LIMIT_HTTP_UNWANTED (64 * KIB) /* the body of a response that is not the requested file */
/*
 * Bytes received in the body of a response: a fixed surplus (extensions of chunks and the like),
 * and a factor for each byte of the file, which allows for the smallest chunks.
 */
#define LIMIT_HTTP_OVERHEAD (1 * MIB)
#define LIMIT_HTTP_OVERHEAD_FACTOR 8

/*
 * git over a network: the bytes that it may receive beyond twice the size that it stores; the
 * memory of its transfer program, which contains the list of references; the time in which it may
 * store nothing and use no processor time.
 */
#define LIMIT_GIT_OVERHEAD (64 * MIB)
#define LIMIT_GIT_LIST_MEMORY (256 * MIB)
#define LIMIT_GIT_WAIT_MS (10 * 60 * 1000LL)

/* Secrets: the size of one, the number in a run, and the time for a command that prints one. */
#define LIMIT_SECRET_BYTES (64 * KIB)
#define LIMIT_SECRETS 64
#define LIMIT_SECRET_COMMAND_MS (60 * 1000LL)
/*
 * Uploads: the list of what is to be uploaded, as JSON; the number of files and directories in it;
 * the command that starts ssh; answers, directories and partial files of an sftp server.
 */
#define LIMIT_UPLOAD_WORK LIMIT_NODE_BYTES
#define LIMIT_UPLOAD_NAMES (LIMIT_NODE_COUNT / 2)
#define LIMIT_SSH_COMMAND (32 * KIB)
#define LIMIT_SFTP_ANSWER (256 * KIB) /* as in OpenSSH */
#define LIMIT_SFTP_NAMES 100000
#define LIMIT_UPLOAD_PARTS 10000 /* further ones are not resumed and not removed */
/* ssh: a known_hosts file, a certificate. */
#define LIMIT_SSH_FILE_BYTES (256 * KIB)
/* The agent of a VM, which signs with keys that never leave the host. */
#define LIMIT_SSH_KEY_BYTES (32 * KIB) /* a private key, as text */
#define LIMIT_AGENT_MESSAGE (16 * KIB)
#define LIMIT_AGENT_CONNECTIONS 16 /* further ones wait in the socket's queue */
#define LIMIT_AGENT_IDLE_MS (5 * 60 * 1000LL)
#define LIMIT_AGENT_SIGNATURES 1000 /* for one VM; further ones are refused */
#define LIMIT_AGENT_EVENTS 2000     /* logged signatures and refusals; further ones are counted */
#define LIMIT_AGENT_STOP_MS (10 * 1000LL)

/* Archives that were not written by this program, read by ambient-archive. */
#define LIMIT_ARCHIVE_MEMORY (1 * GIB)
#define LIMIT_ARCHIVE_FILES 16
#define LIMIT_ARCHIVE_STALL_MS (2 * 60 * 1000LL) /* without reading or writing a byte */
/* In addition, one second for each MiB of the file and for each 16 MiB of `deps_max_size`. */
#define LIMIT_ARCHIVE_CPU_SECONDS 60

/*
 * ssh servers that doctor asks for host keys: servers at the same time, and each ambient-hostkey.
 */
#define LIMIT_HOSTKEY_AT_ONCE 16
#define LIMIT_HOSTKEY_MS (5 * 1000LL)
#define LIMIT_HOSTKEY_MEMORY (256 * MIB)
#define LIMIT_HOSTKEY_FILES 16
#define LIMIT_HOSTKEY_CPU_SECONDS 5

/* If the host has less free space than this, a guest that fails is not blamed. */
#define LIMIT_DISK_FULL_BYTES (1 * MIB)

/* What a run needs at least from the resource limits of the process (os/inherit.h). */
#define LIMIT_NEED_FILES 128
#define LIMIT_NEED_STACK (1 * MIB)
#define LIMIT_NEED_MEMORY (1536 * MIB) /* emulation alone uses 1 GiB of address space */
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

/* How long the host waits for a reaction of the guest. */
#define LIMIT_STOP_MS (30 * 1000LL)    /* from `stop`, or from a time limit, to `end` */
#define LIMIT_ACK_MS (10 * 1000LL)     /* from `end` to the guest powering off */
#define LIMIT_SILENCE_MS (60 * 1000LL) /* without a frame */
/*
 * Without a frame: the host then checks whether its disk is full, because a full disk stops a
 * machine.
 */
#define LIMIT_QUIET_MS (12 * 1000LL)
/*
 * Before `hello`: a machine that uses less than one hundredth of a processor for this time is taken
 * to hang.
 */
#define LIMIT_STANDSTILL_MS (15 * 1000LL)
#define LIMIT_STARTS 3 /* of a machine that hangs or resets before its `hello` */
#define HEARTBEAT_MS 5000
/*
 * From the time limit of the run: the time in which the guest packs its outputs (LIMIT_ALWAYS_MS)
 * and ends.
 */
#define LIMIT_EPILOG_MS (16 * 60 * 1000LL)

/* In the guest. */
#define LIMIT_GRACE_MS 2000                /* from SIGTERM to SIGKILL after a time limit */
#define LIMIT_ALWAYS_MS (15 * 60 * 1000LL) /* for all steps that run always, together */
#define LIMIT_DRIVES_MS (20 * 1000LL)      /* until every drive listed in `go` is present */
#define LIMIT_DEVICE_LIST_BYTES (64 * KIB) /* of an image: the device nodes that modules provide */
#define LIMIT_HOSTS_BYTES (64 * KIB)       /* of /etc/hosts */
#define LIMIT_PORTS_MS (10 * 1000LL)       /* until the two ports are present */
#define LIMIT_REAP_MS (10 * 1000LL)        /* without the end of a killed process: it hangs */

/*
 * A guest reserves a sixteenth of its available memory, which its job cannot use, and at most this.
 */
#define LIMIT_GUEST_RESERVE (128 * MIB)

/*
 * A job may have one process or thread for each LIMIT_PROCESS_MEMORY of its memory, and at least
 * LIMIT_PROCESSES_LEAST.
 */
#define LIMIT_PROCESS_MEMORY (256 * KIB)
#define LIMIT_PROCESSES_LEAST 256

#endif
