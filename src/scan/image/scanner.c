/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: an image in, a report out. Layers that are remembered are not asked for; the others
 * stream from their source through a worker. What goes wrong with one layer is a gap of the report,
 * and no reason to give up the others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "scan/image/cache.h"
#include "scan/image/merge.h"
#include "scan/image/worker.h"
#include "scan/image/redact.h"

enum { LAYERS_MAX = 1024, ARENA_PATHS_MAX = 6 << 20 };

struct scanner {
	struct analyzer_set set;
	struct scan_limits limits;
	unsigned threads;
	struct scan_worker *worker; /* NULL: it died */
	struct layer_cache *cache;
	const char *name;
};

static void fill_limits(struct scan_limits *l)
{
	if (!l->max_layer_bytes)
		l->max_layer_bytes = UINT64_C(64) << 30;
	if (!l->max_file_bytes)
		l->max_file_bytes = UINT64_C(1) << 30;
	if (!l->max_members)
		l->max_members = 2000000;
	if (!l->max_depth)
		l->max_depth = 4;
	if (!l->max_ratio)
		l->max_ratio = 200;
	if (!l->max_memory_bytes)
		l->max_memory_bytes = UINT64_C(208) << 20;
	if (!l->max_layer_s)
		l->max_layer_s = 900;
	if (!l->max_findings)
		l->max_findings = 2000;
}

static unsigned count_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n < CREW_MAX ? (unsigned)n : CREW_MAX;
}

int scanner_open(const struct scan_options *o, struct scanner **ret, struct err *e)
{
	struct scan_options options = *o;
	struct scanner *s = calloc(1, sizeof(*s));

	*ret = NULL;
	if (!s)
		return err_set(e, ENOMEM, "no memory left for a scanner");
	fill_limits(&options.limits);
	s->limits = options.limits;
	if (!options.threads)
		options.threads = count_processors();
	s->threads = options.threads;
	s->name = o->scanner ? o->scanner : "koban";
	int r = analyzer_set_open(analyzers, &options, &s->set, e);
	if (r == 0 && o->cache_dir)
		r = layer_cache_open(o->cache_dir, &s->cache, e);
	if (r == 0)
		r = scan_worker_start(&s->set, &s->limits, s->threads, &s->worker, e);
	if (r < 0)
		scanner_close(s);
	else
		*ret = s;
	return r;
}

void scanner_close(struct scanner *s)
{
	if (!s)
		return;
	scan_worker_stop(s->worker);
	layer_cache_close(s->cache);
	analyzer_set_close(&s->set);
	free(s);
}

uint64_t scanner_knowledge(const struct scanner *s)
{
	return s->set.knowledge;
}

bool scan_analyzer(size_t i, const char **name, const char **doc)
{
	for (size_t k = 0; k <= i; k++)
		if (!analyzers[k])
			return false;
	*name = analyzers[i]->name;
	*doc = analyzers[i]->doc;
	return true;
}

/* ---- one layer ------------------------------------------------------------------------------ */

struct scan {
	struct scanner *s;
	struct image_source *source;
	const struct artifact_image *image;
	struct arena *a;
	struct layer_report **reports;
	struct artifact_layer *layers; /* with what was learned of them */
	scan_progress progress;
	void *arg;
	uint64_t done, all; /* stored bytes */
	size_t paths;       /* names that are kept, of all layers */
	char what[64];
};

struct feed {
	struct scan *scan;
	struct image_stream *stream;
};

static void tell(struct scan *n)
{
	if (n->progress)
		n->progress(n->arg, n->what, n->done, n->all);
}

static ptrdiff_t feed_stream(void *arg, void *to, size_t size, struct err *e)
{
	struct feed *f = arg;
	ptrdiff_t n = image_stream_read(f->stream, to, size, e);

	if (n > 0) {
		f->scan->done += (uint64_t)n;
		tell(f->scan);
	}
	return n;
}

/* A gap of the layer's own. */
static void add_gap(struct scan *n, struct layer_report *l, struct str why)
{
	size_t had = l->found.coverage.ngaps;
	struct artifact_gap *gaps = arena_array(n->a, struct artifact_gap, had + 1);

	if (!gaps)
		return;
	if (had)
		memcpy(gaps, l->found.coverage.gaps, had * sizeof(*gaps));
	gaps[had] = (struct artifact_gap){.what = arena_str(n->a, str_of(n->what)),
		.why = arena_str(n->a, why),
		.count = 1,
		.is_serious = true};
	l->found.coverage.gaps = gaps;
	l->found.coverage.ngaps = had + 1;
}

static void add_finding(struct scan *n, struct layer_report *l, const char *check,
	enum artifact_severity severity, unsigned confidence, struct str title, const char *mend)
{
	size_t had = l->found.nfindings;
	struct artifact_finding *v = arena_array(n->a, struct artifact_finding, had + 1);

	if (!v)
		return;
	if (had)
		memcpy(v, l->found.findings, had * sizeof(*v));
	v[had] = (struct artifact_finding){.check = str_of(check),
		.analyzer = STR("archive"),
		.label = LABEL_HOSTILE,
		.severity = severity,
		.confidence = confidence,
		.title = arena_str(n->a, title),
		.mend = str_of(mend),
		.place = PLACE_FILE,
		.path = STR("/"),
		.deleted_in = -1};
	l->found.findings = v;
	l->found.nfindings = had + 1;
}

/* The worker died of it. Another one takes the next layer. */
static int bury(struct scan *n, struct layer_report *l, const struct err *why, struct err *e)
{
	char title[1200];

	*l = (struct layer_report){.is_partial = true};
	snprintf(title, sizeof(title), "Reading %s: %s", n->what, why->msg);
	add_gap(n, l, str_of(why->msg));
	add_finding(n, l, "archive-crash", ARTIFACT_MEDIUM, 50, str_of(title),
		"Report it to koban's authors with the layer, and treat the image as hostile until "
		"then.");
	scan_worker_stop(n->s->worker);
	n->s->worker = NULL;
	return scan_worker_start(&n->s->set, &n->s->limits, n->s->threads, &n->s->worker, e);
}

/* What the config says of the layer's content must be true (config.md, "rootfs"). */
static void check_diff_id(struct scan *n, size_t i, struct layer_report *l)
{
	const struct artifact_config *c = &n->image->config;
	char title[400];

	if (i >= c->ndiff_ids || !l->diff_id.len || str_eq(l->diff_id, c->diff_ids[i]))
		return;
	/* a tar that was made of a store's folder on the way: it is another one, and that is known
	 */
	if (!n->image->layers[i].diff_id.len)
		return;
	snprintf(title, sizeof(title),
		"The content of %s is not what the image's config says: %.*s instead of %.*s",
		n->what, STR_ARG(str_head(l->diff_id, 80)), STR_ARG(str_head(c->diff_ids[i], 80)));
	add_finding(n, l, "archive-diff-id", ARTIFACT_HIGH, 85, str_of(title),
		"Do not run this image: no runtime that checks would accept it.");
}

/* 0, also when little of it could be read; -EINTR, -ENOMEM or what starting a worker said. */
static int read_layer(struct scan *n, size_t i, struct layer_report *l, struct err *e)
{
	struct feed f = {.scan = n};
	struct err why = {0};
	int fed = 0;

	*l = (struct layer_report){.is_partial = true};
	int r = image_layer_open(n->source, i, &f.stream, &why);
	if (r == 0) {
		r = scan_worker_layer(n->s->worker, feed_stream, &f, n->a, l, &fed, &why);
		image_stream_close(f.stream);
	}
	if (r == -ECHILD)
		return bury(n, l, &why, e);
	if (r == -EINTR || fed == -EINTR) {
		*e = why;
		return -EINTR;
	}
	if (r < 0 || fed < 0)
		add_gap(n, l, str_of(why.msg));
	if (fed == -EBADMSG) {
		char title[1200];

		snprintf(title, sizeof(title), "The bytes of %s are not what their digest says",
			n->what);
		add_finding(n, l, "archive-digest", ARTIFACT_HIGH, 85, str_of(title),
			"Fetch it again from another place; do not run it.");
	}
	return 0;
}

/* The same layer twice in an image. */
static const struct layer_report *find_twin(const struct scan *n, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (n->layers[i].digest.len && str_eq(n->layers[k].digest, n->layers[i].digest) &&
			!n->reports[k]->is_partial)
			return n->reports[k];
	return NULL;
}

/* What all layers together keep of names is bounded, too. */
static void bound_paths(struct scan *n, struct layer_report *l)
{
	n->paths += l->npaths + l->ndirs;
	if (n->paths <= ARENA_PATHS_MAX)
		return;
	l->npaths = l->ndirs = 0;
	add_gap(n, l,
		STR("the image has more names than are kept: what this layer replaces is not "
		    "known"));
}

/* Of several who want the same layer one reads it, and the others find it. */
static int find_or_read(struct scan *n, size_t i, struct layer_report *l, struct err *e)
{
	struct artifact_layer *layer = &n->layers[i];
	struct layer_cache *cache = n->s->cache;
	uint64_t knowledge = n->s->set.knowledge;

	if (!cache || !layer->digest.len)
		return read_layer(n, i, l, e);
	int begun = layer_cache_begin(cache, layer->digest), r = 0;

	layer->from_cache = layer_cache_find(cache, layer->digest, knowledge, n->a, l);
	if (!layer->from_cache && (r = read_layer(n, i, l, e)) == 0)
		layer_cache_keep(cache, layer->digest, knowledge, l);
	layer_cache_end(begun);
	return r;
}

static int scan_layer(struct scan *n, size_t i, struct err *e)
{
	struct artifact_layer *layer = &n->layers[i];
	const struct layer_report *twin = find_twin(n, i);
	struct layer_report *l = n->reports[i];
	uint64_t before = n->done;
	int r = 0;

	snprintf(n->what, sizeof(n->what), "layer %zu of %zu", i + 1, n->image->nlayers);
	tell(n);
	if (twin) {
		*l = *twin;
	} else {
		r = find_or_read(n, i, l, e);
	}
	n->done = before + layer->size;
	if (r < 0)
		return r;
	check_diff_id(n, i, l);
	bound_paths(n, l);
	layer->unpacked_size = l->unpacked_size;
	layer->nfiles = l->nfiles;
	if (!layer->diff_id.len)
		layer->diff_id = l->diff_id;
	return 0;
}

/* ---- the image ------------------------------------------------------------------------------ */

static int prepare(struct scan *n, struct err *e)
{
	size_t count = n->image->nlayers;

	if (count > LAYERS_MAX)
		return err_set(
			e, E2BIG, "an image of %zu layers: at most %d are read", count, LAYERS_MAX);
	n->layers = arena_array(n->a, struct artifact_layer, count + 1);
	n->reports = arena_array(n->a, struct layer_report *, count + 1);
	for (size_t i = 0; n->layers && n->reports && i < count; i++) {
		n->layers[i] = n->image->layers[i];
		n->all += n->layers[i].size;
		n->reports[i] = arena_new(n->a, struct layer_report);
	}
	return n->a->failed ? err_set(e, ENOMEM, "no memory left for a report") : 0;
}

/* The config's texts are a stranger's, too: the worker looks at them. */
static int scan_config(struct scan *n, struct layer_report *l, struct err *e)
{
	struct err why = {0};

	snprintf(n->what, sizeof(n->what), "config");
	int r = scan_worker_image(n->s->worker, n->image, n->a, l, &why);
	if (r == -ECHILD)
		return bury(n, l, &why, e);
	if (r < 0) {
		*l = (struct layer_report){0};
		add_gap(n, l, str_of(why.msg));
	}
	return 0;
}

/* What the source could not read or verify of its layers, once they were read. */
static void add_source_gaps(struct scan *n, struct layer_report *l)
{
	struct artifact_coverage *c = &l->found.coverage;
	size_t more;
	const struct artifact_gap *from = image_gaps(n->source, &more);
	struct artifact_gap *gaps = arena_array(n->a, struct artifact_gap, c->ngaps + more + 1);

	if (!gaps || !more)
		return;
	if (c->ngaps)
		memcpy(gaps, c->gaps, c->ngaps * sizeof(*gaps));
	for (size_t i = 0; i < more; i++) {
		gaps[c->ngaps] = from[i];
		gaps[c->ngaps].what = arena_str(n->a, from[i].what);
		gaps[c->ngaps++].why = arena_str(n->a, from[i].why);
	}
	c->gaps = gaps;
}

static int put_together(struct scan *n, const struct layer_report *config,
	struct artifact_report *ret, struct err *e)
{
	const struct merge m = {.layers = (const struct layer_report *const *)n->reports,
		.nlayers = n->image->nlayers,
		.config = config,
		.image = &ret->image};
	struct artifact_image image = *n->image;

	/* the report outlives the source, and shows no secret of the config */
	image.layers = n->layers;
	if (artifact_image_copy(&image, n->a, &ret->image) < 0)
		return err_set(e, ENOMEM, "no memory left for a report");
	redact_image(&ret->image, config->found.findings, config->found.nfindings, n->a);
	if (merge_layers(&m, n->a, ret) < 0)
		return err_set(e, ENOMEM, "no memory left for a report");
	ret->scanned_ns = clock_epoch_ns();
	ret->scanner = arena_str(n->a, str_of(n->s->name));
	ret->knowledge = n->s->set.knowledge;
	scan_judge(ret, n->a);
	return n->a->failed ? err_set(e, ENOMEM, "no memory left for a report") : 0;
}

int scanner_scan(struct scanner *s, struct image_source *image, struct arena *a,
	scan_progress progress, void *arg, struct artifact_report *ret, struct err *e)
{
	struct scan n = {.s = s,
		.source = image,
		.image = image_describe(image),
		.a = a,
		.progress = progress,
		.arg = arg};
	struct layer_report config;
	struct err mine;

	e = e ? e : &mine;
	*ret = (struct artifact_report){0};
	/* it died at the end of the image before */
	int r = s->worker ? 0 : scan_worker_start(&s->set, &s->limits, s->threads, &s->worker, e);
	if (r == 0)
		r = prepare(&n, e);
	for (size_t i = 0; r == 0 && i < n.image->nlayers; i++)
		r = scan_layer(&n, i, e);
	if (r < 0)
		return r;
	r = scan_config(&n, &config, e);
	if (r == 0)
		add_source_gaps(&n, &config);
	return r < 0 ? r : put_together(&n, &config, ret, e);
}
