/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of secrets and of hosts that actions log in to (docs/secrets.md). Secrets are
 * not read here, except those in environment variables. These are removed from the environment, so
 * that no program started by ambient inherits them.
 */
#ifndef SETTINGS_CREDENTIALS_H
#define SETTINGS_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "data/schema.h"
#include "os/vault.h"

/* Exactly one of file, command and variable is the source of the value. */
struct credential {
	char *name;
	char *file; /* absolute */
	struct strv command;
	char *variable;
	struct vault value; /* the value of the variable; empty if it was not set */
	size_t value_len;
	/* From the list of 0.21.1: for the post_plans of all projects, and without the next two. */
	bool listed;
	struct strv projects; /* the projects that may use it */
	struct strv actions;
};

struct credential_host {
	char *host;        /* in the form of egress_host_name; NULL: `others` */
	char *user;        /* NULL: any user */
	char *key;         /* the name of a secret */
	char *certificate; /* the path of a user certificate; NULL: none */
	char *known_hosts; /* a path */
	bool ssh_agent;    /* use the ssh agent: the key stays on the host */
};

struct credentials {
	struct credential *secrets;
	size_t count;
	struct credential_host *hosts;
	size_t host_count;
	/* For all other hosts, if the listed secret `ssh_key` is there; without a host. */
	struct credential_host *others;
};

/*
 * Read the credentials from the effective configuration, whose paths are absolute. ERR_INPUT: a
 * name that is not a valid file name, no or more than one source of a value, a host twice, an
 * undefined key. `file` is for messages.
 */
int credentials_load(const struct node *effective, const char *file, struct credentials *ret,
	struct err *e) NODISCARD;
void credentials_release(struct credentials *c); /* overwrites values from the environment */
#define auto_credentials __attribute__((cleanup(credentials_release)))

const struct credential *credentials_find(const struct credentials *c, const char *name);

/*
 * The entry for this host and user. An entry that names the user has priority over one for any
 * user, and that over `others`. NULL: none.
 */
const struct credential_host *credentials_host(
	const struct credentials *c, const char *user, const char *host);

/*
 * Ambient CI has `secrets` as a list of files and of the places where they go; only the last part of
 * a place counts. Replace such a list in a configuration by the mapping of names, with the places as
 * names. ERR_INPUT: two have the same name.
 */
int credentials_name_listed(struct node *config, struct err *e) NODISCARD;

/* The tables of `secrets`, also as a list, and of `ssh`, for help and documentation. */
extern const struct param credentials_secret_params[];
extern const struct param credentials_listed_params[];
extern const struct param credentials_ssh_params[];

#endif
