/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON into a buffer; bad UTF-8 cannot get through, nor what rules a terminal. */
#include "base/json.h"

#include <endian.h>

/* Eight bytes at a time: the top bit of each byte that is a control, a quote, a backslash or above
 * ASCII. The lowest of them is exact, the others need not be: a borrow runs upwards only. */
static uint64_t special_bytes(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');

	return ((v - ones * 0x20) | (quote - ones) | (slash - ones) | v) & tops;
}

size_t json_plain_len(struct str s)
{
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		uint64_t v = 0, special = 0;

		memcpy(&v, s.s + i, sizeof(v));
		special = special_bytes(le64toh(v));
		if (special)
			return i + (size_t)__builtin_ctzll(special) / 8;
	}
	while (i < s.len && (unsigned char)s.s[i] >= 0x20 && (unsigned char)s.s[i] < 0x80 &&
		s.s[i] != '"' && s.s[i] != '\\')
		i++;
	return i;
}

size_t utf8_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.s;

	if (s.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
		   : (p[0] & 0xf0) == 0xe0        ? 3
		   : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						  : 0;
	if (n == 0 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void add_control(struct buf *b, unsigned char c)
{
	static const char names[] = "btn?fr"; /* 8, 9, 10, 11, 12, 13 */

	if (c >= 8 && c <= 13 && c != 11) {
		buf_add_char(b, '\\');
		buf_add_char(b, names[c - 8]);
	} else {
		buf_printf(b, "\\u%04x", c);
	}
}

/*
 * Characters of two or three bytes that a terminal or a viewer obeys instead of showing: the
 * controls U+0080 to U+009F, the line ends U+2028 and U+2029, and what turns the direction of a
 * text around (U+202A to U+202E, U+2066 to U+2069), so that a name reads as another. Their code
 * point, or 0.
 */
static unsigned ruling_char(const unsigned char *p, size_t n)
{
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return p[1];
	if (n != 3 || p[0] != 0xe2 || p[1] > 0x81)
		return 0;
	unsigned c = 0x2000 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
	return (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ? c : 0;
}

void json_add_escaped(struct buf *b, struct str s)
{
	while (s.len) {
		size_t run = 0;

		/* the common case: a run of plain ASCII, added at once */
		while (run < s.len && (unsigned char)s.s[run] >= 0x20 && s.s[run] != '"' &&
			s.s[run] != '\\' && (unsigned char)s.s[run] < 0x7f)
			run++;
		buf_add(b, str_head(s, run));
		s = str_skip(s, run);
		if (!s.len)
			break;
		size_t n = utf8_len(s);
		unsigned char c = (unsigned char)s.s[0];
		unsigned ruling = ruling_char((const unsigned char *)s.s, n);

		if (ruling) {
			buf_printf(b, "\\u%04x", ruling);
		} else if (n == 0) {
			buf_add_cstr(b, "\xef\xbf\xbd");
			n = 1;
		} else if (n > 1) {
			buf_add(b, str_head(s, n));
		} else if (c == '"' || c == '\\') {
			buf_add_char(b, '\\');
			buf_add_char(b, (char)c);
		} else {
			add_control(b, c);
		}
		s = str_skip(s, n);
	}
}

void json_add_str(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	json_add_escaped(b, s);
	buf_add_char(b, '"');
}

enum { PIECE = 32 }; /* bytes that are escaped at once when a string nears its limit */

/* The first PIECE bytes, without cutting a character in two. */
static struct str piece_of(struct str s)
{
	size_t n = s.len < PIECE ? s.len : PIECE;

	for (int back = 0; n < s.len && back < 3 && ((unsigned char)s.s[n] & 0xc0) == 0x80; back++)
		n--;
	return str_head(s, n);
}

/* A NUL, which JSON may hold, is what databases and readers of JSON refuse: it is no text either.
 */
static void add_without_nul(struct buf *out, struct str s)
{
	ptrdiff_t nul;

	while ((nul = str_find_char(s, 0)) >= 0) {
		json_add_escaped(out, str_head(s, (size_t)nul));
		buf_add_cstr(out, "\xef\xbf\xbd");
		s = str_skip(s, (size_t)nul + 1);
	}
	json_add_escaped(out, s);
}

void json_add_text(struct buf *out, struct str s, size_t max)
{
	size_t start = out->len;

	/* no byte becomes more than six */
	if (s.len * 6 <= max) {
		buf_add_char(out, '"');
		add_without_nul(out, s);
		buf_add_char(out, '"');
		return;
	}
	buf_add_char(out, '"');
	while (s.len && out->len - start < max) {
		struct str piece = piece_of(s);

		add_without_nul(out, piece);
		s = str_skip(s, piece.len);
	}
	buf_add_cstr(out, s.len ? "…\"" : "\"");
}

void json_add_key(struct buf *b, bool *first, const char *key)
{
	if (!*first)
		buf_add_char(b, ',');
	*first = false;
	json_add_str(b, str_of(key));
	buf_add_char(b, ':');
}

size_t utf8_put(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
