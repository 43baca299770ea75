/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions on PCRE2 with JIT, anchored at both ends; RE2's POSIX syntax, which Falco
 * documents, is a subset of PCRE2's. A text that makes the backtracking matcher hit its limit is
 * tried again with the DFA matcher, so that a crafted name does not slip past a rule. Text is made
 * valid UTF-8 first, as Falco does: a bad byte becomes U+FFFD.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/filter/regex.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#include "base/json.h"

enum {
	MATCH_LIMIT = 200000,
	DEPTH_LIMIT = 20000,
	HEAP_LIMIT_KIB = 4096,
	NEST_LIMIT = 100,
	JIT_STACK_MIN = 32 * 1024,
	JIT_STACK_MAX = 512 * 1024,
	DFA_WORKSPACE = 8192,
	TEXT_MAX =
		256 * 1024, /* longer texts are cut: a match could not end there anyway in time */
};

struct regex {
	pcre2_code *code;
};

struct regex_scratch {
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	int *workspace;
	struct buf text; /* a sanitised copy, only for text that is no valid UTF-8 */
};

static pcre2_code *compile(struct str pattern, struct err *e)
{
	uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_MULTILINE |
			   PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE where;
	int code;

	if (!context) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	pcre2_set_max_pattern_length(context, REGEX_PATTERN_MAX);
	pcre2_set_parens_nest_limit(context, NEST_LIMIT);
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)(pattern.s ? pattern.s : ""), pattern.len,
		options, &code, &where, context);
	pcre2_compile_context_free(context);
	if (!re) {
		pcre2_get_error_message(code, why, sizeof(why));
		err_set(e, EINVAL, "regex, byte %zu: %s", (size_t)where, (const char *)why);
	}
	return re;
}

int regex_check(struct str pattern, struct err *e)
{
	pcre2_code *re = compile(pattern, e);

	pcre2_code_free(re);
	return re ? 0 : -EINVAL;
}

struct regex *regex_new(struct str pattern, struct err *e)
{
	struct regex *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	r->code = compile(pattern, e);
	if (!r->code) {
		free(r);
		return NULL;
	}
	/* without JIT (it may be refused to map memory) the interpreter does the same, slower */
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	free(r);
}

struct regex_scratch *regex_scratch_new(void)
{
	struct regex_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->match = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	s->workspace = malloc(DFA_WORKSPACE * sizeof(int));
	/* at its full size at once: most of it is never touched, and it never grows */
	s->text = (struct buf){.s = malloc(3 * TEXT_MAX + 1), .cap = 3 * TEXT_MAX + 1};
	s->text.max = 3 * TEXT_MAX;
	if (!s->match || !s->context || !s->workspace || !s->text.s) {
		regex_scratch_free(s);
		return NULL;
	}
	pcre2_set_match_limit(s->context, MATCH_LIMIT);
	pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
	if (s->stack)
		pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return s;
}

void regex_scratch_free(struct regex_scratch *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	free(s->workspace);
	buf_done(&s->text);
	free(s);
}

/* The length of the valid UTF-8 at the head of s. */
static size_t valid_head(struct str s)
{
	size_t i = 0, n;

	while (i < s.len) {
		if ((unsigned char)s.s[i] < 128)
			n = 1;
		else if (!(n = utf8_len(str_skip(s, i))))
			break;
		i += n;
	}
	return i;
}

static struct str sanitise(struct regex_scratch *s, struct str text)
{
	size_t n = valid_head(text);

	if (n == text.len)
		return text;
	buf_clear(&s->text);
	for (;;) {
		buf_add(&s->text, str_head(text, n));
		text = str_skip(text, n);
		if (!text.len)
			return buf_str(&s->text);
		buf_add_cstr(&s->text, "\xef\xbf\xbd");
		text = str_skip(text, 1);
		n = valid_head(text);
	}
}

bool regex_matches(const struct regex *r, struct regex_scratch *s, struct str text)
{
	text = sanitise(s, str_head(text, TEXT_MAX));
	PCRE2_SPTR p = (PCRE2_SPTR)(text.s ? text.s : "");
	int n = pcre2_match(r->code, p, text.len, 0, PCRE2_NO_UTF_CHECK, s->match, s->context);

	if (n >= 0 || n == PCRE2_ERROR_NOMATCH)
		return n >= 0;
	n = pcre2_dfa_match(r->code, p, text.len, 0, PCRE2_NO_UTF_CHECK, s->match, s->context,
		s->workspace, DFA_WORKSPACE);
	return n >= 0;
}
