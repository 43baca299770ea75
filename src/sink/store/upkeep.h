/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Looking after the database; private to the room. */
#include "sink/store/private.h"

/* Looks through the file for at most ms; *ret_unfinished: that was not enough. */
int upkeep_quick_check(struct store *s, uint64_t ms, bool *ret_unfinished, struct err *e);
