/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What finding.c and record.c share. */
#include "model/finding/finding.h"

/* The field with the least name above `last` (NULL = any); the first of equal ones. */
const struct finding_field *finding_next_field(const struct finding *f, const struct str *last);
/* A number that reads back as the same, or null. */
void finding_add_double(double d, struct buf *out);
