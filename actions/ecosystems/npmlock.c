/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/ecosystems/npmlock.h"

#include <errno.h>
#include <string.h>

#include "actions/limits.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/password.h"
#include "base/text.h"
#include "data/checksum.h"
#include "data/jsonl.h"
#include "os/fd.h"

#define MODULES "node_modules/"

struct reader {
	const char *name;     /* of the file */
	const char *registry; /* ends in a slash */
	struct node *items;   /* filled */
};

/* One package of the file. */
struct package {
	const char *place;     /* its key, or what is its key in later versions */
	const char *name;      /* its name in a registry; NULL: the end of its place */
	const char *version;   /* NULL: the file has none */
	const char *resolved;  /* where it is; NULL: the file does not say */
	const char *integrity; /* NULL: none */
};

static int refuse(const struct reader *r, const char *place, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(place, LIMIT_NAME_BYTES);

	return err_reason(e, ERR_INPUT, "fetch_lock_file", "%s: '%s' %s", r->name, shown, why);
}

/* ---- checksums ---- */

/* "sha512-BASE64?OPTIONS", one of the words of an integrity (W3C, Subresource Integrity). */
static bool read_hash(const char *word, size_t len, struct checksum *ret)
{
	const char *dash = memchr(word, '-', len), *options = memchr(word, '?', len);
	const size_t end = options ? (size_t)(options - word) : len;
	auto_buf struct buf bytes = {0};
	struct checksum c = {0};

	if (!dash || (options && options < dash))
		return false;
	c.len = checksum_algorithm(word, (size_t)(dash - word), &c.algorithm);
	buf_init(&bytes, DIGEST_BYTES_MAX + 2);
	if (c.len == 0 || base64_decode(&bytes, dash + 1, end - (size_t)(dash + 1 - word)) < 0 ||
		bytes.len != c.len)
		return false;
	memcpy(c.bytes, bytes.data, c.len);
	*ret = c;
	return true;
}

/* The longest digest is the strongest. Of several that are as strong, the first. */
static struct checksum strongest(const char *integrity)
{
	struct checksum best = {0}, found;
	const char *p = integrity;

	for (; *p; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		if (read_hash(p, strcspn(p, " "), &found) && found.len > best.len)
			best = found;
	}
	return best;
}

static int add_checksum(
	const struct reader *r, const struct package *p, struct node *item, struct err *e)
{
	struct checksum sum;

	if (!p->integrity)
		return 0;
	sum = strongest(p->integrity);
	if (!sum.len)
		return refuse(r, p->place, "has an integrity without a hash that is known", e);
	node_set_string(item, "checksum", checksum_show(&sum).s);
	return 0;
}

/* ---- URLs ---- */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_on_server(const char *text)
{
	return begins(text, "https://") || begins(text, "http://");
}

/* A place is a name of its last component, or of its last two with a scope. */
static const char *name_of_place(const char *place)
{
	const char *name = place, *next;

	while ((next = strstr(name, MODULES)))
		name = next + strlen(MODULES);
	return name;
}

/* As each registry has them: REGISTRY/NAME/-/END-OF-NAME-VERSION.tgz. */
static char *url_in_registry(const struct reader *r, const struct package *p)
{
	const char *name = p->name ? p->name : name_of_place(p->place);
	const char *slash = strrchr(name, '/');

	return mem_printf(
		"%s%s/-/%s-%s.tgz", r->registry, name, slash ? slash + 1 : name, p->version);
}

/* The registry that is set has what the client's own one has, at the same paths. */
static char *url_of(const struct reader *r, const struct package *p)
{
	static const char own[] = NPM_ADDRESS;

	if (!p->resolved)
		return url_in_registry(r, p);
	if (begins(p->resolved, own))
		return mem_printf("%s%s", r->registry, p->resolved + strlen(own));
	return mem_strdup(p->resolved);
}

/* No byte that is not allowed in a URL, and none that ends one in a message. */
static bool is_plain(const char *url)
{
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p))
			return false;
	return true;
}

static int check_url(
	const struct reader *r, const struct package *p, const char *url, struct err *e)
{
	const char *host = password_skip_scheme(url);

	if (password_is_in(url) || memchr(host, '@', strcspn(host, "/?#")))
		return refuse(r, p->place, "is at a URL with credentials, which are not used", e);
	if (!is_plain(url))
		return refuse(r, p->place, "is at a malformed URL", e);
	return 0;
}

/* ---- places ---- */

/* Components of "node_modules/NAME" and "node_modules/@SCOPE/NAME", again and again. */
static bool is_place(const char *place)
{
	auto_free char *shown = text_safe(place, LIMIT_LOCK_PLACE);

	if (strlen(place) + strlen(".tgz") > LIMIT_LOCK_PLACE || strcmp(shown, place) != 0)
		return false;
	for (const char *p = place;; p++) {
		size_t len = strcspn(p, "/");

		if (len == 0 || len + strlen(".tgz") > LIMIT_NAME_BYTES || p[0] == '.')
			return false;
		p += len;
		if (!*p)
			return true;
	}
}

/* Others are directories of the source: workspaces, and what links lead to. */
static bool is_of_modules(const char *place)
{
	const char *name = name_of_place(place);
	const char *slash = strchr(name, '/');

	if (name == place || !*name)
		return false;
	return !slash || (name[0] == '@' && !strchr(slash + 1, '/'));
}

static int add_package(struct reader *r, const struct package *p, struct err *e)
{
	auto_free char *file = mem_printf("%s.tgz", p->place);
	auto_free char *url = NULL;
	auto_node struct node *item = node_map();

	if (!p->resolved && !p->version)
		return refuse(r, p->place, "has neither a version nor a URL", e);
	if (p->resolved && begins(p->resolved, "file:"))
		return 0;
	if (p->resolved && !is_on_server(p->resolved))
		return refuse(r, p->place,
			"is not an archive on a server, and npm_get fetches no other: "
			"bring it with git_get, or depend on a release of it",
			e);
	if (!is_place(p->place))
		return refuse(r, p->place, "is not the name of a package", e);
	url = url_of(r, p);
	if (check_url(r, p, url, e) < 0 || add_checksum(r, p, item, e) < 0)
		return -1;
	if (r->items->count == LIMIT_LOCK_PACKAGES)
		return err_reason(e, ERR_INPUT, "fetch_lock_file", "%s: more than %d packages",
			r->name, LIMIT_LOCK_PACKAGES);
	node_set_string(item, "of", p->place);
	node_set_string(item, "url", url);
	node_set_string(item, "filename", file);
	node_add(r->items, steal_ptr(&item));
	return 0;
}

/* ---- versions 2 and 3 ---- */

static int add_packages(struct reader *r, const struct node *packages, struct err *e)
{
	const struct node *n;

	node_each (packages, n) {
		const struct package p = {.place = n->key,
			.name = node_get_text(n, "name", NULL),
			.version = node_get_text(n, "version", NULL),
			.resolved = node_get_text(n, "resolved", NULL),
			.integrity = node_get_text(n, "integrity", NULL)};

		if (!is_of_modules(p.place) || node_get_bool(n, "link", false) ||
			node_get_bool(n, "inBundle", false))
			continue;
		if (add_package(r, &p, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- version 1 ---- */

/* "npm:NAME@VERSION": a package under another name than its own. */
static char *read_alias(const char *version, struct package *p)
{
	static const char scheme[] = "npm:";
	char *name, *at;

	if (!version || !begins(version, scheme))
		return NULL;
	name = mem_strdup(version + strlen(scheme));
	at = strrchr(name, '@');
	if (at && at != name) {
		*at = '\0';
		p->name = name;
		p->version = at + 1;
	}
	return name;
}

static int add_dependency(struct reader *r, const struct node *n, const char *place, struct err *e)
{
	const char *version = node_get_text(n, "version", NULL);
	struct package p = {.place = place,
		.version = version,
		.resolved = node_get_text(n, "resolved", NULL),
		.integrity = node_get_text(n, "integrity", NULL)};
	auto_free char *alias = read_alias(version, &p);

	if (node_get_bool(n, "bundled", false))
		return 0;
	/* A version with a colon is where it is: a URL, a file, a repository. */
	if (!alias && !p.resolved && version && strchr(version, ':'))
		p.resolved = version;
	return add_package(r, &p, e);
}

/* The reader of JSON has a limit of depth. */
static int add_dependencies(
	struct reader *r, const struct node *dependencies, const char *above, struct err *e)
{
	const struct node *n;

	node_each (dependencies, n) {
		auto_free char *place = mem_printf("%s" MODULES "%s", above, n->key);
		auto_free char *below = mem_printf("%s/", place);

		if (add_dependency(r, n, place, e) < 0 ||
			add_dependencies(r, node_get(n, "dependencies"), below, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- files ---- */

/* Version 2 has both forms of the same. */
static int add_all(struct reader *r, const struct node *lock, struct err *e)
{
	const struct node *packages = node_get(lock, "packages");

	if (packages && packages->kind == NODE_MAP)
		return add_packages(r, packages, e);
	if (node_get(lock, "lockfileVersion"))
		return add_dependencies(r, node_get(lock, "dependencies"), "", e);
	return err_reason(
		e, ERR_INPUT, "fetch_lock_file", "%s: is not a lock file of npm", r->name);
}

int npmlock_parse(const char *text, size_t len, const char *name, const char *registry,
	struct node **ret_items, struct err *e)
{
	static const struct node_size limits = {
		.depth = LIMIT_LOCK_DEPTH, .count = LIMIT_LOCK_VALUES, .bytes = LIMIT_LOCK_BYTES};
	const char *slash = registry[strlen(registry) - 1] == '/' ? "" : "/";
	auto_free char *address = mem_printf("%s%s", registry, slash);
	auto_node struct node *lock = NULL, *items = node_list();
	struct reader r = {.name = name, .registry = address, .items = items};

	if (jsonl_parse_within(text, len, name, &limits, &lock, e) < 0)
		return err_because(e, "fetch_lock_file");
	if (add_all(&r, lock, e) < 0)
		return -1;
	*ret_items = steal_ptr(&items);
	return 0;
}

int npmlock_read(int source, const char *registry, struct node **ret_items, struct err *e)
{
	static const char *const names[] = {NPM_LOCKS};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_buf struct buf text = {0};

		buf_init(&text, LIMIT_LOCK_BYTES);
		if (fd_read_beneath(source, names[i], &text, NULL) == 0)
			return npmlock_parse(text.data, text.len, names[i], registry, ret_items, e);
		if (errno == EFBIG)
			return err_reason(e, ERR_INPUT, "fetch_lock_file",
				"%s: larger than %zu bytes", names[i], (size_t)LIMIT_LOCK_BYTES);
		if (errno != ENOENT)
			return err_reason(e, ERR_INPUT, "fetch_lock_file",
				"%s: is not a regular file in the source directory", names[i]);
	}
	return err_reason(e, ERR_INPUT, "fetch_lock_file",
		"there is no package-lock.json in the source: 'npm install' makes one");
}
