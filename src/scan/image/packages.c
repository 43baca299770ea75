/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is installed in a layer: package databases, metadata of language packages, what compilers
 * wrote into programs, and the distribution with its end of support. The formats are
 * engine/package's; here files that come in windows are put together, and what stands in several
 * files of a layer is joined at its end. Packages whose database a later layer deleted, and whole
 * images, are the judge's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/package/package.h"
#include "scan/image/analyzer.h"

enum {
	PACKAGES_FILE_BYTES = 64 << 20,  /* of a file that comes in windows */
	PACKAGES_LAYER_BYTES = 40 << 20, /* of packages that wait for the end of the layer */
	PACKAGES_SCRATCH_BYTES = 32 << 20,
	PACKAGES_KEEP_BYTES = 2 << 20, /* from layer to layer */
	PACKAGES_MAX_WAITING = 200000,
	PACKAGES_MAX_SURE = 8192,
};

/* Packages that wait: more than one file says what they are. */
struct waiting {
	struct artifact_package *rows;
	size_t n, cap;
	bool is_full;
};

struct packages {
	struct package_lifetimes *lifetimes;
	struct arena scratch; /* of the file that is shown */
	struct arena layer;   /* of what waits */
	struct waiting named, owning, hints;
	uint64_t sure[PACKAGES_MAX_SURE]; /* keys of jars that said themselves what they are */
	size_t nsure;
	struct buf whole; /* a file that comes in windows */
	uint64_t whole_path;
	struct package_binary binary;
	bool has_distro;            /* os-release was in this layer */
	struct artifact_distro old; /* of another file, in case there is no os-release */
};

/* What package_parse() calls back with. */
struct take {
	struct packages *self;
	struct ledger *l;
	enum package_says says;
};

static void packages_close(void *self)
{
	struct packages *s = self;

	if (!s)
		return;
	package_lifetimes_free(s->lifetimes);
	arena_done(&s->scratch);
	arena_done(&s->layer);
	buf_done(&s->whole);
	free(s->named.rows);
	free(s->owning.rows);
	free(s->hints.rows);
	free(s);
}

static int packages_open(const struct analyzer_options *o, void **ret, struct err *e)
{
	struct packages *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "packages: no memory");
	arena_init(&s->scratch, PACKAGES_SCRATCH_BYTES);
	arena_init(&s->layer, PACKAGES_LAYER_BYTES);
	s->whole = BUF_INIT(PACKAGES_FILE_BYTES);
	int r = package_lifetimes_load(o->data_dir, &s->lifetimes, e);
	if (r < 0) {
		packages_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

static uint64_t packages_knowledge(void *self)
{
	struct packages *s = self;

	return package_lifetimes_knowledge(
		s->lifetimes, (int64_t)(clock_epoch_ns() / NSEC_PER_SEC));
}

/* ---- packages that wait for the end of the layer --------------------------------------------- */

static bool make_room(struct waiting *w)
{
	if (w->n < w->cap)
		return true;
	size_t cap = w->cap ? w->cap * 2 : 256;
	struct artifact_package *more =
		cap > PACKAGES_MAX_WAITING ? NULL : realloc(w->rows, cap * sizeof(more[0]));

	if (!more)
		return false;
	w->rows = more;
	w->cap = cap;
	return true;
}

static void wait_for_end(struct packages *s, struct waiting *w, const struct artifact_package *p)
{
	struct arena *a = &s->layer;
	struct artifact_package c = *p;
	uint64_t *files = NULL;

	if (p->nfiles && (files = arena_raw(a, p->nfiles * sizeof(files[0]))))
		memcpy(files, p->files, p->nfiles * sizeof(files[0]));
	c.name = arena_str(a, p->name);
	c.version = arena_str(a, p->version);
	c.arch = arena_str(a, p->arch);
	c.source = arena_str(a, p->source);
	c.source_version = arena_str(a, p->source_version);
	c.group = arena_str(a, p->group);
	c.license = arena_str(a, p->license);
	c.maintainer = arena_str(a, p->maintainer);
	c.path = arena_str(a, p->path);
	c.files = files;
	if (a->failed || !make_room(w)) {
		w->is_full = true;
		return;
	}
	w->rows[w->n++] = c;
}

static void take_package(void *arg, const struct artifact_package *p)
{
	struct take *t = arg;

	switch (t->says) {
	case PACKAGE_SAYS_ALL:
		if (p->type == PACKAGE_JAR && t->self->nsure < PACKAGES_MAX_SURE)
			t->self->sure[t->self->nsure++] = package_key(p);
		ledger_package(t->l, p);
		break;
	case PACKAGE_SAYS_NAMES:
		wait_for_end(t->self, &t->self->named, p);
		break;
	case PACKAGE_SAYS_FILES:
		wait_for_end(t->self, &t->self->owning, p);
		break;
	case PACKAGE_SAYS_HINT:
		wait_for_end(t->self, &t->self->hints, p);
		break;
	}
}

static int by_key(const void *x, const void *y)
{
	uint64_t a = package_key(x), b = package_key(y);

	return a < b ? -1 : a > b;
}

static int by_hash(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/* The first row of `w` whose key is not below. */
static size_t lower_bound(const struct waiting *w, uint64_t key)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (package_key(&w->rows[mid]) < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Gives the package all files that were said to be its own, sorted, each once. */
static void join_files(struct packages *s, struct artifact_package *p)
{
	uint64_t key = package_key(p);
	size_t begin = lower_bound(&s->owning, key), total = p->nfiles, n = 0;

	for (size_t i = begin; i < s->owning.n && package_key(&s->owning.rows[i]) == key; i++)
		if (package_is_same(p, &s->owning.rows[i]))
			total += s->owning.rows[i].nfiles;
	uint64_t *all = total ? arena_array(&s->scratch, uint64_t, total) : NULL;
	if (!all)
		return;
	if (p->nfiles)
		memcpy(all, p->files, p->nfiles * sizeof(all[0]));
	n = p->nfiles;
	for (size_t i = begin; i < s->owning.n && package_key(&s->owning.rows[i]) == key; i++) {
		const struct artifact_package *o = &s->owning.rows[i];

		if (!package_is_same(p, o) || !o->nfiles)
			continue;
		memcpy(all + n, o->files, o->nfiles * sizeof(all[0]));
		n += o->nfiles;
	}
	qsort(all, n, sizeof(all[0]), by_hash);
	p->files = all;
	p->nfiles = 1;
	for (size_t i = 1; i < n; i++)
		if (all[i] != all[p->nfiles - 1])
			all[p->nfiles++] = all[i];
}

/* What more of the hints of one jar knows: a manifest more than the name of the file. */
static void join_hint(struct artifact_package *p, const struct artifact_package *more)
{
	p->version = p->version.len ? p->version : more->version;
	p->group = p->group.len ? p->group : more->group;
	p->maintainer = p->maintainer.len ? p->maintainer : more->maintainer;
}

/* Of each jar that did not say what it is: one package, if a version is known at all. */
static void say_hints(struct packages *s, struct ledger *l)
{
	struct waiting *w = &s->hints;

	qsort(s->sure, s->nsure, sizeof(s->sure[0]), by_hash);
	if (w->n)
		qsort(w->rows, w->n, sizeof(w->rows[0]), by_key);
	for (size_t i = 0, next; i < w->n; i = next) {
		struct artifact_package p = w->rows[i];
		uint64_t key = package_key(&p);

		for (next = i + 1; next < w->n && package_key(&w->rows[next]) == key; next++)
			join_hint(&p, &w->rows[next]);
		if (p.version.len && !bsearch(&key, s->sure, s->nsure, sizeof(s->sure[0]), by_hash))
			ledger_package(l, &p);
	}
}

static void say_waiting(struct packages *s, struct ledger *l)
{
	if (s->owning.n)
		qsort(s->owning.rows, s->owning.n, sizeof(s->owning.rows[0]), by_key);
	for (size_t i = 0; i < s->named.n; i++) {
		arena_reset(&s->scratch);
		join_files(s, &s->named.rows[i]);
		ledger_package(l, &s->named.rows[i]);
	}
	say_hints(s, l);
	if (s->named.is_full || s->owning.is_full || s->hints.is_full)
		ledger_gap(l,
			"has more packages and files of packages than are remembered of one layer",
			false);
}

/* ---- the distribution ------------------------------------------------------------------------ */

static void say_ended(struct ledger *l, const struct artifact_distro *d)
{
	struct arena *a = ledger_arena(l);
	struct str name = d->pretty_name.len ? d->pretty_name
					     : arena_printf(a, "%.*s %.*s", STR_ARG(d->id),
						       STR_ARG(d->version));
	struct artifact_finding f = {
		.check = STR("distro-ended"),
		.label = LABEL_OUTDATED,
		.severity = ARTIFACT_MEDIUM,
		.confidence = 95,
		.path = d->path,
		.title = arena_printf(a, "%.*s has had no security support since %.*s",
			STR_ARG(name), STR_ARG(d->end_of_life)),
		.mend = STR(
			"Build the image from a release of its distribution that is supported."),
		.excerpt = str_head(name, 200),
	};

	ledger_find(l, &f);
}

static void say_distro(struct packages *s, struct ledger *l, struct artifact_distro *d)
{
	package_lifetimes_apply(
		s->lifetimes, (int64_t)(clock_epoch_ns() / NSEC_PER_SEC), d, ledger_arena(l));
	ledger_distro(l, d);
	if (d->is_ended)
		say_ended(l, d);
}

static bool is_os_release(struct str path)
{
	return str_ends(path, STR("/os-release"));
}

/* os-release at once; the older files only if the layer has none. */
static void see_distro(struct packages *s, const struct file_view *v, struct ledger *l)
{
	struct artifact_distro d;
	bool is_now = is_os_release(v->file->path);

	if (!v->is_first || (is_now ? s->has_distro : s->old.version.len != 0) ||
		!package_parse_distro(
			v->file->path, v->content, is_now ? &s->scratch : &s->layer, &d))
		return;
	if (!is_now) {
		s->old = d;
		return;
	}
	s->has_distro = true;
	say_distro(s, l, &d);
}

/* ---- content --------------------------------------------------------------------------------- */

static void parse(struct packages *s, const struct package_parser *p, struct str path,
	struct str content, struct ledger *l)
{
	struct take t = {s, l, package_parser_says(p)};
	struct err e = {0};

	if (package_parse(p, path, content, &s->scratch, take_package, &t, &e) < 0)
		ledger_gap(l, e.msg, false);
}

/* Puts the windows of a file together, and parses it with the last. */
static void see_window(struct packages *s, const struct package_parser *p,
	const struct file_view *v, struct ledger *l)
{
	struct str path = v->file->path;
	uint64_t hash = str_hash(path);

	if (v->is_first) {
		buf_clear(&s->whole);
		s->whole_path = hash;
		if (v->file->size > package_parser_max_bytes(p)) {
			struct str why = arena_printf(&s->scratch,
				"is larger than %zu MiB: its packages were not read",
				package_parser_max_bytes(p) >> 20);

			ledger_gap(l, why.s ? why.s : "is too large for its packages to be read",
				false);
			s->whole_path = 0;
		} else {
			/* once, and exactly: growing would need twice as much for a moment */
			buf_reserve(&s->whole, (size_t)v->file->size);
		}
	}
	if (s->whole_path != hash || v->offset > s->whole.len)
		return;
	buf_add(&s->whole, str_skip(v->content, (size_t)(s->whole.len - v->offset)));
	if (!v->is_last)
		return;
	parse(s, p, path, buf_str(&s->whole), l);
	if (s->whole.cut)
		ledger_gap(l, "is longer than its size says: its packages may not be all", false);
	buf_done(&s->whole);
	s->whole = BUF_INIT(PACKAGES_FILE_BYTES);
	s->whole_path = 0;
}

static void see_binary(struct packages *s, const struct file_view *v, struct ledger *l)
{
	struct take t = {s, l, PACKAGE_SAYS_ALL};
	struct err e = {0};

	if (v->is_first)
		s->binary = (struct package_binary){0};
	if (package_parse_binary(&s->binary, v->file->path, v->content, v->offset, &s->scratch,
		    take_package, &t, &e) < 0)
		ledger_gap(l, e.msg, false);
}

static void packages_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct packages *s = self;
	const struct package_parser *p = package_parser_for(v->file->path);

	arena_reset(&s->scratch);
	if (p && !package_parser_max_bytes(p) && v->is_first)
		parse(s, p, v->file->path, STR_NULL, l); /* the path is enough */
	else if (p && v->is_first && v->is_last)
		parse(s, p, v->file->path, v->content, l);
	else if (p && package_parser_max_bytes(p))
		see_window(s, p, v, l);
	else if (v->is_elf && v->file->depth == 0)
		see_binary(s, v, l);
	else if (package_is_distro_file(v->file->path))
		see_distro(s, v, l);
}

/* A layer with many packages leaves no memory behind that others in the worker could use. */
static void reset(struct arena *a, size_t limit)
{
	if (a->held <= PACKAGES_KEEP_BYTES) {
		arena_reset(a);
		return;
	}
	arena_done(a);
	arena_init(a, limit);
}

static void packages_layer_end(void *self, struct ledger *l)
{
	struct packages *s = self;

	say_waiting(s, l);
	if (!s->has_distro && s->old.id.len)
		say_distro(s, l, &s->old);
	s->named.n = s->owning.n = s->hints.n = s->nsure = 0;
	s->named.is_full = s->owning.is_full = s->hints.is_full = s->has_distro = false;
	s->old = (struct artifact_distro){0};
	reset(&s->layer, PACKAGES_LAYER_BYTES);
	reset(&s->scratch, PACKAGES_SCRATCH_BYTES);
}

const struct analyzer_ops analyzer_packages = {
	.name = "packages",
	.doc = "installed packages, the distribution and its end of support",
	.open = packages_open,
	.file = packages_file,
	.layer_end = packages_layer_end,
	.knowledge = packages_knowledge,
	.close = packages_close,
};
