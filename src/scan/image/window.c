/* SPDX-License-Identifier: Apache-2.0 */
/* The region of windows: which parts of it are used. It knows nothing of who fills them. */
#include "scan/image/window.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

void window_pool_init(struct window_pool *p)
{
	*p = (struct window_pool){.nused = 0};
	pthread_mutex_init(&p->lock, NULL);
}

void window_pool_done(struct window_pool *p)
{
	free(p->region);
	pthread_mutex_destroy(&p->lock);
}

static size_t size_of(size_t cap)
{
	return (sizeof(struct window) + cap + ALIGN - 1) / ALIGN * ALIGN;
}

/* Where a window that is used ends, as seen from the region's beginning. */
static size_t end_of(const struct window_pool *p, const struct window *w)
{
	return (size_t)((const char *)w - p->region) + size_of(w->cap);
}

/* In the first gap that is large enough; NULL = there is none. */
static struct window *take(struct window_pool *p, size_t cap)
{
	size_t at = 0, size = size_of(cap), i = 0;

	if (p->nused == WINDOWS_MAX)
		return NULL;
	for (; i < p->nused; i++) {
		if ((size_t)((char *)p->used[i] - p->region) - at >= size)
			break;
		at = end_of(p, p->used[i]);
	}
	if (size > WINDOWS_BYTES - at)
		return NULL;
	struct window *w = (struct window *)(void *)(p->region + at);

	memmove(&p->used[i + 1], &p->used[i], (p->nused - i) * sizeof(*p->used));
	p->used[i] = w;
	p->nused++;
	w->pool = p;
	w->cap = cap;
	return w;
}

static void give_back(struct window_pool *p, struct window *w)
{
	size_t i = 0;

	while (p->used[i] != w)
		i++;
	p->nused--;
	memmove(&p->used[i], &p->used[i + 1], (p->nused - i) * sizeof(*p->used));
}

static struct window *from_heap(size_t cap)
{
	struct window *w = cap < SIZE_MAX / 2 ? aligned_alloc(ALIGN, size_of(cap)) : NULL;

	if (!w)
		return NULL;
	w->pool = NULL;
	w->cap = cap;
	return w;
}

struct window *window_new(struct window_pool *p, size_t bytes)
{
	struct window *w = NULL;

	pthread_mutex_lock(&p->lock);
	if (!p->region)
		p->region = aligned_alloc(ALIGN, WINDOWS_BYTES);
	if (p->region && bytes < WINDOWS_BYTES)
		w = take(p, bytes);
	pthread_mutex_unlock(&p->lock);
	if (!w)
		w = from_heap(bytes);
	if (w)
		atomic_init(&w->refs, 1);
	return w;
}

struct window *window_ref(struct window *w)
{
	atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
	return w;
}

void window_unref(struct window *w)
{
	if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
		return;
	struct window_pool *p = w->pool;

	if (!p) {
		free(w);
		return;
	}
	pthread_mutex_lock(&p->lock);
	give_back(p, w);
	pthread_mutex_unlock(&p->lock);
}

bool window_is_alone(struct window *w)
{
	return atomic_load_explicit(&w->refs, memory_order_acquire) == 1;
}
