/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML, read into nodes and written from them. The only user of libyaml.
 *
 * What is read is one document of UTF-8 in the core schema of YAML 1.2, where yes, no, on and off
 * are words like others. Anchors and aliases work (an alias is a copy); a byte order mark is passed
 * over. Refused, each with FILE:LINE:COL: more than LIMIT_YAML_BYTES, a second document, a key that
 * is twice in a mapping, keys that are not scalars, merge keys (`<<`), tags other than those of the
 * core schema, NUL characters, and trees beyond the limits of node.h (checked as they grow, so
 * aliases that multiply end early).
 */
#ifndef DATA_YAMLFILE_H
#define DATA_YAMLFILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/node.h"

/* An empty document is a NODE_NULL. Whatever is wrong with the file is ERR_INPUT. */
int yamlfile_read(const char *path, struct node **ret_node, struct err *e) NODISCARD;

/* From an open file at its start; `name` is for messages. */
int yamlfile_read_fd(int fd, const char *name, struct node **ret_node, struct err *e) NODISCARD;

int yamlfile_parse(const char *text, size_t len, const char *name, struct node **ret_node,
	struct err *e) NODISCARD;

/* Append the node as a YAML document that yamlfile_parse reads back as the same tree. */
void yamlfile_add(struct buf *b, const struct node *n);

#endif
