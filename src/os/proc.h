/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trusted helper programs of the host (mke2fs and the like). Untrusted input goes through jail.h.
 */
#ifndef OS_PROC_H
#define OS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/strv.h"

/*
 * Run argv[0], which is looked up in PATH. Standard input is /dev/null; standard output and error
 * are appended to `output`, whose maximum limits them; the surplus is read and discarded. The
 * signal mask of the child is empty. Returns the exit code (128 + signal when it was killed), or -1
 * with *e when it could not be started.
 *
 * A file that the program opens may never answer: a fifo, the file system of a dead server. So
 * after limit_ms all processes of its group are killed: ERR_HOST, "git did not answer within 60 s".
 * A signal to this process kills them at once: ERR_INTERRUPTED. If this process is killed, so is the
 * program.
 */
int proc_run(
	const struct strv *argv, int64_t limit_ms, struct buf *output, struct err *e) NODISCARD;

/*
 * As proc_run, in another way: without some variables of the environment (names, NULL at the end;
 * NULL: none), and without what the program writes to the stream of errors.
 */
struct proc_way {
	const char *const *unset;
	bool no_errors;
};

int proc_run_as(const struct strv *argv, const struct proc_way *way, int64_t limit_ms,
	struct buf *output, struct err *e) NODISCARD;

/*
 * As proc_run, but without a time limit: `look` is called about ten times a second while the
 * program runs. If it returns -1, with *e set, all processes of the group are killed, and the
 * result is -1. `take` is optional. If it is set, it gets the output, and nothing is appended to
 * `output`.
 */
struct proc_watch {
	int (*look)(void *arg, pid_t group, struct err *e);
	void (*take)(void *arg, const char *data, size_t len);
	void *arg;
};

int proc_run_watched(const struct strv *argv, struct buf *output, const struct proc_watch *watch,
	struct err *e) NODISCARD;

/* Has the process this file open? False, too, if this process may not know. */
bool proc_has_open(pid_t pid, const struct stat *file);

/* What the processes of a group use, as far as /proc shows it. Missing entries are no error. */
struct proc_usage {
	/* of all running processes, and of the children that they have reaped */
	int64_t cpu_ms;
	uint64_t memory_bytes; /* of the largest process whose name begins with `name` */
};

struct proc_usage proc_group_usage(pid_t group, const char *name);

/*
 * In the child of a fork(2), for callers that need more than proc_run: execute the program, in a
 * session of its own without a controlling terminal, with the default action of every signal and
 * with the inherited limit of open files (inherit_give_back). If that fails, the reason is written
 * to the stream of errors and the exit status is 127.
 */
struct proc_streams {
	int input, output, errors; /* -1: /dev/null */
};

NORETURN void proc_become(
	const char *program, const struct strv *argv, const struct proc_streams *streams);

/*
 * Execute another program instead of this one, in the same terminal and session: for commands that
 * only start one. argv[0] is its path. ERR_HOST if it cannot be started.
 */
int proc_replace(const struct strv *argv, struct err *e) NODISCARD;

/* Kill a process and its group. The process need not have become the leader of its group yet. */
void proc_kill_group(pid_t pid);

/* As proc_run, but an exit code other than 0 is ERR_HOST with the end of the output. */
int proc_run_ok(const struct strv *argv, int64_t limit_ms, struct err *e) NODISCARD;

/* Wait for one child; EINTR is retried. 0 with the status of waitpid(2), or -1 with errno. */
int proc_wait(pid_t pid, int *ret_status);

/*
 * The first line in a pipe, which an ended program has written its errors to: at most
 * PROC_LINE_MAX bytes, without control characters. "": none. The caller frees.
 */
enum { PROC_LINE_MAX = 300 };
char *proc_first_line(int pipe_fd);

/*
 * The processor time of a child and all its threads so far, in nanoseconds; 0 when there is no such
 * process.
 */
int64_t proc_cpu_ns(pid_t pid);

/*
 * The absolute path of a program. A name with a slash is returned as it is; other names are looked
 * up in PATH, then in /usr/sbin and /sbin. The caller frees.
 */
char *proc_find(const char *name);

#endif
