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
#ifndef SECRETS_SECRETS_H
#define SECRETS_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/sshagent.h"
#include "base/err.h"
#include "base/limits.h"
#include "contract/event.h"
#include "machine/drives.h"
#include "os/vault.h"
#include "secrets/mask.h"
#include "settings/credentials.h"

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
	bool agent; /* it stays on the host, whose agent signs with it */
};

struct secret_host {
	const struct credential_host *from;
	enum plan_source phase;
	struct strv users; /* as whom actions log in */
	struct vault known_hosts, certificate;
	size_t known_hosts_len, certificate_len;
	/* With ssh_agent: */
	const struct secret *key;
	struct buf public_key, certificate_blob;
	struct knownhosts known;
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
 * Read all that was wanted. ERR_INPUT, reason secret_missing: a file that is not there, a variable
 * that is not set. Reason secret_unreadable: a file that others have access to; a command that
 * fails or takes too long; a value that is too long, or too short to be kept out of logs (mask.h);
 * with ssh_agent a key that the agent cannot use, a certificate for another key, known hosts
 * without the host.
 */
int secrets_read(struct secrets *s, struct err *e) NODISCARD;

/*
 * What the agent of this phase's VM may sign (sshagent.h); without a login when it needs none.
 * After secrets_read; what it points at is borrowed.
 */
void secrets_agent(const struct secrets *s, enum plan_source phase, struct sshagent_rules *ret);

/* Has any action of this phase a secret? */
bool secrets_in_phase(const struct secrets *s, enum plan_source phase);

/* Add DRIVE_SECRETS with what the actions of this phase named. Nothing is added when that is none.
 */
int secrets_add_drive(const struct secrets *s, enum plan_source phase, struct drives *drives,
	struct err *e) NODISCARD;

/* What must not be in any log; mask_ready is the caller's. */
void secrets_add_to_mask(const struct secrets *s, struct mask *m);

/* EVENT_WARNING for each secret whose short lines make logs hard to read. */
void secrets_warn(const struct secrets *s, const struct event_sink *sink);

/* EVENT_SECRET_USED for every use in this phase. */
void secrets_audit(const struct secrets *s, enum plan_source phase, const struct event_sink *sink);

#endif
