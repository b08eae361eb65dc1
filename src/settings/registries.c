/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/registries.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/password.h"
#include "base/text.h"
#include "contract/endpoint.h"
#include "egress/egress.h"
#include "settings/clientfile.h"
#include "settings/limits.h"

#define BUILT_IN "built into the client"

/* ---- addresses ---- */

static bool has_user(const char *address)
{
	const char *start = password_skip_scheme(address);

	return memchr(start, '@', strcspn(start, "/?#\\")) != NULL;
}

/* NULL: it can be used. The address is not quoted if it may have a password. */
static const char *why_no_address(const char *address)
{
	auto_endpoints struct endpoints endpoints = {0};
	struct err why = {0};

	if (password_is_in(address) || has_user(address))
		return "has credentials in it, which are not supported in this version; use a "
		       "mirror "
		       "that needs none";
	if (strpbrk(address, "?#"))
		return "has a query in it, as tokens are given in, which are not supported in this "
		       "version; use a mirror that needs none";
	for (const char *p = address; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return "has a blank or another character that no address has";
	if (strchr(address, '$') || strchr(address, '%'))
		return "names a variable, and none is expanded";
	if (strlen(address) > LIMIT_REGISTRY_ADDRESS)
		return "is too long";
	if (endpoints_add_url(&endpoints, ecosystem_url(address), &why) < 0)
		return "is not the address of an http or https server";
	if (endpoints.items[0].port != 80 && endpoints.items[0].port != 443)
		return "has a port that VMs cannot reach; there are 80 and 443";
	return NULL;
}

/* ---- of the configuration ---- */

static const struct ecosystem *find(const struct ecosystem *const *all, const char *name)
{
	for (; *all; all++)
		if (strcmp((*all)->name, name) == 0)
			return *all;
	return NULL;
}

static int unknown(const struct node *item, const struct ecosystem *const *all, struct err *e)
{
	auto_free char *shown = text_safe(item->key, LIMIT_NAME_BYTES);
	auto_buf struct buf names = {0};

	buf_init(&names, LIMIT_REGISTRY_ADDRESS);
	for (; *all; all++)
		buf_addf(&names, "%s%s", names.len ? ", " : "", (*all)->name);
	return node_err(
		item, NULL, e, "there is no registry '%s'; there are %s", shown, names.data);
}

/* Names and addresses become a file of the client. */
static int check_named(const struct node *named, const struct ecosystem *eco, struct err *e)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const struct node *item;

	if (node_count(named) && !eco->named)
		return node_err(named, NULL, e,
			"'" REGISTRY_NAMED "' is for cargo; manifests of %s name no registries",
			eco->client);
	if (node_count(named) > LIMIT_REGISTRY_HOSTS)
		return node_err(named, NULL, e, "'" REGISTRY_NAMED "' has more than %d items",
			LIMIT_REGISTRY_HOSTS);
	node_each (named, item) {
		const char *why = strpbrk(item->text, "\"\\") ? "has a quote or a backslash in it"
							      : why_no_address(item->text);

		if (why)
			return node_err(item, NULL, e, "the registry's address %s", why);
		if (!item->key[0] || item->key[strspn(item->key, letters)] ||
			strlen(item->key) > LIMIT_NAME_BYTES)
			return node_key_err(item, NULL, e,
				"the name of a registry has letters, digits, '-' and '_' only");
	}
	return 0;
}

static int check_also(const struct node *host, struct err *e)
{
	char name[EGRESS_HOST_MAX + 1];
	struct err why = {0};

	if (egress_host_name(host->text, name, &why) < 0)
		return node_err(
			host, NULL, e, "'also' has names of hosts, without a port: %s", why.msg);
	return 0;
}

static int check_configured(const struct node *item, const struct ecosystem *eco, struct err *e)
{
	const struct node *address = node_get(item, REGISTRY_ADDRESS);
	const struct node *also = node_get(item, REGISTRY_ALSO), *host;
	const char *why = node_text(address) ? why_no_address(address->text) : NULL;

	if (why)
		return node_err(address, NULL, e, "the registry's address %s", why);
	if (node_count(also) > LIMIT_REGISTRY_HOSTS)
		return node_err(
			also, NULL, e, "'also' has more than %d items", LIMIT_REGISTRY_HOSTS);
	node_each (also, host)
		if (check_also(host, e) < 0)
			return -1;
	return check_named(node_get(item, REGISTRY_NAMED), eco, e);
}

static int check_all(const struct config *c, const struct ecosystem *const *all, struct err *e)
{
	const struct node *item;

	node_each (node_get(c->effective, REGISTRIES_KEY), item) {
		const struct ecosystem *eco = find(all, item->key);

		if (!eco)
			return unknown(item, all, e);
		if (check_configured(item, eco, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- of the host's clients ---- */

/* Of a list, as GOPROXY is one, the first. */
static void cut_list(char *address)
{
	address[strcspn(address, ",|")] = '\0';
}

/* The first setting that is there counts, also if it cannot be used. */
static void ask_clients(const struct ecosystem *eco, struct node *ret)
{
	for (const struct client_setting *s = eco->settings; s && s->file; s++) {
		auto_free char *address = NULL, *message = NULL;
		struct err why = {0};
		const char *bad;

		if (clientfile_get(s, &address, &why) < 0) {
			message = mem_printf("%s; set 'address' of 'registries: %s' in the "
					     "configuration",
				why.msg, eco->name);
			node_set_string(ret, REGISTRY_ERROR, message);
			return;
		}
		if (!address)
			continue;
		cut_list(address);
		bad = why_no_address(address);
		message =
			mem_printf("the registry of %s in %s %s; set 'address' of 'registries: %s' "
				   "in the configuration",
				eco->client, s->file, bad ? bad : "", eco->name);
		node_set_string(
			ret, bad ? REGISTRY_ERROR : REGISTRY_ADDRESS, bad ? message : address);
		node_set_string(ret, REGISTRY_FROM, s->file);
		return;
	}
}

/* ---- all of them ---- */

static void use_built_in(const struct ecosystem *eco, struct node *ret)
{
	struct node *also = node_set_list(ret, REGISTRY_ALSO);

	node_set_string(ret, REGISTRY_ADDRESS, eco->address);
	node_set_string(ret, REGISTRY_FROM, BUILT_IN);
	for (const char *const *host = eco->also; host && *host; host++)
		node_add_string(also, *host);
}

static struct node *resolve(const struct config *c, const struct ecosystem *eco)
{
	const struct node *own = node_get(node_get(c->effective, REGISTRIES_KEY), eco->name);
	const struct node *also = node_get(own, REGISTRY_ALSO);
	const struct node *address = node_get(own, REGISTRY_ADDRESS);
	struct node *ret = node_map();

	if (address) {
		node_set_string(ret, REGISTRY_ADDRESS, address->text);
		node_set_string(ret, REGISTRY_FROM, address->file);
	} else {
		ask_clients(eco, ret);
	}
	if (!node_get(ret, REGISTRY_FROM) && !node_get(ret, REGISTRY_ERROR))
		use_built_in(eco, ret);
	if (also && node_count(also))
		node_set(ret, REGISTRY_ALSO, node_copy(also));
	if (node_count(node_get(own, REGISTRY_NAMED)))
		node_set(ret, REGISTRY_NAMED, node_copy(node_get(own, REGISTRY_NAMED)));
	return ret;
}

int registries_resolve(struct config *c, const struct ecosystem *const *all, struct err *e)
{
	if (check_all(c, all, e) < 0)
		return -1;
	c->registries = node_map();
	for (; *all; all++)
		node_set(c->registries, (*all)->name, resolve(c, *all));
	return 0;
}
