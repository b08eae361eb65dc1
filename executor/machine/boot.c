/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor as init of a machine that the host booted from a kernel, an initramfs with kernel
 * modules and this program, and drives.
 *
 * Modules are loaded in two stages; the first has additional modules for machines with a PCI bus.
 * No drive is used before the second stage. So a machine could be frozen while it waits for `go`,
 * and copies of it could get other drives. The root is the image's file system with the scratch
 * drive as the upper layer: files of a job are on a disk, and are not limited by the memory of the
 * guest.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "executor/job/group.h"
#include "executor/machine/machine.h"
#include "executor/machine/nodes.h"
#include "executor/machine/scratch.h"
#include "os/fd.h"
#include "os/path.h"

/* ---- before `go` ---- */

/* Most kernels open it for the first process, using a device node of their built-in initramfs. */
static bool have_console(void)
{
	struct stat st;

	for (int i = 0; i < 3; i++)
		if (fstat(i, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 1))
			return false;
	return true;
}

/* Open the console if the kernel has not: the image's initramfs has no device nodes. */
static int open_console(struct err *e)
{
	int fd;

	if (have_console())
		return 0;
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "/dev/console");
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) < 0)
			return err_sys(e, "/dev/console");
	if (fd > 2)
		fd_close(fd);
	return 0;
}

static int load_module(int dir, const char *name, struct err *e)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "kernel module %s", name);
	/* EEXIST: already loaded, or built into the kernel. */
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(e, "load kernel module %s", name);
	return 0;
}

static int is_module(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* In alphabetical order. */
static int load_modules(const char *path, struct err *e)
{
	auto_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **list = NULL;
	int count, result = 0;

	if (dir < 0 && errno == ENOENT)
		return 0; /* the kernel has all drivers built in */
	count = scandir(path, &list, is_module, alphasort);
	if (dir < 0 || count < 0)
		return err_sys(e, "%s", path);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = load_module(dir, list[i]->d_name, e);
		free(list[i]);
	}
	free(list);
	return result;
}

static bool has_pci_devices(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	bool found = false;
	struct dirent *d;

	if (!dir)
		return false;
	while (!found && (d = readdir(dir)))
		found = d->d_name[0] != '.';
	(void)closedir(dir);
	return found;
}

/*
 * A kernel without a working timer (docs/decisions/0016-processors.md) hangs at its first sleep. So
 * sleep here, where the host can start the machine again, and not in an action.
 */
static int prove_timer(struct err *e)
{
	const struct timespec moment = {.tv_nsec = 1000};

	return nanosleep(&moment, NULL) < 0 ? err_sys(e, "sleep") : 0;
}

static int start(struct machine *m, struct err *e)
{
	(void)m;
	if (prove_timer(e) < 0)
		return -1;
	if (guest_mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755", e) < 0 ||
		open_console(e) < 0 ||
		guest_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e) <
			0 ||
		guest_mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e) <
			0)
		return -1;
	if (load_modules(MODULES_CHANNELS, e) < 0)
		return -1;
	return has_pci_devices() ? load_modules(MODULES_PCI, e) : 0;
}

/* ---- the root file system ---- */

enum { SQUASHFS_MAGIC = 0x73717368 /* at 0 */, EROFS_OFFSET = 1024 };
#define EROFS_MAGIC 0xe0f5e1e2u

static int probe_root(
	const struct machine *m, const struct drive *d, const char **ret_type, struct err *e)
{
	uint32_t squashfs = 0, erofs = 0;
	auto_fd int fd = -1;

	if (blockdev_open(m, d, &fd, e) < 0)
		return -1;
	if (fd_pread_full(fd, &squashfs, sizeof(squashfs), 0) < 0 ||
		fd_pread_full(fd, &erofs, sizeof(erofs), EROFS_OFFSET) < 0)
		return err_sys(e, "read drive '%s'", DRIVE_ROOT);
	if (le32toh(squashfs) == SQUASHFS_MAGIC)
		*ret_type = "squashfs";
	else if (le32toh(erofs) == EROFS_MAGIC)
		*ret_type = "erofs";
	else
		return err_set(
			e, ERR_HOST, "drive '%s' holds neither squashfs nor erofs", DRIVE_ROOT);
	return 0;
}

/* Get a drive that is required. */
static const struct drive *need(const struct machine *m, const char *serial, struct err *e)
{
	const struct drive *d = machine_drive(m, serial);

	if (!d)
		(void)err_set(e, ERR_HOST, "the host announced no drive '%s'", serial);
	return d;
}

static int mount_drive(const struct drive *d, const char *where, const char *type,
	unsigned long flags, const char *data, struct err *e)
{
	auto_free char *device = mem_printf("/dev/%s", d->device);

	if (guest_mount(device, where, type, flags, data, e) < 0)
		return err_wrap(e, "drive '%s'", d->want.serial);
	return 0;
}

static int mount_lower(const struct machine *m, struct err *e)
{
	const struct drive *root = need(m, DRIVE_ROOT, e);
	const char *type = NULL;

	if (!root || probe_root(m, root, &type, e) < 0)
		return -1;
	return mount_drive(root, "/lower", type, MS_RDONLY, NULL, e);
}

static int mount_root(const struct machine *m, struct err *e)
{
	static const char layers[] =
		"lowerdir=/lower,upperdir=" SCRATCH_UPPER ",workdir=" SCRATCH_WORK ",volatile";

	if (mount_lower(m, e) < 0 || scratch_mount(m, e) < 0 ||
		guest_mount("root", "/newroot", "overlay", MS_NOATIME, layers, e) < 0)
		return -1;
	return scratch_bind("/newroot", e);
}

static int shift_mount(const char *from, const char *to, struct err *e)
{
	return guest_mount(from, to, NULL, MS_MOVE, NULL, e);
}

static int switch_root(struct err *e)
{
	if (shift_mount("/dev", "/newroot/dev", e) < 0 ||
		shift_mount("/proc", "/newroot/proc", e) < 0 ||
		shift_mount("/sys", "/newroot/sys", e) < 0)
		return -1;
	if (chdir("/newroot") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
		chdir("/") < 0)
		return err_sys(e, "switch to the new root");
	return 0;
}

static int link_dev(struct err *e)
{
	static const char *const links[][2] = {{"/dev/fd", "/proc/self/fd"},
		{"/dev/stdin", "/proc/self/fd/0"}, {"/dev/stdout", "/proc/self/fd/1"},
		{"/dev/stderr", "/proc/self/fd/2"}};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][1], links[i][0]) < 0 && errno != EEXIST)
			return err_sys(e, "%s", links[i][0]);
	return 0;
}

/* Every user may create lock files there; /var/lock is a link to it. */
static int make_lock_directory(struct err *e)
{
	static const char path[] = "/run/lock";

	return mkdir(path, 0755) < 0 || chmod(path, 01777) < 0 ? err_sys(e, "%s", path) : 0;
}

/*
 * The modules are those of the kernel that was booted, whatever the root file system was made for:
 * they hide what it has there itself.
 */
static int mount_modules(const struct machine *m, struct err *e)
{
	static const char path[] = "/lib/modules";
	const struct drive *modules = machine_drive(m, DRIVE_MODULES);

	if (!modules)
		return 0;
	if (path_make_dirs(path, 0755, e) < 0)
		return -1;
	return mount_drive(modules, path, "squashfs", MS_RDONLY | MS_NODEV | MS_NOSUID, NULL, e);
}

/* Create what programs expect on every Linux system. */
static int furnish(const struct machine *m, struct err *e)
{
	if (guest_mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "gid=5,mode=620,ptmxmode=666", e) < 0 ||
		guest_mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777", e) < 0 ||
		guest_mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755", e) < 0 ||
		make_lock_directory(e) < 0 || group_make(e) < 0 || mount_modules(m, e) < 0)
		return -1;
	return link_dev(e) < 0 ? -1 : nodes_make(e);
}

/*
 * The host may have booted the kernel with one processor (src/machine/qemu.c). For a processor that
 * is online already, this has no effect.
 */
static int start_processors(struct err *e)
{
	for (unsigned i = 1;; i++) {
		auto_free char *path = mem_printf("/sys/devices/system/cpu/cpu%u/online", i);
		auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			return 0;
		if (fd < 0 || fd_write_all(fd, "1", 1) < 0)
			return err_sys(e, "start processor %u", i);
	}
}

static int prepare(struct machine *m, const struct message_go *go, struct err *e)
{
	if (guest_seed(go, e) < 0 || load_modules(MODULES_DRIVES, e) < 0 ||
		blockdev_find(m, go, e) < 0)
		return -1;
	m->forward = go->network;
	m->host_address = go->network ? NET_PROXY_ADDRESS : NULL;
	if (go->network && (load_modules(MODULES_NETWORK, e) < 0 || network_up(e) < 0))
		return -1;
	if (mount_root(m, e) < 0 || switch_root(e) < 0 || furnish(m, e) < 0)
		return -1;
	if (guest_name(e) < 0 || guest_link_old(e) < 0 || guest_make_dirs(m, e) < 0)
		return -1;
	return start_processors(e);
}

/* No sync is needed: output drives were synced when they were packed, scratch if it is kept. */
static void shut_down(struct machine *m)
{
	(void)m;
	guest_power_off();
}

const struct machine machine_boot = {
	.start = start,
	.open_ports = ports_open,
	.prepare = prepare,
	.open_drive = blockdev_open,
	.shut_down = shut_down,
	.source = GUEST_SRC,
	.scripts = GUEST_ACTIONS,
};
