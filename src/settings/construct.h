/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a projects file of one project from the plan that a source tree has, as forges need it: the
 * rest of the project comes from the command line.
 */
#ifndef SETTINGS_CONSTRUCT_H
#define SETTINGS_CONSTRUCT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "settings/config.h"

struct construct {
	const char *name;
	const char
		*partial; /* a file with the keys of project_partial_params, in the source or not */
	const char *source;   /* a directory */
	const char *image;    /* as in a projects file, but relative to the working directory */
	bool allow_post_plan; /* else a post_plan is left out, with a warning */
	bool allow_hosts;     /* else `hosts` of an action of the pre_plan is ERR_INPUT */
};

/*
 * The tree of the projects file; its paths are absolute. The source is not trusted: no link in it is
 * followed, and a size above that of the configuration is lowered, with a warning. ERR_INPUT: a
 * file or directory is missing or wrong.
 */
int construct_projects(const struct construct *c, const struct config *config,
	struct strv *warnings, struct node **ret_root, struct err *e) NODISCARD;

#endif
