/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/image.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "data/digest.h"
#include "data/jsonl.h"
#include "data/schema.h"
#include "data/yamlfile.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/settled.h"
#include "settings/architecture.h"
#include "settings/locate.h"
#include "settings/statefile.h"

#define IMAGE_FILE "image.yaml"
#define IMAGE_FORMAT "1"
#define SHA256 "sha256:"

enum { SHOWN_MAX = 40 };

static const char *const part_keys[IMAGE_PARTS] = {
	"kernel", "initramfs", "root", "modules", "disk"};
/* As in enum image_boot. */
static const char *const boot_kinds[] = {"direct", "disk", NULL};
static const char *const firmwares[] = {"bios", "uefi", NULL};

static const struct param file_params[] = {
	{.name = "file",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "name of the file in the image's directory"},
	{.name = "bytes", .type = PARAM_UINT, .required = true, .help = "its length"},
	{.name = "sha256", .type = PARAM_STRING, .required = true, .help = "its digest, in hex"},
	{.name = "type",
		.type = PARAM_STRING,
		.help = "squashfs or erofs, for the root; qcow2, for the disk"},
	{0},
};

static const struct param image_params[] = {
	{.name = "format",
		.type = PARAM_STRING,
		.required = true,
		.help = "version of this format"},
	{.name = "name",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "name of the image"},
	{.name = "architecture",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "of the guest"},
	{.name = "boot",
		.type = PARAM_ENUM,
		.required = true,
		.choices = boot_kinds,
		.help = "how it boots"},
	{.name = "kernel_version", .type = PARAM_STRING, .help = "for people"},
	{.name = "network",
		.type = PARAM_BOOL,
		.help = "false: it has no driver for a network device"},
	{.name = "machines", .type = PARAM_STRINGS, .help = "QEMU machines that it boots on"},
	{.name = "kernel", .type = PARAM_MAP, .sub = file_params, .help = "the kernel"},
	{.name = "initramfs", .type = PARAM_MAP, .sub = file_params, .help = "kernel modules"},
	{.name = "root", .type = PARAM_MAP, .sub = file_params, .help = "the root file system"},
	{.name = "modules",
		.type = PARAM_MAP,
		.sub = file_params,
		.help = "a squashfs with the kernel's modules, for /lib/modules"},
	{.name = "disk",
		.type = PARAM_MAP,
		.sub = file_params,
		.help = "a disk with a boot loader"},
	{.name = "firmware",
		.type = PARAM_ENUM,
		.choices = firmwares,
		.help = "what the boot loader of the disk is for"},
	{.name = "defaults",
		.type = PARAM_MAP,
		.sub = defaults_params,
		.help = "what a container image says about its programs"},
	{.name = "built_from", .type = PARAM_NODE, .help = "recipe and packages"},
	{0},
};

const char *image_part_key(enum image_part part)
{
	return part_keys[part];
}

/* ---- use ---- */

struct image_use {
	int fd;
};

static void use_end(struct image_use *use)
{
	if (!use)
		return;
	fd_close(use->fd);
	free(use);
}

void image_use(struct image *i)
{
	auto_free char *file = path_join(i->dir, IMAGE_FILE);
	auto_fd int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return;
	use_end(i->use);
	i->use = mem_alloc(sizeof(*i->use));
	i->use->fd = fd_steal(&fd);
}

void image_release(struct image *i)
{
	use_end(i->use);
	for (int part = 0; part < IMAGE_PARTS; part++)
		free(i->parts[part].path);
	free(i->name);
	free(i->dir);
	defaults_release(&i->defaults);
	node_free(i->node);
	*i = (struct image){0};
}

uint64_t image_bytes(const struct image *i)
{
	uint64_t bytes = 0;

	for (enum image_part part = 0; part < IMAGE_PARTS; part++)
		bytes += i->parts[part].bytes;
	return bytes;
}

/* ---- names and pins ---- */

static bool is_sha256(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* "sha256:HEX": the HEX; NULL: something else. */
static const char *digest_in(const char *text)
{
	size_t len = strlen(SHA256);

	return strncmp(text, SHA256, len) == 0 && is_sha256(text + len) ? text + len : NULL;
}

void image_name_release(struct image_name *n)
{
	free(n->name);
	*n = (struct image_name){0};
}

int image_name_parse(const char *text, struct image_name *ret_name, struct err *e)
{
	const char *at = strchr(text, '@'), *digest = at ? digest_in(at + 1) : NULL;
	auto_free char *shown = text_safe(text, LIMIT_NAME_BYTES);

	if (at && (!digest || at == text))
		return err_set(e, ERR_INPUT,
			"'%s' is not NAME or NAME@" SHA256 "DIGEST; the digest has 64 lower-case "
			"hex digits, and 'ambient image show NAME' prints it",
			shown);
	*ret_name = (struct image_name){
		.name = mem_strndup(text, at ? (size_t)(at - text) : strlen(text))};
	if (digest)
		memcpy(ret_name->pin, digest, sizeof(ret_name->pin));
	return 0;
}

/* ---- image.yaml ---- */

/* Names appear in messages, logs and results, so only plain text is allowed. */
static int check_name(const struct node *n, const char *name, const char *file, struct err *e)
{
	auto_free char *safe = text_safe(name, LIMIT_NAME_BYTES);

	if (strcmp(name, safe) != 0)
		return node_err(n, file, e,
			"a name of at most %d bytes without control characters is needed",
			LIMIT_NAME_BYTES);
	return 0;
}

/* A part is a file in the image's directory: a name, never a path. All but the modules must be there. */
static int read_part(struct image *i, enum image_part part, const char *file, struct err *e)
{
	const struct node *n = node_get(i->node, part_keys[part]);
	const char *name, *sha256;

	if (!n && part == IMAGE_MODULES)
		return 0;
	if (!n)
		return node_err(i->node, file, e, "missing key '%s'", part_keys[part]);
	name = schema_text(file_params, n, "file");
	sha256 = schema_text(file_params, n, "sha256");
	if (strchr(name, '/') || name[0] == '.')
		return node_err(node_get(n, "file"), file, e, "a file name is needed, not a path");
	if (check_name(node_get(n, "file"), name, file, e) < 0)
		return -1;
	if (!is_sha256(sha256))
		return node_err(
			node_get(n, "sha256"), file, e, "64 lower-case hex digits are needed");
	i->parts[part].path = path_join(i->dir, name);
	i->parts[part].bytes = schema_uint(file_params, n, "bytes");
	(void)snprintf(i->parts[part].sha256, sizeof(i->parts[part].sha256), "%s", sha256);
	return 0;
}

static int check_kind(struct image *i, const char *file, struct err *e)
{
	const char *format = schema_text(image_params, i->node, "format");
	const char *architecture = schema_text(image_params, i->node, "architecture");
	const char *own = architecture_own()->name;
	auto_free char *kind = text_safe(architecture, SHOWN_MAX);
	auto_free char *shown = text_safe(format, SHOWN_MAX);

	if (strcmp(format, IMAGE_FORMAT) != 0)
		return node_err(node_get(i->node, "format"), file, e,
			"format %s is not known, this version reads format " IMAGE_FORMAT, shown);
	if (strcmp(architecture, own) != 0)
		return err_reason(e, ERR_INPUT, "not_in_this_version",
			"%s: the image is for '%s', and this ambient has machines of %s", file,
			kind, own);
	return 0;
}

static bool has_part(const struct image *i, enum image_part part)
{
	return (part == IMAGE_DISK) == (i->boot == IMAGE_BOOT_DISK);
}

/* A part of another kind of image would be a mistake that goes unnoticed. */
static int read_parts(struct image *i, const char *file, struct err *e)
{
	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		const struct node *n = node_get(i->node, part_keys[part]);

		if (has_part(i, part) && read_part(i, part, file, e) < 0)
			return -1;
		if (n && !has_part(i, part))
			return node_err(n, file, e, "an image with 'boot: %s' has no '%s'",
				boot_kinds[i->boot], part_keys[part]);
	}
	return 0;
}

static int read_boot(struct image *i, const char *file, struct err *e)
{
	const struct node *disk = node_get(i->node, "disk");
	const char *firmware = schema_text(image_params, i->node, "firmware");

	if (strcmp(schema_text(image_params, i->node, "boot"), "direct") == 0)
		return 0;
	i->boot = IMAGE_BOOT_DISK;
	if (!firmware)
		return node_err(i->node, file, e, "missing key 'firmware'");
	i->uefi = strcmp(firmware, "uefi") == 0;
	if (disk && strcmp(node_get_text(disk, "type", ""), IMAGE_DISK_TYPE) != 0)
		return node_err(disk, file, e, "'type: " IMAGE_DISK_TYPE "' is needed");
	return 0;
}

static void read_machines(struct image *i)
{
	auto_strv struct strv machines = {0};

	node_to_strv(node_get(i->node, "machines"), &machines);
	i->microvm = machines.count == 0 || strv_has(&machines, "microvm");
	i->q35 = machines.count == 0 || strv_has(&machines, "q35");
	/* A microvm has neither PCI nor the firmware for disks. */
	i->microvm = i->microvm && i->boot == IMAGE_BOOT_DIRECT;
}

/* Recorded by an import, for people and pins; another form of it is no error. */
static void read_manifest(struct image *i)
{
	const struct node *origin = node_get(i->node, "built_from");
	const char *manifest = digest_in(node_get_text(origin, "manifest", ""));
	const char *index = digest_in(node_get_text(origin, "index", ""));

	if (manifest)
		memcpy(i->manifest, manifest, sizeof(i->manifest));
	if (index)
		memcpy(i->index, index, sizeof(i->index));
}

int image_parse(
	const char *dir, const char *text, size_t len, struct image *ret_image, struct err *e)
{
	auto_image struct image i = {.dir = mem_strdup(dir)};
	auto_free char *file = path_join(dir, IMAGE_FILE);

	if (yamlfile_parse(text, len, file, &i.node, e) < 0 ||
		schema_check(image_params, i.node, file, e) < 0)
		return -1;
	i.name = mem_strdup(schema_text(image_params, i.node, "name"));
	memcpy(i.digest, digest_of(text, len).s, sizeof(i.digest));
	read_manifest(&i);
	i.no_network = !node_get_bool(i.node, "network", true);
	if (check_name(node_get(i.node, "name"), i.name, file, e) < 0 ||
		check_kind(&i, file, e) < 0 || read_boot(&i, file, e) < 0 ||
		read_parts(&i, file, e) < 0 ||
		defaults_from_node(node_get(i.node, "defaults"), file, &i.defaults, e) < 0)
		return -1;
	read_machines(&i);
	*ret_image = i;
	i = (struct image){0};
	return 0;
}

/* Digests are checked later (image_verify); the size already detects most replaced files. */
static int check_part(const struct image *i, const struct image_file *part, struct err *e)
{
	struct stat st;

	if (!part->path)
		return 0;
	if (stat(part->path, &st) < 0)
		return err_set(
			e, ERR_INPUT, "image %s: %s: %s", i->name, part->path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != part->bytes)
		return err_reason(e, ERR_INPUT, "image_digest",
			"image %s: %s is not the file of %" PRIu64
			" bytes that image.yaml names; make the image again",
			i->name, part->path, part->bytes);
	return 0;
}

static int read_image(const char *dir, const char *file, struct image *ret_image, struct err *e)
{
	auto_image struct image i = {0};
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_YAML_BYTES);
	if (fd_read_file(file, &text, e) < 0 || image_parse(dir, text.data, text.len, &i, e) < 0)
		return -1;
	for (enum image_part part = 0; part < IMAGE_PARTS; part++)
		if (check_part(&i, &i.parts[part], e) < 0)
			return -1;
	*ret_image = i;
	i = (struct image){0};
	return 0;
}

/* The remedy for a missing image: the nearest existing name, or how to build the image. */
static char *remedy_for(const char *store, const char *name)
{
	static const char *const stock[] = {"tiny", "debian", "trusted", NULL};
	auto_node struct node *list = image_list(store);
	auto_free const char **names = mem_array(list->count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < list->count; i++)
		names[i] = node_get_text(list->items[i], "name", "");
	near = text_nearest(name, names);
	if (near)
		return mem_printf(", did you mean '%s'?", near);
	near = text_nearest(name, stock);
	if (near) {
		return mem_printf("; 'ambient image build %s' makes %s", near,
			strcmp(near, name) == 0 ? "it" : near);
	}
	return mem_strdup("; 'ambient image list' shows those that there are");
}

/* Report a missing image; errno has the reason. store is NULL if the image is named by its path. */
static int no_such_image(const char *store, const char *name, const char *dir, struct err *e)
{
	int saved = errno;
	auto_free char *remedy = NULL;

	if (!store || saved != ENOENT)
		return err_reason(e, ERR_INPUT, "no_image", "image '%s': %s/" IMAGE_FILE ": %s",
			name, dir, strerror(saved));
	remedy = remedy_for(store, name);
	return err_reason(e, ERR_INPUT, "no_image",
		"image '%s' is not in the image store %s: there is no %s/" IMAGE_FILE "%s", name,
		store, dir, remedy);
}

static bool has_image(const char *dir)
{
	auto_free char *file = path_join(dir, IMAGE_FILE);

	return access(file, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/*
 * The directory of the image: in the store, else among the installed ones. If it exists in neither,
 * the path in the store.
 */
static char *find_image(const char *store, const char *name)
{
	auto_free char *dir = path_join(store, name);
	auto_free char *installed = locate_images();
	auto_free char *other = path_join(installed, name);

	return !has_image(dir) && has_image(other) ? steal_ptr(&other) : steal_ptr(&dir);
}

static int check_pin(
	const struct image *i, const struct image_name *wanted, const char *store, struct err *e)
{
	if (!*wanted->pin || strcmp(wanted->pin, i->digest) == 0 ||
		strcmp(wanted->pin, i->manifest) == 0 || strcmp(wanted->pin, i->index) == 0)
		return 0;
	return err_reason(e, ERR_INPUT, "image_pin",
		"image '%s' is not the one with the digest " SHA256
		"%s: that in %s has the digest " SHA256
		"%s%s%s; import or make the image that is wanted, or name the one that is "
		"there",
		i->name, wanted->pin, store, i->digest,
		*i->manifest ? " and the manifest " SHA256 : "", i->manifest);
}

static int open_named(const char *store, const char *name, struct image *ret_image, struct err *e)
{
	auto_image_name struct image_name wanted = {0};
	auto_free char *dir = NULL, *file = NULL;
	auto_image struct image i = {0};

	if (image_name_parse(name, &wanted, e) < 0)
		return -1;
	dir = find_image(store, wanted.name);
	file = path_join(dir, IMAGE_FILE);
	if (!has_image(dir))
		return no_such_image(store, wanted.name, dir, e);
	if (read_image(dir, file, &i, e) < 0)
		return -1;
	free(i.name);
	i.name = steal_ptr(&wanted.name);
	if (check_pin(&i, &wanted, dir, e) < 0)
		return -1;
	*ret_image = i;
	i = (struct image){0};
	return 0;
}

/* ---- disks that are named by their files ---- */

enum { FILE_NAME_SHOWN = 40, FILE_DIGEST_SHOWN = 12 };

/* "disk-" and the file's own name, for people; then what tells it from others of that name. */
char *image_file_name(const char *path)
{
	auto_free char *real = realpath(path, NULL);
	const char *whole = real ? real : path, *base = path_base(whole), *dot = strrchr(base, '.');
	struct digest_text digest = digest_of(whole, strlen(whole));
	int len = dot && dot != base ? (int)(dot - base) : (int)strlen(base);
	char *name = mem_printf("disk-%.*s-%.*s", len < FILE_NAME_SHOWN ? len : FILE_NAME_SHOWN,
		base, FILE_DIGEST_SHOWN, digest.s);

	for (char *c = name; *c; c++)
		if (!isascii((unsigned char)*c) ||
			(!isalnum((unsigned char)*c) && !strchr("._-", *c)))
			*c = '_';
	return name;
}

char *image_file_stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	return mem_printf("%ju:%ju:%jd:%jd.%09ld:%jd.%09ld", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static int open_of_file(const char *store, const char *path, const char *stamp,
	struct image *ret_image, struct err *e)
{
	auto_free char *name = image_file_name(path), *dir = path_join(store, name);
	auto_image struct image i = {0};

	if (!has_image(dir))
		return err_reason(e, ERR_INPUT, ERR_REASON_NOT_IMPORTED,
			"the disk %s is not imported yet; 'ambient run' does it", path);
	if (open_named(store, name, &i, e) < 0)
		return -1;
	if (strcmp(node_get_text(node_get(i.node, "built_from"), IMAGE_STAMP, ""), stamp) != 0)
		return err_reason(e, ERR_INPUT, ERR_REASON_NOT_IMPORTED,
			"the disk %s has changed since it was imported; 'ambient run' imports it "
			"again",
			path);
	*ret_image = i;
	i = (struct image){0};
	return 0;
}

int image_open(const char *store, const char *name, const char *path, struct image *ret_image,
	struct err *e)
{
	auto_free char *file = NULL, *stamp = NULL;

	if (!path)
		return open_named(store, name, ret_image, e);
	stamp = image_file_stamp(path);
	if (stamp)
		return open_of_file(store, path, stamp, ret_image, e);
	file = path_join(path, IMAGE_FILE);
	if (!has_image(path))
		return no_such_image(NULL, path, path, e);
	return read_image(path, file, ret_image, e);
}

/* ---- remembered digests ---- */

/* NULL: the file system does not show every change of a file (settled.h). The caller frees. */
static char *identity_of(int fd, const struct stat *st)
{
	uint64_t filesystem = settled_filesystem(fd);

	if (!filesystem)
		return NULL;
	return mem_printf("%016jx:%ju:%ju:%jd:%jd.%09ld:%jd.%09ld", (uintmax_t)filesystem,
		(uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (intmax_t)st->st_size,
		(intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec,
		st->st_ctim.tv_nsec);
}

static int verify_part(const struct image *i, const struct image_file *part, struct node *known,
	bool *changed, struct err *e)
{
	auto_fd int fd = part->path ? open(part->path, O_RDONLY | O_CLOEXEC) : -1;
	auto_free char *identity = NULL;
	struct digest_text digest;
	bool settled;
	struct stat st;

	if (!part->path)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "image %s: %s", i->name, part->path);
	identity = identity_of(fd, &st);
	if (identity && strcmp(node_get_text(known, identity, ""), part->sha256) == 0)
		return 0;
	settled = identity && settled_file(fd, &st);
	if (digest_of_file(fd, (uint64_t)st.st_size, &digest, e) < 0)
		return err_wrap(e, "image %s: %s", i->name, part->path);
	if (strcmp(digest.s, part->sha256) != 0)
		return err_reason(e, ERR_INPUT, "image_digest",
			"image %s: %s has the digest %s, image.yaml says %s; make the image again",
			i->name, part->path, digest.s, part->sha256);
	if (settled)
		node_set_string(known, identity, digest.s);
	*changed = *changed || settled;
	return 0;
}

/* The file is only a cache: a damaged one is treated as missing. */
static struct node *read_memory(const char *path)
{
	struct node *known = path ? statefile_recall(STATEFILE_IMAGES, path) : NULL;

	return known ? known : node_map();
}

/*
 * Runs of other projects may write the file at the same time. Each writes in its own directory and
 * renames the file, so the last one wins.
 */
static int write_memory(const char *path, const char *work, const struct node *known, struct err *e)
{
	auto_free char *made = path_join(work, path_base(path));
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_YAML_BYTES);
	jsonl_add_pretty(&text, known);
	if (text.overflow)
		return unlink(path) < 0 ? err_sys(e, "remove %s", path) : 0;
	if (fd_write_synced(made, text.data, text.len, 0600, e) < 0)
		return -1;
	return fd_move(made, path, e);
}

int image_verify(const struct image *i, const char *memory, const char *work, struct strv *warnings,
	struct err *e)
{
	auto_node struct node *known = read_memory(memory);
	struct err why = {0};
	bool changed = false;

	for (enum image_part part = 0; part < IMAGE_PARTS; part++)
		if (verify_part(i, &i->parts[part], known, &changed, e) < 0)
			return -1;
	if (!memory || !work || !changed || write_memory(memory, work, known, &why) == 0)
		return 0;
	return statefile_not_kept(&why, warnings, e);
}

int image_verify_part(const struct image *i, enum image_part part, struct err *e)
{
	auto_node struct node *known = node_map();
	bool changed = false;

	return verify_part(i, &i->parts[part], known, &changed, e);
}

bool image_is_foreign(const struct image *i)
{
	static const char *const origins[] = {"manifest", "index", "config", "archive"};
	const struct node *from = node_get(i->node, "built_from");

	for (size_t k = 0; k < ARRAY_SIZE(origins); k++)
		if (node_get(from, origins[k]))
			return true;
	return i->boot == IMAGE_BOOT_DISK;
}

bool image_is_in(const char *dir)
{
	return has_image(dir);
}

/* ---- listing ---- */

static struct node *describe(const char *store, const char *name)
{
	auto_image struct image i = {0};
	struct node *n = node_map();
	struct err e = {0};

	node_set_string(n, "name", name);
	if (image_open(store, name, NULL, &i, &e) < 0) {
		node_set_string(n, "error", e.msg);
		return n;
	}
	node_set_string(n, "dir", i.dir);
	node_set_string(n, "format", boot_kinds[i.boot]);
	if (i.boot == IMAGE_BOOT_DISK)
		node_set_string(n, "firmware", firmwares[i.uefi]);
	node_set_uint(n, "bytes", image_bytes(&i));
	node_set_string(n, "digest", i.digest);
	if (*i.manifest)
		node_set_string(n, "manifest", i.manifest);
	return n;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_error(struct node *list, const char *dir)
{
	struct node *row = node_add_map(list);
	struct err why = {0};

	err_ignore(err_sys(&why, "list %s", dir));
	node_set_string(row, "name", dir);
	node_set_string(row, "error", why.msg);
}

/* Add the images of a directory, except those that an earlier directory has, too. */
static void add_images(struct node *list, const char *store, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, NULL, by_name);

	if (n < 0 && errno != ENOENT)
		add_error(list, dir);
	for (int i = 0; i < n; i++) {
		auto_free char *path = path_join(dir, entries[i]->d_name);
		auto_free char *found = find_image(store, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.' && has_image(path) && strcmp(path, found) == 0)
			node_add(list, describe(store, entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
}

struct node *image_list(const char *store)
{
	auto_free char *installed = locate_images();
	struct node *list = node_list();

	add_images(list, store, store);
	if (strcmp(installed, store) != 0)
		add_images(list, store, installed);
	return list;
}
