/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/sidecar.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/proc.h"

int sidecar_start(struct jail *j, int reports_fd, struct sidecar *ret, struct err *e)
{
	auto_fd int outside = -1, inside = -1;
	struct sidecar s = SIDECAR_NONE;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	outside = ends[0];
	inside = ends[1];
	jail_keep_as(j, inside, reports_fd);
	if (jail_start(j, &s.pid, &s.pidfd, e) < 0)
		return -1;
	s.reports = fd_steal(&outside);
	*ret = s;
	return 0;
}

/* 1: a report was read; 0: none available now; -1: no further reports will come. */
static int read_one(const struct sidecar *s, size_t report_bytes, sidecar_take take, void *arg)
{
	auto_free void *report = mem_alloc(report_bytes);
	ssize_t n;

	do {
		n = recv(s->reports, report, report_bytes, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != (ssize_t)report_bytes)
		return -1;
	take(arg, report);
	return 1;
}

int sidecar_read(const struct sidecar *s, size_t report_bytes, sidecar_take take, void *arg)
{
	int got;

	do {
		got = read_one(s, report_bytes, take, arg);
	} while (got > 0);
	return got;
}

void sidecar_kill(struct sidecar *s)
{
	jail_kill(&s->pid);
	fd_close(s->pidfd);
	fd_close(s->reports);
	*s = SIDECAR_NONE;
}

/* Read reports until the process closes its end. False on timeout. */
static bool read_to_the_end(const struct sidecar *s, int64_t limit_ms, size_t report_bytes,
	sidecar_take take, void *arg)
{
	int64_t deadline = clock_ms() + limit_ms;
	int got;

	while ((got = read_one(s, report_bytes, take, arg)) >= 0) {
		struct pollfd p = {.fd = s->reports, .events = POLLIN};

		if (got == 0 && clock_ms() >= deadline)
			return false;
		if (got == 0)
			(void)poll(&p, 1, clock_poll_timeout(deadline));
	}
	return true;
}

bool sidecar_stop(
	struct sidecar *s, int64_t limit_ms, size_t report_bytes, sidecar_take take, void *arg)
{
	int status = 0;
	bool whole;

	(void)shutdown(s->reports, SHUT_WR); /* fails if it has died, which is noticed below */
	whole = read_to_the_end(s, limit_ms, report_bytes, take, arg);
	if (!whole)
		(void)kill(s->pid, SIGKILL);
	if (proc_wait(s->pid, &status) == 0)
		s->pid = -1;
	sidecar_kill(s);
	return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void sidecar_set_text(struct node *fields, const char *key, const char *text, size_t size)
{
	auto_free char *whole = mem_strndup(text, strnlen(text, size));
	auto_free char *safe = text_safe(whole, size);

	if (whole[0])
		node_set_string(fields, key, safe);
}
