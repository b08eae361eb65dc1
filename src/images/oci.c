/* SPDX-License-Identifier: Apache-2.0 */
#include "images/oci.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "data/node.h"
#include "images/limits.h"
#include "settings/architecture.h"

enum { SHOWN_MAX = 120 };

#define TAG_KEY "org.opencontainers.image.ref.name"
#define MANIFEST "manifest" /* in messages */

static const char *const index_types[] = {"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json", NULL};

/* libarchive finds out how a layer is compressed; other types are not tar archives. */
static const char *const layer_types[] = {"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar", NULL};

/* ---- blobs ---- */

/* What a descriptor names. */
struct found {
	char *name;       /* FOLDER/HEX */
	const char *hex;  /* points into `name` */
	struct blob blob; /* its size is that of the descriptor; its digest is to be compared */
};

#define FOUND_NONE ((struct found){.blob = BLOB_NONE})

static void found_release(struct found *f)
{
	free(f->name);
	blob_release(&f->blob);
}
#define auto_found __attribute__((cleanup(found_release)))

/* `from` is the file that has the descriptor. */
static int find(const struct blobs *b, const struct node *descriptor, const char *from,
	struct found *ret, struct err *e)
{
	const char *digest = node_get_text(descriptor, "digest", "");
	auto_free char *shown = text_safe(digest, SHOWN_MAX);
	const char *hex = digest + strlen(CONTAINER_SHA256);

	if (strncmp(digest, CONTAINER_SHA256, strlen(CONTAINER_SHA256)) != 0 ||
		!container_is_hex(hex))
		return err_set(e, ERR_INPUT,
			"%s: %s: the digest '%s' is not 'sha256:' and 64 hexadecimal digits",
			b->path, from, shown);
	ret->name = mem_printf("%s%s", b->folder, hex);
	ret->hex = ret->name + strlen(b->folder);
	if (blobs_get(b, ret->name, &ret->blob, e) < 0)
		return -1;
	if (ret->blob.bytes != node_get_uint(descriptor, "size", UINT64_MAX))
		return blobs_refuse(b, ret->name, e,
			"it has %" PRIu64 " bytes, which the %s does not say", ret->blob.bytes,
			from);
	return 0;
}

/* Find a blob that is JSON, and append its text, whose digest is compared. */
static int read_text(const struct blobs *b, const struct node *descriptor, const char *from,
	struct found *ret, struct buf *text, struct err *e)
{
	struct digest_text digest;

	buf_init(text, LIMIT_OCI_JSON);
	if (find(b, descriptor, from, ret, e) < 0 ||
		blobs_read(b, ret->name, &ret->blob, text, e) < 0)
		return -1;
	digest = digest_of(text->data, text->len);
	return blobs_compare(b, ret->name, &digest, ret->hex, e);
}

static int read_blob(const struct blobs *b, const struct node *descriptor, const char *from,
	struct node **ret, struct err *e)
{
	auto_found struct found f = FOUND_NONE;
	auto_buf struct buf text = {0};

	if (read_text(b, descriptor, from, &f, &text, e) < 0)
		return -1;
	return blobs_parse(b, f.name, &text, NODE_MAP, ret, e);
}

/* ---- which image ---- */

struct choice {
	const struct blobs *blobs;
	const char *tag;
	bool loosely;                   /* container_tag_fits */
	const struct node *outer;       /* what is read of the outermost index */
	struct node *found;             /* descriptor of the manifest that fits best */
	const struct node *found_outer; /* the one of the outermost index that led to it */
	const struct node *counted;     /* likewise, to the last image that fits */
	char *found_in;                 /* digest of found_outer if that is an index; or NULL */
	size_t count;                   /* images that fit */
	size_t indexes;                 /* read so far */
	struct buf others;              /* "linux/arm64, ..." for the message */
};

static bool is_index(const struct node *descriptor)
{
	const char *type = node_get_text(descriptor, "mediaType", "");

	for (size_t i = 0; index_types[i]; i++)
		if (strcmp(type, index_types[i]) == 0)
			return true;
	return false;
}

static void add_other(struct choice *c, const char *what)
{
	auto_free char *shown = text_safe(what, SHOWN_MAX);

	if (c->others.len < SHOWN_MAX)
		buf_addf(&c->others, "%s%s", c->others.len ? ", " : "", shown);
}

/* A descriptor without a platform is taken: its configuration is compared later. */
static bool is_for_us(struct choice *c, const struct node *descriptor)
{
	const struct node *platform = node_get(descriptor, "platform");
	const char *system = node_get_text(platform, "os", CONTAINER_SYSTEM);
	const char *own = architecture_own()->container;
	const char *architecture = node_get_text(platform, "architecture", own);
	auto_free char *name = mem_printf("%s/%s", system, architecture);

	if (strcmp(system, CONTAINER_SYSTEM) == 0 && strcmp(architecture, own) == 0)
		return true;
	add_other(c, name);
	return false;
}

static const char *tag_of(const struct node *descriptor)
{
	return node_get_text(node_get(descriptor, "annotations"), TAG_KEY, "");
}

/* Only the outermost index has tags. */
static bool has_tag(struct choice *c, const struct node *descriptor, unsigned depth)
{
	const char *tag = tag_of(descriptor);

	if (!c->tag || depth > 0 || container_tag_fits(tag, c->tag, c->loosely))
		return true;
	add_other(c, tag);
	return false;
}

static int look_through(struct choice *c, const struct node *index, const char *name,
	unsigned depth, struct err *e);

/* Of the architecture: "v3" of linux/amd64, for processors that have more; "": for each. */
static const char *variant_of(const struct node *descriptor)
{
	return node_get_text(node_get(descriptor, "platform"), "variant", "");
}

/* Is this manifest that of the image that was found, perhaps in another variant? */
static bool is_of_found(const struct choice *c, const struct node *descriptor)
{
	const char *tag = tag_of(c->outer);

	if (!c->found || c->outer == c->found_outer)
		return c->found != NULL;
	return *tag && strcmp(tag, tag_of(c->found_outer)) == 0 &&
		strcmp(variant_of(descriptor), variant_of(c->found)) != 0;
}

/*
 * Of the variants of an image, the lowest runs on each processor, also on one that QEMU emulates.
 * Of equal manifests of one index the first one counts, as image-index.md has it.
 */
static void take(struct choice *c, const struct node *descriptor)
{
	bool is_other = !is_of_found(c, descriptor);

	if (is_other && c->counted != c->outer)
		c->count++;
	if (is_other)
		c->counted = c->outer;
	if (c->found && (is_other || strverscmp(variant_of(descriptor), variant_of(c->found)) >= 0))
		return;
	node_free(c->found);
	c->found = node_copy(descriptor);
	c->found_outer = c->outer;
	free(c->found_in);
	c->found_in = is_index(c->outer) ? mem_strdup(node_get_text(c->outer, "digest", "")) : NULL;
}

static int look_at(struct choice *c, const struct node *descriptor, const char *name,
	unsigned depth, struct err *e)
{
	auto_node struct node *inner = NULL;

	if (!has_tag(c, descriptor, depth) || !is_for_us(c, descriptor))
		return 0;
	if (depth == 0)
		c->outer = descriptor;
	if (!is_index(descriptor)) {
		take(c, descriptor);
		return 0;
	}
	if (++c->indexes > LIMIT_OCI_INDEXES)
		return blobs_refuse(c->blobs, CONTAINER_OCI_INDEX, e, "it has more than %d indexes",
			LIMIT_OCI_INDEXES);
	if (read_blob(c->blobs, descriptor, name, &inner, e) < 0)
		return -1;
	return look_through(c, inner, "index", depth + 1, e);
}

static int look_through(
	struct choice *c, const struct node *index, const char *name, unsigned depth, struct err *e)
{
	const struct node *descriptor;

	node_each (node_get(index, "manifests"), descriptor)
		if (look_at(c, descriptor, name, depth, e) < 0)
			return -1;
	return 0;
}

static int none_fits(const struct choice *c, struct err *e)
{
	auto_free char *tag = text_safe(c->tag ? c->tag : "", SHOWN_MAX);

	return blobs_refuse(c->blobs, CONTAINER_OCI_INDEX, e,
		"there is no image %s%sfor " CONTAINER_SYSTEM "/%s%s%s", tag, *tag ? " " : "",
		architecture_own()->container, c->others.len ? "; there are: " : "",
		c->others.len ? c->others.data : "");
}

static int several_fit(const struct choice *c, struct err *e)
{
	auto_free char *tag = text_safe(c->tag ? c->tag : "", SHOWN_MAX);

	if (c->tag && !c->loosely)
		return blobs_refuse(c->blobs, CONTAINER_OCI_INDEX, e,
			"there are %zu images with the tag %s", c->count, tag);
	return blobs_refuse(c->blobs, CONTAINER_OCI_INDEX, e,
		"there are %zu images; name one: %s:TAG", c->count,
		c->blobs->is_archive ? "oci-archive:FILE" : "oci:DIR");
}

static int no_index(const struct blobs *b, struct err *e)
{
	if (blobs_has(b, CONTAINER_SAVE_MANIFEST))
		return err_append(e, "; it is an archive of 'docker save': docker-archive:FILE");
	return err_append(e, "; is this in the OCI image layout, as 'skopeo copy ... %s' makes it?",
		b->is_archive ? "oci-archive:FILE" : "oci:DIR");
}

static int read_index(const struct blobs *b, struct node **ret, struct err *e)
{
	auto_blob struct blob blob = BLOB_NONE;
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_OCI_JSON);
	if (blobs_get(b, CONTAINER_OCI_INDEX, &blob, e) < 0)
		return no_index(b, e);
	if (blobs_read(b, CONTAINER_OCI_INDEX, &blob, &text, e) < 0)
		return -1;
	return blobs_parse(b, CONTAINER_OCI_INDEX, &text, NODE_MAP, ret, e);
}

static int choose(struct choice *c, struct err *e)
{
	auto_node struct node *index = NULL;

	if (read_index(c->blobs, &index, e) < 0 ||
		look_through(c, index, CONTAINER_OCI_INDEX, 0, e) < 0)
		return -1;
	if (c->count == 0 && c->tag) {
		c->loosely = true;
		c->indexes = 0;
		buf_clear(&c->others);
		if (look_through(c, index, CONTAINER_OCI_INDEX, 0, e) < 0)
			return -1;
	}
	if (c->count == 0)
		return none_fits(c, e);
	return c->count > 1 ? several_fit(c, e) : 0;
}

/* ---- the image ---- */

static int refuse_manifest(const struct blobs *b, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static int refuse_manifest(const struct blobs *b, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "%s: the manifest of the image", b->path);
}

static bool is_layer(const struct node *descriptor)
{
	const char *type = node_get_text(descriptor, "mediaType", "");

	for (size_t i = 0; layer_types[i]; i++) {
		size_t len = strlen(layer_types[i]);

		if (strncmp(type, layer_types[i], len) == 0 && strchr("+.", type[len]))
			return true;
	}
	return false;
}

static int add_layer(const struct blobs *b, const struct node *descriptor,
	struct container_image *i, struct err *e)
{
	auto_free char *type = text_safe(node_get_text(descriptor, "mediaType", ""), SHOWN_MAX);
	auto_found struct found f = FOUND_NONE;
	struct digest_text digest;

	if (!is_layer(descriptor))
		return refuse_manifest(
			b, e, "a layer is of the type '%s', which is not a tar archive", type);
	if (find(b, descriptor, MANIFEST, &f, e) < 0 ||
		digest_of_part(f.blob.fd, f.blob.offset, f.blob.bytes, &digest, e) < 0 ||
		blobs_compare(b, f.name, &digest, f.hex, e) < 0)
		return -1;
	return container_take_layer(i, b, f.name, &f.blob, e);
}

static int read_config(const struct blobs *b, const struct node *manifest,
	struct container_image *i, struct err *e)
{
	auto_found struct found f = FOUND_NONE;
	auto_buf struct buf text = {0};

	if (read_text(b, node_get(manifest, "config"), MANIFEST, &f, &text, e) < 0)
		return -1;
	return container_take_config(i, b, f.name, &text, e);
}

/* The digest of `text` was compared, if there is one to compare it with. */
static int read_image(const struct blobs *b, const char *name, const struct buf *text,
	struct container_image *i, struct err *e)
{
	auto_node struct node *manifest = NULL;
	const struct node *layers, *layer;

	if (blobs_parse(b, name, text, NODE_MAP, &manifest, e) < 0)
		return -1;
	i->manifest = digest_of(text->data, text->len);
	layers = node_get(manifest, "layers");
	if (!node_get(manifest, "config") || !layers || layers->kind != NODE_LIST ||
		layers->count == 0)
		return refuse_manifest(b, e, "it is not that of an image with layers");
	if (read_config(b, manifest, i, e) < 0)
		return -1;
	node_each (layers, layer)
		if (add_layer(b, layer, i, e) < 0)
			return -1;
	return 0;
}

static int open_chosen(const struct blobs *b, const struct node *descriptor,
	struct container_image *i, struct err *e)
{
	auto_found struct found f = FOUND_NONE;
	auto_buf struct buf text = {0};

	if (read_text(b, descriptor, CONTAINER_OCI_INDEX, &f, &text, e) < 0)
		return -1;
	return read_image(b, f.name, &text, i, e);
}

int oci_open(const struct blobs *b, const char *tag, struct container_image *ret, struct err *e)
{
	struct choice c = {.blobs = b, .tag = tag};
	int result;

	buf_init(&c.others, 4 * SHOWN_MAX);
	result = choose(&c, e);
	if (result == 0)
		result = open_chosen(b, c.found, ret, e);
	if (result == 0 && c.found_in)
		container_set_index(ret, c.found_in);
	node_free(c.found);
	free(c.found_in);
	buf_release(&c.others);
	return result;
}

int oci_open_manifest(
	const struct blobs *b, const char *name, struct container_image *ret, struct err *e)
{
	auto_blob struct blob blob = BLOB_NONE;
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_OCI_JSON);
	if (blobs_get(b, name, &blob, e) < 0 || blobs_read(b, name, &blob, &text, e) < 0)
		return -1;
	return read_image(b, name, &text, ret, e);
}

/* ---- an index of which the rest is not here ---- */

static bool lists(const struct node *index, const char *digest)
{
	const struct node *descriptor;

	node_each (node_get(index, "manifests"), descriptor)
		if (strcmp(node_get_text(descriptor, "digest", ""), digest) == 0)
			return true;
	return false;
}

void oci_take_index(const struct buf *raw, struct container_image *i)
{
	auto_free char *manifest = mem_printf(CONTAINER_SHA256 "%s", i->manifest.s);
	auto_node struct node *index = NULL;
	struct err ignored = {0};

	if (jsonl_parse(raw->data, raw->len, "index", &index, &ignored) == 0 &&
		lists(index, manifest))
		i->index = digest_of(raw->data, raw->len);
}
