/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pushdown: what is left of a rule when only an open's names, flags and result are looked at.
 * In negation normal form every comparison that they do not decide becomes true, in either
 * polarity, which only ever weakens the condition: what the projection refuses, the rule refuses,
 * whoever opens. The sensor leaves such opens out (bpf/verdict.h).
 */
#include "engine/rules/private.h"

/* Fields that are a function of the verdict's key; of evt.arg and evt.rawarg only some arguments.
 */
static const char *const decided_fields[] = {
	"evt.type",
	"evt.dir",
	"evt.is_open_read",
	"evt.is_open_write",
	"evt.is_open_create",
	"evt.failed",
	"evt.res",
	"fd.type",
	"fd.typechar",
	"fd.name",
	"fd.nameraw",
	"fd.directory",
	"fd.filename",
	"fd.realpath",
	"fd.knownpath",
	"fs.path.name",
	"fs.path.nameraw",
};
static const char *const decided_args[] = {"name", "flags"};
/* Numbers whose sign is decided: the result is an error or none. */
static const char *const signed_fields[] = {"evt.rawres", "fd.num"};

#define HAS(list, s) has(list, sizeof(list) / sizeof(*(list)), s)

static bool has(const char *const *list, size_t n, struct str s)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(s, list[i]))
			return true;
	return false;
}

static bool is_against_zero(const struct ast *check)
{
	return check->nright == 1 && check->right[0].kind == OPERAND_LITERAL &&
	       str_is(check->right[0].text, "0");
}

static bool is_decided_operand(const struct operand *o)
{
	if (o->kind == OPERAND_LITERAL || o->kind == OPERAND_LIST)
		return true;
	if (o->kind == OPERAND_TRANSFORM) {
		for (size_t i = 0; i < o->nargs; i++)
			if (!is_decided_operand(&o->args[i]))
				return false;
		return true;
	}
	if (!o->field)
		return false;
	struct str name = str_of(o->field->name);
	if (str_is(name, "evt.arg") || str_is(name, "evt.rawarg"))
		return HAS(decided_args, o->arg.text);
	return HAS(decided_fields, name);
}

static bool is_decided(const struct ast *check)
{
	if (check->left.kind == OPERAND_FIELD && check->left.field) {
		struct str name = str_of(check->left.field->name);

		if (HAS(signed_fields, name))
			return is_against_zero(check) && (check->op == OP_LT || check->op == OP_GE);
		/* events count from 1: the idioms evt.num=0 (never) and evt.num>=0 (always) */
		if (str_is(name, "evt.num"))
			return is_against_zero(check);
	}
	if (!is_decided_operand(&check->left))
		return false;
	for (size_t i = 0; i < check->nright; i++)
		if (!is_decided_operand(&check->right[i]))
			return false;
	return true;
}

static struct ast *new_node(struct arena *a, enum ast_kind kind, size_t nkids)
{
	struct ast *n = arena_new(a, struct ast);

	if (!n)
		return NULL;
	n->kind = kind;
	n->kids = nkids ? arena_array(a, struct ast *, nkids) : NULL;
	return nkids && !n->kids ? NULL : n;
}

/* AND and OR (swapped below a NOT), with TRUE folded away. */
static struct ast *project_kids(struct arena *a, struct ast *ast, bool is_negated)
{
	bool is_and = (ast->kind == AST_AND) != is_negated;
	struct ast *n = new_node(a, is_and ? AST_AND : AST_OR, ast->nkids);

	for (size_t i = 0; n && i < ast->nkids; i++) {
		struct ast *kid = rule_project(a, ast->kids[i], is_negated);

		if (!kid)
			return NULL;
		if (kid->kind == AST_TRUE && !is_and)
			return kid;
		if (kid->kind != AST_TRUE)
			n->kids[n->nkids++] = kid;
	}
	if (n && n->nkids == 0)
		return new_node(a, AST_TRUE, 0);
	return n && n->nkids == 1 ? n->kids[0] : n;
}

static struct ast *negate(struct arena *a, struct ast *leaf, bool is_negated)
{
	if (!is_negated)
		return leaf;
	struct ast *n = new_node(a, AST_NOT, 1);
	if (n) {
		n->kids[0] = leaf;
		n->nkids = 1;
	}
	return n;
}

struct ast *rule_project(struct arena *a, struct ast *ast, bool is_negated)
{
	switch (ast->kind) {
	case AST_AND:
	case AST_OR:
		return project_kids(a, ast, is_negated);
	case AST_NOT:
		return rule_project(a, ast->kids[0], !is_negated);
	case AST_CHECK:
		return is_decided(ast) ? negate(a, ast, is_negated) : new_node(a, AST_TRUE, 0);
	case AST_TRUE:
	case AST_FALSE:
		return new_node(a, (ast->kind == AST_TRUE) != is_negated ? AST_TRUE : AST_FALSE, 0);
	default:
		return new_node(a, AST_TRUE, 0);
	}
}

static const uint16_t open_codes[] = {EV_OPEN, EV_OPENAT, EV_CREAT};

static bool can_match_open(const struct rule *r)
{
	for (size_t i = 0; i < sizeof(open_codes) / sizeof(*open_codes); i++)
		if (r->codes[open_codes[i] / 64] >> (open_codes[i] % 64) & 1)
			return true;
	return false;
}

void rules_project_opens(struct loader *l)
{
	struct ruleset *rs = l->rs;
	struct filter_error fe;

	rs->open_roots = arena_array(&rs->arena, uint32_t, rs->nrules + 1);
	if (!rs->open_roots) {
		l->out_of_memory = true;
		return;
	}
	rs->can_push_opens = true;
	for (size_t i = 0; i < rs->nrules; i++) {
		const struct rule *r = rs->rules[i];

		if (!r->enabled || !can_match_open(r))
			continue;
		struct ast *left = rule_project(&rs->arena, r->ast, false);
		/* a rule that any open can match by its process alone wants them all */
		if (!left || left->kind == AST_TRUE ||
			filter_program_add(
				rs->program, left, &rs->open_roots[rs->nopen_roots], &fe) < 0) {
			rs->can_push_opens = false;
			rs->nopen_roots = 0;
			return;
		}
		rs->nopen_roots++;
	}
}
