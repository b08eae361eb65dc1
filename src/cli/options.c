/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

enum { HELP_COLUMN = 28, NAMES_MAX = 64 };

/* The state of parsing a command line. */
struct walk {
	struct options *o;
	char *const *items;
	size_t count;
	size_t next;
	struct err *e;
	bool failed; /* the first error is in *e; further ones are ignored */
};

PRINTF_LIKE(2, 3) static void mistake(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, fmt);
	(void)err_vset(w->e, ERR_INPUT, fmt, ap);
	va_end(ap);
}

static bool is_called(const struct option *row, const char *name, size_t len)
{
	if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
		return true;
	for (const char *const *a = row->aliases; a && *a; a++)
		if (strlen(*a) == len && memcmp(*a, name, len) == 0)
			return true;
	return false;
}

/* An option, and the structure to which its offset applies. */
struct found {
	const struct option *row;
	char *settings;
};

static struct found find_name(const struct options *o, const char *name, size_t len)
{
	for (const struct option *row = o->table; row && row->name; row++)
		if (is_called(row, name, len))
			return (struct found){row, o->settings};
	for (const struct option *row = o->common; row && row->name; row++)
		if (is_called(row, name, len))
			return (struct found){row, o->common_settings};
	return (struct found){0};
}

static struct found find_letter(const struct options *o, char letter)
{
	for (const struct option *row = o->table; row && row->name; row++)
		if (row->letter == letter)
			return (struct found){row, o->settings};
	for (const struct option *row = o->common; row && row->name; row++)
		if (row->letter == letter)
			return (struct found){row, o->common_settings};
	return (struct found){0};
}

static size_t collect_names(const struct option *table, const char **names, size_t count)
{
	for (const struct option *row = table; row && row->name; row++) {
		if (!row->hidden && count < NAMES_MAX)
			names[count++] = row->name;
		for (const char *const *a = row->aliases; a && *a; a++)
			if (count < NAMES_MAX)
				names[count++] = *a;
	}
	return count;
}

static void unknown(struct walk *w, const char *name, size_t len)
{
	const char *names[NAMES_MAX + 1];
	size_t count = collect_names(w->o->table, names, 0);
	auto_free char *given = mem_strndup(name, len);
	auto_free char *shown = text_safe(given, 60);
	const char *nearest;

	names[collect_names(w->o->common, names, count)] = NULL;
	nearest = text_nearest(given, names);
	if (nearest)
		mistake(w, "unknown option '--%s', did you mean '--%s'?", shown, nearest);
	else
		mistake(w, "unknown option '--%s'", shown);
}

static void set_choice(struct walk *w, const struct option *row, int *target, const char *value)
{
	auto_free char *shown = text_safe(value, 60);
	struct buf known;

	for (int i = 0; row->choices[i]; i++)
		if (strcmp(row->choices[i], value) == 0) {
			*target = i;
			return;
		}
	buf_init(&known, 512);
	for (int i = 0; row->choices[i]; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", row->choices[i]);
	mistake(w, "option '--%s': '%s' is none of %s", row->name, shown, known.data);
	buf_release(&known);
}

static struct num_text show_number(const struct option *row, uint64_t value, uint64_t other)
{
	struct num_text text;

	if (row->type == OPTION_SIZE)
		return num_show_size_beside(value, other);
	(void)snprintf(text.s, sizeof(text.s), "%" PRIu64, value);
	return text;
}

static void set_number(
	struct walk *w, const struct option *row, uint64_t *target, const char *value)
{
	uint64_t least = row->min ? row->min : 1;
	struct err e = {0};
	int r = row->type == OPTION_SIZE ? num_parse_size(value, target, &e)
					 : num_parse_u64(value, UINT64_MAX, target, &e);

	if (r < 0) {
		auto_free char *why = text_safe(e.msg, sizeof(e.msg));

		mistake(w, "option '--%s': %s", row->name, why);
	} else if (*target < least) {
		mistake(w, "option '--%s' must be at least %s, not %s", row->name,
			show_number(row, least, *target).s, show_number(row, *target, least).s);
	} else if (row->max && *target > row->max) {
		mistake(w, "option '--%s' must be at most %s, not %s", row->name,
			show_number(row, row->max, *target).s,
			show_number(row, *target, row->max).s);
	}
}

/* Values become part of plans, events and results, which are JSON and so must be UTF-8. */
static bool is_text(struct walk *w, const struct option *row, const char *value)
{
	auto_free char *shown = NULL;

	if (text_is_utf8(value, strlen(value)))
		return true;
	shown = text_safe(value, 60);
	mistake(w, "option '--%s': '%s' is not valid UTF-8", row->name, shown);
	return false;
}

static void set_value(struct walk *w, struct found f, const char *value)
{
	void *target = f.settings + f.row->offset;

	if (!value && f.row->type != OPTION_FLAG)
		BUG("option '--%s' without its value", f.row->name);
	switch (f.row->type) {
	case OPTION_FLAG:
		*(bool *)target = true;
		return;
	case OPTION_PATH:
	case OPTION_PATHS:
		if (*value == '\0')
			mistake(w, "option '--%s': the %s is empty", f.row->name, f.row->argument);
		if (f.row->type == OPTION_PATHS)
			strv_push(target, value);
		else
			*(const char **)target = value;
		return;
	case OPTION_STRING:
		if (is_text(w, f.row, value))
			*(const char **)target = value;
		return;
	case OPTION_LIST:
		if (is_text(w, f.row, value))
			strv_push(target, value);
		return;
	case OPTION_ENUM:
		set_choice(w, f.row, target, value);
		return;
	case OPTION_COUNT:
	case OPTION_SIZE:
		set_number(w, f.row, target, value);
		return;
	}
}

/* The word after an option that needs a value; NULL: it is missing. */
static const char *take_value(struct walk *w, const struct option *row)
{
	const char *value = w->next < w->count ? w->items[w->next] : NULL;
	const char *article = row->argument && strchr("AEIO", row->argument[0]) ? "an" : "a";

	if (!value) {
		mistake(w, "option '--%s' needs %s %s", row->name, article, row->argument);
		return NULL;
	}
	/* In `--log --result r.json` the value is missing: "--result" is not the name of a log. */
	if (value[0] == '-' && value[1] == '-' &&
		find_name(w->o, value + 2, strcspn(value + 2, "=")).row) {
		mistake(w, "option '--%s' needs %s %s, but '%s' follows", row->name, article,
			row->argument, value);
		return NULL;
	}
	w->next++;
	return value;
}

static void long_option(struct walk *w, const char *name)
{
	size_t len = strcspn(name, "=");
	struct found f = find_name(w->o, name, len);
	const char *value = name[len] == '=' ? name + len + 1 : NULL;

	if (!f.row) {
		unknown(w, name, len);
		return;
	}
	if (f.row->type == OPTION_FLAG && value) {
		mistake(w, "option '--%s' takes no value", f.row->name);
		return;
	}
	if (f.row->type != OPTION_FLAG && !value)
		value = take_value(w, f.row);
	if (f.row->type == OPTION_FLAG || value)
		set_value(w, f, value);
}

static void short_options(struct walk *w, const char *letters)
{
	for (; *letters; letters++) {
		struct found f = find_letter(w->o, *letters);
		const char *value;

		if (!f.row) {
			auto_free char *shown = text_safe(letters, 20);

			mistake(w, "unknown option '-%s'", shown);
			return;
		}
		if (f.row->type == OPTION_FLAG) {
			set_value(w, f, NULL);
			continue;
		}
		value = letters[1] ? letters + 1 : take_value(w, f.row);
		if (value)
			set_value(w, f, value);
		return;
	}
}

/* Parse one word. false: it is an operand, and was not consumed. */
static bool take_option(struct walk *w)
{
	const char *item = w->items[w->next];

	if (item[0] != '-' || item[1] == '\0')
		return false;
	w->next++;
	if (item[1] == '-')
		long_option(w, item + 2);
	else
		short_options(w, item + 1);
	return true;
}

int options_parse(struct options *o, char *const *items, size_t count, struct err *e)
{
	struct walk w = {.o = o, .items = items, .count = count, .e = e};

	while (w.next < count) {
		if (strcmp(items[w.next], "--") == 0) {
			while (++w.next < count)
				strv_push(&o->operands, items[w.next]);
			break;
		}
		if (!take_option(&w))
			strv_push(&o->operands, items[w.next++]);
	}
	return w.failed ? -1 : 0;
}

int options_parse_common(
	struct options *o, char *const *items, size_t count, size_t *ret_used, struct err *e)
{
	struct walk w = {.o = o, .items = items, .count = count, .e = e};

	while (w.next < count && strcmp(items[w.next], "--") != 0 && take_option(&w))
		;
	*ret_used = w.next;
	return w.failed ? -1 : 0;
}

static void release_lists(const struct option *table, char *settings)
{
	for (const struct option *row = table; row && row->name; row++)
		if (row->type == OPTION_LIST || row->type == OPTION_PATHS)
			strv_release((struct strv *)(void *)(settings + row->offset));
}

void options_release(struct options *o)
{
	strv_release(&o->operands);
	release_lists(o->table, o->settings);
	release_lists(o->common, o->common_settings);
}

/* ---- help ---- */

void options_add_usage(struct buf *b, const struct option *o)
{
	if (o->letter)
		buf_addf(b, "-%c, ", o->letter);
	buf_addf(b, "--%s", o->name);
	if (o->argument)
		buf_addf(b, " %s", o->argument);
}

void options_add_wrapped(
	struct buf *b, const char *text, size_t column, size_t indent, size_t width)
{
	bool first = true;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (!first && column + 1 + word > width) {
			buf_addf(b, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			buf_addc(b, ' ');
			column++;
		}
		buf_add(b, text, word);
		column += word;
		text += word;
		text += strspn(text, " ");
		first = false;
	}
	buf_addc(b, '\n');
}

void options_add_text(struct buf *b, const struct option *o)
{
	buf_adds(b, o->help);
	for (const char *const *a = o->aliases; a && *a; a++)
		buf_addf(b, "%s--%s", a == o->aliases ? "; also " : ", ", *a);
}

static void add_row(struct buf *b, const struct option *row, size_t width)
{
	size_t start = b->len;
	size_t used;
	auto_buf struct buf text = {0};

	buf_init(&text, 4096);
	options_add_text(&text, row);
	buf_adds(b, row->letter ? "  " : "      ");
	options_add_usage(b, row);
	used = b->len - start;
	if (used + 2 > HELP_COLUMN) {
		buf_addc(b, '\n');
		used = 0;
	}
	buf_addf(b, "%*s", (int)(HELP_COLUMN - used), "");
	options_add_wrapped(b, text.data, HELP_COLUMN, HELP_COLUMN, width);
}

bool options_are_shown(const struct option *table)
{
	for (const struct option *row = table; row && row->name; row++)
		if (!row->hidden)
			return true;
	return false;
}

void options_add_help(struct buf *b, const struct option *table, size_t width)
{
	for (const struct option *row = table; row && row->name; row++)
		if (!row->hidden)
			add_row(b, row, width);
}
