/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared code of the actions that deliver artifacts, on the host: the target in the configuration,
 * and the expansion to the step `upload`.
 */
#ifndef ACTIONS_DELIVERY_DELIVERY_H
#define ACTIONS_DELIVERY_DELIVERY_H

#include "actions/table.h"

/* Methods of the step `upload`. */
#define UPLOAD_RSYNC "rsync"     /* the directory; all other files at the target are removed */
#define UPLOAD_SFTP "sftp"       /* the files of the directory */
#define UPLOAD_CHANGES "changes" /* Debian packages: each .changes and the files that it lists */
#define UPLOAD_PUT "put"         /* the same, by HTTP PUT */

/* The `kind` of an action that delivers artifacts. */
struct delivery {
	const char *key;    /* key of the target in the configuration */
	const char *method; /* UPLOAD_... */
	const char *names;  /* key of a mapping of names to targets; NULL: none */
	const char *web;    /* the method for targets with http:// or https://; NULL: rejected */
};

/*
 * expand and reach (action.h) of all these actions. The target is [USER@]HOST:PATH,
 * sftp://[USER@]HOST/PATH, http[s]://HOST/PATH, or a name; PATH may be empty. The arguments may
 * have `artifacts`, a directory of the artifacts.
 */
int delivery_expand(const struct entry *entry, const struct node *settings, struct plan *out,
	struct err *e) NODISCARD;
int delivery_reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e) NODISCARD;

/* ERR_INPUT if the target contains a password. The message has `key`, but not the target. */
int delivery_check_password(const char *key, const char *text, struct err *e) NODISCARD;

/*
 * Check all targets of the effective configuration, even if no action uses them. ERR_INPUT with
 * file, line and column: a target contains a password, or dput_targets has an invalid name or
 * target. Other targets that no action could use are warnings, appended as one line each.
 */
int delivery_check_config(const struct node *config, const char *file, struct strv *warnings,
	struct err *e) NODISCARD;

/* The parameter of actions with a sub-directory, by its default, and its check. */
extern const struct param delivery_params[], delivery_rsync_params[], delivery_debian_params[];
int delivery_check(const struct node *args, const char *file, struct err *e) NODISCARD;

/* upload.c: run the step `upload`, with the artifacts in `top`. */
int delivery_upload(
	struct action_ctx *ctx, const struct node *args, const char *top, struct err *e) NODISCARD;

#endif
