/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values added up: what one column of one row gathers, and what that amounts to. Sums keep the type
 * of their field (bytes stay whole, times stay times) until types mix. Nothing here knows of events
 * or rows.
 */
#include "base/clock.h"
#include "engine/group/private.h"

bool value_is_text(const struct value *v)
{
	return v->type == VT_STR || v->type == VT_PATH || v->type == VT_BYTES;
}

static bool is_address(const struct value *v)
{
	return v->type == VT_IP || v->type == VT_NET;
}

double value_number(const struct value *v)
{
	if (v->type == VT_S64)
		return (double)v->i;
	if (v->type == VT_DOUBLE)
		return v->d;
	return value_is_text(v) || is_address(v) ? 0 : (double)v->u;
}

static struct str address_bytes(const struct value *v)
{
	const struct ip_addr *ip = v->type == VT_IP ? &v->ip : &v->net.addr;

	return str_make((const char *)ip->bytes, ip->is_v6 ? 16 : 4);
}

bool value_same(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	if (value_is_text(a))
		return str_eq(a->s, b->s);
	if (a->type == VT_NET && a->net.prefix_len != b->net.prefix_len)
		return false;
	if (is_address(a))
		return str_eq(address_bytes(a), address_bytes(b));
	return a->type == VT_DOUBLE ? !(a->d < b->d) && !(a->d > b->d) : a->u == b->u;
}

static int number_order(double a, double b)
{
	return a < b ? -1 : a > b;
}

int value_order(const struct value *a, const struct value *b)
{
	if (value_is_text(a) != value_is_text(b))
		return value_is_text(a) ? 1 : -1;
	if (value_is_text(a))
		return str_cmp(a->s, b->s);
	if (is_address(a) && is_address(b))
		return str_cmp(address_bytes(a), address_bytes(b));
	if (a->type == b->type && a->type != VT_DOUBLE && a->type != VT_S64)
		return a->u < b->u ? -1 : a->u > b->u;
	return number_order(value_number(a), value_number(b));
}

uint64_t value_hash(const struct value *v)
{
	if (value_is_text(v))
		return str_hash(v->s);
	if (is_address(v))
		return str_hash(address_bytes(v));
	return hash_u64(v->u + v->type);
}

/* A text into the cell's own room: grown by powers of two, so that names may change for ever. */
static bool keep_text(struct cell *cell, const struct value *v, struct arena *a)
{
	struct str s = str_head(v->s, GROUP_TEXT_MAX);
	char *to = (char *)cell->v.s.s;

	if (s.len > cell->room || !to) {
		uint32_t room = cell->room ? cell->room : 16;

		while (room < s.len)
			room *= 2;
		to = arena_raw(a, room);
		if (!to)
			return false;
		cell->room = room;
	}
	if (s.len)
		memcpy(to, s.s, s.len);
	cell->v = (struct value){.type = v->type, .s = str_make(to, s.len)};
	return true;
}

static bool keep(struct cell *cell, const struct value *v, struct arena *a)
{
	if (value_is_text(v)) {
		/* a number's bits are no pointer */
		if (!cell->room)
			cell->v = (struct value){0};
		return keep_text(cell, v, a);
	}
	if (cell->room) /* a text was here: a field whose type changes; its room stays lost */
		cell->room = 0;
	cell->v = *v;
	return true;
}

static void add_number(struct cell *cell, const struct value *v)
{
	struct value *sum = &cell->v;

	if (!cell->n)
		*sum = (struct value){.type = v->type == VT_BOOL ? VT_U64 : v->type, .u = 0};
	if (v->type == VT_DOUBLE && sum->type == VT_DOUBLE)
		sum->d += v->d;
	else if (v->type == sum->type || (v->type == VT_BOOL && sum->type == VT_U64))
		sum->u += v->u; /* VT_S64 too: two's complement */
	else
		*sum = (struct value){.type = VT_DOUBLE, .d = value_number(sum) + value_number(v)};
}

static bool is_better(enum group_agg agg, const struct cell *cell, const struct value *v)
{
	if (!cell->n)
		return true;
	if (agg == GROUP_LAST || agg == GROUP_KEY)
		return !value_same(&cell->v, v);
	int order = value_order(v, &cell->v);
	return agg == GROUP_MIN ? order < 0 : order > 0;
}

/* The slot of a hash, or the empty one where it belongs: open addressing, at most half full. */
static uint64_t *slot_of(uint64_t *seen, uint32_t room, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (room - 1);

	while (seen[i] && seen[i] != hash)
		i = (i + 1) & (room - 1);
	return &seen[i];
}

static bool grow_seen(struct cell *cell, struct arena *a)
{
	uint32_t room = cell->room ? cell->room * 2 : 8;
	uint64_t *seen = arena_alloc(a, room * sizeof(*seen));

	if (!seen)
		return false;
	for (uint32_t i = 0; i < cell->room; i++)
		if (cell->seen[i])
			*slot_of(seen, room, cell->seen[i]) = cell->seen[i];
	cell->seen = seen;
	cell->room = room;
	return true;
}

/* Two values of one hash would count once: of a million values, with odds of one to 10^7. */
static bool add_distinct(struct cell *cell, const struct value *v, struct arena *a)
{
	uint64_t hash = value_hash(v), *slot;

	if (cell->n >= GROUP_DISTINCT_MAX)
		return true;
	hash += hash == 0; /* 0 is an empty slot */
	if (cell->n * 2 >= cell->room && !grow_seen(cell, a))
		return false;
	slot = slot_of(cell->seen, cell->room, hash);
	cell->n += *slot == 0;
	*slot = hash;
	return true;
}

bool cell_add(struct cell *cell, enum group_agg agg, const struct value *v, struct arena *a)
{
	switch (agg) {
	case GROUP_COUNT:
		break;
	case GROUP_DISTINCT:
		return add_distinct(cell, v, a);
	case GROUP_SUM:
	case GROUP_RATE:
	case GROUP_AVG:
		if (value_is_text(v) || is_address(v))
			return true;
		add_number(cell, v);
		break;
	case GROUP_KEY:
	case GROUP_MIN:
	case GROUP_MAX:
	case GROUP_LAST:
		if (is_better(agg, cell, v) && !keep(cell, v, a))
			return false;
		break;
	}
	cell->n++;
	return true;
}

static struct value average(const struct cell *cell)
{
	double avg = value_number(&cell->v) / (double)cell->n;

	/* a time stays one, so that it is printed as one */
	if (cell->v.type == VT_RELTIME)
		return (struct value){.type = VT_RELTIME, .u = (uint64_t)avg};
	return (struct value){.type = VT_DOUBLE, .d = avg};
}

static struct value rate(const struct cell *cell, const struct column *c, uint64_t interval_ns)
{
	double sum = value_number(&cell->v);
	double seconds = interval_ns ? (double)interval_ns / (double)NSEC_PER_SEC : 1;

	if (cell->v.type == VT_RELTIME && c->c.unit == GROUP_PERCENT)
		sum = sum * 100 / (double)NSEC_PER_SEC;
	return (struct value){.type = VT_DOUBLE, .d = sum / seconds};
}

struct value cell_result(const struct cell *cell, const struct column *c, uint64_t interval_ns)
{
	if (c->c.agg == GROUP_COUNT || c->c.agg == GROUP_DISTINCT)
		return (struct value){.type = VT_U64, .u = cell->n};
	if (!cell->n)
		return (struct value){.type = VT_STR, .s = STR_NULL};
	if (c->c.agg == GROUP_AVG)
		return average(cell);
	return c->c.agg == GROUP_RATE ? rate(cell, c, interval_ns) : cell->v;
}
