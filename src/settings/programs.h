/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of other packages or builds that a run depends on: the executor and QEMU. They are
 * found (locate.h) and proved to be what they should be before anything starts. A wrong one would
 * otherwise look like a guest that is at fault: a kernel without init, a machine that is gone.
 *
 * The proof is a text in the file, so that in the ordinary case no program is started for it: about 1
 * ms for the executor, 4 ms for QEMU.
 */
#ifndef SETTINGS_PROGRAMS_H
#define SETTINGS_PROGRAMS_H

#include "base/err.h"
#include "settings/config.h"

/*
 * The executor, as locate_executor finds it. ERR_INPUT, reason no_executor, with the option or the
 * position of the key that names it: it is not there, not a program for machines of this architecture, not an
 * executor, or one with another CONTRACT_VERSION. The caller frees *ret_path.
 */
int programs_executor(
	const struct config *c, const char *given, char **ret_path, struct err *e) NODISCARD;

/*
 * QEMU, as locate_qemu finds it. A file without QEMU's text (one that cannot be read) is asked for
 * its version. ERR_INPUT, reason no_qemu, with the position of the key: it is not there, not a
 * program, or not QEMU. ERR_HOST, reason host_no_qemu: no key names one, and none is installed.
 */
int programs_qemu(const struct config *c, char **ret_path, struct err *e) NODISCARD;

/* The first line of what `program --version` says, safe to print. The caller frees. */
int programs_version(const char *program, char **ret_line, struct err *e) NODISCARD;

/* "QEMU emulator version 7.2.22 (...)" is 702; 0: the line is no such. */
unsigned long programs_qemu_version(const char *line);

#endif
