/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of the keys that a mapping may have: one row per key; the last row has no name. The same
 * rows check files, fill in defaults, and print help and documentation.
 *
 *	static const struct param table[] = {
 *		{.name = "url", .type = PARAM_STRING, .required = true, .help = "where to get it"},
 *		{.name = "tries", .type = PARAM_UINT, .min = 1, .max = 10, .preset = "3",
 *			.help = "..."},
 *		{0},
 *	};
 *
 * Quotes around a scalar never matter: `cpus: 2` and `cpus: "2"` are the same, and so are
 * `channel: 1.95` and `channel: "1.95"`. A key whose value is null counts as absent.
 */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

enum param_type {
	PARAM_STRING,     /* any scalar, as text */
	PARAM_PATH,       /* a string, never empty; the user of the value expands `~` */
	PARAM_BOOL,       /* true or false */
	PARAM_UINT,       /* min to max, decimal */
	PARAM_SIZE,       /* min to max bytes, see num_parse_size */
	PARAM_DURATION,   /* see num_parse_duration */
	PARAM_ENUM,       /* one of choices */
	PARAM_STRINGS,    /* a list of scalars */
	PARAM_STRING_MAP, /* a mapping of scalars */
	PARAM_NODE,       /* any node; the user of the table checks it */
	PARAM_LIST,       /* a list of any nodes; the user of the table checks the items */
	PARAM_MAP,        /* a mapping, checked by `sub` */
	PARAM_MAPS,       /* a list of mappings, each checked by `sub` */
	PARAM_NAMED_MAPS, /* a mapping of names to mappings, each checked by `sub` */
};

struct param {
	const char *name;
	enum param_type type;
	bool required;
	bool not_empty;             /* STRING, STRINGS, STRING_MAP, LIST, MAPS: reject "", [], {} */
	uint64_t min;               /* UINT, SIZE */
	uint64_t max;               /* UINT, SIZE; 0: the maximum of the type */
	const char *const *choices; /* ENUM; ends with NULL */
	const struct param *sub;    /* MAP, MAPS, NAMED_MAPS */
	/* NAMED_MAPS: a list of mappings, each checked by this table, is accepted, too */
	const struct param *listed;
	const char *preset; /* the default as text; NULL: none. Scalars only */
	/* of an action: a value of this name in the project has priority */
	bool inherit;
	/* PATH, and STRINGS that are a program with its arguments: what the file is, for messages */
	const char *file_is;
	bool is_command;  /* STRINGS: a program and its arguments */
	const char *help; /* one sentence without a full stop, for help and documentation */
	/* the replacement of a deprecated key; the key works, and its user warns */
	const char *deprecated;
	/* another spelling: the key of the same table that it stands for (schema_respell) */
	const char *same_as;
	/* a key of other versions that means nothing here: what there is instead (schema_respell) */
	const char *no_effect;
	/* wrong keys that people write for this one; ends with NULL; optional */
	const char *const *mistaken;
	/*
	 * The offset in a struct where schema_load stores the value, in a member of the type that
	 * belongs to the type of the row. 0: the value is not stored, so the first member of the
	 * struct must be something else.
	 */
	size_t offset;
};

/*
 * Check a mapping against a table. An unknown key (with the nearest valid name), a missing key, and
 * a wrong type are each an ERR_INPUT "FILE:LINE:COL: ...". The mapping is not changed.
 */
int schema_check(const struct param *table, const struct node *map, const char *file,
	struct err *e) NODISCARD;

/* As schema_check; the keys of a second table are valid, too (those common to all actions). */
int schema_check_both(const struct param *table, const struct param *common, const struct node *map,
	const char *file, struct err *e) NODISCARD;

/*
 * As schema_check, for JSON that was written by a program, possibly a newer version of this one.
 * Strings must be quoted; numbers, true and false must not be. Keys that are not in the table are
 * ignored. The top level may be of any kind.
 */
int schema_check_written(const struct param *table, const struct node *map, const char *file,
	struct err *e) NODISCARD;

/*
 * Rename the keys of an accepted mapping, and of the mappings below it, that are another spelling
 * (`same_as`) to the key that they stand for; remove those without effect, with a warning
 * "FILE:LINE:COL: ..." for each in `warnings`. ERR_INPUT: a key is there in both spellings.
 */
int schema_respell(const struct param *table, struct node *map, const char *file,
	struct strv *warnings, struct err *e) NODISCARD;

/*
 * The values of a mapping that schema_check accepted: the given value, else the preset, else NULL
 * or 0. The key must be a row of the table (else a BUG).
 */
const char *schema_text(const struct param *table, const struct node *map, const char *key);
bool schema_bool(const struct param *table, const struct node *map, const char *key);
uint64_t schema_uint(const struct param *table, const struct node *map, const char *key);
/* The size in bytes. */
uint64_t schema_size(const struct param *table, const struct node *map, const char *key);
/* The duration in milliseconds. */
int64_t schema_duration(const struct param *table, const struct node *map, const char *key);

/*
 * Store the values of a mapping that schema_check accepted, or the presets, in *base at the offsets
 * of the rows:
 *
 * - STRING and PATH: a char *, allocated, or NULL
 * - BOOL: a bool
 * - UINT and SIZE (bytes): a uint64_t
 * - DURATION: an int64_t of milliseconds
 * - ENUM: an int, the index in `choices` (0 when there is no value)
 * - STRING_MAP and NODE: a borrowed const struct node *, or NULL
 *
 * Other types have no offset. schema_release frees the allocated values.
 */
void schema_load(const struct param *table, const struct node *map, void *base);
void schema_release(const struct param *table, void *base);

/*
 * A copy in the order of the table, with every key: presets are filled in, null if there is none.
 * Keys that are deprecated, another spelling, or without effect are not in it.
 */
struct node *schema_fill(const struct param *table, const struct node *map);

const struct param *schema_find(const struct param *table, const char *key); /* NULL: no such row */

/*
 * Append a description of a valid value: "a string", "one of auto, kvm, tcg", "a list of mappings".
 */
void schema_add_type(struct buf *b, const struct param *row);

#endif
