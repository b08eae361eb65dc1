/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: run-proxy ADDRESS:PORT [--allow ITEM]... [--allow-private HOST]... [--vm-user USER]
 *            [--guarded BYTES]
 *
 * The egress proxy of a VM, without a VM: serves an address of this network namespace. What is
 * allowed is written as in egress.allow and egress.allow_private. --guarded: the machine has programs
 * of others, and may send BYTES. Prints "pid PID" when it is
 * there, and each event as in a run log. Ends it when standard input ends, with status 0 if the
 * proxy lived until then, else with 3 and the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "data/jsonl.h"
#include "egress/proxy.h"
#include "jail/jail.h"
#include "os/fd.h"

static void print_event(void *arg, const struct event *ev)
{
	auto_buf struct buf line;
	auto_node struct node *whole = node_copy(ev->fields);

	(void)arg;
	node_set_string(whole, "type", event_info(ev->type)->name);
	buf_init(&line, MIB);
	jsonl_add(&line, whole);
	(void)printf("%s\n", line.data);
	(void)fflush(stdout);
}

static const struct event_sink sink = {.event = print_event};

/* "1.2.3.4:80" */
static int parse_address(
	const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, struct err *e)
{
	const char *colon = strrchr(text, ':');
	auto_free char *host = mem_strndup(text, colon ? (size_t)(colon - text) : 0);
	struct address a;
	uint64_t port;

	if (!colon || !address_parse(host, &a))
		return err_set(e, ERR_INPUT, "'%s' is not ADDRESS:PORT", text);
	if (num_parse_u64(colon + 1, UINT16_MAX, &port, e) < 0)
		return -1;
	*ret_len = address_to_sockaddr(&a, (unsigned)port, ret);
	return 0;
}

static int listen_on(const char *text, struct err *e)
{
	struct sockaddr_storage ss = {0};
	auto_fd int fd = -1;
	socklen_t len = 0;
	int on = 1;

	if (parse_address(text, &ss, &len, e) < 0)
		return -1;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, SOMAXCONN) < 0)
		return err_sys(e, "listen on %s", text);
	return fd_steal(&fd);
}

struct options {
	struct egress allow;
	const char *vm_user;
};

static int guard(struct egress *g, const char *max_sent, struct err *e)
{
	g->guarded = true;
	return num_parse_u64(max_sent, UINT64_MAX, &g->max_sent, e);
}

static int parse(int argc, char **argv, struct options *o, struct err *e)
{
	for (int i = 2; i < argc; i += 2) {
		const char *value = argv[i + 1];
		int result = 0;

		if (!value)
			return err_set(e, ERR_INPUT, "%s: a value is missing", argv[i]);
		if (strcmp(argv[i], "--allow") == 0)
			result = egress_add_configured(&o->allow, value, "test", e);
		else if (strcmp(argv[i], "--allow-private") == 0)
			result = egress_add_private(&o->allow, value, e);
		else if (strcmp(argv[i], "--guarded") == 0)
			result = guard(&o->allow, value, e);
		else if (strcmp(argv[i], "--vm-user") == 0)
			o->vm_user = value;
		else
			return err_set(e, ERR_INPUT, "unknown option %s", argv[i]);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* Until standard input ends. */
static int serve(struct proxy *p, struct err *e)
{
	struct pollfd fds[] = {
		{.fd = *proxy_fd(p), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	char c;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (fds[0].revents && proxy_read(p, &sink, "test", SOURCE_PRE_PLAN, e) < 0)
			return -1;
		if (fds[1].revents && read(STDIN_FILENO, &c, 1) <= 0)
			return 0;
	}
}

static int run(int argc, char **argv, struct options *o, struct err *e)
{
	auto_proxy struct proxy p = PROXY_NONE;
	auto_fd int fd = -1;
	uid_t uid;
	gid_t gid;

	if (argc < 2)
		return err_set(e, ERR_INPUT, "an address is missing");
	if (parse(argc, argv, o, e) < 0 || jail_vm_user(o->vm_user, &uid, &gid, e) < 0)
		return -1;
	fd = listen_on(argv[1], e);
	if (fd < 0 || proxy_start(fd, &o->allow, uid, gid, &p, e) < 0)
		return -1;
	fd_close(fd_steal(&fd));
	(void)printf("pid %d\n", (int)p.sidecar.pid);
	(void)fflush(stdout);
	if (serve(&p, e) < 0)
		return -1;
	return proxy_stop(&p, &sink, "test", SOURCE_PRE_PLAN, e);
}

int main(int argc, char **argv)
{
	struct options o = {.vm_user = NULL};
	struct err e = {0};
	int result = run(argc, argv, &o, &e);

	egress_release(&o.allow);
	if (result == 0)
		return 0;
	(void)fprintf(stderr, "ERROR: %s (%s)\n", e.msg, e.reason);
	return 3;
}
