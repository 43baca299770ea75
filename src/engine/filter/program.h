/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The compiled program: unique extractions (slots), unique comparisons (leaves), unique nodes over
 * them. Everything is written while compiling and read-only after the seal. Private to the room.
 */
#include "base/table.h"
#include "engine/filter/compare.h"

/* The shared structures over one slot's text; each yields one number a value. */
enum matcher_kind { MATCHER_DICT, MATCHER_PREFIX, MATCHER_SUFFIX, MATCHER_PATH, MATCHER_COUNT };

struct slot {
	uint32_t id;
	enum operand_kind kind;
	const struct field_def *field;
	struct field_arg arg;
	enum transformer transformer;
	uint32_t *args; /* slots */
	size_t nargs;
	struct value literal;
	enum value_type type;
	bool is_list, is_named;
	/* made by the seal; the matchers for slots whose value is one text */
	struct leaf *leaves; /* live ones that compare its value */
	struct dict *dict;
	struct trie *prefixes, *suffixes;
	struct path_trie *paths;
	struct automaton *automata[2]; /* as written; letters folded */
};

enum leaf_how {
	HOW_EXISTS,        /* extraction succeeds */
	HOW_FIELD_EXISTS,  /* field_def.exists */
	HOW_FIELD_COMPARE, /* field_def.compare */
	HOW_VALUE,         /* comparison_body_holds */
	HOW_LIST,          /* comparison_body_holds_list */
	HOW_SLOTS,         /* a field against a field */
	HOW_IDS,           /* a shared matcher's number is in a set */
	HOW_BITS,          /* one of a shared automaton's bits is set */
};

struct leaf {
	uint32_t slot;
	int32_t right; /* slot, or -1 */
	enum leaf_how how;
	struct leaf *next; /* of the same slot */
	struct comparison_body body;
	enum matcher_kind matcher;
	struct idset ids;
	bool negate;
	bool fold_case; /* HOW_BITS: which automaton */
	uint32_t *bits;
	size_t nbits;
};

struct node {
	enum ast_kind kind; /* AND, OR, NOT, CHECK, TRUE, FALSE */
	bool is_named;
	bool is_live; /* reachable from a root after the seal */
	bool is_root;
	uint32_t uses; /* live parents */
	uint32_t cost;
	uint32_t *kids;
	size_t nkids;
	struct leaf *leaf;
	struct str text; /* of a leaf, for explain */
};

struct filter_program {
	struct arena arena;
	const struct field_set *fields;
	struct table interned; /* rows: struct interned */
	struct slot **slots;
	struct node **nodes;
	uint32_t *roots;
	size_t nslots, nnodes, nroots, nleaves, written;
	size_t nsets, ntries, nautomata, nregexes;
	bool sealed;
};

enum { NODE_NONE = UINT32_MAX };

/* seal.c */
int program_link(struct filter_program *p); /* liveness, flattening, order of kids */
/* share.c */
int program_share_matchers(struct filter_program *p);
