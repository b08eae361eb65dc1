/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/image_show.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/say.h"
#include "os/path.h"

enum { LABEL_COLUMN = 14 };

#define PACKAGES "packages"

static int show(const char *label, const char *value, struct err *e)
{
	return value && *value ? say_row(e, "%-*s  %s", LABEL_COLUMN, label, value) : 0;
}

static int show_digest(const char *label, const char *hex, struct err *e)
{
	return *hex ? say_row(e, "%-*s  sha256:%s", LABEL_COLUMN, label, hex) : 0;
}

static int show_list(const char *label, const struct node *list, struct err *e)
{
	auto_buf struct buf joined = {0};
	const struct node *item;

	buf_init(&joined, LIMIT_NODE_BYTES);
	node_each (list, item)
		buf_addf(&joined, "%s%s", joined.len ? ", " : "",
			node_text(item) ? node_text(item) : "");
	return show(label, joined.data, e);
}

static int show_files(const struct image *i, struct err *e)
{
	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		const struct image_file *f = &i->parts[part];

		if (!f->path)
			continue;
		if (say_row(e, "%-*s  %s, %s, sha256:%s", LABEL_COLUMN, image_part_key(part),
			    path_base(f->path), num_show_size(f->bytes).s, f->sha256) < 0)
			return -1;
	}
	return 0;
}

/*
 * What a container image says of its programs, in its own words; of variables one a row. A password in
 * a URL is hidden.
 */
static int show_defaults(const struct image_defaults *d, struct err *e)
{
	strv_each (&d->env, entry) {
		auto_free char *shown = text_safe(*entry, LIMIT_ARG_BYTES);

		if (show("Env", shown, e) < 0)
			return -1;
	}
	return show("WorkingDir", d->directory, e) < 0 ? -1 : show("User", d->user, e);
}

/* What it was made from: facts of the recipe or of the import. Any tree may be there. */
static int show_origin(const struct node *origin, struct err *e)
{
	const struct node *fact;

	if (!origin || origin->kind != NODE_MAP)
		return 0;
	node_each (origin, fact) {
		auto_free char *label = mem_printf("from %s", fact->key);

		if (strcmp(fact->key, PACKAGES) != 0 &&
			(fact->kind == NODE_LIST ? show_list(label, fact, e)
						 : show(label, node_text(fact), e)) < 0)
			return -1;
	}
	return 0;
}

static int show_packages(const struct node *list, bool all, struct err *e)
{
	size_t count = node_count(list);
	const struct node *item;

	if (count &&
		say_row(e, "%-*s  %zu%s", LABEL_COLUMN, PACKAGES, count,
			all ? "" : "; '--packages' lists them") < 0)
		return -1;
	node_each (all ? list : NULL, item)
		if (node_text(item) && say_row(e, "  %s", node_text(item)) < 0)
			return -1;
	return 0;
}

static int show_text(const struct image *i, bool packages, struct err *e)
{
	const struct node *origin = node_get(i->node, "built_from");

	if (show("name", i->name, e) < 0 || show("directory", i->dir, e) < 0 ||
		show_digest("digest", i->digest, e) < 0 ||
		show_digest("manifest", i->manifest, e) < 0 ||
		show("size", num_show_size(image_bytes(i)).s, e) < 0 ||
		show("architecture", node_get_text(i->node, "architecture", NULL), e) < 0 ||
		show("boot", node_get_text(i->node, "boot", NULL), e) < 0 ||
		show("firmware", node_get_text(i->node, "firmware", NULL), e) < 0 ||
		show("kernel version", node_get_text(i->node, "kernel_version", NULL), e) < 0 ||
		show_list("machines", node_get(i->node, "machines"), e) < 0 ||
		show("network", i->no_network ? "no driver" : NULL, e) < 0)
		return -1;
	if (show_files(i, e) < 0 || show_defaults(&i->defaults, e) < 0 ||
		show_origin(origin, e) < 0)
		return -1;
	return show_packages(node_get(origin, PACKAGES), packages, e);
}

static int show_json(const struct image *i, bool packages, struct err *e)
{
	auto_node struct node *n = node_copy(i->node);
	struct node *origin = node_get(n, "built_from");

	node_set_string(n, "name", i->name);
	node_set_string(n, "dir", i->dir);
	node_set_string(n, "digest", i->digest);
	node_set_uint(n, "bytes", image_bytes(i));
	if (!packages && origin && origin->kind == NODE_MAP)
		node_remove(origin, PACKAGES);
	return say_json(n, NULL, e);
}

int image_show(const struct image *i, bool json, bool packages, struct err *e)
{
	return json ? show_json(i, packages, e) : show_text(i, packages, e);
}
