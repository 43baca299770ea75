/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Events grouped by fields: the one operator behind `koban read --top`, the top and list chisels
 * and the tables of `koban top`. A spec names key columns (fields whose values tell rows apart) and
 * value columns (fields that are added up for each row); events that pass the filter feed it; rows
 * come out sorted. It keeps at most max_rows rows: past that, new keys are counted in `lost`.
 */
#include "engine/field/field.h"

enum group_agg {
	GROUP_KEY,  /* part of the row's identity */
	GROUP_SUM,  /* of numbers */
	GROUP_RATE, /* sum per second of the interval ("TIME_AVG") */
	GROUP_AVG,
	GROUP_MIN,
	GROUP_MAX,
	GROUP_COUNT, /* of events in which the field exists */
	GROUP_LAST,  /* the latest value: names, states */
};

enum group_unit { GROUP_PLAIN, GROUP_BYTES, GROUP_TIME, GROUP_PERCENT };

struct group_column {
	struct str name;   /* heading */
	struct str field;  /* "proc.name", "evt.buflen.in", "toupper(proc.name)" */
	struct str filter; /* only events that pass count in this column; empty = all */
	enum group_agg agg;
	enum group_unit unit;
	unsigned width;  /* characters; 0 = what is left */
	struct str desc; /* one sentence */
};

struct group_spec {
	struct group_column *columns;
	size_t ncolumns;
	struct str filter; /* events that count at all; empty = all */
	int sort_column;   /* -1 = the first value column */
	bool ascending;
	size_t max_rows; /* kept; 0 = 65536 */
};

struct group_row {
	const struct value *values; /* one a column; VT_STR with NULL s = missing */
	uint64_t events;
};

struct group;
/* The spec is copied. -EINVAL with the place of the mistake. */
int group_new(const struct group_spec *spec, struct group **ret, struct err *e);
void group_free(struct group *g);
/* One event after state_apply(). True when it counted. */
bool group_event(struct group *g, const struct field_subject *s);
/*
 * The rows, sorted, good until the next call on g; interval_ns is what rates are divided by. At
 * most max rows (0 = all).
 */
size_t group_rows(struct group *g, uint64_t interval_ns, size_t max, const struct group_row **ret);
/* Sorts by another column from now on. */
void group_sort(struct group *g, int column, bool ascending);
/* Forgets all rows (a new interval). */
void group_clear(struct group *g);
/* Keys that found no room. */
uint64_t group_lost(const struct group *g);
/* A value as people read it: 1.21K, 3.4ms, 12.5%; plain for keys. */
void group_value_format(const struct group_column *c, const struct value *v, struct buf *out);
