/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand where: fields and their arguments, transformers and their inputs, operators by
 * type, literals by type (Falco's filter_compare.cpp and sinsp_filtercheck.cpp have the table).
 * Runs while the text is parsed, so that each fault has its place. An unknown field switches off
 * the checks of what it stands in; it is reported when nothing else is wrong.
 */
#include "engine/filter/parse.h"

#include <errno.h>
#include <stdio.h>

#include "engine/filter/regex.h"
#include "engine/filter/value.h"

#define BIT(op) (1u << (op))

enum {
	OPS_SET = BIT(OP_EQ) | BIT(OP_NE) | BIT(OP_IN) | BIT(OP_INTERSECTS) | BIT(OP_EXISTS),
	OPS_ORDER = BIT(OP_LT) | BIT(OP_LE) | BIT(OP_GT) | BIT(OP_GE),
	OPS_NUMBER = OPS_SET | OPS_ORDER,
	OPS_TEXT = OPS_NUMBER | BIT(OP_CONTAINS) | BIT(OP_ICONTAINS) | BIT(OP_STARTSWITH) |
		   BIT(OP_ENDSWITH) | BIT(OP_GLOB) | BIT(OP_IGLOB) | BIT(OP_REGEX) | BIT(OP_PMATCH),
	OPS_BYTES = OPS_SET | BIT(OP_CONTAINS) | BIT(OP_STARTSWITH) | BIT(OP_ENDSWITH) |
		    BIT(OP_BCONTAINS) | BIT(OP_BSTARTSWITH),
	OPS_LIST = BIT(OP_IN) | BIT(OP_INTERSECTS) | BIT(OP_EXISTS),
	OPS_ALL = BIT(OP_COUNT) - 1,
};

const char *value_type_name(enum value_type t)
{
	switch (t) {
	case VT_STR:
		return "string";
	case VT_PATH:
		return "path";
	case VT_BOOL:
		return "boolean";
	case VT_U64:
		return "unsigned number";
	case VT_S64:
		return "number";
	case VT_DOUBLE:
		return "floating-point number";
	case VT_RELTIME:
		return "duration in ns";
	case VT_ABSTIME:
		return "time in ns";
	case VT_BYTES:
		return "byte buffer";
	case VT_IP:
		return "IP address";
	case VT_NET:
		return "IP network";
	case VT_PORT:
		return "port";
	case VT_DYNAMIC:
		return "value of the argument's own type";
	}
	return "value";
}

bool value_type_is_text(enum value_type t)
{
	return t == VT_STR || t == VT_PATH || t == VT_BYTES;
}

bool value_type_is_number(enum value_type t)
{
	return t == VT_U64 || t == VT_S64 || t == VT_DOUBLE || t == VT_RELTIME || t == VT_ABSTIME ||
	       t == VT_PORT;
}

static uint32_t type_ops(enum value_type t)
{
	if (t == VT_DYNAMIC)
		return OPS_ALL;
	if (t == VT_BYTES)
		return OPS_BYTES;
	if (value_type_is_text(t))
		return OPS_TEXT;
	return value_type_is_number(t) ? OPS_NUMBER : OPS_SET;
}

/* ---- fields ------------------------------------------------------------------------------- */

const struct field_def *field_find(const struct field_set *set, const char *source, struct str name)
{
	for (size_t i = 0; set && i < set->nclasses; i++) {
		const struct field_class *c = set->classes[i];

		if (source && c->source && strcmp(source, c->source) != 0)
			continue;
		for (size_t j = 0; j < c->nfields; j++)
			if (str_is(name, c->fields[j].name))
				return &c->fields[j];
	}
	return NULL;
}

const struct field_def *field_set_find(const struct field_set *set, struct str name)
{
	return field_find(set, NULL, name);
}

/* "evt.arg.name": the longest head that is a field which takes a key; the rest is the key. */
static const struct field_def *find_dotted(const struct parser *p, struct operand *op)
{
	struct str head = op->field_name;
	ptrdiff_t dot;

	while ((dot = str_rfind_char(head, '.')) > 0) {
		head.len = (size_t)dot;
		const struct field_def *f =
			field_find(p->options->fields, p->options->source, head);

		if (f && f->flags & FIELD_ARG_KEY && !op->arg.text.len) {
			op->arg.text = str_skip(op->field_name, head.len + 1);
			return f;
		}
	}
	return NULL;
}

static const char *nearest_field(const struct parser *p, struct str name)
{
	unsigned best = name.len < 6 ? 3 : 4;
	const char *found = NULL;

	for (size_t i = 0; p->options->fields && i < p->options->fields->nclasses; i++) {
		const struct field_class *c = p->options->fields->classes[i];

		if (p->options->source && c->source && strcmp(p->options->source, c->source) != 0)
			continue;
		for (size_t j = 0; j < c->nfields; j++) {
			unsigned d = str_distance(name, str_of(c->fields[j].name), best - 1);

			if (d < best && !(c->fields[j].flags & FIELD_TABLE_ONLY)) {
				best = d;
				found = c->fields[j].name;
			}
		}
	}
	return found;
}

static int unknown_field(struct parser *p, const struct operand *op)
{
	struct filter_error *fe = p->fe;

	if (p->options->allow_unknown_fields || p->failed || p->unknown_field)
		return 0;
	const char *near = nearest_field(p, op->field_name);
	bool elsewhere = p->options->source && field_find(p->options->fields, NULL, op->field_name);
	p->unknown_field = true;
	fe->unknown_field = true;
	fe->pos = op->pos;
	if (elsewhere)
		snprintf(fe->msg, sizeof(fe->msg),
			"field '%.*s' does not exist for events of source %s",
			STR_ARG(str_head(op->field_name, FIELD_NAME_MAX)), p->options->source);
	else
		snprintf(fe->msg, sizeof(fe->msg), "unknown field '%.*s'%s%s%s",
			STR_ARG(str_head(op->field_name, FIELD_NAME_MAX)),
			near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	return 0;
}

static int check_arg(struct parser *p, struct operand *op)
{
	const struct field_def *f = op->field;
	uint32_t flags = f->flags;
	struct err e = {0};

	if (!op->arg.text.len) {
		if (flags & FIELD_ARG_REQUIRED)
			return parse_fail(p, op->pos.offset, "%s needs an argument: %s[%s]",
				f->name, f->name, flags & FIELD_ARG_KEY ? "name" : "0");
		/* resolve() may want to set a default */
	} else if (!(flags & (FIELD_ARG_REQUIRED | FIELD_ARG_OPTIONAL))) {
		return parse_fail(p, op->pos.offset, "%s takes no argument", f->name);
	}
	op->arg.is_index = str_to_u64(op->arg.text, 10, &op->arg.index);
	if (op->arg.text.len && !op->arg.is_index && flags & FIELD_ARG_INDEX &&
		!(flags & FIELD_ARG_KEY))
		return parse_fail(p, op->pos.offset,
			"the argument of %s must be a number, not '%.*s'", f->name,
			STR_ARG(str_head(op->arg.text, 40)));
	if (f->resolve && f->resolve(&op->arg, &e) < 0)
		return parse_fail(p, op->pos.offset, "%s[%.*s]: %s", f->name,
			STR_ARG(str_head(op->arg.text, 40)),
			e.code ? e.msg : "the argument is not valid");
	return 0;
}

int check_field(struct parser *p, struct operand *op)
{
	op->field = field_find(p->options->fields, p->options->source, op->field_name);
	if (!op->field)
		op->field = find_dotted(p, op);
	if (!op->field)
		return unknown_field(p, op);
	return check_arg(p, op);
}

/* ---- types -------------------------------------------------------------------------------- */

struct operand_type operand_type(const struct operand *op)
{
	struct operand_type t = {.type = VT_STR, .known = true};

	switch (op->kind) {
	case OPERAND_FIELD:
		if (!op->field)
			return (struct operand_type){.type = VT_STR};
		t.type = op->field->type;
		t.is_list = op->field->flags & FIELD_LIST;
		return t;
	case OPERAND_LITERAL:
		return t;
	case OPERAND_LIST:
		t.is_list = true;
		return t;
	case OPERAND_TRANSFORM:
		break;
	}
	for (size_t i = 0; i < op->nargs; i++)
		t.known &= operand_type(&op->args[i]).known;
	switch (op->transformer) {
	case TR_LEN:
		t.type = VT_U64;
		break;
	case TR_JOIN:
	case TR_CONCAT:
	case TR_COUNT:
		break;
	case TR_GETOPT:
		t.is_list = !op->arg.text.len;
		break;
	case TR_TOLOWER:
	case TR_TOUPPER:
	case TR_B64:
	case TR_BASENAME:
		if (op->nargs) {
			t.type = operand_type(&op->args[0]).type;
			t.is_list = operand_type(&op->args[0]).is_list;
		}
		break;
	}
	return t;
}

/* ---- transformers ------------------------------------------------------------------------- */

static int transformer_fail(struct parser *p, const struct operand *op, const char *what)
{
	return parse_fail(p, op->pos.offset, "%s() %s", transformer_name(op->transformer), what);
}

static int check_one_input(struct parser *p, const struct operand *op)
{
	if (op->nargs != 1)
		return transformer_fail(p, op, "takes one argument");
	struct operand_type t = operand_type(&op->args[0]);
	bool is_path = t.type == VT_STR || t.type == VT_PATH;

	if (!t.known)
		return 0;
	switch (op->transformer) {
	case TR_LEN:
		if (!t.is_list && !value_type_is_text(t.type))
			return transformer_fail(p, op, "takes a string, a byte buffer or a list");
		return 0;
	case TR_B64:
		if (t.type != VT_STR && t.type != VT_BYTES)
			return transformer_fail(p, op, "takes a string or a byte buffer");
		return 0;
	default:
		return is_path ? 0 : transformer_fail(p, op, "takes a string");
	}
}

static int check_many_inputs(struct parser *p, const struct operand *op)
{
	struct operand_type first = operand_type(&op->args[0]);

	if (op->transformer == TR_CONCAT) {
		if (op->nargs < 2)
			return transformer_fail(p, op, "takes two or more strings");
		for (size_t i = 0; i < op->nargs; i++) {
			struct operand_type t = operand_type(&op->args[i]);

			if (t.known && (t.is_list || !value_type_is_text(t.type)))
				return transformer_fail(p, op, "takes strings only");
		}
		return 0;
	}
	if (op->nargs != 2)
		return transformer_fail(p, op,
			op->transformer == TR_JOIN ? "takes a separator and a list"
						   : "takes the arguments and an option string");
	struct operand_type second = operand_type(&op->args[1]);
	if (!first.known || !second.known)
		return 0;
	if (op->transformer == TR_JOIN) {
		if (first.is_list || !value_type_is_text(first.type) || !second.is_list)
			return transformer_fail(p, op, "takes a separator and a list");
	} else if (second.is_list || second.type != VT_STR || !value_type_is_text(first.type)) {
		return transformer_fail(p, op, "takes the arguments and an option string");
	}
	return 0;
}

static int check_transformer_arg(struct parser *p, const struct operand *op)
{
	if (!op->arg.text.len)
		return 0;
	if (op->transformer != TR_GETOPT)
		return transformer_fail(p, op, "takes no [argument]");
	if (op->arg.text.len != 1)
		return transformer_fail(
			p, op, "takes one option character in brackets: getopt(…)[t]");
	return 0;
}

/* The first input, in a list too, that is a field which cannot be transformed. */
static const struct operand *untransformable(const struct operand *op)
{
	for (size_t i = 0; i < op->nargs; i++) {
		const struct operand *arg = &op->args[i], *inner = NULL;

		if (arg->field && arg->field->flags & FIELD_NO_TRANSFORMER)
			return arg;
		if (arg->kind == OPERAND_LIST && (inner = untransformable(arg)))
			return inner;
	}
	return NULL;
}

int check_transformer(struct parser *p, const struct operand *op)
{
	const struct operand *bad = untransformable(op);

	if (bad)
		return parse_fail(p, bad->pos.offset, "%s cannot be transformed", bad->field->name);
	if (check_transformer_arg(p, op))
		return -EINVAL;
	if (op->transformer == TR_JOIN || op->transformer == TR_CONCAT ||
		op->transformer == TR_GETOPT)
		return check_many_inputs(p, op);
	return check_one_input(p, op);
}

/* ---- comparisons -------------------------------------------------------------------------- */

static const char *operand_name(const struct operand *op)
{
	if (op->kind == OPERAND_FIELD && op->field)
		return op->field->name;
	return op->kind == OPERAND_TRANSFORM ? transformer_name(op->transformer) : "this";
}

static void add_op_names(char *out, size_t size, uint32_t ops)
{
	size_t n = 0;

	out[0] = 0;
	for (enum cmp_op op = 0; op < OP_COUNT; op++) {
		const char *name = cmp_op_name(op);

		if (!(ops & BIT(op)) || n + strlen(name) + 2 > size)
			continue;
		n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", name);
	}
}

static int check_op(struct parser *p, const struct ast *c, struct operand_type left)
{
	uint32_t ops = left.is_list ? (uint32_t)OPS_LIST : type_ops(left.type);
	char names[200];

	if (c->left.kind == OPERAND_FIELD && c->left.field->ops)
		ops = c->left.field->ops | BIT(OP_EXISTS);
	if (ops & BIT(c->op) && !(left.is_list && c->modifier != MOD_NONE))
		return 0;
	add_op_names(names, sizeof(names), ops);
	return parse_fail(p, c->pos.offset,
		"operator %s does not fit %s, which is of type %s%s: use one of %s",
		cmp_op_name(c->op), operand_name(&c->left), left.is_list ? "list of " : "",
		value_type_name(left.type), names);
}

static bool types_mix(enum value_type a, enum value_type b)
{
	bool a_text = a == VT_STR || a == VT_PATH, b_text = b == VT_STR || b == VT_PATH;

	return a == b || (a_text && b_text) || (value_type_is_number(a) && value_type_is_number(b));
}

static int check_right_operand(struct parser *p, const struct ast *c, struct operand_type left)
{
	const struct operand *r = &c->right[0];
	struct operand_type right = operand_type(r);

	if (c->op == OP_PMATCH || c->op == OP_REGEX)
		return parse_fail(p, r->pos.offset, "%s takes no field on its right-hand side",
			cmp_op_name(c->op));
	if (c->left.kind == OPERAND_FIELD && c->left.field->flags & FIELD_NO_RHS)
		return parse_fail(p, r->pos.offset, "%s cannot be compared with a field",
			c->left.field->name);
	if (r->kind == OPERAND_FIELD && r->field && r->field->flags & FIELD_NO_RHS)
		return parse_fail(
			p, r->pos.offset, "%s cannot stand on the right-hand side", r->field->name);
	if (!right.known)
		return 0;
	if (left.type == VT_NET || !types_mix(left.type, right.type))
		return parse_fail(p, r->pos.offset, "%s is of type %s, but %s is of type %s",
			operand_name(&c->left), value_type_name(left.type), operand_name(r),
			value_type_name(right.type));
	if (right.is_list && c->op != OP_IN && c->op != OP_INTERSECTS)
		return parse_fail(
			p, r->pos.offset, "%s is a list: use in or intersects", operand_name(r));
	return 0;
}

static int check_literal(
	struct parser *p, const struct ast *c, enum value_type type, const struct operand *r)
{
	struct err e = {0};
	struct value v;

	if (literal_parse(p->arena, type, c->op, r->text, &v, &e) < 0)
		return parse_fail(p, r->pos.offset, "%s: %s", operand_name(&c->left), e.msg);
	if (c->op == OP_REGEX && regex_check(r->text, &e) < 0)
		return parse_fail(p, r->pos.offset, "%s", e.msg);
	return 0;
}

int check_comparison(struct parser *p, const struct ast *c)
{
	struct operand_type left = operand_type(&c->left);

	if (!left.known)
		return 0;
	if (check_op(p, c, left))
		return -EINVAL;
	if (c->nright == 1 && c->right[0].kind != OPERAND_LITERAL)
		return check_right_operand(p, c, left);
	if (c->right_is_ident)
		return 0; /* the list is not at hand; the program checks its items */
	for (size_t i = 0; i < c->nright; i++)
		if (check_literal(p, c, left.type, &c->right[i]))
			return -EINVAL;
	return 0;
}
