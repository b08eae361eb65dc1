/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are there newer versions of an image's packages? Asked is apt, with the package lists that `ambient
 * image build` has read last (vm-images/apt-root), so the answer is what a build without reading them
 * again would take. Nothing is fetched. An image that was not built from Debian packages has no list of
 * packages, and on a host that has no package lists of its release nothing is known.
 */
#ifndef UPKEEP_UPDATES_H
#define UPKEEP_UPDATES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "settings/image.h"

struct updates {
	bool known;            /* false: nothing to compare with; all else is 0 */
	uint64_t packages;     /* of the image, its kernel included */
	uint64_t newer;        /* of these: how many have a newer version */
	char *example;         /* one of these: "bash 5.2-1, now 5.2-2"; NULL: none */
	struct timespec lists; /* when the package lists were read */
};

void updates_release(struct updates *u);
#define auto_updates __attribute__((cleanup(updates_release)))

/* Ask apt. ERR_HOST: it cannot be asked, although there are lists. ERR_INTERRUPTED. */
int updates_look(const struct image *image, struct updates *ret, struct err *e) NODISCARD;

/*
 * The same answer as last time, as long as image and package lists are the same; otherwise apt is asked,
 * which takes a fraction of a second. Answers are remembered in the state directory, in
 * .package-updates.json; if apt cannot be asked, that nothing is known.
 */
int updates_recall(
	const char *state, const struct image *image, struct updates *ret, struct err *e) NODISCARD;

/* "3 of its 30 packages have newer versions (bash ...); '...' makes it again". The caller frees. */
char *updates_message(const struct image *image, const struct updates *u);

#endif
