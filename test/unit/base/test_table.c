/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash table: against a plain array over a long random life, at its cap, with hashes that
 * collide, and without memory. Once it has its size it asks for no more of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "fault.h"

struct row {
	uint64_t key;
	bool in;
};

static bool row_eq(const void *row, const void *key)
{
	return ((const struct row *)row)->key == *(const uint64_t *)key;
}

static uint64_t same_hash(uint64_t key)
{
	return 42;
}

/* The same home for many, near the end of the slots so that it wraps, in different order. */
static uint64_t few_hashes(uint64_t key)
{
	return (key % 3) * 16 - 1 - key % 2;
}

static uint64_t random_next(uint64_t *x)
{
	*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
	return *x >> 33;
}

static void assert_same(struct table *t, struct row *rows, size_t n, uint64_t (*hash)(uint64_t))
{
	size_t in = 0, seen = 0, pos = 0;

	for (size_t i = 0; i < n; i++) {
		in += rows[i].in;
		assert_ptr_equal(table_find(t, hash(rows[i].key), &rows[i].key),
			rows[i].in ? &rows[i] : NULL);
	}
	assert_int_equal(t->count, in);
	for (struct row *r; (r = table_next(t, &pos)); seen++)
		assert_true(r->in);
	assert_int_equal(seen, in);
	assert_null(table_next(t, &pos));
}

static void live_a_life(uint64_t (*hash)(uint64_t), size_t n, size_t cap, unsigned steps)
{
	struct row *rows = calloc(n, sizeof(*rows));
	struct table t;
	uint64_t random = 1;

	table_init(&t, row_eq, cap);
	for (size_t i = 0; i < n; i++)
		rows[i].key = i * 0x9e3779b97f4a7c15ULL;
	for (unsigned step = 0; step < steps; step++) {
		struct row *r = &rows[random_next(&random) % n];

		if (r->in) {
			assert_ptr_equal(table_take(&t, hash(r->key), &r->key), r);
			assert_null(table_take(&t, hash(r->key), &r->key));
			r->in = false;
		} else if (t.count == cap) {
			assert_int_equal(table_put(&t, hash(r->key), r), -ENOSPC);
		} else {
			assert_int_equal(table_put(&t, hash(r->key), r), 0);
			r->in = true;
		}
		if (step % 97 == 0)
			assert_same(&t, rows, n, hash);
		assert_true((t.count + t.gone) * 4 <= t.nslots * 3);
	}
	assert_same(&t, rows, n, hash);
	table_done(&t);
	free(rows);
}

static void lives_as_an_array_would(void **state)
{
	live_a_life(hash_u64, 300, 1000, 20000);
	live_a_life(hash_u64, 300, 100, 20000);
	live_a_life(few_hashes, 100, 100, 20000);
	live_a_life(same_hash, 60, 50, 5000);
	live_a_life(hash_u64, 20, 1, 1000);
}

static void an_empty_table_holds_nothing(void **state)
{
	struct table t;
	struct row r = {1, false};
	size_t pos = 0;

	table_init(&t, row_eq, 0);
	assert_null(table_find(&t, 1, &r.key));
	assert_null(table_take(&t, 1, &r.key));
	assert_null(table_next(&t, &pos));
	assert_int_equal(table_put(&t, 1, &r), -ENOSPC);
	table_done(&t);
	table_done(&t);
}

static void rows_may_go_while_they_are_visited(void **state)
{
	enum { N = 500 };
	struct row rows[N];

	for (unsigned keep = 1; keep < 5; keep++) {
		struct table t;
		size_t pos = 0, seen = 0;

		table_init(&t, row_eq, N);
		for (size_t i = 0; i < N; i++) {
			rows[i] = (struct row){i, true};
			assert_int_equal(table_put(&t, hash_u64(i) % 64, &rows[i]), 0);
		}
		for (struct row *r; (r = table_next(&t, &pos)); seen++)
			if (r->key % keep == 0) {
				assert_ptr_equal(table_take(&t, hash_u64(r->key) % 64, &r->key), r);
				r->in = false;
			}
		assert_int_equal(seen, N);
		for (size_t i = 0; i < N; i++)
			assert_ptr_equal(table_find(&t, hash_u64(i) % 64, &rows[i].key),
				i % keep ? &rows[i] : NULL);
		table_done(&t);
	}
}

static void reserving_is_for_as_many_as_may_be_in(void **state)
{
	enum { N = 1000 };
	struct row rows[N];
	struct table t;

	table_init(&t, row_eq, N);
	assert_int_equal(table_reserve(&t, N), 0);
	unsigned long calls = fault_calls(FAULT_ALLOC);
	for (size_t i = 0; i < N; i++) {
		rows[i] = (struct row){i, true};
		assert_int_equal(table_put(&t, hash_u64(i), &rows[i]), 0);
	}
	assert_int_equal(fault_calls(FAULT_ALLOC), calls);
	/* less than there is: nothing to do; a table has no room for more than its cap */
	size_t nslots = t.nslots;
	assert_int_equal(table_reserve(&t, 10), 0);
	assert_int_equal(table_reserve(&t, SIZE_MAX), 0);
	assert_int_equal(t.nslots, nslots);
	table_done(&t);

	table_init(&t, row_eq, SIZE_MAX);
	assert_int_equal(table_reserve(&t, SIZE_MAX), -ENOMEM);
	assert_int_equal(table_reserve(&t, SIZE_MAX / 4), -ENOMEM);
	assert_int_equal(table_put(&t, 1, &rows[1]), 0);
	table_done(&t);
}

/* Rows that come and go, as processes do: what was deleted is swept where it lies. */
static void coming_and_going_asks_for_no_memory(void **state)
{
	enum { LIVE = 400, STEPS = 100000 };
	struct row *rows = calloc(STEPS, sizeof(*rows));
	struct table t;
	unsigned long calls = 0;

	table_init(&t, row_eq, LIVE + 1);
	for (size_t i = 0; i < STEPS; i++) {
		if (i == 5 * LIVE)
			calls = fault_calls(FAULT_ALLOC);
		rows[i] = (struct row){i, true};
		assert_int_equal(table_put(&t, hash_u64(i), &rows[i]), 0);
		if (i >= LIVE) {
			uint64_t old = i - LIVE;
			assert_ptr_equal(table_take(&t, hash_u64(old), &old), &rows[old]);
			rows[old].in = false;
		}
	}
	assert_int_equal(fault_calls(FAULT_ALLOC), calls);
	assert_true(t.nslots <= 2048);
	assert_same(&t, rows, STEPS, hash_u64);
	table_done(&t);
	free(rows);
}

static void without_memory_it_stays_as_it_is(void **state)
{
	enum { N = 200 };
	struct row rows[N];
	struct table t;

	table_init(&t, row_eq, N);
	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	rows[0] = (struct row){0, false};
	assert_int_equal(table_put(&t, 1, &rows[0]), -ENOMEM);
	assert_int_equal(table_reserve(&t, 10), -ENOMEM);
	fault_disarm();
	for (size_t i = 0; i < N; i++) {
		rows[i] = (struct row){i, true};
		/* each one that needs memory is refused once, and is in at the second try */
		fault_arm(FAULT_ALLOC, 1, ENOMEM);
		int r = table_put(&t, hash_u64(i), &rows[i]);
		fault_disarm();
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_null(table_find(&t, hash_u64(i), &rows[i].key));
			assert_int_equal(table_put(&t, hash_u64(i), &rows[i]), 0);
		}
	}
	assert_same(&t, rows, N, hash_u64);
	table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_as_an_array_would),
		cmocka_unit_test(an_empty_table_holds_nothing),
		cmocka_unit_test(rows_may_go_while_they_are_visited),
		cmocka_unit_test(reserving_is_for_as_many_as_may_be_in),
		cmocka_unit_test(coming_and_going_asks_for_no_memory),
		cmocka_unit_test(without_memory_it_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
