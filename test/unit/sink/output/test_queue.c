/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: order over many turns around its end, both bounds, records of all sizes. */
#include "common.h"

static void wraps_in_order(void **state)
{
	struct queue q;
	struct buf out = BUF_INIT(RECORD_MAX);
	char record[100];
	unsigned in = 0, taken = 0;

	assert_int_equal(queue_init(&q, 1000, 257), 0);
	/* lengths that are coprime to the ring's size reach every offset */
	for (int round = 0; round < 2000; round++) {
		for (;;) {
			size_t len = in * 7 % 90;

			memset(record, 'a' + (int)(in % 26), sizeof(record));
			if (!queue_push(&q, str_make(record, len)))
				break;
			in++;
		}
		for (int i = 0; i < 2 && q.count; i++) {
			size_t pos = 0;

			assert_true(queue_peek(&q, &pos, &out));
			assert_int_equal(out.len, taken * 7 % 90);
			for (size_t k = 0; k < out.len; k++)
				assert_int_equal(out.s[k], 'a' + (int)(taken % 26));
			queue_pop(&q);
			taken++;
		}
	}
	assert_true(taken > 3000);
	assert_int_equal(in - taken, q.count);
	buf_done(&out);
	queue_done(&q);
}

static void peeks_behind_the_front(void **state)
{
	struct queue q;
	struct buf out = BUF_INIT(RECORD_MAX);
	size_t pos = 0;

	assert_int_equal(queue_init(&q, 10, 64), 0);
	assert_true(queue_push(&q, STR("one")));
	assert_true(queue_push(&q, STR("")));
	assert_true(queue_push(&q, STR("three")));
	assert_true(queue_peek(&q, &pos, &out) && str_is(buf_str(&out), "one"));
	assert_true(queue_peek(&q, &pos, &out) && out.len == 0);
	assert_true(queue_peek(&q, &pos, &out) && str_is(buf_str(&out), "three"));
	assert_false(queue_peek(&q, &pos, &out));
	buf_done(&out);
	queue_done(&q);
}

static void is_bounded(void **state)
{
	struct queue q;

	assert_int_equal(queue_init(&q, 2, 4096), 0);
	assert_true(queue_push(&q, STR("a")));
	assert_true(queue_push(&q, STR("b")));
	assert_false(queue_push(&q, STR("c")));
	queue_pop(&q);
	assert_true(queue_push(&q, STR("c")));
	queue_done(&q);

	assert_int_equal(queue_init(&q, 100, 20), 0);
	assert_true(queue_push(&q, STR("0123456789abcdef"))); /* 4 + 16: exactly */
	assert_false(queue_push(&q, STR("")));
	queue_pop(&q);
	assert_false(queue_push(&q, STR("0123456789abcdefg")));
	queue_pop(&q); /* of an empty queue: nothing */
	assert_int_equal(q.count, 0);
	queue_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_in_order),
		cmocka_unit_test(peeks_behind_the_front),
		cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
