/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "machine/qemu.h"

struct cursor {
	char *const *argv;
	size_t at;
};

static int unexpected(const struct cursor *c, const char *wanted, struct err *e)
{
	const char *found = c->argv[c->at];

	return err_set(e, ERR_INPUT, "argument %zu is '%s', expected '%s'", c->at,
		found ? found : "(the end)", wanted);
}

/* The next argument must be this. */
static int want(struct cursor *c, const char *text, struct err *e)
{
	const char *found = c->argv[c->at];

	if (!found || strcmp(found, text) != 0)
		return unexpected(c, text, e);
	c->at++;
	return 0;
}

static int want2(struct cursor *c, const char *option, const char *value, struct err *e)
{
	return want(c, option, e) < 0 || want(c, value, e) < 0 ? -1 : 0;
}

/* The next argument must be `option`, the one behind it a decimal number of at least 1. */
static int want_number(struct cursor *c, const char *option, unsigned long long *ret, struct err *e)
{
	const char *text;
	char *end;

	if (want(c, option, e) < 0)
		return -1;
	text = c->argv[c->at];
	if (!text || *text < '1' || *text > '9')
		return unexpected(c, "a number", e);
	*ret = strtoull(text, &end, 10);
	if (*end)
		return unexpected(c, "a number", e);
	c->at++;
	return 0;
}

static const struct board {
	const char *machine, *accelerator, *argument, *bus;
} boards[] = {
	{"microvm", "tcg", "microvm,accel=tcg,acpi=on,pit=on,pic=on,rtc=on,isa-serial=on",
		"device"},
	{"microvm", "kvm", "microvm,accel=kvm,acpi=on,pit=on,pic=on,rtc=on,isa-serial=on",
		"device"},
	{"q35", "tcg", "q35,accel=tcg,vmport=off", "pci"},
	{"q35", "kvm", "q35,accel=kvm,vmport=off", "pci"},
};

static int read_board(struct cursor *c, const struct board **ret, struct err *e)
{
	if (want(c, "-machine", e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
		if (c->argv[c->at] && strcmp(c->argv[c->at], boards[i].argument) == 0) {
			*ret = &boards[i];
			c->at++;
			return 0;
		}
	}
	return unexpected(c, boards[0].argument, e);
}

static int read_processor(
	struct cursor *c, const struct board *b, struct fake_machine *m, struct err *e)
{
	const char *cpu =
		strcmp(b->accelerator, "kvm") == 0 ? "host,vmx=off,svm=off" : "max,-erms,-fsrm";

	if (want2(c, "-global", "virtio-mmio.force-legacy=false", e) < 0 ||
		want2(c, "-cpu", cpu, e) < 0 || want_number(c, "-smp", &m->cpus, e) < 0 ||
		want_number(c, "-m", &m->memory_mib, e) < 0)
		return -1;
	return 0;
}

/* The rate of the host's time stamp counter, of which an emulated microvm is told. */
static const char *after_tsc(const char *s)
{
	static const char head[] = " tsc=reliable tsc_early_khz=";
	size_t digits;

	if (strncmp(s, head, sizeof(head) - 1) != 0)
		return s;
	digits = strspn(s + sizeof(head) - 1, "0123456789");
	return digits ? s + sizeof(head) - 1 + digits : s;
}

/* What follows what every kernel is told. */
static bool is_rest_of_line(const char *s, const struct board *b, const struct fake_machine *m)
{
	bool emulated = strcmp(b->accelerator, "tcg") == 0;

	if (emulated && strcmp(b->machine, "microvm") == 0)
		s = after_tsc(s);
	return strcmp(s, emulated && m->cpus > 1 ? " maxcpus=1 noreplace-smp" : "") == 0;
}

static int read_kernel(
	struct cursor *c, const struct board *b, const struct fake_machine *m, struct err *e)
{
	static const char line[] =
		"console=ttyS0 quiet panic=-1 reboot=t rdinit=/ambient-execute-plan "
		"cryptomgr.notests=1 mitigations=off init_on_alloc=0";
	const char *found;

	if (want2(c, "-kernel", "/kernel", e) < 0 || want2(c, "-initrd", "/initrd", e) < 0 ||
		want(c, "-append", e) < 0)
		return -1;
	found = c->argv[c->at];
	if (!found || strncmp(found, line, sizeof(line) - 1) != 0 ||
		!is_rest_of_line(found + sizeof(line) - 1, b, m))
		return unexpected(c, line, e);
	c->at++;
	return 0;
}

static bool next_is(const struct cursor *c, const char *text)
{
	return c->argv[c->at] && strcmp(c->argv[c->at], text) == 0;
}

static int read_disk(struct cursor *c, struct err *e)
{
	if (next_is(c, "-bios") && want2(c, "-bios", "/usr/share/ovmf/OVMF.fd", e) < 0)
		return -1;
	if (want2(c, "-add-fd", "fd=13,set=13", e) < 0 ||
		want2(c, "-blockdev",
			"driver=qcow2,node-name=disk,read-only=on,file.driver=file,"
			"file.locking=off,file.filename=/dev/fdset/13",
			e) < 0 ||
		want2(c, "-add-fd", "fd=14,set=14", e) < 0 ||
		want2(c, "-blockdev",
			"driver=qcow2,node-name=overlay,backing=disk,cache.direct=off,"
			"cache.no-flush=on,discard=unmap,file.driver=file,file.locking=off,"
			"file.filename=/dev/fdset/14",
			e) < 0)
		return -1;
	return want2(c, "-device",
		"virtio-blk-pci,drive=overlay,serial=ambient-disk,bootindex=0,werror=stop,"
		"rerror=report",
		e);
}

/* What the machine boots: a kernel, or on q35 a disk. */
static int read_boot(struct cursor *c, const struct board *b, struct fake_machine *m, struct err *e)
{
	m->disk = !next_is(c, "-kernel") && strcmp(b->machine, "q35") == 0;
	return m->disk ? read_disk(c, e) : read_kernel(c, b, m, e);
}

static int read_console(struct cursor *c, const struct fake_machine *m, struct err *e)
{
	const char *device = m->disk ? "socket,id=console,fd=12,mux=on" : "socket,id=console,fd=12";

	if (want2(c, "-chardev", device, e) < 0 || want2(c, "-serial", "chardev:console", e) < 0)
		return -1;
	return m->disk ? want2(c, "-serial", "chardev:console", e) : 0;
}

static int read_channels(
	struct cursor *c, const struct board *b, const struct fake_machine *m, struct err *e)
{
	auto_free char *serial = mem_printf("virtio-serial-%s,max_ports=3", b->bus);

	if (read_console(c, m, e) < 0 || want2(c, "-device", serial, e) < 0 ||
		want2(c, "-chardev", "socket,id=log,fd=10", e) < 0 ||
		want2(c, "-device", "virtserialport,chardev=log,name=ambient.log", e) < 0 ||
		want2(c, "-chardev", "socket,id=ctl,fd=11", e) < 0 ||
		want2(c, "-device", "virtserialport,chardev=ctl,name=ambient.ctl", e) < 0)
		return -1;
	return 0;
}

/* The text between two fixed parts, or NULL. */
static char *between(const char *s, const char *head, const char *tail)
{
	size_t len = strlen(s), head_len = strlen(head), tail_len = strlen(tail);

	if (len < head_len + tail_len || strncmp(s, head, head_len) != 0 ||
		strcmp(s + len - tail_len, tail) != 0)
		return NULL;
	return mem_strndup(s + head_len, len - head_len - tail_len);
}

static int read_backend(struct cursor *c, size_t i, bool *ret_writable, struct err *e)
{
	auto_free char *set = mem_printf("fd=%zu,set=%zu", i + 20, i + 1);
	auto_free char *head = mem_printf("driver=raw,node-name=drive%zu,read-only=", i);
	auto_free char *tail =
		mem_printf(",cache.direct=off,cache.no-flush=on,discard=unmap,file.driver=file,"
			   "file.locking=off,file.filename=/dev/fdset/%zu",
			i + 1);
	auto_free char *read_only = NULL;

	if (want2(c, "-add-fd", set, e) < 0 || want(c, "-blockdev", e) < 0)
		return -1;
	read_only = c->argv[c->at] ? between(c->argv[c->at], head, tail) : NULL;
	if (!read_only || (strcmp(read_only, "on") != 0 && strcmp(read_only, "off") != 0))
		return unexpected(c, head, e);
	*ret_writable = strcmp(read_only, "off") == 0;
	c->at++;
	return 0;
}

static int read_drive(
	struct cursor *c, const struct board *b, size_t i, struct fake_drive *ret, struct err *e)
{
	auto_free char *head = mem_printf("virtio-blk-%s,drive=drive%zu,serial=", b->bus, i);
	auto_free char *serial = NULL;

	if (read_backend(c, i, &ret->writable, e) < 0 || want(c, "-device", e) < 0)
		return -1;
	serial =
		c->argv[c->at] ? between(c->argv[c->at], head, ",werror=stop,rerror=report") : NULL;
	if (!serial || !*serial || strlen(serial) > DRIVE_SERIAL_MAX || strchr(serial, ','))
		return unexpected(c, head, e);
	memcpy(ret->serial, serial, strlen(serial) + 1);
	ret->fd = (int)i + QEMU_FD_DRIVES;
	c->at++;
	return 0;
}

static int read_drives(
	struct cursor *c, const struct board *b, struct fake_machine *m, struct err *e)
{
	while (c->argv[c->at] && strcmp(c->argv[c->at], "-add-fd") == 0) {
		if (m->drive_count == DRIVES_MAX)
			return unexpected(c, "no more than 12 drives", e);
		if (read_drive(c, b, m->drive_count, &m->drives[m->drive_count], e) < 0)
			return -1;
		m->drive_count++;
	}
	return 0;
}

/* Of trusted machines only, and in this form only. */
static int read_network(
	struct cursor *c, const struct board *b, struct fake_machine *m, struct err *e)
{
	bool pci = strcmp(b->bus, "pci") == 0;

	if (!c->argv[c->at] || strcmp(c->argv[c->at], "-netdev") != 0)
		return 0;
	m->network = true;
	if (want2(c, "-netdev", "user,id=net,ipv6=off", e) < 0)
		return -1;
	return want2(c, "-device",
		pci ? "virtio-net-pci,netdev=net,romfile=" : "virtio-net-device,netdev=net", e);
}

int fake_machine_read(char *const *argv, struct fake_machine *ret, struct err *e)
{
	static const char sandbox[] =
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
	struct cursor c = {.argv = argv};
	const struct board *b = NULL;

	*ret = (struct fake_machine){0};
	if (want(&c, "qemu-system-x86_64", e) < 0 || read_board(&c, &b, e) < 0 ||
		read_processor(&c, b, ret, e) < 0 || want(&c, "-nodefaults", e) < 0 ||
		want(&c, "-no-user-config", e) < 0 || want(&c, "-no-reboot", e) < 0 ||
		want2(&c, "-display", "none", e) < 0 || want2(&c, "-L", "/usr/share/qemu", e) < 0 ||
		read_boot(&c, b, ret, e) < 0 || read_channels(&c, b, ret, e) < 0 ||
		read_drives(&c, b, ret, e) < 0 || read_network(&c, b, ret, e) < 0 ||
		want2(&c, "-sandbox", sandbox, e) < 0)
		return -1;
	if (argv[c.at])
		return unexpected(&c, "(the end)", e);
	memcpy(ret->machine, b->machine, strlen(b->machine) + 1);
	memcpy(ret->accelerator, b->accelerator, strlen(b->accelerator) + 1);
	return 0;
}
