/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON into a buffer; bad UTF-8 cannot get through. */
#include "base/json.h"

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

		if (n == 0) {
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

void json_add_key(struct buf *b, bool *first, const char *key)
{
	if (!*first)
		buf_add_char(b, ',');
	*first = false;
	json_add_str(b, str_of(key));
	buf_add_char(b, ':');
}
