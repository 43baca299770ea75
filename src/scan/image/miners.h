/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Between the files of the miners analyzer. */
#include "scan/image/literals.h"
#include "scan/image/mining.h"

enum {
	MINERS_MAX_PLACES = 32, /* of signs that are kept of one window */
	MINERS_MANY_POOLS = 8,  /* a file with so many is a list of pools */
};

struct miners {
	struct indicators *known;
	struct literals *literals;
	uint8_t *groups; /* of each literal; SIGN_COUNT = a pool */
	size_t nliterals;
	uint8_t *seen; /* in this member, by literal */
	size_t places[MINERS_MAX_PLACES], nplaces;
};

/* Whether a sign or pool is in this window; those of the member so far are kept. */
bool miners_look_for_signs(struct miners *m, struct str text, bool is_first);
/* How many of a group the member has; SIGN_COUNT = pools. */
unsigned miners_count_seen(const struct miners *m, unsigned group);
/* A list of pools blocks or describes them: nobody mines at eight at once. */
bool miners_is_pool_list(const struct miners *m);
/* A text in which there was a sign; is_whole: it is all of the file. */
void miners_look_at_text(struct miners *m, struct str content, uint64_t offset, bool is_whole,
	enum file_role role, struct ledger *l);
