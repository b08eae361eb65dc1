/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

#define BLANKS " \t\n\r\f\v"

/* The characters that end the authority of a URL (user and host). */
static const char authority_ends[] = "/?#\\";

/* ":8443/" is a port followed by a path. */
static bool is_port(const char *colon)
{
	size_t digits = strspn(colon + 1, "0123456789");

	return digits > 0 && digits <= 5 && colon[1 + digits] == '/';
}

/* The length of a colon, plain or percent-encoded; 0: no colon. */
static size_t colon_len(const char *p)
{
	if (*p == ':')
		return 1;
	return strncasecmp(p, "%3a", 3) == 0 ? 3 : 0;
}

const char *password_skip_scheme(const char *url)
{
	static const char scheme[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-";
	size_t len = strspn(url, scheme);

	if (url[len] != ':' || url[len + 1] != '/')
		return url;
	url += len + 1;
	return url + strspn(url, "/");
}

bool password_is_in(const char *url)
{
	const char *start = password_skip_scheme(url),
		   *end = start + strcspn(start, authority_ends);

	for (const char *p = start; p < end; p++)
		if (colon_len(p))
			return !(*p == ':' && is_port(p)) && strchr(p, '@');
	return false;
}

/* ---- hiding ---- */

/* The part of the text that is still to be searched; without blanks unless the text is a URL. */
struct word {
	const char *start, *last_at; /* the password ends before the last '@' */
	bool is_value;               /* the complete text, so it may be a target */
};

/* Whether the path component contains an '@': of paths, only targets contain passwords. */
static bool component_has_at(const char *p)
{
	return memchr(p, '@', strcspn(p, authority_ends)) != NULL;
}

/* The start of the password; NULL: there is none. */
static const char *find_password(const struct word *w)
{
	const char *component = w->start;
	bool in_url = false, no_at = false;

	for (const char *p = w->start; p < w->last_at; p++) {
		size_t len = colon_len(p);

		if (*p == ':' && p[1] == '/') {
			p += strspn(p + 1, "/");
			component = p + 1;
			in_url = true;
			no_at = false;
		} else if (strchr(authority_ends, *p) || (*p == ':' && is_port(p))) {
			component = p + 1;
			in_url = no_at = false;
		} else if (len && !strchr(BLANKS, p[len]) && (in_url || (w->is_value && !no_at))) {
			if (in_url || component == w->start || component_has_at(p))
				return p + len;
			no_at = true;
		}
	}
	return NULL;
}

/* Find the next word with an '@', starting at p; false: there is none. */
static bool next_word(const char *p, const char *whole, struct word *ret)
{
	bool is_url = password_skip_scheme(whole) != whole;

	while (*p) {
		size_t len = is_url ? strlen(p) : strcspn(p, BLANKS);
		const char *at = memrchr(p, '@', len);

		if (at) {
			*ret = (struct word){p, at, p == whole && !whole[len]};
			return true;
		}
		p += len;
		p += strspn(p, BLANKS);
	}
	return false;
}

char *password_hide(const char *s)
{
	auto_buf struct buf b = {0};
	const char *from = s, *shown = s;
	struct word w;

	if (!strchr(s, '@'))
		return NULL;
	buf_init(&b, 2 * strlen(s) + sizeof(PASSWORD_HIDDEN));
	for (; next_word(from, s, &w); from = w.last_at + 1) {
		const char *password = find_password(&w);

		if (!password)
			continue;
		buf_add(&b, shown, (size_t)(password - shown));
		buf_adds(&b, PASSWORD_HIDDEN);
		shown = w.last_at;
	}
	if (shown == s)
		return NULL;
	buf_adds(&b, shown);
	return buf_detach(&b, NULL);
}
