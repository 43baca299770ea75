/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What several handlers make of the parameters. */
#include "face/console/private.h"

/* The parameters that narrow a list of findings. 0 or a status. */
int query_from_params(struct request *q, struct store_query *ret);
/* -errno of the store as a status, with the place in the filter when there is one. */
int query_fail(struct request *q, int error, const struct err *e, const struct store_place *p);
/* "a,b" to bits, with the parser of one word; an unknown word is an error. 0 or a status. */
int query_bits(struct request *q, const char *name, bool (*parse)(struct str s, unsigned *ret),
	uint32_t *ret);
/* "12", or "container:abc" by kind and key. 0 or a status. */
int query_entity(struct request *q, struct str text, uint64_t *ret);
