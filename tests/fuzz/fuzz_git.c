/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What git says about a hostile tree. The input is up to five parts with a line "%%" between them:
 * flags, and both outputs of `status` and of `ls-files`. Flags: x and X for an exit status other
 * than 0, t and T for the time limit, o and O for an output that is cut, small letters for the
 * first answer and capitals for the second.
 *
 * Whatever comes, the state is one of: a doubt with a reason that is harmless on a terminal; dirty,
 * with a commit; clean, with a commit, and only if both answers were whole and showed no change by
 * the judgement of the few lines below, which are not those of the reader.
 */
#include "terminal.h"

#include <stdint.h>
#include <string.h>

#include "source/gitreply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 5, OUT_MAX = 4096 };

struct part {
	const char *data;
	size_t len;
};

static void split(const char *data, size_t size, struct part *parts)
{
	static const char line[] = "\n%%\n";
	size_t n = 0;

	while (n < PARTS - 1) {
		const char *end = memmem(data, size, line, sizeof(line) - 1);

		if (!end)
			break;
		parts[n++] = (struct part){data, (size_t)(end - data)};
		size -= (size_t)(end - data) + sizeof(line) - 1;
		data = end + sizeof(line) - 1;
	}
	parts[n] = (struct part){data, size};
}

static bool has(const struct part *flags, char flag)
{
	return flags->len && memchr(flags->data, flag, flags->len);
}

/* letters: of exit status, time limit and cut. */
static void fill(
	struct gitreply *r, const struct part *p, const char *letters, const struct part *flags)
{
	gitreply_init(r, OUT_MAX);
	if (p[0].len)
		buf_add(&r->out, p[0].data, p[0].len < OUT_MAX ? p[0].len : OUT_MAX);
	if (p[1].len)
		buf_add(&r->errors, p[1].data,
			p[1].len < GITREPLY_COMPLAINT_BYTES ? p[1].len : GITREPLY_COMPLAINT_BYTES);
	r->end.overflow = has(flags, letters[2]) || p[0].len > OUT_MAX;
	r->end.timed_out = has(flags, letters[1]);
	r->end.exit_code = has(flags, letters[0]) ? 128 : 0;
	if (r->end.overflow || r->end.timed_out) {
		r->end.exit_code = -1;
		r->end.signal = 9;
	}
}

/* Every field of a whole answer, without any complaint, begins with one of the two letters. */
static bool all_begin_with(const struct gitreply *r, char one, char other)
{
	if (r->errors.len || r->end.exit_code)
		return false;
	for (size_t at = 0; at < r->out.len;) {
		size_t field = strnlen(r->out.data + at, r->out.len - at);

		if (at + field == r->out.len ||
			(r->out.data[at] != one && r->out.data[at] != other))
			return false;
		at += field + 1;
	}
	return true;
}

static void expect_known(const struct git_state *s, const struct gitreply *replies, bool asked)
{
	size_t digits = strspn(s->commit, "0123456789abcdef");

	if (s->reason[0])
		BUG("%s, and a reason: %s", git_clean_word(s->clean), s->reason);
	if ((digits != 40 && digits != 64) || s->commit[digits])
		BUG("%s at the commit '%s'", git_clean_word(s->clean), s->commit);
	if (s->clean == GIT_CLEAN &&
		(!asked || !all_begin_with(&replies[0], '#', '#') ||
			!all_begin_with(&replies[1], 'H', 'S')))
		BUG("clean, and it need not be");
}

static void expect_doubt(const struct git_state *s)
{
	if (!s->reason[0] || strlen(s->reason) >= GIT_REASON_MAX)
		BUG("unknown, with a reason of %zu bytes", strlen(s->reason));
	expect_harmless("a reason", s->reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part parts[PARTS] = {0};
	struct gitreply_entries entries = {0};
	struct gitreply replies[2];
	struct git_state state = {.repository = true};
	bool asked;

	split((const char *)data, size, parts);
	fill(&replies[0], parts + 1, "xto", parts);
	fill(&replies[1], parts + 3, "XTO", parts);
	asked = gitreply_status(&replies[0], &state);
	if (asked && (state.clean != GIT_UNKNOWN || state.reason[0]))
		BUG("the index is asked, and it is known already");
	/* What the entries are is for git.c to find out; here they are as they should be. */
	if (asked && gitreply_index(&replies[1], &state, &entries))
		state.clean = GIT_CLEAN;
	gitreply_entries_release(&entries);
	if (state.clean == GIT_UNKNOWN)
		expect_doubt(&state);
	else
		expect_known(&state, replies, asked);
	gitreply_release(&replies[0]);
	gitreply_release(&replies[1]);
	return 0;
}
