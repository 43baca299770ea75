/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON into a tree. Strict: what is accepted here is stored, and the database's own JSON
 * functions must never stumble over it. Whatever record_clean() would change or refuse is refused
 * here too, so that a line that parses needs no cleaning. Size is the caller's to bound.
 */
#include "sink/store/node.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"

struct reader {
	struct arena *nodes, *a; /* a: of strings */
	struct str text;
	size_t at;
	unsigned depth;
	const char *why;
};

static struct node *fail(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	return NULL;
}

static int peek(const struct reader *r)
{
	return r->at < r->text.len ? (unsigned char)r->text.s[r->at] : -1;
}

static void skip_blanks(struct reader *r)
{
	int c = peek(r);

	while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
		r->at++;
		c = peek(r);
	}
}

/* ---- strings -------------------------------------------------------------------------------- */

static bool hex4(const struct reader *r, size_t at, unsigned *ret)
{
	unsigned v = 0;

	if (at + 4 > r->text.len)
		return false;
	for (size_t i = at; i < at + 4; i++) {
		char c = r->text.s[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 16;

		if (digit > 15)
			return false;
		v = v * 16 + digit;
	}
	*ret = v;
	return true;
}

/* \uXXXX at `at` (the u), a pair as one; 0 = broken, else how many bytes of text it took. */
static size_t read_unicode(const struct reader *r, size_t at, unsigned *ret)
{
	unsigned high = 0, low = 0;

	if (!hex4(r, at + 1, &high) || high == 0)
		return 0;
	if (high < 0xd800 || high > 0xdfff) {
		*ret = high;
		return 5;
	}
	if (high > 0xdbff || at + 7 > r->text.len || r->text.s[at + 5] != '\\' ||
		r->text.s[at + 6] != 'u' || !hex4(r, at + 7, &low) || low < 0xdc00 || low > 0xdfff)
		return 0;
	*ret = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
	return 11;
}

static bool unescape(struct reader *r, struct str raw, size_t start, struct str *ret)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char *out = arena_raw(r->a, raw.len + 1);
	size_t n = 0;

	if (!out)
		return fail(r, "no memory");
	for (size_t i = start; i < start + raw.len; i++) {
		char c = r->text.s[i];
		const char *known = NULL;
		unsigned code = 0;

		if (c != '\\') {
			out[n++] = c;
			continue;
		}
		c = r->text.s[++i];
		if (c == 'u') {
			size_t taken = read_unicode(r, i, &code);

			if (!taken)
				return fail(r, "a broken \\u escape");
			n += utf8_put(out + n, code);
			i += taken - 1;
		} else if (c && (known = strchr(from, c))) {
			out[n++] = to[known - from];
		} else {
			return fail(r, "an unknown escape");
		}
	}
	out[n] = '\0';
	*ret = str_make(out, n);
	return true;
}

/* At the quote. */
static bool read_string(struct reader *r, struct str *ret)
{
	size_t start = ++r->at;
	bool is_plain = true;

	for (;; r->at++) {
		r->at += json_plain_len(str_skip(r->text, r->at));
		int c = peek(r);

		if (c == '"')
			break;
		if (c < 0x20)
			return fail(r, c < 0 ? "a string without end" : "a control character");
		if (c >= 0x80) {
			size_t n = utf8_len(str_skip(r->text, r->at));

			if (!n)
				return fail(r, "bytes that are no UTF-8");
			r->at += n - 1;
		} else if (c == '\\') {
			is_plain = false;
			r->at++;
			if (peek(r) < 0)
				return fail(r, "a string without end");
		}
	}
	*ret = str_make(r->text.s + start, r->at++ - start);
	return is_plain || unescape(r, *ret, start, ret);
}

/* ---- numbers and words ---------------------------------------------------------------------- */

static bool read_digits(struct reader *r)
{
	size_t start = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at > start;
}

/* Of a text that read_number() found to be an integer. */
static bool integer_of(struct str s, int64_t *ret)
{
	size_t sign = s.s[0] == '-';
	int64_t v = 0;

	if (s.len - sign > 18) /* close to the limits */
		return str_to_s64(s, 10, ret);
	for (size_t i = sign; i < s.len; i++)
		v = v * 10 + (s.s[i] - '0');
	*ret = sign ? -v : v;
	return true;
}

static struct node *read_number(struct reader *r, struct node *n)
{
	size_t start = r->at;
	bool is_real = false;
	char text[NUMBER_MAX + 1];

	if (peek(r) == '-')
		r->at++;
	if (peek(r) == '0')
		r->at++;
	else if (!read_digits(r))
		return fail(r, "a broken number");
	if (peek(r) == '.') {
		is_real = true;
		r->at++;
		if (!read_digits(r))
			return fail(r, "a broken number");
	}
	if (peek(r) == 'e' || peek(r) == 'E') {
		is_real = true;
		r->at++;
		if (peek(r) == '+' || peek(r) == '-')
			r->at++;
		if (!read_digits(r))
			return fail(r, "a broken number");
	}
	struct str s = str_make(r->text.s + start, r->at - start);
	n->type = is_real ? NODE_REAL : NODE_INT;
	if (is_real ? !str_copy(s, text, sizeof(text)) : !integer_of(s, &n->i))
		return fail(r, "a number too large");
	if (is_real) {
		n->d = strtod(text, NULL);
		if (!isfinite(n->d))
			return fail(r, "a number too large");
	}
	return n;
}

static struct node *read_word(struct reader *r, struct node *n)
{
	static const struct {
		struct str word;
		enum node_type type;
	} words[] = {
		{{"null", 4}, NODE_NULL}, {{"true", 4}, NODE_TRUE}, {{"false", 5}, NODE_FALSE}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!str_starts(str_skip(r->text, r->at), words[i].word))
			continue;
		r->at += words[i].word.len;
		n->type = words[i].type;
		return n;
	}
	return fail(r, "no value");
}

/* ---- arrays and objects --------------------------------------------------------------------- */

static struct node *read_value(struct reader *r);

static bool read_key(struct reader *r, struct str *key)
{
	skip_blanks(r);
	if (peek(r) != '"')
		return fail(r, "no name of a member");
	if (!read_string(r, key))
		return false;
	skip_blanks(r);
	if (peek(r) != ':')
		return fail(r, "no colon");
	r->at++;
	return true;
}

static struct node *read_items(struct reader *r, struct node *n, char end)
{
	struct node **last = &n->first;

	n->type = end == '}' ? NODE_OBJECT : NODE_ARRAY;
	r->at++;
	if (++r->depth > NODE_DEPTH_MAX)
		return fail(r, "nested too deeply");
	skip_blanks(r);
	if (peek(r) == end) {
		r->at++;
		r->depth--;
		return n;
	}
	for (;;) {
		struct str key = STR_NULL;
		struct node *item = NULL;

		if (end == '}' && !read_key(r, &key))
			return NULL;
		item = read_value(r);
		if (!item)
			return NULL;
		item->key = key;
		*last = item;
		last = &item->next;
		skip_blanks(r);
		int c = peek(r);
		if (c != ',' && c != end)
			return fail(r, "no comma");
		r->at++;
		if (c == end) {
			r->depth--;
			return n;
		}
	}
}

static struct node *read_one(struct reader *r, struct node *n)
{
	int c = peek(r);

	if (c == '{' || c == '[')
		return read_items(r, n, c == '{' ? '}' : ']');
	if (c == '"') {
		n->type = NODE_STR;
		return read_string(r, &n->s) ? n : NULL;
	}
	return c == '-' || (c >= '0' && c <= '9') ? read_number(r, n) : read_word(r, n);
}

static struct node *read_value(struct reader *r)
{
	struct node *n = arena_new(r->nodes, struct node);
	size_t start = 0;

	if (!n)
		return fail(r, "no memory");
	skip_blanks(r);
	start = r->at;
	if (!read_one(r, n))
		return NULL;
	n->raw = str_make(r->text.s + start, r->at - start);
	return n;
}

struct node *node_parse_apart(
	struct arena *nodes, struct arena *a, struct str text, const char **why, size_t *where)
{
	struct reader r = {.nodes = nodes, .a = a, .text = text};
	struct node *n = read_value(&r);

	skip_blanks(&r);
	if (n && r.at < text.len)
		n = fail(&r, "more than one value");
	*why = r.why;
	*where = r.at;
	return n;
}

struct node *node_parse(struct arena *a, struct str text, const char **why, size_t *where)
{
	return node_parse_apart(a, a, text, why, where);
}

/* ---- looking at it -------------------------------------------------------------------------- */

const struct node *node_first(const struct node *n)
{
	return n && (n->type == NODE_ARRAY || n->type == NODE_OBJECT) ? n->first : NULL;
}

const struct node *node_get(const struct node *object, const char *key)
{
	const struct node *n = object && object->type == NODE_OBJECT ? object->first : NULL;
	struct str wanted = str_of(key);

	while (n && !str_eq(n->key, wanted))
		n = n->next;
	return n;
}

const struct node *node_at(const struct node *array, unsigned i)
{
	const struct node *n = array && array->type == NODE_ARRAY ? array->first : NULL;

	while (n && i--)
		n = n->next;
	return n;
}

struct str node_text(const struct node *n)
{
	return n && n->type == NODE_STR ? n->s : STR_NULL;
}

struct str node_str(const struct node *object, const char *key)
{
	return node_text(node_get(object, key));
}

struct number node_number(const struct node *object, const char *key)
{
	const struct node *n = node_get(object, key);

	if (!n || n->type != NODE_INT)
		return (struct number){0};
	return (struct number){n->i, true};
}

bool node_is_true(const struct node *n)
{
	return n && n->type == NODE_TRUE;
}
