/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and showing numbers, sizes and durations. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

#include "base/err.h"

/* Decimal digits only, at most `max`. ERR_INPUT otherwise. */
int num_parse_u64(const char *s, uint64_t max, uint64_t *ret_value, struct err *e) NODISCARD;

/*
 * A size in bytes: "4096", "2G", "16 GB", "1TB", "512MiB", "50Gi", "1.5 GiB". K, M, G, T with or
 * without B are powers of 1000; Ki, Mi, Gi, Ti with or without B are powers of 1024. Case does not
 * matter. A fraction is exact to 18 digits and rounded down to whole bytes. A size of less than one
 * byte and a fraction without a unit are rejected. At most INT64_MAX. ERR_INPUT that lists the
 * valid forms.
 */
int num_parse_size(const char *s, uint64_t *ret_bytes, struct err *e) NODISCARD;

/*
 * A duration in milliseconds: "500ms", "90s", "45m", "1h30m", "7d"; a bare number is seconds. Of
 * several units, each is shorter than the one before, so none is there twice. More than 0 and at
 * most 366 days. ERR_INPUT that lists valid forms.
 */
int num_parse_duration(const char *s, int64_t *ret_ms, struct err *e) NODISCARD;

/* The sum, or UINT64_MAX if it is larger: for sums of sizes, in which a wrong one must not look small. */
static inline uint64_t num_sum(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* The difference, or 0 if b is larger. */
static inline uint64_t num_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* For people: "1.2 MiB", "831 B". The text is in a struct returned by value. */
struct num_text {
	char s[32];
};
struct num_text num_show_size(uint64_t bytes);
/*
 * For a comparison of two sizes: as num_show_size, but in bytes if the text would be the same for
 * `other`, which is another size.
 */
struct num_text num_show_size_beside(uint64_t bytes, uint64_t other);
struct num_text num_show_duration(int64_t ms); /* "0.4 s", "12.3 s", "2 min 03 s", "1 h 02 min" */

/* The plural ending of a counted noun: "s", or "" when count is 1. */
const char *num_plural(uint64_t count);

#endif
