/* SPDX-License-Identifier: Apache-2.0 */
/* The file in which a program in a trusted machine tells its step why it failed (GUEST_NET_ERROR). */
#ifndef EXECUTOR_NET_ERRORFILE_H
#define EXECUTOR_NET_ERRORFILE_H

#include "base/err.h"

/*
 * Write "REASON\nMESSAGE" of `why` to the file, which is replaced. actions/steps/net.c reads it. -1: it
 * cannot be written; the step then knows no more than the exit code.
 */
int errorfile_write(const char *path, const struct err *why, struct err *e) NODISCARD;

#endif
