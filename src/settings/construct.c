/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/construct.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "data/schema.h"
#include "data/yamlfile.h"
#include "os/home.h"
#include "os/path.h"
#include "settings/project.h"

enum { PATH_SHOWN_MAX = 600 };

/* A file of the operator's own may be a link; one in the source may not. */
static int read_own(const char *path, struct node **ret, struct err *e)
{
	auto_node struct node *partial = NULL;

	if (yamlfile_read(path, &partial, e) < 0)
		return -1;
	if (partial->kind == NODE_NULL) {
		node_free(partial);
		partial = node_map();
	}
	if (project_check_partial(partial, path, e) < 0)
		return -1;
	*ret = steal_ptr(&partial);
	return 0;
}

/*
 * The part of an absolute path behind the source directory, however that is written; NULL: the path does
 * not lead through it.
 */
static const char *behind_source(const char *path, const char *source)
{
	struct stat top, above;

	if (stat(source, &top) < 0)
		return NULL;
	if (strcmp(source, "/") == 0)
		return path + 1;
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		auto_free char *front = mem_strndup(path, (size_t)(slash - path));

		if (stat(front, &above) == 0 && above.st_dev == top.st_dev &&
			above.st_ino == top.st_ino)
			return slash + 1;
	}
	return NULL;
}

static int read_partial(
	const struct construct *c, const char *source, struct node **ret, struct err *e)
{
	auto_free char *path = path_absolute(c->partial);
	auto_free char *shown = text_safe(path, PATH_SHOWN_MAX);
	const char *behind = behind_source(path, source);

	if (!behind)
		return read_own(path, ret, e);
	if (project_read_source_plan(source, behind, ret, e) < 0)
		return -1;
	return *ret ? 0 : err_set(e, ERR_INPUT, "%s: there is no such file", shown);
}

/* ---- sizes ---- */

static void lower(struct node *project, const struct node *partial, const char *file,
	const char *key, uint64_t most, struct strv *warnings)
{
	const struct node *item = node_get(partial, key);
	uint64_t bytes = item ? schema_size(project_partial_params, partial, key) : 0;

	if (item && bytes > most)
		strv_pushf(warnings,
			"%s:%d:%d: '%s' is more than the configuration allows, which is "
			"taken instead",
			file, item->key_line, item->key_column, key);
	if (item)
		node_set_uint(project, key, bytes < most ? bytes : most);
}

static void add_sizes(struct node *project, const struct node *partial, const char *file,
	const struct config *config, struct strv *warnings)
{
	lower(project, partial, file, "artifacts_max_size", config->artifacts_max, warnings);
	lower(project, partial, file, "cache_max_size", config->cache_max, warnings);
	lower(project, partial, file, "deps_max_size", config->deps_max, warnings);
}

/* ---- the project ---- */

/* A list that is not there is written as null: the source's own file is not asked again. */
static void add_plans(struct node *project, const struct construct *c, const struct node *partial,
	const char *file, struct strv *warnings)
{
	for (int plan = 0; plan < PROJECT_PLANS; plan++) {
		const char *key = project_plan_keys[plan];
		const struct node *list = node_get(partial, key);
		bool allowed = plan != PROJECT_POST_PLAN || c->allow_post_plan;

		if (node_count(list) && !allowed)
			strv_pushf(warnings,
				"%s:%d:%d: '%s' is left out; --allow-post-plan takes it", file,
				list->key_line, list->key_column, key);
		node_set(project, key, list && allowed ? node_copy(list) : node_null());
	}
}

/* Which hosts a VM with programs of others reaches is for the operator to say. */
static int check_hosts(
	const struct construct *c, const struct node *partial, const char *file, struct err *e)
{
	const struct node *entry;

	node_each (node_get(partial, project_plan_keys[PROJECT_PRE_PLAN]), entry) {
		const struct node *hosts = node_get(entry, "hosts");

		if (hosts && !c->allow_hosts)
			return node_err(hosts, file, e,
				"'hosts' of the pre_plan is for files of the operator; "
				"--allow-hosts "
				"takes it");
	}
	return 0;
}

static int check_source(const char *source, struct err *e)
{
	auto_free char *shown = text_safe(source, PATH_SHOWN_MAX);
	struct stat st;

	if (stat(source, &st) < 0)
		return err_set(e, ERR_INPUT, "--source %s: %s", shown, strerror(errno));
	return S_ISDIR(st.st_mode) ? 0
				   : err_set(e, ERR_INPUT, "--source %s: not a directory", shown);
}

int construct_projects(const struct construct *c, const struct config *config,
	struct strv *warnings, struct node **ret_root, struct err *e)
{
	auto_free char *source = path_absolute(c->source);
	auto_free char *given = home_expand(c->image);
	auto_free char *image =
		project_image_is_path(given) ? path_absolute(given) : mem_strdup(given);
	auto_free char *file = text_safe(c->partial, PATH_SHOWN_MAX);
	auto_node struct node *partial = NULL, *root = node_map();
	struct node *project;

	if (project_check_name(c->name, e) < 0 || check_source(source, e) < 0 ||
		read_partial(c, source, &partial, e) < 0)
		return -1;
	node_set_file(partial, c->partial);
	if (check_hosts(c, partial, c->partial, e) < 0)
		return -1;
	project = node_set_map(node_set_map(root, "projects"), c->name);
	node_set_string(project, "source", source);
	node_set_string(project, "image", image);
	add_plans(project, c, partial, file, warnings);
	add_sizes(project, partial, file, config, warnings);
	*ret_root = steal_ptr(&root);
	return 0;
}
