/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts are looked for by Vectorscan, a few hundred in one go. Expressions are not: of some sets of
 * expressions its release 5.4.9 loses matches (a set of one alone finds them), so PCRE2 tries them
 * one by one, and the gate sees to it that few are tried. Their language is YARA's with other
 * limits; what PCRE2 gives up counts as there.
 */
#include "scan/image/yara_signs.h"

#include <errno.h>
#include <hs/hs.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "scan/image/literals.h"

enum {
	MAX_SIGNS = 20000,
	MATCH_LIMIT = 1 << 20,
	HEAP_LIMIT_KIB = 4 << 10,
	STACK_MIN = 32 << 10,
	STACK_MAX = 512 << 10,
};

struct sign {
	struct str text;
	enum yara_sign_group group;
	bool is_nocase, is_dotall, is_narrowed;
	pcre2_code *code; /* of an expression */
};

struct yara_signs {
	struct arena *a;
	struct sign *all; /* by group */
	uint32_t n, begin[SIGN_GROUPS + 1];
	hs_database_t *texts[SIGNS_EXPRESSIONS]; /* by group; NULL: there are none */
	hs_scratch_t *scratch;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint8_t *found; /* a yara_answer by sign */
	bool *was_tried;
	int nfound; /* of the group that is being looked for */
};

struct yara_signs *yara_signs_new(struct arena *a)
{
	struct yara_signs *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->a = a;
	s->all = calloc(MAX_SIGNS, sizeof(*s->all));
	if (s->all)
		return s;
	free(s);
	return NULL;
}

void yara_signs_free(struct yara_signs *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		pcre2_code_free(s->all[i].code);
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	hs_free_scratch(s->scratch);
	for (size_t i = 0; i < SIGNS_EXPRESSIONS; i++)
		hs_free_database(s->texts[i]);
	free(s->all);
	free(s);
}

/* ---- which signs -------------------------------------------------------------------------- */

bool yara_signs_fit(const struct yara_string *string, enum yara_sign_group group)
{
	enum yara_string_kind kind = group == SIGNS_EXPRESSIONS ? YARA_REGEX : YARA_TEXT;

	/* {,3} is a count to YARA, and none to PCRE2 */
	return string->kind == kind && !string->is_changed && string->text.len &&
	       (kind == YARA_TEXT || str_find(string->text, STR("{,")) < 0);
}

static bool is_same(const struct sign *a, const struct sign *b)
{
	return a->is_nocase == b->is_nocase && a->is_dotall == b->is_dotall &&
	       a->is_narrowed == b->is_narrowed && str_eq(a->text, b->text);
}

uint32_t yara_signs_add(
	struct yara_signs *s, const struct yara_string *string, enum yara_sign_group group)
{
	const struct sign sign = {.text = string->text,
		.group = group,
		.is_nocase = string->is_nocase,
		.is_dotall = string->is_dotall,
		.is_narrowed = string->is_narrowed};
	uint32_t first = group == SIGNS_EXPRESSIONS ? s->begin[group] : 0;

	for (uint32_t i = first; i < s->n; i++)
		if (is_same(&s->all[i], &sign))
			return i;
	if (s->n == MAX_SIGNS)
		return YARA_NO_SIGN;
	s->all[s->n++] = sign;
	for (int i = (int)group + 1; i <= SIGN_GROUPS; i++)
		s->begin[i] = s->n;
	return s->n - 1;
}

/* ---- compiling ---------------------------------------------------------------------------- */

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "no memory for what the gate of the YARA rules looks for");
}

struct table {
	const char **texts;
	size_t *lengths;
	unsigned *flags, *ids, n;
};

static int compile_table(
	struct yara_signs *s, enum yara_sign_group group, const struct table *t, struct err *e)
{
	hs_compile_error_t *bad = NULL;
	int r = 0;

	if (hs_compile_lit_multi(t->texts, t->flags, t->ids, t->lengths, t->n, HS_MODE_BLOCK, NULL,
		    &s->texts[group], &bad) != HS_SUCCESS)
		r = err_set(e, EINVAL, "the texts of the YARA rules do not compile: %s",
			bad ? bad->message : "unknown");
	if (bad)
		hs_free_compile_error(bad);
	if (r == 0 && hs_alloc_scratch(s->texts[group], &s->scratch) != HS_SUCCESS)
		r = no_memory(e);
	return r;
}

static int fill_table(
	struct yara_signs *s, enum yara_sign_group group, struct table *t, struct err *e)
{
	const struct sign *signs = s->all + s->begin[group];

	for (unsigned i = 0; i < t->n; i++) {
		t->texts[i] = signs[i].text.s;
		t->lengths[i] = signs[i].text.len;
		t->flags[i] = HS_FLAG_SINGLEMATCH | (signs[i].is_nocase ? HS_FLAG_CASELESS : 0);
		t->ids[i] = s->begin[group] + i;
	}
	t->texts[t->n] = LITERAL_SHORT;
	t->lengths[t->n] = sizeof(LITERAL_SHORT) - 1;
	t->ids[t->n++] = YARA_NO_SIGN;
	return compile_table(s, group, t, e);
}

static int compile_texts(struct yara_signs *s, enum yara_sign_group group, struct err *e)
{
	unsigned n = s->begin[group + 1] - s->begin[group];
	int r = 0;

	if (!n)
		return 0;
	struct table t = {calloc(n + 1, sizeof(*t.texts)), calloc(n + 1, sizeof(*t.lengths)),
		calloc(n + 1, sizeof(*t.flags)), calloc(n + 1, sizeof(*t.ids)), n};
	if (t.texts && t.lengths && t.flags && t.ids)
		r = fill_table(s, group, &t, e);
	else
		r = no_memory(e);
	free(t.ids);
	free(t.flags);
	free(t.lengths);
	free(t.texts);
	return r;
}

static int compile_expression(struct sign *sign, pcre2_compile_context *context, struct err *e)
{
	uint32_t options = PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF |
			   (sign->is_nocase ? PCRE2_CASELESS : 0) |
			   (sign->is_dotall ? PCRE2_DOTALL : 0);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;

	sign->code = pcre2_compile(
		(PCRE2_SPTR)sign->text.s, sign->text.len, options, &code, &at, context);
	if (!sign->code) {
		pcre2_get_error_message(code, why, sizeof(why));
		return err_set(e, EINVAL, "the gate of the YARA rules cannot read /%.*s/: %s",
			STR_ARG(str_head(sign->text, 200)), (const char *)why);
	}
	pcre2_jit_compile(sign->code, PCRE2_JIT_COMPLETE);
	return 0;
}

static int compile_expressions(struct yara_signs *s, struct err *e)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int r = 0;

	s->match = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
	if (!context || !s->match || !s->context || !s->stack)
		r = no_memory(e);
	if (r == 0) {
		pcre2_set_newline(context, PCRE2_NEWLINE_LF); /* what a dot does not match */
		pcre2_set_match_limit(s->context, MATCH_LIMIT);
		pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
		pcre2_jit_stack_assign(s->context, NULL, s->stack);
	}
	for (uint32_t i = s->begin[SIGNS_EXPRESSIONS]; r == 0 && i < s->n; i++)
		r = compile_expression(&s->all[i], context, e);
	pcre2_compile_context_free(context);
	return r;
}

int yara_signs_compile(struct yara_signs *s, struct err *e)
{
	int r;

	s->found = arena_alloc(s->a, s->n + 1);
	s->was_tried = arena_array(s->a, bool, s->n + 1);
	if (!s->found || !s->was_tried)
		return no_memory(e);
	r = compile_texts(s, SIGNS_ANCHORS, e);
	if (r == 0)
		r = compile_texts(s, SIGNS_TEXTS, e);
	return r == 0 ? compile_expressions(s, e) : r;
}

/* ---- looking ------------------------------------------------------------------------------ */

const uint8_t *yara_signs_found(const struct yara_signs *s)
{
	return s->found;
}

void yara_signs_forget(struct yara_signs *s)
{
	memset(s->found, YARA_PERHAPS, s->n);
	memset(s->was_tried, 0, s->n * sizeof(*s->was_tried));
}

static int take_sign(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct yara_signs *s = arg;

	if (id == YARA_NO_SIGN)
		return 0;
	s->found[id] = s->all[id].is_narrowed ? YARA_PERHAPS : YARA_YES;
	s->nfound++;
	return 0;
}

int yara_signs_look(struct yara_signs *s, enum yara_sign_group group, struct str content)
{
	uint32_t begin = s->begin[group];

	s->nfound = 0;
	if (!s->texts[group])
		return 0;
	memset(s->found + begin, YARA_NO, s->begin[group + 1] - begin);
	if (hs_scan(s->texts[group], content.s, (unsigned)content.len, 0, s->scratch, take_sign,
		    s) == HS_SUCCESS)
		return s->nfound;
	memset(s->found + begin, YARA_PERHAPS, s->begin[group + 1] - begin);
	return -EIO;
}

void yara_signs_try(struct yara_signs *s, uint32_t sign, struct str content)
{
	if (s->was_tried[sign])
		return;
	s->was_tried[sign] = true;
	if (pcre2_match(s->all[sign].code, (PCRE2_SPTR)content.s, content.len, 0, 0, s->match,
		    s->context) == PCRE2_ERROR_NOMATCH)
		s->found[sign] = YARA_NO;
}
