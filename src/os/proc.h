/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted helper programs of the host (mke2fs and the like). Hostile input goes through jail.h. */
#ifndef OS_PROC_H
#define OS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/strv.h"

/*
 * Run argv[0] (looked up in PATH), standard input from /dev/null, standard output and error
 * appended to `output` (which bounds them; the surplus is read and dropped). The signal mask of the
 * child is empty. Returns the exit code (128 + signal when it was killed), or -1 with *e when it
 * could not start.
 *
 * What a program opens may not answer: a fifo, a dead server's file system. So after limit_ms all
 * processes of its group are killed: ERR_HOST, "git did not answer within 60 s". A signal to us
 * does the same at once: ERR_INTERRUPTED.
 */
int proc_run(
	const struct strv *argv, int64_t limit_ms, struct buf *output, struct err *e) NODISCARD;

/*
 * As proc_run, with `look` called some ten times a second while it runs, in place of a limit of
 * time. When that returns -1, with *e set, all processes of its group are killed, and -1 is
 * returned. `take` is optional: it gets the output, which then is not appended to anything.
 */
struct proc_watch {
	int (*look)(void *arg, pid_t group, struct err *e);
	void (*take)(void *arg, const char *data, size_t len);
	void *arg;
};

int proc_run_watched(const struct strv *argv, struct buf *output, const struct proc_watch *watch,
	struct err *e) NODISCARD;

/* What the processes of a group use, as far as /proc says: less is no error. */
struct proc_usage {
	int64_t cpu_ms;        /* of all that live, and of those that they have waited for */
	uint64_t memory_bytes; /* of the largest one whose name begins with `name` */
};

struct proc_usage proc_group_usage(pid_t group, const char *name);

/*
 * For those who need more than that of a program, and fork(2) themselves. In the child: become it,
 * in a session of its own, whose terminal it does not have, with the default of every signal and
 * with what our parent has given us (inherit.h). When that fails, the reason is on the stream of
 * errors and the exit status is 127.
 */
struct proc_streams {
	int input, output, errors; /* -1: /dev/null */
};

NORETURN void proc_become(
	const char *program, const struct strv *argv, const struct proc_streams *streams);

/* Kill it and its group, of which it may not have made itself the first yet. */
void proc_kill_group(pid_t pid);

/* As proc_run, but any exit code other than 0 is an ERR_HOST that carries the end of the output. */
int proc_run_ok(const struct strv *argv, int64_t limit_ms, struct err *e) NODISCARD;

/* Wait for one child, through EINTR. The status of waitpid(2), or -1 with errno. */
int proc_wait(pid_t pid, int *ret_status);

/* The processor time that a child has used so far, all its threads, in nanoseconds; 0 when there is
 * no such process. */
int64_t proc_cpu_ns(pid_t pid);

/* The absolute path of a program: as given when it has a slash, else by PATH (then /usr/sbin,
 * /sbin). */
char *proc_find(const char *name);

#endif
