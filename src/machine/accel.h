/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selecting the accelerator and the machine type of a VM.
 *
 * That /dev/kvm is there proves nothing: on some machines it opens, creates a VM, and then runs the
 * guest slower than emulation or not at all. So `auto` takes KVM only where the processor offers it
 * (vmx or svm in /proc/cpuinfo), QEMU in its jail can open /dev/kvm, and a guest has come up under it. The
 * first VM after a boot of the host is that proof: when it does not say hello in time, it is
 * started again under TCG, and the finding is kept in the state directory until the host boots
 * again.
 */
#ifndef MACHINE_ACCEL_H
#define MACHINE_ACCEL_H

#include <stdbool.h>

#include "base/err.h"
#include "machine/qemu.h"
#include "settings/config.h"
#include "settings/image.h"

struct accel {
	enum qemu_accelerator accelerator;
	enum qemu_machine machine;
	/* `auto` selected KVM, and no guest has booted under it since the host booted. */
	bool unproved;
};

/*
 * Choose an accelerator and a machine type. ERR_HOST: `require_kvm` without KVM
 * (host_kvm_required), `accelerator: kvm` without /dev/kvm (host_kvm_unusable). ERR_INPUT: the
 * image boots on none of the configured machine types.
 */
int accel_choose(const struct config *c, const struct image *image, struct accel *ret,
	struct err *e) NODISCARD;

/* Choose again without KVM, after KVM failed. Rejected if KVM is required. */
int accel_without_kvm(const struct config *c, const struct image *image, struct accel *ret,
	struct err *e) NODISCARD;

/* Store whether KVM works. A failure to store it is ignored: the next run tests again. */
void accel_remember(const struct config *c, bool kvm_works);

#endif
