/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher of patterns. It is koban's own because Lua's cannot be interrupted: a few characters
 * of pattern can ask for more steps than there are seconds. Here each step is counted. Backtracking
 * recurses, to a depth that is bounded; what simply goes on loops.
 */
#include "face/chisel/lua_match.h"

#include <ctype.h>

#include "face/chisel/lua_private.h"

enum { DEPTH_MAX = 200 };

static const char *match(struct match *m, const char *s, const char *p);

static const char *text_end(const struct match *m)
{
	return m->text.s + m->text.len;
}

static const char *pattern_end(const struct match *m)
{
	return m->pattern.s + m->pattern.len;
}

/* ---- single characters ----------------------------------------------------------------------- */

static bool is_in_class(unsigned char c, unsigned char letter)
{
	bool in;

	switch (tolower(letter)) {
	case 'a':
		in = isalpha(c);
		break;
	case 'c':
		in = iscntrl(c);
		break;
	case 'd':
		in = isdigit(c);
		break;
	case 'g':
		in = isgraph(c);
		break;
	case 'l':
		in = islower(c);
		break;
	case 'p':
		in = ispunct(c);
		break;
	case 's':
		in = isspace(c);
		break;
	case 'u':
		in = isupper(c);
		break;
	case 'w':
		in = isalnum(c);
		break;
	case 'x':
		in = isxdigit(c);
		break;
	case 'z':
		in = c == 0;
		break;
	default:
		return letter == c;
	}
	return isupper(letter) ? !in : in;
}

/* Behind the ']' of the set that begins at p; a ']' that comes first is a member. */
static const char *set_end(struct match *m, const char *p)
{
	const char *end = pattern_end(m);

	p++;
	if (p < end && *p == '^')
		p++;
	do {
		if (p >= end)
			luaL_error(m->L, "malformed pattern (missing ']')");
		p += *p == '%' && p + 1 < end ? 2 : 1;
	} while (p >= end || *p != ']');
	return p + 1;
}

/* Behind the single-character item that begins at p. */
static const char *item_end(struct match *m, const char *p)
{
	if (*p == '[')
		return set_end(m, p);
	if (*p != '%')
		return p + 1;
	if (p + 1 >= pattern_end(m))
		luaL_error(m->L, "malformed pattern (ends with '%%')");
	return p + 2;
}

/* p at '[', end behind ']'. */
static bool is_in_set(unsigned char c, const char *p, const char *end)
{
	bool negated = p[1] == '^';

	end--;
	for (p += negated ? 2 : 1; p < end; p++) {
		if (*p == '%') {
			if (is_in_class(c, (unsigned char)*++p))
				return !negated;
		} else if (p + 2 < end && p[1] == '-') {
			if ((unsigned char)*p <= c && c <= (unsigned char)p[2])
				return !negated;
			p += 2;
		} else if ((unsigned char)*p == c) {
			return !negated;
		}
	}
	return negated;
}

static bool is_one(const struct match *m, const char *s, const char *p, const char *end)
{
	if (s >= text_end(m))
		return false;
	switch (*p) {
	case '.':
		return true;
	case '%':
		return is_in_class((unsigned char)*s, (unsigned char)p[1]);
	case '[':
		return is_in_set((unsigned char)*s, p, end);
	default:
		return *p == *s;
	}
}

/* ---- repetition ------------------------------------------------------------------------------ */

static const char *match_longest(
	struct match *m, const char *s, const char *p, const char *end, ptrdiff_t least)
{
	ptrdiff_t n = 0;

	while (is_one(m, s + n, p, end))
		n++;
	script_vm_work(m->L, (unsigned)(n >> 4));
	for (; n >= least; n--) {
		const char *r = match(m, s + n, end + 1);

		if (r)
			return r;
	}
	return NULL;
}

static const char *match_shortest(struct match *m, const char *s, const char *p, const char *end)
{
	for (;; s++) {
		const char *r = match(m, s, end + 1);

		if (r)
			return r;
		if (!is_one(m, s, p, end))
			return NULL;
	}
}

/* ---- captures -------------------------------------------------------------------------------- */

static const char *open_capture(struct match *m, const char *s, const char *p, ptrdiff_t len)
{
	if (m->ncaptures >= MATCH_CAPTURES)
		luaL_error(m->L, "too many captures");
	m->captures[m->ncaptures++] = (struct match_capture){s, len};
	const char *r = match(m, s, p);
	if (!r)
		m->ncaptures--;
	return r;
}

static const char *close_capture(struct match *m, const char *s, const char *p)
{
	unsigned i = m->ncaptures;

	while (i > 0 && m->captures[i - 1].len != MATCH_OPEN)
		i--;
	if (!i)
		luaL_error(m->L, "invalid pattern capture");
	struct match_capture *c = &m->captures[i - 1];
	c->len = s - c->start;
	const char *r = match(m, s, p);
	if (!r)
		c->len = MATCH_OPEN;
	return r;
}

/* %1: the same text again. Where it ends. */
static const char *match_again(struct match *m, const char *s, char digit)
{
	unsigned i = (unsigned)(digit - '1');

	if (i >= m->ncaptures || m->captures[i].len == MATCH_OPEN)
		luaL_error(m->L, "invalid capture index %%%d", (int)i + 1);
	const struct match_capture *c = &m->captures[i];
	size_t len = c->len == MATCH_POSITION ? 0 : (size_t)c->len;
	script_vm_work(m->L, (unsigned)(len >> 8));
	if ((size_t)(text_end(m) - s) < len || memcmp(c->start, s, len) != 0)
		return NULL;
	return s + len;
}

/* %bxy */
static const char *match_balanced(struct match *m, const char *s, const char *p)
{
	if (pattern_end(m) - p < 2)
		luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
	if (s >= text_end(m) || *s != p[0])
		return NULL;
	size_t open = 1;
	for (const char *at = s + 1; at < text_end(m); at++) {
		if (((at - s) & 255) == 0)
			script_vm_work(m->L, 16);
		if (*at == p[1]) {
			if (--open == 0)
				return at + 1;
		} else if (*at == p[0]) {
			open++;
		}
	}
	return NULL;
}

/* %f[set]: between a character that is not in the set and one that is. p behind the f. */
static bool is_frontier(struct match *m, const char *s, const char *p, const char **ret_end)
{
	if (p >= pattern_end(m) || *p != '[')
		luaL_error(m->L, "missing '[' after '%%f' in pattern");
	*ret_end = set_end(m, p);
	unsigned char before = s == m->text.s ? 0 : (unsigned char)s[-1];
	unsigned char after = s == text_end(m) ? 0 : (unsigned char)*s;

	return !is_in_set(before, p, *ret_end) && is_in_set(after, p, *ret_end);
}

/* ---- items one behind another ---------------------------------------------------------------- */

/* One item with its quantifier; true when *ret is the answer, false to go on at *s, *p. */
static bool match_item(struct match *m, const char **s, const char **p, const char **ret)
{
	const char *end = item_end(m, *p);
	char quantifier = end < pattern_end(m) ? *end : 0;
	bool is_here;

	switch (quantifier) {
	case '*':
		*ret = match_longest(m, *s, *p, end, 0);
		return true;
	case '+':
		*ret = match_longest(m, *s, *p, end, 1);
		return true;
	case '-':
		*ret = match_shortest(m, *s, *p, end);
		return true;
	case '?':
		is_here = is_one(m, *s, *p, end);
		if (is_here && (*ret = match(m, *s + 1, end + 1)))
			return true;
		*p = end + 1;
		return false;
	default:
		*ret = NULL;
		if (!is_one(m, *s, *p, end))
			return true;
		++*s;
		*p = end;
		return false;
	}
}

/* %b, %f, %1 to %9; as above. `is_escape` tells whether it was one of them. */
static bool match_escape(
	struct match *m, const char **s, const char **p, const char **ret, bool *is_escape)
{
	char c = *p + 1 < pattern_end(m) ? (*p)[1] : 0;

	*ret = NULL;
	*is_escape = true;
	if (c == 'b') {
		*s = match_balanced(m, *s, *p + 2);
		*p += 4;
		return *s == NULL;
	}
	if (c == 'f')
		return !is_frontier(m, *s, *p + 2, p);
	if (c >= '0' && c <= '9') {
		*s = match_again(m, *s, c);
		*p += 2;
		return *s == NULL;
	}
	*is_escape = false;
	return false;
}

static const char *match_on(struct match *m, const char *s, const char *p)
{
	const char *ret = NULL, *end = pattern_end(m);
	bool is_escape, is_done = false;

	while (!is_done && p < end) {
		script_vm_work(m->L, 1);
		is_escape = false;
		if (*p == '(') {
			bool is_position = p + 1 < end && p[1] == ')';

			return open_capture(m, s, p + (is_position ? 2 : 1),
				is_position ? MATCH_POSITION : MATCH_OPEN);
		}
		if (*p == ')')
			return close_capture(m, s, p + 1);
		if (*p == '$' && p + 1 == end)
			return s == text_end(m) ? s : NULL;
		if (*p == '%')
			is_done = match_escape(m, &s, &p, &ret, &is_escape);
		if (!is_escape)
			is_done = match_item(m, &s, &p, &ret);
	}
	return is_done ? ret : s;
}

static const char *match(struct match *m, const char *s, const char *p)
{
	if (++m->depth > DEPTH_MAX)
		luaL_error(m->L, "pattern too complex");
	const char *r = match_on(m, s, p);

	m->depth--;
	return r;
}

const char *match_at(struct match *m, const char *s)
{
	m->ncaptures = m->depth = 0;
	return match(m, s, m->pattern.s);
}
