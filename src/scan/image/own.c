/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file belongs to a distribution's package when the database of the layer that brought the file
 * lists it: then package and file came together, as an installation brings them. A file that a
 * later layer put in the place of a package's file belongs to nobody. This can be imitated by who
 * writes a database of his own, so it never excuses what is proven; it weighs down what may as well
 * be harmless.
 */
#include "scan/image/own.h"

#include <stdio.h>
#include <stdlib.h>

enum { OWNED_MAX = 8 << 20, PROVEN = 90 /* per cent */ };

struct owned {
	uint64_t hash;
	const struct artifact_package *package;
};

static int by_hash(const void *a, const void *b)
{
	uint64_t x = ((const struct owned *)a)->hash, y = ((const struct owned *)b)->hash;

	return x < y ? -1 : x > y;
}

static bool is_distribution(enum package_type t)
{
	return t == PACKAGE_DPKG || t == PACKAGE_APK || t == PACKAGE_RPM;
}

/* All files of a layer's packages, sorted by their hashes. */
static struct owned *list_owned(const struct artifact_report *r, size_t *n)
{
	size_t all = 0, at = 0;

	for (size_t i = 0; i < r->npackages; i++)
		all += is_distribution(r->packages[i].type) ? r->packages[i].nfiles : 0;
	struct owned *v = all && all <= OWNED_MAX ? malloc(all * sizeof(*v)) : NULL;

	for (size_t i = 0; v && i < r->npackages; i++) {
		const struct artifact_package *p = &r->packages[i];

		for (size_t k = 0; is_distribution(p->type) && k < p->nfiles; k++)
			v[at++] = (struct owned){p->files[k], p};
	}
	if (v)
		qsort(v, at, sizeof(*v), by_hash);
	*n = v ? at : 0;
	return v;
}

static const struct artifact_package *find(const struct owned *v, size_t n, struct str path)
{
	const struct owned key = {str_hash(path), NULL};
	const struct owned *o = n ? bsearch(&key, v, n, sizeof(*v), by_hash) : NULL;

	return o ? o->package : NULL;
}

/*
 * Under the name that the archive has, or the one that the database has: with merged /usr they
 * differ by it.
 */
static const struct artifact_package *find_owner(const struct owned *v, size_t n, struct str path)
{
	const struct artifact_package *p = find(v, n, path);
	char other[4096];

	if (p)
		return p;
	if (str_starts(path, STR("/usr/")))
		return find(v, n, str_skip(path, 4));
	snprintf(other, sizeof(other), "/usr%.*s", STR_ARG(path));
	return find(v, n, str_of(other));
}

static void weigh_down(
	struct arena *a, struct artifact_finding *f, const struct artifact_package *p)
{
	struct artifact_pair *facts = arena_array(a, struct artifact_pair, f->nfacts + 1);

	if (!facts)
		return;
	if (f->nfacts)
		memcpy(facts, f->facts, f->nfacts * sizeof(*facts));
	facts[f->nfacts] = (struct artifact_pair){STR("package"), p->name};
	f->facts = facts;
	f->nfacts++;
	/*
	 * Proven things stay what they are, by one step. What an archive does to who opens it is
	 * proven as well, but a package's is a sample of its tests.
	 */
	unsigned steps = f->confidence >= PROVEN && f->label != LABEL_HOSTILE ? 1 : 2;
	unsigned s = (unsigned)f->severity + steps;

	f->severity = s < ARTIFACT_INFO ? (enum artifact_severity)s : ARTIFACT_INFO;
	f->confidence = f->confidence / 2;
}

static bool is_about_content(const struct artifact_finding *f)
{
	return f->place == PLACE_FILE && f->path.len > 1 && f->label != LABEL_MINER_CAPABLE &&
	       f->label != LABEL_CONFIGURATION;
}

/* The file in the layer: an archive stands for what lies in it. */
static struct str outer(struct str path)
{
	ptrdiff_t bang = str_find(path, STR("!/"));

	return bang < 0 ? path : str_head(path, (size_t)bang);
}

/* Tests of archive programs are packages, too: their damaged samples hide nothing. */
void own_excuse(const struct merge *m, struct artifact_gap *gaps, size_t n)
{
	for (size_t i = 0; i < m->nlayers; i++) {
		struct owned *v = NULL;
		size_t nv = 0;

		for (size_t k = 0; k < n; k++) {
			struct artifact_gap *g = &gaps[k];

			if (g->layer != i || !g->is_serious || str_find(g->what, STR("!/")) < 0)
				continue;
			if (!v && !(v = list_owned(&m->layers[i]->found, &nv)))
				break;
			g->is_serious = !find_owner(v, nv, outer(g->what));
		}
		free(v);
	}
}

int own_apply(const struct merge *m, const struct tree *t, struct arena *a,
	struct artifact_finding *findings, size_t n)
{
	for (size_t i = 0; i < m->nlayers; i++) {
		struct owned *v = NULL;
		size_t nv = 0;

		for (size_t k = 0; k < n; k++) {
			struct artifact_finding *f = &findings[k];

			if (f->layer != i || !is_about_content(f))
				continue;
			if (!v)
				v = list_owned(&m->layers[i]->found, &nv);
			if (!v)
				break;
			const struct artifact_package *p = find_owner(v, nv, outer(f->path));

			if (p)
				weigh_down(a, f, p);
		}
		free(v);
	}
	return 0;
}
