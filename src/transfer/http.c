/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "data/digest.h"
#include "os/fd.h"
#include "os/path.h"
#include "transfer/answer.h"
#include "transfer/limits.h"

enum {
	PROXY_TEXT_MAX = 300,
	TOLD_LINE_MAX = 4096,
	TOLD_MAX = 64 * 1024,
	URL_SHOWN_MAX = 300,
	ENCODING_MAX = 40,
	ETAG_MAX = 200,
	BUFFER_BYTES = 64 * 1024, /* after a hundred of these, libcurl calls on_progress */
	BLOCK = 512,              /* the header of a file in an archive */
};

enum state { WAITING, RUNNING, DONE };

enum kind {
	GET,
	PROBE, /* request a file, but keep nothing: does the server answer? */
	PUT,
	TUNNEL, /* no request: does the proxy reach the server? */
};

/* Why a try failed. */
struct failure {
	const char *reason; /* NULL: no failure */
	bool again;         /* retry */
	bool from_zero;     /* a retry must not continue the file */
	char text[512];
};

/* Lines not yet reported. They are reported in groups, to wake the reader less often. */
struct told {
	const struct transfer_options *o;
	struct buf lines;
	int64_t due_ms;
};

/* A request and its answer: a try, or one of its redirects. */
struct exchange {
	uint64_t from;       /* offset of the requested part */
	bool began;          /* a byte of the file was received */
	uint64_t whole;      /* the size of the file, as the server says; 0: it does not */
	int64_t moved_ms;    /* time of the last progress of the file */
	int64_t heard_ms;    /* time of the last byte from the server, of the file or not */
	uint64_t wire, kept; /* bytes of the body as received, and of the file */
	uint64_t unwanted;   /* bytes of bodies other than the file */
	uint64_t sent;       /* of an upload */
	size_t heads;        /* bytes of all headers */
	bool has_range;      /* the answer is a part of the file, at range_start */
	uint64_t range_start;
	char encoding[ENCODING_MAX]; /* Content-Encoding; "": none */
	char etag[ETAG_MAX];         /* "": none, or too long to be kept */
	long proxy_status;           /* the proxy's own status; 0: none */
	char proxy_text[PROXY_TEXT_MAX];
	char curl_text[CURL_ERROR_SIZE];
	bool enough;        /* it was ended after all that is needed was known */
	struct failure own; /* why it was ended by a callback */
};

struct transfer {
	const struct http_item *item;
	const struct transfer_options *o;
	struct told *told;
	uint64_t *room; /* space left for all files */
	enum kind kind;
	enum state state;
	CURL *curl;            /* while RUNNING */
	char *url;             /* target of the last redirect; NULL: the item's */
	unsigned redirects;    /* followed so far */
	int fd;                /* the file, which has no name yet; -1: none */
	struct digest *digest; /* of the contents so far, as the checksum's; NULL: none */
	uint64_t got;          /* bytes in the file */
	bool resumed;          /* it comes from more than one answer */
	unsigned tries;        /* started so far */
	int64_t due_ms;        /* time of the next try */
	int64_t told_ms;       /* time of the last report */
	int up_fd;             /* what is uploaded; -1: nothing */
	uint64_t up_bytes;
	struct curl_slist *fields; /* additional header fields of the request */
	uint64_t there_bytes;      /* of the file that is kept with status 304 */
	struct err write_error;
	struct exchange x;
};

struct batch {
	const struct transfer_options *o;
	struct transfer *items;
	size_t count;
	unsigned running;
	uint64_t room;
	CURLM *multi;
	struct told told;
};

int http_init(struct err *e)
{
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (code != CURLE_OK)
		return err_set(e, ERR_HOST, "libcurl: %s", curl_easy_strerror(code));
	return 0;
}

/* ---- files ---- */

static bool is_component(const char *name, size_t len)
{
	return len > 0 && len <= LIMIT_NAME_BYTES && strncmp(name, "..", len) != 0;
}

/* Of one component, or of several with a slash between them. */
static int check_name(const char *name, struct err *e)
{
	auto_free char *shown = text_safe(name, LIMIT_TAR_PATH);
	bool valid = strlen(name) <= LIMIT_TAR_PATH && strcmp(shown, name) == 0;

	for (const char *p = name; valid; p++) {
		size_t len = strcspn(p, "/");

		valid = is_component(p, len);
		p += len;
		if (!*p)
			break;
	}
	return valid ? 0 : err_set(e, ERR_INPUT, "'%s' is not a valid name of a file", shown);
}

static int open_beneath(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* A file with other contents, or of another type, is replaced by the rename at the end. */
static bool is_there(
	const struct transfer_options *o, const struct http_item *item, uint64_t *ret_bytes)
{
	const enum digest_algorithm algorithm = item->checksum.algorithm;
	auto_fd int fd = open_beneath(o->dir_fd, item->name, O_RDONLY | O_NONBLOCK, 0);
	struct digest *digest;
	struct checksum found;
	struct err ignored = {0};
	struct stat st;
	int result;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*ret_bytes = (uint64_t)st.st_size;
	digest = digest_new_of(algorithm);
	result = digest_add_file(digest, fd, *ret_bytes, &ignored);
	found = checksum_end(algorithm, digest);
	return result == 0 && checksum_equals(&item->checksum, &found);
}

/* It is sent back in a header, so it must be one. */
static bool is_etag(const char *value)
{
	const size_t len = strlen(value);

	for (const char *p = value; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	return len > 0 && len < ETAG_MAX;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", in English whatever the locale is. */
static char *show_date(time_t seconds)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;

	if (seconds < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900)
		return NULL;
	return mem_printf("%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void add_condition(struct transfer *t, const char *name, const char *value)
{
	auto_free char *field = value ? mem_printf("%s: %s", name, value) : NULL;

	if (field)
		t->fields = curl_slist_append(t->fields, field);
}

/* A file whose contents are not known beforehand is sent only if it is not the one that is there. */
static void set_conditions(struct transfer *t)
{
	auto_fd int fd = open_beneath(t->o->dir_fd, t->item->name, O_RDONLY | O_NONBLOCK, 0);
	auto_free char *date = NULL;
	char etag[ETAG_MAX] = "";
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (fgetxattr(fd, HTTP_ETAG, etag, sizeof(etag) - 1) < 0 || !is_etag(etag))
		etag[0] = '\0';
	date = show_date(st.st_mtime);
	add_condition(t, "If-Modified-Since", date);
	add_condition(t, "If-None-Match", etag[0] ? etag : NULL);
	t->there_bytes = (uint64_t)st.st_size;
}

/* For the conditions of the next time. A file system without attributes is none's fault. */
static int set_stamps(struct transfer *t, struct err *e)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
	curl_off_t modified = -1;

	(void)curl_easy_getinfo(t->curl, CURLINFO_FILETIME_T, &modified);
	if (modified >= 0)
		times[1] = (struct timespec){.tv_sec = modified};
	if (futimens(t->fd, times) < 0)
		return err_sys(e, "set the time of %s", t->item->name);
	if (t->x.etag[0])
		(void)fsetxattr(t->fd, HTTP_ETAG, t->x.etag, strlen(t->x.etag), 0);
	return 0;
}

static int open_nameless(struct transfer *t, struct err *e)
{
	t->fd = open_beneath(t->o->dir_fd, ".", O_WRONLY | O_TMPFILE, 0644);
	return t->fd < 0 ? err_sys(e, "make a file for %s", t->item->name) : 0;
}

/* Like linkat(2), for a descriptor. */
static int give_name(int fd, int dir, const char *name)
{
	auto_free char *path = mem_printf("/proc/self/fd/%d", fd);

	return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW);
}

/* linkat does not replace an existing file, rename does. */
static int replace(int fd, int dir, const char *name, struct err *e)
{
	auto_free char *part = mem_printf(".%s.part", name);

	if (unlinkat(dir, part, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove %s", part);
	if (give_name(fd, dir, part) < 0)
		return err_sys(e, "make %s", part);
	if (renameat(dir, part, dir, name) < 0) {
		(void)err_sys(e, "rename %s to %s", part, name);
		(void)unlinkat(dir, part, 0);
		return -1;
	}
	return 0;
}

/* Each path is resolved beneath the directory, which linkat and renameat cannot do themselves. */
static int put_in_place(const struct transfer *t, struct err *e)
{
	const char *path = t->item->name, *name = path_base(path);
	auto_free char *above = path_parent(path);
	auto_fd int dir = open_beneath(t->o->dir_fd, above, O_PATH | O_DIRECTORY, 0);

	if (dir < 0)
		return err_sys(e, "open %s", above);
	if (give_name(t->fd, dir, name) == 0)
		return 0;
	return errno == EEXIST ? replace(t->fd, dir, name, e) : err_sys(e, "make %s", path);
}

/* Truncate the file to zero bytes. */
static int start_over(struct transfer *t, struct err *e)
{
	if (t->digest)
		(void)digest_end(t->digest);
	t->digest = digest_new_of(t->item->checksum.algorithm);
	*t->room += t->got;
	t->got = 0;
	t->resumed = false;
	if (t->fd < 0)
		return open_nameless(t, e);
	if (ftruncate(t->fd, 0) < 0 || lseek(t->fd, 0, SEEK_SET) < 0)
		return err_sys(e, "empty %s", t->item->name);
	return 0;
}

static void transfer_release(struct transfer *t)
{
	if (t->curl)
		curl_easy_cleanup(t->curl);
	if (t->digest)
		(void)digest_end(t->digest);
	curl_slist_free_all(t->fields);
	free(t->url);
	fd_close(t->fd);
}

/* ---- callbacks of libcurl ---- */

static void fail(struct failure *f, const char *reason, bool again, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Only the first failure is recorded: later ones are its consequences. */
static void fail(struct failure *f, const char *reason, bool again, const char *fmt, ...)
{
	va_list ap;

	if (f->reason)
		return;
	f->reason = reason;
	f->again = again;
	va_start(ap, fmt);
	fit_vformat(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

/* The status of the last header, which may be an interim one; 0: none. */
static long status_of(const struct transfer *t)
{
	long status = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool is_success(long status)
{
	return status >= 200 && status <= 299;
}

static size_t on_upload(char *data, size_t size, size_t count, void *arg)
{
	const struct transfer *t = arg;
	ssize_t n = fd_read_full(t->up_fd, data, size * count);

	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

/* For the body of a redirect, an error, or the answer to an upload. 0: it is too long. */
static size_t discard(struct transfer *t, size_t len)
{
	t->x.unwanted += len;
	if (t->x.unwanted <= LIMIT_HTTP_UNWANTED)
		return len;
	fail(&t->x.own, "fetch_failed", false,
		"the answer (status %ld) has a body of more than %s, which is not the file",
		status_of(t), num_show_size(LIMIT_HTTP_UNWANTED).s);
	return 0;
}

static int too_large(struct transfer *t, uint64_t bytes)
{
	const uint64_t left = *t->room + t->got;

	fail(&t->x.own, "fetch_too_large", false,
		"it has %s or more; of the dependencies' deps_max_size %s are left",
		num_show_size_beside(bytes, left).s, num_show_size_beside(left, bytes).s);
	return -1;
}

/* Does the file begin here, or the requested part of it? */
static int begin_body(struct transfer *t, long status)
{
	curl_off_t declared = -1;

	if (status == 206 && !t->x.from) {
		fail(&t->x.own, "fetch_failed", false,
			"the server sent a part of the file that nobody asked for (status 206)");
		return -1;
	}
	if (status == 206 && (!t->x.has_range || t->x.range_start != t->x.from)) {
		fail(&t->x.own, "fetch_cut", true,
			"the server sent another part of the file than the one that was asked for");
		t->x.own.from_zero = true;
		return -1;
	}
	/* The server sent the whole file instead of a part. */
	if (status != 206 && t->x.from && start_over(t, &t->write_error) < 0)
		return -1;
	(void)curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &declared);
	if (declared > 0 && (uint64_t)declared > *t->room)
		return too_large(t, t->got + (uint64_t)declared);
	t->x.whole = declared > 0 ? t->got + (uint64_t)declared : 0;
	t->x.began = true;
	return 0;
}

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;
	long status = status_of(t);

	if (t->kind == PUT || !is_success(status))
		return discard(t, len);
	if (t->kind == PROBE) {
		t->x.enough = true;
		return 0;
	}
	if (!t->x.began && begin_body(t, status) < 0)
		return 0;
	if (len > *t->room) {
		(void)too_large(t, t->got + len);
		return 0;
	}
	if (fd_write_all(t->fd, data, len) < 0) {
		(void)err_sys(&t->write_error, "write %s", t->item->name);
		return 0;
	}
	digest_add(t->digest, data, len);
	t->got += len;
	*t->room -= len;
	t->x.kept += len;
	t->x.moved_ms = clock_ms();
	return len;
}

/*
 * Counts the bytes of bodies before libcurl decodes chunks, which include bytes that are not of the
 * file.
 */
static int on_debug(CURL *curl, curl_infotype type, char *data, size_t len, void *arg)
{
	struct transfer *t = arg;

	(void)curl;
	(void)data;
	if (type == CURLINFO_DATA_IN || type == CURLINFO_HEADER_IN)
		t->x.heard_ms = clock_ms();
	if (type == CURLINFO_DATA_IN)
		t->x.wire += len;
	return 0;
}

/* Decodes a string of RFC 8941, section 3.3.3. Any other text is taken unchanged. */
static void set_proxy_text(struct transfer *t, const char *value)
{
	bool quoted = *value == '"';
	size_t n = 0;

	for (value += quoted; *value && n + 1 < sizeof(t->x.proxy_text); value++) {
		if (quoted && *value == '"')
			break;
		if (quoted && *value == '\\' && value[1])
			value++;
		t->x.proxy_text[n++] = *value;
	}
	t->x.proxy_text[n] = '\0';
}

/* The value of this field in a header line, without white space around it; NULL: another field. */
static char *field_value(char *line, const char *name)
{
	size_t len = strlen(name);
	char *value = line + len + 1;

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	value += strspn(value, " \t");
	len = strlen(value);
	while (len > 0 && strchr(" \t", value[len - 1]))
		value[--len] = '\0';
	return value;
}

/* Parses "bytes FIRST-LAST/TOTAL". */
static void take_range(struct transfer *t, const char *value)
{
	static const char unit[] = "bytes ";
	struct err ignored = {0};
	auto_free char *first = NULL;

	if (strncasecmp(value, unit, strlen(unit)) != 0)
		return;
	first = mem_strndup(value + strlen(unit), strspn(value + strlen(unit), "0123456789"));
	t->x.has_range = num_parse_u64(first, INT64_MAX, &t->x.range_start, &ignored) == 0;
}

static void take_etag(struct transfer *t, const char *value)
{
	if (is_etag(value))
		(void)snprintf(t->x.etag, sizeof(t->x.etag), "%s", value);
}

/* -1: the answer is not acceptable. */
static int take_field(struct transfer *t, char *line)
{
	const char *value;

	if (strncasecmp(line, "HTTP/", 5) == 0) { /* the header of another response */
		t->x.has_range = false;
		t->x.encoding[0] = '\0';
		t->x.etag[0] = '\0';
	}
	if ((value = field_value(line, "ETag")))
		take_etag(t, value);
	if ((value = field_value(line, "Content-Range")))
		take_range(t, value);
	if ((value = field_value(line, "Content-Encoding")))
		(void)snprintf(t->x.encoding, sizeof(t->x.encoding), "%s", value);
	if (!(value = field_value(line, "Transfer-Encoding")) ||
		strcasecmp(value, "chunked") == 0 || strcasecmp(value, "identity") == 0)
		return 0;
	/* libcurl would decode it, to an unlimited length. */
	fail(&t->x.own, "fetch_failed", false,
		"the server encodes its answer (Transfer-Encoding: %s), which nobody asked for",
		value);
	return -1;
}

/*
 * The proxy marks its rejection of a tunnel by a field. Fields received through the tunnel are from
 * the server, which could send the same field, so they are not examined.
 */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	static const char mark[] = "Proxy-Status: ambient; details=";
	struct transfer *t = arg;
	size_t len = size * count;
	auto_free char *line = mem_strndup(data, len);
	long status = 0;

	t->x.heads += len;
	if (t->x.heads > LIMIT_HTTP_HEADS) {
		fail(&t->x.own, "fetch_failed", false, "the head of the answer has more than %s",
			num_show_size(LIMIT_HTTP_HEADS).s);
		return 0;
	}
	line[strcspn(line, "\r\n")] = '\0';
	(void)curl_easy_getinfo(t->curl, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status >= 300) {
		t->x.proxy_status = status;
		if (strncasecmp(line, mark, strlen(mark)) == 0)
			set_proxy_text(t, line + strlen(mark));
		return len;
	}
	return take_field(t, line) < 0 ? 0 : len;
}

static void tell_all(struct told *told)
{
	if (told->lines.len == 0)
		return;
	told->lines.data[told->lines.len - 1] = '\0'; /* replaces the last newline */
	told->o->tell(told->o->arg, told->lines.data);
	buf_clear(&told->lines);
	told->due_ms = clock_ms() + HTTP_TELL_MS;
}

static void tell_due(struct told *told)
{
	if (told->lines.len > TOLD_MAX - TOLD_LINE_MAX || clock_ms() >= told->due_ms)
		tell_all(told);
}

static void tell(const struct transfer *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void tell(const struct transfer *t, const char *fmt, ...)
{
	char text[TOLD_LINE_MAX / 4];
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_add_safe(&t->told->lines, text, strlen(text), true);
	buf_add(&t->told->lines, "\n", 1);
	tell_due(t->told);
}

/*
 * More bytes than a file in the smallest possible chunks can take. libcurl calls this only once per
 * hundred buffers, so as many bytes as that may have arrived.
 */
static bool is_flooded(const struct transfer *t)
{
	return t->x.wire >
		LIMIT_HTTP_OVERHEAD + LIMIT_HTTP_OVERHEAD_FACTOR * (t->x.kept + t->x.unwanted);
}

/* Not for bodies of redirects and errors. */
static void tell_progress(struct transfer *t)
{
	if (!t->x.began || t->got == t->x.whole || clock_ms() < t->told_ms + t->o->report_ms)
		return;
	t->told_ms = clock_ms();
	if (t->x.whole)
		tell(t, "%s: %s of %s", t->item->name, num_show_size(t->got).s,
			num_show_size(t->x.whole).s);
	else
		tell(t, "%s: %s", t->item->name, num_show_size(t->got).s);
}

/* A result other than 0 ends the transfer. */
static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent)
{
	struct transfer *t = arg;

	(void)total;
	(void)now;
	(void)up;
	if ((uint64_t)sent > t->x.sent) {
		t->x.sent = (uint64_t)sent;
		t->x.moved_ms = clock_ms();
	}
	tell_progress(t);
	if (!is_flooded(t))
		return 0;
	fail(&t->x.own, "fetch_failed", false,
		"the server sent %s, of which no more than %s are of the file",
		num_show_size(t->x.wire).s, num_show_size(t->x.kept).s);
	return 1;
}

/* ---- start of a transfer ---- */

static void set_long(CURL *c, CURLoption option, long value)
{
	if (curl_easy_setopt(c, option, value) != CURLE_OK)
		BUG("libcurl does not know option %d", (int)option);
}

static void set_pointer(CURL *c, CURLoption option, const void *value)
{
	if (curl_easy_setopt(c, option, value) != CURLE_OK)
		BUG("libcurl does not know option %d", (int)option);
}

static void set_callbacks(struct transfer *t)
{
	CURL *c = t->curl;

	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, on_debug);
	set_pointer(c, CURLOPT_DEBUGDATA, t);
	set_long(c, CURLOPT_VERBOSE, 1);
	set_pointer(c, CURLOPT_WRITEDATA, t);
	set_pointer(c, CURLOPT_HEADERDATA, t);
	set_pointer(c, CURLOPT_XFERINFODATA, t);
	set_pointer(c, CURLOPT_PRIVATE, t);
	set_pointer(c, CURLOPT_ERRORBUFFER, t->x.curl_text);
	set_long(c, CURLOPT_NOPROGRESS, 0);
	set_long(c, CURLOPT_NOSIGNAL, 1);
}

static void set_limits(struct transfer *t)
{
	set_long(t->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)t->o->connect_ms);
	set_long(t->curl, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	set_pointer(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
}

/*
 * Each try sends the file from its start. Before it sends more than 1 MiB, libcurl gives the server
 * a second to reject the upload, or to answer that it has the file already.
 */
static int set_upload(struct transfer *t, struct err *e)
{
	struct stat st;

	if (fstat(t->up_fd, &st) < 0 || lseek(t->up_fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read %s", t->item->name);
	t->up_bytes = (uint64_t)st.st_size;
	set_long(t->curl, CURLOPT_UPLOAD, 1);
	(void)curl_easy_setopt(t->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	(void)curl_easy_setopt(t->curl, CURLOPT_READFUNCTION, on_upload);
	set_pointer(t->curl, CURLOPT_READDATA, t);
	return 0;
}

static void set_wishes(struct transfer *t)
{
	set_pointer(t->curl, CURLOPT_URL, t->url ? t->url : t->item->url);
	set_pointer(t->curl, CURLOPT_USERAGENT, "ambient");
	set_pointer(t->curl, CURLOPT_PROXY, t->o->proxy ? t->o->proxy : "");
	set_pointer(t->curl, CURLOPT_NOPROXY, "");
	set_long(t->curl, CURLOPT_HTTPPROXYTUNNEL, 1); /* so that a connection is reused */
	if (t->o->certificates)
		set_pointer(t->curl, CURLOPT_CAINFO, t->o->certificates);
	/* Beside a directory of them, libcurl would parse the file again for each connection. */
	set_pointer(t->curl, CURLOPT_CAPATH, NULL);
	/* A connection that can carry several requests is waited for, so that there need be no more. */
	set_long(t->curl, CURLOPT_PIPEWAIT, 1);
	if (t->fields)
		set_pointer(t->curl, CURLOPT_HTTPHEADER, t->fields);
	if (t->kind == TUNNEL)
		set_long(t->curl, CURLOPT_CONNECT_ONLY, 1);
	set_long(t->curl, CURLOPT_FILETIME, 1);
	if (t->got) {
		auto_free char *range = mem_printf("%llu-", (unsigned long long)t->got);

		t->x.from = t->got;
		t->resumed = true;
		set_pointer(t->curl, CURLOPT_RANGE, range);
	}
}

static int begin(struct batch *b, struct transfer *t, struct err *e)
{
	if (t->kind == GET && (!t->digest || !t->got || !t->item->checksum.len) &&
		start_over(t, e) < 0)
		return -1;
	t->curl = curl_easy_init();
	if (!t->curl)
		return err_set(e, ERR_HOST, "libcurl: no handle");
	t->x = (struct exchange){.moved_ms = clock_ms(), .heard_ms = clock_ms()};
	if (t->redirects == 0)
		t->tries++;
	set_callbacks(t);
	set_limits(t);
	set_wishes(t);
	if (t->kind == PUT && set_upload(t, e) < 0)
		return -1;
	t->state = RUNNING;
	t->told_ms = clock_ms();
	b->running++;
	if (curl_multi_add_handle(b->multi, t->curl) != CURLM_OK)
		return err_set(e, ERR_HOST, "libcurl: a transfer cannot be started");
	return 0;
}

/* ---- end of a transfer ---- */

static void explain_proxy(const struct transfer *t, struct failure *f)
{
	const struct answer *a = answer_of_proxy(t->x.proxy_status);

	if (t->x.proxy_text[0])
		fail(f, a->reason, a->again, "%s: %s", a->words, t->x.proxy_text);
	else
		fail(f, a->reason, a->again, "%s (status %ld)", a->words, t->x.proxy_status);
}

static void explain_status(const struct transfer *t, long status, struct failure *f)
{
	const struct answer *a = answer_of_server(status);

	fail(f, a->reason, a->again, "%s (status %ld)", a->words, status);
	/* The file on the server is now shorter than the part that is here. */
	if (status == 416 && t->x.from) {
		f->again = true;
		f->from_zero = true;
	}
}

/* Errors without a status. words NULL: the message of libcurl is used. */
static const struct {
	CURLcode code;
	const char *reason;
	bool again, from_zero;
	const char *words;
} codes[] = {
	{CURLE_OPERATION_TIMEDOUT, "fetch_timeout", true, false, NULL},
	{CURLE_PARTIAL_FILE, "fetch_cut", true, false, NULL},
	{CURLE_RECV_ERROR, "fetch_cut", true, false, NULL}, /* see is_malformed */
	{CURLE_GOT_NOTHING, "fetch_cut", true, false, NULL},
	{CURLE_HTTP2, "fetch_cut", true, false, NULL},
	{CURLE_HTTP2_STREAM, "fetch_cut", true, false, NULL},
	{CURLE_SEND_ERROR, "fetch_cut", true, false, NULL},
	{CURLE_RANGE_ERROR, "fetch_cut", true, true, NULL},
	{CURLE_COULDNT_CONNECT, "fetch_unreachable", true, false, NULL},
	{CURLE_COULDNT_RESOLVE_HOST, "fetch_unreachable", true, false, NULL},
	{CURLE_COULDNT_RESOLVE_PROXY, "fetch_unreachable", true, false, NULL},
	{CURLE_PEER_FAILED_VERIFICATION, "fetch_tls", false, false, NULL},
	{CURLE_SSL_CONNECT_ERROR, "fetch_tls", false, false, NULL}, /* see is_cut_handshake */
	{CURLE_SSL_CERTPROBLEM, "fetch_tls", false, false, NULL},
	{CURLE_SSL_CACERT_BADFILE, "fetch_tls", false, false, NULL},
	{CURLE_SSL_ISSUER_ERROR, "fetch_tls", false, false, NULL},
	/* libcurl 8 notices before take_field does, and names no coding. */
	{CURLE_BAD_CONTENT_ENCODING, "fetch_failed", false, false,
		"the server encodes its answer, which nobody asked for"},
	/* libcurl would report lack of memory, but the cause is its limit for a header line. */
	{CURLE_OUT_OF_MEMORY, "fetch_failed", false, false,
		"a line of the answer's head is too long"},
#if LIBCURL_VERSION_NUM >= 0x080600
	{CURLE_TOO_LARGE, "fetch_failed", false, false, "a line of the answer's head is too long"},
#endif
};

/* The errno of a connection that broke; 0: it did not, or libcurl does not know. */
static long errno_of(const struct transfer *t)
{
	long error = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &error);
	return error;
}

/*
 * libcurl has the same code for a broken connection and for malformed chunks. Without TLS, a broken
 * connection has an errno.
 */
static bool is_malformed(const struct transfer *t, CURLcode code)
{
	const char *url = t->url ? t->url : t->item->url;

	return code == CURLE_RECV_ERROR && errno_of(t) == 0 && strncasecmp(url, "http:", 5) == 0;
}

/* The same for a handshake of TLS that failed and one that was cut off. */
static bool is_cut_handshake(const struct transfer *t, CURLcode code)
{
	return code == CURLE_SSL_CONNECT_ERROR && errno_of(t) != 0;
}

/* The location of a redirect. */
static void explain_location(const char *url, struct failure *f)
{
	fail(f, "fetch_redirect", false, "the server redirects to a URL that is malformed: %s",
		url);
}

static void explain_code(const struct transfer *t, CURLcode code, struct failure *f)
{
	const char *text = *t->x.curl_text ? t->x.curl_text : curl_easy_strerror(code);
	size_t i = 0;

	if (is_malformed(t, code)) {
		fail(f, "fetch_failed", false, "the chunks of the answer are malformed");
		return;
	}
	if (is_cut_handshake(t, code))
		code = CURLE_RECV_ERROR;
	if (code == CURLE_URL_MALFORMAT && t->url) {
		explain_location(t->url, f);
		return;
	}
	while (i < ARRAY_SIZE(codes) && codes[i].code != code)
		i++;
	if (i == ARRAY_SIZE(codes)) {
		fail(f, "fetch_failed", false, "%s", text);
		return;
	}
	fail(f, codes[i].reason, codes[i].again, "%s", codes[i].words ? codes[i].words : text);
	f->from_zero = codes[i].from_zero;
}

/*
 * A redirect, or a success before everything was sent, is an error, no matter how the connection
 * ended.
 */
static bool explain_upload(const struct transfer *t, long status, struct failure *f)
{
	if (status >= 300 && status <= 399)
		fail(f, "fetch_redirect", false,
			"the server redirects the upload elsewhere, which is not followed (status "
			"%ld)",
			status);
	else if (t->x.sent < t->up_bytes && is_success(status))
		fail(f, "fetch_failed", false,
			"the server answered (status %ld) when it had %s of %s", status,
			num_show_size(t->x.sent).s, num_show_size(t->up_bytes).s);
	return f->reason != NULL;
}

static void explain_content(const struct transfer *t, long status, struct failure *f)
{
	if (t->kind == GET && (status == 204 || status == 205))
		fail(f, "fetch_failed", false, "the server has nothing to send (status %ld)",
			status);
}

/* Only an answer to conditions of ours can be this. */
static bool is_kept(const struct transfer *t)
{
	return t->kind == GET && t->fields && status_of(t) == 304;
}

/* See explain. */
static void explain_end(struct transfer *t, CURLcode code, struct failure *f)
{
	long status = status_of(t);

	if (t->write_error.kind != ERR_NONE)
		fail(f, "fetch_no_space", false, "%s", t->write_error.msg);
	else if (t->x.proxy_status)
		explain_proxy(t, f);
	else if (status >= 400)
		explain_status(t, status, f);
	else if (t->kind == PUT && explain_upload(t, status, f))
		return;
	else if (t->x.own.reason)
		*f = t->x.own;
	else if (code != CURLE_OK)
		explain_code(t, code, f);
	else if (!is_success(status) && t->kind != TUNNEL && !is_kept(t))
		explain_status(t, status, f);
	else
		explain_content(t, status, f);
}

/*
 * Success (no reason in *f) is a complete last answer with status 2xx. The status of an error is a
 * better explanation than an error in the body of that answer. An upload with such a status is
 * there, however the answer ended, and is not sent again.
 */
static void explain(struct transfer *t, CURLcode code, struct failure *f)
{
	explain_end(t, code, f);
	if (t->kind == PUT && is_success(status_of(t)))
		f->again = false;
}

/* The reason for an upload that corresponds to that of a download. */
static const char *reason_of(const struct transfer *t, const char *reason)
{
	if (t->kind != PUT)
		return reason;
	return strcmp(reason, "fetch_refused") == 0 ? "upload_refused" : "upload_failed";
}

static int give_up(const struct transfer *t, const struct failure *f, struct err *e)
{
	auto_free char *url =
		text_safe(t->kind == TUNNEL ? t->item->name : t->item->url, URL_SHOWN_MAX);
	auto_free char *text = text_safe(f->text, sizeof(f->text));
	auto_free char *of = t->item->of ? mem_printf("%s: ", t->item->of) : mem_strdup("");
	auto_free char *tries = t->tries > 1 ? mem_printf(" (%u tries)", t->tries) : mem_strdup("");

	return err_reason(
		e, ERR_INPUT, reason_of(t, f->reason), "%s%s: %s%s", of, url, text, tries);
}

static int64_t pause_of(const struct transfer *t)
{
	curl_off_t wanted = 0; /* seconds, from the server: any number */
	int64_t pause = t->o->pause_ms << (t->tries - 1);

	(void)curl_easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &wanted);
	if (wanted >= HTTP_RETRY_AFTER_MAX_MS / 1000)
		return HTTP_RETRY_AFTER_MAX_MS;
	if (wanted > 0 && wanted * 1000 > pause)
		pause = wanted * 1000;
	return pause > HTTP_RETRY_AFTER_MAX_MS ? HTTP_RETRY_AFTER_MAX_MS : pause;
}

static int try_again(struct transfer *t, const struct failure *f, struct err *e)
{
	int64_t pause = pause_of(t);

	if (!f->again || t->tries >= t->o->tries || !transfer_may_pause(t->o, pause))
		return give_up(t, f, e);
	tell(t, "%s: %s; again in %s", t->item->name, f->text, num_show_duration(pause).s);
	if (f->from_zero && start_over(t, e) < 0)
		return -1;
	t->due_ms = clock_ms() + pause;
	t->state = WAITING;
	t->redirects = 0;
	free(steal_ptr(&t->url));
	return 0;
}

/* libcurl makes an absolute URL of every location, unless it is malformed. */
static bool is_absolute(const char *url)
{
	static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+.-";
	const size_t len = strspn(url, known);

	return len > 0 && strncmp(url + len, "://", 3) == 0;
}

/* A redirect must not lead from an encrypted server to an unencrypted one. */
static bool is_followed(const char *from, const char *to)
{
	if (strncasecmp(to, "https://", 8) == 0)
		return true;
	return strncasecmp(to, "http://", 7) == 0 && strncasecmp(from, "https:", 6) != 0;
}

/* 1: the answer is a redirect, which is followed. */
static int follow(struct transfer *t, CURLcode code, struct failure *f)
{
	const char *from = t->url ? t->url : t->item->url;
	char *to = NULL;

	if (code != CURLE_OK || t->kind == PUT || status_of(t) / 100 != 3 || t->x.proxy_status)
		return 0;
	(void)curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &to);
	if (!to)
		return 0;
	if (t->redirects == HTTP_REDIRECTS_MAX)
		fail(f, "fetch_redirect", false, "the server redirects more than %d times",
			HTTP_REDIRECTS_MAX);
	else if (!is_absolute(to))
		explain_location(to, f);
	else if (!is_followed(from, to))
		fail(f, "fetch_redirect", false,
			"the server redirects to %s, which is not followed: %s", to,
			strncasecmp(to, "http:", 5) == 0 ? "it is not encrypted"
							 : "it is another protocol");
	if (f->reason)
		return 0;
	to = mem_strdup(to);
	free(t->url);
	t->url = to;
	t->redirects++;
	t->due_ms = 0;
	t->state = WAITING;
	return 1;
}

static int finish_file(struct transfer *t, struct err *e)
{
	if (set_stamps(t, e) < 0 || put_in_place(t, e) < 0)
		return -1;
	fd_close(fd_steal(&t->fd));
	t->state = DONE;
	tell(t, "%s: %s%s", t->item->name, num_show_size(t->got).s,
		t->item->checksum.len ? ", checksum right" : "");
	return 0;
}

/* Parts from several answers may belong to different versions of the file, so try again. */
static int check_content(struct transfer *t, struct err *e)
{
	const struct checksum *wanted = &t->item->checksum;
	struct checksum found = checksum_end(wanted->algorithm, steal_ptr(&t->digest));
	struct failure f = {.from_zero = true};

	if (!wanted->len || checksum_equals(wanted, &found))
		return finish_file(t, e);
	fail(&f, "fetch_checksum", t->resumed, "its checksum is %s, and not %s%s%s%s",
		checksum_show(&found).s, checksum_show(wanted).s,
		t->x.encoding[0] ? " (the server sent it with Content-Encoding: " : "",
		t->x.encoding, t->x.encoding[0] ? ")" : "");
	return try_again(t, &f, e);
}

static int keep(struct transfer *t, struct err *e)
{
	if (t->there_bytes > *t->room) {
		struct failure f = {0};

		(void)too_large(t, t->there_bytes);
		f = t->x.own;
		return give_up(t, &f, e);
	}
	*t->room -= t->there_bytes;
	t->state = DONE;
	tell(t, "%s: is there already, not modified", t->item->name);
	return 0;
}

static int succeed(struct transfer *t, struct err *e)
{
	if (is_kept(t))
		return keep(t, e);
	if (t->kind == GET)
		return check_content(t, e);
	t->state = DONE;
	return 0;
}

static int finish(struct batch *b, struct transfer *t, CURLcode code, struct err *e)
{
	struct failure f = {0};
	int result = 0;

	(void)curl_multi_remove_handle(b->multi, t->curl);
	b->running--;
	if (t->x.enough) {
		t->state = DONE;
	} else if (!follow(t, code, &f)) {
		explain(t, code, &f);
		result = f.reason ? try_again(t, &f, e) : succeed(t, e);
	}
	curl_easy_cleanup(steal_ptr(&t->curl));
	return result;
}

/* Which of these it is depends on what has arrived so far. */
static void explain_stall(struct transfer *t)
{
	auto_free char *limit = mem_strdup(num_show_duration(t->o->stall_ms).s);
	const bool is_silent = clock_ms() >= t->x.heard_ms + t->o->stall_ms / 2;
	const long status = status_of(t);

	/* A network that is silent may recover. A server that talks will do so again. */
	if (t->x.kept)
		fail(&t->x.own, "fetch_timeout", is_silent, "no byte of the file came within %s",
			limit);
	else if (status >= 200)
		fail(&t->x.own, "fetch_timeout", is_silent,
			"the server answered (status %ld) and did not end its answer within %s",
			status, limit);
	else if (t->kind == PUT && t->x.sent < t->up_bytes)
		fail(&t->x.own, "fetch_timeout", is_silent, "the server took nothing within %s",
			limit);
	else
		fail(&t->x.own, "fetch_timeout", is_silent, "the server did not answer within %s",
			limit);
}

/* Only bytes of the file count as progress; the limit of libcurl counts all bytes. */
static bool is_stalled(struct transfer *t)
{
	curl_off_t connected = 0; /* microseconds */

	(void)curl_easy_getinfo(t->curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
	if (connected == 0)
		t->x.moved_ms = clock_ms(); /* connecting has its own limit */
	if (clock_ms() < t->x.moved_ms + t->o->stall_ms)
		return false;
	explain_stall(t);
	return true;
}

/* ---- batches ---- */

static int begin_due(struct batch *b, struct err *e)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < b->count && b->running < b->o->parallel; i++)
		if (b->items[i].state == WAITING && b->items[i].due_ms <= now &&
			begin(b, &b->items[i], e) < 0)
			return -1;
	return 0;
}

static int finish_ended(struct batch *b, struct err *e)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(b->multi, &left))) {
		struct transfer *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		if (finish(b, t, m->data.result, e) < 0)
			return -1;
	}
	return 0;
}

static int end_stalled(struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].state == RUNNING && is_stalled(&b->items[i]) &&
			finish(b, &b->items[i], CURLE_OPERATION_TIMEDOUT, e) < 0)
			return -1;
	return 0;
}

static bool all_done(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].state != DONE)
			return false;
	return true;
}

/* The time until the next start of a try or the next report. Received bytes end the wait early. */
static int poll_ms(const struct batch *b)
{
	int64_t now = clock_ms(), next = now + HTTP_TELL_MS;

	for (size_t i = 0; i < b->count && b->running < b->o->parallel; i++)
		if (b->items[i].state == WAITING && b->items[i].due_ms < next)
			next = b->items[i].due_ms;
	return next > now ? (int)(next - now) : 0;
}

/*
 * Process ended transfers before curl_multi_poll: if none is running, nothing ends its wait early.
 */
static int transfer_all(struct batch *b, struct err *e)
{
	int running;

	for (;;) {
		if (begin_due(b, e) < 0)
			return -1;
		if (curl_multi_perform(b->multi, &running) != CURLM_OK)
			break;
		if (finish_ended(b, e) < 0 || end_stalled(b, e) < 0)
			return -1;
		if (all_done(b))
			return 0;
		tell_due(&b->told);
		if (curl_multi_poll(b->multi, NULL, 0, poll_ms(b), NULL) != CURLM_OK)
			break;
	}
	return err_set(e, ERR_HOST, "libcurl: the transfers cannot continue");
}

static void take_room(struct batch *b, uint64_t bytes)
{
	b->room -= b->room < bytes ? b->room : bytes;
}

static int prepare(struct batch *b, const struct http_item *item, struct err *e)
{
	const struct transfer_options *o = b->o;
	struct transfer *t = &b->items[b->count];
	uint64_t bytes = 0;

	*t = (struct transfer){
		.item = item, .o = o, .told = &b->told, .room = &b->room, .fd = -1, .up_fd = -1};
	if (check_name(item->name, e) < 0)
		return -1;
	take_room(b, BLOCK);
	if (!item->checksum.len) {
		set_conditions(t);
		return 0;
	}
	if (!is_there(o, item, &bytes))
		return 0;
	take_room(b, bytes);
	t->state = DONE;
	tell(t, "%s: is there already, checksum right", item->name);
	return 0;
}

static void batch_init(struct batch *b, const struct transfer_options *o, size_t count)
{
	*b = (struct batch){.o = o,
		.items = mem_array(count + 1, sizeof(*b->items)),
		.room = o->bounded ? o->room : UINT64_MAX,
		.told = {.o = o}};
	buf_init(&b->told.lines, TOLD_MAX);
}

static void batch_release(struct batch *b)
{
	tell_all(&b->told);
	for (size_t i = 0; i < b->count; i++) {
		if (b->items[i].curl)
			(void)curl_multi_remove_handle(b->multi, b->items[i].curl);
		transfer_release(&b->items[i]);
	}
	(void)curl_multi_cleanup(b->multi);
	free(b->items);
	buf_release(&b->told.lines);
}
#define auto_batch __attribute__((cleanup(batch_release)))

static int run_batch(struct batch *b, struct err *e)
{
	b->multi = curl_multi_init();
	if (!b->multi)
		return err_set(e, ERR_HOST, "libcurl: no handle");
	return transfer_all(b, e);
}

int http_get(const struct http_item *items, size_t count, const struct transfer_options *o,
	struct err *e)
{
	auto_batch struct batch b = {0};

	batch_init(&b, o, count);
	for (; b.count < count; b.count++)
		if (prepare(&b, &items[b.count], e) < 0)
			return -1;
	return run_batch(&b, e);
}

/* `like` contains the kind of the transfer and its arguments. */
static int run_one(const struct transfer *like, const struct transfer_options *o, struct err *e)
{
	auto_batch struct batch b = {0};
	struct transfer *t;

	batch_init(&b, o, 1);
	t = &b.items[b.count++];
	*t = *like;
	t->o = o;
	t->told = &b.told;
	t->room = &b.room;
	t->fd = -1;
	if (run_batch(&b, e) < 0)
		return -1;
	if (t->kind == PUT)
		tell(t, "%s: uploaded", t->item->name);
	return 0;
}

int http_probe(const char *url, const char *field, const struct transfer_options *o, struct err *e)
{
	const struct http_item item = {.url = url, .name = url};
	const struct transfer t = {.kind = PROBE,
		.item = &item,
		.up_fd = -1,
		.fields = curl_slist_append(NULL, field)};

	return run_one(&t, o, e);
}

int http_tunnel(const char *host, unsigned port, const struct transfer_options *o, struct err *e)
{
	auto_free char *url = mem_printf("http://%s:%u/", host, port);
	const struct http_item item = {.url = url, .name = host};
	const struct transfer t = {.kind = TUNNEL, .item = &item, .up_fd = -1};

	return run_one(&t, o, e);
}

int http_put(const char *url, const char *name, const struct transfer_options *o, struct err *e)
{
	auto_free char *whole = mem_printf("%s%s", url, name);
	const struct http_item item = {.url = whole, .name = name};
	struct transfer t = {.kind = PUT, .item = &item};
	auto_fd int fd = -1;

	if (check_name(name, e) < 0)
		return -1;
	if (strchr(name, '/'))
		return err_set(e, ERR_INPUT, "'%s' is not the name of a file", name);
	fd = open_beneath(o->dir_fd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	t.up_fd = fd;
	return run_one(&t, o, e);
}
