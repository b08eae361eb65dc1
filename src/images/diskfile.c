/* SPDX-License-Identifier: Apache-2.0 */
#include "images/diskfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/qcow2.h"
#include "images/imagestore.h"
#include "images/limits.h"
#include "images/partitions.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/space.h"

#define QEMU_IMG "qemu-img"
/* Paths in the jail. */
#define INSIDE_FROM "/from"
#define INSIDE_TO "/to"

enum { OUTPUT_BYTES = 64 * 1024, SHOWN_MAX = 300 };

static const char *const format_names[] = {
	[DISKFILE_NONE] = NULL, [DISKFILE_QCOW2] = "qcow2", [DISKFILE_RAW] = "raw"};

enum diskfile_format diskfile_probe(const char *path)
{
	uint8_t sector[512];
	struct err ignored = {0};
	auto_fd int fd = -1;

	if (fd_open_file(path, &fd, &ignored) < 0 ||
		fd_pread_full(fd, sector, sizeof(sector), 0) != sizeof(sector))
		return DISKFILE_NONE;
	if (qcow2_is_magic(sector, sizeof(sector)))
		return DISKFILE_QCOW2;
	return sector[510] == 0x55 && sector[511] == 0xaa ? DISKFILE_RAW : DISKFILE_NONE;
}

/* ---- the file of others ---- */

/* The jail's user is another one if the caller is root. */
static int check_readable(const char *path, const struct stat *st, struct err *e)
{
	auto_free char *word = NULL;

	if (geteuid() != 0 || st->st_mode & S_IROTH)
		return 0;
	word = text_word(path);
	return err_set(e, ERR_INPUT,
		"only its owner or group can read it, and qemu-img runs as another user: 'chmod "
		"a+r %s'",
		word);
}

static int check_source(const char *path, enum diskfile_format format, uint64_t *ret_bytes,
	struct stat *ret_st, struct err *e)
{
	auto_fd int fd = -1;
	struct stat st;

	if (fd_open_file(path, &fd, e) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (check_readable(path, &st, e) < 0)
		return -1;
	*ret_st = st;
	if (format == DISKFILE_QCOW2)
		return qcow2_check(fd, ret_bytes, e);
	*ret_bytes = (uint64_t)st.st_size;
	return qcow2_check_size(*ret_bytes, e);
}

/* A machine that is still using the disk would leave a mixture of two states. */
static int check_unchanged(const char *path, const struct stat *before, struct err *e)
{
	struct stat now;

	if (stat(path, &now) < 0)
		return err_sys(e, "%s", path);
	if (now.st_ino == before->st_ino && now.st_size == before->st_size &&
		now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
		now.st_ctim.tv_sec == before->st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == before->st_ctim.tv_nsec)
		return 0;
	return err_set(e, ERR_INPUT,
		"the disk changed while it was imported: end the machine that uses it");
}

/* ---- qemu-img ---- */

static int find_program(char **ret, struct err *e)
{
	*ret = proc_find(QEMU_IMG);
	if (*ret)
		return 0;
	return err_reason(e, ERR_HOST, "host_no_qemu_img",
		QEMU_IMG " is missing; on Debian: apt-get install qemu-utils");
}

/*
 * Start it in a jail that has the file of others, and the new file if `made` is not NULL. words ends
 * with NULL. *ret_code: its exit status.
 */
static int run_program(const char *const *words, const char *path, const char *made, int *ret_code,
	struct buf *errors, struct err *e)
{
	auto_free char *program = NULL;
	auto_buf struct buf out = {0};
	auto_jail struct jail j;
	struct jail_end end;

	buf_init(&out, OUTPUT_BYTES);
	jail_init(&j, QEMU_IMG);
	if (find_program(&program, e) < 0 || jail_vm_user(NULL, &j.uid, &j.gid, e) < 0)
		return -1;
	j.program = program;
	j.no_children = true;
	j.max_memory = LIMIT_QEMU_IMG_MEMORY;
	if (made)
		j.max_file_bytes = space_share(made, LIMIT_IMAGE_BYTES);
	jail_device(&j, "/dev/null");
	jail_bind(&j, path, INSIDE_FROM, 0);
	if (made)
		jail_bind(&j, made, INSIDE_TO, JAIL_WRITABLE);
	strv_push(&j.argv, QEMU_IMG);
	for (; *words; words++)
		strv_push(&j.argv, *words);
	if (jail_run(&j, LIMIT_QEMU_IMG_MS, &out, errors, &end, e) < 0)
		return -1;
	if (end.timed_out)
		return err_set(e, ERR_HOST, QEMU_IMG " took more than %s",
			num_show_duration(LIMIT_QEMU_IMG_MS).s);
	if (end.signal)
		return err_set(e, ERR_HOST, QEMU_IMG " was ended by signal %d", end.signal);
	*ret_code = end.exit_code;
	return 0;
}

/* A few bytes of a qcow2 can be named as the contents of any number of blocks. */
static int too_large(const char *made, struct err *e)
{
	auto_free char *image = path_parent(made), *work = path_parent(image),
		       *store = path_parent(work);

	return err_reason(e, ERR_HOST, ERR_REASON_DISK,
		"the disk takes more than nine tenths of what is free in %s: make room there",
		store);
}

/*
 * The first line of what it said; made NULL: it made nothing. As the first process of a jail it gets no
 * SIGXFSZ, and its messages are not translated: the jail has no locale.
 */
static int is_damaged(const struct buf *errors, const char *made, struct err *e)
{
	auto_free char *line = mem_strndup(errors->data, strcspn(errors->data, "\n"));
	auto_free char *safe = text_safe(line, SHOWN_MAX);

	if (made && strstr(errors->data, strerror(EFBIG)))
		return too_large(made, e);
	if (made && strstr(errors->data, strerror(ENOSPC))) {
		errno = ENOSPC;
		return err_sys(e, "write the disk");
	}
	return err_set(e, ERR_INPUT, "the disk is damaged: %s", safe);
}

/*
 * What is missing at the end of a truncated qcow2 would be read as zeros. A check compares its
 * tables with its length.
 */
static int check_tables(const char *path, struct err *e)
{
	static const char *const words[] = {
		"check", "-q", "-f", "qcow2", "--output=human", INSIDE_FROM, NULL};
	enum { WHOLE = 0, WITH_UNUSED_CLUSTERS = 3 };
	auto_buf struct buf errors = {0};
	int code = -1;

	buf_init(&errors, OUTPUT_BYTES);
	if (run_program(words, path, NULL, &code, &errors, e) < 0)
		return -1;
	return code == WHOLE || code == WITH_UNUSED_CLUSTERS ? 0 : is_damaged(&errors, NULL, e);
}

/* Without -W, and so in order: the same disk gives the same file. */
static int convert(const char *path, enum diskfile_format format, const char *made, struct err *e)
{
	const char *const words[] = {"convert", "-f", format_names[format], "-O", "qcow2", "-o",
		"compat=1.1,cluster_size=65536", "-t", "unsafe", INSIDE_FROM, INSIDE_TO, NULL};
	auto_free char *dir = path_parent(made);
	auto_buf struct buf errors = {0};
	int code = -1, result;

	buf_init(&errors, OUTPUT_BYTES);
	result = run_program(words, path, made, &code, &errors, e);
	if (result == 0 && code != 0)
		result = is_damaged(&errors, made, e);
	if (result < 0)
		space_explain_path(e, dir);
	return result;
}

/* ---- what was made ---- */

static int check_made(int fd, uint64_t bytes, bool *ret_uefi, struct err *e)
{
	uint8_t start[PARTITIONS_BYTES] = {0};
	size_t len = bytes < sizeof(start) ? (size_t)bytes : sizeof(start);
	uint64_t has = 0;

	if (qcow2_check(fd, &has, e) < 0 || qcow2_read(fd, 0, start, len, e) < 0)
		return err_wrap(e, "what " QEMU_IMG " made");
	if (has != bytes)
		return err_set(e, ERR_HOST, QEMU_IMG " made a disk of another size");
	return partitions_read(start, len, bytes, ret_uefi, e);
}

int diskfile_convert(const char *path, enum diskfile_format format, const char *made,
	bool *ret_uefi, struct err *e)
{
	auto_fd int fd = -1;
	struct stat st = {0};
	uint64_t bytes = 0;

	if (check_source(path, format, &bytes, &st, e) < 0 ||
		(format == DISKFILE_QCOW2 && check_tables(path, e) < 0) ||
		imagestore_make_file(made, &fd, e) < 0 || convert(path, format, made, e) < 0 ||
		check_unchanged(path, &st, e) < 0 || check_made(fd, bytes, ret_uefi, e) < 0)
		return -1;
	return fchmod(fd, 0644) < 0 ? err_sys(e, "%s", made) : 0;
}
