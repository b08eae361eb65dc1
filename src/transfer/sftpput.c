/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each try starts an ssh(1), whose remote end speaks SFTP (sftp.h). If the server rejects a request
 * that is needed, the upload ends. If the session ends, it may be tried again.
 */
#include "transfer/sftpput.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/num.h"
#include "base/text.h"
#include "data/digest.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"
#include "transfer/limits.h"
#include "transfer/sftp.h"

enum {
	SHOWN_MAX = 300,
	TOLD_MAX = 1024,
	NAME_HEX = 16,
	DIGEST_HEX = 64,
	END_MS = 10000, /* time for ssh to exit at the end */
	END_TURN_MS = 5,
	/*
	 * The server may have executed any of the write requests that were pending when the
	 * connection was cut, so the partial file may have a gap in this part. Twice as much is
	 * read back and compared.
	 */
	TAIL_BYTES = 2 * SFTP_WINDOW * SFTP_BLOCK,
};

#define PART_HEAD ".ambient-"
#define PART_TAIL ".part"

struct job {
	const struct sftpput *p;
	const struct transfer_options *o;
	pid_t pid; /* of ssh */
	int talk;  /* its standard input and output */
	struct sftp sftp;
	const char *now;         /* the current entry */
	size_t done;             /* number of complete entries */
	bool logged_in;          /* at least once */
	bool sending;            /* part of `now` was sent in this session */
	bool cut;                /* connection cut or stalled: a retry may help */
	const char *why;         /* the reason of `cut` */
	struct strv parts;       /* partial files found in this session */
	struct strv directories; /* directories found, each with a slash at its end */
};

static void forget_found(struct job *j)
{
	strv_release(&j->parts);
	strv_release(&j->directories);
	j->parts = j->directories = (struct strv){0};
}

/*
 * ssh does not exit while the server keeps its side open. It is killed: nothing is left to be sent.
 */
static void reap(pid_t pid)
{
	int64_t until = clock_ms() + END_MS;
	pid_t ended;
	int status;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && clock_ms() < until)
		(void)poll(NULL, 0, END_TURN_MS);
	if (ended != 0)
		return;
	proc_kill_group(pid);
	(void)proc_wait(pid, &status);
}

static void end_session(struct job *j)
{
	fd_close(fd_steal(&j->talk));
	sftp_release(&j->sftp);
	j->sftp = (struct sftp){0};
	j->sending = false;
	forget_found(j);
	if (j->pid > 0)
		reap(j->pid);
	j->pid = -1;
}

static void job_release(struct job *j)
{
	if (j->pid > 0)
		proc_kill_group(j->pid);
	end_session(j);
}
#define auto_job __attribute__((cleanup(job_release)))

static void tell(const struct job *j, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void tell(const struct job *j, const char *fmt, ...)
{
	auto_free char *safe = NULL;
	va_list ap;
	char text[TOLD_MAX];

	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	safe = text_safe(text, sizeof(text));
	j->o->tell(j->o->arg, safe);
}

/* ---- ssh ---- */

static int start_session(struct job *j, struct err *e)
{
	auto_free char *program = proc_find(j->p->ssh->items[0]);
	auto_strv struct strv argv = {0};
	auto_fd int ours = -1, its = -1;
	int ends[2];

	if (!program)
		return err_set(e, ERR_HOST, "%s: not installed", j->p->ssh->items[0]);
	strv_push(&argv, program);
	for (size_t i = 1; i < j->p->ssh->count; i++)
		strv_push(&argv, j->p->ssh->items[i]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	ours = ends[0];
	its = ends[1];
	if (fd_set_nonblock(ours, e) < 0)
		return -1;
	j->pid = fork();
	if (j->pid < 0)
		return err_sys(e, "fork");
	if (j->pid == 0 && setenv("LC_ALL", "C", 1) == 0)
		proc_become(program, &argv, &(struct proc_streams){its, its, STDERR_FILENO});
	if (j->pid == 0)
		_exit(127);
	j->talk = fd_steal(&ours);
	return 0;
}

/* ---- errors ---- */

static int was_cut(struct job *j, const char *now, struct err *e)
{
	if (!j->logged_in)
		return err_set(e, ERR_INPUT,
			"%s: ssh could not start sftp there; the message of ssh is in the log",
			j->p->host);
	j->cut = true;
	j->why = "upload_cut";
	if (j->sending)
		return err_reason(e, ERR_INPUT, "upload_cut",
			"%s: the connection was cut while '%s' was uploaded", j->p->host, now);
	return err_reason(e, ERR_INPUT, "upload_cut",
		"%s: the connection was cut before anything of '%s' was uploaded", j->p->host, now);
}

/* A network that stalls may recover. A server that does not answer a request is not retried. */
static int has_stalled(struct job *j, const char *now, struct err *e)
{
	auto_free char *limit = mem_strdup(num_show_duration(j->o->stall_ms).s);

	j->cut = j->sending;
	j->why = "upload_timeout";
	if (!j->logged_in)
		return err_reason(e, ERR_INPUT, "upload_timeout",
			"%s: the sftp server did not answer within %s", j->p->host, limit);
	if (j->sending)
		return err_reason(e, ERR_INPUT, "upload_timeout",
			"%s: the server stopped accepting '%s' and did not answer within %s",
			j->p->host, now, limit);
	return err_reason(e, ERR_INPUT, "upload_timeout",
		"%s: the server was asked what is there for '%s' and did not answer within %s",
		j->p->host, now, limit);
}

/* The session has ended. Sets *e. */
static int has_ended(struct job *j, struct err *e)
{
	auto_free char *now = text_safe(j->now, SHOWN_MAX);
	int error = errno;

	proc_kill_group(j->pid);
	if (j->sftp.end == SFTP_CUT)
		return was_cut(j, now, e);
	if (j->sftp.end == SFTP_STALLED)
		return has_stalled(j, now, e);
	if (j->sftp.end == SFTP_NONSENSE)
		return err_reason(e, ERR_INPUT, "upload_failed",
			"%s: the sftp server is faulty: it sent %s; at '%s'", j->p->host,
			j->sftp.nonsense, now);
	errno = error;
	return err_sys(e, "upload %s", now);
}

static const char *word_of(int code)
{
	switch (code) {
	case SFTP_NO_SUCH_FILE:
		return "no such file";
	case SFTP_PERMISSION_DENIED:
		return "permission denied";
	case SFTP_UNSUPPORTED:
		return "not supported";
	default:
		return "failure";
	}
}

/* The message of the server, unchanged: the host masks secrets before it makes the text safe. */
static void tell_words(const struct job *j)
{
	auto_free char *line = mem_printf("the server says: %s", j->sftp.said);

	j->o->tell(j->o->arg, line);
}

/* Check a request that must succeed: 0, or -1 with *e. */
static int must(struct job *j, int result, struct err *e)
{
	auto_free char *now = text_safe(j->now, SHOWN_MAX);

	if (result == SFTP_OK)
		return 0;
	if (result < 0)
		return has_ended(j, e);
	tell_words(j);
	return err_reason(e, ERR_INPUT, "upload_failed",
		"%s: the server rejected '%s': %s (sftp code %d); its message is in the log",
		j->p->host, now, word_of(result), result);
}

/* Check a request that may fail: -1 only if the session has ended. */
static int may(struct job *j, int result, struct err *e)
{
	return result < 0 ? has_ended(j, e) : 0;
}

/* The path of a name below the target. The caller frees it. */
static char *path_there(const struct job *j, const char *name)
{
	const char *path = j->p->path;
	size_t len = strlen(path);

	if (len == 0)
		return mem_strdup(name[0] ? name : ".");
	if (!name[0])
		return mem_strdup(path);
	return mem_printf("%s%s%s", path, path[len - 1] == '/' ? "" : "/", name);
}

/* ---- existing files ---- */

static bool is_part(const char *name)
{
	static const char hex[] = "0123456789abcdef";
	const char *at = name + strlen(PART_HEAD);

	return strncmp(name, PART_HEAD, strlen(PART_HEAD)) == 0 && strspn(at, hex) == NAME_HEX &&
		at[NAME_HEX] == '-' && strspn(at + NAME_HEX + 1, hex) == DIGEST_HEX &&
		strcmp(at + NAME_HEX + 1 + DIGEST_HEX, PART_TAIL) == 0;
}

struct look {
	struct job *j;
	const char *dir; /* "" or with a slash at its end */
};

static void take_found(void *arg, const char *name, const struct sftp_attributes *a)
{
	const struct look *l = arg;
	struct job *j = l->j;

	if (a->is_directory && j->directories.count < LIMIT_UPLOAD_PARTS)
		strv_pushf(&j->directories, "%s%s/", l->dir, name);
	if (a->is_file && is_part(name) && j->parts.count < LIMIT_UPLOAD_PARTS)
		strv_pushf(&j->parts, "%s%s", l->dir, name);
}

static int look_around(struct job *j, const char *dir, struct err *e)
{
	auto_free char *path = path_there(j, dir);
	struct look l = {.j = j, .dir = dir};

	/* If the directory cannot be listed, uploads cannot be resumed. */
	return may(j, sftp_list(&j->sftp, path, take_found, &l), e);
}

/* ---- one file ---- */

struct file {
	const char *path;
	int fd;
	uint64_t bytes;
	struct digest_text digest;
	char *part;                /* path of the partial file, relative to the target */
	char *there;               /* its complete path */
	struct sftp_handle handle; /* of the partial file */
	size_t family_len;         /* length of the prefix of partial files of the same name */
};

static void file_release(struct file *f)
{
	fd_close(f->fd);
	free(f->part);
	free(f->there);
}
#define auto_file __attribute__((cleanup(file_release)))

static int open_file(const struct job *j, struct file *f, struct err *e)
{
	struct stat st;

	f->fd = openat(j->o->dir_fd, f->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return err_sys(e, "open %s", f->path);
	f->bytes = (uint64_t)st.st_size;
	return digest_of_file(f->fd, f->bytes, &f->digest, e);
}

static void name_part(const struct job *j, struct file *f)
{
	const char *slash = strrchr(f->path, '/');
	const char *name = slash ? slash + 1 : f->path;
	struct digest_text hash = digest_of(name, strlen(name));

	f->part = mem_printf("%.*s" PART_HEAD "%.*s-%s" PART_TAIL, (int)(name - f->path), f->path,
		NAME_HEX, hash.s, f->digest.s);
	f->there = path_there(j, f->part);
	f->family_len = strlen(f->part) - DIGEST_HEX - strlen(PART_TAIL);
}

/* 1: the partial file, which has this length, is the beginning of the file. */
static int is_beginning(struct job *j, const struct file *f, uint64_t bytes, struct err *e)
{
	size_t len = bytes < TAIL_BYTES ? (size_t)bytes : TAIL_BYTES, got = 0;
	auto_free char *here = mem_alloc(len + 1), *there = mem_alloc(len + 1);

	if (len == 0 || bytes > f->bytes)
		return 0;
	if (must(j, sftp_read(&j->sftp, &f->handle, bytes - len, there, len, &got), e) < 0)
		return -1;
	if (fd_pread_full(f->fd, here, len, bytes - len) != (ssize_t)len)
		return err_sys(e, "read %s", f->path);
	return got == len && memcmp(here, there, len) == 0;
}

/*
 * The length of the partial file on the server. It is required: without it, an incomplete file
 * would not be noticed.
 */
static int size_there(struct job *j, const struct file *f, uint64_t *ret, struct err *e)
{
	struct sftp_attributes a = {0};

	if (must(j, sftp_size(&j->sftp, &f->handle, &a), e) < 0)
		return -1;
	if (!a.has_size)
		return err_reason(e, ERR_INPUT, "upload_failed",
			"%s: the server does not say how long '%s' is", j->p->host, f->path);
	*ret = a.size;
	return 0;
}

static int send_from(struct job *j, const struct file *f, uint64_t offset, struct err *e)
{
	if (offset == 0 && must(j, sftp_truncate(&j->sftp, &f->handle, 0), e) < 0)
		return -1;
	j->sending = true;
	return must(j, sftp_write(&j->sftp, &f->handle, f->fd, offset, f->bytes), e);
}

static int send_file(struct job *j, const struct file *f, struct err *e)
{
	uint64_t bytes = 0;
	int good = 0;

	if (strv_has(&j->parts, f->part)) {
		if (size_there(j, f, &bytes, e) < 0 || (good = is_beginning(j, f, bytes, e)) < 0)
			return -1;
		if (good)
			tell(j, "%s: resumed after %s", f->path, num_show_size(bytes).s);
		else
			tell(j, "%s: the partial file there is not its beginning: starting over",
				f->path);
	}
	return send_from(j, f, good ? bytes : 0, e);
}

/* The partial file may be too long, if the server still wrote data of the previous connection. */
static int send_whole(struct job *j, const struct file *f, struct err *e)
{
	uint64_t bytes;

	if (send_file(j, f, e) < 0 || size_there(j, f, &bytes, e) < 0)
		return -1;
	if (bytes == f->bytes)
		return 0;
	tell(j, "%s: the file there has another size: starting over", f->path);
	if (send_from(j, f, 0, e) < 0 || size_there(j, f, &bytes, e) < 0)
		return -1;
	if (bytes == f->bytes)
		return 0;
	return err_reason(e, ERR_INPUT, "upload_failed",
		"%s: '%s' arrived, but does not have %llu bytes there", j->p->host, f->path,
		(unsigned long long)f->bytes);
}

/* Sync the file before it is renamed. */
static int put_in_place(struct job *j, const struct file *f, struct err *e)
{
	auto_free char *path = path_there(j, f->path);

	if (must(j, sftp_sync(&j->sftp, &f->handle), e) < 0 ||
		must(j, sftp_close(&j->sftp, &f->handle), e) < 0)
		return -1;
	return must(j, sftp_rename(&j->sftp, f->there, path), e);
}

static int remove_other_parts(struct job *j, const struct file *f, struct err *e)
{
	strv_each (&j->parts, part) {
		auto_free char *path = path_there(j, *part);

		if (strncmp(*part, f->part, f->family_len) == 0 && strcmp(*part, f->part) != 0 &&
			may(j, sftp_remove(&j->sftp, path), e) < 0)
			return -1;
	}
	return 0;
}

static int upload_file(struct job *j, const char *path, struct err *e)
{
	auto_file struct file f = {.path = path, .fd = -1};

	if (open_file(j, &f, e) < 0)
		return -1;
	name_part(j, &f);
	if (must(j, sftp_open(&j->sftp, f.there, &f.handle), e) < 0 || send_whole(j, &f, e) < 0 ||
		put_in_place(j, &f, e) < 0 || remove_other_parts(j, &f, e) < 0)
		return -1;
	tell(j, "%s: %s", path, num_show_size(f.bytes).s);
	return 0;
}

/* ---- a session ---- */

static int enter(struct job *j, struct err *e)
{
	auto_free char *path = path_there(j, "");
	auto_free char *shown = text_safe(j->p->path, SHOWN_MAX);
	struct sftp_attributes a = {0};
	int code;

	if (must(j, sftp_begin(&j->sftp, j->talk, j->talk, j->o->stall_ms), e) < 0)
		return -1;
	j->logged_in = true;
	code = sftp_stat(&j->sftp, path, &a);
	if (code != SFTP_NO_SUCH_FILE && must(j, code, e) < 0)
		return -1;
	if (code != SFTP_OK || a.is_file)
		return err_reason(e, ERR_INPUT, "upload_failed",
			"%s: there is no directory '%s' to upload to", j->p->host, shown);
	return look_around(j, "", e);
}

static int make_directory(struct job *j, const char *name, struct err *e)
{
	auto_free char *path = path_there(j, name);

	struct sftp_attributes a = {0};
	int code, there;

	if (strv_has(&j->directories, name))
		return 0;
	code = sftp_mkdir(&j->sftp, path);
	if (code <= 0)
		return must(j, code, e);
	/* It may exist, although it was not listed. */
	there = sftp_stat(&j->sftp, path, &a);
	if (there < 0)
		return must(j, there, e);
	return there == SFTP_OK && !a.is_file ? 0 : must(j, code, e);
}

static int do_entry(struct job *j, const char *entry, bool done, struct err *e)
{
	size_t len = strlen(entry);

	j->now = entry;
	if (len == 0 || entry[len - 1] != '/')
		return done ? 0 : upload_file(j, entry, e);
	if (!done && make_directory(j, entry, e) < 0)
		return -1;
	return look_around(j, entry, e);
}

static int session(struct job *j, struct err *e)
{
	const struct node *entry;
	size_t i = 0;

	if (start_session(j, e) < 0 || enter(j, e) < 0)
		return -1;
	node_each (j->p->entries, entry) {
		bool done = i++ < j->done;

		if (do_entry(j, entry->text, done, e) < 0)
			return -1;
		if (!done)
			j->done = i;
	}
	end_session(j);
	return 0;
}

static int give_up(const struct job *j, unsigned tries, const struct err *why, struct err *e)
{
	if (!j->cut) {
		*e = *why;
		return -1;
	}
	return err_reason(e, ERR_INPUT, j->why,
		"%s (%u tries); the next upload of the same resumes this one", why->msg, tries);
}

int sftpput(const struct sftpput *p, const struct transfer_options *o, struct err *e)
{
	auto_job struct job j = {.p = p, .o = o, .pid = -1, .talk = -1, .now = p->path};

	for (unsigned tries = 1;; tries++) {
		int64_t pause = o->pause_ms << (tries - 1);
		struct err why = {0};

		j.cut = false;
		if (session(&j, &why) == 0)
			return 0;
		end_session(&j);
		if (!j.cut || tries >= o->tries || !transfer_may_pause(o, pause))
			return give_up(&j, tries, &why, e);
		tell(&j, "%s; again in %s", why.msg, num_show_duration(pause).s);
		(void)poll(NULL, 0, (int)pause);
	}
}
