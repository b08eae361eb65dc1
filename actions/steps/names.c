/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/steps/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "actions/limits.h"
#include "base/buf.h"
#include "os/fd.h"
#include "os/path.h"

static int list(const char *directory, struct buf *b, struct err *e)
{
	DIR *dir = opendir(directory);
	struct dirent *d;

	if (!dir)
		return err_sys(e, "%s", directory);
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			buf_add(b, d->d_name, strlen(d->d_name) + 1);
	(void)closedir(dir);
	if (b->overflow)
		return err_set(e, ERR_INPUT, "%s: the names in it have more than %llu bytes",
			directory, (unsigned long long)LIMIT_NAMES_BYTES);
	return 0;
}

int names_write(const char *directory, const char *file, struct err *e)
{
	auto_free char *parent = path_parent(file);
	auto_buf struct buf text = {0};
	auto_fd int fd = -1;

	buf_init(&text, LIMIT_NAMES_BYTES);
	if (list(directory, &text, e) < 0 || path_make_dirs(parent, 0755, e) < 0)
		return -1;
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, text.data, text.len) < 0)
		return err_sys(e, "%s", file);
	return 0;
}

int names_read(const char *file, struct strv *ret, struct err *e)
{
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_NAMES_BYTES);
	if (fd_read_file(file, &text, e) < 0)
		return -1;
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
		strv_push(ret, text.data + at);
	return 0;
}
