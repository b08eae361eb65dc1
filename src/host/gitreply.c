/* SPDX-License-Identifier: Apache-2.0 */
#include "host/gitreply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

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
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The tree's words get into it, so it is made harmless as a whole. */
	safe = text_safe(text, sizeof(state->reason) - 1);
	(void)snprintf(state->reason, sizeof(state->reason), "%s", safe);
}

/* True when git answered without any complaint; else the doubt is noted. */
static bool is_sound(const struct gitreply *r, const char *question, struct git_state *state)
{
	int complaint = (int)strcspn(r->errors.data, "\n");

	if (r->end.timed_out)
		gitreply_doubt(state, "git %s took longer than %d s", question,
			(int)(LIMIT_GIT_MS / 1000));
	else if (r->errors.len)
		gitreply_doubt(state, "git %s: %.*s", question, complaint, r->errors.data);
	else if (!r->end.overflow && r->end.exit_code != 0)
		gitreply_doubt(state, "git %s ended with status %d, signal %d", question,
			r->end.exit_code, r->end.signal);
	else
		return true;
	return false;
}

/* The next field of a list whose fields end in NUL, or NULL at the end of what is whole. */
static const char *next_field(const struct buf *b, size_t *offset)
{
	const char *field = b->data + *offset;
	const char *end = memchr(field, '\0', b->len - *offset);

	if (!end)
		return NULL;
	*offset += (size_t)(end - field) + 1;
	return field;
}

/* Fields were left out, or the last one is not whole. */
static bool is_cut(const struct gitreply *r)
{
	return r->end.overflow || (r->out.len && r->out.data[r->out.len - 1]);
}

static bool is_object_id(const char *s)
{
	size_t len = strspn(s, "0123456789abcdef");

	return !s[len] && (len == 40 || len == 64);
}

/* GIT_CLEAN when every line is understood, up to the end, and none is a change. */
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

/*
 * Tags of `ls-files -v`: H is an ordinary entry. Lower case: assume-unchanged, S: skip-worktree,
 * and whatever else a status that was clean cannot have.
 */
static bool hides_nothing(const struct buf *out, struct git_state *state)
{
	const char *field;
	size_t offset = 0;

	while ((field = next_field(out, &offset))) {
		if (strncmp(field, "H ", 2) == 0)
			continue;
		gitreply_doubt(state,
			"the index tells git not to look at some files, such as %.80s",
			field[0] && field[1] ? field + 2 : "?");
		return false;
	}
	return true;
}

void gitreply_index(const struct gitreply *r, struct git_state *state)
{
	if (!is_sound(r, "ls-files", state) || !hides_nothing(&r->out, state))
		return;
	if (is_cut(r))
		gitreply_doubt(state, "the index is larger than %u MiB",
			(unsigned)(LIMIT_GIT_INDEX_BYTES / MIB));
	else
		state->clean = GIT_CLEAN;
}
