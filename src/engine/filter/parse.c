/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent over Falco's condition grammar (falcosecurity/libs, filter/parser.h, EBNF).
 * It builds the AST and asks check.c whether each field, transformer and comparison makes sense;
 * it resolves no macro and no list.
 */
#include "engine/filter/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const char expect_value[] =
	"a string (quoted if it has blanks, quotes, '=', ',' or brackets), val(field) or a "
	"transformer";

void parser_init(struct parser *p, struct arena *a, struct str text,
	const struct filter_parse_options *o, struct filter_error *fe)
{
	*p = (struct parser){
		.lex = {.text = text},
		.arena = a,
		.options = o,
		.fe = fe,
		.max_depth = o->max_depth ? o->max_depth : FILTER_DEPTH_DEFAULT,
	};
	*fe = (struct filter_error){.pos = {.line = 1, .column = 1}};
}

void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
}

int parse_fail(struct parser *p, size_t offset, const char *fmt, ...)
{
	va_list ap;

	if (p->failed)
		return -EINVAL;
	p->failed = true;
	p->fe->unknown_field = false;
	p->fe->pos = lex_pos(&p->lex, offset);
	va_start(ap, fmt);
	vsnprintf(p->fe->msg, sizeof(p->fe->msg), fmt, ap);
	va_end(ap);
	make_printable(p->fe->msg);
	return -EINVAL;
}

/* "expected …, found 'xyz'" */
static int expected(struct parser *p, const char *what)
{
	struct str rest = str_skip(p->lex.text, p->lex.at);
	size_t n = 0;

	while (n < rest.len && n < 24 && !lex_is_blank(rest.s[n]))
		n++;
	if (!rest.len)
		return parse_fail(p, p->lex.at, "expected %s, but the expression ends", what);
	return parse_fail(
		p, p->lex.at, "expected %s, found '%.*s'", what, (int)(n ? n : 1), rest.s);
}

static int out_of_memory(struct parser *p)
{
	return parse_fail(p, p->lex.at, "out of memory");
}

void *array_room(struct arena *a, void *items, size_t n, size_t item_size)
{
	if (n && (n < 4 || (n & (n - 1))))
		return items;
	size_t cap = n ? n * 2 : 4;
	char *p = arena_alloc(a, cap * item_size);

	if (p && n)
		memcpy(p, items, n * item_size);
	return p;
}

static int enter(struct parser *p)
{
	if (++p->depth <= p->max_depth)
		return 0;
	return parse_fail(p, p->lex.at, "nested deeper than %u levels", p->max_depth);
}

static void leave(struct parser *p)
{
	p->depth--;
}

/* ---- operands ----------------------------------------------------------------------------- */

/* A quoted string: 1, none: 0, broken: -EINVAL. */
static int quoted(struct parser *p, struct str *ret)
{
	const char *why;
	size_t where;
	int r = lex_quoted(&p->lex, p->arena, ret, &why, &where);

	return r < 0 ? parse_fail(p, where, "in a quoted string: %s", why) : r;
}

int parse_arg(struct parser *p, struct field_arg *ret)
{
	*ret = (struct field_arg){0};
	if (!lex_text(&p->lex, "["))
		return 0;
	int r = quoted(p, &ret->text);
	if (r < 0)
		return r;
	if (!r && !lex_bare_arg(&p->lex, &ret->text))
		return expected(p, "an argument (a name, a number or a quoted string)");
	if (!lex_text(&p->lex, "]"))
		return expected(p, "']' after the argument");
	return 0;
}

static int field_rest(struct parser *p, size_t start, struct str name, struct operand *ret)
{
	*ret = (struct operand){
		.kind = OPERAND_FIELD, .pos = lex_pos(&p->lex, start), .field_name = name};
	int r = parse_arg(p, &ret->arg);

	return r ? r : check_field(p, ret);
}

static bool lex_transformer(struct lexer *l, enum transformer *ret)
{
	size_t start = l->at;

	for (enum transformer t = 0; t < TR_COUNT; t++) {
		if (lex_text(l, transformer_name(t)) && lex_text(l, "(")) {
			*ret = t;
			return true;
		}
		l->at = start;
	}
	return false;
}

static int transformer_rest(struct parser *p, size_t start, struct operand *ret);

/* Adds one argument of a transformer, or one item of a list (which may hold no list). */
static int transformer_item(struct parser *p, bool in_list, struct operand *ret);

static int item_list(struct parser *p, size_t start, struct operand *ret)
{
	*ret = (struct operand){.kind = OPERAND_LIST, .pos = lex_pos(&p->lex, start)};
	lex_blank(&p->lex);
	if (lex_text(&p->lex, ")"))
		return 0;
	do {
		ret->args = array_room(p->arena, ret->args, ret->nargs, sizeof(*ret->args));
		if (!ret->args)
			return out_of_memory(p);
		if (transformer_item(p, true, &ret->args[ret->nargs++]) < 0)
			return -EINVAL;
		lex_blank(&p->lex);
	} while (lex_text(&p->lex, ","));
	return lex_text(&p->lex, ")") ? 0 : expected(p, "',' or ')' in the list");
}

static int transformer_item(struct parser *p, bool in_list, struct operand *ret)
{
	lex_blank(&p->lex);
	size_t start = p->lex.at;
	enum transformer t;
	struct str text;
	int r = quoted(p, &text);

	if (r < 0)
		return r;
	if (r || lex_number(&p->lex, &text)) {
		*ret = (struct operand){.kind = OPERAND_LITERAL,
			.pos = lex_pos(&p->lex, start),
			.text = text,
			.quoted = r == 1};
		return 0;
	}
	if (!in_list && lex_text(&p->lex, "("))
		return item_list(p, start, ret);
	if (lex_transformer(&p->lex, &t)) {
		ret->transformer = t;
		return transformer_rest(p, start, ret);
	}
	if (lex_field_name(&p->lex, &text))
		return field_rest(p, start, text, ret);
	return expected(p, "a field, a transformer, a quoted string or a number");
}

/* Behind "tolower(": ret->transformer is set. */
static int transformer_rest(struct parser *p, size_t start, struct operand *ret)
{
	*ret = (struct operand){.kind = OPERAND_TRANSFORM,
		.transformer = ret->transformer,
		.pos = lex_pos(&p->lex, start)};
	if (enter(p))
		return -EINVAL;
	do {
		ret->args = array_room(p->arena, ret->args, ret->nargs, sizeof(*ret->args));
		if (!ret->args)
			return out_of_memory(p);
		if (transformer_item(p, false, &ret->args[ret->nargs++]) < 0)
			return -EINVAL;
		lex_blank(&p->lex);
	} while (lex_text(&p->lex, ","));
	if (!lex_text(&p->lex, ")"))
		return expected(p, "',' or the ')' that closes the transformer");
	leave(p);
	int r = parse_arg(p, &ret->arg);
	return r ? r : check_transformer(p, ret);
}

int parse_operand(struct parser *p, struct operand *ret)
{
	size_t start = p->lex.at;
	struct str name;

	if (lex_field_name(&p->lex, &name))
		return field_rest(p, start, name, ret);
	if (lex_transformer(&p->lex, &ret->transformer))
		return transformer_rest(p, start, ret);
	return expected(p, "a field or a transformer");
}

/* ---- right-hand sides --------------------------------------------------------------------- */

static int right_room(struct parser *p, struct ast *check)
{
	check->right = array_room(p->arena, check->right, check->nright, sizeof(*check->right));
	return check->right ? 0 : out_of_memory(p);
}

/* val(field) or a transformer: 1, none: 0, broken: -EINVAL. */
static int right_operand(struct parser *p, struct ast *check)
{
	size_t start = p->lex.at;
	bool is_val = lex_text(&p->lex, "val(");
	struct operand op = {0};
	struct str name;
	int r;

	if (!is_val && !lex_transformer(&p->lex, &op.transformer))
		return 0;
	if (right_room(p, check))
		return -EINVAL;
	check->nright = 1;
	if (!is_val) {
		r = transformer_rest(p, start, &op);
		check->right[0] = op;
		return r ? r : 1;
	}
	lex_blank(&p->lex);
	start = p->lex.at;
	if (!lex_field_name(&p->lex, &name))
		return expected(p, "a field inside val()");
	r = field_rest(p, start, name, &check->right[0]);
	if (r)
		return r;
	lex_blank(&p->lex);
	return lex_text(&p->lex, ")") ? 1 : expected(p, "the ')' that closes val()");
}

static int add_literal(
	struct parser *p, struct ast *check, size_t start, struct str text, bool is_quoted)
{
	if (right_room(p, check))
		return -EINVAL;
	check->right[check->nright++] = (struct operand){.kind = OPERAND_LITERAL,
		.pos = lex_pos(&p->lex, start),
		.text = text,
		.quoted = is_quoted};
	return 0;
}

/* A quoted or bare string. */
static int string_value(struct parser *p, struct ast *check, const char *what)
{
	lex_blank(&p->lex);
	size_t start = p->lex.at;
	struct str text;
	int r = quoted(p, &text);

	if (r < 0)
		return r;
	if (!r && !lex_bare(&p->lex, &text))
		return expected(p, what);
	return add_literal(p, check, start, text, r == 1);
}

static int number_value(struct parser *p, struct ast *check)
{
	lex_blank(&p->lex);
	size_t start = p->lex.at;
	struct str text;
	int r = right_operand(p, check);

	if (r)
		return r < 0 ? r : 0;
	if (!lex_number(&p->lex, &text))
		return expected(p, "a number, val(field) or a transformer");
	return add_literal(p, check, start, text, false);
}

/* Behind "(": strings up to ")". */
static int string_list(struct parser *p, struct ast *check)
{
	lex_blank(&p->lex);
	if (lex_text(&p->lex, ")"))
		return 0;
	do {
		int r = string_value(p, check, "a string in the list");

		if (r)
			return r;
		lex_blank(&p->lex);
	} while (lex_text(&p->lex, ","));
	return lex_text(&p->lex, ")") ? 0 : expected(p, "',' or ')' in the list");
}

static int list_value(struct parser *p, struct ast *check, bool operand_allowed)
{
	lex_blank(&p->lex);
	size_t start = p->lex.at;
	struct str name;

	if (lex_text(&p->lex, "("))
		return string_list(p, check);
	int r = operand_allowed ? right_operand(p, check) : 0;
	if (r)
		return r < 0 ? r : 0;
	if (!lex_identifier(&p->lex, &name))
		return expected(p, "a list in brackets or the name of a list");
	check->right_is_ident = true;
	return add_literal(p, check, start, name, false);
}

/* oneof, anyof, allof count only when a list follows; else they are plain strings. */
static bool lex_modifier(struct lexer *l, enum cmp_modifier *ret)
{
	size_t start = l->at;
	struct str ident;

	for (enum cmp_modifier m = MOD_ONEOF; m <= MOD_ALLOF; m++) {
		l->at = start;
		if (!lex_text(l, modifier_name(m)) || !lex_blank(l))
			continue;
		size_t list = l->at;
		bool follows = lex_text(l, "(") || lex_identifier(l, &ident);
		l->at = list;
		if (!follows || lex_peek_word(l, "and") || lex_peek_word(l, "or") ||
			lex_peek_word(l, "not"))
			continue;
		*ret = m;
		return true;
	}
	l->at = start;
	return false;
}

static int string_op_value(struct parser *p, struct ast *check, bool had_blank)
{
	had_blank |= lex_blank(&p->lex);
	if (had_blank && lex_modifier(&p->lex, &check->modifier))
		return list_value(p, check, false);
	int r = right_operand(p, check);
	if (r)
		return r < 0 ? r : 0;
	return string_value(p, check, expect_value);
}

/* ---- checks ------------------------------------------------------------------------------- */

enum op_form { FORM_UNARY, FORM_NUMBER, FORM_STRING, FORM_LIST };

/* In the order they are tried: "<=" before "<", "intersects" before "in". */
static const struct op_token {
	const char *text;
	enum cmp_op op;
	enum op_form form;
	bool is_word; /* needs a blank behind it */
} op_tokens[] = {
	{"exists", OP_EXISTS, FORM_UNARY, false},
	{"<=", OP_LE, FORM_NUMBER, false},
	{"<", OP_LT, FORM_NUMBER, false},
	{">=", OP_GE, FORM_NUMBER, false},
	{">", OP_GT, FORM_NUMBER, false},
	{"==", OP_EQ, FORM_STRING, false},
	{"=", OP_EQ, FORM_STRING, false},
	{"!=", OP_NE, FORM_STRING, false},
	{"glob", OP_GLOB, FORM_STRING, true},
	{"iglob", OP_IGLOB, FORM_STRING, true},
	{"contains", OP_CONTAINS, FORM_STRING, true},
	{"icontains", OP_ICONTAINS, FORM_STRING, true},
	{"bcontains", OP_BCONTAINS, FORM_STRING, true},
	{"startswith", OP_STARTSWITH, FORM_STRING, true},
	{"bstartswith", OP_BSTARTSWITH, FORM_STRING, true},
	{"endswith", OP_ENDSWITH, FORM_STRING, true},
	{"regex", OP_REGEX, FORM_STRING, true},
	{"intersects", OP_INTERSECTS, FORM_LIST, false},
	{"in", OP_IN, FORM_LIST, false},
	{"pmatch", OP_PMATCH, FORM_LIST, false},
};

static const struct op_token *lex_op(struct lexer *l)
{
	size_t start = l->at;

	for (size_t i = 0; i < sizeof(op_tokens) / sizeof(*op_tokens); i++) {
		const struct op_token *t = &op_tokens[i];

		if (lex_text(l, t->text) && (!t->is_word || lex_blank(l)))
			return t;
		l->at = start;
	}
	return NULL;
}

static int condition(struct parser *p, struct ast *check)
{
	lex_blank(&p->lex);
	const struct op_token *t = lex_op(&p->lex);
	int r = 0;

	if (!t)
		return expected(p,
			"an operator: = != < <= > >= in intersects pmatch contains icontains "
			"bcontains startswith bstartswith endswith glob iglob regex exists");
	check->op = t->op;
	switch (t->form) {
	case FORM_UNARY:
		break;
	case FORM_NUMBER:
		r = number_value(p, check);
		break;
	case FORM_STRING:
		r = string_op_value(p, check, t->is_word);
		break;
	case FORM_LIST:
		r = list_value(p, check, true);
		break;
	}
	return r ? r : check_comparison(p, check);
}

static struct ast *new_node(struct parser *p, enum ast_kind kind, struct filter_pos pos)
{
	struct ast *n = arena_new(p->arena, struct ast);

	if (!n) {
		out_of_memory(p);
		return NULL;
	}
	n->kind = kind;
	n->pos = pos;
	return n;
}

/* A macro's name, or the constants true and false. */
static struct ast *identifier(struct parser *p)
{
	struct filter_pos pos = lex_pos(&p->lex, p->lex.at);
	struct str name;

	if (lex_peek_word(&p->lex, "and") || lex_peek_word(&p->lex, "or") ||
		lex_peek_word(&p->lex, "not") || !lex_identifier(&p->lex, &name)) {
		expected(p, "a field with an operator, a macro's name, 'not' or '('");
		return NULL;
	}
	struct ast *n = new_node(p, AST_IDENT, pos);
	if (!n)
		return NULL;
	n->ident = name;
	if (str_is(name, "true"))
		n->kind = AST_TRUE;
	else if (str_is(name, "false"))
		n->kind = AST_FALSE;
	return n;
}

static struct ast *parse_or(struct parser *p);

/* Behind "(". */
static struct ast *nested(struct parser *p)
{
	if (enter(p))
		return NULL;
	struct ast *n = parse_or(p);
	lex_blank(&p->lex);
	if (n && !lex_text(&p->lex, ")")) {
		expected(p, "'and', 'or' or ')'");
		return NULL;
	}
	leave(p);
	return n;
}

static struct ast *parse_check(struct parser *p)
{
	lex_blank(&p->lex);
	size_t start = p->lex.at;
	struct operand left = {0};
	struct str name;
	int r;

	if (lex_text(&p->lex, "("))
		return nested(p);
	if (lex_field_name(&p->lex, &name))
		r = field_rest(p, start, name, &left);
	else if (lex_transformer(&p->lex, &left.transformer))
		r = transformer_rest(p, start, &left);
	else
		return identifier(p);
	struct ast *n = r ? NULL : new_node(p, AST_CHECK, left.pos);
	if (!n)
		return NULL;
	n->left = left;
	return condition(p, n) ? NULL : n;
}

static struct ast *parse_not(struct parser *p)
{
	lex_blank(&p->lex);
	struct filter_pos pos = lex_pos(&p->lex, p->lex.at);
	bool is_not = false;

	for (;;) {
		size_t at = p->lex.at;

		if (!lex_text(&p->lex, "not"))
			break;
		size_t behind = p->lex.at;
		if (!lex_blank(&p->lex) && !lex_text(&p->lex, "(")) {
			p->lex.at = at;
			break;
		}
		is_not = !is_not;
		if (p->lex.text.s[behind] == '(') {
			p->lex.at = behind; /* parse_check() takes the bracket */
			break;
		}
	}
	struct ast *kid = parse_check(p);
	if (!kid || !is_not)
		return kid;
	struct ast *n = new_node(p, AST_NOT, pos);
	if (!n || !(n->kids = arena_array(p->arena, struct ast *, 1)))
		return NULL;
	n->kids[n->nkids++] = kid;
	return n;
}

/* "and" and "or" need a blank or a bracket behind them; 1: taken, 0: not here, -EINVAL. */
static int lex_joint(struct parser *p, const char *word)
{
	lex_blank(&p->lex);
	if (!lex_text(&p->lex, word))
		return 0;
	char next = p->lex.at < p->lex.text.len ? p->lex.text.s[p->lex.at] : 0;
	if (lex_is_blank(next) || next == '(')
		return 1;
	p->lex.at -= strlen(word);
	return expected(p, word[0] == 'a' ? "'and' with a blank or '(' behind it"
					  : "'or' with a blank or '(' behind it");
}

static struct ast *joined(struct parser *p, enum ast_kind kind, const char *word,
	struct ast *(*part)(struct parser *p))
{
	lex_blank(&p->lex);
	/* now: later, finding the line would mean to start at the top again */
	struct filter_pos pos = lex_pos(&p->lex, p->lex.at);
	struct ast *first = part(p), *n = NULL;
	int r;

	if (!first)
		return NULL;
	while ((r = lex_joint(p, word)) > 0) {
		struct ast *kid = part(p);

		if (!kid || (!n && !(n = new_node(p, kind, pos))))
			return NULL;
		if (!n->nkids) {
			n->kids = array_room(p->arena, NULL, 0, sizeof(*n->kids));
			if (n->kids)
				n->kids[n->nkids++] = first;
		}
		n->kids =
			n->kids ? array_room(p->arena, n->kids, n->nkids, sizeof(*n->kids)) : NULL;
		if (!n->kids) {
			out_of_memory(p);
			return NULL;
		}
		n->kids[n->nkids++] = kid;
	}
	if (r < 0)
		return NULL;
	return n ? n : first;
}

static struct ast *parse_and(struct parser *p)
{
	return joined(p, AST_AND, "and", parse_not);
}

static struct ast *parse_or(struct parser *p)
{
	return joined(p, AST_OR, "or", parse_and);
}

int filter_parse(struct arena *a, struct str text, const struct filter_parse_options *o,
	struct ast **ret, struct filter_error *fe)
{
	struct filter_error unused;
	struct parser p;

	parser_init(&p, a, text, o, fe ? fe : &unused);
	if (text.len > FILTER_TEXT_MAX)
		return parse_fail(&p, 0, "the expression is longer than %d bytes", FILTER_TEXT_MAX);
	/* names and bare words of the AST point into the text: into a copy that lives as long */
	p.lex.text = arena_str(a, text);
	if (!p.lex.text.s)
		return out_of_memory(&p);
	if (!str_trim(text).len)
		return parse_fail(&p, 0, "the expression is empty");
	struct ast *ast = parse_or(&p);
	lex_blank(&p.lex);
	if (ast && p.lex.at < text.len)
		return expected(&p, "'and' or 'or'");
	if (!ast || p.failed || p.unknown_field)
		return -EINVAL;
	*ret = ast;
	return 0;
}
