/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A record's JSON as a tree in an arena; private to the room. Records come by the thousand a
 * second, and a general library's tree was half of what putting one cost. The tree borrows from the
 * text, so both live equally long; strings have no NUL behind them.
 */
#include "base/arena.h"

enum {
	NODE_DEPTH_MAX = 64,
	NUMBER_MAX = 63, /* bytes of a number with a fraction or an exponent */
};

enum node_type {
	NODE_NULL,
	NODE_FALSE,
	NODE_TRUE,
	NODE_INT,
	NODE_REAL,
	NODE_STR,
	NODE_ARRAY,
	NODE_OBJECT
};

struct node {
	enum node_type type;
	struct str key;    /* of a member */
	struct str raw;    /* the value as it is written */
	struct node *next; /* the next item or member */
	union {
		struct node *first; /* NODE_ARRAY, NODE_OBJECT */
		struct str s;       /* NODE_STR, unescaped */
		int64_t i;
		double d;
	};
};

struct number {
	int64_t v;
	bool there;
};

/*
 * Parses a whole text (RFC 8259): UTF-8 without control characters, NULs or lone surrogates, no
 * deeper than NODE_DEPTH_MAX, with numbers that fit 64 bits or a double. NULL with a reason and the
 * byte where it is wrong.
 */
struct node *node_parse(struct arena *a, struct str text, const char **why, size_t *where);
/* The same with the tree in an arena of its own, for a tree that goes before what was taken from
 * it: strings that had escapes are in `a`, the others are the text's. */
struct node *node_parse_apart(
	struct arena *nodes, struct arena *a, struct str text, const char **why, size_t *where);
/* All take NULL and what is of another type, for "absent". */
const struct node *node_get(const struct node *object, const char *key);
const struct node *node_at(const struct node *array, unsigned i);
/* The first item or member; go on by ->next. */
const struct node *node_first(const struct node *n);
struct str node_text(const struct node *n);
/* Members. */
struct str node_str(const struct node *object, const char *key);
struct number node_number(const struct node *object, const char *key);
bool node_is_true(const struct node *n);
