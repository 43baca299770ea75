/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a grouped table: found by their keys, made on demand, sorted when somebody looks. All
 * of it lies in one arena that keeps its blocks when the rows are forgotten, so that the next
 * interval finds them warm.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/group/private.h"

static uint64_t keys_hash(const struct group_table *g)
{
	uint64_t h = 0;

	for (size_t i = 0; i < g->nkeys; i++)
		h = hash_u64(h) ^ value_hash(&g->key_now[i]);
	return h;
}

static bool is_missing(const struct value *v)
{
	return v->type == VT_STR && !v->s.s;
}

static struct row *make_row(struct group_table *g, uint64_t hash)
{
	struct row *row =
		arena_alloc(&g->rows_arena, sizeof(*row) + g->ncolumns * sizeof(row->cells[0]));

	if (!row)
		return NULL;
	row->hash = hash;
	for (size_t i = 0; i < g->nkeys; i++)
		if (!is_missing(&g->key_now[i]) && !cell_add(&row->cells[g->keys[i]], GROUP_KEY,
							   &g->key_now[i], &g->rows_arena))
			return NULL;
	return row;
}

struct row *rows_get(struct group_table *g)
{
	uint64_t hash = keys_hash(g);
	struct row *row = table_find(&g->rows, hash, g);

	if (row)
		return row;
	if (g->rows.count >= g->rows.cap)
		return NULL;
	size_t slots = g->rows.nslots;
	row = make_row(g, hash);
	if (!row || table_put(&g->rows, hash, row) < 0)
		return NULL;
	g->mallocs += slots != g->rows.nslots;
	return row;
}

size_t group_count(const struct group_table *g)
{
	return g->rows.count;
}

uint64_t group_mallocs(const struct group_table *g)
{
	return g->mallocs + g->rows_arena.nmallocs + g->scratch.nmallocs +
	       (g->eval ? filter_eval_mallocs(g->eval) : 0);
}

void group_clear(struct group_table *g)
{
	/* the slots stay */
	if (g->rows.nslots)
		memset(g->rows.slots, 0, g->rows.nslots * sizeof(*g->rows.slots));
	g->rows.count = g->rows.gone = 0;
	arena_reset(&g->rows_arena);
	g->lost = 0;
}

/* ---- what comes out ------------------------------------------------------------------------ */

static int make_room(struct group_table *g)
{
	size_t n = g->rows.count;

	if (n <= g->out_room && g->out)
		return 0;
	free(g->out);
	free(g->out_values);
	g->out_room = n + n / 4 + 16;
	g->out = calloc(g->out_room, sizeof(*g->out));
	g->out_values = calloc(g->out_room * g->ncolumns, sizeof(*g->out_values));
	g->mallocs += 2;
	if (g->out && g->out_values)
		return 0;
	free(g->out);
	free(g->out_values);
	g->out = NULL;
	g->out_values = NULL;
	g->out_room = 0;
	return -ENOMEM;
}

static int row_order(const void *x, const void *y, void *arg)
{
	const struct group_row *a = x, *b = y;
	const struct group_table *g = arg;
	size_t at = (size_t)g->sort_column;
	bool no_a = is_missing(&a->values[at]), no_b = is_missing(&b->values[at]);
	int order = 0;

	if (no_a != no_b)
		return no_a ? 1 : -1; /* what is missing comes last, either way */
	if (!no_a)
		order = value_order(&a->values[at], &b->values[at]);
	if (order)
		return g->ascending ? order : -order;
	for (size_t i = 0; !order && i < g->nkeys; i++)
		order = value_order(&a->values[g->keys[i]], &b->values[g->keys[i]]);
	return order;
}

size_t group_rows(
	struct group_table *g, uint64_t interval_ns, size_t max, const struct group_row **ret)
{
	size_t n = 0, pos = 0;
	const struct row *row;

	*ret = NULL;
	if (make_room(g) < 0)
		return 0;
	while ((row = table_next(&g->rows, &pos))) {
		struct value *values = &g->out_values[n * g->ncolumns];

		for (size_t i = 0; i < g->ncolumns; i++)
			values[i] = cell_result(&row->cells[i], &g->columns[i], interval_ns);
		g->out[n++] = (struct group_row){.values = values, .events = row->events};
	}
	qsort_r(g->out, n, sizeof(*g->out), row_order, g);
	*ret = g->out;
	return max && n > max ? max : n;
}

void group_sort(struct group_table *g, int column, bool ascending)
{
	if (column >= 0 && (size_t)column < g->ncolumns)
		g->sort_column = column;
	g->ascending = ascending;
}
