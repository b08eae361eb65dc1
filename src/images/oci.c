/* SPDX-License-Identifier: Apache-2.0 */
#include "images/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/report.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "data/node.h"
#include "images/limits.h"
#include "os/fd.h"

enum { SHOWN_MAX = 120 };

#define SYSTEM "linux"
#define ARCHITECTURE "amd64" /* in the words of Go */
#define TAG_KEY "org.opencontainers.image.ref.name"
#define SHA256 "sha256:"
#define INDEX_FILE "index.json"
#define MANIFEST "manifest" /* in messages */

static const char *const index_types[] = {"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json", NULL};

/* libarchive finds out how a layer is compressed; other types are not tar archives. */
static const char *const layer_types[] = {"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar", NULL};

struct layout {
	int fd; /* of the directory */
	const char *path;
};

/* ---- blobs ---- */

/* `name` is that of a file in the layout. */
static int refuse(const struct layout *l, const char *name, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static int refuse(const struct layout *l, const char *name, struct err *e, const char *fmt, ...)
{
	auto_free char *path = mem_printf("%s/%s", l->path, name);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "%s", path);
}

/* A regular file of the layout. Symbolic links are not followed. */
static int open_file(
	const struct layout *l, const char *name, int *ret_fd, uint64_t *ret_bytes, struct err *e)
{
	auto_fd int fd = fd_open_beneath(l->fd, name, O_RDONLY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(l, name, e, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(l, name, e, "it is not a regular file");
	*ret_bytes = (uint64_t)st.st_size;
	*ret_fd = fd_steal(&fd);
	return 0;
}

/*
 * "blobs/sha256/HEX" of a descriptor's digest. `from` is the file that has the descriptor. The
 * caller frees; NULL with *e.
 */
static char *blob_name(
	const struct layout *l, const struct node *descriptor, const char *from, struct err *e)
{
	const char *digest = node_get_text(descriptor, "digest", "");
	auto_free char *shown = text_safe(digest, SHOWN_MAX);
	const char *hex = digest + strlen(SHA256);

	if (strncmp(digest, SHA256, strlen(SHA256)) == 0 && strlen(hex) == 64 &&
		strspn(hex, "0123456789abcdef") == 64)
		return mem_printf("blobs/sha256/%s", hex);
	(void)err_set(e, ERR_INPUT,
		"%s: %s: the digest '%s' is not 'sha256:' and 64 hexadecimal digits", l->path, from,
		shown);
	return NULL;
}

/* Open a blob, and compare its size and digest. */
static int open_blob(const struct layout *l, const struct node *descriptor, const char *from,
	int *ret_fd, uint64_t *ret_bytes, struct err *e)
{
	auto_free char *name = blob_name(l, descriptor, from, e);
	struct digest_text digest;
	auto_fd int fd = -1;
	uint64_t bytes = 0;

	if (!name || open_file(l, name, &fd, &bytes, e) < 0)
		return -1;
	if (bytes != node_get_uint(descriptor, "size", UINT64_MAX))
		return refuse(l, name, e, "it has %" PRIu64 " bytes, which the %s does not say",
			bytes, from);
	if (digest_of_file(fd, bytes, &digest, e) < 0)
		return -1;
	if (strcmp(digest.s, strrchr(name, '/') + 1) != 0)
		return refuse(l, name, e, "its digest is sha256:%s: it is damaged", digest.s);
	*ret_bytes = bytes;
	*ret_fd = fd_steal(&fd);
	return 0;
}

static int read_json(
	const struct layout *l, int fd, const char *name, struct node **ret, struct err *e)
{
	auto_free char *path = mem_printf("%s/%s", l->path, name);
	auto_node struct node *node = NULL;
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_OCI_JSON);
	if (fd_read_to_end(fd, path, &text, e) < 0 ||
		jsonl_parse(text.data, text.len, path, &node, e) < 0)
		return -1;
	if (node->kind != NODE_MAP)
		return refuse(l, name, e, "it is not a JSON object");
	*ret = steal_ptr(&node);
	return 0;
}

static int read_blob(const struct layout *l, const struct node *descriptor, const char *from,
	struct node **ret, struct err *e)
{
	auto_free char *name = blob_name(l, descriptor, from, e);
	auto_fd int fd = -1;
	uint64_t bytes = 0;

	if (!name || open_blob(l, descriptor, from, &fd, &bytes, e) < 0)
		return -1;
	if (bytes > LIMIT_OCI_JSON)
		return refuse(l, name, e, "it has %" PRIu64 " bytes, too many for its kind", bytes);
	return read_json(l, fd, name, ret, e);
}

/* ---- which image ---- */

struct choice {
	const struct layout *layout;
	const char *tag;
	struct node *found; /* descriptor of the first manifest that fits */
	size_t count;       /* manifests that fit */
	size_t indexes;     /* read so far */
	struct buf others;  /* "linux/arm64, ..." for the message */
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
	const char *system = node_get_text(platform, "os", SYSTEM);
	const char *architecture = node_get_text(platform, "architecture", ARCHITECTURE);
	auto_free char *name = mem_printf("%s/%s", system, architecture);

	if (strcmp(system, SYSTEM) == 0 && strcmp(architecture, ARCHITECTURE) == 0)
		return true;
	add_other(c, name);
	return false;
}

/* Only the outermost index has tags. */
static bool has_tag(struct choice *c, const struct node *descriptor, unsigned depth)
{
	const char *tag = node_get_text(node_get(descriptor, "annotations"), TAG_KEY, "");

	if (!c->tag || depth > 0 || strcmp(tag, c->tag) == 0)
		return true;
	add_other(c, tag);
	return false;
}

static int look_through(struct choice *c, const struct node *index, const char *name,
	unsigned depth, struct err *e);

static int look_at(struct choice *c, const struct node *descriptor, const char *name,
	unsigned depth, struct err *e)
{
	auto_node struct node *inner = NULL;

	if (!has_tag(c, descriptor, depth) || !is_for_us(c, descriptor))
		return 0;
	if (!is_index(descriptor)) {
		if (c->count++ == 0)
			c->found = node_copy(descriptor);
		return 0;
	}
	if (++c->indexes > LIMIT_OCI_INDEXES)
		return refuse(
			c->layout, INDEX_FILE, e, "it has more than %d indexes", LIMIT_OCI_INDEXES);
	if (read_blob(c->layout, descriptor, name, &inner, e) < 0)
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

	return refuse(c->layout, INDEX_FILE, e,
		"there is no image %s%sfor " SYSTEM "/" ARCHITECTURE "%s%s", tag, *tag ? " " : "",
		c->others.len ? "; there are: " : "", c->others.len ? c->others.data : "");
}

static int choose(struct choice *c, struct err *e)
{
	auto_node struct node *index = NULL;
	auto_fd int fd = -1;
	uint64_t bytes;

	if (open_file(c->layout, INDEX_FILE, &fd, &bytes, e) < 0)
		return err_append(e,
			"; is this a directory in the OCI image layout, as 'skopeo "
			"copy ... oci:DIR' makes it?");
	if (read_json(c->layout, fd, INDEX_FILE, &index, e) < 0 ||
		look_through(c, index, INDEX_FILE, 0, e) < 0)
		return -1;
	if (c->count == 0)
		return none_fits(c, e);
	if (c->count > 1)
		return refuse(c->layout, INDEX_FILE, e,
			"there are %zu images; name one: oci:DIR:TAG", c->count);
	return 0;
}

/* ---- the image ---- */

static int refuse_manifest(const struct layout *l, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static int refuse_manifest(const struct layout *l, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "%s: the manifest of the image", l->path);
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

static int add_layer(
	const struct layout *l, const struct node *descriptor, struct oci_image *i, struct err *e)
{
	auto_free char *type = text_safe(node_get_text(descriptor, "mediaType", ""), SHOWN_MAX);
	struct oci_layer layer = {.fd = -1};

	if (!is_layer(descriptor))
		return refuse_manifest(
			l, e, "a layer is of the type '%s', which is not a tar archive", type);
	if (i->layer_count == REWRITE_LAYERS_MAX)
		return refuse_manifest(l, e, "it has more than %d layers", REWRITE_LAYERS_MAX);
	if (open_blob(l, descriptor, MANIFEST, &layer.fd, &layer.bytes, e) < 0)
		return -1;
	i->layers = mem_resize(i->layers, i->layer_count + 1, sizeof(*i->layers));
	i->layers[i->layer_count++] = layer;
	return 0;
}

static int check_config(const struct layout *l, const struct node *manifest, struct err *e)
{
	auto_node struct node *config = NULL;
	auto_free char *shown = NULL;

	if (read_blob(l, node_get(manifest, "config"), MANIFEST, &config, e) < 0)
		return -1;
	if (strcmp(node_get_text(config, "os", SYSTEM), SYSTEM) == 0 &&
		strcmp(node_get_text(config, "architecture", ARCHITECTURE), ARCHITECTURE) == 0)
		return 0;
	shown = text_safe(node_get_text(config, "architecture", ""), SHOWN_MAX);
	return refuse_manifest(
		l, e, "the image is for '%s', not for " SYSTEM "/" ARCHITECTURE, shown);
}

static int read_image(
	const struct layout *l, const struct node *descriptor, struct oci_image *i, struct err *e)
{
	auto_node struct node *manifest = NULL;
	const struct node *layers, *layer;

	if (read_blob(l, descriptor, INDEX_FILE, &manifest, e) < 0)
		return -1;
	(void)snprintf(i->digest.s, sizeof(i->digest.s), "%s",
		node_get_text(descriptor, "digest", "") + strlen(SHA256));
	layers = node_get(manifest, "layers");
	if (!node_get(manifest, "config") || !layers || layers->kind != NODE_LIST ||
		layers->count == 0)
		return refuse_manifest(l, e, "it is not that of an image with layers");
	if (check_config(l, manifest, e) < 0)
		return -1;
	node_each (layers, layer)
		if (add_layer(l, layer, i, e) < 0)
			return -1;
	return 0;
}

void oci_release(struct oci_image *i)
{
	for (size_t k = 0; k < i->layer_count; k++)
		fd_close(i->layers[k].fd);
	free(i->layers);
	*i = (struct oci_image){0};
}

int oci_open(const char *dir, const char *tag, struct oci_image *ret, struct err *e)
{
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct layout l = {.fd = fd, .path = dir};
	struct choice c = {.layout = &l, .tag = tag};
	auto_oci_image struct oci_image i = {0};
	int result;

	if (fd < 0)
		return err_set(e, ERR_INPUT, "%s: %s", dir, strerror(errno));
	buf_init(&c.others, 4 * SHOWN_MAX);
	result = choose(&c, e);
	if (result == 0)
		result = read_image(&l, c.found, &i, e);
	node_free(c.found);
	buf_release(&c.others);
	if (result < 0)
		return -1;
	*ret = i;
	i = (struct oci_image){0};
	return 0;
}
