/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Pieces of bytes in the order of time, in a fixed memory; the oldest give way. */
#include <stddef.h>
#include <stdint.h>

struct ring_piece {
	uint64_t ts_ns;
	const uint8_t *p;
	size_t len;
};

struct byte_ring {
	uint8_t *buf;
	size_t size, oldest, next, used;
	uint64_t evicted; /* pieces that gave way */
};

/* 0 or -ENOMEM. */
int byte_ring_init(struct byte_ring *r, size_t size);
void byte_ring_done(struct byte_ring *r);
/* False when the piece is larger than half of the ring. */
int byte_ring_push(struct byte_ring *r, uint64_t ts_ns, const uint8_t *p, size_t len);
/*
 * The same without a copy: room for a piece of len bytes, to be filled before the next call. NULL
 * when it is larger than half of the ring.
 */
uint8_t *byte_ring_reserve(struct byte_ring *r, uint64_t ts_ns, size_t len);
/* Visits from the oldest on: start with *pos = 0. 0 at the end. */
int byte_ring_next(const struct byte_ring *r, size_t *pos, struct ring_piece *ret);
