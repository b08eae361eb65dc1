/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which accelerator and which machine a VM gets.
 *
 * That /dev/kvm is there proves nothing: on some machines it opens, creates a VM, and then runs the
 * guest slower than emulation or not at all. So `auto` takes KVM only where the processor offers it
 * (vmx or svm in /proc/cpuinfo) and /dev/kvm can be opened; that a guest comes up under it is proved
 * by the first run (30 s limit, reason host_kvm_unusable) and by `ambient doctor`.
 */
#ifndef HOST_ACCEL_H
#define HOST_ACCEL_H

#include "base/err.h"
#include "host/config.h"
#include "host/image.h"
#include "host/qemu.h"

/*
 * ERR_HOST: `require_kvm` without KVM (host_kvm_required), `accelerator: kvm` without /dev/kvm
 * (host_kvm_unusable). ERR_INPUT: the image boots on no machine that is wanted.
 */
int accel_choose(const struct config *c, const struct image *image,
	enum qemu_accelerator *ret_accelerator, enum qemu_machine *ret_machine, struct err *e) NODISCARD;

#endif
