/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep/updates.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "base/text.h"
#include "data/node.h"
#include "images/packages.h"
#include "os/home.h"
#include "os/path.h"
#include "os/proc.h"
#include "settings/architecture.h"
#include "settings/statefile.h"
#include "upkeep/claims.h"
#include "upkeep/debversion.h"
#include "upkeep/limits.h"
#include "upkeep/memory.h"

#define MEMORY_FILE ".package-updates.json"
#define KERNEL_PREFIX "linux-image-"
#define KERNEL_KIND "cloud-"

void updates_release(struct updates *u)
{
	free(u->example);
	*u = (struct updates){0};
}

/* ---- package lists ---- */

/* Where apt-root keeps those of a release: NULL if the name cannot be one. The caller frees. */
static char *root_of(const char *suite)
{
	const char *set = getenv("AMBIENT_APT_ROOT");
	auto_free char *cache = home_xdg("XDG_CACHE_HOME", ".cache");
	auto_free char *top = set && *set ? mem_strdup(set) : path_join(cache, "ambient/apt-root");

	if (!suite || !*suite || suite[strspn(suite, "abcdefghijklmnopqrstuvwxyz")])
		return NULL;
	return mem_printf("%s/%s-%s", top, suite, architecture_own()->debian);
}

/* apt-root touches the stamp when all lists were read. */
static bool lists_time(const char *suite, struct timespec *ret)
{
	auto_free char *root = root_of(suite);
	auto_free char *stamp = root ? path_join(root, "state/updated") : NULL;
	struct stat st;

	if (!stamp || stat(stamp, &st) < 0)
		return false;
	*ret = st.st_mtim;
	return true;
}

static const struct node *origin_of(const struct image *image)
{
	return node_get(image->node, "built_from");
}

/* Changes whenever lists are read again. The caller frees. */
static char *identity_of(const struct image *image)
{
	struct timespec own = {0}, kernel = {0};

	(void)lists_time(node_get_text(origin_of(image), "suite", NULL), &own);
	(void)lists_time(node_get_text(origin_of(image), "kernel_suite", NULL), &kernel);
	return mem_printf("%jd.%09ld %jd.%09ld", (intmax_t)own.tv_sec, own.tv_nsec,
		(intmax_t)kernel.tv_sec, kernel.tv_nsec);
}

/* ---- packages of an image ---- */

/* {NAME: VERSION}. What is not of this form is left out: names become arguments. */
static void add_package(struct node *versions, const char *row)
{
	auto_free char *name = NULL, *version = NULL;

	if (packages_split(row, &name, &version))
		node_append(versions, name, node_string(version));
}

static struct node *packages_of(const struct image *image)
{
	struct node *versions = node_map();
	const struct node *row;

	node_each (node_get(origin_of(image), "packages"), row)
		add_package(versions, node_text(row));
	return versions;
}

/*
 * The version of a kernel is a part of the name of its package, so that a newer one is another package.
 * The package that depends on the newest one has the same version.
 */
static struct node *kernel_of(const struct image *image)
{
	struct node *versions = node_map();
	const char *row = node_get_text(origin_of(image), "kernel_package", "");
	auto_free char *flavour = mem_printf(KERNEL_KIND "%s=", architecture_own()->debian);
	const char *found = strstr(row, flavour);
	auto_free char *meta = NULL;

	if (strncmp(row, KERNEL_PREFIX, strlen(KERNEL_PREFIX)) != 0 || !found)
		return versions;
	meta = mem_printf(KERNEL_PREFIX "%s", found);
	add_package(versions, meta);
	return versions;
}

/* ---- apt's answer ---- */

static void compare(
	struct updates *u, const struct node *versions, const char *name, const char *candidate)
{
	const char *version = node_get_text(versions, name, NULL);

	if (!version || strcmp(candidate, "(none)") == 0)
		return;
	u->known = true;
	if (debversion_compare(candidate, version) <= 0)
		return;
	u->newer++;
	if (!u->example)
		u->example = mem_printf("%s %s, now %s", name, version, candidate);
}

/* "NAME:" at the beginning of a line, and below it "  Candidate: VERSION". */
static void read_answer(struct updates *u, const struct node *versions, char *answer)
{
	static const char key[] = "  Candidate: ";
	char *next = NULL;
	const char *name = "";

	for (char *line = strtok_r(answer, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		size_t len = strlen(line);

		if (line[0] != ' ' && len && line[len - 1] == ':') {
			line[len - 1] = '\0';
			name = line;
		} else if (strncmp(line, key, strlen(key)) == 0) {
			compare(u, versions, name, line + strlen(key));
		}
	}
}

static int ask(struct updates *u, const char *root, const struct node *versions, struct err *e)
{
	auto_free char *configuration = path_join(root, "apt.conf");
	auto_strv struct strv argv = {0};
	auto_buf struct buf answer = {0};
	const struct node *version;
	int status;

	strv_push(&argv, "env");
	strv_push(&argv, "LC_ALL=C");
	strv_push(&argv, "apt-cache");
	strv_push(&argv, "-c");
	strv_push(&argv, configuration);
	strv_push(&argv, "policy");
	strv_push(&argv, "--");
	node_each (versions, version)
		strv_push(&argv, version->key);
	buf_init(&answer, LIMIT_APT_ANSWER);
	status = proc_run_as(
		&argv, &(struct proc_way){.no_errors = true}, LIMIT_HELPER_MS, &answer, e);
	if (status < 0)
		return -1;
	if (status != 0 || answer.overflow)
		return err_set(e, ERR_HOST,
			"apt-cache cannot read the package lists in %s; "
			"'ambient image build --refresh tiny' reads them again",
			root);
	if (answer.len)
		read_answer(u, versions, answer.data);
	return 0;
}

/* Nothing is asked without lists, and nothing is known then. */
static int look(struct updates *u, const char *suite, const struct node *versions, struct err *e)
{
	auto_free char *root = root_of(suite);
	struct timespec read = {0};

	if (!versions->count || !lists_time(suite, &read))
		return 0;
	u->packages += versions->count;
	if (!u->lists.tv_sec || read.tv_sec < u->lists.tv_sec)
		u->lists = read;
	return ask(u, root, versions, e);
}

int updates_look(const struct image *image, struct updates *ret, struct err *e)
{
	const struct node *origin = origin_of(image);
	auto_node struct node *packages = packages_of(image), *kernel = kernel_of(image);
	auto_updates struct updates u = {0};

	if (look(&u, node_get_text(origin, "suite", NULL), packages, e) < 0 ||
		look(&u, node_get_text(origin, "kernel_suite", NULL), kernel, e) < 0)
		return -1;
	*ret = u.known ? u : (struct updates){0};
	if (u.known)
		u = (struct updates){0};
	return 0;
}

/* ---- remembered answers ---- */

/* false: another answer, or none. */
static bool remembered(const struct node *answers, const struct image *image, const char *identity,
	struct updates *ret)
{
	const struct node *answer = node_get(answers, image->digest);

	if (strcmp(node_get_text(answer, "lists", ""), identity) != 0)
		return false;
	ret->known = node_get_bool(answer, "known", false);
	ret->packages = node_get_uint(answer, "packages", 0);
	ret->newer = node_get_uint(answer, "newer", 0);
	ret->lists.tv_sec = node_get_int(answer, "read", 0);
	if (node_get_text(answer, "example", NULL))
		ret->example = mem_strdup(node_get_text(answer, "example", ""));
	return true;
}

/* The oldest answers are of images that are not there any more. */
static void remember(const char *path, const struct node *answers, const struct image *image,
	const char *identity, const struct updates *u)
{
	auto_node struct node *file = node_map();
	struct node *images = node_set_map(file, "images");
	struct node *answer;
	const struct node *old;
	size_t left = node_count(answers);

	node_each (answers, old)
		if (left-- < LIMIT_UPDATES_IMAGES && strcmp(old->key, image->digest) != 0)
			node_append(images, old->key, node_copy(old));
	node_set_int(file, "format", 1);
	answer = node_set_map(images, image->digest);
	node_set_string(answer, "lists", identity);
	node_set_bool(answer, "known", u->known);
	node_set_uint(answer, "packages", u->packages);
	node_set_uint(answer, "newer", u->newer);
	node_set_int(answer, "read", u->lists.tv_sec);
	if (u->example)
		node_set_string(answer, "example", u->example);
	memory_write(path, file);
}

int updates_recall(const char *state, const struct image *image, struct updates *ret, struct err *e)
{
	auto_free char *path = path_join(state, MEMORY_FILE);
	auto_free char *identity = identity_of(image);
	auto_node struct node *file = NULL;
	const struct node *answers;
	struct err why = {0};

	*ret = (struct updates){0};
	if (!node_count(node_get(origin_of(image), "packages")))
		return 0;
	file = statefile_recall(STATEFILE_UPDATES, path);
	answers = node_get(file, "images");
	if (answers && answers->kind != NODE_MAP)
		answers = NULL;
	if (remembered(answers, image, identity, ret))
		return 0;
	if (updates_look(image, ret, &why) < 0 && why.kind == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	/* If apt cannot be asked, doctor says why. */
	remember(path, answers, image, identity, ret);
	return 0;
}

char *updates_message(const struct image *image, const struct updates *u)
{
	auto_free char *recipe = claims_recipe(image);
	auto_free char *name = text_word(image->name);
	bool named = recipe && strcmp(recipe, image->name) == 0;
	auto_free char *command =
		mem_printf("ambient image build --refresh %s%s%s%s", named ? "" : "--as ",
			named ? "" : name, named ? "" : " ", recipe ? recipe : "RECIPE");

	return mem_printf("image %s: newer versions of %" PRIu64 " of its %" PRIu64
			  " packages are known (%s); '%s' makes it again",
		image->name, u->newer, u->packages, u->example ? u->example : "", command);
}
