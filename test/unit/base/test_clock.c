/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text at the edges of seconds, days, leap years and time zones; clocks that agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define S(n) ((uint64_t)(n)*NSEC_PER_SEC)

static void iso8601(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000000000Z"},
		{1, "1970-01-01T00:00:00.000000001Z"},
		{S(1) - 1, "1970-01-01T00:00:00.999999999Z"},
		{S(1), "1970-01-01T00:00:01.000000000Z"},
		{S(951782399), "2000-02-28T23:59:59.000000000Z"},
		{S(951782400), "2000-02-29T00:00:00.000000000Z"}, /* 2000 is a leap year */
		{S(951868800), "2000-03-01T00:00:00.000000000Z"},
		{S(1709251199) + 123456789, "2024-02-29T23:59:59.123456789Z"},
		{S(1735689600) - 1, "2024-12-31T23:59:59.999999999Z"},
		{S(1735689600), "2025-01-01T00:00:00.000000000Z"},
		{S(1483228799), "2016-12-31T23:59:59.000000000Z"}, /* a leap second followed */
		{S(2147483647), "2038-01-19T03:14:07.000000000Z"},
		{S(2147483648), "2038-01-19T03:14:08.000000000Z"},
		{S(4107542400), "2100-03-01T00:00:00.000000000Z"}, /* 2100 is none */
		{S(4107542400) - 1, "2100-02-28T23:59:59.999999999Z"},
		{UINT64_MAX, "2554-07-21T23:34:33.709551615Z"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(100);

		clock_add_iso8601(&b, cases[i].ns);
		assert_string_equal(b.s, cases[i].text);
		buf_done(&b);
	}
}

static void set_zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static void assert_local(uint64_t ns, const char *hms, const char *date)
{
	struct buf b = BUF_INIT(100);

	clock_add_hms(&b, ns);
	assert_string_equal(b.s, hms);
	buf_clear(&b);
	clock_add_strftime(&b, ns, "%Y-%m-%d %z", false);
	assert_string_equal(b.s, date);
	buf_clear(&b);
	/* UTC is UTC wherever we are */
	clock_add_strftime(&b, ns, "%z", true);
	assert_string_equal(b.s, "+0000");
	buf_done(&b);
}

/* Rules of zones written out (POSIX), so that no zone data is needed. */
static void zones_and_summer_time(void **state)
{
	set_zone("UTC0");
	assert_local(S(1735689600) + 5, "00:00:00.000000005", "2025-01-01 +0000");
	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_local(S(1711846799), "01:59:59.000000000", "2024-03-31 +0100");
	assert_local(S(1711846800), "03:00:00.000000000", "2024-03-31 +0200");
	assert_local(S(1729990799), "02:59:59.000000000", "2024-10-27 +0200");
	assert_local(S(1729990800), "02:00:00.000000000", "2024-10-27 +0100");
	assert_local(S(1735689600) - 1, "00:59:59.999999999", "2025-01-01 +0100");
	set_zone("<+1245>-12:45");
	assert_local(S(1709208900), "01:00:00.000000000", "2024-03-01 +1245");
	set_zone("<-12>12");
	assert_local(S(0), "12:00:00.000000000", "1969-12-31 -1200");
	set_zone("no such zone");
	assert_local(S(0), "00:00:00.000000000", "1970-01-01 +0000");
	set_zone("UTC0");
}

static void any_pattern(void **state)
{
	struct buf b = BUF_INIT(10000);
	char pattern[400];

	clock_add_strftime(&b, 0, "", true);
	assert_int_equal(b.len, 0);
	clock_add_strftime(&b, 0, "100%%", true);
	assert_string_equal(b.s, "100%");
	/* a path with a date in it is longer than a date */
	memset(pattern, 'x', 300);
	strcpy(pattern + 300, "/%Y-%m-%d.scap");
	buf_clear(&b);
	clock_add_strftime(&b, S(951782400), pattern, true);
	assert_int_equal(b.len, 300 + strlen("/2000-02-29.scap"));
	assert_string_equal(b.s + 300, "/2000-02-29.scap");
	/* one that is nothing at some times is nothing, and not an error */
	buf_clear(&b);
	set_zone("UTC0");
	clock_add_strftime(&b, 0, "%Ex", true);
	assert_false(b.cut);
	buf_done(&b);
}

static void a_full_buffer_is_cut(void **state)
{
	struct buf b = BUF_INIT(10);

	clock_add_iso8601(&b, 0);
	assert_true(b.cut);
	assert_string_equal(b.s, "1970-01-01");
	buf_done(&b);
}

static void the_clocks_agree(void **state)
{
	uint64_t boot = clock_boot_ns(), cpu = clock_cpu_ns();
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	uint64_t real = S(ts.tv_sec) + (uint64_t)ts.tv_nsec, offset = clock_boot_to_epoch_ns();
	/* a machine may sleep between two lines, but not for an hour, and no clock runs back */
	assert_true(clock_epoch_ns() - real < S(3600));
	assert_true(clock_boot_ns() >= boot && clock_cpu_ns() >= cpu);
	int64_t apart = (int64_t)(boot + offset - real);
	assert_true(apart > -(int64_t)S(3600) && apart < (int64_t)S(3600));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iso8601),
		cmocka_unit_test(zones_and_summer_time),
		cmocka_unit_test(any_pattern),
		cmocka_unit_test(a_full_buffer_is_cut),
		cmocka_unit_test(the_clocks_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
