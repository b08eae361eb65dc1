/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets of dput(1) in a dput.cf, which Ambient CI has among its secrets: dput_target is the name
 * of a section of it. Here the section becomes a target as dput_targets has them; the file itself
 * goes to no machine.
 */
#ifndef SETTINGS_DPUTCF_H
#define SETTINGS_DPUTCF_H

#include "base/err.h"

/*
 * The target of a section, of `fqdn`, `incoming`, `method` and `login` (dput.cf(5)), also from the
 * section DEFAULT. *ret is NULL if there is no such file or section, else the caller frees it.
 * ERR_INPUT: the file cannot be read, or the method is none of sftp, scp, http and https.
 */
int dputcf_target(const char *file, const char *name, char **ret, struct err *e) NODISCARD;

#endif
