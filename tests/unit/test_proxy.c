/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of the egress proxy, from its parent: what it may, what it reports, how it ends. What
 * it does with names and servers is in tests/cli/proxy.test.
 */
#include "expect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strv.h"
#include "data/jsonl.h"
#include "egress/limits.h"
#include "egress/proxy.h"
#include "egress/proxy_internal.h"
#include "jail/jail.h"

/* ---- helpers ---- */

struct told {
	struct strv lines;
	size_t count;
};

static void take_event(void *arg, const struct event *ev)
{
	struct told *told = arg;
	auto_buf struct buf line = {0};

	told->count++;
	if (told->count > 3 && ev->type == EVENT_EGRESS)
		return;
	buf_init(&line, MIB);
	jsonl_add(&line, ev->fields);
	strv_pushf(&told->lines, "%s %s", event_info(ev->type)->name, line.data);
}

static int listen_anywhere(struct sockaddr_in *ret)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret = a;
	return fd;
}

/* A proxy that allows nothing. */
static void start(struct proxy *p, struct sockaddr_in *ret_at)
{
	const struct egress nothing = {0};
	struct sockaddr_in at;
	auto_fd int fd = listen_anywhere(&at);
	struct err e = {0};
	uid_t uid;
	gid_t gid;

	expect_ok(jail_vm_user(NULL, &uid, &gid, &e), &e);
	expect_ok(proxy_start(fd, &nothing, uid, gid, p, &e), &e);
	if (ret_at)
		*ret_at = at;
}

static void ask(const struct sockaddr_in *at, const char *request, struct buf *answer)
{
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err e = {0};

	assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(fd_write_all(fd, request, strlen(request)), 0);
	buf_init(answer, MIB);
	expect_ok(fd_read_to_end(fd, "answer", answer, &e), &e);
}

static void read_proc(pid_t pid, const char *name, struct buf *b)
{
	auto_free char *path = mem_printf("/proc/%d/%s", (int)pid, name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e = {0};

	buf_init(b, MIB);
	assert_true(fd >= 0);
	expect_ok(fd_read_to_end(fd, path, b, &e), &e);
}

static bool same_namespace(pid_t pid, const char *name)
{
	auto_free char *theirs = mem_printf("/proc/%d/ns/%s", (int)pid, name);
	auto_free char *ours = mem_printf("/proc/self/ns/%s", name);
	char a[64] = "", b[64] = "";

	assert_true(readlink(theirs, a, sizeof(a) - 1) > 0);
	assert_true(readlink(ours, b, sizeof(b) - 1) > 0);
	return strcmp(a, b) == 0;
}

/* ---- walls ---- */

/* Only root can compare namespaces; to its own user the process is closed, as one of another user
 * is. */
static void assert_closed_to_us(pid_t pid)
{
	auto_free char *path = mem_printf("/proc/%d/ns/net", (int)pid);
	char target[64];

	assert_int_equal(readlink(path, target, sizeof(target)), -1);
	assert_int_equal(errno, EACCES);
}

static void test_a_proxy_has_no_privileges(void **state)
{
	static const char *const wanted[] = {"\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n"};
	static const char *const own[] = {"user", "mnt", "pid", "ipc", "uts"};
	auto_proxy struct proxy p = PROXY_NONE;
	auto_buf struct buf status = {0};

	(void)state;
	start(&p, NULL);
	read_proc(p.sidecar.pid, "status", &status);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(status.data, wanted[i]))
			fail_msg("no '%s' in %s", wanted[i], status.data);
	if (jail_may_change_ids())
		assert_null(strstr(status.data, "\nUid:\t0\t"));
	if (geteuid() != 0) {
		assert_closed_to_us(p.sidecar.pid);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		assert_false(same_namespace(p.sidecar.pid, own[i]));
	assert_true(same_namespace(p.sidecar.pid, "net"));
}

static void test_a_proxy_sees_what_name_resolution_reads(void **state)
{
	static const char *const there[] = {"/etc/hosts", "/etc/resolv.conf", "/usr/lib"};
	static const char *const away[] = {
		"/home", "/root", "/proc/1", "/etc/passwd", "/tmp", "/var", "/run", "/dev/null"};
	auto_proxy struct proxy p = PROXY_NONE;

	(void)state;
	start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
		auto_free char *path = mem_printf("/proc/%d/root%s", (int)p.sidecar.pid, there[i]);

		if (access(there[i], F_OK) == 0 && access(path, F_OK) < 0 && errno != EACCES)
			fail_msg("%s: %s", path, strerror(errno));
	}
	for (size_t i = 0; i < ARRAY_SIZE(away); i++) {
		auto_free char *path = mem_printf("/proc/%d/root%s", (int)p.sidecar.pid, away[i]);

		if (access(path, F_OK) == 0)
			fail_msg("%s is there", path);
	}
}

/* ---- reports ---- */

static void test_a_refusal_is_an_answer_and_an_event(void **state)
{
	static const char begin[] = "egress {\"kind\":\"plan\",\"method\":\"CONNECT\","
				    "\"host\":\"a.example\",\"port\":443,\"verdict\":\"refused\","
				    "\"reason\":\"host_not_allowed\",\"message\":\"'a.example' "
				    "(port 443) is not among the hosts";
	auto_proxy struct proxy p = PROXY_NONE;
	auto_buf struct buf answer = {0};
	struct told told = {0};
	const struct event_sink sink = {.event = take_event, .arg = &told};
	struct sockaddr_in at;
	struct err e = {0};

	(void)state;
	start(&p, &at);
	ask(&at, "CONNECT a.example:443 HTTP/1.0\r\n\r\n", &answer);
	assert_int_equal(strncmp(answer.data, "HTTP/1.1 403 Forbidden\r\n", 24), 0);
	expect_ok(proxy_stop(&p, &sink, "plan", SOURCE_PLAN, &e), &e);
	assert_int_equal(told.count, 1);
	assert_int_equal(strncmp(told.lines.items[0], begin, sizeof(begin) - 1), 0);
	assert_int_equal(p.sidecar.pid, -1);
	expect_ok(proxy_stop(&p, &sink, "plan", SOURCE_PLAN, &e), &e);
	strv_release(&told.lines);
}

static void test_a_dead_proxy_is_noticed(void **state)
{
	static const char message[] =
		"the proxy of the virtual machine ended before the machine did";
	auto_proxy struct proxy p = PROXY_NONE;
	struct told told = {0};
	const struct event_sink sink = {.event = take_event, .arg = &told};
	struct pollfd pfd;
	struct err e = {0};

	(void)state;
	start(&p, NULL);
	expect_ok(proxy_read(&p, &sink, "plan", SOURCE_PLAN, &e), &e);
	assert_int_equal(kill(p.sidecar.pid, SIGKILL), 0);
	pfd = (struct pollfd){.fd = *proxy_fd(&p), .events = POLLIN};
	assert_int_equal(poll(&pfd, 1, 60000), 1);
	expect_err(proxy_read(&p, &sink, "plan", SOURCE_PLAN, &e), &e, ERR_HOST, message);
	assert_string_equal(e.reason, "host_proxy_died");
	e = (struct err){0};
	expect_err(proxy_stop(&p, &sink, "plan", SOURCE_PLAN, &e), &e, ERR_HOST, message);
	assert_int_equal(told.count, 0);
}

/* A proxy that somebody has taken over may say anything; it is bounded and made harmless. */
static void test_hostile_reports_are_harmless_and_bounded(void **state)
{
	struct proxy p = PROXY_NONE;
	struct told told = {0};
	const struct event_sink sink = {.event = take_event, .arg = &told};
	struct proxy_report r;
	struct err e = {0};
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	p.sidecar.reports = ends[0];
	memset(&r, 0x1b, sizeof(r)); /* no NUL anywhere */
	r.verdict = 77;
	for (unsigned i = 0; i < LIMIT_PROXY_EVENTS + 5; i++) {
		assert_int_equal(send(ends[1], &r, sizeof(r), 0), sizeof(r));
		expect_ok(proxy_read(&p, &sink, "plan", SOURCE_PLAN, &e), &e);
	}
	assert_int_equal(told.count, LIMIT_PROXY_EVENTS);
	assert_int_equal(p.kept_back, 5);
	assert_null(strchr(told.lines.items[0], 0x1b));
	assert_non_null(strstr(told.lines.items[0], "\"verdict\":\"failed\""));
	assert_int_equal(send(ends[1], &r, 5, 0), 5);
	assert_int_equal(proxy_read(&p, &sink, "plan", SOURCE_PLAN, &e), -1);
	fd_close(ends[1]);
	proxy_kill(&p);
	strv_release(&told.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_proxy_has_no_privileges),
		cmocka_unit_test(test_a_proxy_sees_what_name_resolution_reads),
		cmocka_unit_test(test_a_refusal_is_an_answer_and_an_event),
		cmocka_unit_test(test_a_dead_proxy_is_noticed),
		cmocka_unit_test(test_hostile_reports_are_harmless_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
