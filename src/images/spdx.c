/* SPDX-License-Identifier: Apache-2.0 */
#include "images/spdx.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/version.h"
#include "images/packages.h"
#include "os/path.h"
#include "settings/architecture.h"

#define NOTHING "NOASSERTION"
#define DOCUMENT "SPDXRef-DOCUMENT"
#define IMAGE "SPDXRef-Image"

enum { TEXT_MAX = 4096, ROW_SHOWN = 100 };

struct writing {
	const struct image *image;
	struct node *packages, *relationships;
	size_t count;
};

static const struct node *origin_of(const struct image *image)
{
	return node_get(image->node, "built_from");
}

/* The name that is in image.yaml, like the digest: the directory may have another. */
static const char *name_of(const struct image *image)
{
	return node_get_text(image->node, "name", "");
}

/* ---- parts of a document ---- */

/* Identifiers have letters, digits, dots and dashes only; the number makes them different. */
static char *identifier_of(size_t number, const char *name)
{
	char *id = mem_printf("SPDXRef-Package-%zu-%s", number, name);

	for (char *c = id; *c; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && *c != '.' && *c != '-'))
			*c = '.';
	return id;
}

/* Percent-encoded for a package URL, in which a colon stays as it is. */
static void add_encoded(struct buf *b, const char *text)
{
	for (const char *c = text; *c; c++)
		if (isascii(*c) && (isalnum((unsigned char)*c) || strchr(".-_~:", *c)))
			buf_addc(b, *c);
		else
			buf_addf(b, "%%%02X", (unsigned)(unsigned char)*c);
}

static void add_reference(
	struct node *package, const char *name, const char *version, const char *suite)
{
	struct node *reference = node_add_map(node_set_list(package, "externalRefs"));
	auto_buf struct buf purl = {0};

	buf_init(&purl, TEXT_MAX);
	buf_adds(&purl, "pkg:deb/debian/");
	add_encoded(&purl, name);
	buf_addc(&purl, '@');
	add_encoded(&purl, version);
	buf_adds(&purl, "?arch=");
	buf_adds(&purl, architecture_own()->debian);
	if (suite) {
		buf_adds(&purl, "&distro=");
		add_encoded(&purl, suite);
	}
	node_set_string(reference, "referenceCategory", "PACKAGE-MANAGER");
	node_set_string(reference, "referenceType", "purl");
	node_set_string(reference, "referenceLocator", purl.data);
}

static void relate(struct writing *w, const char *from, const char *how, const char *to)
{
	struct node *r = node_add_map(w->relationships);

	node_set_string(r, "spdxElementId", from);
	node_set_string(r, "relationshipType", how);
	node_set_string(r, "relatedSpdxElement", to);
}

static struct node *add_package(
	struct writing *w, const char *id, const char *name, const char *version)
{
	struct node *package = node_add_map(w->packages);

	node_set_string(package, "name", name);
	node_set_string(package, "SPDXID", id);
	node_set_string(package, "versionInfo", version);
	node_set_string(package, "downloadLocation", NOTHING);
	node_set_bool(package, "filesAnalyzed", false);
	node_set_string(package, "licenseConcluded", NOTHING);
	node_set_string(package, "licenseDeclared", NOTHING);
	node_set_string(package, "copyrightText", NOTHING);
	return package;
}

/* ---- the image and its packages ---- */

static int add_row(struct writing *w, const struct node *row, const char *suite, struct err *e)
{
	auto_free char *name = NULL, *version = NULL, *id = NULL;
	auto_free char *shown = text_safe(node_text(row) ? node_text(row) : "", ROW_SHOWN);
	struct node *package;

	if (!packages_split(node_text(row), &name, &version))
		return err_set(e, ERR_INPUT,
			"image %s: '%s' in the list of packages of %s/image.yaml is not "
			"NAME=VERSION; make the image again",
			w->image->name, shown, w->image->dir);
	id = identifier_of(++w->count, name);
	package = add_package(w, id, name, version);
	add_reference(package, name, version, suite);
	relate(w, IMAGE, "CONTAINS", id);
	return 0;
}

static int add_rows(struct writing *w, struct err *e)
{
	const struct node *origin = origin_of(w->image);
	const struct node *kernel = node_get(origin, "kernel_package"), *row;

	node_each (node_get(origin, "packages"), row)
		if (add_row(w, row, node_get_text(origin, "suite", NULL), e) < 0)
			return -1;
	return kernel ? add_row(w, kernel, node_get_text(origin, "kernel_suite", NULL), e) : 0;
}

static void add_image(struct writing *w)
{
	auto_free char *version = mem_printf("sha256:%s", w->image->digest);

	(void)add_package(w, IMAGE, name_of(w->image), version);
	relate(w, DOCUMENT, "DESCRIBES", IMAGE);
}

/* To the second, as the format has it. */
static int created(const struct image *image, char **ret, struct err *e)
{
	auto_free char *file = path_join(image->dir, "image.yaml");
	struct stat st;

	if (stat(file, &st) < 0)
		return err_sys(e, "%s", file);
	*ret = mem_printf("%.19sZ", clock_show(&st.st_mtim).s);
	return 0;
}

static void add_head(struct node *document, const struct image *image, const char *created)
{
	auto_free char *name = mem_printf("ambient image %s", name_of(image));
	auto_free char *space =
		mem_printf("https://spdx.org/spdxdocs/ambient-image-sha256-%s", image->digest);
	auto_free char *tool = mem_printf("Tool: ambient-%s", version_number);
	struct node *info;

	node_set_string(document, "spdxVersion", "SPDX-2.3");
	node_set_string(document, "dataLicense", "CC0-1.0");
	node_set_string(document, "SPDXID", DOCUMENT);
	node_set_string(document, "name", name);
	node_set_string(document, "documentNamespace", space);
	info = node_set_map(document, "creationInfo");
	node_set_string(info, "created", created);
	node_add_string(node_set_list(info, "creators"), tool);
}

static int check_packages(const struct image *image, struct err *e)
{
	const struct node *packages = node_get(origin_of(image), "packages");

	if (packages && packages->kind == NODE_LIST && packages->count)
		return 0;
	return err_reason(e, ERR_INPUT, "no_packages",
		"image %s has no list of packages: only images that 'ambient image build' has made "
		"have one. What is in a container image or a disk that was imported is not known",
		image->name);
}

int spdx_describe(const struct image *image, struct node **ret_document, struct err *e)
{
	auto_node struct node *document = node_map();
	auto_free char *time = NULL;
	struct writing w = {.image = image};
	struct node_size size;

	if (check_packages(image, e) < 0 || created(image, &time, e) < 0)
		return -1;
	add_head(document, image, time);
	w.packages = node_set_list(document, "packages");
	w.relationships = node_set_list(document, "relationships");
	add_image(&w);
	if (add_rows(&w, e) < 0)
		return -1;
	size = node_measure(document);
	if (!node_size_fits(&size))
		return err_set(e, ERR_INPUT,
			"image %s has too many packages, %zu, for one document", image->name,
			w.count);
	*ret_document = steal_ptr(&document);
	return 0;
}
