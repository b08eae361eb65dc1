/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_guest.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/version.h"
#include "contract/message.h"
#include "data/jsonl.h"
#include "data/tar.h"
#include "fake_tar.h"
#include "machine/limits.h"
#include "machine/qemu.h"
#include "os/fd.h"

enum { HELD_MAX = 64 * 1024 };

struct guest {
	const struct fake_machine *m;
	const struct strv *flags;
	struct message_hello hello;
	struct message_go go;
	struct message_end end;
	uint64_t nonce;
	uint32_t sequence;
	struct node *steps;            /* of plan.json */
	uint32_t step;                 /* the one that is running */
	uint64_t peak_bytes;           /* what it says that a step used; 0: something usual */
	const char *artifacts, *cache; /* names of fake_tar archives */
	const char *argument;          /* of the flag that is being obeyed */
};

/* ---- what a guest can do ---- */

NORETURN static void power_off(void)
{
	_exit(0);
}

NORETURN static void linger(void)
{
	for (;;)
		(void)pause();
}

/* Frames that are to arrive together wait here: the host may kill us after the first it reads. */
static struct buf held;
static bool holding;

/* The host closing its end is like the plug being pulled. */
static void put(int fd, const void *data, size_t len)
{
	if (holding && fd == QEMU_FD_LOG && held.len < HELD_MAX / 2) {
		buf_add(&held, data, len);
		return;
	}
	if (fd_write_all(fd, data, len) < 0)
		power_off();
}

static void hold(void)
{
	buf_init(&held, HELD_MAX);
	holding = true;
}

static void let_go(void)
{
	holding = false;
	put(QEMU_FD_LOG, held.data, held.len);
	buf_release(&held);
}

static void say(const char *text)
{
	put(QEMU_FD_CONSOLE, text, strlen(text));
}

/* A frame in which nothing has to be true: `claim` bytes are announced, `len` are sent. */
static void send_raw(uint32_t type, uint64_t nonce, uint32_t sequence, uint32_t claim,
	const void *payload, size_t len)
{
	uint32_t words[6] = {htole32(FRAME_MAGIC), htole32(claim), htole32((uint32_t)nonce),
		htole32((uint32_t)(nonce >> 32)), htole32(sequence), htole32(type)};

	put(QEMU_FD_LOG, words, sizeof(words));
	put(QEMU_FD_LOG, payload, len);
}

static void send_frame(struct guest *g, enum frame_type type, const struct buf *payload)
{
	send_raw(
		type, g->nonce, g->sequence++, (uint32_t)payload->len, payload->data, payload->len);
}

static void send_hello(struct guest *g)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_hello(&b, &g->hello);
	send_raw(FRAME_HELLO, 0, g->sequence++, (uint32_t)b.len, b.data, b.len);
}

static void send_heartbeat(struct guest *g)
{
	struct message_heartbeat m = {.guest_ns = (uint64_t)clock_ns()};
	auto_buf struct buf b;

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_heartbeat(&b, &m);
	send_frame(g, FRAME_HEARTBEAT, &b);
}

static void send_step(struct guest *g, enum frame_type type, const void *data, size_t len)
{
	struct message_step m = {.step = g->step};
	auto_buf struct buf b;

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_step(&b, &m);
	buf_add(&b, data, len);
	send_frame(g, type, &b);
}

static void send_step_end(struct guest *g, enum step_outcome outcome)
{
	struct message_step_end m = {.step = g->step,
		.outcome = outcome,
		.exit_code = outcome == STEP_PASSED ? 0 : 1,
		.wall_ns = 1000000,
		.cpu_ns = 500000,
		.peak_bytes = g->peak_bytes ? g->peak_bytes : MIB};
	auto_buf struct buf b;

	if (outcome != STEP_PASSED)
		(void)snprintf(m.text, sizeof(m.text), "exit code 1");
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_step_end(&b, &m);
	send_frame(g, FRAME_STEP_END, &b);
}

static void send_note(struct guest *g, bool warning, const char *text)
{
	struct message_note m = {.warning = warning};
	auto_buf struct buf b;

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_note(&b, &m);
	send_frame(g, FRAME_NOTE, &b);
}

static void send_end(struct guest *g)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_end(&b, &g->end);
	send_frame(g, FRAME_END, &b);
}

/* Wait for a frame of this type; others of the host are passed over. */
static int await(enum frame_type wanted, struct buf *payload, struct err *e)
{
	uint32_t words[6];
	uint32_t len;

	for (;;) {
		if (fd_read_full(QEMU_FD_CTL, words, sizeof(words)) != sizeof(words))
			power_off();
		len = le32toh(words[1]);
		if (le32toh(words[0]) != FRAME_MAGIC || len > LIMIT_CTL_PAYLOAD)
			return err_set(e, ERR_GUEST, "the host sent bytes that are no frame");
		buf_clear(payload);
		if (fd_read_full(QEMU_FD_CTL, buf_room(payload, len), len) != (ssize_t)len)
			power_off();
		buf_grew(payload, len);
		if (le32toh(words[5]) == wanted)
			return 0;
	}
}

static const struct fake_drive *find_drive(const struct guest *g, const char *serial)
{
	for (size_t i = 0; i < g->m->drive_count; i++)
		if (strcmp(g->m->drives[i].serial, serial) == 0)
			return &g->m->drives[i];
	return NULL;
}

static uint64_t argument_number(const struct guest *g, uint64_t otherwise)
{
	return g->argument ? strtoull(g->argument, NULL, 10) : otherwise;
}

/* ---- flags: before the host knows of the guest ---- */

static void never_boots(struct guest *g)
{
	(void)g;
	linger();
}

static void silent(struct guest *g)
{
	(void)g;
	say("Linux version 6.1.0-fake\r\n[    0.5] waiting for nothing\r\n");
	linger();
}

static void exits_at_once(struct guest *g)
{
	(void)g;
	(void)fputs("qemu: could not load PC BIOS 'fake'\n", stderr);
	_exit(1);
}

static void resets(struct guest *g)
{
	(void)g;
	power_off();
}

/* As a unit of an image does when its executor has ended. */
static void complains(struct guest *g)
{
	(void)g;
	say("ERROR: ambient-execute-plan: there is no port\r\nEXIT CODE: 3\r\n");
	power_off();
}

static void panics(struct guest *g)
{
	(void)g;
	say("[    0.9] Kernel panic - not syncing: Attempted to kill init! "
	    "exitcode=0x00000b00\r\n");
	power_off();
}

static void lacks_memory(struct guest *g)
{
	(void)g;
	say("[    0.9] Kernel panic - not syncing: System is deadlocked on memory\r\n");
	power_off();
}

static void garbage(struct guest *g)
{
	char noise[4096];

	(void)g;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 31 + 7);
	put(QEMU_FD_LOG, noise, sizeof(noise));
	linger();
}

static void wrong_version(struct guest *g)
{
	g->hello.protocol = 999;
}

static void wrong_build(struct guest *g)
{
	(void)snprintf(g->hello.build, sizeof(g->hello.build), "0.0.0@000000000000");
}

static void hostile_build(struct guest *g)
{
	(void)snprintf(
		g->hello.build, sizeof(g->hello.build), "1\033]0;owned\a\033[2J\n{\"type\":1}");
}

static void end_before_hello(struct guest *g)
{
	g->end.outcome = STEP_PASSED;
	send_end(g);
	linger();
}

static void cut_hello(struct guest *g)
{
	(void)g;
	send_raw(FRAME_HELLO, 0, 0, 40, "0123456789", 10);
	power_off();
}

static void empty_hello(struct guest *g)
{
	(void)g;
	send_raw(FRAME_HELLO, 0, 0, 0, "", 0);
	linger();
}

/* ---- flags: in the first action ---- */

static void powers_off(struct guest *g)
{
	(void)g;
	power_off();
}

static void panics_in_action(struct guest *g)
{
	send_step(g, FRAME_STDOUT, "working\n", 8);
	panics(g);
}

static void stuck(struct guest *g)
{
	(void)g;
	linger();
}

static void ignores_stop(struct guest *g)
{
	for (;;) {
		send_heartbeat(g);
		(void)poll(NULL, 0, 200);
	}
}

static void wrong_nonce(struct guest *g)
{
	g->nonce++;
	send_heartbeat(g);
	linger();
}

static void no_nonce(struct guest *g)
{
	g->nonce = 0;
	send_heartbeat(g);
	linger();
}

static void sequence_gap(struct guest *g)
{
	g->sequence++;
	send_heartbeat(g);
	linger();
}

static void replayed_frame(struct guest *g)
{
	send_heartbeat(g);
	g->sequence--;
	send_heartbeat(g);
	linger();
}

static void second_hello(struct guest *g)
{
	send_hello(g);
	linger();
}

static void oversized_frame(struct guest *g)
{
	send_raw(FRAME_STDOUT, g->nonce, g->sequence, LIMIT_FRAME_PAYLOAD + 1, "", 0);
	linger();
}

static void gigantic_frame(struct guest *g)
{
	send_raw(FRAME_STDOUT, g->nonce, g->sequence, UINT32_MAX, "", 0);
	linger();
}

/* Argument: bytes of its payload, the first four of which are the step. */
static void sized_frame(struct guest *g)
{
	size_t len = (size_t)argument_number(g, LIMIT_FRAME_PAYLOAD);
	auto_free char *payload = mem_alloc(LIMIT_FRAME_PAYLOAD);
	uint32_t step = htole32(g->step);

	memset(payload, 'x', LIMIT_FRAME_PAYLOAD);
	memcpy(payload, &step, sizeof(step));
	send_raw(FRAME_STDOUT, g->nonce, g->sequence++, (uint32_t)len, payload, len);
}

static void truncated_frame(struct guest *g)
{
	send_raw(FRAME_STDOUT, g->nonce, g->sequence, 1000, "0123456789", 10);
	power_off();
}

static void truncated_header(struct guest *g)
{
	uint32_t magic = htole32(FRAME_MAGIC);

	(void)g;
	put(QEMU_FD_LOG, &magic, sizeof(magic));
	power_off();
}

static void unknown_frame(struct guest *g)
{
	send_raw((uint32_t)argument_number(g, 99), g->nonce, g->sequence, 0, "", 0);
	linger();
}

static void garbage_in_action(struct guest *g)
{
	garbage(g);
}

static void unknown_step(struct guest *g)
{
	g->step = 4000000;
	send_step(g, FRAME_STDOUT, "x\n", 2);
	linger();
}

static void step_twice(struct guest *g)
{
	send_step(g, FRAME_STEP_START, "", 0);
	linger();
}

static void step_not_started(struct guest *g)
{
	g->step++;
	send_step_end(g, STEP_PASSED);
	linger();
}

static void unknown_outcome(struct guest *g)
{
	send_step_end(g, (enum step_outcome)200);
	linger();
}

static void forged_end(struct guest *g)
{
	g->end.outcome = STEP_PASSED;
	send_end(g);
	power_off();
}

static void hostile_text(struct guest *g)
{
	static const char text[] = "\033]0;owned\a\033[2J\033[31mred\n\r\xc2\x9b\xe2\x80\xae"
				   "gnp.exe\xff\xfe\n";

	send_step(g, FRAME_STDOUT, text, sizeof(text) - 1);
	send_note(g, true, "\033[2Jnote\nERROR: forged by the guest");
}

/* Argument: MiB. */
static void flood_line(struct guest *g)
{
	enum { CHUNK = 60000 };
	auto_free char *chunk = mem_alloc(CHUNK);
	uint64_t left = argument_number(g, 1024) * MIB;

	memset(chunk, 'x', CHUNK);
	for (size_t n; left > 0; left -= n) {
		n = left < CHUNK ? (size_t)left : (size_t)CHUNK;
		send_step(g, FRAME_STDOUT, chunk, n);
	}
}

/* Argument: how many lines. */
static void flood_lines(struct guest *g)
{
	uint64_t lines = argument_number(g, 1000000);
	auto_buf struct buf b;

	buf_init(&b, LIMIT_FRAME_PAYLOAD - 64);
	for (uint64_t i = 1; i <= lines; i++) {
		buf_addf(&b, "line %llu\n", (unsigned long long)i);
		if (b.len > 60000 || i == lines) {
			send_step(g, i % 2 ? FRAME_STDOUT : FRAME_STDERR, b.data, b.len);
			buf_clear(&b);
		}
	}
}

/* Argument: how many frames of one byte each. */
static void flood_frames(struct guest *g)
{
	for (uint64_t i = argument_number(g, 200000); i > 0; i--)
		send_step(g, FRAME_STDOUT, "y", 1);
}

static void flood_notes(struct guest *g)
{
	for (uint64_t i = argument_number(g, 100000); i > 0; i--)
		send_note(g, true, "a warning that nobody asked for");
}

/* Argument: MiB. */
static void flood_console(struct guest *g)
{
	auto_free char *chunk = mem_alloc(MIB);

	memset(chunk, 'c', MIB);
	for (uint64_t i = argument_number(g, 64); i > 0; i--)
		put(QEMU_FD_CONSOLE, chunk, MIB);
	say("\r\nlast words on the console\r\n");
}

static void fails_action(struct guest *g)
{
	send_step_end(g, STEP_FAILED);
	g->end.outcome = STEP_FAILED;
	g->end.failed_step = g->step;
	(void)snprintf(g->end.text, sizeof(g->end.text), "exit code 1");
}

/* ---- the host's ssh agent, which is as near to us as it is to QEMU ---- */

static int call_agent(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons(AGENT_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		_exit(1);
	return fd;
}

static void send_hex(int fd, const char *hex)
{
	for (; hex[0] && hex[1]; hex += 2) {
		const char digits[] = {hex[0], hex[1], '\0'};
		uint8_t b = (uint8_t)strtoul(digits, NULL, 16);

		if (fd_write_all(fd, &b, 1) < 0)
			return; /* it has hung up, which is an answer too */
	}
}

/* The argument: bytes in hexadecimal. What comes back is shown by its numbers; then we fail. */
static void asks_agent(struct guest *g)
{
	auto_fd int fd = call_agent();
	auto_buf struct buf text = {0};
	unsigned char byte;

	send_hex(fd, g->argument ? g->argument : "");
	(void)shutdown(fd, SHUT_WR);
	buf_init(&text, HELD_MAX);
	while (read(fd, &byte, 1) == 1)
		buf_addf(&text, "%02x", byte);
	buf_addc(&text, '\n');
	send_step(g, FRAME_STDOUT, text.data, text.len);
	fails_action(g);
}

static void out_of_memory(struct guest *g)
{
	send_step_end(g, STEP_NO_MEMORY);
	g->end.outcome = STEP_NO_MEMORY;
	g->end.failed_step = g->step;
}

/* Argument: bytes. */
static void claims_memory(struct guest *g)
{
	g->peak_bytes = argument_number(g, UINT64_MAX);
}

static void denies_failure(struct guest *g)
{
	send_step_end(g, STEP_FAILED);
	g->end.outcome = STEP_PASSED;
}

/* ---- flags: outputs and the end ---- */

static void set_artifacts(struct guest *g)
{
	g->artifacts = g->argument;
}

static void set_cache(struct guest *g)
{
	g->cache = g->argument;
}

static void no_end(struct guest *g)
{
	(void)g;
	power_off();
}

static struct message_output *claim(struct guest *g, const char *serial)
{
	for (uint32_t i = 0; i < g->end.output_count; i++)
		if (strcmp(g->end.outputs[i].serial, serial) == 0)
			return &g->end.outputs[i];
	BUG("no claim about %s", serial);
}

static void wrong_length(struct guest *g)
{
	claim(g, DRIVE_ARTIFACTS)->bytes += 512;
}

static void odd_length(struct guest *g)
{
	claim(g, DRIVE_ARTIFACTS)->bytes -= 1;
}

static void short_length(struct guest *g)
{
	claim(g, DRIVE_ARTIFACTS)->bytes = 512;
}

static void gigantic_length(struct guest *g)
{
	claim(g, DRIVE_ARTIFACTS)->bytes = UINT64_MAX - 511;
}

static void long_cache(struct guest *g)
{
	claim(g, DRIVE_CACHE_OUT)->bytes = UINT64_MAX - 511;
}

static void wrong_entries(struct guest *g)
{
	claim(g, DRIVE_ARTIFACTS)->entries++;
}

/* Argument: how many. Nobody counts them. */
static void cache_entries(struct guest *g)
{
	claim(g, DRIVE_CACHE_OUT)->entries = argument_number(g, UINT64_MAX);
}

static void missing_output(struct guest *g)
{
	g->end.output_count = 0;
}

static void unknown_output(struct guest *g)
{
	(void)snprintf(claim(g, DRIVE_ARTIFACTS)->serial, DRIVE_SERIAL_MAX, "ambient-src");
}

static void duplicate_output(struct guest *g)
{
	g->end.outputs[g->end.output_count] = *claim(g, DRIVE_ARTIFACTS);
	g->end.output_count++;
}

static void impossible_failure(struct guest *g)
{
	g->end.outcome = STEP_FAILED;
	g->end.failed_step = 123456;
}

static void claims_stop(struct guest *g)
{
	g->end.outcome = STEP_STOPPED;
}

static void end_twice(struct guest *g)
{
	send_end(g);
}

static void frames_after_end(struct guest *g)
{
	send_note(g, true, "one more thing");
}

/* Once before and once after the host knows of the end, so that no moment to hash early is right.
 */
static void writes_after_end(struct guest *g)
{
	static const char mark[] = "written after the end";
	const struct fake_drive *d = find_drive(g, DRIVE_ARTIFACTS);

	for (int i = 0; d && i < 1000; i++)
		if (fd_pwrite_all(d->fd, mark, sizeof(mark), 0) < 0)
			_exit(1);
}

static void grows_drive(struct guest *g)
{
	const struct fake_drive *d = find_drive(g, DRIVE_ARTIFACTS);

	if (d && ftruncate(d->fd, 1 << 20) < 0)
		_exit(1);
}

static void shrinks_drive(struct guest *g)
{
	const struct fake_drive *d = find_drive(g, DRIVE_ARTIFACTS);

	if (d && ftruncate(d->fd, 512) < 0)
		_exit(1);
}

static void lingers(struct guest *g)
{
	(void)g;
	linger();
}

static void floods_after_end(struct guest *g)
{
	for (int i = 0; i < 500; i++)
		send_step(g, FRAME_STDOUT, "still here\n", 11);
}

/* ---- the table ---- */

enum moment {
	AT_POWER_ON,
	IN_ACTION,
	INSTEAD_OF_STEP_END,
	AT_OUTPUTS,
	AT_END,
	WITH_END,
	AFTER_END,
	AFTER_ACK
};

static const struct flag {
	const char *name;
	enum moment moment;
	void (*act)(struct guest *g);
	const char *help;
} flag_table[] = {
	{"never-boots", AT_POWER_ON, never_boots, "not a byte on any channel"},
	{"silent", AT_POWER_ON, silent, "a kernel on the console, and then nothing"},
	{"exits-at-once", AT_POWER_ON, exits_at_once, "QEMU itself fails, with a message"},
	{"resets", AT_POWER_ON, resets, "QEMU ends without a fault, and nothing was said"},
	{"complains", AT_POWER_ON, complains, "the executor complains, and the machine is off"},
	{"panics", AT_POWER_ON, panics, "the kernel panics before the executor runs"},
	{"lacks-memory", AT_POWER_ON, lacks_memory, "the kernel panics for want of memory"},
	{"garbage", AT_POWER_ON, garbage, "bytes that are no frame, before hello"},
	{"wrong-version", AT_POWER_ON, wrong_version, "hello with another protocol version"},
	{"wrong-build", AT_POWER_ON, wrong_build, "hello of another build"},
	{"hostile-build", AT_POWER_ON, hostile_build,
		"hello whose build id has control characters"},
	{"end-before-hello", AT_POWER_ON, end_before_hello, "the first frame is an end"},
	{"cut-hello", AT_POWER_ON, cut_hello, "half a hello, then power off"},
	{"empty-hello", AT_POWER_ON, empty_hello, "a hello without content"},

	{"powers-off", IN_ACTION, powers_off, "power off in mid action"},
	{"panics-in-action", IN_ACTION, panics_in_action, "the kernel panics in mid action"},
	{"stuck", IN_ACTION, stuck, "no heartbeat, no frame, no reaction"},
	{"ignores-stop", IN_ACTION, ignores_stop, "an action without end, deaf to the host"},
	{"wrong-nonce", IN_ACTION, wrong_nonce, "a frame with another nonce"},
	{"no-nonce", IN_ACTION, no_nonce, "a frame with the nonce 0"},
	{"sequence-gap", IN_ACTION, sequence_gap, "a frame is missing"},
	{"replayed-frame", IN_ACTION, replayed_frame, "the same frame again"},
	{"second-hello", IN_ACTION, second_hello, "hello in mid action"},
	{"oversized-frame", IN_ACTION, oversized_frame, "one byte more than the limit"},
	{"gigantic-frame", IN_ACTION, gigantic_frame, "a length of 4 GiB"},
	{"sized-frame", IN_ACTION, sized_frame, "output (argument: bytes of the payload)"},
	{"truncated-frame", IN_ACTION, truncated_frame, "power off within a payload"},
	{"truncated-header", IN_ACTION, truncated_header, "power off within a header"},
	{"unknown-frame", IN_ACTION, unknown_frame, "a type that no guest sends (argument: which)"},
	{"garbage-in-action", IN_ACTION, garbage_in_action, "bytes that are no frame"},
	{"unknown-step", IN_ACTION, unknown_step, "output of a step that the plan has not"},
	{"step-twice", IN_ACTION, step_twice, "a step starts while it runs"},
	{"step-not-started", IN_ACTION, step_not_started, "a step ends that never started"},
	{"unknown-outcome", IN_ACTION, unknown_outcome, "a step ends in no known way"},
	{"forged-end", IN_ACTION, forged_end, "'all passed' in mid action"},
	{"hostile-text", IN_ACTION, hostile_text, "terminal escapes in output and notes"},
	{"flood-line", IN_ACTION, flood_line, "one endless line (argument: MiB)"},
	{"flood-lines", IN_ACTION, flood_lines, "many lines (argument: how many)"},
	{"flood-frames", IN_ACTION, flood_frames, "tiny frames (argument: how many)"},
	{"flood-notes", IN_ACTION, flood_notes, "warnings (argument: how many)"},
	{"flood-console", IN_ACTION, flood_console, "noise on the console (argument: MiB)"},
	{"claims-memory", IN_ACTION, claims_memory, "a peak of memory (argument: bytes)"},
	{"fails-action", INSTEAD_OF_STEP_END, fails_action, "the first action fails"},
	{"asks-agent", INSTEAD_OF_STEP_END, asks_agent,
		"say these bytes to the host's ssh agent (argument: in hexadecimal)"},
	{"out-of-memory", INSTEAD_OF_STEP_END, out_of_memory, "the guest's memory runs out"},
	{"denies-failure", INSTEAD_OF_STEP_END, denies_failure,
		"a step fails, the end says passed"},

	{"artifacts", AT_OUTPUTS, set_artifacts, "write this archive of fake_tar.c as artifacts"},
	{"cache", AT_OUTPUTS, set_cache, "write this archive of fake_tar.c as cache"},
	{"no-end", AT_END, no_end, "power off instead of the end event"},
	{"wrong-length", AT_END, wrong_length, "one block more than was written"},
	{"odd-length", AT_END, odd_length, "a length that is no multiple of 512"},
	{"short-length", AT_END, short_length, "a length of one block"},
	{"gigantic-length", AT_END, gigantic_length, "a length beyond the drive"},
	{"long-cache", AT_END, long_cache, "a cache longer than its drive"},
	{"wrong-entries", AT_END, wrong_entries, "one entry more than was written"},
	{"cache-entries", AT_END, cache_entries, "the cache has so many (argument: how many)"},
	{"missing-output", AT_END, missing_output, "no output is mentioned"},
	{"unknown-output", AT_END, unknown_output, "an input is called an output"},
	{"duplicate-output", AT_END, duplicate_output, "an output is mentioned twice"},
	{"impossible-failure", AT_END, impossible_failure, "a step failed that the plan has not"},
	{"claims-stop", AT_END, claims_stop, "'stopped' at the end, when nobody said stop"},
	{"end-twice", WITH_END, end_twice, "the end event once more"},
	{"frames-after-end", WITH_END, frames_after_end, "a note after the end"},
	{"writes-after-end", AFTER_END, writes_after_end, "change the artifacts after the end"},
	{"writes-after-ack", AFTER_ACK, writes_after_end, "change the artifacts when acknowledged"},
	{"grows-drive", AT_END, grows_drive, "make the artifacts drive larger"},
	{"shrinks-drive", AT_END, shrinks_drive, "make the artifacts drive smaller"},
	{"ignores-ack", AFTER_END, lingers, "never wait for the acknowledgement, never power off"},
	{"exits-before-ack", AFTER_END, powers_off, "power off without the acknowledgement"},
	{"floods-after-end", WITH_END, floods_after_end, "much output after the end"},
	{"hangs-at-exit", AFTER_ACK, lingers, "acknowledged, and never powers off"},
};

void fake_guest_list_flags(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++)
		(void)printf("%-20s %s\n", flag_table[i].name, flag_table[i].help);
}

/* Is this the flag, and what is behind its name? */
static bool flag_matches(const struct flag *f, const char *text, const char **ret_argument)
{
	size_t len = strlen(f->name);

	if (strncmp(text, f->name, len) != 0 || (text[len] != '\0' && text[len] != ' '))
		return false;
	*ret_argument = text[len] ? text + len + 1 : NULL;
	return true;
}

static const struct flag *find_flag(const char *text, const char **ret_argument)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++)
		if (flag_matches(&flag_table[i], text, ret_argument))
			return &flag_table[i];
	return NULL;
}

static int check_flags(const struct strv *flags, struct err *e)
{
	const char *argument;

	strv_each (flags, s) {
		const struct flag *f = find_flag(*s, &argument);

		if (!f)
			return err_set(e, ERR_INPUT, "unknown flag '%s'", *s);
		if (f->moment == AT_OUTPUTS && (!argument || !fake_tar_known(argument)))
			return err_set(e, ERR_INPUT, "unknown archive in '%s'", *s);
	}
	return 0;
}

/* Obey all flags of this moment; true when there was one. */
static bool obey(struct guest *g, enum moment now)
{
	bool any = false;

	strv_each (g->flags, s) {
		const struct flag *f = find_flag(*s, &g->argument);

		if (!f || f->moment != now)
			continue;
		f->act(g);
		any = true;
	}
	return any;
}

/* ---- the life of a guest ---- */

/* plan.json out of the first drive. */
static int read_plan(struct guest *g, struct err *e)
{
	const struct fake_drive *d = find_drive(g, DRIVE_EXEC);
	auto_free char *text = NULL;
	auto_node struct node *plan = NULL;
	size_t len;

	if (!d)
		return err_set(e, ERR_GUEST, "there is no drive " DRIVE_EXEC);
	if (fake_tar_member(d->fd, PLAN_NAME, &text, &len, e) < 0 ||
		jsonl_parse(text, len, PLAN_NAME, &plan, e) < 0)
		return -1;
	if (!node_get(plan, "steps"))
		return err_set(e, ERR_GUEST, PLAN_NAME " has no steps");
	g->steps = node_copy(node_get(plan, "steps"));
	return 0;
}

static bool is_users(const struct node *step)
{
	const char *source = node_get_text(node_get(step, "origin"), "source", "");

	return strcmp(source, "prelude") != 0 && strcmp(source, "epilog") != 0;
}

static void live_steps(struct guest *g)
{
	static const char output[] = "hello from the fake guest\n";
	const struct node *step;
	bool first = true;

	node_each (g->steps, step) {
		send_step(g, FRAME_STEP_START, "", 0);
		if (is_users(step) && first) {
			send_step(g, FRAME_STDOUT, output, sizeof(output) - 1);
			(void)obey(g, IN_ACTION);
			if (!obey(g, INSTEAD_OF_STEP_END))
				send_step_end(g, STEP_PASSED);
			first = false;
		} else {
			send_step_end(g, STEP_PASSED);
		}
		g->step++;
	}
}

static int write_output(struct guest *g, const char *serial, const char *archive, struct err *e)
{
	const struct fake_drive *d = find_drive(g, serial);
	struct message_output *out = &g->end.outputs[g->end.output_count];

	if (!d || !d->writable)
		return 0;
	(void)snprintf(out->serial, sizeof(out->serial), "%s", serial);
	g->end.output_count++;
	return fake_tar_write(archive, d->fd, &out->bytes, &out->entries, e);
}

static int boot(struct guest *g, struct err *e)
{
	auto_buf struct buf b;
	struct frame f;

	(void)obey(g, AT_POWER_ON);
	say("Linux version 6.1.0-fake\r\n");
	send_hello(g);
	buf_init(&b, LIMIT_CTL_PAYLOAD);
	if (await(FRAME_GO, &b, e) < 0)
		return -1;
	f = (struct frame){.type = FRAME_GO, .payload = (const uint8_t *)b.data, .len = b.len};
	if (message_get_go(&f, &g->go, e) < 0)
		return -1;
	g->nonce = g->go.nonce;
	return 0;
}

static bool is_as_told(const struct fake_drive *d, const struct message_drive *told)
{
	struct stat st;

	return d && d->writable == told->writable && fstat(d->fd, &st) == 0 &&
		(uint64_t)st.st_size == told->bytes;
}

/* What `go` says must be what the argument list says: the executor depends on it. */
static int check_go(const struct guest *g, struct err *e)
{
	size_t present = 0;

	if (g->nonce == 0)
		return err_set(e, ERR_GUEST, "the host's nonce is 0");
	for (uint32_t i = 0; i < g->go.drive_count; i++) {
		const struct message_drive *told = &g->go.drives[i];
		bool absent = told->bytes == DRIVE_ABSENT_BYTES;
		const struct fake_drive *d = find_drive(g, told->serial);

		if (absent ? d || told->writable : !is_as_told(d, told))
			return err_set(e, ERR_GUEST, "go is wrong about drive %s", told->serial);
		present += !absent;
	}
	if (present != g->m->drive_count)
		return err_set(e, ERR_GUEST, "go names %zu drives, there are %zu", present,
			g->m->drive_count);
	return 0;
}

static int finish(struct guest *g, struct err *e)
{
	auto_buf struct buf b;

	(void)obey(g, AT_OUTPUTS);
	if (write_output(g, DRIVE_ARTIFACTS, g->artifacts, e) < 0 ||
		write_output(g, DRIVE_CACHE_OUT, g->cache, e) < 0 ||
		write_output(g, DRIVE_DEPS_OUT, "empty", e) < 0)
		return -1;
	(void)obey(g, AT_END);
	hold();
	send_end(g);
	(void)obey(g, WITH_END);
	let_go();
	(void)obey(g, AFTER_END);
	buf_init(&b, LIMIT_CTL_PAYLOAD);
	if (await(FRAME_ACK, &b, e) < 0)
		return -1;
	(void)obey(g, AFTER_ACK);
	return 0;
}

int fake_guest_live(const struct fake_machine *m, const struct strv *flags, struct err *e)
{
	struct guest g = {.m = m,
		.flags = flags,
		.artifacts = "good",
		.cache = "good",
		.hello = {.protocol = CONTRACT_VERSION},
		.end = {.failed_step = MESSAGE_NO_STEP}};
	int result = -1;

	(void)snprintf(g.hello.build, sizeof(g.hello.build), "%s", version_build);
	if (check_flags(flags, e) < 0)
		return -1;
	if (boot(&g, e) == 0 && check_go(&g, e) == 0 && read_plan(&g, e) == 0) {
		live_steps(&g);
		result = finish(&g, e);
	}
	node_free(g.steps);
	return result;
}
