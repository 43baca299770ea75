/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed strings: searching, cutting, numbers, hashing. No allocation, no locale. */

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.s, b.s, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t str_find(struct str hay, struct str needle)
{
	if (needle.len == 0)
		return 0;
	if (needle.len > hay.len)
		return -1;
	const char *p = memmem(hay.s, hay.len, needle.s, needle.len);

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

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
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

ptrdiff_t str_ifind(struct str hay, struct str needle)
{
	if (needle.len > hay.len)
		return -1;
	for (size_t i = 0; i + needle.len <= hay.len; i++)
		if (ieq_n(hay.s + i, needle.s, needle.len))
			return (ptrdiff_t)i;
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
	size_t n = a.len < size ? a.len : size - 1;

	if (n)
		memcpy(out, a.s, n);
	out[n] = 0;
	return n == a.len;
}

bool str_to_u64(struct str a, int base, uint64_t *ret)
{
	char tmp[72], *end;

	if (a.len == 0 || a.s[0] == '-' || a.s[0] == '+' || is_blank(a.s[0]) ||
		!str_copy(a, tmp, sizeof(tmp)))
		return false;
	errno = 0;
	unsigned long long v = strtoull(tmp, &end, base);
	if (errno || *end)
		return false;
	*ret = v;
	return true;
}

bool str_to_s64(struct str a, int base, int64_t *ret)
{
	char tmp[72], *end;

	if (a.len == 0 || is_blank(a.s[0]) || !str_copy(a, tmp, sizeof(tmp)))
		return false;
	errno = 0;
	long long v = strtoll(tmp, &end, base);
	if (errno || *end)
		return false;
	*ret = v;
	return true;
}

bool str_to_double(struct str a, double *ret)
{
	char tmp[72], *end;

	if (a.len == 0 || is_blank(a.s[0]) || !str_copy(a, tmp, sizeof(tmp)))
		return false;
	errno = 0;
	double v = strtod(tmp, &end);
	if (errno || *end)
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
