/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake-qemu: takes QEMU's place in tests. The host starts it in the same jail with the same
 * arguments and descriptors, and cannot tell the difference but by what it does.
 *
 * What it does says the image's kernel, which is a text file: "fake-qemu", then one flag a line.
 *
 * - Without a flag the guest is a real executor. Nothing in the jail may make one, so fake-qemu
 * only waits, while `with-guests`, which the test put around the host program, takes the
 * descriptors out of here, runs the executor in namespaces of its own, and says by a signal when
 * that has ended.
 * A machine that boots from a disk has no kernel file: its disk has the text, FLAGS_AT bytes after
 * its start, and at least one flag.
 * - With flags it is the guest itself, see fake_guest.c. `fake-qemu --flags` and `--archives` list
 * them.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_guest.h"
#include "data/qcow2.h"
#include "fake_tar.h"
#include "machine/qemu.h"
#include "os/fd.h"

enum { EXIT_UNEXPECTED = 1, FLAGS_MAX_BYTES = 64 * 1024, FLAGS_AT = 4096, FLAGS_ON_DISK = 512 };

static const char first_line[] = "fake-qemu\n";

static int read_text(const struct fake_machine *m, struct buf *b, struct err *e)
{
	char text[FLAGS_ON_DISK];

	if (!m->disk)
		return fd_read_file(QEMU_KERNEL_PATH, b, e);
	if (qcow2_read(QEMU_FD_DISK, FLAGS_AT, text, sizeof(text), e) < 0)
		return -1;
	buf_add(b, text, strnlen(text, sizeof(text)));
	return 0;
}

static int read_flags(const struct fake_machine *m, struct strv *flags, struct err *e)
{
	auto_buf struct buf b;
	char *rest, *line;

	buf_init(&b, FLAGS_MAX_BYTES);
	if (read_text(m, &b, e) < 0)
		return -1;
	if (strncmp(b.data, first_line, sizeof(first_line) - 1) != 0)
		return err_set(e, ERR_INPUT, "the kernel is none for fake-qemu");
	rest = b.data + sizeof(first_line) - 1;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			strv_push(flags, line);
	return 0;
}

/* What a real one would put into the page of the machine's ACPI tables. */
static int check_initrd(struct err *e)
{
	struct stat st;

	if (stat(QEMU_INITRD_PATH, &st) < 0)
		return err_sys(e, QEMU_INITRD_PATH);
	if (st.st_size % QEMU_PAGE_BYTES)
		return err_set(e, ERR_INPUT, "the initrd of %lld bytes is no whole number of pages",
			(long long)st.st_size);
	return 0;
}

static void on_power_off(int signal_number)
{
	(void)signal_number;
	_exit(0);
}

static void on_failure(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_UNEXPECTED);
}

/* See with-guests.c: SIGTERM when the guest has powered off, SIGUSR1 when there could be none. */
NORETURN static void wait_for_guest(void)
{
	struct sigaction off = {.sa_handler = on_power_off}, failed = {.sa_handler = on_failure};

	(void)sigaction(SIGTERM, &off, NULL);
	(void)sigaction(SIGUSR1, &failed, NULL);
	for (;;)
		(void)pause();
}

static int live(char *const *argv, struct err *e)
{
	struct fake_machine machine;
	auto_strv struct strv flags = {0};

	if (fake_machine_read(argv, &machine, e) < 0 || (!machine.disk && check_initrd(e) < 0) ||
		read_flags(&machine, &flags, e) < 0)
		return -1;
	if (flags.count == 0)
		wait_for_guest();
	return fake_guest_live(&machine, &flags, e);
}

int main(int argc, char **argv)
{
	struct err e = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("QEMU emulator version 7.2.0 (fake-qemu)") < 0 ? 1 : 0;
	if (argc == 2 && strcmp(argv[1], "--flags") == 0) {
		fake_guest_list_flags();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--archives") == 0) {
		fake_tar_list();
		return 0;
	}
	if (live(argv, &e) < 0) {
		(void)fprintf(stderr, "fake-qemu: %s\n", e.msg);
		return EXIT_UNEXPECTED;
	}
	return 0;
}
