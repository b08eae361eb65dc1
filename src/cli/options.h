/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options, from tables.
 *
 * One row per option gives its spelling, the type of its value, and the place of the value in the
 * settings of the command. The parser, `--help`, the manual page and docs/ all read the same rows.
 *
 *	struct log_settings { bool console; const char *output; };
 *	static const struct option log_options[] = {
 *		{.name = "console", .type = OPTION_FLAG,
 *			.offset = offsetof(struct log_settings, console), .help = "..."},
 *		{.name = "output", .argument = "FILE", .type = OPTION_PATH, ...},
 *		{0},
 *	};
 *
 * `--name value`, `--name=value`, `-n value`, `-nvalue`, and flags together (`-qf`); options and
 * operands in any order; after `--` everything is an operand. If an option is given twice, the
 * last one counts, except for lists. There are no abbreviations: a script that uses one would break
 * with the next option.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* The type of the value, and of the field at `offset`. Strings point into argv. */
enum option_type {
	OPTION_FLAG,   /* bool; has no value */
	OPTION_STRING, /* const char *: UTF-8, because it goes into plans and results */
	OPTION_PATH,   /* const char *, never empty; any bytes, as in file names */
	OPTION_PATHS,  /* struct strv: one item each time, each as OPTION_PATH */
	OPTION_LIST,   /* struct strv: one item each time, UTF-8 */
	OPTION_ENUM,   /* int: index in choices */
	OPTION_COUNT,  /* uint64_t, at least 1 */
	OPTION_SIZE,   /* uint64_t, bytes, at least 1 */
};

struct option {
	const char *name;           /* without the dashes */
	char letter;                /* 0: none */
	const char *const *aliases; /* other names of the same; ends with NULL; NULL: none */
	const char *argument;       /* "FILE"; NULL for flags */
	const char *help;           /* one sentence without a full stop */
	enum option_type type;
	size_t offset;
	uint64_t min, max;          /* OPTION_COUNT, OPTION_SIZE; 0: 1 and no maximum */
	const char *const *choices; /* OPTION_ENUM; ends with NULL */
	bool hidden;                /* not in the help */
};

/* The option tables for a command line, and the structs for their values. */
struct options {
	const struct option *table; /* of the command; NULL: none */
	void *settings;
	const struct option *common; /* of every command */
	void *common_settings;
	struct strv operands; /* filled by options_parse; options_release frees */
};

/*
 * Parse items[0..count). A mistake is ERR_INPUT, which names the option and the nearest valid one,
 * if any. The following items are still parsed as far as possible, so that the caller can write an
 * error to a file named by an option (run --result).
 */
int options_parse(struct options *o, char *const *items, size_t count, struct err *e) NODISCARD;

/*
 * As options_parse, with the common table only, up to the first operand. *ret_used: items parsed.
 */
int options_parse_common(struct options *o, char *const *items, size_t count, size_t *ret_used,
	struct err *e) NODISCARD;

/* Frees the operands and the lists in the settings. */
void options_release(struct options *o);

/* True if the table (NULL: empty) has an option that is not hidden. */
bool options_are_shown(const struct option *table);

/* Append the help of a table: one option after the other, wrapped at `width` columns. */
void options_add_help(struct buf *b, const struct option *table, size_t width);

/* Append text, wrapped at `width`. `column`: start of the first line; `indent`: of the others. */
void options_add_wrapped(
	struct buf *b, const char *text, size_t column, size_t indent, size_t width);

/* Append the usage of an option, "-o, --output FILE"; and its help with its aliases. */
void options_add_usage(struct buf *b, const struct option *o);
void options_add_text(struct buf *b, const struct option *o);

#endif
