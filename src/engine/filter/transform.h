/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Transformers over extracted values. Private to the room. */
#include "engine/filter/filter.h"

struct transform_call {
	enum transformer transformer;
	struct str arg;            /* "[…]" behind the call */
	bool is_list;              /* the first argument is a list, of however many items */
	const struct values *args; /* none is missing */
	size_t nargs;
};

/* The result lives in the arena. False: missing. */
bool transform_apply(const struct transform_call *c, struct arena *a, struct values *ret);
/* A field's value or values, the common rule. False: missing. */
bool field_values(const struct field_def *f, const struct field_arg *arg,
	const struct field_ctx *ctx, struct values *ret);
/* Any operand, without a cache (output formats). False: missing. */
bool operand_values(const struct operand *op, const struct field_ctx *ctx, struct values *ret);
