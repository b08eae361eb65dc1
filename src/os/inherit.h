/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process inherits, and may not rely on: its parent may have closed the standard
 * descriptors, ignored or blocked any signal, left thousands of files open and set any limit.
 *
 * After inherit_mend a program of ours finds what a shell in a terminal would have given it:
 *
 * - descriptors 0 to 2 are open, so that no file of ours gets one of these numbers. One that was
 *   closed is /dev/null, opened the other way round: what is written there fails with EBADF as
 *   before, and does so only if somebody writes;
 * - other descriptors stay open for us (an option may name /dev/fd/9), and close in whatever we
 *   start;
 * - ended children are kept for waitpid(2), a closed pipe and a file that is too large are errors
 * of write(2), and nothing is blocked. Signals that ask a program to end and are ignored stay
 * ignored: nohup(1) and a shell's background jobs mean it;
 * - as many files, processes and as much processor time as the hard limits allow can be used, and
 * the stack is as large as a run needs if the hard limit allows that;
 * - we can read what we make, whatever the umask.
 */
#ifndef OS_INHERIT_H
#define OS_INHERIT_H

#include <stdint.h>

#include "base/err.h"

/* Once, at the start of main. ERR_HOST when there is not even /dev/null. */
int inherit_mend(struct err *e) NODISCARD;

/*
 * Do the hard limits leave enough for a run whose largest file has so many bytes? ERR_HOST, reason
 * ERR_REASON_LIMIT, with the remedy, when not.
 */
int inherit_check_limits(uint64_t largest_file, struct err *e) NODISCARD;

/* In a child before exec: the limit of open files as we were given it, and a directory to be in. */
void inherit_give_back(void);

#endif
