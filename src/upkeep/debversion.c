/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep/debversion.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A part of a version: from `at` to `end`. */
struct part {
	const char *at, *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The place of the next character outside of numbers; a number and the end are in the same place. */
static int rank(const struct part *p)
{
	if (p->at == p->end || is_digit(*p->at))
		return 0;
	if (*p->at == '~')
		return -1;
	return is_letter(*p->at) ? *p->at : (unsigned char)*p->at + 256;
}

static bool has_text(const struct part *p)
{
	return p->at < p->end && !is_digit(*p->at);
}

/* Compare and skip what is before the next number. */
static int compare_text(struct part *a, struct part *b)
{
	while (has_text(a) || has_text(b)) {
		int x = rank(a), y = rank(b);

		if (x != y)
			return x < y ? -1 : 1;
		a->at++;
		b->at++;
	}
	return 0;
}

static size_t digits(struct part *p)
{
	size_t count = 0;

	while (p->at < p->end && *p->at == '0')
		p->at++;
	while (p->at + count < p->end && is_digit(p->at[count]))
		count++;
	return count;
}

/* The number with more digits is larger. */
static int compare_number(struct part *a, struct part *b)
{
	size_t x = digits(a), y = digits(b);
	int order = x == y ? memcmp(a->at, b->at, x) : x < y ? -1 : 1;

	a->at += x;
	b->at += y;
	return order;
}

static int compare_part(struct part a, struct part b)
{
	while (a.at < a.end || b.at < b.end) {
		int order = compare_text(&a, &b);

		if (order == 0)
			order = compare_number(&a, &b);
		if (order)
			return order;
	}
	return 0;
}

/* Cut the epoch off the beginning. */
static struct part take_epoch(struct part *p)
{
	const char *colon = memchr(p->at, ':', (size_t)(p->end - p->at));
	struct part epoch = {p->at, colon ? colon : p->at};

	if (colon)
		p->at = colon + 1;
	return epoch;
}

/* Cut the revision off the end. */
static struct part take_revision(struct part *p)
{
	const char *dash = memrchr(p->at, '-', (size_t)(p->end - p->at));
	struct part revision = {dash ? dash + 1 : p->end, p->end};

	if (dash)
		p->end = dash;
	return revision;
}

int debversion_compare(const char *a, const char *b)
{
	struct part x = {a, a + strlen(a)}, y = {b, b + strlen(b)};
	struct part x_epoch = take_epoch(&x), y_epoch = take_epoch(&y);
	struct part x_revision = take_revision(&x), y_revision = take_revision(&y);
	int order = compare_part(x_epoch, y_epoch);

	if (order == 0)
		order = compare_part(x, y);
	return order ? order : compare_part(x_revision, y_revision);
}
