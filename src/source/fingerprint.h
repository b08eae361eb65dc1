/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of an archive as written by pack.c, or as it would be written. It covers the contents
 * and everything in the headers except times. Contents of repositories are normalized (gitview.h).
 *
 *	auto_fingerprint struct fingerprint *f = fingerprint_new(memory);
 *	const struct pack_sink sink = fingerprint_sink(f);
 *
 *	options.sink = &sink;
 *	if (pack_tree(root, dir, fd, &options, &packed, e) == 0)
 *		digest = fingerprint_end(f);
 */
#ifndef SOURCE_FINGERPRINT_H
#define SOURCE_FINGERPRINT_H

#include "data/pack.h"
#include "source/filememory.h"

struct fingerprint;

struct fingerprint *fingerprint_new(struct filememory *memory); /* borrowed */
struct pack_sink fingerprint_sink(struct fingerprint *f);
/* The digest of everything that the sink received. Call once. */
struct digest_text fingerprint_end(struct fingerprint *f);

void fingerprint_free(struct fingerprint *f); /* accepts NULL */
static inline void fingerprint_auto_free(struct fingerprint **f)
{
	fingerprint_free(*f);
}
#define auto_fingerprint __attribute__((cleanup(fingerprint_auto_free)))

#endif
