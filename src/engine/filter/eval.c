/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation. Every node and every slot remembers for which judgement its result is: a counter that
 * each new subject, and each new name of the same subject, moves on. Nothing is cleared, nothing is
 * allocated once the arena of the getters is warm.
 *
 * A program has thousands of nodes, of which an event asks some dozens here and there: what is read
 * of them (struct op, edges) lies together and apart from the rest, so that it stays near the CPU.
 * An edge says all that is needed to find a result that is there already, and holds the negations.
 */
#include <stdlib.h>

#include "engine/filter/program.h"
#include "engine/filter/transform.h"

enum {
	EVAL_ARENA_LIMIT = 64 << 20,
	EVAL_ARENA_WARM = 64 << 10, /* what transformers make of an event's longest strings */
};

struct eval_slot {
	uint64_t stamp; /* 0 = never */
	struct values values;
	struct value one;
	int32_t ids[MATCHER_COUNT];
	bool has_id[MATCHER_COUNT];
	bool has_bits[2];
	bool is_named;
	uint64_t *bits[2];
	struct values *args; /* of a transformer or list, room for each */
};

/* A node, and in its kids' place where their edges are. */
struct op {
	uint32_t kids, nkids;
	uint32_t kind; /* enum ast_kind, but no AST_NOT */
	const struct leaf *leaf;
};

/* Of an edge: the node's number above the bits. */
enum { EDGE_NOT = 1, EDGE_NAMED = 2, EDGE_SHIFT = 2 };

struct filter_eval {
	const struct filter_program *program;
	struct op *ops;
	uint32_t *edges, *roots; /* kids of all ops; of each node, as if it were a kid */
	struct arena arena;      /* of the getters, until the next subject */
	struct arena fixed;      /* what is below */
	struct field_ctx ctx;
	struct regex_scratch *scratch;
	struct eval_slot *slots;
	uint64_t *results;              /* a node: stamp << 1 | value */
	uint64_t clock, subject, named; /* stamps of the current judgement */
	uint64_t mallocs;
};

static bool alloc_slots(struct filter_eval *ev)
{
	const struct filter_program *p = ev->program;

	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];

		ev->slots[i].is_named = s->is_named;
		if (s->nargs &&
			!(ev->slots[i].args = arena_array(&ev->fixed, struct values, s->nargs)))
			return false;
		for (int k = 0; k < 2; k++) {
			size_t words =
				s->automata[k] ? automaton_nbits(s->automata[k]) / 64 + 1 : 0;

			ev->slots[i].bits[k] = arena_array(&ev->fixed, uint64_t, words);
			if (words && !ev->slots[i].bits[k])
				return false;
		}
	}
	return true;
}

static uint32_t edge_to(const struct filter_program *p, uint32_t id)
{
	uint32_t bits = 0;

	while (p->nodes[id]->kind == AST_NOT) {
		id = p->nodes[id]->kids[0];
		bits ^= EDGE_NOT;
	}
	return id << EDGE_SHIFT | (p->nodes[id]->is_named ? EDGE_NAMED : 0) | bits;
}

static bool make_ops(struct filter_eval *ev)
{
	const struct filter_program *p = ev->program;
	size_t nedges = 0;

	for (size_t i = 0; i < p->nnodes; i++)
		nedges += p->nodes[i]->nkids;
	ev->ops = arena_array(&ev->fixed, struct op, p->nnodes + 1);
	ev->edges = arena_array(&ev->fixed, uint32_t, nedges + 1);
	ev->roots = arena_array(&ev->fixed, uint32_t, p->nnodes + 1);
	if (!ev->ops || !ev->edges || !ev->roots || p->nnodes >= UINT32_MAX >> EDGE_SHIFT)
		return false;
	nedges = 0;
	for (size_t i = 0; i < p->nnodes; i++) {
		const struct node *n = p->nodes[i];

		ev->ops[i] = (struct op){(uint32_t)nedges, (uint32_t)n->nkids, n->kind, n->leaf};
		ev->roots[i] = edge_to(p, (uint32_t)i);
		for (size_t k = 0; k < n->nkids; k++)
			ev->edges[nedges++] = edge_to(p, n->kids[k]);
	}
	return true;
}

struct filter_eval *filter_eval_new(const struct filter_program *p)
{
	struct filter_eval *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return NULL;
	ev->program = p;
	arena_init(&ev->arena, EVAL_ARENA_LIMIT);
	arena_reserve(&ev->arena, EVAL_ARENA_WARM);
	arena_init(&ev->fixed, 0);
	ev->ctx.arena = &ev->arena;
	ev->results = arena_array(&ev->fixed, uint64_t, p->nnodes + 1);
	ev->slots = arena_array(&ev->fixed, struct eval_slot, p->nslots + 1);
	ev->scratch = p->nregexes ? regex_scratch_new() : NULL;
	ev->mallocs = 1;
	if (!ev->results || !ev->slots || (p->nregexes && !ev->scratch) || !alloc_slots(ev) ||
		!make_ops(ev)) {
		filter_eval_free(ev);
		return NULL;
	}
	filter_eval_begin(ev, NULL);
	return ev;
}

void filter_eval_free(struct filter_eval *ev)
{
	if (!ev)
		return;
	regex_scratch_free(ev->scratch);
	arena_done(&ev->arena);
	arena_done(&ev->fixed);
	free(ev);
}

void filter_eval_begin(struct filter_eval *ev, const void *subject)
{
	arena_reset(&ev->arena);
	ev->ctx.subject = subject;
	ev->subject = ev->named = ++ev->clock;
}

void filter_eval_rename(struct filter_eval *ev)
{
	ev->named = ++ev->clock;
}

uint64_t filter_eval_mallocs(const struct filter_eval *ev)
{
	return ev->mallocs + ev->arena.nmallocs + ev->fixed.nmallocs;
}

/* ---- slots -------------------------------------------------------------------------------- */

static inline const struct values *slot_values(struct filter_eval *ev, uint32_t id);

static bool extract_field(struct filter_eval *ev, const struct slot *s, struct eval_slot *es)
{
	if (s->is_list)
		return field_values(s->field, &s->arg, &ev->ctx, &es->values);
	if (!s->field->get || !s->field->get(&ev->ctx, &s->arg, &es->one))
		return false;
	es->values = (struct values){&es->one, 1};
	return true;
}

static bool extract_args(struct filter_eval *ev, const struct slot *s, struct eval_slot *es)
{
	for (size_t i = 0; i < s->nargs; i++) {
		es->args[i] = *slot_values(ev, s->args[i]);
		if (!es->args[i].n)
			return false;
	}
	return s->nargs > 0;
}

static bool extract_list(struct filter_eval *ev, const struct slot *s, struct eval_slot *es)
{
	struct value *out = arena_raw(&ev->arena, sizeof(*out) * (s->nargs + 1));

	if (!out || !extract_args(ev, s, es))
		return false;
	for (size_t i = 0; i < s->nargs; i++)
		out[i] = es->args[i].v[0];
	es->values = (struct values){out, s->nargs};
	return true;
}

static bool extract_transform(struct filter_eval *ev, const struct slot *s, struct eval_slot *es)
{
	struct transform_call call = {.transformer = s->transformer,
		.arg = s->arg.text,
		.is_list = ev->program->slots[s->args[0]]->is_list,
		.args = es->args,
		.nargs = s->nargs};

	return extract_args(ev, s, es) && transform_apply(&call, &ev->arena, &es->values);
}

static bool extract(struct filter_eval *ev, const struct slot *s, struct eval_slot *es)
{
	switch (s->kind) {
	case OPERAND_FIELD:
		return extract_field(ev, s, es);
	case OPERAND_LITERAL:
		es->values = (struct values){&s->literal, 1};
		return true;
	case OPERAND_LIST:
		return extract_list(ev, s, es);
	case OPERAND_TRANSFORM:
		return extract_transform(ev, s, es);
	}
	return false;
}

static void slot_fill(struct filter_eval *ev, uint32_t id, uint64_t now)
{
	struct eval_slot *es = &ev->slots[id];

	if (!extract(ev, ev->program->slots[id], es))
		es->values = (struct values){0};
	memset(es->has_id, 0, sizeof(es->has_id));
	memset(es->has_bits, 0, sizeof(es->has_bits));
	es->stamp = now;
}

static inline const struct values *slot_values(struct filter_eval *ev, uint32_t id)
{
	struct eval_slot *es = &ev->slots[id];
	uint64_t now = es->is_named ? ev->named : ev->subject;

	if (es->stamp != now)
		slot_fill(ev, id, now);
	return &es->values;
}

/* ---- leaves ------------------------------------------------------------------------------- */

static bool is_text(const struct value *v)
{
	return v->type == VT_STR || v->type == VT_PATH || v->type == VT_BYTES;
}

static int32_t find_id(const struct slot *s, struct str text, enum matcher_kind kind)
{
	switch (kind) {
	case MATCHER_DICT:
		return dict_find(s->dict, text);
	case MATCHER_PREFIX:
		return trie_find(s->prefixes, text);
	case MATCHER_SUFFIX:
		return trie_find(s->suffixes, text);
	case MATCHER_PATH:
		return path_trie_find(s->paths, text);
	case MATCHER_COUNT:
		break;
	}
	return MATCH_NONE;
}

static bool ids_hold(struct filter_eval *ev, const struct leaf *l, const struct value *v)
{
	struct eval_slot *es = &ev->slots[l->slot];

	if (!is_text(v))
		return false;
	if (!es->has_id[l->matcher]) {
		es->ids[l->matcher] = find_id(ev->program->slots[l->slot], v->s, l->matcher);
		es->has_id[l->matcher] = true;
	}
	if (idset_has(&l->ids, es->ids[l->matcher]) != l->negate)
		return true;
	for (size_t i = 0; i < l->body.nglobs; i++)
		if (path_glob_matches(&l->body.globs[i], v->s))
			return true;
	return false;
}

static bool bits_hold(struct filter_eval *ev, const struct leaf *l, const struct value *v)
{
	const struct automaton *m = ev->program->slots[l->slot]->automata[l->fold_case];
	struct eval_slot *es = &ev->slots[l->slot];
	uint64_t *bits = es->bits[l->fold_case];

	if (!is_text(v))
		return false;
	if (!es->has_bits[l->fold_case]) {
		es->has_bits[l->fold_case] = true;
		memset(bits, 0, (automaton_nbits(m) / 64 + 1) * sizeof(*bits));
		automaton_scan(m, v->s, bits);
	}
	for (size_t i = 0; i < l->nbits; i++)
		if (bits[l->bits[i] / 64] >> (l->bits[i] % 64) & 1)
			return true;
	return false;
}

/* Is v equal to one of the values? */
static bool among(const struct value *v, const struct values *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (value_eq(v, &set->v[i]))
			return true;
	return false;
}

static bool slots_hold(enum cmp_op op, const struct values *left, const struct values *right)
{
	if (op != OP_IN && op != OP_INTERSECTS)
		return value_holds(op, &left->v[0], &right->v[0]);
	bool all = op == OP_IN;
	for (size_t i = 0; i < left->n; i++)
		if (among(&left->v[i], right) != all)
			return !all;
	return all;
}

static bool eval_leaf(struct filter_eval *ev, const struct leaf *l)
{
	if (l->how == HOW_FIELD_EXISTS || l->how == HOW_FIELD_COMPARE) {
		const struct slot *s = ev->program->slots[l->slot];
		struct comparison c = {&l->body, ev->scratch};

		return l->how == HOW_FIELD_EXISTS ? s->field->exists(&ev->ctx, &s->arg)
						  : s->field->compare(&ev->ctx, &s->arg, &c);
	}
	const struct values *v = slot_values(ev, l->slot);
	if (!v->n)
		return false;
	switch (l->how) {
	case HOW_VALUE:
		return comparison_body_holds(&l->body, ev->scratch, &v->v[0]);
	case HOW_LIST:
		return comparison_body_holds_list(&l->body, v);
	case HOW_IDS:
		return ids_hold(ev, l, &v->v[0]);
	case HOW_BITS:
		return bits_hold(ev, l, &v->v[0]);
	case HOW_SLOTS: {
		const struct values *right = slot_values(ev, (uint32_t)l->right);

		return right->n && slots_hold(l->body.op, v, right);
	}
	default: /* HOW_EXISTS */
		return true;
	}
}

/* ---- nodes -------------------------------------------------------------------------------- */

static uint64_t eval_op(struct filter_eval *ev, uint32_t id, uint64_t now);

static inline bool eval_edge(struct filter_eval *ev, uint32_t edge)
{
	uint64_t now = edge & EDGE_NAMED ? ev->named : ev->subject;
	uint64_t result = ev->results[edge >> EDGE_SHIFT];

	if (result >> 1 != now)
		result = eval_op(ev, edge >> EDGE_SHIFT, now);
	return (result ^ edge) & EDGE_NOT;
}

static bool eval_kids(struct filter_eval *ev, const struct op *op)
{
	const uint32_t *edges = ev->edges + op->kids;
	bool stop = op->kind == AST_OR;

	for (uint32_t i = 0; i < op->nkids; i++)
		if (eval_edge(ev, edges[i]) == stop)
			return stop;
	return !stop;
}

static uint64_t eval_op(struct filter_eval *ev, uint32_t id, uint64_t now)
{
	const struct op *op = &ev->ops[id];
	bool value = false;

	switch ((enum ast_kind)op->kind) {
	case AST_CHECK:
		value = eval_leaf(ev, op->leaf);
		break;
	case AST_AND:
	case AST_OR:
		value = eval_kids(ev, op);
		break;
	case AST_TRUE:
		value = true;
		break;
	case AST_NOT: /* in the edges */
	case AST_FALSE:
	case AST_IDENT:
		break;
	}
	return ev->results[id] = now << 1 | value;
}

bool filter_eval_root(struct filter_eval *ev, uint32_t root)
{
	return root < ev->program->nnodes && eval_edge(ev, ev->roots[root]);
}
