/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the jail only: the data that the caller's side (jail.c) prepares, and the
 * functions by which the child (jail_inside.c) uses it, in jail_mount.c and jail_seccomp.c.
 */
#ifndef JAIL_JAIL_INTERNAL_H
#define JAIL_JAIL_INTERNAL_H

#include "jail/jail.h"

#define JAIL_REASON_WALL "host_no_namespaces"

/* One mount of the jail: the binds of struct jail, and those that every jail has. */
struct jail_tree {
	const char *outside; /* borrowed */
	const char *inside;  /* borrowed */
	unsigned flags;      /* enum jail_bind_flag */
	int fd;              /* the detached mount after it was created, or -1 */
};

/* A top-level symbolic link as on the host: "lib" -> "usr/lib". */
struct jail_link {
	const char *name;
	char *target;
};

enum { JAIL_LINKS_MAX = 8 };

/* Seccomp filters, as BPF instructions. */
struct jail_filters {
	const struct buf *calls; /* the allowed system calls; borrowed for ever */
	struct buf uses;         /* the forbidden arguments of system calls */
};

struct jail_setup {
	const struct jail *j;
	struct jail_filters filters;

	int control;         /* the child's end; jail_inside.c describes the protocol */
	int control_outside; /* the parent's end, which the child closes */
	int program;         /* O_PATH, or -1 for a function */
	int null;            /* /dev/null */
	int listeners[JAIL_LISTENERS_MAX]; /* received from the child; -1: not yet */

	bool change_ids; /* the caller is root: change to the uid, gid and groups below */
	uid_t uid;
	gid_t gid;
	gid_t extra_gid; /* equal to gid if there is none */

	struct jail_tree *trees;
	size_t tree_count;
	struct jail_link links[JAIL_LINKS_MAX];
	size_t link_count;
};

/*
 * A report of the child, before it executes the program: one report for each requested listening
 * socket, then `ready` or the error.
 */
struct jail_report {
	bool ready;
	bool is_listener;
	size_t listener; /* the index of the socket that comes with this report */
	struct err error;
};

/*
 * Set ERR_HOST from errno, with the reason that the host forbids the creation of jails. Returns -1.
 */
int jail_wall(struct err *e, const char *what);

/* The child's code. It does not return. */
NORETURN void jail_inside(const struct jail_setup *s);

/*
 * Create a detached copy of a part of the host's file system; it is moved to its place later. For
 * root this happens in the parent, because the child no longer has root's right to reach the path.
 * Else it happens in the child, because only the child has the right to mount.
 */
int jail_mount_detach(struct jail_tree *t, struct err *e) NODISCARD;

/* Build the new root, make it the only one, and make it read-only. */
int jail_mount_root(const struct jail_setup *s, struct err *e) NODISCARD;

/* In the child: create the listening sockets and send them to the parent. */
int jail_net_offer(const struct jail_setup *s, struct err *e) NODISCARD;

/*
 * In the parent: recv(2) of one report. A socket that comes with it is stored in its place in
 * listeners.
 */
ssize_t jail_net_receive(
	int control, struct jail_report *report, int listeners[JAIL_LISTENERS_MAX]);

/*
 * Make the seccomp filters, by own_calls, no_children, no_exec and host_network of struct jail.
 * They are the last barrier of the jail. program_fd: with no_children, the only descriptor for
 * which execveat is allowed, or -1. The filters are made in the parent, which has no resource
 * limits yet, and loaded by the child. The caller releases ret->uses.
 */
int jail_seccomp_make(
	const struct jail *j, int program_fd, struct jail_filters *ret, struct err *e) NODISCARD;
int jail_seccomp_install(const struct jail_filters *f, struct err *e) NODISCARD;

/*
 * The descriptor numbers of the control socket and the program in the child: above all kept ones.
 */
int jail_control_number(const struct jail *j);
static inline int jail_program_number(const struct jail *j)
{
	return jail_control_number(j) + 1;
}

#endif
