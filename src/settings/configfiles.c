/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/configfiles.h"

#include <errno.h>
#include <sys/stat.h>

#include "data/yamlfile.h"
#include "os/home.h"
#include "os/path.h"
#include "settings/limits.h"

char *configfiles_default(void)
{
	auto_free char *dir = home_xdg("XDG_CONFIG_HOME", ".config");

	return path_join(dir, "ambient/config.yaml");
}

/*
 * Whether the default file exists. Other errors than "no such file", also those of a dangling link,
 * are left to the reader, which reports them.
 */
static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* ---- deprecated keys: those that are below `qemu` now ---- */

static struct node *qemu_map(struct node *map)
{
	struct node *qemu = node_get(map, "qemu");

	return qemu ? qemu : node_set_map(map, "qemu");
}

/* Move deprecated keys to their new places. A value that is already there takes precedence. */
static void move_deprecated(
	const struct param *table, struct node *map, const char *file, struct strv *warnings)
{
	for (const struct param *row = table; row->name; row++) {
		const struct node *old = row->deprecated ? node_get(map, row->name) : NULL;

		if (!old)
			continue;
		strv_pushf(warnings, "%s:%d:%d: '%s' is deprecated, write %s", file, old->key_line,
			old->key_column, row->name, row->deprecated);
		if (!node_get(qemu_map(map), row->name))
			node_set(qemu_map(map), row->name, node_copy(old));
		node_remove(map, row->name);
	}
}

/* ---- one file, and all ---- */

static int read_one(const char *file, const struct param *table, struct strv *warnings,
	struct node **ret_map, struct err *e)
{
	auto_node struct node *map = NULL;

	if (yamlfile_read(file, &map, e) < 0)
		return -1;
	if (map->kind == NODE_NULL) {
		node_free(map);
		map = node_map();
	}
	if (schema_check(table, map, file, e) < 0 ||
		schema_respell(table, map, file, warnings, e) < 0)
		return -1;
	move_deprecated(table, map, file, warnings);
	node_set_file(map, file);
	*ret_map = steal_ptr(&map);
	return 0;
}

/* A key without a value is as good as none. */
static void merge(const struct param *table, struct node *into, const struct node *from)
{
	const struct node *item;

	node_each (from, item) {
		const struct param *row = schema_find(table, item->key);
		struct node *old = node_get(into, item->key);

		if (item->kind == NODE_NULL)
			continue;
		if (row->type == PARAM_MAP && old)
			merge(row->sub, old, item);
		else
			node_set(into, item->key, node_copy(item));
	}
}

static int add_file(const char *file, const struct param *table, struct strv *files,
	struct strv *warnings, struct node *map, struct err *e)
{
	auto_node struct node *own = NULL;

	if (files->count >= LIMIT_CONFIG_FILES)
		return err_set(
			e, ERR_INPUT, "more than %d configuration files", LIMIT_CONFIG_FILES);
	strv_push(files, file);
	if (read_one(files->items[files->count - 1], table, warnings, &own, e) < 0)
		return -1;
	merge(table, map, own);
	return 0;
}

int configfiles_read(const struct configfiles *given, const struct param *table,
	struct strv *ret_files, struct strv *warnings, struct node **ret_map, struct err *e)
{
	auto_free char *standard = configfiles_default();
	auto_node struct node *map = node_map();

	if (!(given && given->no_default) && exists(standard) &&
		add_file(standard, table, ret_files, warnings, map, e) < 0)
		return -1;
	for (size_t i = 0; given && i < given->more.count; i++)
		if (add_file(given->more.items[i], table, ret_files, warnings, map, e) < 0)
			return -1;
	*ret_map = steal_ptr(&map);
	return 0;
}
