/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static int parse_digits(const char **s, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *p = *s;

	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -1;
	*s = p;
	*ret_value = value;
	return 0;
}

int num_parse_u64(const char *s, uint64_t max, uint64_t *ret_value, struct err *e)
{
	const char *p = s;
	uint64_t value;

	if (parse_digits(&p, &value) < 0 || *p != '\0')
		return err_set(e, ERR_INPUT, "'%.40s' is not a whole number", s);
	if (value > max)
		return err_set(e, ERR_INPUT, "%s is more than %" PRIu64, s, max);
	*ret_value = value;
	return 0;
}

static const struct {
	const char *name;
	uint64_t factor;
} size_units[] = {
	{"", 1},
	{"B", 1},
	{"K", 1000ULL},
	{"KB", 1000ULL},
	{"M", 1000000ULL},
	{"MB", 1000000ULL},
	{"G", 1000000000ULL},
	{"GB", 1000000000ULL},
	{"T", 1000000000000ULL},
	{"TB", 1000000000000ULL},
	{"Ki", 1ULL << 10},
	{"KiB", 1ULL << 10},
	{"Mi", 1ULL << 20},
	{"MiB", 1ULL << 20},
	{"Gi", 1ULL << 30},
	{"GiB", 1ULL << 30},
	{"Ti", 1ULL << 40},
	{"TiB", 1ULL << 40},
};

static uint64_t size_factor(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++)
		if (strcasecmp(unit, size_units[i].name) == 0)
			return size_units[i].factor;
	return 0;
}

/* More digits after the point are an error: no unit has that many. */
enum { FRACTION_DIGITS = 18 };

/* An exact decimal: value / scale. */
struct decimal {
	unsigned __int128 value;
	uint64_t scale; /* 10^0 to 10^FRACTION_DIGITS */
};

static int parse_decimal(const char **s, struct decimal *ret)
{
	uint64_t whole;
	const char *p = *s;

	if (parse_digits(&p, &whole) < 0)
		return -1;
	*ret = (struct decimal){.value = whole, .scale = 1};
	if (*p == '.') {
		size_t digits = strspn(++p, "0123456789");

		if (digits == 0 || digits > FRACTION_DIGITS)
			return -1;
		for (; digits > 0; digits--, ret->scale *= 10)
			ret->value = ret->value * 10 + (uint64_t)(*p++ - '0');
	}
	*s = p;
	return 0;
}

/*
 * Whole bytes, rounded down; less than one byte is an error, not 0. The product of the decimal (at
 * most 64 + 60 bits) and the unit (40 bits) can overflow.
 */
static int scale_decimal(const struct decimal *d, uint64_t factor, uint64_t *ret_bytes)
{
	const unsigned __int128 most = ~(unsigned __int128)0;
	unsigned __int128 bytes;

	if (d->value > most / factor)
		return -1;
	bytes = d->value * factor / d->scale;
	if (bytes > INT64_MAX || (bytes == 0 && d->value != 0) || (factor == 1 && d->scale > 1))
		return -1;
	*ret_bytes = (uint64_t)bytes;
	return 0;
}

int num_parse_size(const char *s, uint64_t *ret_bytes, struct err *e)
{
	const char *p = s;
	struct decimal number;
	uint64_t factor;

	if (parse_decimal(&p, &number) < 0)
		goto bad;
	while (*p == ' ')
		p++;
	factor = size_factor(p);
	if (factor == 0 || scale_decimal(&number, factor, ret_bytes) < 0)
		goto bad;
	return 0;
bad:
	return err_set(e, ERR_INPUT,
		"'%.40s' is not a size; write for example 512MiB, 2G or 16 GB (G is 10^9, GiB "
		"2^30)",
		s);
}

/* "ms" comes before "m", which is its beginning. 0: none. */
static int64_t duration_unit(const char **p)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*p, units[i].name, len) == 0) {
			*p += len;
			return units[i].ms;
		}
	}
	return 0;
}

#define DURATION_DAYS 366

/* "1h30m": each part has a shorter unit than the one before. */
static int add_part(const char **p, int64_t *shorter_than, int64_t *total)
{
	const int64_t most = DURATION_DAYS * 24LL * 3600 * 1000;
	bool is_first = *shorter_than == INT64_MAX;
	uint64_t value;
	int64_t unit;

	if (parse_digits(p, &value) < 0 || value > (uint64_t)most)
		return -1;
	unit = is_first && **p == '\0' ? 1000 : duration_unit(p);
	if (unit == 0 || unit >= *shorter_than || (int64_t)value > most / unit)
		return -1;
	*shorter_than = unit;
	*total += (int64_t)value * unit;
	return *total > most ? -1 : 0;
}

int num_parse_duration(const char *s, int64_t *ret_ms, struct err *e)
{
	int64_t total = 0, shorter_than = INT64_MAX;
	const char *p = s;
	int result;

	do {
		result = add_part(&p, &shorter_than, &total);
	} while (result == 0 && *p != '\0');
	if (result == 0 && total > 0) {
		*ret_ms = total;
		return 0;
	}
	return err_set(e, ERR_INPUT,
		"'%.40s' is not a duration; write for example 90s, 45m, 2h or 1h30m (%d days at "
		"most)",
		s, DURATION_DAYS);
}

struct num_text num_show_size(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	struct num_text text;
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(text.s, sizeof(text.s), unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

struct num_text num_show_size_beside(uint64_t bytes, uint64_t other)
{
	struct num_text text = num_show_size(bytes);

	if (bytes != other && strcmp(text.s, num_show_size(other).s) == 0)
		(void)snprintf(text.s, sizeof(text.s), "%" PRIu64 " bytes", bytes);
	return text;
}

struct num_text num_show_duration(int64_t ms)
{
	struct num_text text;
	int64_t s = ms / 1000;

	if (s < 60)
		(void)snprintf(text.s, sizeof(text.s), "%.1f s", (double)ms / 1000);
	else if (s < 3600)
		(void)snprintf(
			text.s, sizeof(text.s), "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
	else
		(void)snprintf(text.s, sizeof(text.s), "%" PRId64 " h %02" PRId64 " min", s / 3600,
			s / 60 % 60);
	return text;
}

const char *num_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}
