/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/num.h"
#include "base/text.h"
#include "archive/report.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "images/import.h"
#include "images/imagestore.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sig.h"
#include "settings/image.h"
#include "settings/locate.h"

enum { NAME_COLUMN = 16, SOURCE_SHOWN = 100 };

struct image_settings {
	bool json, refresh;
	const char *name, *kernel, *if_older;
};

static const struct option options[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct image_settings, json),
		.help = "list: print JSON"},
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
	{0},
};

static int show_image(const struct node *image, struct err *e)
{
	const char *name = node_get_text(image, "name", "?");
	const char *error = node_get_text(image, "error", NULL);

	if (error)
		return say_row(e, "%-*s  not usable: %s", NAME_COLUMN, name, error);
	return say_row(e, "%-*s  %10s  %.16s", NAME_COLUMN, name,
		num_show_size(node_get_uint(image, "bytes", 0)).s,
		node_get_text(image, "digest", ""));
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
		if (show_image(image, e) < 0)
			return -1;
	return 0;
}

static int verify_one(const struct config *c, const char *name, struct err *e)
{
	auto_image struct image image = {0};

	if (image_open(c->image_store, name, strchr(name, '/') ? name : NULL, &image, e) < 0 ||
		image_verify(&image, NULL, NULL, NULL, e) < 0)
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

static void tell_progress(void *arg, const char *line)
{
	const char *source = arg;
	auto_free char *shown = text_safe(source, SOURCE_SHOWN);
	auto_buf struct buf text = {0};

	buf_init(&text, SAY_LINE_MAX);
	buf_addf(&text, "%s: %s\n", shown, line);
	say_aside(&text);
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
		.tell = tell_progress,
		.arg = call->operands.items[1]};

	if (sig_init(e) < 0 || locate_archive_program(REWRITE_PROGRAM, &program, e) < 0)
		return -1;
	i.archive_program = program;
	if (import_image(&i, &result, e) < 0)
		return err_wrap(e, "import %s", i.source);
	say_warnings(&result.warnings);
	return say_row(e, "%s: imported as %s, digest %.16s, %s sha256:%s", i.source, result.name,
		result.digest, *result.manifest ? "manifest" : "configuration",
		*result.manifest ? result.manifest : result.id);
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

	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	return mem_strdup(path_base(path));
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
	if (locate_image_builder(&program, e) < 0)
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
		if (imagestore_remove(c->image_store, call->operands.items[i], e) < 0 ||
			say_row(e, "%s: removed", call->operands.items[i]) < 0)
			return -1;
	return 0;
}

static const struct command_verb verbs[] = {
	{"list", "", 0, 0, list_images},
	{"verify", " IMAGE...", 1, COMMAND_OPERANDS_MAX, verify_images},
	{"build", " RECIPE", 1, 1, build_one},
	{"import", " SOURCE", 1, 1, import_one},
	{"remove", " IMAGE...", 1, COMMAND_OPERANDS_MAX, remove_images},
	{0},
};

static int run(const struct call *call)
{
	auto_config struct config c = {0};
	struct err e = {0};

	if (load_config(call, NULL, &c, &e) < 0 || command_run_verb(call, verbs, &c, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_image = {
	.name = "image",
	.summary = "List, check, make, import and remove the images of the image store",
	.group = GROUP_KEEP,
	.operands = "list | verify IMAGE... | build RECIPE | import SOURCE | remove IMAGE...",
	.min_operands = 1,
	.max_operands = COMMAND_OPERANDS_MAX,
	.details =
		"  list         show the images, their size and the digest of their "
		"image.yaml\n"
		"  verify       read every file of an image and compare its digest with "
		"image.yaml\n"
		"  build        make an image from Debian packages, by a recipe: the name of one "
		"that comes with\n"
		"               ambient (debian, rust, go, node, python, java, ruby, debpkg, "
		"tiny, trusted), or\n"
		"               the path of a directory with a file 'packages'\n"
		"  import       make an image from a container image:\n"
		"                 oci:DIR[:TAG]              a directory in the OCI image "
		"layout (as\n"
		"                                            'skopeo copy docker://REF "
		"oci:DIR' makes it)\n"
		"                 oci-archive:FILE[:TAG]     a tar archive of one\n"
		"                 docker-archive:FILE[:TAG]  a tar archive of 'docker save' or "
		"'podman save'\n"
		"                 docker://REF               an image in a registry, fetched by "
		"skopeo\n"
		"  remove       remove images from the image store\n",
	.options = options,
	.settings_size = sizeof(struct image_settings),
	.run = run,
};
