/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions that are valid and probably not what the author meant, or slower than they need be.
 * The same three cases as Falco warns of.
 */
#include <ctype.h>
#include <stdio.h>

#include "engine/filter/parse.h"

enum { SHOWN_MAX = 80 };

struct linting {
	const struct field_set *fields;
	filter_warn_fn fn;
	void *arg;
};

static bool is_any_repeated(struct str s, size_t i)
{
	return i + 1 < s.len && s.s[i] == '.' && strchr("+*?", s.s[i + 1]);
}

/* Only anchors, and ".*" at the ends, around plain text. */
static bool is_simple_regex(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((i == 0 && s.s[i] == '^') || (i + 1 == s.len && s.s[i] == '$'))
			continue;
		if ((i == 0 || i + 2 == s.len) && is_any_repeated(s, i)) {
			i++;
			continue;
		}
		if (s.s[i] && strchr(".+*?^$()[]{}|\\", s.s[i]))
			return false;
	}
	return s.len > 0;
}

static struct str without_blanks(struct str s, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < size; i++)
		if (!isspace((unsigned char)s.s[i]))
			out[n++] = s.s[i];
	return str_make(out, n);
}

static bool is_transformer_call(struct str s)
{
	for (int t = -1; t < TR_COUNT; t++) {
		struct str name =
			t < 0 ? STR("val") : str_of(transformer_name((enum transformer)t));

		if (str_starts(s, name) && s.len > name.len + 2 && s.s[name.len] == '(' &&
			s.s[s.len - 1] == ')')
			return true;
	}
	return false;
}

static void warn(const struct linting *l, const struct operand *at, const char *what)
{
	char msg[300];

	snprintf(msg, sizeof(msg), "'%.*s' %s", STR_ARG(str_head(at->text, SHOWN_MAX)), what);
	make_printable(msg);
	l->fn(&at->pos, msg, l->arg);
}

static void lint_literal(const struct linting *l, const struct ast *check, const struct operand *r)
{
	char tmp[FIELD_NAME_MAX];
	struct str text = without_blanks(r->text, tmp, sizeof(tmp)), head = text;
	ptrdiff_t bracket = str_find_char(text, '[');

	if (bracket > 0)
		head.len = (size_t)bracket;
	if (check->op == OP_REGEX && is_simple_regex(r->text))
		warn(l, r, "needs no regex: =, contains, startswith or endswith is faster");
	if (field_set_find(l->fields, head))
		warn(l, r,
			"is the name of a field, but compared as plain text: val(…) reads a field");
	if (is_transformer_call(text))
		warn(l, r, "looks like a transformer, but is compared as plain text");
}

static int lint_node(struct ast *n, void *arg)
{
	for (size_t i = 0; n->kind == AST_CHECK && i < n->nright; i++)
		if (n->right[i].kind == OPERAND_LITERAL)
			lint_literal(arg, n, &n->right[i]);
	return 0;
}

void filter_lint(
	const struct ast *ast, const struct field_set *fields, filter_warn_fn fn, void *arg)
{
	struct linting l = {fields, fn, arg};

	/* the walk hands out nodes that may be changed; this one only reads */
	ast_walk((struct ast *)ast, lint_node, &l);
}
