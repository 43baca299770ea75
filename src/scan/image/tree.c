/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union of the layers, by the hashes of names that they kept. A question walks the layers from
 * the top down and asks each whether it has the name, deletes it, hides it or puts something else
 * in its way. Lists are as long as a stranger made them: every question is a few searches by
 * halves.
 */
#include "scan/image/tree.h"

#include <stdlib.h>

#include "base/table.h"

enum { LINKS_FOLLOWED = 40, PATH_BYTES = 8192, ROWS_MAX = 4 << 20 };

struct level {
	const struct layer_report *l;
	uint64_t *whiteouts, *opaques; /* hashes, sorted */
};

/* What the uppermost layer that says so says of a path. */
struct row {
	struct str path;
	const void *what; /* struct layer_link, struct layer_runs */
	unsigned layer;
};

struct tree {
	size_t n;
	struct level *levels;
	struct arena arena;
	struct table links, runs; /* by path, the uppermost one */
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t *sorted_hashes(struct arena *a, const struct str *s, size_t n)
{
	uint64_t *h = arena_raw(a, n * sizeof(*h) + 1);

	for (size_t i = 0; h && i < n; i++)
		h[i] = str_hash(s[i]);
	if (h && n)
		qsort(h, n, sizeof(*h), by_number);
	return h;
}

static bool has(const uint64_t *h, size_t n, uint64_t x)
{
	return n && bsearch(&x, h, n, sizeof(*h), by_number) != NULL;
}

static bool row_eq(const void *row, const void *key)
{
	return str_eq(((const struct row *)row)->path, *(const struct str *)key);
}

/* ---- making it ------------------------------------------------------------------------------ */

/* From the top down: the first counts. */
static bool add_row(struct tree *t, struct table *to, struct row r)
{
	uint64_t h = str_hash(r.path);

	if (table_find(to, h, &r.path))
		return true;
	struct row *row = arena_new(&t->arena, struct row);
	if (!row)
		return false;
	*row = r;
	return table_put(to, h, row) == 0;
}

static void add_rows(struct tree *t, unsigned layer)
{
	const struct layer_report *l = t->levels[layer].l;

	for (size_t i = 0; i < l->nlinks; i++)
		if (!add_row(t, &t->links, (struct row){l->links[i].path, &l->links[i], layer}))
			return;
	for (size_t i = 0; i < l->nruns; i++)
		if (!add_row(t, &t->runs, (struct row){l->runs[i].path, &l->runs[i], layer}))
			return;
}

struct tree *tree_new(const struct layer_report *const *layers, size_t n)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	arena_init(&t->arena, 0);
	table_init(&t->links, row_eq, ROWS_MAX);
	table_init(&t->runs, row_eq, ROWS_MAX);
	t->n = n;
	t->levels = arena_array(&t->arena, struct level, n + 1);
	for (size_t i = 0; t->levels && i < n; i++) {
		struct level *v = &t->levels[i];

		v->l = layers[i];
		v->whiteouts =
			sorted_hashes(&t->arena, layers[i]->whiteouts, layers[i]->nwhiteouts);
		v->opaques = sorted_hashes(&t->arena, layers[i]->opaques, layers[i]->nopaques);
	}
	if (t->arena.failed) {
		tree_free(t);
		return NULL;
	}
	for (size_t i = n; i-- > 0;)
		add_rows(t, (unsigned)i);
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	table_done(&t->links);
	table_done(&t->runs);
	arena_done(&t->arena);
	free(t);
}

/* ---- one layer ------------------------------------------------------------------------------ */

/* A member of an archive is where its archive is. */
static struct str outer(struct str path)
{
	ptrdiff_t bang = str_find(path, STR("!/"));

	return bang < 0 ? path : str_head(path, (size_t)bang);
}

/* Cuts the last part off; false when only the root is left. */
static bool go_up(struct str *path)
{
	ptrdiff_t slash = str_rfind_char(*path, '/');

	*path = str_head(*path, slash > 0 ? (size_t)slash : 0);
	return path->len > 0;
}

/* Whether a layer makes an end to what lower ones have of this name. */
static bool hides(const struct level *v, struct str path)
{
	uint64_t h = str_hash(path);

	if (layer_has_path(v->l, h) || layer_has_dir(v->l, h) ||
		has(v->whiteouts, v->l->nwhiteouts, h))
		return true;
	while (go_up(&path)) {
		h = str_hash(path);
		if (has(v->whiteouts, v->l->nwhiteouts, h) || has(v->opaques, v->l->nopaques, h) ||
			layer_has_path(v->l, h))
			return true;
	}
	return has(v->opaques, v->l->nopaques, str_hash(STR("/")));
}

/* ---- all of them ---------------------------------------------------------------------------- */

int tree_gone(const struct tree *t, struct str path, unsigned from)
{
	path = outer(path);
	for (size_t i = (size_t)from + 1; i < t->n; i++)
		if (hides(&t->levels[i], path))
			return (int)i;
	return -1;
}

int tree_find(const struct tree *t, struct str path)
{
	uint64_t h = str_hash(path);

	for (size_t i = t->n; i-- > 0;) {
		if (layer_has_path(t->levels[i].l, h))
			return (int)i;
		if (hides(&t->levels[i], path))
			return -1;
	}
	return -1;
}

bool tree_is_dir(const struct tree *t, struct str path)
{
	uint64_t h = str_hash(path);

	for (size_t i = t->n; i-- > 0;) {
		if (layer_has_dir(t->levels[i].l, h))
			return true;
		if (hides(&t->levels[i], path))
			return false;
	}
	return false;
}

/* Joins a link's target to the folder that it lies in, and what stands behind it. */
static void join(struct str link, struct str target, struct str rest, struct buf *out)
{
	struct buf raw = BUF_INIT(2 * PATH_BYTES);

	if (!str_starts(target, STR("/")) && go_up(&link))
		buf_add(&raw, link);
	buf_add_char(&raw, '/');
	buf_add(&raw, target);
	buf_add(&raw, rest);
	buf_clear(out);
	struct str s = buf_str(&raw);
	while (s.s) {
		struct str part = str_cut(&s, '/'), up = buf_str(out);

		if (str_is(part, "..")) {
			go_up(&up);
			buf_cut(out, up.len);
		} else if (part.len && !str_is(part, ".")) {
			buf_add_char(out, '/');
			buf_add(out, part);
		}
	}
	buf_done(&raw);
}

static const void *find_row(const struct tree *t, const struct table *in, struct str path)
{
	const struct row *row = table_find(in, str_hash(path), &path);

	return row && tree_find(t, path) == (int)row->layer ? row->what : NULL;
}

/* The first of the path's folders (or itself) that is a link. */
static const struct layer_link *first_link(const struct tree *t, struct str path, size_t *end)
{
	for (size_t i = 1; i <= path.len; i++) {
		if (i < path.len && path.s[i] != '/')
			continue;
		const struct layer_link *l = find_row(t, &t->links, str_head(path, i));

		*end = i;
		if (l)
			return l;
	}
	return NULL;
}

int tree_resolve(const struct tree *t, struct str path, struct buf *out,
	void (*via)(void *arg, struct str link), void *arg)
{
	struct buf now = BUF_INIT(PATH_BYTES);
	size_t end;

	join(STR("/"), path, STR_NULL, out);
	for (int i = 0; i < LINKS_FOLLOWED; i++) {
		const struct layer_link *l = first_link(t, buf_str(out), &end);

		if (!l)
			break;
		if (via && end == out->len)
			via(arg, buf_str(out));
		join(l->path, l->target, str_skip(buf_str(out), end), &now);
		buf_clear(out);
		buf_add(out, buf_str(&now));
	}
	buf_done(&now);
	return tree_find(t, buf_str(out));
}

const struct layer_runs *tree_runs(const struct tree *t, struct str path)
{
	return find_row(t, &t->runs, path);
}

const struct layer_runs *tree_next_runs(const struct tree *t, size_t *at)
{
	const struct row *row;

	while ((row = table_next(&t->runs, at)))
		if (tree_find(t, row->path) == (int)row->layer)
			return row->what;
	return NULL;
}
