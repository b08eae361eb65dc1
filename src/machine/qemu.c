/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/qemu.h"

#include <inttypes.h>

#include "base/limits.h"
#include "settings/architecture.h"

const char *qemu_machine_name(enum qemu_machine m)
{
	return m == MACHINE_MICROVM ? "microvm" : "q35";
}

const char *qemu_accelerator_name(enum qemu_accelerator a)
{
	return a == ACCELERATOR_KVM ? "kvm" : "tcg";
}

/* virtio devices use their own bus on microvm, PCI elsewhere. */
static const char *bus_suffix(const struct qemu *q)
{
	return q->machine == MACHINE_MICROVM ? "device" : "pci";
}

static void push2(struct strv *v, const char *option, const char *value)
{
	strv_push(v, option);
	strv_push(v, value);
}

static void add_machine(const struct qemu *q, struct strv *v)
{
	const char *accelerator = qemu_accelerator_name(q->accelerator);

	strv_push(v, "-machine");
	/* Without PIT, PIC and RTC the kernel cannot calibrate its clock on an emulated microvm. */
	if (q->machine == MACHINE_MICROVM)
		strv_pushf(v, "microvm,accel=%s,acpi=on,pit=on,pic=on,rtc=on,isa-serial=on",
			accelerator);
	else
		strv_pushf(v, "q35,accel=%s,vmport=off", accelerator);
	push2(v, "-global", "virtio-mmio.force-legacy=false");
	/*
	 * Under TCG of QEMU 7.2 erms makes copies 3 to 5 times slower. Linux before 6.5 assumes
	 * that fsrm, which QEMU's `max` has had since 8.0, implies erms, and without erms it copies
	 * short pieces incorrectly. So both are off (docs/decisions/0020-qemu-10.md). Guests do not
	 * need nested virtualisation.
	 */
	push2(v, "-cpu",
		q->accelerator == ACCELERATOR_KVM ? "host,vmx=off,svm=off" : "max,-erms,-fsrm");
	strv_push(v, "-smp");
	strv_pushf(v, "%u", q->cpus);
	strv_push(v, "-m");
	strv_pushf(v, "%" PRIu64, (q->memory + MIB - 1) / MIB);
}

/*
 * QEMU before 8.1 may keep the translation of code that another processor has changed meanwhile,
 * and a kernel patches its own code during boot: one boot in some hundreds hung. So the kernel
 * boots with one processor, and the executor brings up the others after the boot
 * (docs/decisions/0016-processors.md). Without noreplace-smp the kernel would patch itself for one
 * processor, and back again.
 */
static bool starts_alone(const struct qemu *q)
{
	return q->accelerator == ACCELERATOR_TCG && q->cpus > 1;
}

/*
 * cryptomgr.notests saves two thirds of an emulated kernel's boot time (vm-images/README.md has
 * figures). mitigations=off and init_on_alloc=0 turn off protection of processes from each other:
 * all processes in this machine belong to one job.
 */
static void add_kernel(const struct qemu *q, struct strv *v)
{
	auto_free char *tsc = NULL;

	if (q->machine == MACHINE_MICROVM && q->accelerator == ACCELERATOR_TCG && q->tsc_khz)
		tsc = mem_printf(" tsc=reliable tsc_early_khz=%" PRIu64, q->tsc_khz);
	push2(v, "-kernel", QEMU_KERNEL_PATH);
	push2(v, "-initrd", QEMU_INITRD_PATH);
	strv_push(v, "-append");
	strv_pushf(v,
		"console=ttyS0 quiet panic=-1 reboot=t rdinit=/" EXECUTOR_NAME
		" cryptomgr.notests=1 mitigations=off init_on_alloc=0%s%s",
		tsc ? tsc : "", starts_alone(q) ? " maxcpus=1 noreplace-smp" : "");
}

static void add_disk_file(int fd, int set, struct strv *v)
{
	strv_push(v, "-add-fd");
	strv_pushf(v, "fd=%d,set=%d", fd, set);
	strv_push(v, "-blockdev");
}

/*
 * The first drive on the bus, so that it is the first one of the guest. The disk names no other file
 * (data/qcow2.h); `backing` of the overlay is given here, not in the file. The other options are
 * those of every drive.
 */
static void add_disk(const struct qemu *q, struct strv *v)
{
	/* After those of the drives. */
	enum { SET_DISK = DRIVES_MAX + 1, SET_OVERLAY };

	if (q->uefi)
		push2(v, "-bios", QEMU_UEFI_PATH);
	add_disk_file(QEMU_FD_DISK, SET_DISK, v);
	strv_pushf(v,
		"driver=qcow2,node-name=disk,read-only=on,file.driver=file,file.locking=off,"
		"file.filename=/dev/fdset/%d",
		SET_DISK);
	add_disk_file(QEMU_FD_OVERLAY, SET_OVERLAY, v);
	strv_pushf(v,
		"driver=qcow2,node-name=overlay,backing=disk,cache.direct=off,cache.no-flush=on,"
		"discard=unmap,file.driver=file,file.locking=off,file.filename=/dev/fdset/%d",
		SET_OVERLAY);
	push2(v, "-device",
		"virtio-blk-pci,drive=overlay,serial=ambient-disk,bootindex=0,werror=stop,"
		"rerror=report");
}

/*
 * Images for the existing Ambient write to the second serial port. What they write belongs to the
 * console, too.
 */
static void add_console(const struct qemu *q, struct strv *v)
{
	const bool two = q->boot == QEMU_BOOT_DISK;

	strv_push(v, "-chardev");
	strv_pushf(v, "socket,id=console,fd=%d%s", QEMU_FD_CONSOLE, two ? ",mux=on" : "");
	push2(v, "-serial", "chardev:console");
	if (two)
		push2(v, "-serial", "chardev:console");
}

static void add_channels(const struct qemu *q, struct strv *v)
{
	add_console(q, v);
	strv_push(v, "-device");
	strv_pushf(v, "virtio-serial-%s,max_ports=3", bus_suffix(q));
	strv_push(v, "-chardev");
	strv_pushf(v, "socket,id=log,fd=%d", QEMU_FD_LOG);
	push2(v, "-device", "virtserialport,chardev=log,name=" PORT_LOG);
	strv_push(v, "-chardev");
	strv_pushf(v, "socket,id=ctl,fd=%d", QEMU_FD_CTL);
	push2(v, "-device", "virtserialport,chardev=ctl,name=" PORT_CTL);
}

/*
 * Flushes are ignored (cache.no-flush): nothing on a drive is used before the guest's end event,
 * and the host syncs the files that it keeps. A machine is stopped when a write fails: otherwise
 * its kernel would continue without the data, and a run could pass with damaged files. vm.c notices
 * the silence and checks whether the disk is full.
 */
static void add_drive(const struct qemu *q, size_t i, struct strv *v)
{
	const struct qemu_drive *d = &q->drives[i];

	strv_push(v, "-add-fd");
	strv_pushf(v, "fd=%zu,set=%zu", QEMU_FD_DRIVES + i, i + 1);
	strv_push(v, "-blockdev");
	strv_pushf(v,
		"driver=raw,node-name=drive%zu,read-only=%s,cache.direct=off,cache.no-flush=on,"
		"discard=unmap,file.driver=file,file.locking=off,file.filename=/dev/fdset/%zu",
		i, d->writable ? "off" : "on", i + 1);
	strv_push(v, "-device");
	strv_pushf(v, "virtio-blk-%s,drive=drive%zu,serial=%s,werror=stop,rerror=report",
		bus_suffix(q), i, d->serial);
}

/*
 * This network leads only to the proxy: QEMU's jail has its own network namespace, without a name
 * service. Forwarded ports and SMB are off by default. What cannot be turned off is in QEMU itself:
 * DHCP, ICMP echo, and a TFTP server that has no files and refuses every request (docs/security.md,
 * "The machine").
 */
static void add_network(const struct qemu *q, struct strv *v)
{
	if (!q->network)
		return;
	push2(v, "-netdev", "user,id=net,ipv6=off");
	strv_push(v, "-device");
	strv_pushf(v, "virtio-net-%s,netdev=net%s", bus_suffix(q),
		q->machine == MACHINE_MICROVM ? "" : ",romfile=");
}

void qemu_argv(const struct qemu *q, struct strv *ret_argv)
{
	struct strv *v = ret_argv;

	strv_push(v, architecture_own()->qemu);
	add_machine(q, v);
	strv_push(v, "-nodefaults");
	strv_push(v, "-no-user-config");
	strv_push(v, "-no-reboot");
	push2(v, "-display", "none");
	push2(v, "-L", "/usr/share/qemu");
	if (q->boot == QEMU_BOOT_DISK)
		add_disk(q, v);
	else
		add_kernel(q, v);
	add_channels(q, v);
	for (size_t i = 0; i < q->drive_count; i++)
		add_drive(q, i, v);
	add_network(q, v);
	push2(v, "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}
