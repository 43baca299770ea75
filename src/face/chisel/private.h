/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Kinds of chisels: each is a file and a row in chisel.c; nothing else knows it. */
#include "base/yaml_read.h"
#include "face/chisel/chisel.h"

struct chisel_ops {
	const char *kind; /* "table", "lines", "topology", "script" … */
	/*
	 * What the file says of itself, for the catalogue; strings and args in the arena. 1 = it is
	 * no chisel but something that chisels use. NULL = as YAML files do (file.c).
	 */
	int (*describe)(const char *path, struct arena *a, struct chisel_info *ret, struct err *e);
	int (*open)(struct chisel *c, const struct str *args, size_t nargs, struct err *e);
	int (*event)(struct chisel *c, struct field_subject *s, struct err *e);
	int (*tick)(struct chisel *c, uint64_t now_ns, struct err *e); /* NULL = nothing to do */
	int (*end)(struct chisel *c, struct err *e);
	void (*close)(struct chisel *c);
};

struct chisel {
	const struct chisel_ops *ops;
	const struct chisel_info *info;
	const struct chisel_env *env;
	const uint64_t *codes; /* NULL = all */
	bool wants_internal; /* the sources' own bookkeeping too: scripts, and who asks for it only
			      */
	void *self;          /* the kind's */
};

extern const struct chisel_ops chisel_ops_table;       /* table.c: events grouped */
extern const struct chisel_ops chisel_ops_list;        /* table.c: what there is, once */
extern const struct chisel_ops chisel_ops_lines;       /* lines.c: a line an event */
extern const struct chisel_ops chisel_ops_topology;    /* topology.c: who talks to whom */
extern const struct chisel_ops chisel_ops_spectrogram; /* spectrogram.c: values over time */
extern const struct chisel_ops chisel_ops_script;      /* lua.c: sysdig's API */

/* The kind has opened it: what there is to say for every kind. */
void chisel_opened(struct chisel *c);
/* NULL = no such kind. */
const struct chisel_ops *chisel_kind_find(struct str kind);

/* ---- what YAML chisels have in common (file.c, args.c) ---- */

struct chisel_file {
	struct arena arena;
	struct yaml_reading r;
	const struct yaml_node *root; /* arguments put in; what is not for this run left out */
	struct field_set fields;      /* those of events, and sample.* */
	struct str filter;            /* the file's and those of its arguments; empty = all */
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64];
	bool no_colour; /* an argument says so */
};

int chisel_file_describe(const char *path, struct arena *a, struct chisel_info *ret, struct err *e);
/*
 * Reads the file again with its arguments; `keys` are those of its kind beside the common ones (a
 * NULL-terminated list). Sets c->codes. The err must live as long as f is read from.
 */
int chisel_file_open(struct chisel_file *f, struct chisel *c, const struct str *args, size_t nargs,
	const char *const *keys, struct err *e);
void chisel_file_close(struct chisel_file *f);

/* An argument as the file declares it, and its value. */
struct file_arg {
	struct chisel_arg a;
	struct str filter;    /* goes into the chisel's filter when the argument is given */
	struct str otherwise; /* when it is not */
	struct str preset;    /* its value when it is not given; s NULL = none */
	const struct yaml_node *choices; /* words it can be, each with a condition; NULL = any */
	struct str value;                /* s NULL = neither given nor preset */
	bool is_given;
};

enum arg_place { PLACE_TEXT, PLACE_CONDITION, PLACE_FORMAT };

int args_read(
	struct yaml_reading *r, const struct yaml_node *root, struct file_arg **ret, size_t *ret_n);
/* Puts the values in. -EINVAL names what is missing, too much or of the wrong type. */
int args_set(struct file_arg *args, size_t nargs, const struct chisel_info *info,
	const struct str *values, size_t nvalues, struct err *e);
/* What the argument adds to the chisel's filter, not expanded yet; false = nothing. */
bool args_condition(const struct file_arg *arg, struct str *ret);
/* Replaces each {name} in a text that stands at `at`. */
int args_expand(struct yaml_reading *r, const struct yaml_node *at, const struct file_arg *args,
	size_t nargs, enum arg_place place, struct str *text);

/* ---- tables (table.c) ---- */

struct table_spec {
	struct group_columns columns;
	struct str filter;
	const struct field_set *fields;
	enum group_from from;
	size_t top;        /* rows that are shown; 0 = all */
	uint64_t every_ns; /* printed so often; 0 = at the end, on a terminal once a second */
	bool is_log;       /* what each interval adds goes below what is there */
	bool is_list;      /* at the first event, and that is all */
};

/* Makes c->self, also when it fails: close frees it. The spec's texts are borrowed. */
int table_open(struct chisel *c, const struct table_spec *spec, struct err *e);
/* Which events it can want; copied. */
void table_set_codes(struct chisel *c, const uint64_t *codes);

/* ---- output (text.c) ---- */

struct text_rows {
	const struct group_columns *columns;
	const struct group_row *rows;
	size_t n;
	uint64_t time_ns; /* of the interval; 0 = none */
	bool no_heading;
	unsigned max_width; /* of a screen; 0 = none */
};
/* As a table with a heading, or as JSON lines. */
void text_print_rows(const struct chisel_env *env, const struct text_rows *t);
/* A value as people see it; nothing when it is missing. */
void text_add_value(const struct group_column *c, const struct value *v, struct buf *out);
/* Numbers as numbers, without a unit; what is missing as null. */
void text_add_json_value(const struct value *v, struct buf *out);
/* One line; `time_ns` stands in front when it is not 0. */
void text_add_json_row(const struct group_columns *columns, const struct group_row *row,
	uint64_t time_ns, struct buf *out);
const char *text_colour(struct str name); /* its escape sequence; NULL = no such colour */
