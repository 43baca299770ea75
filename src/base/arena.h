/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bump allocator with one lifetime. Three lifetimes exist in koban: an event (reset after each),
 * a ruleset, a request. Reset keeps the blocks, so a warm event arena never calls malloc.
 * Pointers stay valid until arena_reset() or arena_done().
 */
#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *first, *cur;
	size_t used;       /* bytes used in cur */
	size_t limit;      /* most bytes it may hold in all; 0 = 1 GiB */
	size_t held;       /* bytes held in all blocks */
	uint64_t nmallocs; /* calls to malloc so far: the test of the hot path reads this */
	bool failed;       /* something was refused since init or reset: whoever fills a tree of
			      small things can look once, at the end */
};

void arena_init(struct arena *a, size_t limit_bytes);
/* Has a first block of that many bytes: what stays below it never calls malloc. False: no memory.
 */
bool arena_reserve(struct arena *a, size_t size);
void arena_done(struct arena *a);
void arena_reset(struct arena *a);
/* Zeroed memory, aligned to 16; NULL when the limit is reached or memory is out. */
void *arena_alloc(struct arena *a, size_t size);
/* The same, not zeroed. */
void *arena_raw(struct arena *a, size_t size);
/* A copy with a NUL behind it (not counted in len); STR_NULL when memory is out. */
struct str arena_str(struct arena *a, struct str s);
char *arena_cstr(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* n of `size` bytes each, zeroed; NULL also when no number holds so many bytes. */
void *arena_alloc_array(struct arena *a, size_t n, size_t size);
#define arena_new(a, type)      ((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc_array(a, n, sizeof(type)))
