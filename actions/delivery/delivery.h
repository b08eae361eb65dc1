/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the actions that deliver artifacts share, on the host: the target that the configuration
 * names for them, and the step `upload` that they become.
 */
#ifndef ACTIONS_DELIVERY_DELIVERY_H
#define ACTIONS_DELIVERY_DELIVERY_H

#include "actions/table.h"

/* How the step `upload` goes about it. */
#define UPLOAD_RSYNC "rsync"     /* the directory as it is; what else is there is removed */
#define UPLOAD_SFTP "sftp"       /* the files of the directory */
#define UPLOAD_CHANGES "changes" /* Debian packages: each .changes and the files that it lists */
#define UPLOAD_PUT "put"         /* the same by HTTP */

/* The `kind` of an action that delivers. */
struct delivery {
	const char *key;    /* of the configuration, which holds the target */
	const char *method; /* UPLOAD_... */
	const char *names;  /* of the configuration: a mapping of names to targets; NULL: none */
	const char *web; /* the method for targets that are http:// and https://; NULL: refused */
};

/*
 * expand and reach of all of them (action.h). The text of the target is [USER@]HOST:PATH or
 * sftp://[USER@]HOST/PATH, or http[s]://HOST/PATH, or a name; PATH may be empty. The arguments may
 * have `artifacts`, a directory of the artifacts.
 */
int delivery_expand(const struct entry *entry, const struct node *settings, struct plan *out,
	struct err *e) NODISCARD;
int delivery_reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e) NODISCARD;

/* ERR_INPUT that does not repeat the target, when there is a password in it. `key` names it. */
int delivery_check_password(const char *key, const char *text, struct err *e) NODISCARD;

/*
 * The targets of the effective configuration, whether an action uses them or not: none has a
 * password in it, and those under dput_targets are names and targets. ERR_INPUT with position.
 */
int delivery_check_config(const struct node *config, const char *file, struct err *e) NODISCARD;

/* The parameter of those that take a sub-directory, and its check. */
extern const struct param delivery_params[];
int delivery_check(const struct node *args, const char *file, struct err *e) NODISCARD;

/* upload.c: what the step does, with artifacts at `top`. */
int delivery_upload(
	struct action_ctx *ctx, const struct node *args, const char *top, struct err *e) NODISCARD;

#endif
