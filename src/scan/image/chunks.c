/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of chunks between the thread that inflates and the thread that analyzes. */
#include "scan/image/chunks.h"

#include <errno.h>
#include <stdlib.h>

int chunks_init(struct chunks *r)
{
	*r = (struct chunks){0};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->memory = malloc((size_t)CHUNKS_SIZE * CHUNKS_COUNT);
	return r->memory ? 0 : -ENOMEM;
}

void chunks_done(struct chunks *r)
{
	free(r->memory);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
}

void chunks_reset(struct chunks *r)
{
	r->head = r->tail = 0;
	r->ended = 0;
	r->is_reading = r->is_closed = false;
}

void *chunks_take(struct chunks *r)
{
	void *chunk = NULL;

	pthread_mutex_lock(&r->lock);
	while (!r->is_closed && r->head - r->tail == CHUNKS_COUNT)
		pthread_cond_wait(&r->changed, &r->lock);
	if (!r->is_closed)
		chunk = r->memory + (size_t)CHUNKS_SIZE * (r->head % CHUNKS_COUNT);
	pthread_mutex_unlock(&r->lock);
	return chunk;
}

void chunks_put(struct chunks *r, size_t size)
{
	pthread_mutex_lock(&r->lock);
	r->sizes[r->head++ % CHUNKS_COUNT] = size;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void chunks_end(struct chunks *r, int why)
{
	pthread_mutex_lock(&r->lock);
	r->ended = why < 0 ? why : 1;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

ptrdiff_t chunks_next(void *chunks, const void **block)
{
	struct chunks *r = chunks;
	ptrdiff_t n;

	pthread_mutex_lock(&r->lock);
	if (r->is_reading) {
		r->tail++;
		r->is_reading = false;
		pthread_cond_broadcast(&r->changed);
	}
	while (r->head == r->tail && !r->ended)
		pthread_cond_wait(&r->changed, &r->lock);
	if (r->head != r->tail) {
		*block = r->memory + (size_t)CHUNKS_SIZE * (r->tail % CHUNKS_COUNT);
		n = (ptrdiff_t)r->sizes[r->tail % CHUNKS_COUNT];
		r->is_reading = true;
	} else {
		n = r->ended < 0 ? r->ended : 0;
	}
	pthread_mutex_unlock(&r->lock);
	return n;
}

void chunks_close(struct chunks *r)
{
	pthread_mutex_lock(&r->lock);
	r->is_closed = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}
