/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ledger of one layer (or one config): what analyzers say about it, copied, within limits. What
 * did not fit is counted and said. Analyzers use the half of it that analyzer.h declares.
 */
#include "scan/image/analyzer.h"
#include "scan/image/image.h"
#include "scan/image/layer.h"
#include "scan/image/set.h"

enum { LEDGER_CHECK_MAX = 200 }; /* findings of one check in a layer */

int ledger_open(const struct scan_limits *limits, struct ledger **ret);
void ledger_free(struct ledger *l);
/*
 * One lane more: a ledger for an analyzer of its own, which may write in it while others write in
 * theirs. It is the ledger's: reset, reported and freed with it, when nobody writes.
 */
int ledger_open_lane(struct ledger *l, const char *analyzer);
struct ledger *ledger_lane(struct ledger *l, size_t i);
/* Empty again, for the next layer. */
void ledger_reset(struct ledger *l);

/*
 * What the calls that follow are about: a member, or a place of the config. Numbers say what comes
 * first in the report; what lanes say of the same number comes in the order of the lanes, behind
 * what the pass says.
 */
void ledger_at_file(struct ledger *l, const struct artifact_file *f, uint64_t number);
void ledger_at_place(struct ledger *l, enum artifact_place place, unsigned index, uint64_t number);
/* What was named by ledger_runs() is kept: the member's name may go. */
void ledger_keep_runs(struct ledger *l);
/* The member is over: the same, and its arena is empty again. */
void ledger_forget(struct ledger *l);

/* A gap that is not about the member at hand. */
void ledger_gap_of(struct ledger *l, struct str what, const char *why, bool is_serious);
/* What starts the programs that the member names by ledger_runs(); a script unless it is said. */
void ledger_starter(struct ledger *l, enum layer_starter by);
/* The facts of the tree. */
void ledger_tree(struct ledger *l, const struct artifact_file *f);
void ledger_count(struct ledger *l, uint64_t read_bytes, bool is_archive);

/* All of it, with the lanes, in order; lives until ledger_reset(). 0 or -ENOMEM. */
int ledger_report(struct ledger *l, struct layer_report *ret);
