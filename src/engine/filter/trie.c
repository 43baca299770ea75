/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many prefixes (or suffixes) of one text in one walk. A compressed trie: an edge carries several
 * bytes, a node's edges lie side by side, sorted by first byte. The walk gives the longest literal;
 * the shorter ones are its ancestors, so one number tells of all of them.
 */
#include <stdlib.h>

#include "engine/filter/matcher.h"

struct trie_node {
	struct str label;      /* of the edge that leads here, in the direction of the walk */
	uint32_t kids, nkids;  /* in nodes[] */
	int32_t id, parent_id; /* literal that ends here; the next shorter one */
};

struct trie {
	struct trie_node *nodes;
	size_t nnodes, nids;
	bool backwards;
	int32_t *parents; /* by id */
};

/* A literal while building: its bytes in the direction of the walk. */
struct entry {
	struct str text;
	uint32_t index; /* in the caller's list */
};

static int entry_order(const void *a, const void *b)
{
	return str_cmp(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

static struct str reversed(struct arena *a, struct str s)
{
	char *out = arena_raw(a, s.len + 1);

	for (size_t i = 0; out && i < s.len; i++)
		out[i] = s.s[s.len - 1 - i];
	return str_make(out, s.len);
}

static size_t common_head(struct str a, struct str b, size_t from)
{
	size_t n = from;

	while (n < a.len && n < b.len && a.s[n] == b.s[n])
		n++;
	return n;
}

struct building {
	struct trie *t;
	const struct entry *entries;
	uint32_t *ids;
};

/* The end of the run of entries that share the byte at `depth` with entries[lo]. */
static size_t run_end(const struct building *b, size_t lo, size_t hi, size_t depth)
{
	size_t end = lo + 1;

	while (end < hi && b->entries[end].text.s[depth] == b->entries[lo].text.s[depth])
		end++;
	return end;
}

/*
 * Fills node `at`, whose text is the first `depth` bytes of entries[lo..hi). As deep as the longest
 * chain of literals that are prefixes of each other or branch: bounded by a literal's length.
 */
static void build_node(
	struct building *b, uint32_t at, size_t lo, size_t hi, size_t depth, int32_t parent_id)
{
	struct trie_node *node = &b->t->nodes[at];

	node->id = MATCH_NONE;
	node->parent_id = parent_id;
	for (; lo < hi && b->entries[lo].text.len == depth; lo++) {
		if (node->id == MATCH_NONE) {
			node->id = (int32_t)b->t->nids++;
			b->t->parents[node->id] = parent_id;
		}
		b->ids[b->entries[lo].index] = (uint32_t)node->id;
	}
	if (node->id != MATCH_NONE)
		parent_id = node->id;
	node->kids = (uint32_t)b->t->nnodes;
	for (size_t i = lo; i < hi; i = run_end(b, i, hi, depth)) {
		b->t->nnodes++;
		node->nkids++;
	}
	for (size_t i = lo, kid = node->kids; i < hi; kid++) {
		size_t end = run_end(b, i, hi, depth);
		size_t to = common_head(b->entries[i].text, b->entries[end - 1].text, depth);

		b->t->nodes[kid].label = str_make(b->entries[i].text.s + depth, to - depth);
		build_node(b, (uint32_t)kid, i, end, to, parent_id);
		i = end;
	}
}

struct trie *trie_new(
	struct arena *a, const struct str *texts, size_t n, bool backwards, uint32_t *ret_ids)
{
	struct trie *t = arena_new(a, struct trie);
	struct entry *entries = arena_array(a, struct entry, n + 1);

	if (!t || !entries || !(t->nodes = arena_array(a, struct trie_node, 2 * n + 2)) ||
		!(t->parents = arena_array(a, int32_t, n + 1)))
		return NULL;
	t->backwards = backwards;
	for (size_t i = 0; i < n; i++) {
		entries[i] =
			(struct entry){backwards ? reversed(a, texts[i]) : texts[i], (uint32_t)i};
		if (texts[i].len && !entries[i].text.s)
			return NULL;
	}
	qsort(entries, n, sizeof(*entries), entry_order);
	t->nnodes = 1;
	build_node(&(struct building){t, entries, ret_ids}, 0, 0, n, 0, MATCH_NONE);
	return t;
}

static char byte_at(const struct trie *t, struct str text, size_t i)
{
	return t->backwards ? text.s[text.len - 1 - i] : text.s[i];
}

/* The kid whose label starts with c; NULL = none. */
static const struct trie_node *find_kid(const struct trie *t, const struct trie_node *n, char c)
{
	const struct trie_node *kids = &t->nodes[n->kids];
	size_t lo = 0, hi = n->nkids;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (kids[mid].label.s[0] == c)
			return &kids[mid];
		if ((unsigned char)kids[mid].label.s[0] < (unsigned char)c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int32_t trie_find(const struct trie *t, struct str text)
{
	const struct trie_node *n = &t->nodes[0];
	int32_t found = n->id;
	size_t at = 0;

	while (at < text.len && (n = find_kid(t, n, byte_at(t, text, at)))) {
		if (text.len - at < n->label.len)
			break;
		for (size_t i = 1; i < n->label.len; i++)
			if (byte_at(t, text, at + i) != n->label.s[i])
				return found;
		at += n->label.len;
		if (n->id != MATCH_NONE)
			found = n->id;
	}
	return found;
}

int32_t trie_parent(const struct trie *t, int32_t id)
{
	return t->parents[id];
}

size_t trie_count(const struct trie *t)
{
	return t->nids;
}
