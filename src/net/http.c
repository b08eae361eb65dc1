/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

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
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "net/digest.h"

enum {
	PROXY_TEXT_MAX = 300,
	TOLD_LINE_MAX = 4096,
	TOLD_MAX = 64 * 1024,
	URL_SHOWN_MAX = 300,
	BUFFER_BYTES = 256 * 1024
};

enum state { WAITING, RUNNING, DONE };

/* Lines that nobody was told yet: one by one, each would wake whoever reads them. */
struct told {
	const struct http_options *o;
	struct buf lines;
	int64_t due_ms;
};

struct transfer {
	const struct http_item *item;
	const struct http_options *o;
	struct told *told;
	enum state state;
	CURL *curl;            /* while RUNNING */
	int fd;                /* of the file, which has no name yet; -1: not begun */
	struct digest *digest; /* of what is in it; NULL: nothing yet */
	uint64_t got;          /* bytes in it */
	bool resumed;          /* it consists of more than one answer */
	unsigned tries;        /* begun so far */
	int64_t due_ms;        /* when to begin the next one */
	int64_t told_ms;       /* when it was last told about */
	bool probe;            /* nothing is kept: has the server an answer? */
	int up_fd;             /* what is uploaded; -1: nothing */
	struct err write_error;
	size_t heads;      /* bytes of all heads of this try */
	long proxy_status; /* what the proxy itself said: 0: nothing */
	char proxy_text[PROXY_TEXT_MAX];
	char curl_text[CURL_ERROR_SIZE];
};

struct batch {
	const struct http_options *o;
	struct transfer *items;
	size_t count;
	unsigned running;
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

static int check_name(const char *name, struct err *e)
{
	auto_free char *shown = text_safe(name, LIMIT_NAME_BYTES);

	if (!name[0] || strlen(name) > LIMIT_NAME_BYTES || strchr(name, '/') ||
		strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(shown, name) != 0)
		return err_set(e, ERR_INPUT, "'%s' cannot be the name of a file", shown);
	return 0;
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

static bool same_digest(const struct http_item *item, const struct digest_text *found)
{
	return strcasecmp(item->sha256, found->s) == 0;
}

/* Whatever else has the name is replaced by the rename at the end. */
static bool is_there(const struct http_options *o, const struct http_item *item)
{
	auto_fd int fd = open_beneath(o->dir_fd, item->name, O_RDONLY | O_NONBLOCK, 0);
	struct digest_text found;
	struct err ignored = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	return digest_of_file(fd, (uint64_t)st.st_size, &found, &ignored) == 0 &&
		same_digest(item, &found);
}

static int open_nameless(struct transfer *t, struct err *e)
{
	t->fd = open_beneath(t->o->dir_fd, ".", O_WRONLY | O_TMPFILE, 0644);
	return t->fd < 0 ? err_sys(e, "make a file for %s", t->item->name) : 0;
}

/* As linkat(2), but for a descriptor. */
static int give_name(const struct transfer *t, const char *name)
{
	auto_free char *path = mem_printf("/proc/self/fd/%d", t->fd);

	return linkat(AT_FDCWD, path, t->o->dir_fd, name, AT_SYMLINK_FOLLOW);
}

/* A link never replaces anything, a rename does. */
static int replace(const struct transfer *t, struct err *e)
{
	auto_free char *part = mem_printf(".%s.part", t->item->name);

	if (unlinkat(t->o->dir_fd, part, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove %s", part);
	if (give_name(t, part) < 0)
		return err_sys(e, "make %s", part);
	if (renameat(t->o->dir_fd, part, t->o->dir_fd, t->item->name) < 0) {
		(void)err_sys(e, "rename %s to %s", part, t->item->name);
		(void)unlinkat(t->o->dir_fd, part, 0);
		return -1;
	}
	return 0;
}

/* Back to an empty file. */
static int start_over(struct transfer *t, struct err *e)
{
	if (t->digest)
		(void)digest_end(t->digest);
	t->digest = digest_new();
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
	fd_close(t->fd);
}

/* ---- what libcurl calls ---- */

static size_t on_upload(char *data, size_t size, size_t count, void *arg)
{
	const struct transfer *t = arg;
	ssize_t n = fd_read_full(t->up_fd, data, size * count);

	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;

	if (t->probe)
		return len;
	if (fd_write_all(t->fd, data, len) < 0) {
		(void)err_sys(&t->write_error, "write %s", t->item->name);
		return 0;
	}
	digest_add(t->digest, data, len);
	t->got += len;
	return len;
}

/* A string of RFC 8941, 3.3.3, without its quotes; what is not one is taken as it is. */
static void set_proxy_text(struct transfer *t, const char *value)
{
	bool quoted = *value == '"';
	size_t n = 0;

	for (value += quoted; *value && n + 1 < sizeof(t->proxy_text); value++) {
		if (quoted && *value == '"')
			break;
		if (quoted && *value == '\\' && value[1])
			value++;
		t->proxy_text[n++] = *value;
	}
	t->proxy_text[n] = '\0';
}

/*
 * The proxy marks its refusal of a tunnel, so that it can be told. What comes through a tunnel is
 * the server's, whatever it says.
 */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	static const char mark[] = "Proxy-Status: ambient; details=";
	struct transfer *t = arg;
	size_t len = size * count;
	auto_free char *line = mem_strndup(data, len);
	long status = 0;

	t->heads += len;
	if (t->heads > LIMIT_HTTP_HEADS)
		return 0;
	line[strcspn(line, "\r\n")] = '\0';
	(void)curl_easy_getinfo(t->curl, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status >= 400 && strncasecmp(line, mark, strlen(mark)) == 0) {
		t->proxy_status = status;
		set_proxy_text(t, line + strlen(mark));
	}
	return len;
}

static void tell_all(struct told *told)
{
	if (told->lines.len == 0)
		return;
	told->lines.data[told->lines.len - 1] = '\0'; /* the last newline */
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

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent)
{
	struct transfer *t = arg;
	uint64_t before = t->got - (uint64_t)now; /* of earlier answers */

	(void)up;
	(void)sent;
	if (t->probe || now == total || clock_ms() < t->told_ms + t->o->report_ms)
		return 0;
	t->told_ms = clock_ms();
	if (total > 0)
		tell(t, "%s: %s of %s", t->item->name, num_show_size(t->got).s,
			num_show_size(before + (uint64_t)total).s);
	else
		tell(t, "%s: %s", t->item->name, num_show_size(t->got).s);
	return 0;
}

/* ---- beginning ---- */

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
	set_pointer(c, CURLOPT_WRITEDATA, t);
	set_pointer(c, CURLOPT_HEADERDATA, t);
	set_pointer(c, CURLOPT_XFERINFODATA, t);
	set_pointer(c, CURLOPT_PRIVATE, t);
	set_pointer(c, CURLOPT_ERRORBUFFER, t->curl_text);
	set_long(c, CURLOPT_NOPROGRESS, 0);
	set_long(c, CURLOPT_NOSIGNAL, 1);
}

/* From an encrypted server no way leads to one that is not. */
static void set_protocols(struct transfer *t)
{
	bool tls = strncasecmp(t->item->url, "https:", 6) == 0;

	set_pointer(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	set_pointer(t->curl, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
	set_long(t->curl, CURLOPT_FOLLOWLOCATION, 1);
	set_long(t->curl, CURLOPT_MAXREDIRS, HTTP_REDIRECTS_MAX);
}

static void set_limits(struct transfer *t)
{
	const struct http_options *o = t->o;

	set_long(t->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_ms);
	set_long(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1);
	set_long(t->curl, CURLOPT_LOW_SPEED_TIME, (long)((o->stall_ms + 999) / 1000));
	set_long(t->curl, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	set_long(t->curl, CURLOPT_FAILONERROR, 1);
}

/* From its beginning, at each try. Nobody may lead it elsewhere. */
static int set_upload(struct transfer *t, struct err *e)
{
	struct stat st;

	if (fstat(t->up_fd, &st) < 0 || lseek(t->up_fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read %s", t->item->name);
	set_long(t->curl, CURLOPT_UPLOAD, 1);
	set_long(t->curl, CURLOPT_MAXREDIRS, 0);
	set_long(t->curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 1);
	(void)curl_easy_setopt(t->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	(void)curl_easy_setopt(t->curl, CURLOPT_READFUNCTION, on_upload);
	set_pointer(t->curl, CURLOPT_READDATA, t);
	return 0;
}

static int begin(struct batch *b, struct transfer *t, struct err *e)
{
	if (!t->probe && (!t->digest || !t->got) && start_over(t, e) < 0)
		return -1;
	t->curl = curl_easy_init();
	if (!t->curl)
		return err_set(e, ERR_HOST, "libcurl: no handle");
	t->proxy_status = 0;
	t->heads = 0;
	t->curl_text[0] = '\0';
	t->tries++;
	set_callbacks(t);
	set_protocols(t);
	set_limits(t);
	set_pointer(t->curl, CURLOPT_URL, t->item->url);
	set_pointer(t->curl, CURLOPT_USERAGENT, "ambient");
	set_pointer(t->curl, CURLOPT_PROXY, t->o->proxy ? t->o->proxy : "");
	set_pointer(t->curl, CURLOPT_NOPROXY, "");
	set_long(t->curl, CURLOPT_HTTPPROXYTUNNEL, 1); /* so that one connection serves many */
	if (t->o->certificates)
		set_pointer(t->curl, CURLOPT_CAINFO, t->o->certificates);
	if (t->up_fd >= 0 && set_upload(t, e) < 0)
		return -1;
	if (t->got) {
		t->resumed = true;
		(void)curl_easy_setopt(t->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->got);
	}
	t->state = RUNNING;
	t->told_ms = clock_ms();
	b->running++;
	if (curl_multi_add_handle(b->multi, t->curl) != CURLM_OK)
		return err_set(e, ERR_HOST, "libcurl: a transfer cannot be started");
	return 0;
}

/* ---- ending ---- */

struct failure {
	const char *reason;
	bool again;     /* another try may help */
	bool from_zero; /* what is there already is no beginning */
	char text[512];
};

static void fail(struct failure *f, const char *reason, bool again, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static void fail(struct failure *f, const char *reason, bool again, const char *fmt, ...)
{
	va_list ap;

	f->reason = reason;
	f->again = again;
	va_start(ap, fmt);
	fit_vformat(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static void explain_proxy(const struct transfer *t, struct failure *f)
{
	if (t->proxy_status == 403)
		fail(f, "fetch_refused", false, "the proxy refused it: %s", t->proxy_text);
	else if (t->proxy_status == 504)
		fail(f, "fetch_timeout", true, "the proxy gave up: %s", t->proxy_text);
	else
		fail(f, "fetch_unreachable", true, "the proxy did not reach it: %s", t->proxy_text);
}

static void explain_status(struct transfer *t, struct failure *f)
{
	long status = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 404 || status == 410)
		fail(f, "fetch_not_found", false, "the server has no such file (status %ld)",
			status);
	else if (status == 408 || status == 429 || status >= 500)
		fail(f, "fetch_server_error", true, "the server failed (status %ld)", status);
	else
		fail(f, "fetch_denied", false, "the server refused it (status %ld)", status);
	if (status == 416) {
		f->again = true;
		f->from_zero = true;
	}
}

static const struct {
	CURLcode code;
	const char *reason;
	bool again, from_zero;
} codes[] = {
	{CURLE_OPERATION_TIMEDOUT, "fetch_timeout", true, false},
	{CURLE_PARTIAL_FILE, "fetch_cut", true, false},
	{CURLE_RECV_ERROR, "fetch_cut", true, false},
	{CURLE_GOT_NOTHING, "fetch_cut", true, false},
	{CURLE_HTTP2, "fetch_cut", true, false},
	{CURLE_HTTP2_STREAM, "fetch_cut", true, false},
	{CURLE_SEND_ERROR, "fetch_cut", true, false},
	{CURLE_RANGE_ERROR, "fetch_cut", true, true},
	{CURLE_COULDNT_CONNECT, "fetch_unreachable", true, false},
	{CURLE_COULDNT_RESOLVE_HOST, "fetch_unreachable", true, false},
	{CURLE_COULDNT_RESOLVE_PROXY, "fetch_unreachable", true, false},
	{CURLE_PEER_FAILED_VERIFICATION, "fetch_tls", false, false},
	{CURLE_SSL_CONNECT_ERROR, "fetch_tls", false, false},
	{CURLE_SSL_CERTPROBLEM, "fetch_tls", false, false},
	{CURLE_SSL_CACERT_BADFILE, "fetch_tls", false, false},
	{CURLE_SSL_ISSUER_ERROR, "fetch_tls", false, false},
	{CURLE_TOO_MANY_REDIRECTS, "fetch_redirect", false, false},
	{CURLE_UNSUPPORTED_PROTOCOL, "fetch_redirect", false, false},
};

/* libcurl has one code for a redirect to another protocol and for an answer in another one. */
static bool is_no_http(const struct transfer *t, CURLcode code)
{
	long status = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return code == CURLE_UNSUPPORTED_PROTOCOL && status / 100 != 3;
}

static void explain_code(const struct transfer *t, CURLcode code, struct failure *f)
{
	const char *text = *t->curl_text ? t->curl_text : curl_easy_strerror(code);
	size_t i = 0;

	while (i < ARRAY_SIZE(codes) && codes[i].code != code)
		i++;
	if (i == ARRAY_SIZE(codes) || is_no_http(t, code)) {
		fail(f, "fetch_failed", false, "%s", text);
		return;
	}
	fail(f, codes[i].reason, codes[i].again, "%s", text);
	f->from_zero = codes[i].from_zero;
}

static void explain(struct transfer *t, CURLcode code, struct failure *f)
{
	if (t->write_error.kind != ERR_NONE)
		fail(f, "fetch_no_space", false, "%s", t->write_error.msg);
	else if (t->heads > LIMIT_HTTP_HEADS)
		fail(f, "fetch_failed", false, "the head of the answer has more than %s",
			num_show_size(LIMIT_HTTP_HEADS).s);
	else if (t->proxy_status)
		explain_proxy(t, f);
	else if (code == CURLE_HTTP_RETURNED_ERROR)
		explain_status(t, f);
	else
		explain_code(t, code, f);
}

static int give_up(const struct transfer *t, const struct failure *f, struct err *e)
{
	auto_free char *url = text_safe(t->item->url, URL_SHOWN_MAX);
	auto_free char *text = text_safe(f->text, sizeof(f->text));
	const char *reason = f->reason;

	if (t->up_fd >= 0)
		reason = strcmp(reason, "fetch_refused") == 0 ? "upload_refused" : "upload_failed";
	if (t->tries > 1)
		return err_reason(e, ERR_INPUT, reason, "%s: %s (%u tries)", url, text, t->tries);
	return err_reason(e, ERR_INPUT, reason, "%s: %s", url, text);
}

static int64_t pause_of(const struct transfer *t)
{
	curl_off_t wanted = 0; /* seconds, as the server says: any number */
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

	if (!f->again || t->tries >= t->o->tries)
		return give_up(t, f, e);
	tell(t, "%s: %s; again in %s", t->item->name, f->text, num_show_duration(pause).s);
	if (f->from_zero && start_over(t, e) < 0)
		return -1;
	t->due_ms = clock_ms() + pause;
	t->state = WAITING;
	return 0;
}

static int put_in_place(struct transfer *t, struct err *e)
{
	if (give_name(t, t->item->name) < 0) {
		if (errno != EEXIST)
			return err_sys(e, "make %s", t->item->name);
		if (replace(t, e) < 0)
			return -1;
	}
	fd_close(fd_steal(&t->fd));
	t->state = DONE;
	tell(t, "%s: %s, checksum right", t->item->name, num_show_size(t->got).s);
	return 0;
}

/* A file that was put together of several answers may be of two versions: then once more. */
static int check_content(struct transfer *t, struct err *e)
{
	struct digest_text found = digest_end(steal_ptr(&t->digest));
	struct failure f = {.from_zero = true};

	if (same_digest(t->item, &found))
		return put_in_place(t, e);
	fail(&f, "fetch_checksum", t->resumed, "its checksum is sha256:%s, the plan says sha256:%s",
		found.s, t->item->sha256);
	return try_again(t, &f, e);
}

static int finish(struct batch *b, struct transfer *t, CURLcode code, struct err *e)
{
	struct failure f = {0};
	int result = 0;

	(void)curl_multi_remove_handle(b->multi, t->curl);
	b->running--;
	if (code == CURLE_OK && t->probe) {
		t->state = DONE;
	} else if (code == CURLE_OK) {
		result = check_content(t, e);
	} else {
		explain(t, code, &f);
		result = try_again(t, &f, e);
	}
	curl_easy_cleanup(steal_ptr(&t->curl));
	return result;
}

/* ---- all of them ---- */

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

static bool all_done(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].state != DONE)
			return false;
	return true;
}

/* Until something can happen: a byte, or the end of a pause. */
static int poll_ms(const struct batch *b)
{
	int64_t now = clock_ms(), next = now + HTTP_TELL_MS;

	for (size_t i = 0; i < b->count && b->running < b->o->parallel; i++)
		if (b->items[i].state == WAITING && b->items[i].due_ms < next)
			next = b->items[i].due_ms;
	return next > now ? (int)(next - now) : 0;
}

/* What has ended is looked at before the wait: with nothing running, nothing would end it early. */
static int transfer_all(struct batch *b, struct err *e)
{
	int running;

	for (;;) {
		if (begin_due(b, e) < 0)
			return -1;
		if (curl_multi_perform(b->multi, &running) != CURLM_OK)
			break;
		if (finish_ended(b, e) < 0)
			return -1;
		if (all_done(b))
			return 0;
		tell_due(&b->told);
		if (curl_multi_poll(b->multi, NULL, 0, poll_ms(b), NULL) != CURLM_OK)
			break;
	}
	return err_set(e, ERR_HOST, "libcurl: the transfers cannot go on");
}

static int missing(const struct http_item *item, struct err *e)
{
	return err_reason(e, ERR_INPUT, "fetch_offline",
		"%s is not in the dependencies as the plan wants it, and this run is offline",
		item->name);
}

static int prepare(
	struct transfer *t, const struct http_item *item, struct told *told, struct err *e)
{
	const struct http_options *o = told->o;

	*t = (struct transfer){.item = item, .o = o, .told = told, .fd = -1, .up_fd = -1};
	if (check_name(item->name, e) < 0)
		return -1;
	if (!is_there(o, item))
		return o->offline ? missing(item, e) : 0;
	t->state = DONE;
	tell(t, "%s: is there already, checksum right", item->name);
	return 0;
}

static void batch_init(struct batch *b, const struct http_options *o, size_t count)
{
	*b = (struct batch){
		.o = o, .items = mem_array(count + 1, sizeof(*b->items)), .told = {.o = o}};
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

int http_get(
	const struct http_item *items, size_t count, const struct http_options *o, struct err *e)
{
	auto_batch struct batch b = {0};

	batch_init(&b, o, count);
	for (; b.count < count; b.count++)
		if (prepare(&b.items[b.count], &items[b.count], &b.told, e) < 0)
			return -1;
	return run_batch(&b, e);
}

static int run_one(
	const struct http_item *item, int up_fd, const struct http_options *o, struct err *e)
{
	auto_batch struct batch b = {0};

	batch_init(&b, o, 1);
	b.items[b.count++] = (struct transfer){
		.item = item, .o = o, .told = &b.told, .fd = -1, .probe = true, .up_fd = up_fd};
	if (run_batch(&b, e) < 0)
		return -1;
	if (up_fd >= 0)
		tell(&b.items[0], "%s: uploaded", item->name);
	return 0;
}

int http_probe(const char *url, const struct http_options *o, struct err *e)
{
	const struct http_item item = {.url = url, .name = url};

	return run_one(&item, -1, o, e);
}

int http_put(const char *url, const char *name, const struct http_options *o, struct err *e)
{
	auto_free char *whole = mem_printf("%s%s", url, name);
	const struct http_item item = {.url = whole, .name = name};
	auto_fd int fd = -1;

	if (check_name(name, e) < 0)
		return -1;
	fd = open_beneath(o->dir_fd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	return run_one(&item, fd, o, e);
}
