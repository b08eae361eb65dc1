/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian: packages that apt of the image fetches, with a root of its own, and packages that the plan
 * installs and builds. Of the source, apt is given nothing.
 */
#include <string.h>

#include "actions/limits.h"
#include "actions/table.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "contract/ecosystem.h"

#define BELOW_DEPS "/debian"
#define PLACE GUEST_DEPS BELOW_DEPS

static const struct param no_params[] = {{0}};

/*
 * An archive of Debian is at .../debian, as its mirrors have it; what other systems have, and archives
 * of something else, are none. The caller frees.
 */
static char *archive_of(const char *word)
{
	static const char end[] = "/debian";
	size_t len = strcspn(word, " \t\r\n");

	while (len > 0 && word[len - 1] == '/')
		len--;
	if (strncmp(word, "http", 4) != 0 || len < strlen(end) ||
		strncmp(word + len - strlen(end), end, strlen(end)) != 0)
		return NULL;
	return mem_strndup(word, len);
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* A line "deb [OPTIONS] ADDRESS ...", or "URIs: ADDRESS ..." (sources.list(5)). */
static char *archive_in(const char *line)
{
	static const char list[] = "deb ", field[] = "URIs:";

	line = skip_blanks(line);
	if (strncmp(line, field, strlen(field)) == 0)
		return archive_of(skip_blanks(line + strlen(field)));
	if (strncmp(line, list, strlen(list)) != 0)
		return NULL;
	line = skip_blanks(line + strlen(list));
	if (*line == '[')
		line += strcspn(line, "]\n");
	return archive_of(skip_blanks(line + (*line == ']')));
}

static char *find_archive(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		char *found = archive_in(line += *line == '\n');

		if (found)
			return found;
	}
	return NULL;
}

static const struct client_setting settings_of_apt[] = {
	{.file = "/etc/apt/sources.list", .find = find_archive},
	{.file = "/etc/apt/sources.list.d/debian.sources", .find = find_archive},
	{0},
};

const struct ecosystem ecosystem_debian = {
	.name = "debian",
	.client = "apt",
	.address = "http://deb.debian.org/debian",
	.probe = "dists/stable/InRelease",
	.settings = settings_of_apt,
};

/* ---- fetching ---- */

static const struct param deb_get_params[] = {
	{.name = "packages",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "Debian packages; what they depend on, and the image does not have, is "
			"included"},
	{.name = "suite",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "the Debian release; default: that of the image"},
	{.name = "cert",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "the text of the key that signs the release, if it is not one of Debian's"},
	{0},
};

static int check_word(const struct node *n, const char *more, const char *file, struct err *e)
{
	auto_free char *allowed = mem_printf("abcdefghijklmnopqrstuvwxyz0123456789+-.%s", more);
	auto_free char *shown = NULL;

	if (!n ||
		(n->text[0] && n->text[0] != '-' && n->text[0] != '.' &&
			n->text[strspn(n->text, allowed)] == '\0'))
		return 0;
	shown = text_safe(n->text, LIMIT_NAME_BYTES);
	return node_err(n, file, e, "'%s' is not a name that Debian would use", shown);
}

static int check_deb_get(const struct node *args, const char *file, struct err *e)
{
	const struct node *item;

	node_each (node_get(args, "packages"), item)
		if (check_word(item, ":=~", file, e) < 0)
			return -1;
	return check_word(node_get(args, "suite"), "/", file, e);
}

/* The first action of a machine removes what those of an earlier one have fetched. */
#define FETCHED "/tmp/.ambient-debian"

/*
 * $1: install or upgrade; then names of packages. The image's own package state says what is there
 * already; its sources and configuration have no effect.
 */
static const char fetch_script[] =
	"root=$(mktemp -d)\n"
	"command=$1\n"
	"shift\n"
	"[ -e " FETCHED " ] || rm -rf " PLACE "\n"
	": >" FETCHED "\n"
	"mkdir -p " PLACE " \"$root/lists/partial\" \"$root/archives/partial\" \"$root/keys\"\n"
	". /etc/os-release\n"
	"suite=${AMBIENT_SUITE:-${VERSION_CODENAME:-stable}}\n"
	"signed=/usr/share/keyrings/debian-archive-keyring.gpg\n"
	"if [ -n \"${AMBIENT_CERT-}\" ]; then\n"
	"	signed=$root/keys/cert.asc\n"
	"	printf '%s\\n' \"$AMBIENT_CERT\" >\"$signed\"\n"
	"fi\n"
	"echo \"deb [signed-by=$signed] $AMBIENT_REGISTRY $suite main\" >\"$root/release\"\n"
	"cp \"$root/release\" \"$root/sources.list\"\n"
	"echo \"deb [signed-by=$signed] ${AMBIENT_REGISTRY%/}-security $suite-security main\" "
	">>\"$root/sources.list\"\n"
	"apt() {\n"
	"	apt-get -qq -o Dir::Etc::SourceList=\"$root/sources.list\" -o "
	"Dir::Etc::SourceParts=/dev/null "
	"-o Dir::Etc::Parts=/dev/null -o Dir::State::Lists=\"$root/lists\" -o Dir::Cache=\"$root\" "
	"-o Dir::Cache::Archives=\"$root/archives\" -o APT::Sandbox::User=root -o "
	"Acquire::Retries=3 "
	"-o Dpkg::Use-Pty=0 \"$@\"\n"
	"}\n"
	"update() { apt -o APT::Update::Error-Mode=any update; }\n"
	"alone=${AMBIENT_CERT-}\n"
	"case $suite in\n"
	"unstable | sid | experimental) alone=yes ;;\n"
	"esac\n"
	"if [ -n \"$alone\" ]; then\n"
	"	cp \"$root/release\" \"$root/sources.list\"\n"
	"	update\n"
	"elif ! update; then\n"
	"	echo \"without security updates: ${AMBIENT_REGISTRY%/}-security has none of $suite "
	"that can be used\" >&2\n"
	"	cp \"$root/release\" \"$root/sources.list\"\n"
	"	update\n"
	"fi\n"
	"apt --yes --no-install-recommends --download-only \"$command\" \"$@\"\n"
	"for file in \"$root\"/archives/*.deb; do\n"
	"	[ -e \"$file\" ] || continue\n"
	"	name=${file##*/}\n"
	"	mv \"$file\" \"" PLACE "/${name%%_*}.deb\"\n"
	"	echo \"${name%.deb}\"\n"
	"done\n"
	"rm -rf \"$root\"\n";

static int add_fetch(const struct entry *entry, const struct node *settings, const char *command,
	struct plan *out, struct node **ret_step, struct err *e)
{
	const char *const argv[] = {
		"sh", "-eu", "-c", fetch_script, entry->action->name, command, NULL};
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	*ret_step = actions_add_program(entry, argv, out);
	actions_set_variable(*ret_step, "AMBIENT_REGISTRY", address);
	return 0;
}

static int expand_deb_get(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	const char *suite = schema_text(deb_get_params, entry->args, "suite");
	const char *cert = schema_text(deb_get_params, entry->args, "cert");
	const struct node *package;
	struct node *step;

	if (add_fetch(entry, settings, "install", out, &step, e) < 0)
		return -1;
	node_each (node_get(entry->args, "packages"), package)
		node_add_string(node_get(step, "argv"), package->text);
	actions_set_variable(step, "AMBIENT_SUITE", suite);
	actions_set_variable(step, "AMBIENT_CERT", cert);
	return 0;
}

const struct action action_deb_get = {
	.name = "deb_get",
	.summary =
		"Download Debian packages, with all that they need in this image, from a release "
		"whose signature is verified.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_debian,
	.params = deb_get_params,
	.check = check_deb_get,
	.expand = expand_deb_get,
	.reach = actions_reach_registry,
};

static int expand_upgrade(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	struct node *ignored;

	return add_fetch(entry, settings, "upgrade", out, &ignored, e);
}

/* What is newest is not determined by the arguments: it asks each time. */
const struct action action_apt_upgrade_download = {
	.name = "apt_upgrade_download",
	.summary = "Download the newer versions of the Debian packages that the image has.",
	.where = IN_PRE,
	.fetches = true,
	.ecosystem = &ecosystem_debian,
	.params = no_params,
	.expand = expand_upgrade,
	.reach = actions_reach_registry,
};

/* ---- in the plan ---- */

/* argument: $1 of the script. */
static void add_bash(
	const struct entry *entry, const char *script, const char *argument, struct plan *out)
{
	const char *const argv[] = {
		"bash", "-euo", "pipefail", "-c", script, entry->action->name, argument, NULL};

	actions_set_variable(
		actions_add_program(entry, argv, out), "DEBIAN_FRONTEND", "noninteractive");
}

/* $1: where the packages are. None is fetched if the image has them, in the newest version. */
static const char install_script[] =
	"if [ ! -d \"$1\" ]; then\n"
	"	echo 'no action of the pre-plan fetches Debian packages' >&2\n"
	"	exit 1\n"
	"fi\n"
	"shopt -s nullglob\n"
	"set -- \"$1\"/*.deb\n"
	"if [ $# = 0 ]; then\n"
	"	echo 'nothing to install: the image has these packages'\n"
	"	exit\n"
	"fi\n"
	"apt-get install --yes --no-install-recommends -o Dpkg::Use-Pty=0 \"$@\"\n";

static int expand_deb_install(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	auto_free char *place = mem_printf("%s" BELOW_DEPS, actions_deps(settings));

	(void)e;
	add_bash(entry, install_script, place, out);
	return 0;
}

const struct action action_deb_install = {
	.name = "deb_install",
	.summary = "Install the Debian packages that the pre-plan has fetched.",
	.where = IN_PLAN,
	.params = no_params,
	.expand = expand_deb_install,
};

/*
 * $1: where the packages go. The package is built beside a copy of the source, whose files stay
 * as they are. A version with a Debian revision wants the source as it is upstream, without debian/.
 */
static const char build_script[] =
	"name=$(dpkg-parsechangelog -S Source)\n"
	"version=$(dpkg-parsechangelog -S Version)\n"
	"upstream=${version#*:}\n"
	"top=$(mktemp -d)\n"
	"tree=$top/$name-${upstream%-*}\n"
	"mkdir \"$tree\"\n"
	"if git rev-parse -q --verify HEAD >/dev/null 2>&1; then\n"
	"	[ -z \"$(git status --porcelain)\" ] || echo 'the package is that of the commit, "
	"without the changes that are not committed'\n"
	"	git archive HEAD | tar -x -C \"$tree\"\n"
	"else\n"
	"	tar -c --exclude-vcs . | tar -x -C \"$tree\"\n"
	"fi\n"
	"case $upstream in\n"
	"*-*) tar -C \"$top\" -c --exclude=\"$name-${upstream%-*}/debian\" "
	"\"$name-${upstream%-*}\" |\n"
	"	xz -T0 >\"$top/${name}_${upstream%-*}.orig.tar.xz\" ;;\n"
	"esac\n"
	"(cd \"$tree\" && dpkg-buildpackage -us -uc)\n"
	"mkdir -p \"$1\"\n"
	"mv \"$top\"/*_* \"$1/\"\n"
	"rm -rf \"$top\"\n"
	"ls -l \"$1\"\n";

static int expand_deb(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)e;
	add_bash(entry, build_script, actions_artifacts(settings), out);
	return 0;
}

const struct action action_deb = {
	.name = "deb",
	.summary = "Build a Debian package of the source tree into the artifacts.",
	.where = IN_PLAN,
	.params = no_params,
	.expand = expand_deb,
	.lint = {.family = "packages", .generation = 1},
};

static const struct param deb2_params[] = {
	{.name = "artifacts",
		.type = PARAM_PATH,
		.preset = "debian",
		.help = "a sub-directory of the artifacts"},
	{0},
};

static int check_deb2(const struct node *args, const char *file, struct err *e)
{
	const struct node *n = node_get(args, "artifacts");
	auto_free char *slashed = n ? mem_printf("/%s/", n->text) : NULL;
	auto_free char *shown = NULL;

	if (!n || (n->text[0] != '/' && !strstr(slashed, "/../")))
		return 0;
	shown = text_safe(n->text, LIMIT_NAME_BYTES);
	return node_err(n, file, e, "'%s' is not a sub-directory of the artifacts", shown);
}

static int expand_deb2(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	auto_free char *place = mem_printf("%s/%s", actions_artifacts(settings),
		schema_text(deb2_params, entry->args, "artifacts"));

	(void)e;
	add_bash(entry, build_script, place, out);
	return 0;
}

const struct action action_deb2 = {
	.name = "deb2",
	.summary = "Build a Debian package of the source tree into a directory of the artifacts.",
	.where = IN_PLAN,
	.params = deb2_params,
	.check = check_deb2,
	.expand = expand_deb2,
	.lint = {.family = "packages", .generation = 2},
};
