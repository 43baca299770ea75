/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AST as text that parses to the same AST, and walks over it. Brackets are written only where
 * the grammar needs them. Recursion is as deep as the parser allowed.
 */
#include "engine/filter/parse.h"

static const char *const op_names[OP_COUNT] = {
	[OP_EQ] = "=",
	[OP_NE] = "!=",
	[OP_LT] = "<",
	[OP_LE] = "<=",
	[OP_GT] = ">",
	[OP_GE] = ">=",
	[OP_CONTAINS] = "contains",
	[OP_ICONTAINS] = "icontains",
	[OP_BCONTAINS] = "bcontains",
	[OP_STARTSWITH] = "startswith",
	[OP_BSTARTSWITH] = "bstartswith",
	[OP_ENDSWITH] = "endswith",
	[OP_GLOB] = "glob",
	[OP_IGLOB] = "iglob",
	[OP_REGEX] = "regex",
	[OP_IN] = "in",
	[OP_INTERSECTS] = "intersects",
	[OP_PMATCH] = "pmatch",
	[OP_EXISTS] = "exists",
};

const char *cmp_op_name(enum cmp_op op)
{
	return op < OP_COUNT ? op_names[op] : "?";
}

const char *modifier_name(enum cmp_modifier m)
{
	static const char *const names[] = {"", "oneof", "anyof", "allof"};

	return names[m];
}

const char *transformer_name(enum transformer t)
{
	static const char *const names[TR_COUNT] = {
		"tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"};

	return t < TR_COUNT ? names[t] : "?";
}

static void add_quoted(struct buf *out, struct str s)
{
	static const char from[] = "\b\f\n\r\t\\\"", to[] = "bfnrt\\\"";

	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];
		const char *at = c ? strchr(from, c) : NULL;

		if (at)
			buf_printf(out, "\\%c", to[at - from]);
		else if (c < ' ' || c == 127)
			buf_printf(out, "\\x%02x", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

static bool can_be_bare(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!lex_bare_char(s.s[i]) || s.s[i] == '\b')
			return false;
	return s.len > 0;
}

static void add_arg(struct buf *out, struct str arg)
{
	bool bare = true;

	if (!arg.len)
		return;
	for (size_t i = 0; i < arg.len; i++)
		bare &= arg.s[i] > ' ' && !strchr("[]\"'", arg.s[i]);
	buf_add_char(out, '[');
	if (bare)
		buf_add(out, arg);
	else
		add_quoted(out, arg);
	buf_add_char(out, ']');
}

static void add_items(const struct operand *items, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_cstr(out, ", ");
		operand_format(&items[i], out);
	}
}

void operand_format(const struct operand *op, struct buf *out)
{
	switch (op->kind) {
	case OPERAND_FIELD:
		if (op->field)
			buf_add_cstr(out, op->field->name);
		else
			buf_add(out, op->field_name);
		add_arg(out, op->arg.text);
		break;
	case OPERAND_TRANSFORM:
		buf_printf(out, "%s(", transformer_name(op->transformer));
		add_items(op->args, op->nargs, out);
		buf_add_char(out, ')');
		add_arg(out, op->arg.text);
		break;
	case OPERAND_LITERAL:
		if (op->quoted || !can_be_bare(op->text))
			add_quoted(out, op->text);
		else
			buf_add(out, op->text);
		break;
	case OPERAND_LIST:
		buf_add_char(out, '(');
		add_items(op->args, op->nargs, out);
		buf_add_char(out, ')');
		break;
	}
}

static bool op_takes_list(const struct ast *c)
{
	return c->modifier != MOD_NONE || c->op == OP_IN || c->op == OP_INTERSECTS ||
	       c->op == OP_PMATCH;
}

static void check_format(const struct ast *c, struct buf *out)
{
	operand_format(&c->left, out);
	buf_printf(out, " %s", cmp_op_name(c->op));
	if (c->op == OP_EXISTS)
		return;
	if (c->modifier != MOD_NONE)
		buf_printf(out, " %s", modifier_name(c->modifier));
	buf_add_char(out, ' ');
	if (c->nright == 1 && c->right[0].kind == OPERAND_FIELD) {
		buf_add_cstr(out, "val(");
		operand_format(&c->right[0], out);
		buf_add_char(out, ')');
	} else if (c->right_is_ident) {
		buf_add(out, c->right[0].text);
	} else if (!op_takes_list(c) || (c->nright == 1 && c->right[0].kind == OPERAND_TRANSFORM)) {
		add_items(c->right, c->nright, out);
	} else {
		buf_add_char(out, '(');
		add_items(c->right, c->nright, out);
		buf_add_char(out, ')');
	}
}

static void node_format(const struct ast *n, struct buf *out);

static void kids_format(const struct ast *n, const char *joint, struct buf *out)
{
	for (size_t i = 0; i < n->nkids; i++) {
		const struct ast *kid = n->kids[i];
		bool brackets = kid->kind == AST_OR || kid->kind == AST_AND;

		if (i)
			buf_add_cstr(out, joint);
		/* `a and b or c` needs none, but who reads it is glad of them */
		if (brackets)
			buf_add_char(out, '(');
		node_format(kid, out);
		if (brackets)
			buf_add_char(out, ')');
	}
}

static void node_format(const struct ast *n, struct buf *out)
{
	switch (n->kind) {
	case AST_AND:
		kids_format(n, " and ", out);
		break;
	case AST_OR:
		kids_format(n, " or ", out);
		break;
	case AST_NOT:
		/* "not not a" would fold away: an inner not, too, goes in brackets */
		buf_add_cstr(out, "not ");
		if (n->kids[0]->kind <= AST_NOT)
			buf_add_char(out, '(');
		node_format(n->kids[0], out);
		if (n->kids[0]->kind <= AST_NOT)
			buf_add_char(out, ')');
		break;
	case AST_CHECK:
		check_format(n, out);
		break;
	case AST_IDENT:
		buf_add(out, n->ident);
		break;
	case AST_TRUE:
		buf_add_cstr(out, "true");
		break;
	case AST_FALSE:
		buf_add_cstr(out, "false");
		break;
	}
}

void ast_format(const struct ast *ast, struct buf *out)
{
	node_format(ast, out);
}

int ast_walk(struct ast *ast, int (*fn)(struct ast *node, void *arg), void *arg)
{
	int r = fn(ast, arg);

	for (size_t i = 0; !r && i < ast->nkids; i++)
		r = ast_walk(ast->kids[i], fn, arg);
	return r;
}

struct field_walk {
	int (*fn)(struct operand *op, struct ast *check, void *arg);
	void *arg;
};

static int walk_operand(struct operand *op, struct ast *check, const struct field_walk *w)
{
	int r = op->kind == OPERAND_FIELD ? w->fn(op, check, w->arg) : 0;

	for (size_t i = 0; !r && i < op->nargs; i++)
		r = walk_operand(&op->args[i], check, w);
	return r;
}

static int walk_check(struct ast *node, void *arg)
{
	int r = 0;

	if (node->kind != AST_CHECK)
		return 0;
	r = walk_operand(&node->left, node, arg);
	for (size_t i = 0; !r && i < node->nright; i++)
		r = walk_operand(&node->right[i], node, arg);
	return r;
}

int ast_walk_fields(
	struct ast *ast, int (*fn)(struct operand *op, struct ast *check, void *arg), void *arg)
{
	struct field_walk w = {fn, arg};

	return ast_walk(ast, walk_check, &w);
}
