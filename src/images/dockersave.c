/* SPDX-License-Identifier: Apache-2.0 */
#include "images/dockersave.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/node.h"
#include "images/limits.h"
#include "os/path.h"

enum { SHOWN_MAX = 120 };

#define CONFIG_ENDING ".json"
/* Its result has the digests that this reader needs. */
#define REMEDY "'skopeo copy docker-archive:FILE oci:DIR' makes a form of it that is read"

/* ---- which image ---- */

static int refuse_manifest(const struct blobs *b, struct err *e, const char *why)
{
	return blobs_refuse(b, CONTAINER_SAVE_MANIFEST, e, "%s", why);
}

static int read_manifest(const struct blobs *b, struct node **ret, struct err *e)
{
	auto_blob struct blob blob = BLOB_NONE;
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_OCI_JSON);
	if (blobs_get(b, CONTAINER_SAVE_MANIFEST, &blob, e) < 0)
		return blobs_has(b, CONTAINER_OCI_INDEX)
			? err_append(e, "; it is in the OCI image layout: oci-archive:FILE")
			: err_append(e, "; is this an archive of 'docker save'?");
	if (blobs_read(b, CONTAINER_SAVE_MANIFEST, &blob, &text, e) < 0)
		return -1;
	return blobs_parse(b, CONTAINER_SAVE_MANIFEST, &text, NODE_LIST, ret, e);
}

static bool has_tag(const struct node *image, const char *wanted, bool loosely)
{
	const struct node *tag;

	node_each (node_get(image, "RepoTags"), tag)
		if (node_text(tag) && container_tag_fits(node_text(tag), wanted, loosely))
			return true;
	return false;
}

static const struct node *find_tag(
	const struct node *images, const char *wanted, bool loosely, size_t *ret_count)
{
	const struct node *image, *found = NULL;

	*ret_count = 0;
	node_each (images, image)
		if ((!wanted || has_tag(image, wanted, loosely)) && (*ret_count)++ == 0)
			found = image;
	return found;
}

static void add_tags(const struct node *image, struct buf *b)
{
	const struct node *tag;

	node_each (node_get(image, "RepoTags"), tag) {
		auto_free char *shown = text_safe(node_text(tag) ? node_text(tag) : "", SHOWN_MAX);

		if (b->len < SHOWN_MAX)
			buf_addf(b, "%s%s", b->len ? ", " : "", shown);
	}
}

static int none_fits(
	const struct blobs *b, const struct node *images, const char *tag, struct err *e)
{
	auto_free char *shown = text_safe(tag ? tag : "", SHOWN_MAX);
	auto_buf struct buf tags = {0};
	const struct node *image;

	buf_init(&tags, 4 * SHOWN_MAX);
	node_each (images, image)
		add_tags(image, &tags);
	return blobs_refuse(b, CONTAINER_SAVE_MANIFEST, e, "there is no image%s%s%s%s",
		tag ? " " : "", shown, tags.len ? "; there are: " : "", tags.len ? tags.data : "");
}

static int choose(const struct blobs *b, const struct node *images, const char *tag,
	const struct node **ret, struct err *e)
{
	size_t count;

	*ret = find_tag(images, tag, false, &count);
	if (count == 0 && tag)
		*ret = find_tag(images, tag, true, &count);
	if (count == 0)
		return none_fits(b, images, tag, e);
	if (count > 1)
		return blobs_refuse(b, CONTAINER_SAVE_MANIFEST, e,
			"there are %zu images; name one: docker-archive:FILE:NAME:TAG", count);
	return 0;
}

/* ---- its parts ---- */

/*
 * The digest in the name of a configuration: "HEX.json", "blobs/sha256/HEX" or "sha256:HEX". The
 * caller frees. NULL: there is none.
 */
static char *digest_in(const char *name)
{
	const char *hex = path_base(name);
	size_t len;

	if (strncmp(hex, CONTAINER_SHA256, strlen(CONTAINER_SHA256)) == 0)
		hex += strlen(CONTAINER_SHA256);
	len = strlen(hex);
	if (len > strlen(CONFIG_ENDING) &&
		strcmp(hex + len - strlen(CONFIG_ENDING), CONFIG_ENDING) == 0)
		len -= strlen(CONFIG_ENDING);
	return mem_strndup(hex, len);
}

static int read_config(
	const struct blobs *b, const struct node *image, struct container_image *i, struct err *e)
{
	const char *name = node_get_text(image, "Config", NULL);
	auto_free char *wanted = name ? digest_in(name) : NULL;
	auto_blob struct blob blob = BLOB_NONE;
	auto_buf struct buf text = {0};
	struct digest_text digest;

	if (!name || !container_is_hex(wanted))
		return refuse_manifest(
			b, e, "the name of a configuration is not its digest; " REMEDY);
	buf_init(&text, LIMIT_OCI_JSON);
	if (blobs_get(b, name, &blob, e) < 0 || blobs_read(b, name, &blob, &text, e) < 0)
		return -1;
	digest = digest_of(text.data, text.len);
	if (blobs_compare(b, name, &digest, wanted, e) < 0)
		return -1;
	return container_take_config(i, b, name, &text, e);
}

/* A compressed layer has another digest than its contents. */
static int compare_layer(const struct blobs *b, const char *name, const struct blob *layer,
	const char *diff_id, struct err *e)
{
	struct digest_text digest;

	if (strncmp(diff_id, CONTAINER_SHA256, strlen(CONTAINER_SHA256)) != 0)
		return blobs_refuse(b, name, e, "the configuration has no digest of it");
	if (digest_of_part(layer->fd, layer->offset, layer->bytes, &digest, e) < 0)
		return -1;
	if (blobs_compare(b, name, &digest, diff_id + strlen(CONTAINER_SHA256), e) == 0)
		return 0;
	return err_append(e, ", or compressed; " REMEDY);
}

static int add_layer(const struct blobs *b, const char *name, const char *diff_id,
	struct container_image *i, struct err *e)
{
	auto_blob struct blob layer = BLOB_NONE;

	if (blobs_get(b, name, &layer, e) < 0 || compare_layer(b, name, &layer, diff_id, e) < 0)
		return -1;
	return container_take_layer(i, b, name, &layer, e);
}

static const char *text_at(const struct node *list, size_t index)
{
	const char *text = node_text(list->items[index]);

	return text ? text : "";
}

static int add_layers(
	const struct blobs *b, const struct node *image, struct container_image *i, struct err *e)
{
	const struct node *layers = node_get(image, "Layers");
	const struct node *ids = node_get(node_get(i->config, "rootfs"), "diff_ids");

	if (!layers || layers->kind != NODE_LIST || layers->count == 0 || !ids ||
		ids->kind != NODE_LIST || ids->count != layers->count)
		return refuse_manifest(b, e,
			"an image has no layers, or another number of them than its "
			"configuration");
	for (size_t k = 0; k < layers->count; k++)
		if (add_layer(b, text_at(layers, k), text_at(ids, k), i, e) < 0)
			return -1;
	return 0;
}

int dockersave_open(
	const struct blobs *b, const char *tag, struct container_image *ret, struct err *e)
{
	auto_node struct node *images = NULL;
	const struct node *image = NULL;

	if (read_manifest(b, &images, e) < 0 || choose(b, images, tag, &image, e) < 0 ||
		read_config(b, image, ret, e) < 0)
		return -1;
	return add_layers(b, image, ret, e);
}
