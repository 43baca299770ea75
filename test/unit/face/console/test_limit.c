/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets and pauses, on a clock of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/clock.h"
#include "face/console/limit.h"

enum { SECOND = 1000000000 };

static void test_bucket(void **state)
{
	struct limit l;
	uint64_t now = SECOND;

	limit_init(&l, 2, 5, 100);
	for (int i = 0; i < 5; i++)
		assert_int_equal(limit_take(&l, STR("a"), now), 0);
	uint64_t wait = limit_take(&l, STR("a"), now);
	assert_true(wait >= 400 && wait <= 600);
	/* another has a bucket of its own */
	assert_int_equal(limit_take(&l, STR("b"), now), 0);
	now += SECOND;
	assert_int_equal(limit_take(&l, STR("a"), now), 0);
	assert_int_equal(limit_take(&l, STR("a"), now), 0);
	assert_true(limit_take(&l, STR("a"), now) > 0);
	/* it holds no more than its burst, however long nobody came */
	now += 1000ULL * SECOND;
	for (int i = 0; i < 5; i++)
		assert_int_equal(limit_take(&l, STR("a"), now), 0);
	assert_true(limit_take(&l, STR("a"), now) > 0);
	assert_int_equal(l.refused, 3);
	/* a clock that goes back gives nothing */
	assert_true(limit_take(&l, STR("a"), now - SECOND) > 0);
	limit_done(&l);
}

static void test_cap(void **state)
{
	struct limit l;
	char key[16];

	limit_init(&l, 1, 1, 10);
	assert_int_equal(limit_take(&l, STR("first"), SECOND), 0);
	assert_true(limit_take(&l, STR("first"), SECOND) > 0);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(limit_take(&l, str_of(key), SECOND), 0);
	}
	assert_true(l.rows.count <= 10);
	/* the one that was used last is still known */
	assert_true(limit_take(&l, STR("k99"), SECOND) > 0);
	limit_done(&l);
}

static void test_backoff(void **state)
{
	struct backoff b;
	uint64_t now = SECOND, last = 0;

	backoff_init(&b, 3, 60ULL * SECOND, 100);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(backoff_ask(&b, STR("ann"), now), 0);
		backoff_failed(&b, STR("ann"), now);
	}
	assert_int_equal(backoff_ask(&b, STR("ann"), now), 0);
	for (int i = 0; i < 10; i++) {
		backoff_failed(&b, STR("ann"), now);
		uint64_t wait = backoff_ask(&b, STR("ann"), now);

		assert_true(wait >= last && wait <= 60001);
		last = wait;
	}
	assert_true(last >= 60000);
	assert_int_equal(backoff_ask(&b, STR("bob"), now), 0);
	assert_int_equal(backoff_ask(&b, STR("ann"), now + 61ULL * SECOND), 0);
	backoff_succeeded(&b, STR("ann"));
	assert_int_equal(backoff_ask(&b, STR("ann"), now), 0);
	backoff_succeeded(&b, STR("nobody"));
	backoff_done(&b);
}

static void test_address(void **state)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6}, b = a;
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
	char x[24], y[24];

	a.sin6_addr.s6_addr[0] = b.sin6_addr.s6_addr[0] = 0x20;
	b.sin6_addr.s6_addr[15] = 9;
	assert_true(str_eq(limit_address_key((struct sockaddr *)&a, x),
		limit_address_key((struct sockaddr *)&b, y)));
	b.sin6_addr.s6_addr[7] = 9;
	assert_false(str_eq(limit_address_key((struct sockaddr *)&a, x),
		limit_address_key((struct sockaddr *)&b, y)));
	/* an IPv4 address is one, however it came */
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&mapped.sin6_addr.s6_addr[12], &v4.sin_addr, 4);
	assert_true(str_eq(limit_address_key((struct sockaddr *)&v4, x),
		limit_address_key((struct sockaddr *)&mapped, y)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
