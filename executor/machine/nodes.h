/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes that are there before their kernel module is: who opens one (/dev/fuse,
 * /dev/net/tun, /dev/loop-control, /dev/mapper/control) makes the kernel load the module. An image
 * with kernel modules has a list of them, made by depmod(8).
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

/* A line of modules.devname: "tun net/tun c10:200". False for a comment and for what is none. */
bool nodes_parse(const char *line, struct node_spec *ret);

/* Make those in the list of the running kernel's modules; without a list, none. */
int nodes_make(struct err *e) NODISCARD;

#endif
