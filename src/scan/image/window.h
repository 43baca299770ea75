/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Blocks for the content of members. Several may look at one: who fills it holds a reference, and
 * so does who looks at it later; it is written while there is one reference only. They lie in one
 * region that is never given back, the first gap first: pages that are new cost as much as some of
 * the analyzers. What has no room there comes from the heap.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	WINDOWS_BYTES = 48 << 20,
	WINDOWS_MAX = 128, /* in the region */
};

struct window {
	struct window_pool *pool; /* NULL = it is the heap's */
	atomic_uint refs;
	size_t cap;
	_Alignas(64) char bytes[];
};

struct window_pool {
	pthread_mutex_t lock;
	char *region;                     /* NULL until it is asked for */
	struct window *used[WINDOWS_MAX]; /* by address */
	size_t nused;
};

void window_pool_init(struct window_pool *p);
/* No window of it is used any more. */
void window_pool_done(struct window_pool *p);
/* NULL: no memory. */
struct window *window_new(struct window_pool *p, size_t bytes);
struct window *window_ref(struct window *w);
/* NULL is fine. */
void window_unref(struct window *w);
/* Nobody else looks at it (any more). */
bool window_is_alone(struct window *w);
