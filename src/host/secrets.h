/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of one run: those that an action of a trusted VM names, and that the configuration
 * allows to this project and this action. They are read before the run begins and are in memory
 * only (vault.h): a VM gets them on a drive that is a file in memory.
 *
 *	secrets_want_host(&s, &who, user, host, e)   for each action that logs in somewhere
 *	secrets_read(&s, e)                          all or nothing
 *	secrets_add_drive(&s, phase, drives, e)      for each VM that needs one
 *	secrets_audit(&s, phase, sink)               an event for each use, never with the value
 *
 * On the drive, for ambient-execute-plan to put into GUEST_SECRETS: each secret under its name, and
 * in GUEST_SSH_CONFIG a configuration for ssh(1) that knows the hosts of the configuration and
 *nothing else: their keys are checked, and connections go through the proxy.
 */
#ifndef HOST_SECRETS_H
#define HOST_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/vault.h"
#include "core/event.h"
#include "host/credentials.h"
#include "host/drives.h"
#include "host/mask.h"

struct secret {
	const struct credential *from;
	struct vault value;
	size_t len;
};

/* One action and one secret. */
struct secret_use {
	const char *secret;
	enum plan_source phase;
	size_t index; /* of the action in its list */
	char *action;
};

struct secret_host {
	const struct credential_host *from;
	enum plan_source phase;
	struct vault known_hosts, certificate;
	size_t known_hosts_len, certificate_len;
};

struct secrets {
	struct secret items[LIMIT_SECRETS];
	size_t count;
	struct secret_use *uses;
	size_t use_count;
	struct secret_host *hosts;
	size_t host_count;
};

void secrets_release(struct secrets *s); /* wipes; a zeroed struct is none */
#define auto_secrets __attribute__((cleanup(secrets_release)))

/* Who asks. */
struct secrets_asker {
	const struct credentials *credentials;
	const char *project;
	enum plan_source phase;
	size_t index;
	const char *action;
};

/*
 * An action names a secret. ERR_INPUT, reason no_secret when there is none of this name,
 * secret_refused when the configuration does not give it to this project or this action.
 */
int secrets_want(struct secrets *s, const struct secrets_asker *who, const char *name,
	struct err *e) NODISCARD;

/*
 * An action logs in to a host, as this user (NULL: not said): it names the key of that host.
 * ERR_INPUT, reason no_ssh_host, when `ssh` of the configuration does not have it.
 */
int secrets_want_host(struct secrets *s, const struct secrets_asker *who, const char *user,
	const char *host, struct err *e) NODISCARD;

/*
 * Read all that was wanted. ERR_INPUT, reason secret_unreadable: a file that is not there, or that
 * others have access to; a command that fails or takes too long; a variable that is not set; a
 * value that is too long, or too short to be kept out of logs (mask.h).
 */
int secrets_read(struct secrets *s, struct err *e) NODISCARD;

/* Has any action of this phase a secret? */
bool secrets_in_phase(const struct secrets *s, enum plan_source phase);

/* Add DRIVE_SECRETS with what the actions of this phase named. Nothing is added when that is none.
 */
int secrets_add_drive(const struct secrets *s, enum plan_source phase, struct drives *drives,
	struct err *e) NODISCARD;

/* What must not be in any log; mask_ready is the caller's. */
void secrets_add_to_mask(const struct secrets *s, struct mask *m);

/* EVENT_SECRET_USED for every use in this phase. */
void secrets_audit(const struct secrets *s, enum plan_source phase, const struct event_sink *sink);

#endif
