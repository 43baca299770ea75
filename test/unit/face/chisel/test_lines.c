/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: columns, formats, colours, the greatest ones, JSON, hostile names. */
#include "bench.h"

#define HEAD "kind: lines\ncategory: C\nsummary: s\ndescription: d\n"
#define COLUMNS                                                                                    \
	"columns:\n"                                                                               \
	"  - {name: PROCESS, field: proc.name, width: 9}\n"                                        \
	"  - {name: TOOK, field: evt.latency, unit: time, width: 7}\n"                             \
	"  - {name: BYTES, field: evt.buflen, filter: evt.buflen > 5, width: 6}\n"                 \
	"  - {name: FILE, field: fd.name}\n"

static void test_columns(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, HEAD "filter: evt.failed = false\n" COLUMNS, NULL);
	bench_read(&b, "cat", "/etc/passwd", 100);
	bench_read(&b, "a_long_one_here", "/tmp/x", 5);
	bench_read(&b, "cat", "/tmp/denied", -13);
	bench_read(&b, "cat", "/tmp/\033[2Jevil\n", 7);
	bench_end(&b);
	bench_expect(&b, "PROCESS   TOOK    BYTES  FILE\n"
			 "cat       1.00ms  100    /etc/passwd\n"
			 "a_long_one_here 1.00ms         /tmp/x\n"
			 "cat       1.00ms  7      /tmp/\\x1b[2Jevil\\n\n");
	b.env.json = true;
	bench_must_open(&b, HEAD COLUMNS, NULL);
	bench_read(&b, "cat", "/a\"b", 5);
	bench_end(&b);
	bench_expect(&b, "{\"PROCESS\":\"cat\",\"TOOK\":1000000,\"BYTES\":null,"
			 "\"FILE\":\"/a\\\"b\"}\n");
	bench_done(&b);
}

static void test_nothing(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, HEAD COLUMNS, NULL);
	bench_end(&b);
	bench_expect(&b, "PROCESS   TOOK    BYTES  FILE\n");
	bench_done(&b);
}

static void test_format(void **state)
{
	struct bench b;

	bench_init(&b);
	/* without a star in front, an event that lacks a field has no line */
	bench_must_open(&b, HEAD "format: '%proc.name %evt.buflen'\n", NULL);
	bench_read(&b, "cat", "/a", 3);
	bench_read(&b, "cat", "/a", -13);
	bench_end(&b);
	bench_expect(&b, "cat 3\n");
	bench_must_open(&b, HEAD "format: '*%proc.name %evt.buflen'\n", NULL);
	bench_read(&b, "cat", "/a", -13);
	bench_expect(&b, "cat <NA>\n");
	b.env.json = true;
	bench_must_open(&b, HEAD "format: '%proc.name %evt.buflen'\n", NULL);
	bench_read(&b, "cat", "/a", 3);
	bench_expect(&b, "{\"evt.buflen\":3,\"proc.name\":\"cat\"}\n");
	bench_done(&b);
}

#define COLOURS                                                                                    \
	"args:\n  - {name: no, description: d, type: nocolour, optional: true}\n"                  \
	"format: '%proc.name'\n"                                                                   \
	"colours:\n  - {if: evt.failed = true, colour: red}\n  - {colour: green}\n"

static void test_colours(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.colour = true;
	bench_must_open(&b, HEAD COLOURS, NULL);
	bench_read(&b, "cat", "/a", 3);
	bench_read(&b, "cat", "/a", -1);
	bench_expect(&b, "\033[32mcat\033[0m\n\033[31mcat\033[0m\n");
	bench_must_open(&b, HEAD COLOURS, (const char *[]){"disable_colors", NULL});
	bench_read(&b, "cat", "/a", 3);
	bench_expect(&b, "cat\n");
	b.env.colour = false;
	bench_must_open(&b, HEAD COLOURS, NULL);
	bench_read(&b, "cat", "/a", 3);
	bench_expect(&b, "cat\n");
	bench_done(&b);
}

static void test_greatest(void **state)
{
	static const char text[] = HEAD "keep: 3\nby: evt.buflen\nformat: '%fd.name %evt.buflen'\n";
	static const int64_t sizes[] = {5, 900, 30, 30, 7, 1000, -13};
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, text, NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char name[16];

		snprintf(name, sizeof(name), "/%zu", i);
		bench_read(&b, "cat", name, sizes[i]);
	}
	bench_expect(&b, "");
	bench_end(&b);
	bench_expect(&b, "/5 1000\n/1 900\n/2 30\n"); /* of equal ones the first */
	bench_done(&b);
}

/* Milliseconds on the command line, nanoseconds in the condition. */
static void test_milliseconds(void **state)
{
	static const char text[] = HEAD "args:\n  - {name: min_ms, description: d, type: ms}\n"
					"filter: evt.latency > {min_ms}\nformat: '%fd.name'\n";
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, text, (const char *[]){"0.99", NULL});
	bench_read(&b, "cat", "/a", 3); /* took 1 ms */
	bench_expect(&b, "/a\n");
	bench_must_open(&b, text, (const char *[]){"1", NULL});
	bench_read(&b, "cat", "/a", 3);
	bench_expect(&b, "");
	assert_int_equal(bench_open(&b, text, (const char *[]){"soon", NULL}), -EINVAL);
	bench_says(&b, "its argument min_ms must be a number of milliseconds, not \"soon\"");
	bench_done(&b);
}

#define CHOICES                                                                                    \
	"args:\n  - name: way\n    description: d\n    default: rw\n"                              \
	"    choices: {r: evt.is_io_read = true, w: evt.is_io_write = true, rw: }\n"               \
	"format: '%evt.type'\n"

static void test_choices(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, HEAD CHOICES, (const char *[]){"W", NULL});
	bench_read(&b, "cat", "/a", 3);
	bench_event(&b, EV_WRITE, "cat", 7, "/a", 3);
	bench_give(&b);
	bench_expect(&b, "write\n");
	bench_must_open(&b, HEAD CHOICES, NULL);
	bench_read(&b, "cat", "/a", 3);
	bench_expect(&b, "read\n");
	assert_int_equal(bench_open(&b, HEAD CHOICES, (const char *[]){"x", NULL}), -EINVAL);
	bench_says(&b, "its argument way must be one of r, w, rw, not \"x\"");
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_greatest),
		cmocka_unit_test(test_milliseconds),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
