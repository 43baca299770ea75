/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers as digits, at a place that has room: DIGITS_MAX bytes, of which more may be written than
 * count. Each function returns the end of what counts, and puts no NUL there. For the few writers
 * that make millions of them a second; all others have buf_add_u64() and its kin.
 */
#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 32 };

#define DIGITS_EIGHT  100000000ULL
#define DIGITS_ZEROES 0x3030303030303030ULL /* eight, as characters */

/*
 * v's last eight digits as numbers, the first of them in the lowest byte: all are made at once, in
 * two halves of four, in four of two, in eight of one. A quotient is a multiplication by the
 * reciprocal, exact for numbers as small as these (below 10,000 and below 100).
 */
static inline uint64_t digits_eight(uint32_t v)
{
	uint64_t fours = v / 10000 | (uint64_t)(v % 10000) << 32;
	uint64_t hundreds = fours * 10486 >> 20 & 0x7f0000007f;
	uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
	uint64_t tens = twos * 103 >> 10 & 0xf000f000f000f;

	return tens | (twos - tens * 10) << 8;
}

/* Eight digits, zeroes in front with them. */
static inline char *digits_put_eight(char *to, uint32_t v)
{
	uint64_t digits = digits_eight(v) + DIGITS_ZEROES;

	memcpy(to, &digits, sizeof(digits));
	return to + sizeof(digits);
}

/* What is below 100,000,000, without zeroes in front. */
static inline char *digits_put_few(char *to, uint32_t v)
{
	uint64_t digits = digits_eight(v);
	unsigned zero_bits = (unsigned)__builtin_ctzll(digits | 1ULL << 56) & ~7U;

	digits = (digits + DIGITS_ZEROES) >> zero_bits;
	memcpy(to, &digits, sizeof(digits));
	return to + 8 - zero_bits / 8;
}

/* base/buf.c: from 100,000,000 on */
char *digits_put_many(char *to, uint64_t v);

static inline char *digits_put_u64(char *to, uint64_t v)
{
	if (v >= DIGITS_EIGHT)
		return digits_put_many(to, v);
	if (v >= 10)
		return digits_put_few(to, (uint32_t)v);
	*to = (char)('0' + v);
	return to + 1;
}

static inline char *digits_put_s64(char *to, int64_t v)
{
	*to = '-';
	return digits_put_u64(to + (v < 0), v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* ".nnnnnnnnn": a part of a second. */
static inline char *digits_put_fraction(char *to, uint32_t ns)
{
	*to++ = '.';
	*to++ = (char)('0' + ns / DIGITS_EIGHT);
	return digits_put_eight(to, (uint32_t)(ns % DIGITS_EIGHT));
}

/* Hexadecimal, without a prefix. */
static inline char *digits_put_hex(char *to, uint64_t v, const char *digits)
{
	unsigned n = (64 - (unsigned)__builtin_clzll(v | 1) + 3) / 4;

	for (unsigned i = n; i > 0; v >>= 4)
		to[--i] = digits[v & 15];
	return to + n;
}

#define DIGITS_LOWER    "0123456789abcdef"
#define DIGITS_CAPITALS "0123456789ABCDEF"
