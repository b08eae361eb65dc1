/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creates device nodes for kernel modules that are not loaded. Opening such a node (/dev/fuse,
 * /dev/net/tun, /dev/loop-control, /dev/mapper/control) makes the kernel load the module. An image
 * with kernel modules has a list of these nodes, written by depmod(8).
 */
#ifndef EXECUTOR_MACHINE_NODES_H
#define EXECUTOR_MACHINE_NODES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct node_spec {
	char name[64]; /* below /dev: "net/tun" */
	mode_t mode;   /* with S_IFCHR or S_IFBLK */
	dev_t device;
};

/* Parse a line of modules.devname: "tun net/tun c10:200". False for comments and invalid lines. */
bool nodes_parse(const char *line, struct node_spec *ret);

/* Create the nodes in the list of the running kernel's modules; without a list, none. */
int nodes_make(struct err *e) NODISCARD;

#endif
