/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enter events until their exits come: a chained hash by thread over an array of slots that are
 * used again with their buffers, so that nothing is allocated once it is warm. What an enter says
 * about the exit is event_upgrade()'s matter.
 */
#include "source/capture/enter.h"

#include <errno.h>
#include <stdlib.h>

enum {
	FIRST_SLOTS = 256,
	MIN_BYTES = 128,
	VICTIMS = 64, /* looked at for the oldest */
};

static uint32_t *head_of(const struct enter_table *t, uint32_t tid)
{
	/* Fibonacci hashing: neighbours in number are far apart, which is all that is asked */
	return &t->heads[((uint64_t)tid * 0x9E3779B97F4A7C15ULL >> 32) & (t->nheads - 1)];
}

static struct enter_slot *find(const struct enter_table *t, uint32_t tid)
{
	if (!t->nheads)
		return NULL;
	for (uint32_t i = *head_of(t, tid); i; i = t->slots[i - 1].next)
		if (t->slots[i - 1].tid == tid)
			return &t->slots[i - 1];
	return NULL;
}

static void link_slot(struct enter_table *t, uint32_t i)
{
	uint32_t *head = head_of(t, t->slots[i].tid);

	t->slots[i].next = *head;
	*head = i + 1;
}

static void unlink_slot(struct enter_table *t, uint32_t i)
{
	uint32_t *at = head_of(t, t->slots[i].tid);

	while (*at != i + 1)
		at = &t->slots[*at - 1].next;
	*at = t->slots[i].next;
}

static void lose(struct enter_table *t, struct enter_slot *s)
{
	if (!s->is_pending)
		return;
	s->is_pending = false;
	t->npending--;
	t->lost++;
}

static void add_free(struct enter_table *t, uint32_t i)
{
	t->slots[i].next = t->free;
	t->free = i + 1;
}

/* Twice as many slots, all of the old ones in use. */
static int grow(struct enter_table *t)
{
	uint32_t n = t->nslots ? t->nslots * 2 : FIRST_SLOTS;
	struct enter_slot *slots = realloc(t->slots, n * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	t->slots = slots;
	uint32_t *heads = calloc(n * 2, sizeof(*heads));
	if (!heads)
		return -ENOMEM;
	free(t->heads);
	t->heads = heads;
	t->nheads = n * 2;
	for (uint32_t i = 0; i < t->nslots; i++)
		link_slot(t, i);
	memset(slots + t->nslots, 0, (n - t->nslots) * sizeof(*slots));
	for (uint32_t i = n; i-- > t->nslots;)
		add_free(t, i);
	t->nslots = n;
	return 0;
}

/* At the cap: one without an enter if there is one near, else the oldest near. */
static uint32_t take_victim(struct enter_table *t)
{
	uint32_t best = t->hand;

	for (uint32_t i = 0; i < VICTIMS; i++) {
		uint32_t at = (t->hand + i) % t->nslots;
		if (!t->slots[at].is_pending) {
			best = at;
			break;
		}
		if (t->slots[at].num < t->slots[best].num)
			best = at;
	}
	t->hand = (best + 1) % t->nslots;
	lose(t, &t->slots[best]);
	unlink_slot(t, best);
	return best;
}

static struct enter_slot *add(struct enter_table *t, uint32_t tid)
{
	uint32_t i;

	if (!t->free && t->nslots < ENTER_THREADS_MAX && grow(t) < 0)
		return NULL;
	if (t->free) {
		i = t->free - 1;
		t->free = t->slots[i].next;
	} else {
		i = take_victim(t);
	}
	t->slots[i].tid = tid;
	link_slot(t, i);
	return &t->slots[i];
}

/* False when this much more may not be held. */
static bool reserve(struct enter_table *t, struct enter_slot *s, size_t n)
{
	if (n <= s->cap)
		return true;
	uint32_t cap = MIN_BYTES;
	while (cap < n)
		cap *= 2;
	if (n > ENTER_SLOT_MAX_BYTES || t->bytes + cap - s->cap > ENTER_BYTES_MAX)
		return false;
	uint8_t *bytes = realloc(s->bytes, cap);
	if (!bytes)
		return false;
	t->bytes += cap - s->cap;
	s->bytes = bytes;
	s->cap = cap;
	return true;
}

int enter_keep(struct enter_table *t, const struct event *ev)
{
	struct enter_slot *s = find(t, ev->tid);
	size_t n = 0;

	if (!s && !(s = add(t, ev->tid)))
		return -ENOMEM;
	lose(t, s);
	for (unsigned i = 0; i < ev->nparams; i++) {
		s->lengths[i] = (uint16_t)ev->params[i].len;
		n += ev->params[i].len;
	}
	if (!reserve(t, s, n)) {
		t->lost++;
		return 0;
	}
	/* the parameters of a block lie behind each other */
	if (n)
		memcpy(s->bytes, ev->params[0].s, n);
	s->num = ev->num;
	s->ts_ns = ev->ts_ns;
	s->code = ev->code;
	s->cpu = ev->cpu;
	s->nparams = ev->nparams;
	s->is_pending = true;
	t->npending++;
	return 0;
}

struct enter_slot *enter_take(struct enter_table *t, uint32_t tid, uint16_t exit_code)
{
	struct enter_slot *s = find(t, tid);

	if (!s || !s->is_pending)
		return NULL;
	if (s->code + 1 != exit_code) {
		lose(t, s);
		return NULL;
	}
	s->is_pending = false;
	t->npending--;
	return s;
}

void enter_forget(struct enter_table *t, uint32_t tid)
{
	struct enter_slot *s = find(t, tid);

	if (!s)
		return;
	uint32_t i = (uint32_t)(s - t->slots);
	lose(t, s);
	unlink_slot(t, i);
	add_free(t, i);
}

void enter_unpack(const struct enter_slot *s, const struct event_def *def, struct event *ret)
{
	const char *p = (const char *)s->bytes;

	ret->num = s->num;
	ret->ts_ns = s->ts_ns;
	ret->tid = s->tid;
	ret->code = s->code;
	ret->cpu = s->cpu;
	ret->def = def;
	ret->nparams = s->nparams;
	for (unsigned i = 0; i < s->nparams; i++) {
		ret->params[i] = str_make(p, s->lengths[i]);
		/* an enter of empty parameters alone has no bytes at all */
		if (s->lengths[i])
			p += s->lengths[i];
	}
}

void enter_table_done(struct enter_table *t)
{
	for (uint32_t i = 0; i < t->nslots; i++)
		free(t->slots[i].bytes);
	free(t->slots);
	free(t->heads);
	*t = (struct enter_table){0};
}
