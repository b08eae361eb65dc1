/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of Debian packages, [EPOCH:]UPSTREAM[-REVISION], in Debian's order (Debian Policy, 5.6.12;
 * deb-version(7)): a tilde comes before everything, even the end; letters come before other characters;
 * numbers are compared as numbers, of any length; a missing epoch or revision is 0.
 */
#ifndef UPKEEP_DEBVERSION_H
#define UPKEEP_DEBVERSION_H

/* Less than 0, 0, more than 0, as strcmp. Any text has a place in the order. */
int debversion_compare(const char *a, const char *b);

#endif
