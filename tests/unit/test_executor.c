/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor without its machine: its end of the ports, its options, its plan, and the order of
 * steps, with the test as the host. What needs to be process 1 (running programs, killing what they
 * leave) is tested with fake-qemu and in real machines.
 */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "actions/table.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "data/pack.h"
#include "executor/job/planfile.h"
#include "executor/job/steps.h"
#include "executor/job/stream.h"
#include "executor/link.h"
#include "executor/machine/machine.h"
#include "executor/machine/nodes.h"
#include "executor/machine/pid1.h"
#include "machine/limits.h"

#define NONCE 0x1122334455667788u

/* ---- the host's side ---- */

struct host {
	int log, ctl;
	uint32_t sequence;
	struct frame_reader reader;
	struct link link; /* the other side */
};

static void host_init(struct host *h)
{
	int log[2], ctl[2];
	struct err e = {0};

	*h = (struct host){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, log), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl), 0);
	h->log = log[0];
	h->ctl = ctl[0];
	expect_ok(fd_set_nonblock(h->log, &e), &e);
	frame_reader_init(&h->reader);
	h->reader.nonce = NONCE;
	link_init(&h->link);
	expect_ok(link_connect(&h->link, log[1], ctl[1], &e), &e);
}

static void host_release(struct host *h)
{
	fd_close(h->log);
	fd_close(h->ctl);
	frame_reader_release(&h->reader);
	link_release(&h->link);
}
#define auto_host __attribute__((cleanup(host_release)))

static void host_says(struct host *h, enum frame_type type, const struct buf *payload)
{
	uint8_t header[FRAME_HEADER_BYTES];

	frame_header(header, type, NONCE, h->sequence++, payload ? payload->len : 0);
	assert_int_equal(fd_write_all(h->ctl, header, sizeof(header)), 0);
	if (payload)
		assert_int_equal(fd_write_all(h->ctl, payload->data, payload->len), 0);
}

static void host_says_go(struct host *h, uint64_t nonce)
{
	struct message_go go = {.nonce = nonce};
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_CTL_PAYLOAD);
	message_put_go(&b, &go);
	host_says(h, FRAME_GO, &b);
}

/* A link that has seen `go`. */
static void host_start(struct host *h)
{
	struct err e = {0};

	host_init(h);
	host_says_go(h, NONCE);
	expect_ok(link_read(&h->link, &e), &e);
	assert_true(h->link.have_go);
}

/* The next frame that is there: false when there is none. */
static bool host_hears(struct host *h, struct frame *ret)
{
	struct err e = {0};
	int got;

	while ((got = frame_reader_next(&h->reader, ret, &e)) == 0) {
		size_t room;
		uint8_t *at = frame_reader_room(&h->reader, &room);
		ssize_t n = read(h->log, at, room);

		if (n <= 0)
			return false;
		frame_reader_fed(&h->reader, (size_t)n);
	}
	expect_ok(got, &e);
	return true;
}

/* All frames that are there, as words: "start0 out0:text end0:passed beat". */
static char *host_story(struct host *h)
{
	static const char *const outcomes[STEP_OUTCOMES] = {"passed", "failed", "timed-out",
		"out-of-time", "stopped", "no-memory", "too-large", "broken", "no-processes"};
	auto_buf struct buf b = {0};
	struct err e = {0};
	struct frame f;

	buf_init(&b, 1 << 16);
	while (host_hears(h, &f)) {
		struct message_step_end end;
		struct message_step step;
		const char *data;
		size_t len;

		if (b.len)
			buf_addc(&b, ' ');
		if (f.type == FRAME_STEP_START) {
			expect_ok(message_get_step(&f, &step, &e), &e);
			buf_addf(&b, "start%u", step.step);
		} else if (f.type == FRAME_STEP_END) {
			expect_ok(message_get_step_end(&f, &end, &e), &e);
			buf_addf(&b, "end%u:%s:%d", end.step, outcomes[end.outcome], end.exit_code);
		} else if (f.type == FRAME_STDOUT || f.type == FRAME_STDERR) {
			expect_ok(message_get_output(&f, &step, &data, &len, &e), &e);
			buf_addf(&b, "%s%u:%zu", f.type == FRAME_STDOUT ? "out" : "err", step.step,
				len);
		} else {
			buf_addf(&b, "type%u", f.type);
		}
	}
	return buf_detach(&b, NULL);
}

/* ---- the ports ---- */

static void test_go_gives_the_nonce_of_all_later_frames(void **state)
{
	auto_host struct host h;
	struct err e = {0};
	struct frame f;

	(void)state;
	host_init(&h);
	expect_ok(link_send(&h.link, FRAME_HELLO, NULL, &e), &e);
	host_says_go(&h, NONCE);
	expect_ok(link_wait(&h.link, &h.link.have_go, CLOCK_NEVER, &e), &e);
	expect_ok(link_send(&h.link, FRAME_END, NULL, &e), &e);
	assert_true(host_hears(&h, &f));
	assert_int_equal(f.type, FRAME_HELLO);
	assert_true(host_hears(&h, &f));
	assert_int_equal(f.type, FRAME_END);
}

static void test_go_comes_once_and_has_a_nonce(void **state)
{
	auto_host struct host h, none;
	struct err e = {0}, e2 = {0};

	(void)state;
	host_start(&h);
	host_says_go(&h, NONCE);
	expect_err(link_read(&h.link, &e), &e, ERR_HOST, "the host said go twice");
	host_init(&none);
	host_says_go(&none, 0);
	expect_err(link_read(&none.link, &e2), &e2, ERR_HOST, "the host said go without a nonce");
}

static void test_go_that_cannot_be_read_is_refused(void **state)
{
	auto_host struct host h;
	auto_buf struct buf b = {0};
	struct err e = {0};

	(void)state;
	host_init(&h);
	buf_init(&b, 100);
	buf_adds(&b, "go!");
	host_says(&h, FRAME_GO, &b);
	expect_err(link_read(&h.link, &e), &e, ERR_GUEST,
		"from the host: the frame 'go' has invalid content");
	assert_false(h.link.have_go);
}

static void test_stop_and_ack_are_seen(void **state)
{
	auto_host struct host h;
	struct err e = {0};

	(void)state;
	host_start(&h);
	host_says(&h, FRAME_STOP, NULL);
	expect_ok(link_read(&h.link, &e), &e);
	assert_true(h.link.stop && !h.link.ack);
	host_says(&h, FRAME_ACK, NULL);
	expect_ok(link_wait(&h.link, &h.link.ack, clock_ms() + 10000, &e), &e);
	assert_true(h.link.ack);
}

static void test_waiting_ends_at_its_deadline(void **state)
{
	auto_host struct host h;
	struct err e = {0};
	int64_t start = clock_ms();

	(void)state;
	host_start(&h);
	expect_ok(link_wait(&h.link, &h.link.ack, start + 20, &e), &e);
	assert_false(h.link.ack);
	assert_true(clock_ms() >= start + 20);
}

static void test_a_host_that_is_gone_is_an_error(void **state)
{
	auto_host struct host h;
	struct err e = {0}, e2 = {0};

	(void)state;
	host_start(&h);
	fd_close(fd_steal(&h.ctl));
	expect_err(
		link_read(&h.link, &e), &e, ERR_HOST, "the host has closed its end of the ports");
	fd_close(fd_steal(&h.log));
	expect_err(link_wait(&h.link, &h.link.ack, CLOCK_NEVER, &e2), &e2, ERR_HOST,
		"the host has closed its end of the ports");
}

/* Fill the port: the number of bytes until the link is busy. */
static size_t fill(struct host *h)
{
	size_t bytes = 0;
	struct err e = {0};

	while (!link_busy(&h->link)) {
		size_t room;
		uint8_t *at = link_room(&h->link, FRAME_STDOUT, 0, &room);

		assert_true(room > 0 && room + FRAME_HEADER_BYTES <= LINK_OUT_BYTES);
		memset(at, 'x', room);
		expect_ok(link_output(&h->link, FRAME_STDOUT, 0, room, &e), &e);
		bytes += room;
	}
	return bytes;
}

static void test_a_host_that_does_not_read_makes_the_link_busy_and_loses_nothing(void **state)
{
	auto_host struct host h;
	struct err e = {0};
	struct frame f;
	size_t sent, heard = 0;

	(void)state;
	host_start(&h);
	sent = fill(&h);
	assert_int_equal(link_held_ns(&h.link), -1);
	h.link.next_beat_ms = 0;
	expect_ok(link_beat(&h.link, &e), &e);
	while (host_hears(&h, &f)) {
		assert_int_equal(f.type, FRAME_STDOUT);
		heard += f.len - 4;
		expect_ok(link_flush(&h.link, &e), &e);
	}
	assert_int_equal(heard, sent);
	assert_false(link_busy(&h.link));
	assert_int_equal(frame_reader_pending(&h.reader), 0);
}

static void says(struct host *h, enum frame_type type, const char *text)
{
	struct err e = {0};
	size_t room;
	uint8_t *at = link_room(&h->link, type, 7, &room);

	assert_true(room >= strlen(text));
	memcpy(at, text, strlen(text));
	expect_ok(link_output(&h->link, type, 7, strlen(text), &e), &e);
}

/* Moments are set, not waited for. */
static void test_output_waits_for_more_and_stays_in_order(void **state)
{
	auto_host struct host h;
	auto_free char *first = NULL, *rest = NULL;
	struct err e = {0};

	(void)state;
	host_start(&h);
	says(&h, FRAME_STDOUT, "at once");
	first = host_story(&h);
	assert_string_equal(first, "out7:7");
	h.link.hold_ns = clock_ns() + 3600 * 1000000000LL;
	says(&h, FRAME_STDOUT, "a");
	says(&h, FRAME_STDOUT, "b");
	says(&h, FRAME_STDERR, "c");
	says(&h, FRAME_STDOUT, "d");
	assert_false(link_busy(&h.link));
	assert_true(link_held_ns(&h.link) > 0);
	expect_ok(link_send_due(&h.link, &e), &e);
	assert_int_equal(h.link.out_start, 0);
	h.link.hold_ns = 0;
	assert_int_equal(link_held_ns(&h.link), 0);
	expect_ok(link_send_due(&h.link, &e), &e);
	assert_int_equal(link_held_ns(&h.link), -1);
	rest = host_story(&h);
	assert_string_equal(rest, "out7:2 err7:1 out7:1");
}

static void test_a_message_comes_behind_output_that_waits(void **state)
{
	auto_host struct host h;
	auto_free char *story = NULL;
	struct err e = {0};

	(void)state;
	host_start(&h);
	h.link.hold_ns = clock_ns() + 3600 * 1000000000LL;
	says(&h, FRAME_STDERR, "last words");
	expect_ok(link_send(&h.link, FRAME_HEARTBEAT, NULL, &e), &e);
	story = host_story(&h);
	assert_string_equal(story, "err7:10 type2");
}

static void write_to(const struct stream *s, const char *text)
{
	assert_int_equal(fd_write_all(s->their_fd, text, strlen(text)), 0);
}

static void expect_read(struct stream *s, const char *text)
{
	char data[100] = "";
	ssize_t n = stream_read(s, data, sizeof(data) - 1);

	assert_int_equal(n, strlen(text));
	assert_string_equal(data, text);
}

static void expect_no_more(struct stream *s)
{
	char data[100];

	assert_int_equal(stream_read(s, data, sizeof(data)), -1);
	assert_int_equal(errno, EAGAIN);
}

static void test_a_plugged_pipe_takes_nothing_and_loses_nothing(void **state)
{
	struct stream s = STREAM_NONE(FRAME_STDOUT);
	struct err e = {0};

	(void)state;
	expect_ok(stream_open(&s, &e), &e);
	write_to(&s, "before");
	stream_plug(&s);
	assert_true(s.plug > 0);
	stream_plug(&s);
	assert_int_equal(fcntl(s.their_fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(write(s.their_fd, "x", 1), -1);
	assert_int_equal(errno, EAGAIN);
	expect_read(&s, "before");
	expect_no_more(&s);
	assert_int_equal(s.plug, 0);
	write_to(&s, "after");
	expect_read(&s, "after");
	stream_plug(&s);
	expect_no_more(&s);
	stream_close(&s);
}

static void test_heartbeats_come_when_due(void **state)
{
	auto_host struct host h;
	auto_free char *story = NULL;
	struct err e = {0};

	(void)state;
	host_start(&h);
	h.link.next_beat_ms = clock_ms() + 10000;
	expect_ok(link_beat(&h.link, &e), &e);
	h.link.next_beat_ms = clock_ms();
	expect_ok(link_beat(&h.link, &e), &e);
	expect_ok(link_beat(&h.link, &e), &e);
	story = host_story(&h);
	assert_string_equal(story, "type2");
}

/* ---- options ---- */

static int choose(struct machine *ret, enum pid1_choice *ret_choice, struct err *e, char **words)
{
	int count = 0;

	while (words[count])
		count++;
	return pid1_choose(count, words, ret_choice, ret, e);
}
#define WORDS(...) ((char *[]){(char[]){"ambient-execute-plan"}, __VA_ARGS__, NULL})
#define W(s) ((char[]){s})

static void test_options_of_a_test_are_ports_and_drives(void **state)
{
	enum pid1_choice choice;
	struct err e = {0};
	struct machine m;

	(void)state;
	expect_ok(
		choose(&m, &choice, &e,
			WORDS(W("--on-host"), W("--log"), W("7"), W("--ctl"), W("8"), W("--drive"),
				W("ambient-src=9:ro"), W("--drive"), W("ambient-artifacts=10"))),
		&e);
	assert_int_equal(choice, PID1_RUN);
	assert_true(m.log_fd == 7 && m.ctl_fd == 8 && m.drive_count == 2);
	assert_string_equal(m.drives[0].want.serial, "ambient-src");
	assert_true(m.drives[0].fd == 9 && !m.drives[0].want.writable);
	assert_true(m.drives[1].fd == 10 && m.drives[1].want.writable);
	assert_ptr_equal(machine_drive(&m, "ambient-artifacts"), &m.drives[1]);
	assert_null(machine_drive(&m, "ambient"));
}

static void expect_bad_options(char **words, const char *message)
{
	enum pid1_choice choice;
	struct err e = {0};
	struct machine m;

	expect_err(choose(&m, &choice, &e, words), &e, ERR_INPUT, message);
}

static void test_wrong_options_are_named(void **state)
{
	(void)state;
	expect_bad_options(WORDS(W("--on-host"), W("--log"), W("7")),
		"--on-host: --log and --ctl are missing");
	expect_bad_options(WORDS(W("--on-host"), W("--log")), "--log: a value is missing");
	expect_bad_options(WORDS(W("--on-host"), W("--drive"), W("x")),
		"--drive: 'x' is not SERIAL=FD or SERIAL=FD:ro");
	expect_bad_options(WORDS(W("--on-host"), W("--drive"), W("x=3:rw")),
		"--drive: 'x=3:rw' is not SERIAL=FD or SERIAL=FD:ro");
	expect_bad_options(
		WORDS(W("--frob")), "unknown argument '--frob'; --help lists those that are known");
}

static void test_without_machine_is_an_option_alone(void **state)
{
	enum pid1_choice choice;
	struct err e = {0};
	struct machine m;

	(void)state;
	expect_ok(choose(&m, &choice, &e, WORDS(W("--without-machine"))), &e);
	assert_int_equal(choice, PID1_BY_HAND);
	expect_bad_options(WORDS(W("--without-machine"), W("x")),
		"unknown argument 'x'; --help lists those that are known");
}

static void test_help_and_version_need_no_machine(void **state)
{
	enum pid1_choice choice;
	struct err e = {0};
	struct machine m;

	(void)state;
	expect_ok(choose(&m, &choice, &e, WORDS(W("--help"))), &e);
	assert_int_equal(choice, PID1_HELP);
	expect_ok(choose(&m, &choice, &e, WORDS(W("--version"))), &e);
	assert_int_equal(choice, PID1_VERSION);
}

/* ---- the plan on its drive ---- */

static int memory_drive(const struct machine *m, const struct drive *d, int *ret_fd, struct err *e)
{
	(void)m;
	*ret_fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_sys(e, "drive") : 0;
}

/* A machine whose first drive holds one member. */
static void make_exec(struct machine *m, const char *name, const char *text, size_t len)
{
	const struct pack_options options = {.out_is_zero = true};
	auto_packer struct packer *p = NULL;
	auto_pack_result struct pack_result result = {0};
	struct err e = {0};
	int fd = fd_memory("exec", &e);

	expect_ok(fd, &e);
	p = pack_begin(fd, &options);
	expect_ok(pack_add_file(p, name, 0644, text, len, &e), &e);
	expect_ok(pack_end(p, &result, &e), &e);
	*m = (struct machine){.open_drive = memory_drive, .drive_count = 1};
	m->drives[0] =
		(struct drive){.fd = fd, .want = {.serial = DRIVE_EXEC, .bytes = result.bytes}};
}

static void expect_no_plan(const char *name, const char *text, size_t len, const char *message)
{
	auto_plan struct plan p = {0};
	struct err e = {0};
	struct machine m;

	make_exec(&m, name, text, len);
	assert_int_equal(planfile_read(&m, actions_guest_plan, &p, &e), -1);
	assert_string_equal(e.msg, message);
	fd_close(m.drives[0].fd);
}

static void test_the_plan_is_read_from_its_drive(void **state)
{
	static const char text[] =
		"{\"format\":1,\"source\":\"plan\",\"env\":[\"A=b\"],\"steps\":[]}";
	auto_plan struct plan p = {0};
	struct err e = {0};
	struct machine m;

	(void)state;
	make_exec(&m, PLAN_NAME, text, strlen(text));
	expect_ok(planfile_read(&m, actions_guest_plan, &p, &e), &e);
	assert_true(strv_has(&p.env, "A=b"));
	fd_close(m.drives[0].fd);
}

static void test_a_drive_without_a_plan_is_an_error(void **state)
{
	auto_free char *large = mem_alloc(LIMIT_PLAN_BYTES + 1);
	auto_plan struct plan p = {0};
	struct machine none = {.source = GUEST_SRC};
	struct err e = {0};

	(void)state;
	expect_no_plan("other.json", "{}", 2, "drive 'ambient-exec': there is no plan.json");
	expect_no_plan(PLAN_NAME, large, LIMIT_PLAN_BYTES + 1,
		"drive 'ambient-exec': plan.json has 4194305 bytes, the limit is 4194304");
	expect_no_plan(PLAN_NAME, "{}", 2, "plan.json: missing key 'format'");
	expect_err(planfile_read(&none, actions_guest_plan, &p, &e), &e, ERR_HOST,
		"drive 'ambient-exec': the host announced no such drive");
}

/* ---- steps ---- */

#define ORIGIN "\"origin\":{\"source\":\"plan\",\"index\":0,\"action\":\"x\"}"
#define STEP(action, args) "{\"action\":\"" action "\",\"args\":{" args "}," ORIGIN "}"
#define ALWAYS(action, args)                                                                       \
	"{\"action\":\"" action "\",\"args\":{" args "},\"always\":true," ORIGIN "}"
#define FAILS STEP("mkdir", "\"pathname\":\"/proc/version/x\"")

static struct message_end run_steps(struct host *h, const char *head, const char *steps)
{
	auto_free char *text =
		mem_printf("{\"format\":1,\"source\":\"plan\",%s\"steps\":[%s]}", head, steps);
	auto_node struct node *tree = NULL;
	auto_plan struct plan p = {0};
	struct machine m = {.open_drive = memory_drive, .source = GUEST_SRC};
	struct message_end end;
	struct err e = {0};

	expect_ok(jsonl_parse(text, strlen(text), "plan.json", &tree, &e), &e);
	expect_ok(plan_from_node(tree, actions_guest_plan, "plan.json", &p, &e), &e);
	expect_ok(steps_run(&p, actions_guest_plan, &m, &h->link, &end, &e), &e);
	return end;
}

static void test_steps_run_in_order(void **state)
{
	auto_host struct host h;
	auto_free char *story = NULL;
	struct message_end end;

	(void)state;
	host_start(&h);
	end = run_steps(&h, "", STEP("dummy", "") "," STEP("pwd", "") "," ALWAYS("dummy", ""));
	story = host_story(&h);
	assert_string_equal(
		story, "start0 end0:passed:0 start1 out1:8 end1:passed:0 start2 end2:passed:0");
	assert_int_equal(end.outcome, STEP_PASSED);
	assert_int_equal(end.failed_step, MESSAGE_NO_STEP);
}

static void test_the_first_failure_skips_all_that_need_not_run(void **state)
{
	auto_host struct host h;
	auto_free char *story = NULL;
	struct message_end end;

	(void)state;
	host_start(&h);
	end = run_steps(
		&h, "", STEP("dummy", "") "," FAILS "," STEP("pwd", "") "," ALWAYS("pwd", ""));
	story = host_story(&h);
	assert_string_equal(
		story, "start0 end0:passed:0 start1 end1:failed:-1 start3 out3:8 end3:passed:0");
	assert_int_equal(end.outcome, STEP_FAILED);
	assert_int_equal(end.failed_step, 1);
	assert_non_null(strstr(end.text, "/proc/version"));
}

static void test_the_first_failure_is_the_one_that_counts(void **state)
{
	auto_host struct host h;
	struct message_end end;

	(void)state;
	host_start(&h);
	end = run_steps(
		&h, "", FAILS "," ALWAYS("tar_extract", "\"archive\":\"x\",\"directory\":\"y\""));
	assert_int_equal(end.outcome, STEP_FAILED);
	assert_int_equal(end.failed_step, 0);
}

static void test_a_missing_drive_is_the_fault_of_the_machine(void **state)
{
	auto_host struct host h;
	auto_free char *story = NULL;
	struct message_end end;

	(void)state;
	host_start(&h);
	end = run_steps(&h, "", STEP("tar_extract", "\"archive\":\"floppy\",\"directory\":\"y\""));
	story = host_story(&h);
	assert_string_equal(story, "start0 end0:broken:-1");
	assert_int_equal(end.outcome, STEP_BROKEN);
	assert_string_equal(end.text, "there is no drive 'floppy' in this machine");
}

static void test_after_stop_nothing_runs(void **state)
{
	auto_host struct host h;
	auto_free char *story = NULL;
	struct message_end end;

	(void)state;
	host_start(&h);
	host_says(&h, FRAME_STOP, NULL);
	end = run_steps(&h, "", STEP("dummy", "") "," ALWAYS("dummy", ""));
	story = host_story(&h);
	assert_string_equal(story, "");
	assert_int_equal(end.outcome, STEP_STOPPED);
	assert_int_equal(end.failed_step, MESSAGE_NO_STEP);
	assert_string_equal(end.text, "stopped");
}

static void test_a_program_that_is_not_there_is_status_127(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *plain = expect_file(dir, "plain", "text\n");
	auto_free char *steps = mem_printf(
		"{\"action\":\"spawn\",\"args\":{\"argv\":[\"no-such-program\"],\"directory\":\"%"
		"s\"},"
		"\"always\":true," ORIGIN "},"
		"{\"action\":\"spawn\",\"args\":{\"argv\":[\"./plain\"],\"directory\":\"%s\"},"
		"\"always\":true," ORIGIN "},"
		"{\"action\":\"spawn\",\"args\":{\"argv\":[\"true\"],\"directory\":\"/"
		"nonexistent\"},"
		"\"always\":true," ORIGIN "}",
		dir, dir);
	auto_free char *story = NULL;
	auto_host struct host h;
	struct message_end end;

	(void)state;
	assert_non_null(plain);
	host_start(&h);
	end = run_steps(&h, "\"env\":[\"PATH=/usr/bin:/bin\"],", steps);
	story = host_story(&h);
	assert_string_equal(
		story, "start0 end0:failed:127 start1 end1:failed:126 start2 end2:failed:126");
	assert_string_equal(
		end.text, "cannot run 'no-such-program': it is not in PATH in this image");
}

static void test_limits_are_the_earliest_and_stop_before_all(void **state)
{
	struct plan p = {
		.steps = &(struct step){.timeout_ms = 90000}, .count = 1, .timeout_ms = 5000};
	struct link l = {0};
	struct run r = {.plan = &p,
		.link = &l,
		.step_deadline_ms = CLOCK_NEVER,
		.plan_deadline_ms = CLOCK_NEVER};
	struct err e = {0}, e2 = {0};

	(void)state;
	assert_int_equal(steps_limit(&r), STEP_PASSED);
	r.plan_deadline_ms = clock_ms();
	assert_int_equal(steps_next_limit_ms(&r), r.plan_deadline_ms);
	assert_int_equal(steps_limit(&r), STEP_OUT_OF_TIME);
	r.step_deadline_ms = clock_ms();
	assert_int_equal(steps_limit(&r), STEP_TIMED_OUT);
	l.stop = true;
	assert_int_equal(steps_limit(&r), STEP_STOPPED);
	expect_err(steps_over(&r, STEP_TIMED_OUT, &e), &e, ERR_INPUT,
		"the time limit of the action, 1 min 30 s, is reached");
	expect_err(steps_over(&r, STEP_OUT_OF_TIME, &e2), &e2, ERR_INPUT,
		"the time limit of the run is reached");
	assert_int_equal(r.ctx.result.outcome, STEP_OUT_OF_TIME);
}

static void test_nodes_of_modules_are_read(void **state)
{
	static const struct {
		const char *line, *name;
		mode_t mode;
		unsigned major, minor;
	} rows[] = {
		{"fuse fuse c10:229", "fuse", S_IFCHR | 0666, 10, 229},
		{"tun net/tun c10:200", "net/tun", S_IFCHR | 0666, 10, 200},
		{"loop loop-control c10:237", "loop-control", S_IFCHR | 0600, 10, 237},
		{"x disk b8:0", "disk", S_IFBLK | 0600, 8, 0},
	};
	struct node_spec n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(nodes_parse(rows[i].line, &n));
		assert_string_equal(n.name, rows[i].name);
		assert_int_equal(n.mode, rows[i].mode);
		assert_true(n.device == makedev(rows[i].major, rows[i].minor));
	}
}

static void test_lines_that_are_no_nodes_are_none(void **state)
{
	static const char *const rows[] = {"", "# Device nodes to trigger module loading.", "fuse",
		"fuse fuse", "fuse fuse c10", "fuse fuse c10:", "fuse fuse p10:1",
		"fuse fuse c10:229 more", "fuse ../null c1:3", "fuse /etc/x c1:3", "fuse a//b c1:3",
		"fuse x c-1:3"};
	struct node_spec n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (nodes_parse(rows[i], &n))
			fail_msg("taken for a node: %s", rows[i]);
}

static void test_the_machine_is_in_its_hosts_file_once(void **state)
{
	static const struct {
		const char *had, *has;
	} rows[] = {
		{"", "127.0.0.1\tlocalhost\n127.0.1.1\tambient\n"},
		{"127.0.0.1 localhost", "127.0.0.1 localhost\n127.0.1.1\tambient\n"},
		{"# ambient\n127.0.0.1 ambience # ambient\n",
			"# ambient\n127.0.0.1 ambience # ambient\n"
			"127.0.0.1\tlocalhost\n127.0.1.1\tambient\n"},
		{"127.0.1.1\tambient\n", "127.0.1.1\tambient\n"},
		{"::1 a ambient b", "::1 a ambient b"},
	};
	auto_dir char *dir = expect_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *path = expect_file(dir, "hosts", rows[i].had);
		auto_buf struct buf b = {0};
		struct err e = {0};

		buf_init(&b, 1000);
		for (int twice = 0; twice < 2; twice++)
			expect_ok(guest_add_host(path, "ambient", &e), &e);
		expect_ok(fd_read_file(path, &b, &e), &e);
		assert_string_equal(b.data, rows[i].has);
	}
}

static void test_a_machine_has_an_id_unless_it_brings_one(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *made = path_join(dir, "made"), *brought = expect_file(dir, "id", "own\n");
	struct err e = {0};

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		expect_ok(guest_identify(made, &e), &e);
		expect_ok(guest_identify(brought, &e), &e);
	}
	for (int i = 0; i < 2; i++) {
		auto_buf struct buf b = {0};

		buf_init(&b, 1000);
		expect_ok(fd_read_file(i ? brought : made, &b, &e), &e);
		if (i)
			assert_string_equal(b.data, "own\n");
		else
			assert_int_equal(strspn(b.data, "0123456789abcdef"), 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_go_gives_the_nonce_of_all_later_frames),
		cmocka_unit_test(test_go_comes_once_and_has_a_nonce),
		cmocka_unit_test(test_go_that_cannot_be_read_is_refused),
		cmocka_unit_test(test_stop_and_ack_are_seen),
		cmocka_unit_test(test_waiting_ends_at_its_deadline),
		cmocka_unit_test(test_a_host_that_is_gone_is_an_error),
		cmocka_unit_test(
			test_a_host_that_does_not_read_makes_the_link_busy_and_loses_nothing),
		cmocka_unit_test(test_output_waits_for_more_and_stays_in_order),
		cmocka_unit_test(test_a_message_comes_behind_output_that_waits),
		cmocka_unit_test(test_a_plugged_pipe_takes_nothing_and_loses_nothing),
		cmocka_unit_test(test_heartbeats_come_when_due),
		cmocka_unit_test(test_options_of_a_test_are_ports_and_drives),
		cmocka_unit_test(test_wrong_options_are_named),
		cmocka_unit_test(test_without_machine_is_an_option_alone),
		cmocka_unit_test(test_help_and_version_need_no_machine),
		cmocka_unit_test(test_the_plan_is_read_from_its_drive),
		cmocka_unit_test(test_a_drive_without_a_plan_is_an_error),
		cmocka_unit_test(test_steps_run_in_order),
		cmocka_unit_test(test_the_first_failure_skips_all_that_need_not_run),
		cmocka_unit_test(test_the_first_failure_is_the_one_that_counts),
		cmocka_unit_test(test_a_missing_drive_is_the_fault_of_the_machine),
		cmocka_unit_test(test_after_stop_nothing_runs),
		cmocka_unit_test(test_a_program_that_is_not_there_is_status_127),
		cmocka_unit_test(test_limits_are_the_earliest_and_stop_before_all),
		cmocka_unit_test(test_nodes_of_modules_are_read),
		cmocka_unit_test(test_lines_that_are_no_nodes_are_none),
		cmocka_unit_test(test_the_machine_is_in_its_hosts_file_once),
		cmocka_unit_test(test_a_machine_has_an_id_unless_it_brings_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
