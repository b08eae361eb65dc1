/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run log as a self-contained HTML page, without scripts and external resources. All text from
 * the log is escaped, including control characters, because it is untrusted.
 */
#ifndef CLI_LOG_LOGHTML_H
#define CLI_LOG_LOGHTML_H

#include "base/buf.h"
#include "cli/log/logread.h"
#include "data/node.h"

/* The beginning of each page, by which such a file is recognized. */
#define LOGHTML_BEGINNING                                                                          \
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                  \
	"<meta http-equiv=\"Content-Security-Policy\" "                                            \
	"content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"                             \
	"<title>Run log</title>\n"

void loghtml_begin(struct buf *b);
void loghtml_event(struct buf *b, struct logread *r, const struct node *event);
void loghtml_end(struct buf *b);

#endif
