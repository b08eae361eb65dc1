/* SPDX-License-Identifier: Apache-2.0 */
#include "host/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "host/tsc.h"

static bool processor_offers_kvm(void)
{
	auto_buf struct buf text = {0};
	struct err ignored = {0};

	buf_init(&text, 16 << 20);
	if (fd_read_file("/proc/cpuinfo", &text, &ignored) < 0)
		return false;
	return strstr(text.data, " vmx") || strstr(text.data, " svm");
}

static bool kvm_opens(void)
{
	auto_fd int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

static int choose_accelerator(const struct config *c, enum qemu_accelerator *ret, struct err *e)
{
	bool opens = kvm_opens();
	int why = errno;

	*ret = ACCELERATOR_TCG;
	if (c->accelerator == CONFIG_ACCEL_KVM && !opens)
		return err_reason(e, ERR_HOST, "host_kvm_unusable",
			"/dev/kvm: %s; join the group that owns it, or set 'accelerator: auto'", strerror(why));
	if (c->accelerator == CONFIG_ACCEL_KVM ||
		(c->accelerator == CONFIG_ACCEL_AUTO && opens && processor_offers_kvm()))
		*ret = ACCELERATOR_KVM;
	if (c->require_kvm && *ret != ACCELERATOR_KVM)
		return err_reason(e, ERR_HOST, "host_kvm_required",
			"require_kvm is set and KVM cannot be used here: refused to run under emulation");
	return 0;
}

/* microvm boots a second faster; under TCG its kernel must be told the clock's rate. */
static int choose_machine(const struct config *c, const struct image *image,
	enum qemu_accelerator accelerator, enum qemu_machine *ret, struct err *e)
{
	bool microvm = c->machine == CONFIG_MACHINE_MICROVM;

	if (c->machine == CONFIG_MACHINE_AUTO)
		microvm = image->microvm && (accelerator == ACCELERATOR_KVM || tsc_is_known());
	if (microvm ? !image->microvm : !image->q35)
		return err_set(e, ERR_INPUT, "image %s does not boot on QEMU's machine %s", image->name,
			microvm ? "microvm" : "q35");
	*ret = microvm ? MACHINE_MICROVM : MACHINE_Q35;
	return 0;
}

int accel_choose(const struct config *c, const struct image *image,
	enum qemu_accelerator *ret_accelerator, enum qemu_machine *ret_machine, struct err *e)
{
	if (choose_accelerator(c, ret_accelerator, e) < 0)
		return -1;
	return choose_machine(c, image, *ret_accelerator, ret_machine, e);
}
