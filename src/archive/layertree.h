/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file tree that the layers of a container image make (OCI image specification 1.1, layer.md:
 * "Applying Changesets", "Whiteouts"): for each name, the layer and the entry that it comes from.
 * Names and types are kept in memory; contents stay in the layers, which are read twice.
 *
 *	layertree_init(&t, max_entries);
 *	for each layer, the lowest one first:
 *		layertree_begin(&t);
 *		for each entry of the layer:
 *			if (layertree_add(&t, &entry, e) < 0) ...
 *	for each layer and each entry again:
 *		layertree_file(&t, layer, number)    the names that it has in the end
 *
 * A parent directory that is a symbolic link is followed inside the tree, as container engines do
 * it: ".." in the root is the root, and nothing leads out of the tree. Errors are ERR_INPUT and name
 * the entry, without control characters.
 */
#ifndef ARCHIVE_LAYERTREE_H
#define ARCHIVE_LAYERTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/foreign.h"
#include "base/buf.h"
#include "base/err.h"

struct layertree_name;

/* An entry of a layer that is in the tree, or was. */
struct layertree_file {
	enum tar_type type;
	uint64_t size;
	struct layertree_name *names; /* as they were added; NULL: none is left */
	struct layertree_name *last;
};

struct layertree_name {
	struct layertree_name *parent; /* NULL: the root */
	struct layertree_name *child;  /* the last one that was added; directories only */
	struct layertree_name *older;  /* the sibling that was added before */
	struct layertree_name *newer;  /* the sibling that was added after */
	struct layertree_name *bucket; /* the next one in the hash table */
	struct layertree_file *file;   /* NULL: a directory that no layer describes */
	struct layertree_name *other;  /* the next name of the same file */
	struct layertree_name *before; /* the previous one */
	char *target;                  /* of a symbolic link */
	size_t layer;                  /* the layer that described it last */
	size_t cleared; /* 1 + the last layer that removed what lower layers have put below it */
	unsigned depth; /* components of its path */
	size_t path_len;
	char name[];
};

/* The entries of one layer. */
struct layertree_layer {
	struct layertree_file **files; /* by number; NULL: a whiteout, the root or a later name */
	size_t count, size;
};

struct layertree {
	struct layertree_name *root;
	struct layertree_name **table;
	size_t table_size, name_count;
	struct layertree_layer *layers;
	size_t layer_count;
	uint64_t max_entries, entries; /* and directories that had no entry when they were made */
	uint64_t names_bytes;
};

void layertree_init(struct layertree *t, uint64_t max_entries);
void layertree_release(struct layertree *t);
#define auto_layertree __attribute__((cleanup(layertree_release)))

void layertree_begin(struct layertree *t);

/*
 * Apply the next entry of the layer that was begun last. Only path, link, type and size of the
 * entry are used. ERR_INPUT: ".." in the path, a path below a file, a name of more than
 * NAME_MAX bytes, a hard link to nothing, a whiteout of no name, and too many entries or names.
 */
int layertree_add(struct layertree *t, const struct foreign_entry *entry, struct err *e) NODISCARD;

/* The file of an entry, by its numbers from 0. NULL: nothing of it is in the tree. */
const struct layertree_file *layertree_file(const struct layertree *t, size_t layer, size_t number);

/* Append the path of a name: "usr/bin/sh". */
void layertree_path(const struct layertree_name *name, struct buf *path);

/* Which symbolic link may be at the place of what is needed. */
enum layertree_link {
	LAYERTREE_LINK_NONE,
	LAYERTREE_LINK_INSIDE, /* to what is there, and neither with '/' in front nor above the root */
	LAYERTREE_LINK_THERE, /* to what is there */
	LAYERTREE_LINK_ANY,   /* also to nothing */
};

struct layertree_need {
	const char *path; /* "lib/modules" */
	enum layertree_link link;
	bool is_file; /* else it must be a directory */
};

/*
 * Is it as needed, or is nothing there? Links on the way to it are followed. ERR_INPUT says what is
 * there instead.
 */
int layertree_check(
	const struct layertree *t, const struct layertree_need *need, struct err *e) NODISCARD;

/*
 * Call fn for each directory that no layer describes, parents first. A result other than 0 ends
 * the walk and is returned.
 */
int layertree_each_implied(const struct layertree *t,
	int (*fn)(void *arg, const struct layertree_name *name, struct err *e), void *arg,
	struct err *e);

#endif
