/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of many short names (tens of thousands of domains) in one block of memory and one table of
 * places, about 25 bytes a name in all. An entry is: value (2 bytes), length of name, length of
 * note, name, note. Not for names that come and go.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/indicator/private.h"

enum { HEAD = 4, FIRST_SLOTS = 64, FIRST_ROOM = 1024 };

void names_done(struct names *s)
{
	free(s->blob);
	free(s->slots);
	*s = (struct names){0};
}

static struct name_entry entry_at(const struct names *s, uint32_t place)
{
	const uint8_t *p = s->blob + place - 1;
	const char *text = (const char *)p + HEAD;

	return (struct name_entry){
		.value = (uint16_t)(p[0] | p[1] << 8),
		.name = str_make(text, p[2]),
		.note = str_make(text + p[2], p[3]),
	};
}

/* The slot of that name, or the free one where it would be. There is always a free one. */
static struct name_slot *slot_of(const struct names *s, struct str name, uint64_t hash)
{
	size_t at = hash & (s->nslots - 1);
	uint32_t tag = (uint32_t)(hash >> 32);

	for (;; at = (at + 1) & (s->nslots - 1)) {
		struct name_slot *slot = s->slots + at;

		if (!slot->place)
			return slot;
		if (slot->tag == tag && str_eq(entry_at(s, slot->place).name, name))
			return slot;
	}
}

static int grow_slots(struct names *s)
{
	struct names bigger = *s;

	bigger.nslots = s->nslots ? s->nslots * 2 : FIRST_SLOTS;
	bigger.slots = calloc(bigger.nslots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->nslots; i++) {
		if (!s->slots[i].place)
			continue;
		struct str name = entry_at(s, s->slots[i].place).name;
		*slot_of(&bigger, name, str_hash(name)) = s->slots[i];
	}
	free(s->slots);
	*s = bigger;
	return 0;
}

static int grow_blob(struct names *s, size_t need)
{
	size_t room = s->room ? s->room * 2 : FIRST_ROOM;

	while (room < need)
		room *= 2;
	if (room > UINT32_MAX)
		return -E2BIG;
	uint8_t *blob = realloc(s->blob, room);
	if (!blob)
		return -ENOMEM;
	s->blob = blob;
	s->room = room;
	return 0;
}

int names_add(struct names *s, struct str name, uint16_t value, struct str note)
{
	uint64_t hash = str_hash(name);
	int r = 0;

	if (name.len == 0 || name.len > UINT8_MAX)
		return -E2BIG;
	note = str_head(note, UINT8_MAX);
	size_t need = s->used + HEAD + name.len + note.len;
	if (s->count + 1 > s->nslots / 4 * 3)
		r = grow_slots(s);
	if (r == 0 && need > s->room)
		r = grow_blob(s, need);
	if (r < 0)
		return r;
	struct name_slot *slot = slot_of(s, name, hash);
	if (slot->place)
		return 0;
	uint8_t *p = s->blob + s->used;
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	p[2] = (uint8_t)name.len;
	p[3] = (uint8_t)note.len;
	memcpy(p + HEAD, name.s, name.len);
	if (note.len)
		memcpy(p + HEAD + name.len, note.s, note.len);
	*slot = (struct name_slot){(uint32_t)s->used + 1, (uint32_t)(hash >> 32)};
	s->used = need;
	s->count++;
	return 0;
}

bool names_find(const struct names *s, struct str name, struct name_entry *ret)
{
	if (s->count == 0 || name.len == 0)
		return false;
	const struct name_slot *slot = slot_of(s, name, str_hash(name));

	if (!slot->place)
		return false;
	*ret = entry_at(s, slot->place);
	return true;
}

bool names_has(const struct names *s, struct str name)
{
	struct name_entry unused;

	return names_find(s, name, &unused);
}

void names_trim(struct names *s)
{
	uint8_t *blob = s->used ? realloc(s->blob, s->used) : NULL;

	if (!blob)
		return;
	s->blob = blob;
	s->room = s->used;
}

bool names_next(const struct names *s, size_t *pos, struct name_entry *ret)
{
	if (*pos >= s->used)
		return false;
	*ret = entry_at(s, (uint32_t)*pos + 1);
	*pos += HEAD + ret->name.len + ret->note.len;
	return true;
}
