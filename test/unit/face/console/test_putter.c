/* SPDX-License-Identifier: Apache-2.0 */
/* Two batches on their way at most; what comes back is durable, in the order in which it went. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "face/console/putter.h"

static struct store *store;

static int open_both(void **state)
{
	struct putter *p = NULL;
	struct err e = {0};

	assert_int_equal(store_open(&(struct store_options){.url = ":memory:"}, &store, &e), 0);
	assert_int_equal(putter_new(store, &p, &e), 0);
	*state = p;
	return 0;
}

static int close_both(void **state)
{
	putter_free(*state);
	store_close(store);
	return 0;
}

static bool add(struct putter_batch *b, uint64_t sender, unsigned i)
{
	char line[200];

	snprintf(line, sizeof(line),
		"{\"v\":1,\"type\":\"finding\",\"id\":\"f%u\",\"time_ns\":1800000000000000000,"
		"\"rule\":\"r\",\"priority\":\"Notice\",\"output\":\"o\"}",
		i);
	return putter_add(b, sender, str_of(line));
}

static struct putter_batch *wait_done(struct putter *p)
{
	struct putter_batch *b = NULL;

	while (!(b = putter_done(p))) {
		struct pollfd fd = {.fd = putter_fd(p), .events = POLLIN};

		assert_int_equal(poll(&fd, 1, 60000), 1);
	}
	return b;
}

static void they_come_back_in_order(void **state)
{
	struct putter *p = *state;
	unsigned given = 0, back = 0;

	while (back < 20) {
		struct putter_batch *b = given < 20 ? putter_free_batch(p) : NULL;

		if (b) {
			assert_int_equal(b->nrecords, 0);
			assert_true(add(b, given, given));
			assert_true(putter_add(b, given, STR("rubbish")));
			putter_give(p, b);
			given++;
			continue;
		}
		assert_true(given - back <= 2);
		b = wait_done(p);
		assert_int_equal(b->nparts, 1);
		assert_int_equal(b->parts[0].sender, back);
		assert_int_equal(b->parts[0].n, 2);
		assert_int_equal(b->results[0].code, STORE_STORED);
		assert_int_equal(b->results[1].code, STORE_REFUSED);
		putter_release(p);
		back++;
	}
	assert_null(putter_done(p));
	assert_false(putter_trouble(p).is_stuck);
}

static void a_batch_is_full(void **state)
{
	struct putter *p = *state;
	struct putter_batch *b = putter_free_batch(p);
	char *long_line = malloc(PUTTER_BYTES);
	unsigned n = 0;

	assert_non_null(long_line);
	memset(long_line, 'x', PUTTER_BYTES);
	while (add(b, 7, n))
		n++;
	assert_int_equal(n, PUTTER_RECORDS);
	assert_int_equal(b->parts[0].n, PUTTER_RECORDS);
	putter_give(p, b);
	b = putter_free_batch(p);
	assert_true(putter_add(b, 1, str_make(long_line, PUTTER_BYTES)));
	assert_false(putter_add(b, 1, STR("x")));
	putter_give(p, b);
	assert_int_equal(wait_done(p)->results[PUTTER_RECORDS - 1].code, STORE_STORED);
	putter_release(p);
	assert_int_equal(wait_done(p)->results[0].code, STORE_REFUSED); /* longer than a record */
	putter_release(p);
	b = putter_free_batch(p);
	for (n = 0; n < PUTTER_PARTS; n++)
		assert_true(add(b, n % 2, n));
	assert_true(add(b, (n - 1) % 2, n));
	assert_false(add(b, n % 2, n));
	free(long_line);
}

static void what_was_put_is_there_after_a_stop(void **state)
{
	struct putter *p = *state;
	struct store_counts c;
	struct err e = {0};

	assert_true(add(putter_free_batch(p), 1, 1));
	putter_give(p, putter_free_batch(p));
	assert_true(add(putter_free_batch(p), 1, 2));
	putter_give(p, putter_free_batch(p));
	assert_null(putter_free_batch(p));
	putter_stop(p);
	unsigned n = 0;
	for (; putter_done(p); n++)
		putter_release(p);
	assert_int_equal(store_counts(store, &c, &e), 0);
	assert_int_equal(c.findings, n); /* neither more nor less than was acknowledged */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_come_back_in_order, open_both, close_both),
		cmocka_unit_test_setup_teardown(a_batch_is_full, open_both, close_both),
		cmocka_unit_test_setup_teardown(
			what_was_put_is_there_after_a_stop, open_both, close_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
