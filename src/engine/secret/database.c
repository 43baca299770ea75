/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles the rules. Vectorscan gets only what begins a candidate: the keywords of all rules as
 * literals, each once, and the few triggers that are patterns; it says where one ends, and the
 * rule's own pattern is then tried by PCRE2 in a window around that place. So the database stays
 * small, is compiled in a fraction of a second, and runs at the speed of searching literals.
 * There are two: one for texts, and one with the rules that are also asked of binaries.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "engine/secret/private.h"

enum { PATTERN_MAX = 4096, EXPANDED_MAX = 8192 };

/*
 * What stands for itself in the patterns of all rules:
 *   %{is}     what lies between a name and its value: the rest of the name, quotes, "=", ":" …
 *   %{start}  no letter or digit before
 *   %{end}    none behind
 */
static const struct {
	const char *name, *text;
} macros[] = {
	{"%{is}", "[\\w.\\-]{0,40}[\"'`\\])]{0,3}[ \\t]{0,8}"
		  "(?:=|:|=>|:=|,|\\(|\\|\\||>)[ \\t]{0,8}[\"'`=>(]{0,3}[ \\t]{0,2}"},
	{"%{start}", "(?<![A-Za-z0-9_])"},
	{"%{end}", "(?![A-Za-z0-9_])"},
};

static struct str expand(struct arena *a, struct str pattern)
{
	struct buf b = BUF_INIT(EXPANDED_MAX);
	struct str ret;

	while (pattern.len) {
		size_t i = 0, n = sizeof(macros) / sizeof(*macros);

		while (i < n && !str_starts(pattern, str_of(macros[i].name)))
			i++;
		if (i < n) {
			buf_add_cstr(&b, macros[i].text);
			pattern = str_skip(pattern, strlen(macros[i].name));
		} else {
			buf_add_char(&b, pattern.s[0]);
			pattern = str_skip(pattern, 1);
		}
	}
	ret = arena_str(a, buf_str(&b));
	buf_done(&b);
	return ret;
}

pcre2_code *secret_pattern_compile(struct arena *a, struct str pattern, struct err *e)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	struct str full = expand(a, pattern);
	PCRE2_SIZE where = 0;
	int code = 0;

	if (!context || !full.s) {
		err_set(e, ENOMEM, "out of memory");
		pcre2_compile_context_free(context);
		return NULL;
	}
	pcre2_set_max_pattern_length(context, PATTERN_MAX + EXPANDED_MAX);
	pcre2_set_newline(context, PCRE2_NEWLINE_ANY);
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)full.s, full.len,
		PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &where,
		context);
	pcre2_compile_context_free(context);
	if (!re) {
		PCRE2_UCHAR why[128];

		pcre2_get_error_message(code, why, sizeof(why));
		err_set(e, EINVAL, "the pattern is wrong near \"%.*s\": %s",
			(int)(full.len - where < 20 ? full.len - where : 20), full.s + where,
			(const char *)why);
		return NULL;
	}
	/* where memory may not be made executable the interpreter does the same, slower */
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
	return re;
}

/* ---- triggers ------------------------------------------------------------------------------- */

static bool is_caseless(struct str keyword)
{
	for (size_t i = 0; i < keyword.len; i++)
		if (isupper((unsigned char)keyword.s[i]))
			return false;
	return true;
}

/* As a pattern that means the bytes themselves. */
static struct str quote(struct arena *a, struct str literal)
{
	struct buf b = BUF_INIT(EXPANDED_MAX);
	struct str ret;

	for (size_t i = 0; i < literal.len; i++)
		buf_printf(&b, "\\x%02x", (unsigned char)literal.s[i]);
	ret = arena_str(a, buf_str(&b));
	buf_done(&b);
	return ret;
}

static bool add_rule(struct secret_rules *r, struct secret_trigger *t, unsigned rule)
{
	if (t->nrules == t->room) {
		size_t room = t->room ? 2 * t->room : 4;
		unsigned *more = arena_array(&r->arena, unsigned, room);

		if (!more)
			return false;
		if (t->nrules)
			memcpy(more, t->rules, t->nrules * sizeof(*more));
		t->rules = more;
		t->room = room;
	}
	t->rules[t->nrules++] = rule;
	t->in_binaries |= r->rules[rule].in_binaries;
	return true;
}

static int add_trigger(
	struct secret_rules *r, struct str text, bool is_pattern, unsigned rule, struct err *e)
{
	size_t i = 0;

	while (i < r->ntriggers &&
		!(str_eq(r->triggers[i].text, text) && r->triggers[i].is_pattern == is_pattern))
		i++;
	if (i == SECRET_TRIGGERS_MAX)
		return err_set(e, ENOSPC, "more than %d keywords", SECRET_TRIGGERS_MAX);
	if (i == r->ntriggers)
		r->triggers[r->ntriggers++] =
			(struct secret_trigger){.text = text, .is_pattern = is_pattern};
	if (!add_rule(r, &r->triggers[i], rule))
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}

static int collect_triggers(struct secret_rules *r, struct err *e)
{
	r->triggers = arena_array(&r->arena, struct secret_trigger, SECRET_TRIGGERS_MAX);
	if (!r->triggers)
		return err_set(e, ENOMEM, "out of memory");
	r->whole = arena_array(&r->arena, unsigned, r->nrules + 1);
	if (!r->whole)
		return err_set(e, ENOMEM, "out of memory");
	for (unsigned i = 0; i < r->nrules; i++) {
		const struct secret_rule *rule = &r->rules[i];
		int code = 0;

		if (!rule->nkeywords && !rule->trigger.len)
			r->whole[r->nwhole++] = i;

		for (size_t k = 0; !code && k < rule->nkeywords; k++)
			code = add_trigger(r, rule->keywords[k], false, i, e);
		if (!code && rule->trigger.len)
			code = add_trigger(r, rule->trigger, true, i, e);
		if (code < 0)
			return code;
	}
	return 0;
}

/* ---- the databases -------------------------------------------------------------------------- */

struct expressions {
	const char **text;
	unsigned *flags, *ids, n;
};

/*
 * In the database for texts, with an id that no trigger has: with a literal of two bytes among them
 * Vectorscan 5.4.9 takes a matcher that is a fifth faster. These stand in no UTF-8.
 */
#define SHORT_LITERAL "\\xf5\\xf6"

static void gather(struct secret_rules *r, bool only_binary, struct expressions *x)
{
	if (!only_binary && r->ntriggers) {
		x->text[x->n] = SHORT_LITERAL;
		x->ids[x->n++] = r->ntriggers;
	}
	for (unsigned i = 0; i < r->ntriggers; i++) {
		const struct secret_trigger *t = &r->triggers[i];
		struct str text = t->is_pattern ? t->text : quote(&r->arena, t->text);

		if (only_binary && !t->in_binaries)
			continue;
		x->text[x->n] = arena_cstr(&r->arena, text);
		x->flags[x->n] = !t->is_pattern && is_caseless(t->text) ? HS_FLAG_CASELESS : 0;
		x->ids[x->n++] = i;
	}
}

static int compile_database(
	struct secret_rules *r, bool only_binary, hs_database_t **ret, struct err *e)
{
	struct expressions x = {arena_array(&r->arena, const char *, r->ntriggers + 2),
		arena_array(&r->arena, unsigned, r->ntriggers + 2),
		arena_array(&r->arena, unsigned, r->ntriggers + 2), 0};
	hs_compile_error_t *why = NULL;

	if (!x.text || !x.flags || !x.ids)
		return err_set(e, ENOMEM, "out of memory");
	gather(r, only_binary, &x);
	for (unsigned i = 0; i < x.n; i++)
		if (!x.text[i])
			return err_set(e, ENOMEM, "out of memory");
	*ret = NULL;
	if (!x.n)
		return 0;
	if (hs_compile_multi(x.text, x.flags, x.ids, x.n, HS_MODE_BLOCK, NULL, ret, &why) !=
		HS_SUCCESS) {
		bool has_place = why && why->expression >= 0 && (unsigned)why->expression < x.n &&
				 x.ids[why->expression] < r->ntriggers;
		struct secret_trigger *t = has_place ? &r->triggers[x.ids[why->expression]] : NULL;

		err_set(e, EINVAL, "%.*s: the trigger cannot be used: %s",
			t ? (int)r->rules[t->rules[0]].place.len : 0,
			t ? r->rules[t->rules[0]].place.s : "", why ? why->message : "no memory");
		hs_free_compile_error(why);
		return -EINVAL;
	}
	return 0;
}

static int compile_allow(struct secret_rules *r, struct secret_allow *w, struct err *e)
{
	w->codes = arena_array(&r->arena, pcre2_code *, w->nvalues + 1);
	if (!w->codes)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < w->nvalues; i++) {
		w->codes[i] = secret_pattern_compile(&r->arena, w->values[i], e);
		if (!w->codes[i])
			return err_context(e, "allowed value \"%.*s\"", STR_ARG(w->values[i]));
	}
	return 0;
}

int secret_compile(struct secret_rules *r, struct err *e)
{
	int code = 0;

	for (size_t i = 0; i < r->nrules; i++) {
		struct secret_rule *rule = &r->rules[i];

		if (rule->kind == RULE_ASSIGNMENT)
			continue;
		rule->code = secret_pattern_compile(&r->arena, rule->pattern, e);
		if (!rule->code)
			return err_context(e, "%.*s", STR_ARG(rule->place));
	}
	for (size_t i = 0; !code && i < r->nallow; i++)
		code = compile_allow(r, &r->allow[i], e);
	if (!code)
		code = collect_triggers(r, e);
	if (!code)
		code = compile_database(r, false, &r->text, e);
	if (!code)
		code = compile_database(r, true, &r->binary, e);
	return code;
}
