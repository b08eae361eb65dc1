/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms in which a user has a container image or a root file system: how each is named and
 * opened.
 */
#ifndef IMAGES_FORMS_H
#define IMAGES_FORMS_H

#include "base/err.h"
#include "images/container.h"

/* For messages and help. */
#define FORMS_LIST                                                                                 \
	"oci:DIR, oci-archive:FILE, docker-archive:FILE, each with :TAG or without, "              \
	"rootfs:FILE, or docker://REF"

struct form;

struct forms_source {
	const struct form *form;
	char *path; /* of a reference to a registry: what follows docker:// */
	char *tag;  /* NULL: none */
};

/* "oci:DIR:TAG" and the like. ERR_INPUT: none of them. The caller releases *ret in each case. */
int forms_parse(const char *text, struct forms_source *ret, struct err *e) NODISCARD;
void forms_source_release(struct forms_source *s);
#define auto_forms_source __attribute__((cleanup(forms_source_release)))

/*
 * A name for the image in the store: "docker.io/library/debian:12" is debian-12. It need not be a
 * valid one. The caller frees.
 */
char *forms_name(const struct forms_source *s);

struct forms_way {
	const char *work; /* a directory that is private to the caller, for what is fetched */
	/* Called with a line of text that is safe for a terminal, while an image is fetched. */
	void (*tell)(void *arg, const char *line);
	void *arg;
};

/*
 * Open the image. Errors as of blobs_open_*, oci_open, dockersave_open, rootfs_open and
 * skopeo_copy. The caller releases *ret in each case.
 */
int forms_open(const struct forms_source *s, const struct forms_way *way,
	struct container_image *ret, struct err *e) NODISCARD;

#endif
