/* SPDX-License-Identifier: Apache-2.0 */
/* The set of containers that were written. It keeps hashes, no pointers: containers come and go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/capture/write_seen.h"

enum { SEEN_SLOTS = 1 << 15, SEEN_MAX = SEEN_SLOTS / 2 };

int seen_init(struct seen *s)
{
	*s = (struct seen){.slots = calloc(SEEN_SLOTS, sizeof(*s->slots)), .nslots = SEEN_SLOTS};
	return s->slots ? 0 : -ENOMEM;
}

void seen_clear(struct seen *s)
{
	if (s->count)
		memset(s->slots, 0, s->nslots * sizeof(*s->slots));
	s->count = 0;
}

void seen_done(struct seen *s)
{
	free(s->slots);
	*s = (struct seen){0};
}

/* What tells a container from itself when more of it is known. */
static uint64_t hash_of(const struct container *k)
{
	uint64_t h = str_hash(k->full_id.len ? k->full_id : k->id);

	return hash_u64(h ^ (k->name.len << 1) ^ (k->image.len << 9) ^ (k->ip.len << 17) ^
			k->is_complete) |
	       1;
}

bool seen_add(struct seen *s, const struct container *k)
{
	uint64_t h = hash_of(k);
	size_t i = h >> 32 & (s->nslots - 1);

	for (; s->slots[i]; i = (i + 1) & (s->nslots - 1))
		if (s->slots[i] == h)
			return false;
	if (s->count >= SEEN_MAX)
		return false;
	s->slots[i] = h;
	s->count++;
	return true;
}
