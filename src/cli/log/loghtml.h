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

/* What each page begins with, and hardly another one does. */
#define LOGHTML_BEGINNING                                                                          \
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                  \
	"<meta http-equiv=\"Content-Security-Policy\" "                                            \
	"content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"                             \
	"<title>Run log</title>\n"

void loghtml_begin(struct buf *b);
void loghtml_event(struct buf *b, struct logread *r, const struct node *event);
void loghtml_end(struct buf *b);

#endif
