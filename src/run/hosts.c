/* SPDX-License-Identifier: Apache-2.0 */
#include "run/hosts.h"

#include <string.h>

#include "run/limits.h"

static void add_to(struct node *n, const char *key, uint64_t more)
{
	node_set_uint(n, key, node_get_uint(n, key, 0) + more);
}

static struct node *find(struct node *hosts, const char *host, uint64_t port)
{
	struct node *row;

	node_each (hosts, row)
		if (strcmp(node_get_text(row, "host", ""), host) == 0 &&
			node_get_uint(row, "port", 0) == port)
			return row;
	return NULL;
}

static struct node *add(struct node *hosts, const char *host, uint64_t port)
{
	static const char *const counts[] = {"allowed", "refused", "failed", "sent", "received"};
	struct node *row;

	if (hosts->count == LIMIT_RESULT_HOSTS)
		return NULL;
	row = node_add_map(hosts);
	node_set_string(row, "host", host);
	node_set_uint(row, "port", port);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		node_set_uint(row, counts[i], 0);
	return row;
}

void hosts_count(struct node *vm, const struct node *fields)
{
	const char *host = node_get_text(fields, "host", NULL);
	uint64_t port = node_get_uint(fields, "port", 0);
	struct node *hosts = node_get(vm, "hosts");
	struct node *row = NULL;

	if (!hosts)
		hosts = node_set_list(vm, "hosts");
	if (host && port) {
		row = find(hosts, host, port);
		row = row ? row : add(hosts, host, port);
	}
	if (!row) {
		add_to(vm, "other_connections", 1);
		return;
	}
	add_to(row, node_get_text(fields, "verdict", "failed"), 1);
	add_to(row, "sent", node_get_uint(fields, "sent", 0));
	add_to(row, "received", node_get_uint(fields, "received", 0));
}
