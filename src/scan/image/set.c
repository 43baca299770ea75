/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing the analyzers that a scan wants. It runs in the parent, before the workers
 * are forked: no stranger's byte comes here.
 */
#include "scan/image/set.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Raised when the pass reads layers otherwise than before: remembered ones are read again. */
enum { PASS_VERSION = 2 };

static bool is_wanted(const struct scan_options *o, const char *name)
{
	bool any = false;

	for (size_t i = 0; o->only && o->only[i]; i++) {
		any = true;
		if (strcmp(o->only[i], name) == 0)
			return true;
	}
	return !any;
}

static int check_names(
	const struct analyzer_ops *const *rows, const struct scan_options *o, struct err *e)
{
	for (size_t i = 0; o->only && o->only[i]; i++) {
		size_t r = 0;

		while (rows[r] && strcmp(rows[r]->name, o->only[i]) != 0)
			r++;
		if (!rows[r])
			return err_set(e, EINVAL,
				"no analyzer '%s': \"koban image scan --help\" lists them",
				o->only[i]);
	}
	return 0;
}

static uint64_t hash_limits(const struct scan_limits *l)
{
	const uint64_t v[] = {l->max_layer_bytes, l->max_file_bytes, l->max_members, l->max_depth,
		l->max_ratio, l->max_memory_bytes, l->max_layer_s, l->max_findings};
	uint64_t h = PASS_VERSION;

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		h = hash_u64(h ^ v[i]);
	return h;
}

/* Analyzers that are to be opened, by whoever is free. */
struct opening {
	const struct analyzer_options *options;
	struct analyzer_set *set;
	size_t order[ANALYZERS_MAX]; /* the slow ones first */
	atomic_size_t next;
	int results[ANALYZERS_MAX];
	struct err errors[ANALYZERS_MAX];
};

static void *open_some(void *arg)
{
	struct opening *o = arg;
	size_t at;

	while ((at = atomic_fetch_add(&o->next, 1)) < o->set->n) {
		size_t i = o->order[at];
		const struct analyzer_ops *ops = o->set->ops[i];

		if (ops->open)
			o->results[i] = ops->open(o->options, &o->set->self[i], &o->errors[i]);
	}
	return NULL;
}

/* Compiling is most of what a scan of a small image waits for: two do it, when there are two. */
static void open_all(struct opening *o, unsigned threads)
{
	pthread_t other;
	size_t n = 0;

	for (int slow = 1; slow >= 0; slow--)
		for (size_t i = 0; i < o->set->n; i++)
			if (o->set->ops[i]->opens_slowly == slow)
				o->order[n++] = i;
	bool has_other = threads > 1 && pthread_create(&other, NULL, open_some, o) == 0;

	open_some(o);
	if (has_other)
		pthread_join(other, NULL);
}

/* What failed first, in the order of the rows; what is open then is closed. */
static int check_opened(struct opening *o, struct err *e)
{
	struct analyzer_set *s = o->set;
	int r = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (o->results[i] < 0 && r == 0) {
			r = o->results[i];
			if (e)
				*e = o->errors[i];
		}
		if (o->results[i] < 0)
			continue;
		s->ops[n] = s->ops[i];
		s->self[n++] = s->self[i];
	}
	s->n = n;
	return r;
}

static void add_knowledge(struct analyzer_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct analyzer_ops *ops = s->ops[i];
		uint64_t known = ops->knowledge ? ops->knowledge(s->self[i]) : 0;

		s->knowledge = hash_u64(s->knowledge ^ str_hash(str_of(ops->name))) + known;
	}
}

int analyzer_set_open(const struct analyzer_ops *const *rows, const struct scan_options *o,
	struct analyzer_set *ret, struct err *e)
{
	const struct analyzer_options options = {.data_dir = o->data_dir,
		.yara_paths = o->yara_paths,
		.feeds = o->feeds,
		.secret_paths = o->secret_paths};
	int r = check_names(rows, o, e);

	/* what another version read may have been read otherwise */
	*ret = (struct analyzer_set){
		.knowledge = hash_limits(&o->limits) ^ str_hash(str_of(o->scanner))};
	if (r < 0)
		return r;
	struct opening *opening = calloc(1, sizeof(*opening));

	if (!opening)
		return err_set(e, ENOMEM, "no memory left for analyzers");
	for (size_t i = 0; rows[i]; i++) {
		if (!is_wanted(o, rows[i]->name))
			continue;
		assert(ret->n < ANALYZERS_MAX);
		ret->ops[ret->n++] = rows[i];
	}
	opening->options = &options;
	opening->set = ret;
	open_all(opening, o->threads);
	r = check_opened(opening, e);
	free(opening);
	if (r < 0)
		analyzer_set_close(ret);
	else
		add_knowledge(ret);
	return r;
}

void analyzer_set_close(struct analyzer_set *s)
{
	while (s->n--)
		if (s->ops[s->n]->close)
			s->ops[s->n]->close(s->self[s->n]);
	s->n = 0;
}
