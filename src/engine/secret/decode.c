/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies encoded in a text: runs of base64 and of hex whose content is text, or text under gzip,
 * are decoded, at most a megabyte of each, and searched like the text itself; two levels deep.
 * Most runs are digests, certificates and pictures: their first bytes tell, and they cost little.
 */
#include <ctype.h>
#include <stdlib.h>
#include <zlib.h>

#include "engine/secret/private.h"

enum {
	STRIDE = 24,      /* the shortest run that is looked for */
	HEX_MIN = 48,     /* of hex digits */
	HEAD = 24,        /* decoded bytes by which a run is judged */
	RUNS_MAX = 20000, /* decoded in one text */
	LINE_MIN = 40,    /* a run of such lines is one */
	PAD = 65,
};

/* A digit's value + 1; 0 = no digit. Both alphabets of RFC 4648. */
static const uint8_t digits[256] = {
	['A'] = 1,
	['B'] = 2,
	['C'] = 3,
	['D'] = 4,
	['E'] = 5,
	['F'] = 6,
	['G'] = 7,
	['H'] = 8,
	['I'] = 9,
	['J'] = 10,
	['K'] = 11,
	['L'] = 12,
	['M'] = 13,
	['N'] = 14,
	['O'] = 15,
	['P'] = 16,
	['Q'] = 17,
	['R'] = 18,
	['S'] = 19,
	['T'] = 20,
	['U'] = 21,
	['V'] = 22,
	['W'] = 23,
	['X'] = 24,
	['Y'] = 25,
	['Z'] = 26,
	['a'] = 27,
	['b'] = 28,
	['c'] = 29,
	['d'] = 30,
	['e'] = 31,
	['f'] = 32,
	['g'] = 33,
	['h'] = 34,
	['i'] = 35,
	['j'] = 36,
	['k'] = 37,
	['l'] = 38,
	['m'] = 39,
	['n'] = 40,
	['o'] = 41,
	['p'] = 42,
	['q'] = 43,
	['r'] = 44,
	['s'] = 45,
	['t'] = 46,
	['u'] = 47,
	['v'] = 48,
	['w'] = 49,
	['x'] = 50,
	['y'] = 51,
	['z'] = 52,
	['0'] = 53,
	['1'] = 54,
	['2'] = 55,
	['3'] = 56,
	['4'] = 57,
	['5'] = 58,
	['6'] = 59,
	['7'] = 60,
	['8'] = 61,
	['9'] = 62,
	['+'] = 63,
	['/'] = 64,
	['-'] = 63,
	['_'] = 64,
	['='] = PAD,
};

static bool is_digit(char c)
{
	return digits[(unsigned char)c] && digits[(unsigned char)c] != PAD;
}

/* Line ends and blanks between lines are passed over. */
size_t secret_base64(struct str s, uint8_t *out, size_t size)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t d = digits[(unsigned char)s.s[i]];

		if (d == PAD)
			break;
		if (!d) {
			if (isspace((unsigned char)s.s[i]) || s.s[i] == '\\')
				continue;
			return 0;
		}
		bits = bits << 6 | (d - 1u);
		have += 6;
		if (have >= 8) {
			have -= 8;
			if (n == size)
				return n;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

static size_t decode_hex(struct str s, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < s.len && n < size; i += 2) {
		char pair[3] = {s.s[i], s.s[i + 1], 0};

		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

bool secret_is_printable(const uint8_t *s, size_t n)
{
	size_t bad = 0;

	for (size_t i = 0; i < n; i++)
		bad += (s[i] < 0x20 && s[i] != '\n' && s[i] != '\r' && s[i] != '\t') || s[i] > 0x7e;
	return n && bad * 20 <= n;
}

static bool is_gzip(const uint8_t *s, size_t n)
{
	return n > 10 && s[0] == 0x1f && s[1] == 0x8b && s[2] == 8;
}

static size_t unzip(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
		.avail_in = (uInt)n,
		.next_out = out,
		.avail_out = (uInt)size};

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return 0;
	int r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return r == Z_STREAM_END || r == Z_OK || r == Z_BUF_ERROR ? size - z.avail_out : 0;
}

static const char *encoding_name(const struct secret_pass *p, bool is_hex, bool is_zipped)
{
	if (p->encoding)
		return is_zipped ? "several, gzip among them" : "several";
	if (is_hex)
		return is_zipped ? "hex+gzip" : "hex";
	return is_zipped ? "base64+gzip" : "base64";
}

static void search(struct secret_pass *p, struct str run, bool is_hex)
{
	struct secret_scanner *s = p->s;
	uint8_t head[HEAD], *out = s->decoded[p->level + 1];
	struct secret_pass inner = {.s = s,
		.level = p->level + 1,
		.outer = p->encoding ? p->outer : (size_t)(run.s - p->text.s),
		.outer_len = p->encoding ? p->outer_len : run.len};
	size_t n = is_hex ? decode_hex(str_head(run, 2 * HEAD), head, HEAD)
			  : secret_base64(str_head(run, 2 * HEAD), head, HEAD);
	bool is_zipped = is_gzip(head, n);

	if (!is_zipped && !secret_is_printable(head, n))
		return;
	n = is_hex ? decode_hex(run, out, SECRET_DECODED_MAX)
		   : secret_base64(run, out, SECRET_DECODED_MAX);
	if (is_zipped) {
		uint8_t *text = malloc(SECRET_DECODED_MAX);

		n = text ? unzip(out, n, text, SECRET_DECODED_MAX) : 0;
		if (n)
			memcpy(out, text, n);
		free(text);
	}
	if (!secret_is_printable(out, n))
		return;
	inner.text = str_make((const char *)out, n);
	inner.encoding = encoding_name(p, is_hex, is_zipped);
	secret_pass_run(&inner);
}

static bool is_hex_run(struct str run)
{
	for (size_t i = 0; i < run.len; i++)
		if (!isxdigit((unsigned char)run.s[i]))
			return false;
	return run.len >= HEX_MIN && run.len % 2 == 0;
}

/* The run goes on in the next line when this one is long and nothing but blanks is between. */
static size_t run_end(struct str t, size_t at)
{
	size_t i = at, line = at;

	for (;;) {
		while (i < t.len && digits[(unsigned char)t.s[i]])
			i++;
		size_t k = i;

		if (i - line < LINE_MIN || i >= t.len)
			return i;
		if (t.s[k] == '\\' && k + 1 < t.len && t.s[k + 1] == 'n') {
			k += 2;
		} else {
			while (k < t.len && (t.s[k] == '\n' || t.s[k] == '\r'))
				k++;
			if (k == i || k - i > 2)
				return i;
			while (k < t.len && k - i < 40 && (t.s[k] == ' ' || t.s[k] == '\t'))
				k++;
		}
		if (k >= t.len || !is_digit(t.s[k]))
			return i;
		/* a line that is shorter is the last one; one with other things in it is none */
		size_t e = k;
		while (e < t.len && digits[(unsigned char)t.s[e]])
			e++;
		if (e < t.len && !strchr("\r\n\"'\\ <,", t.s[e]))
			return i;
		line = k;
		i = k;
	}
}

/* Not 0 when one of these eight is a byte below '+', or a dot: no digits of either alphabet. */
static uint64_t has_break(const char *s)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones * 128;
	uint64_t x, y;

	memcpy(&x, s, sizeof(x));
	y = x ^ ones * '.';
	return (((x - ones * '+') & ~x) | ((y - ones) & ~y)) & tops;
}

/*
 * Nearly all text is words: a break within twelve bytes to both sides of a place is found at once,
 * and then no run of STRIDE digits goes over it. All is asked in one, because what is in doubt
 * costs a processor more than what is in vain.
 */
static bool is_word(struct str t, size_t at)
{
	if (at < 12 || at + 13 > t.len)
		return false;
	const char *s = t.s + at;
	uint64_t before = has_break(s - 8) | has_break(s - 12);
	uint64_t after = has_break(s + 1) | has_break(s + 5);

	return (before != 0) & (after != 0);
}

void secret_decode(struct secret_pass *p)
{
	struct str t = p->text;
	unsigned runs = 0;

	for (size_t i = STRIDE - 1; i < t.len && runs < RUNS_MAX; i += STRIDE) {
		size_t from = i, end;

		if (is_word(t, i) || !is_digit(t.s[i]))
			continue;
		while (from > 0 && i - from < STRIDE && is_digit(t.s[from - 1]))
			from--;
		end = i;
		while (end < t.len && end - from < STRIDE && digits[(unsigned char)t.s[end]])
			end++;
		if (end - from < STRIDE)
			continue;
		end = run_end(t, from);
		struct str run = str_make(t.s + from, end - from);
		bool is_hex = is_hex_run(run);
		runs++;
		if (is_hex || run.len >= STRIDE)
			search(p, run, is_hex);
		i = end;
	}
}
