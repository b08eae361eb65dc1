/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/project.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "contract/user.h"
#include "data/yamlfile.h"
#include "os/fd.h"
#include "os/home.h"
#include "os/path.h"
#include "settings/image.h"
#include "settings/limits.h"

enum { SHOWN_MAX = 60, PATH_SHOWN_MAX = 600 };

const char *const project_plan_keys[PROJECT_PLANS] = {
	[PROJECT_PRE_PLAN] = "pre_plan",
	[PROJECT_PLAN] = "plan",
	[PROJECT_POST_PLAN] = "post_plan",
};

static const char *const not_source[] = {"src", "dir", "directory", "path", NULL};
static const char *const not_plan[] = {"steps", "actions", "jobs", "script", NULL};

static const char *const fetch_sources[] = {
	[PROJECT_FETCH_DECLARED] = "declared",
	[PROJECT_FETCH_ALL] = "all",
	NULL,
};

#define PLAN_ROWS                                                                                  \
	{.name = "pre_plan",                                                                       \
		.type = PARAM_LIST,                                                                \
		.help = "actions that fetch dependencies, in a trusted VM before the plan"},       \
		{.name = "plan",                                                                   \
			.type = PARAM_LIST,                                                        \
			.mistaken = not_plan,                                                      \
			.help = "actions that build and test, in a VM without network"},           \
	{                                                                                          \
		.name = "post_plan", .type = PARAM_LIST,                                           \
		.help = "actions that deliver artifacts, in a trusted VM after a passed plan"      \
	}

#define OTHER_SPELLING(other, key)                                                                 \
	{                                                                                          \
		.name = (other), .type = PARAM_SIZE, .min = LIMIT_DRIVE_LEAST,                     \
		.max = LIMIT_DRIVE_MOST, .same_as = (key)                                          \
	}

const struct param project_params[] = {
	{.name = "source",
		.type = PARAM_NODE,
		.required = true,
		.mistaken = not_source,
		.help = "directory of the source tree, or a repository on a server: a mapping of "
			"`" PROJECT_GIT "`, its URL, and `" PROJECT_REF
			"`, a branch, a tag, `refs/...` or the full hash of a commit; default: "
			"the server's default branch"},
	{.name = "image",
		.type = PARAM_PATH,
		.required = true,
		.help = "the VM image: a name in the image store, a name with a digest "
			"(`NAME@sha256:DIGEST`), or the path of an image directory or disk file"},
	PLAN_ROWS,
	{.name = "fetch_image",
		.type = PARAM_PATH,
		.help = "the image for actions of the pre_plan that run programs of others, like "
			"`fetch`; default: `image`"},
	{.name = "fetch_source",
		.type = PARAM_ENUM,
		.choices = fetch_sources,
		.offset = offsetof(struct project, fetch_source),
		.preset = "declared",
		.help = "what these actions get of the source: the files that they declare, or "
			"`all`"},
	{.name = "git_objects",
		.type = PARAM_STRINGS,
		.help = "directories of repositories outside the source, which are packed with "
			"the source if its own repository refers to them"},
	{.name = "env",
		.type = PARAM_STRING_MAP,
		.help = "environment variables of the plan's actions"},
	{.name = "user",
		.type = PARAM_STRING,
		.help = "the user that runs the plan's actions `shell` and `custom`, a name or a "
			"number, and after a colon a group or not; actions can override it. "
			"Default: that of the image, else root"},
	{.name = "trace",
		.type = PARAM_BOOL,
		.help = "print each command of a `shell` action to the log before it runs (`set "
			"-x`); actions can override it. Default: true"},
	{.name = "merge_output",
		.type = PARAM_BOOL,
		.help = "connect standard output and standard error of the plan's actions to one "
			"pipe, so that their order is exact even on several processors; actions "
			"can override it. Default: false"},
	{.name = "artifacts_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct project, artifacts_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.help = "maximum size of the artifacts of a run"},
	OTHER_SPELLING("artifact_max_size", "artifacts_max_size"),
	{.name = "cache_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct project, cache_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.help = "maximum size of the cache"},
	{.name = "deps_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct project, deps_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.help = "maximum size of the dependencies"},
	OTHER_SPELLING("dependencies_max_size", "deps_max_size"),
	{.name = "timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct project, timeout_ms),
		.help = "time limit for all actions of a run together, in all of its machines"},
	{.name = "action_timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct project, action_timeout_ms),
		.help = "time limit for one action"},
	{.name = "cpus",
		.type = PARAM_UINT,
		.offset = offsetof(struct project, cpus),
		.min = 1,
		.max = LIMIT_CPUS,
		.help = "virtual processors of each VM"},
	{.name = "memory",
		.type = PARAM_SIZE,
		.offset = offsetof(struct project, memory),
		.min = LIMIT_MEMORY_LEAST,
		.max = LIMIT_MEMORY_MOST,
		.help = "memory of each VM"},
	{.name = "keep_runs",
		.type = PARAM_UINT,
		.offset = offsetof(struct project, keep_runs),
		.min = 1,
		.max = LIMIT_KEEP_RUNS,
		.help = "number of runs to keep, with their logs and artifacts"},
	{.name = "keep_days",
		.type = PARAM_UINT,
		.offset = offsetof(struct project, keep_days),
		.min = 1,
		.max = LIMIT_KEEP_DAYS,
		.help = "remove runs older than this many days"},
	{.name = "keep_bytes",
		.type = PARAM_SIZE,
		.offset = offsetof(struct project, keep_bytes),
		.min = LIMIT_DRIVE_LEAST,
		.help = "remove the oldest runs until all runs together take at most this much "
			"space"},
	{.name = "keep_scopes",
		.type = PARAM_UINT,
		.offset = offsetof(struct project, keep_scopes),
		.min = 1,
		.max = LIMIT_KEEP_RUNS,
		.help = "number of cache scopes (--cache-scope) whose caches are kept, the "
			"newest ones"},
	{.name = "trust_source_plans",
		.type = PARAM_BOOL,
		.offset = offsetof(struct project, trust_source_plans),
		.preset = "false",
		.help = "use pre_plan and post_plan of " PROJECT_SOURCE_PLAN " in the source"},
	{0},
};

/* Keys of a project that are often written in the place of project names, or one level above. */
static const char *const not_a_name[] = {"source", "image", "plan", "pre_plan", "post_plan", NULL};

static const struct param file_params[] = {
	{.name = "projects",
		.type = PARAM_NODE,
		.required = true,
		.help = "the projects: a mapping of names to settings"},
	{0},
};

const struct param project_partial_params[] = {PLAN_ROWS,
	{.name = "artifacts_max_size",
		.type = PARAM_SIZE,
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.help = "maximum size of the artifacts of a run, at most that of the "
			"configuration"},
	OTHER_SPELLING("artifact_max_size", "artifacts_max_size"),
	{.name = "cache_max_size",
		.type = PARAM_SIZE,
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.help = "maximum size of the cache, at most that of the configuration"},
	{.name = "deps_max_size",
		.type = PARAM_SIZE,
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.help = "maximum size of the dependencies, at most that of the configuration"},
	OTHER_SPELLING("dependencies_max_size", "deps_max_size"), {0}};

/* ---- loading the projects file ---- */

static void project_release(struct project *p)
{
	free(p->source);
	strv_release(&p->git_objects);
	free(p->image_path);
	free(p->fetch_image_path);
	free(p->source_plan_file);
	node_free(p->source_plan);
}

void project_list_release(struct project_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		project_release(&list->items[i]);
	free(list->items);
	free(list->file);
	node_free(list->root);
	*list = (struct project_list){0};
}

static const char *name_problem(const char *name)
{
	auto_free char *safe = text_safe(name, 4 * strlen(name) + 16);

	if (name[0] == '\0')
		return "is empty";
	if (name[0] == '.')
		return "begins with a dot";
	if (strchr(name, '/'))
		return "has a slash in it";
	if (strcmp(safe, name) != 0)
		return "has control characters in it, or is not UTF-8";
	if (strlen(name) > LIMIT_NAME_BYTES)
		return "is too long";
	return NULL;
}

int project_check_name(const char *name, struct err *e)
{
	const char *problem = name_problem(name);
	auto_free char *shown = text_safe(name, SHOWN_MAX);

	if (!problem)
		return 0;
	return err_set(e, ERR_INPUT,
		"the name '%s' %s; a name is at most %d bytes of text, without a slash and not "
		"beginning with a dot",
		shown, problem, LIMIT_NAME_BYTES);
}

static int load_env(struct project *p, struct err *e)
{
	const struct node *item;

	p->env = node_get(p->node, "env");
	node_each (p->env, item) {
		auto_free char *shown = text_safe(item->key, SHOWN_MAX);

		if (!text_is_variable(item->key))
			return node_key_err(item, p->file, e,
				"'%s' is not the name of an environment "
				"variable: " TEXT_VARIABLE_RULE,
				shown);
		if (strlen(item->key) + 1 + strlen(node_text(item)) > LIMIT_ARG_BYTES)
			return node_err(item, p->file, e,
				"'%s' is too long: a variable may have %llu bytes with its name; "
				"put its value into a file of the source",
				shown, (unsigned long long)LIMIT_ARG_BYTES);
	}
	return 0;
}

static int check_user(const struct project *p, struct err *e)
{
	const char *user = node_get_text(p->node, "user", NULL);

	if (!user || user_is_valid(user))
		return 0;
	return node_err(node_get(p->node, "user"), p->file, e, "'user' must be " USER_RULE);
}

/* Paths in the file are relative to the file; `~` is the home directory. */
static char *resolve(const char *file, const char *given)
{
	auto_free char *expanded = home_expand(given);
	auto_free char *absolute = path_absolute(file);
	auto_free char *dir = path_parent(absolute);
	auto_free char *joined = path_join(dir, expanded);

	return path_absolute(joined);
}

/* Disk images were always given as paths, so a bare name with such a suffix is a path. */
bool project_image_is_path(const char *image)
{
	static const char *const endings[] = {".qcow2", ".img", ".raw"};
	size_t len = strlen(image);

	if (strchr(image, '/') || image[0] == '~')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(image + len - n, endings[i]) == 0)
			return true;
	}
	return false;
}

/* *ret_path is set if the image is a path. */
static int load_one_image(
	struct project *p, const char *key, const char **ret_image, char **ret_path, struct err *e)
{
	const struct node *image = node_get(p->node, key);
	auto_image_name struct image_name name = {0};
	struct err why = {0};

	if (!image)
		return 0;
	*ret_image = image->text;
	if (project_image_is_path(image->text))
		*ret_path = resolve(p->file, image->text);
	else if (image_name_parse(image->text, &name, &why) < 0 ||
		project_check_name(name.name, &why) < 0)
		return node_err(image, p->file, e, "'%s': %s", key, why.msg);
	return 0;
}

static int load_images(struct project *p, struct err *e)
{
	if (load_one_image(p, "image", &p->image, &p->image_path, e) < 0)
		return -1;
	return load_one_image(p, "fetch_image", &p->fetch_image, &p->fetch_image_path, e);
}

/* Their values are checked with the action that they become (planner.h). */
static const struct param repository_params[] = {
	{.name = PROJECT_GIT, .type = PARAM_STRING, .required = true, .not_empty = true},
	{.name = PROJECT_REF, .type = PARAM_STRING, .not_empty = true},
	{0},
};

static int load_source(struct project *p, struct err *e)
{
	const struct node *source = node_get(p->node, "source");
	const struct node *objects = node_get(p->node, "git_objects");

	if (source->kind != NODE_MAP && source->kind != NODE_SCALAR)
		return node_err(source, p->file, e,
			"'source' must be a directory, or a mapping with '" PROJECT_GIT "', not %s",
			node_kind_name(source));
	if (source->kind == NODE_SCALAR && !source->text[0])
		return node_err(source, p->file, e, "'source' must not be empty");
	if (source->kind == NODE_SCALAR) {
		p->source = resolve(p->file, source->text);
		return 0;
	}
	if (objects)
		return node_key_err(objects, p->file, e,
			"'git_objects' belongs to a source that is a directory; a repository on a "
			"server is fetched with all its objects");
	p->repository = source;
	p->source = mem_strdup("");
	return schema_check(repository_params, source, p->file, e);
}

void project_place_sources(struct project_list *list, const char *state)
{
	for (size_t i = 0; i < list->count; i++) {
		struct project *p = &list->items[i];
		auto_free char *dir = path_join(state, p->name);

		if (!p->repository)
			continue;
		free(p->source);
		p->source = path_join(dir, PROJECT_CHECKOUT);
		strv_release(&p->git_objects);
		strv_push_owned(&p->git_objects, path_join(dir, PROJECT_MIRROR "/objects"));
	}
}

bool project_is_unfetched(const struct project *p)
{
	struct stat st;

	return p->repository && stat(p->source, &st) < 0 && errno == ENOENT;
}

const char *project_source_name(const struct project *p)
{
	return p->repository ? node_get_text(p->repository, PROJECT_GIT, "") : p->source;
}

static void load_git_objects(struct project *p)
{
	const struct node *item;

	node_each (node_get(p->node, "git_objects"), item)
		strv_push_owned(&p->git_objects, resolve(p->file, item->text));
}

/* Also one without a value is given: it is empty. */
static bool is_given(const struct node *project, const char *key)
{
	const struct node *item;

	node_each (project, item)
		if (strcmp(item->key, key) == 0)
			return true;
	return false;
}

static void load_plans(struct project *p)
{
	for (int plan = 0; plan < PROJECT_PLANS; plan++) {
		p->plans[plan] = node_get(p->node, project_plan_keys[plan]);
		p->plan_given |= is_given(p->node, project_plan_keys[plan]);
	}
	p->plan_file = p->file;
}

/* Keys that users often expect here get a specific message. */
static int check_keys(
	const struct param *table, const struct node *n, const char *file, struct err *e)
{
	const struct node *item;

	node_each (n, item) {
		if (item->key &&
			(strcmp(item->key, "secrets") == 0 || strcmp(item->key, "ssh") == 0))
			return node_key_err(item, file, e,
				"'%s' belongs into the configuration, where it says which projects "
				"and actions may use it ('ambient help config.yaml')",
				item->key);
	}
	return schema_check(table, n, file, e);
}

static int load_one(struct project *p, const char *file, struct node *n, struct err *e)
{
	auto_strv struct strv none = {0}; /* no key of a project is without effect */
	struct err why = {0};

	if (project_check_name(n->key, &why) < 0)
		return node_key_err(n, file, e, "%s", why.msg);
	if (n->kind != NODE_MAP)
		return node_err(
			n, file, e, "a project must be a mapping, not %s", node_kind_name(n));
	if (check_keys(project_params, n, file, e) < 0 ||
		schema_respell(project_params, n, file, &none, e) < 0)
		return -1;
	p->name = n->key;
	p->file = file;
	p->node = n;
	schema_load(project_params, n, p);
	load_git_objects(p);
	load_plans(p);
	if (load_source(p, e) < 0 || load_images(p, e) < 0 || load_env(p, e) < 0)
		return -1;
	return check_user(p, e);
}

static bool looks_like_a_project(const struct node *n)
{
	for (const char *const *key = not_a_name; *key; key++)
		if (node_get(n, *key))
			return true;
	return false;
}

/* A project at the top of the file, with or without its name: the message says where it belongs. */
static int check_level(const struct node *root, const char *file, struct err *e)
{
	const struct node *item;

	if (root->kind != NODE_MAP || node_get(root, "projects"))
		return 0;
	if (looks_like_a_project(root))
		return node_err(root, file, e,
			"a project needs a name, and stands below 'projects:': write 'projects:', "
			"below it "
			"the name, and below that these keys");
	node_each (root, item) {
		auto_free char *shown = text_safe(item->key, SHOWN_MAX);

		if (item->kind == NODE_MAP && looks_like_a_project(item))
			return node_key_err(item, file, e,
				"the project '%s' stands at the top of the file; write 'projects:' "
				"above "
				"it, and indent it",
				shown);
	}
	return 0;
}

static int load_all(struct project_list *list, struct err *e)
{
	struct node *projects, *item;

	if (list->root->kind == NODE_NULL)
		return err_set(
			e, ERR_INPUT, "%s: is empty; the key 'projects' is needed", list->file);
	if (check_level(list->root, list->file, e) < 0 ||
		check_keys(file_params, list->root, list->file, e) < 0)
		return -1;
	projects = node_get(list->root, "projects");
	if (projects->kind != NODE_MAP)
		return node_err(projects, list->file, e, "'projects' must be a mapping, not %s",
			node_kind_name(projects));
	list->items = mem_array(projects->count + 1, sizeof(*list->items));
	node_each (projects, item) {
		if (load_one(&list->items[list->count++], list->file, item, e) < 0)
			return -1;
	}
	return 0;
}

int project_from_node(
	struct node *root, const char *file, struct project_list *ret_list, struct err *e)
{
	struct project_list list = {.file = mem_strdup(file), .root = root};

	if (load_all(&list, e) < 0) {
		project_list_release(&list);
		return -1;
	}
	*ret_list = list;
	return 0;
}

int project_load(const char *path, struct project_list *ret_list, struct err *e)
{
	struct node *root;

	if (yamlfile_read(path, &root, e) < 0)
		return -1;
	return project_from_node(root, path, ret_list, e);
}

int project_find(
	struct project_list *list, const char *name, struct project **ret_project, struct err *e)
{
	auto_free const char **names = mem_array(list->count + 1, sizeof(*names));
	auto_free char *shown = text_safe(name, SHOWN_MAX);
	const char *nearest;

	for (size_t i = 0; i < list->count; i++) {
		names[i] = list->items[i].name;
		if (strcmp(names[i], name) != 0)
			continue;
		*ret_project = &list->items[i];
		return 0;
	}
	nearest = text_nearest(name, names);
	if (nearest)
		return err_set(e, ERR_INPUT, "%s: unknown project '%s', did you mean '%s'?",
			list->file, shown, nearest);
	return err_set(
		e, ERR_INPUT, "%s: unknown project '%s'" PROJECT_LIST_HINT, list->file, shown);
}

/* https://HOST/PATH, or USER@HOST:PATH as in git. */
static bool is_url(const char *text)
{
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/'), *at = strchr(text, '@');

	if (strstr(text, "://"))
		return true;
	return at && colon && at < colon && (!slash || colon < slash);
}

static int refuse_url(const struct node *source, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(source->text, PATH_SHOWN_MAX);

	return node_err(source, file, e,
		"source %s: a text names a directory of this computer; for a repository on a "
		"server write 'source: {git: URL}'",
		shown);
}

static int refuse_missing(
	const struct node *source, const char *file, const char *shown, int why, struct err *e)
{
	return node_err(source, file, e, "source %s: %s%s", shown, strerror(why),
		home_is_left(source->text)
			? "; of a path only ~/ at its beginning is expanded, no variable and no "
			  "other user"
			: "");
}

/* A run fetches it before this is checked. */
static int refuse_unfetched(const struct project *p, struct err *e)
{
	auto_free char *name = text_word(p->name);

	return node_err(p->repository, p->file, e,
		"the repository of the source is not fetched yet; 'ambient run %s%s' does it",
		name[0] == '-' ? "-- " : "", name);
}

int project_check_source(const struct project *p, struct err *e)
{
	const struct node *source = node_get(p->node, "source");
	auto_free char *shown = text_safe(p->source, PATH_SHOWN_MAX);
	struct stat st;

	if (stat(p->source, &st) < 0) {
		if (p->repository)
			return errno == ENOENT ? refuse_unfetched(p, e)
					       : err_sys(e, "%s", p->source);
		return is_url(source->text) ? refuse_url(source, p->file, e)
					    : refuse_missing(source, p->file, shown, errno, e);
	}
	if (!S_ISDIR(st.st_mode))
		return node_err(source, p->file, e, "source %s is not a directory", shown);
	if (access(p->source, R_OK | X_OK) < 0)
		return node_err(source, p->file, e, "source %s: %s", shown, strerror(errno));
	return 0;
}

/* ---- the plan of a source tree: all its contents are untrusted ---- */

static int refuse_open(const char *shown, struct err *e)
{
	if (errno == ELOOP || errno == EXDEV)
		return err_set(e, ERR_INPUT,
			"%s: a symbolic link is on the way; the plan must be in the source itself",
			shown);
	(void)err_sys(e, "%s", shown);
	e->kind = ERR_INPUT;
	return -1;
}

/* Open the plan; *ret_fd is -1 without an error if there is none. */
static int open_source_plan(
	int dir, const char *path, const char *shown, int *ret_fd, struct err *e)
{
	auto_fd int found = fd_open_beneath(dir, path, O_PATH);
	struct stat st;
	int fd;

	*ret_fd = -1;
	if (found < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : refuse_open(shown, e);
	if (fstat(found, &st) < 0)
		return err_sys(e, "%s", shown);
	/* Check before opening, because opening a device can have side effects. */
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "%s: not a regular file", shown);
	fd = fd_open_beneath(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse_open(shown, e);
	*ret_fd = fd;
	return 0;
}

int project_check_partial(struct node *partial, const char *file, struct err *e)
{
	auto_strv struct strv none = {0}; /* no key is without effect */

	if (check_keys(project_partial_params, partial, file, e) < 0)
		return -1;
	return schema_respell(project_partial_params, partial, file, &none, e);
}

int project_read_source_plan(
	const char *source, const char *relative, struct node **ret_plan, struct err *e)
{
	auto_fd int dir = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *path = path_join(source, relative);
	auto_free char *shown = text_safe(path, PATH_SHOWN_MAX);
	auto_node struct node *plan = NULL;
	auto_fd int fd = -1;

	if (dir < 0) {
		(void)err_sys(e, "source %s", source);
		e->kind = ERR_INPUT;
		return -1;
	}
	*ret_plan = NULL;
	if (open_source_plan(dir, relative, shown, &fd, e) < 0)
		return -1;
	if (fd < 0)
		return 0;
	if (yamlfile_read_fd(fd, shown, &plan, e) < 0)
		return -1;
	if (plan->kind == NODE_NULL)
		return err_set(e, ERR_INPUT, "%s: is empty; the key 'plan' is needed", shown);
	if (project_check_partial(plan, shown, e) < 0)
		return -1;
	*ret_plan = steal_ptr(&plan);
	return 0;
}

static bool may_use(const struct project *p, int plan)
{
	return plan == PROJECT_PLAN || p->trust_source_plans;
}

static void ignore(const struct project *p, const struct node *item, const char *key,
	const char *remedy, struct strv *warnings)
{
	strv_pushf(warnings, "%s:%d:%d: '%s' is ignored; %s", p->source_plan_file, item->key_line,
		item->key_column, key, remedy);
}

static void ignore_sizes(const struct project *p, struct strv *warnings)
{
	const struct node *item;

	node_each (p->source_plan, item)
		if (schema_find(project_partial_params, item->key)->type == PARAM_SIZE &&
			item->kind != NODE_NULL)
			ignore(p, item, item->key, "the projects file can set it", warnings);
}

static void adopt(struct project *p, struct strv *warnings)
{
	for (int plan = 0; plan < PROJECT_PLANS; plan++) {
		const struct node *list = node_get(p->source_plan, project_plan_keys[plan]);

		if (may_use(p, plan))
			p->plans[plan] = list;
		else if (list && list->count)
			ignore(p, list, project_plan_keys[plan],
				"the projects file can allow it with trust_source_plans: true",
				warnings);
	}
	p->plan_file = p->source_plan_file;
	ignore_sizes(p, warnings);
}

int project_adopt_source_plan(struct project *p, struct strv *warnings, struct err *e)
{
	if (p->plan_given || p->source_plan)
		return 0;
	if (project_read_source_plan(p->source, PROJECT_SOURCE_PLAN, &p->source_plan, e) < 0)
		return -1;
	if (!p->source_plan)
		return node_key_err(p->node, p->file, e,
			"project '%s' has no plan, and its source has no " PROJECT_SOURCE_PLAN,
			p->name);
	p->source_plan_file = path_join(p->source, PROJECT_SOURCE_PLAN);
	adopt(p, warnings);
	return 0;
}
