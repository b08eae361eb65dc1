/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/drives.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/pack.h"
#include "machine/limits.h"
#include "settings/limits.h"
#include "os/fd.h"
#include "os/inherit.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sparse.h"
#include "os/temporary.h"
#include "settings/config.h"
#include "settings/project.h"

enum { SECTOR = 512 };

void drives_release(struct drives *d)
{
	for (size_t i = 0; i < d->count; i++)
		fd_close(d->items[i].fd);
	*d = (struct drives){0};
}

const struct vm_drive *drives_find(const struct drives *d, const char *serial)
{
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->items[i].serial, serial) == 0)
			return &d->items[i];
	return NULL;
}

static void check_room(const struct drives *d, const char *serial)
{
	if (d->count == DRIVES_MAX || strlen(serial) > DRIVE_SERIAL_MAX)
		BUG("drive %s does not fit", serial);
}

/* Takes ownership of the descriptor, whose access mode must match `writable`. */
static int add(struct drives *d, const char *serial, int fd, bool writable, struct err *e)
{
	auto_fd int owned = fd;
	struct stat st;

	check_room(d, serial);
	if (fstat(owned, &st) < 0)
		return err_sys(e, "drive %s", serial);
	if (st.st_size == 0 || st.st_size % SECTOR)
		return err_set(e, ERR_HOST,
			"drive %s: its length of %lld bytes is not a multiple of %d", serial,
			(long long)st.st_size, SECTOR);
	d->items[d->count++] = (struct vm_drive){.serial = serial,
		.fd = fd_steal(&owned),
		.bytes = (uint64_t)st.st_size,
		.writable = writable};
	return 0;
}

static uint64_t first_set(uint64_t own, uint64_t general)
{
	return own ? own : general;
}

struct drive_sizes drives_sizes(const struct config *c, const struct project *p)
{
	return (struct drive_sizes){
		.scratch = c->scratch_bytes,
		.artifacts = first_set(p ? p->artifacts_max : 0, c->artifacts_max),
		.cache = first_set(p ? p->cache_max : 0, c->cache_max),
		.deps = first_set(p ? p->deps_max : 0, c->deps_max),
		.mirror = c->mirror_max,
	};
}

static uint64_t largest_drive(const struct drive_sizes *s)
{
	const uint64_t sizes[] = {s->scratch, s->artifacts, s->cache, s->deps, s->mirror};
	uint64_t largest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (sizes[i] > largest)
			largest = sizes[i];
	return largest;
}

int drives_check_host(const struct config *config, const struct project *project, struct err *e)
{
	const struct drive_sizes sizes = drives_sizes(config, project);
	auto_fd int fd = -1;

	if (inherit_check_limits(largest_drive(&sizes), e) < 0)
		return -1;
	return temporary_file(config->tmpdir, &fd, e);
}

/* For a read-only drive QEMU accepts only a descriptor that was opened read-only. */
int drives_add_fd(struct drives *d, const char *serial, int fd, struct err *e)
{
	auto_fd int owned = fd;
	auto_free char *path = mem_printf("/proc/self/fd/%d", owned);
	int again = open(path, O_RDONLY | O_CLOEXEC);

	if (again < 0)
		return err_sys(e, "drive %s: open it for reading", serial);
	return add(d, serial, again, false, e);
}

static void add_absent(struct drives *d, const char *serial)
{
	check_room(d, serial);
	d->items[d->count++] =
		(struct vm_drive){.serial = serial, .fd = -1, .bytes = DRIVE_ABSENT_BYTES};
}

/* For errors with an errno the remedy does not apply. */
static int refuse_file(const char *remedy, struct err *e)
{
	return e->sys ? -1 : err_append(e, "; it is damaged: %s", remedy);
}

static int open_file(const char *serial, const char *path, int *ret_fd, struct err *e)
{
	if (fd_open_file(path, ret_fd, e) == 0)
		return 0;
	e->kind = ERR_HOST;
	return err_wrap(e, "drive %s", serial);
}

static int add_file(struct drives *d, const char *serial, const char *path, struct err *e)
{
	auto_fd int fd = -1;

	if (open_file(serial, path, &fd, e) < 0)
		return -1;
	return add(d, serial, fd_steal(&fd), false, e);
}

int drives_add_stored(struct drives *d, const char *serial, const char *path, struct err *e)
{
	auto_free char *remedy = path ? mem_printf("remove %s to run without it", path) : NULL;

	if (path)
		return add_file(d, serial, path, e) < 0 ? refuse_file(remedy, e) : 0;
	add_absent(d, serial);
	return 0;
}

int drives_add_image(struct drives *d, const char *serial, const char *path, struct err *e)
{
	if (add_file(d, serial, path, e) == 0)
		return 0;
	return refuse_file("make the image again, or import it again", e);
}

static int set_length(int fd, const char *serial, uint64_t bytes, struct err *e)
{
	auto_free char *name = NULL;

	if (ftruncate(fd, (off_t)(bytes / SECTOR * SECTOR)) == 0)
		return 0;
	name = fd_name(fd);
	return err_sys(e, "drive %s: give %s its length", serial, name);
}

static int add_member(
	struct packer *p, const char *name, mode_t mode, const char *path, struct err *e)
{
	auto_fd int fd = -1;

	return fd_open_file(path, &fd, e) < 0 ? -1 : pack_add_fd(p, name, mode, fd, e);
}

/* A file need not end in a newline. */
static int add_certificates(struct packer *p, const struct strv *files, struct err *e)
{
	auto_buf struct buf all = {0};

	buf_init(&all, LIMIT_CERTIFICATES_BYTES);
	strv_each (files, path) {
		if (fd_read_file(*path, &all, e) < 0)
			return -1;
		if (all.len && all.data[all.len - 1] != '\n')
			buf_addc(&all, '\n');
	}
	return pack_add_file(p, TOOLS_NAME "/" TOOL_CERTIFICATES, 0644, all.data, all.len, e);
}

static int add_tools(struct packer *p, const struct drives_exec *x, struct err *e)
{
	const bool trusts = x->certificates && x->certificates->count;

	if (!x->net_tool && !trusts)
		return 0;
	if (pack_add_dir(p, TOOLS_NAME, 0755, e) < 0)
		return -1;
	if (x->net_tool && add_member(p, TOOLS_NAME "/" TOOL_NET, 0755, x->net_tool, e) < 0)
		return -1;
	return trusts ? add_certificates(p, x->certificates, e) : 0;
}

/* Members are in the order of their names. */
static int add_programs(struct packer *p, const struct drives_exec *x, struct err *e)
{
	const bool plan_first = strcmp(PLAN_NAME, x->name) < 0;

	if (plan_first && pack_add_file(p, PLAN_NAME, 0644, x->plan, x->plan_len, e) < 0)
		return -1;
	if (add_member(p, x->name, 0755, x->executor, e) < 0)
		return -1;
	if (!plan_first && pack_add_file(p, PLAN_NAME, 0644, x->plan, x->plan_len, e) < 0)
		return -1;
	return add_tools(p, x, e);
}

int drives_add_exec(struct drives *d, const struct drives_exec *x, struct err *e)
{
	struct pack_options options = {.out_is_zero = true};
	auto_pack_result struct pack_result result = {0};
	auto_fd int fd = fd_memory(DRIVE_EXEC, e);
	auto_packer struct packer *p = NULL;

	if (fd < 0)
		return -1;
	p = pack_begin(fd, &options);
	if (add_programs(p, x, e) < 0 || pack_end(p, &result, e) < 0)
		return err_wrap(e, "drive " DRIVE_EXEC);
	if (set_length(fd, DRIVE_EXEC, result.bytes, e) < 0)
		return -1;
	return drives_add_fd(d, DRIVE_EXEC, fd_steal(&fd), e);
}

int drives_copy(int from, int to, uint64_t bytes, struct err *e)
{
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	return sparse_copy(from, 0, to, bytes, e) < 0 ? err_wrap(e, "copy the disk") : 0;
}

/*
 * No journal and no preparation of inode tables: the file system exists for one run and is not used
 * after a crash. No copies of the superblock, and all tables in one place (-G): if they are
 * scattered over 20 GiB, the host needs a tenth of a second to free them.
 */
static int make_file_system(int fd, struct err *e)
{
	auto_strv struct strv argv = {0};

	strv_push(&argv, "mke2fs");
	strv_push(&argv, "-q");
	strv_push(&argv, "-F");
	strv_push(&argv, "-t");
	strv_push(&argv, "ext4");
	strv_push(&argv, "-m");
	strv_push(&argv, "0");
	strv_push(&argv, "-O");
	strv_push(&argv, "^has_journal,^metadata_csum,^64bit,^resize_inode,sparse_super2");
	strv_push(&argv, "-G");
	strv_push(&argv, "256");
	strv_push(&argv, "-E");
	strv_push(&argv, "lazy_itable_init=1,num_backup_sb=0,root_owner=0:0");
	strv_pushf(&argv, "/proc/%d/fd/%d", (int)getpid(), fd);
	if (proc_run_ok(&argv, LIMIT_MKE2FS_MS, e) == 0)
		return 0;
	return e->kind == ERR_INTERRUPTED ? -1 : err_because(e, "host_disk");
}

/*
 * mke2fs syncs the disk several times, and pages that were written to disk must then be freed
 * there. So it writes to memory first. The copy to the disk is not synced: if the run is short,
 * nothing of it reaches the disk.
 */
static int make_in_memory(int fd, uint64_t bytes, struct err *e)
{
	auto_fd int memory = fd_memory(DRIVE_SCRATCH, e);

	if (memory < 0 || set_length(memory, DRIVE_SCRATCH, bytes, e) < 0 ||
		make_file_system(memory, e) < 0)
		return -1;
	return drives_copy(memory, fd, bytes / SECTOR * SECTOR, e);
}

int drives_format_scratch(int fd, uint64_t bytes, struct err *e)
{
	auto_free char *name = NULL;

	if (set_length(fd, DRIVE_SCRATCH, bytes, e) < 0)
		return -1;
	if (make_in_memory(fd, bytes, e) == 0)
		return 0;
	name = fd_name(fd);
	return err_wrap(e, "drive " DRIVE_SCRATCH ", %s", name);
}

int drives_add_scratch(struct drives *d, const char *tmpdir, uint64_t bytes, struct err *e)
{
	auto_fd int fd = -1;

	if (temporary_file(tmpdir, &fd, e) < 0 || drives_format_scratch(fd, bytes, e) < 0)
		return -1;
	return add(d, DRIVE_SCRATCH, fd_steal(&fd), true, e);
}

int drives_add_disk(struct drives *d, int fd, struct err *e)
{
	return add(d, DRIVE_SCRATCH, fd, true, e);
}

int drives_add_output(struct drives *d, const char *serial, int fd, uint64_t bytes, struct err *e)
{
	auto_fd int owned = fd;

	if (bytes < DRIVE_EMPTY_BYTES)
		bytes = DRIVE_EMPTY_BYTES;
	if (set_length(owned, serial, bytes, e) < 0)
		return -1;
	return add(d, serial, fd_steal(&owned), true, e);
}
