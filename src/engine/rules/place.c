/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a byte of a condition was written. The parser sees one text per condition, but that text
 * was folded by YAML, joined from appends, and had lists put into it. A composed text keeps spans
 * that lead back to YAML scalars; inside a scalar, the decoded text and the file are walked side by
 * side, skipping blanks, which is where folding makes them differ.
 */
#include "engine/rules/private.h"

enum { SNIPPET_WIDTH = 150 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct source *source_new(struct arena *a, struct load_file *report, struct str text)
{
	struct source *src = arena_new(a, struct source);
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.s[i] == '\n';
	size_t *lines = src ? arena_array(a, size_t, n) : NULL;
	if (!lines)
		return NULL;
	*src = (struct source){.report = report, .text = text, .lines = lines, .nlines = n};
	for (size_t i = 0, line = 1; i < text.len; i++)
		if (text.s[i] == '\n')
			lines[line++] = i + 1;
	return src;
}

/* Columns count characters, as libyaml does; bytes that are no UTF-8 count one each. */
size_t source_offset(const struct source *src, unsigned line, unsigned column)
{
	if (line == 0 || line > src->nlines)
		return src->text.len;
	size_t at = src->lines[line - 1];

	for (unsigned c = 1; c < column && at < src->text.len && src->text.s[at] != '\n'; c++) {
		at++;
		while (at < src->text.len && ((unsigned char)src->text.s[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

struct place place_of(const struct source *src, const struct yaml_node *n)
{
	if (!n)
		return (struct place){src, 1, 1};
	return (struct place){src, n->line, n->column};
}

static struct place place_at(const struct source *src, size_t offset)
{
	size_t lo = 0, hi = src->nlines;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (src->lines[mid] <= offset)
			lo = mid;
		else
			hi = mid;
	}
	unsigned column = 1;

	for (size_t i = src->lines[lo]; i < offset && i < src->text.len; i++)
		column += ((unsigned char)src->text.s[i] & 0xc0) != 0x80;
	return (struct place){src, (unsigned)lo + 1, column};
}

/* The first byte of the scalar's content in the file: past a quote or a block header. */
static size_t content_start(const struct source *src, const struct yaml_node *n)
{
	size_t at = source_offset(src, n->line, n->column);

	if (n->plain || at >= src->text.len)
		return at;
	if (src->text.s[at] == '"' || src->text.s[at] == '\'')
		return at + 1;
	while (at < src->text.len && src->text.s[at] != '\n')
		at++;
	return at;
}

struct place place_in_scalar(const struct source *src, const struct yaml_node *n, size_t offset)
{
	struct str raw = src->text, text = n->text;
	size_t at = content_start(src, n);

	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && is_blank(text.s[i]) && i != offset)
			continue;
		while (at < raw.len && is_blank(raw.s[at]))
			at++;
		if (i == offset || i == text.len)
			return place_at(src, at);
		if (at < raw.len && raw.s[at] != text.s[i] &&
			(raw.s[at] == '\\' || raw.s[at] == '\''))
			at++; /* an escape in a quoted scalar */
		if (at >= raw.len || raw.s[at] != text.s[i])
			break;
		at++;
	}
	return place_of(src, n);
}

struct str place_snippet(struct arena *a, struct place p)
{
	const struct source *src = p.src;

	if (!src || src->text.len == 0)
		return STR_NULL;
	size_t at = source_offset(src, p.line, p.column), from, to;

	/* a place past the end or on an empty line: show the last line that says something */
	while (at > 0 && (at >= src->text.len || src->text.s[at] == '\n'))
		at--;
	for (from = at; from > 0 && src->text.s[from - 1] != '\n' && at - from < SNIPPET_WIDTH / 2;
		from--)
		;
	for (to = at; to < src->text.len && to < from + SNIPPET_WIDTH && src->text.s[to] != '\n' &&
		      src->text.s[to] != '\r';
		to++)
		;
	while (from < at && ((unsigned char)src->text.s[from] & 0xc0) == 0x80)
		from++;
	while (to > at && to < src->text.len && ((unsigned char)src->text.s[to] & 0xc0) == 0x80)
		to--;
	struct buf b = BUF_INIT(4 * SNIPPET_WIDTH);

	buf_add(&b, str_make(src->text.s + from, to - from));
	buf_add_char(&b, '\n');
	for (size_t i = from; i < at; i++)
		if (((unsigned char)src->text.s[i] & 0xc0) != 0x80)
			buf_add_char(&b, src->text.s[i] == '\t' ? '\t' : ' ');
	buf_add_cstr(&b, "^\n");
	struct str ret = arena_str(a, buf_str(&b));

	buf_done(&b);
	return ret;
}

void composed_add(struct composed *c, struct str s, const struct span *from)
{
	if (s.len == 0)
		return;
	size_t n = c->nspans;

	if ((n & (n - 1)) == 0) {
		struct span *more = arena_array(c->arena, struct span, n ? n * 2 : 1);

		if (!more) {
			c->text.cut = true;
			return;
		}
		if (n)
			memcpy(more, c->spans, n * sizeof(*more));
		c->spans = more;
	}
	c->spans[n] = *from;
	c->spans[n].start = c->text.len;
	c->nspans++;
	buf_add(&c->text, s);
}

void composed_done(struct composed *c)
{
	buf_done(&c->text);
}

const struct span *composed_span(const struct composed *c, size_t pos)
{
	size_t lo = 0, hi = c->nspans;

	if (hi == 0)
		return NULL;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->spans[mid].start <= pos)
			lo = mid;
		else
			hi = mid;
	}
	return &c->spans[lo];
}

struct place composed_place(const struct composed *c, size_t pos, const struct context *fallback)
{
	const struct span *sp = composed_span(c, pos);

	if (!sp || !sp->ctx)
		return fallback->at;
	if (!sp->scalar)
		return sp->ctx->at;
	return place_in_scalar(
		sp->ctx->at.src, sp->scalar, sp->offset + (sp->fixed ? 0 : pos - sp->start));
}
