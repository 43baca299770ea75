/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding URLs, domains and addresses in bytes of any kind. Everything of interest has a dot in it
 * (or a bracket, for IPv6 in URLs), so the search jumps from dot to dot; around one it takes in
 * what can belong to a host name, and then looks left for a scheme and right for a port. Whether a
 * name means something is not asked here.
 */
#include "engine/indicator/private.h"

enum { SCHEME_MAX = 20, USER_MAX = 300 };

enum { C_HOST = 1, C_SCHEME = 2, C_USER = 4, C_DIGIT = 8 };

/* What each byte can be part of: a host, a scheme, the user in front of an "@". */
static uint8_t class_of(char c)
{
	if (c >= '0' && c <= '9')
		return C_HOST | C_SCHEME | C_USER | C_DIGIT;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return C_HOST | C_SCHEME | C_USER;
	if (c == '-' || c == '.')
		return C_HOST | C_SCHEME | C_USER;
	if (c == '_')
		return C_HOST | C_USER;
	if (c == '+')
		return C_SCHEME | C_USER;
	return c && strchr("~!$&'()*,;=:%", c) ? C_USER : 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- what stands around a host ------------------------------------------------------------- */

/* "scheme://" or "scheme://user:password@" that ends at `at`; *begin is where it starts. */
static struct str scheme_before(struct str text, size_t floor, size_t at, size_t *begin)
{
	size_t end = at;

	if (end > floor && text.s[end - 1] == '@') {
		size_t stop = end - 1 > floor + USER_MAX ? end - 1 - USER_MAX : floor;

		for (end--; end > stop && class_of(text.s[end - 1]) & C_USER; end--)
			;
	}
	if (end < floor + 4 || memcmp(text.s + end - 2, "//", 2) != 0 || text.s[end - 3] != ':')
		return STR_NULL;
	size_t colon = end - 3, from = colon;
	while (from > floor && colon - from < SCHEME_MAX && class_of(text.s[from - 1]) & C_SCHEME)
		from--;
	if (from == colon)
		return STR_NULL;
	*begin = from;
	return str_make(text.s + from, colon - from);
}

static size_t port_behind(struct str text, size_t at, unsigned *port)
{
	size_t n = at + 1;
	unsigned v = 0;

	if (at >= text.len || text.s[at] != ':')
		return at;
	while (n < text.len && n < at + 7 && class_of(text.s[n]) & C_DIGIT)
		v = v * 10 + (unsigned)(text.s[n++] - '0');
	if (n == at + 1 || v == 0 || v > 65535)
		return at;
	*port = v;
	return n;
}

/* ---- what a host is ------------------------------------------------------------------------ */

static bool is_ipv4(struct str s)
{
	for (unsigned i = 0; i < 4; i++) {
		struct str part = str_cut(&s, '.');
		uint64_t v;

		if (part.len == 0 || part.len > 3 || (part.len > 1 && part.s[0] == '0') ||
			!str_to_u64(part, 10, &v) || v > 255 || (i < 3) != (s.s != NULL))
			return false;
	}
	return true;
}

/*
 * Two labels or more, none empty; the last is a top-level domain, or behind a scheme at least a
 * word: private networks have names of their own.
 */
static bool is_domain(const struct indicators *i, struct str s, bool has_scheme)
{
	char tmp[DOMAIN_MAX + 1];
	struct str clean;

	if (s.len < 4 || !domain_clean(s, tmp, &clean) || clean.len != s.len)
		return false;
	ptrdiff_t dot = str_rfind_char(clean, '.');
	if (dot < 1)
		return false;
	struct str top = str_skip(clean, (size_t)dot + 1);
	return indicators_is_suffix(i, top) ||
	       (has_scheme && top.len >= 2 && top.s[0] >= 'a' && top.s[0] <= 'z');
}

/* Top-level domains that are endings of files or words of programs as well. */
static bool is_doubtful_end(struct str top)
{
	static const char *const ends[] = {"ac", "am", "app", "as", "at", "br", "build", "by", "bz",
		"cc", "cl", "click", "data", "date", "diy", "do", "fail", "fm", "for", "form",
		"gdn", "host", "id", "in", "ink", "int", "is", "it", "la", "lib", "link", "map",
		"md", "media", "ml", "mm", "mov", "mo", "name", "net", "new", "now", "open", "page",
		"pl", "pm", "pro", "ps", "py", "rs", "run", "save", "search", "select", "sh",
		"show", "so", "start", "store", "style", "tc", "to", "top", "tools", "type", "vi",
		"watch", "zip", "zone", "info", "call", "py", "cat", "post", "prof", "menu",
		"swift", "java", "dev", "parts", "red", "blue", "black", "download", "uno", "ai",
		"io", "ph", "sc", "st", "mn", "im", "my", "me", "be", "tt", "ee", "gs", "ms", "ns",
		"us", NULL};

	for (size_t k = 0; ends[k]; k++)
		if (str_ieq(top, str_of(ends[k])))
			return true;
	return false;
}

/*
 * A domain that stands alone, in the middle of a program, may be a member or a file: one with
 * capital letters, one that is called or continued ("a.b(", "a.b/c.h" is left), one of two short
 * labels whose end is a word.
 */
static bool looks_like_symbol(struct str text, struct str s, size_t at)
{
	struct str top = str_skip(s, (size_t)str_rfind_char(s, '.') + 1);
	ptrdiff_t first = str_find_char(s, '.');
	char before = at ? text.s[at - 1] : 0;
	char behind = at + s.len < text.len ? text.s[at + s.len] : 0;

	for (size_t k = 0; k < s.len; k++)
		if (s.s[k] == '_' || (s.s[k] >= 'A' && s.s[k] <= 'Z'))
			return true;
	if (behind == '(' || behind == '[' || behind == '=' || before == '$' || before == '/' ||
		before == '\\' || before == '>')
		return true;
	bool has_two = (size_t)first + 1 + top.len == s.len;
	return has_two && (first < 3 || is_doubtful_end(top));
}

static void trim_ends(struct str text, size_t *begin, size_t *end)
{
	while (*begin < *end && !is_alnum(text.s[*begin]))
		++*begin;
	while (*end > *begin && !is_alnum(text.s[*end - 1]))
		--*end;
}

/* "user.name:password@host": what looks like a host is the user in front of one. */
static bool is_user(struct str text, size_t end)
{
	size_t stop = end + USER_MAX < text.len ? end + USER_MAX : text.len;

	while (end < stop && class_of(text.s[end]) & C_USER)
		end++;
	return end < stop && text.s[end] == '@';
}

/*
 * Judges the run of host characters [begin, end) with its surroundings; what stands in front of
 * `floor` belongs to a name that was given out.
 */
static bool judge(const struct indicators *i, struct str text, size_t floor, size_t begin,
	size_t end, size_t *at, struct net_name *ret)
{
	trim_ends(text, &begin, &end);
	*ret = (struct net_name){.text = str_make(text.s + begin, end - begin), .at = begin};
	if (ret->text.len < 4 || ret->text.len > DOMAIN_MAX)
		return false;
	ret->is_address = is_ipv4(ret->text);
	/* most runs with a dot in them are no names: the end is looked at first */
	bool is_name = ret->is_address || is_domain(i, ret->text, false);
	ret->scheme = scheme_before(text, floor, begin, &ret->at);
	if (!is_name && !(ret->scheme.len && is_domain(i, ret->text, true)))
		return false;
	if (ret->scheme.len && is_user(text, end))
		return false;
	size_t behind = port_behind(text, end, &ret->port);
	if (!ret->scheme.len && !ret->port && !ret->is_address &&
		looks_like_symbol(text, ret->text, begin))
		return false;
	*at = behind;
	return true;
}

bool net_name_next(const struct indicators *i, struct str text, size_t *at, struct net_name *ret)
{
	const size_t given = *at;
	size_t floor = given, from = given;

	while (from < text.len) {
		const char *p = memchr(text.s + from, '.', text.len - from);

		if (!p)
			break;
		size_t dot = (size_t)(p - text.s), begin = dot, end = dot + 1;
		from = end;
		if (dot == floor || end >= text.len || !is_alnum(text.s[dot - 1]) ||
			!is_alnum(text.s[end]))
			continue;
		while (begin > floor && class_of(text.s[begin - 1]) & C_HOST)
			begin--;
		while (end < text.len && class_of(text.s[end]) & C_HOST)
			end++;
		from = end;
		if (judge(i, text, given, begin, end, at, ret))
			return true;
		floor = end;
	}
	*at = text.len;
	return false;
}
