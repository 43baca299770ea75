/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading a hostile buffer: every step is checked, a step past the end sets `bad` and returns zero
 * from then on, so a parser reads on and checks once. Little-endian, as the wire and .scap are.
 */
#include "base/str.h"

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cursor cursor_of(const void *data, size_t size)
{
	const uint8_t *p = data;

	return (struct cursor){p, p + size, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* n bytes, borrowed; NULL and bad when there are not so many. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	if (c->bad || n > cursor_left(c)) {
		c->bad = true;
		return NULL;
	}
	const uint8_t *p = c->p;
	c->p += n;
	return p;
}

#define CURSOR_NUMBER(name, type)                                                                  \
	static inline type name(struct cursor *c)                                                  \
	{                                                                                          \
		const uint8_t *p = cursor_take(c, sizeof(type));                                   \
		type v = 0;                                                                        \
		if (p)                                                                             \
			memcpy(&v, p, sizeof(v));                                                  \
		return v;                                                                          \
	}
CURSOR_NUMBER(cursor_u8, uint8_t)
CURSOR_NUMBER(cursor_u16, uint16_t)
CURSOR_NUMBER(cursor_u32, uint32_t)
CURSOR_NUMBER(cursor_u64, uint64_t)
#undef CURSOR_NUMBER

static inline struct str cursor_str(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_take(c, n);

	return str_make((const char *)p, p ? n : 0);
}
