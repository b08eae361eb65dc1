/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT, SIGTERM, SIGHUP and SIGALRM are blocked from the start and read as data, so that a signal never
 * interrupts a step halfway. A signal that the parent ignored stays ignored. Long loops call
 * sig_pending; poll loops watch sig_fd.
 */
#ifndef OS_SIG_H
#define OS_SIG_H

#include "base/err.h"

int sig_init(struct err *e) NODISCARD; /* block the signals; call once, before anything else */
int sig_fd(void);      /* readable when a signal came; only for poll; -1 before sig_init */
int sig_pending(void); /* the first signal that came and was not discarded, or 0 */

const char *sig_name(int signo); /* of a signal returned by sig_pending */

/*
 * In a child that has closed the descriptor: stop looking for signals, because another file may
 * have its number now.
 */
void sig_detach(void);

/*
 * In a child before exec: no signal is blocked, ignored or caught. This includes the two signals
 * that libc reserves for itself, which posix_spawn leaves ignored in every program that make(1)
 * starts.
 */
void sig_reset(void);

/* ERR_INTERRUPTED when a signal came, else 0. */
int sig_check(struct err *e) NODISCARD;

#endif
