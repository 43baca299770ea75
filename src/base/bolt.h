/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A read-only look into a bbolt file, which is where containerd keeps its records. The file is
 * hostile, and somebody may be writing to it. All strings live in the arena.
 */
#include "base/arena.h"

struct bolt_bucket {
	uint64_t page; /* 0 = it is in inline_page */
	struct str inline_page;
};
struct bolt {
	int fd;
	uint32_t page_size;
	uint64_t npages, txid;
	struct bolt_bucket root;
	struct arena *arena;
};
typedef void (*bolt_fn)(void *arg, struct str key, struct str value);
/* 0, or -EINVAL when there is no sound meta record. The file stays the caller's. */
int bolt_open(struct bolt *b, int fd, struct arena *a);
/* True while what was read cannot have been overwritten. */
bool bolt_is_current(const struct bolt *b);
/* Goes into the bucket of that name; false leaves it as it was. */
bool bolt_descend(struct bolt *b, struct bolt_bucket *bucket, struct str name);
/* A value, or STR_NULL. */
struct str bolt_get(struct bolt *b, const struct bolt_bucket *bucket, struct str key);
/* The first 4,096 values of a bucket. */
void bolt_each(struct bolt *b, const struct bolt_bucket *bucket, bolt_fn fn, void *arg);
/* The first 4,096 buckets in it, without values. */
void bolt_each_bucket(struct bolt *b, const struct bolt_bucket *bucket, bolt_fn fn, void *arg);
