/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's report from what the pass and the lanes of the analyzers wrote down. It comes out as if
 * one thread had heard all of it: in the order of the layer's members and, of one member, in the
 * order of the analyzers. The limits of a layer hold for all lanes together. Nothing is copied but
 * lists; the texts stay in the lanes' memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "scan/image/ledger_private.h"
#include "scan/image/redact.h"

/* Something that was said, where it lies, and when. */
struct ref {
	uint64_t number;
	size_t lane, index; /* lane 0 is the pass itself */
	void *at;
};

struct refs {
	struct ref *v;
	size_t n;
};

static struct ledger *nth(struct ledger *l, size_t i)
{
	return i ? l->lanes[i - 1] : l;
}

static int by_order(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/*
 * Refers to a list of each lane, in order. `list` and `number` are offsets, of the list in a ledger
 * and of the member's number in what the list holds. False: no memory.
 */
static bool refer(struct ledger *l, size_t list, size_t number, struct refs *ret)
{
	size_t n = 0;

	*ret = (struct refs){0};
	for (size_t i = 0; i <= l->nlanes; i++)
		n += ((struct list *)((char *)nth(l, i) + list))->n;
	if (!n)
		return true;
	ret->v = calloc(n, sizeof(*ret->v));
	if (!ret->v)
		return false;
	for (size_t i = 0; i <= l->nlanes; i++) {
		const struct list *v = (struct list *)((char *)nth(l, i) + list);

		for (size_t k = 0; k < v->n; k++) {
			char *at = (char *)v->items + k * v->size;

			ret->v[ret->n++] = (struct ref){*(uint64_t *)(at + number), i, k, at};
		}
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), by_order);
	return true;
}

#define REFER(l, list, type, ret)                                                                  \
	refer(l, offsetof(struct ledger, list), offsetof(struct type, number), ret)

/* ---- findings ------------------------------------------------------------------------------- */

/* What each lane counted, in all. */
static void join_checks(struct ledger *l)
{
	for (size_t i = 1; i <= l->nlanes; i++) {
		const struct check_count *from;
		size_t at = 0;

		while ((from = table_next(&nth(l, i)->checks, &at))) {
			struct check_count *c = ledger_count_check(l, from->check);

			if (!c) {
				l->is_full = true;
				continue;
			}
			c->found += from->found;
			if (!c->path.s)
				c->path = from->path;
		}
	}
}

static struct artifact_finding *find_lesser(const struct list *v, enum artifact_severity than)
{
	struct artifact_finding *f = v->items, *least = NULL;

	for (size_t i = 0; i < v->n; i++)
		if (f[i].severity > than && (!least || f[i].severity > least->severity))
			least = &f[i];
	return least;
}

static void join_finding(struct ledger *l, const struct artifact_finding *f)
{
	struct check_count *c = ledger_count_check(l, f->check);
	struct artifact_finding *to = NULL;

	if (c && c->kept < LEDGER_CHECK_MAX) {
		to = ledger_list_add(&l->joined_findings);
		if (!to)
			to = find_lesser(&l->joined_findings, f->severity);
	}
	if (to) {
		c->kept++;
		*to = *f;
	} else if (c && !c->path.s) {
		c->path = f->path;
	}
}

static int join_findings(struct ledger *l)
{
	struct refs refs;

	join_checks(l);
	if (!REFER(l, findings, said_finding, &refs))
		return -ENOMEM;
	for (size_t i = 0; i < refs.n; i++)
		join_finding(l, &((struct said_finding *)refs.v[i].at)->f);
	free(refs.v);
	redact_findings(l->joined_findings.items, l->joined_findings.n);
	return 0;
}

/* ---- gaps ----------------------------------------------------------------------------------- */

static void join_gap(struct ledger *l, const struct artifact_gap *g)
{
	struct artifact_gap *v = l->joined_gaps.items;

	for (size_t i = 0; i < l->joined_gaps.n; i++) {
		if (!str_eq(v[i].why, g->why) || v[i].is_serious != g->is_serious)
			continue;
		v[i].count += g->count;
		return;
	}
	struct artifact_gap *to = ledger_list_add(&l->joined_gaps);

	if (to)
		*to = *g;
	else
		l->is_full = true;
}

/* What was heard but not kept is said, once a check. */
static void say_uncounted(struct ledger *l)
{
	size_t at = 0;
	struct check_count *c;

	while ((c = table_next(&l->checks, &at))) {
		char why[TITLE_BYTES];

		if (!c->path.s)
			continue;
		snprintf(why, sizeof(why), "more findings of %.*s than are kept: %llu in all",
			STR_ARG(str_head(c->check, 100)), (unsigned long long)c->found);
		join_gap(l, &(struct artifact_gap){.what = c->path,
				    .why = arena_str(&l->keep, str_of(why)),
				    .count = 1});
	}
}

static void say_full(struct ledger *l, const char *why)
{
	join_gap(l,
		&(struct artifact_gap){
			.what = STR("report"), .why = str_of(why), .count = 1, .is_serious = true});
}

static int join_gaps(struct ledger *l)
{
	struct refs refs;

	if (!REFER(l, gaps, said_gap, &refs))
		return -ENOMEM;
	for (size_t i = 0; i < refs.n; i++)
		join_gap(l, &((struct said_gap *)refs.v[i].at)->g);
	free(refs.v);
	say_uncounted(l);
	for (size_t i = 1; i <= l->nlanes; i++)
		l->is_full = l->is_full || nth(l, i)->is_full;
	if (l->is_full)
		say_full(l, "this layer says more than a report holds: some of it was left out");
	if (l->is_tree_full)
		say_full(l,
			"this layer has more names than are kept: what it deletes or replaces is "
			"known in part");
	return 0;
}

/* ---- what runs what ------------------------------------------------------------------------- */

static void add_words(struct layer_runs *to, struct str *words, const struct layer_runs *more)
{
	for (size_t i = 0; i < more->nwords && to->nwords < WORDS_MAX; i++) {
		bool is_known = false;

		for (size_t k = 0; k < to->nwords && !is_known; k++)
			is_known = str_eq(words[k], more->words[i]);
		if (!is_known)
			words[to->nwords++] = more->words[i];
	}
}

/* The same member, of whom the pass and an analyzer both have words. */
static void join_words(struct ledger *l, struct layer_runs *to, const struct layer_runs *more)
{
	struct str *words = arena_array(&l->keep, struct str, WORDS_MAX);

	if (!words)
		return;
	memcpy(words, to->words, to->nwords * sizeof(*words));
	add_words(to, words, more);
	to->words = words;
}

static int join_runs(struct ledger *l)
{
	struct layer_runs *last = NULL;
	uint64_t number = 0;
	struct refs refs;

	if (!REFER(l, runs, said_runs, &refs))
		return -ENOMEM;
	for (size_t i = 0; i < refs.n; i++) {
		const struct said_runs *from = refs.v[i].at;

		if (last && number == from->number) {
			join_words(l, last, &from->r);
			continue;
		}
		last = ledger_list_add(&l->joined_runs);
		number = from->number;
		if (last)
			*last = from->r;
	}
	free(refs.v);
	return 0;
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* Lane by lane; only one of them knows packages as a rule, and its list is not copied. */
static void join_packages(struct ledger *l, struct layer_report *ret)
{
	size_t nlists = 0;

	for (size_t i = 0; i <= l->nlanes; i++) {
		const struct list *v = &nth(l, i)->packages;

		if (!v->n)
			continue;
		nlists++;
		ret->found.packages = v->items;
		ret->found.npackages = v->n;
	}
	if (nlists < 2)
		return;
	for (size_t i = 0; i <= l->nlanes; i++) {
		const struct list *v = &nth(l, i)->packages;
		struct artifact_package *to;

		for (size_t k = 0; k < v->n; k++) {
			to = ledger_list_add(&l->joined_packages);
			if (to)
				*to = ((struct artifact_package *)v->items)[k];
			else
				l->is_full = true;
		}
	}
	ret->found.packages = l->joined_packages.items;
	ret->found.npackages = l->joined_packages.n;
}

static struct artifact_distro first_distro(struct ledger *l)
{
	const struct ledger *first = l;

	for (size_t i = 1; i <= l->nlanes; i++) {
		const struct ledger *lane = nth(l, i);

		if (lane->distro.id.len &&
			(!first->distro.id.len || lane->distro_number < first->distro_number))
			first = lane;
	}
	return first->distro;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_hashes(struct list *v)
{
	uint64_t *h = v->items;
	size_t n = 0;

	if (!v->n)
		return;
	qsort(h, v->n, sizeof(*h), by_number);
	for (size_t i = 0; i < v->n; i++)
		if (!n || h[n - 1] != h[i])
			h[n++] = h[i];
	v->n = n;
}

static void report_tree(struct ledger *l, struct layer_report *ret)
{
	sort_hashes(&l->paths);
	sort_hashes(&l->dirs);
	ret->nfiles = l->files;
	ret->paths = l->paths.items;
	ret->npaths = l->paths.n;
	ret->dirs = l->dirs.items;
	ret->ndirs = l->dirs.n;
	ret->whiteouts = l->whiteouts.items;
	ret->nwhiteouts = l->whiteouts.n;
	ret->opaques = l->opaques.items;
	ret->nopaques = l->opaques.n;
	ret->links = l->links.items;
	ret->nlinks = l->links.n;
	ret->runs = l->joined_runs.items;
	ret->nruns = l->joined_runs.n;
}

static bool has_failed(struct ledger *l)
{
	for (size_t i = 0; i <= l->nlanes; i++)
		if (nth(l, i)->keep.failed)
			return true;
	return false;
}

int ledger_report(struct ledger *l, struct layer_report *ret)
{
	int r;

	*ret = (struct layer_report){0};
	join_packages(l, ret);
	r = join_findings(l);
	if (r == 0)
		r = join_runs(l);
	if (r == 0)
		r = join_gaps(l);
	ret->found.findings = l->joined_findings.items;
	ret->found.nfindings = l->joined_findings.n;
	ret->found.distro = first_distro(l);
	ret->found.coverage = (struct artifact_coverage){
		.gaps = l->joined_gaps.items,
		.ngaps = l->joined_gaps.n,
		.layers = 1,
		.files = l->files,
		.read_files = l->read_files,
		.read_bytes = l->read_bytes,
		.archives = l->archives,
	};
	report_tree(l, ret);
	return r < 0 || has_failed(l) ? -ENOMEM : 0;
}
