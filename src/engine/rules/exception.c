/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of a rule: their check, and the condition text that they stand for. A rule
 * with exceptions a and b is `(condition) and not (a) and not (b)`; one field with many values is
 * `(field in (v1, v2))`, several fields are tuples, `((f1 = a and f2 = b) or (…))`.
 */
#include "engine/rules/private.h"

#include <errno.h>

static const char *const list_ops[] = {"in", "intersects", "pmatch"};
static const char *const modifiers[] = {"oneof", "anyof", "allof"};

static bool is_list_op(struct str op)
{
	for (size_t i = 0; i < 3; i++)
		if (str_is(op, list_ops[i]))
			return true;
	return false;
}

static bool is_op(struct str op)
{
	if (str_is(op, "=="))
		return true;
	for (int i = 0; i < OP_COUNT; i++)
		if (str_is(op, cmp_op_name((enum cmp_op)i)))
			return true;
	return false;
}

/* "startswith oneof" and the like: a string operator with a modifier. */
static bool is_modified_op(struct str op)
{
	static const char *const plain[] = {"<", "<=", ">", ">=", "exists"};
	struct str base = str_cut(&op, ' '), mod = str_trim(op);
	bool ok = is_op(base) && !is_list_op(base);

	for (size_t i = 0; i < 5; i++)
		ok = ok && !str_is(base, plain[i]);
	for (size_t i = 0; ok && i < 3; i++)
		if (str_is(mod, modifiers[i]))
			return true;
	return false;
}

static int bad(struct loader *l, const struct exception_def *ex, const char *what, struct str s)
{
	issue_add(l, LOAD_ERR_VALIDATE, ex->ctx, "exception '%.*s': '%.*s' %s", STR_ARG(ex->name),
		STR_ARG(str_head(s, 100)), what);
	return -EINVAL;
}

static int check_field(struct loader *l, const struct exception_def *ex, struct str name)
{
	/* a transformer call is the parser's to judge */
	if (str_find_char(name, '(') >= 0)
		return 0;
	struct str text = arena_printf(&l->tmp, "%.*s exists", STR_ARG(name));
	struct filter_parse_options o = {.fields = &field_set_syscall, .source = "syscall"};
	struct filter_error fe;
	struct ast *ast;

	if (filter_parse(&l->tmp, text, &o, &ast, &fe) == 0)
		return 0;
	issue_add(l, LOAD_ERR_VALIDATE, ex->ctx, "exception '%.*s': '%.*s' is no field%s",
		STR_ARG(ex->name), STR_ARG(str_head(name, 100)), suggest_field(l, name));
	return -EINVAL;
}

static int check_tuple(struct loader *l, struct exception_def *ex, bool source_known)
{
	struct exception_entry *fields = &ex->fields, *comps = &ex->comps;

	if (!comps->is_set) {
		comps->is_set = comps->is_list = true;
		comps->nitems = fields->nitems;
		comps->items = arena_array(&l->tmp, struct exception_entry, fields->nitems + 1);
		for (size_t i = 0; comps->items && i < comps->nitems; i++)
			comps->items[i] =
				(struct exception_entry){.is_set = true, .item = STR("=")};
		if (!comps->items)
			return -ENOMEM;
	}
	if (!comps->is_list || comps->nitems != fields->nitems) {
		issue_add(l, LOAD_ERR_VALIDATE, ex->ctx,
			"exception '%.*s': fields and comps must have the same length (%zu and "
			"%zu)",
			STR_ARG(ex->name), fields->nitems, comps->is_list ? comps->nitems : 1);
		return -EINVAL;
	}
	for (size_t i = 0; i < comps->nitems; i++) {
		struct str *op = &comps->items[i].item;

		*op = str_trim(*op);
		if (!is_op(*op) && !is_modified_op(*op))
			return bad(l, ex, "is no comparison operator", *op);
	}
	for (size_t i = 0; source_known && i < fields->nitems; i++)
		if (check_field(l, ex, fields->items[i].item) < 0)
			return -EINVAL;
	return 0;
}

int exception_check(struct loader *l, struct exception_def *ex, bool source_known)
{
	struct exception_entry *comps = &ex->comps;

	if (ex->fields.is_list)
		return check_tuple(l, ex, source_known);
	if (!comps->is_set)
		*comps = (struct exception_entry){.is_set = true, .item = STR("in")};
	if (comps->is_list) {
		issue_add(l, LOAD_ERR_VALIDATE, ex->ctx,
			"exception '%.*s': comps must be one operator, as fields is one field",
			STR_ARG(ex->name));
		return -EINVAL;
	}
	comps->item = str_trim(comps->item);
	if (!is_list_op(comps->item) && !is_modified_op(comps->item))
		return bad(l, ex,
			"is not possible with a single field: use in, pmatch, intersects, or a "
			"string operator with oneof, anyof, allof",
			comps->item);
	return source_known ? check_field(l, ex, ex->fields.item) : 0;
}

/* ---- text ----------------------------------------------------------------------------------- */

static bool has_any(struct str s, const char *set)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] && strchr(set, s.s[i]))
			return true;
	return false;
}

void quote_word(struct buf *out, struct str s, bool in_list)
{
	bool blank = has_any(s, " \t\r\n");
	bool quoted = s.len > 0 && (s.s[0] == '"' || s.s[0] == '\'');

	/* as a right-hand side by itself, name(…) without blanks is a transformer call */
	if (quoted || (s.len > 0 && !blank && !has_any(s, in_list ? "\"'(),=" : "\"',=")) ||
		(!in_list && !blank && str_find_char(s, '(') > 0)) {
		buf_add(out, s);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '"' || s.s[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.s[i]);
	}
	buf_add_char(out, '"');
}

/* The right-hand side for one field of a tuple. */
static void add_value(struct buf *out, struct str op, const struct exception_entry *v)
{
	bool list = is_list_op(op) || is_modified_op(op);

	if (!v->is_list && !list) {
		quote_word(out, v->item, false);
		return;
	}
	if (!v->is_list && v->item.len && v->item.s[0] == '(') {
		buf_add(out, v->item);
		return;
	}
	buf_add_char(out, '(');
	if (!v->is_list && str_find_char(v->item, ',') >= 0)
		buf_add(out, v->item); /* "a, b" is a list written as text */
	else if (!v->is_list)
		quote_word(out, v->item, true);
	for (size_t i = 0; v->is_list && i < v->nitems; i++) {
		if (i)
			buf_add_cstr(out, ", ");
		quote_word(out, v->items[i].item, true);
	}
	buf_add_char(out, ')');
}

static int compose_scalar(struct loader *l, const struct exception_def *ex, struct buf *out)
{
	for (size_t i = 0; i < ex->nvalues; i++) {
		const struct exception_entry *v = &ex->values[i];

		if (v->is_list) {
			issue_add(l, LOAD_ERR_VALIDATE, ex->ctx,
				"exception '%.*s' has a single field, so its values must be single "
				"values, not sequences",
				STR_ARG(ex->name));
			return -EINVAL;
		}
		if (i == 0)
			buf_printf(out, "(%.*s %.*s (", STR_ARG(ex->fields.item),
				STR_ARG(ex->comps.item));
		else
			buf_add_cstr(out, ", ");
		quote_word(out, v->item, true);
	}
	if (ex->nvalues)
		buf_add_cstr(out, "))");
	return 0;
}

static int compose_tuples(struct loader *l, const struct exception_def *ex, struct buf *out)
{
	for (size_t i = 0; i < ex->nvalues; i++) {
		const struct exception_entry *v = &ex->values[i];

		if (!v->is_list || v->nitems != ex->fields.nitems) {
			issue_add(l, LOAD_ERR_VALIDATE, ex->ctx,
				"exception '%.*s' has %zu fields, but its values[%zu] has %zu",
				STR_ARG(ex->name), ex->fields.nitems, i,
				v->is_list ? v->nitems : 1);
			return -EINVAL;
		}
		buf_add_cstr(out, i ? " or (" : "((");
		for (size_t k = 0; k < v->nitems; k++) {
			buf_printf(out, "%s%.*s %.*s ", k ? " and " : "",
				STR_ARG(ex->fields.items[k].item),
				STR_ARG(ex->comps.items[k].item));
			add_value(out, ex->comps.items[k].item, &v->items[k]);
		}
		buf_add_char(out, ')');
	}
	if (ex->nvalues)
		buf_add_char(out, ')');
	return 0;
}

static void note_details(
	struct loader *l, const struct exception_def *ex, struct rule_details *details)
{
	struct arena *a = &l->tmp;

	name_set_add(l, a, &details->exception_names, ex->name);
	if (!ex->fields.is_list) {
		name_set_add(l, a, &details->exception_fields, ex->fields.item);
		name_set_add(l, a, &details->exception_operators, ex->comps.item);
	}
	for (size_t i = 0; ex->fields.is_list && i < ex->fields.nitems; i++) {
		name_set_add(l, a, &details->exception_fields, ex->fields.items[i].item);
		name_set_add(l, a, &details->exception_operators, ex->comps.items[i].item);
	}
}

void written_compose(struct composed *out, const struct written *w)
{
	for (size_t i = 0; i < w->pieces->nspans; i++) {
		const struct span *sp = &w->pieces->spans[i];
		size_t end = i + 1 < w->pieces->nspans ? sp[1].start : w->text.len;

		composed_add(out, str_make(w->text.s + sp->start, end - sp->start), sp);
	}
}

int exceptions_compose(struct loader *l, const struct rule_def *r, struct composed *out,
	struct rule_details *details)
{
	struct span own = {.ctx = r->cond.ctx};

	if (!r->exceptions) {
		written_compose(out, &r->cond);
		return 0;
	}
	composed_add(out, STR("("), &own);
	written_compose(out, &r->cond);
	composed_add(out, STR(")"), &own);
	for (const struct exception_def *ex = r->exceptions; ex; ex = ex->next) {
		struct span from = {.ctx = ex->ctx};
		struct buf b = BUF_INIT(RULES_TEXT_MAX);
		int e = ex->fields.is_list ? compose_tuples(l, ex, &b) : compose_scalar(l, ex, &b);

		note_details(l, ex, details);
		if (e == 0 && b.len) {
			composed_add(out, STR(" and not "), &from);
			composed_add(out, buf_str(&b), &from);
		}
		out->text.cut |= b.cut;
		buf_done(&b);
		if (e < 0)
			return e;
	}
	return 0;
}
