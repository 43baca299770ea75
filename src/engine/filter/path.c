/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `pmatch`: a path is at or below one of many paths, component by component. Empty components do
 * not count, so "/" is above everything. The trie's edges live in one hash table keyed by (node,
 * component): a walk costs one hash a component and usually ends at the first. Paths with
 * wildcards cannot be in the trie; they are compared one by one.
 */
#include <stdlib.h>

#include "engine/filter/matcher.h"
#include "engine/filter/value.h"

struct edge {
	struct str name; /* borrowed from the literal */
	uint32_t from;
	uint32_t to; /* 0 = a free slot: no edge leads to the root */
};

struct path_node {
	int32_t id; /* of the path that ends here, or MATCH_NONE */
	uint32_t parent;
};

struct path_trie {
	struct edge *edges;
	size_t mask, nnodes, nids;
	struct path_node *nodes;
	uint32_t *ends; /* the node of each id */
};

/* Cuts the next non-empty component off *rest; an empty string when there is none. */
static struct str component(struct str *rest)
{
	while (rest->len && rest->s[0] == '/')
		*rest = str_skip(*rest, 1);
	ptrdiff_t slash = str_find_char(*rest, '/');
	struct str c = slash < 0 ? *rest : str_head(*rest, (size_t)slash);
	*rest = str_skip(*rest, c.len);
	return c;
}

static struct edge *find_edge(const struct path_trie *t, uint32_t from, struct str name)
{
	uint64_t hash = str_hash(name) ^ hash_u64(from);

	for (size_t i = hash & t->mask;; i = (i + 1) & t->mask) {
		struct edge *e = &t->edges[i];

		if (!e->to || (e->from == from && str_eq(e->name, name)))
			return e;
	}
}

static uint32_t add_path(struct path_trie *t, struct str path)
{
	uint32_t at = 0;
	struct str name;

	while ((name = component(&path)).len) {
		struct edge *e = find_edge(t, at, name);

		if (!e->to) {
			*e = (struct edge){name, at, (uint32_t)t->nnodes};
			t->nodes[t->nnodes++] = (struct path_node){MATCH_NONE, at};
		}
		at = e->to;
	}
	if (t->nodes[at].id == MATCH_NONE) {
		t->ends[t->nids] = at;
		t->nodes[at].id = (int32_t)t->nids++;
	}
	return (uint32_t)t->nodes[at].id;
}

static size_t count_components(const struct str *paths, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct str rest = paths[i];

		while (component(&rest).len)
			count++;
	}
	return count;
}

struct path_trie *path_trie_new(
	struct arena *a, const struct str *paths, size_t n, uint32_t *ret_ids)
{
	struct path_trie *t = arena_new(a, struct path_trie);
	size_t max = count_components(paths, n), nslots = 4;

	while (nslots < max * 2)
		nslots *= 2;
	if (!t || !(t->edges = arena_array(a, struct edge, nslots)) ||
		!(t->nodes = arena_array(a, struct path_node, max + 1)) ||
		!(t->ends = arena_array(a, uint32_t, n + 1)))
		return NULL;
	t->mask = nslots - 1;
	t->nodes[t->nnodes++].id = MATCH_NONE;
	for (size_t i = 0; i < n; i++) {
		uint32_t id = add_path(t, paths[i]);

		if (ret_ids)
			ret_ids[i] = id;
	}
	return t;
}

int32_t path_trie_find(const struct path_trie *t, struct str path)
{
	int32_t found = t->nodes[0].id;
	uint32_t at = 0;
	struct str name;

	while ((name = component(&path)).len) {
		const struct edge *e = find_edge(t, at, name);

		if (!e->to)
			break;
		at = e->to;
		if (t->nodes[at].id != MATCH_NONE)
			found = t->nodes[at].id;
	}
	return found;
}

int32_t path_trie_parent(const struct path_trie *t, int32_t id)
{
	for (uint32_t at = t->ends[id]; at;) {
		at = t->nodes[at].parent;
		if (t->nodes[at].id != MATCH_NONE)
			return t->nodes[at].id;
	}
	return MATCH_NONE;
}

size_t path_trie_count(const struct path_trie *t)
{
	return t->nids;
}

bool path_has_glob(struct str path)
{
	return str_find_char(path, '*') >= 0 || str_find_char(path, '?') >= 0 ||
	       str_find_char(path, '[') >= 0;
}

bool path_glob_matches(const struct path_glob *g, struct str path)
{
	struct str pattern = g->pattern, want, have;

	while ((want = component(&pattern)).len) {
		have = component(&path);
		if (!have.len)
			return false;
		if (path_has_glob(want) ? !glob_match(want, have, false) : !str_eq(want, have))
			return false;
	}
	return true;
}
