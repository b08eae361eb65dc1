/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration says about secrets and about hosts that actions log in to
 * (docs/secrets.md). No secret is read here, but for those in environment variables: they are taken
 * out of the environment, so that no program which ambient starts has them.
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

/* Exactly one of file, command and variable says where the value comes from. */
struct credential {
	char *name;
	char *file; /* absolute */
	struct strv command;
	char *variable;
	struct vault value; /* of the variable; empty when it was not set */
	size_t value_len;
	struct strv projects; /* those that may have it */
	struct strv actions;
};

struct credential_host {
	char *host;        /* as egress_host_name has it */
	char *user;        /* NULL: any */
	char *key;         /* name of a secret */
	char *certificate; /* path of a user certificate; NULL: none */
	char *known_hosts; /* path */
	bool ssh_agent;    /* the key stays on the host */
};

struct credentials {
	struct credential *secrets;
	size_t count;
	struct credential_host *hosts;
	size_t host_count;
};

/*
 * From the filled-in configuration, with absolute paths. ERR_INPUT for a name that is no file name,
 * none or two sources of a value, a host twice, a key that is not there. `file` is for messages.
 */
int credentials_load(const struct node *effective, const char *file, struct credentials *ret,
	struct err *e) NODISCARD;
void credentials_release(struct credentials *c); /* wipes what was taken from the environment */
#define auto_credentials __attribute__((cleanup(credentials_release)))

const struct credential *credentials_find(const struct credentials *c, const char *name);

/* The entry for this host and user: one that names the user before one for any. Else NULL. */
const struct credential_host *credentials_host(
	const struct credentials *c, const char *user, const char *host);

/* The rows of `secrets` and `ssh`, for help and documentation. */
extern const struct param credentials_secret_params[];
extern const struct param credentials_ssh_params[];

#endif
