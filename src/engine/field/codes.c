/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events an expression can be true for. Set algebra over its tree: `evt.type` leaves give
 * sets of codes, `evt.num` leaves that hold for no event or for all (events count from 1) give the
 * empty set or all, every other leaf says nothing and gives all. `not` is pushed down to the leaves
 * by De Morgan's laws, for only there is it known whether a set may be inverted. The answer is
 * always at least the true set, never less.
 */
#include "engine/field/private.h"

enum { WORDS = (EVENT_CODE_MAX + 63) / 64 };

struct codes {
	uint64_t bits[WORDS];
};

static void add_code(struct codes *c, unsigned code)
{
	c->bits[code / 64] |= 1ULL << (code % 64);
}

static struct codes all_codes(void)
{
	struct codes c = {{0}};

	for (unsigned i = 0; i < EVENT_CODE_MAX; i++)
		add_code(&c, i);
	return c;
}

static struct codes inverse(struct codes c)
{
	struct codes all = all_codes();

	for (unsigned i = 0; i < WORDS; i++)
		c.bits[i] = all.bits[i] & ~c.bits[i];
	return c;
}

/*
 * All codes of that name, old ones too. A name without an event of its own is a system call that
 * comes as the generic event, or one that an asynchronous event brings with it.
 */
static void add_name(struct codes *c, struct str name)
{
	bool is_syscall = false;

	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (!def || !str_is(name, def->name))
			continue;
		add_code(c, code);
		is_syscall |= !(def->flags & (EF_META | EF_OLD));
	}
	if (!is_syscall) {
		add_code(c, EV_SYSCALL);
		add_code(c, EV_ASYNCEVENT);
	}
}

static bool all_literals(const struct ast *check)
{
	if (check->right_is_ident)
		return false;
	for (size_t i = 0; i < check->nright; i++)
		if (check->right[i].kind != OPERAND_LITERAL)
			return false;
	return true;
}

/* What a leaf can be true for, and whether its opposite is true for all others. */
struct leaf {
	struct codes codes;
	bool is_exact;
};

static struct leaf type_leaf(const struct ast *check)
{
	struct leaf l = {.is_exact = true};

	if (check->op == OP_EXISTS) /* syscall.type is missing for some events */
		return (struct leaf){all_codes(), str_is(check->left.field_name, "evt.type")};
	if ((check->op != OP_EQ && check->op != OP_NE && check->op != OP_IN) ||
		check->modifier != MOD_NONE || !all_literals(check))
		return (struct leaf){all_codes(), false};
	for (size_t i = 0; i < check->nright; i++)
		add_name(&l.codes, check->right[i].text);
	if (check->op == OP_NE)
		l.codes = inverse(l.codes);
	return l;
}

/* evt.num is at least 1: does the comparison hold for none of these numbers, or for all? */
enum truth { TRUTH_NEVER, TRUTH_ALWAYS, TRUTH_OPEN };

static enum truth num_truth(enum cmp_op op, uint64_t n)
{
	switch (op) {
	case OP_EQ:
	case OP_IN:
	case OP_LE:
		return n == 0 ? TRUTH_NEVER : TRUTH_OPEN;
	case OP_LT:
		return n <= 1 ? TRUTH_NEVER : TRUTH_OPEN;
	case OP_NE:
	case OP_GT:
		return n == 0 ? TRUTH_ALWAYS : TRUTH_OPEN;
	case OP_GE:
		return n <= 1 ? TRUTH_ALWAYS : TRUTH_OPEN;
	default:
		return TRUTH_OPEN;
	}
}

static struct leaf num_leaf(const struct ast *check)
{
	enum truth t = check->op == OP_IN && !check->nright ? TRUTH_NEVER : TRUTH_OPEN;
	uint64_t n;

	if (check->modifier == MOD_NONE && all_literals(check))
		for (size_t i = 0; i < check->nright; i++) {
			t = str_to_u64(check->right[i].text, 10, &n) ? num_truth(check->op, n)
								     : TRUTH_OPEN;
			if (t == TRUTH_OPEN)
				break;
		}
	if (t == TRUTH_NEVER)
		return (struct leaf){.is_exact = true};
	return (struct leaf){all_codes(), t == TRUTH_ALWAYS};
}

static struct leaf leaf_of(const struct ast *node)
{
	const struct operand *left = &node->left;

	switch (node->kind) {
	case AST_TRUE:
		return (struct leaf){all_codes(), true};
	case AST_FALSE:
		return (struct leaf){.is_exact = true};
	case AST_CHECK:
		if (left->kind != OPERAND_FIELD || left->arg.text.len)
			break;
		if (str_is(left->field_name, "evt.type") ||
			str_is(left->field_name, "syscall.type"))
			return type_leaf(node);
		if (str_is(left->field_name, "evt.num"))
			return num_leaf(node);
		break;
	default:
		break;
	}
	return (struct leaf){all_codes(), false};
}

static struct codes codes_of(const struct ast *node, bool negated)
{
	if (node->kind == AST_NOT)
		return codes_of(node->kids[0], !negated);
	if (node->kind != AST_AND && node->kind != AST_OR) {
		struct leaf l = leaf_of(node);

		return negated && l.is_exact ? inverse(l.codes) : l.codes;
	}
	/* not (a and b) = not a or not b */
	bool join = (node->kind == AST_OR) != negated;
	struct codes c = {{0}};

	if (!join)
		c = all_codes();

	for (size_t i = 0; i < node->nkids; i++) {
		struct codes kid = codes_of(node->kids[i], negated);

		for (unsigned w = 0; w < WORDS; w++)
			c.bits[w] = join ? c.bits[w] | kid.bits[w] : c.bits[w] & kid.bits[w];
	}
	return c;
}

void field_event_codes(const struct ast *ast, uint64_t *codes)
{
	struct codes c = codes_of(ast, false);

	memcpy(codes, c.bits, sizeof(c.bits));
}

bool field_event_type_exists(struct str name)
{
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (def && str_is(name, def->name))
			return true;
	}
	return syscall_id_by_name(name) >= 0 || str_is(name, "container_removed");
}
