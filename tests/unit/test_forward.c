/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder of a guest with a network, between a server of this test and its clients. */
#include "expect.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "executor/net/forward.h"

/* As many again as it takes at once have to wait for their turn. */
enum { CROWD = FORWARD_AT_ONCE + 40, LARGE = 1 << 20 };

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_in address_of(int fd)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return at;
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = loopback();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, CROWD), 0);
	return fd;
}

static int call(struct sockaddr_in at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* ---- a forwarder and what is on its other side ---- */

struct world {
	struct sockaddr_in at; /* where the forwarder listens */
	int server;            /* the listening socket that it leads to; -1: nothing is there */
	pid_t forwarder;
};

static void world_start(struct world *w, bool with_server)
{
	auto_fd int server = listen_somewhere(), free_port = listen_somewhere();
	struct sockaddr_in to = address_of(server);
	struct rlimit before, in_a_machine;
	struct err e = {0};

	w->at = address_of(free_port);
	fd_close(fd_steal(&free_port));
	if (!with_server)
		fd_close(fd_steal(&server));
	/* What the kernel gives to the first process of a machine. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	in_a_machine = (struct rlimit){.rlim_cur = 1024, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &in_a_machine), 0);
	expect_ok(forward_start(&w->at, &to, &w->forwarder, &e), &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	w->server = fd_steal(&server);
}

static void world_stop(struct world *w)
{
	int status = 0;

	assert_int_equal(kill(w->forwarder, SIGKILL), 0);
	assert_int_equal(waitpid(w->forwarder, &status, 0), w->forwarder);
	assert_true(WIFSIGNALED(status)); /* it had not ended by itself */
	fd_close(w->server);
}

static void expect_bytes(int fd, const char *wanted)
{
	char got[16] = "";

	assert_int_equal(fd_read_full(fd, got, strlen(wanted)), strlen(wanted));
	assert_string_equal(got, wanted);
}

static void expect_end(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 0);
}

static void test_both_directions_end_one_by_one(void **state)
{
	struct world w;
	auto_fd int client = -1, server = -1;

	(void)state;
	world_start(&w, true);
	client = call(w.at);
	server = accept(w.server, NULL, NULL);
	assert_int_equal(fd_write_all(client, "asked", 5), 0);
	expect_bytes(server, "asked");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	expect_end(server);
	assert_int_equal(fd_write_all(server, "answered", 8), 0);
	expect_bytes(client, "answered");
	fd_close(fd_steal(&server));
	expect_end(client);
	world_stop(&w);
}

/* One that does not read holds up itself only; then nothing of it is lost. */
static void test_a_slow_reader_holds_up_nobody(void **state)
{
	auto_free char *data = mem_alloc(LARGE), *got = mem_alloc(LARGE);
	struct world w;
	auto_fd int slow = -1, slow_server = -1, quick = -1, quick_server = -1;
	pid_t writer;

	(void)state;
	for (size_t i = 0; i < LARGE; i++)
		data[i] = (char)(i * 31 >> 3);
	world_start(&w, true);
	slow = call(w.at);
	slow_server = accept(w.server, NULL, NULL);
	writer = fork();
	if (writer == 0)
		_exit(fd_write_all(slow, data, LARGE) == 0 ? 0 : 1);
	quick = call(w.at);
	quick_server = accept(w.server, NULL, NULL);
	assert_int_equal(fd_write_all(quick, "hello", 5), 0);
	expect_bytes(quick_server, "hello");
	assert_int_equal(fd_read_full(slow_server, got, LARGE), LARGE);
	assert_memory_equal(got, data, LARGE);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	world_stop(&w);
}

static void serve_and_close(int server)
{
	expect_bytes(server, "hello");
	expect_end(server);
	fd_close(server);
}

static void test_more_than_it_takes_at_once_have_their_turn(void **state)
{
	int clients[CROWD], servers[CROWD];
	struct world w;

	(void)state;
	world_start(&w, true);
	for (size_t i = 0; i < CROWD; i++) {
		clients[i] = call(w.at);
		assert_int_equal(fd_write_all(clients[i], "hello", 5), 0);
		assert_int_equal(shutdown(clients[i], SHUT_WR), 0);
	}
	/* All that it takes are open at once. */
	for (size_t i = 0; i < FORWARD_AT_ONCE; i++)
		servers[i] = accept(w.server, NULL, NULL);
	for (size_t i = 0; i < FORWARD_AT_ONCE; i++)
		serve_and_close(servers[i]);
	for (size_t i = FORWARD_AT_ONCE; i < CROWD; i++)
		serve_and_close(accept(w.server, NULL, NULL));
	for (size_t i = 0; i < CROWD; i++) {
		expect_end(clients[i]);
		fd_close(clients[i]);
	}
	world_stop(&w);
}

static void test_where_nothing_answers_a_connection_ends(void **state)
{
	struct world w;
	auto_fd int client = -1, again = -1;
	char c;

	(void)state;
	world_start(&w, false);
	client = call(w.at);
	assert_true(read(client, &c, 1) <= 0);
	again = call(w.at);
	assert_true(read(again, &c, 1) <= 0);
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions_end_one_by_one),
		cmocka_unit_test(test_a_slow_reader_holds_up_nobody),
		cmocka_unit_test(test_more_than_it_takes_at_once_have_their_turn),
		cmocka_unit_test(test_where_nothing_answers_a_connection_ends),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
