/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a disk that a stranger made. Its header is accepted or refused in words; then its start
 * is read through its tables, and the partition table in it.
 */
#include "terminal.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/limits.h"
#include "data/qcow2.h"
#include "images/partitions.h"
#include "os/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_refusal(const struct err *e)
{
	if (e->kind != ERR_INPUT || !e->msg[0])
		BUG("a refusal of kind %d: %s", (int)e->kind, e->msg);
	expect_harmless("a message", e->msg);
}

static void read_start(int fd, uint64_t bytes)
{
	uint8_t start[PARTITIONS_BYTES];
	size_t len = bytes < sizeof(start) ? (size_t)bytes : sizeof(start);
	struct err e = {0};
	bool uefi;

	if (qcow2_read(fd, 0, start, len, &e) < 0 ||
		partitions_read(start, len, bytes, &uefi, &e) < 0)
		expect_refusal(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct err e = {0}, other = {0};
	uint64_t bytes = 0;
	bool uefi;

	if (fd < 0)
		fd = memfd_create("disk", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || fd_pwrite_all(fd, data, size, 0) < 0)
		BUG("no file in memory");
	if (partitions_read(data, size, size, &uefi, &other) < 0)
		expect_refusal(&other);
	if (qcow2_check(fd, &bytes, &e) < 0) {
		expect_refusal(&e);
		return 0;
	}
	if (bytes == 0 || bytes > LIMIT_DISK_BYTES || bytes % 512)
		BUG("a disk of %llu bytes", (unsigned long long)bytes);
	read_start(fd, bytes);
	return 0;
}
