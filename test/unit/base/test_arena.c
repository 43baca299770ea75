/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: alignment, its limit to the byte, reuse after a reset, and memory that is out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/arena.h"
#include "fault.h"

static void memory_is_aligned_and_zeroed(void **state)
{
	struct arena a;

	arena_init(&a, 0);
	for (size_t size = 0; size < 100; size++) {
		char *raw = arena_raw(&a, size);

		assert_non_null(raw);
		assert_int_equal((uintptr_t)raw % 16, 0);
		memset(raw, 0xff, size);
	}
	arena_reset(&a);
	/* the same memory again, which was not zero */
	for (size_t size = 0; size < 100; size++) {
		const char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
	}
	arena_done(&a);
}

static void pieces_do_not_overlap(void **state)
{
	enum { N = 2000 };
	struct arena a;
	unsigned char *p[N];

	arena_init(&a, 0);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			p[i] = arena_raw(&a, 1 + i % 700);
			memset(p[i], (int)i, 1 + i % 700);
		}
		for (size_t i = 0; i < N; i++)
			for (size_t k = 0; k < 1 + i % 700; k++)
				assert_int_equal(p[i][k], i & 0xff);
		arena_reset(&a);
	}
	arena_done(&a);
}

static void the_limit_holds_to_the_byte(void **state)
{
	struct arena a;

	arena_init(&a, 4096);
	assert_null(arena_raw(&a, 4097));
	assert_null(arena_raw(&a, SIZE_MAX));
	assert_null(arena_raw(&a, SIZE_MAX - 15));
	assert_int_equal(a.held, 0);
	assert_non_null(arena_raw(&a, 4096));
	assert_int_equal(a.held, 4096);
	assert_null(arena_raw(&a, 1));
	arena_reset(&a);
	assert_non_null(arena_raw(&a, 1));
	assert_true(a.held <= a.limit);
	arena_done(&a);

	/* a limit that is no multiple of the alignment is not overstepped either */
	arena_init(&a, 100);
	assert_null(arena_raw(&a, 100));
	assert_non_null(arena_raw(&a, 96));
	assert_true(a.held <= 100);
	arena_done(&a);
}

/* Small pieces up to the limit: the last block is made smaller rather than refused. */
static void the_limit_can_be_reached(void **state)
{
	enum { LIMIT = 100 * 1024 };
	struct arena a;
	size_t got = 0;

	arena_init(&a, LIMIT);
	while (arena_raw(&a, 16))
		got += 16;
	assert_true(got <= LIMIT && got > LIMIT * 9 / 10);
	assert_true(a.held <= LIMIT);
	arena_done(&a);
}

static void an_array_too_large_to_count_is_refused(void **state)
{
	struct arena a;
	volatile size_t n = SIZE_MAX / sizeof(uint64_t) + 2; /* times 8 is 8 */

	arena_init(&a, 0);
	assert_null(arena_array(&a, uint64_t, n));
	assert_non_null(arena_array(&a, uint64_t, n - SIZE_MAX / sizeof(uint64_t)));
	assert_non_null(arena_new(&a, uint64_t));
	arena_done(&a);
}

static void a_warm_arena_calls_no_malloc(void **state)
{
	struct arena a;
	unsigned long calls = 0;

	arena_init(&a, 0);
	for (int round = 0; round < 100; round++) {
		if (round == 2)
			calls = fault_calls(FAULT_ALLOC);
		for (size_t i = 0; i < 500; i++)
			assert_non_null(arena_raw(&a, i * (i % 7)));
		/* larger than any block so far, in the middle */
		assert_non_null(arena_raw(&a, 300000));
		arena_reset(&a);
	}
	assert_int_equal(fault_calls(FAULT_ALLOC), calls);
	arena_done(&a);
}

static void a_reserved_block_is_the_first(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_false(arena_reserve(&a, (1 << 20) + 1));
	fault_arm(FAULT_ALLOC, 1, ENOMEM);
	assert_false(arena_reserve(&a, 1000));
	fault_disarm();
	assert_true(arena_reserve(&a, 1 << 20));
	assert_true(arena_reserve(&a, 5)); /* there is one */
	unsigned long calls = fault_calls(FAULT_ALLOC);
	for (int i = 0; i < 1 << 16; i++)
		assert_non_null(arena_raw(&a, 16));
	assert_null(arena_raw(&a, 1));
	assert_int_equal(fault_calls(FAULT_ALLOC), calls);
	arena_done(&a);
}

static void strings_are_copies_with_a_nul(void **state)
{
	struct arena a;
	char text[] = "abc";

	arena_init(&a, 0);
	struct str s = arena_str(&a, str_make(text, 2));
	text[0] = 'x';
	assert_true(str_is(s, "ab"));
	assert_int_equal(s.s[2], 0);
	assert_string_equal(arena_cstr(&a, STR("a\0b")), "a");
	assert_string_equal(arena_cstr(&a, STR_NULL), "");
	s = arena_printf(&a, "%s-%d", "koban", 7);
	assert_true(str_is(s, "koban-7"));
	assert_int_equal(s.s[s.len], 0);
	s = arena_printf(&a, "%s", "");
	assert_int_equal(s.len, 0);
	assert_non_null(s.s);
	s = arena_printf(&a, "%0100000d", 1);
	assert_int_equal(s.len, 100000);
	arena_done(&a);
}

static void without_memory_everything_says_so(void **state)
{
	struct arena a;

	arena_init(&a, 0);
	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	assert_null(arena_raw(&a, 1));
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_str(&a, STR("abc")).s);
	assert_int_equal(arena_str(&a, STR("abc")).len, 0);
	assert_null(arena_cstr(&a, STR("abc")));
	assert_null(arena_printf(&a, "%d", 1).s);
	fault_disarm();
	assert_true(a.failed);
	arena_reset(&a);
	assert_false(a.failed);
	/* and when there is memory again, so does the arena */
	assert_non_null(arena_raw(&a, 1));
	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	assert_null(arena_raw(&a, 1 << 20));
	fault_disarm();
	assert_non_null(arena_raw(&a, 1 << 20));
	arena_done(&a);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_aligned_and_zeroed),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(the_limit_holds_to_the_byte),
		cmocka_unit_test(the_limit_can_be_reached),
		cmocka_unit_test(an_array_too_large_to_count_is_refused),
		cmocka_unit_test(a_warm_arena_calls_no_malloc),
		cmocka_unit_test(a_reserved_block_is_the_first),
		cmocka_unit_test(strings_are_copies_with_a_nul),
		cmocka_unit_test(without_memory_everything_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
