/* SPDX-License-Identifier: Apache-2.0 */
#include "images/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/digest.h"
#include "data/yamlfile.h"
#include "images/diskfile.h"
#include "images/imagefile.h"
#include "images/imagestore.h"
#include "images/oci.h"
#include "images/squash.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sparse.h"
#include "settings/image.h"

enum { SHOWN_MAX = 200 };

#define OCI "oci:"
#define ROOT_FILE "root.squashfs"
#define DISK_FILE "disk.qcow2"
#define YAML_FILE "image.yaml"

/* ---- the source ---- */

struct place {
	char *dir;
	char *tag; /* NULL: none */
};

static void place_release(struct place *p)
{
	free(p->dir);
	free(p->tag);
}
#define auto_place __attribute__((cleanup(place_release)))

/* As in skopeo: what follows the last colon is a tag, unless it has a slash. */
static int read_source(const char *source, struct place *ret, struct err *e)
{
	auto_free char *shown = text_safe(source, SHOWN_MAX);
	const char *path = source + strlen(OCI), *colon;

	if (strncmp(source, OCI, strlen(OCI)) != 0 || !*path)
		return err_set(e, ERR_INPUT,
			"'%s' is not a file of 'ambient image export', the file of a disk (qcow2, "
			"or raw with a boot sector), oci:DIR or oci:DIR:TAG; 'skopeo copy "
			"docker://REF oci:DIR' makes such a directory",
			shown);
	colon = strrchr(path, ':');
	if (colon && (colon == path || !colon[1] || strchr(colon, '/')))
		colon = NULL;
	ret->dir = mem_strndup(path, colon ? (size_t)(colon - path) : strlen(path));
	ret->tag = colon ? mem_strdup(colon + 1) : NULL;
	return 0;
}

/* Of the directory itself, also for "." or a path that ends in a slash. */
static char *name_of(const struct import *i, const struct place *p)
{
	auto_free char *path = NULL;

	if (i->name)
		return mem_strdup(i->name);
	if (p->tag)
		return mem_strdup(p->tag);
	path = path_absolute(p->dir);
	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	return mem_strdup(path_base(path));
}

/* ---- its files ---- */

/* A file of our image: another name of the same file, where that is possible. */
static int take_part(const struct image_file *file, const char *dir, struct err *e)
{
	auto_free char *path = path_join(dir, path_base(file->path));
	auto_fd int in = -1, out = -1;

	if (link(file->path, path) == 0)
		return 0;
	in = open(file->path, O_RDONLY | O_CLOEXEC);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (in < 0 || out < 0)
		return err_sys(e, "copy %s to %s", file->path, path);
	return sparse_copy(in, 0, out, file->bytes, e);
}

/* All files but the root file system are those of our image. */
static const struct image_file *part_of_kernel(const struct image *kernel, enum image_part part)
{
	const struct image_file *file = &kernel->parts[part];

	return part != IMAGE_ROOT && file->path ? file : NULL;
}

static int take_kernel(const struct image *kernel, const char *dir, struct err *e)
{
	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		const struct image_file *file = part_of_kernel(kernel, part);

		if (file && take_part(file, dir, e) < 0)
			return -1;
	}
	return 0;
}

static struct node *describe_file(const char *name, uint64_t bytes, const char *sha256)
{
	struct node *n = node_map();

	node_set_string(n, "file", name);
	node_set_uint(n, "bytes", bytes);
	node_set_string(n, "sha256", sha256);
	return n;
}

/* A file that was made in `dir`. */
static int describe_made(
	const char *dir, const char *name, const char *type, struct node **ret, struct err *e)
{
	auto_free char *path = path_join(dir, name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct digest_text digest;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (digest_of_file(fd, (uint64_t)st.st_size, &digest, e) < 0)
		return -1;
	*ret = describe_file(name, (uint64_t)st.st_size, digest.s);
	node_set_string(*ret, "type", type);
	return 0;
}

static void copy_key(struct node *to, const struct image *from, const char *key)
{
	const struct node *value = node_get(from->node, key);

	if (value)
		node_set(to, key, node_copy(value));
}

static int write_yaml(const struct node *yaml, const char *dir, struct err *e)
{
	auto_free char *path = path_join(dir, YAML_FILE);
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_YAML_BYTES);
	yamlfile_add(&text, yaml);
	if (text.overflow)
		return err_set(e, ERR_INPUT, "its description is too long");
	return fd_write_synced(path, text.data, text.len, 0644, e);
}

/* What stays as it is in the image that has the kernel. */
static void describe_kernel(struct node *yaml, const struct image *kernel)
{
	static const char *const keys[] = {
		"architecture", "boot", "kernel_version", "network", "machines"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		copy_key(yaml, kernel, keys[i]);
	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		const struct image_file *f = part_of_kernel(kernel, part);

		if (f)
			node_set(yaml, image_part_key(part),
				describe_file(path_base(f->path), f->bytes, f->sha256));
	}
}

static int describe(const char *name, const struct image *kernel, const struct oci_image *image,
	const char *dir, struct err *e)
{
	auto_free char *manifest = mem_printf("sha256:%s", image->digest.s);
	auto_node struct node *yaml = node_map(), *root = NULL;
	struct node *origin;

	if (describe_made(dir, ROOT_FILE, "squashfs", &root, e) < 0)
		return -1;
	node_set_string(yaml, "format", "1");
	node_set_string(yaml, "name", name);
	describe_kernel(yaml, kernel);
	node_set(yaml, "root", steal_ptr(&root));
	origin = node_map();
	node_set_string(origin, "manifest", manifest);
	node_set_string(origin, "kernel", kernel->name);
	node_set(yaml, "built_from", origin);
	return write_yaml(yaml, dir, e);
}

/* ---- the import ---- */

static int make(const struct import *i, const char *name, const struct oci_image *image,
	const struct image *kernel, const struct imagestore_change *c, struct import_result *ret,
	struct err *e)
{
	struct squash_result squashed;

	if (squash_layers(image, i->archive_program, c->image, ROOT_FILE, &squashed, e) < 0 ||
		take_kernel(kernel, c->image, e) < 0)
		return -1;
	if (squashed.dropped)
		strv_pushf(&ret->warnings,
			"extended attributes of %" PRIu64 " file%s were left out: images have "
			"security.capability and user.* only",
			squashed.dropped, num_plural(squashed.dropped));
	return describe(name, kernel, image, c->image, e);
}

/* Describe the image that has been published. */
static int report(
	const struct import *i, const char *name, struct import_result *ret, struct err *e)
{
	auto_image struct image made = {0};

	if (image_open(i->store, name, NULL, &made, e) < 0)
		return -1;
	ret->name = mem_strdup(name);
	memcpy(ret->digest, made.digest, sizeof(ret->digest));
	memcpy(ret->manifest, made.manifest, sizeof(ret->manifest));
	return 0;
}

static int import_as(const struct import *i, const char *name, const struct place *p,
	struct import_result *ret, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_oci_image struct oci_image image = {0};
	auto_image struct image kernel = {0};

	if (image_open(i->store, i->kernel, NULL, &kernel, e) < 0)
		return err_wrap(e, "the kernel of image %s", i->kernel);
	if (kernel.boot != IMAGE_BOOT_DIRECT)
		return err_set(e, ERR_INPUT,
			"image %s boots from its disk, and has no kernel for others", i->kernel);
	if (oci_open(p->dir, p->tag, &image, e) < 0 ||
		imagestore_begin(i->store, name, &c, e) < 0 ||
		make(i, name, &image, &kernel, &c, ret, e) < 0 || imagestore_publish(&c, e) < 0)
		return -1;
	return report(i, name, ret, e);
}

static int check_name(const struct import *i, const char *name, struct err *e)
{
	if (imagestore_check_name(name, e) == 0)
		return 0;
	return i->name ? -1 : err_append(e, "; give it one by --as NAME");
}

/* A file of `ambient image export`. */
static int import_exported(const struct import *i, int fd, struct import_result *ret, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_imagefile struct imagefile file = {0};
	const char *name;

	if (imagefile_read(fd, &file, e) < 0)
		return -1;
	name = i->name ? i->name : file.name;
	if (check_name(i, name, e) < 0 || imagestore_begin(i->store, name, &c, e) < 0 ||
		imagefile_unpack(&file, c.image, e) < 0 || imagestore_publish(&c, e) < 0)
		return -1;
	return report(i, name, ret, e);
}

/* ---- a disk ---- */

/* The file's name without what follows its last dot. */
static char *disk_name_of(const struct import *i)
{
	const char *base = path_base(i->source), *dot = strrchr(base, '.');

	if (i->name)
		return mem_strdup(i->name);
	return mem_strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static int describe_disk(const char *name, bool uefi, const char *dir, struct err *e)
{
	auto_node struct node *yaml = node_map(), *disk = NULL;

	if (describe_made(dir, DISK_FILE, IMAGE_DISK_TYPE, &disk, e) < 0)
		return -1;
	node_set_string(yaml, "format", "1");
	node_set_string(yaml, "name", name);
	node_set_string(yaml, "architecture", "x86_64");
	node_set_string(yaml, "boot", "disk");
	node_set_string(yaml, "firmware", uefi ? "uefi" : "bios");
	node_set(yaml, "disk", steal_ptr(&disk));
	return write_yaml(yaml, dir, e);
}

static int import_disk(const struct import *i, enum diskfile_format format,
	struct import_result *ret, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_free char *name = disk_name_of(i), *path = NULL;
	bool uefi = false;

	if (check_name(i, name, e) < 0 || imagestore_begin(i->store, name, &c, e) < 0)
		return -1;
	path = path_join(c.image, DISK_FILE);
	if (diskfile_convert(i->source, format, path, &uefi, e) < 0)
		return -1;
	if (i->firmware)
		uefi = strcmp(i->firmware, "uefi") == 0;
	ret->disk = uefi ? IMPORT_UEFI : IMPORT_BIOS;
	if (describe_disk(name, uefi, c.image, e) < 0 || imagestore_publish(&c, e) < 0)
		return -1;
	return report(i, name, ret, e);
}

void import_result_release(struct import_result *r)
{
	free(r->name);
	strv_release(&r->warnings);
}

int import_image(const struct import *i, struct import_result *ret, struct err *e)
{
	const enum diskfile_format format = diskfile_probe(i->source);
	auto_place struct place p = {0};
	auto_free char *name = NULL;
	auto_fd int exported = -1;

	*ret = (struct import_result){0};
	if (imagefile_open(i->source, &exported, e) < 0)
		return -1;
	if (exported >= 0)
		return import_exported(i, exported, ret, e);
	if (format != DISKFILE_NONE)
		return import_disk(i, format, ret, e);
	if (read_source(i->source, &p, e) < 0)
		return -1;
	name = name_of(i, &p);
	return check_name(i, name, e) < 0 ? -1 : import_as(i, name, &p, ret, e);
}
