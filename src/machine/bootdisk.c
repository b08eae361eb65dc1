/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/bootdisk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/iso9660.h"
#include "data/qcow2.h"
#include "machine/qemu.h"
#include "os/fd.h"
#include "os/temporary.h"

void bootdisk_release(struct bootdisk *d)
{
	fd_close(d->disk_fd);
	fd_close(d->overlay_fd);
	*d = BOOTDISK_NONE;
}

int bootdisk_open(
	const struct image *image, const char *tmpdir, struct bootdisk *ret, struct err *e)
{
	const char *path = image->parts[IMAGE_DISK].path;
	uint64_t bytes = 0;

	*ret = BOOTDISK_NONE;
	if (fd_open_file(path, &ret->disk_fd, e) < 0)
		return -1;
	if (qcow2_check(ret->disk_fd, &bytes, e) < 0) {
		(void)err_wrap(e, "%s", path);
		return e->sys ? -1 : err_because(e, "image_digest");
	}
	if (temporary_file(tmpdir, &ret->overlay_fd, e) < 0 ||
		qcow2_make_overlay(ret->overlay_fd, bytes, e) < 0)
		return err_wrap(e, "the overlay of the disk");
	return 0;
}

/*
 * The drive is found by its serial, else by its place. /run may be mounted `noexec`. The executor
 * switches the machine off; if it cannot start, that is left to the last line, so that the host
 * does not wait for it.
 */
static const char user_data[] =
	"#cloud-config\n"
	"runcmd:\n"
	"  - |\n"
	"    exec >/dev/ttyS1 2>&1\n"
	"    drive=/dev/disk/by-id/virtio-" DRIVE_EXEC "\n"
	"    [ -e $drive ] || drive=/dev/vdb\n"
	"    cd \"$(mktemp -d)\" && tar -xf $drive && ./" EXECUTOR_OLD_NAME "\n"
	"    poweroff -f || systemctl poweroff --force\n";

/* Without this, cloud-init would wait for a network. */
static const char network_config[] = "version: 1\nconfig: []\n";

/*
 * With another id than that of any earlier boot: cloud-init starts a runcmd once for each. NULL with
 * *e set. The caller frees.
 */
static char *make_meta_data(struct err *e)
{
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) == (ssize_t)sizeof(id))
		return mem_printf(
			"instance-id: ambient-%016" PRIx64 "\nlocal-hostname: ambient\n", id);
	(void)err_sys(e, "getrandom");
	return NULL;
}

static int write_cidata(int fd, const char *meta_data, struct err *e)
{
	const struct iso9660_file files[] = {
		{"meta-data", meta_data, strlen(meta_data)},
		{"network-config", network_config, strlen(network_config)},
		{"user-data", user_data, strlen(user_data)},
	};

	return iso9660_write(fd, "cidata", files, ARRAY_SIZE(files), e);
}

int bootdisk_add_cidata(struct drives *d, struct err *e)
{
	auto_free char *meta_data = make_meta_data(e);
	auto_fd int fd = -1;

	if (!meta_data)
		return -1;
	fd = fd_memory(BOOTDISK_CIDATA, e);
	if (fd < 0)
		return -1;
	if (write_cidata(fd, meta_data, e) < 0)
		return err_wrap(e, "drive " BOOTDISK_CIDATA);
	return drives_add_fd(d, BOOTDISK_CIDATA, fd_steal(&fd), e);
}

int bootdisk_check_uefi(struct err *e)
{
	if (access(QEMU_UEFI_PATH, R_OK) == 0)
		return 0;
	return err_reason(e, ERR_HOST, "host_no_uefi",
		"there is no firmware for machines that boot by UEFI (%s: %s); on Debian: apt-get "
		"install ovmf",
		QEMU_UEFI_PATH, strerror(errno));
}
