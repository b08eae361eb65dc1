/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords in URLs and targets, which are not shown: "https://USER:PASSWORD@HOST/..." and
 * "USER:PASSWORD@HOST:PATH". Messages, logs and results are kept, and read by others.
 *
 * Who makes a message does not have to think of this: arguments of %s in messages (fit.h), text_safe
 * (text.h) and fields of events (contract/event.h) are shown through password_hide.
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include <stdbool.h>

/* What is shown in place of a password. */
#define PASSWORD_HIDDEN "***"

/*
 * Is there a password in this URL or target, however badly it is written? The password may have any
 * bytes, also those that end the host of a valid URL. True in doubt: for values that are refused
 * then, without being repeated.
 */
bool password_is_in(const char *url);

/* What is after the scheme and its slashes, however many there are; without a scheme, all of it. */
const char *password_skip_scheme(const char *url);

/*
 * The text with PASSWORD_HIDDEN in place of each password: in URLs anywhere in it, also in those that
 * became a part of a path; and, when it is one word, in a target. NULL when nothing is hidden. The
 * caller frees.
 */
char *password_hide(const char *s);

#endif
