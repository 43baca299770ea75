/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many leaves over one text can share: one table for all that is equal (=, !=, in), one trie
 * for all prefixes, one for all suffixes, one path trie, one automaton for all substrings. Each is
 * asked at most once a value and gives one number (or bits); a leaf looks that number up in a set
 * that is made here. Leaves that fit nothing keep their own comparison (compare.c).
 */
#include <errno.h>

#include "engine/filter/parse.h"
#include "engine/filter/program.h"

enum { SHARE_MIN = 2, AUTOMATON_MIN = 3, AUTOMATON_LIMIT_BYTES = 4 << 20 };

/* The leaves of one slot that one structure serves, and all their literals in a row. */
struct group {
	struct leaf **leaves;
	struct str *texts;
	uint32_t *ids; /* what the structure made of texts[i] */
	size_t nleaves, ntexts;
};

typedef bool (*fits_fn)(const struct leaf *l);

static bool is_any(const struct leaf *l)
{
	return l->body.modifier == MOD_NONE || l->body.modifier == MOD_ANYOF;
}

static bool fits_dict(const struct leaf *l)
{
	switch (l->body.op) {
	case OP_EQ:
		return is_any(l);
	case OP_NE:
		return l->body.modifier == MOD_NONE || l->body.modifier == MOD_ALLOF;
	case OP_IN:
	case OP_INTERSECTS:
		return true;
	default:
		return false;
	}
}

static bool fits_prefixes(const struct leaf *l)
{
	return (l->body.op == OP_STARTSWITH || l->body.op == OP_BSTARTSWITH) && is_any(l);
}

static bool fits_suffixes(const struct leaf *l)
{
	return l->body.op == OP_ENDSWITH && is_any(l);
}

static bool fits_paths(const struct leaf *l)
{
	return l->body.op == OP_PMATCH && l->body.paths;
}

static bool fits_automaton(const struct leaf *l)
{
	return (l->body.op == OP_CONTAINS || l->body.op == OP_BCONTAINS) && is_any(l);
}

static bool fits_folding_automaton(const struct leaf *l)
{
	return l->body.op == OP_ICONTAINS && is_any(l);
}

/* A path with wildcards is in no trie: the leaf tries it by itself. */
static bool is_apart(const struct leaf *l, struct str text)
{
	return l->body.op == OP_PMATCH && path_has_glob(text);
}

static int collect(struct arena *a, const struct slot *s, fits_fn fits, struct group *g)
{
	size_t nleaves = 0, ntexts = 0;

	*g = (struct group){0};
	for (const struct leaf *l = s->leaves; l; l = l->next) {
		nleaves += l->body.n && fits(l);
		ntexts += l->body.n && fits(l) ? l->body.n : 0;
	}
	g->leaves = arena_array(a, struct leaf *, nleaves + 1);
	g->texts = arena_array(a, struct str, ntexts + 1);
	g->ids = arena_array(a, uint32_t, ntexts + 1);
	if (!g->leaves || !g->texts || !g->ids)
		return -ENOMEM;
	for (struct leaf *l = s->leaves; l; l = l->next) {
		if (!l->body.n || !fits(l))
			continue;
		g->leaves[g->nleaves++] = l;
		for (size_t i = 0; i < l->body.n; i++)
			if (!is_apart(l, l->body.texts[i]))
				g->texts[g->ntexts++] = l->body.literals[i].v.s;
	}
	return 0;
}

/* The ids of a leaf's own literals; moves *at behind them. */
static const uint32_t *own_ids(const struct group *g, const struct leaf *l, size_t *at, size_t *n)
{
	const uint32_t *ids = g->ids + *at;

	*n = 0;
	for (size_t i = 0; i < l->body.n; i++)
		*n += !is_apart(l, l->body.texts[i]);
	*at += *n;
	return ids;
}

/* The next shorter literal of the same structure. */
static int32_t parent_id(const struct slot *s, enum matcher_kind kind, int32_t id)
{
	switch (kind) {
	case MATCHER_PREFIX:
		return trie_parent(s->prefixes, id);
	case MATCHER_SUFFIX:
		return trie_parent(s->suffixes, id);
	case MATCHER_PATH:
		return path_trie_parent(s->paths, id);
	default:
		return MATCH_NONE;
	}
}

enum membership { UNKNOWN, INSIDE, OUTSIDE };

/* Whether id or a shorter literal above it is in `own`; remembers the answer for all on the way. */
static bool is_below(const struct slot *s, enum matcher_kind kind, const struct idset *own,
	uint8_t *known, int32_t id)
{
	enum membership m = OUTSIDE;

	for (int32_t at = id; at != MATCH_NONE; at = parent_id(s, kind, at)) {
		if (known[at] || idset_has(own, at)) {
			m = known[at] ? known[at] : INSIDE;
			break;
		}
	}
	for (int32_t at = id; at != MATCH_NONE && !known[at]; at = parent_id(s, kind, at)) {
		known[at] = (uint8_t)m;
		if (idset_has(own, at))
			break;
	}
	return m == INSIDE;
}

/*
 * The numbers that make a leaf true: its own literals', and those of all longer literals that have
 * one of its own as their head. `tmp` has room for all numbers.
 */
static int closure(struct arena *a, const struct slot *s, enum matcher_kind kind, size_t nids,
	const struct idset *own, uint32_t *tmp, uint8_t *known, struct idset *ret)
{
	size_t n = 0;

	memset(known, UNKNOWN, nids);
	for (size_t id = 0; id < nids; id++)
		if (is_below(s, kind, own, known, (int32_t)id))
			tmp[n++] = (uint32_t)id;
	return idset_init(a, ret, tmp, n);
}

static int assign_ids(struct arena *a, const struct slot *s, enum matcher_kind kind, size_t nids,
	const struct group *g)
{
	uint32_t *tmp = arena_array(a, uint32_t, nids + 1);
	uint8_t *known = arena_array(a, uint8_t, nids + 1);
	size_t at = 0, n;
	int r = tmp && known ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < g->nleaves; i++) {
		struct leaf *l = g->leaves[i];
		const uint32_t *ids = own_ids(g, l, &at, &n);
		struct idset own;

		r = idset_init(a, &own, ids, n);
		if (!r && kind != MATCHER_DICT)
			r = closure(a, s, kind, nids, &own, tmp, known, &l->ids);
		else
			l->ids = own;
		l->how = HOW_IDS;
		l->matcher = kind;
		l->negate = l->body.op == OP_NE;
	}
	return r;
}

static int share_dict(struct filter_program *p, struct slot *s)
{
	struct group g;
	int r = collect(&p->arena, s, fits_dict, &g);

	if (r || g.ntexts < SHARE_MIN)
		return r;
	s->dict = dict_new(&p->arena, g.texts, g.ntexts, g.ids);
	if (!s->dict)
		return -ENOMEM;
	p->nsets++;
	return assign_ids(&p->arena, s, MATCHER_DICT, dict_count(s->dict), &g);
}

static int share_trie(struct filter_program *p, struct slot *s, bool backwards)
{
	struct trie **t = backwards ? &s->suffixes : &s->prefixes;
	struct group g;
	int r = collect(&p->arena, s, backwards ? fits_suffixes : fits_prefixes, &g);

	if (r || g.ntexts < SHARE_MIN)
		return r;
	*t = trie_new(&p->arena, g.texts, g.ntexts, backwards, g.ids);
	if (!*t)
		return -ENOMEM;
	p->ntries++;
	return assign_ids(
		&p->arena, s, backwards ? MATCHER_SUFFIX : MATCHER_PREFIX, trie_count(*t), &g);
}

static int share_paths(struct filter_program *p, struct slot *s)
{
	struct group g;
	int r = collect(&p->arena, s, fits_paths, &g);

	if (r || !g.nleaves)
		return r;
	p->ntries++;
	if (g.nleaves < SHARE_MIN)
		return 0; /* its own trie is as good */
	s->paths = path_trie_new(&p->arena, g.texts, g.ntexts, g.ids);
	if (!s->paths)
		return -ENOMEM;
	return assign_ids(&p->arena, s, MATCHER_PATH, path_trie_count(s->paths), &g);
}

static int share_automaton(struct filter_program *p, struct slot *s, bool fold_case)
{
	struct group g;
	int r = collect(&p->arena, s, fold_case ? fits_folding_automaton : fits_automaton, &g);
	size_t at = 0;

	if (r || g.ntexts < AUTOMATON_MIN)
		return r;
	s->automata[fold_case] = automaton_new(
		&p->arena, g.texts, g.ntexts, fold_case, AUTOMATON_LIMIT_BYTES, g.ids);
	if (!s->automata[fold_case])
		return 0; /* too large: each leaf searches by itself */
	p->nautomata++;
	for (size_t i = 0; i < g.nleaves; i++) {
		struct leaf *l = g.leaves[i];

		l->how = HOW_BITS;
		l->fold_case = fold_case;
		l->bits = g.ids + at;
		l->nbits = l->body.n;
		at += l->body.n;
	}
	return 0;
}

static int share_slot(struct filter_program *p, struct slot *s)
{
	int r = share_dict(p, s);

	r = r ? r : share_trie(p, s, false);
	r = r ? r : share_trie(p, s, true);
	r = r ? r : share_paths(p, s);
	r = r ? r : share_automaton(p, s, false);
	return r ? r : share_automaton(p, s, true);
}

int program_share_matchers(struct filter_program *p)
{
	int r = 0;

	/* downwards, so that each slot's list is in the order of the expressions */
	for (size_t i = p->nnodes; i-- > 0;) {
		struct leaf *l = p->nodes[i]->leaf;

		if (!l || !p->nodes[i]->is_live || l->how != HOW_VALUE)
			continue;
		l->next = p->slots[l->slot]->leaves;
		p->slots[l->slot]->leaves = l;
	}
	for (size_t i = 0; !r && i < p->nslots; i++)
		if (value_type_is_text(p->slots[i]->type) && !p->slots[i]->is_list)
			r = share_slot(p, p->slots[i]);
	return r;
}
