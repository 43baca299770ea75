/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Regular expressions that must match a whole text. Private to the room. */
#include "engine/filter/filter.h"

enum { REGEX_PATTERN_MAX = 4096 };

struct regex;
/* What a match needs besides the pattern: one an evaluator, made once, so that no match allocates.
 */
struct regex_scratch;

/* Whether the pattern compiles. 0, or -EINVAL with the reason and its place in the pattern. */
int regex_check(struct str pattern, struct err *e);
struct regex *regex_new(struct str pattern, struct err *e);
void regex_free(struct regex *r);
struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *s);
bool regex_matches(const struct regex *r, struct regex_scratch *s, struct str text);
