/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Layers that were read before: one file a layer and knowledge, in a folder that several koban may
 * share. A file that is damaged, or another version's, is not there.
 */
#include "scan/image/layer.h"

enum { CACHE_MAX_MB = 1024 };

struct layer_cache;

/* Makes the folder. 0 or -errno. */
int layer_cache_open(const char *dir, struct layer_cache **ret, struct err *e);
void layer_cache_close(struct layer_cache *c);
/*
 * Before a layer is looked for and read: waits while somebody else, here or in another koban, reads
 * the same one, which then is there. What it returns is given to layer_cache_end().
 */
int layer_cache_begin(struct layer_cache *c, struct str digest);
void layer_cache_end(int begun);
/* False when it is not there. */
bool layer_cache_find(struct layer_cache *c, struct str digest, uint64_t knowledge, struct arena *a,
	struct layer_report *ret);
/* Replaces the file as a whole; what cannot be kept is no error. */
void layer_cache_keep(
	struct layer_cache *c, struct str digest, uint64_t knowledge, const struct layer_report *l);
