/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists are put into conditions as text, before parsing, because that is how rule files use them:
 * `in (a, shells, b)`. The text is scanned word by word, so quoted strings stay as they are, and a
 * list's items may name lists that are defined after it. Macros are put in afterwards, as shared
 * sub-trees of the AST: a macro used by forty rules is parsed once and is one tree.
 */
#include "engine/rules/private.h"

#include <errno.h>

/* ---- lists ---------------------------------------------------------------------------------- */

static bool add_full(struct loader *l, struct list_def *list, struct str item)
{
	struct str *more;

	if (list->nfull >= RULES_LIST_ITEMS_MAX) {
		if (!list->d.broken)
			issue_add(l, LOAD_ERR_VALIDATE, list->d.ctx,
				"the list has more than %d items with the lists that it names",
				RULES_LIST_ITEMS_MAX);
		list->d.broken = true;
		return false;
	}
	more = loader_grow(l, &l->tmp, list->full, list->nfull, sizeof(*more));
	if (!more)
		return false;
	list->full = more;
	list->full[list->nfull++] = item;
	return true;
}

/* Items that name a list seen from here are replaced by that list's items. */
static void expand_list(struct loader *l, struct list_def *list, unsigned depth)
{
	list->state = 1;
	for (size_t i = 0; i < list->nitems; i++) {
		struct list_def *ref = defs_find(&l->lists, list->items[i]);

		if (!ref || ref == list || ref->d.index >= list->d.visibility || ref->state == 1 ||
			depth > 64) {
			if (!add_full(l, list, list->items[i]))
				break;
			continue;
		}
		if (ref->state == 0)
			expand_list(l, ref, depth + 1);
		ref->d.used = true;
		struct name_set names = {list->lists, list->nlists};

		if (list->nlists < 1000)
			name_set_add(l, &l->tmp, &names, ref->d.name);
		list->lists = names.names;
		list->nlists = names.n;
		for (size_t k = 0; k < ref->nfull; k++)
			if (!add_full(l, list, ref->full[k]))
				break;
	}
	list->state = 2;
}

static void join_list(struct loader *l, struct list_def *list)
{
	struct buf b = BUF_INIT(RULES_TEXT_MAX);

	for (size_t i = 0; i < list->nfull; i++) {
		if (i)
			buf_add_cstr(&b, ", ");
		quote_word(&b, list->full[i], true);
	}
	if (b.cut && !list->d.broken) {
		issue_add(l, LOAD_ERR_VALIDATE, list->d.ctx, "the list is larger than %d bytes",
			RULES_TEXT_MAX);
		list->d.broken = true;
	}
	list->joined = arena_str(&l->tmp, buf_str(&b));
	buf_done(&b);
}

static bool is_delim(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' ||
	       c == ',' || c == '=';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_single_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_delim(s.s[i]) || s.s[i] == '"' || s.s[i] == '\'')
			return false;
	return s.len > 0;
}

void expand_lists(struct loader *l)
{
	for (size_t i = 0; i < l->lists.n; i++) {
		struct list_def *list = (struct list_def *)l->lists.all[i];

		if (list->state == 0)
			expand_list(l, list, 0);
		join_list(l, list);
		if (is_single_word(list->d.name))
			continue;
		struct list_def **more =
			loader_grow(l, &l->tmp, l->odd_lists, l->nodd_lists, sizeof(*more));

		if (!more)
			return;
		l->odd_lists = more;
		l->odd_lists[l->nodd_lists++] = list;
	}
}

/* ---- lists in text -------------------------------------------------------------------------- */

struct expansion {
	struct loader *l;
	const struct composed *in;
	struct composed *out;
	struct name_set *lists; /* named in the text itself */
	bool drop_comma;        /* an empty list stood here: the next comma goes with it */
	bool after_list_op;     /* `in` and no parenthesis since */
};

/* Bytes [from, to) of `text`. fixed: where all of them come from, else the input's own spans. */
static void emit(
	struct expansion *x, struct str text, size_t from, size_t to, const struct span *fixed)
{
	if (fixed) {
		composed_add(x->out, str_make(text.s + from, to - from), fixed);
		return;
	}
	while (from < to) {
		const struct span *sp = composed_span(x->in, from);
		size_t last = (size_t)(sp - x->in->spans) + 1;
		size_t end = last < x->in->nspans && x->in->spans[last].start < to
				     ? x->in->spans[last].start
				     : to;
		struct span part = *sp;

		if (!sp->fixed && sp->scalar)
			part.offset += from - sp->start;
		composed_add(x->out, str_make(text.s + from, end - from), &part);
		from = end;
	}
}

/* Takes back a comma at the end of what was written; false if there is none. */
static bool take_comma(struct composed *out)
{
	size_t n = out->text.len;

	while (n > 0 && is_blank(out->text.s[n - 1]))
		n--;
	if (n == 0 || out->text.s[n - 1] != ',')
		return false;
	out->text.len = n - 1;
	out->text.s[n - 1] = 0;
	while (out->nspans > 0 && out->spans[out->nspans - 1].start >= out->text.len)
		out->nspans--;
	return true;
}

static void scan(struct expansion *x, struct str text, int64_t after, const struct span *fixed);

static void put_list(struct expansion *x, struct list_def *list, const struct span *at)
{
	bool wrap = x->after_list_op;

	list->d.used = true;
	x->after_list_op = false;
	if (wrap)
		composed_add(x->out, STR("("), at);
	if (list->joined.len == 0 && !wrap)
		x->drop_comma = !take_comma(x->out);
	else
		scan(x, list->joined, list->d.index, at);
	if (wrap)
		composed_add(x->out, STR(")"), at);
}

static struct list_def *list_at(
	struct expansion *x, struct str text, size_t i, size_t *end, int64_t after)
{
	struct list_def *list;

	if (i > 0 && !is_delim(text.s[i - 1]))
		return NULL;
	for (size_t k = 0; k < x->l->nodd_lists; k++) {
		list = x->l->odd_lists[k];
		size_t stop = i + list->d.name.len;

		if ((int64_t)list->d.index > after && str_starts(str_skip(text, i), list->d.name) &&
			(stop == text.len || is_delim(text.s[stop]))) {
			*end = stop;
			return list;
		}
	}
	if (*end < text.len && !is_delim(text.s[*end]))
		return NULL;
	list = defs_find(&x->l->lists, str_make(text.s + i, *end - i));
	return list && (int64_t)list->d.index > after ? list : NULL;
}

static size_t skip_quoted(struct str text, size_t i)
{
	char quote = text.s[i++];

	while (i < text.len && text.s[i] != quote)
		i += text.s[i] == '\\' && i + 1 < text.len ? 2 : 1;
	return i < text.len ? i + 1 : i;
}

static bool is_list_op(struct str w)
{
	return str_is(w, "in") || str_is(w, "intersects") || str_is(w, "pmatch") ||
	       str_is(w, "oneof") || str_is(w, "anyof") || str_is(w, "allof");
}

/* Puts lists with an index above `after` in place of their names. */
static void scan(struct expansion *x, struct str text, int64_t after, const struct span *fixed)
{
	size_t i = 0, run = 0, end;

	while (i < text.len && !x->out->text.cut) {
		char c = text.s[i];
		struct list_def *list = NULL;

		end = i + 1;
		if (c == '"' || c == '\'') {
			end = skip_quoted(text, i);
		} else if (!is_delim(c)) {
			while (end < text.len && !is_delim(text.s[end]) && text.s[end] != '"' &&
				text.s[end] != '\'')
				end++;
			list = list_at(x, text, i, &end, after);
		}
		if (list || (c == ',' && x->drop_comma)) {
			emit(x, text, run, i, fixed);
			run = end;
		}
		if (list) {
			struct span at = fixed ? *fixed : *composed_span(x->in, i);

			if (!fixed && !at.fixed && at.scalar)
				at.offset += i - at.start;
			at.fixed = true;
			if (!fixed)
				name_set_add(x->l, &x->l->tmp, x->lists, list->d.name);
			x->drop_comma = false;
			put_list(x, list, &at);
		} else if (!is_blank(c)) {
			x->drop_comma = false;
			x->after_list_op = is_list_op(str_make(text.s + i, end - i));
		}
		i = end;
	}
	if (!x->out->text.cut)
		emit(x, text, run, text.len, fixed);
}

bool expand_text(struct loader *l, const struct composed *in, struct composed *out,
	struct name_set *lists, const struct context *ctx)
{
	struct expansion x = {.l = l, .in = in, .out = out, .lists = lists};

	if (!in->text.cut && in->nspans)
		scan(&x, buf_str(&in->text), -1, NULL);
	if (!in->text.cut && !out->text.cut)
		return true;
	issue_add(l, LOAD_ERR_VALIDATE, ctx, "the condition is larger than %d bytes with its lists",
		RULES_TEXT_MAX);
	return false;
}

/* ---- parsing -------------------------------------------------------------------------------- */

static const struct context *expression_context(
	struct loader *l, const struct composed *text, size_t pos, const struct context *ctx)
{
	return context_new(
		l, ctx, "condition expression", STR_NULL, composed_place(text, pos, ctx));
}

struct check {
	struct loader *l;
	const struct composed *text;
	const struct context *ctx;
	struct parsed *p;
	struct unknown_field **tail;
	int error;
};

static void add_unknown(
	struct check *c, const char *what, struct str name, size_t pos, const char *suggestion)
{
	struct unknown_field *u = arena_new(&c->l->tmp, struct unknown_field);

	if (!u)
		return;
	u->message = arena_printf(
		&c->l->tmp, "unknown %s '%.*s'%s", what, STR_ARG(str_head(name, 100)), suggestion);
	u->ctx = expression_context(c->l, c->text, pos, c->ctx);
	*c->tail = u;
	c->tail = &u->next;
}

static int check_operand(struct operand *op, struct ast *check, void *arg)
{
	struct check *c = arg;

	if (!op->field)
		add_unknown(c, "field", op->field_name, op->pos.offset,
			suggest_field(c->l, op->field_name));
	else if (op->field->flags & FIELD_DEPRECATED)
		issue_add(c->l, LOAD_DEPRECATED_ITEM,
			expression_context(c->l, c->text, op->pos.offset, c->ctx),
			"the field '%.*s' is deprecated", STR_ARG(op->field_name));
	return 0;
}

/* evt.type against a name that no event has. */
static void check_event_types(struct check *c, const struct ast *n)
{
	uint16_t code;

	if (n->left.kind != OPERAND_FIELD || !str_is(n->left.field_name, "evt.type") ||
		(n->op != OP_EQ && n->op != OP_NE && n->op != OP_IN))
		return;
	for (size_t i = 0; i < n->nright; i++) {
		const struct operand *r = &n->right[i];

		if (r->kind == OPERAND_LITERAL && event_codes_by_name(r->text, &code, 1) == 0 &&
			syscall_id_by_name(r->text) < 0)
			add_unknown(c, "event type", r->text, r->pos.offset,
				suggest_event(c->l, r->text));
	}
}

static bool is_equality(enum cmp_op op)
{
	return op == OP_EQ || op == OP_NE || op == OP_IN || op == OP_INTERSECTS || op == OP_PMATCH;
}

/* Fields of JSON sources, where a missing value and the text <NA> are easily confused. */
static void check_na(struct check *c, const struct ast *n)
{
	struct str f = n->left.field_name;

	if (n->left.kind != OPERAND_FIELD || !is_equality(n->op) ||
		(!str_starts(f, STR("ka.")) && !str_starts(f, STR("jevt."))))
		return;
	for (size_t i = 0; i < n->nright; i++)
		if (n->right[i].kind == OPERAND_LITERAL && str_is(n->right[i].text, "<NA>"))
			issue_add(c->l, LOAD_UNSAFE_NA_CHECK,
				expression_context(c->l, c->text, n->right[i].pos.offset, c->ctx),
				"'%.*s' is compared with <NA>: use `exists`", STR_ARG(f));
}

static int check_node(struct ast *n, void *arg)
{
	struct check *c = arg;

	if (n->kind == AST_IDENT)
		name_set_add(c->l, &c->l->tmp, &c->p->macros, n->ident);
	if (n->kind != AST_CHECK)
		return 0;
	if (n->right_is_ident && n->nright) {
		issue_add(c->l, LOAD_ERR_COMPILE_CONDITION,
			expression_context(c->l, c->text, n->right[0].pos.offset, c->ctx),
			"there is no list '%.*s'%s", STR_ARG(n->right[0].text),
			suggest_def(c->l, n->right[0].text, &c->l->lists));
		c->error = -EINVAL;
		return 0;
	}
	check_event_types(c, n);
	check_na(c, n);
	return 0;
}

static void lint_warning(const struct filter_pos *pos, const char *msg, void *arg)
{
	struct check *c = arg;

	issue_add(c->l, LOAD_COMPILE_CONDITION,
		expression_context(c->l, c->text, pos->offset, c->ctx), "%s", msg);
}

int condition_parse(struct loader *l, const struct composed *in, struct composed *text,
	struct parsed *p, const struct context *ctx)
{
	struct filter_parse_options o = {
		.fields = &field_set_syscall,
		.source = "syscall",
		.max_depth = RULES_DEPTH_MAX,
		.allow_unknown_fields = true,
	};
	struct check c = {.l = l, .text = text, .ctx = ctx, .p = p, .tail = &p->unknown};
	struct filter_error fe;

	if (!expand_text(l, in, text, &p->lists, ctx))
		return -EINVAL;
	/* the AST borrows from the text */
	struct str s = arena_str(&l->rs->arena, buf_str(&text->text));

	if (filter_parse(&l->rs->arena, s, &o, &p->ast, &fe) < 0) {
		issue_add(l, LOAD_ERR_COMPILE_CONDITION,
			expression_context(l, text, fe.pos.offset, ctx), "%s", fe.msg);
		return -EINVAL;
	}
	ast_walk(p->ast, check_node, &c);
	ast_walk_fields(p->ast, check_operand, &c);
	if (c.error == 0)
		filter_lint(p->ast, &field_set_syscall, lint_warning, &c);
	return c.error;
}

/* ---- macros --------------------------------------------------------------------------------- */

struct resolving {
	struct loader *l;
	struct parsed *p;
	uint32_t visibility;
	const struct composed *text;
	const struct context *ctx;
	int error;
};

static void resolve_error(
	struct resolving *r, const struct ast *n, const char *why, const char *hint)
{
	issue_add(r->l, LOAD_ERR_VALIDATE, expression_context(r->l, r->text, n->pos.offset, r->ctx),
		"macro '%.*s' %s%s", STR_ARG(n->ident), why, hint);
	r->error = -EINVAL;
}

static int resolve_macro(struct loader *l, struct macro_def *m)
{
	if (m->state == 0) {
		m->state = 1;
		if (!m->d.broken &&
			condition_resolve(l, &m->p, m->d.visibility, &m->text, m->cond.ctx) < 0)
			m->d.broken = true;
		m->state = 2;
	}
	return m->d.broken ? -EINVAL : 0;
}

/* The tree that stands for the identifier, or the identifier itself after an error. */
static struct ast *put_macro(struct resolving *r, struct ast *n, size_t depth)
{
	struct macro_def *m = defs_find(&r->l->macros, n->ident);

	if (!m) {
		if (!r->l->incomplete)
			resolve_error(
				r, n, "is not defined", suggest_def(r->l, n->ident, &r->l->macros));
		r->error = -EINVAL;
		return n;
	}
	m->d.used = true;
	if (m->d.index >= r->visibility) {
		resolve_error(r, n, "is defined after this one: move it above", "");
		return n;
	}
	if (m->state == 1) {
		resolve_error(r, n, "contains itself", "");
		return n;
	}
	if (++r->l->macro_depth > RULES_DEPTH_MAX)
		resolve_error(r, n, "is nested too deeply", "");
	else if (resolve_macro(r->l, m) < 0)
		r->error = -EINVAL; /* said there */
	r->l->macro_depth--;
	if (r->error)
		return n;
	r->p->nodes += m->p.nodes;
	if (depth + m->p.depth > r->p->depth)
		r->p->depth = depth + m->p.depth;
	if (!r->p->inherited)
		r->p->inherited = m->p.unknown ? m->p.unknown : m->p.inherited;
	return m->p.ast;
}

static struct ast *resolve_node(struct resolving *r, struct ast *n, size_t depth)
{
	if (n->kind == AST_IDENT)
		return put_macro(r, n, depth);
	r->p->nodes += 1 + n->nright;
	if (depth > r->p->depth)
		r->p->depth = depth;
	for (size_t i = 0; i < n->nkids; i++)
		n->kids[i] = resolve_node(r, n->kids[i], depth + 1);
	return n;
}

int condition_resolve(struct loader *l, struct parsed *p, uint32_t visibility,
	const struct composed *text, const struct context *ctx)
{
	struct resolving r = {l, p, visibility, text, ctx, 0};

	p->ast = resolve_node(&r, p->ast, 1);
	if (r.error == 0 && (p->nodes > RULES_NODES_MAX || p->depth > RULES_DEPTH_MAX)) {
		issue_add(l, LOAD_ERR_VALIDATE, ctx,
			"the condition is too large with its macros: %zu nodes, %zu deep", p->nodes,
			p->depth);
		r.error = -EINVAL;
	}
	return r.error;
}

void expand_macros(struct loader *l)
{
	for (size_t i = 0; i < l->macros.n; i++) {
		struct macro_def *m = (struct macro_def *)l->macros.all[i];
		struct composed in = {.text = BUF_INIT(RULES_TEXT_MAX), .arena = &l->tmp};

		if (m->d.broken)
			continue;
		m->text = (struct composed){.text = BUF_INIT(RULES_TEXT_MAX), .arena = &l->tmp};
		written_compose(&in, &m->cond);
		if (condition_parse(l, &in, &m->text, &m->p, m->cond.ctx) < 0)
			m->d.broken = true;
		composed_done(&in);
		composed_done(&m->text);
	}
	for (size_t i = 0; i < l->macros.n; i++)
		resolve_macro(l, (struct macro_def *)l->macros.all[i]);
}
