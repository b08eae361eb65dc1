/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the file tree of a container image, made from its layers (layertree.h), as one tar archive
 * to a pipe. The archive has every kind of file, and owners and modes as the layers have them: only
 * guests mount what is made of it. The entries are in the order of the layers, not in that of a
 * walk, so the readers of our own archives do not read it.
 *
 * The layers are read twice: for names, then for contents. Memory grows only with the names.
 */
#ifndef ARCHIVE_LAYERS_H
#define ARCHIVE_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"

/* A layer: a part of a regular file, which is borrowed. */
struct layers_part {
	int fd;
	uint64_t offset, length;
};

struct layers_options {
	uint64_t max_bytes;   /* of the archive that is written */
	uint64_t max_entries; /* of all layers together */
	/* Called for progress; -1 with *e set stops the work. May be NULL. */
	int (*tick)(void *arg, const struct rewrite_report *so_far, struct err *e);
	void *tick_arg;
};

/*
 * Read `count` layers, the lowest one first: tar alone or compressed (foreign.h). Their files may have
 * REWRITE_OWNERS_MAX different owners, and what a machine needs must be what it needs or missing: /dev
 * must not be a file.
 * Write the archive to `out`. ERR_INPUT: a fault of a layer, with its number from 1; ERR_HOST: a
 * fault of the host, or nobody reads `out`. Extended attributes that our archives cannot have are
 * left out and counted in ret->dropped.xattrs. A time that a squashfs cannot have becomes the nearest
 * one that it can have.
 */
int layers_merge(const struct layers_part *layers, size_t count, int out,
	const struct layers_options *o, struct rewrite_report *ret, struct err *e) NODISCARD;

#endif
