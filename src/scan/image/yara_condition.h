/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The condition of a YARA rule in three values: whether it can hold, of a file of which it is known
 * which strings stand in it. What is not understood is taken for "perhaps", in either polarity, so
 * that YARA_NO is certain: libyara would not match either.
 */
#include "base/arena.h"
#include "scan/image/yara_source.h"

enum yara_answer { YARA_NO, YARA_PERHAPS, YARA_YES };

struct yara_condition;

/* NULL when memory is out. The names of strings must all be of `rule`, which need not live on. */
struct yara_condition *yara_condition_read(struct arena *a, const struct yara_rule *rule);

/* What is known of a file. */
struct yara_facts {
	const uint8_t *found;    /* a yara_answer by number of a sign */
	uint64_t size, max_size; /* its size lies between these */
	bool is_partial;         /* what was not found may stand in a part not looked at */
};

enum { YARA_NO_SIGN = UINT32_MAX }; /* nothing is known of that string */

/* signs: of each string of the rule, by its index there, the number in facts->found. */
enum yara_answer yara_condition_ask(
	const struct yara_condition *c, const uint32_t *signs, const struct yara_facts *facts);
