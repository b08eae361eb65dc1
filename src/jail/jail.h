/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one program, or one C function, in a jail: QEMU, git, shellcheck, the reader of artifacts.
 *
 * The jailed process has its own namespaces (user, network, mount, pid, ipc, uts, cgroup), is pid 1
 * in them and a direct child of the caller. It sees a read-only root in memory with the host's /usr
 * (read-only), the binds, devices and files that it was given, and nothing else: no /proc, no home
 * directory, no /etc except ld.so.cache, no network interface except a loopback that is down. It
 * has no capability and cannot get one, no environment except `env`, no descriptor except those
 * that it was given, and a seccomp filter. It is killed when the caller ends.
 * docs/decisions/0003-jail.md gives the reasons for this order.
 *
 * The struct is data: the caller fills it, then starts it. No privileges are needed. The caller
 * must be single-threaded. Linux 5.12 or newer. If a part of the jail cannot be created, nothing
 * runs: ERR_HOST, with reason "host_no_namespaces" and the remedy in the message if the host
 * forbids it.
 *
 *	auto_jail struct jail j;
 *
 *	jail_init(&j, "qemu");
 *	j.program = "/usr/bin/qemu-system-x86_64";
 *	strv_push(&j.argv, "qemu-system-x86_64");
 *	strv_pushf(&j.argv, "fd=%d", jail_keep(&j, drive_fd));
 *	if (jail_start(&j, &pid, &pidfd, e) < 0) ...
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum jail_bind_flag {
	JAIL_WRITABLE = 1 << 0,   /* else read-only, including everything mounted below it */
	JAIL_EXEC = 1 << 1,       /* else noexec */
	JAIL_DEVICE = 1 << 2,     /* device nodes work; set by jail_device */
	JAIL_IF_PRESENT = 1 << 3, /* ignored when the outside path does not exist */
};

struct jail_bind {
	char *outside;
	char *inside;
	unsigned flags; /* enum jail_bind_flag */
};

struct jail_file {
	char *inside;
	const void *data; /* borrowed; NULL: the contents come from fd */
	size_t len;
	int fd;        /* borrowed; read from offset 0 to its end; its offset is not changed */
	int64_t mtime; /* seconds since 1970; 0: now */
};

struct jail_keep {
	int outside;
	int inside;
};

/* A TCP socket that listens on 127.0.0.1 and this port in the jail's own network namespace. */
struct jail_listener {
	uint16_t port;
	int *ret_fd; /* where jail_start stores the socket */
};

enum { JAIL_LISTENERS_MAX = 2 };

struct jail {
	const char *name; /* for messages: "qemu", "git", "unpack"; borrowed */

	/*
	 * Either a program: an absolute path of an ELF file. It is opened outside and started by
	 * descriptor, so it need not exist inside, but its interpreter and libraries must (/usr
	 * does). Or a function: its return value (0 to 255) is the exit status. The function runs
	 * on a copy of the caller's memory and must not call exit(3).
	 */
	const char *program; /* borrowed */
	int (*entry)(void *arg);
	void *arg;

	struct strv argv; /* the first item is argv[0] */
	struct strv env;  /* initially empty; no variable of the caller is added */

	int stdin_fd; /* borrowed, -1: /dev/null */
	int stdout_fd;
	int stderr_fd;

	bool no_children; /* fork and exec fail inside with EPERM (threads are allowed) */
	bool no_exec;     /* for a function: exec fails inside with EPERM, fork does not */
	/* for a function: allow only the system calls that ours need (jail_seccomp.c) */
	bool own_calls;
	/*
	 * Stay in the caller's network namespace. Abstract sockets of local processes are reachable
	 * in it, so new sockets of AF_UNIX are forbidden then.
	 */
	bool host_network;
	bool need_proc; /* mount a /proc of the jail's own; some containers forbid this */

	/*
	 * The identity of the process as the host sees it. For callers other than root it is always
	 * their own, and these members are ignored. For root: jail_vm_user, or the owner of a
	 * source tree. User or group 0 is rejected unless root_ok is set.
	 */
	uid_t uid;
	gid_t gid;
	bool root_ok;
	/* root callers: also use the group of /dev/kvm, if that gives access */
	bool keep_kvm_group;

	/* Resource limits; 0: those of the caller. A core file is never written. */
	uint64_t max_files;       /* open descriptors */
	uint64_t max_file_bytes;  /* the size of a file that the process writes */
	uint64_t max_memory;      /* address space */
	uint64_t max_cpu_seconds; /* followed by SIGKILL */

	/* Filled in by the functions below. */
	struct jail_keep *keeps;
	size_t keep_count;
	struct jail_bind *binds;
	size_t bind_count;
	struct jail_file *files;
	size_t file_count;
	struct jail_listener listeners[JAIL_LISTENERS_MAX];
	size_t listener_count;
};

void jail_init(struct jail *j, const char *name);
void jail_release(struct jail *j);
#define auto_jail __attribute__((cleanup(jail_release)))

/*
 * Pass a descriptor of the caller to the program. Returns its number inside (3, 4, ... in the order
 * of the calls). The descriptor is borrowed until jail_start has returned. jail_start rejects
 * directories, because openat(fd, "..") would lead out of the jail.
 */
int jail_keep(struct jail *j, int fd);
/* As jail_keep, with a number >= 3 chosen by the caller. */
void jail_keep_as(struct jail *j, int fd, int inside);

/*
 * Create a file in the jail's root, in memory, mode 0444. Parent directories are created. data is
 * borrowed.
 */
void jail_place(struct jail *j, const char *inside, const void *data, size_t len);
/*
 * As jail_place, with the contents of fd, a regular file, borrowed. mtime: of the file inside, in
 * seconds since 1970; 0: now.
 */
void jail_place_fd(struct jail *j, const char *inside, int fd, int64_t mtime);

/*
 * Show a directory or file of the host in the jail, with everything mounted below it; nosuid and
 * nodev. A relative `outside` is relative to the working directory of this call. `inside` is
 * absolute and not below another bind. For root, the outside path is opened with root's rights, so
 * uid and gid need no access to the directories above it.
 */
void jail_bind(struct jail *j, const char *outside, const char *inside, unsigned flags);
/* Show a device node of the host: "/dev/null", "/dev/kvm". */
void jail_device(struct jail *j, const char *path);

/*
 * Create a listening socket in the jail's own network namespace and pass it to the caller.
 * jail_start sets *ret_fd on success; the caller closes it. Such sockets are the only ones in that
 * namespace. Without one, even the loopback interface stays down.
 */
void jail_listen(struct jail *j, uint16_t port, int *ret_fd);

/*
 * Start the jail. On success, everything up to the exec of the program (or the call of the
 * function) has succeeded. The caller reaps ret_pid. ret_pidfd (may be NULL) is close-on-exec and
 * readable when the process has ended; the caller closes it. On failure nothing is left running.
 */
int jail_start(const struct jail *j, pid_t *ret_pid, int *ret_pidfd, struct err *e) NODISCARD;

/* How a program ended. */
struct jail_end {
	int exit_code;  /* or -1 */
	int signal;     /* that killed it, or 0; SIGKILL too if one of the next two is set */
	bool timed_out; /* killed at the time limit */
	bool overflow;  /* killed because `out` was full; out contains its first max bytes */
};

/*
 * Start the jail, collect its standard output in `out` and the beginning of its standard error in
 * `errors` (both limited by their max; the surplus of `errors` is discarded), and wait at most
 * limit_ms. stdout_fd and stderr_fd of the struct are not used. -1 when it could not be started, or
 * ERR_INTERRUPTED when a signal asked the caller to stop (the process is then killed and reaped,
 * too).
 */
int jail_run(const struct jail *j, int64_t limit_ms, struct buf *out, struct buf *errors,
	struct jail_end *ret_end, struct err *e) NODISCARD;

/*
 * Kill and reap a process, then set *pid to -1. A pid <= 0 is ignored, so that the function can be
 * a destructor.
 */
void jail_kill(pid_t *pid);
#define auto_jailed __attribute__((cleanup(jail_kill)))

/*
 * Check that jails work on this host, by starting a complete one that does nothing. For doctor and
 * early checks.
 */
int jail_probe(struct err *e) NODISCARD;

/*
 * Can a QEMU in the jail open /dev/kvm? When the caller is root, that is another user's right, with
 * the group of the device (keep_kvm_group). ERR_HOST, reason host_kvm_unusable, with the remedy.
 */
int jail_check_kvm(struct err *e) NODISCARD;

/*
 * The identity for QEMU and for readers of hostile bytes when the caller is root. `configured`: see
 * jail_find_user; NULL for an id that nothing else on the host uses: no user or group has it and no
 * range of /etc/subuid or /etc/subgid holds it. For callers who are not root: their own ids.
 * ERR_INPUT when the configured user is not usable.
 */
int jail_vm_user(const char *configured, uid_t *ret_uid, gid_t *ret_gid, struct err *e) NODISCARD;

/*
 * The ids of a user whom the configuration names: a name of the password database, or a decimal user
 * id that is no name. An id that is not in the database has the group of the same number. ERR_INPUT:
 * there is no such user, user or group are 0, or the caller could not become this user.
 */
int jail_find_user(const char *configured, uid_t *ret_uid, gid_t *ret_gid, struct err *e) NODISCARD;

/*
 * Can this process give another identity to what it starts? Root can, but not "root" of a user
 * namespace that has no other user (unshare -r): that one is an ordinary user under a false name.
 */
bool jail_may_change_ids(void);

/* Is this id of our own namespace root on the host, as far as this process can determine? */
bool jail_is_outer_root(uid_t uid);

#endif
