/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

extern const char version_number[]; /* "0.1.0" */
extern const char version_commit[]; /* "53b1c2d3e4f5", or "unknown" outside a checkout */
extern const char
	version_build[]; /* "0.1.0@53b1c2d3e4f5": both ends of a channel must agree on it */

#endif
