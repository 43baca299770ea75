/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as archives write them, to the one form that all of koban compares: absolute, without "."
 * and "..", in UTF-8. And what content looks like at first sight.
 */
#include "base/json.h"
#include "scan/image/pass.h"

enum { TEXT_HEAD = 8192, ASCII_STEP = 64 };

static void add_utf8(struct buf *out, struct str s)
{
	size_t from = 0, at = 0;

	while (at < s.len) {
		size_t n = (unsigned char)s.s[at] < 0x80 ? 1 : utf8_len(str_skip(s, at));

		if (n) {
			at += n;
			continue;
		}
		buf_add(out, str_make(s.s + from, at - from));
		buf_printf(out, "\\x%02x", (unsigned char)s.s[at]);
		from = ++at;
	}
	buf_add(out, str_make(s.s + from, at - from));
}

bool name_normal(struct str prefix, struct str raw, struct buf *out)
{
	bool stays = true;

	buf_clear(out);
	buf_add(out, prefix);
	size_t root = out->len;
	while (raw.s) {
		struct str part = str_cut(&raw, '/');

		if (!part.len || str_is(part, "."))
			continue;
		if (!str_is(part, "..")) {
			buf_add_char(out, '/');
			add_utf8(out, part);
			continue;
		}
		stays = stays && out->len > root;
		while (out->len > root && out->s[out->len - 1] != '/')
			buf_cut(out, out->len - 1);
		if (out->len > root)
			buf_cut(out, out->len - 1);
	}
	if (out->len == root)
		buf_add_char(out, '/');
	return stays;
}

bool content_is_elf(struct str content)
{
	return content.len >= 20 && memcmp(content.s, "\177ELF", 4) == 0;
}

/* Control bytes that no text has; ESC, bell and backspace occur in texts for terminals. */
static bool is_odd(unsigned char c)
{
	return (c < 0x20 && (c < 7 || c > 13) && c != 0x1b) || c == 0x7f;
}

/*
 * Plain ASCII from the beginning on, in steps that a compiler makes vectors of: how much of it was
 * looked at. The rest is for who reads characters.
 */
static size_t skip_ascii(struct str s, size_t *odd)
{
	size_t i = 0;

	for (; i + ASCII_STEP <= s.len; i += ASCII_STEP) {
		const unsigned char *c = (const unsigned char *)s.s + i;
		unsigned char high = 0, n = 0;

		for (size_t k = 0; k < ASCII_STEP; k++) {
			high |= c[k];
			n += is_odd(c[k]);
		}
		if (high & 0x80)
			break;
		*odd += 2 * (size_t)n;
	}
	return i;
}

bool content_is_text(struct str content)
{
	struct str s = str_head(content, TEXT_HEAD);
	size_t odd = 0;

	if (s.len && memchr(s.s, 0, s.len))
		return false;
	for (size_t i = skip_ascii(s, &odd); i < s.len;) {
		unsigned char c = (unsigned char)s.s[i];
		size_t n = c < 0x80 ? 1 : utf8_len(str_skip(s, i));

		if (c < 0x80 ? is_odd(c) : !n)
			/* Latin letters are no control bytes, and a cut last character is none */
			odd += c < 0xa0 || c == 0xff ? 2 : s.len - i > 3;
		i += n ? n : 1;
	}
	return odd * 16 <= s.len;
}
