/* SPDX-License-Identifier: Apache-2.0 */
#include "images/forms.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "images/blobs.h"
#include "images/dockersave.h"
#include "images/limits.h"
#include "images/oci.h"
#include "images/rootfs.h"
#include "images/skopeo.h"
#include "os/path.h"

enum { SHOWN_MAX = 200, DIGEST_SHOWN = 12 };

/* What a name loses of these, the last ones first: "alpine.tar.gz" is alpine. */
static const char *const endings[] = {".gz", ".xz", ".zst", ".bz2", ".tar"};

/* An image is opened by its parts, from blobs, or in a way of the form's own. */
struct form {
	const char *prefix;
	int (*open_blobs)(const char *path, struct blobs *ret, struct err *e);
	int (*open_image)(
		const struct blobs *b, const char *tag, struct container_image *ret, struct err *e);
	int (*open)(const struct forms_source *s, const struct forms_way *way,
		struct container_image *ret, struct err *e);
};

static int open_rootfs(const struct forms_source *s, const struct forms_way *way,
	struct container_image *ret, struct err *e);
static int fetch(const struct forms_source *s, const struct forms_way *way,
	struct container_image *ret, struct err *e);

static const struct form forms[] = {
	{"oci:", blobs_open_directory, oci_open, NULL},
	{"oci-archive:", blobs_open_archive, oci_open, NULL},
	{"docker-archive:", blobs_open_archive, dockersave_open, NULL},
	{"rootfs:", NULL, NULL, open_rootfs},
	{SKOPEO_PREFIX, NULL, NULL, fetch},
};

void forms_source_release(struct forms_source *s)
{
	free(s->path);
	free(s->tag);
}

/* ---- what the user says ---- */

static const struct form *form_of(const char *source)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strncmp(source, forms[i].prefix, strlen(forms[i].prefix)) == 0)
			return &forms[i];
	return NULL;
}

/*
 * A tag may have colons and slashes, and so may a path: the path ends at the first colon before
 * which there is a file. If there is none, it ends at the first colon, as for skopeo.
 */
static const char *end_of_path(const char *path)
{
	for (const char *colon = strchr(path, ':'); colon; colon = strchr(colon + 1, ':')) {
		auto_free char *start = mem_strndup(path, (size_t)(colon - path));

		if (*start && access(start, F_OK) == 0)
			return colon;
	}
	return access(path, F_OK) == 0 ? NULL : strchr(path, ':');
}

static bool is_remote(const struct forms_source *s)
{
	return s->form->open == fetch;
}

static int refuse(const char *text, struct err *e)
{
	auto_free char *shown = text_safe(text, SHOWN_MAX);

	return err_set(e, ERR_INPUT,
		"'%s' is none of " FORMS_LIST
		", nor a file of 'ambient image export', nor a disk (qcow2, or raw with a boot "
		"sector)",
		shown);
}

int forms_parse(const char *text, struct forms_source *ret, struct err *e)
{
	const char *path, *end;

	ret->form = form_of(text);
	if (!ret->form)
		return refuse(text, e);
	path = text + strlen(ret->form->prefix);
	end = ret->form->open_image ? end_of_path(path) : NULL; /* else there are no tags */
	if (!*path || end == path || (end && !end[1]))
		return refuse(text, e);
	ret->path = mem_strndup(path, end ? (size_t)(end - path) : strlen(path));
	ret->tag = end ? mem_strdup(end + 1) : NULL;
	return 0;
}

/* ---- names ---- */

/* "docker.io/library/debian:12" is debian-12; of a digest, the first digits are enough. */
static char *name_of_tag(const char *tag)
{
	const char *base = path_base(tag), *digest = strchr(base, '@');
	const char *hex = digest ? strchr(digest, ':') : NULL;
	char *name = hex
		? mem_printf("%.*s-%.*s", (int)(digest - base), base, DIGEST_SHOWN, hex + 1)
		: mem_strdup(base);

	for (char *c = name; *c; c++)
		if (*c == ':')
			*c = '-';
	return name;
}

static char *name_of_reference(const char *reference)
{
	auto_free char *whole = NULL;

	if (strpbrk(path_base(reference), ":@"))
		return name_of_tag(reference);
	whole = mem_printf("%s:latest", reference);
	return name_of_tag(whole);
}

/* Of the directory itself, also for "." or a path that ends in a slash. */
static char *name_of_path(const char *path)
{
	auto_free char *absolute = path_absolute(path);
	size_t len = strlen(absolute);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t ending = strlen(endings[i]);

		if (len > ending && strcmp(absolute + len - ending, endings[i]) == 0)
			absolute[len -= ending] = '\0';
	}
	return mem_strdup(path_base(absolute));
}

char *forms_name(const struct forms_source *s)
{
	if (is_remote(s))
		return name_of_reference(s->path);
	return s->tag ? name_of_tag(s->tag) : name_of_path(s->path);
}

/* ---- opening ---- */

static int open_rootfs(const struct forms_source *s, const struct forms_way *way,
	struct container_image *ret, struct err *e)
{
	(void)way;
	return rootfs_open(s->path, ret, e);
}

/*
 * skopeo has compared the digest of a reference like debian@sha256:... If it is not that of the
 * manifest, it is that of the index of which skopeo took the manifest.
 */
static void take_pin(const char *reference, struct container_image *i)
{
	const char *at = strrchr(reference, '@');

	if (at)
		container_set_index(i, at + 1);
	if (strcmp(i->index.s, i->manifest.s) == 0)
		i->index.s[0] = '\0';
}

/*
 * A tag may be that of an index. What the tag names is read before the image is fetched: if it is
 * moved in between, the one does not list the other, and no index is known.
 */
static int inspect(const struct skopeo *skopeo, struct buf *raw, struct err *e)
{
	if (strchr(skopeo->reference, '@'))
		return 0; /* take_pin */
	return skopeo_inspect(skopeo, raw, e);
}

static void take_index(
	const struct skopeo *skopeo, const struct buf *raw, struct container_image *i)
{
	if (raw->len)
		oci_take_index(raw, i);
	else if (!strchr(skopeo->reference, '@'))
		skopeo->tell(skopeo->arg, "it is not known whether it comes out of an index");
}

/* By skopeo; then it is a directory. */
static int fetch(const struct forms_source *s, const struct forms_way *way,
	struct container_image *ret, struct err *e)
{
	auto_free char *reference = mem_printf(SKOPEO_PREFIX "%s", s->path);
	auto_free char *dir = path_join(way->work, "fetched");
	const struct skopeo skopeo = {
		.reference = reference, .dir = dir, .tell = way->tell, .arg = way->arg};
	auto_blobs struct blobs b = BLOBS_NONE;
	auto_buf struct buf raw = {0};

	buf_init(&raw, LIMIT_OCI_JSON);
	if (inspect(&skopeo, &raw, e) < 0 || skopeo_copy(&skopeo, e) < 0 ||
		blobs_open_directory(dir, &b, e) < 0)
		return -1;
	b.folder = "";
	if (oci_open_manifest(&b, CONTAINER_SAVE_MANIFEST, ret, e) < 0)
		return -1;
	take_pin(s->path, ret);
	take_index(&skopeo, &raw, ret);
	return 0;
}

int forms_open(const struct forms_source *s, const struct forms_way *way,
	struct container_image *ret, struct err *e)
{
	auto_blobs struct blobs b = BLOBS_NONE;

	if (s->form->open)
		return s->form->open(s, way, ret, e);
	if (s->form->open_blobs(s->path, &b, e) < 0)
		return -1;
	return s->form->open_image(&b, s->tag, ret, e);
}
