/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules over events. For each event only the rules are asked that can match its code, all against
 * one evaluation, so that what they share is computed once. An event with several names of its file
 * is judged again under each of them, but only by rules that look at names and have not matched
 * yet. A finding shows the name under which its rule matched.
 */
#include "engine/detect/private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/table.h"

enum {
	SAMPLE_EVERY = 1024,   /* events; one of them is timed, rule by rule */
	ARENA_WARM = 64 << 10, /* of findings: what most never outgrow */
	TEXT_WARM = 16 << 10,  /* of one output */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* ---- making and swapping -------------------------------------------------------------------- */

static bool rule_name_eq(const void *row, const void *key)
{
	return str_eq(((const struct rule *)row)->name, *(const struct str *)key);
}

/* Counters of rules with the same name go on. */
static int carry_stats(const struct detect *d, const struct ruleset *rs, struct rule_stats *stats)
{
	struct table names;
	int e = 0;

	if (!d->rs)
		return 0;
	table_init(&names, rule_name_eq, d->rs->nrules + 1);
	for (size_t i = 0; e == 0 && i < d->rs->nrules; i++)
		e = table_put(&names, str_hash(d->rs->rules[i]->name), d->rs->rules[i]);
	for (size_t i = 0; e == 0 && i < rs->nrules; i++) {
		struct str name = rs->rules[i]->name;
		const struct rule *old = table_find(&names, str_hash(name), &name);

		if (old)
			stats[i] = d->stats[old->index];
	}
	table_done(&names);
	return e;
}

static size_t most_by_code(const struct ruleset *rs)
{
	size_t most = 1;

	for (unsigned c = 0; c < EVENT_CODE_MAX; c++)
		if (rs->nby_code[c] > most)
			most = rs->nby_code[c];
	return most;
}

/* Names that cannot be had leave those fields missing: no reason to run without rules. */
static struct field_names *start_names(const struct ruleset *rs)
{
	struct field_names *n = field_names_new();

	for (size_t i = 0; n && i < rs->nrules; i++)
		if (rs->rules[i]->enabled)
			field_names_collect(n, rs->rules[i]->ast);
	if (n && field_names_start(n) < 0) {
		field_names_free(n);
		n = NULL;
	}
	return n;
}

static void release(struct detect *d)
{
	field_names_free(d->names);
	filter_eval_free(d->eval);
	opens_free(d->opens);
	free(d->stats);
	free(d->hits);
	arena_done(&d->plan_arena);
	ruleset_unref(d->rs);
}

int detect_swap(struct detect *d, struct ruleset *rs, struct err *e)
{
	struct detect new = *d;
	int r = -ENOMEM;

	arena_init(&new.plan_arena, 0);
	new.rs = ruleset_ref(rs);
	new.names = NULL;
	new.eval = filter_eval_new(rs->program);
	new.stats = calloc(rs->nrules + 1, sizeof(*new.stats));
	new.hits = calloc(most_by_code(rs), 1);
	new.opens = opens_new(rs);
	if (new.eval &&new.stats &&new.hits)
		r = carry_stats(d, rs, new.stats);
	if (r == 0)
		r = finding_plans_build(d, rs, &new.plan_arena, &new.plans);
	if (r < 0) {
		release(&new);
		return err_set(e, -r, "out of memory for %zu rules", rs->nrules);
	}
	new.names = d->o.resolve_names ? start_names(rs) : NULL;
	release(d);
	*d = new;
	return 0;
}

struct detect *detect_new(struct ruleset *rs, const struct detect_options *o, struct err *e)
{
	struct detect *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	d->o = *o;
	arena_init(&d->arena, 16 << 20);
	arena_reserve(&d->arena, ARENA_WARM);
	arena_init(&d->plan_arena, 0);
	d->text = BUF_INIT(64 << 10);
	buf_reserve(&d->text, TEXT_WARM);
	if (o->hostname)
		str_copy(str_of(o->hostname), d->hostname, sizeof(d->hostname));
	else
		gethostname(d->hostname, sizeof(d->hostname) - 1);
	d->o.hostname = d->hostname;
	if (getrandom(&d->run, sizeof(d->run), GRND_NONBLOCK) < 0)
		d->run = hash_u64(now_ns() ^ (uint64_t)getpid());
	if (detect_swap(d, rs, e) < 0) {
		detect_free(d);
		return NULL;
	}
	return d;
}

void detect_free(struct detect *d)
{
	if (!d)
		return;
	release(d);
	arena_done(&d->arena);
	buf_done(&d->text);
	free(d);
}

/* ---- judging -------------------------------------------------------------------------------- */

/* A new open is asked first what is left of the rule, which is remembered. */
static bool holds(struct detect *d, const struct known_open *o, const struct rule *r, uint32_t i)
{
	if (o->how == OPEN_NEW) {
		if (r->has_open_root && !filter_eval_root(d->eval, r->open_root))
			return false;
		o->mask[i / 64] |= 1ULL << (i % 64);
	}
	return filter_eval_root(d->eval, r->root);
}

static bool ask(
	struct detect *d, const struct known_open *o, const struct rule *r, uint32_t i, bool timed)
{
	struct rule_stats *st = &d->stats[r->index];
	uint64_t begin = timed ? now_ns() : 0;
	bool hit;

	if (o->how == OPEN_KNOWN && !(o->mask[i / 64] >> (i % 64) & 1))
		return false;
	hit = holds(d, o, r, i);
	st->evals++;
	if (timed)
		st->cost_ns += (now_ns() - begin) * SAMPLE_EVERY;
	return hit;
}

/* Under one name; the number of rules to look at from now on (fewer with first_match_only). */
static uint32_t judge(struct detect *d, const struct known_open *o, const uint32_t *rules,
	uint32_t n, enum name_kind kind, bool timed, unsigned *nhits)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct rule *r = d->rs->rules[rules[i]];

		if (kind != NAME_ASKED && (!r->is_named || d->hits[i]))
			continue;
		if (!ask(d, o, r, i, timed))
			continue;
		d->hits[i] = (uint8_t)(1 + kind);
		++*nhits;
		if (d->o.first_match_only)
			return i + 1;
	}
	return n;
}

static unsigned emit_hits(struct detect *d, struct field_subject *s, const uint32_t *rules,
	uint32_t n, detect_emit emit, void *arg)
{
	unsigned count = 0;

	if (d->arena_used)
		arena_reset(&d->arena);
	d->arena_used = true;
	d->context = NULL;
	for (uint32_t i = 0; i < n; i++) {
		const struct rule *r = d->rs->rules[rules[i]];
		struct finding f;

		if (!d->hits[i])
			continue;
		s->name = (enum name_kind)(d->hits[i] - 1);
		d->stats[r->index].matches++;
		count++;
		finding_build(d, r, s, &f);
		if (emit)
			emit(&f, r, arg);
		if (d->o.first_match_only)
			break;
	}
	return count;
}

unsigned detect_event(struct detect *d, const struct event *ev, const struct process *proc,
	struct state *state, detect_emit emit, void *arg)
{
	if (ev->code >= EVENT_CODE_MAX)
		return 0;
	uint64_t last = d->last_ts_ns;

	d->last_ts_ns = ev->ts_ns;
	if (d->nevents++ == 0)
		d->first_ts_ns = ev->ts_ns;
	const uint32_t *rules = d->rs->by_code[ev->code];
	uint32_t n = d->rs->nby_code[ev->code];

	if (n == 0)
		return 0;
	struct known_open o = dull_ask(d, ev, proc, state);

	if (o.how == OPEN_DULL)
		return 0;
	struct field_subject s = {
		.ev = ev,
		.proc = proc,
		.state = state,
		.hostname = d->hostname,
		.last_ts_ns = last,
		.first_ts_ns = d->first_ts_ns,
		.names = d->names,
	};
	enum name_kind kinds[EVENT_NAMES_MAX];
	unsigned nkinds = field_name_kinds(ev, kinds), nhits = 0;
	bool timed = d->nevents % SAMPLE_EVERY == 0;
	uint32_t nrules = n;

	memset(d->hits, 0, n);
	if (o.how == OPEN_NEW)
		opens_begin(d->opens);
	filter_eval_begin(d->eval, &s);
	for (unsigned k = 0; k < nkinds; k++) {
		s.name = kinds[k];
		if (k)
			filter_eval_rename(d->eval);
		n = judge(d, &o, rules, n, kinds[k], timed, &nhits);
	}
	/* first_match_only: the rules behind the match were not asked */
	if (o.how == OPEN_NEW && n == nrules)
		opens_keep(d->opens);
	return nhits ? emit_hits(d, &s, rules, n, emit, arg) : 0;
}

uint64_t detect_names_stamp(const struct detect *d)
{
	return d->names ? field_names_stamp(d->names) : 0;
}

const struct rule_stats *detect_rule_stats(const struct detect *d, uint32_t rule_index)
{
	return rule_index < d->rs->nrules ? &d->stats[rule_index] : NULL;
}

const struct ruleset *detect_ruleset(const struct detect *d)
{
	return d->rs;
}

uint64_t detect_mallocs(const struct detect *d)
{
	return d->arena.nmallocs + d->text_mallocs + filter_eval_mallocs(d->eval);
}
