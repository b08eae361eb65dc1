/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help/manual.h"

#include <string.h>

#include "base/text.h"
#include "base/version.h"
#include "cli/help/catalog.h"
#include "cli/load.h"

/* ---- roff ---- */

/* Escapes text for roff: backslashes, dashes and leading dots are special. */
static void add_roff(struct buf *b, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_adds(b, "\\&");
		if (*text == '\\')
			buf_adds(b, "\\e");
		else if (*text == '-')
			buf_adds(b, "\\-");
		else
			buf_addc(b, *text);
		start = *text == '\n';
	}
}

static void add_upper(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_addc(b, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
}

static void add_title(struct buf *b, const char *name, int section, const char *what)
{
	buf_adds(b, ".\\\" Made by `make docs` from the program's own tables.\n.TH ");
	add_upper(b, name);
	buf_addf(b, " %d \"\" \"ambient %s\" \"%s\"\n.SH NAME\n", section, version_number,
		section == 1 ? "User Commands" : "File Formats");
	buf_addf(b, "%s \\- %s\n", name, what);
}

/* "ambient-run(1)", in the fonts of a reference. */
static void add_reference(struct buf *b, const char *name, int section, const char *behind)
{
	buf_adds(b, ".BR ");
	add_roff(b, name);
	buf_addf(b, " (%d)%s\n", section, behind);
}

/* Lines that begin with spaces are a table and are not filled. */
static size_t add_paragraph(struct buf *b, const char *text)
{
	bool table = *text == ' ';
	size_t len = 0;

	buf_adds(b, table ? ".nf\n" : "");
	while (text[len] && text[len] != '\n' && (text[len] == ' ') == table) {
		size_t line = strcspn(text + len, "\n");
		auto_free char *copy = mem_strndup(text + len, line);

		add_roff(b, copy);
		buf_addc(b, '\n');
		len += line + (text[len + line] == '\n');
	}
	buf_adds(b, table ? ".fi\n" : "");
	return len;
}

/* An empty line, or the beginning or end of a table, separates paragraphs. */
static void add_text(struct buf *b, const char *text, bool first)
{
	while (*text) {
		while (*text == '\n')
			text++;
		if (!*text)
			return;
		buf_adds(b, first ? "" : ".PP\n");
		first = false;
		text += add_paragraph(b, text);
	}
}

/* ---- options and parameters ---- */

static void add_usage(struct buf *b, const struct option *o)
{
	if (o->letter)
		buf_addf(b, "\\fB\\-%c\\fR, ", o->letter);
	buf_adds(b, "\\fB\\-\\-");
	add_roff(b, o->name);
	buf_adds(b, "\\fR");
	if (o->argument) {
		buf_adds(b, " \\fI");
		add_roff(b, o->argument);
		buf_adds(b, "\\fR");
	}
	buf_addc(b, '\n');
}

static void add_options(struct buf *b, const struct option *table)
{
	for (const struct option *o = table; o && o->name; o++) {
		auto_buf struct buf text = {0};

		if (o->hidden)
			continue;
		buf_init(&text, 4096);
		options_add_text(&text, o);
		buf_adds(b, ".TP\n");
		add_usage(b, o);
		add_roff(b, text.data);
		buf_adds(b, ".\n");
	}
}

/* A key in a map is written with its path: `qemu.cpus`. */
static void add_params(struct buf *b, const struct param *params, const char *prefix)
{
	for (; params->name; params++) {
		auto_free char *name = mem_printf("%s%s", prefix, params->name);
		auto_free char *below = mem_printf("%s.", name);
		auto_buf struct buf type = {0}, help = {0};

		buf_init(&type, 4096);
		buf_init(&help, 4096);
		schema_add_type(&type, params);
		catalog_add_help(&help, params);
		buf_adds(b, ".TP\n\\fB");
		add_roff(b, name);
		buf_adds(b, "\\fR (");
		add_roff(b, type.data);
		buf_adds(b, ")\n");
		add_roff(b, help.data);
		buf_adds(b, ".\n");
		if (params->sub)
			add_params(b, params->sub, below);
	}
}

/* ---- the pages ---- */

static void add_see_also(struct buf *b, const struct command *const *commands, const char *page)
{
	buf_adds(b, ".SH SEE ALSO\n");
	if (strcmp(page, "ambient.1") != 0)
		add_reference(b, "ambient", 1, ",");
	for (const struct command *const *c = commands; *c; c++) {
		auto_free char *name = mem_printf("ambient-%s", (*c)->name);
		auto_free char *own = mem_printf("%s.1", name);

		if (strcmp(own, page) != 0)
			add_reference(b, name, 1, ",");
	}
	if (strcmp(page, "ambient-config.5") != 0)
		add_reference(
			b, "ambient-config", 5, strcmp(page, "ambient-projects.5") != 0 ? "," : "");
	if (strcmp(page, "ambient-projects.5") != 0)
		add_reference(b, "ambient-projects", 5, "");
}

static void add_exit_status(struct buf *b)
{
	buf_adds(b,
		".SH EXIT STATUS\n"
		"The exit status of\n"
		".BR ambient\\-run (1)\n"
		"is that of the worst project:\n");
	add_text(b, COMMAND_EXIT_STATUSES, false);
	buf_adds(b,
		".PP\n"
		"The other commands use 0, 2 and 3 with the same meaning;\n"
		".BR ambient\\-qemu (1)\n"
		"uses all but 5.\n");
}

static void add_files(struct buf *b)
{
	buf_adds(b,
		".SH FILES\n"
		".TP\n.I ~/.config/ambient/config.yaml\nThe configuration:\n"
		".BR ambient\\-config (5).\n"
		".TP\n.I ~/.config/ambient/projects.yaml\nThe projects:\n"
		".BR ambient\\-projects (5).\n"
		".TP\n.I ~/.local/share/ambient/images\nThe images of virtual machines.\n"
		".TP\n.I ~/.local/state/ambient\nCaches, runs, their logs and artifacts.\n");
}

static void add_program(struct buf *b, const struct command *const *commands)
{
	add_title(b, "ambient", 1, "build and test untrusted code in microVMs");
	buf_adds(b,
		".SH SYNOPSIS\n"
		".B ambient\n"
		"[\\fIOPTION\\fR]... \\fICOMMAND\\fR ...\n"
		".SH DESCRIPTION\n"
		".B ambient\n"
		"is a batch runner for continuous integration. It packs the source tree "
		"of a project into a\n"
		"drive of a virtual machine, which has no network and no access to other "
		"data of the host.\n"
		"The actions of the project's plan run in the machine.\n"
		".B ambient\n"
		"shows their output as it arrives, and checks and stores the artifacts "
		"that they write.\n"
		".SH COMMANDS\n");
	for (const struct command *const *c = commands; *c; c++) {
		buf_adds(b, ".TP\n.BR ambient\\-");
		add_roff(b, (*c)->name);
		buf_adds(b, " (1)\n");
		add_roff(b, (*c)->summary);
		buf_adds(b, ".\n");
	}
	buf_adds(b,
		".SH OPTIONS\n"
		"All commands accept these options, before or after the name of the "
		"command:\n");
	add_options(b, command_common_options);
	add_exit_status(b);
	add_files(b);
	add_see_also(b, commands, "ambient.1");
}

static void add_command(
	struct buf *b, const struct command *const *commands, const struct command *c)
{
	auto_free char *name = mem_printf("ambient-%s", c->name);
	auto_free char *page = mem_printf("%s.1", name);

	add_title(b, name, 1, c->summary);
	buf_adds(b, ".SH SYNOPSIS\n.B ambient ");
	add_roff(b, c->name);
	buf_addc(b, '\n');
	if (options_are_shown(c->options))
		buf_adds(b, "[\\fIOPTION\\fR]...\n");
	if (c->operands) {
		buf_adds(b, "\\fI");
		add_roff(b, c->operands);
		buf_adds(b, "\\fR\n");
	}
	buf_adds(b, ".SH DESCRIPTION\n");
	add_roff(b, c->summary);
	buf_adds(b, ".\n");
	add_text(b, c->details ? c->details : "", false);
	buf_adds(b, ".SH OPTIONS\n");
	add_options(b, c->options);
	add_options(b, command_common_options);
	add_see_also(b, commands, page);
}

static void add_values(struct buf *b)
{
	add_text(b,
		"Sizes are written as 4096, 2G, 16 GB, 512MiB: K, M, G and T are powers "
		"of 1000, Ki, Mi, Gi and Ti of 1024, with or without B. Durations are "
		"written as 500ms, 90s, 45m, 2h, 1h30m. In paths, ~ is the home "
		"directory. Relative paths are relative to the directory of the file. "
		"Quotes around a value do not change its meaning. An unknown key is an "
		"error; the message names file, line and column.\n",
		true);
}

static void add_config(struct buf *b, const struct command *const *commands)
{
	add_title(b, "ambient-config", 5, "configuration file of ambient");
	buf_adds(b, ".SH SYNOPSIS\n.I ~/.config/ambient/config.yaml\n.SH DESCRIPTION\n");
	add_text(b,
		"This file is the configuration of ambient, in YAML. It belongs to the "
		"operator: files in a source tree cannot change it. The file is "
		"optional: every key has a default or may be absent. 'ambient config' "
		"shows the effective configuration.\n",
		true);
	buf_adds(b,
		".SH KEYS\n"
		"A dot separates levels: qemu.cpus is the key cpus under qemu.\n");
	add_params(b, config_params, "");
	buf_adds(b, ".SH VALUES\n");
	add_values(b);
	buf_adds(b, ".SH EXAMPLE\n");
	add_text(b,
		"  state: ~/ci/state\n  timeout: 45m\n  keep_runs: 20\n  qemu:\n    cpus: 2\n"
		"    memory: 4GiB\n",
		true);
	add_see_also(b, commands, "ambient-config.5");
}

static void add_action(struct buf *b, const struct action *a)
{
	buf_adds(b, ".SS ");
	add_roff(b, a->name);
	buf_addc(b, '\n');
	add_roff(b, a->summary);
	buf_adds(b, " Allowed in: ");
	catalog_add_where(b, a, ", ");
	buf_adds(b, ".\n");
	if (catalog_when(a))
		buf_addf(b, "%s\n", catalog_when(a));
	add_params(b, a->params, "");
}

static void add_projects(struct buf *b, const struct command *const *commands)
{
	add_title(b, "ambient-projects", 5, "projects file of ambient");
	buf_adds(b, ".SH SYNOPSIS\n.I ~/.config/ambient/projects.yaml\n.SH DESCRIPTION\n");
	add_text(b,
		"This YAML file has the key 'projects', which maps the name of each "
		"project to its settings. A plan is a list of actions. Each action is a "
		"mapping: the key 'action' is its name, the other keys are its "
		"parameters. A plan stops at the first action that fails.\n",
		true);
	buf_adds(b, ".SH KEYS OF A PROJECT\n");
	add_params(b, project_params, "");
	buf_adds(b, ".SH ACTIONS\n");
	for (const struct action *const *a = load_context(NULL).actions; *a; a++)
		if ((*a)->where & CATALOG_USERS)
			add_action(b, *a);
	buf_adds(b, ".SH VALUES\n");
	add_values(b);
	buf_adds(b, ".SH EXAMPLE\n");
	add_text(b,
		"  projects:\n    hello:\n      source: ~/src/hello\n      image: tiny\n"
		"      plan:\n        - action: shell\n          shell: |\n            make check\n"
		"            cp hello /ci/artifacts\n",
		true);
	add_see_also(b, commands, "ambient-projects.5");
}

/* ---- pages by name ---- */

static const struct {
	const char *page;
	void (*add)(struct buf *b, const struct command *const *commands);
} pages[] = {
	{"ambient.1", add_program},
	{"ambient-config.5", add_config},
	{"ambient-projects.5", add_projects},
};

void manual_add_list(struct buf *b, const struct command *const *commands)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		buf_addf(b, "%s\n", pages[i].page);
	for (; *commands; commands++)
		buf_addf(b, "ambient-%s.1\n", (*commands)->name);
}

int manual_add_page(
	struct buf *b, const struct command *const *commands, const char *page, struct err *e)
{
	auto_free char *shown = text_safe(page, 60);

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (strcmp(pages[i].page, page) == 0) {
			pages[i].add(b, commands);
			return 0;
		}
	for (const struct command *const *c = commands; *c; c++) {
		auto_free char *own = mem_printf("ambient-%s.1", (*c)->name);

		if (strcmp(own, page) == 0) {
			add_command(b, commands, *c);
			return 0;
		}
	}
	return err_set(e, ERR_INPUT, "there is no manual page '%s'", shown);
}
