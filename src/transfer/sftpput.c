/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sftp(1) for each try, told what to do line by line. It echoes commands and prints their
 * results; behind each command it is asked for its directory, whose line ends the answer. The first
 * command that fails, but for those with a minus in front, ends it: with 255 or by SIGPIPE when the
 * connection is at fault, with 1 when the server said no.
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
#include "base/fd.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/sig.h"
#include "base/text.h"
#include "data/digest.h"

enum {
	SHOWN_MAX = 300,
	TOLD_MAX = 1024,
	EXIT_CUT = 255,
	TAIL_FD = 3,
	NAME_HEX = 16,
	DIGEST_HEX = 64,
	LOOK_MS = 100,
	END_MS = 10000, /* for sftp and ssh to end, when nothing is left to be done */
	END_TURN_MS = 5,
	FILES_LOOKED_AT = 16, /* descriptors of sftp */
};

#define ANSWERED "Remote working directory: "
#define PART_HEAD ".ambient-"
#define PART_TAIL ".part"
#define PART_LEN                                                                                   \
	(sizeof(PART_HEAD) - 1 + NAME_HEX + sizeof("-") - 1 + DIGEST_HEX + sizeof(PART_TAIL) - 1)

/* A partial file on the server. */
struct part {
	char *path;
	uint64_t bytes;
};

struct job {
	const struct sftpput *p;
	const struct http_options *o;
	pid_t pid;          /* of sftp */
	int talk;           /* its standard input and output */
	struct buf lines;   /* what it said and nobody has read */
	size_t read;        /* of which so much was read */
	int tail_fd;        /* memory, for the end of a partial file */
	uint64_t tail_max;  /* bytes that may be there */
	const char *now;    /* the entry that is worked on */
	size_t done;        /* entries */
	bool logged_in;     /* once */
	bool sending;       /* something of `now` was sent in this session */
	bool cut;           /* or stalled: another try may help */
	const char *why;    /* the reason for that */
	uint64_t sent;      /* how far sftp has read what it sends */
	int64_t moved_ms;   /* when that changed, or a line came */
	int64_t look_ms;    /* when that was looked at last, beside reading */
	struct part *parts; /* what this session has found */
	size_t parts_count;
	struct strv directories; /* and these, each with a slash at its end */
};

static void forget_found(struct job *j)
{
	for (size_t i = 0; i < j->parts_count; i++)
		free(j->parts[i].path);
	free(steal_ptr(&j->parts));
	j->parts_count = 0;
	strv_release(&j->directories);
	j->directories = (struct strv){0};
}

/* A server that does not end its side keeps ssh, and ssh keeps sftp: all was said by then. */
static int reap(pid_t pid, int *ret_status)
{
	int64_t until = clock_ms() + END_MS;
	pid_t ended;

	while ((ended = waitpid(pid, ret_status, WNOHANG)) == 0 && clock_ms() < until)
		(void)poll(NULL, 0, END_TURN_MS);
	if (ended > 0)
		return 0;
	(void)kill(-pid, SIGKILL);
	return proc_wait(pid, ret_status);
}

/* Its exit code; 128 and more: killed by a signal. */
static int end_session(struct job *j)
{
	int status = 0;

	fd_close(fd_steal(&j->talk));
	buf_clear(&j->lines);
	j->read = 0;
	j->sending = false;
	forget_found(j);
	if (j->pid <= 0 || reap(j->pid, &status) < 0)
		return 0;
	j->pid = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void job_release(struct job *j)
{
	if (j->pid > 0)
		(void)kill(-j->pid, SIGKILL);
	(void)end_session(j);
	buf_release(&j->lines);
	fd_close(j->tail_fd);
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

/* ---- the program ---- */

NORETURN static void become(
	const struct job *j, const char *program, const struct strv *argv, int talk)
{
	sig_reset();
	(void)setpgid(0, 0);
	if (fchdir(j->o->dir_fd) < 0 || dup2(talk, 0) < 0 || dup2(talk, 1) < 0 ||
		dup2(j->tail_fd, TAIL_FD) < 0 || fcntl(TAIL_FD, F_SETFD, 0) < 0 ||
		setenv("LC_ALL", "C", 1) < 0)
		_exit(127);
	(void)execv(program, argv->items);
	(void)dprintf(2, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

static int start_session(struct job *j, struct err *e)
{
	auto_free char *program = proc_find(j->p->sftp->items[0]);
	auto_strv struct strv argv = {0};
	auto_fd int ours = -1, its = -1;
	int ends[2];

	if (!program)
		return err_set(e, ERR_HOST, "%s: not installed", j->p->sftp->items[0]);
	strv_push(&argv, program);
	strv_pushf(&argv, "-B%d", SFTPPUT_REQUEST_BYTES);
	strv_pushf(&argv, "-R%d", SFTPPUT_REQUESTS);
	for (size_t i = 1; i < j->p->sftp->count; i++)
		strv_push(&argv, j->p->sftp->items[i]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	ours = ends[0];
	its = ends[1];
	j->pid = fork();
	if (j->pid < 0)
		return err_sys(e, "fork");
	if (j->pid == 0)
		become(j, program, &argv, its);
	(void)setpgid(j->pid, j->pid); /* whoever is first */
	j->talk = fd_steal(&ours);
	return 0;
}

/* It has ended before it answered. */
static int ended(struct job *j, struct err *e)
{
	auto_free char *now = text_safe(j->now, SHOWN_MAX);
	auto_free char *path = text_safe(j->p->path, SHOWN_MAX);
	bool sending = j->sending;
	int code = end_session(j);

	/* The only pipe that breaks is the one to ssh. */
	j->cut = (code == EXIT_CUT || code == 128 + SIGPIPE) && j->logged_in;
	j->why = "upload_cut";
	if (j->cut && sending)
		return err_reason(e, ERR_INPUT, "upload_cut",
			"%s: the connection was cut while '%s' was uploaded", j->p->host, now);
	if (j->cut)
		return err_reason(e, ERR_INPUT, "upload_cut",
			"%s: the connection was cut before anything of '%s' was uploaded",
			j->p->host, now);
	if (!j->logged_in && code == 1)
		return err_reason(e, ERR_INPUT, "upload_failed",
			"%s: there is no directory '%s' to upload to", j->p->host, path);
	if (!j->logged_in)
		return err_set(e, ERR_INPUT,
			"%s: ssh could not start sftp there; what ssh says of it is in the log",
			j->p->host);
	return err_reason(e, ERR_INPUT, "upload_failed",
		"%s: the server rejected '%s'; what sftp says of it is in the log", j->p->host,
		now);
}

/* ---- what it says, and for how long it says nothing ---- */

/* The session is no use any more: *e says why. Always -1. */
static int abandon(struct job *j)
{
	(void)kill(-j->pid, SIGKILL);
	(void)end_session(j);
	return -1;
}

/* How far sftp has read the files that it has open: proc(5), /proc/PID/fdinfo. */
#define POSITION "pos:"
static uint64_t position(pid_t pid)
{
	uint64_t sum = 0;

	for (int fd = TAIL_FD + 1; fd < FILES_LOOKED_AT; fd++) {
		auto_free char *path = mem_printf("/proc/%d/fdinfo/%d", (int)pid, fd);
		auto_buf struct buf text = {0};
		struct err ignored = {0};
		buf_init(&text, 4096);
		if (fd_read_file(path, &text, &ignored) == 0 &&
			strncmp(text.data, POSITION, strlen(POSITION)) == 0)
			sum += strtoull(text.data + strlen(POSITION), NULL, 10);
	}
	return sum;
}

static int too_long(struct job *j, struct err *e)
{
	auto_free char *now = text_safe(j->now, SHOWN_MAX);
	auto_free char *limit = mem_strdup(num_show_duration(j->o->stall_ms).s);

	/* A network that stalls may recover; a server that does not answer a question will not. */
	j->cut = j->sending;
	j->why = "upload_timeout";
	if (!j->logged_in)
		(void)err_reason(e, ERR_INPUT, "upload_timeout",
			"%s: the sftp server did not answer within %s", j->p->host, limit);
	else if (j->sending)
		(void)err_reason(e, ERR_INPUT, "upload_timeout",
			"%s: the server took nothing of '%s' and did not answer within %s",
			j->p->host, now, limit);
	else
		(void)err_reason(e, ERR_INPUT, "upload_timeout",
			"%s: the server was asked what is there for '%s' and did not answer within "
			"%s",
			j->p->host, now, limit);
	return abandon(j);
}

static int too_much(struct job *j, const char *what, uint64_t bytes, struct err *e)
{
	auto_free char *now = text_safe(j->now, SHOWN_MAX);

	(void)err_reason(e, ERR_INPUT, "upload_failed",
		"%s: %s has more than %s and no end; it was asked for because of '%s'", j->p->host,
		what, num_show_size(bytes).s, now);
	return abandon(j);
}

/* Is it alive, and are its answers ones that have an end? */
static int look(struct job *j, struct err *e)
{
	uint64_t sent = position(j->pid);
	struct stat st;

	if (sent != j->sent)
		j->moved_ms = clock_ms();
	j->sent = sent;
	if (clock_ms() > j->moved_ms + j->o->stall_ms)
		return too_long(j, e);
	if (proc_group_usage(j->pid, "sftp").memory_bytes > LIMIT_SFTP_MEMORY)
		return too_much(j, "the list of a directory", LIMIT_SFTP_MEMORY, e);
	if (fstat(j->tail_fd, &st) == 0 && (uint64_t)st.st_size > j->tail_max + SFTPPUT_TAIL_BYTES)
		return too_much(j, "a partial file that was read back", j->tail_max, e);
	return 0;
}

/* Some more of what it says. 0: it has ended. */
static int read_more(struct job *j, struct err *e)
{
	struct pollfd p = {.fd = j->talk, .events = POLLIN};
	char chunk[16 * 1024];
	ssize_t n;

	while (poll(&p, 1, LOOK_MS) <= 0)
		if (look(j, e) < 0)
			return -1;
	if (clock_ms() > j->look_ms + LOOK_MS) {
		j->look_ms = clock_ms();
		if (look(j, e) < 0)
			return -1;
	}
	n = read(j->talk, chunk, sizeof(chunk));
	if (n <= 0)
		return 0;
	buf_drop_front(&j->lines, j->read);
	j->read = 0;
	buf_add(&j->lines, chunk, (size_t)n);
	if (j->lines.overflow)
		return too_much(j, "a line of an answer", LIMIT_SFTP_LINE, e);
	return 1;
}

/* 1: the next line, without its end, in *ret until the next call; 0: it has ended. */
static int next_line(struct job *j, const char **ret, struct err *e)
{
	char *start, *end;
	int more = 1;

	while (!(end = memchr(j->lines.data + j->read, '\n', j->lines.len - j->read))) {
		more = read_more(j, e);
		if (more <= 0)
			return more;
	}
	start = j->lines.data + j->read;
	*end = '\0';
	j->read = (size_t)(end - j->lines.data) + 1;
	j->moved_ms = clock_ms();
	*ret = start;
	return 1;
}

/* Gets a line of an answer. */
typedef void (*take_line)(struct job *j, const char *line, void *arg);

/* `command` is "", or ends with its line. */
static int ask(struct job *j, struct buf *command, take_line take, void *arg, struct err *e)
{
	const char *line;
	int more;

	buf_adds(command, "pwd\n");
	if (command->overflow)
		return err_set(e, ERR_INPUT, "a name is too long for sftp");
	/* It fails when sftp has gone, which is found below. */
	(void)send(j->talk, command->data, command->len, MSG_NOSIGNAL);
	j->moved_ms = j->look_ms = clock_ms();
	while ((more = next_line(j, &line, e)) > 0) {
		if (strncmp(line, ANSWERED, strlen(ANSWERED)) == 0)
			return 0;
		if (take)
			take(j, line, arg);
	}
	return more < 0 ? -1 : ended(j, e);
}

/* In quotes nothing but these is special for it. */
static int add_word(struct buf *b, const char *word, struct err *e)
{
	buf_addc(b, '"');
	for (const char *p = word; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_set(e, ERR_INPUT, "a name has control characters in it");
		if (*p == '"' || *p == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
	buf_addc(b, '"');
	return 0;
}

/* A command and one or two names; "./" keeps a name from being an option. */
static int order_and_take(struct job *j, const char *command, const char *first, const char *second,
	take_line take, void *arg, struct err *e)
{
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_UPLOAD_COMMAND);
	buf_adds(&b, command);
	for (const char *name = first; name; name = name == first ? second : NULL) {
		auto_free char *plain = mem_printf("%s%s", name[0] == '/' ? "" : "./", name);

		buf_addc(&b, ' ');
		if (add_word(&b, plain, e) < 0)
			return -1;
	}
	buf_addc(&b, '\n');
	return ask(j, &b, take, arg, e);
}

static int order(
	struct job *j, const char *command, const char *first, const char *second, struct err *e)
{
	return order_and_take(j, command, first, second, NULL, NULL, e);
}

/* ---- what is there ---- */

/* Cut the last word off; NULL when there is but one. */
static char *cut_word(char *text)
{
	size_t len = strlen(text);
	char *space;

	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	space = strrchr(text, ' ');
	if (!space)
		return NULL;
	*space = '\0';
	return space + 1;
}

/*
 * A line of `ls -ln` is MODE LINKS USER GROUP SIZE MONTH DAY TIME PATH, where USER and GROUP may
 * have spaces, and PATH as many as the name that was asked for.
 */
static bool find_size(const char *line, const char *asked, uint64_t *ret)
{
	auto_free char *copy = mem_strdup(line);
	struct err ignored = {0};
	const char *size;

	if (line[0] != '-')
		return false; /* no regular file */
	for (const char *p = asked; p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
		char *space = strrchr(copy, ' ');

		if (!space)
			return false;
		*space = '\0';
	}
	for (int i = 0; i < 3; i++)
		if (!cut_word(copy))
			return false;
	size = cut_word(copy);
	return size && num_parse_u64(size, INT64_MAX, ret, &ignored) == 0;
}

static bool is_part(const char *name)
{
	static const char hex[] = "0123456789abcdef";
	const char *at = name + strlen(PART_HEAD);

	return strncmp(name, PART_HEAD, strlen(PART_HEAD)) == 0 && strspn(at, hex) == NAME_HEX &&
		at[NAME_HEX] == '-' && strspn(at + NAME_HEX + 1, hex) == DIGEST_HEX &&
		strcmp(at + NAME_HEX + 1 + DIGEST_HEX, PART_TAIL) == 0;
}

/* With numbers for USER and GROUP, as -n has it: the name is behind eight words. */
static void take_directory(struct job *j, const char *line, const char *dir)
{
	const char *name = line;

	for (int i = 0; i < 8; i++) {
		name += strcspn(name, " ");
		name += i < 7 ? strspn(name, " ") : *name == ' ';
	}
	if (strrchr(name, '/'))
		name = strrchr(name, '/') + 1;
	/* The server chooses how long a name is. */
	if (name[0] && strlen(name) <= NAME_MAX && j->directories.count < LIMIT_UPLOAD_PARTS)
		strv_pushf(&j->directories, "%s%s/", dir, name);
}

/* `arg` is the directory, "" or with a slash at its end. */
static void take_found(struct job *j, const char *line, void *arg)
{
	size_t len = strlen(line);
	const char *dir = arg, *name = len > PART_LEN ? line + len - PART_LEN : "";
	struct part part = {0};

	if (line[0] == 'd')
		take_directory(j, line, dir);
	if (!is_part(name) || !find_size(line, dir, &part.bytes) ||
		j->parts_count == LIMIT_UPLOAD_PARTS)
		return;
	part.path = mem_printf("%s%s", dir, name);
	j->parts = mem_resize(j->parts, j->parts_count + 1, sizeof(*j->parts));
	j->parts[j->parts_count++] = part;
}

static int look_around(struct job *j, const char *dir, struct err *e)
{
	auto_free char *arg = mem_strdup(dir);

	/* Where listing is not allowed, nothing can be continued. */
	return order_and_take(j, "-ls -lan", dir, NULL, take_found, arg, e);
}

/* ---- one file ---- */

struct file {
	const char *path;
	int fd;
	uint64_t bytes;
	struct digest_text digest;
	char *part;        /* the path of its partial file */
	size_t family_len; /* partial files of all its contents begin with that much of it */
};

static void file_release(struct file *f)
{
	fd_close(f->fd);
	free(f->part);
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

static void name_part(struct file *f)
{
	const char *slash = strrchr(f->path, '/');
	const char *name = slash ? slash + 1 : f->path;
	struct digest_text hash = digest_of(name, strlen(name));

	f->part = mem_printf("%.*s" PART_HEAD "%.*s-%s" PART_TAIL, (int)(name - f->path), f->path,
		NAME_HEX, hash.s, f->digest.s);
	f->family_len = strlen(f->part) - DIGEST_HEX - strlen(PART_TAIL);
}

/* Have what is behind `offset` of a partial file in j->tail_fd: sftp continues a download there. */
static int read_back(struct job *j, const struct part *part, uint64_t offset, struct err *e)
{
	auto_free char *memory = mem_printf("/proc/self/fd/%d", TAIL_FD);

	j->tail_max = part->bytes;
	/* Without blocks before it. */
	if (ftruncate(j->tail_fd, 0) < 0 || ftruncate(j->tail_fd, (off_t)offset) < 0)
		return err_sys(e, "memory for the end of %s", part->path);
	return order(j, "-reget", part->path, memory, e);
}

/* 1: it is the beginning of the file. */
static int is_beginning(struct job *j, const struct file *f, const struct part *part, struct err *e)
{
	uint64_t len = part->bytes < SFTPPUT_TAIL_BYTES ? part->bytes : SFTPPUT_TAIL_BYTES;
	uint64_t offset = part->bytes - len;
	auto_free char *here = mem_alloc(len + 1), *there = mem_alloc(len + 1);

	if (len == 0 || part->bytes > f->bytes)
		return 0;
	if (read_back(j, part, offset, e) < 0)
		return -1;
	if (fd_pread_full(f->fd, here, len, offset) != (ssize_t)len)
		return err_sys(e, "read %s", f->path);
	return fd_pread_full(j->tail_fd, there, len, offset) == (ssize_t)len &&
		memcmp(here, there, len) == 0;
}

static const struct part *find_part(const struct job *j, const struct file *f)
{
	for (size_t i = 0; i < j->parts_count; i++)
		if (strcmp(j->parts[i].path, f->part) == 0)
			return &j->parts[i];
	return NULL;
}

/* With fsync, where the server knows that. */
static int send_file(struct job *j, const struct file *f, struct err *e)
{
	const struct part *part = find_part(j, f);
	int good = part ? is_beginning(j, f, part, e) : 0;

	if (good < 0)
		return -1;
	if (part && !good)
		tell(j, "%s: what is there is not its beginning: begun anew", f->path);
	j->sending = true;
	if (!good)
		return order(j, "put -f", f->path, f->part, e);
	tell(j, "%s: continued behind %s", f->path, num_show_size(part->bytes).s);
	/* sftp refuses to continue what is whole. */
	return part->bytes == f->bytes ? 0 : order(j, "put -f -a", f->path, f->part, e);
}

struct size {
	const char *path;
	uint64_t bytes;
	bool known;
};

static void take_size(struct job *j, const char *line, void *arg)
{
	struct size *size = arg;

	(void)j;
	if (find_size(line, size->path, &size->bytes))
		size->known = true;
}

/* 1: as long as here. A server that still wrote for a connection that was cut may have added. */
static int has_all(struct job *j, const struct file *f, struct err *e)
{
	struct size size = {.path = f->part};

	if (order_and_take(j, "ls -ln", f->part, NULL, take_size, &size, e) < 0)
		return -1;
	return size.known && size.bytes == f->bytes;
}

static int send_whole(struct job *j, const struct file *f, struct err *e)
{
	int whole;

	if (send_file(j, f, e) < 0 || (whole = has_all(j, f, e)) < 0)
		return -1;
	if (whole)
		return 0;
	tell(j, "%s: what is there is not as long: begun anew", f->path);
	if (order(j, "put -f", f->path, f->part, e) < 0 || (whole = has_all(j, f, e)) < 0)
		return -1;
	if (whole)
		return 0;
	return err_reason(e, ERR_INPUT, "upload_failed",
		"%s: '%s' arrived, but does not have %llu bytes there", j->p->host, f->path,
		(unsigned long long)f->bytes);
}

static int remove_other_parts(struct job *j, const struct file *f, struct err *e)
{
	for (size_t i = 0; i < j->parts_count; i++)
		if (strncmp(j->parts[i].path, f->part, f->family_len) == 0 &&
			strcmp(j->parts[i].path, f->part) != 0 &&
			order(j, "-rm", j->parts[i].path, NULL, e) < 0)
			return -1;
	return 0;
}

static int upload_file(struct job *j, const char *path, struct err *e)
{
	auto_file struct file f = {.path = path, .fd = -1};

	if (open_file(j, &f, e) < 0)
		return -1;
	name_part(&f);
	if (send_whole(j, &f, e) < 0 || order(j, "rename", f.part, f.path, e) < 0 ||
		remove_other_parts(j, &f, e) < 0)
		return -1;
	tell(j, "%s: %s", path, num_show_size(f.bytes).s);
	return 0;
}

/* ---- everything ---- */

static int enter(struct job *j, struct err *e)
{
	auto_buf struct buf b = {0};
	const char *path = j->p->path;

	buf_init(&b, LIMIT_UPLOAD_COMMAND);
	if (path[0]) {
		buf_adds(&b, "cd -- ");
		if (add_word(&b, path, e) < 0)
			return -1;
		buf_addc(&b, '\n');
	}
	if (ask(j, &b, NULL, NULL, e) < 0)
		return -1;
	j->logged_in = true;
	return look_around(j, "", e);
}

static int do_entry(struct job *j, const char *entry, bool done, struct err *e)
{
	size_t len = strlen(entry);

	j->now = entry;
	if (len == 0 || entry[len - 1] != '/')
		return done ? 0 : upload_file(j, entry, e);
	/* Where it was not seen it may be there all the same, which is no error. */
	if (!done && !strv_has(&j->directories, entry) && order(j, "-mkdir", entry, NULL, e) < 0)
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
	(void)end_session(j);
	return 0;
}

static int give_up(const struct job *j, unsigned tries, const struct err *why, struct err *e)
{
	if (!j->cut) {
		*e = *why;
		return -1;
	}
	return err_reason(e, ERR_INPUT, j->why,
		"%s (%u tries); the next upload of the same goes on where this one ended", why->msg,
		tries);
}

int sftpput(const struct sftpput *p, const struct http_options *o, struct err *e)
{
	auto_job struct job j = {
		.p = p, .o = o, .pid = -1, .talk = -1, .tail_fd = -1, .now = p->path};

	buf_init(&j.lines, LIMIT_SFTP_LINE);
	j.tail_fd = fd_memory("tail", e);
	if (j.tail_fd < 0)
		return -1;
	for (unsigned tries = 1;; tries++) {
		int64_t pause = o->pause_ms << (tries - 1);
		struct err why = {0};

		j.cut = false;
		if (session(&j, &why) == 0)
			return 0;
		(void)end_session(&j);
		if (!j.cut || tries >= o->tries)
			return give_up(&j, tries, &why, e);
		tell(&j, "%s; again in %s", why.msg, num_show_duration(pause).s);
		(void)poll(NULL, 0, (int)pause);
	}
}
