/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that nothing in a jail needs: those that build new namespaces and mounts, look
 * into other processes, or open parts of the kernel that are known for holes. A refused call
 * returns an error, so that libraries take their fallbacks; only a foreign instruction set kills.
 */
#include "jail/jail_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000U
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "add the AUDIT_ARCH value of this architecture"
#endif

enum {
	ARG_SIZE = sizeof(__u64),
	FILTER_MAX = 256,
	NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
		CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short len;
};

static const int forbidden[] = {
	/* mounts and namespaces */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_mount_setattr,
	SYS_unshare,
	SYS_setns,
	/* other processes, and files by handle instead of by path */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_process_madvise,
	SYS_pidfd_getfd,
	SYS_kcmp,
	SYS_open_by_handle_at,
	SYS_name_to_handle_at,
	/* wide and intricate parts of the kernel */
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_fanotify_init,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	/* the machine */
	SYS_reboot,
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_syslog,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
#ifdef __x86_64__
	SYS_modify_ldt,
	SYS_iopl,
	SYS_ioperm,
	SYS_uselib,
#endif
};

/* As if the kernel were too old for them: libc and QEMU know what to do then. */
static const int unknown[] = {
	SYS_clone3, /* its flags are in memory, where a filter cannot look */
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
};

static void emit(struct filter *f, unsigned short code, __u32 k, unsigned char if_true,
	unsigned char if_false)
{
	if (f->len == FILTER_MAX)
		BUG("the seccomp filter is longer than %d instructions", FILTER_MAX);
	f->code[f->len++] =
		(struct sock_filter){.code = code, .jt = if_true, .jf = if_false, .k = k};
}

static void load(struct filter *f, size_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, (__u32)offset, 0, 0);
}

/* The low half of an argument: all that matters of an int or of clone's flags (little endian). */
static void load_arg(struct filter *f, unsigned n)
{
	load(f, offsetof(struct seccomp_data, args) + n * (size_t)ARG_SIZE);
}

static void finish(struct filter *f, __u32 action)
{
	emit(f, BPF_RET | BPF_K, action, 0, 0);
}

/* "If the loaded word is k, end with this action." */
static void on_equal(struct filter *f, __u32 k, __u32 action)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	finish(f, action);
}

static void on_bits(struct filter *f, __u32 bits, __u32 action)
{
	emit(f, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	finish(f, action);
}

static __u32 fail_with(int error)
{
	return SECCOMP_RET_ERRNO | ((__u32)error & SECCOMP_RET_DATA);
}

/* Start the rules of one system call; end_call closes them. In between, arguments are loaded. */
static unsigned short begin_call(struct filter *f, int nr)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, (__u32)nr, 0, 0);
	return (unsigned short)(f->len - 1);
}

static void end_call(struct filter *f, unsigned short begin, __u32 otherwise)
{
	finish(f, otherwise);
	f->code[begin].jf = (unsigned char)(f->len - begin - 1);
}

static void rules_of_arch(struct filter *f)
{
	load(f, offsetof(struct seccomp_data, arch));
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	finish(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	emit(f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	finish(f, SECCOMP_RET_KILL_PROCESS);
#endif
}

static void rules_of_clone(struct filter *f, bool no_children)
{
	unsigned short call = begin_call(f, SYS_clone);

	load_arg(f, 0);
	on_bits(f, NEW_NAMESPACES, fail_with(EPERM));
	if (no_children) {
		on_bits(f, CLONE_THREAD, SECCOMP_RET_ALLOW);
		end_call(f, call, fail_with(EPERM));
	} else {
		end_call(f, call, SECCOMP_RET_ALLOW);
	}
}

/*
 * vsock and netlink are not bound to a network namespace, or not wholly; on a host that is itself a
 * virtual machine, vsock reaches its hypervisor.
 */
static void rules_of_socket(struct filter *f, int nr, bool no_unix)
{
	unsigned short call = begin_call(f, nr);

	load_arg(f, 0);
	if (!no_unix)
		on_equal(f, AF_UNIX, SECCOMP_RET_ALLOW);
	on_equal(f, AF_INET, SECCOMP_RET_ALLOW);
	on_equal(f, AF_INET6, SECCOMP_RET_ALLOW);
	end_call(f, call, fail_with(EAFNOSUPPORT));
}

/* Typing into the terminal that a kept descriptor may lead to. */
static void rules_of_ioctl(struct filter *f)
{
	enum { TERMINAL_SELECTION = 0x541C }; /* TIOCLINUX */
	unsigned short call = begin_call(f, SYS_ioctl);

	load_arg(f, 1);
	on_equal(f, TIOCSTI, fail_with(EPERM));
	on_equal(f, TERMINAL_SELECTION, fail_with(EPERM));
	end_call(f, call, SECCOMP_RET_ALLOW);
}

/*
 * One exec has to work after the filter is there: that of the program's own descriptor, which is
 * close-on-exec. A program that opened something under the same number could start that; it would
 * be a file of the host's /usr, since everything else is mounted noexec, and still alone in the
 * jail.
 */
static void rules_of_exec(struct filter *f, int program_fd)
{
	unsigned short call;

	on_equal(f, SYS_execve, fail_with(EPERM));
	if (program_fd < 0) {
		on_equal(f, SYS_execveat, fail_with(EPERM));
		return;
	}
	call = begin_call(f, SYS_execveat);
	load_arg(f, 4);
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, AT_EMPTY_PATH, 1, 0);
	finish(f, fail_with(EPERM));
	load_arg(f, 0);
	on_equal(f, (__u32)program_fd, SECCOMP_RET_ALLOW);
	end_call(f, call, fail_with(EPERM));
}

static void build(struct filter *f, const struct jail *j, int program_fd)
{
	rules_of_arch(f);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		on_equal(f, (__u32)forbidden[i], fail_with(EPERM));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		on_equal(f, (__u32)unknown[i], fail_with(ENOSYS));
	if (j->no_children) {
#ifdef __x86_64__
		on_equal(f, SYS_fork, fail_with(EPERM));
		on_equal(f, SYS_vfork, fail_with(EPERM));
#endif
	}
	if (j->no_children || j->no_exec)
		rules_of_exec(f, program_fd);
	rules_of_clone(f, j->no_children);
	rules_of_socket(f, SYS_socket, j->host_network);
	rules_of_socket(f, SYS_socketpair, false);
	rules_of_ioctl(f);
	finish(f, SECCOMP_RET_ALLOW);
}

int jail_seccomp_install(const struct jail *j, int program_fd, struct err *e)
{
	struct filter f = {.len = 0};
	struct sock_fprog program = {.filter = f.code};

	build(&f, j, program_fd);
	program.len = f.len;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return jail_wall(e, "install a seccomp filter");
	return 0;
}
