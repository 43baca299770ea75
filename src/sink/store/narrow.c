/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a filter the full-text index can narrow: words that every row it selects must hold side
 * by side. All words of a value that a column equals; of a part of one ("contains") those that
 * stand in it whole: in 'conf.d/7.conf' d and 7, since the first conf may be the end of a longer
 * word and the last the beginning of one. It only ever leaves out rows that the filter would; the
 * condition itself is filter.c's and is asked all the same.
 */
#include "sink/store/read.h"

enum {
	NARROW_MAX = 20,  /* alternatives that are worth asking the index for */
	FIRST_ANY = 1000, /* numbers of alternatives: select.c's come before */
};

static bool op_narrows(enum cmp_op op)
{
	return op == OP_EQ || op == OP_IN || op == OP_CONTAINS || op == OP_ICONTAINS ||
	       op == OP_STARTSWITH || op == OP_ENDSWITH;
}

static bool narrow_operand(
	struct arena *a, enum cmp_op op, struct str value, struct search *s, unsigned any)
{
	bool is_whole = op == OP_EQ || op == OP_IN;

	return search_add_part(
		a, s, value, is_whole || op == OP_STARTSWITH, is_whole || op == OP_ENDSWITH, any);
}

static void narrow_check(struct arena *a, const struct ast *x, struct search *s, unsigned *any)
{
	const struct store_column *col = NULL;
	size_t before = s->nterms;

	if (x->left.kind != OPERAND_FIELD || x->modifier != MOD_NONE || !op_narrows(x->op) ||
		x->nright > NARROW_MAX || !x->nright)
		return;
	col = store_column_of(x->left.field);
	if (!col->narrows)
		return;
	++*any;
	for (size_t i = 0; i < x->nright; i++) {
		const struct operand *o = &x->right[i];
		bool is_v6 = x->left.field->type == VT_IP && str_find_char(o->text, ':') >= 0;

		if (o->kind != OPERAND_LITERAL || is_v6 || !utf8_is_good(o->text) ||
			o->text.len > NAME_COLUMN_MAX ||
			!narrow_operand(a, x->op, o->text, s, *any)) {
			s->nterms = before; /* one alternative that it cannot find: none */
			return;
		}
	}
}

static void narrow(struct arena *a, const struct ast *x, struct search *s, unsigned *any)
{
	if (x->kind == AST_AND)
		for (size_t i = 0; i < x->nkids; i++)
			narrow(a, x->kids[i], s, any);
	else if (x->kind == AST_CHECK)
		narrow_check(a, x, s, any);
}

void filter_narrow(struct arena *a, const struct ast *ast, struct search *s)
{
	unsigned any = FIRST_ANY;

	narrow(a, ast, s, &any);
}
