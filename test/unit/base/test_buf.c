/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer: its maximum at every length, numbers at their ends, printf that does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/buf.h"
#include "fault.h"

static void assert_holds(const struct buf *b, const char *text)
{
	assert_string_equal(b->s, text);
	assert_int_equal(b->len, strlen(text));
}

static void an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf b = BUF_INIT(10);

	assert_true(str_is(buf_str(&b), ""));
	assert_non_null(buf_str(&b).s);
	buf_add(&b, STR_NULL);
	buf_add_cstr(&b, "");
	buf_printf(&b, "%s", "");
	assert_int_equal(b.len, 0);
	assert_false(b.cut);
	buf_clear(&b);
	buf_done(&b);
	buf_done(&b);
	assert_int_equal(b.max, 10);
}

static void a_maximum_of_zero_takes_nothing(void **state)
{
	struct buf b = BUF_INIT(0);

	buf_add_char(&b, 'x');
	assert_true(b.cut);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

/* Everything is added at every maximum around its size: the front is kept, the rest is cut. */
static void what_does_not_fit_is_cut(void **state)
{
	static const char text[] = "ab-9223372036854775808;42";
	size_t whole = strlen(text);

	for (size_t max = 0; max < whole + 3; max++) {
		struct buf b = BUF_INIT(max);

		buf_add(&b, STR("a"));
		buf_add_char(&b, 'b');
		buf_add_s64(&b, INT64_MIN);
		buf_printf(&b, ";%u", 42);
		assert_int_equal(b.len, max < whole ? max : whole);
		assert_int_equal(b.cut, max < whole);
		assert_true(str_eq(buf_str(&b), str_make(text, b.len)));
		if (b.s)
			assert_int_equal(b.s[b.len], 0);
		assert_true(b.cap <= max + 1);
		buf_done(&b);
	}
}

static void cut_stays_until_it_is_cleared(void **state)
{
	struct buf b = BUF_INIT(4);

	buf_add_cstr(&b, "abcdef");
	assert_holds(&b, "abcd");
	buf_add_cstr(&b, "");
	assert_true(b.cut);
	buf_clear(&b);
	assert_false(b.cut);
	assert_holds(&b, "");
	buf_add_cstr(&b, "wxyz");
	assert_holds(&b, "wxyz");
	assert_false(b.cut);
	buf_done(&b);
}

static void numbers_at_their_ends(void **state)
{
	struct buf b = BUF_INIT(1000);

	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, INT64_MIN);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, INT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, -1);
	buf_add_char(&b, ' ');
	buf_add_s64(&b, 0);
	assert_holds(&b, "0 18446744073709551615 -9223372036854775808 9223372036854775807 -1 0");
	buf_done(&b);
}

static void grows_by_doubling(void **state)
{
	struct buf b = BUF_INIT(10 << 20);
	unsigned long calls = fault_calls(FAULT_ALLOC);

	for (int i = 0; i < 1 << 20; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 1 << 20);
	assert_true(fault_calls(FAULT_ALLOC) - calls < 20);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.s[i], 'a' + i % 26);

	/* once warm, no more */
	calls = fault_calls(FAULT_ALLOC);
	buf_clear(&b);
	for (int i = 0; i < 1 << 20; i++)
		buf_printf(&b, "%c", 'x');
	assert_int_equal(fault_calls(FAULT_ALLOC), calls);
	buf_done(&b);
}

static void reserved_room_needs_no_memory(void **state)
{
	struct buf b = BUF_INIT(1000);

	buf_reserve(&b, 2000);
	assert_false(b.cut);
	assert_holds(&b, "");
	unsigned long calls = fault_calls(FAULT_ALLOC);
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, 'x');
	assert_int_equal(fault_calls(FAULT_ALLOC), calls);
	assert_false(b.cut);
	buf_done(&b);
	fault_arm(FAULT_ALLOC, 1, ENOMEM);
	buf_reserve(&b, 10);
	fault_disarm();
	assert_false(b.cut);
	assert_true(str_is(buf_str(&b), ""));
	buf_done(&b);
}

static void no_maximum_is_too_large(void **state)
{
	struct buf b = BUF_INIT(SIZE_MAX);

	buf_add_cstr(&b, "abc");
	assert_holds(&b, "abc");
	assert_false(b.cut);
	buf_done(&b);
}

/* vsnprintf() fails for what no locale can write: that is no empty text, something is missing. */
static void what_cannot_be_printed_is_cut(void **state)
{
	struct buf b = BUF_INIT(100);
	const wchar_t bad[] = {(wchar_t)0x7fffffff, 0};

	buf_add_cstr(&b, "a");
	buf_printf(&b, "%ls", bad);
	assert_true(b.cut);
	assert_holds(&b, "a");
	buf_done(&b);
}

static void without_memory_it_is_cut(void **state)
{
	struct buf b = BUF_INIT(10000);

	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	buf_add_cstr(&b, "abc");
	buf_printf(&b, "%d", 5);
	fault_disarm();
	assert_true(b.cut);
	assert_true(str_is(buf_str(&b), ""));
	buf_clear(&b);
	for (int i = 0; i < 200; i++)
		buf_add_char(&b, 'x');
	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	buf_printf(&b, "%0500d", 5);
	fault_disarm();
	/* what was there is kept */
	assert_true(b.cut);
	assert_int_equal(b.len, 200);
	assert_int_equal(b.s[200], 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(a_maximum_of_zero_takes_nothing),
		cmocka_unit_test(what_does_not_fit_is_cut),
		cmocka_unit_test(cut_stays_until_it_is_cleared),
		cmocka_unit_test(numbers_at_their_ends),
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(reserved_room_needs_no_memory),
		cmocka_unit_test(no_maximum_is_too_large),
		cmocka_unit_test(what_cannot_be_printed_is_cut),
		cmocka_unit_test(without_memory_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
