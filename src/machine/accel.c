/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/accel.h"

#include <stdbool.h>
#include <string.h>

#include "jail/jail.h"
#include "machine/tsc.h"
#include "os/fd.h"
#include "os/path.h"

static bool processor_offers_kvm(void)
{
	auto_buf struct buf text = {0};
	struct err ignored = {0};

	buf_init(&text, 16 << 20);
	if (fd_read_file("/proc/cpuinfo", &text, &ignored) < 0)
		return false;
	return strstr(text.data, " vmx") || strstr(text.data, " svm");
}

/* ---- what was found out since the host booted ---- */

static char *memory_path(const struct config *c)
{
	return path_join(c->state, ".kvm");
}

/* The id of this boot with its newline; "" if it cannot be read. */
static void read_boot_id(struct buf *b)
{
	struct err ignored = {0};

	buf_init(b, 64);
	if (fd_read_file("/proc/sys/kernel/random/boot_id", b, &ignored) < 0)
		buf_clear(b);
}

enum finding { UNKNOWN, WORKS, WORKS_NOT };

/* The file contains the boot id and, in a second line, the finding. */
static enum finding recall(const struct config *c)
{
	auto_free char *path = memory_path(c);
	auto_buf struct buf boot = {0}, text = {0};
	struct err ignored = {0};

	read_boot_id(&boot);
	buf_init(&text, 128);
	if (boot.len == 0 || fd_read_file(path, &text, &ignored) < 0 ||
		strncmp(text.data, boot.data, boot.len) != 0)
		return UNKNOWN;
	if (strcmp(text.data + boot.len, "works\n") == 0)
		return WORKS;
	return strcmp(text.data + boot.len, "does not work\n") == 0 ? WORKS_NOT : UNKNOWN;
}

void accel_remember(const struct config *c, bool kvm_works)
{
	auto_free char *path = memory_path(c);
	auto_buf struct buf text = {0};
	struct err ignored = {0};

	read_boot_id(&text);
	buf_adds(&text, kvm_works ? "works\n" : "does not work\n");
	err_ignore(fd_write_file(path, text.data, text.len, 0644, &ignored));
}

/* ---- choice ---- */

static int require_kvm(const struct config *c, const struct accel *a, struct err *e)
{
	if (c->require_kvm && a->accelerator != ACCELERATOR_KVM)
		return err_reason(e, ERR_HOST, "host_kvm_required",
			"require_kvm is set and KVM cannot be used here: refused to run under "
			"emulation");
	return 0;
}

static void choose_automatically(const struct config *c, bool opens, struct accel *a)
{
	enum finding finding = opens && processor_offers_kvm() ? recall(c) : WORKS_NOT;

	a->accelerator = finding == WORKS_NOT ? ACCELERATOR_TCG : ACCELERATOR_KVM;
	a->unproved = finding == UNKNOWN;
}

static int choose_accelerator(const struct config *c, struct accel *a, struct err *e)
{
	struct err why = {0};
	bool opens = jail_check_kvm(&why) == 0;

	*a = (struct accel){.accelerator = ACCELERATOR_TCG};
	if (c->accelerator == CONFIG_ACCEL_KVM && !opens) {
		*e = why;
		return -1;
	}
	if (c->accelerator == CONFIG_ACCEL_KVM)
		a->accelerator = ACCELERATOR_KVM;
	if (c->accelerator == CONFIG_ACCEL_AUTO)
		choose_automatically(c, opens, a);
	return require_kvm(c, a, e);
}

/* microvm boots a second faster. Under TCG its kernel must be told the TSC frequency. */
static int choose_machine(
	const struct config *c, const struct image *image, struct accel *a, struct err *e)
{
	bool microvm = c->machine == CONFIG_MACHINE_MICROVM;

	if (c->machine == CONFIG_MACHINE_AUTO)
		microvm = image->microvm && (a->accelerator == ACCELERATOR_KVM || tsc_is_known());
	if (microvm ? !image->microvm : !image->q35)
		return err_set(e, ERR_INPUT, "image %s does not boot on QEMU's machine %s",
			image->name, microvm ? "microvm" : "q35");
	a->machine = microvm ? MACHINE_MICROVM : MACHINE_Q35;
	return 0;
}

int accel_choose(
	const struct config *c, const struct image *image, struct accel *ret, struct err *e)
{
	struct accel a;

	if (choose_accelerator(c, &a, e) < 0 || choose_machine(c, image, &a, e) < 0)
		return -1;
	*ret = a;
	return 0;
}

int accel_without_kvm(
	const struct config *c, const struct image *image, struct accel *ret, struct err *e)
{
	struct accel a = {.accelerator = ACCELERATOR_TCG};

	if (require_kvm(c, &a, e) < 0 || choose_machine(c, image, &a, e) < 0)
		return -1;
	*ret = a;
	return 0;
}
