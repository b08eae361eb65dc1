/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings in the operator's own git configuration that affect checked out files.
 *
 * A tree that was checked out with core.autocrlf, or in which a global ignore file hides files, is
 * clean for its operator. For git in its jail and in a machine, with another home directory, it
 * would not be. So the settings that decide whether files are changed apply there, too, with lower
 * priority than the tree's own configuration, as on the host: the settings of a table in
 * gitsettings.c, and the contents of the ignore file (core.excludesFile) and of the attributes
 * files (/etc/gitattributes and core.attributesFile). Only the existence of filters is recorded:
 * their programs neither run in the jail nor are passed to a machine. Nothing else in the
 * operator's configuration is used.
 */
#ifndef SOURCE_GITSETTINGS_H
#define SOURCE_GITSETTINGS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct gitsettings {
	char *config;          /* lines of a configuration file of git; "" if there are none */
	struct buf excludes;   /* lines of an ignore file; the last one is complete */
	struct buf attributes; /* lines of an attributes file; likewise */
	bool filters;          /* filters are configured, as by `git lfs install` */
	bool ignores_modes;    /* core.fileMode is false */
	struct strv files;     /* all files that were read */
};

void gitsettings_init(struct gitsettings *s);
void gitsettings_release(struct gitsettings *s);
#define auto_gitsettings __attribute__((cleanup(gitsettings_release)))

/*
 * Ask git, with the environment of the caller, and add to *s. git_dir is the path of the
 * repository, for `includeIf "gitdir:..."`; nothing is read in it. NULL: no repository; `files`
 * then also contains the files that would be included for some repository. Without git there are no
 * settings. ERR_INPUT when the configuration or one of the files cannot be read.
 */
int gitsettings_read(struct gitsettings *s, const char *git_dir, struct err *e) NODISCARD;

/*
 * The text of a configuration file: `config`, and the paths of the other two files, if there are
 * any, in the directory `dir`, as GITSETTINGS_EXCLUDES and GITSETTINGS_ATTRIBUTES. The caller
 * frees.
 */
#define GITSETTINGS_EXCLUDES "excludes"
#define GITSETTINGS_ATTRIBUTES "attributes"
char *gitsettings_text(const struct gitsettings *s, const char *dir);

#endif
