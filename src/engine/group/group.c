/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events grouped by fields: a spec compiled, and events put into their rows. What values add up to
 * is cell.c's work, rows are rows.c's, how numbers are written format.c's. It knows no view.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/group/private.h"

/* ---- compiling a spec ---------------------------------------------------------------------- */

static struct filter_parse_options parse_options(const struct group_spec *spec)
{
	return (struct filter_parse_options){
		.fields = spec->fields ? spec->fields : &field_set_syscall};
}

static int spot_event(struct operand *op, struct ast *check, void *arg)
{
	struct column *c = arg;

	if (str_starts(op->field_name, STR("evt.")) || str_starts(op->field_name, STR("syscall.")))
		c->is_of_event = true;
	return 0;
}

static bool adds_up(enum group_agg agg)
{
	return agg == GROUP_SUM || agg == GROUP_RATE || agg == GROUP_AVG;
}

static bool is_number(const struct operand *op)
{
	if (op->kind == OPERAND_TRANSFORM)
		return op->transformer == TR_LEN;
	if (!op->field || op->field->flags & FIELD_LIST)
		return false;
	enum value_type t = op->field->type;
	return t != VT_STR && t != VT_PATH && t != VT_BYTES && t != VT_IP && t != VT_NET;
}

/* The field alone: as a condition first, which has the better words for what is wrong. */
static int parse_field(struct group_table *g, const struct group_spec *spec, struct column *c,
	struct filter_error *fe)
{
	struct filter_parse_options o = parse_options(spec);
	struct str condition = arena_printf(&g->arena, "%.*s exists", STR_ARG(c->c.field));
	struct str format = arena_printf(&g->arena, "*%%%.*s", STR_ARG(c->c.field));
	struct ast *ast;
	int r = filter_parse(&g->arena, condition, &o, &ast, fe);

	if (r < 0)
		return r;
	ast_walk_fields(ast, spot_event, c);
	return format_compile(&g->arena, format, &o, &c->format, fe);
}

static int compile_field(
	struct group_table *g, const struct group_spec *spec, struct column *c, struct err *e)
{
	struct filter_error fe = {0};
	int r = parse_field(g, spec, c, &fe);

	if (r < 0)
		return err_set(e, -r, "column \"%.*s\": the field \"%.*s\": %s", STR_ARG(c->c.name),
			STR_ARG(c->c.field), fe.msg);
	if (format_nfields(c->format) != 1 || !str_eq(format_field_name(c->format, 0), c->c.field))
		return err_set(e, EINVAL,
			"column \"%.*s\": \"%.*s\" is more than one field or transformer",
			STR_ARG(c->c.name), STR_ARG(c->c.field));
	const struct operand *op = format_field_operand(c->format, 0);
	if (adds_up(c->c.agg) && !is_number(op))
		return err_set(e, EINVAL,
			"column \"%.*s\": %.*s is no number and cannot be added up; count it, or "
			"take its last value",
			STR_ARG(c->c.name), STR_ARG(c->c.field));
	return 0;
}

static int compile_filter(struct group_table *g, const struct group_spec *spec, struct str text,
	uint32_t *root, const char *what, struct err *e)
{
	struct filter_parse_options o = parse_options(spec);
	struct filter_error fe = {0};
	struct ast *ast;
	int r = filter_parse(&g->arena, text, &o, &ast, &fe);

	if (r >= 0)
		r = filter_program_add(g->program, ast, root, &fe);
	return r < 0 ? err_set(e, -r, "%s, line %u, column %u: %s", what, fe.pos.line,
			       fe.pos.column, fe.msg)
		     : 0;
}

static int compile_column(
	struct group_table *g, const struct group_spec *spec, size_t i, struct err *e)
{
	const struct group_column *from = &spec->columns[i];
	struct column *c = &g->columns[i];

	c->c = *from;
	c->c.name = arena_str(&g->arena, from->name);
	c->c.field = arena_str(&g->arena, str_trim(from->field));
	c->c.filter = arena_str(&g->arena, from->filter);
	c->c.desc = arena_str(&g->arena, from->desc);
	int r = compile_field(g, spec, c, e);
	if (r < 0 || !from->filter.len)
		return r;
	char what[200];
	struct buf b = {.s = what, .cap = sizeof(what), .max = sizeof(what) - 1};
	buf_printf(&b, "column \"%.*s\": its filter", STR_ARG(str_head(from->name, 100)));
	c->has_filter = true;
	return compile_filter(g, spec, from->filter, &c->root, what, e);
}

static int first_value_column(const struct group_table *g)
{
	for (size_t i = 0; i < g->ncolumns; i++)
		if (g->columns[i].c.agg != GROUP_KEY)
			return (int)i;
	return 0;
}

static int compile(struct group_table *g, const struct group_spec *spec, struct err *e)
{
	bool any_filter = spec->filter.len > 0;
	int r = 0;

	for (size_t i = 0; !r && i < spec->ncolumns; i++) {
		r = compile_column(g, spec, i, e);
		any_filter = any_filter || g->columns[i].has_filter;
		if (g->columns[i].c.agg == GROUP_KEY)
			g->keys[g->nkeys++] = i;
	}
	if (!r && spec->filter.len) {
		g->has_filter = true;
		r = compile_filter(g, spec, spec->filter, &g->root, "the filter", e);
	}
	if (r < 0 || !any_filter)
		return r;
	r = filter_program_seal(g->program, e);
	if (r < 0)
		return r;
	g->eval = filter_eval_new(g->program);
	return g->eval ? 0 : err_set(e, ENOMEM, "out of memory");
}

static bool is_row_of(const void *row_, const void *key)
{
	const struct row *row = row_;
	const struct group_table *g = key;

	for (size_t i = 0; i < g->nkeys; i++)
		if (!value_same(&row->cells[g->keys[i]].v, &g->key_now[i]))
			return false;
	return true;
}

int group_new(const struct group_spec *spec, struct group_table **ret, struct err *e)
{
	struct group_table *g;
	int r;

	if (!spec->ncolumns || spec->sort_column >= (int)spec->ncolumns)
		return err_set(e, EINVAL,
			spec->ncolumns ? "there is no column %d to sort by"
				       : "a table needs a column",
			spec->sort_column);
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&g->arena, 0);
	arena_init(&g->rows_arena, GROUP_ARENA_MAX);
	arena_init(&g->scratch, 0);
	table_init(&g->rows, is_row_of, spec->max_rows ? spec->max_rows : GROUP_ROWS);
	g->ncolumns = spec->ncolumns;
	g->columns = arena_array(&g->arena, struct column, g->ncolumns);
	g->keys = arena_array(&g->arena, size_t, g->ncolumns);
	g->key_now = arena_array(&g->arena, struct value, g->ncolumns);
	g->program = filter_program_new(parse_options(spec).fields);
	r = g->columns && g->keys && g->key_now && g->program ? compile(g, spec, e)
							      : err_set(e, ENOMEM, "out of memory");
	if (r < 0) {
		group_free(g);
		return r;
	}
	g->sort_column = spec->sort_column < 0 ? first_value_column(g) : spec->sort_column;
	g->ascending = spec->ascending;
	g->missing_keys = spec->missing_keys;
	*ret = g;
	return 0;
}

void group_free(struct group_table *g)
{
	if (!g)
		return;
	filter_eval_free(g->eval);
	filter_program_free(g->program);
	table_done(&g->rows);
	arena_done(&g->rows_arena);
	arena_done(&g->scratch);
	arena_done(&g->arena);
	free(g->out);
	free(g->out_values);
	free(g);
}

/* ---- events -------------------------------------------------------------------------------- */

static bool read_keys(struct group_table *g, const struct field_ctx *ctx)
{
	for (size_t i = 0; i < g->nkeys; i++) {
		struct value *v = &g->key_now[i];

		if (!format_field_value(g->columns[g->keys[i]].format, 0, ctx, v)) {
			if (!g->missing_keys)
				return false;
			*v = (struct value){.type = VT_STR, .s = STR_NULL};
			continue;
		}
		if (value_is_text(v))
			v->s = v->s.s ? str_head(v->s, GROUP_TEXT_MAX) : STR("");
	}
	return true;
}

static void add_value(struct group_table *g, struct row *row, size_t i, const struct field_ctx *ctx)
{
	struct column *c = &g->columns[i];
	struct value v;

	if (c->has_filter && !filter_eval_root(g->eval, c->root))
		return;
	if (format_field_value(c->format, 0, ctx, &v))
		cell_add(&row->cells[i], c->c.agg, &v, &g->rows_arena);
}

static bool take(struct group_table *g, const struct field_subject *s, bool is_sample)
{
	struct field_ctx ctx = {s, &g->scratch};

	arena_reset(&g->scratch);
	if (g->eval)
		filter_eval_begin(g->eval, s);
	if ((g->has_filter && !filter_eval_root(g->eval, g->root)) || !read_keys(g, &ctx))
		return false;
	struct row *row = rows_get(g);
	if (!row) {
		g->lost++;
		return false;
	}
	row->events += !is_sample;
	for (size_t i = 0; i < g->ncolumns; i++)
		if (g->columns[i].c.agg != GROUP_KEY && !(is_sample && g->columns[i].is_of_event))
			add_value(g, row, i, &ctx);
	return true;
}

bool group_event(struct group_table *g, const struct field_subject *s)
{
	return take(g, s, false);
}

bool group_sample(struct group_table *g, const struct field_subject *s)
{
	return take(g, s, true);
}

uint64_t group_lost(const struct group_table *g)
{
	return g->lost;
}
