/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * YAML 1.1 as a tree with places, over libyaml's event parser. Aliases are expanded by reference;
 * limits stop "billion laughs". A scalar keeps whether it was quoted, so that `true` and "true"
 * differ. The tree lives in the arena that was given.
 */
#include "base/arena.h"
#include "base/err.h"

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_SEQ, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	bool plain;               /* scalar without quotes or block style */
	struct str text;          /* scalar */
	size_t nitems;            /* of items, or of keys and values */
	struct yaml_node **items; /* sequence items, or a map's values */
	struct yaml_node **keys;  /* a map's keys, in file order */
	unsigned line, column;    /* from 1; columns are characters */
};

struct yaml_limits {
	size_t max_nodes; /* aliases count as well; 0 = 1,000,000 */
	size_t max_depth; /* 0 = 64 */
};

struct yaml_error {
	unsigned line, column; /* from 1 */
	char msg[300];
};

/*
 * All documents of `text`; an empty one is a YAML_NULL. 0, or -EINVAL or -ENOMEM with `ye` filled;
 * the documents before the broken one are returned all the same.
 */
int yaml_parse(struct arena *a, struct str text, const struct yaml_limits *limits,
	struct yaml_node ***ret_docs, size_t *ret_n, struct yaml_error *ye);
/* A map's value, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* True for null, ~, empty plain scalars, and NULL. */
bool yaml_is_null(const struct yaml_node *n);
/* A plain true/false/yes/no/on/off (YAML 1.1, any usual case); false if it is none. */
bool yaml_to_bool(const struct yaml_node *n, bool *ret);
bool yaml_to_s64(const struct yaml_node *n, int64_t *ret);
