/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gate in three steps, each for what the one before let pass. First it looks for the anchors, the
 * rare texts of which each rule needs one: in most files none stands. Then for all other texts of
 * the rules; then, rule by rule, for the regular expressions of a rule that is left. After each
 * step the rules' own conditions say whether one of them could hold (yara_condition.c); only when
 * one still could, libyara has work to do. What the gate cannot decide counts as "could".
 */
#include "scan/image/yara_gate.h"

#include <errno.h>
#include <stdlib.h>

#include "scan/image/yara_condition.h"
#include "scan/image/yara_signs.h"
#include "scan/image/yara_source.h"

enum { MIN_ANCHOR = 4 };

struct gate_rule {
	struct str name;
	const struct yara_string *strings;
	size_t nstrings;
	bool has_named;  /* anchors are the strings named $a… */
	uint32_t *signs; /* by string */
	struct yara_condition *condition;
};

struct yara_gate {
	struct arena *a;
	struct gate_rule *rules;
	size_t nrules, cap;
	struct yara_signs *signs;
};

/* ---- rules and their signs ---------------------------------------------------------------- */

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "no memory for the gate of the YARA rules");
}

struct yara_gate *yara_gate_new(struct arena *a)
{
	struct yara_gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->a = a;
	g->signs = yara_signs_new(a);
	if (g->signs)
		return g;
	free(g);
	return NULL;
}

static bool is_anchor(const struct gate_rule *r, size_t i)
{
	return !r->has_named || str_starts(r->strings[i].name, STR("$a"));
}

static int check_anchors(struct gate_rule *r, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nstrings; i++)
		r->has_named |= str_starts(r->strings[i].name, STR("$a"));
	for (size_t i = 0; i < r->nstrings; i++) {
		const struct yara_string *s = &r->strings[i];

		if (!is_anchor(r, i))
			continue;
		if (s->kind != YARA_TEXT || s->is_changed || s->text.len < MIN_ANCHOR)
			return err_set(e, EINVAL,
				"rule %.*s: its anchor %.*s must be a plain text of at least %d "
				"bytes (the strings named $a…, or all when none is)",
				STR_ARG(r->name), STR_ARG(s->name), MIN_ANCHOR);
		n++;
	}
	return n ? 0
		 : err_set(e, EINVAL, "rule %.*s has no strings, so it has no anchor",
			   STR_ARG(r->name));
}

static struct gate_rule *grow(struct yara_gate *g)
{
	if (g->nrules == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		struct gate_rule *more = realloc(g->rules, cap * sizeof(*more));

		if (!more)
			return NULL;
		g->rules = more;
		g->cap = cap;
	}
	return &g->rules[g->nrules];
}

static int add_rule(struct yara_gate *g, const struct yara_rule *rule, struct err *e)
{
	struct gate_rule *r = grow(g);

	if (!r)
		return no_memory(e);
	*r = (struct gate_rule){.name = rule->name,
		.strings = rule->strings,
		.nstrings = rule->nstrings,
		.signs = arena_array(g->a, uint32_t, rule->nstrings),
		.condition = yara_condition_read(g->a, rule)};
	if (!r->signs || !r->condition)
		return no_memory(e);
	for (size_t i = 0; i < r->nstrings; i++)
		r->signs[i] = YARA_NO_SIGN;
	g->nrules++;
	if (rule->is_global)
		return err_set(e, EINVAL, "rule %.*s is global: such rules have no gate",
			STR_ARG(rule->name));
	return check_anchors(r, e);
}

int yara_gate_add(struct yara_gate *g, struct str rules, struct err *e)
{
	struct yara_rule rule;
	int r;

	while ((r = yara_source_next(&rules, g->a, &rule, e)) > 0)
		if ((r = add_rule(g, &rule, e)) < 0)
			return r;
	return r;
}

static void number_signs(struct yara_gate *g, struct gate_rule *r, enum yara_sign_group group)
{
	for (size_t i = 0; i < r->nstrings; i++) {
		const struct yara_string *s = &r->strings[i];

		if (yara_signs_fit(s, group) && is_anchor(r, i) == (group == SIGNS_ANCHORS))
			r->signs[i] = yara_signs_add(g->signs, s, group);
	}
}

/* What the gate rests on: no rule matches without an anchor. */
static int check_condition(struct yara_gate *g, const struct gate_rule *r, struct err *e)
{
	const struct yara_facts facts = {
		.found = yara_signs_found(g->signs), .max_size = UINT64_MAX};

	if (yara_condition_ask(r->condition, r->signs, &facts) == YARA_NO)
		return 0;
	return err_set(e, EINVAL,
		"rule %.*s could match without one of its anchors (the strings named $a…, or all "
		"when none is): ask for one in its condition",
		STR_ARG(r->name));
}

int yara_gate_compile(struct yara_gate *g, struct err *e)
{
	int r;

	for (int group = 0; group < SIGN_GROUPS; group++)
		for (size_t i = 0; i < g->nrules; i++)
			number_signs(g, &g->rules[i], group);
	r = yara_signs_compile(g->signs, e);
	if (r < 0)
		return r;
	yara_signs_forget(g->signs);
	yara_signs_look(g->signs, SIGNS_ANCHORS, STR(" "));
	for (size_t i = 0; r == 0 && i < g->nrules; i++)
		r = check_condition(g, &g->rules[i], e);
	return r;
}

void yara_gate_free(struct yara_gate *g)
{
	if (!g)
		return;
	yara_signs_free(g->signs);
	free(g->rules);
	free(g);
}

size_t yara_gate_nrules(const struct yara_gate *g)
{
	return g->nrules;
}

/* ---- asking ------------------------------------------------------------------------------- */

struct question {
	struct yara_gate *gate;
	struct str content;
	struct yara_facts facts;
};

static bool has_anchor(const struct gate_rule *r, const struct yara_facts *facts)
{
	for (size_t i = 0; i < r->nstrings; i++)
		if (is_anchor(r, i) && (r->signs[i] == YARA_NO_SIGN || facts->found[r->signs[i]]))
			return true;
	return false;
}

static bool can_match(const struct question *q, const struct gate_rule *r)
{
	return has_anchor(r, &q->facts) &&
	       yara_condition_ask(r->condition, r->signs, &q->facts) != YARA_NO;
}

/* The same, now that the rule's expressions are tried, as far as that can still change something.
 */
static bool can_match_tried(const struct question *q, const struct gate_rule *r)
{
	bool can = can_match(q, r);

	for (size_t i = 0; can && i < r->nstrings; i++) {
		if (r->signs[i] == YARA_NO_SIGN || r->strings[i].kind != YARA_REGEX)
			continue;
		yara_signs_try(q->gate->signs, r->signs[i], q->content);
		can = can_match(q, r);
	}
	return can;
}

static bool can_any(
	const struct question *q, bool (*can)(const struct question *q, const struct gate_rule *r))
{
	for (size_t i = 0; i < q->gate->nrules; i++)
		if (can(q, &q->gate->rules[i]))
			return true;
	return false;
}

bool yara_gate_lets_pass(struct yara_gate *g, const struct yara_window *w)
{
	uint64_t end = w->offset + w->content.len;
	struct question q = {g, w->content,
		{.found = yara_signs_found(g->signs),
			.size = end,
			.max_size = w->is_last ? end : UINT64_MAX,
			.is_partial = !w->is_first || !w->is_last}};

	if (!w->content.len)
		return false;
	yara_signs_forget(g->signs);
	if (!yara_signs_look(g->signs, SIGNS_ANCHORS, w->content) || !can_any(&q, can_match))
		return false;
	if (q.facts.is_partial)
		return true;
	yara_signs_look(g->signs, SIGNS_TEXTS, w->content);
	return can_any(&q, can_match_tried);
}
