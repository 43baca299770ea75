/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Borrowed strings: pointer and length, not NUL-terminated, never owning. Everything between the
 * wire and the output is a `struct str`; NUL exists only at the libc border.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *s; /* may be NULL only when len is 0 */
	size_t len;    /* bytes */
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_NULL ((struct str){NULL, 0})
/* for printf's "%.*s" */
#define STR_ARG(x) (int)(x).len, (x).s ? (x).s : ""

static inline struct str str_make(const char *s, size_t len)
{
	return (struct str){s, len};
}

static inline struct str str_of(const char *cstr)
{
	return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

static inline bool str_is(struct str a, const char *cstr)
{
	return str_eq(a, str_of(cstr));
}

static inline bool str_starts(struct str a, struct str prefix)
{
	return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.s, prefix.s, prefix.len) == 0);
}

static inline bool str_ends(struct str a, struct str suffix)
{
	return a.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(a.s + a.len - suffix.len, suffix.s, suffix.len) == 0);
}

static inline struct str str_skip(struct str a, size_t n)
{
	return n >= a.len ? str_make(a.s + a.len, 0) : str_make(a.s + n, a.len - n);
}

static inline struct str str_head(struct str a, size_t n)
{
	return str_make(a.s, n < a.len ? n : a.len);
}

/*
 * Copies the bytes to a place that has room for them and returns its end. What is short, as most
 * pieces of a line are, takes two overlapping moves and no call.
 */
static inline char *str_put(char *to, struct str a)
{
	const char *end = a.s + a.len;

	if (a.len > 16) {
		memcpy(to, a.s, a.len);
	} else if (a.len >= 8) {
		uint64_t head, tail;

		memcpy(&head, a.s, 8);
		memcpy(&tail, end - 8, 8);
		memcpy(to, &head, 8);
		memcpy(to + a.len - 8, &tail, 8);
	} else if (a.len >= 4) {
		uint32_t head, tail;

		memcpy(&head, a.s, 4);
		memcpy(&tail, end - 4, 4);
		memcpy(to, &head, 4);
		memcpy(to + a.len - 4, &tail, 4);
	} else if (a.len) {
		to[0] = a.s[0];
		to[a.len / 2] = a.s[a.len / 2];
		to[a.len - 1] = end[-1];
	}
	return to + a.len;
}

/* Byte order, shorter first on a tie; <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/* The offset of the first occurrence of needle, or -1. An empty needle is found at 0. */
ptrdiff_t str_find(struct str hay, struct str needle);
/* The offset of the first or last byte c, or -1. */
ptrdiff_t str_find_char(struct str hay, char c);
ptrdiff_t str_rfind_char(struct str hay, char c);
/* ASCII case folding only, as strcasestr in the C locale. */
ptrdiff_t str_ifind(struct str hay, struct str needle);
bool str_ieq(struct str a, struct str b);
/* Blanks (space, \t, \r, \n) off both ends. */
struct str str_trim(struct str a);
/* Cuts the part before the first `sep` off *rest and returns it; *rest becomes NULL when done. */
struct str str_cut(struct str *rest, char sep);
/*
 * The whole string as a number; false on anything else (a blank or NUL in it, a sign on unsigned,
 * overflow, "inf", "nan").
 */
bool str_to_u64(struct str a, int base, uint64_t *ret);
bool str_to_s64(struct str a, int base, int64_t *ret);
bool str_to_double(struct str a, double *ret);
/* Levenshtein distance, capped: anything above `limit` returns limit + 1. For "did you mean". */
unsigned str_distance(struct str a, struct str b, unsigned limit);
/* 64-bit hash, not for adversaries who can choose many keys: tables cap their size instead. */
uint64_t str_hash(struct str a);
uint64_t hash_u64(uint64_t x);
/* Copies to a NUL-terminated buffer of `size` bytes; false (and a cut copy) if it did not fit. */
bool str_copy(struct str a, char *out, size_t size);
