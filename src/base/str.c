/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed strings: searching, cutting, numbers, hashing. No allocation, and no locale but the C
 * library's decimal point in str_to_double() (koban sets LC_CTYPE only).
 */

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.s, b.s, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* The first of the n bytes at s that is c, or NULL; s may be NULL. */
static const char *byte_in(const char *s, size_t n, char c)
{
	return n ? memchr(s, c, n) : NULL;
}

/* memmem() makes a table first, which a short text does not earn back. */
static const char *find_short(struct str hay, struct str needle)
{
	const char *end = hay.s + (hay.len - needle.len + 1), *p = hay.s;

	while ((p = byte_in(p, (size_t)(end - p), needle.s[0]))) {
		if (memcmp(p, needle.s, needle.len) == 0)
			return p;
		p++;
	}
	return NULL;
}

ptrdiff_t str_find(struct str hay, struct str needle)
{
	enum { SHORT = 256 };

	if (needle.len == 0)
		return 0;
	if (needle.len > hay.len)
		return -1;
	const char *p = hay.len < SHORT ? find_short(hay, needle)
					: memmem(hay.s, hay.len, needle.s, needle.len);

	return p ? p - hay.s : -1;
}

ptrdiff_t str_find_char(struct str hay, char c)
{
	const char *p = hay.len ? memchr(hay.s, c, hay.len) : NULL;

	return p ? p - hay.s : -1;
}

ptrdiff_t str_rfind_char(struct str hay, char c)
{
	const char *p = hay.len ? memrchr(hay.s, c, hay.len) : NULL;

	return p ? p - hay.s : -1;
}

enum { NUMBER_SIZE = 72 }; /* 64 binary digits and a prefix */

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
}

static unsigned char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (unsigned char)(c - 32) : (unsigned char)c;
}

static bool ieq_n(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool str_ieq(struct str a, struct str b)
{
	return a.len == b.len && ieq_n(a.s, b.s, a.len);
}

/* From one place where the first byte fits to the next, in either case. */
ptrdiff_t str_ifind(struct str hay, struct str needle)
{
	if (needle.len == 0)
		return 0;
	if (needle.len > hay.len)
		return -1;
	const char *end = hay.s + (hay.len - needle.len + 1);
	char c[2] = {(char)lower(needle.s[0]), (char)upper(needle.s[0])};
	const char *at[2];

	for (int k = 0; k < 2; k++)
		at[k] = k && c[0] == c[1] ? NULL : byte_in(hay.s, (size_t)(end - hay.s), c[k]);
	while (at[0] || at[1]) {
		int k = !at[0] || (at[1] && at[1] < at[0]);

		if (ieq_n(at[k], needle.s, needle.len))
			return at[k] - hay.s;
		at[k] = byte_in(at[k] + 1, (size_t)(end - at[k] - 1), c[k]);
	}
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str a)
{
	while (a.len && is_blank(a.s[0]))
		a = str_skip(a, 1);
	while (a.len && is_blank(a.s[a.len - 1]))
		a.len--;
	return a;
}

struct str str_cut(struct str *rest, char sep)
{
	ptrdiff_t at = str_find_char(*rest, sep);
	struct str part = *rest;

	if (at < 0) {
		*rest = STR_NULL;
		return part;
	}
	part.len = (size_t)at;
	*rest = str_skip(*rest, (size_t)at + 1);
	return part;
}

bool str_copy(struct str a, char *out, size_t size)
{
	assert(size > 0);
	size_t n = a.len < size ? a.len : size - 1;

	if (n)
		memcpy(out, a.s, n);
	out[n] = 0;
	return n == a.len;
}

/*
 * With a NUL behind it, for strtoull() and its kin; false for what they would skip (blanks in
 * front) and for what cannot be a number anyway (nothing, very long).
 */
static bool number_copy(struct str a, char tmp[NUMBER_SIZE])
{
	return a.len && !is_blank(a.s[0]) && a.s[0] != '\v' && a.s[0] != '\f' &&
	       str_copy(a, tmp, NUMBER_SIZE);
}

bool str_to_u64(struct str a, int base, uint64_t *ret)
{
	char tmp[NUMBER_SIZE], *end;

	if (!number_copy(a, tmp) || tmp[0] == '-' || tmp[0] == '+')
		return false;
	errno = 0;
	unsigned long long v = strtoull(tmp, &end, base);
	if (errno || end != tmp + a.len)
		return false;
	*ret = v;
	return true;
}

bool str_to_s64(struct str a, int base, int64_t *ret)
{
	char tmp[NUMBER_SIZE], *end;

	if (!number_copy(a, tmp))
		return false;
	errno = 0;
	long long v = strtoll(tmp, &end, base);
	if (errno || end != tmp + a.len)
		return false;
	*ret = v;
	return true;
}

bool str_to_double(struct str a, double *ret)
{
	char tmp[NUMBER_SIZE], *end;

	if (!number_copy(a, tmp))
		return false;
	errno = 0;
	double v = strtod(tmp, &end);
	if (errno || end != tmp + a.len || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

unsigned str_distance(struct str a, struct str b, unsigned limit)
{
	enum { MAX = 96 };
	unsigned row[MAX + 1];

	if (a.len > MAX || b.len > MAX)
		return limit + 1;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diag = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned up = row[j];
			unsigned cost = diag + (a.s[i - 1] != b.s[j - 1]);
			unsigned side = (up < row[j - 1] ? up : row[j - 1]) + 1;

			row[j] = cost < side ? cost : side;
			diag = up;
		}
	}
	return row[b.len] > limit ? limit + 1 : row[b.len];
}

uint64_t hash_u64(uint64_t x)
{
	/* the finaliser of MurmurHash3, public domain constants */
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ (x >> 33);
}

uint64_t str_hash(struct str a)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ a.len;
	size_t i = 0;

	for (; i + 8 <= a.len; i += 8) {
		uint64_t w;

		memcpy(&w, a.s + i, 8);
		h = (h ^ hash_u64(w)) * 0x9fb21c651e98df25ULL;
	}
	uint64_t tail = 0;
	for (size_t j = 0; i + j < a.len; j++)
		tail |= (uint64_t)(unsigned char)a.s[i + j] << (8 * j);
	return hash_u64(h ^ tail);
}
