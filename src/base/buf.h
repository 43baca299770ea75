/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A growing byte buffer that names its maximum where it is made. Past it, nothing more is added and
 * `cut` is set: writers need not check each step. The content is always followed by a NUL that does
 * not count. A buffer that is cleared and reused does not allocate once it is warm.
 */
#include <stdarg.h>

#include "base/str.h"

struct buf {
	char *s;
	size_t len, cap, max;
	bool cut; /* something did not fit, or memory was out */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

/*
 * A buffer in somebody else's memory (an arena's), which never grows and is never freed. NULL, when
 * that was out, gives one that stays empty.
 */
struct buf buf_fixed(void *memory, size_t size);
void buf_done(struct buf *b);
void buf_clear(struct buf *b);
/* Room for n more bytes, as far as the maximum goes: adding them will not allocate. */
void buf_reserve(struct buf *b, size_t n);
/* Back to its first `len` bytes. */
void buf_cut(struct buf *b, size_t len);
/* What there is no room for yet: grows or cuts. For buf_add(). */
void buf_add_slowly(struct buf *b, struct str s);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_s64(struct buf *b, int64_t v);
/* Without a prefix. */
void buf_add_hex(struct buf *b, uint64_t v, bool in_capitals);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Cut not at its maximum but because memory was out: then something in the middle is missing, too.
 */
static inline bool buf_has_gap(const struct buf *b)
{
	return b->cut && b->len < b->max;
}
static inline struct str buf_str(const struct buf *b)
{
	return str_make(b->s ? b->s : "", b->len);
}

/*
 * Millions of small pieces a second are added here, so what fits is added in place. `cap` counts
 * the NUL, too, and is never above max + 1: what fits in it is within the maximum.
 */

/* n bytes of room behind what is there, or NULL; who fills them says so with buf_filled(). */
static inline char *buf_room(const struct buf *b, size_t n)
{
	return n < b->cap - b->len ? b->s + b->len : NULL;
}

static inline void buf_filled(struct buf *b, size_t n)
{
	b->len += n;
	b->s[b->len] = 0;
}

/* The same for one who knows where they end. */
static inline void buf_filled_to(struct buf *b, char *end)
{
	b->len = (size_t)(end - b->s);
	*end = 0;
}

static inline void buf_add(struct buf *b, struct str s)
{
	char *room = s.len ? buf_room(b, s.len) : NULL;

	if (!room) {
		buf_add_slowly(b, s);
		return;
	}
	memcpy(room, s.s, s.len);
	buf_filled(b, s.len);
}

static inline void buf_add_char(struct buf *b, char c)
{
	buf_add(b, str_make(&c, 1));
}

static inline void buf_add_cstr(struct buf *b, const char *s)
{
	buf_add(b, str_of(s));
}
