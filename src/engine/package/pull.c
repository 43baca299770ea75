/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) by pulling. It finds the values that are asked for and steps over the rest; it
 * does not say whether a document is valid. base/ has jansson for trees: here a file of some
 * megabytes comes from a stranger, and a tree of it would be twenty times as large.
 */
#include "base/json.h"
#include "engine/package/private.h"

struct pull pull_of(struct str text)
{
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_skip(text, 3);
	return (struct pull){text.s, text.s + text.len, false};
}

static void skip_blanks(struct pull *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
		j->p++;
}

char pull_peek(struct pull *j)
{
	skip_blanks(j);
	if (j->p == j->end)
		j->bad = true;
	return j->bad ? 0 : *j->p;
}

bool pull_enter(struct pull *j, char open)
{
	if (pull_peek(j) != open)
		return false;
	j->p++;
	return true;
}

/* Takes "," and says whether something comes before the closing bracket. */
static bool has_next(struct pull *j, char close)
{
	if (pull_peek(j) == ',') {
		j->p++;
		pull_peek(j);
	}
	if (j->bad)
		return false;
	if (*j->p == close) {
		j->p++;
		return false;
	}
	return true;
}

/* At an opening quote: the inside of the string. */
static bool take_string(struct pull *j, struct str *ret)
{
	const char *begin = ++j->p;

	while (j->p < j->end && *j->p != '"')
		j->p += *j->p == '\\' && j->end - j->p > 1 ? 2 : 1;
	if (j->p >= j->end) {
		j->bad = true;
		return false;
	}
	*ret = str_make(begin, (size_t)(j->p - begin));
	j->p++;
	return true;
}

bool pull_key(struct pull *j, struct str *ret)
{
	if (!has_next(j, '}'))
		return false;
	if (*j->p != '"' || !take_string(j, ret) || pull_peek(j) != ':') {
		j->bad = true;
		return false;
	}
	j->p++;
	return true;
}

bool pull_item(struct pull *j)
{
	return has_next(j, ']');
}

bool pull_string(struct pull *j, struct str *ret)
{
	if (pull_peek(j) == '"')
		return take_string(j, ret);
	pull_skip(j);
	return false;
}

static bool ends_word(char c)
{
	return (unsigned char)c <= ' ' || c == ',' || c == ':' || c == '"' || c == '[' ||
	       c == ']' || c == '{' || c == '}';
}

/* true, null, a number: up to what ends it. At least one byte, so that every call moves on. */
static void skip_word(struct pull *j)
{
	j->p++;
	while (j->p < j->end && !ends_word(*j->p))
		j->p++;
}

void pull_skip(struct pull *j)
{
	size_t depth = 0;
	struct str inside;

	do {
		switch (pull_peek(j)) {
		case 0:
			j->bad = true;
			return;
		case '"':
			take_string(j, &inside);
			break;
		case '{':
		case '[':
			depth++;
			j->p++;
			break;
		case '}':
		case ']':
			if (!depth) {
				j->bad = true;
				return;
			}
			depth--;
			j->p++;
			break;
		case ',':
		case ':':
			j->bad |= !depth;
			j->p++;
			break;
		default:
			skip_word(j);
		}
	} while (depth && !j->bad);
}

/* Four hexadecimal digits; -1 when they are none. */
static int32_t hex4(const char *p, const char *end)
{
	uint64_t v;

	if (end - p < 4 || !str_to_u64(str_make(p, 4), 16, &v))
		return -1;
	return (int32_t)v;
}

/* "\uXXXX" at p, with its second half if it is a surrogate; how many bytes it took. */
static size_t take_unicode(const char *p, const char *end, uint32_t *ret)
{
	int32_t c = hex4(p + 2, end), low;

	*ret = 0xfffd;
	if (c < 0)
		return 2;
	if (c >= 0xd800 && c < 0xe000) {
		if (c < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
			(low = hex4(p + 8, end)) >= 0xdc00 && low < 0xe000) {
			*ret = 0x10000 + (((uint32_t)c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
			return 12;
		}
		return 6;
	}
	*ret = (uint32_t)c;
	return 6;
}

bool pull_text(struct pull *j, struct arena *a, struct str *ret)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	struct str raw;

	if (!pull_string(j, &raw))
		return false;
	*ret = raw;
	if (str_find_char(raw, '\\') < 0)
		return true;
	char *out = arena_raw(a, raw.len + 1);
	size_t n = 0;
	if (!out)
		return false;
	for (const char *p = raw.s, *end = p + raw.len; p < end;) {
		if (*p != '\\' || end - p < 2) {
			out[n++] = *p++;
		} else if (p[1] == 'u') {
			uint32_t c;

			p += take_unicode(p, end, &c);
			/* never longer than what it was written as, but for a broken "\u" */
			if (p <= end && n + 4 <= raw.len)
				n += utf8_put(out + n, c);
		} else {
			const char *at = strchr(from, p[1]);

			out[n++] = at && p[1] ? to[at - from] : p[1];
			p += 2;
		}
	}
	*ret = str_make(out, n);
	return true;
}
