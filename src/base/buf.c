/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a stated maximum. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

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

/* Makes room for n more bytes and a NUL; returns how many of the n may be written. */
static size_t reserve(struct buf *b, size_t n)
{
	if (n > b->max - b->len) {
		n = b->max - b->len;
		b->cut = true;
	}
	if (b->len + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 256;

		if (cap < b->len + n + 1)
			cap = b->len + n + 1;
		if (cap > b->max + 1)
			cap = b->max + 1;
		char *p = realloc(b->s, cap);
		if (!p) {
			b->cut = true;
			return 0;
		}
		b->s = p;
		b->cap = cap;
	}
	return n;
}

void buf_add(struct buf *b, struct str s)
{
	size_t n = reserve(b, s.len);

	if (!n)
		return;
	memcpy(b->s + b->len, s.s, n);
	b->len += n;
	b->s[b->len] = 0;
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, str_make(&c, 1));
}

void buf_add_cstr(struct buf *b, const char *s)
{
	buf_add(b, str_of(s));
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	do
		tmp[--i] = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(b, str_make(tmp + i, sizeof(tmp) - i));
}

void buf_add_s64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_add_char(b, '-');
	buf_add_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int want = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (want < 0)
		return;
	size_t n = reserve(b, (size_t)want);
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
