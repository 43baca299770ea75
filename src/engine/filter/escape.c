/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping in place. Nearly all text is printable ASCII and is only looked at, sixteen bytes at a
 * time; the rest is copied away and written again. Which bytes reach a terminal is decided here:
 * none that could be one of its commands, whatever files and processes are called.
 */
#include "engine/filter/escape.h"

#include "base/json.h"

typedef unsigned char lane __attribute__((vector_size(16)));
typedef signed char signed_lane __attribute__((vector_size(16)));

static inline bool is_plain_char(unsigned char c, bool in_json)
{
	return c >= 0x20 && c < 0x7f && !(in_json && (c == '"' || c == '\\'));
}

/*
 * All ones where a byte is plain. Of signed bytes, one more than 0x20 to 0x7e are above 0x20, and
 * no others: one addition and one comparison.
 */
static inline lane good_of(const char *s, bool in_json)
{
	const lane none = {0};
	lane v, good;

	memcpy(&v, s, sizeof(v));
	good = (lane)((signed_lane)(v + 1) > (signed_lane)(none + 0x20));
	if (in_json)
		good &= ~((lane)(v == none + '"') | (lane)(v == none + '\\'));
	return good;
}

static inline bool is_all(lane v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] & half[1]) == UINT64_MAX;
}

static inline bool is_plain(const char *s, size_t n, bool in_json)
{
	const lane none = {0};
	lane good = ~none;

	if (n < sizeof(lane)) {
		while (n && is_plain_char((unsigned char)*s, in_json)) {
			s++;
			n--;
		}
		return n == 0;
	}
	for (; n > 4 * sizeof(lane); n -= 4 * sizeof(lane), s += 4 * sizeof(lane))
		good &= good_of(s, in_json) & good_of(s + sizeof(lane), in_json) &
			good_of(s + 2 * sizeof(lane), in_json) &
			good_of(s + 3 * sizeof(lane), in_json);
	for (; n > sizeof(lane); n -= sizeof(lane), s += sizeof(lane))
		good &= good_of(s, in_json);
	/* the last sixteen, some of which were seen before */
	return is_all(good & good_of(s + n - sizeof(lane), in_json));
}

/* Of less than sixteen bytes, where sixteen can be read. */
static inline bool is_plain_head(const char *s, size_t n, bool in_json)
{
	lane bad = ~good_of(s, in_json);
	uint64_t half[2];

	memcpy(half, &bad, sizeof(half));
	if (n < 8)
		return (half[0] & ((1ULL << 8 * n) - 1)) == 0;
	return half[0] == 0 && (half[1] & ((1ULL << 8 * (n - 8)) - 1)) == 0;
}

bool text_is_plain(struct str s)
{
	return is_plain(s.s, s.len, false);
}

static inline bool is_plain_from(const struct buf *b, size_t from, bool in_json)
{
	size_t n = b->len - from;

	return n < sizeof(lane) && buf_room(b, sizeof(lane))
		       ? is_plain_head(b->s + from, n, in_json)
		       : is_plain(b->s + from, n, in_json);
}

/* What was appended, copied away, with the buffer cut back; empty when there is nothing to do. */
static inline struct str take_back(struct buf *b, size_t from, bool in_json, struct arena *a)
{
	if (b->len <= from || is_plain_from(b, from, in_json))
		return STR_NULL;
	struct str copy = arena_str(a, str_make(b->s + from, b->len - from));

	buf_cut(b, from);
	return copy;
}

static void add_hex_escape(struct buf *b, unsigned char c)
{
	const char text[] = {'\\', 'x', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};

	buf_add(b, str_make(text, sizeof(text)));
}

static void add_control(struct buf *b, unsigned char c, bool keep_lines)
{
	if (c != '\n' && c != '\t' && c != '\r') {
		add_hex_escape(b, c);
	} else if (keep_lines && c != '\r') {
		buf_add_char(b, (char)c);
	} else {
		buf_add_char(b, '\\');
		buf_add_char(b, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
	}
}

/* U+0080 to U+009F: terminals take some of them for the begin of a command. */
static bool is_c1(struct str s)
{
	return s.len > 1 && (unsigned char)s.s[0] == 0xc2 && (unsigned char)s.s[1] < 0xa0;
}

void line_escape(struct buf *b, size_t from, bool keep_lines, struct arena *a)
{
	struct str s = take_back(b, from, false, a);

	while (s.len) {
		size_t n = is_c1(s) ? 0 : utf8_len(s);
		unsigned char c = (unsigned char)s.s[0];

		if (n > 1 || (n == 1 && c >= 0x20 && c != 0x7f))
			buf_add(b, str_head(s, n));
		else if (n == 1)
			add_control(b, c, keep_lines);
		else
			add_hex_escape(b, c);
		s = str_skip(s, n ? n : 1);
	}
}

void json_escape(struct buf *b, size_t from, struct arena *a)
{
	struct str s = take_back(b, from, true, a);

	if (s.len)
		json_add_escaped(b, s);
}
