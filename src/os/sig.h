/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT, SIGTERM and SIGHUP are blocked from the start and read as data, so that a signal never
 * interrupts half a step. One that the parent has had ignored stays ignored. Long loops ask
 * sig_pending; poll loops watch sig_fd.
 */
#ifndef OS_SIG_H
#define OS_SIG_H

#include "base/err.h"

int sig_init(struct err *e) NODISCARD; /* block them; once, before anything else */
int sig_fd(void);      /* readable when one came; for poll only, -1 before sig_init */
int sig_pending(void); /* the first signal that came and is not yet forgotten, or 0 */

const char *sig_name(int signo); /* of one that sig_pending gave */

/* In a child that lost the descriptor: no more signals are looked for, by whatever has its number
 * now. */
void sig_detach(void);

/*
 * In a child before exec: nothing blocked, nothing ignored, nothing caught. Also the two signals
 * that libc keeps to itself, which posix_spawn leaves ignored in all that make(1) starts.
 */
void sig_reset(void);

/* ERR_INTERRUPTED when a signal came, else 0. */
int sig_check(struct err *e) NODISCARD;

#endif
