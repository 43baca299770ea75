/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The file tree that the layers of an image make together (image-spec, layer.md): what is there,
 * from which layer, and what was deleted or replaced by which. Only names; contents are gone by
 * now.
 */
#include "scan/image/layer.h"

struct tree;

/* The reports stay the caller's and outlive it. NULL: no memory. */
struct tree *tree_new(const struct layer_report *const *layers, size_t n);
void tree_free(struct tree *t);

/* The layer above `from` that first deletes or replaces the path, or -1. */
int tree_gone(const struct tree *t, struct str path, unsigned from);
/* The layer from which a file (no folder) of this very name comes, or -1. */
int tree_find(const struct tree *t, struct str path);
bool tree_is_dir(const struct tree *t, struct str path);
/*
 * The file that the path leads to, through symbolic links of folders and of itself, as `out`; its
 * layer or -1. What links are followed on the way is called back, may be NULL.
 */
int tree_resolve(const struct tree *t, struct str path, struct buf *out,
	void (*via)(void *arg, struct str link), void *arg);
/* What a file that is there runs; NULL = not known to run anything. */
const struct layer_runs *tree_runs(const struct tree *t, struct str path);
/* All files of the image that run something, one after the other from *at = 0. */
const struct layer_runs *tree_next_runs(const struct tree *t, size_t *at);
