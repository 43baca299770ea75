/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of the condition language. There is no token stream: what a word means depends on
 * where it stands (`in` is an operator, a macro's name or a string), so the parser asks for the
 * token that it can use next. Knows bytes only, no grammar.
 */
#include "engine/filter/parse.h"

#include <errno.h>

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte at the cursor + n; 0 behind the end. */
static char peek(const struct lexer *l, size_t n)
{
	return l->text.len - l->at > n ? l->text.s[l->at + n] : 0;
}

static bool take(struct lexer *l, size_t n, struct str *ret)
{
	if (!n)
		return false;
	*ret = str_make(l->text.s + l->at, n);
	l->at += n;
	return true;
}

struct filter_pos lex_pos(struct lexer *l, size_t offset)
{
	struct filter_pos p = l->mark;

	if (!p.line || offset < p.offset)
		p = (struct filter_pos){.line = 1, .column = 1};
	for (size_t i = p.offset; i < offset && i < l->text.len; i++) {
		p.column++;
		if (l->text.s[i] == '\n') {
			p.line++;
			p.column = 1;
		}
	}
	p.offset = (uint32_t)offset;
	l->mark = p;
	return p;
}

bool lex_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

bool lex_blank(struct lexer *l)
{
	size_t start = l->at;

	while (l->at < l->text.len && lex_is_blank(l->text.s[l->at]))
		l->at++;
	return l->at > start;
}

bool lex_text(struct lexer *l, const char *text)
{
	size_t n = strlen(text);

	if (l->text.len - l->at < n || memcmp(l->text.s + l->at, text, n) != 0)
		return false;
	l->at += n;
	return true;
}

bool lex_peek_word(const struct lexer *l, const char *word)
{
	struct lexer copy = *l;

	return lex_text(&copy, word) && !is_word(peek(&copy, 0));
}

static size_t word_len(const struct lexer *l, size_t from)
{
	size_t n = from;

	if (!is_alpha(peek(l, n)))
		return 0;
	while (is_word(peek(l, n)))
		n++;
	return n - from;
}

bool lex_identifier(struct lexer *l, struct str *ret)
{
	return take(l, word_len(l, 0), ret);
}

bool lex_field_name(struct lexer *l, struct str *ret)
{
	size_t n = word_len(l, 0), parts = n ? 1 : 0, more;

	while (n && peek(l, n) == '.' && (more = word_len(l, n + 1))) {
		n += more + 1;
		parts++;
	}
	return parts > 1 && take(l, n, ret);
}

static size_t hex_len(const struct lexer *l)
{
	size_t n = 2;

	if (peek(l, 0) != '0' || (peek(l, 1) != 'x' && peek(l, 1) != 'X'))
		return 0;
	while (hex_value(peek(l, n)) >= 0)
		n++;
	return n > 2 ? n : 0;
}

static size_t decimal_len(const struct lexer *l)
{
	size_t n = peek(l, 0) == '+' || peek(l, 0) == '-', exp;

	if (!is_digit(peek(l, n)))
		return 0;
	while (is_digit(peek(l, n)))
		n++;
	if (peek(l, n) == '.')
		n++;
	while (is_digit(peek(l, n)))
		n++;
	if (peek(l, n) != 'e' && peek(l, n) != 'E')
		return n;
	exp = n + 1;
	if ((peek(l, exp) != '+' && peek(l, exp) != '-') || !is_digit(peek(l, exp + 1)))
		return n;
	for (n = exp + 1; is_digit(peek(l, n));)
		n++;
	return n;
}

bool lex_number(struct lexer *l, struct str *ret)
{
	size_t n = hex_len(l);

	return take(l, n ? n : decimal_len(l), ret);
}

bool lex_bare_char(char c)
{
	return c && !(c >= '\t' && c <= '\r') && !strchr(" ()\"'=,", c);
}

static bool bare_arg_char(char c)
{
	return c && !(c >= '\t' && c <= '\r') && !strchr(" []\"'", c);
}

bool lex_bare(struct lexer *l, struct str *ret)
{
	size_t n = 0;

	while (lex_bare_char(peek(l, n)))
		n++;
	return take(l, n, ret);
}

bool lex_bare_arg(struct lexer *l, struct str *ret)
{
	size_t n = 0;

	while (bare_arg_char(peek(l, n)))
		n++;
	return take(l, n, ret);
}

/* One escape behind a backslash; the bytes it takes, 0 when it is none. */
static size_t unescape(const struct lexer *l, char quote, char *ret, const char **why)
{
	static const char from[] = "bfnrt\\/ ", to[] = "\b\f\n\r\t\\/\\";
	char c = peek(l, 0);
	const char *at = c ? strchr(from, c) : NULL;

	if (at) {
		*ret = to[at - from];
		return 1;
	}
	if (c == 'x' && hex_value(peek(l, 1)) >= 0 && hex_value(peek(l, 2)) >= 0) {
		*ret = (char)(hex_value(peek(l, 1)) * 16 + hex_value(peek(l, 2)));
		return 3;
	}
	*ret = c;
	if (c == quote)
		return 1;
	if (c == '"' || c == '\'')
		*why = "a quote may be escaped only in a string of its own kind";
	else if (c == 'x')
		*why = "\\x needs two hexadecimal digits";
	else
		*why = "unknown escape: \\b \\f \\n \\r \\t \\\\ \\/ \\\" \\' and \\xHH exist";
	return 0;
}

/* The offset of the closing quote of the string that starts at the cursor, 0 when it is missing. */
static size_t closing_quote(const struct lexer *l, char quote)
{
	for (size_t i = l->at + 1; i < l->text.len; i++) {
		if (l->text.s[i] == quote)
			return i;
		if (l->text.s[i] == '\\')
			i++;
	}
	return 0;
}

int lex_quoted(struct lexer *l, struct arena *a, struct str *ret, const char **why, size_t *where)
{
	char quote = peek(l, 0);

	if (quote != '"' && quote != '\'')
		return 0;
	size_t end = closing_quote(l, quote), n = 0;
	/* escapes only shrink a text */
	char *out = end ? arena_raw(a, end - l->at) : NULL;
	*where = l->at;
	*why = end ? "out of memory" : "the closing quote is missing";
	if (!out)
		return -EINVAL;
	for (l->at++; l->at < end;) {
		if (peek(l, 0) != '\\') {
			out[n++] = l->text.s[l->at++];
			continue;
		}
		*where = l->at++;
		size_t used = unescape(l, quote, &out[n++], why);
		if (!used)
			return -EINVAL;
		l->at += used;
	}
	l->at = end + 1;
	out[n] = 0;
	*ret = str_make(out, n);
	return 1;
}
