/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Comparisons that the filter room judges one value at a time; private to the room. */
#include "sink/store/read.h"

struct filter_leaf {
	struct filter_program *program;
	struct filter_eval *eval;
	uint32_t root;
	enum value_type type; /* of the value */
	bool is_number;       /* as SQL hands it over */
};

struct filter_sql {
	struct filter_leaf **leaf;
	size_t n;
};

/* The comparison with its field replaced by "the value". The leaf lives in the arena. */
int filter_leaf_new(
	struct arena *a, const struct ast *check, struct filter_leaf **ret, struct err *e);
void filter_leaf_done(struct filter_leaf *leaf);
/*
 * PostgreSQL: the distinct values of an expression that the leaf holds for, as an array's text.
 */
int filter_leaf_values(struct db *db, struct arena *a, struct filter_leaf *leaf, const char *value,
	const struct store_query *scope, bool reads_record, struct str *ret, struct err *e);
