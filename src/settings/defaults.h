/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container image says about the programs that are run in it: variables, a directory, a
 * user. It is kept in image.yaml, and holds in machines that run programs of others: those of plans,
 * and those of actions like `fetch`. In a trusted machine it would be a stranger's word to the
 * operator's programs.
 *
 * Left out are variables by which a loader, a shell, an interpreter or a client runs, loads or
 * trusts what its command does not name: LD_*, GIT_*, SSL_CERT_*, *_proxy, BASH_ENV, NODE_OPTIONS
 * and the like. Search paths for modules (PYTHONPATH) stay, as PATH does: they are how an image says
 * where its own files are.
 */
#ifndef SETTINGS_DEFAULTS_H
#define SETTINGS_DEFAULTS_H

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "data/schema.h"

struct image_defaults {
	struct strv env; /* "NAME=value"; at most LIMIT_DEFAULTS_VARIABLES, LIMIT_DEFAULTS_BYTES */
	char *directory; /* absolute; NULL: none */
	char *user;      /* as user_is_valid has it; NULL: none */
};

extern const struct param defaults_params[]; /* of the map in image.yaml */

void defaults_release(struct image_defaults *d);
#define auto_defaults __attribute__((cleanup(defaults_release)))

/*
 * Take Env, WorkingDir and User of a container image's configuration (OCI image specification 1.1,
 * config.md); `config` may be NULL. What is left out of Env and WorkingDir is a warning. ERR_INPUT: a
 * value of another type, a user that is none, more variables than the limits allow.
 */
int defaults_from_container(const struct node *config, struct image_defaults *ret,
	struct strv *warnings, struct err *e) NODISCARD;

/* A map for image.yaml; NULL: it would be empty. The caller frees. */
struct node *defaults_to_node(const struct image_defaults *d);

/*
 * Read a map that defaults_params accepts; NULL: none. ERR_INPUT with its position in `file`: a value
 * that defaults_from_container would have left out.
 */
int defaults_from_node(const struct node *map, const char *file, struct image_defaults *ret,
	struct err *e) NODISCARD;

#endif
