/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/knownhosts.h"

#include <ctype.h>
#include <string.h>

#include "agent/sshkey.h"
#include "base/base64.h"
#include "base/limits.h"

void knownhosts_release(struct knownhosts *k)
{
	for (size_t i = 0; i < k->count; i++)
		buf_release(&k->keys[i]);
	free(k->keys);
	*k = (struct knownhosts){0};
}

static struct sshbytes bytes_of(const struct buf *b)
{
	return (struct sshbytes){(const uint8_t *)b->data, b->len};
}

bool knownhosts_have(const struct knownhosts *k, struct sshbytes key)
{
	for (size_t i = 0; i < k->count; i++)
		if (sshbytes_equal(bytes_of(&k->keys[i]), key))
			return true;
	return false;
}

/* ---- names ---- */

/*
 * '*' matches any text, '?' any character. After a mismatch the last '*' takes one more character.
 */
static bool matches(const char *pattern, size_t len, const char *name)
{
	const char *end = pattern + len, *star = NULL, *again = NULL;

	while (*name) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			again = name;
		} else if (pattern < end &&
			(*pattern == '?' || tolower((unsigned char)*pattern) == *name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++again;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

/* "|1|SALT|HASH": the HMAC of the name with this salt. */
static bool matches_hash(const char *text, size_t len, const char *name)
{
	static const char head[] = "|1|";
	const char *salt = text + strlen(head), *end = text + len;
	const char *bar = len > strlen(head) ? memchr(salt, '|', (size_t)(end - salt)) : NULL;
	struct sshbytes bytes = {(const uint8_t *)name, strlen(name)};
	auto_buf struct buf key = {0};
	auto_buf struct buf wanted = {0};
	uint8_t found[SSHKEY_HMAC_BYTES];

	if (!bar || strncmp(text, head, strlen(head)) != 0)
		return false;
	buf_init(&key, LIMIT_NAME_BYTES);
	buf_init(&wanted, LIMIT_NAME_BYTES);
	if (base64_decode(&key, salt, (size_t)(bar - salt)) < 0 ||
		base64_decode(&wanted, bar + 1, (size_t)(end - bar - 1)) < 0 || key.overflow)
		return false;
	sshkey_hmac(bytes_of(&key), bytes, found);
	return sshbytes_equal(bytes_of(&wanted), (struct sshbytes){found, sizeof(found)});
}

/* A matching pattern with '!' means no match, whatever the other patterns say. */
static bool list_matches(const char *list, size_t len, const char *name)
{
	const char *end = list + len;
	bool found = false;

	if (len && *list == '|')
		return matches_hash(list, len, name);
	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t n = (size_t)((comma ? comma : end) - list);

		if (n && *list == '!' && matches(list + 1, n - 1, name))
			return false;
		if (n && *list != '!' && matches(list, n, name))
			found = true;
		list += n + 1;
	}
	return found;
}

/* ---- lines ---- */

struct line {
	const char *at, *end;
};

static struct sshbytes take_word(struct line *l)
{
	const char *from;

	while (l->at < l->end && isspace((unsigned char)*l->at))
		l->at++;
	from = l->at;
	while (l->at < l->end && !isspace((unsigned char)*l->at))
		l->at++;
	return (struct sshbytes){(const uint8_t *)from, (size_t)(l->at - from)};
}

/* Read the key of a line with this marker ("": none) if the line applies to the host. */
static bool read_line(struct line l, const char *marker, const char *host, struct buf *ret_key)
{
	struct sshbytes word = take_word(&l);

	if (word.len && word.data[0] == '@') {
		if (!sshbytes_are(word, marker))
			return false;
		word = take_word(&l);
	} else if (*marker) {
		return false;
	}
	if (!word.len || word.data[0] == '#' ||
		!list_matches((const char *)word.data, word.len, host))
		return false;
	while (l.at < l.end && isspace((unsigned char)*l.at))
		l.at++;
	return sshkey_read_line(l.at, (size_t)(l.end - l.at), ret_key) == 0;
}

static void collect(
	const char *text, size_t len, const char *marker, const char *host, struct knownhosts *ret)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct line l = {text, newline ? newline : end};
		struct buf key;

		buf_init(&key, LIMIT_AGENT_MESSAGE);
		if (read_line(l, marker, host, &key)) {
			ret->keys = mem_resize(ret->keys, ret->count + 1, sizeof(*ret->keys));
			ret->keys[ret->count++] = key;
		} else {
			buf_release(&key);
		}
		text = l.end + 1;
	}
}

void knownhosts_read(const char *text, size_t len, const char *host, struct knownhosts *ret)
{
	auto_knownhosts struct knownhosts revoked = {0};
	size_t kept = 0;

	*ret = (struct knownhosts){0};
	collect(text, len, "@revoked", host, &revoked);
	collect(text, len, "", host, ret);
	for (size_t i = 0; i < ret->count; i++) {
		if (knownhosts_have(&revoked, bytes_of(&ret->keys[i])))
			buf_release(&ret->keys[i]);
		else
			ret->keys[kept++] = ret->keys[i];
	}
	ret->count = kept;
}

enum knownhosts_match knownhosts_compare(
	const char *text, size_t len, const char *host, struct sshbytes key)
{
	auto_knownhosts struct knownhosts known = {0};
	auto_knownhosts struct knownhosts revoked = {0};
	auto_knownhosts struct knownhosts authorities = {0};

	knownhosts_read(text, len, host, &known);
	collect(text, len, "@revoked", host, &revoked);
	collect(text, len, "@cert-authority", host, &authorities);
	if (knownhosts_have(&revoked, key))
		return KNOWNHOSTS_REVOKED;
	if (knownhosts_have(&known, key))
		return KNOWNHOSTS_MATCHES;
	if (authorities.count > 0)
		return KNOWNHOSTS_CERTIFIED;
	return known.count > 0 ? KNOWNHOSTS_DIFFERS : KNOWNHOSTS_UNLISTED;
}
