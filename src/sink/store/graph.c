/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph of entities: what lies around one, and the shortest way from one to another. Breadth
 * first in C, a query a node: both engines walk alike, and the limits hold whatever the graph looks
 * like. Of a node with very many relations (a host) the latest are looked at.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/read.h"

enum {
	DEPTH_MAX = 6,
	PATH_DEPTH_MAX = 16,
	PATH_VISITED_MAX = 20000,
	NEIGHBOURS_MAX = 500, /* of one node */
};

struct visit {
	uint64_t id;
	uint32_t from; /* index of the visit that led here; its own for the first */
	unsigned depth;
};

struct walk {
	struct db *db;
	struct arena *a;
	struct visit *visit;
	size_t n, max;
	struct table seen;
	bool is_cut;
};

static bool visit_eq(const void *row, const void *key)
{
	return ((const struct visit *)row)->id == *(const uint64_t *)key;
}

static int walk_init(struct walk *w, struct db *db, struct arena *a, size_t max, struct err *e)
{
	*w = (struct walk){.db = db, .a = a, .max = max};
	table_init(&w->seen, visit_eq, max + 1);
	w->visit = arena_array(a, struct visit, max + 1);
	return w->visit ? 0 : err_set(e, ENOMEM, "no memory for the graph");
}

static const struct visit *seen(const struct walk *w, uint64_t id)
{
	return table_find(&w->seen, hash_u64(id), &id);
}

static void visit_add(struct walk *w, uint64_t id, uint32_t from, unsigned depth)
{
	struct visit *v = &w->visit[w->n];

	if (seen(w, id))
		return;
	if (w->n >= w->max) {
		w->is_cut = true;
		return;
	}
	*v = (struct visit){id, from, depth};
	if (table_put(&w->seen, hash_u64(id), v) == 0)
		w->n++;
	else
		w->is_cut = true;
}

struct neighbour {
	uint64_t id;
	enum relation kind;
	bool is_forward; /* the relation leads to it */
};

/* The neighbours of a node, latest first; one more than the limit says that there are more. */
static int neighbours(
	struct walk *w, uint64_t id, struct neighbour *out, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(w->db,
		"SELECT other, kind, forward FROM ("
		"SELECT target AS other, kind, 1 AS forward, last_ns FROM relation "
		"WHERE source = ?1 "
		"UNION ALL SELECT source, kind, 0, last_ns FROM relation WHERE target = ?1) AS r "
		"ORDER BY last_ns DESC, other LIMIT 501",
		&st, e);

	*ret_n = 0;
	if (rc < 0)
		return rc;
	stmt_int(st, 1, (int64_t)id);
	while (*ret_n <= NEIGHBOURS_MAX && (rc = stmt_step(st, e)) > 0) {
		struct neighbour *x = &out[(*ret_n)++];

		x->id = stmt_get_u64(st, 0);
		x->kind = (enum relation)stmt_get_int(st, 1);
		x->is_forward = stmt_get_int(st, 2);
	}
	stmt_done(st);
	if (*ret_n > NEIGHBOURS_MAX) {
		*ret_n = NEIGHBOURS_MAX;
		w->is_cut = true;
	}
	return rc < 0 ? rc : 0;
}

/* ---- what was walked, as nodes and edges ---------------------------------------------------- */

static int read_nodes(struct walk *w, struct store_graph *ret, struct err *e)
{
	ret->nodes = arena_array(w->a, struct store_entity, w->n + 1);
	if (!ret->nodes)
		return err_set(e, ENOMEM, "no memory for the graph");
	for (size_t i = 0; i < w->n; i++) {
		int rc = entity_read(w->db, w->visit[i].id, w->a, &ret->nodes[ret->nnodes], e);

		if (rc == 0)
			ret->nnodes++;
		else if (rc != -ENOENT)
			return rc;
	}
	return 0;
}

enum { EDGES_MAX = 20000, EDGES_OF_NODE_MAX = 2000 };

static int read_edges_of(struct walk *w, uint64_t id, struct store_graph *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(w->db,
		"SELECT target, kind, count, first_ns, last_ns FROM relation WHERE source = ?1 "
		"ORDER BY last_ns DESC LIMIT 2000",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, (int64_t)id);
	while ((rc = stmt_step(st, e)) > 0) {
		struct store_relation *r = &ret->edges[ret->nedges];

		if (!seen(w, stmt_get_u64(st, 0)))
			continue;
		if (ret->nedges >= EDGES_MAX) {
			ret->is_cut = true;
			break;
		}
		ret->nedges++;
		r->from = id;
		r->to = stmt_get_u64(st, 0);
		r->kind = str_of(relation_name((enum relation)stmt_get_int(st, 1)));
		r->count = stmt_get_u64(st, 2);
		r->first_ns = stmt_get_u64(st, 3);
		r->last_ns = stmt_get_u64(st, 4);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

static int fill_graph(struct walk *w, struct store_graph *ret, struct err *e)
{
	int rc = read_nodes(w, ret, e);

	ret->is_cut = w->is_cut;
	ret->edges = arena_array(w->a, struct store_relation, EDGES_MAX);
	if (rc == 0 && !ret->edges)
		rc = err_set(e, ENOMEM, "no memory for the graph");
	for (size_t i = 0; rc == 0 && i < w->n; i++)
		rc = read_edges_of(w, w->visit[i].id, ret, e);
	return rc;
}

/* ---- around --------------------------------------------------------------------------------- */

static int walk_around(struct walk *w, unsigned depth, struct err *e)
{
	struct neighbour *next = arena_array(w->a, struct neighbour, NEIGHBOURS_MAX + 1);

	if (!next)
		return err_set(e, ENOMEM, "no memory for the graph");
	for (size_t i = 0; i < w->n; i++) {
		size_t n = 0;
		int rc = 0;

		if (w->visit[i].depth >= depth)
			continue;
		rc = neighbours(w, w->visit[i].id, next, &n, e);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < n; k++)
			visit_add(w, next[k].id, (uint32_t)i, w->visit[i].depth + 1);
		if (w->n >= w->max)
			break; /* what lies beyond would not be shown */
	}
	return 0;
}

int store_graph_around(struct store *s, uint64_t root, unsigned depth, unsigned limit,
	struct arena *a, struct store_graph *ret, struct err *e)
{
	struct store_entity first;
	struct walk w = {0};
	struct db *db = NULL;
	int rc = 0;

	*ret = (struct store_graph){0};
	if (depth < 1 || depth > DEPTH_MAX || limit < 1 || limit > STORE_GRAPH_MAX)
		return err_set(e, EINVAL, "the depth is 1 to %d, the limit 1 to %d", DEPTH_MAX,
			STORE_GRAPH_MAX);
	rc = store_settled_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = entity_read(db, root, a, &first, e);
	if (rc == 0)
		rc = walk_init(&w, db, a, limit, e);
	if (rc == 0) {
		visit_add(&w, root, 0, 0);
		rc = walk_around(&w, depth, e);
	}
	if (rc == 0)
		rc = fill_graph(&w, ret, e);
	table_done(&w.seen);
	store_reader_give(s, db);
	return rc;
}

/* ---- a way -------------------------------------------------------------------------------- */

/*
 * Which relations a way may follow, and against their direction: what runs in a container reaches
 * what the container reaches, and a process what its children reach; two containers of one image
 * reach nothing of each other, nor do two children of one parent. The first step may follow any but
 * the one to the parent, which nearly all processes share.
 */
static const struct {
	bool forward, backward;
} ways[RELATION_COUNT] = {
	[RELATION_CHILD_OF] = {false, true},
	[RELATION_RUNS_IN] = {true, true},
	[RELATION_RUNS_AS] = {true, false},
	[RELATION_FROM_IMAGE] = {false, true},
	[RELATION_PART_OF] = {true, false},
	[RELATION_IN_NAMESPACE] = {true, false},
	[RELATION_ON_HOST] = {true, false},
	[RELATION_USED_FILE] = {true, false},
	[RELATION_CONNECTED_TO] = {true, false},
	[RELATION_ACCEPTED_FROM] = {true, false},
	[RELATION_REACHES] = {true, false},
	[RELATION_RESOLVES_TO] = {true, true},
	[RELATION_AFFECTED_BY] = {false, true},
	[RELATION_ACTS_AS] = {true, false},
	[RELATION_CAN_USE] = {true, false},
	[RELATION_PAYS_TO] = {true, false},
	[RELATION_ATTRIBUTED_TO] = {true, false},
	[RELATION_RELATED_TO] = {true, true},
};

static bool may_follow(const struct neighbour *x)
{
	if ((unsigned)x->kind >= RELATION_COUNT)
		return false;
	return x->is_forward ? ways[x->kind].forward : ways[x->kind].backward;
}

static int walk_to(struct walk *w, uint64_t to, struct err *e)
{
	struct neighbour *next = arena_array(w->a, struct neighbour, NEIGHBOURS_MAX + 1);

	if (!next)
		return err_set(e, ENOMEM, "no memory for the graph");
	for (size_t i = 0; i < w->n && !seen(w, to); i++) {
		size_t n = 0;
		int rc = 0;

		if (w->visit[i].depth >= PATH_DEPTH_MAX)
			break;
		rc = neighbours(w, w->visit[i].id, next, &n, e);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < n; k++)
			if (next[k].id == to || may_follow(&next[k]) ||
				(i == 0 && next[k].kind != RELATION_CHILD_OF))
				visit_add(w, next[k].id, (uint32_t)i, w->visit[i].depth + 1);
	}
	return 0;
}

/* Keeps only the way to `to`, in order. */
static void keep_way(struct walk *w, uint64_t to)
{
	const struct visit *end = seen(w, to);
	struct visit way[PATH_DEPTH_MAX + 2];
	size_t n = 0;

	for (const struct visit *v = end; v && n < PATH_DEPTH_MAX + 2; v = &w->visit[v->from]) {
		way[n++] = *v;
		if (v == w->visit)
			break;
	}
	table_done(&w->seen);
	table_init(&w->seen, visit_eq, PATH_DEPTH_MAX + 2);
	w->n = 0;
	w->is_cut = false;
	for (size_t i = n; i-- > 0;)
		visit_add(w, way[i].id, 0, 0);
}

static int internet(struct db *db, uint64_t *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		db, "SELECT id FROM entity WHERE kind = ?1 AND key = 'internet'", &st, e);

	*ret = 0;
	if (rc < 0)
		return rc;
	stmt_int(st, 1, STORE_NETWORK);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_u64(st, 0);
	stmt_done(st);
	return rc == -ENOENT ? 0 : rc;
}

int store_graph_path(struct store *s, uint64_t from, uint64_t to, struct arena *a,
	struct store_graph *ret, struct err *e)
{
	struct store_entity first;
	struct walk w = {0};
	struct db *db = NULL;
	int rc = 0;

	*ret = (struct store_graph){0};
	rc = store_settled_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = entity_read(db, from, a, &first, e);
	if (rc == 0)
		rc = to ? entity_read(db, to, a, &first, e) : internet(db, &to, e);
	if (rc == 0)
		rc = walk_init(&w, db, a, PATH_VISITED_MAX, e);
	if (rc == 0 && to) {
		visit_add(&w, from, 0, 0);
		rc = walk_to(&w, to, e);
	}
	if (rc == 0 && to && seen(&w, to)) {
		keep_way(&w, to);
		rc = fill_graph(&w, ret, e);
	} else {
		ret->is_cut = w.is_cut;
	}
	table_done(&w.seen);
	store_reader_give(s, db);
	return rc;
}
