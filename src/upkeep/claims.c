/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep/claims.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/path.h"
#include "settings/image.h"
#include "settings/locate.h"
#include "settings/statefile.h"

/* The name of the image that `text` or `path` (NULL: none) names, if it is in the store; else NULL. */
static char *name_in_store(const char *store, const char *text, const char *path)
{
	auto_image_name struct image_name name = {0};
	struct err ignored = {0};
	auto_free char *parent = path ? path_parent(path) : NULL;
	auto_free char *whole = path_absolute(store);

	if (path)
		return strcmp(parent, whole) == 0 ? mem_strdup(path_base(path)) : NULL;
	/* A name that is wrong is refused by runs, and names nothing. */
	return image_name_parse(text, &name, &ignored) < 0 ? NULL : steal_ptr(&name.name);
}

static void claim(
	struct claims *c, const char *store, const char *text, const char *path, const char *who)
{
	auto_free char *name = name_in_store(store, text, path);

	if (name && !claims_of(c, name))
		node_set_string(c->images, name, who);
}

static void claim_configured(
	struct claims *claims, const struct config *c, const struct project_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct project *p = &list->items[i];
		auto_free char *who = mem_printf("project %s", p->name);

		claim(claims, c->image_store, p->image, p->image_path, who);
		if (p->fetch_image)
			claim(claims, c->image_store, p->fetch_image, p->fetch_image_path, who);
	}
	claim(claims, c->image_store, c->trusted_image,
		strchr(c->trusted_image, '/') ? c->trusted_image : NULL, "trusted_image");
}

/* Of a run that was killed there is no result. */
static int claim_latest(
	struct claims *claims, const struct config *c, const char *project, struct err *e)
{
	auto_free char *file = mem_printf("%s/%s/latest/result.json", c->state, project);
	auto_free char *who = mem_printf("the latest run of %s", project);
	auto_node struct node *result = NULL;
	const char *image;

	if (statefile_read(STATEFILE_RESULT, file, &result, e) < 0)
		return -1;
	image = node_get_text(node_get(result, "image"), "name", NULL);
	if (image && !claims_of(claims, image))
		node_set_string(claims->images, image, who);
	return 0;
}

int claims_collect(const struct config *c, const struct project_list *list,
	const struct strv *projects, struct claims *ret, struct err *e)
{
	auto_claims struct claims claims = {.images = node_map()};

	claim_configured(&claims, c, list);
	strv_each (projects, project)
		if (claim_latest(&claims, c, *project, e) < 0)
			return -1;
	*ret = claims;
	claims = (struct claims){0};
	return 0;
}

void claims_release(struct claims *c)
{
	node_free(c->images);
	*c = (struct claims){0};
}

const char *claims_of(const struct claims *c, const char *image)
{
	return node_get_text(c->images, image, NULL);
}

char *claims_recipe(const struct image *image)
{
	const char *recipe =
		node_get_text(node_get(image->node, "built_from"), "recipe_name", NULL);
	auto_free char *builder = NULL, *dir = NULL, *rows = NULL;
	struct err ignored = {0};

	if (!recipe || strchr(recipe, '/') || locate_image_builder(&builder, &ignored) < 0)
		return NULL;
	dir = path_parent(builder);
	rows = mem_printf("%s/%s/packages", dir, recipe);
	return access(rows, R_OK) == 0 ? mem_strdup(recipe) : NULL;
}
