/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: nothing at all, ends, bytes that are no text, numbers that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

static void nothing_is_a_string(void **state)
{
	struct str none = STR_NULL, rest = STR_NULL;

	assert_true(str_eq(none, STR("")));
	assert_true(str_is(none, ""));
	assert_true(str_is(none, NULL));
	assert_true(str_ieq(none, STR("")));
	assert_true(str_starts(none, none) && str_ends(none, none));
	assert_true(str_starts(STR("a"), none) && str_ends(STR("a"), none));
	assert_false(str_starts(none, STR("a")) || str_ends(none, STR("a")));
	assert_int_equal(str_cmp(none, STR("")), 0);
	assert_true(str_cmp(none, STR("a")) < 0);
	assert_int_equal(str_find(none, none), 0);
	assert_int_equal(str_find(none, STR("a")), -1);
	assert_int_equal(str_ifind(none, none), 0);
	assert_int_equal(str_ifind(none, STR("a")), -1);
	assert_int_equal(str_find_char(none, 'a'), -1);
	assert_int_equal(str_rfind_char(none, 'a'), -1);
	assert_int_equal(str_trim(none).len, 0);
	assert_int_equal(str_skip(none, 5).len, 0);
	assert_int_equal(str_head(none, 5).len, 0);
	assert_int_equal(str_cut(&rest, ',').len, 0);
	assert_int_equal(str_hash(none), str_hash(STR("")));
	assert_int_equal(str_distance(none, STR("abc"), 5), 3);
	assert_int_equal(snprintf(NULL, 0, "%.*s", STR_ARG(none)), 0);
}

static void order_is_of_bytes(void **state)
{
	const struct str sorted[] = {STR(""), STR("\0"), STR("A"), STR("B"), STR("a"), STR("a\0"),
		STR("ab"), STR("b"), STR("\x7f"), STR("\x80"), STR("\xff")};
	size_t n = sizeof(sorted) / sizeof(sorted[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int c = str_cmp(sorted[i], sorted[j]);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
			assert_int_equal(str_eq(sorted[i], sorted[j]), i == j);
		}
}

static void searching(void **state)
{
	struct str s = STR("/usr/bin/\0/bin");

	assert_int_equal(str_find(s, STR("bin")), 5);
	assert_int_equal(str_find(s, STR("\0/bin")), 9);
	assert_int_equal(str_find(s, STR("bin\0")), -1);
	assert_int_equal(str_find(s, s), 0);
	assert_int_equal(str_find(STR("aab"), STR("ab")), 1);
	assert_int_equal(str_find_char(s, '\0'), 9);
	assert_int_equal(str_rfind_char(s, '/'), 10);
	assert_int_equal(str_rfind_char(s, 'x'), -1);
	assert_int_equal(str_ifind(STR("xYz"), STR("yZ")), 1);
	assert_int_equal(str_ifind(STR("xyz"), STR("yzz")), -1);
	assert_int_equal(str_ifind(STR("abc"), STR("")), 0);
	/* ASCII only: 0xC4 is no capital of 0xE4, '[' none of '{', '@' none of '`' */
	assert_false(str_ieq(STR("\xc4"), STR("\xe4")));
	assert_false(str_ieq(STR("["), STR("{")) || str_ieq(STR("@"), STR("`")));
	assert_true(str_ieq(STR("AZaz09"), STR("azAZ09")));
}

/* Against comparing at every place; few letters, so that much nearly fits, and all lengths. */
static void searching_everywhere(void **state)
{
	static const char letters[] = "aAb[{\0";
	char text[600];
	uint64_t seed = 1;

	for (unsigned round = 0; round < 20000; round++) {
		struct str hay = {text, round % 17 ? round % 19 : round % 600}, needle;
		ptrdiff_t found = -1, ifound = -1;

		for (size_t i = 0; i < hay.len; i++) {
			seed = hash_u64(seed);
			text[i] = letters[seed % (round % 2 ? 6 : 3)];
		}
		size_t at = seed % (hay.len + 1), n = (seed >> 32) % 5;
		needle = str_head(str_skip(hay, at), n);
		if (seed >> 48 & 1)
			hay.len = at + n > 1 ? at + n - 1 : 0;
		for (size_t i = hay.len + 1; i-- > 0;) {
			if (i + needle.len > hay.len)
				continue;
			struct str there = {hay.s + i, needle.len};

			found = str_eq(there, needle) ? (ptrdiff_t)i : found;
			ifound = str_ieq(there, needle) ? (ptrdiff_t)i : ifound;
		}
		assert_int_equal(str_find(hay, needle), found);
		assert_int_equal(str_ifind(hay, needle), ifound);
	}
}

static void cutting(void **state)
{
	struct str rest = STR("a,,b,");
	const char *const parts[] = {"a", "", "b", ""};

	for (size_t i = 0; i < 4; i++) {
		assert_non_null(rest.s);
		assert_true(str_is(str_cut(&rest, ','), parts[i]));
	}
	assert_null(rest.s);

	assert_true(str_is(str_trim(STR(" \t\r\n a b\n ")), "a b"));
	assert_int_equal(str_trim(STR(" \t ")).len, 0);
	assert_true(str_is(str_skip(STR("abc"), 1), "bc"));
	assert_int_equal(str_skip(STR("abc"), 3).len, 0);
	assert_int_equal(str_skip(STR("abc"), SIZE_MAX).len, 0);
	assert_true(str_is(str_head(STR("abc"), 2), "ab"));
	assert_true(str_is(str_head(STR("abc"), SIZE_MAX), "abc"));
}

static void copying(void **state)
{
	char out[4];

	assert_true(str_copy(STR("abc"), out, sizeof(out)));
	assert_string_equal(out, "abc");
	assert_false(str_copy(STR("abcd"), out, sizeof(out)));
	assert_string_equal(out, "abc");
	assert_true(str_copy(STR_NULL, out, 1));
	assert_string_equal(out, "");
	assert_false(str_copy(STR("a"), out, 1));
	assert_string_equal(out, "");
}

static void putting(void **state)
{
	static const char from[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char to[sizeof(from) + 2];

	for (size_t n = 0; n < sizeof(from); n++) {
		memset(to, '#', sizeof(to));
		assert_ptr_equal(str_put(to, str_make(from, n)), to + n);
		assert_memory_equal(to, from, n);
		assert_int_equal(to[n], '#');
	}
}

static bool to_u64(struct str s, int base, uint64_t want)
{
	uint64_t v = ~want;

	return str_to_u64(s, base, &v) && v == want;
}

static bool to_s64(struct str s, int64_t want)
{
	int64_t v = ~want;

	return str_to_s64(s, 10, &v) && v == want;
}

static void whole_numbers(void **state)
{
	assert_true(to_u64(STR("0"), 10, 0));
	assert_true(to_u64(STR("18446744073709551615"), 10, UINT64_MAX));
	assert_true(to_u64(STR("ffffffffffffffff"), 16, UINT64_MAX));
	assert_true(to_u64(STR("FFff"), 16, 0xffff));
	assert_true(to_u64(STR("777"), 8, 0777));
	assert_true(to_u64(STR("000000000000000000000000000000000000000000000012"), 10, 12));
	assert_true(to_s64(STR("-9223372036854775808"), INT64_MIN));
	assert_true(to_s64(STR("9223372036854775807"), INT64_MAX));
	assert_true(to_s64(STR("-0"), 0));
	/* not what follows the string in memory */
	assert_true(to_u64(str_make("1234", 2), 10, 12));
}

static void what_is_no_number(void **state)
{
	const struct str bad[] = {STR_NULL, STR(""), STR(" "), STR(" 1"), STR("1 "), STR("\n1"),
		STR("\v1"), STR("\f1"), STR("\v-1"), STR("\f+1"), STR("1\n"), STR("a"), STR("1a"),
		STR("--1"), STR("+-1"), STR("- 1"), STR("-"), STR("+"), STR("1\0"), STR("1\0002"),
		STR("\0"), STR("18446744073709551616"), STR("99999999999999999999999"), STR("0x10"),
		STR("1.5"), STR("1e3"), STR("\xd9\xa1")};
	uint64_t u = 77;
	int64_t i = 77;

	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		if (str_to_u64(bad[n], 10, &u) || str_to_s64(bad[n], 10, &i))
			fail_msg("number %zu of the list was taken", n);
	}
	assert_false(str_to_u64(STR("-1"), 10, &u) || str_to_u64(STR("+1"), 10, &u));
	assert_false(str_to_u64(STR("8"), 8, &u) || str_to_u64(STR("g"), 16, &u));
	assert_false(str_to_u64(STR("10000000000000000"), 16, &u));
	assert_false(str_to_s64(STR("9223372036854775808"), 10, &i));
	assert_false(str_to_s64(STR("-9223372036854775809"), 10, &i));
	/* nothing was written */
	assert_int_equal(u, 77);
	assert_int_equal(i, 77);

	char zeros[200];
	memset(zeros, '0', sizeof(zeros));
	assert_false(str_to_u64(str_make(zeros, sizeof(zeros)), 10, &u));
}

static void real_numbers(void **state)
{
	static const struct {
		struct str text;
		double value;
	} good[] = {{STR("1"), 1}, {STR("-1.5"), -1.5}, {STR(".5"), 0.5}, {STR("1e3"), 1000},
		{STR("0"), 0}, {STR("1.7976931348623157e308"), 1.7976931348623157e308}};
	const struct str bad[] = {STR_NULL, STR(""), STR("."), STR("1.x"), STR("1,5"), STR(" 1"),
		STR("\v1"), STR("1 "), STR("1\0"), STR("1e999"), STR("e3"), STR("nan"), STR("-nan"),
		STR("inf"), STR("infinity"), STR("nan(1)")};
	double v = 77;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(str_to_double(good[i].text, &v));
		assert_true(v == good[i].value);
	}
	v = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (str_to_double(bad[i], &v))
			fail_msg("number %zu of the list was taken", i);
	assert_true(v == 77);
}

static void distances(void **state)
{
	char longer[200];

	assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 9), 3);
	assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 2), 3);
	assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 1), 2);
	assert_int_equal(str_distance(STR("same"), STR("same"), 0), 0);
	assert_int_equal(str_distance(STR("ab"), STR("ba"), 9), 2);
	memset(longer, 'x', sizeof(longer));
	assert_int_equal(str_distance(str_make(longer, 200), str_make(longer, 200), 5), 6);
	assert_int_equal(str_distance(str_make(longer, 96), str_make(longer, 95), 5), 1);
}

/* Not for adversaries, but not bad either: short texts that differ in one bit do not collide. */
static void hashes_differ(void **state)
{
	enum { N = 4096 };
	uint64_t *seen = calloc(N, sizeof(*seen));
	size_t n = 0;

	for (size_t len = 0; len < 20; len++) {
		char key[] = "aaaaaaaaaaaaaaaaaaaa";

		seen[n++] = str_hash(str_make(key, len));
		for (size_t bit = 0; bit < len * 8; bit++) {
			key[bit / 8] ^= (char)(1 << bit % 8);
			seen[n++] = str_hash(str_make(key, len));
			key[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	assert_true(n <= N);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
	free(seen);
	/* only the string's own bytes count */
	assert_int_equal(str_hash(str_make("abcdefghij", 9)), str_hash(str_make("abcdefghiX", 9)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_a_string),
		cmocka_unit_test(order_is_of_bytes),
		cmocka_unit_test(searching),
		cmocka_unit_test(searching_everywhere),
		cmocka_unit_test(cutting),
		cmocka_unit_test(copying),
		cmocka_unit_test(putting),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(what_is_no_number),
		cmocka_unit_test(real_numbers),
		cmocka_unit_test(distances),
		cmocka_unit_test(hashes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
