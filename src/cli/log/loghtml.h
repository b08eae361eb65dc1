/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run log as one HTML page that needs nothing else: no script, no request to anywhere. Everything
 * from the log is escaped, and control characters are made visible, because a guest wrote it.
 */
#ifndef CLI_LOG_LOGHTML_H
#define CLI_LOG_LOGHTML_H

#include "base/buf.h"
#include "cli/log/logread.h"
#include "data/node.h"

void loghtml_begin(struct buf *b);
void loghtml_event(struct buf *b, struct logread *r, const struct node *event);
void loghtml_end(struct buf *b);

#endif
