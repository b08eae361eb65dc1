/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of a jail, as two filters made by libseccomp. The kernel takes the stricter
 * result; of two errors, the one of the filter that was loaded last, which is the first below.
 *
 * The first filter allows the known calls. All others, also those of later kernels, fail with
 * ENOSYS as if the kernel were too old: libc and QEMU handle that. Our own functions have only the
 * calls that they make; other programs have all calls that Linux had when the second filter was
 * written.
 *
 * The second filter forbids some of these calls, or one use of them, because nothing in a jail
 * needs them: new namespaces and mounts, other processes, parts of the kernel with many known
 * vulnerabilities. A forbidden call returns an error, so that libraries use their fallbacks; only a
 * foreign instruction set kills the process.
 */
#include "jail/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/fd.h"

/*
 * The number of set_mempolicy_home_node, added in Linux 5.17. Numbers from 424 on are the same on
 * all architectures.
 */
enum { LAST_REVIEWED = 450 };

static const unsigned long new_namespaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS,
	CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};

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
	/* large and complex parts of the kernel */
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
	SYS_quotactl_fd,
	SYS_syslog,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
#ifdef __x86_64__
	SYS_modify_ldt,
	SYS_iopl,
	SYS_ioperm,
	SYS_uselib,
#endif
};

/* Programs work without these. */
static const int missing[] = {
	SYS_clone3, /* its flags are in memory, which a filter cannot read */
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
};

/* Calls of our own functions, or of libc on their behalf. */
static const int ours[] = {
	/* memory and threads */
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mprotect,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_clone,
	SYS_exit,
	SYS_exit_group,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_getrandom,
	/* itself, its children, time */
	SYS_getpid,
	SYS_gettid,
	SYS_getppid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_prlimit64,
	SYS_prctl,
	SYS_umask,
	SYS_uname,
	SYS_wait4,
	SYS_waitid,
	SYS_pidfd_open,
	SYS_pidfd_send_signal,
	SYS_kill,
	SYS_tgkill,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_signalfd4,
	SYS_restart_syscall,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	/* descriptors */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_lseek,
	SYS_close,
	SYS_close_range,
	SYS_dup,
	SYS_dup3,
	SYS_pipe2,
	SYS_fcntl,
	SYS_ioctl,
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_eventfd2,
	/* files */
	SYS_openat,
	SYS_openat2,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_statfs,
	SYS_fstatfs,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_getdents64,
	SYS_readlinkat,
	SYS_mkdirat,
	SYS_unlinkat,
	SYS_linkat,
	SYS_symlinkat,
	SYS_renameat,
	SYS_renameat2,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_utimensat,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_fsync,
	SYS_fdatasync,
	SYS_copy_file_range,
	SYS_sendfile,
	/* sockets */
	SYS_socket,
	SYS_socketpair,
	SYS_bind,
	SYS_listen,
	SYS_connect,
	SYS_accept,
	SYS_accept4,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_sendto,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_recvmmsg,
	SYS_shutdown,
#ifdef __x86_64__ /* older forms, which other architectures do not have */
	SYS_arch_prctl,
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
	SYS_poll,
	SYS_select,
	SYS_epoll_wait,
	SYS_pipe,
	SYS_dup2,
	SYS_fork,
	SYS_vfork,
	SYS_time,
#endif
};

/*
 * A filter under construction. After an error further rules are ignored, and rules_end reports it.
 */
struct rules {
	scmp_filter_ctx context;
	int error; /* 0 or a negative errno */
};

static struct rules rules_begin(uint32_t otherwise)
{
	struct rules r = {.context = seccomp_init(otherwise)};

	if (!r.context)
		r.error = -ENOMEM;
	else
		r.error =
			seccomp_attr_set(r.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	return r;
}

static void rule(struct rules *r, uint32_t action, int call)
{
	if (r->error == 0)
		r->error = seccomp_rule_add(r->context, action, call, 0);
}

static void rule_if(struct rules *r, uint32_t action, int call, struct scmp_arg_cmp condition)
{
	if (r->error == 0)
		r->error = seccomp_rule_add(r->context, action, call, 1, condition);
}

/* The instructions of the filter; libseccomp writes them only to a descriptor. */
static int export(const struct rules *r, struct buf *code, struct err *e)
{
	auto_fd int fd = -1;
	int error = r->error;

	if (error == 0) {
		fd = memfd_create("filter", MFD_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "memfd_create");
		error = seccomp_export_bpf(r->context, fd);
	}
	if (error < 0) {
		errno = -error;
		return err_sys(e, "make a seccomp filter");
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "seccomp filter");
	buf_init(code, BPF_MAXINSNS * sizeof(struct sock_filter));
	return fd_read_to_end(fd, "seccomp filter", code, e);
}

static int rules_end(struct rules *r, struct buf *code, struct err *e)
{
	int result = export(r, code, e);

	seccomp_release(r->context);
	return result;
}

static bool is_in(const int *list, size_t count, int call)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == call)
			return true;
	return false;
}

/* ---- known calls ---- */

static void allow_ours(struct rules *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		rule(r, SCMP_ACT_ALLOW, ours[i]);
}

static void allow_reviewed(struct rules *r)
{
	for (int call = 0; call <= LAST_REVIEWED; call++)
		if (!is_in(missing, ARRAY_SIZE(missing), call))
			rule(r, SCMP_ACT_ALLOW, call);
}

/* ---- forbidden calls ---- */

static void forbid_namespaces(struct rules *r, bool no_children)
{
	for (size_t i = 0; i < ARRAY_SIZE(new_namespaces); i++)
		rule_if(r, SCMP_ACT_ERRNO(EPERM), SYS_clone,
			SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces[i], new_namespaces[i]));
	if (!no_children)
		return;
	rule_if(r, SCMP_ACT_ERRNO(EPERM), SYS_clone, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
#ifdef __x86_64__
	rule(r, SCMP_ACT_ERRNO(EPERM), SYS_fork);
	rule(r, SCMP_ACT_ERRNO(EPERM), SYS_vfork);
#endif
}

/*
 * vsock and netlink are not, or not completely, confined to a network namespace; on a host that is
 * itself a VM, vsock reaches its hypervisor. The kernel ignores the high half of the number, but
 * the filter compares all 64 bits: a number with high bits set is refused as too large.
 */
static void forbid_families(struct rules *r, int call, bool no_unix)
{
	const uint32_t refused = SCMP_ACT_ERRNO(EAFNOSUPPORT);

	for (unsigned family = 0; family <= AF_INET6; family++)
		if (family != AF_INET && family != AF_INET6 && (family != AF_UNIX || no_unix))
			rule_if(r, refused, call, SCMP_A0(SCMP_CMP_EQ, family, 0));
	rule_if(r, refused, call, SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));
}

/*
 * TIOCSTI and TIOCLINUX could insert input into the terminal of a kept descriptor. The kernel
 * ignores the high half of the request number, so the filter masks it.
 */
static void forbid_typing(struct rules *r)
{
	enum { TERMINAL_SELECTION = 0x541C }; /* TIOCLINUX */
	const uint64_t low = UINT32_MAX;

	rule_if(r, SCMP_ACT_ERRNO(EPERM), SYS_ioctl, SCMP_A1(SCMP_CMP_MASKED_EQ, low, TIOCSTI));
	rule_if(r, SCMP_ACT_ERRNO(EPERM), SYS_ioctl,
		SCMP_A1(SCMP_CMP_MASKED_EQ, low, TERMINAL_SELECTION));
}

/*
 * One exec must work after the filter is installed: that of the program's descriptor, which is
 * close-on-exec. If the program opens another file under the same number, it can execute that file;
 * this can only be a file of the host's /usr, since everything else is mounted noexec, and it stays
 * in the jail.
 */
static void forbid_exec(struct rules *r, int program_fd)
{
	rule(r, SCMP_ACT_ERRNO(EPERM), SYS_execve);
	if (program_fd < 0) {
		rule(r, SCMP_ACT_ERRNO(EPERM), SYS_execveat);
		return;
	}
	rule_if(r, SCMP_ACT_ERRNO(EPERM), SYS_execveat, SCMP_A4(SCMP_CMP_NE, AT_EMPTY_PATH, 0));
	rule_if(r, SCMP_ACT_ERRNO(EPERM), SYS_execveat,
		SCMP_A0(SCMP_CMP_NE, (unsigned)program_fd, 0));
}

static void forbid(struct rules *r, const struct jail *j, int program_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		rule(r, SCMP_ACT_ERRNO(EPERM), forbidden[i]);
	forbid_namespaces(r, j->no_children);
	forbid_families(r, SYS_socket, j->host_network);
	forbid_families(r, SYS_socketpair, false);
	forbid_typing(r);
	if (j->no_children || j->no_exec)
		forbid_exec(r, program_fd);
}

/* Made once for each kind of program: this takes longer than the rest of making a jail. */
static int calls_of(bool own_calls, const struct buf **ret, struct err *e)
{
	static struct buf made[2];
	struct buf *code = &made[own_calls];
	struct rules r;

	*ret = code;
	if (code->len)
		return 0;
	r = rules_begin(SCMP_ACT_ERRNO(ENOSYS));
	if (own_calls)
		allow_ours(&r);
	else
		allow_reviewed(&r);
	return rules_end(&r, code, e);
}

int jail_seccomp_make(const struct jail *j, int program_fd, struct jail_filters *ret, struct err *e)
{
	struct rules uses;

	if (calls_of(j->own_calls, &ret->calls, e) < 0)
		return -1;
	uses = rules_begin(SCMP_ACT_ALLOW);
	forbid(&uses, j, program_fd);
	return rules_end(&uses, &ret->uses, e);
}

static int load(const struct buf *code, struct err *e)
{
	struct sock_fprog program = {
		.filter = (struct sock_filter *)code->data,
		.len = (unsigned short)(code->len / sizeof(struct sock_filter)),
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return jail_wall(e, "install a seccomp filter");
	return 0;
}

int jail_seccomp_install(const struct jail_filters *f, struct err *e)
{
	if (load(&f->uses, e) < 0)
		return -1;
	return load(f->calls, e);
}
