/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pushdown: what is left of a rule when only that of a call is looked at which the sensor tells
 * calls by: of an open its names, flags and result, of a connect the far end and its port. In
 * negation normal form every comparison that this does not decide becomes true, in either polarity,
 * which only ever weakens the condition: what the projection refuses, the rule refuses, whoever
 * calls. The sensor leaves such calls out (bpf/verdict.h, bpf/verdict_sock.h), and which rules are
 * left for an open that reaches them is remembered (engine/detect/opens.c).
 */
#include "engine/rules/private.h"

/*
 * A kind of calls, and what is a function of the key that the kernel makes of one; of opens also of
 * the key of engine/detect/opens.c: a new field has to be in both. Lists end with NULL, or 0.
 */
struct projection {
	const uint16_t *codes;
	const char *const *fields;
	const char *const *args;  /* of evt.arg and evt.rawarg */
	const char *const *signs; /* numbers of which it is decided whether they are below 0 */
	const char *const *more;  /* fields, of the caller */
};

static const char *const none[] = {NULL};

static const uint16_t open_codes[] = {EV_OPEN, EV_OPENAT, EV_OPENAT2, EV_CREAT, 0};
static const char *const open_fields[] = {
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
	NULL,
};
static const char *const open_args[] = {"name", "flags", NULL};

static const uint16_t socket_codes[] = {EV_SOCKET, 0};
static const char *const socket_fields[] = {"evt.type", "evt.dir", "evt.failed", "evt.res", NULL};
static const char *const socket_args[] = {"domain", "type", "proto", "flags", NULL};

/* A result that makes a descriptor is a number of no meaning. */
static const char *const made_signs[] = {"evt.rawres", "fd.num", NULL};

/* Not the port of this end, which the kernel chose, and so not fd.name. Host names are decided for
 * as long as their addresses do not change (detect_names_stamp()). */
static const uint16_t connect_codes[] = {EV_CONNECT, 0};
static const char *const connect_fields[] = {
	"evt.type",
	"evt.dir",
	"evt.failed",
	"evt.res",
	"evt.rawres",
	"fd.type",
	"fd.typechar",
	"fd.l4proto",
	"fd.connected",
	"fd.is_server",
	"fd.ip",
	"fd.cip",
	"fd.sip",
	"fd.lip",
	"fd.rip",
	"fd.net",
	"fd.cnet",
	"fd.snet",
	"fd.lnet",
	"fd.rnet",
	"fd.sport",
	"fd.rport",
	"fd.sproto",
	"fd.rproto",
	"fd.cip.name",
	"fd.sip.name",
	"fd.lip.name",
	"fd.rip.name",
	NULL,
};
static const char *const connect_args[] = {"res", NULL};
static const char *const connect_signs[] = {"fd.num", NULL};

/* What only an exec changes, or a new name. */
static const char *const process_fields[] = {
	"proc.name", "proc.exe", "proc.exepath", "proc.args", "proc.cmdline", NULL};

static const struct projection projections[PUSH_KINDS] = {
	[PUSH_OPEN] = {open_codes, open_fields, open_args, made_signs, none},
	[PUSH_SOCKET] = {socket_codes, socket_fields, socket_args, made_signs, none},
	[PUSH_CONNECT] = {connect_codes, connect_fields, connect_args, connect_signs, none},
	[PUSH_OWN_SOCKET] = {socket_codes, socket_fields, socket_args, made_signs, process_fields},
	[PUSH_OWN_CONNECT] = {connect_codes, connect_fields, connect_args, connect_signs,
		process_fields},
};

static bool has(const char *const *list, struct str s)
{
	for (; *list; list++)
		if (str_is(s, *list))
			return true;
	return false;
}

static bool is_against_zero(const struct ast *check)
{
	return check->nright == 1 && check->right[0].kind == OPERAND_LITERAL &&
	       str_is(check->right[0].text, "0");
}

static bool is_decided_operand(const struct projection *p, const struct operand *o)
{
	if (o->kind == OPERAND_LITERAL || o->kind == OPERAND_LIST)
		return true;
	if (o->kind == OPERAND_TRANSFORM) {
		for (size_t i = 0; i < o->nargs; i++)
			if (!is_decided_operand(p, &o->args[i]))
				return false;
		return true;
	}
	if (!o->field)
		return false;
	struct str name = str_of(o->field->name);
	if (str_is(name, "evt.arg") || str_is(name, "evt.rawarg"))
		return has(p->args, o->arg.text);
	return has(p->fields, name) || has(p->more, name);
}

static bool is_decided(const struct projection *p, const struct ast *check)
{
	if (check->left.kind == OPERAND_FIELD && check->left.field) {
		struct str name = str_of(check->left.field->name);

		if (has(p->signs, name))
			return is_against_zero(check) && (check->op == OP_LT || check->op == OP_GE);
		/* events count from 1: the idioms evt.num=0 (never) and evt.num>=0 (always) */
		if (str_is(name, "evt.num"))
			return is_against_zero(check);
	}
	if (!is_decided_operand(p, &check->left))
		return false;
	for (size_t i = 0; i < check->nright; i++)
		if (!is_decided_operand(p, &check->right[i]))
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

static struct ast *project(
	const struct projection *p, struct arena *a, struct ast *ast, bool is_negated);

/* AND and OR (swapped below a NOT), with TRUE folded away. */
static struct ast *project_kids(
	const struct projection *p, struct arena *a, struct ast *ast, bool is_negated)
{
	bool is_and = (ast->kind == AST_AND) != is_negated;
	struct ast *n = new_node(a, is_and ? AST_AND : AST_OR, ast->nkids);

	for (size_t i = 0; n && i < ast->nkids; i++) {
		struct ast *kid = project(p, a, ast->kids[i], is_negated);

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

static struct ast *project(
	const struct projection *p, struct arena *a, struct ast *ast, bool is_negated)
{
	switch (ast->kind) {
	case AST_AND:
	case AST_OR:
		return project_kids(p, a, ast, is_negated);
	case AST_NOT:
		return project(p, a, ast->kids[0], !is_negated);
	case AST_CHECK:
		return is_decided(p, ast) ? negate(a, ast, is_negated) : new_node(a, AST_TRUE, 0);
	case AST_TRUE:
	case AST_FALSE:
		return new_node(a, (ast->kind == AST_TRUE) != is_negated ? AST_TRUE : AST_FALSE, 0);
	default:
		return new_node(a, AST_TRUE, 0);
	}
}

static bool can_match(const struct rule *r, const uint16_t *codes)
{
	for (; *codes; codes++)
		if (r->codes[*codes / 64] >> (*codes % 64) & 1)
			return true;
	return false;
}

enum push_kind ruleset_push_kind(uint16_t code)
{
	for (unsigned kind = 0; kind < PUSH_KINDS; kind++)
		for (const uint16_t *c = projections[kind].codes; *c; c++)
			if (*c == code)
				return kind;
	return PUSH_KINDS;
}

enum push_kind push_kind_of_one(enum push_kind kind)
{
	switch (kind) {
	case PUSH_SOCKET:
		return PUSH_OWN_SOCKET;
	case PUSH_CONNECT:
		return PUSH_OWN_CONNECT;
	default:
		return PUSH_KINDS;
	}
}

static int sees_process(struct operand *op, struct ast *check, void *arg)
{
	return has(process_fields, op->field_name);
}

/* What is left of a rule. False: it wants all calls of that kind, or there is no memory. */
static bool push_rule(struct ruleset *rs, enum push_kind kind, struct rule *r)
{
	struct pushdown *to = &rs->push[kind];
	struct ast *left = project(&projections[kind], &rs->arena, r->ast, false);
	struct filter_error fe;
	uint32_t root;

	if (!left || left->kind == AST_TRUE ||
		filter_program_add(rs->program, left, &root, &fe) < 0)
		return false;
	if (kind == PUSH_OPEN) {
		rs->can_push_folders = rs->can_push_folders && ordinary_add(rs, left);
		r->has_open_root = true;
		r->open_root = root;
	}
	to->asks_process = to->asks_process || ast_walk_fields(left, sees_process, NULL);
	to->roots[to->nroots++] = root;
	return true;
}

/* A rule that wants them all keeps the others from being pushed, not from being remembered. */
static void push_rules(struct ruleset *rs, enum push_kind kind)
{
	struct pushdown *to = &rs->push[kind];

	to->is_on = true;
	for (size_t i = 0; i < rs->nrules; i++) {
		struct rule *r = rs->rules[i];

		if (r->enabled && can_match(r, projections[kind].codes) && !push_rule(rs, kind, r))
			to->is_on = false;
	}
	/* by the process, only where that says more */
	if (projections[kind].more == process_fields)
		to->is_on = to->is_on && to->asks_process;
	if (!to->is_on)
		to->nroots = 0;
}

void rules_project(struct loader *l)
{
	struct ruleset *rs = l->rs;

	rs->can_push_folders = ordinary_begin(rs);
	for (unsigned kind = 0; kind < PUSH_KINDS; kind++) {
		rs->push[kind].roots = arena_array(&rs->arena, uint32_t, rs->nrules + 1);
		if (!rs->push[kind].roots) {
			l->out_of_memory = true;
			return;
		}
		push_rules(rs, kind);
	}
	rs->can_push_folders = rs->can_push_folders && rs->push[PUSH_OPEN].is_on;
}
