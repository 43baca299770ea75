/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell patterns as fnmatch(3) without flags in the C locale: `*` and `?` match `/` too, brackets
 * with ranges, `!` or `^`, and [:class:], backslash escapes. fnmatch() itself wants NUL-terminated
 * text and may allocate. Time is at most pattern × text: only the last star is ever tried again.
 */
#include "engine/filter/value.h"

#include <ctype.h>

static unsigned char fold(unsigned char c, bool fold_case)
{
	return fold_case && c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static const struct {
	const char *name;
	int (*has)(int c);
} classes[] = {
	{"alnum", isalnum},
	{"alpha", isalpha},
	{"blank", isblank},
	{"cntrl", iscntrl},
	{"digit", isdigit},
	{"graph", isgraph},
	{"lower", islower},
	{"print", isprint},
	{"punct", ispunct},
	{"space", isspace},
	{"upper", isupper},
	{"xdigit", isxdigit},
};

/* "[:digit:]" at p: whether c is in it; *used = 0 when it is no class. */
static bool in_class(struct str p, unsigned char c, size_t *used)
{
	ptrdiff_t end = p.len > 3 ? str_find(str_skip(p, 2), STR(":]")) : -1;

	*used = 0;
	if (end < 0 || p.s[1] != ':')
		return false;
	struct str name = str_make(p.s + 2, (size_t)end);
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (!str_is(name, classes[i].name))
			continue;
		*used = (size_t)end + 4;
		return c < 128 && classes[i].has(c);
	}
	return false;
}

/* One byte of a bracket, escape included; moves *i behind it. */
static unsigned char bracket_byte(struct str p, size_t *i)
{
	if (p.s[*i] == '\\' && *i + 1 < p.len)
		(*i)++;
	return (unsigned char)p.s[(*i)++];
}

/* The bracket at p.s[0] against a byte: its length, 0 when it has no end (then '[' is plain). */
static size_t bracket(struct str p, unsigned char raw, bool fold_case, bool *ret_match)
{
	unsigned char c = fold(raw, fold_case);
	bool negate = p.len > 1 && (p.s[1] == '!' || p.s[1] == '^'), found = false;
	size_t first = negate ? 2 : 1, used;

	for (size_t i = first; i < p.len;) {
		if (p.s[i] == ']' && i > first) {
			*ret_match = found != negate;
			return i + 1;
		}
		if (p.s[i] == '[') {
			found |= in_class(str_skip(p, i), raw, &used);
			if (used) {
				i += used;
				continue;
			}
		}
		unsigned char lo = fold(bracket_byte(p, &i), fold_case), hi = lo;
		if (i + 1 < p.len && p.s[i] == '-' && p.s[i + 1] != ']') {
			i++;
			hi = fold(bracket_byte(p, &i), fold_case);
		}
		found |= c >= lo && c <= hi;
	}
	return 0;
}

/* How many pattern bytes match c: 0 = they do not. */
static size_t match_one(struct str p, unsigned char raw, bool fold_case)
{
	unsigned char c = fold(raw, fold_case);
	bool found;
	size_t used;

	switch (p.s[0]) {
	case '?':
		return 1;
	case '[':
		used = bracket(p, raw, fold_case, &found);
		if (used)
			return found ? used : 0;
		return c == '[';
	case '\\':
		if (p.len > 1)
			return fold((unsigned char)p.s[1], fold_case) == c ? 2 : 0;
		return 0; /* fnmatch: a lone backslash at the end matches nothing */
	default:
		return fold((unsigned char)p.s[0], fold_case) == c;
	}
}

bool glob_match(struct str pattern, struct str text, bool fold_case)
{
	struct str p = pattern, star = STR_NULL;
	size_t at = 0, star_at = 0;

	while (at < text.len) {
		size_t used = 0;

		if (p.len && p.s[0] == '*') {
			p = star = str_skip(p, 1);
			star_at = at;
			if (!p.len)
				return true;
			continue;
		}
		if (p.len)
			used = match_one(p, (unsigned char)text.s[at], fold_case);
		if (used) {
			p = str_skip(p, used);
			at++;
		} else if (star.s) {
			p = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (p.len && p.s[0] == '*')
		p = str_skip(p, 1);
	return !p.len;
}
