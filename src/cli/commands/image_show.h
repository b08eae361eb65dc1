/* SPDX-License-Identifier: Apache-2.0 */
/* `ambient image show`. */
#ifndef CLI_COMMANDS_IMAGE_SHOW_H
#define CLI_COMMANDS_IMAGE_SHOW_H

#include <stdbool.h>

#include "base/err.h"
#include "settings/image.h"

/*
 * Print everything that image.yaml says of an image, and where it is: a line for each fact, or as
 * JSON with the keys of image.yaml, `dir`, `digest` and `bytes`. The list of packages only with
 * `packages`.
 */
int image_show(const struct image *i, bool json, bool packages, struct err *e) NODISCARD;

#endif
