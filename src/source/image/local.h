/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the stores of this machine's engines have in common: they lie below a root that may be
 * another machine's, and keep a layer unpacked, with the recipe by which its tar is made again.
 */
#include "source/image/private.h"

struct local {
	int root;        /* "/" or what --root says */
	struct str base; /* folder of the store below it, "var/lib/docker" */
	struct str ns;   /* containerd's namespace */
};

/* Opens the root. */
int local_open(struct image_source *s, struct local **ret, struct err *e);
void local_close(struct image_source *s);
/* A descriptor of a path below the root, whose links stay in it; -errno. */
int local_at(const struct local *st, const char *path, int flags);
/* A JSON file below the store's base. -ENOENT without a message. */
int local_json(struct image_source *s, const char *path, json_t **ret, struct err *e);
int local_text(struct image_source *s, const char *path, size_t limit, struct str *ret);
bool local_has(const struct local *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * The names under which a store may keep what a user calls `name`: as it is, with ":latest", with
 * docker.io or localhost in front. Ends in an empty one.
 */
enum { LOCAL_NAMES = 6 };
void local_names(struct str name, struct arena *a, struct str ret[LOCAL_NAMES]);
/* "none of …: it has: …" */
int local_unknown(struct image_source *s, const char *engine, struct err *e);

/*
 * The tar of a layer whose files lie in the folder `dir` (below the root), by the recipe `split`
 * (tar-split, gzip of JSON lines): byte for byte what it was, so it can be verified. Both paths
 * from the root; without a recipe a tar is made of the folder, which cannot be verified.
 */
int local_layer(struct image_source *s, size_t i, const char *dir, const char *split,
	struct image_stream **ret, struct err *e);
int tar_split_stream(
	int split, int dir, const char *what, struct image_stream **ret, struct err *e);
/* A chain id names a layer with all below it: the hash of the one below and the diffID. */
struct str local_chain(struct image_source *s, struct str below, struct str diff_id);
/* The description of an image of which config and layers were found. */
int local_describe(struct image_source *s, struct str config, struct err *e);
/* Says of the layer, once it is known whether there is a recipe, what it can be verified by. */
void local_set_layer(
	struct image_source *s, size_t i, bool has_split, struct str file, uint64_t size);

/* containerd.c: the image in the namespace (empty: in any) of a containerd below the root. */
int containerd_find(struct image_source *s, struct str name, struct str ns, struct err *e);
/* containerd_snapshot.c: the folder of an unpacked layer, from the root; empty: there is none. */
struct str containerd_snapshot(struct image_source *s, struct str chain);
