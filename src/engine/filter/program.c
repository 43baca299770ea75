/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AST → program. Equal things are made once: every slot, leaf and node has a key in text, and a
 * table from keys to numbers finds the one that is there. Keys are built only while compiling.
 */
#include "engine/filter/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/filter/parse.h"

enum { KEY_MAX = 16 << 20, NODES_MAX = 4 << 20 };

struct interned {
	struct str key;
	uint32_t id;
};

static bool interned_eq(const void *row, const void *key)
{
	return str_eq(((const struct interned *)row)->key, *(const struct str *)key);
}

struct filter_program *filter_program_new(const struct field_set *fields)
{
	struct filter_program *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fields = fields;
	arena_init(&p->arena, 0);
	table_init(&p->interned, interned_eq, NODES_MAX);
	return p;
}

void filter_program_free(struct filter_program *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nnodes; i++)
		if (p->nodes[i]->leaf)
			comparison_body_done(&p->nodes[i]->leaf->body);
	table_done(&p->interned);
	arena_done(&p->arena);
	free(p);
}

/* ---- interning ---------------------------------------------------------------------------- */

static uint32_t find_interned(const struct filter_program *p, const struct buf *key)
{
	struct str k = buf_str(key);
	/* a key in which something is missing may look like another node's */
	const struct interned *row = key->cut ? NULL : table_find(&p->interned, str_hash(k), &k);

	return row ? row->id : NODE_NONE;
}

static int intern(struct filter_program *p, const struct buf *key, uint32_t id)
{
	struct interned *row = arena_new(&p->arena, struct interned);

	if (!row || key->cut)
		return -ENOMEM;
	row->key = arena_str(&p->arena, buf_str(key));
	row->id = id;
	return row->key.s ? table_put(&p->interned, str_hash(row->key), row) : -ENOMEM;
}

/* A text as part of a key: with its length, so that no text can look like the next part. */
static void key_text(struct buf *key, struct str s)
{
	buf_printf(key, "%zu:", s.len);
	buf_add(key, s);
}

/* ---- slots -------------------------------------------------------------------------------- */

static int add_slot(struct filter_program *p, const struct operand *op, uint32_t *ret);

static void slot_key(const struct operand *op, const uint32_t *args, struct buf *key)
{
	buf_printf(key, "S%d ", op->kind);
	if (op->kind == OPERAND_FIELD)
		buf_printf(key, "%s ", op->field->name);
	else if (op->kind == OPERAND_TRANSFORM)
		buf_printf(key, "%d ", op->transformer);
	key_text(key, op->kind == OPERAND_LITERAL ? op->text : op->arg.text);
	for (size_t i = 0; i < op->nargs; i++)
		buf_printf(key, ",%u", args[i]);
}

static struct slot *new_slot(struct filter_program *p, const struct operand *op, uint32_t *args)
{
	struct slot *s = arena_new(&p->arena, struct slot);
	struct operand_type t = operand_type(op);

	p->slots = array_room(&p->arena, p->slots, p->nslots, sizeof(*p->slots));
	if (!s || !p->slots)
		return NULL;
	*s = (struct slot){
		.id = (uint32_t)p->nslots,
		.kind = op->kind,
		.field = op->kind == OPERAND_FIELD ? op->field : NULL,
		.arg = op->arg,
		.transformer = op->transformer,
		.args = args,
		.nargs = op->nargs,
		.type = t.type,
		.is_list = t.is_list,
	};
	s->arg.text = arena_str(&p->arena, op->arg.text);
	if (op->kind == OPERAND_LITERAL)
		s->literal = (struct value){.type = VT_STR, .s = arena_str(&p->arena, op->text)};
	s->is_named = s->field && s->field->flags & FIELD_NAMED;
	for (size_t i = 0; i < op->nargs; i++)
		s->is_named |= p->slots[args[i]]->is_named;
	p->slots[p->nslots++] = s;
	return s;
}

static int add_slot(struct filter_program *p, const struct operand *op, uint32_t *ret)
{
	uint32_t *args = arena_array(&p->arena, uint32_t, op->nargs + 1);
	struct buf key = BUF_INIT(KEY_MAX);
	int r = args ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < op->nargs; i++)
		r = add_slot(p, &op->args[i], &args[i]);
	if (r)
		return r;
	slot_key(op, args, &key);
	*ret = find_interned(p, &key);
	if (*ret == NODE_NONE) {
		struct slot *s = new_slot(p, op, args);

		r = s ? intern(p, &key, s->id) : -ENOMEM;
		*ret = s ? s->id : NODE_NONE;
	}
	buf_done(&key);
	return r;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static struct node *new_node(
	struct filter_program *p, enum ast_kind kind, const struct buf *key, uint32_t *ret)
{
	struct node *n = p->nnodes < NODES_MAX ? arena_new(&p->arena, struct node) : NULL;

	p->nodes = array_room(&p->arena, p->nodes, p->nnodes, sizeof(*p->nodes));
	if (!n || !p->nodes || intern(p, key, (uint32_t)p->nnodes))
		return NULL;
	n->kind = kind;
	*ret = (uint32_t)p->nnodes;
	p->nodes[p->nnodes++] = n;
	return n;
}

/* Finds or makes an inner node or a constant. */
static int add_inner(struct filter_program *p, enum ast_kind kind, const uint32_t *kids,
	const uint32_t *sorted, size_t nkids, uint32_t *ret)
{
	struct buf key = BUF_INIT(KEY_MAX);
	int r = 0;

	buf_printf(&key, "N%d", kind);
	for (size_t i = 0; i < nkids; i++)
		buf_printf(&key, ",%u", sorted[i]);
	*ret = find_interned(p, &key);
	if (*ret == NODE_NONE) {
		struct node *n = new_node(p, kind, &key, ret);

		if (n && nkids && (n->kids = arena_array(&p->arena, uint32_t, nkids)))
			memcpy(n->kids, kids, nkids * sizeof(*kids));
		r = n && (!nkids || n->kids) ? 0 : -ENOMEM;
		for (size_t i = 0; !r && i < nkids; i++)
			n->is_named |= p->nodes[kids[i]]->is_named;
		if (!r)
			n->nkids = nkids;
	}
	buf_done(&key);
	return r;
}

static int add_constant(struct filter_program *p, bool value, uint32_t *ret)
{
	return add_inner(p, value ? AST_TRUE : AST_FALSE, NULL, NULL, 0, ret);
}

static int id_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool has_id(const uint32_t *ids, size_t n, uint32_t id)
{
	/* wide nodes come from generated rules: a repeated kid there is only wasted, not wrong */
	for (size_t i = 0; i < n && i < 64; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* AND, OR over made kids: constants fold, repeated kids go, a lone kid stands for itself. */
static int add_joint(
	struct filter_program *p, enum ast_kind kind, uint32_t *kids, size_t nkids, uint32_t *ret)
{
	enum ast_kind neutral = kind == AST_AND ? AST_TRUE : AST_FALSE;
	enum ast_kind absorbing = kind == AST_AND ? AST_FALSE : AST_TRUE;
	size_t n = 0;

	for (size_t i = 0; i < nkids; i++) {
		enum ast_kind k = p->nodes[kids[i]]->kind;

		if (k == absorbing)
			return add_constant(p, kind == AST_OR, ret);
		if (k != neutral && !has_id(kids, n, kids[i]))
			kids[n++] = kids[i];
	}
	if (n == 0)
		return add_constant(p, kind == AST_AND, ret);
	*ret = kids[0];
	if (n == 1)
		return 0;
	uint32_t *sorted = arena_array(&p->arena, uint32_t, n);
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, kids, n * sizeof(*kids));
	qsort(sorted, n, sizeof(*sorted), id_order);
	return add_inner(p, kind, kids, sorted, n, ret);
}

static int add_not(struct filter_program *p, uint32_t kid, uint32_t *ret)
{
	const struct node *k = p->nodes[kid];

	if (k->kind == AST_TRUE || k->kind == AST_FALSE)
		return add_constant(p, k->kind == AST_FALSE, ret);
	if (k->kind == AST_NOT) {
		*ret = k->kids[0];
		return 0;
	}
	return add_inner(p, AST_NOT, &kid, &kid, 1, ret);
}

/* ---- leaves ------------------------------------------------------------------------------- */

static int text_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The order of a list's items means nothing, so it is no part of the key. */
static int leaf_key(struct filter_program *p, const struct ast *c, uint32_t slot, int32_t right,
	struct buf *key)
{
	struct str *texts = arena_array(&p->arena, struct str, c->nright + 1);

	buf_printf(key, "L%u %d %d %d", slot, c->op, c->modifier, right);
	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; right < 0 && i < c->nright; i++)
		texts[i] = c->right[i].text;
	qsort(texts, c->nright, sizeof(*texts), text_order);
	for (size_t i = 0; right < 0 && i < c->nright; i++)
		key_text(key, texts[i]);
	return 0;
}

static enum leaf_how leaf_how(const struct slot *s, const struct ast *c, int32_t right)
{
	const struct field_def *f = s->field;

	if (c->op == OP_EXISTS)
		return f && f->exists ? HOW_FIELD_EXISTS : HOW_EXISTS;
	if (f && f->compare)
		return HOW_FIELD_COMPARE;
	if (right >= 0)
		return HOW_SLOTS;
	return s->is_list ? HOW_LIST : HOW_VALUE;
}

static int fill_leaf(struct filter_program *p, struct leaf *l, const struct ast *c, struct err *e)
{
	struct str *texts = arena_array(&p->arena, struct str, c->nright + 1);

	l->body = (struct comparison_body){
		.op = c->op, .modifier = c->modifier, .type = p->slots[l->slot]->type};
	if (!texts)
		return -ENOMEM;
	if (l->right < 0) {
		for (size_t i = 0; i < c->nright; i++)
			texts[i] = arena_str(&p->arena, c->right[i].text);
		l->body.n = c->nright;
	}
	l->body.texts = texts;
	l->how = leaf_how(p->slots[l->slot], c, l->right);
	return comparison_body_init(&p->arena, &l->body, e);
}

static int new_leaf(struct filter_program *p, const struct ast *c, uint32_t slot, int32_t right,
	const struct buf *key, uint32_t *ret, struct err *e)
{
	struct leaf *l = arena_new(&p->arena, struct leaf);
	struct buf text = BUF_INIT(KEY_MAX);

	if (!l)
		return -ENOMEM;
	l->slot = slot;
	l->right = right;
	/* before the node has its key: a leaf that cannot be made must not be found later */
	int r = fill_leaf(p, l, c, e);
	struct node *n = r ? NULL : new_node(p, AST_CHECK, key, ret);
	if (!n) {
		comparison_body_done(&l->body);
		return r ? r : -ENOMEM;
	}
	n->leaf = l;
	n->is_named = p->slots[slot]->is_named || (right >= 0 && p->slots[right]->is_named);
	ast_format(c, &text);
	n->text = arena_str(&p->arena, buf_str(&text));
	r = n->text.s && !buf_has_gap(&text) ? 0 : -ENOMEM;
	buf_done(&text);
	p->nleaves++;
	p->nregexes += l->body.regexes ? l->body.n : 0;
	return r;
}

static int add_leaf(struct filter_program *p, const struct ast *c, uint32_t *ret, struct err *e)
{
	bool has_operand = c->nright == 1 && c->right[0].kind != OPERAND_LITERAL;
	struct buf key = BUF_INIT(KEY_MAX);
	uint32_t slot, right = NODE_NONE;
	int r = add_slot(p, &c->left, &slot);

	if (!r && has_operand)
		r = add_slot(p, &c->right[0], &right);
	if (!r)
		r = leaf_key(p, c, slot, has_operand ? (int32_t)right : -1, &key);
	if (!r) {
		*ret = find_interned(p, &key);
		if (*ret == NODE_NONE)
			r = new_leaf(p, c, slot, has_operand ? (int32_t)right : -1, &key, ret, e);
	}
	buf_done(&key);
	return r;
}

/* ---- expressions -------------------------------------------------------------------------- */

struct adding {
	struct filter_program *program;
	struct filter_error *fe;
};

static int add_fail(struct adding *a, const struct ast *at, const char *fmt, struct str what)
{
	*a->fe = (struct filter_error){.pos = at->pos};
	snprintf(a->fe->msg, sizeof(a->fe->msg), fmt, STR_ARG(str_head(what, 200)));
	make_printable(a->fe->msg);
	return -EINVAL;
}

static bool is_known(const struct operand *op)
{
	if (op->kind == OPERAND_FIELD && !op->field)
		return false;
	for (size_t i = 0; i < op->nargs; i++)
		if (!is_known(&op->args[i]))
			return false;
	return true;
}

/* A condition on a field that nobody knows is never true. */
static int add_check(struct adding *a, const struct ast *c, uint32_t *ret)
{
	struct err e = {0};

	if (!is_known(&c->left) || (c->nright == 1 && !is_known(&c->right[0])))
		return add_constant(a->program, false, ret);
	int r = add_leaf(a->program, c, ret, &e);
	if (r)
		return add_fail(a, c, "%.*s", e.code ? str_of(e.msg) : STR("out of memory"));
	return 0;
}

static int add_node(struct adding *a, const struct ast *n, uint32_t *ret)
{
	struct filter_program *p = a->program;
	uint32_t *kids = arena_array(&p->arena, uint32_t, n->nkids + 1);
	int r = 0;

	p->written++;
	if (!kids)
		return add_fail(a, n, "%.*s", STR("out of memory"));
	for (size_t i = 0; !r && i < n->nkids; i++)
		r = add_node(a, n->kids[i], &kids[i]);
	if (r)
		return r;
	switch (n->kind) {
	case AST_AND:
	case AST_OR:
		r = add_joint(p, n->kind, kids, n->nkids, ret);
		break;
	case AST_NOT:
		r = add_not(p, kids[0], ret);
		break;
	case AST_TRUE:
	case AST_FALSE:
		r = add_constant(p, n->kind == AST_TRUE, ret);
		break;
	case AST_CHECK:
		return add_check(a, n, ret);
	case AST_IDENT:
		return add_fail(a, n, "'%.*s' is not defined: no macro has this name", n->ident);
	}
	return r ? add_fail(a, n, "%.*s", STR("out of memory")) : 0;
}

int filter_program_add(struct filter_program *p, const struct ast *ast, uint32_t *ret_root,
	struct filter_error *fe)
{
	struct filter_error unused;
	struct adding a = {p, fe ? fe : &unused};
	uint32_t root;

	if (p->sealed)
		return add_fail(&a, ast, "%.*s", STR("the program is sealed"));
	int r = add_node(&a, ast, &root);
	if (r)
		return r;
	p->roots = array_room(&p->arena, p->roots, p->nroots, sizeof(*p->roots));
	if (!p->roots)
		return add_fail(&a, ast, "%.*s", STR("out of memory"));
	p->roots[p->nroots++] = root;
	p->nodes[root]->is_root = true;
	*ret_root = root;
	return 0;
}

int filter_program_seal(struct filter_program *p, struct err *e)
{
	int r = 0;

	if (!p->sealed) {
		r = program_link(p);
		r = r ? r : program_share_matchers(p);
	}
	p->sealed = !r;
	return r ? err_set(e, -r, "out of memory while building the program") : 0;
}

struct filter_program_stats filter_program_stats(const struct filter_program *p)
{
	struct filter_program_stats s = {
		.leaves = p->nleaves,
		.written = p->written,
		.sets = p->nsets,
		.tries = p->ntries,
		.automata = p->nautomata,
		.regexes = p->nregexes,
	};

	for (size_t i = 0; i < p->nnodes; i++)
		s.nodes += p->nodes[i]->is_live || !p->sealed;
	for (size_t i = 0; i < p->nslots; i++)
		s.fields += p->slots[i]->kind == OPERAND_FIELD;
	return s;
}

bool filter_program_is_named(const struct filter_program *p, uint32_t root)
{
	return root < p->nnodes && p->nodes[root]->is_named;
}
