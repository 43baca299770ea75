/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor: every read at, before and behind the end of what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/cursor.h"

static void numbers_are_little_endian(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};
	struct cursor c = cursor_of(data, sizeof(data));

	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 0x0302);
	assert_int_equal(cursor_u32(&c), 0x07060504);
	assert_int_equal(cursor_left(&c), 8);
	assert_int_equal(cursor_u64(&c), 0xff0e0d0c0b0a0908);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.bad);
}

/* Exactly `have` bytes, on the heap: a sanitizer sees one that is read beyond. */
static struct cursor of_bytes(size_t have, void **ret)
{
	*ret = malloc(have ? have : 1);
	memset(*ret, 0xab, have);
	return cursor_of(*ret, have);
}

static void reads_at_the_end(void **state)
{
	for (size_t have = 0; have < 10; have++) {
		void *data;
		struct cursor c = of_bytes(have, &data);

		assert_int_equal(cursor_u8(&c), have >= 1 ? 0xab : 0);
		assert_int_equal(c.bad, have < 1);
		c = cursor_of(data, have);
		assert_int_equal(cursor_u16(&c), have >= 2 ? 0xabab : 0);
		assert_int_equal(c.bad, have < 2);
		c = cursor_of(data, have);
		assert_int_equal(cursor_u32(&c), have >= 4 ? 0xabababab : 0);
		assert_int_equal(c.bad, have < 4);
		c = cursor_of(data, have);
		assert_int_equal(cursor_u64(&c), have >= 8 ? 0xabababababababab : 0);
		assert_int_equal(c.bad, have < 8);
		free(data);
	}
}

static void a_bad_cursor_stays_bad(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	struct cursor c = cursor_of(data, sizeof(data));

	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.bad);
	/* a byte would be there, but what it would mean nobody knows */
	assert_int_equal(cursor_u8(&c), 0);
	assert_null(cursor_take(&c, 0));
	assert_null(cursor_take(&c, 1));
	assert_int_equal(cursor_str(&c, 1).len, 0);
	assert_null(cursor_str(&c, 1).s);
	assert_int_equal(cursor_left(&c), 3);
}

static void lengths_from_outside(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	const size_t hostile[] = {4, UINT32_MAX, SIZE_MAX, SIZE_MAX - 2, SIZE_MAX / 2 + 1};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct cursor c = cursor_of(data, sizeof(data));

		assert_null(cursor_take(&c, hostile[i]));
		assert_true(c.bad);
		c = cursor_of(data, sizeof(data));
		assert_int_equal(cursor_str(&c, hostile[i]).len, 0);
		assert_true(c.bad);
	}
	struct cursor c = cursor_of(data, sizeof(data));
	assert_ptr_equal(cursor_take(&c, 3), data);
	assert_ptr_equal(cursor_take(&c, 0), data + 3);
	assert_false(c.bad);
}

static void nothing_at_all(void **state)
{
	struct cursor c = cursor_of(NULL, 0);

	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_str(&c, 0).len, 0);
	assert_false(c.bad);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(reads_at_the_end),
		cmocka_unit_test(a_bad_cursor_stays_bad),
		cmocka_unit_test(lengths_from_outside),
		cmocka_unit_test(nothing_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
