/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python: what requirements files name, fetched by pip. Building a source distribution runs its
 * code, also to learn what it depends on.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "contract/ecosystem.h"

#define PLACE GUEST_DEPS "/pip"

/* ---- the registry ---- */

static const char *const also[] = {"files.pythonhosted.org", NULL};

/* pip: what a section for one command says comes before [global], and the user before the host. */
#define SETTINGS_IN(path)                                                                          \
	{.file = (path), .section = "download", .key = "index-url"},                               \
	{                                                                                          \
		.file = (path), .section = "global", .key = "index-url"                            \
	}

static const struct client_setting settings_of_pip[] = {
	SETTINGS_IN("~/.config/pip/pip.conf"),
	SETTINGS_IN("~/.pip/pip.conf"),
	SETTINGS_IN("/etc/pip.conf"),
	SETTINGS_IN("/etc/xdg/pip/pip.conf"),
	{0},
};

const struct ecosystem ecosystem_pypi = {
	.name = "pypi",
	.client = "pip",
	.address = "https://pypi.org/simple",
	.probe = "pip/",
	.also = also,
	.settings = settings_of_pip,
};

/* ---- pip_download ---- */

static const struct param params[] = {
	{.name = "requirements",
		.type = PARAM_STRING,
		.not_empty = true,
		.preset = "requirements.txt",
		.help = "the requirements file, relative to the source directory; other "
			"requirements files and constraints that it includes are read, too"},
	{.name = "allow_sdist",
		.type = PARAM_BOOL,
		.preset = "false",
		.help = "packages without a wheel are built, which runs their code"},
	{0},
};

static const char *requirements_of(const struct entry *entry)
{
	return schema_text(params, entry->args, "requirements");
}

static int check(const struct node *args, const char *file, struct err *e)
{
	const char *path = schema_text(params, args, "requirements");

	/* pip would take it for an option, or fetch it. */
	if (path[0] != '-' && !strstr(path, "://"))
		return 0;
	return node_err(node_get(args, "requirements"), file, e,
		"'requirements' must be the path of a file");
}

static void reads(const struct entry *entry, struct action_reads *ret)
{
	strv_push(&ret->files, requirements_of(entry));
}

/* The value of the option of a line `-r FILE`, `--requirement=FILE`, ...; NULL: it is another line. */
static const char *included(const char *line)
{
	static const char *const options[] = {"--requirement", "--constraint", "-r", "-c"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i]);

		if (strncmp(line, options[i], len) == 0) {
			line += len;
			return line + strspn(line, " \t=");
		}
	}
	return NULL;
}

static bool is_address(const char *path)
{
	return strstr(path, "://") != NULL;
}

/* pip looks for them in the directory of the file that includes them. */
static void follow(const char *path, const char *text, struct strv *ret_paths)
{
	const char *slash = strrchr(path, '/');
	int directory = slash ? (int)(slash + 1 - path) : 0;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line != '\0') {
		const char *start = line + strspn(line, " \t");
		const char *value = included(start);
		auto_free char *name = NULL;

		if (!value)
			continue;
		name = mem_strndup(value, strcspn(value, " \t\r\n#"));
		if (*name && !is_address(name))
			strv_pushf(ret_paths, "%.*s%s", directory, path, name);
	}
}

static void add_arguments(const struct entry *entry, struct node *argv)
{
	static const char *const common[] = {"--disable-pip-version-check", "--no-input",
		"--no-cache-dir", "--progress-bar=off", "--requirement"};
	const bool build = schema_bool(params, entry->args, "allow_sdist");

	node_add_string(argv, "python3");
	node_add_string(argv, "-m");
	node_add_string(argv, "pip");
	node_add_string(argv, build ? "wheel" : "download");
	if (!build)
		node_add_string(argv, "--only-binary=:all:");
	node_add_string(argv, build ? "--wheel-dir=" PLACE : "--dest=" PLACE);
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		node_add_string(argv, common[i]);
	node_add_string(argv, requirements_of(entry));
}

/* pip takes nothing from a server without TLS that it is not told to trust; the operator has named this one. */
static void trust_plain_http(struct node *step, const char *address)
{
	static const char scheme[] = "http://";
	const char *host = address + strlen(scheme);
	auto_free char *name = NULL;

	if (strncmp(address, scheme, strlen(scheme)) != 0)
		return;
	name = mem_strndup(host, strcspn(host, "/"));
	actions_set_variable(step, "PIP_TRUSTED_HOST", name);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	static const char *const none[] = {NULL};
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_program(entry, none, out);
	add_arguments(entry, node_get(step, "argv"));
	actions_set_variable(step, "PIP_INDEX_URL", address);
	actions_set_variable(step, "PIP_CONFIG_FILE", "/dev/null");
	trust_plain_http(step, address);
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "PIP_NO_INDEX", .value = "1", .help = "pip reaches no registry"},
	{.name = "PIP_FIND_LINKS", .value = PLACE, .help = "where pip finds what was fetched"},
	{0},
};

const struct action action_pip_download = {
	.name = "pip_download",
	.summary = "Download the Python packages that a requirements file names, and all that they "
		   "depend on.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_pypi,
	.gives = gives,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = actions_reach_registry,
	.reads = reads,
	.follow = follow,
};
