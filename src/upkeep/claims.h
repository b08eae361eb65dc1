/* SPDX-License-Identifier: Apache-2.0 */
/* Who names an image of the store, so that it must not be removed to make room. */
#ifndef UPKEEP_CLAIMS_H
#define UPKEEP_CLAIMS_H

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "settings/config.h"
#include "settings/image.h"
#include "settings/project.h"

struct claims {
	struct node *images; /* {IMAGE: "project hello"} */
};

/*
 * Collect the images that are named by the projects file (`list`; by name, by name and digest, or as a
 * directory in the store), by trusted_image, and by the result of the latest run of each of `projects`:
 * a project may be in another projects file. -1 if such a result is there and is not understood.
 */
int claims_collect(const struct config *c, const struct project_list *list,
	const struct strv *projects, struct claims *ret, struct err *e) NODISCARD;
void claims_release(struct claims *c);
#define auto_claims __attribute__((cleanup(claims_release)))

/* "project hello"; NULL: nobody names it. Valid as long as the claims. */
const char *claims_of(const struct claims *c, const char *image);

/*
 * The recipe of ambient that makes this image again; NULL: it was made in another way, or the recipe is
 * not there. The caller frees.
 */
char *claims_recipe(const struct image *image);

#endif
