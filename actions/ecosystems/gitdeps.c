/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dependencies in private repositories, by ssh. A package manager runs what the source says, so its
 * machine is never given a key. Our git mirrors what the lock files name before, in a trusted machine,
 * and git's own configuration leads package managers from the server to the mirror: where they are
 * fetched and in the plan.
 */
#include <stdlib.h>
#include <string.h>

#include "actions/ecosystems/gitnames.h"
#include "actions/limits.h"
#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

#define USER_OF_FORGES "git"

static const struct param params[] = {
	{.name = "hosts",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "the servers, [USER@]HOST, each listed under `ssh` in the configuration; "
			"the user is `" USER_OF_FORGES "` unless it is named. [USER@]HOST/PATH: of "
			"this server, only the repository PATH and those below it"},
	{.name = "reads",
		.type = PARAM_STRINGS,
		.not_empty = true,
		.help = "the files of the source that name repositories, relative to the source "
			"directory; default: the lock files of the source directory, `go.mod`, "
			"`requirements.txt` and `.gitmodules`"},
	{0},
};

/* Those in which a client records the URLs of repositories. */
static const char *const preset[] = {"Cargo.lock", "package-lock.json", "npm-shrinkwrap.json",
	"yarn.lock", "pnpm-lock.yaml", "go.mod", "poetry.lock", "uv.lock", "requirements.txt",
	"Gemfile.lock", ".gitmodules"};

/* Of [USER@]HOST[/PATH]. */
struct place {
	char *user, *host;
	const char *path; /* NULL: all of the host */
};

static void place_release(struct place *p)
{
	free(p->user);
	free(p->host);
}
#define auto_place __attribute__((cleanup(place_release)))

static struct place place_of(const struct node *item)
{
	const char *text = item->text, *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	const char *at = memchr(text, '@', len), *host = at ? at + 1 : text;

	return (struct place){
		.user = at ? mem_strndup(text, (size_t)(at - text)) : mem_strdup(USER_OF_FORGES),
		.host = mem_strndup(host, (size_t)(text + len - host)),
		.path = slash ? slash + 1 : NULL};
}

static int check_host(const struct node *item, const char *file, struct err *e)
{
	auto_place struct place place = place_of(item);
	struct err why = {0};

	if (actions_check_git_login(item, strcspn(item->text, "/"), file, e) < 0)
		return -1;
	if (place.path && gitnames_check_path(place.path, &why) < 0)
		return node_err(item, file, e, "%s", why.msg);
	return 0;
}

static int check_read(const struct node *path, const char *file, struct err *e)
{
	auto_free char *shown = NULL;

	if (path->text[0] && path->text[0] != '/' && !strchr(path->text, '*'))
		return 0;
	shown = text_safe(path->text, LIMIT_NAME_BYTES);
	return node_err(path, file, e, "'%s' is not the path of one file in the source", shown);
}

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *hosts = node_get(args, "hosts"), *reads = node_get(args, "reads"), *item;

	if (node_count(hosts) > LIMIT_FETCH_HOSTS)
		return node_err(
			hosts, file, e, "'hosts' has more than %d items", LIMIT_FETCH_HOSTS);
	if (node_count(reads) > LIMIT_FETCH_READS)
		return node_err(
			reads, file, e, "'reads' has more than %d items", LIMIT_FETCH_READS);
	node_each (hosts, item)
		if (check_host(item, file, e) < 0)
			return -1;
	node_each (reads, item)
		if (check_read(item, file, e) < 0)
			return -1;
	return 0;
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	const struct node *host;

	(void)settings;
	(void)e;
	node_each (node_get(entry->args, "hosts"), host) {
		auto_place struct place place = place_of(host);
		auto_free char *login = mem_printf("%s@%s", place.user, place.host);

		endpoints_add_login(ret_endpoints, login);
	}
	return 0;
}

static void reads(const struct entry *entry, struct action_reads *ret)
{
	const struct node *list = node_get(entry->args, "reads"), *path;

	node_each (list, path)
		strv_push(&ret->files, path->text);
	for (size_t i = 0; !list && i < ARRAY_SIZE(preset); i++)
		strv_push(&ret->optional, preset[i]);
}

static void add_place(struct node *places, const struct node *host)
{
	auto_place struct place place = place_of(host);
	struct node *n = node_add_map(places);

	node_set_string(n, "user", place.user);
	node_set_string(n, "host", place.host);
	if (place.path)
		node_set_string(n, "path", place.path);
}

/* `files` must be there, `optional` need not (executor/net/gitdeps.h). */
static struct node *work_of(const struct entry *entry)
{
	struct node *work = node_map();
	struct node *places = node_set_list(work, "hosts");
	struct node *optional = node_set_list(work, "optional");
	const struct node *list = node_get(entry->args, "reads"), *host;

	node_each (node_get(entry->args, "hosts"), host)
		add_place(places, host);
	for (size_t i = 0; !list && i < ARRAY_SIZE(preset); i++)
		node_add_string(optional, preset[i]);
	node_set(work, "files", list ? node_copy(list) : node_list());
	return work;
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	auto_node struct node *work = work_of(entry);

	(void)settings;
	(void)e;
	action_net_add_work(entry, work, true, out);
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "GIT_CONFIG_COUNT",
		.value = "1",
		.fetch_too = true,
		.help = "git reads one more setting, the next two variables"},
	{.name = "GIT_CONFIG_KEY_0",
		.value = "include.path",
		.fetch_too = true,
		.help = "it is another file of settings"},
	{.name = "GIT_CONFIG_VALUE_0",
		.value = GUEST_DEPS "/" GIT_DEPS "/" GIT_DEPS_CONFIG,
		.fetch_too = true,
		.help = "which leads git from private repositories to their mirrors"},
	{.name = "CARGO_NET_GIT_FETCH_WITH_CLI",
		.value = "true",
		.fetch_too = true,
		.help = "cargo starts git, which has these settings"},
	{0},
};

const struct action action_git_deps = {
	.name = "git_deps",
	.summary = "Mirror the private repositories that lock files name, by ssh, for package "
		   "managers in later actions and in the plan. No code of them runs.",
	.where = IN_PRE,
	.logs_in = true,
	.once = true,
	.determined = true,
	.gives = gives,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
	.reads = reads,
};
