/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the text of YARA rules for their gate: cuts it into tokens, and finds each rule's name,
 * strings and condition. libyara has compiled the same text before, so it is well formed, and what
 * libyara says is what counts; what this file does not understand it refuses. It does not read what
 * a rule includes, and means nothing by a condition (yara_condition.c).
 */
#include "scan/image/yara_source.h"

#include <ctype.h>
#include <errno.h>

#include "base/buf.h"

/* ---- tokens ------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Up to the end of the line, or behind the star and slash. */
static void skip_comment(struct str *rest)
{
	bool is_line = rest->s[1] == '/';
	ptrdiff_t end =
		is_line ? str_find_char(*rest, '\n') : str_find(str_skip(*rest, 2), STR("*/"));

	if (end < 0)
		*rest = str_skip(*rest, rest->len);
	else
		*rest = str_skip(*rest, is_line ? (size_t)end : (size_t)end + 4);
}

static void skip_blanks(struct str *rest)
{
	while (rest->len) {
		if (isspace((unsigned char)rest->s[0]))
			*rest = str_skip(*rest, 1);
		else if (str_starts(*rest, STR("//")) || str_starts(*rest, STR("/*")))
			skip_comment(rest);
		else
			break;
	}
}

/* How long what begins with this quote or slash is, with its end. */
static size_t quoted_length(struct str s)
{
	size_t n = 1;

	while (n < s.len && s.s[n] != s.s[0])
		n += s.s[n] == '\\' ? 2 : 1;
	return n < s.len ? n + 1 : s.len;
}

static size_t word_length(struct str s, size_t from)
{
	size_t n = from;

	while (n < s.len && is_word(s.s[n]))
		n++;
	return n;
}

struct yara_token yara_token_next(struct str *rest)
{
	struct yara_token t = {.kind = TOKEN_SIGN};
	size_t n = 1;

	skip_blanks(rest);
	if (!rest->len)
		return (struct yara_token){.kind = TOKEN_END};
	if (is_word(rest->s[0])) {
		t.kind = TOKEN_NAME;
		n = word_length(*rest, 0);
	} else if (rest->s[0] == '$') {
		t.kind = TOKEN_STRING;
		n = word_length(*rest, 1);
		n += n < rest->len && rest->s[n] == '*';
	} else if (rest->s[0] == '"') {
		t.kind = TOKEN_TEXT;
		n = quoted_length(*rest);
	} else if (rest->s[0] == '/') {
		t.kind = TOKEN_REGEX;
		n = word_length(*rest, quoted_length(*rest));
	}
	t.text = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return t;
}

bool yara_token_is(struct yara_token t, const char *text)
{
	return (t.kind == TOKEN_NAME || t.kind == TOKEN_SIGN) && str_is(t.text, text);
}

static struct yara_token peek(struct str rest)
{
	return yara_token_next(&rest);
}

static bool take(struct str *rest, const char *text)
{
	if (!yara_token_is(peek(*rest), text))
		return false;
	yara_token_next(rest);
	return true;
}

/* ---- strings ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* What a text in quotes means. */
static struct str unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.len + 1);
	size_t n = 0;

	if (!out)
		return STR_NULL;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] != '\\' || i + 1 == s.len) {
			out[n++] = s.s[i];
			continue;
		}
		char c = s.s[++i];
		if (c == 'x' && i + 2 < s.len) {
			out[n++] = (char)(hex_digit(s.s[i + 1]) << 4 | hex_digit(s.s[i + 2]));
			i += 2;
			continue;
		}
		out[n++] = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
	}
	return str_make(out, n);
}

static int read_regex(struct str token, struct yara_string *s)
{
	ptrdiff_t end = str_rfind_char(token, '/');

	if (end < 1)
		return -EINVAL;
	struct str letters = str_skip(token, (size_t)end + 1);
	s->kind = YARA_REGEX;
	s->text = str_make(token.s + 1, (size_t)end - 1);
	s->is_nocase = str_find_char(letters, 'i') >= 0;
	s->is_dotall = str_find_char(letters, 's') >= 0;
	return 0;
}

static int read_value(struct str *rest, struct arena *a, struct yara_string *s)
{
	struct yara_token t = yara_token_next(rest);

	if (t.kind == TOKEN_REGEX)
		return read_regex(t.text, s);
	if (t.kind == TOKEN_TEXT && t.text.len >= 2) {
		s->text = unescape(a, str_make(t.text.s + 1, t.text.len - 2));
		return s->text.s ? 0 : -ENOMEM;
	}
	if (!yara_token_is(t, "{"))
		return -EINVAL;
	s->kind = YARA_HEX;
	while (!yara_token_is(t = yara_token_next(rest), "}"))
		if (t.kind == TOKEN_END)
			return -EINVAL;
	return 0;
}

static void read_modifiers(struct str *rest, struct yara_string *s)
{
	for (struct yara_token t = peek(*rest);
		t.kind == TOKEN_NAME && !str_is(t.text, "condition"); t = peek(*rest)) {
		yara_token_next(rest);
		s->is_nocase |= str_is(t.text, "nocase");
		s->is_narrowed |= str_is(t.text, "fullword");
		s->is_changed |= str_is(t.text, "wide") || str_is(t.text, "xor") ||
				 str_is(t.text, "base64") || str_is(t.text, "base64wide");
		if (!take(rest, "("))
			continue;
		while (!yara_token_is(t = yara_token_next(rest), ")") && t.kind != TOKEN_END)
			;
	}
}

static int read_string(struct str *rest, struct arena *a, struct yara_string *s)
{
	*s = (struct yara_string){.name = yara_token_next(rest).text};
	int r = take(rest, "=") ? read_value(rest, a, s) : -EINVAL;

	if (r == 0)
		read_modifiers(rest, s);
	return r;
}

static int read_strings(struct str *rest, struct arena *a, struct yara_rule *r)
{
	struct yara_string all[YARA_MAX_STRINGS];

	while (peek(*rest).kind == TOKEN_STRING) {
		int error = r->nstrings < YARA_MAX_STRINGS
				    ? read_string(rest, a, &all[r->nstrings++])
				    : -E2BIG;

		if (error < 0)
			return error;
	}
	r->strings = arena_array(a, struct yara_string, r->nstrings + 1);
	if (!r->strings)
		return -ENOMEM;
	memcpy(r->strings, all, r->nstrings * sizeof(*all));
	return 0;
}

/* ---- rules -------------------------------------------------------------------------------- */

/* Skips to the word and its colon; false when the rule ends first. */
static bool skip_to(struct str *rest, const char *const *words, size_t *found)
{
	for (;;) {
		struct yara_token t = yara_token_next(rest);

		if (t.kind == TOKEN_END || yara_token_is(t, "}"))
			return false;
		for (*found = 0; words[*found]; ++*found)
			if (yara_token_is(t, words[*found]) && take(rest, ":"))
				return true;
	}
}

static struct str read_condition(struct str *rest)
{
	struct str from = *rest;

	for (;;) {
		struct yara_token t = yara_token_next(rest);

		if (t.kind == TOKEN_END || yara_token_is(t, "}"))
			return str_head(from, (size_t)(rest->s - from.s) - t.text.len);
	}
}

static int read_rule(struct str *rest, struct arena *a, struct yara_rule *r)
{
	static const char *const sections[] = {"strings", "condition", NULL};
	size_t which;

	r->name = yara_token_next(rest).text;
	while (!take(rest, "{"))
		if (yara_token_next(rest).kind == TOKEN_END)
			return -EINVAL;
	if (!skip_to(rest, sections, &which))
		return -EINVAL;
	if (which == 0) {
		int error = read_strings(rest, a, r);

		if (error < 0)
			return error;
		if (!take(rest, "condition") || !take(rest, ":"))
			return -EINVAL;
	}
	r->condition = read_condition(rest);
	return 1;
}

int yara_source_next(struct str *rest, struct arena *a, struct yara_rule *ret, struct err *e)
{
	struct yara_token t;

	*ret = (struct yara_rule){.nstrings = 0};
	while (!yara_token_is(t = yara_token_next(rest), "rule")) {
		if (t.kind == TOKEN_END)
			return 0;
		ret->is_global |= yara_token_is(t, "global");
	}
	int r = read_rule(rest, a, ret);
	if (r == -ENOMEM)
		return err_set(e, ENOMEM, "no memory for the text of the YARA rules");
	if (r < 0)
		return err_set(e, -r,
			"rule %.*s: its gate cannot be made: write its strings and "
			"condition more simply",
			STR_ARG(str_head(ret->name, 128)));
	return r;
}
