/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/outputs.h"

#include <string.h>
#include <unistd.h>

#include "archive/report.h"
#include "cli/log/loghtml.h"
#include "hostkey/report.h"
#include "os/home.h"
#include "os/path.h"
#include "settings/locate.h"
#include "settings/names.h"
#include "source/gitsettings.h"
#include "source/repository.h"
#include "store/store.h"

/* The first bytes of a result, of a line of the run log, and of a page of `ambient log`. */
static const char *const own_beginnings[] = {
	"{\"format\":1,\"project\":", "{\"timestamp\":\"", LOGHTML_BEGINNING};

struct output {
	const struct outfile *file;
	const char *option;
	bool harmless; /* the file is new, empty, or an earlier output */
};

/* ---- files that are read ---- */

static int is_not(const struct output *o, const char *path, const char *what, struct err *e)
{
	return outfile_is_not(o->file, o->option, path, what, e);
}

static int is_not_named(const char *path, const char *what, void *arg, struct err *e)
{
	return is_not(arg, path, what, e);
}

/* The programs that are found without being named. A missing one is reported elsewhere. */
static int is_no_program(const struct output *o, const struct outputs_inputs *in, struct err *e)
{
	auto_free char *executor = NULL, *net_tool = NULL, *qemu = NULL;
	struct err unfound = {0}, no_tool = {0}, no_qemu = {0};

	if (locate_executor(in->config, in->executor, &executor, &unfound) == 0 &&
		(is_not(o, executor, "the executor", e) < 0 ||
			(locate_net_tool(executor, &net_tool, &no_tool) == 0 &&
				is_not(o, net_tool, "the program for transfers", e) < 0)))
		return -1;
	if (locate_qemu(in->config, &qemu, &no_qemu) == 0)
		return is_not(o, qemu, "the program of QEMU", e);
	return 0;
}

/* The programs that ambient starts for single tasks. The kernel protects ambient, which runs. */
static int is_no_helper(const struct output *o, struct err *e)
{
	auto_free char *archive = NULL, *hostkey = NULL;
	struct err no_archive = {0}, no_hostkey = {0};

	if (locate_archive_program(REWRITE_PROGRAM, &archive, &no_archive) == 0 &&
		is_not(o, archive, "the program for archives", e) < 0)
		return -1;
	if (locate_hostkey_program(HOSTKEY_PROGRAM, &hostkey, &no_hostkey) == 0)
		return is_not(o, hostkey, "the program for host keys", e);
	return 0;
}

/* The files that git reads for all repositories, also if some of them cannot be read. */
static int is_no_git_configuration(const struct output *o, struct err *e)
{
	auto_free char *old = home_expand("~/.gitconfig");
	auto_free char *xdg = home_xdg("XDG_CONFIG_HOME", ".config");
	auto_free char *own = path_join(xdg, "git/config");
	auto_gitsettings struct gitsettings settings;
	struct err unread = {0};

	gitsettings_init(&settings);
	if (is_not(o, old, "your git configuration", e) < 0 ||
		is_not(o, own, "your git configuration", e) < 0)
		return -1;
	if (gitsettings_read(&settings, NULL, &unread) < 0 && unread.kind == ERR_INTERRUPTED) {
		*e = unread;
		return -1;
	}
	strv_each (&settings.files, path)
		if (is_not(o, *path, "a file of your git configuration", e) < 0)
			return -1;
	return 0;
}

/* ---- trees that are read ---- */

/* A file with hard links may be in one of the trees under another name. */
static int has_one_name(const struct output *o, struct err *e)
{
	if (o->harmless || !outfile_found_more_names(o->file))
		return 0;
	return err_set(e, ERR_INPUT,
		"%s %s: this file has more names (hard links), by which it may be read, and is no "
		"earlier result or log; remove it first",
		o->option, o->file->path);
}

/* New files may be created in the directory. */
static int is_not_of(const struct output *o, const char *directory, const char *what, struct err *e)
{
	struct err below = {0};

	if (o->harmless || outfile_is_not_below(o->file, o->option, directory, what, &below) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		"%s %s: this is a file of %s, %s, and no earlier result or log; choose another "
		"name",
		o->option, o->file->path, what, directory);
}

static int is_not_of_project(const struct output *o, const struct project *p, struct err *e)
{
	auto_free char *plan = path_join(p->source, PROJECT_SOURCE_PLAN);
	auto_free char *repository = repository_elsewhere(p->source);

	if (is_not(o, plan, "the plan of a project", e) < 0 ||
		is_not_of(o, p->source, "the source of a project", e) < 0 ||
		(repository && is_not_of(o, repository, "the repository of a source", e) < 0))
		return -1;
	if ((p->image_path && is_not_of(o, p->image_path, "an image", e) < 0) ||
		(p->fetch_image_path && is_not_of(o, p->fetch_image_path, "an image", e) < 0))
		return -1;
	for (size_t i = 0; i < p->git_objects.count; i++)
		if (is_not_of(o, p->git_objects.items[i], "a directory of git_objects", e) < 0)
			return -1;
	return 0;
}

static int is_not_of_projects(
	const struct output *o, const struct project_list *list, struct err *e)
{
	if (is_not(o, list->file, "the projects file", e) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		if (is_not_of_project(o, &list->items[i], e) < 0)
			return -1;
	return 0;
}

/*
 * For commands that run no project. If the projects file cannot be read, it may contain the file.
 */
static int is_not_of_configured_projects(
	const struct output *o, const struct config *c, struct err *e)
{
	auto_project_list struct project_list list = {0};
	struct err why = {0};

	if (o->harmless || access(c->projects, F_OK) < 0)
		return 0;
	if (project_load(c->projects, &list, &why) == 0) {
		project_place_sources(&list, c->state);
		return is_not_of_projects(o, &list, e);
	}
	return err_set(e, ERR_INPUT,
		"%s %s: not written, because it may be a file of a project, and the projects file "
		"cannot be read; mend that, or use a new file: %s",
		o->option, o->file->path, why.msg);
}

/* Not even a new file may be created in the state of a project. */
static int is_no_state(const struct output *o, const struct config *c, struct err *e)
{
	auto_strv struct strv known = {0};

	if (store_list(c->state, &known, e) < 0)
		return -1;
	strv_each (&known, project) {
		auto_free char *kept = path_join(c->state, *project);

		if (outfile_is_not_below(o->file, o->option, kept, "the state of a project", e) < 0)
			return -1;
	}
	return is_not_of(o, c->state, "the state directory", e);
}

static int is_no_image(const struct output *o, const struct outputs_inputs *in, struct err *e)
{
	const char *const named[] = {in->config->trusted_image, in->image};
	auto_free char *installed = locate_images();

	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (named[i] && strchr(named[i], '/') && is_not_of(o, named[i], "an image", e) < 0)
			return -1;
	if (is_not_of(o, in->config->image_store, "the image store", e) < 0)
		return -1;
	return is_not_of(o, installed, "the installed images", e);
}

/* ---- all of them ---- */

bool outputs_lose_nothing(const struct outfile *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_beginnings); i++)
		if (outfile_found_beginning(o, own_beginnings[i]))
			return true;
	return outfile_found_nothing(o);
}

int outputs_check_file(const struct outfile *file, const char *option,
	const struct outputs_inputs *in, struct err *e)
{
	struct output o = {file, option, outputs_lose_nothing(file)};
	const struct config *c = in->config;

	strv_each (&c->files, config)
		if (is_not(&o, *config, "the configuration", e) < 0)
			return -1;
	if (names_each_file(c, is_not_named, &o, e) < 0 || is_no_program(&o, in, e) < 0 ||
		is_no_helper(&o, e) < 0 || is_no_git_configuration(&o, e) < 0)
		return -1;
	if ((in->list ? is_not_of_projects(&o, in->list, e)
		      : is_not_of_configured_projects(&o, c, e)) < 0)
		return -1;
	if (is_no_state(&o, c, e) < 0 || is_no_image(&o, in, e) < 0)
		return -1;
	return has_one_name(&o, e);
}

int outputs_check(
	const char *path, const char *option, const struct outputs_inputs *in, struct err *e)
{
	auto_outfile struct outfile o = OUTFILE_NONE;

	if (!path || !outfile_look(path, &o))
		return 0;
	return outputs_check_file(&o, option, in, e);
}
