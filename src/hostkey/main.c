/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambient-hostkey: gets the host key of one ssh server. `ambient doctor` starts it in a jail, with
 * a proxy and a socket (report.h). It is a separate program so that ambient itself need not load
 * libssh and its dependencies, and so that it contains nothing worth stealing for a hostile server.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/version.h"
#include "hostkey/exchange.h"
#include "hostkey/greeting.h"
#include "hostkey/report.h"
#include "os/fd.h"

static int report(enum hostkey_report_kind kind, const char *text, const struct buf *key)
{
	struct hostkey_report r = {.kind = kind};

	(void)snprintf(r.text, sizeof(r.text), "%s", text);
	if (key && key->len <= sizeof(r.key)) {
		r.key_len = (uint32_t)key->len;
		memcpy(r.key, key->data, key->len);
	}
	return send(HOSTKEY_REPORTS, &r, sizeof(r), MSG_NOSIGNAL) == (ssize_t)sizeof(r) ? 0 : -1;
}

static int dial_proxy(int *ret_fd, struct err *e)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(HOSTKEY_PROXY_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return err_sys(e, "the proxy");
	*ret_fd = fd_steal(&fd);
	return 0;
}

static int ask_key(int *fd, const char *host, const char *const *types)
{
	auto_buf struct buf key = {0};
	struct err e = {0};

	buf_init(&key, HOSTKEY_KEY_MAX);
	if (exchange_host_key(fd_steal(fd), host, types, &key, &e) < 0)
		return report(HOSTKEY_FAILED, e.msg, NULL);
	return report(HOSTKEY_KEY, "", &key);
}

static int greet(int *fd, const char *host, const char *const *types)
{
	auto_buf struct buf first = {0};

	buf_init(&first, GREETING_SHOWN_MAX);
	switch (greeting_wait(*fd, &first)) {
	case GREETING_SSH:
		return report(HOSTKEY_GREETED, "", NULL) < 0 ? -1 : ask_key(fd, host, types);
	case GREETING_CLOSED:
		return report(HOSTKEY_CLOSED, "", NULL);
	case GREETING_OTHER:
		break;
	}
	return report(HOSTKEY_NOT_SSH, first.data, NULL);
}

static int work(const char *host, const char *const *types)
{
	auto_fd int fd = -1;
	struct err e = {0};
	bool open = false;

	if (dial_proxy(&fd, &e) < 0 || greeting_tunnel(fd, host, HOSTKEY_SSH_PORT, &open, &e) < 0 ||
		!open)
		return report(HOSTKEY_NO_CONNECTION, e.msg, NULL);
	return report(HOSTKEY_CONNECTED, "", NULL) < 0 ? -1 : greet(&fd, host, types);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf(HOSTKEY_PROGRAM " %s\n", version_build);
		return 0;
	}
	if (argc < 2) {
		(void)fprintf(stderr, HOSTKEY_PROGRAM " is started by 'ambient doctor'\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	return work(argv[1], (const char *const *)argv + 2) < 0;
}
