/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts that a VM asked for, summed up for result.json; each connection is in the log. */
#ifndef RUN_HOSTS_H
#define RUN_HOSTS_H

#include "contract/event.h"
#include "data/node.h"

/*
 * Count an EVENT_EGRESS, whose secrets are masked, in `hosts` of a row of vms[]. A connection without
 * a host or port, and one to another host after LIMIT_RESULT_HOSTS, is counted in `other_connections`.
 */
void hosts_count(struct node *vm, const struct node *fields);

#endif
