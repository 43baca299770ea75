/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen in memory: characters with styles. What is drawn here can be tested as text; the
 * terminal shows it. No byte of a process's name gets through as a control character.
 */
#include <errno.h>
#include <stdlib.h>

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
		uint32_t ch = text_next(&s, &w);

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

void canvas_format(const struct canvas *c, struct buf *out)
{
	for (int row = 0; row < c->rows; row++) {
		const struct canvas_cell *line = &c->cells[row * c->columns];
		int end = c->columns;

		while (end && line[end - 1].ch == ' ')
			end--;
		for (int i = 0; i < end; i++)
			if (line[i].ch)
				text_add_char(out, line[i].ch);
		buf_add_char(out, '\n');
	}
}
