/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One comparison: operator, modifier and compiled right-hand side. Private to the room. */
#include "engine/filter/matcher.h"
#include "engine/filter/regex.h"
#include "engine/filter/value.h"

/* A literal under every type that a VT_DYNAMIC value may turn out to have. */
struct literal {
	struct value v;                /* the left-hand side's type; text for VT_DYNAMIC */
	struct value number, flag, ip; /* VT_DYNAMIC only */
	bool has_number, has_flag, has_ip;
};

/* What is shared by all threads. */
struct comparison_body {
	enum cmp_op op;
	enum cmp_modifier modifier;
	enum value_type type;    /* of the left-hand side */
	const struct str *texts; /* as written */
	struct literal *literals;
	size_t n;
	struct dict *set;        /* many texts: `in`, `intersects`, = anyof, != allof */
	uint64_t *numbers;       /* many integers, sorted; the same operators */
	struct path_trie *paths; /* pmatch; patterns with wildcards stand apart */
	struct path_glob *globs;
	size_t nglobs;
	struct regex **regexes;
};

/* What field_def.compare gets: made on the stack for the call. */
struct comparison {
	const struct comparison_body *body;
	struct regex_scratch *scratch;
};

/* Everything is put in the arena but the regexes: comparison_body_done() frees those. */
int comparison_body_init(struct arena *a, struct comparison_body *b, struct err *e);
void comparison_body_done(struct comparison_body *b);
bool comparison_body_holds(
	const struct comparison_body *b, struct regex_scratch *scratch, const struct value *v);
/* A list on the left: every value (`in`) or any (`intersects`) is among the literals. */
bool comparison_body_holds_list(const struct comparison_body *b, const struct values *v);
