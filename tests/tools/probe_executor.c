/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on process 1, which no signal of ours kills. But we are root: its descriptors can be
 * copied, it can be stopped as by a debugger, and its memory read and written. That makes
 * everything that the executor knows ours, the nonce included.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/message.h"
#include "guest_probe.h"
#include "os/fd.h"
#include "os/path.h"

/* ---- its port ---- */

/* The node of the port for frames: "/dev/vport0p1". */
static bool is_log_port(int number)
{
	auto_free char *file = mem_printf("/sys/class/virtio-ports/vport0p%d/name", number);
	auto_fd int fd = open(file, O_RDONLY | O_CLOEXEC);
	char name[32] = "";

	return fd >= 0 && fd_read_full(fd, name, sizeof(name) - 1) > 0 &&
		strcmp(name, PORT_LOG "\n") == 0;
}

static int find_port(char *ret, size_t size)
{
	for (int i = 1; i < 8; i++) {
		if (!is_log_port(i))
			continue;
		(void)snprintf(ret, size, "/dev/vport0p%d", i);
		return 0;
	}
	errno = ENOENT;
	return -1;
}

static int steal_port(void)
{
	auto_fd int process = pidfd_open(1, 0);
	char port[32], target[64];

	if (process < 0 || find_port(port, sizeof(port)) < 0)
		return -1;
	for (int fd = 3; fd < 64; fd++) {
		auto_free char *link = mem_printf("/proc/1/fd/%d", fd);
		ssize_t n = readlink(link, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, port) == 0)
			return pidfd_getfd(process, fd, 0);
	}
	errno = ENOENT;
	return -1;
}

/* All of it, although the port does not wait. */
static int send_bytes(int port, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(port, p, len);

		if (n < 0 && errno != EAGAIN)
			return probe_failed("write to the port");
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int probe_send_garbage(char **args)
{
	auto_fd int port = steal_port();
	char garbage[256];

	(void)args;
	if (port < 0)
		return probe_failed("the port of process 1");
	memset(garbage, 'x', sizeof(garbage));
	return send_bytes(port, garbage, sizeof(garbage));
}

int probe_send_nonce(char **args)
{
	auto_fd int port = steal_port();
	uint8_t header[FRAME_HEADER_BYTES] = {0};

	(void)args;
	if (port < 0)
		return probe_failed("the port of process 1");
	frame_header(header, FRAME_HEARTBEAT, 0x6f7468657272756eu, 0, 0);
	return send_bytes(port, header, sizeof(header));
}

/* ---- its memory ---- */

/* What is needed to speak for the executor: from the header of the frame that it sent last. */
struct forger {
	int port;
	uint64_t nonce;
	uint32_t sequence; /* of our next frame */
};

static int stop_executor(void)
{
	int status;

	if (ptrace(PTRACE_SEIZE, 1, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, 1, NULL, NULL) < 0)
		return probe_failed("stop process 1");
	return waitpid(1, &status, __WALL) == 1 ? 0 : probe_failed("wait for process 1");
}

static int find_stack(uint64_t *ret_from, uint64_t *ret_to)
{
	FILE *maps = fopen("/proc/1/maps", "re");
	char line[256];
	int found = -1;

	while (maps && found < 0 && fgets(line, sizeof(line), maps)) {
		char *end;

		if (!strstr(line, "[stack]"))
			continue;
		*ret_from = strtoull(line, &end, 16);
		*ret_to = strtoull(end + 1, NULL, 16);
		found = 0;
	}
	if (maps)
		(void)fclose(maps);
	return found;
}

/* The executor's buffer is on its stack, and begins with the header of what was sent last. */
static int find_header(const uint8_t *stack, size_t len, struct forger *f)
{
	int found = -1;

	for (size_t at = 0; at + FRAME_HEADER_BYTES <= len; at += 4) {
		uint32_t words[6];
		uint64_t nonce;

		memcpy(words, stack + at, sizeof(words));
		nonce = words[2] | (uint64_t)words[3] << 32;
		if (words[0] != FRAME_MAGIC || !nonce || words[4] < f->sequence)
			continue;
		f->nonce = nonce;
		f->sequence = words[4] + 1;
		found = 0;
	}
	return found;
}

static int become_executor(struct forger *f)
{
	auto_fd int memory = open("/proc/1/mem", O_RDONLY | O_CLOEXEC);
	auto_free uint8_t *stack = NULL;
	uint64_t from, to;

	*f = (struct forger){.port = steal_port()};
	if (f->port < 0)
		return probe_failed("the port of process 1");
	if (stop_executor() < 0)
		return -1;
	if (memory < 0 || find_stack(&from, &to) < 0)
		return probe_failed("the stack of process 1");
	stack = mem_alloc(to - from);
	if (fd_pread_full(memory, stack, to - from, from) != (ssize_t)(to - from))
		return probe_failed("read the stack of process 1");
	errno = ENOENT;
	return find_header(stack, to - from, f) < 0 ? probe_failed("the nonce") : 0;
}

static int forge(struct forger *f, enum frame_type type, const struct buf *payload)
{
	uint8_t header[FRAME_HEADER_BYTES] = {0};

	frame_header(header, type, f->nonce, f->sequence++, payload->len);
	if (send_bytes(f->port, header, sizeof(header)) < 0)
		return -1;
	return send_bytes(f->port, payload->data, payload->len);
}

static int forge_end(struct forger *f, char **outputs)
{
	struct message_end end = {
		.outcome = STEP_PASSED, .failed_step = MESSAGE_NO_STEP, .guest_ns = 1};
	auto_buf struct buf b = {0};

	for (; *outputs && end.output_count < DRIVES_MAX; outputs++) {
		struct message_output *o = &end.outputs[end.output_count++];

		(void)snprintf(o->serial, sizeof(o->serial), "%s", *outputs);
		o->bytes = DRIVE_EMPTY_BYTES;
	}
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_end(&b, &end);
	return forge(f, FRAME_END, &b);
}

/* For ever, so that nobody sees us end; the host decides. */
NORETURN static void linger(void)
{
	for (;;)
		(void)pause();
}

int probe_forge_end(char **args)
{
	static char *none[] = {NULL};
	struct forger f;

	(void)args;
	if (become_executor(&f) < 0 || forge_end(&f, none) < 0)
		return -1;
	linger();
}

static int forge_step(struct forger *f, uint32_t step, bool start)
{
	struct message_step begins = {.step = step};
	struct message_step_end ends = {.step = step, .outcome = STEP_PASSED};
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_step(&b, &begins);
	if (start && forge(f, FRAME_STEP_START, &b) < 0)
		return -1;
	buf_clear(&b);
	message_put_step_end(&b, &ends);
	return forge(f, FRAME_STEP_END, &b);
}

int probe_forge_pass(char **args)
{
	uint32_t running = (uint32_t)strtoul(args[0], NULL, 10);
	uint32_t count = (uint32_t)strtoul(args[1], NULL, 10);
	struct forger f;

	if (become_executor(&f) < 0)
		return -1;
	for (uint32_t step = running; step < count; step++)
		if (forge_step(&f, step, step != running) < 0)
			return -1;
	if (forge_end(&f, args + 2) < 0)
		return -1;
	linger();
}

int probe_freeze(char **args)
{
	(void)args;
	if (stop_executor() < 0)
		return -1;
	linger();
}

int probe_spin(char **args)
{
	const struct sched_param most = {.sched_priority = sched_get_priority_max(SCHED_FIFO)};

	(void)args;
	if (sched_setscheduler(0, SCHED_FIFO, &most) < 0)
		return probe_failed("sched_setscheduler");
	for (volatile unsigned i = 0;; i++)
		;
}

int probe_crash(char **args)
{
	auto_fd int memory = open("/proc/1/mem", O_WRONLY | O_CLOEXEC);
	auto_free uint8_t *nonsense = NULL;
	uint64_t from, to;

	(void)args;
	if (memory < 0 || find_stack(&from, &to) < 0)
		return probe_failed("the stack of process 1");
	nonsense = mem_alloc(to - from);
	memset(nonsense, 0xcc, to - from);
	if (fd_pwrite_all(memory, nonsense, to - from, from) < 0)
		return probe_failed("write to process 1");
	linger();
}
