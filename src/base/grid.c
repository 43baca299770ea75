/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts in columns. It knows characters and their widths, and neither where the texts come from nor
 * a terminal: face/top has a canvas for that.
 */
#include "base/grid.h"

#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/json.h"

enum { GRID_BYTES = 256 << 20 };

uint32_t text_next(struct str *s, int *width)
{
	size_t n = utf8_len(*s);
	unsigned char first = (unsigned char)s->s[0];
	uint32_t ch = first;

	if (n > 1) {
		ch = first & (0x7fU >> n);
		for (size_t i = 1; i < n; i++)
			ch = ch << 6 | ((unsigned char)s->s[i] & 0x3f);
	}
	*s = str_skip(*s, n ? n : 1);
	*width = 1;
	if (!n)
		return 0xfffd;
	if (ch < 32 || (ch >= 127 && ch < 160))
		return 0xb7;
	if (ch > 127)
		*width = wcwidth((wchar_t)ch);
	if (*width < 1) { /* combining, bidirectional marks: nothing that moves others */
		*width = 1;
		return 0xfffd;
	}
	return ch;
}

void text_add_char(struct buf *out, uint32_t ch)
{
	char bytes[4];

	buf_add(out, str_make(bytes, utf8_put(bytes, ch)));
}

void text_add_visible(struct buf *out, struct str text)
{
	int width;

	while (text.len)
		text_add_char(out, text_next(&text, &width));
}

int text_width(struct str s)
{
	int sum = 0, width;

	while (s.len) {
		text_next(&s, &width);
		sum += width;
	}
	return sum;
}

void text_add_padded(struct buf *out, struct str text, int width, bool right)
{
	int blanks = width - text_width(text);

	for (int i = 0; right && i < blanks; i++)
		buf_add_char(out, ' ');
	buf_add(out, text);
	for (int i = 0; !right && i < blanks; i++)
		buf_add_char(out, ' ');
}

struct str text_head(struct str text, int width)
{
	struct str rest = text;
	int sum = 0, w;

	while (rest.len) {
		struct str before = rest;

		text_next(&rest, &w);
		sum += w;
		if (sum > width)
			return str_head(text, text.len - before.len);
	}
	return text;
}

void grid_init(struct grid *g, struct grid_column *columns, size_t n)
{
	*g = (struct grid){.columns = columns, .ncolumns = n, .text = BUF_INIT(GRID_BYTES)};
	for (size_t i = 0; i < n; i++) {
		int w = text_width(columns[i].name);

		columns[i].width = w > columns[i].width ? w : columns[i].width;
	}
}

void grid_done(struct grid *g)
{
	buf_done(&g->text);
	free(g->ends);
	g->ends = NULL;
}

static bool make_room(struct grid *g)
{
	size_t room = g->room ? g->room * 2 : 256;
	size_t *ends;

	if (g->ncells < g->room)
		return true;
	ends = realloc(g->ends, room * sizeof(*ends));
	if (!ends)
		return false;
	g->ends = ends;
	g->room = room;
	return true;
}

static struct str cell(const struct grid *g, size_t i)
{
	size_t from = i ? g->ends[i - 1] : 0;

	return str_make(g->text.s + from, g->ends[i] - from);
}

void grid_add(struct grid *g, struct str text)
{
	if (g->no_memory || g->text.cut || !make_room(g)) {
		g->no_memory = true;
		return;
	}
	struct grid_column *c = &g->columns[g->ncells % g->ncolumns];
	json_add_escaped(&g->text, text);
	g->ends[g->ncells] = g->text.len;
	int w = text_width(cell(g, g->ncells++));
	c->width = w > c->width ? w : c->width;
}

/* At the edge of the screen; and no blanks at the end. */
static void cut_line(const struct grid *g, size_t start, struct buf *out)
{
	if (g->max_width && out->s)
		out->len = start + text_head(str_skip(buf_str(out), start), g->max_width).len;
	while (out->s && out->len > start && out->s[out->len - 1] == ' ')
		out->len--;
}

int grid_print(const struct grid *g, struct buf *out)
{
	size_t nrows = g->ncolumns ? g->ncells / g->ncolumns : 0;

	for (size_t row = g->no_heading; row <= nrows; row++) {
		size_t start = out->len;

		for (size_t i = 0; i < g->ncolumns; i++) {
			const struct grid_column *c = &g->columns[i];
			bool is_last = i == g->ncolumns - 1;
			struct str text = row ? cell(g, (row - 1) * g->ncolumns + i) : c->name;

			text_add_padded(out, text, is_last && !c->right ? 0 : c->width, c->right);
			buf_add_cstr(out, is_last ? "" : "  ");
		}
		cut_line(g, start, out);
		buf_add_char(out, '\n');
	}
	return g->no_memory || out->cut ? -ENOMEM : 0;
}
