/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ssh server that lies. `ssh-liar --help` says how. Each connection has two processes: one is an ssh server on one end
 * of a socket pair, and one passes on what that says, until it is told to stop, to end, or to change a byte. So a server
 * can be silent, go away or stammer at every byte of the protocol, without a word of that in the server itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "os/fd.h"
#include "tests/tools/liar.h"

static const char help[] = "usage: ssh-liar --key FILE [OPTION]...\n"
			   "\n"
			   "    --bind ADDRESS         default: 127.0.0.1\n"
			   "    --port PORT            default: 22\n"
			   "    --key FILE             the host's private key\n"
			   "    --log FILE             gets a line for each event\n"
			   "    --ready FILE           is made when connections are accepted\n"
			   "\n"
			   "Before ssh, and in it, of what the server sends:\n"
			   "    --deaf                 no connection is ever made\n"
			   "    --first TEXT           send this first\n"
			   "    --endless TEXT         and then this, again and again\n"
			   "    --cut N                end the connection after N bytes of ssh\n"
			   "    --stop N               be silent after N bytes of ssh\n"
			   "    --flip N               change the byte after N bytes of ssh\n"
			   "\n"
			   "The server:\n"
			   "    --identification TEXT  its name in the first line\n"
			   "    --banner TEXT          its words before a login\n"
			   "    --deny                 nobody logs in\n"
			   "    --sftp LIE             how sftp lies:\n";

enum { CHUNK = 32 * 1024, BACKLOG = 50, FILLING = 4 };

struct options {
	struct liar liar;
	const char *bind, *ready, *first, *endless;
	bool deaf;
	uint64_t port, cut, stop, flip; /* UINT64_MAX: never */
};

void liar_log(const struct liar *l, const char *fmt, ...)
{
	FILE *f = l->log ? fopen(l->log, "ae") : NULL;
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
	(void)fputc('\n', f);
	(void)fclose(f);
}

/* ---- one connection ---- */

/* Until the client has had enough. */
static void send_endless(int client, const char *text)
{
	while (fd_write_all(client, text, strlen(text)) == 0)
		;
}

/* Say nothing, until the client goes away. */
static void be_silent(int client)
{
	char data[CHUNK];

	while (read(client, data, sizeof(data)) > 0)
		;
}

/* One piece to the client; `sent` before it. False: that was the last one. */
static bool pass_on(const struct options *o, int client, char *data, size_t len, uint64_t *sent)
{
	uint64_t last = o->cut < o->stop ? o->cut : o->stop;
	size_t n = last - *sent < len ? (size_t)(last - *sent) : len;

	if (o->flip >= *sent && o->flip - *sent < n)
		data[o->flip - *sent] ^= 1;
	if (fd_write_all(client, data, n) < 0)
		return false;
	*sent += n;
	if (*sent < last)
		return true;
	if (o->stop <= o->cut)
		be_silent(client);
	return false;
}

static void relay(const struct options *o, int client, int server)
{
	struct pollfd p[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	char data[CHUNK] = {0};
	uint64_t sent = 0;

	/* Nothing at all of ssh is to be sent. */
	if (!pass_on(o, client, data, 0, &sent))
		return;
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		ssize_t n = p[0].revents ? read(client, data, sizeof(data)) : 0;

		if (p[0].revents && (n <= 0 || fd_write_all(server, data, (size_t)n) < 0))
			return;
		n = p[1].revents ? read(server, data, sizeof(data)) : 0;
		if (p[1].revents && (n <= 0 || !pass_on(o, client, data, (size_t)n, &sent)))
			return;
	}
}

NORETURN static void handle(const struct options *o, int client)
{
	int ends[2];
	pid_t server;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (o->first && fd_write_all(client, o->first, strlen(o->first)) < 0)
		_exit(0);
	if (o->endless)
		send_endless(client, o->endless);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		_exit(1);
	server = fork();
	if (server == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(ends[0]);
		(void)close(client);
		_exit(liar_ssh(&o->liar, ends[1]));
	}
	(void)close(ends[1]);
	if (server > 0)
		relay(o, client, ends[0]);
	_exit(server < 0);
}

/* ---- all connections ---- */

static int listen_on(const struct options *o)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (inet_pton(AF_INET, o->bind, &to.sin_addr) != 1 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return fd;
}

static int say_ready(const struct options *o)
{
	struct err e = {0};

	if (!o->ready || fd_write_file(o->ready, "ready\n", strlen("ready\n"), 0644, &e) == 0)
		return 0;
	(void)fprintf(stderr, "ssh-liar: %s\n", e.msg);
	return 1;
}

/* The queue of the socket is full, so that the kernel answers nobody. Until this process is killed. */
static int be_deaf(const struct options *o, int fd)
{
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	if (listen(fd, 0) < 0 || getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return 1;
	for (int i = 0; i < FILLING; i++) {
		int filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (connect(filler, (struct sockaddr *)&own, len) < 0 && errno != EINPROGRESS)
			return 1;
	}
	if (say_ready(o) != 0)
		return 1;
	for (;;)
		(void)pause();
}

static int serve(const struct options *o)
{
	int fd = listen_on(o);

	if (fd < 0) {
		(void)fprintf(stderr, "ssh-liar: %s: %s\n", o->bind, strerror(errno));
		return 1;
	}
	if (o->deaf)
		return be_deaf(o, fd);
	if (say_ready(o) != 0)
		return 1;
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0 && fork() == 0) {
			(void)close(fd);
			handle(o, client);
		}
		fd_close(client);
	}
}

/* ---- options ---- */

static const struct option table[] = {
	{"bind", required_argument, NULL, 'b'},
	{"port", required_argument, NULL, 'p'},
	{"key", required_argument, NULL, 'k'},
	{"log", required_argument, NULL, 'l'},
	{"ready", required_argument, NULL, 'r'},
	{"first", required_argument, NULL, 'f'},
	{"endless", required_argument, NULL, 'e'},
	{"cut", required_argument, NULL, 'c'},
	{"stop", required_argument, NULL, 's'},
	{"flip", required_argument, NULL, 'x'},
	{"identification", required_argument, NULL, 'i'},
	{"banner", required_argument, NULL, 'B'},
	{"deny", no_argument, NULL, 'd'},
	{"deaf", no_argument, NULL, 'D'},
	{"sftp", required_argument, NULL, 'S'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char **text_of(struct options *o, int c)
{
	switch (c) {
	case 'b':
		return &o->bind;
	case 'k':
		return &o->liar.host_key;
	case 'l':
		return &o->liar.log;
	case 'r':
		return &o->ready;
	case 'f':
		return &o->first;
	case 'e':
		return &o->endless;
	case 'i':
		return &o->liar.identification;
	case 'B':
		return &o->liar.banner;
	case 'S':
		return &o->liar.sftp;
	default:
		return NULL;
	}
}

static uint64_t *number_of(struct options *o, int c)
{
	switch (c) {
	case 'p':
		return &o->port;
	case 'c':
		return &o->cut;
	case 's':
		return &o->stop;
	case 'x':
		return &o->flip;
	default:
		return NULL;
	}
}

static int take_option(struct options *o, int c)
{
	struct err e = {0};

	if (c == 'd')
		o->liar.deny = true;
	else if (c == 'D')
		o->deaf = true;
	else if (text_of(o, c))
		*text_of(o, c) = optarg;
	else if (!number_of(o, c) || num_parse_u64(optarg, UINT64_MAX - 1, number_of(o, c), &e) < 0)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {.liar = {.sftp = "none"},
		.bind = "127.0.0.1",
		.port = 22,
		.cut = UINT64_MAX,
		.stop = UINT64_MAX,
		.flip = UINT64_MAX};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
		if (take_option(&o, c) < 0)
			break;
	if (c != -1 || optind != argc || !o.liar.host_key || o.port > UINT16_MAX ||
		!liar_sftp_knows(o.liar.sftp)) {
		(void)fprintf(c == 'h' ? stdout : stderr, "%s%s", help, liar_sftp_help);
		return c == 'h' ? 0 : 2;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	return serve(&o);
}
