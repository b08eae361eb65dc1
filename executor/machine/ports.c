/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio-serial ports, found by the names that the host has set. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "executor/limits.h"
#include "executor/machine/machine.h"
#include "os/fd.h"

static const char ports_dir[] = "/sys/class/virtio-ports";
static const char devices_dir[] = "/sys/bus/virtio/devices";
/* Virtual I/O Device 1.1, 5: the console, which all ports are of. */
static const char console_id[] = "0x0003";

/* Is this the text of the device's attribute, a file in its directory below `dir`? */
static bool has_text(const char *dir, const char *device, const char *file, const char *wanted)
{
	auto_free char *path = mem_printf("%s/%s/%s", dir, device, file);
	char text[64] = "";
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, wanted) == 0;
}

/* The name of a device below `dir` whose attribute has this text; NULL: none. */
static char *find_device(const char *dir, const char *file, const char *wanted)
{
	DIR *d = opendir(dir);
	char *found = NULL;
	struct dirent *entry;

	if (!d)
		return NULL;
	while (!found && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && has_text(dir, entry->d_name, file, wanted))
			found = mem_strdup(entry->d_name);
	(void)closedir(d);
	return found;
}

/* The path of the port's node in /dev; NULL: not found. */
static char *find(const char *name)
{
	auto_free char *device = find_device(ports_dir, "name", name);

	return device ? mem_printf("/dev/%s", device) : NULL;
}

static void pause_shortly(void)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	(void)nanosleep(&pause, NULL);
}

bool ports_are_there(void)
{
	auto_free char *console = find_device(devices_dir, "device", console_id);
	int64_t deadline = clock_ms() + LIMIT_PORTS_MS;

	while (console && clock_ms() < deadline) {
		auto_free char *path = find(PORT_LOG);

		if (path)
			return true;
		pause_shortly();
	}
	return false;
}

/*
 * A port gets its name, its node and its readiness one after the other. Until then open fails with
 * ENOENT or ENXIO, so it is retried for some time.
 */
static int open_port(const char *name, int64_t deadline_ms, int *ret_fd, struct err *e)
{
	for (;;) {
		auto_free char *path = find(name);
		int fd = path ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;

		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (path && errno != ENXIO && errno != ENOENT)
			return err_sys(e, "%s (%s)", path, name);
		if (clock_ms() >= deadline_ms)
			return err_set(e, ERR_HOST,
				"there is no virtio-serial port '%s': the kernel has no driver for "
				"it (virtio_console), or this is not a virtual machine of ambient",
				name);
		pause_shortly();
	}
}

int ports_open(struct machine *m, int *ret_log, int *ret_ctl, struct err *e)
{
	int64_t deadline = clock_ms() + LIMIT_PORTS_MS;
	auto_fd int log = -1, ctl = -1;

	(void)m;
	if (open_port(PORT_LOG, deadline, &log, e) < 0 ||
		open_port(PORT_CTL, deadline, &ctl, e) < 0)
		return -1;
	*ret_log = fd_steal(&log);
	*ret_ctl = fd_steal(&ctl);
	return 0;
}
