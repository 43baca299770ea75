/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Short ways into a buffer that has room, for the text of events, which is millions of small pieces
 * a second. Where there is no room they do what buf_add() does. Private to the room.
 */
#include "base/buf.h"

/* cap counts the NUL too, and is never above max + 1: what fits in cap is within the maximum. */
static inline void write_mem(struct buf *b, const char *s, size_t n)
{
	if (n == 0 || n >= b->cap - b->len) {
		buf_add(b, str_make(s, n));
		return;
	}
	memcpy(b->s + b->len, s, n);
	b->len += n;
	b->s[b->len] = 0;
}

static inline void write_str(struct buf *b, struct str s)
{
	write_mem(b, s.s, s.len);
}

static inline void write_cstr(struct buf *b, const char *s)
{
	write_mem(b, s, strlen(s));
}

static inline void write_char(struct buf *b, char c)
{
	write_mem(b, &c, 1);
}

static inline void write_u64(struct buf *b, uint64_t v)
{
	char tmp[20], *p = tmp + sizeof(tmp);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	write_mem(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

static inline void write_s64(struct buf *b, int64_t v)
{
	if (v < 0)
		write_char(b, '-');
	write_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* In capitals, without a prefix. */
static inline void write_hex(struct buf *b, uint64_t v)
{
	char tmp[16], *p = tmp + sizeof(tmp);

	do
		*--p = "0123456789ABCDEF"[v & 15];
	while (v >>= 4);
	write_mem(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

/* n bytes of room behind what is there, to be filled and added to len; NULL when there are none. */
static inline char *write_room(struct buf *b, size_t n)
{
	return n < b->cap - b->len ? b->s + b->len : NULL;
}
