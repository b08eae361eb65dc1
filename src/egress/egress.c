/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/egress.h"

#include <string.h>

#include "base/text.h"
#include "egress/limits.h"

enum { LABEL_MAX = 63, QUOTED_MAX = 100 };

static const unsigned web_ports[] = {80, 443, 0};
static const unsigned target_ports[] = {22, 80, 443, 0};

void egress_release(struct egress *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free(g->rules[i].host);
		strv_release(&g->rules[i].from);
	}
	free(g->rules);
	strv_release(&g->private_hosts);
	*g = (struct egress){0};
}

/* ---- names ---- */

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_label(const char *s, size_t len)
{
	if (len == 0 || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_name_byte(s[i]))
			return false;
	return true;
}

static bool is_name(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, ".");

		if (!is_label(s, len))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/*
 * Convert to lower case and remove a trailing dot. A name that is too long becomes empty, which is
 * invalid, too.
 */
static void fold(const char *host, char *ret_name)
{
	size_t len = strnlen(host, EGRESS_HOST_MAX + 1);

	if (len > 1 && !host[len] && host[len - 1] == '.')
		len--;
	if (len > EGRESS_HOST_MAX)
		len = 0;
	for (size_t i = 0; i < len; i++)
		ret_name[i] =
			host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] - 'A' + 'a') : host[i];
	ret_name[len] = '\0';
}

static enum egress_verdict name_of(const char *host, char *ret_name)
{
	fold(host, ret_name);
	if (is_ascii(host) && address_is_literal(host))
		return EGRESS_IP_LITERAL;
	return is_name(ret_name) ? EGRESS_ALLOWED : EGRESS_BAD_HOST;
}

static bool looks_like_port(const char *host)
{
	const char *colon = strchr(host, ':');

	return colon && !strpbrk(colon + 1, ":]") && host[0] != '[';
}

int egress_host_name(const char *host, char *ret_name, struct err *e)
{
	auto_free char *quoted = text_safe(host, QUOTED_MAX);
	enum egress_verdict v;

	if (!*host)
		return err_set(e, ERR_INPUT, "the name of a host is missing");
	if (!is_ascii(host))
		return err_set(e, ERR_INPUT,
			"host '%s' is not ASCII: write its ASCII form, which begins with 'xn--'",
			quoted);
	v = name_of(host, ret_name);
	if (v == EGRESS_ALLOWED)
		return 0;
	if (v == EGRESS_IP_LITERAL && !looks_like_port(host))
		return err_set(e, ERR_INPUT,
			"host '%s' is an address: virtual machines reach hosts by name only",
			quoted);
	return err_set(e, ERR_INPUT, "host '%s' is not a host name%s", quoted,
		looks_like_port(host) ? ": no port belongs here" : "");
}

/* ---- adding ---- */

/* The position of the rule for this host, or where to insert it. */
static size_t find_place(const struct egress *g, const char *name)
{
	size_t low = 0, high = g->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(g->rules[middle].host, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct egress_rule *find_rule(const struct egress *g, const char *name)
{
	size_t i = find_place(g, name);

	return i < g->count && strcmp(g->rules[i].host, name) == 0 ? &g->rules[i] : NULL;
}

static struct egress_rule *insert_rule(struct egress *g, const char *name)
{
	size_t i = find_place(g, name);

	g->rules = mem_resize(g->rules, g->count + 1, sizeof(*g->rules));
	memmove(&g->rules[i + 1], &g->rules[i], (g->count - i) * sizeof(*g->rules));
	g->rules[i] = (struct egress_rule){.host = mem_strdup(name)};
	g->count++;
	return &g->rules[i];
}

static bool has_port(const unsigned *ports, unsigned port)
{
	for (; *ports; ports++)
		if (*ports == port)
			return true;
	return false;
}

/*
 * Ports are kept in the order of target_ports. All valid ports are in target_ports, so there is
 * room.
 */
static void open_port(struct egress_rule *r, unsigned port)
{
	unsigned open[EGRESS_PORTS_MAX + 1] = {0};
	size_t n = 0;

	memcpy(open, r->ports, sizeof(r->ports));
	memset(r->ports, 0, sizeof(r->ports));
	for (const unsigned *p = target_ports; *p; p++)
		if (*p == port || has_port(open, *p))
			r->ports[n++] = *p;
}

static int add(struct egress *g, const char *host, unsigned port, const unsigned *right_ports,
	const char *from, struct err *e)
{
	char name[EGRESS_HOST_MAX + 1];
	struct egress_rule *r;

	if (egress_host_name(host, name, e) < 0)
		return -1;
	if (!has_port(right_ports, port))
		return err_set(e, ERR_INPUT,
			"port %u of host '%s': virtual machines reach ports 80 and 443%s", port,
			name,
			right_ports == target_ports
				? ", and 22"
				: ", and port 22 of targets that the configuration names");
	r = find_rule(g, name);
	if (!r && g->count == LIMIT_EGRESS_HOSTS)
		return err_set(e, ERR_INPUT, "host '%s': more than %d hosts for one machine", name,
			LIMIT_EGRESS_HOSTS);
	if (!r)
		r = insert_rule(g, name);
	open_port(r, port);
	if (!strv_has(&r->from, from))
		strv_push(&r->from, from);
	return 0;
}

int egress_add(struct egress *g, const char *host, unsigned port, const char *from, struct err *e)
{
	return add(g, host, port, web_ports, from, e);
}

int egress_add_target(
	struct egress *g, const char *host, unsigned port, const char *from, struct err *e)
{
	return add(g, host, port, target_ports, from, e);
}

int egress_add_endpoint(struct egress *g, const struct endpoint *p, const char *from, struct err *e)
{
	auto_free char *quoted = NULL;

	if (p->scheme == ENDPOINT_SSH)
		return egress_add_target(g, p->host, p->port, from, e);
	if (egress_add(g, p->host, p->port, from, e) == 0)
		return 0;
	quoted = text_safe(p->text, QUOTED_MAX);
	return err_wrap(e, "URL '%s'", quoted);
}

int egress_add_configured(struct egress *g, const char *item, const char *from, struct err *e)
{
	auto_free char *host = mem_strdup(item);
	unsigned port = 0;

	if (endpoint_split_port(host, &port) < 0) {
		auto_free char *quoted = text_safe(item, QUOTED_MAX);

		return err_set(e, ERR_INPUT, "'%s' has an invalid port after the colon", quoted);
	}
	if (port)
		return egress_add_target(g, host, port, from, e);
	for (const unsigned *p = web_ports; *p; p++)
		if (egress_add(g, host, *p, from, e) < 0)
			return -1;
	return 0;
}

int egress_add_private(struct egress *g, const char *host, struct err *e)
{
	char name[EGRESS_HOST_MAX + 1];

	if (egress_host_name(host, name, e) < 0)
		return -1;
	if (!strv_has(&g->private_hosts, name))
		strv_push(&g->private_hosts, name);
	return 0;
}

int egress_add_config(
	struct egress *g, const struct strv *allow, const struct strv *allow_private, struct err *e)
{
	strv_each (allow, item)
		if (egress_add_configured(g, *item, "configuration", e) < 0)
			return err_wrap(e, "egress.allow");
	strv_each (allow_private, host)
		if (egress_add_private(g, *host, e) < 0)
			return err_wrap(e, "egress.allow_private");
	return 0;
}

/* ---- deciding ---- */

enum egress_verdict egress_check(const struct egress *g, const char *host, unsigned port)
{
	char name[EGRESS_HOST_MAX + 1];
	enum egress_verdict v = name_of(host, name);
	const struct egress_rule *r;

	if (v != EGRESS_ALLOWED)
		return v;
	r = find_rule(g, name);
	if (!r)
		return EGRESS_HOST_REFUSED;
	for (size_t i = 0; i < EGRESS_PORTS_MAX; i++)
		if (port != 0 && r->ports[i] == port)
			return EGRESS_ALLOWED;
	return EGRESS_PORT_REFUSED;
}

enum egress_verdict egress_check_address(
	const struct egress *g, const char *host, const struct address *a)
{
	const struct address_kind *kind = address_special(a);
	char name[EGRESS_HOST_MAX + 1];

	if (!kind)
		return EGRESS_ALLOWED;
	if (kind->never || name_of(host, name) != EGRESS_ALLOWED)
		return EGRESS_ADDRESS_REFUSED;
	return strv_has(&g->private_hosts, name) ? EGRESS_ALLOWED : EGRESS_ADDRESS_REFUSED;
}

static const char *const verdict_names[EGRESS_VERDICTS] = {
	[EGRESS_ALLOWED] = "allowed",
	[EGRESS_BAD_HOST] = "bad_host",
	[EGRESS_IP_LITERAL] = "ip_literal",
	[EGRESS_HOST_REFUSED] = "host_not_allowed",
	[EGRESS_PORT_REFUSED] = "port_not_allowed",
	[EGRESS_ADDRESS_REFUSED] = "address_not_allowed",
};

const char *egress_verdict_name(enum egress_verdict v)
{
	return verdict_names[v];
}

/* ---- showing ---- */

struct node *egress_to_node(const struct egress *g)
{
	struct node *list = node_list();

	for (size_t i = 0; i < g->count; i++) {
		const struct egress_rule *r = &g->rules[i];
		struct node *item = node_add_map(list);
		struct node *ports;

		node_set_string(item, "host", r->host);
		ports = node_set_list(item, "ports");
		for (size_t p = 0; p < EGRESS_PORTS_MAX && r->ports[p]; p++)
			node_add(ports, node_uint(r->ports[p]));
		node_set_bool(item, "private", strv_has(&g->private_hosts, r->host));
		node_add_strv(node_set_list(item, "from"), &r->from);
	}
	return list;
}
