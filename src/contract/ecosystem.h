/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ecosystem: package managers that share a registry, the server from which they download.
 * A file in actions/ defines one, beside the actions that download from it. settings/registries.h
 * decides which server it is: the configuration's, else that of the host's own client, else the one
 * that the client has built in.
 */
#ifndef CONTRACT_ECOSYSTEM_H
#define CONTRACT_ECOSYSTEM_H

#include <stdbool.h>
#include <string.h>

/*
 * A place in which a client on the host may have its registry: a file of lines `KEY = VALUE` below
 * headers `[SECTION]`, as in INI and simple TOML, where `SECTION.KEY = VALUE` is the same. Letters of
 * keys may be of either case, and `_` is the same as `-`.
 */
struct client_setting {
	const char *file;    /* "~/..." or an absolute path */
	const char *section; /* NULL: lines before any header */
	const char *key;
	/*
	 * The value is the name of another section, SECTION_PREFIX and the name, in which this key
	 * has the address; NULL: the value is the address.
	 */
	const char *then_prefix, *then_key;
	const char *or_prefix, *or_key; /* the same, if it is not there; NULL: none */
	/*
	 * A file of another form, instead of the above: returns the address in its text, which the
	 * caller frees; NULL: there is none.
	 */
	char *(*find)(const char *text);
};

struct action_variable;

struct ecosystem {
	const char *name;    /* its key below `registries` */
	const char *client;  /* whose settings are read, for messages: "pip" */
	const char *address; /* of the client's own registry */
	/* hosts to which downloads from `address` are redirected; ends with NULL */
	const char *const *also;
	/* the path below `address` of something small that each such registry has, for `doctor` */
	const char *probe;
	/* Manifests may name other registries, whose addresses the client's settings have. */
	bool named;
	/* in the order in which the client prefers them; the last row has no file */
	const struct client_setting *settings;
	/*
	 * Variables of every machine with programs of others, whatever its actions are. The last row
	 * has no name. NULL: none.
	 */
	const struct action_variable *always;
};

#define ECOSYSTEM_SPARSE "sparse+" /* in front of the URL, in cargo's addresses */

/* The URL in an address. */
static inline const char *ecosystem_url(const char *address)
{
	const size_t prefix = strlen(ECOSYSTEM_SPARSE);

	return strncmp(address, ECOSYSTEM_SPARSE, prefix) == 0 ? address + prefix : address;
}

/* Keys of an item of the resolved registries (settings/registries.h). */
#define REGISTRIES_KEY "registries"
#define REGISTRY_ADDRESS "address"
#define REGISTRY_ALSO "also"
#define REGISTRY_NAMED "named" /* names and addresses */
#define REGISTRY_AUTHORITIES "ca_certificates"
#define REGISTRY_FROM "from"   /* where the address comes from, for the user */
#define REGISTRY_ERROR "error" /* instead of the others: why there is none */

#endif
