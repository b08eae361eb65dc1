/* SPDX-License-Identifier: Apache-2.0 */
#include "source/gitreply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fit.h"
#include "base/limits.h"
#include "base/text.h"
#include "source/limits.h"

void gitreply_init(struct gitreply *r, size_t out_max)
{
	*r = (struct gitreply){0};
	buf_init(&r->out, out_max);
	buf_init(&r->errors, GITREPLY_COMPLAINT_BYTES);
}

void gitreply_release(struct gitreply *r)
{
	buf_release(&r->out);
	buf_release(&r->errors);
}

void gitreply_doubt(struct git_state *state, const char *fmt, ...)
{
	auto_free char *safe = NULL;
	char text[GIT_REASON_MAX];
	va_list ap;

	state->clean = GIT_UNKNOWN;
	if (state->reason[0])
		return;
	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The text may contain parts of the tree's data, so it is sanitized as a whole. */
	safe = text_safe(text, sizeof(state->reason) - 1);
	(void)snprintf(state->reason, sizeof(state->reason), "%s", safe);
}

/*
 * Whether git complained that it could not start a program; then the reason is set. The jail
 * forbids child processes (git.c), so this is not an error of git.
 */
static bool was_forbidden(const char *complaint, const char *question, struct git_state *state)
{
	static const char forbidden[] = "cannot fork() for ";
	const char *program = strstr(complaint, forbidden);
	const char *end;

	if (!program)
		return false;
	state->forbidden = true;
	program += sizeof(forbidden) - 1;
	end = strstr(program, ": Operation not permitted");
	/* The command is "git -c OPTION fetch"; git names it by its second word. */
	if (strncmp(program, "-c:", 3) == 0)
		gitreply_doubt(state,
			"git %s needs objects that this partial clone lacks, and may fetch none",
			question);
	else
		gitreply_doubt(state, "git %s needs to run '%.*s', and the jail of git forbids it",
			question, end ? (int)(end - program) : (int)strcspn(program, "\n"),
			program);
	return true;
}

/* The name of the extension is on a separate line, so the lines are joined. */
static void gitreply_foreign(struct git_state *state, const char *complaint)
{
	char text[GITREPLY_COMPLAINT_BYTES + 1];
	char *out = text;

	for (; *complaint && out < text + sizeof(text) - 1; complaint++)
		if (*complaint != '\n')
			*out++ = *complaint == '\t' ? ' ' : *complaint;
	*out = '\0';
	state->foreign = true;
	gitreply_doubt(state, "%s", text + strlen("fatal: "));
}

/* git identifies repository formats by a version and by names of extensions. */
static bool is_foreign(const char *complaint)
{
	static const char *const words[] = {
		"fatal: unknown repository extension", "fatal: Expected git repo version"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(complaint, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* True if git answered without any complaint; else the state becomes unknown. */
static bool is_sound(const struct gitreply *r, const char *question, struct git_state *state)
{
	int complaint = (int)strcspn(r->errors.data, "\n");

	if (r->end.timed_out)
		gitreply_doubt(state, "git %s took longer than %d s", question,
			(int)(LIMIT_GIT_MS / 1000));
	else if (r->errors.len && is_foreign(r->errors.data))
		gitreply_foreign(state, r->errors.data);
	else if (r->errors.len && !was_forbidden(r->errors.data, question, state))
		gitreply_doubt(state, "git %s: %.*s", question, complaint, r->errors.data);
	else if (!r->errors.len && !r->end.overflow && r->end.exit_code != 0)
		gitreply_doubt(state, "git %s ended with status %d, signal %d", question,
			r->end.exit_code, r->end.signal);
	else
		return !r->errors.len;
	return false;
}

/* The next NUL-terminated field; NULL at the end of the complete fields. */
static const char *next_field(const struct buf *b, size_t *offset)
{
	const char *field = b->data + *offset;
	const char *end = memchr(field, '\0', b->len - *offset);

	if (!end)
		return NULL;
	*offset += (size_t)(end - field) + 1;
	return field;
}

/* The output was truncated. */
static bool is_cut(const struct gitreply *r)
{
	return r->end.overflow || (r->out.len && r->out.data[r->out.len - 1]);
}

static bool is_object_id(const char *s)
{
	size_t len = strspn(s, "0123456789abcdef");

	return !s[len] && (len == 40 || len == 64);
}

/* GIT_CLEAN if all lines up to the end were parsed and none is a change. */
static enum git_clean read_status(const struct gitreply *r, struct git_state *state)
{
	static const char oid[] = "# branch.oid ";
	const char *field;
	size_t offset = 0;

	while ((field = next_field(&r->out, &offset))) {
		if (strncmp(field, oid, sizeof(oid) - 1) == 0) {
			field += sizeof(oid) - 1;
			if (is_object_id(field))
				(void)snprintf(state->commit, sizeof(state->commit), "%s", field);
		} else if (strchr("12u?", field[0]) && field[0]) {
			return GIT_DIRTY;
		} else if (field[0] != '#') {
			gitreply_doubt(
				state, "git status: a line that is not understood: %.80s", field);
			return GIT_UNKNOWN;
		}
	}
	if (!is_cut(r))
		return GIT_CLEAN;
	gitreply_doubt(
		state, "git status: %zu bytes without a change and without an end", r->out.len);
	return GIT_UNKNOWN;
}

bool gitreply_status(const struct gitreply *r, struct git_state *state)
{
	bool sound = is_sound(r, "status", state);
	enum git_clean clean = read_status(r, state);

	if (!state->commit[0])
		gitreply_doubt(state, "there is no commit yet");
	if (!sound || !state->commit[0])
		return false;
	if (clean == GIT_DIRTY)
		state->clean = GIT_DIRTY;
	return clean == GIT_CLEAN;
}

/* "1 XY SUB MODE MODE MODE OBJECT OBJECT PATH", of a file with changes that are not staged. */
static const char *changed_path(const char *field)
{
	static const char changed[] = "1 .M ";
	enum { FIELDS_BEFORE = 8 };

	if (strncmp(field, changed, sizeof(changed) - 1) != 0)
		return NULL;
	for (int i = 0; field && i < FIELDS_BEFORE; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	return field && *field ? field : NULL;
}

bool gitreply_changes(const struct gitreply *r, size_t max, struct strv *ret_paths)
{
	const char *field;
	size_t offset = 0, bytes = 0;

	while ((field = next_field(&r->out, &offset))) {
		const char *path = field[0] == '#' ? NULL : changed_path(field);

		if (field[0] == '#')
			continue;
		if (!path || (bytes += strlen(path) + 1) > max)
			return false;
		strv_push(ret_paths, path);
	}
	return ret_paths->count && !is_cut(r) && !r->end.timed_out;
}

void gitreply_overrule(const struct gitreply *r, const char *value, struct strv *ret)
{
	const char *name;
	size_t offset = 0;

	/* A name with a "=" cannot be passed by -c. */
	while ((name = next_field(&r->out, &offset)))
		if (!strchr(name, '=') && !strchr(name, '\n'))
			strv_pushf(ret, "%s%s", name, value);
}

/* NULL at the end, or if the group of three is incomplete. */
static const char *third_field(const struct buf *b, size_t *offset)
{
	for (int before = 0; before < 2; before++)
		if (!next_field(b, offset))
			return NULL;
	return next_field(b, offset);
}

/* Groups of three fields: the path, "filter", and its value. */
bool gitreply_filters(const struct gitreply *r, size_t count)
{
	const char *value;
	size_t offset = 0, found = 0;

	while ((value = third_field(&r->out, &offset))) {
		if (strcmp(value, "unspecified") == 0 || strcmp(value, "unset") == 0)
			return false;
		found++;
	}
	return found == count && !is_cut(r) && r->end.exit_code == 0;
}

void gitreply_entries_release(struct gitreply_entries *entries)
{
	strv_release(&entries->submodules);
	strv_release(&entries->sparse);
}

/*
 * One field of `ls-files -s -v`: "TAG MODE OBJECT STAGE<tab>PATH". Tags: H is an ordinary entry, S
 * an entry of a sparse checkout (skip-worktree), lower case means assume-unchanged. Other tags
 * cannot occur after a clean status.
 */
static bool read_entry(const char *field, struct gitreply_entries *entries, struct git_state *state)
{
	static const char submodule[] = "160000 ";
	const char *tab = field[0] && field[1] == ' ' ? strchr(field, '\t') : NULL;

	if (!tab || !tab[1]) {
		gitreply_doubt(state, "git ls-files: a line that is not understood: %.80s", field);
		return false;
	}
	if (field[0] == 'S') {
		strv_push(&entries->sparse, tab + 1);
	} else if (field[0] != 'H') {
		gitreply_doubt(state,
			"the index tells git not to look at some files, such as %.80s", tab + 1);
		return false;
	} else if (strncmp(field + 2, submodule, sizeof(submodule) - 1) == 0) {
		strv_push(&entries->submodules, tab + 1);
	}
	return true;
}

bool gitreply_index(const struct gitreply *r, struct git_state *state, struct gitreply_entries *ret)
{
	const char *field;
	size_t offset = 0;

	*ret = (struct gitreply_entries){0};
	if (!is_sound(r, "ls-files", state))
		return false;
	while ((field = next_field(&r->out, &offset)))
		if (!read_entry(field, ret, state))
			return false;
	if (!is_cut(r))
		return true;
	gitreply_doubt(
		state, "the index is larger than %u MiB", (unsigned)(LIMIT_GIT_INDEX_BYTES / MIB));
	return false;
}
