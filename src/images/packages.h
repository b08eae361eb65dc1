/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Debian packages of an image that was built by a recipe, as image.yaml lists them under
 * built_from.packages: "name=version". An image may come from another host, so its rows are checked
 * before they become arguments or parts of a document.
 */
#ifndef IMAGES_PACKAGES_H
#define IMAGES_PACKAGES_H

#include <stdbool.h>

/*
 * Split a row; NULL is none. Both parts consist of characters that Debian allows there (Policy 5.6.7,
 * 5.6.12); false if they do not, or are empty. The caller frees both.
 */
bool packages_split(const char *row, char **ret_name, char **ret_version);

#endif
