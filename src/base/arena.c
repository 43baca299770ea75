/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator: a list of blocks, each twice the last; reset goes back to the first. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) char data[];
};

enum { FIRST_BLOCK = 16 * 1024, DEFAULT_LIMIT = 1 << 30 };

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){.limit = limit_bytes ? limit_bytes : DEFAULT_LIMIT};
}

void arena_done(struct arena *a)
{
	struct arena_block *b = a->first;

	while (b) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	*a = (struct arena){.limit = a->limit, .nmallocs = a->nmallocs};
}

void arena_reset(struct arena *a)
{
	a->cur = a->first;
	a->used = 0;
	a->failed = false;
}

/* Behind the current block; it becomes the current one. */
static bool add_block(struct arena *a, size_t size)
{
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (!b)
		return false;
	a->nmallocs++;
	a->held += size;
	*b = (struct arena_block){.size = size};
	if (a->cur)
		a->cur->next = b;
	else
		a->first = b;
	a->cur = b;
	a->used = 0;
	return true;
}

static bool grow(struct arena *a, size_t need)
{
	/* after a reset the later blocks are still there: use the next that is large enough */
	while (a->cur && a->cur->next) {
		a->cur = a->cur->next;
		a->used = 0;
		if (a->cur->size >= need)
			return true;
	}
	size_t size = a->cur ? a->cur->size * 2 : FIRST_BLOCK;

	if (size < need)
		size = need;
	if (size > a->limit - a->held)
		size = need;
	if (size > a->limit - a->held)
		return false;
	return add_block(a, size);
}

bool arena_reserve(struct arena *a, size_t size)
{
	return a->first || (size <= a->limit && add_block(a, size));
}

static void *refuse(struct arena *a)
{
	a->failed = true;
	return NULL;
}

void *arena_raw(struct arena *a, size_t size)
{
	if (size > a->limit)
		return refuse(a);
	size = (size + 15) & ~(size_t)15;
	if ((!a->cur || a->cur->size - a->used < size) && !grow(a, size))
		return refuse(a);
	void *p = a->cur->data + a->used;
	a->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p = arena_raw(a, size);

	return p ? memset(p, 0, size) : NULL;
}

void *arena_alloc_array(struct arena *a, size_t n, size_t size)
{
	size_t all;

	return __builtin_mul_overflow(n, size, &all) ? refuse(a) : arena_alloc(a, all);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_raw(a, s.len + 1);

	if (!p)
		return STR_NULL;
	if (s.len)
		memcpy(p, s.s, s.len);
	p[s.len] = 0;
	return str_make(p, s.len);
}

char *arena_cstr(struct arena *a, struct str s)
{
	return (char *)arena_str(a, s).s;
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = n < 0 ? NULL : arena_raw(a, (size_t)n + 1);
	if (!p)
		return STR_NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return str_make(p, (size_t)n);
}
