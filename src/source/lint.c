/* SPDX-License-Identifier: Apache-2.0 */
#include "source/lint.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "contract/contract.h"
#include "os/fd.h"
#include "source/declared.h"
#include "source/limits.h"
#include "source/shellcheck.h"

enum { SHOWN_MAX = 60, MESSAGE_MAX = 300 };

/* ---- iteration over all actions ---- */

/* The next entry in the order of the plans; NULL after the last. Start with a zeroed struct. */
struct walk {
	enum project_plan plan;
	size_t index;
};

static const struct entry *next(const struct lint *l, struct walk *w)
{
	enum project_plan end = l->with_post_plan ? PROJECT_PLANS : PROJECT_POST_PLAN;

	for (; w->plan < end; w->plan++, w->index = 0)
		if (w->index < l->lists[w->plan].count)
			return &l->lists[w->plan].items[w->index++];
	return NULL;
}

/* ---- errors ---- */

static bool has_target(const struct lint *l, enum action_target target)
{
	const struct config *c = l->config;

	switch (target) {
	case TARGET_NONE:
		return true;
	case TARGET_RSYNC:
		return c->rsync_target || c->rsync_target_base ||
			node_get(c->rsync_target_map, l->project->name);
	case TARGET_DPUT:
		return c->dput_target;
	}
	BUG("target %d", (int)target);
}

/* How to give the target if the entry has none; NULL if it is given. */
static const char *missing_target(const struct lint *l, const struct entry *entry)
{
	static const char *const ways[] = {
		[TARGET_RSYNC] = "--rsync-target, or rsync_target, rsync_target_base or "
				 "rsync_target_map in the configuration",
		[TARGET_DPUT] = "--dput-target, or dput_target in the configuration",
	};
	enum action_target target = entry->action->lint.target;

	return has_target(l, target) ? NULL : ways[target];
}

#define NO_TARGET "%s has no target; give one by %s"

static int check_targets(const struct lint *l, struct err *e)
{
	const struct entry *entry;
	struct walk w = {0};

	while ((entry = next(l, &w))) {
		const char *way = missing_target(l, entry);

		if (way)
			return node_err(entry->node, l->project->plan_file, e, NO_TARGET,
				entry->action->name, way);
	}
	return 0;
}

/* The names of the files that the actions of one list create. */
struct name {
	const struct node *node;
	const struct action *action; /* each has a directory of its own */
};

struct names {
	struct name *items;
	size_t count;
};

static void names_free(struct names *n)
{
	free(n->items);
}

static void add_name(struct names *names, const struct action *action, const struct node *node)
{
	names->items = mem_resize(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++] = (struct name){node, action};
}

static void collect_names(const struct entry *entry, struct names *names)
{
	const struct action_lint *lint = &entry->action->lint;
	const struct node *item;

	if (lint->file && !lint->list)
		add_name(names, entry->action, node_get(entry->args, lint->file));
	node_each (lint->list ? node_get(entry->args, lint->list) : NULL, item)
		add_name(names, entry->action, node_get(item, lint->file));
}

static int by_text_and_place(const void *a, const void *b)
{
	const struct name *first = a, *second = b;
	const struct node *x = first->node, *y = second->node;
	int order = strcmp(x->text, y->text);

	if (order == 0)
		order = strcmp(first->action->name, second->action->name);
	if (order == 0)
		order = x->line - y->line;
	return order ? order : x->column - y->column;
}

static int check_names(const struct lint *l, enum project_plan plan, struct err *e)
{
	__attribute__((cleanup(names_free))) struct names names = {0};
	const struct entry_list *list = &l->lists[plan];

	for (size_t i = 0; i < list->count; i++)
		collect_names(&list->items[i], &names);
	if (names.count > 1)
		qsort(names.items, names.count, sizeof(*names.items), by_text_and_place);
	for (size_t i = 1; i < names.count; i++) {
		const struct node *first = names.items[i - 1].node;
		const struct name *name = &names.items[i];
		auto_free char *shown = NULL;

		if (strcmp(first->text, name->node->text) != 0 ||
			name->action != names.items[i - 1].action)
			continue;
		shown = text_safe(first->text, SHOWN_MAX);
		return node_err(name->node, l->project->plan_file, e,
			"the file name '%s' is used already, in line %d", shown, first->line);
	}
	return 0;
}

static int look_at_declared(int root, const struct entry *entry, struct err *e)
{
	auto_declared struct declared ignored = {0};

	if (entry->action->whole_source)
		return node_err(entry->node, entry->file, e,
			"%s needs the whole source, not only files that it could name: set "
			"'fetch_source: all' for the project in the projects file",
			entry->action->name);
	return declared_find(root, entry, &ignored, e);
}

/* A project whose source is missing is refused elsewhere, with its position. */
static int check_declared(const struct lint *l, struct err *e)
{
	auto_fd int root = open(l->project->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct entry *entry;
	struct walk w = {0};

	while (root >= 0 && l->project->fetch_source == PROJECT_FETCH_DECLARED &&
		(entry = next(l, &w)))
		if (look_at_declared(root, entry, e) < 0)
			return -1;
	return 0;
}

int lint_check(const struct lint *l, struct err *e)
{
	for (enum project_plan plan = 0; plan < PROJECT_PLANS; plan++)
		if (check_names(l, plan, e) < 0)
			return -1;
	if (check_declared(l, e) < 0)
		return -1;
	return l->will_run ? check_targets(l, e) : 0;
}

/* ---- warnings ---- */

struct remark {
	int line, column;
	char *text;
};

struct report {
	const struct lint *lint;
	struct remark remarks[LIMIT_LINT_WARNINGS];
	size_t count, hidden;
};

static void report_release(struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->remarks[i].text);
}

/* Whether another remark can be shown; if not, it is only counted. */
static bool has_room(struct report *r)
{
	if (r->count < LIMIT_LINT_WARNINGS)
		return true;
	r->hidden++;
	return false;
}

PRINTF_LIKE(4, 5)
static void remark(struct report *r, int line, int column, const char *fmt, ...)
{
	struct err text = {0};
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(&text, ERR_INPUT, fmt, ap);
	va_end(ap);
	r->remarks[r->count++] = (struct remark){line, column, text_safe(text.msg, MESSAGE_MAX)};
}

static int by_place(const void *a, const void *b)
{
	const struct remark *x = a, *y = b;
	int order = x->line - y->line;

	if (order == 0)
		order = x->column - y->column;
	return order ? order : strcmp(x->text, y->text);
}

static void tell(struct report *r, struct strv *warnings)
{
	qsort(r->remarks, r->count, sizeof(*r->remarks), by_place);
	for (size_t i = 0; i < r->count; i++) {
		const struct remark *this = &r->remarks[i];

		/* A node repeated by a YAML alias is reported once. */
		if (i == 0 || by_place(this - 1, this) != 0)
			strv_pushf(warnings, "%s:%d:%d: %s", r->lint->project->plan_file,
				this->line, this->column, this->text);
	}
	if (r->hidden)
		strv_pushf(warnings, "%zu more such warning%s not shown", r->hidden,
			num_plural(r->hidden));
}

static void look_targets(struct report *r)
{
	const struct entry *entry;
	struct walk w = {0};

	while ((entry = next(r->lint, &w))) {
		const char *way = missing_target(r->lint, entry);

		if (way && has_room(r))
			remark(r, entry->node->line, entry->node->column, NO_TARGET,
				entry->action->name, way);
	}
}

/* Actions that pass files to each other must be of the same generation. */
static void look_generations(struct report *r)
{
	const struct entry *first[8], *entry;
	size_t families = 0;
	struct walk w = {0};

	while ((entry = next(r->lint, &w))) {
		const struct action_lint *lint = &entry->action->lint;
		size_t i = 0;

		if (!lint->family)
			continue;
		while (i < families && strcmp(first[i]->action->lint.family, lint->family) != 0)
			i++;
		if (i == families && families < ARRAY_SIZE(first))
			first[families++] = entry;
		else if (i < families && first[i]->action->lint.generation != lint->generation &&
			has_room(r))
			remark(r, entry->node->line, entry->node->column,
				"%s does not go together with %s in line %d: they put %s in "
				"different places",
				entry->action->name, first[i]->action->name, first[i]->node->line,
				lint->family);
	}
}

/* Find a path of earlier versions in a text, but not as a part of another path or word. */
static const char *find_old_path(const char *text, const char *from)
{
	static const char before[] = " \t\n\"'=:(<>,;|&`[{";
	static const char inside[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

	while ((from = strstr(from, GUEST_OLD))) {
		const char *end = from + strlen(GUEST_OLD);

		if ((from == text || strchr(before, from[-1])) && (!*end || !strchr(inside, *end)))
			return from;
		from = end;
	}
	return NULL;
}

static void add_old_path(struct report *r, const struct node *n, const char *at)
{
	int line = 1, column = 1;

	if (!has_room(r))
		return;
	for (const char *s = n->text; s < at; s++) {
		column = *s == '\n' ? 1 : column + (((unsigned char)*s & 0xc0) != 0x80);
		line += *s == '\n';
	}
	(void)node_text_position(n, line, column, &line, &column);
	remark(r, line, column,
		"'" GUEST_OLD "' is the place of earlier versions; now it is '" GUEST_CI "'");
}

static void look_old_paths(struct report *r, const struct node *n)
{
	const struct node *item;

	if (n->text)
		for (const char *at = n->text; (at = find_old_path(n->text, at));
			at += strlen(GUEST_OLD))
			add_old_path(r, n, at);
	node_each (n, item)
		look_old_paths(r, item);
}

/* ---- scripts ---- */

/* The scripts in the order in which shellcheck gets them, and their nodes. */
struct scripts {
	struct strv texts;
	const struct node **nodes;
};

static void scripts_release(struct scripts *s)
{
	strv_release(&s->texts);
	free(s->nodes);
}

static void collect_scripts(const struct lint *l, struct scripts *s)
{
	const struct entry *entry;
	struct walk w = {0};

	while ((entry = next(l, &w))) {
		const struct action_lint *lint = &entry->action->lint;
		const struct node *n = lint->script ? node_get(entry->args, lint->script) : NULL;
		const char *text = node_text(n);

		if (!text)
			continue;
		s->nodes = mem_resize(s->nodes, s->texts.count + 1, sizeof(*s->nodes));
		s->nodes[s->texts.count] = n;
		strv_pushf(&s->texts, "%s%s", lint->shebang, text);
	}
}

/* A number from the jail is untrusted. */
static int bounded(const struct node *finding, const char *key)
{
	uint64_t n = node_get_uint(finding, key, 1);

	return n < 1 ? 1 : n > LIMIT_YAML_BYTES ? (int)LIMIT_YAML_BYTES : (int)n;
}

static void add_finding(struct report *r, const struct scripts *s, const struct node *finding)
{
	uint64_t script = node_get_uint(finding, "script", UINT64_MAX);
	int script_line = bounded(finding, "line") - 1; /* not counting the shebang */
	const char *message = node_get_text(finding, "message", "?");
	int code = bounded(finding, "code");
	const struct node *n;
	int line, column;

	if (script >= s->texts.count || !has_room(r))
		return;
	n = s->nodes[script];
	if (node_text_position(n, script_line, bounded(finding, "column"), &line, &column) ||
		script_line < 2)
		remark(r, line, column, "%s (shellcheck, SC%d)", message, code);
	else
		remark(r, line, column, "line %d of the snippet: %s (shellcheck, SC%d)",
			script_line, message, code);
}

/* A failure to start the jail is only a warning here: the run itself reports it. */
static int ask(const struct scripts *s, const char *memory, struct strv *warnings,
	struct node **ret_answer, struct err *e)
{
	struct err why = {0};
	int result = shellcheck_ask(&s->texts, memory, ret_answer, &why);

	if (result < 0 && why.kind == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	if (result < 0)
		strv_push(warnings, why.msg);
	else if (!*ret_answer)
		strv_push(warnings,
			"shellcheck is not installed, so no snippet of shell was looked at; on "
			"Debian: apt-get install shellcheck (or 'lint: false' in the "
			"configuration)");
	return 0;
}

static int look_scripts(struct report *r, const char *memory, struct strv *warnings, struct err *e)
{
	__attribute__((cleanup(scripts_release))) struct scripts s = {0};
	auto_node struct node *answer = NULL;
	const struct node *finding;

	collect_scripts(r->lint, &s);
	if (s.texts.count == 0)
		return 0;
	if (ask(&s, memory, warnings, &answer, e) < 0)
		return -1;
	node_each (node_get(answer, "findings"), finding)
		add_finding(r, &s, finding);
	if (node_get(answer, "trouble"))
		strv_pushf(warnings, "the snippets of shell were not looked at: %s",
			node_get_text(answer, "trouble", "?"));
	return 0;
}

int lint_warn(const struct lint *l, const char *memory, struct strv *warnings, struct err *e)
{
	__attribute__((cleanup(report_release))) struct report r = {.lint = l};
	const struct entry *entry;
	struct walk w = {0};

	if (!l->config->lint)
		return 0;
	look_targets(&r);
	look_generations(&r);
	while ((entry = next(l, &w)))
		look_old_paths(&r, entry->args);
	if (look_scripts(&r, memory, warnings, e) < 0)
		return -1;
	tell(&r, warnings);
	return 0;
}
