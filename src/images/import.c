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
#include "data/digest.h"
#include "data/yamlfile.h"
#include "images/diskfile.h"
#include "images/imagefile.h"
#include "images/container.h"
#include "images/forms.h"
#include "images/imagestore.h"
#include "images/squash.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sparse.h"
#include "settings/architecture.h"
#include "settings/config.h"
#include "settings/image.h"

#define ROOT_FILE "root.squashfs"
#define DISK_FILE "disk.qcow2"
#define YAML_FILE "image.yaml"

/* What an image is made of. */
struct making {
	const char *name;
	const struct container_image *image;
	const struct image *kernel;
	const struct image_defaults *defaults;
};

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

		if (file && (image_verify_part(kernel, part, e) < 0 || take_part(file, dir, e) < 0))
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

/* Nothing if there is no such digest. */
static void set_digest(struct node *map, const char *key, const struct digest_text *digest)
{
	auto_free char *text = mem_printf(CONTAINER_SHA256 "%s", digest->s);

	if (*digest->s)
		node_set_string(map, key, text);
}

static int describe(const struct making *m, const char *dir, struct err *e)
{
	auto_node struct node *yaml = node_map(), *root = NULL;
	const struct container_image *image = m->image;
	struct node *origin, *said;

	if (describe_made(dir, ROOT_FILE, "squashfs", &root, e) < 0)
		return -1;
	node_set_string(yaml, "format", "1");
	node_set_string(yaml, "name", m->name);
	describe_kernel(yaml, m->kernel);
	node_set(yaml, "root", steal_ptr(&root));
	said = defaults_to_node(m->defaults);
	if (said)
		node_set(yaml, "defaults", said);
	origin = node_set_map(yaml, "built_from");
	set_digest(origin, "manifest", &image->manifest);
	set_digest(origin, "index", &image->index);
	set_digest(origin, "config", &image->id);
	set_digest(origin, "archive", &image->archive);
	node_set_string(origin, "kernel", m->kernel->name);
	return write_yaml(yaml, dir, e);
}

/* ---- the import ---- */

static int make(const struct making *m, const char *program, const char *dir, struct strv *warnings,
	struct err *e)
{
	struct squash_result squashed;

	if (squash_layers(m->image, program, dir, ROOT_FILE, &squashed, e) < 0 ||
		container_check_layers(m->image, e) < 0 || take_kernel(m->kernel, dir, e) < 0)
		return -1;
	if (squashed.dropped)
		strv_pushf(warnings,
			"extended attributes of %" PRIu64 " file%s were left out: images have "
			"security.capability and user.* only",
			squashed.dropped, num_plural(squashed.dropped));
	return describe(m, dir, e);
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
	return 0;
}

/* By which digest others know what was imported. */
static void report_origin(const struct container_image *image, struct import_result *ret)
{
	const struct {
		const char *of;
		const struct digest_text *digest;
	} known[] = {{"manifest", &image->manifest}, {"configuration", &image->id},
		{"archive", &image->archive}};

	for (size_t k = 0; k < ARRAY_SIZE(known) && !ret->origin_of; k++) {
		if (!*known[k].digest->s)
			continue;
		ret->origin_of = known[k].of;
		ret->origin = *known[k].digest;
	}
}

static int open_kernel(const struct import *i, struct image *ret, struct err *e)
{
	if (image_open(i->store, i->kernel, NULL, ret, e) < 0)
		return err_wrap(e, "the kernel of image %s", i->kernel);
	if (ret->boot == IMAGE_BOOT_DIRECT)
		return 0;
	return err_set(e, ERR_INPUT, "image %s boots from its disk, and has no kernel for others",
		i->kernel);
}

static int import_as(const struct import *i, const char *name, const struct forms_source *source,
	struct import_result *ret, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_container_image struct container_image image = {0};
	auto_defaults struct image_defaults defaults = {0};
	auto_image struct image kernel = {0};
	const struct making m = {
		.name = name, .image = &image, .kernel = &kernel, .defaults = &defaults};
	struct forms_way way = {.tell = i->tell, .arg = i->arg};

	if (open_kernel(i, &kernel, e) < 0 || imagestore_begin(i->store, name, &c, e) < 0)
		return -1;
	way.work = c.work;
	if (forms_open(source, &way, &image, e) < 0 ||
		defaults_from_container(
			node_get(image.config, "config"), &defaults, &ret->warnings, e) < 0 ||
		make(&m, i->archive_program, c.image, &ret->warnings, e) < 0 ||
		imagestore_publish(&c, e) < 0)
		return -1;
	report_origin(&image, ret);
	return report(i, name, ret, e);
}

static int check_name(const struct import *i, const char *name, struct err *e)
{
	if (imagestore_check_name(name, e) == 0)
		return 0;
	return i->name ? -1 : err_append(e, "; give it one by --as NAME");
}

/* Of programs of others, none has the name of an image that ambient itself relies on. */
static int check_name_of_others(const struct import *i, const char *name, struct err *e)
{
	static const char *const ours[] = {CONFIG_TRUSTED_IMAGE, "tiny"};

	for (size_t k = 0; k < ARRAY_SIZE(ours); k++)
		if (strcmp(name, ours[k]) == 0)
			return err_set(e, ERR_INPUT,
				"'%s' is the name of an image that ambient needs, and that a "
				"recipe "
				"makes; give this one another name by --as NAME",
				name);
	return check_name(i, name, e);
}

/*
 * The name in a file of `ambient image export` is its author's word. It replaces no image, unless the
 * file is called like it, or the user names it.
 */
static int check_name_in_file(const struct import *i, const char *name, struct err *e)
{
	auto_free char *usual = mem_printf("%s.image", name);
	auto_free char *target = path_join(i->store, name);

	if (check_name(i, name, e) < 0)
		return -1;
	if (i->name || strcmp(path_base(i->source), usual) == 0 || !image_is_in(target))
		return 0;
	return err_set(e, ERR_INPUT,
		"the image in it is called '%s', as one in the image store is: '--as %s' replaces "
		"that one, and --as with another name keeps both",
		name, name);
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
	if (check_name_in_file(i, name, e) < 0 || imagestore_begin(i->store, name, &c, e) < 0 ||
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

static int describe_disk(
	const struct import *i, const char *name, bool uefi, const char *dir, struct err *e)
{
	auto_node struct node *yaml = node_map(), *disk = NULL;

	if (describe_made(dir, DISK_FILE, IMAGE_DISK_TYPE, &disk, e) < 0)
		return -1;
	node_set_string(yaml, "format", "1");
	node_set_string(yaml, "name", name);
	node_set_string(yaml, "architecture", architecture_own()->name);
	node_set_string(yaml, "boot", "disk");
	node_set_string(yaml, "firmware", uefi ? "uefi" : "bios");
	node_set(yaml, "disk", steal_ptr(&disk));
	if (i->stamp)
		node_set_string(node_set_map(yaml, "built_from"), IMAGE_STAMP, i->stamp);
	return write_yaml(yaml, dir, e);
}

static int import_disk(const struct import *i, enum diskfile_format format,
	struct import_result *ret, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_free char *name = disk_name_of(i), *path = NULL;
	bool uefi = false;

	if (check_name_of_others(i, name, e) < 0 || imagestore_begin(i->store, name, &c, e) < 0)
		return -1;
	path = path_join(c.image, DISK_FILE);
	if (diskfile_convert(i->source, format, path, &uefi, e) < 0)
		return -1;
	if (i->firmware)
		uefi = strcmp(i->firmware, "uefi") == 0;
	ret->disk = uefi ? IMPORT_UEFI : IMPORT_BIOS;
	if (describe_disk(i, name, uefi, c.image, e) < 0 || imagestore_publish(&c, e) < 0)
		return -1;
	return report(i, name, ret, e);
}

bool import_is_due(const char *store, const char *path)
{
	auto_image struct image image = {0};
	struct err e = {0};

	return path && image_open(store, NULL, path, &image, &e) < 0 &&
		strcmp(e.reason, ERR_REASON_NOT_IMPORTED) == 0;
}

void import_result_release(struct import_result *r)
{
	free(r->name);
	strv_release(&r->warnings);
}

int import_image(const struct import *i, struct import_result *ret, struct err *e)
{
	const enum diskfile_format format = diskfile_probe(i->source);
	auto_forms_source struct forms_source source = {0};
	auto_free char *name = NULL;
	auto_fd int exported = -1;

	*ret = (struct import_result){0};
	if (imagefile_open(i->source, &exported, e) < 0)
		return -1;
	if (exported >= 0)
		return import_exported(i, exported, ret, e);
	if (format != DISKFILE_NONE)
		return import_disk(i, format, ret, e);
	if (forms_parse(i->source, &source, e) < 0)
		return -1;
	name = i->name ? mem_strdup(i->name) : forms_name(&source);
	return check_name_of_others(i, name, e) < 0 ? -1 : import_as(i, name, &source, ret, e);
}
