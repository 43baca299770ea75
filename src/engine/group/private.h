/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What group.c, rows.c and cell.c share. */
#include "engine/group/group.h"

enum {
	GROUP_ROWS = 65536,          /* unless the spec says */
	GROUP_TEXT_MAX = 4096,       /* bytes of one text; longer ones are cut */
	GROUP_ARENA_MAX = 256 << 20, /* all rows with their texts */
	GROUP_DISTINCT_MAX = 1 << 20 /* different values of one cell that are told apart */
};

/* What a row has gathered for one column. */
struct cell {
	struct value v; /* key, sum, extreme, latest */
	uint64_t n;     /* how many values; 0 = missing */
	uint32_t room;  /* bytes behind v.s that are this cell's own; slots of `seen` */
	uint64_t *seen; /* hashes of the values that were there: GROUP_DISTINCT */
};

struct row {
	uint64_t hash, events;
	struct cell cells[]; /* one a column */
};

struct column {
	struct group_column c; /* texts are in the table's arena */
	struct format *format; /* of one field */
	uint32_t root;         /* of its filter */
	bool has_filter, is_of_event;
};

struct group_table {
	struct arena arena; /* spec and formats */
	struct column *columns;
	size_t ncolumns;
	size_t *keys; /* indexes of key columns */
	size_t nkeys;
	struct filter_program *program;
	struct filter_eval *eval; /* NULL when nothing has a filter */
	uint32_t root;
	bool has_filter, ascending, missing_keys;
	int sort_column;

	struct table rows;
	struct arena rows_arena;
	struct arena scratch;  /* of the event at hand */
	struct value *key_now; /* of the event at hand, in order of `keys` */
	uint64_t lost, mallocs;

	struct group_row *out; /* what group_rows() gave last */
	struct value *out_values;
	size_t out_room;
};

bool value_is_text(const struct value *v);
bool value_same(const struct value *a, const struct value *b);
/* <0, 0, >0; numbers of different types by size, text behind numbers. */
int value_order(const struct value *a, const struct value *b);
uint64_t value_hash(const struct value *v);
double value_number(const struct value *v);
/* Adds a value to a cell; false when there was no memory for a text. */
bool cell_add(struct cell *cell, enum group_agg agg, const struct value *v, struct arena *a);
/* What the cell amounts to. */
struct value cell_result(const struct cell *cell, const struct column *c, uint64_t interval_ns);
/* The row of key_now, made when it is new; NULL when there is no room. */
struct row *rows_get(struct group_table *g);
