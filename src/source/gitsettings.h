/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator's own git configuration says about files that are checked out.
 *
 * A tree that was checked out with core.autocrlf, or in which a global ignore file hides files, is
 * clean for its operator. For git in its jail and in a machine, which have another home directory,
 * it would not be. So what decides whether files are changed counts there, too, with less weight
 * than the tree's own configuration, as on the host: the settings of a table in gitsettings.c, and
 * the contents of the ignore file (core.excludesFile) and of the attributes files (/etc/gitattributes
 * and core.attributesFile).
 * Filters are known by being there only: no program of theirs runs in the jail or is given to a
 * machine. Nothing else of the operator's configuration is looked at.
 */
#ifndef SOURCE_GITSETTINGS_H
#define SOURCE_GITSETTINGS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct gitsettings {
	char *config;          /* lines for a configuration file of git; "" when there are none */
	struct buf excludes;   /* lines of an ignore file, the last one whole */
	struct buf attributes; /* lines of an attributes file, likewise */
	bool filters;          /* there are filters, as `git lfs install` makes them */
	bool ignores_modes;    /* core.fileMode is false */
	struct strv files;     /* all that was read */
};

void gitsettings_init(struct gitsettings *s);
void gitsettings_release(struct gitsettings *s);
#define auto_gitsettings __attribute__((cleanup(gitsettings_release)))

/*
 * Ask git with the environment of the caller, and add to *s. git_dir: where the repository is, by
 * which `includeIf "gitdir:..."` decides; nothing is read there. NULL: none, and `files` has what
 * would be included somewhere, too. Without git
 * there are no settings. ERR_INPUT when the configuration or one of the files cannot be read.
 */
int gitsettings_read(struct gitsettings *s, const char *git_dir, struct err *e) NODISCARD;

/*
 * A text for a configuration file: `config`, and that the other two files are in the directory
 * `dir`, as GITSETTINGS_EXCLUDES and _ATTRIBUTES, where there are any. The caller frees.
 */
#define GITSETTINGS_EXCLUDES "excludes"
#define GITSETTINGS_ATTRIBUTES "attributes"
char *gitsettings_text(const struct gitsettings *s, const char *dir);

#endif
