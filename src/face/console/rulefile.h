/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Rule files as text: writing them so that no half of one is ever read, and finding items in them.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Writes dir/name: whole or not at all, on the disk when it returns. 0 or -errno. */
int rulefile_write(const char *dir, struct str name, struct str text, struct err *e);
/* 0 or -errno; -ENOENT when it is not there. */
int rulefile_remove(const char *dir, struct str name, struct err *e);
/* The lines of the item that begins at this line (from 1), without what belongs to the next. */
struct str rulefile_item_at(struct str text, unsigned line);
/* The names of the rules that a text defines or changes; at most `limit`. The number of them. */
size_t rulefile_rule_names(struct arena *a, struct str text, struct str *ret, size_t limit);
/*
 * The file that switches rules on and off, with one more switch (none with rule.s NULL). Switches
 * of rules for which is_there says no are left out: a file that changes a rule that is gone does
 * not load. 0 or -errno.
 */
int rulefile_toggle(struct arena *a, struct str old, struct str rule, bool enabled,
	bool (*is_there)(void *arg, struct str rule), void *arg, struct buf *out, struct err *e);
