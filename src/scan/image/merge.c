/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting layers together: what upper layers delete or replace is marked, not forgotten; of a
 * package database that several layers have the uppermost counts, and when that was deleted or
 * emptied, what it last said is taken from below; what is found again in an upper layer (a file
 * whose mode was changed is stored again) is said once. It does not judge.
 */
#include "scan/image/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "engine/package/package.h"
#include "scan/image/own.h"

enum { SEEN_MAX = 1 << 20, GAPS_MAX = 1024, FILELESS_MAX = 1 << 17 };

struct seen {
	uint64_t key;
};

static bool seen_eq(const void *row, const void *key)
{
	return ((const struct seen *)row)->key == *(const uint64_t *)key;
}

struct work {
	const struct merge *m;
	struct arena *a;
	struct artifact_report *r;
	struct tree *tree;
	struct table seen;
	struct table fileless; /* packages of dpkg whose list of files lies in a lower layer */
	struct artifact_finding *findings;
	struct artifact_package *packages;
	size_t nfindings, npackages;
};

/* ---- findings ------------------------------------------------------------------------------- */

/* True at the first time. */
static bool is_first(struct work *w, uint64_t key)
{
	if (table_find(&w->seen, key, &key))
		return false;
	struct seen *s = arena_new(w->a, struct seen);

	if (s) {
		s->key = key;
		if (table_put(&w->seen, key, s) < 0)
			return true;
	}
	return true;
}

static const struct artifact_layer *layer_of(const struct work *w, size_t i)
{
	return i < w->m->image->nlayers ? &w->m->image->layers[i] : NULL;
}

static void add_layer_findings(struct work *w, size_t i)
{
	const struct artifact_report *from = &w->m->layers[i]->found;

	for (size_t k = 0; k < from->nfindings; k++) {
		struct artifact_finding f = from->findings[k];
		const struct artifact_layer *layer = layer_of(w, i);

		f.layer = (unsigned)i;
		f.created_by = layer ? layer->created_by : STR_NULL;
		f.deleted_in = f.path.len > 1 ? tree_gone(w->tree, f.path, f.layer) : -1;
		/* from the top down: the same thing below was carried over */
		if (!is_first(w, artifact_finding_fingerprint(&f) + (f.offset << 1)))
			continue;
		w->findings[w->nfindings++] = f;
	}
}

/* The layer that a step of the history made, or the last one before it. */
static unsigned layer_of_step(const struct artifact_config *c, unsigned step)
{
	unsigned layer = 0;

	for (size_t i = 0; i < c->nhistory && i < step; i++)
		layer += !c->history[i].is_empty;
	return layer;
}

static void add_config_findings(struct work *w)
{
	const struct artifact_config *c = &w->m->image->config;

	for (size_t k = 0; w->m->config && k < w->m->config->found.nfindings; k++) {
		struct artifact_finding f = w->m->config->found.findings[k];

		f.deleted_in = -1;
		if (f.place == PLACE_HISTORY && f.index < c->nhistory) {
			f.layer = layer_of_step(c, f.index);
			f.created_by = c->history[f.index].created_by;
		}
		w->findings[w->nfindings++] = f;
	}
}

static int merge_findings(struct work *w)
{
	size_t n = w->m->config ? w->m->config->found.nfindings : 0;

	for (size_t i = 0; i < w->m->nlayers; i++)
		n += w->m->layers[i]->found.nfindings;
	w->findings = arena_array(w->a, struct artifact_finding, n + 1);
	if (!w->findings)
		return -ENOMEM;
	for (size_t i = w->m->nlayers; i-- > 0;)
		add_layer_findings(w, i);
	add_config_findings(w);
	return 0;
}

/* ---- packages ------------------------------------------------------------------------------- */

/*
 * The path of a database, with what must not be equal to the fingerprints of findings. The members
 * of an archive count for themselves.
 */
static uint64_t database_key(struct str path, size_t layer)
{
	return hash_u64(str_hash(path) ^ 0x9e3779b97f4a7c15ULL) + layer;
}

/* Databases of whole systems: an upper layer's version has all packages, or was emptied. */
static bool is_system(enum package_type t)
{
	return t == PACKAGE_DPKG || t == PACKAGE_APK || t == PACKAGE_RPM;
}

/* Whether a layer above says something of this very database. */
static bool is_superseded(struct work *w, struct str path, size_t layer)
{
	for (size_t i = layer + 1; i < w->m->nlayers; i++) {
		uint64_t key = database_key(path, i);

		if (table_find(&w->seen, key, &key))
			return true;
	}
	return false;
}

static bool fileless_eq(const void *row, const void *key)
{
	const struct artifact_package *a = row, *b = key;

	return str_eq(a->name, b->name) && str_eq(a->arch, b->arch) &&
	       str_eq(a->version, b->version);
}

static uint64_t fileless_hash(const struct artifact_package *p)
{
	return str_hash(p->name) ^ hash_u64(str_hash(p->version)) ^ str_hash(p->arch) << 1;
}

/*
 * dpkg writes all packages again when it installs one, but lists of files only of the new ones: a
 * package that is known again without files has those that a layer below knew.
 */
static void carry_files(struct work *w, const struct artifact_package *below)
{
	uint64_t hash = fileless_hash(below);
	struct artifact_package *p = below->nfiles ? table_take(&w->fileless, hash, below) : NULL;

	if (!p)
		return;
	p->files = below->files;
	p->nfiles = below->nfiles;
}

static void expect_files(struct work *w, struct artifact_package *p)
{
	uint64_t hash = fileless_hash(p);

	if (p->type == PACKAGE_DPKG && !p->nfiles && !table_find(&w->fileless, hash, p))
		(void)!table_put(&w->fileless, hash, p); /* full: without files, then */
}

static void add_packages(struct work *w, size_t i)
{
	const struct artifact_report *from = &w->m->layers[i]->found;

	for (size_t k = 0; k < from->npackages; k++) {
		struct artifact_package p = from->packages[k];

		is_first(w, database_key(p.path, i));
		if (is_superseded(w, p.path, i)) {
			if (p.type == PACKAGE_DPKG)
				carry_files(w, &from->packages[k]);
			continue;
		}
		p.layer = (unsigned)i;
		p.deleted_in = tree_gone(w->tree, p.path, p.layer);
		/* what is gone of libraries is gone; what a system's database knew is still there
		 */
		if (p.deleted_in >= 0 && !is_system(p.type) &&
			layer_has_path(w->m->layers[p.deleted_in], str_hash(p.path)))
			continue;
		w->packages[w->npackages] = p;
		expect_files(w, &w->packages[w->npackages++]);
	}
}

static int merge_packages(struct work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->m->nlayers; i++)
		n += w->m->layers[i]->found.npackages;
	w->packages = arena_array(w->a, struct artifact_package, n + 1);
	if (!w->packages)
		return -ENOMEM;
	for (size_t i = w->m->nlayers; i-- > 0;)
		add_packages(w, i);
	return 0;
}

/* The uppermost that is there; when it was deleted, what it was. */
static void merge_distro(struct work *w)
{
	for (size_t i = w->m->nlayers; i-- > 0;) {
		const struct artifact_distro *d = &w->m->layers[i]->found.distro;
		bool is_there = d->id.len && tree_gone(w->tree, d->path, (unsigned)i) < 0;

		if (!d->id.len || (w->r->distro.id.len && !is_there))
			continue;
		w->r->distro = *d;
		w->r->distro.layer = (unsigned)i;
		if (is_there)
			return;
	}
}

/* That a distribution has ended is true of the one that the image has, not of what it was once. */
static void drop_other_distros(struct work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nfindings; i++)
		if (w->findings[i].label != LABEL_OUTDATED ||
			w->findings[i].layer == w->r->distro.layer)
			w->findings[n++] = w->findings[i];
	w->nfindings = n;
}

/* Package URLs name the distribution, which is known only now. */
static void name_packages(struct work *w)
{
	for (size_t i = 0; i < w->npackages; i++)
		w->packages[i].purl = package_purl(&w->packages[i], &w->r->distro, w->a);
}

/* ---- coverage ------------------------------------------------------------------------------- */

static void add_gaps(
	const struct artifact_coverage *from, size_t layer, struct artifact_gap *to, size_t *n)
{
	for (size_t k = 0; k < from->ngaps && *n < GAPS_MAX; k++) {
		to[*n] = from->gaps[k];
		to[(*n)++].layer = (unsigned)layer;
	}
}

static int merge_coverage(struct work *w)
{
	struct artifact_coverage *c = &w->r->coverage;
	struct artifact_gap *gaps = arena_array(w->a, struct artifact_gap, GAPS_MAX);
	size_t n = 0;

	if (!gaps)
		return -ENOMEM;
	for (size_t i = 0; i < w->m->nlayers; i++) {
		const struct artifact_coverage *from = &w->m->layers[i]->found.coverage;

		c->layers += from->layers;
		c->files += from->files;
		c->bytes += from->bytes;
		c->read_files += from->read_files;
		c->read_bytes += from->read_bytes;
		c->archives += from->archives;
		add_gaps(from, i, gaps, &n);
	}
	if (w->m->config)
		add_gaps(&w->m->config->found.coverage, 0, gaps, &n);
	own_excuse(w->m, gaps, n);
	c->gaps = gaps;
	c->ngaps = n;
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int find_reach(struct work *w)
{
	struct reach *reach = reach_new(w->tree, &w->m->image->config);

	if (!reach)
		return -ENOMEM;
	for (size_t i = 0; i < w->nfindings; i++) {
		struct artifact_finding *f = &w->findings[i];

		if (f->place == PLACE_ENTRYPOINT)
			f->reach = REACH_ENTRYPOINT;
		if (f->place == PLACE_FILE && f->path.len > 1)
			f->reach = f->deleted_in < 0 ? reach_of(reach, f->path) : REACH_NONE;
	}
	reach_free(reach);
	return 0;
}

int merge_layers(const struct merge *m, struct arena *a, struct artifact_report *ret)
{
	struct work w = {.m = m, .a = a, .r = ret, .tree = tree_new(m->layers, m->nlayers)};
	int r = w.tree ? 0 : -ENOMEM;

	table_init(&w.seen, seen_eq, SEEN_MAX);
	table_init(&w.fileless, fileless_eq, FILELESS_MAX);
	if (r == 0)
		r = merge_findings(&w);
	if (r == 0)
		r = merge_packages(&w);
	if (r == 0)
		r = merge_coverage(&w);
	if (r == 0)
		r = find_reach(&w);
	if (r == 0) {
		merge_distro(&w);
		drop_other_distros(&w);
		name_packages(&w);
		ret->findings = w.findings;
		ret->nfindings = w.nfindings;
		ret->packages = w.packages;
		ret->npackages = w.npackages;
		r = own_apply(m, w.tree, a, w.findings, w.nfindings);
	}
	table_done(&w.seen);
	table_done(&w.fileless);
	tree_free(w.tree);
	return r;
}
