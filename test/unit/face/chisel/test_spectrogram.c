/* SPDX-License-Identifier: Apache-2.0 */
/* Values over time: bins of both scales, levels, lines without events, the axis, JSON. */
#include "bench.h"

#define HEAD "kind: spectrogram\ncategory: C\nsummary: s\ndescription: d\n"
#define SIZES                                                                                      \
	"field: evt.buflen\nscale: linear\nmin: 0\nmax: 100\ninterval_ms: 1000\n"                  \
	"filter: evt.is_io = true\n"

static void test_lines(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.width = 11;
	bench_must_open(&b, HEAD SIZES, NULL);
	bench_read(&b, "cat", "/a", 0);
	bench_read(&b, "cat", "/a", 35);
	for (int i = 0; i < 4; i++)
		bench_read(&b, "cat", "/a", 39);
	bench_read(&b, "cat", "/a", 5000); /* at the edge */
	bench_read(&b, "cat", "/a", -13);  /* has no size */
	bench_expect(&b, "");
	b.now_ns += SEC;
	bench_read(&b, "cat", "/a", 99);
	bench_expect(&b, ".  :     .\n");
	bench_end(&b);
	bench_expect(&b, "         .\n|0 |30\n");
	bench_done(&b);
}

static void test_nothing_for_long(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.width = 11;
	bench_must_open(&b, HEAD SIZES, NULL);
	bench_read(&b, "cat", "/a", 1);
	b.now_ns += 1000000 * SEC;
	bench_read(&b, "cat", "/a", 1);
	bench_end(&b);
	bench_expect(&b, ".         \n"
			 "          \n          \n          \n"
			 "…\n"
			 ".         \n|0 |30\n");
	bench_done(&b);
}

/* Powers of ten, to 100 s; a millisecond is in the middle of them. */
static void test_times(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.width = 111;
	bench_must_open(&b, HEAD "field: evt.latency\n", NULL);
	bench_read(&b, "cat", "/a", 1); /* took 1 ms */
	bench_end(&b);
	assert_int_equal(b.out.s[60], '.');
	assert_non_null(strstr(b.out.s, "\n|1ns      |10ns     |100ns    |1us      |10us     "
					"|100us    |1ms "));
	bench_done(&b);
}

static void test_json(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.width = 11;
	b.env.json = true;
	bench_must_open(&b, HEAD SIZES, NULL);
	bench_read(&b, "cat", "/a", 35);
	bench_end(&b);
	bench_expect(&b, "{\"time_ns\":1001000000000,"
			 "\"counts\":[{\"from\":30,\"to\":40,\"count\":1}]}\n");
	bench_done(&b);
}

/* Live on a terminal the axis stays below the last line. */
static void test_terminal(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.width = 11;
	b.env.is_live = b.env.is_tty = b.env.colour = true;
	bench_must_open(&b, HEAD SIZES, NULL);
	bench_read(&b, "cat", "/a", 35);
	assert_int_equal(chisel_tick(b.chisel, b.now_ns + SEC, &b.e), 0);
	bench_expect(&b, "   \033[48;5;22m \033[0m      \n|0 |30\n");
	bench_end(&b);
	bench_expect(&b, "\033[1A\r\033[2K          \n|0 |30\n");
	bench_done(&b);
}

static void test_mistakes(void **state)
{
	struct bench b;

	bench_init(&b);
	assert_int_equal(bench_open(&b, HEAD "field: evt.latenc\n", NULL), -EINVAL);
	bench_says(&b, "x.yaml:5: the field:");
	assert_int_equal(bench_open(&b, HEAD "field: evt.latency\nmin: 0\n", NULL), -EINVAL);
	bench_says(&b, "on a log scale at least 1");
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nothing_for_long),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
