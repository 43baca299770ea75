/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen in memory: characters with styles. What is drawn here can be tested as text; the
 * terminal shows it. No byte of a process's name gets through as a control character.
 */
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/json.h"
#include "face/top/private.h"

int canvas_init(struct canvas *c, int rows, int columns)
{
	*c = (struct canvas){.rows = rows, .columns = columns, .cursor_row = -1};
	c->cells = calloc((size_t)rows * (size_t)columns + 1, sizeof(*c->cells));
	if (!c->cells)
		return -ENOMEM;
	canvas_clear(c);
	return 0;
}

void canvas_done(struct canvas *c)
{
	free(c->cells);
	c->cells = NULL;
}

void canvas_clear(struct canvas *c)
{
	for (int i = 0; i < c->rows * c->columns; i++)
		c->cells[i] = (struct canvas_cell){' ', STYLE_NORMAL};
	c->cursor_row = -1;
}

/* One character off the front; what is no UTF-8 or controls a terminal becomes a visible mark. */
static uint32_t next_char(struct str *s, int *width)
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

int text_width(struct str s)
{
	int sum = 0, width;

	while (s.len) {
		next_char(&s, &width);
		sum += width;
	}
	return sum;
}

static void put(struct canvas *c, int row, int column, uint32_t ch, enum style st)
{
	if (row >= 0 && row < c->rows && column >= 0 && column < c->columns)
		c->cells[row * c->columns + column] = (struct canvas_cell){ch, (uint8_t)st};
}

int canvas_text(struct canvas *c, int row, int column, int width, enum style st, struct str s)
{
	int end = column + width, w;

	if (end > c->columns)
		end = c->columns;
	while (s.len) {
		uint32_t ch = next_char(&s, &w);

		if (column + w > end)
			break;
		put(c, row, column, ch, st);
		if (w == 2)
			put(c, row, column + 1, 0, st);
		column += w;
	}
	return column;
}

void canvas_fill(struct canvas *c, int row, int column, int width, enum style st)
{
	for (int i = 0; i < width; i++)
		put(c, row, column + i, ' ', st);
}

static void add_utf8(struct buf *out, uint32_t ch)
{
	if (ch < 0x80) {
		buf_add_char(out, (char)ch);
		return;
	}
	if (ch < 0x800) {
		buf_add_char(out, (char)(0xc0 | ch >> 6));
	} else {
		if (ch < 0x10000) {
			buf_add_char(out, (char)(0xe0 | ch >> 12));
		} else {
			buf_add_char(out, (char)(0xf0 | ch >> 18));
			buf_add_char(out, (char)(0x80 | (ch >> 12 & 0x3f)));
		}
		buf_add_char(out, (char)(0x80 | (ch >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (ch & 0x3f)));
}

void canvas_format(const struct canvas *c, struct buf *out)
{
	for (int row = 0; row < c->rows; row++) {
		const struct canvas_cell *line = &c->cells[row * c->columns];
		int end = c->columns;

		while (end && line[end - 1].ch == ' ')
			end--;
		for (int i = 0; i < end; i++)
			if (line[i].ch)
				add_utf8(out, line[i].ch);
		buf_add_char(out, '\n');
	}
}
