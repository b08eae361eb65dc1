/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator's own git configuration says about files that are checked out.
 *
 * A tree that was checked out with core.autocrlf, or in which a global ignore file hides files, is
 * clean for its operator. For git in its jail and in a machine, which have another home directory,
 * it would not be. So these settings count there, too, with less weight than the tree's own
 * configuration, as on the host: core.autocrlf, core.eol and the contents of core.excludesFile.
 * Filters are known by being there only: no program of theirs runs in the jail or is given to a
 * machine. Nothing else of the operator's configuration is looked at.
 */
#ifndef SOURCE_GITSETTINGS_H
#define SOURCE_GITSETTINGS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct gitsettings {
	char *config;        /* lines for a configuration file of git; "" when there are none */
	struct buf excludes; /* lines of an ignore file, the last one whole */
	bool filters;        /* there are filters, as `git lfs install` makes them */
};

void gitsettings_init(struct gitsettings *s);
void gitsettings_release(struct gitsettings *s);
#define auto_gitsettings __attribute__((cleanup(gitsettings_release)))

/*
 * Ask git, outside of every repository, with the environment of the caller, and add to *s. Without
 * git there are no settings. ERR_INPUT when the configuration or the ignore file cannot be read.
 */
int gitsettings_read(struct gitsettings *s, struct err *e) NODISCARD;

/* The same from what `git config --list -z` printed; for gitsettings_read and tests. */
void gitsettings_parse(const char *list, size_t len, struct gitsettings *s, char **ret_excludes);

#endif
