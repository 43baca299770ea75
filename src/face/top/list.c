/* SPDX-License-Identifier: Apache-2.0 */
/* The newest rows of a list view: a ring of texts, whose blocks are used again and again. */
#include <errno.h>
#include <stdlib.h>

#include "face/top/private.h"

enum { ROW_TEXT_MAX = 16384 };

int list_init(struct list *l, size_t ncolumns)
{
	*l = (struct list){.ncolumns = ncolumns, .text = BUF_INIT(ROW_TEXT_MAX)};
	l->cells = calloc(LIST_MAX * ncolumns, sizeof(*l->cells));
	l->blocks = calloc(LIST_MAX, sizeof(*l->blocks));
	l->rooms = calloc(LIST_MAX, sizeof(*l->rooms));
	l->ends = calloc(ncolumns, sizeof(*l->ends));
	if (l->cells && l->blocks && l->rooms && l->ends)
		return 0;
	list_done(l);
	return -ENOMEM;
}

void list_done(struct list *l)
{
	for (size_t i = 0; l->blocks && i < LIST_MAX; i++)
		free(l->blocks[i]);
	free(l->cells);
	free(l->blocks);
	free(l->rooms);
	free(l->ends);
	buf_done(&l->text);
	*l = (struct list){0};
}

/* The place of the next row: when the ring is full, the oldest one's. */
static size_t next_place(struct list *l)
{
	if (l->n < LIST_MAX)
		return (l->first + l->n++) % LIST_MAX;
	size_t at = l->first;
	l->first = (l->first + 1) % LIST_MAX;
	l->lost++;
	return at;
}

static bool fit_block(struct list *l, size_t at, size_t need)
{
	if (need <= l->rooms[at])
		return true;
	size_t room = (need + 127) / 128 * 128;
	char *p = realloc(l->blocks[at], room);
	if (!p)
		return false;
	l->blocks[at] = p;
	l->rooms[at] = room;
	return true;
}

void list_add(struct list *l, const struct view *v, const struct group_row *row)
{
	size_t at = next_place(l), from = 0;
	struct str *cells = &l->cells[at * l->ncolumns];

	buf_clear(&l->text);
	for (size_t i = 0; i < l->ncolumns; i++) {
		group_value_format(&v->columns[i], &row->values[i], &l->text);
		l->ends[i] = l->text.len;
	}
	bool fits = fit_block(l, at, l->text.len + 1);
	if (fits && l->text.len)
		memcpy(l->blocks[at], l->text.s, l->text.len);
	for (size_t i = 0; i < l->ncolumns; i++) {
		bool is_missing = row->values[i].type == VT_STR && !row->values[i].s.s;

		cells[i] = !fits || is_missing ? STR_NULL
					       : str_make(l->blocks[at] + from, l->ends[i] - from);
		from = l->ends[i];
	}
}

struct str list_cell(const struct list *l, size_t row, size_t column)
{
	return l->cells[(l->first + row) % LIST_MAX * l->ncolumns + column];
}
