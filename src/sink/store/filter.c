/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban's filter language as SQL. The filter room parses and checks; here the tree becomes a
 * condition with bound values. Two things keep its meaning:
 *
 * A comparison with what is missing is false, in SQL it is NULL: AND and OR of NULLs come out as
 * they should, and NOT is written IS NOT TRUE.
 *
 * What SQL does not do exactly as the filter room does (glob, regex, pmatch, icontains,
 * transformers, addresses) is not imitated: the filter room itself judges. SQLite calls it for each
 * value (koban_leaf). PostgreSQL cannot: it is asked for the distinct values, they are judged here,
 * and the condition becomes "is one of those". So both give the same, which a test compares with
 * the evaluation of the same filter in C.
 *
 * Equalities that must hold are also given to the full-text index, which finds their few rows.
 */
#include "sink/store/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	NODES_MAX = 400, /* SQLite's expressions are at most 1000 deep */
	DEPTH_MAX = 60,
	IN_MAX = 300, /* values of one `in` that become parameters */
	LEAVES_MAX = 50,
};

/* ---- parsing -------------------------------------------------------------------------------- */

static int bad(
	struct store_place *place, const struct filter_pos *pos, struct err *e, const char *msg)
{
	if (place)
		*place = (struct store_place){pos->line, pos->column, true};
	return err_set(e, EINVAL, "filter, line %u, column %u: %s", pos->line, pos->column, msg);
}

struct counter {
	unsigned nodes;
	struct store_place *place;
	struct err *e;
};

/* A value that no finding can have is a mistake: say so, and accept any case. */
static int check_names(struct ast *x, struct counter *c)
{
	bool is_priority = false, is_state = false;

	if (x->left.kind != OPERAND_FIELD || (x->op != OP_EQ && x->op != OP_NE && x->op != OP_IN))
		return 0;
	is_priority = strcmp(x->left.field->name, "finding.priority") == 0;
	is_state = strcmp(x->left.field->name, "finding.state") == 0;
	for (size_t i = 0; (is_priority || is_state) && i < x->nright; i++) {
		struct operand *o = &x->right[i];
		enum priority p;
		enum store_state s;

		if (o->kind != OPERAND_LITERAL)
			continue;
		if (is_priority && priority_parse(o->text, &p))
			o->text = str_of(priority_name(p));
		else if (is_priority)
			return bad(c->place, &o->pos, c->e,
				"no such priority; there are Emergency, Alert, Critical, Error, "
				"Warning, Notice, Informational, Debug");
		else if (!store_state_parse(o->text, &s))
			return bad(c->place, &o->pos, c->e,
				"no such state; there are open, acknowledged, resolved, muted");
	}
	return 0;
}

static int check_node(struct ast *x, void *arg)
{
	struct counter *c = arg;

	if (++c->nodes > NODES_MAX)
		return bad(c->place, &x->pos, c->e, "the filter has too many comparisons");
	if (x->kind == AST_IDENT)
		return bad(c->place, &x->pos, c->e, "macros are not known here");
	if (x->kind != AST_CHECK)
		return 0;
	if (x->right_is_ident)
		return bad(c->place, &x->pos, c->e, "lists by name are not known here");
	return check_names(x, c);
}

static int count_field(struct operand *o, struct ast *check, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static int check_two_fields(struct ast *x, void *arg)
{
	struct counter *c = arg;
	unsigned n = 0;

	if (x->kind != AST_CHECK)
		return 0;
	ast_walk_fields(x, count_field, &n);
	if (n > 1)
		return bad(c->place, &x->pos, c->e,
			"two fields cannot be compared with each other here");
	return 0;
}

int filter_text_parse(struct arena *a, struct str text, struct ast **ret, struct store_place *place,
	struct err *e)
{
	struct filter_parse_options o = {.fields = &store_field_set, .max_depth = DEPTH_MAX};
	struct filter_error fe = {0};
	struct counter c = {.place = place, .e = e};
	int rc = 0;

	if (text.len > STORE_FILTER_MAX)
		return err_set(e, EINVAL, "the filter is longer than %d bytes", STORE_FILTER_MAX);
	if (filter_parse(a, text, &o, ret, &fe) < 0)
		return bad(place, &fe.pos, e, fe.msg);
	rc = ast_walk(*ret, check_node, &c);
	if (rc == 0)
		rc = ast_walk(*ret, check_two_fields, &c);
	return rc;
}

int store_filter_check(struct str filter, struct store_place *place, struct err *e)
{
	struct ast *ast = NULL;
	struct arena a;

	arena_init(&a, 16 << 20);
	int rc = filter_text_parse(&a, filter, &ast, place, e);
	arena_done(&a);
	return rc;
}

/* ---- conditions ----------------------------------------------------------------------------- */

struct compiler {
	struct sql *q;
	struct db *db;
	const struct store_query *scope;
	struct filter_sql *out;
	bool reads_record;
	struct err *e;
};

static int add_node(struct compiler *c, const struct ast *x);

/* A value's expression: a column, or a member of the record. */
static int value_sql(struct compiler *c, const struct operand *field, struct buf *out)
{
	const struct store_column *col = store_column_of(field->field);
	const char *path[5] = {col->path[0], col->path[1], col->path[2], col->path[3]};
	size_t n = col->npath;
	char name[128] = "";

	if (col->sql) {
		buf_add_cstr(out, col->sql);
		return 0;
	}
	if (field->arg.text.len && str_copy(field->arg.text, name, sizeof(name)))
		path[n++] = name;
	c->reads_record = true;
	dialect_json(c->q->engine, path, n, col->is_number, out);
	return 0;
}

static const struct operand *only_field(const struct operand *o)
{
	if (o->kind == OPERAND_FIELD)
		return o;
	for (size_t i = 0; i < o->nargs; i++) {
		const struct operand *f = only_field(&o->args[i]);

		if (f)
			return f;
	}
	return NULL;
}

/* The filter room judges this comparison. */
static int add_leaf(struct compiler *c, const struct ast *x)
{
	const struct operand *field = only_field(&x->left);
	struct buf value = BUF_INIT(SQL_TEXT_MAX);
	struct filter_leaf *leaf = NULL;
	int rc = 0;

	if (!field)
		return err_set(c->e, EINVAL, "a comparison in the filter names no field");
	if (c->out->n >= LEAVES_MAX)
		return err_set(c->e, EINVAL, "the filter has too many patterns");
	rc = filter_leaf_new(c->q->arena, x, &leaf, c->e);
	if (rc < 0)
		return rc;
	c->out->leaf[c->out->n++] = leaf;
	rc = value_sql(c, field, &value);
	if (rc == 0 && c->q->engine == DB_SQLITE) {
		sql_add(c->q, "koban_leaf(");
		sql_leaf(c->q, leaf);
		sql_add(c->q, ", ");
		sql_add(c->q, value.s);
		sql_add(c->q, ")");
	} else if (rc == 0) {
		struct str list;

		rc = filter_leaf_values(
			c->db, c->q->arena, leaf, value.s, c->scope, c->reads_record, &list, c->e);
		if (rc == 0) {
			sql_add(c->q, value.s);
			sql_add(c->q, " = ANY (");
			sql_text(c->q, list);
			sql_add(c->q, leaf->is_number ? "::bigint[])" : "::text[])");
		}
	}
	buf_done(&value);
	return rc;
}

static bool is_number_literal(struct str s, int64_t *ret)
{
	return str_to_s64(s, 10, ret);
}

/* Can these literals be bound as they are? */
static bool are_plain(const struct ast *x, const struct store_column *col)
{
	int64_t ignored = 0;

	for (size_t i = 0; i < x->nright; i++) {
		const struct operand *o = &x->right[i];

		if (o->kind != OPERAND_LITERAL)
			return false;
		if (col->is_number && !is_number_literal(o->text, &ignored))
			return false;
		/* the engines differ on these */
		if (!col->is_number && (!o->text.len || memchr(o->text.s, 0, o->text.len)))
			return false;
		if (!utf8_is_good(o->text))
			return false;
	}
	return x->nright <= IN_MAX;
}

static unsigned bind_literal(struct compiler *c, const struct store_column *col, struct str text)
{
	int64_t v = 0;

	if (col->is_number && is_number_literal(text, &v))
		return sql_bind_int(c->q, v);
	return sql_bind_text(c->q, text);
}

static void add_in(
	struct compiler *c, const struct ast *x, const struct store_column *col, const char *value)
{
	sql_add(c->q, value);
	sql_add(c->q, " IN (");
	for (size_t i = 0; i < x->nright; i++) {
		unsigned n = bind_literal(c, col, x->right[i].text);

		buf_printf(&c->q->text, "%s?%u", i ? ", " : "", n);
	}
	sql_add(c->q, ")");
}

/* A comparison in SQL; false if that would not be exact. */
static bool add_plain(struct compiler *c, const struct ast *x, const char *value)
{
	const struct store_column *col = store_column_of(x->left.field);
	bool is_text_op = x->op == OP_CONTAINS || x->op == OP_STARTSWITH || x->op == OP_ENDSWITH;

	if (x->op == OP_EXISTS) {
		sql_add(c->q, value);
		sql_add(c->q, " IS NOT NULL");
		return true;
	}
	if (x->left.field->type == VT_IP || x->modifier != MOD_NONE || !x->nright ||
		!are_plain(x, col))
		return false;
	if (x->op == OP_IN || x->op == OP_INTERSECTS) {
		add_in(c, x, col, value);
		return true;
	}
	if (x->nright != 1 || (is_text_op && col->is_number))
		return false;
	/* The number is written before it is known to be needed: an unused one is no fault. */
	if (!dialect_can_compare(x->op))
		return false;
	unsigned n = bind_literal(c, col, x->right[0].text);
	return dialect_compare(c->q->engine, x->op, value, n, &c->q->text);
}

/* The rule's tags: a list, compared as such. */
static int add_tags(struct compiler *c, const struct ast *x)
{
	static const char some[] = "EXISTS (SELECT 1 FROM rule_tag t WHERE t.rule = f.rule";

	for (size_t i = 0; i < x->nright; i++)
		if (x->right[i].kind != OPERAND_LITERAL)
			return err_set(c->e, EINVAL, "finding.tags is compared with values only");
	if (x->nright > IN_MAX)
		return err_set(c->e, EINVAL, "too many tags in the filter");
	sql_add(c->q, some);
	if (x->op == OP_EXISTS) {
		sql_add(c->q, ")");
		return 0;
	}
	if (x->op == OP_IN) { /* there are some, and none is another */
		sql_add(c->q, ") AND NOT ");
		sql_add(c->q, some);
	}
	sql_add(c->q, x->op == OP_IN ? " AND t.tag NOT IN (" : " AND t.tag IN (");
	for (size_t i = 0; i < x->nright; i++) {
		sql_add(c->q, i ? ", " : "");
		sql_text(c->q, x->right[i].text);
	}
	sql_add(c->q, "))");
	return 0;
}

static int add_check(struct compiler *c, const struct ast *x)
{
	const struct operand *field = only_field(&x->left);
	struct buf value = BUF_INIT(SQL_TEXT_MAX);
	bool done = false;
	int rc = 0;

	if (field && store_column_of(field->field)->is_list) {
		if (x->left.kind != OPERAND_FIELD)
			return err_set(c->e, EINVAL, "finding.tags cannot be transformed here");
		return add_tags(c, x);
	}
	if (x->left.kind == OPERAND_FIELD) {
		rc = value_sql(c, &x->left, &value);
		done = rc == 0 && add_plain(c, x, value.s);
	}
	buf_done(&value);
	return rc < 0 || done ? rc : add_leaf(c, x);
}

static int add_kids(struct compiler *c, const struct ast *x, const char *between)
{
	for (size_t i = 0; i < x->nkids; i++) {
		if (i)
			sql_add(c->q, between);
		int rc = add_node(c, x->kids[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_node(struct compiler *c, const struct ast *x)
{
	int rc = 0;

	sql_add(c->q, "(");
	switch (x->kind) {
	case AST_AND:
		rc = add_kids(c, x, " AND ");
		break;
	case AST_OR:
		rc = add_kids(c, x, " OR ");
		break;
	case AST_NOT:
		rc = add_node(c, x->kids[0]);
		sql_add(c->q, " IS NOT TRUE");
		break;
	case AST_CHECK:
		rc = add_check(c, x);
		break;
	case AST_TRUE:
		sql_add(c->q, "1 = 1");
		break;
	default:
		sql_add(c->q, "1 = 0");
		break;
	}
	sql_add(c->q, ")");
	return rc;
}

int filter_to_sql(struct sql *q, const struct ast *ast, struct search *search, struct db *db,
	const struct store_query *scope, struct filter_sql **ret, bool *ret_reads_record,
	struct err *e)
{
	struct compiler c = {.q = q, .db = db, .scope = scope, .e = e};
	int rc = 0;

	c.out = arena_new(q->arena, struct filter_sql);
	if (c.out)
		c.out->leaf = arena_array(q->arena, struct filter_leaf *, LEAVES_MAX);
	if (!c.out || !c.out->leaf)
		return err_set(e, ENOMEM, "no memory for a filter");
	*ret = c.out;
	filter_narrow(q->arena, ast, search);
	rc = add_node(&c, ast);
	*ret_reads_record = c.reads_record;
	return rc;
}

void filter_sql_free(struct filter_sql *f)
{
	for (size_t i = 0; f && i < f->n; i++)
		filter_leaf_done(f->leaf[i]);
}
