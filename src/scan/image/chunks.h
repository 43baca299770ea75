/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Chunks of bytes from one thread to another, bounded. The writer fills a chunk where it lies, the
 * reader reads it where it lies.
 */
#include <pthread.h>

#include "base/str.h"

enum { CHUNKS_SIZE = 512 << 10, CHUNKS_COUNT = 8 };

struct chunks {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *memory;
	size_t sizes[CHUNKS_COUNT];
	unsigned head, tail; /* written, given back; they only grow */
	int ended;           /* 1 = nothing more comes, or -errno */
	bool is_reading, is_closed;
};

int chunks_init(struct chunks *r);
void chunks_done(struct chunks *r);
/* Empty again; no thread is at it. */
void chunks_reset(struct chunks *r);
/* A chunk to fill; waits. NULL when the reader wants no more. */
void *chunks_take(struct chunks *r);
/* It is filled with so many bytes (not 0). */
void chunks_put(struct chunks *r, size_t size);
/* Nothing more comes: 0, or why (-errno). */
void chunks_end(struct chunks *r, int why);
/* The next chunk; what was given before is given back. As byte_source's `next`. */
ptrdiff_t chunks_next(void *chunks, const void **block);
/* The reader wants no more. */
void chunks_close(struct chunks *r);
