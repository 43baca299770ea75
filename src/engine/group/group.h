/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Events grouped by fields: the one operator behind the tables of `koban top`, of chisels and of
 * `koban read --top`. A spec names key columns (fields whose values tell rows apart) and value
 * columns (fields that are added up for each row); events that pass the filter feed it; rows come
 * out sorted. It keeps at most max_rows rows: past that, new keys are counted in `lost`.
 */
#include "base/yaml_read.h"
#include "engine/field/field.h"

enum group_agg {
	GROUP_KEY,  /* part of the row's identity */
	GROUP_SUM,  /* of numbers */
	GROUP_RATE, /* sum per second of the interval ("TIME_AVG") */
	GROUP_AVG,
	GROUP_MIN,
	GROUP_MAX,
	GROUP_COUNT,    /* of events in which the field exists */
	GROUP_LAST,     /* the latest value: names, states */
	GROUP_DISTINCT, /* how many different values: addresses, files, processes */
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
	size_t max_rows;                /* kept; 0 = 65536 */
	const struct field_set *fields; /* what columns may name; NULL = field_set_syscall */
	bool missing_keys; /* a key may be missing: a row of its own; else there is no row */
};

struct group_row {
	const struct value *values; /* one a column; VT_STR with NULL s = missing */
	uint64_t events;            /* 0 for a row that was only sampled */
};

/* `struct group` is the state's: a group of users. */
struct group_table;
/*
 * The spec is copied. -EINVAL with the column or filter and the place in its text; -ENOMEM. Adding
 * up text is an error; so is a column for conditions only.
 */
int group_new(const struct group_spec *spec, struct group_table **ret, struct err *e);
void group_free(struct group_table *g);
/*
 * One event after state_apply(). True when it counted: it passed the filter, has all keys, and
 * there was room. Allocates nothing once its keys are known and its texts have been as long.
 */
bool group_event(struct group_table *g, const struct field_subject *s);
/*
 * Something that is there, event or not: a process, a descriptor of the state, in the clothes of an
 * event of `s` (code EV_PROCINFO). It makes its row, and counts in columns whose fields are not of
 * the event (none of "evt."), but is no event of the row.
 */
bool group_sample(struct group_table *g, const struct field_subject *s);
/*
 * The rows, sorted, good until the next call on g; interval_ns is what rates are divided by (0 =
 * not at all). At most max rows (0 = all). A rate of times in GROUP_PERCENT is the share of the
 * interval.
 */
size_t group_rows(
	struct group_table *g, uint64_t interval_ns, size_t max, const struct group_row **ret);
/* Sorts by another column from now on. */
void group_sort(struct group_table *g, int column, bool ascending);
/* Forgets all rows (a new interval). */
void group_clear(struct group_table *g);
/* Events whose key found no room. */
uint64_t group_lost(const struct group_table *g);
/* How many rows there are now. */
size_t group_count(const struct group_table *g);
/* Calls to malloc so far: stands still once it is warm. */
uint64_t group_mallocs(const struct group_table *g);
/* A value as people read it: 1.21K, 3.40ms, 12.5; plain without a unit; nothing when missing. */
void group_value_format(const struct group_column *c, const struct value *v, struct buf *out);

/* ---- what is there, event or not ------------------------------------------------------------- */

/* What a process uses, since it was asked for last. */
struct group_usage {
	double cpu_percent; /* of one CPU */
	uint64_t vsize_bytes, rss_bytes;
	uint64_t faults_major, faults_minor;
	bool has_cpu; /* false the first time */
};

enum group_from {
	GROUP_FROM_EVENTS, /* nothing is sampled */
	GROUP_FROM_PROCESSES,
	GROUP_FROM_THREADS,
	GROUP_FROM_DESCRIPTORS,
	GROUP_FROM_CONTAINERS,
};

struct group_samples {
	struct state *state;
	/* NULL, or false: as the state knows it */
	bool (*usage)(void *arg, const struct process *p, struct group_usage *ret);
	void *arg;
};
/*
 * Every process, thread, descriptor or container of the state goes by in the clothes of an event,
 * for group_sample() or a format. Beside the usual fields it has those of group_field_set().
 */
void group_samples_take(const struct group_samples *what, enum group_from from, uint64_t now_ns,
	void (*fn)(const struct field_subject *s, void *arg), void *arg);
/* The fields of events, and sample.*: the classes' array is in the arena. 0 or -ENOMEM. */
int group_field_set(struct arena *a, struct field_set *ret);

/* ---- columns as data ----------------------------------------------------------------------- */

enum { GROUP_COLUMNS_MAX = 64 };

struct group_columns {
	struct group_column *columns;
	bool *hidden;
	size_t n, nkeys;
	int sort; /* the column that sorts; -1 = none says so */
	bool ascending;
};
/* The "columns" of a view or a chisel, each compiled once to name its mistakes with their line. */
int group_columns_read(struct yaml_reading *r, const struct yaml_node *map,
	const struct field_set *fields, struct group_columns *ret);
/* The same for a condition, which stands at `at`. */
int group_filter_check(struct yaml_reading *r, const struct yaml_node *at, struct str filter,
	const struct field_set *fields);
