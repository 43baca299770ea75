/* SPDX-License-Identifier: Apache-2.0 */
/* Digits: every width against the C library's, in a buffer with room and at its very end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/digits.h"

static void assert_all_forms(uint64_t v)
{
	char want[128];
	struct buf b = BUF_INIT(4096);

	buf_add_u64(&b, v);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, (int64_t)v);
	buf_add_char(&b, ' ');
	buf_add_hex(&b, v, true);
	buf_add_char(&b, ' ');
	buf_add_hex(&b, v, false);
	snprintf(want, sizeof(want), "%" PRIu64 " %" PRId64 " %" PRIX64 " %" PRIx64, v, (int64_t)v,
		v, v);
	assert_string_equal(buf_str(&b).s, want);
	buf_done(&b);
}

static void around_the_powers_of_ten_and_two(void **state)
{
	assert_all_forms(0);
	for (uint64_t p = 1, i = 0; i < 20; i++, p *= 10)
		for (uint64_t d = 0; d < 3; d++)
			assert_all_forms(p + d - 1);
	for (int i = 0; i < 64; i++)
		for (uint64_t d = 0; d < 3; d++)
			assert_all_forms((1ULL << i) + d - 1);
}

/* All that the halves and quarters of eight digits can be. */
static void every_four_digits(void **state)
{
	char have[DIGITS_MAX], want[64];

	for (uint32_t v = 0; v < 10000; v++) {
		*digits_put_u64(have, v) = 0;
		snprintf(want, sizeof(want), "%u", v);
		assert_string_equal(have, want);
		*digits_put_eight(have, v * 10000 + 9999 - v) = 0;
		snprintf(want, sizeof(want), "%04u%04u", v, 9999 - v);
		assert_string_equal(have, want);
	}
}

static void random_numbers(void **state)
{
	uint64_t r = 88172645463325252ULL;

	for (int i = 0; i < 100000; i++) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		assert_all_forms(r >> (r % 64));
	}
}

static void fractions_of_a_second(void **state)
{
	static const uint32_t ns[] = {0, 1, 99999999, 100000000, 123456789, 999999999};
	char have[DIGITS_MAX], want[64];

	for (size_t i = 0; i < sizeof(ns) / sizeof(*ns); i++) {
		*digits_put_fraction(have, ns[i]) = 0;
		snprintf(want, sizeof(want), ".%09u", ns[i]);
		assert_string_equal(have, want);
	}
}

/* Nothing is written behind a buffer's end, and what is cut is the number's end. */
static void where_there_is_little_room(void **state)
{
	char memory[64];

	for (size_t size = 1; size < sizeof(memory); size++) {
		memset(memory, '#', sizeof(memory));
		struct buf b = buf_fixed(memory, size);

		buf_add_u64(&b, 12345678901234567890ULL);
		buf_add_s64(&b, -9876543210);
		size_t whole = strlen("12345678901234567890-9876543210");

		assert_int_equal(b.len, size - 1 < whole ? size - 1 : whole);
		assert_memory_equal(b.s, "12345678901234567890-9876543210", b.len);
		assert_int_equal(b.cut, size - 1 < whole);
		assert_int_equal(b.s[b.len], 0);
		for (size_t i = size; i < sizeof(memory); i++)
			assert_int_equal(memory[i], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(around_the_powers_of_ten_and_two),
		cmocka_unit_test(every_four_digits),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(fractions_of_a_second),
		cmocka_unit_test(where_there_is_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
