/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of one run: those that an action of a trusted VM needs, and that the configuration
 * allows for this project and this action. They are read before the run begins and are only kept in
 * memory (vault.h). A VM gets them on a drive that is a file in memory.
 *
 *	secrets_want_host(&s, &who, user, host, e)   for each action that logs in somewhere
 *	secrets_read(&s, e)                          all or nothing
 *	secrets_add_drive(&s, phase, drives, e)      for each VM that needs one
 *	secrets_audit(&s, phase, sink)               an event for each use, never with the value
 *
 * The drive contains each secret under its name, which ambient-execute-plan puts into
 * GUEST_SECRETS, and a configuration for ssh(1), GUEST_SSH_CONFIG. This has only the hosts of the
 * configuration, with strict checks of their host keys, and connects through the proxy.
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
	bool agent; /* the secret stays on the host, and the host's agent signs with it */
};

struct secret_host {
	const struct credential_host *from;
	char *host;
	enum plan_source phase;
	struct strv users; /* user names with which actions log in */
	struct vault known_hosts, certificate;
	size_t known_hosts_len, certificate_len;
	const struct secret *key;
	struct buf public_key; /* blob; may be empty without ssh_agent (sshkey_check) */
	struct buf certificate_blob;
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

void secrets_release(struct secrets *s); /* wipes the memory; accepts a zeroed struct */
#define auto_secrets __attribute__((cleanup(secrets_release)))

/* The action that needs a secret. */
struct secrets_asker {
	const struct credentials *credentials;
	const char *project;
	enum plan_source phase;
	size_t index;
	const char *action;
};

/*
 * Register that an action needs a secret. ERR_INPUT, reason no_secret if there is none of this
 * name, secret_refused if the configuration does not allow it for this project or this action.
 */
int secrets_want(struct secrets *s, const struct secrets_asker *who, const char *name,
	struct err *e) NODISCARD;

/*
 * Register that an action logs in to a host with this user (NULL: not given), so that it needs the
 * key for that host. ERR_INPUT, reason no_ssh_host, if `ssh` in the configuration has no such host.
 */
int secrets_want_host(struct secrets *s, const struct secrets_asker *who, const char *user,
	const char *host, struct err *e) NODISCARD;

/*
 * Read all registered secrets. ERR_INPUT, reason secret_missing: a file does not exist, or a
 * variable is not set. Reason secret_unreadable: other users have access to a file; a command
 * failed or took too long; a value is too long, or too short to be masked in logs (mask.h); ssh or
 * the agent cannot use the key; the certificate is for another key; with ssh_agent, known_hosts
 * lacks the host.
 */
int secrets_read(struct secrets *s, struct err *e) NODISCARD;

/*
 * Check the private key for a host and the host's certificate as secrets_read does, without a run.
 * ERR_INPUT. `key` is borrowed.
 */
int secrets_check_login(
	const struct credential_host *host, const char *key, size_t len, struct err *e) NODISCARD;

/*
 * Fill the rules for the agent of this phase's VM (sshagent.h); without logins if it needs none.
 * Call it after secrets_read. The pointers in *ret are borrowed.
 */
void secrets_agent(const struct secrets *s, enum plan_source phase, struct sshagent_rules *ret);

/* Does any action of this phase use a secret? */
bool secrets_in_phase(const struct secrets *s, enum plan_source phase);

/* Add DRIVE_SECRETS with the secrets of this phase's actions. Adds no drive if there are none. */
int secrets_add_drive(const struct secrets *s, enum plan_source phase, struct drives *drives,
	struct err *e) NODISCARD;

/* Add all values that must be masked; the caller calls mask_ready. */
void secrets_add_to_mask(const struct secrets *s, struct mask *m);

/* Send EVENT_WARNING for each secret with short lines, which may be masked in ordinary text. */
void secrets_warn(const struct secrets *s, const struct event_sink *sink);

/* Send EVENT_SECRET_USED for every use in this phase. */
void secrets_audit(const struct secrets *s, enum plan_source phase, const struct event_sink *sink);

#endif
