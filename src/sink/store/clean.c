/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record's line that does not parse as it is, before it is tried once more. What a database must
 * not see is made harmless, and what cannot be is refused: bytes that are no UTF-8 (RFC 3629), NULs
 * and lone surrogates (written as \u escapes) become U+FFFD; a number that fits neither 64 bits nor
 * a double becomes a string of its digits; nesting beyond the limit is refused. One pass, and no
 * copy of a line that is clean. It is no JSON parser: what is broken otherwise passes through, and
 * the parser refuses it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "sink/store/private.h"

#define REPLACEMENT "\xef\xbf\xbd"

struct cleaner {
	struct str in;
	size_t at, copied; /* in[0…copied) is in out, if there is an out */
	struct buf out;
	unsigned depth;
	bool in_string, is_changed;
};

/* Puts `with` in the place of the next n bytes. */
static void replace(struct cleaner *c, size_t n, struct str with)
{
	buf_add(&c->out, str_make(c->in.s + c->copied, c->at - c->copied));
	buf_add(&c->out, with);
	c->at += n;
	c->copied = c->at;
	c->is_changed = true;
}

static bool hex4(struct str s, unsigned *ret)
{
	uint64_t v = 0;

	if (s.len < 4 || !str_to_u64(str_head(s, 4), 16, &v))
		return false;
	*ret = (unsigned)v;
	return true;
}

/* At a backslash in a string. */
static void clean_escape(struct cleaner *c)
{
	struct str s = str_skip(c->in, c->at);
	unsigned unit = 0, low = 0;

	if (s.len < 2 || s.s[1] != 'u' || !hex4(str_skip(s, 2), &unit)) {
		c->at += s.len < 2 || (unsigned char)s.s[1] >= 0x80 ? 1 : 2;
		return;
	}
	bool is_high = unit >= 0xd800 && unit < 0xdc00;
	if (is_high && s.len >= 12 && s.s[6] == '\\' && s.s[7] == 'u' &&
		hex4(str_skip(s, 8), &low) && low >= 0xdc00 && low < 0xe000)
		c->at += 12;
	else if (unit == 0 || (unit >= 0xd800 && unit < 0xe000))
		replace(c, 6, STR(REPLACEMENT));
	else
		c->at += 6;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void clean_number(struct cleaner *c)
{
	size_t n = 0;
	bool is_real = false;
	struct str s = str_skip(c->in, c->at);
	char text[NUMBER_MAX + 1];
	int64_t i = 0;

	while (n < s.len && (is_digit(s.s[n]) || (s.s[n] && strchr("+-.eE", s.s[n])))) {
		is_real |= s.s[n] == '.' || s.s[n] == 'e' || s.s[n] == 'E';
		n++;
	}
	s.len = n;
	bool fits = is_real ? str_copy(s, text, sizeof(text)) && isfinite(strtod(text, NULL))
			    : n < 18 || str_to_s64(s, 10, &i);
	if (fits) {
		c->at += n;
		return;
	}
	replace(c, 0, STR("\""));
	c->at += n;
	replace(c, 0, STR("\""));
}

static void clean_string_byte(struct cleaner *c)
{
	unsigned char b = (unsigned char)c->in.s[c->at];

	if (b == '"') {
		c->in_string = false;
		c->at++;
	} else if (b == '\\') {
		clean_escape(c);
	} else if (b < 0x20) {
		replace(c, 1, b ? STR(" ") : STR(REPLACEMENT));
	} else if (b < 0x80) {
		c->at++;
	} else {
		size_t n = utf8_len(str_skip(c->in, c->at));

		if (n)
			c->at += n;
		else
			replace(c, 1, STR(REPLACEMENT));
	}
}

static bool clean_byte(struct cleaner *c)
{
	unsigned char b = (unsigned char)c->in.s[c->at];

	if (c->in_string) {
		size_t n = json_plain_len(str_skip(c->in, c->at));

		c->at += n;
		if (!n)
			clean_string_byte(c);
		return true;
	}
	if (b == '-' || (b >= '0' && b <= '9')) {
		clean_number(c);
		return true;
	}
	if (b == '"')
		c->in_string = true;
	else if (b == '{' || b == '[')
		c->depth++;
	else if ((b == '}' || b == ']') && c->depth)
		c->depth--;
	c->at++;
	return c->depth <= NODE_DEPTH_MAX;
}

bool record_clean(struct arena *a, struct str line, struct str *ret, char *reason, size_t size)
{
	struct cleaner c = {.in = str_trim(line), .out = BUF_INIT(4 * (size_t)STORE_RECORD_MAX)};
	bool ok = true;

	if (c.in.len > STORE_RECORD_MAX) {
		snprintf(reason, size, "longer than %d bytes", STORE_RECORD_MAX);
		return false;
	}
	while (ok && c.at < c.in.len)
		ok = clean_byte(&c);
	if (!ok)
		snprintf(reason, size, "nested deeper than %d levels", NODE_DEPTH_MAX);
	*ret = c.in;
	if (ok && c.is_changed) {
		replace(&c, 0, STR(""));
		*ret = arena_str(a, buf_str(&c.out));
		ok = ret->s && !c.out.cut;
		if (!ok)
			snprintf(reason, size, "too large once cleaned");
	}
	buf_done(&c.out);
	return ok;
}

struct str utf8_head(struct str s, size_t max)
{
	if (s.len <= max)
		return s;
	while (max && ((unsigned char)s.s[max] & 0xc0) == 0x80)
		max--;
	return str_head(s, max);
}
