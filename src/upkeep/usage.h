/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk space of everything that this program keeps: the state directory and the image store
 * together. Space is counted as on the disk, in bytes, and a file with several names once, as the
 * kernel that all images share. Not counted: images that were installed with the program, the packages
 * that vm-images/apt-root has fetched, and temporary files.
 *
 * A directory of a run does not change after its end, so its size is remembered in the state directory,
 * in .disk-usage.json, and only new runs are walked through: then a sum takes as long as a listing of
 * all runs. The file only saves time; if it is damaged or cannot be written, everything is measured.
 */
#ifndef UPKEEP_USAGE_H
#define UPKEEP_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum usage_kind {
	USAGE_IMAGES, /* of the store, with the kernel from which they are made */
	USAGE_DEPS,
	USAGE_CACHES,  /* also of cache scopes */
	USAGE_SOURCES, /* mirrors and checkouts of repositories on servers */
	USAGE_RUNS,    /* logs and artifacts */
	USAGE_WORK,    /* files of runs and of imports in progress, or of killed ones */
	USAGE_OTHER,   /* small files: states, locks */
	USAGE_KINDS,
};

/* The name of a kind: "images", "dependencies". */
const char *usage_name(enum usage_kind kind);

struct usage {
	uint64_t bytes[USAGE_KINDS];
};

/* UINT64_MAX if it is more. */
uint64_t usage_total(const struct usage *u);

/* A part of the sum: `name` is the image, or the project; NULL: of neither. A name comes repeatedly. */
typedef void usage_visitor(void *arg, enum usage_kind kind, const char *name, uint64_t bytes);

struct usage_request {
	const char *state, *store;
	bool remembered;      /* use the remembered sizes of runs; false: measure all */
	bool remember;        /* write the file; false: only read it */
	usage_visitor *visit; /* NULL: none */
	void *arg;
};

/*
 * Add up everything. Directories that are missing are empty. What this user may not read counts as
 * nothing, and what vanishes meanwhile. ERR_HOST if something else goes wrong; ERR_INTERRUPTED.
 */
int usage_measure(const struct usage_request *r, struct usage *ret, struct err *e) NODISCARD;

#endif
