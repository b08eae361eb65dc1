/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of ambient-archive: one that an archive has taken over. The first byte of its input
 * says what it does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "archive/report.h"
#include "data/tar.h"
#include "os/fd.h"

static struct rewrite_report report = {.kind = REPORT_DONE};

static void say(void)
{
	(void)send(REWRITE_REPORTS, &report, sizeof(report), MSG_NOSIGNAL);
}

static void put(const struct tar_entry *t)
{
	char header[TAR_HEADER_MAX];
	size_t len = tar_encode(t, header);

	(void)fd_pwrite_all(REWRITE_OUT, header, len, report.bytes);
	report.bytes += len + t->size + tar_padding(t->size);
	report.entries++;
}

static void end(void)
{
	report.bytes += TAR_END_BYTES;
	if (ftruncate(REWRITE_OUT, (off_t)report.bytes) == 0)
		say();
}

static void fail_with(const char *message, uint32_t is_host)
{
	report.kind = REPORT_FAILED;
	report.is_host = is_host;
	memset(report.message, 'm', sizeof(report.message));
	memset(report.reason, 'r', sizeof(report.reason));
	if (message)
		(void)snprintf(report.message, sizeof(report.message), "%s", message);
	say();
}

/* Nothing of it may work, so each is tried. */
static void look_around(void)
{
	char text[200];

	(void)snprintf(text, sizeof(text), "etc %d, write %d, child %d, file %d",
		open("/etc/passwd", O_RDONLY), open("/usr/x", O_WRONLY | O_CREAT, 0600),
		(int)fork(), open("/x", O_WRONLY | O_CREAT, 0600));
	fail_with(text, 0);
}

static void act(char how)
{
	struct tar_entry t = {.type = TAR_FILE, .path = "f", .link = "", .mode = 0644};

	switch (how) {
	case 'l':
		t.mode = 04755;
		put(&t);
		end();
		break;
	case 'd':
		t.type = TAR_CHAR_DEVICE;
		put(&t);
		end();
		break;
	case 'u':
		t.path = "../f";
		put(&t);
		end();
		break;
	case 'c':
		put(&t);
		report.entries = 7;
		end();
		break;
	case 'b':
		put(&t);
		end();
		(void)fd_pwrite_all(REWRITE_OUT, "x", 1, report.bytes);
		break;
	case 'p':
		t.size = 1;
		put(&t);
		(void)fd_pwrite_all(REWRITE_OUT, "xx", 2, TAR_BLOCK);
		end();
		break;
	case 'g':
		(void)fd_pwrite_all(REWRITE_OUT, "garbage", 7, 0);
		end();
		break;
	case 'o':
		(void)fd_pwrite_all(REWRITE_OUT, "x", 1, 1 << 20);
		report.bytes = (1 << 20) + 1;
		say();
		break;
	case 'm':
		fail_with(NULL, 0);
		break;
	case 'h':
		fail_with("\x1b[2J and\na line", 1);
		break;
	case 's':
		(void)send(REWRITE_REPORTS, "short", 5, MSG_NOSIGNAL);
		break;
	case 'f':
		while (write(STDERR_FILENO, "\x1b flood", 7) > 0)
			;
		break;
	case 'w':
		(void)close(REWRITE_REPORTS);
		for (;;)
			(void)pause();
	case 'a':
		look_around();
		break;
	default:
		(void)fprintf(stderr, "nothing\x1b to say\nat all\n");
		exit(3);
	}
}

int main(void)
{
	char how = '\0';

	if (pread(REWRITE_IN, &how, 1, 0) == 1)
		act(how);
	return 0;
}
