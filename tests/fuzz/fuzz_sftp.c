/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile sftp server. An input is all that it says; a session asks for one thing after the other, until the server
 * has broken a rule or has ended. Whatever it says, no more than was asked for is read, every name is one component,
 * and the session is over with a reason.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/fd.h"
#include "transfer/limits.h"
#include "transfer/sftp.h"

enum { FILE_BYTES = 5 * SFTP_BLOCK + 3, STALL_MS = 1000, GUARD = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int source = -1, nowhere = -1, answers = -1;

static void set_up(void)
{
	if (source >= 0)
		return;
	source = memfd_create("source", MFD_CLOEXEC);
	answers = memfd_create("answers", MFD_CLOEXEC);
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (source < 0 || answers < 0 || nowhere < 0 || ftruncate(source, FILE_BYTES) < 0)
		BUG("no files in memory");
}

static void take_name(void *arg, const char *name, const struct sftp_attributes *a)
{
	size_t *count = arg;

	if (!name[0] || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		strlen(name) > SFTP_NAME_MAX)
		BUG("a name that is not one component");
	if (a->is_file && a->is_directory)
		BUG("a name of two kinds");
	if (++*count > LIMIT_SFTP_NAMES)
		BUG("more names than the limit");
}

static int read_back(struct sftp *s, const struct sftp_handle *h)
{
	static char data[3 * SFTP_BLOCK + GUARD];
	size_t len = 0;
	int code;

	memset(data + sizeof(data) - GUARD, 'g', GUARD);
	code = sftp_read(s, h, 7, data, sizeof(data) - GUARD, &len);
	if (code >= 0 && len > sizeof(data) - GUARD)
		BUG("more than was asked for");
	for (size_t i = sizeof(data) - GUARD; i < sizeof(data); i++)
		if (data[i] != 'g')
			BUG("data outside of the buffer");
	return code;
}

static int converse(struct sftp *s)
{
	struct sftp_attributes a;
	struct sftp_handle h;
	size_t names = 0;
	int code = sftp_stat(s, "up", &a);

	if (code >= 0)
		code = sftp_list(s, "up", take_name, &names);
	if (code >= 0)
		code = sftp_mkdir(s, "up/d");
	if (code >= 0)
		code = sftp_open(s, "up/file", &h);
	if (code != SFTP_OK)
		return code;
	if (h.len == 0 || h.len > SFTP_HANDLE_MAX)
		BUG("a handle that is none");
	code = sftp_size(s, &h, &a);
	if (code >= 0)
		code = read_back(s, &h);
	if (code >= 0)
		code = sftp_write(s, &h, source, 0, FILE_BYTES);
	if (code >= 0)
		code = sftp_sync(s, &h);
	if (code >= 0)
		code = sftp_close(s, &h);
	return code >= 0 ? sftp_rename(s, "up/file", "up/other") : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sftp s;
	int code;

	set_up();
	if (ftruncate(answers, 0) < 0 || lseek(answers, 0, SEEK_SET) < 0 ||
		fd_write_all(answers, data, size) < 0 || lseek(answers, 0, SEEK_SET) < 0)
		BUG("a file in memory");
	code = sftp_begin(&s, answers, nowhere, STALL_MS);
	while (code >= 0)
		code = converse(&s);
	if (s.end == SFTP_GOES_ON || s.end == SFTP_STALLED)
		BUG("the session is over for no reason");
	if (s.end == SFTP_NONSENSE && !s.nonsense)
		BUG("nonsense without a word");
	sftp_release(&s);
	return 0;
}
