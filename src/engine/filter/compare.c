/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value against one operator and its right-hand side, complete by itself: fields with a
 * comparator of their own use it for each value that they try, and every leaf that no shared
 * matcher (match.c) covers is decided here.
 */
#include "engine/filter/compare.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/filter/parse.h"

enum { SET_MIN = 5, NUMBERS_MIN = 9 }; /* below, a plain loop is faster */

/* ---- building ----------------------------------------------------------------------------- */

static void literal_alternatives(struct arena *a, struct literal *l, struct str text)
{
	struct err unused;

	l->has_number = !literal_parse(a, VT_S64, OP_EQ, text, &l->number, &unused) ||
			!literal_parse(a, VT_U64, OP_EQ, text, &l->number, &unused) ||
			!literal_parse(a, VT_DOUBLE, OP_EQ, text, &l->number, &unused);
	l->has_flag = !literal_parse(a, VT_BOOL, OP_EQ, text, &l->flag, &unused);
	l->has_ip = !literal_parse(a, VT_IP, OP_EQ, text, &l->ip, &unused) ||
		    !literal_parse(a, VT_NET, OP_EQ, text, &l->ip, &unused);
}

static bool is_membership(const struct comparison_body *b)
{
	if (b->modifier == MOD_NONE)
		return b->op == OP_IN || b->op == OP_INTERSECTS;
	return (b->op == OP_EQ && b->modifier == MOD_ANYOF) ||
	       (b->op == OP_NE && b->modifier == MOD_ALLOF);
}

static int number_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int build_set(struct arena *a, struct comparison_body *b)
{
	if (value_type_is_text(b->type) && b->n >= SET_MIN) {
		b->set = dict_new(a, b->texts, b->n, NULL);
		return b->set ? 0 : -ENOMEM;
	}
	if (!value_type_is_number(b->type) || b->type == VT_DOUBLE || b->n < NUMBERS_MIN)
		return 0;
	b->numbers = arena_array(a, uint64_t, b->n);
	if (!b->numbers)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++)
		b->numbers[i] = b->literals[i].v.u;
	qsort(b->numbers, b->n, sizeof(*b->numbers), number_order);
	return 0;
}

static int build_paths(struct arena *a, struct comparison_body *b)
{
	struct str *plain = arena_array(a, struct str, b->n + 1);
	size_t nplain = 0;

	b->globs = arena_array(a, struct path_glob, b->n + 1);
	if (!plain || !b->globs)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		if (path_has_glob(b->texts[i]))
			b->globs[b->nglobs++].pattern = b->texts[i];
		else
			plain[nplain++] = b->texts[i];
	}
	if (nplain && !(b->paths = path_trie_new(a, plain, nplain, NULL)))
		return -ENOMEM;
	return 0;
}

static int build_regexes(struct arena *a, struct comparison_body *b, struct err *e)
{
	b->regexes = arena_array(a, struct regex *, b->n + 1);
	if (!b->regexes)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		b->regexes[i] = regex_new(b->texts[i], e);
		if (!b->regexes[i])
			return -EINVAL;
	}
	return 0;
}

int comparison_body_init(struct arena *a, struct comparison_body *b, struct err *e)
{
	int r = 0;

	b->literals = arena_array(a, struct literal, b->n + 1);
	if (!b->literals)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < b->n; i++) {
		r = literal_parse(a, b->type, b->op, b->texts[i], &b->literals[i].v, e);
		if (r)
			return r;
		if (b->type == VT_DYNAMIC)
			literal_alternatives(a, &b->literals[i], b->texts[i]);
	}
	if (is_membership(b))
		r = build_set(a, b);
	else if (b->op == OP_PMATCH)
		r = build_paths(a, b);
	else if (b->op == OP_REGEX)
		r = build_regexes(a, b, e);
	return r == -ENOMEM ? err_set(e, ENOMEM, "out of memory") : r;
}

void comparison_body_done(struct comparison_body *b)
{
	for (size_t i = 0; b->regexes && i < b->n; i++)
		regex_free(b->regexes[i]);
	b->regexes = NULL;
}

/* ---- deciding ----------------------------------------------------------------------------- */

static bool one_holds(const struct comparison_body *b, enum cmp_op op, size_t i,
	struct regex_scratch *scratch, const struct value *v)
{
	const struct literal *l = &b->literals[i];

	if (op == OP_REGEX)
		return value_type_is_text(v->type) && scratch &&
		       regex_matches(b->regexes[i], scratch, v->s);
	if (b->type != VT_DYNAMIC || value_type_is_text(v->type))
		return value_holds(op, v, &l->v);
	if (value_type_is_number(v->type))
		return l->has_number && value_holds(op, v, &l->number);
	if (v->type == VT_BOOL)
		return l->has_flag && value_holds(op, v, &l->flag);
	return l->has_ip && value_holds(op, v, &l->ip);
}

static bool is_member(const struct comparison_body *b, const struct value *v)
{
	if (b->set)
		return value_type_is_text(v->type) && dict_find(b->set, v->s) != MATCH_NONE;
	/* a negative value and a large one must not look alike: literals have the field's type */
	if (b->numbers && v->type == b->type)
		return bsearch(&v->u, b->numbers, b->n, sizeof(*b->numbers), number_order);
	for (size_t i = 0; i < b->n; i++)
		if (one_holds(b, OP_EQ, i, NULL, v))
			return true;
	return false;
}

static bool pmatch_holds(const struct comparison_body *b, const struct value *v)
{
	if (!value_type_is_text(v->type))
		return false;
	if (b->paths && path_trie_find(b->paths, v->s) != MATCH_NONE)
		return true;
	for (size_t i = 0; i < b->nglobs; i++)
		if (path_glob_matches(&b->globs[i], v->s))
			return true;
	return false;
}

static bool modifier_holds(
	const struct comparison_body *b, struct regex_scratch *scratch, const struct value *v)
{
	size_t hits = 0;

	if (!b->n)
		return false;
	if (is_membership(b))
		return is_member(b, v) == (b->op == OP_EQ);
	for (size_t i = 0; i < b->n; i++) {
		bool hit = one_holds(b, b->op, i, scratch, v);

		if (hit && b->modifier == MOD_ANYOF)
			return true;
		if (!hit && b->modifier == MOD_ALLOF)
			return false;
		hits += hit;
	}
	return b->modifier == MOD_ONEOF ? hits == 1 : b->modifier == MOD_ALLOF;
}

bool comparison_body_holds(
	const struct comparison_body *b, struct regex_scratch *scratch, const struct value *v)
{
	if (b->modifier != MOD_NONE)
		return modifier_holds(b, scratch, v);
	switch (b->op) {
	case OP_EXISTS:
		return true;
	case OP_IN:
	case OP_INTERSECTS:
		return is_member(b, v);
	case OP_PMATCH:
		return pmatch_holds(b, v);
	default:
		return b->n && one_holds(b, b->op, 0, scratch, v);
	}
}

bool comparison_body_holds_list(const struct comparison_body *b, const struct values *v)
{
	bool all = b->op == OP_IN;

	for (size_t i = 0; i < v->n; i++)
		if (is_member(b, &v->v[i]) != all)
			return !all;
	return all;
}

bool comparison_holds(const struct comparison *c, const struct value *v)
{
	return comparison_body_holds(c->body, c->scratch, v);
}

enum cmp_op comparison_op(const struct comparison *c)
{
	return c->body->op;
}

const struct str *comparison_texts(const struct comparison *c, size_t *n)
{
	*n = c->body->n;
	return c->body->texts;
}
