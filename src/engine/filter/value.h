/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Values: literals of a condition as typed values, and two values compared. Private to the room. */
#include "engine/filter/filter.h"

/*
 * A literal for a left-hand side of `type`. 0, or -EINVAL with the reason in `e`. Text is borrowed,
 * hexadecimal byte strings are decoded into the arena.
 */
int literal_parse(struct arena *a, enum value_type type, enum cmp_op op, struct str text,
	struct value *ret, struct err *e);
/* One value against one other; regex and pmatch are not for here. False on types that do not mix.
 */
bool value_holds(enum cmp_op op, const struct value *v, const struct value *rhs);
bool value_eq(const struct value *a, const struct value *b);
bool glob_match(struct str pattern, struct str text, bool fold_case);
