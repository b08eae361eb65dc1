/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which servers dependencies are fetched: `registries` of the configuration, else the settings
 * of the host's own clients, else what a client has built in. What a source says about registries
 * is not looked at.
 */
#ifndef SETTINGS_REGISTRIES_H
#define SETTINGS_REGISTRIES_H

#include "base/err.h"
#include "contract/ecosystem.h"
#include "data/schema.h"
#include "settings/config.h"

/*
 * Fill config->registries: a map of the names of all ecosystems (NULL-ended) to maps with the keys of
 * ecosystem.h. ERR_INPUT with position if `registries` of the configuration names an unknown
 * ecosystem, or has an address that is none or has credentials. A host's client with such an
 * address is an error only of projects that use it (REGISTRY_ERROR).
 */
int registries_resolve(
	struct config *c, const struct ecosystem *const *all, struct err *e) NODISCARD;

#endif
