/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known only when all expressions are there: which nodes are reached, which belong to one
 * parent alone and can be merged into it (and (and a b) c → and a b c), and in which order the kids
 * of a node are asked. A node that several parents share stays a node: it is judged once for all.
 * Leaves have no side effects and never fail, so any order gives the same result: cheap ones first.
 */
#include <errno.h>

#include "engine/filter/parse.h"
#include "engine/filter/program.h"

enum { COST_MAX = 1 << 20 };

/* ---- liveness ----------------------------------------------------------------------------- */

/* Kids are always made before their parents: one pass down the numbers reaches everything. */
static void mark_live(struct filter_program *p)
{
	for (size_t i = 0; i < p->nnodes; i++) {
		p->nodes[i]->is_live = p->nodes[i]->is_root;
		p->nodes[i]->uses = 0;
	}
	for (size_t i = p->nnodes; i-- > 0;) {
		const struct node *n = p->nodes[i];

		for (size_t k = 0; n->is_live && k < n->nkids; k++) {
			p->nodes[n->kids[k]]->is_live = true;
			p->nodes[n->kids[k]]->uses++;
		}
	}
}

/* ---- flattening --------------------------------------------------------------------------- */

static bool can_merge(const struct node *parent, const struct node *kid)
{
	return kid->kind == parent->kind && kid->uses == 1 && !kid->is_root;
}

static int flatten(struct filter_program *p, struct node *n)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; i < n->nkids; i++) {
		const struct node *kid = p->nodes[n->kids[i]];

		total += can_merge(n, kid) ? kid->nkids : 1;
	}
	if (total == n->nkids)
		return 0;
	uint32_t *kids = arena_array(&p->arena, uint32_t, total);
	if (!kids)
		return -ENOMEM;
	for (size_t i = 0; i < n->nkids; i++) {
		struct node *kid = p->nodes[n->kids[i]];

		if (!can_merge(n, kid)) {
			kids[at++] = n->kids[i];
			continue;
		}
		memcpy(kids + at, kid->kids, kid->nkids * sizeof(*kids));
		at += kid->nkids;
		kid->is_live = false;
	}
	n->kids = kids;
	n->nkids = total;
	return 0;
}

/* ---- order -------------------------------------------------------------------------------- */

static uint32_t op_cost(const struct comparison_body *b)
{
	switch (b->op) {
	case OP_REGEX:
		return 40;
	case OP_GLOB:
	case OP_IGLOB:
		return 12;
	case OP_CONTAINS:
	case OP_ICONTAINS:
	case OP_BCONTAINS:
		return 8;
	case OP_PMATCH:
	case OP_STARTSWITH:
	case OP_ENDSWITH:
	case OP_BSTARTSWITH:
		return 4;
	default:
		return 2;
	}
}

static uint32_t leaf_cost(const struct filter_program *p, const struct leaf *l)
{
	const struct slot *s = p->slots[l->slot];
	uint32_t cost = op_cost(&l->body);

	/* most such comparators walk ancestors or addresses */
	if (l->how == HOW_FIELD_COMPARE)
		cost += 8;
	if (s->kind != OPERAND_FIELD)
		cost += 8;
	if (l->right >= 0)
		cost += 4;
	return cost;
}

static uint32_t node_cost(const struct filter_program *p, const struct node *n)
{
	uint64_t cost = n->leaf ? leaf_cost(p, n->leaf) : 0;

	for (size_t i = 0; i < n->nkids; i++)
		cost += p->nodes[n->kids[i]]->cost;
	return cost > COST_MAX ? COST_MAX : (uint32_t)cost;
}

/* What several parents share is judged once for all: each bears its part. */
static uint32_t kid_cost(const struct filter_program *p, uint32_t id)
{
	const struct node *n = p->nodes[id];

	return n->cost / (n->uses > 1 ? n->uses : 1);
}

/* Stable: of equal cost, the author's order stands. A merge of runs, as lists can be long. */
static int order_kids(struct filter_program *p, struct node *n)
{
	uint32_t *from = n->kids, *to = arena_array(&p->arena, uint32_t, n->nkids);

	if (!to)
		return -ENOMEM;
	for (size_t run = 1; run < n->nkids; run *= 2) {
		for (size_t lo = 0; lo < n->nkids; lo += 2 * run) {
			size_t mid = lo + run < n->nkids ? lo + run : n->nkids;
			size_t hi = mid + run < n->nkids ? mid + run : n->nkids;
			size_t a = lo, b = mid;

			for (size_t at = lo; at < hi; at++) {
				bool left = a < mid && (b >= hi || kid_cost(p, from[a]) <=
									   kid_cost(p, from[b]));

				to[at] = left ? from[a++] : from[b++];
			}
		}
		uint32_t *swap = from;
		from = to;
		to = swap;
	}
	n->kids = from;
	return 0;
}

int program_link(struct filter_program *p)
{
	int r = 0;

	mark_live(p);
	for (size_t i = 0; !r && i < p->nnodes; i++) {
		struct node *n = p->nodes[i];

		if (n->is_live && (n->kind == AST_AND || n->kind == AST_OR))
			r = flatten(p, n);
		n->cost = node_cost(p, n);
		if (!r && n->is_live && n->nkids > 1)
			r = order_kids(p, n);
	}
	return r;
}
