/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a stated maximum. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"

struct buf buf_fixed(void *memory, size_t size)
{
	char *s = size ? memory : NULL;

	if (!s)
		return (struct buf){.cap = 1}; /* full, so that nothing makes it grow */
	s[0] = 0;
	return (struct buf){.s = s, .cap = size, .max = size - 1};
}

void buf_done(struct buf *b)
{
	free(b->s);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->cut = false;
	if (b->s)
		b->s[0] = 0;
}

void buf_cut(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->s[len] = 0;
	}
}

/* Makes room for n more bytes and a NUL; returns how many of the n may be written. */
static size_t make_room(struct buf *b, size_t n)
{
	if (n > b->max - b->len) {
		n = b->max - b->len;
		b->cut = true;
	}
	if (b->len + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 256;

		if (cap < b->len + n + 1)
			cap = b->len + n + 1;
		if (cap - 1 > b->max)
			cap = b->max + 1;
		char *p = realloc(b->s, cap);
		if (!p) {
			b->cut = true;
			return 0;
		}
		b->s = p;
		b->s[b->len] = 0;
		b->cap = cap;
	}
	return n;
}

void buf_reserve(struct buf *b, size_t n)
{
	bool was_cut = b->cut;

	make_room(b, n);
	b->cut = was_cut;
}

void buf_add_slowly(struct buf *b, struct str s)
{
	size_t n = make_room(b, s.len);

	if (!n)
		return;
	memcpy(b->s + b->len, s.s, n);
	buf_filled(b, n);
}

char *digits_put_many(char *to, uint64_t v)
{
	to = v / DIGITS_EIGHT < DIGITS_EIGHT ? digits_put_few(to, (uint32_t)(v / DIGITS_EIGHT))
					     : digits_put_many(to, v / DIGITS_EIGHT);
	return digits_put_eight(to, (uint32_t)(v % DIGITS_EIGHT));
}

/* Where digits can be put: in the buffer itself, or in `tmp` when there is little room left. */
static char *place_for_digits(const struct buf *b, char *tmp)
{
	char *room = buf_room(b, DIGITS_MAX);

	return room ? room : tmp;
}

static void take_digits(struct buf *b, const char *from, char *end, const char *tmp)
{
	if (from == tmp)
		buf_add(b, str_make(from, (size_t)(end - from)));
	else
		buf_filled_to(b, end);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	char tmp[DIGITS_MAX], *to = place_for_digits(b, tmp);

	take_digits(b, to, digits_put_u64(to, v), tmp);
}

void buf_add_s64(struct buf *b, int64_t v)
{
	char tmp[DIGITS_MAX], *to = place_for_digits(b, tmp);

	take_digits(b, to, digits_put_s64(to, v), tmp);
}

void buf_add_hex(struct buf *b, uint64_t v, bool in_capitals)
{
	char tmp[DIGITS_MAX], *to = place_for_digits(b, tmp);

	take_digits(
		b, to, digits_put_hex(to, v, in_capitals ? DIGITS_CAPITALS : DIGITS_LOWER), tmp);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int want = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (want < 0) {
		b->cut = true;
		return;
	}
	size_t n = make_room(b, (size_t)want);
	if (!n)
		return;
	vsnprintf(b->s + b->len, n + 1, fmt, ap);
	b->len += n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}
