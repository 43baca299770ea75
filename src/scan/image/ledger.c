/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: findings, packages, gaps and the facts of a layer's tree, copied into an arena with a
 * limit. What analyzers say comes from strangers' bytes: every list ends somewhere, and when the
 * list of findings is full, a graver one takes the place of the least. It does not judge, and it
 * knows one lane only: putting them together is ledger_join.c's work.
 */
#include "scan/image/ledger_private.h"

#include <errno.h>
#include <stdlib.h>

enum { LISTS = 13 };

/* ---- lists ---------------------------------------------------------------------------------- */

void *ledger_list_add(struct list *v)
{
	if (v->n == v->max)
		return NULL;
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 64;

		cap = cap < v->max ? cap : v->max;
		void *items = realloc(v->items, cap * v->size);
		if (!items)
			return NULL;
		v->items = items;
		v->cap = cap;
	}
	char *at = (char *)v->items + v->n++ * v->size;

	return memset(at, 0, v->size);
}

static void list_drop(struct list *v)
{
	free(v->items);
	v->items = NULL;
	v->n = v->cap = 0;
}

static struct list *const *all_lists(struct ledger *l, struct list *ret[LISTS + 1])
{
	struct list *v[] = {&l->findings, &l->packages, &l->gaps, &l->paths, &l->dirs,
		&l->whiteouts, &l->opaques, &l->links, &l->runs, &l->joined_findings,
		&l->joined_packages, &l->joined_gaps, &l->joined_runs, NULL};

	memcpy(ret, v, sizeof(v));
	return ret;
}

static bool check_eq(const void *row, const void *key)
{
	return str_eq(((const struct check_count *)row)->check, *(const struct str *)key);
}

/* An empty one that is about nothing. */
static void begin(struct ledger *l)
{
	table_init(&l->checks, check_eq, CHECKS_MAX);
	l->distro = (struct artifact_distro){0};
	l->file = (struct artifact_file){.path = STR("/")};
	l->number = 0;
	l->place = PLACE_FILE;
	l->starter = STARTER_SCRIPT;
	l->nwords = l->owned = 0;
	l->files = l->read_files = l->read_bytes = l->archives = 0;
	l->is_full = l->is_tree_full = false;
}

int ledger_open(const struct scan_limits *limits, struct ledger **ret)
{
	struct ledger *l = calloc(1, sizeof(*l));
	size_t finding = sizeof(struct said_finding), gap = sizeof(struct said_gap),
	       runs = sizeof(struct said_runs), package = sizeof(struct artifact_package);

	if (!l)
		return -ENOMEM;
	l->limits = *limits;
	l->findings = (struct list){.size = finding, .max = limits->max_findings};
	l->joined_findings =
		(struct list){.size = sizeof(struct artifact_finding), .max = limits->max_findings};
	l->packages = l->joined_packages = (struct list){.size = package, .max = PACKAGES_MAX};
	l->gaps = (struct list){.size = gap, .max = GAPS_MAX};
	l->joined_gaps = (struct list){.size = sizeof(struct artifact_gap), .max = GAPS_MAX};
	l->paths = l->dirs = (struct list){.size = sizeof(uint64_t), .max = PATHS_MAX};
	l->whiteouts = l->opaques = (struct list){.size = sizeof(struct str), .max = NAMES_MAX};
	l->links = (struct list){.size = sizeof(struct layer_link), .max = NAMES_MAX};
	l->runs = (struct list){.size = runs, .max = RUNS_MAX};
	l->joined_runs = (struct list){.size = sizeof(struct layer_runs), .max = RUNS_MAX};
	arena_init(&l->keep, KEEP_MAX);
	arena_init(&l->member, MEMBER_MAX);
	l->analyzer = "archive";
	begin(l);
	*ret = l;
	return 0;
}

int ledger_open_lane(struct ledger *l, const char *analyzer)
{
	struct ledger *lane;
	int r = l->nlanes == ANALYZERS_MAX ? -ENOSPC : ledger_open(&l->limits, &lane);

	if (r < 0)
		return r;
	lane->analyzer = analyzer;
	l->lanes[l->nlanes++] = lane;
	return 0;
}

struct ledger *ledger_lane(struct ledger *l, size_t i)
{
	return l->lanes[i];
}

void ledger_reset(struct ledger *l)
{
	struct list *lists[LISTS + 1];

	for (size_t i = 0; i < l->nlanes; i++)
		ledger_reset(l->lanes[i]);
	for (struct list *const *v = all_lists(l, lists); *v; v++)
		list_drop(*v);
	table_done(&l->checks);
	/* what a large layer needed is given back */
	arena_done(&l->keep);
	arena_done(&l->member);
	begin(l);
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	ledger_reset(l);
	for (size_t i = 0; i < l->nlanes; i++)
		ledger_free(l->lanes[i]);
	table_done(&l->checks);
	free(l);
}

/* ---- where we are --------------------------------------------------------------------------- */

struct arena *ledger_arena(struct ledger *l)
{
	return &l->member;
}

void ledger_at_file(struct ledger *l, const struct artifact_file *f, uint64_t number)
{
	l->file = *f;
	l->number = number;
	l->place = PLACE_FILE;
	l->index = 0;
}

void ledger_at_place(struct ledger *l, enum artifact_place place, unsigned index, uint64_t number)
{
	l->file = (struct artifact_file){0};
	l->number = number;
	l->place = place;
	l->index = index;
}

void ledger_starter(struct ledger *l, enum layer_starter by)
{
	l->starter = by;
}

void ledger_keep_runs(struct ledger *l)
{
	struct said_runs *r = l->nwords ? ledger_list_add(&l->runs) : NULL;

	if (!r)
		return;
	size_t n = l->nwords;
	struct str *words = arena_array(&l->keep, struct str, n);

	l->nwords = 0;
	if (!words) {
		l->runs.n--;
		return;
	}
	for (size_t i = 0; i < n; i++)
		words[i] = arena_str(&l->keep, l->words[i]);
	r->r = (struct layer_runs){arena_str(&l->keep, l->file.path), l->starter, words, n};
	r->number = l->number;
}

void ledger_forget(struct ledger *l)
{
	ledger_keep_runs(l);
	l->nwords = 0;
	l->starter = STARTER_SCRIPT;
	arena_reset(&l->member);
}

void ledger_runs(struct ledger *l, struct str word)
{
	if (!word.len || word.len > WORD_BYTES || l->nwords == WORDS_MAX)
		return;
	for (size_t i = 0; i < l->nwords; i++)
		if (str_eq(l->words[i], word))
			return;
	struct str copy = arena_str(&l->member, word);

	if (copy.s)
		l->words[l->nwords++] = copy;
}

/* ---- what is said --------------------------------------------------------------------------- */

static struct str copied(struct ledger *l, struct str s, size_t max)
{
	return arena_str(&l->keep, str_head(s, max));
}

struct check_count *ledger_count_check(struct ledger *l, struct str check)
{
	struct check_count *c = table_find(&l->checks, str_hash(check), &check);

	if (c)
		return c;
	c = arena_new(&l->keep, struct check_count);
	if (!c)
		return NULL;
	c->check = copied(l, check, TITLE_BYTES);
	return table_put(&l->checks, str_hash(check), c) == 0 ? c : NULL;
}

/* The least grave finding that is kept, if it is less grave than this. */
static struct said_finding *find_lesser(struct ledger *l, enum artifact_severity than)
{
	struct said_finding *v = l->findings.items, *least = NULL;

	for (size_t i = 0; i < l->findings.n; i++)
		if (v[i].f.severity > than && (!least || v[i].f.severity > least->f.severity))
			least = &v[i];
	return least;
}

static const struct artifact_pair *copy_facts(
	struct ledger *l, const struct artifact_finding *f, size_t *n)
{
	struct artifact_pair *facts;

	*n = f->nfacts < FACTS_MAX ? f->nfacts : FACTS_MAX;
	facts = *n ? arena_array(&l->keep, struct artifact_pair, *n) : NULL;
	if (!facts) {
		*n = 0;
		return NULL;
	}
	for (size_t i = 0; i < *n; i++) {
		facts[i].key = copied(l, f->facts[i].key, FACT_BYTES);
		facts[i].value = copied(l, f->facts[i].value, FACT_BYTES);
	}
	return facts;
}

void ledger_find(struct ledger *l, const struct artifact_finding *f)
{
	struct check_count *c = ledger_count_check(l, f->check);
	struct said_finding *to = NULL;

	if (c && ++c->found <= LEDGER_CHECK_MAX) {
		to = ledger_list_add(&l->findings);
		if (!to)
			to = find_lesser(l, f->severity);
	}
	if (!to) {
		if (c && !c->path.s)
			c->path = arena_str(&l->keep, l->file.path);
		l->is_full = l->is_full || !c;
		return;
	}
	to->number = l->number;
	to->f = (struct artifact_finding){
		.check = c->check,
		.analyzer = str_of(l->analyzer),
		.label = f->label,
		.severity = f->severity,
		.confidence = f->confidence < 100 ? f->confidence : 100,
		.title = copied(l, f->title, TITLE_BYTES),
		.mend = copied(l, f->mend, TITLE_BYTES),
		.place = l->place,
		.path = arena_str(&l->keep, f->path.len ? f->path : l->file.path),
		.index = l->index,
		.offset = f->offset,
		.line = f->line,
		.excerpt = copied(l, f->excerpt, EXCERPT_BYTES),
		.deleted_in = -1,
	};
	to->f.facts = copy_facts(l, f, &to->f.nfacts);
}

void ledger_package(struct ledger *l, const struct artifact_package *p)
{
	struct artifact_package *to = ledger_list_add(&l->packages);

	if (!to) {
		l->is_full = true;
		return;
	}
	struct str *const from[] = {&to->name, &to->version, &to->arch, &to->source,
		&to->source_version, &to->group, &to->license, &to->maintainer, &to->path,
		&to->purl};

	*to = *p;
	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
		*from[i] = copied(l, *from[i], i == 8 ? SIZE_MAX : TITLE_BYTES);
	if (!to->path.len)
		to->path = arena_str(&l->keep, l->file.path);
	to->layer = 0;
	to->deleted_in = -1;
	to->files = NULL;
	to->nfiles = 0;
	if (!p->nfiles)
		return;
	uint64_t *files = l->owned + p->nfiles <= OWNED_MAX
				  ? arena_raw(&l->keep, p->nfiles * sizeof(*files))
				  : NULL;
	if (!files) {
		l->is_full = true;
		return;
	}
	memcpy(files, p->files, p->nfiles * sizeof(*files));
	l->owned += p->nfiles;
	to->files = files;
	to->nfiles = p->nfiles;
}

void ledger_distro(struct ledger *l, const struct artifact_distro *d)
{
	/* /etc/os-release is a link to /usr/lib's in most; the first that names itself counts */
	if (l->distro.id.len || (l->file.depth && !d->path.len))
		return;
	l->distro_number = l->number;
	l->distro = (struct artifact_distro){
		.id = copied(l, d->id, TITLE_BYTES),
		.version = copied(l, d->version, TITLE_BYTES),
		.codename = copied(l, d->codename, TITLE_BYTES),
		.pretty_name = copied(l, d->pretty_name, TITLE_BYTES),
		.path = arena_str(&l->keep, d->path.len ? d->path : l->file.path),
		.end_of_life = copied(l, d->end_of_life, TITLE_BYTES),
		.is_ended = d->is_ended,
	};
}

void ledger_gap_of(struct ledger *l, struct str what, const char *why, bool is_serious)
{
	struct said_gap *v = l->gaps.items;
	struct str text = str_head(str_of(why), TITLE_BYTES);

	for (size_t i = 0; i < l->gaps.n; i++) {
		if (!str_eq(v[i].g.why, text) || v[i].g.is_serious != is_serious)
			continue;
		v[i].g.count++;
		return;
	}
	struct said_gap *g = ledger_list_add(&l->gaps);
	if (!g) {
		l->is_full = true;
		return;
	}
	g->number = l->number;
	g->g = (struct artifact_gap){.what = arena_str(&l->keep, what),
		.why = arena_str(&l->keep, text),
		.count = 1,
		.is_serious = is_serious};
}

void ledger_gap(struct ledger *l, const char *why, bool is_serious)
{
	struct str what =
		l->place == PLACE_FILE ? l->file.path : str_of(artifact_place_name(l->place));

	ledger_gap_of(l, what, why, is_serious);
}

void ledger_count(struct ledger *l, uint64_t read_bytes, bool is_archive)
{
	l->read_files++;
	l->read_bytes += read_bytes;
	l->archives += is_archive;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void add_hash(struct ledger *l, struct list *v, struct str path)
{
	uint64_t *h = ledger_list_add(v);

	if (h)
		*h = str_hash(path);
	else
		l->is_tree_full = true;
}

static void add_name(struct ledger *l, struct list *v, struct str path)
{
	struct str *s = ledger_list_add(v);

	if (s)
		*s = arena_str(&l->keep, path);
	else
		l->is_tree_full = true;
}

void ledger_tree(struct ledger *l, const struct artifact_file *f)
{
	struct layer_link *link;

	l->files++;
	if (f->depth)
		return;
	switch (f->kind) {
	case ARTIFACT_WHITEOUT:
		add_name(l, &l->whiteouts, f->path);
		return;
	case ARTIFACT_OPAQUE:
		add_name(l, &l->opaques, f->path);
		return;
	case ARTIFACT_DIR:
		add_hash(l, &l->dirs, f->path);
		return;
	case ARTIFACT_SYMLINK:
	case ARTIFACT_HARDLINK:
		link = ledger_list_add(&l->links);
		if (link)
			*link = (struct layer_link){
				arena_str(&l->keep, f->path), arena_str(&l->keep, f->target)};
		else
			l->is_tree_full = true;
		break;
	default:
		break;
	}
	add_hash(l, &l->paths, f->path);
}
