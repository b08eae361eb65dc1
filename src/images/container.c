/* SPDX-License-Identifier: Apache-2.0 */
#include "images/container.h"

#include <string.h>

#include "archive/report.h"
#include "base/mem.h"
#include "base/text.h"
#include "settings/architecture.h"

enum { SHOWN_MAX = 120 };

void container_release(struct container_image *i)
{
	for (size_t k = 0; k < i->layer_count; k++)
		blob_release(&i->layers[k]);
	free(i->layers);
	node_free(i->config);
	*i = (struct container_image){0};
}

bool container_is_hex(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

void container_set_index(struct container_image *i, const char *digest)
{
	const size_t prefix = strlen(CONTAINER_SHA256);

	if (strncmp(digest, CONTAINER_SHA256, prefix) == 0 && container_is_hex(digest + prefix))
		memcpy(i->index.s, digest + prefix, sizeof(i->index.s));
}

static int check_architecture(
	const struct blobs *b, const char *name, const struct node *config, struct err *e)
{
	const char *system = node_get_text(config, "os", CONTAINER_SYSTEM);
	const char *own = architecture_own()->container;
	const char *architecture = node_get_text(config, "architecture", own);
	auto_free char *both = mem_printf("%s/%s", system, architecture);
	auto_free char *shown = text_safe(both, SHOWN_MAX);

	if (strcmp(system, CONTAINER_SYSTEM) == 0 && strcmp(architecture, own) == 0)
		return 0;
	return blobs_refuse(
		b, name, e, "the image is for '%s', not for " CONTAINER_SYSTEM "/%s", shown, own);
}

int container_take_config(struct container_image *i, const struct blobs *b, const char *name,
	const struct buf *text, struct err *e)
{
	auto_node struct node *config = NULL;

	if (blobs_parse(b, name, text, NODE_MAP, &config, e) < 0 ||
		check_architecture(b, name, config, e) < 0)
		return -1;
	i->id = digest_of(text->data, text->len);
	i->config = steal_ptr(&config);
	return 0;
}

void container_add_layer(struct container_image *i, struct blob *layer)
{
	i->layers = mem_resize(i->layers, i->layer_count + 1, sizeof(*i->layers));
	i->layers[i->layer_count++] = *layer;
	*layer = BLOB_NONE;
}

int container_take_layer(struct container_image *i, const struct blobs *b, const char *name,
	struct blob *layer, struct err *e)
{
	if (i->layer_count == REWRITE_LAYERS_MAX)
		return blobs_refuse(
			b, name, e, "the image has more than %d layers", REWRITE_LAYERS_MAX);
	if (layer->bytes == 0)
		return blobs_refuse(b, name, e, "it is empty, and a layer is a tar archive");
	container_add_layer(i, layer);
	return 0;
}

int container_check_layers(const struct container_image *i, struct err *e)
{
	for (size_t k = 0; k < i->layer_count; k++) {
		auto_free char *shown = mem_printf("the file of layer %zu", k + 1);

		if (blob_check(&i->layers[k], shown, e) < 0)
			return -1;
	}
	return 0;
}

bool container_tag_fits(const char *tag, const char *wanted, bool loosely)
{
	size_t len = strlen(tag), wanted_len = strlen(wanted);
	const char *end;

	if (!loosely || len <= wanted_len)
		return strcmp(tag, wanted) == 0;
	end = tag + len - wanted_len;
	return strcmp(end, wanted) == 0 && (end[-1] == '/' || end[-1] == ':');
}
