/* SPDX-License-Identifier: Apache-2.0 */
/* Drives: virtio-blk devices, found by serial. They must match the list in `go`. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "executor/limits.h"
#include "executor/machine/machine.h"
#include "os/fd.h"

/* The first line of /sys/block/DEVICE/NAME; "" if it does not exist. */
static void read_line(const char *device, const char *name, char *text, size_t size)
{
	auto_free char *path = mem_printf("/sys/block/%s/%s", device, name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static bool is_absent(const struct drive *d)
{
	return d->want.bytes == DRIVE_ABSENT_BYTES;
}

/* Assign the device to the drive with its serial. True if it was assigned. */
static bool match_device(struct machine *m, const char *device)
{
	char serial[DRIVE_SERIAL_MAX + 2];

	read_line(device, "serial", serial, sizeof(serial));
	for (uint32_t i = 0; i < m->drive_count; i++) {
		struct drive *d = &m->drives[i];

		if (strcmp(d->want.serial, serial) == 0 && !d->device[0] && !is_absent(d)) {
			memcpy(d->device, device,
				strlen(device) + 1); /* match_devices checks the length */
			return true;
		}
	}
	return false;
}

static uint32_t match_devices(struct machine *m)
{
	DIR *dir = opendir("/sys/block");
	uint32_t found = 0;
	struct dirent *d;

	if (!dir)
		return 0;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.' && strlen(d->d_name) < sizeof(m->drives[0].device))
			found += match_device(m, d->d_name);
	(void)closedir(dir);
	return found;
}

static int check_drive(const struct drive *d, struct err *e)
{
	struct err ignored = {0};
	uint64_t sectors = 0;
	char text[32];

	if (is_absent(d))
		return 0;
	read_line(d->device, "size", text, sizeof(text));
	if (num_parse_u64(text, UINT64_MAX / 512, &sectors, &ignored) < 0 ||
		sectors * 512 != d->want.bytes)
		return err_set(e, ERR_HOST, "drive '%s' has %llu bytes, the host announced %llu",
			d->want.serial, (unsigned long long)sectors * 512,
			(unsigned long long)d->want.bytes);
	read_line(d->device, "ro", text, sizeof(text));
	if (strcmp(text, d->want.writable ? "0" : "1") != 0)
		return err_set(e, ERR_HOST, "drive '%s' is %s, the host announced the opposite",
			d->want.serial, d->want.writable ? "read-only" : "writable");
	return 0;
}

static int missing(const struct machine *m, struct err *e)
{
	for (uint32_t i = 0; i < m->drive_count; i++)
		if (!m->drives[i].device[0] && !is_absent(&m->drives[i]))
			return err_set(e, ERR_HOST,
				"drive '%s' is missing: the machine has no virtio-blk device with "
				"that serial",
				m->drives[i].want.serial);
	BUG("no drive is missing");
}

int blockdev_find(struct machine *m, const struct message_go *go, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t deadline = clock_ms() + LIMIT_DRIVES_MS;
	uint32_t found = 0;

	m->drive_count = go->drive_count;
	for (uint32_t i = 0; i < go->drive_count; i++) {
		m->drives[i] = (struct drive){.want = go->drives[i], .fd = -1};
		found += is_absent(&m->drives[i]);
	}
	while ((found += match_devices(m)) < m->drive_count) {
		if (clock_ms() >= deadline)
			return missing(m, e);
		(void)nanosleep(&pause, NULL);
	}
	for (uint32_t i = 0; i < m->drive_count; i++)
		if (check_drive(&m->drives[i], e) < 0)
			return -1;
	return 0;
}

int blockdev_open(const struct machine *m, const struct drive *d, int *ret_fd, struct err *e)
{
	auto_free char *path = mem_printf("/dev/%s", d->device);
	int fd = open(path, (d->want.writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);

	(void)m;
	if (fd < 0)
		return err_sys(e, "%s (%s)", path, d->want.serial);
	*ret_fd = fd;
	return 0;
}

const struct drive *machine_drive(const struct machine *m, const char *serial)
{
	for (uint32_t i = 0; i < m->drive_count; i++)
		if (strcmp(m->drives[i].want.serial, serial) == 0)
			return &m->drives[i];
	return NULL;
}
