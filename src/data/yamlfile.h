/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing YAML as trees of nodes. The only user of libyaml.
 *
 * The input is one document of UTF-8 in the core schema of YAML 1.2, where yes, no, on and off are
 * ordinary strings. Anchors and aliases are supported (an alias is a copy). A byte order mark is
 * skipped. Rejected, each with FILE:LINE:COL: more than LIMIT_YAML_BYTES, a second document, a
 * repeated key in a mapping, keys that are not scalars, merge keys (`<<`), tags other than those of
 * the core schema, NUL characters, and trees beyond the limits of node.h. The limits are checked
 * while the tree grows, so aliases that multiply are rejected early.
 */
#ifndef DATA_YAMLFILE_H
#define DATA_YAMLFILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/node.h"

/* An empty document is a NODE_NULL. Any fault of the file is ERR_INPUT. */
int yamlfile_read(const char *path, struct node **ret_node, struct err *e) NODISCARD;

/* Read an open file from its start; `name` is for messages. */
int yamlfile_read_fd(int fd, const char *name, struct node **ret_node, struct err *e) NODISCARD;

int yamlfile_parse(const char *text, size_t len, const char *name, struct node **ret_node,
	struct err *e) NODISCARD;

/* Append the node as a YAML document that yamlfile_parse reads back as the same tree. */
void yamlfile_add(struct buf *b, const struct node *n);

#endif
