/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rules over events and state. The ruleset is an immutable snapshot that the owner swaps between
 * events. An event is judged under each of its names; a rule fires at most once for it.
 */
#include "engine/rules/rules.h"

struct rule_stats {
	uint64_t evals, matches;
	uint64_t cost_ns; /* sampled: one event in 1024 is timed, scaled up */
};

struct detect_options {
	bool first_match_only; /* rule_matching: first */
	bool iso_time;         /* evt.time in output_fields */
	const char *hostname;
	bool resolve_names; /* a thread resolves the host names in rules (fd.sip.name …) */
	bool want_context;  /* findings come with finding.context */
};

typedef void (*detect_emit)(const struct finding *f, const struct rule *rule, void *arg);

struct detect;
struct detect *detect_new(struct ruleset *rs, const struct detect_options *o, struct err *e);
void detect_free(struct detect *d);
/* Swaps the rules; counters of rules with the same name go on. */
int detect_swap(struct detect *d, struct ruleset *rs, struct err *e);
/*
 * Judges one event after state_apply(). Returns the number of rules that matched; emit is called
 * for each, in rule order. Allocates nothing once warm.
 */
unsigned detect_event(struct detect *d, const struct event *ev, const struct process *proc,
	struct state *state, detect_emit emit, void *arg);
/*
 * After detect_event() returned 0: which calls like this one can no rule match? Only of kinds that
 * the ruleset can push (rules.h), and for host names as they are now: when detect_names_stamp()
 * changes, ask again.
 */
enum dull {
	DULL_NOT,
	DULL_OF_ALL, /* whoever calls */
	DULL_OF_ONE, /* of this process, as long as it executes nothing and keeps its name */
};
enum dull detect_is_dull(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state);
uint64_t detect_names_stamp(const struct detect *d);
/*
 * The same for all opens like this one of files in the same folder whose names have none of the
 * ruleset's marks, and of which no rule knows the file itself.
 */
bool detect_is_folder_dull(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state);
/* What records say of a container; strings are borrowed from it, the mounts lie in the arena. */
void detect_describe_container(
	const struct container *c, struct arena *a, struct finding_container *ret);
const struct rule_stats *detect_rule_stats(const struct detect *d, uint32_t rule_index);
const struct ruleset *detect_ruleset(const struct detect *d);
/* Allocations since it was made, for the test of the hot path. */
uint64_t detect_mallocs(const struct detect *d);
