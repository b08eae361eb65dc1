/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of values of the configuration. */
#ifndef SETTINGS_LIMITS_H
#define SETTINGS_LIMITS_H

#include "base/limits.h"

#define LIMIT_DRIVE_LEAST 1024 /* the smallest tar archive: two blocks of zeros */
#define LIMIT_SENT_LEAST (1 * KIB)
#define LIMIT_SCRATCH_LEAST (16 * MIB)
#define LIMIT_CERTIFICATES_BYTES (8 * MIB) /* ca_certificates; those of Debian have 0.2 */
#define LIMIT_CLIENTFILE_BYTES (256 * KIB) /* settings of a package manager on the host */
#define LIMIT_CONFIG_FILES 16              /* the default one, and those of --config */
#define LIMIT_REGISTRY_HOSTS 32            /* `also` of a registry */
#define LIMIT_REGISTRY_ADDRESS 2048        /* bytes */

/* What a container image says about its programs, in image.yaml. */
#define LIMIT_DEFAULTS_VARIABLES 1000
#define LIMIT_DEFAULTS_BYTES (256 * KIB)
#define LIMIT_DEFAULTS_PATH 4096

#endif
