/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of ambient-hostkey: one that a server has taken over. The name of the host, up to its first dot, says what it
 * does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/version.h"
#include "hostkey/report.h"

static struct hostkey_report report = {.kind = HOSTKEY_KEY};

static void say(void)
{
	(void)send(HOSTKEY_REPORTS, &report, sizeof(report), MSG_NOSIGNAL);
}

static void say_long_text(enum hostkey_report_kind kind)
{
	static const char colour[] = {'\x1b', '[', '3', '1', 'm'};

	report.kind = kind;
	memset(report.text, 'a', sizeof(report.text)); /* it has no end */
	memcpy(report.text, colour, sizeof(colour));
	say();
}

static void huge_key(void)
{
	report.key_len = UINT32_MAX;
	say();
}

static void empty_key(void)
{
	say();
}

/* The length of its type is more than it has. */
static void mad_key(void)
{
	report.key_len = HOSTKEY_KEY_MAX;
	memset(report.key, 0xff, sizeof(report.key));
	say();
}

static void long_type(void)
{
	static const uint8_t head[] = {0, 0, 0x0f, 0xf0, '\x1b', '\n', 0};

	report.key_len = HOSTKEY_KEY_MAX;
	memset(report.key, 'a', sizeof(report.key));
	memcpy(report.key, head, sizeof(head));
	say();
}

static void other_kind(void)
{
	report.kind = 77;
	say();
}

static void no_kind(void)
{
	report.kind = 0;
	say();
}

static void no_ssh(void)
{
	say_long_text(HOSTKEY_NOT_SSH);
}

static void failed(void)
{
	say_long_text(HOSTKEY_FAILED);
}

static void short_report(void)
{
	(void)send(HOSTKEY_REPORTS, &report, 10, MSG_NOSIGNAL);
}

static void flood(void)
{
	report.kind = HOSTKEY_CONNECTED;
	for (;;)
		say();
}

/* What comes after the last report does not count. */
static void two_answers(void)
{
	report.kind = HOSTKEY_CLOSED;
	say();
	report.kind = HOSTKEY_KEY;
	report.key_len = 20;
	say();
}

static void crash(void)
{
	(void)raise(SIGSEGV);
}

static void nothing(void)
{
}

static void be_silent(void)
{
	(void)pause();
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{"huge-key", huge_key},
	{"empty-key", empty_key},
	{"mad-key", mad_key},
	{"long-type", long_type},
	{"other-kind", other_kind},
	{"no-kind", no_kind},
	{"no-ssh", no_ssh},
	{"failed", failed},
	{"short", short_report},
	{"flood", flood},
	{"two-answers", two_answers},
	{"crash", crash},
	{"nothing", nothing},
	{"silent", be_silent},
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf(HOSTKEY_PROGRAM " %s\n", version_build);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(acts) / sizeof(*acts); i++)
		if (strncmp(argv[1], acts[i].name, strcspn(argv[1], ".")) == 0)
			acts[i].act();
	return 0;
}
