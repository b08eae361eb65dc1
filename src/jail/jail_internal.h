/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the jail only: what the caller's side (jail.c) prepares as data, and what
 * the child does with it (jail_inside.c), with the help of jail_mount.c and jail_seccomp.c.
 */
#ifndef JAIL_JAIL_INTERNAL_H
#define JAIL_JAIL_INTERNAL_H

#include "jail/jail.h"

#define JAIL_REASON_WALL "host_no_namespaces"

/* One mount of the jail: the binds of the struct, and those that every jail has. */
struct jail_tree {
	const char *outside; /* borrowed */
	const char *inside;  /* borrowed */
	unsigned flags;      /* enum jail_bind_flag */
	int fd;              /* the detached mount once it is there, or -1 */
};

/* A top-level symbolic link as the host has it: "lib" -> "usr/lib". */
struct jail_link {
	const char *name;
	char *target;
};

enum { JAIL_LINKS_MAX = 8 };

/* Instructions for the kernel. */
struct jail_filters {
	const struct buf *calls; /* which system calls there are; borrowed for ever */
	struct buf uses;         /* which uses of them are forbidden */
};

struct jail_setup {
	const struct jail *j;
	struct jail_filters filters;

	int control;         /* the child's end; see jail_inside.c for what is said on it */
	int control_outside; /* the parent's end, which the child closes */
	int program;         /* O_PATH, or -1 for a function */
	int null;            /* /dev/null */
	int listeners[JAIL_LISTENERS_MAX]; /* that the child sent; -1: not yet */

	bool change_ids; /* the caller is root: take uid, gid and groups below */
	uid_t uid;
	gid_t gid;
	gid_t extra_gid; /* equal to gid when there is none */

	struct jail_tree *trees;
	size_t tree_count;
	struct jail_link links[JAIL_LINKS_MAX];
	size_t link_count;
};

/*
 * What the child sends before it becomes the program: ready, or the error; before that, the
 * listening sockets that it was asked for.
 */
struct jail_report {
	bool ready;
	bool is_listener;
	size_t listener; /* which of them comes with this report */
	struct err error;
};

/* ERR_HOST from errno with the reason that says: the host does not let us build walls. Returns -1.
 */
int jail_wall(struct err *e, const char *what);

/* The child's whole life. */
NORETURN void jail_inside(const struct jail_setup *s);

/*
 * Make the detached copy of a part of the host's file system that is moved to its place later. In
 * the parent for root, whose right to reach the path the child no longer has; else in the child,
 * which alone has the right to mount.
 */
int jail_mount_detach(struct jail_tree *t, struct err *e) NODISCARD;

/* Build the new root, make it the only one, and leave it read-only. */
int jail_mount_root(const struct jail_setup *s, struct err *e) NODISCARD;

/* In the child: make the listening sockets and send them to the parent. */
int jail_net_offer(const struct jail_setup *s, struct err *e) NODISCARD;

/* In the parent: recv(2) of one report, and of the socket with it, into its place of listeners. */
ssize_t jail_net_receive(
	int control, struct jail_report *report, int listeners[JAIL_LISTENERS_MAX]);

/*
 * The filters that are the last wall, by own_calls, no_children, no_exec and host_network of the struct.
 * program_fd: with no_children, the one descriptor whose execveat is allowed, or -1. They are made in the parent,
 * which has no limits yet, and loaded by the child. The caller releases ret->uses.
 */
int jail_seccomp_make(
	const struct jail *j, int program_fd, struct jail_filters *ret, struct err *e) NODISCARD;
int jail_seccomp_install(const struct jail_filters *f, struct err *e) NODISCARD;

/* The numbers that the control socket and the program have in the child: above all that are kept. */
int jail_control_number(const struct jail *j);
static inline int jail_program_number(const struct jail *j)
{
	return jail_control_number(j) + 1;
}

#endif
