/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sshcheck.h"

#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/text.h"

enum { SAID_MAX = 16 * 1024, SHOWN_MAX = 600 };

/* The text from `head` on to the end of its line, if one begins with it or has it behind ": ". */
static char *find(const char *said, const char *head)
{
	const char *at = strstr(said, head);

	while (at && at != said && at[-1] != '\n' &&
		(at - said < 2 || strncmp(at - 2, ": ", 2) != 0))
		at = strstr(at + 1, head);
	return at ? mem_strndup(at, strcspn(at, "\r\n")) : NULL;
}

bool sshcheck_is_wrong_key(const char *said)
{
	auto_free char *line = find(said, "Host key verification failed.");

	return line != NULL;
}

int sshcheck(const struct strv *ssh, const char *login, struct err *e)
{
	auto_strv struct strv argv = {0};
	auto_buf struct buf said = {0};
	auto_free char *line = NULL, *text = NULL;

	buf_init(&said, SAID_MAX);
	strv_push_all(&argv, ssh);
	strv_push(&argv, "-T");
	strv_push(&argv, "-oBatchMode=yes");
	strv_push(&argv, "-oPreferredAuthentications=none");
	strv_push(&argv, "--");
	strv_push(&argv, login);
	strv_push(&argv, "true");
	if (proc_run(&argv, &said, e) < 0)
		return -1;
	if (sshcheck_is_wrong_key(said.data))
		return err_reason(e, ERR_INPUT, "upload_host_key",
			"%s: the key of the host is none that known_hosts has for it: nothing was "
			"uploaded",
			login);
	line = find(said.data, "no connection to ");
	if (!line)
		return 0;
	text = text_safe(line, SHOWN_MAX);
	return err_reason(e, ERR_INPUT, "upload_unreachable", "%s: %s", login, text);
}
