/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "contract/frame.h"
#include "data/cpio.h"
#include "jail/jail.h"
#include "machine/bootdisk.h"
#include "machine/limits.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"

enum { TAIL_BYTES = 4096 };

enum progress { STARTING, RUNNING, ENDED };
enum { RUNNING_SOURCES = 5 };

/* The state of a running machine. */
struct running {
	const struct vm *vm;
	struct vm_result *result;
	enum progress progress;
	pid_t pid;
	int pidfd;
	int log_fd, ctl_fd, console_fd, errors_fd; /* the host's ends; -1 after they were closed */
	int signal_fd;                             /* -1 once the guest was told to stop */
	struct loop_source sources[RUNNING_SOURCES];
	bool gone; /* QEMU has ended */
	struct frame_reader reader;
	uint64_t nonce;
	uint32_t ctl_sequence;
	uint32_t next_step; /* the lowest step that may start */
	bool in_step;       /* step next_step - 1 is running */
	bool step_failed;
	bool packing; /* outputs are being packed */
	int64_t started_ms, go_ms;
	int64_t deadline_ms;  /* of the current part of the run */
	int64_t silent_ms;    /* when silence becomes an error */
	int64_t quiet_ms;     /* when the host checks the reason of the silence */
	int64_t moved_ms;     /* when QEMU was last seen to use the processor, */
	int64_t moved_cpu_ns; /* and its processor time then */
	struct buf console;   /* the last bytes of the guest's console */
	struct buf errors;    /* the last bytes of QEMU's standard error */
};

static void running_release(struct running *l)
{
	for (size_t i = 0; i < RUNNING_SOURCES; i++)
		loop_remove(l->vm->loop, &l->sources[i]);
	jail_kill(&l->pid);
	fd_close(l->pidfd);
	fd_close(l->log_fd);
	fd_close(l->ctl_fd);
	fd_close(l->console_fd);
	fd_close(l->errors_fd);
	frame_reader_release(&l->reader);
	buf_release(&l->console);
	buf_release(&l->errors);
}
#define auto_running __attribute__((cleanup(running_release)))

static void running_init(struct running *l, const struct vm *vm, struct vm_result *result)
{
	*l = (struct running){.vm = vm,
		.result = result,
		.pid = -1,
		.pidfd = -1,
		.log_fd = -1,
		.ctl_fd = -1,
		.console_fd = -1,
		.errors_fd = -1,
		.signal_fd = sig_fd()};
	frame_reader_init(&l->reader);
	buf_init(&l->console, TAIL_BYTES);
	buf_init(&l->errors, TAIL_BYTES);
	l->started_ms = l->moved_ms = clock_ms();
}

/* ---- start ---- */

void vm_argv(const struct vm *vm, struct strv *ret_argv)
{
	struct qemu q = {
		.machine = vm->machine,
		.accelerator = vm->accelerator,
		.cpus = vm->cpus,
		.memory = vm->memory,
		.tsc_khz = vm->tsc_khz,
		.network = vm->network,
		.boot = vm->disk ? QEMU_BOOT_DISK : QEMU_BOOT_KERNEL,
		.uefi = vm->uefi,
	};

	for (size_t i = 0; i < vm->drive_count; i++)
		if (vm->drives[i].bytes != DRIVE_ABSENT_BYTES)
			q.drives[q.drive_count++] =
				(struct qemu_drive){vm->drives[i].serial, vm->drives[i].writable};
	qemu_argv(&q, ret_argv);
}

/*
 * QEMU puts the initrd at the end of memory, starting at a page boundary. If its length is not a
 * whole number of pages, it ends within the last page. There the firmware of QEMU 10 has put the
 * ACPI tables of a microvm, without which the kernel finds no device
 * (docs/decisions/0020-qemu-10.md). The kernel ignores zeros after an archive.
 */
static int fill_page(int initrd, struct err *e)
{
	const off_t page = QEMU_PAGE_BYTES;
	off_t end = lseek(initrd, 0, SEEK_END);

	if (end < 0 || ftruncate(initrd, (end + page - 1) / page * page) < 0)
		return err_sys(e, "initrd");
	return 0;
}

/*
 * The image's initramfs, followed by a second archive with the executor: the kernel unpacks both.
 */
static int make_initrd(const struct vm *vm, int *ret_fd, struct err *e)
{
	const struct image_file *part = &vm->image->parts[IMAGE_INITRAMFS];
	auto_fd int from = open(part->path, O_RDONLY | O_CLOEXEC);
	auto_fd int executor = open(vm->executor, O_RDONLY | O_CLOEXEC);
	auto_fd int fd = -1;

	if (from < 0)
		return err_sys(e, "%s", part->path);
	if (executor < 0)
		return err_sys(e, "%s", vm->executor);
	fd = fd_memory("initrd", e);
	if (fd < 0)
		return -1;
	if (fd_copy(from, fd, part->bytes, e) < 0)
		return err_wrap(e, "%s", part->path);
	if (cpio_append(fd, EXECUTOR_NAME, executor, e) < 0)
		return err_wrap(e, "%s", vm->executor);
	if (fill_page(fd, e) < 0)
		return -1;
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* A socket pair: *ret_here is the host's end, non-blocking; the other end goes to QEMU. */
static int make_channel(int *ret_here, int *ret_there, struct err *e)
{
	const int bytes = 1 << 20;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	*ret_here = pair[0];
	*ret_there = pair[1];
	/* Larger buffers mean fewer switches between QEMU and this process; failure is harmless. */
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return fd_set_nonblock(pair[0], e);
}

static int make_errors_pipe(struct running *l, int *ret_there, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	l->errors_fd = ends[0];
	*ret_there = ends[1];
	return fd_set_nonblock(l->errors_fd, e);
}

static void fill_jail(const struct vm *vm, struct jail *j)
{
	int drive_fd = QEMU_FD_DRIVES;

	j->program = vm->qemu_program;
	vm_argv(vm, &j->argv);
	j->uid = vm->uid;
	j->gid = vm->gid;
	j->keep_kvm_group = vm->accelerator == ACCELERATOR_KVM;
	jail_device(j, "/dev/null");
	jail_device(j, "/dev/urandom");
	if (vm->accelerator == ACCELERATOR_KVM)
		jail_device(j, "/dev/kvm");
	for (size_t i = 0; i < vm->drive_count; i++)
		if (vm->drives[i].bytes != DRIVE_ABSENT_BYTES)
			jail_keep_as(j, vm->drives[i].fd, drive_fd++);
}

/*
 * QEMU may run as a user that cannot read the file, so it gets a copy. A file that everybody may
 * read is passed itself, because copying a kernel of 50 MiB takes time.
 */
static int place_kernel(struct jail *j, const char *path, int *ret_fd, struct err *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (st.st_mode & S_IROTH)
		jail_bind(j, path, QEMU_KERNEL_PATH, 0);
	else
		jail_place_fd(j, QEMU_KERNEL_PATH, fd, 0);
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* *ret_kernel and *ret_initrd stay open until the jail has started. */
static int place_boot(
	const struct vm *vm, struct jail *j, int *ret_kernel, int *ret_initrd, struct err *e)
{
	if (vm->disk) {
		jail_keep_as(j, vm->disk->disk_fd, QEMU_FD_DISK);
		jail_keep_as(j, vm->disk->overlay_fd, QEMU_FD_OVERLAY);
		return 0;
	}
	if (make_initrd(vm, ret_initrd, e) < 0 ||
		place_kernel(j, vm->image->parts[IMAGE_KERNEL].path, ret_kernel, e) < 0)
		return -1;
	jail_place_fd(j, QEMU_INITRD_PATH, *ret_initrd, 0);
	return 0;
}

static int start(struct running *l, struct err *e)
{
	auto_fd int kernel = -1, initrd = -1, log = -1, ctl = -1, console = -1, errors = -1,
		    listener = -1, agent = -1;
	auto_jail struct jail j;

	jail_init(&j, "qemu");
	if (place_boot(l->vm, &j, &kernel, &initrd, e) < 0 ||
		make_channel(&l->log_fd, &log, e) < 0 || make_channel(&l->ctl_fd, &ctl, e) < 0 ||
		make_channel(&l->console_fd, &console, e) < 0 ||
		make_errors_pipe(l, &errors, e) < 0)
		return -1;
	fill_jail(l->vm, &j);
	j.stderr_fd = errors;
	jail_keep_as(&j, log, QEMU_FD_LOG);
	jail_keep_as(&j, ctl, QEMU_FD_CTL);
	jail_keep_as(&j, console, QEMU_FD_CONSOLE);
	if (l->vm->network)
		jail_listen(&j, PROXY_PORT, &listener);
	if (l->vm->network && l->vm->agent)
		jail_listen(&j, AGENT_PORT, &agent);
	if (jail_start(&j, &l->pid, &l->pidfd, e) < 0)
		return -1;
	if (l->vm->network && l->vm->observer->listening(l->vm->arg, listener, agent, e) < 0)
		return -1;
	l->deadline_ms = l->started_ms + l->vm->boot_timeout_ms;
	l->silent_ms = CLOCK_NEVER;
	l->quiet_ms = CLOCK_NEVER;
	return 0;
}

/* ---- sending ---- */

/*
 * All messages of a run together are much smaller than a socket buffer. So a failed send means that
 * QEMU has ended, which its pidfd reports, too.
 */
static void say(struct running *l, enum frame_type type, const struct buf *payload)
{
	uint8_t header[FRAME_HEADER_BYTES];
	struct iovec parts[2] = {{header, sizeof(header)}, {NULL, 0}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (payload)
		parts[1] = (struct iovec){payload->data, payload->len};
	frame_header(header, type, l->nonce, l->ctl_sequence++, parts[1].iov_len);
	(void)sendmsg(l->ctl_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int say_go(struct running *l, struct err *e)
{
	struct message_go go = {.utc_ns = clock_utc_ns(),
		.network = l->vm->network,
		.drive_count = (uint32_t)l->vm->drive_count};
	auto_buf struct buf payload = {0};

	if (getrandom(go.entropy, sizeof(go.entropy), 0) < 0 ||
		getrandom(&go.nonce, sizeof(go.nonce), 0) < 0)
		return err_sys(e, "getrandom");
	go.nonce |= 1; /* never 0 */
	for (size_t i = 0; i < l->vm->drive_count; i++) {
		const struct vm_drive *d = &l->vm->drives[i];

		(void)snprintf(go.drives[i].serial, sizeof(go.drives[i].serial), "%s", d->serial);
		go.drives[i].bytes = d->bytes;
		go.drives[i].writable = d->writable;
	}
	buf_init(&payload, LIMIT_CTL_PAYLOAD);
	message_put_go(&payload, &go);
	l->nonce = go.nonce;
	l->reader.nonce = go.nonce;
	say(l, FRAME_GO, &payload);
	return 0;
}

/* ---- receiving ---- */

static int take_hello(struct running *l, const struct frame *f, struct err *e)
{
	struct message_hello hello;
	int64_t now = clock_ms();

	if (l->progress != STARTING)
		return err_reason(e, ERR_GUEST, "guest_frame_order", "the guest said hello twice");
	if (message_get_hello(f, &hello, e) < 0)
		return -1;
	if (hello.protocol != CONTRACT_VERSION)
		return err_reason(e, ERR_GUEST, "guest_protocol",
			"the executor in the guest speaks version %u of the contract, the host "
			"version %d; "
			"use the executor of the same release",
			hello.protocol, CONTRACT_VERSION);
	l->result->said_hello = true;
	l->result->boot_ms = now - l->started_ms;
	if (say_go(l, e) < 0)
		return -1;
	l->progress = RUNNING;
	l->go_ms = now;
	l->deadline_ms = now + l->vm->run_limit_ms + LIMIT_STOP_MS;
	if (l->vm->observer->hello)
		l->vm->observer->hello(l->vm->arg, &hello, l->result->boot_ms);
	return 0;
}

static int check_step(const struct running *l, uint32_t step, struct err *e)
{
	if (step >= l->vm->step_count)
		return err_reason(e, ERR_GUEST, "guest_frame_content",
			"the guest reported step %u, its plan has %u", step, l->vm->step_count);
	return 0;
}

/* Only the running step may be reported. */
static int check_running(const struct running *l, uint32_t step, struct err *e)
{
	if (check_step(l, step, e) < 0)
		return -1;
	if (!l->in_step || step + 1 != l->next_step)
		return err_reason(e, ERR_GUEST, "guest_frame_order",
			"the guest reported step %u, which is not running", step);
	return 0;
}

static int take_output(struct running *l, const struct frame *f, struct err *e)
{
	struct message_step m;
	const char *data;
	size_t len;

	if (message_get_output(f, &m, &data, &len, e) < 0 || check_running(l, m.step, e) < 0)
		return -1;
	if (l->vm->observer->output && len)
		l->vm->observer->output(l->vm->arg, m.step, f->type == FRAME_STDERR, data, len);
	return 0;
}

/* Packing a large output may take long, so it gets its own time limit: one for all outputs. */
static void grant_packing(struct running *l)
{
	if (l->packing || l->result->stopped)
		return;
	l->packing = true;
	l->deadline_ms = clock_ms() + LIMIT_EPILOG_MS;
}

static int take_step_start(struct running *l, const struct frame *f, struct err *e)
{
	struct message_step m;

	if (message_get_step(f, &m, e) < 0 || check_step(l, m.step, e) < 0)
		return -1;
	if (l->in_step || m.step < l->next_step)
		return err_reason(e, ERR_GUEST, "guest_frame_order",
			"the guest started step %u out of order", m.step);
	l->next_step = m.step + 1;
	l->in_step = true;
	if (m.step >= l->vm->first_output)
		grant_packing(l);
	if (l->vm->observer->step_start)
		l->vm->observer->step_start(l->vm->arg, m.step);
	return 0;
}

static int take_step_end(struct running *l, const struct frame *f, struct err *e)
{
	struct message_step_end m;

	if (message_get_step_end(f, &m, e) < 0 || check_running(l, m.step, e) < 0)
		return -1;
	l->in_step = false;
	l->step_failed = l->step_failed || m.outcome != STEP_PASSED;
	if (l->vm->observer->step_end)
		l->vm->observer->step_end(l->vm->arg, &m);
	return 0;
}

static int take_note(struct running *l, const struct frame *f, struct err *e)
{
	struct message_note m;

	if (message_get_note(f, &m, e) < 0)
		return -1;
	if (l->vm->observer->note)
		l->vm->observer->note(l->vm->arg, &m);
	return 0;
}

static int take_heartbeat(struct running *l, const struct frame *f, struct err *e)
{
	struct message_heartbeat m;

	(void)l;
	return message_get_heartbeat(f, &m, e);
}

/*
 * The result "all passed" must agree with the reports before it. That proves nothing, but it
 * catches mistakes.
 */
static int check_passed(const struct running *l, struct err *e)
{
	if (l->step_failed)
		return err_reason(e, ERR_GUEST, "guest_frame_order",
			"the guest claims that all steps passed, but reported one that failed");
	if (l->in_step || l->next_step != l->vm->step_count)
		return err_reason(e, ERR_GUEST, "guest_frame_order",
			"the guest claims that all steps passed, but reported the end of only %u "
			"of %u",
			l->next_step - l->in_step, l->vm->step_count);
	return 0;
}

static int take_end(struct running *l, const struct frame *f, struct err *e)
{
	struct message_end *m = &l->result->end;

	if (message_get_end(f, m, e) < 0)
		return -1;
	if (m->failed_step != MESSAGE_NO_STEP && check_step(l, m->failed_step, e) < 0)
		return -1;
	if (m->outcome == STEP_PASSED && check_passed(l, e) < 0)
		return -1;
	if (m->outcome == STEP_STOPPED && !l->result->stopped)
		return err_reason(e, ERR_GUEST, "guest_frame_order",
			"the guest claims that it was stopped, but the host did not stop it");
	l->result->ended = true;
	l->result->run_ms = clock_ms() - l->go_ms;
	l->progress = ENDED;
	l->deadline_ms = clock_ms() + LIMIT_ACK_MS;
	say(l, FRAME_ACK, NULL);
	return 0;
}

static const struct {
	enum frame_type type;
	int (*take)(struct running *l, const struct frame *f, struct err *e);
} takers[] = {
	{FRAME_STEP_START, take_step_start},
	{FRAME_STDOUT, take_output},
	{FRAME_STDERR, take_output},
	{FRAME_STEP_END, take_step_end},
	{FRAME_NOTE, take_note},
	{FRAME_HEARTBEAT, take_heartbeat},
	{FRAME_END, take_end},
};

static int take_frame(struct running *l, const struct frame *f, struct err *e)
{
	l->silent_ms = clock_ms() + LIMIT_SILENCE_MS;
	l->quiet_ms = clock_ms() + LIMIT_QUIET_MS;
	if (l->progress == ENDED)
		return err_reason(
			e, ERR_GUEST, "guest_frame_order", "the guest sent a frame after its end");
	if (f->type == FRAME_HELLO)
		return take_hello(l, f, e);
	if (l->progress == STARTING)
		return err_reason(e, ERR_GUEST, "guest_frame_order",
			"the guest sent a frame before its hello");
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
		if (takers[i].type == f->type)
			return takers[i].take(l, f, e);
	return err_reason(e, ERR_GUEST, "guest_frame_content",
		"the guest sent a frame of unknown type %u", f->type);
}

static int take_frames(struct running *l, struct err *e)
{
	struct frame f;
	int got;

	while ((got = frame_reader_next(&l->reader, &f, e)) > 0)
		if (take_frame(l, &f, e) < 0)
			return -1;
	return got;
}

/* A single read, so that a flood on one channel does not starve the others. */
static int read_log(struct running *l, struct err *e)
{
	size_t room;
	uint8_t *at = frame_reader_room(&l->reader, &room);
	ssize_t n = read(l->log_fd, at, room);

	if (n > 0) {
		frame_reader_fed(&l->reader, (size_t)n);
		return take_frames(l, e);
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	fd_close(fd_steal(&l->log_fd));
	return 0;
}

static void keep_tail(struct buf *tail, const char *data, size_t len)
{
	if (len > tail->max) {
		data += len - tail->max;
		len = tail->max;
	}
	if (tail->len + len > tail->max)
		buf_drop_front(tail, tail->len + len - tail->max);
	buf_add(tail, data, len);
}

/* Returns true if something was read. */
static bool read_tail(struct running *l, int *fd, struct buf *tail)
{
	char chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n > 0) {
		keep_tail(tail, chunk, (size_t)n);
		if (fd == &l->console_fd && l->vm->observer->console)
			l->vm->observer->console(l->vm->arg, chunk, (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		fd_close(fd_steal(fd));
	return false;
}

/* Read what was in transit when QEMU ended: a socket holds less than this many reads. */
static void drain_texts(struct running *l)
{
	for (int i = 0; i < 1024 && l->console_fd >= 0; i++)
		if (!read_tail(l, &l->console_fd, &l->console))
			break;
	for (int i = 0; i < 1024 && l->errors_fd >= 0; i++)
		if (!read_tail(l, &l->errors_fd, &l->errors))
			break;
}

/* ---- end of QEMU, time limits ---- */

/* The last line of a text, safe to show. The caller frees it. */
static char *last_line(const struct buf *b)
{
	const char *line = b->data;
	auto_free char *copy = mem_strdup(b->data);
	char *save = NULL;

	for (char *p = strtok_r(copy, "\r\n", &save); p; p = strtok_r(NULL, "\r\n", &save))
		line = p;
	return text_safe(b->len ? line : "", 300);
}

/*
 * How far the boot of a machine came. The caller frees it. If the console is empty, the message
 * describes the machine instead.
 */
static char *how_far(const struct running *l)
{
	const struct vm *vm = l->vm;
	auto_free char *said = last_line(&l->console);

	if (*said)
		return mem_printf("its console ends with: %s", said);
	return mem_printf(
		"nothing came on its console; tried were image %s on QEMU's machine %s under "
		"%s (%s)",
		vm->image->name, qemu_machine_name(vm->machine),
		qemu_accelerator_name(vm->accelerator), vm->qemu_program);
}

/*
 * QEMU ends with status 0 when the guest resets its machine. A processor does so when it cannot
 * deliver a fault (triple fault). The kernel of Debian 13 does so under the emulation of QEMU 10 on
 * a busy host, in about one of fifty boots, before its first message.
 */
static int was_reset(const struct running *l, struct err *e)
{
	auto_free char *said = how_far(l);

	return err_reason(e, ERR_GUEST, ERR_REASON_RESET,
		"the guest reset its machine while it started: %s", said);
}

/* What the executor complained about on the console, safe to show; else how far the boot came. */
static char *executor_complaint(const struct running *l)
{
	static const char head[] = "ERROR: " EXECUTOR_NAME ": ";
	const char *at = strstr(l->console.data, head);
	auto_free char *line = NULL;

	if (!at)
		return how_far(l);
	at += strlen(head);
	line = mem_strndup(at, strcspn(at, "\r\n"));
	return text_safe(line, 300);
}

/*
 * The image's own system started, and ended. Trying again would take minutes and end in the same
 * way.
 */
static int found_no_executor(const struct running *l, struct err *e)
{
	auto_free char *said = executor_complaint(l);

	return err_reason(e, ERR_GUEST, ERR_REASON_NO_EXECUTOR,
		"the system on the disk of image %s ended without a working executor: %s",
		l->vm->image->name, said);
}

static int died_before_hello(const struct running *l, int status, struct err *e)
{
	auto_free char *said = last_line(&l->errors);

	if (l->vm->accelerator == ACCELERATOR_KVM)
		return err_reason(e, ERR_HOST, "host_kvm_unusable",
			"QEMU ended before the guest booted: %s; set 'accelerator: tcg' in the "
			"configuration",
			said);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return l->vm->disk ? found_no_executor(l, e) : was_reset(l, e);
	return err_reason(e, ERR_HOST, "host_qemu_failed",
		"QEMU ended before the guest booted (%s %d): %s",
		WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said);
}

/* The messages of Linux's panics when it has no memory and no process to kill (mm/oom_kill.c). */
static bool is_lack_of_memory(const char *panic)
{
	return strstr(panic, "deadlocked on memory") || strcasestr(panic, "out of memory");
}

static int panicked(const struct running *l, const char *from, struct err *e)
{
	auto_free char *line = mem_strndup(from, strcspn(from, "\r\n"));
	auto_free char *said = text_safe(line, 300);

	(void)err_reason(e, ERR_GUEST, "guest_panic", "the guest's kernel panicked: %s", said);
	return is_lack_of_memory(line)
		? err_append(e, "; the machine has %s of memory: give it more by 'memory'",
			  num_show_size(l->vm->memory).s)
		: -1;
}

/*
 * QEMU has ended without an end event. Its exit status proves nothing, but it helps to find the
 * cause.
 */
static int died(const struct running *l, int status, struct err *e)
{
	const char *panic = strstr(l->console.data, "Kernel panic");
	auto_free char *said = last_line(&l->console);

	if (WIFSIGNALED(status))
		return err_reason(e, ERR_HOST, "host_qemu_killed", "QEMU was killed by signal %d",
			WTERMSIG(status));
	if (panic)
		return panicked(l, panic, e);
	if (l->progress == STARTING)
		return died_before_hello(l, status, e);
	return err_reason(e, ERR_GUEST, "guest_power_off",
		"the guest disappeared before its end event; its console ends with: %s", said);
}

/* Read what arrived before QEMU ended: it may contain the end event. */
static int drain(struct running *l, struct err *e)
{
	while (l->log_fd >= 0 && l->progress != ENDED) {
		struct pollfd p = {.fd = l->log_fd, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0)
			break;
		if (read_log(l, e) < 0)
			return -1;
	}
	drain_texts(l);
	return 0;
}

static int qemu_is_gone(struct running *l, struct err *e)
{
	int status = 0;

	if (drain(l, e) < 0)
		return -1;
	if (proc_wait(l->pid, &status) < 0)
		return err_sys(e, "wait for QEMU");
	l->pid = -1;
	if (l->progress == ENDED)
		return 0;
	/* A signal to us is often sent to QEMU, too, and QEMU may end first. */
	if (sig_pending())
		return err_reason(e, ERR_INTERRUPTED, "interrupted",
			"stopped; the guest disappeared before its end");
	return died(l, status, e);
}

static int too_late(const struct running *l, struct err *e)
{
	auto_free char *said = how_far(l);

	if (l->result->stopped)
		return err_reason(
			e, ERR_INTERRUPTED, "interrupted", "stopped; the guest did not answer");
	if (l->progress == RUNNING)
		return err_reason(e, ERR_GUEST, "guest_timeout",
			"the guest did not end in time and was killed");
	if (l->vm->accelerator == ACCELERATOR_KVM)
		return err_reason(e, ERR_HOST, "host_kvm_unusable",
			"KVM is available, but the guest does not boot under it; set 'accelerator: "
			"tcg' in the "
			"configuration");
	return err_reason(e, ERR_GUEST, "guest_boot_timeout",
		"the guest did not boot within %s (boot_timeout): %s",
		num_show_duration(l->vm->boot_timeout_ms).s, said);
}

/*
 * A kernel measures the timer of its emulated processor with a loop of a tenth of a second. If the
 * host gives QEMU no time during the loop, the kernel considers the timer too slow and does not use
 * it; then its first sleep never ends (docs/decisions/0016-processors.md). This is detected much
 * earlier than by the boot limit: a machine that boots is never idle. (The system of a disk may be:
 * its boot loader or a service waits for something.)
 */
static int check_standstill(struct running *l, int64_t now, struct err *e)
{
	int64_t cpu_ns = proc_cpu_ns(l->pid);
	auto_free char *said = NULL;

	if (cpu_ns - l->moved_cpu_ns >= LIMIT_STANDSTILL_MS * 1000000 / 100) {
		l->moved_cpu_ns = cpu_ns;
		l->moved_ms = now;
	}
	if (now - l->moved_ms < LIMIT_STANDSTILL_MS)
		return 0;
	said = how_far(l);
	return err_reason(e, ERR_GUEST, ERR_REASON_STANDSTILL,
		"the guest hung for %lld s while it started: %s",
		(long long)(LIMIT_STANDSTILL_MS / 1000), said);
}

static int check_time(struct running *l, struct err *e)
{
	int64_t now = clock_ms();

	if (l->progress == ENDED)
		return 0;
	if (now >= l->deadline_ms)
		return too_late(l, e);
	if (now >= l->silent_ms)
		return err_reason(e, ERR_GUEST, "guest_silent",
			"the guest said nothing for %lld s and was killed",
			(long long)(LIMIT_SILENCE_MS / 1000));
	if (now >= l->quiet_ms) {
		l->quiet_ms = now + LIMIT_QUIET_MS;
		return l->vm->observer->quiet(l->vm->arg, e);
	}
	if (l->progress == STARTING && l->vm->accelerator == ACCELERATOR_TCG && !l->vm->disk)
		return check_standstill(l, now, e);
	return 0;
}

/*
 * The first signal asks the guest to stop and gives it a little time. Before hello there is no
 * guest to ask.
 */
static int check_signal(struct running *l, struct err *e)
{
	if (!sig_pending() || l->result->stopped || l->progress == ENDED)
		return 0;
	l->result->stopped = true;
	l->signal_fd = -1;
	if (l->progress == STARTING)
		return sig_check(e);
	say(l, FRAME_STOP, NULL);
	if (l->deadline_ms > clock_ms() + LIMIT_STOP_MS)
		l->deadline_ms = clock_ms() + LIMIT_STOP_MS;
	return 0;
}

/* ---- loop ---- */

static int on_log(void *arg, struct err *e)
{
	return read_log(arg, e);
}

static int on_console(void *arg, struct err *e)
{
	struct running *l = arg;

	(void)e;
	(void)read_tail(l, &l->console_fd, &l->console);
	return 0;
}

static int on_errors(void *arg, struct err *e)
{
	struct running *l = arg;

	(void)e;
	(void)read_tail(l, &l->errors_fd, &l->errors);
	return 0;
}

static int on_qemu_exit(void *arg, struct err *e)
{
	struct running *l = arg;

	(void)e;
	l->gone = true;
	return 0;
}

static void watch(struct running *l)
{
	const struct loop_source sources[RUNNING_SOURCES] = {
		{.fd = &l->log_fd, .events = POLLIN, .ready = on_log, .arg = l},
		{.fd = &l->console_fd, .events = POLLIN, .ready = on_console, .arg = l},
		{.fd = &l->errors_fd, .events = POLLIN, .ready = on_errors, .arg = l},
		{.fd = &l->signal_fd, .events = POLLIN},
		{.fd = &l->pidfd, .events = POLLIN, .ready = on_qemu_exit, .arg = l},
	};

	memcpy(l->sources, sources, sizeof(sources));
	for (size_t i = 0; i < RUNNING_SOURCES; i++)
		loop_add(l->vm->loop, &l->sources[i]);
}

/* At most one tick ahead, even if nothing arrives: check_standstill must run regularly. */
static int64_t next_deadline(const struct running *l)
{
	enum { TICK_MS = 200 };
	int64_t next = clock_ms() + TICK_MS;
	const int64_t others[] = {l->quiet_ms, l->silent_ms, l->deadline_ms};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i] < next)
			next = others[i];
	return next;
}

/* Until QEMU has ended, or may be killed. */
static int live(struct running *l, struct err *e)
{
	for (;;) {
		if (loop_turn(l->vm->loop, next_deadline(l), e) < 0 || check_signal(l, e) < 0)
			return -1;
		if (l->progress == ENDED && (!l->vm->orderly || clock_ms() >= l->deadline_ms))
			return 0;
		if (l->gone)
			return qemu_is_gone(l, e);
		if (check_time(l, e) < 0)
			return -1;
	}
}

int vm_run(const struct vm *vm, struct vm_result *ret, struct err *e)
{
	auto_running struct running l;
	int result;

	*ret = (struct vm_result){0};
	running_init(&l, vm, ret);
	result = start(&l, e);
	if (result == 0) {
		watch(&l);
		result = live(&l, e);
	}
	jail_kill(&l.pid);
	drain_texts(&l);
	ret->duration_ms = clock_ms() - l.started_ms;
	return result;
}
