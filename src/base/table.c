/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of pointers to rows that somebody else owns. */
#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

static char gone_mark;
#define TABLE_GONE ((void *)&gone_mark)

void table_init(struct table *t, table_eq eq, size_t cap)
{
	*t = (struct table){.eq = eq, .cap = cap};
}

void table_done(struct table *t)
{
	free(t->slots);
	t->slots = NULL;
	t->nslots = t->count = t->gone = 0;
}

static void place(struct table_slot *slots, size_t nslots, uint64_t hash, void *row)
{
	size_t i = hash & (nslots - 1);

	while (slots[i].row)
		i = (i + 1) & (nslots - 1);
	slots[i] = (struct table_slot){hash, row};
}

static int resize(struct table *t, size_t nslots)
{
	struct table_slot *slots = calloc(nslots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->nslots; i++)
		if (t->slots[i].row && t->slots[i].row != TABLE_GONE)
			place(slots, nslots, t->slots[i].hash, t->slots[i].row);
	free(t->slots);
	t->slots = slots;
	t->nslots = nslots;
	t->gone = 0;
	return 0;
}

/*
 * Takes the tombstones out where they lie. It begins behind an empty slot, so that no row's way
 * from its home leads across the beginning; each row in turn is then put in again, at the place
 * where it is or before it, and all before it are in their last place already.
 */
static void sweep(struct table *t)
{
	size_t mask = t->nslots - 1, start = 0;

	while (t->slots[start].row)
		start++;
	for (size_t n = 1; n <= mask; n++) {
		struct table_slot *s = &t->slots[(start + n) & mask], was = *s;

		s->row = NULL;
		if (was.row && was.row != TABLE_GONE)
			place(t->slots, t->nslots, was.hash, was.row);
	}
	t->gone = 0;
}

int table_reserve(struct table *t, size_t count)
{
	size_t n = 16;

	if (count > t->cap)
		count = t->cap;
	while (n / 4 * 3 < count)
		if (__builtin_mul_overflow(n, 2, &n))
			return -ENOMEM;
	return n > t->nslots ? resize(t, n) : 0;
}

static struct table_slot *find_slot(const struct table *t, uint64_t hash, const void *key)
{
	if (!t->nslots)
		return NULL;
	for (size_t i = hash & (t->nslots - 1); t->slots[i].row; i = (i + 1) & (t->nslots - 1))
		if (t->slots[i].hash == hash && t->slots[i].row != TABLE_GONE &&
			t->eq(t->slots[i].row, key))
			return &t->slots[i];
	return NULL;
}

void *table_find(const struct table *t, uint64_t hash, const void *key)
{
	struct table_slot *s = find_slot(t, hash, key);

	return s ? s->row : NULL;
}

int table_put(struct table *t, uint64_t hash, void *row)
{
	if (t->count >= t->cap)
		return -ENOSPC;
	if ((t->count + t->gone + 1) * 4 > t->nslots * 3) {
		/* many tombstones: the same slots, swept; else twice as many */
		if (t->gone > t->count / 2)
			sweep(t);
		else if (resize(t, t->nslots ? t->nslots * 2 : 32) < 0)
			return -ENOMEM;
	}
	place(t->slots, t->nslots, hash, row);
	t->count++;
	return 0;
}

void *table_take(struct table *t, uint64_t hash, const void *key)
{
	struct table_slot *s = find_slot(t, hash, key);

	if (!s)
		return NULL;
	void *row = s->row;
	s->row = TABLE_GONE;
	t->count--;
	t->gone++;
	return row;
}

void *table_next(const struct table *t, size_t *pos)
{
	while (*pos < t->nslots) {
		void *row = t->slots[(*pos)++].row;

		if (row && row != TABLE_GONE)
			return row;
	}
	return NULL;
}
