/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without a processor: says what an executor would say, claims that every step passed, and
 * misbehaves at the moments that its flags name.
 */
#ifndef FAKE_GUEST_H
#define FAKE_GUEST_H

#include "base/err.h"
#include "base/strv.h"
#include "fake_machine.h"

/*
 * Live through a whole machine, from power on to power off, on the descriptors of the argument
 * list. Each flag is "name" or "name argument". Returns when the guest powers off in order; flags
 * that say otherwise never return. ERR_INPUT for an unknown flag, ERR_GUEST when the host broke the
 * contract.
 */
int fake_guest_live(
	const struct fake_machine *m, const struct strv *flags, struct err *e) NODISCARD;

/* One line per flag, for people. */
void fake_guest_list_flags(void);

#endif
