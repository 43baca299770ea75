/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line around a value, for people, without the value: every hit in it is masked, whatever looks
 * random is masked too (another secret that no rule knows), and in the end no six bytes of the
 * value may be left anywhere, in whatever way they came there. Only printable text comes out.
 */
#include <ctype.h>

#include "engine/secret/private.h"

enum {
	LEFT = 90, /* bytes of the line that are shown on either side */
	RIGHT = 60,
	PIECE = 6,      /* so many bytes of a value in a row are never shown */
	LONG_WORD = 20, /* a random one of this length is masked */
};

static size_t line_start(struct str t, size_t at)
{
	size_t from = at > LEFT ? at - LEFT : 0, i = at;

	while (i > from && t.s[i - 1] != '\n' && t.s[i - 1] != '\r' && t.s[i - 1] != '\0')
		i--;
	return i;
}

static size_t line_end(struct str t, size_t at)
{
	size_t to = at + RIGHT < t.len ? at + RIGHT : t.len, i = at;

	while (i < to && t.s[i] != '\n' && t.s[i] != '\r' && t.s[i] != '\0')
		i++;
	return i;
}

static void add_shown(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		buf_add_char(b, c == '\t' ? ' ' : c < 0x20 || c > 0x7e ? '.' : (char)c);
	}
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || strchr("+/_-=", c);
}

/* What stands in a piece of the line that no rule took, long random words masked. */
static void add_careful(struct buf *b, struct str s)
{
	while (s.len) {
		size_t n = 0;

		while (n < s.len && is_word_byte(s.s[n]))
			n++;
		if (n >= LONG_WORD && secret_looks_random(str_head(s, n)))
			buf_add_cstr(b, "****");
		else
			add_shown(b, str_head(s, n ? n : 1));
		s = str_skip(s, n ? n : 1);
	}
}

/* The first hit that covers or follows `at` before `end`; NULL when there is none. */
static const struct secret_hit *next_hit(const struct secret_scanner *s, size_t at, size_t end)
{
	const struct secret_hit *best = NULL;

	for (size_t i = 0; i < s->nhits; i++) {
		const struct secret_hit *h = &s->hits[i];

		if (h->start >= end)
			break;
		if (h->start + h->len > at && (!best || h->start < best->start))
			best = h;
	}
	return best;
}

/* Any piece of the value that is still there is overwritten. */
static void wipe(char *out, size_t n, struct str value)
{
	for (size_t i = 0; value.len >= PIECE && i + PIECE <= n; i++)
		if (str_find(value, str_make(out + i, PIECE)) >= 0)
			memset(out + i, '*', PIECE);
}

struct str secret_redact(
	const struct secret_scanner *s, const struct secret_hit *h, char out[SECRET_EXCERPT_MAX])
{
	struct buf b = buf_fixed(out, SECRET_EXCERPT_MAX);
	size_t at = line_start(s->text, h->start), end = line_end(s->text, h->start + h->len);

	while (at < end) {
		const struct secret_hit *o = next_hit(s, at, end);
		size_t stop = o ? o->start : end;

		if (stop > at)
			add_careful(&b, str_make(s->text.s + at, stop - at));
		if (!o)
			break;
		buf_add_cstr(&b, "****");
		at = o->start + o->len > at ? o->start + o->len : at + 1;
	}
	wipe(out, b.len, str_make(s->text.s + h->start, h->len));
	return str_trim(buf_str(&b));
}
