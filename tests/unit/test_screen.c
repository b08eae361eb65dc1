/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/screen/screen.h"

/* A screen and the end at which it is looked at. */
struct fixture {
	struct screen s;
	int ours, theirs;
	struct buf seen;
};

enum kind { PIPE, TERMINAL, SOCKET };

static void environment(const char *term, const char *lang, const char *no_color)
{
	(void)setenv("TERM", term, 1);
	(void)setenv("LANG", lang, 1);
	(void)unsetenv("LC_ALL");
	(void)unsetenv("LC_CTYPE");
	if (no_color)
		(void)setenv("NO_COLOR", no_color, 1);
	else
		(void)unsetenv("NO_COLOR");
}

static void setup(struct fixture *f, enum kind kind, enum screen_color color)
{
	struct winsize size = {.ws_row = 24, .ws_col = 40};
	struct termios raw;
	int fds[2];

	*f = (struct fixture){0};
	if (kind == PIPE)
		assert_int_equal(pipe(fds), 0);
	else if (kind == SOCKET)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	else
		assert_int_equal(openpty(&fds[0], &fds[1], NULL, NULL, &size), 0);
	f->theirs = fds[0];
	f->ours = fds[1];
	if (kind == TERMINAL) {
		assert_int_equal(tcgetattr(f->ours, &raw), 0);
		cfmakeraw(&raw);
		assert_int_equal(tcsetattr(f->ours, TCSANOW, &raw), 0);
	}
	screen_init(&f->s, f->ours, f->ours, color);
	buf_init(&f->seen, 64 << 20);
}

static void teardown(struct fixture *f)
{
	screen_release(&f->s);
	fd_close(f->ours);
	fd_close(f->theirs);
	buf_release(&f->seen);
}

/* Read what is there now. */
static void look(struct fixture *f)
{
	struct pollfd p = {.fd = f->theirs, .events = POLLIN};

	while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN)) {
		ssize_t n = read(f->theirs, buf_room(&f->seen, 65536), 65536);

		if (n <= 0)
			return;
		buf_grew(&f->seen, (size_t)n);
	}
}

static void output(struct fixture *f, bool is_stderr, const char *text)
{
	screen_output(&f->s, is_stderr, text, strlen(text));
}

/* A terminal hands on what was written to it when the kernel finds time. */
static void look_for(struct fixture *f, const char *wanted)
{
	int64_t deadline = clock_ms() + 10000;
	struct pollfd p = {.fd = f->theirs, .events = POLLIN};

	do
		look(f);
	while (!strstr(f->seen.data, wanted) && clock_ms() < deadline && poll(&p, 1, 1000) >= 0);
}

static void expect_seen(struct fixture *f, const char *wanted)
{
	screen_push(&f->s);
	look_for(f, wanted);
	assert_string_equal(f->seen.data, wanted);
	teardown(f);
}

static void test_piped_output_is_plain_whole_lines(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	screen_line(&f.s, "  1/1 shell");
	output(&f, false, "out ");
	output(&f, true, "err\n");
	output(&f, false, "put\n\nrest");
	screen_end_output(&f.s);
	screen_line(&f.s, "ok");
	expect_seen(&f, "  1/1 shell\n      err\n      out put\n\n      rest\nok\n");
}

static void test_a_pipe_gets_no_escape_sequences(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	screen_status(&f.s, "packing");
	output(&f, false,
		"\033[31mred\033[0m \033]0;title\007 \033[2J \xc2\x9b"
		"31m \u202e\n");
	screen_end_output(&f.s);
	expect_seen(&f, "      red \\x1b]0;title\\x07 \\x1b[2J \\u009b31m \\u202e\n");
}

static void test_of_a_progress_bar_a_pipe_sees_the_last_state(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	output(&f, false, "1%\r2%\r\r\ndos\r\n\r\n");
	output(&f, false, "\r3%");
	output(&f, true, "beside it\n");
	output(&f, false, "\r4");
	output(&f, false, "%\r");
	screen_end_output(&f.s);
	expect_seen(&f, "      2%\n      dos\n\n      beside it\n      4%\n");
}

/* However long it goes on, it is one line. */
static void test_a_long_progress_bar_is_one_line_in_a_pipe(void **state)
{
	auto_buf struct buf bar = {0};
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	buf_init(&bar, 1 << 20);
	buf_adds(&bar, "first\n");
	for (int i = 0; i < 20000; i++)
		buf_addf(&bar, "\rdownload %d of 20000", i + 1);
	buf_adds(&bar, "\nlast\n");
	for (size_t i = 0; i < bar.len; i += 999)
		screen_output(&f.s, false, bar.data + i, bar.len - i < 999 ? bar.len - i : 999);
	expect_seen(&f, "      first\n      download 20000 of 20000\n      last\n");
}

static void test_a_terminal_sees_parts_of_lines_at_once(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, false, "Testing ...");
	look_for(&f, "Testing ...");
	assert_string_equal(f.seen.data, "      Testing ...");
	output(&f, false, " ok\n");
	expect_seen(&f, "      Testing ... ok\n");
}

static void test_the_two_streams_never_share_a_line(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, false, "out");
	output(&f, true, "err");
	screen_line(&f.s, "ours");
	expect_seen(&f, "      out\n      err\nours\n");
}

static void test_a_carriage_return_rewrites_its_own_line_on_a_terminal(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, false, "1%\r");
	output(&f, false, "2%\r\r");
	output(&f, false, "\nend\r\n");
	expect_seen(&f, "      1%\r\033[K      2%\n      end\n");
}

static void test_colours_of_the_guest_end_with_its_line(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, false, "\033[1;3");
	output(&f, false, "1mred\nplain\n\033[32mgreen");
	screen_line(&f.s, "ours");
	expect_seen(
		&f, "      \033[1;31mred\033[0m\n      plain\n      \033[32mgreen\033[0m\nours\n");
}

static void test_only_colours_pass(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, TERMINAL, SCREEN_COLOR_ALWAYS);
	output(&f, false, "\033[2J\033[?25l\033c\033[31\n");
	output(&f, false, "\033[1111111111111111111111111111111111m\n");
	expect_seen(&f,
		"      \\x1b[2J\\x1b[?25l\\x1bc\\x1b[31\n"
		"      \\x1b[1111111111111111111111111111111111m\n");
}

static void test_characters_cut_by_a_read_are_put_together(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, false, "\xe2\x9c");
	output(&f, false, "\x93\n\xe2\x9c");
	screen_end_output(&f.s);
	expect_seen(&f, "      \xe2\x9c\x93\n      \\xe2\\x9c\n");
}

static void test_a_terminal_without_utf8_gets_ascii(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, false,
		"a\xe2\x82\x9b"
		"b\n");
	expect_seen(&f, "      a\\xe2\\x82\\x9bb\n");
}

static void test_the_trace_of_bash_is_dim(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	output(&f, true, "+ make\nerror\n");
	output(&f, false, "+ not a trace\n");
	expect_seen(&f, "      \033[2m+ make\033[0m\n      error\n      + not a trace\n");
}

static void test_the_status_line_is_rewritten_and_fits(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	screen_status(&f.s, "packing 1");
	screen_status(&f.s, "0123456789012345678901234567890123456789xyz");
	screen_line(&f.s, "packed");
	expect_seen(&f, "packing 1\r\033[K012345678901234567890123456789012345678\r\033[Kpacked\n");
}

static void test_the_status_line_fits_the_narrowest_terminal(void **state)
{
	struct winsize size = {.ws_row = 24, .ws_col = 9};
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", "1");
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	assert_int_equal(ioctl(f.ours, TIOCSWINSZ, &size), 0);
	screen_status(&f.s, "packing 12345");
	expect_seen(&f, "packing ");
}

static void test_a_dumb_terminal_is_never_rewritten(void **state)
{
	struct fixture f;

	(void)state;
	environment("dumb", "C.UTF-8", NULL);
	setup(&f, TERMINAL, SCREEN_COLOR_AUTO);
	screen_status(&f.s, "packing");
	output(&f, false, "\033[31m1%\r2%\n");
	expect_seen(&f, "      2%\n");
}

static void test_colours_can_be_forced_and_forbidden(void **state)
{
	struct fixture f;

	(void)state;
	environment("dumb", "C.UTF-8", "1");
	setup(&f, PIPE, SCREEN_COLOR_ALWAYS);
	assert_string_equal(screen_paint(&f.s, PAINT_END), "\033[0m");
	teardown(&f);
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, TERMINAL, SCREEN_COLOR_NEVER);
	assert_string_equal(screen_paint(&f.s, PAINT_END), "");
	teardown(&f);
}

static void test_warnings_are_safe_and_go_where_they_can_be_seen(void **state)
{
	struct fixture f;

	(void)state;
	environment("dumb", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	assert_true(f.s.same);
	output(&f, false, "out\n");
	screen_warning(&f.s, "bad \033[2J\nname");
	expect_seen(&f, "      out\nWARNING: bad \\x1b[2J\\nname\n");
}

/* ---- readers that sleep ---- */

static void fill(struct fixture *f, size_t bytes)
{
	static char line[1024];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (size_t done = 0; done < bytes; done += sizeof(line))
		screen_output(&f->s, false, line, sizeof(line));
}

static void check_sleeping_reader(enum kind kind)
{
	struct fixture f;
	int64_t start = clock_ms();

	environment("xterm", "C.UTF-8", "1");
	setup(&f, kind, SCREEN_COLOR_AUTO);
	fill(&f, 32 << 20);
	screen_line(&f.s, "our line fits");
	assert_true(f.s.dropped == 0 || f.s.dropped > (20 << 20));
	assert_true(screen_pending_fd(&f.s) >= 0);
	assert_true(clock_ms() - start < 20000);
	assert_true(f.s.out.queue.size < 32 << 20);
	while (screen_pending_fd(&f.s) >= 0) {
		look(&f);
		screen_push(&f.s);
	}
	screen_end_output(&f.s);
	look_for(&f, "all of it is in the log\n");
	assert_non_null(strstr(f.seen.data, "\nour line fits\n"));
	assert_non_null(strstr(
		f.seen.data, " MiB not shown: the reader was too slow; all of it is in the log\n"));
	/* Whole lines only: what is dropped leaves no halves behind. */
	assert_null(strstr(f.seen.data, "x..."));
	assert_true(f.seen.len > 7 << 20);
	teardown(&f);
}

static void test_a_reader_that_sleeps_never_stops_us(void **state)
{
	(void)state;
	check_sleeping_reader(PIPE);
	check_sleeping_reader(TERMINAL);
	check_sleeping_reader(SOCKET);
}

static void test_the_given_descriptor_stays_blocking(void **state)
{
	struct fixture f;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	assert_int_equal(fcntl(f.ours, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(f.s.out.to.way, NOWAIT_NONBLOCK);
	teardown(&f);
}

static void test_a_pipe_that_cannot_be_opened_again_is_polled(void **state)
{
	struct outlet o;
	int fds[2];
	char got[8192];
	struct buf *room;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	outlet_open(&o, fds[1]);
	o.to.way = NOWAIT_POLL;
	o.to.piece = 4096;
	assert_int_equal(fcntl(o.to.fd, F_SETFL, O_WRONLY), 0); /* blocking, as it would be */
	for (int i = 0; i < 64; i++) {
		room = outlet_room(&o, 4096, false);
		assert_non_null(room);
		memset(got, 'a', 4096);
		buf_add(room, got, 4096);
		outlet_push(&o);
	}
	assert_true(outlet_waits(&o));
	assert_int_equal(read(fds[0], got, sizeof(got)), sizeof(got));
	outlet_push(&o);
	assert_true(outlet_waits(&o));
	outlet_release(&o);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

static void test_a_reader_that_is_gone_is_an_error_and_no_end(void **state)
{
	struct fixture f;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	fd_close(fd_steal(&f.theirs));
	fill(&f, 1 << 20);
	screen_line(&f.s, "line");
	screen_finish(&f.s);
	assert_int_equal(f.s.out.error, EPIPE);
	assert_int_equal(screen_pending_fd(&f.s), -1);
	teardown(&f);
}

static void test_a_full_disk_is_noticed(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct screen s;

	(void)state;
	screen_init(&s, full, full, SCREEN_COLOR_AUTO);
	screen_line(&s, "line");
	screen_finish(&s);
	assert_int_equal(s.out.error, ENOSPC);
	screen_release(&s);
	fd_close(full);
}

static void test_the_last_words_wait_for_a_slow_reader(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	environment("xterm", "C.UTF-8", NULL);
	setup(&f, PIPE, SCREEN_COLOR_AUTO);
	fill(&f, 4 << 20);
	screen_line(&f.s, "the last line");
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		screen_finish(&f.s);
		_exit(outlet_waits(&f.s.out) ? 1 : 0);
	}
	screen_release(&f.s);
	screen_init(&f.s, f.ours, f.ours, SCREEN_COLOR_NEVER);
	while (waitpid(pid, &status, WNOHANG) == 0)
		look(&f);
	look(&f);
	assert_int_equal(status, 0);
	assert_true(f.seen.len > 4 << 20);
	assert_string_equal(f.seen.data + f.seen.len - 14, "the last line\n");
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_piped_output_is_plain_whole_lines),
		cmocka_unit_test(test_a_pipe_gets_no_escape_sequences),
		cmocka_unit_test(test_of_a_progress_bar_a_pipe_sees_the_last_state),
		cmocka_unit_test(test_a_long_progress_bar_is_one_line_in_a_pipe),
		cmocka_unit_test(test_a_terminal_sees_parts_of_lines_at_once),
		cmocka_unit_test(test_the_two_streams_never_share_a_line),
		cmocka_unit_test(test_a_carriage_return_rewrites_its_own_line_on_a_terminal),
		cmocka_unit_test(test_colours_of_the_guest_end_with_its_line),
		cmocka_unit_test(test_only_colours_pass),
		cmocka_unit_test(test_characters_cut_by_a_read_are_put_together),
		cmocka_unit_test(test_a_terminal_without_utf8_gets_ascii),
		cmocka_unit_test(test_the_trace_of_bash_is_dim),
		cmocka_unit_test(test_the_status_line_is_rewritten_and_fits),
		cmocka_unit_test(test_the_status_line_fits_the_narrowest_terminal),
		cmocka_unit_test(test_a_dumb_terminal_is_never_rewritten),
		cmocka_unit_test(test_colours_can_be_forced_and_forbidden),
		cmocka_unit_test(test_warnings_are_safe_and_go_where_they_can_be_seen),
		cmocka_unit_test(test_a_reader_that_sleeps_never_stops_us),
		cmocka_unit_test(test_the_given_descriptor_stays_blocking),
		cmocka_unit_test(test_a_pipe_that_cannot_be_opened_again_is_polled),
		cmocka_unit_test(test_a_reader_that_is_gone_is_an_error_and_no_end),
		cmocka_unit_test(test_a_full_disk_is_noticed),
		cmocka_unit_test(test_the_last_words_wait_for_a_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
