/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repeats of one alert become a count. The first of a fingerprint goes out at once and opens a
 * window; what repeats within it is counted, and at the window's end one summary says how often.
 * A window with repeats is followed by another, so a steady stream gives one line a window.
 *
 * All windows are equally long, so the entries are a list in order of their end. A full table gives
 * up its oldest window early: its summary comes sooner, nothing is lost. Time comes from the
 * caller.
 */
#include "sink/output/private.h"

#include <stdlib.h>

enum { COPY_MAX = 64 * 1024 };

struct entry {
	struct entry *prev, *next; /* by end of window; or the free list by next */
	struct entry *chain;       /* in its bucket */
	uint64_t fingerprint, end_ns;
	struct finding x; /* the first repeat; strings in arena */
	struct arena arena;
	uint64_t repeats;
};

struct fold {
	struct entry **buckets; /* a table that never grows, so it never allocates either */
	size_t nbuckets, max_entries;
	struct entry *entries, *free, *first, *last;
	uint64_t window_ns;
	size_t held;
	struct finding summary;
	struct buf text;
};

struct fold *fold_new(size_t max_entries, uint64_t window_ns)
{
	struct fold *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->max_entries = max_entries;
	for (f->nbuckets = 16; f->nbuckets < max_entries; f->nbuckets *= 2)
		;
	f->buckets = calloc(f->nbuckets, sizeof(struct entry *));
	f->entries = calloc(max_entries, sizeof(*f->entries));
	f->window_ns = window_ns;
	f->text = BUF_INIT(RECORD_MAX);
	if (!f->entries || !f->buckets) {
		fold_free(f);
		return NULL;
	}
	for (size_t i = 0; i < max_entries; i++) {
		arena_init(&f->entries[i].arena, COPY_MAX);
		f->entries[i].next = f->free;
		f->free = &f->entries[i];
	}
	return f;
}

void fold_free(struct fold *f)
{
	if (!f)
		return;
	for (size_t i = 0; f->entries && i < f->max_entries; i++)
		arena_done(&f->entries[i].arena);
	free(f->buckets);
	free(f->entries);
	buf_done(&f->text);
	free(f);
}

/* Where the pointer to the entry is, or would be put. */
static struct entry **find_slot(const struct fold *f, uint64_t fingerprint)
{
	struct entry **p = &f->buckets[hash_u64(fingerprint) & (f->nbuckets - 1)];

	while (*p && (*p)->fingerprint != fingerprint)
		p = &(*p)->chain;
	return p;
}

static void list_remove(struct fold *f, struct entry *x)
{
	*(x->prev ? &x->prev->next : &f->first) = x->next;
	*(x->next ? &x->next->prev : &f->last) = x->prev;
}

static void list_append(struct fold *f, struct entry *x)
{
	x->prev = f->last;
	x->next = NULL;
	*(f->last ? &f->last->next : &f->first) = x;
	f->last = x;
}

static bool copy_str(struct arena *a, struct str *s)
{
	if (!s->len)
		return true;
	*s = arena_str(a, *s);
	return s->s != NULL;
}

/* A deep copy that lives as long as the arena; false when it is too large. */
static bool copy_finding(struct arena *a, const struct finding *from, struct finding *to)
{
	struct finding_field *fields = arena_array(a, struct finding_field, from->nfields + 1);
	struct str *tags = arena_array(a, struct str, from->ntags + 1);

	*to = *from;
	if (!fields || !tags || !copy_str(a, &to->rule) || !copy_str(a, &to->source) ||
		!copy_str(a, &to->output) || !copy_str(a, &to->hostname))
		return false;
	for (size_t i = 0; i < from->ntags; i++) {
		tags[i] = from->tags[i];
		if (!copy_str(a, &tags[i]))
			return false;
	}
	for (size_t i = 0; i < from->nfields; i++) {
		fields[i] = from->fields[i];
		if (!copy_str(a, &fields[i].name) ||
			(fields[i].type == FV_STR && !copy_str(a, &fields[i].s)))
			return false;
	}
	to->tags = tags;
	to->fields = fields;
	to->context = NULL; /* of one event, and this stands for many */
	return true;
}

static void entry_drop(struct fold *f, struct entry *x)
{
	list_remove(f, x);
	*find_slot(f, x->fingerprint) = x->chain;
	arena_reset(&x->arena);
	x->next = f->free;
	f->free = x;
}

/* Copied out, so that the entry may go on at once. */
static const struct finding *summary_of(struct fold *f, struct entry *x)
{
	f->summary = x->x;
	f->summary.count = x->repeats;
	buf_clear(&f->text);
	buf_add(&f->text, x->x.output);
	buf_printf(&f->text, " (repeated %llu time%s in %llu s)", (unsigned long long)x->repeats,
		x->repeats == 1 ? "" : "s",
		(unsigned long long)(f->window_ns + 999999999) / 1000000000);
	f->summary.output = buf_str(&f->text);
	x->repeats = 0;
	f->held--;
	return &f->summary;
}

static enum fold_result repeat(struct fold *f, struct entry *x, const struct finding *from)
{
	if (x->repeats) {
		x->repeats++;
		x->x.ts_ns = from->ts_ns;
		return FOLD_FOLDED;
	}
	arena_reset(&x->arena);
	if (!copy_finding(&x->arena, from, &x->x))
		return FOLD_EMIT; /* too large to keep: it goes out as it is */
	x->x.first_ns = from->ts_ns;
	x->repeats = 1;
	f->held++;
	return FOLD_HELD;
}

enum fold_result fold_add(struct fold *f, const struct finding *x, uint64_t now_ns,
	const struct finding **ret_evicted)
{
	struct entry *e = *find_slot(f, x->fingerprint);

	*ret_evicted = NULL;
	if (e)
		return repeat(f, e, x);
	if (!f->free) {
		struct entry *oldest = f->first;

		if (oldest->repeats)
			*ret_evicted = summary_of(f, oldest);
		entry_drop(f, oldest);
	}
	e = f->free;
	f->free = e->next;
	e->fingerprint = x->fingerprint;
	e->repeats = 0;
	e->end_ns = now_ns + f->window_ns;
	e->chain = NULL;
	*find_slot(f, x->fingerprint) = e;
	list_append(f, e);
	return FOLD_EMIT;
}

const struct finding *fold_next(struct fold *f, uint64_t now_ns)
{
	while (f->first && f->first->end_ns <= now_ns) {
		struct entry *x = f->first;

		if (!x->repeats) {
			entry_drop(f, x);
			continue;
		}
		/* a new window, from now; the copy in the arena serves the summary until then */
		const struct finding *s = summary_of(f, x);
		list_remove(f, x);
		x->end_ns = now_ns > UINT64_MAX - f->window_ns ? UINT64_MAX : now_ns + f->window_ns;
		list_append(f, x);
		return s;
	}
	return NULL;
}

size_t fold_held(const struct fold *f)
{
	return f ? f->held : 0;
}
