/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the condition of a YARA rule into a tree and evaluates it in three values. Understood are
 * and, or, not, strings, "n of (…)" and bounds of filesize; a string with a place counts as the
 * string. Everything else between two of these (numbers of matches, modules, loops, other rules) is
 * one leaf that answers "perhaps": and, or bind weakest in YARA, so a leaf ends where one of them
 * stands, or the bracket around it. It judges nothing that counts: libyara does.
 */
#include "scan/image/yara_condition.h"

#include <ctype.h>

enum {
	MAX_NODES = 256, /* of a condition; one with more answers "perhaps" */
	MAX_BRACKETS = 16,
};

enum node_kind { NODE_PERHAPS, NODE_STRING, NODE_OF, NODE_SIZE, NODE_AND, NODE_OR, NODE_NOT };

struct node {
	enum node_kind kind;
	bool is_weak;                    /* its yes is a "perhaps" */
	const struct node *left, *right; /* NOT has a left one only */
	uint64_t n;                      /* OF: so many must match, 0 = none may; SIZE: the bound */
	char sign;                       /* SIZE: '<' or '>' */
	bool has_equal;                  /* SIZE: it is <= or >= */
	uint8_t of[YARA_MAX_STRINGS];    /* STRING and OF: indexes of strings */
	size_t nof;
};

_Static_assert(YARA_MAX_STRINGS - 1 <= UINT8_MAX, "an index of a string fits");

struct yara_condition {
	const struct node *root;
};

struct reading {
	struct arena *a;
	const struct yara_rule *rule;
	struct str rest;
	unsigned nnodes, depth;
};

/* ---- reading ------------------------------------------------------------------------------ */

static struct node *read_or(struct reading *r);

static struct yara_token look(const struct reading *r)
{
	struct str rest = r->rest;

	return yara_token_next(&rest);
}

static bool take(struct reading *r, const char *text)
{
	if (!yara_token_is(look(r), text))
		return false;
	yara_token_next(&r->rest);
	return true;
}

/* NULL: no memory, or too many. */
static struct node *make(struct reading *r, enum node_kind kind)
{
	struct node *n = r->nnodes++ < MAX_NODES ? arena_new(r->a, struct node) : NULL;

	if (n)
		n->kind = kind;
	return n;
}

static struct node *join(
	struct reading *r, enum node_kind kind, const struct node *left, const struct node *right)
{
	struct node *n = left && right ? make(r, kind) : NULL;

	if (n) {
		n->left = left;
		n->right = right;
	}
	return n;
}

static bool is_boundary(struct yara_token t)
{
	return t.kind == TOKEN_END || yara_token_is(t, "and") || yara_token_is(t, "or") ||
	       yara_token_is(t, ")");
}

/* Whatever is there, up to what ends an operand. */
static struct node *read_unknown(struct reading *r)
{
	unsigned depth = 0;

	for (struct yara_token t = look(r); t.kind != TOKEN_END && (depth || !is_boundary(t));
		t = look(r)) {
		yara_token_next(&r->rest);
		depth += yara_token_is(t, "(");
		depth -= yara_token_is(t, ")");
	}
	return make(r, NODE_PERHAPS);
}

/* An operand that was understood, unless more of it follows. */
static struct node *finish(struct reading *r, struct node *n)
{
	struct yara_token next = look(r);

	if (is_boundary(next))
		return n;
	bool has_place = n && (n->kind == NODE_STRING || (n->kind == NODE_OF && n->n)) &&
			 (yara_token_is(next, "at") || yara_token_is(next, "in"));
	struct node *unknown = read_unknown(r);
	if (!has_place)
		return unknown;
	n->is_weak = true;
	return n;
}

/* Adds $a1, or all that $a* names. */
static void add_strings(const struct reading *r, struct node *n, struct str name)
{
	bool is_many = name.s[name.len - 1] == '*';
	struct str begin = str_head(name, name.len - is_many);

	for (size_t i = 0; i < r->rule->nstrings && n->nof < YARA_MAX_STRINGS; i++) {
		struct str s = r->rule->strings[i].name;

		if (is_many ? str_starts(s, begin) : str_eq(s, name))
			n->of[n->nof++] = (uint8_t)i;
	}
}

static struct node *read_string(struct reading *r)
{
	struct str name = yara_token_next(&r->rest).text;
	struct node *n = make(r, NODE_STRING);

	if (n)
		add_strings(r, n, name);
	if (n && n->nof != 1) /* $ alone, in a loop over strings */
		n->kind = NODE_PERHAPS;
	return finish(r, n);
}

/* "them", or strings in brackets; false for anything else. */
static bool read_set(struct reading *r, struct node *n)
{
	if (take(r, "them")) {
		add_strings(r, n, STR("$*"));
		return true;
	}
	if (!take(r, "("))
		return false;
	do {
		struct yara_token t = yara_token_next(&r->rest);

		if (t.kind != TOKEN_STRING)
			return false;
		add_strings(r, n, t.text);
	} while (take(r, ","));
	return take(r, ")");
}

/* How many a quantifier demands of `of`; false when this is none. */
static bool read_count(struct str word, size_t of, uint64_t *ret)
{
	if (str_is(word, "any"))
		*ret = 1;
	else if (str_is(word, "none"))
		*ret = 0;
	else if (str_is(word, "all"))
		*ret = of;
	else
		return str_to_u64(word, 10, ret) && *ret > 0;
	return true;
}

/* NULL: this is no "n of …"; nothing was taken then. */
static struct node *read_of(struct reading *r)
{
	struct str before = r->rest, word = yara_token_next(&r->rest).text;
	struct node *n = take(r, "of") ? make(r, NODE_OF) : NULL;

	if (n && read_set(r, n) && read_count(word, n->nof, &n->n))
		return finish(r, n);
	r->rest = before;
	return NULL;
}

static bool read_size(struct str word, uint64_t *ret)
{
	unsigned shift = str_ends(word, STR("KB")) ? 10 : str_ends(word, STR("MB")) ? 20 : 0;
	bool is_hex = str_starts(word, STR("0x"));

	word = str_head(word, word.len - (shift ? 2 : 0));
	if (!str_to_u64(is_hex ? str_skip(word, 2) : word, is_hex ? 16 : 10, ret))
		return false;
	if (*ret >> 40)
		return false;
	*ret <<= shift;
	return true;
}

/* NULL: this is no bound of the size. */
static struct node *read_bound(struct reading *r)
{
	struct str before = r->rest;
	struct node *n = take(r, "filesize") ? make(r, NODE_SIZE) : NULL;
	struct yara_token sign = yara_token_next(&r->rest);

	if (n && (yara_token_is(sign, "<") || yara_token_is(sign, ">"))) {
		n->sign = sign.text.s[0];
		n->has_equal = take(r, "=");
		if (read_size(yara_token_next(&r->rest).text, &n->n))
			return finish(r, n);
	}
	r->rest = before;
	return NULL;
}

static struct node *read_bracket(struct reading *r)
{
	struct str before = r->rest;
	struct node *n = NULL;

	if (r->depth == MAX_BRACKETS)
		return read_unknown(r);
	r->depth++;
	yara_token_next(&r->rest);
	n = read_or(r);
	r->depth--;
	if (take(r, ")") && is_boundary(look(r)))
		return n;
	r->rest = before; /* it was a number */
	return read_unknown(r);
}

static struct node *read_operand(struct reading *r)
{
	struct yara_token t = look(r);
	struct node *n;

	if (yara_token_is(t, "("))
		return read_bracket(r);
	if (t.kind == TOKEN_STRING)
		return read_string(r);
	n = yara_token_is(t, "filesize") ? read_bound(r) : read_of(r);
	return n ? n : read_unknown(r);
}

static struct node *read_not(struct reading *r)
{
	bool is_not = false;
	struct node *n;

	while (take(r, "not"))
		is_not = !is_not;
	n = read_operand(r);
	return is_not ? join(r, NODE_NOT, n, n) : n;
}

static struct node *read_and(struct reading *r)
{
	struct node *n = read_not(r);

	while (take(r, "and"))
		n = join(r, NODE_AND, n, read_not(r));
	return n;
}

static struct node *read_or(struct reading *r)
{
	struct node *n = read_and(r);

	while (take(r, "or"))
		n = join(r, NODE_OR, n, read_and(r));
	return n;
}

struct yara_condition *yara_condition_read(struct arena *a, const struct yara_rule *rule)
{
	static const struct node perhaps = {.kind = NODE_PERHAPS};
	struct reading r = {.a = a, .rule = rule, .rest = rule->condition};
	struct yara_condition *c = arena_new(a, struct yara_condition);
	const struct node *root = read_or(&r);

	if (a->failed || !c)
		return NULL;
	c->root = root && look(&r).kind == TOKEN_END ? root : &perhaps;
	return c;
}

/* ---- asking ------------------------------------------------------------------------------- */

static enum yara_answer least(enum yara_answer a, enum yara_answer b)
{
	return a < b ? a : b;
}

static enum yara_answer most(enum yara_answer a, enum yara_answer b)
{
	return a > b ? a : b;
}

static enum yara_answer ask_sign(uint32_t sign, const struct yara_facts *facts)
{
	enum yara_answer is = sign == YARA_NO_SIGN ? YARA_PERHAPS : facts->found[sign];

	return facts->is_partial ? most(is, YARA_PERHAPS) : is;
}

static enum yara_answer ask_of(
	const struct node *n, const uint32_t *signs, const struct yara_facts *facts)
{
	uint64_t certain = 0, possible = 0;

	for (size_t i = 0; i < n->nof; i++) {
		enum yara_answer is = ask_sign(signs[n->of[i]], facts);

		certain += is == YARA_YES;
		possible += is != YARA_NO;
	}
	if (n->n == 0)
		return certain ? YARA_NO : possible ? YARA_PERHAPS : YARA_YES;
	return certain >= n->n ? YARA_YES : possible >= n->n ? YARA_PERHAPS : YARA_NO;
}

static enum yara_answer ask_size(const struct node *n, const struct yara_facts *facts)
{
	/* "at least the bound", of the smallest and of the largest that the file may be */
	bool is_strict = (n->sign == '<') == n->has_equal;
	bool smallest = is_strict ? facts->size > n->n : facts->size >= n->n;
	bool largest = is_strict ? facts->max_size > n->n : facts->max_size >= n->n;

	if (smallest != largest)
		return YARA_PERHAPS;
	return smallest == (n->sign == '>') ? YARA_YES : YARA_NO;
}

static enum yara_answer ask(
	const struct node *n, const uint32_t *signs, const struct yara_facts *facts)
{
	enum yara_answer is = YARA_PERHAPS;

	switch (n->kind) {
	case NODE_PERHAPS:
		return YARA_PERHAPS;
	case NODE_STRING:
		is = ask_sign(signs[n->of[0]], facts);
		break;
	case NODE_OF:
		is = ask_of(n, signs, facts);
		break;
	case NODE_SIZE:
		return ask_size(n, facts);
	case NODE_AND:
		is = ask(n->left, signs, facts);
		return is == YARA_NO ? is : least(is, ask(n->right, signs, facts));
	case NODE_OR:
		is = ask(n->left, signs, facts);
		return is == YARA_YES ? is : most(is, ask(n->right, signs, facts));
	case NODE_NOT:
		return (enum yara_answer)(YARA_YES - ask(n->left, signs, facts));
	}
	return n->is_weak ? least(is, YARA_PERHAPS) : is;
}

enum yara_answer yara_condition_ask(
	const struct yara_condition *c, const uint32_t *signs, const struct yara_facts *facts)
{
	return ask(c->root, signs, facts);
}
