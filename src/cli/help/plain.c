/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help/plain.h"

#include <string.h>

#include "base/mem.h"
#include "cli/options.h"

enum { TEXT_COLUMN = 4, BODY_COLUMN = 8, PARAGRAPH_MAX = 64 * 1024 };

struct plain {
	struct buf *out;
	struct buf words; /* of the current paragraph */
	size_t width, column;
	bool is_table; /* lines are not filled */
	bool is_tag;   /* the next line is a tag of .TP */
};

static void end_paragraph(struct plain *p)
{
	if (!p->words.len)
		return;
	buf_addf(p->out, "%*s", (int)p->column, "");
	options_add_wrapped(p->out, p->words.data, p->column, p->column, p->width);
	buf_clear(&p->words);
}

/* Removes font changes and escapes. */
static void add_unescaped(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (text[0] != '\\' || !text[1]) {
			buf_addc(b, *text);
			continue;
		}
		text++;
		if (*text == 'f' && text[1])
			text++;
		else if (*text != '&')
			buf_addc(b, *text == 'e' ? '\\' : *text);
	}
}

static void add_text(struct plain *p, const char *text)
{
	if (p->is_table) {
		buf_addf(p->out, "%*s", TEXT_COLUMN, "");
		add_unescaped(p->out, text);
		buf_addc(p->out, '\n');
		return;
	}
	if (p->words.len)
		buf_addc(&p->words, ' ');
	add_unescaped(&p->words, text);
	if (!p->is_tag)
		return;
	end_paragraph(p);
	p->is_tag = false;
	p->column = BODY_COLUMN;
}

static void begin(struct plain *p, const char *heading)
{
	end_paragraph(p);
	if (p->out->len)
		buf_addc(p->out, '\n');
	if (heading) {
		add_unescaped(p->out, heading);
		buf_addc(p->out, '\n');
	}
	p->column = TEXT_COLUMN;
}

/* "name (5)," of .BR: two words in two fonts, joined without a space. */
static void add_joined(struct plain *p, const char *words)
{
	const char *space = strchr(words, ' ');
	auto_free char *first = space ? mem_strndup(words, (size_t)(space - words)) : NULL;
	auto_free char *joined = first ? mem_printf("%s%s", first, space + 1) : mem_strdup(words);

	add_text(p, joined);
}

static bool is_request(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line, name, len) == 0 && (line[len] == ' ' || line[len] == '\0');
}

static void set_table(struct plain *p, bool is_table)
{
	end_paragraph(p);
	p->is_table = is_table;
}

/* Other requests, such as comments and .TH, produce no output. */
static void add_request(struct plain *p, const char *line)
{
	const char *rest = line + strcspn(line, " ");

	rest += *rest == ' ';
	if (is_request(line, ".SH") || is_request(line, ".SS"))
		begin(p, rest);
	else if (is_request(line, ".PP") || is_request(line, ".TP"))
		begin(p, NULL);
	else if (is_request(line, ".nf") || is_request(line, ".fi"))
		set_table(p, is_request(line, ".nf"));
	else if (is_request(line, ".BR"))
		add_joined(p, rest);
	else if (is_request(line, ".B") || is_request(line, ".I"))
		add_text(p, rest);
	if (is_request(line, ".TP"))
		p->is_tag = true;
}

void plain_add_page(struct buf *b, const char *roff, size_t width)
{
	auto_buf struct buf page = {0};
	struct plain p = {.out = &page, .width = width, .column = TEXT_COLUMN};

	buf_init(&page, b->max);
	buf_init(&p.words, PARAGRAPH_MAX);
	while (*roff) {
		size_t len = strcspn(roff, "\n");
		auto_free char *line = mem_strndup(roff, len);

		if (line[0] == '.')
			add_request(&p, line);
		else
			add_text(&p, line);
		roff += len + (roff[len] == '\n');
	}
	end_paragraph(&p);
	buf_release(&p.words);
	buf_adds(b, page.data);
}
