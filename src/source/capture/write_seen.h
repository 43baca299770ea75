/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private: which containers a file already has. A container is replaced as a whole when more of it
 * is known, and must then be written again: what tells it from itself is part of the key.
 */
#include "engine/state/state.h"

struct seen {
	uint64_t *slots; /* 0 = free */
	size_t nslots, count;
};

int seen_init(struct seen *s);
void seen_clear(struct seen *s);
void seen_done(struct seen *s);
/* True when it was not there. Allocates nothing; when it is full, nothing more is new. */
bool seen_add(struct seen *s, const struct container *k);
