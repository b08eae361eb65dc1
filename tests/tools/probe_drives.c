/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives, as root in the guest can misuse them. The guest's kernel is no wall: where it can be made
 * to send a request that it should not, it is, so that QEMU has to refuse it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest_probe.h"
#include "os/fd.h"

enum { SECTOR = 512, PAGE = 4096, BEYOND = 1 << 20 };

/*
 * A partition that begins where the drive ends. Linux 6.1 checks requests against the partition's
 * end and not against the drive's, so they reach QEMU.
 */
static int add_partition(int fd, uint64_t start)
{
	struct blkpg_partition part = {.start = (long long)start, .length = BEYOND, .pno = 1};
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_ADD_PARTITION, .datalen = sizeof(part), .data = &part};

	return ioctl(fd, BLKPG, &arg);
}

/* A node of our own for the partition: the one in /dev comes when it comes. */
static int open_beyond(const char *drive, int flags)
{
	auto_fd int fd = open(drive, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = 0;
	struct stat st;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0 || fstat(fd, &st) < 0 ||
		add_partition(fd, bytes) < 0)
		return -1;
	(void)unlink("/tmp/probe-part");
	if (mknod("/tmp/probe-part", S_IFBLK | 0600,
		    makedev(major(st.st_rdev), minor(st.st_rdev) + 1)) < 0)
		return -1;
	return open("/tmp/probe-part", flags | O_DIRECT | O_CLOEXEC);
}

static void tell(const char *drive, const char *way, ssize_t n)
{
	if (n < 0)
		(void)printf("%s %s: %s\n", drive, way, strerror(errno));
	else
		(void)printf("%s %s: %zd bytes\n", drive, way, n);
}

static void remove_partition(const char *drive)
{
	auto_fd int fd = open(drive, O_RDONLY | O_CLOEXEC);
	struct blkpg_partition part = {.pno = 1};
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_DEL_PARTITION, .datalen = sizeof(part), .data = &part};

	(void)ioctl(fd, BLKPG, &arg);
}

static void *page(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		BUG("no memory for a page");
	memset(p, 'x', PAGE);
	return p;
}

static int read_past_end(const char *drive)
{
	auto_fd int fd = open(drive, O_RDONLY | O_CLOEXEC), beyond = -1;
	void *data = page();
	uint64_t bytes = 0;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		return probe_failed(drive);
	tell(drive, "read", pread(fd, data, PAGE, (off_t)bytes));
	beyond = open_beyond(drive, O_RDONLY);
	tell(drive, "read by partition", beyond < 0 ? -1 : pread(beyond, data, PAGE, 0));
	fd_close(fd_steal(&beyond));
	remove_partition(drive);
	return munmap(data, PAGE);
}

int probe_read_past_end(char **args)
{
	int result = 0;

	for (; *args; args++)
		result |= read_past_end(*args);
	return result;
}

static int write_past_end(const char *drive)
{
	auto_fd int fd = open(drive, O_RDWR | O_CLOEXEC), beyond = -1;
	void *data = page();
	uint64_t bytes = 0;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		return probe_failed(drive);
	tell(drive, "write", pwrite(fd, data, PAGE, (off_t)bytes));
	beyond = open_beyond(drive, O_RDWR);
	tell(drive, "write by partition", beyond < 0 ? -1 : pwrite(beyond, data, PAGE, 0));
	fd_close(fd_steal(&beyond));
	remove_partition(drive);
	return munmap(data, PAGE);
}

int probe_write_past_end(char **args)
{
	int result = 0;

	for (; *args; args++)
		result |= write_past_end(*args);
	return result;
}

/* ---- inputs ---- */

/* Pages of a mapping are written back without the question whether the drive can be written. */
static ssize_t write_mapped(int fd)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int result;

	if (p == MAP_FAILED)
		return -1;
	memset(p, 'x', SECTOR);
	result = msync(p, PAGE, MS_SYNC);
	(void)munmap(p, PAGE);
	return result;
}

static ssize_t write_through(int fd)
{
	void *data = page();
	ssize_t n = pwrite(fd, data, SECTOR, 0);

	if (n >= 0 && fsync(fd) < 0)
		n = -1;
	(void)munmap(data, PAGE);
	return n;
}

static ssize_t by_ioctl(int fd, unsigned long request)
{
	uint64_t range[2] = {0, SECTOR};

	return ioctl(fd, request, range);
}

int probe_write_input(char **args)
{
	for (; *args; args++) {
		auto_fd int fd = open(*args, O_RDWR | O_CLOEXEC);
		int off = 0;

		if (fd < 0)
			return probe_failed(*args);
		(void)ioctl(fd, BLKROSET, &off);
		tell(*args, "write", write_through(fd));
		tell(*args, "mapped", write_mapped(fd));
		tell(*args, "discard", by_ioctl(fd, BLKDISCARD));
		tell(*args, "zero", by_ioctl(fd, BLKZEROOUT));
	}
	return 0;
}
