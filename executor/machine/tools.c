/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/machine/tools.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "data/unpack.h"
#include "os/fd.h"
#include "os/path.h"

#define OWN_CERTIFICATES GUEST_TOOLS "/" TOOLS_NAME "/" TOOL_CERTIFICATES

/* Where distributions have theirs: Debian, Alpine and Arch; Fedora; SUSE. */
static const char *const image_certificates[] = {"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", NULL};

static int append_file(const char *path, int to, struct err *e)
{
	auto_buf struct buf text = {0};

	buf_init(&text, 16 * MIB);
	if (fd_read_file(path, &text, e) < 0)
		return -1;
	return fd_write_all(to, text.data, text.len) < 0 ? err_sys(e, GUEST_CERTIFICATES) : 0;
}

/* The first file that is there: the others are links to it, if anything. NULL: none. */
static const char *find_certificates(void)
{
	struct stat st;

	for (size_t i = 0; image_certificates[i]; i++)
		if (stat(image_certificates[i], &st) == 0 && S_ISREG(st.st_mode))
			return image_certificates[i];
	return NULL;
}

static int join_certificates(struct err *e)
{
	const char *of_image;
	auto_fd int fd = -1;

	if (access(OWN_CERTIFICATES, F_OK) < 0)
		return 0;
	fd = open(GUEST_CERTIFICATES, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, GUEST_CERTIFICATES);
	of_image = find_certificates();
	if (of_image && append_file(of_image, fd, e) < 0)
		return -1;
	return append_file(OWN_CERTIFICATES, fd, e);
}

int tools_unpack(const struct machine *m, struct err *e)
{
	const struct drive *d = machine_drive(m, DRIVE_EXEC);
	const struct unpack_policy policy = {0};
	struct unpack_result result;
	auto_fd int drive = -1, dest = -1;

	if (!d)
		return err_set(e, ERR_HOST, "the host announced no drive '%s'", DRIVE_EXEC);
	if (m->open_drive(m, d, &drive, e) < 0 || path_make_dirs(GUEST_TOOLS, 0755, e) < 0)
		return -1;
	dest = open(GUEST_TOOLS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dest < 0)
		return err_sys(e, "%s", GUEST_TOOLS);
	if (unpack_tree(drive, d->want.bytes, dest, &policy, &result, e) < 0)
		return err_wrap(e, "drive '%s'", DRIVE_EXEC);
	return join_certificates(e);
}
