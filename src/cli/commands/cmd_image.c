/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/num.h"
#include "base/text.h"
#include "archive/report.h"
#include "cli/command.h"
#include "cli/commands/image_show.h"
#include "cli/commands/outputs.h"
#include "cli/load.h"
#include "cli/say.h"
#include "images/container.h"
#include "images/diskfile.h"
#include "images/imagefile.h"
#include "images/import.h"
#include "images/imagestore.h"
#include "images/spdx.h"
#include "os/fd.h"
#include "os/outfile.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sig.h"
#include "settings/image.h"
#include "settings/limits.h"
#include "settings/locate.h"

enum { NAME_COLUMN = 16, SOURCE_SHOWN = 100 };

struct image_settings {
	bool json, refresh, packages, dry_run;
	const char *name, *kernel, *if_older;
	int firmware, format;
};

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_SPDX };
static const char *const formats[] = {"text", "json", "spdx", NULL};

/* What the disk has, or one of the names of struct import. */
enum { FIRMWARE_AUTO };
static const char *const firmwares[] = {"auto", "bios", "uefi", NULL};

static const struct option options[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct image_settings, json),
		.help = "list, show: print JSON"},
	{.name = "format",
		.argument = "FORMAT",
		.type = OPTION_ENUM,
		.choices = formats,
		.offset = offsetof(struct image_settings, format),
		.help = "show: text (default), json (as --json), or spdx: the packages of the "
			"image "
			"as an SPDX 2.3 document in JSON"},
	{.name = "packages",
		.type = OPTION_FLAG,
		.offset = offsetof(struct image_settings, packages),
		.help = "show: list the packages of the image, too"},
	{.name = "dry-run",
		.letter = 'n',
		.type = OPTION_FLAG,
		.offset = offsetof(struct image_settings, dry_run),
		.help = "gc: show what would be removed, but remove nothing"},
	{.name = "as",
		.argument = "NAME",
		.type = OPTION_STRING,
		.offset = offsetof(struct image_settings, name),
		.help = "build, import: the name of the image; default: the tag, or the name of "
			"the directory"},
	{.name = "kernel",
		.argument = "IMAGE",
		.type = OPTION_STRING,
		.offset = offsetof(struct image_settings, kernel),
		.help = "import: the image whose kernel it boots with; default: tiny"},
	{.name = "refresh",
		.type = OPTION_FLAG,
		.offset = offsetof(struct image_settings, refresh),
		.help = "build: make it again from the newest packages, even if it is there"},
	{.name = "if-older",
		.argument = "DURATION",
		.type = OPTION_STRING,
		.offset = offsetof(struct image_settings, if_older),
		.help = "build --refresh: only if it was made longer ago than that, such as 7d"},
	{.name = "firmware",
		.argument = "KIND",
		.type = OPTION_ENUM,
		.choices = firmwares,
		.offset = offsetof(struct image_settings, firmware),
		.help = "import, of a disk: what it boots by: bios, uefi, or auto (uefi if it has "
			"an EFI system partition; default)"},
	{0},
};

/* The option that is given; NULL: none. */
static const char *own_part(const struct image_settings *s)
{
	if (s->kernel)
		return "kernel";
	return s->firmware != FIRMWARE_AUTO ? "firmware" : NULL;
}

/* What has a kernel or a firmware of its own does not get another one. */
static int check_source(const struct image_settings *s, const char *source, struct err *e)
{
	const char *option = own_part(s);
	auto_fd int exported = -1;

	if (!option)
		return 0;
	if (imagefile_open(source, &exported, e) < 0)
		return -1;
	if (exported >= 0)
		return err_set(e, ERR_INPUT,
			"--%s does not apply to a file of 'ambient image export', which keeps what "
			"it has",
			option);
	if (diskfile_probe(source) == DISKFILE_NONE && s->firmware != FIRMWARE_AUTO)
		return err_set(e, ERR_INPUT,
			"--firmware applies to disks only; others boot by the kernel of an image "
			"(--kernel)");
	if (diskfile_probe(source) != DISKFILE_NONE && s->kernel)
		return err_set(e, ERR_INPUT,
			"--kernel does not apply to a disk, which boots its own kernel");
	return 0;
}

static int list_image(const struct node *image, struct err *e)
{
	const char *name = node_get_text(image, "name", "?");
	const char *error = node_get_text(image, "error", NULL);
	const char *firmware = node_get_text(image, "firmware", "");

	if (error)
		return say_row(e, "%-*s  not usable: %s", NAME_COLUMN, name, error);
	return say_row(e, "%-*s  %10s  %.16s%s%s", NAME_COLUMN, name,
		num_show_size(node_get_uint(image, "bytes", 0)).s,
		node_get_text(image, "digest", ""), *firmware ? "  disk, " : "", firmware);
}

static int list_images(const struct call *call, const struct config *c, struct err *e)
{
	const struct image_settings *s = call->settings;
	auto_node struct node *images = image_list(c->image_store);
	const struct node *image;

	if (s->json)
		return say_json(images, NULL, e);
	if (images->count == 0) {
		auto_free char *note = mem_printf("there is no image in %s", c->image_store);

		say_warning(note);
	}
	node_each (images, image)
		if (list_image(image, e) < 0)
			return -1;
	return 0;
}

/* A name in the store, or a path. */
static int open_image(const struct config *c, const char *name, struct image *ret, struct err *e)
{
	return image_open(c->image_store, name, strchr(name, '/') ? name : NULL, ret, e);
}

static int show_spdx(const struct image *image, struct err *e)
{
	auto_node struct node *document = NULL;

	return spdx_describe(image, &document, e) < 0 ? -1 : say_json(document, NULL, e);
}

static int show_one(const struct call *call, const struct config *c, struct err *e)
{
	const struct image_settings *s = call->settings;
	auto_image struct image image = {0};

	if (s->json && s->format == FORMAT_SPDX)
		return err_set(
			e, ERR_INPUT, "'--json' and '--format spdx' are two formats; give one");
	if (open_image(c, call->operands.items[1], &image, e) < 0)
		return -1;
	if (s->format == FORMAT_SPDX)
		return show_spdx(&image, e);
	return image_show(&image, s->json || s->format == FORMAT_JSON, s->packages, e);
}

static int verify_one(const struct config *c, const char *name, struct err *e)
{
	auto_image struct image image = {0};

	if (open_image(c, name, &image, e) < 0 || image_verify(&image, NULL, NULL, NULL, e) < 0)
		return -1;
	return say_row(e, "%s: every file is what its image.yaml says", image.name);
}

static int verify_images(const struct call *call, const struct config *c, struct err *e)
{
	for (size_t i = 1; i < call->operands.count; i++)
		if (verify_one(c, call->operands.items[i], e) < 0)
			return -1;
	return 0;
}

/*
 * The digest at the end of docker://NAME:TAG@sha256:HEX, with its '@'; "": none. Together with what is
 * before it, a tag looks like a password, which would be hidden: they are shown as two texts.
 */
static const char *digest_in(const char *source)
{
	const char *at = strrchr(source, '@');
	const size_t prefix = strlen("@" CONTAINER_SHA256);

	if (at && strncmp(at, "@" CONTAINER_SHA256, prefix) == 0 && container_is_hex(at + prefix))
		return at;
	return source + strlen(source);
}

static void tell_progress(void *arg, const char *line)
{
	const char *source = arg, *digest = digest_in(source);
	auto_free char *start = mem_strndup(source, (size_t)(digest - source));
	auto_free char *shown = text_safe(start, SOURCE_SHOWN);
	auto_buf struct buf text = {0};

	buf_init(&text, SAY_LINE_MAX);
	buf_addf(&text, "%s%s: %s\n", shown, digest, line);
	say_aside(&text);
}

static int import_failed(const char *source, struct err *e)
{
	const char *digest = digest_in(source);

	return err_wrap(e, "import %.*s%s", (int)(digest - source), source, digest);
}

static int import_one(const struct call *call, const struct config *c, struct err *e)
{
	const struct image_settings *s = call->settings;
	auto_free char *program = NULL;
	auto_import_result struct import_result result = {0};
	struct import i = {.store = c->image_store,
		.source = call->operands.items[1],
		.name = s->name,
		.kernel = s->kernel ? s->kernel : "tiny",
		.firmware = s->firmware == FIRMWARE_AUTO ? NULL : firmwares[s->firmware],
		.tell = tell_progress,
		.arg = call->operands.items[1]};

	if (check_source(s, i.source, e) < 0)
		return import_failed(i.source, e);
	if (sig_init(e) < 0 || locate_archive_program(REWRITE_PROGRAM, &program, e) < 0)
		return -1;
	i.archive_program = program;
	if (import_image(&i, &result, e) < 0)
		return import_failed(i.source, e);
	say_warnings(&result.warnings);
	if (result.disk != IMPORT_NO_DISK)
		return say_row(e, "%s: imported as %s, digest %.16s, a disk that boots by %s",
			i.source, result.name, result.digest,
			result.disk == IMPORT_UEFI ? "UEFI" : "BIOS");
	if (result.origin_of)
		return say_row(e, "%s: imported as %s, digest %.16s, %s sha256:%s", i.source,
			result.name, result.digest, result.origin_of, result.origin.s);
	return say_row(e, "%s: imported as %s, digest %.16s", i.source, result.name, result.digest);
}

static int export_one(const struct call *call, const struct config *c, struct err *e)
{
	const char *name = call->operands.items[1], *path = call->operands.items[2];
	const struct outputs_inputs inputs = {.config = c, .image = name};
	auto_image struct image image = {0};

	if (sig_init(e) < 0 || open_image(c, name, &image, e) < 0 ||
		outputs_check(path, "image export", &inputs, e) < 0 ||
		imagefile_export(&image, path, e) < 0)
		return -1;
	/* The message must not follow the image in a pipe. */
	if (outfile_is_stdout(path))
		return 0;
	return say_row(e, "%s: exported, %s, digest sha256:%s", image.name,
		num_show_size(image_bytes(&image)).s, image.digest);
}

/* Made less than --if-older ago? An image that cannot be used is as one that is not there. */
static int is_recent(const struct image_settings *s, const struct config *c, const char *name,
	bool *ret, struct err *e)
{
	auto_image struct image image = {0};
	auto_free char *file = NULL;
	struct err unusable = {0};
	int64_t limit_ms = 0;
	struct stat st;

	*ret = false;
	if (!s->if_older)
		return 0;
	if (!s->refresh)
		return err_set(e, ERR_INPUT, "--if-older is for 'build --refresh'");
	if (num_parse_duration(s->if_older, &limit_ms, e) < 0)
		return err_wrap(e, "--if-older");
	if (image_open(c->image_store, name, NULL, &image, &unusable) < 0)
		return 0;
	file = path_join(image.dir, "image.yaml");
	if (stat(file, &st) < 0)
		return err_sys(e, "%s", file);
	*ret = (int64_t)time(NULL) - st.st_mtime < limit_ms / 1000;
	return 0;
}

/* The directory's own name, also of "." and of a path that ends in a slash. */
static char *name_of_recipe(const char *recipe)
{
	auto_free char *path = path_absolute(recipe);

	return mem_strdup(path_base(path));
}

/* The builder runs this program again, for machines: with which configuration? Words of a shell. */
static int hand_over(const struct call *call, struct err *e)
{
	const struct configfiles *given = &call->config_files;
	auto_free char *self = locate_self();
	auto_buf struct buf words = {0};

	buf_init(&words, LIMIT_CONFIG_FILES * LIMIT_ARG_BYTES);
	buf_adds(&words, given->no_default ? "--no-config" : "");
	for (size_t i = 0; i < given->more.count; i++) {
		auto_free char *file = path_absolute(given->more.items[i]);

		buf_adds(&words, " --config ");
		text_add_word(&words, file);
	}
	if (setenv("AMBIENT", self, 1) < 0 || setenv("AMBIENT_OPTIONS", words.data, 1) < 0)
		return err_sys(e, "the environment of the program that makes images");
	return 0;
}

static int build_one(const struct call *call, const struct config *c, struct err *e)
{
	const struct image_settings *s = call->settings;
	const char *recipe = call->operands.items[1];
	auto_free char *program = NULL,
		       *name = s->name ? mem_strdup(s->name) : name_of_recipe(recipe);
	auto_strv struct strv argv = {0};
	bool recent;

	if (imagestore_check_name(name, e) < 0 || is_recent(s, c, name, &recent, e) < 0)
		return -1;
	if (recent)
		return say_row(e, "%s: made less than %s ago", name, s->if_older);
	if (locate_image_builder(&program, e) < 0 || hand_over(call, e) < 0)
		return -1;
	strv_push(&argv, program);
	if (s->refresh)
		strv_push(&argv, "--refresh");
	strv_push(&argv, "--as");
	strv_push(&argv, name);
	strv_push(&argv, recipe);
	strv_push(&argv, c->image_store);
	return proc_replace(&argv, e);
}

static int remove_images(const struct call *call, const struct config *c, struct err *e)
{
	if (sig_init(e) < 0)
		return -1;
	for (size_t i = 1; i < call->operands.count; i++)
		if (imagestore_remove(c->image_store, call->operands.items[i], c->state, e) < 0 ||
			say_row(e, "%s: removed", call->operands.items[i]) < 0)
			return -1;
	return 0;
}

static int say_collected(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	uint64_t *sum = arg;

	*sum += bytes;
	return say_row(
		e, "%s: the remains of a killed import or build, %s", name, num_show_size(bytes).s);
}

static int collect(const struct call *call, const struct config *c, struct err *e)
{
	const struct image_settings *s = call->settings;
	uint64_t bytes = 0;

	if (sig_init(e) < 0 ||
		imagestore_collect(c->image_store, s->dry_run, say_collected, &bytes, e) < 0)
		return -1;
	return say_row(e, "%s %s", num_show_size(bytes).s, s->dry_run ? "would be freed" : "freed");
}

static const struct command_verb verbs[] = {
	{"list", "", 0, 0, list_images},
	{"show", " IMAGE", 1, 1, show_one},
	{"verify", " IMAGE...", 1, COMMAND_OPERANDS_MAX, verify_images},
	{"build", " RECIPE", 1, 1, build_one},
	{"import", " SOURCE", 1, 1, import_one},
	{"export", " IMAGE FILE", 2, 2, export_one},
	{"remove", " IMAGE...", 1, COMMAND_OPERANDS_MAX, remove_images},
	{"gc", "", 0, 0, collect},
	{0},
};

/* Others are for command_run_verb to refuse. */
static bool is_verb(const char *name)
{
	for (const struct command_verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return true;
	return false;
}

static bool is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

/* An option that has no meaning for what is done is a mistake that the user wants to know of. */
static int check_verb(const struct call *call, struct err *e)
{
	const struct image_settings *s = call->settings;
	const char *verb = call->operands.items[0];
	const struct {
		const char *option;
		bool is_given;
		const char *verbs[3];
	} known[] = {
		{"json", s->json, {"list", "show"}},
		{"format", s->format != FORMAT_TEXT, {"show"}},
		{"packages", s->packages, {"show"}},
		{"dry-run", s->dry_run, {"gc"}},
		{"as", s->name, {"build", "import"}},
		{"kernel", s->kernel, {"import"}},
		{"firmware", s->firmware != FIRMWARE_AUTO, {"import"}},
		{"refresh", s->refresh, {"build"}},
		{"if-older", s->if_older, {"build"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known) && is_verb(verb); i++)
		if (known[i].is_given && !is_among(known[i].verbs, verb))
			return err_set(e, ERR_INPUT,
				"--%s is not for 'image %s', but for 'image %s'", known[i].option,
				verb, known[i].verbs[0]);
	return 0;
}

static int run(const struct call *call)
{
	auto_config struct config c = {0};
	struct err e = {0};

	if (check_verb(call, &e) < 0 || load_config(call, NULL, &c, &e) < 0 ||
		command_run_verb(call, verbs, &c, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_image = {
	.name = "image",
	.summary =
		"List, show, check, make, import, export and remove the images of the image store",
	.group = GROUP_KEEP,
	.operands = "list | show IMAGE | verify IMAGE... | build RECIPE | import SOURCE | export "
		    "IMAGE FILE | remove IMAGE... | gc",
	.min_operands = 1,
	.max_operands = COMMAND_OPERANDS_MAX,
	.details =
		"  list         show the images, their size and the digest of their "
		"image.yaml\n"
		"  show         show all that is known of an image: its directory, digests, "
		"files and origin, or\n"
		"               its Debian packages for other programs (--format spdx)\n"
		"  verify       read every file of an image and compare its digest with "
		"image.yaml\n"
		"  build        make an image from Debian packages, by a recipe: the name of one "
		"that comes with\n"
		"               ambient (debian, rust, go, node, python, java, ruby, debpkg, "
		"tiny, trusted), or\n"
		"               the path of a directory with a file 'packages'\n"
		"  import       make an image from a container image or a root file system:\n"
		"                 oci:DIR[:TAG]              a directory in the OCI image "
		"layout (as\n"
		"                                            'skopeo copy docker://REF "
		"oci:DIR' makes it)\n"
		"                 oci-archive:FILE[:TAG]     a tar archive of one\n"
		"                 docker-archive:FILE[:TAG]  a tar archive of 'docker save' or "
		"'podman save'\n"
		"                 docker://REF               an image in a registry, fetched by "
		"skopeo\n"
		"                 rootfs:FILE                a tar archive of a root file system "
		"('docker export',\n"
		"                                            debootstrap), alone or "
		"compressed\n"
		"               or from a file:\n"
		"                 FILE                       a file of export, or a disk with a "
		"boot loader (qcow2, raw)\n"
		"  export       write an image to a file, to import it on another host; - is "
		"standard output\n"
		"  remove       remove images from the image store, unless a run uses them\n"
		"  gc           remove what killed imports and builds left in the image store\n",
	.options = options,
	.settings_size = sizeof(struct image_settings),
	.run = run,
};
