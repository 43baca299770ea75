/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What detect.c and finding.c share. */
#include "engine/detect/detect.h"

/* How a rule's finding is laid out, worked out once per ruleset. */
struct finding_plan {
	uint32_t *tokens; /* of the rule's format, sorted by name, each name once */
	size_t ntokens;
	size_t time_at; /* where the time field comes among them */
};

struct detect {
	struct ruleset *rs;
	struct filter_eval *eval;
	struct field_names *names;  /* NULL unless asked for */
	struct rule_stats *stats;   /* by rule index */
	struct finding_plan *plans; /* by rule index */
	struct arena plan_arena;
	uint8_t *hits;      /* by place in by_code: 0, or 1 + enum name_kind */
	struct arena arena; /* of the event at hand */
	struct buf text;    /* for rendering */
	uint64_t text_mallocs;
	struct detect_options o;
	char hostname[256];
	uint64_t nevents, nfindings, first_ts_ns, last_ts_ns;
	bool arena_used;
};

int finding_plans_build(
	struct detect *d, struct ruleset *rs, struct arena *a, struct finding_plan **ret);
/* Everything it points to is in the event's arena or in the ruleset. */
void finding_build(struct detect *d, const struct rule *rule, const struct field_subject *subject,
	struct finding *ret);
