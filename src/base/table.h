/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A hash table of pointers to rows that the caller owns. The row holds its own key; the table keeps
 * the hash beside the pointer. Open addressing, linear probing, power of two, at most 3/4 full.
 * A cap is stated where it is made; table_put() at the cap returns -ENOSPC and the caller evicts.
 * Rows that come and go at the same number ask for no memory: deleted slots are swept in place.
 */
#include "base/str.h"

typedef bool (*table_eq)(const void *row, const void *key);

struct table_slot {
	uint64_t hash;
	void *row; /* NULL = empty, TABLE_GONE = deleted */
};

struct table {
	struct table_slot *slots;
	size_t nslots, count, gone, cap;
	table_eq eq;
};

void table_init(struct table *t, table_eq eq, size_t cap);
/* Frees the slots, not the rows. */
void table_done(struct table *t);
/* Allocates at once for `count` rows, so that later puts up to it do not. 0 or -ENOMEM. */
int table_reserve(struct table *t, size_t count);
void *table_find(const struct table *t, uint64_t hash, const void *key);
/* Adds a row whose key is not in the table. 0, -ENOMEM or -ENOSPC (at its cap). */
int table_put(struct table *t, uint64_t hash, void *row);
/* Removes and returns the row, or NULL. */
void *table_take(struct table *t, uint64_t hash, const void *key);
/* Visits rows in no order: start with *pos = 0; NULL at the end. Removing what it returned is fine.
 */
void *table_next(const struct table *t, size_t *pos);
