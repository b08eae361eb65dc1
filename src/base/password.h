/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hiding passwords in URLs and targets: "https://USER:PASSWORD@HOST/..." and
 * "USER:PASSWORD@HOST:PATH". Messages, logs and results are stored and read by others.
 *
 * Code that makes a message need not call this. password_hide is applied to arguments of %s in
 * messages (fit.h), by text_safe (text.h), and to the fields of events (contract/event.h).
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include <stdbool.h>

/* The replacement for a password. */
#define PASSWORD_HIDDEN "***"

/*
 * Does this URL or target contain a password, even if it is malformed? The password may contain any
 * bytes, also those that would end the host of a valid URL. True in doubt. For values that are then
 * rejected without being quoted.
 */
bool password_is_in(const char *url);

/*
 * The part after the scheme and its slashes, however many slashes there are. Without a scheme, the
 * whole text.
 */
const char *password_skip_scheme(const char *url);

/*
 * A copy of the text with PASSWORD_HIDDEN in place of each password: in URLs anywhere in it, also
 * in URLs that are part of a path, and, if the text is one word, in a target. NULL when there is
 * nothing to hide. The caller frees.
 */
char *password_hide(const char *s);

#endif
