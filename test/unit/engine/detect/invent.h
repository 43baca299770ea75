/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What tests of detect share that invent rules and events: a dice, and a detector of rules. */
#include "engine/detect/detect.h"

/* Of the dice: the same seed, the same throws. */
static uint64_t seed = 20;

static inline unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

#define ONE_OF(list) ((list)[below(sizeof(list) / sizeof(*(list)))])

/* NULL when the rules do not load: an invented condition may be none. */
static inline struct detect *detector_of(struct str rules, bool first_match_only)
{
	struct str name = STR("t.yaml");
	struct ruleset_options o = {
		.texts = &rules, .text_names = &name, .ntexts = 1, .min_priority = PRIORITY_DEBUG};
	const struct detect_options options = {
		.hostname = "host", .first_match_only = first_match_only};
	struct load_report *report;
	struct detect *d = NULL;
	struct ruleset *rs;

	if (ruleset_load(&o, &rs, &report) == 0 && rs) {
		d = detect_new(rs, &options, NULL);
		ruleset_unref(rs);
	}
	load_report_free(report);
	return d;
}
