/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State that a process inherits and cannot rely on. The parent may have closed the standard
 * descriptors, ignored or blocked any signal, left thousands of files open, and set any resource
 * limit.
 *
 * inherit_mend gives the program the state that a shell in a terminal would give it:
 *
 * - Descriptors 0 to 2 are open, so that no file of this program gets one of these numbers. A
 *   descriptor that was closed is /dev/null, opened for the opposite direction: a write to it fails
 *   with EBADF as before, and only if there is a write.
 * - Other descriptors stay open in this process (an option may name /dev/fd/9) and are closed in
 *   child programs.
 * - Ended children are kept for waitpid(2). Writing to a closed pipe and exceeding the file size
 *   limit are errors of write(2). No signal is blocked. A signal that asks a program to end and
 *   that was ignored stays ignored: nohup(1) and background jobs of a shell rely on it.
 * - The soft limits of open files, processes and processor time are raised to the hard limits. The
 *   stack limit is as large as a run needs, if the hard limit allows it.
 * - Timers are not late: the timer slack is that of the kernel. SCHED_DEADLINE, under which no
 *   process can be started, is replaced by the ordinary policy. Other policies, and nice, are kept.
 * - This process can read the files that it creates, whatever the umask.
 */
#ifndef OS_INHERIT_H
#define OS_INHERIT_H

#include <stdint.h>

#include "base/err.h"

/* Call once, at the start of main. ERR_HOST when even /dev/null cannot be opened. */
int inherit_mend(struct err *e) NODISCARD;

/*
 * Check that the hard limits are sufficient for a run whose largest file has this many bytes.
 * ERR_HOST with reason ERR_REASON_LIMIT and the remedy if not.
 */
int inherit_check_limits(uint64_t largest_file, struct err *e) NODISCARD;

/*
 * In a child before exec: restore the inherited limit of open files, and set a working directory
 * that exists.
 */
void inherit_give_back(void);

#endif
