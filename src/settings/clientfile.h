/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings files of package managers on the host (pip.conf, .npmrc, cargo's config.toml, ...),
 * of which only the address of a registry is of interest. They are the user's own; no client is
 * started, no variable expanded, and nothing in or above a source is read.
 */
#ifndef SETTINGS_CLIENTFILE_H
#define SETTINGS_CLIENTFILE_H

#include "base/err.h"
#include "contract/ecosystem.h"

/*
 * Find the value of a setting; *ret is NULL if there is no such file or no such line, else the
 * caller frees it. Quotes around it are removed, unless the ecosystem reads the file itself. ERR_INPUT: the file cannot be read, or has more
 * than LIMIT_CLIENTFILE_BYTES.
 */
int clientfile_get(const struct client_setting *s, char **ret, struct err *e) NODISCARD;

#endif
