/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text → number, open addressing, at most half full, built once. Most look-ups miss: a bitmap of
 * lengths and one of first bytes turn them away before anything is hashed.
 */
#include <errno.h>

#include "engine/filter/matcher.h"

struct dict_slot {
	uint64_t hash;
	struct str text;
	int32_t id;
};

struct dict {
	struct dict_slot *slots;
	size_t mask, count;
	uint64_t lengths; /* bit min(len, 63) */
	uint64_t first_bytes[4];
};

static uint64_t length_bit(size_t len)
{
	return 1ULL << (len < 63 ? len : 63);
}

static struct dict_slot *find_slot(const struct dict *d, struct str text, uint64_t hash)
{
	for (size_t i = hash & d->mask;; i = (i + 1) & d->mask) {
		struct dict_slot *s = &d->slots[i];

		if (s->id == MATCH_NONE || (s->hash == hash && str_eq(s->text, text)))
			return s;
	}
}

static uint32_t add(struct dict *d, struct str text)
{
	uint64_t hash = str_hash(text);
	struct dict_slot *s = find_slot(d, text, hash);
	unsigned char first = text.len ? (unsigned char)text.s[0] : 0;

	if (s->id == MATCH_NONE) {
		*s = (struct dict_slot){hash, text, (int32_t)d->count++};
		d->lengths |= length_bit(text.len);
		d->first_bytes[first / 64] |= 1ULL << (first % 64);
	}
	return (uint32_t)s->id;
}

struct dict *dict_new(struct arena *a, const struct str *texts, size_t n, uint32_t *ret_ids)
{
	struct dict *d = arena_new(a, struct dict);
	size_t nslots = 4;

	while (nslots < n * 2)
		nslots *= 2;
	if (!d || !(d->slots = arena_array(a, struct dict_slot, nslots)))
		return NULL;
	d->mask = nslots - 1;
	for (size_t i = 0; i < nslots; i++)
		d->slots[i].id = MATCH_NONE;
	for (size_t i = 0; i < n; i++) {
		uint32_t id = add(d, texts[i]);

		if (ret_ids)
			ret_ids[i] = id;
	}
	return d;
}

size_t dict_count(const struct dict *d)
{
	return d->count;
}

int32_t dict_find(const struct dict *d, struct str text)
{
	unsigned char first = text.len ? (unsigned char)text.s[0] : 0;

	if (!(d->lengths & length_bit(text.len)) ||
		!(d->first_bytes[first / 64] >> (first % 64) & 1))
		return MATCH_NONE;
	return find_slot(d, text, str_hash(text))->id;
}

int idset_init(struct arena *a, struct idset *s, const uint32_t *ids, size_t n)
{
	uint32_t lo = UINT32_MAX, hi = 0;

	*s = (struct idset){0};
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		lo = ids[i] < lo ? ids[i] : lo;
		hi = ids[i] > hi ? ids[i] : hi;
	}
	s->base = lo & ~63u;
	s->nwords = (hi - s->base) / 64 + 1;
	s->words = arena_array(a, uint64_t, s->nwords);
	if (!s->words)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->words[(ids[i] - s->base) / 64] |= 1ULL << ((ids[i] - s->base) % 64);
	return 0;
}
