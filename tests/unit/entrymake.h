/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a user's list, from YAML. */
#ifndef ENTRYMAKE_H
#define ENTRYMAKE_H

#include "expect.h"

#include <string.h>

#include "contract/entry.h"
#include "data/yamlfile.h"

/* entry_parse of a text. The tree that the entry refers to is gone afterwards. */
static inline int parse_entry(const char *yaml, const struct action *const *actions, unsigned where,
	struct entry *ret, struct err *e)
{
	auto_node struct node *node = NULL;
	int result;

	expect_ok(yamlfile_parse(yaml, strlen(yaml), "p.yaml", &node, e), e);
	result = entry_parse(node, actions, where, "p.yaml", ret, e);
	ret->node = NULL;
	return result;
}

#endif
