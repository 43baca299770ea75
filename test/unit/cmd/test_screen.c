/* SPDX-License-Identifier: Apache-2.0 */
/* The panel of `koban up`: what it says, and that no terminal has to wrap it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/screen.h"

static struct live_snapshot busy(void)
{
	struct live_snapshot s = {
		.up_s = 3725,
		.findings = 1234567,
		.events_per_s = 98765,
		.cpu_percent = 12.3,
		.rss_bytes = 50 << 20,
		.nrules = 142,
		.nsyscalls = 111,
		.state = {.processes = 40, .containers = 3},
		.sensor = {.drop_ring = 2, .drop_size = 1},
	};

	for (int p = 0; p < PRIORITY_COUNT; p++)
		s.by_priority[p] = 1000 + (uint64_t)p;
	return s;
}

static size_t columns_of(struct str line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		n += (line.s[i] & 0xc0) != 0x80;
	return n;
}

static void no_line_is_wider(void **state)
{
	static const int widths[] = {40, 80, 200};
	struct live_snapshot snapshots[] = {busy(), {0}};

	for (size_t w = 0; w < 3; w++)
		for (size_t i = 0; i < 2; i++) {
			struct buf out = BUF_INIT(65536);
			int lines = screen_format_panel(&snapshots[i], widths[w], &out);
			struct str rest = buf_str(&out);
			int n = 0;

			for (; rest.len; n++)
				assert_in_range(
					columns_of(str_cut(&rest, '\n')), 1, (size_t)widths[w]);
			assert_int_equal(n, lines);
			assert_int_equal(n, 4);
			buf_done(&out);
		}
}

static void it_says_what_is_going_on(void **state)
{
	struct live_snapshot s = busy();
	struct buf out = BUF_INIT(65536);

	screen_format_panel(&s, 200, &out);
	assert_non_null(strstr(out.s, "40 processes   3 containers   142 rules"));
	assert_non_null(strstr(out.s, "up 1:02:05"));
	assert_non_null(strstr(out.s, "found    1234567   1000 Emergency"));
	assert_non_null(strstr(out.s, "12.3 % CPU   50 MiB   98765 events/s   3 lost"));
	assert_null(strchr(out.s, '\033'));
	s = (struct live_snapshot){0};
	buf_clear(&out);
	screen_format_panel(&s, 200, &out);
	assert_non_null(strstr(out.s, "nothing so far"));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_line_is_wider),
		cmocka_unit_test(it_says_what_is_going_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
