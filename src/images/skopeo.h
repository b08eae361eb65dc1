/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches a container image from a registry by skopeo(1). It runs on the host without our jail,
 * because it needs the network, the user's login files and the host's certificates and policy; all
 * that it writes is untrusted. It ends with this program.
 */
#ifndef IMAGES_SKOPEO_H
#define IMAGES_SKOPEO_H

#include "base/buf.h"
#include "base/err.h"

#define SKOPEO_PREFIX "docker://"

struct skopeo {
	const char *reference; /* "docker://NAME:TAG" or "docker://NAME@DIGEST" */
	const char *dir;       /* is made; its parent directory is private to the caller */
	/* Called with each line that skopeo prints, and with the size from time to time; safe text. */
	void (*tell)(void *arg, const char *line);
	void *arg;
};

/*
 * Copy the image of this machine's architecture as it is, so that its digests stay: manifest.json,
 * and blobs by their digests. ERR_HOST: skopeo is not installed (reason host_no_skopeo), or failed
 * (reason host_skopeo_failed, with its last line). ERR_INPUT: more than LIMIT_IMAGE_BYTES.
 * ERR_INTERRUPTED.
 */
int skopeo_copy(const struct skopeo *s, struct err *e) NODISCARD;

/*
 * What the registry has under the reference, as it is: the manifest of an image, or an index of
 * several. It is appended to `ret`, to which nothing is appended if skopeo could not read it within
 * LIMIT_HELPER_MS, or it is longer than LIMIT_OCI_JSON: then skopeo_copy says what is wrong. Nothing
 * that skopeo prints is told. ERR_INTERRUPTED.
 */
int skopeo_inspect(const struct skopeo *s, struct buf *ret, struct err *e) NODISCARD;

#endif
