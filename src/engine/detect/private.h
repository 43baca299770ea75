/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What detect.c, finding.c and context.c share. */
#include "engine/detect/detect.h"

/* How a rule's finding is laid out, worked out once per ruleset. */
struct finding_plan {
	uint32_t *tokens; /* of the rule's format, sorted by name, each name once */
	size_t ntokens;
	size_t time_at; /* where the time field comes among them */
};

struct opens;

struct detect {
	struct ruleset *rs;
	struct filter_eval *eval;
	struct opens *opens;        /* NULL = none: rules do not look at opens, or no memory */
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
	uint64_t run;                          /* random: of the ids of all findings */
	const struct finding_context *context; /* of the event at hand; NULL = not made yet */
	uint64_t nevents, nfindings, first_ts_ns, last_ts_ns;
	bool arena_used;
};

int finding_plans_build(
	struct detect *d, struct ruleset *rs, struct arena *a, struct finding_plan **ret);
/* Everything it points to is in the event's arena or in the ruleset. */
void finding_build(struct detect *d, const struct rule *rule, const struct field_subject *subject,
	struct finding *ret);
/* What d->o.want_context asks for, in the event's arena; NULL when that is full. */
const struct finding_context *context_build(struct detect *d, const struct field_subject *s);

/* ---- opens.c: which rules are left for an open that was seen before ------------------------- */

enum open_known {
	OPEN_UNKNOWABLE, /* no open, or none with a name */
	OPEN_NEW,
	OPEN_KNOWN, /* the mask has a bit for each place in by_code that is left */
	OPEN_DULL,  /* none is left */
};

/* NULL without memory, and for rules that do not care what is opened. */
struct opens *opens_new(const struct ruleset *rs);
struct opens *opens_free(struct opens *o);
/* Is the event an open of a file or folder with a name? */
bool opens_is_about(const struct opens *o, const struct event *ev);
/*
 * Only for such. What is known of it: OPEN_UNKNOWABLE still where its key would not fit. The mask
 * is the memory's own.
 */
enum open_known opens_ask(struct opens *o, const struct event *ev, uint64_t **ret_mask);
/* After OPEN_NEW: clears the mask, for the caller to set bits in; then keeps it. */
void opens_begin(struct opens *o);
void opens_keep(struct opens *o);
/*
 * The same of all files with an ordinary name in its folder, opened in the same way: OPEN_DULL if
 * none of them leaves a rule, OPEN_NEW if nobody has asked yet: then opens_keep_folder() tells it.
 */
enum open_known opens_ask_folder(struct opens *o, const struct event *ev);
void opens_keep_folder(struct opens *o, bool is_dull);

/* ---- dull.c: opens that no rule can match --------------------------------------------------- */

/* What was known of an event when it came; OPEN_UNKNOWABLE for what is no open. */
struct known_open {
	enum open_known how;
	uint64_t *mask; /* of OPEN_NEW and OPEN_KNOWN */
};
struct known_open dull_ask(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state);
