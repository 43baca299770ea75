/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in columns: widths of characters, numbers at the right, hostile bytes, lines that are cut.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/grid.h"

static void expect(const struct grid *g, const char *text)
{
	struct buf out = BUF_INIT(4096);

	assert_int_equal(grid_print(g, &out), 0);
	assert_string_equal(out.s, text);
	buf_done(&out);
}

static void test_columns(void **state)
{
	struct grid_column columns[] = {
		{.name = STR("BYTES"), .right = true}, {.name = STR("NAME")}, {.name = STR("X")}};
	struct grid g;

	grid_init(&g, columns, 3);
	expect(&g, "BYTES  NAME  X\n");
	grid_add(&g, STR("7"));
	grid_add(&g, STR("a long name"));
	grid_add(&g, STR(""));
	grid_add(&g, STR("1234567"));
	grid_add(&g, STR("b\n\033[2J"));
	grid_add(&g, STR("last one"));
	expect(&g, "  BYTES  NAME          X\n"
		   "      7  a long name\n"
		   "1234567  b\\n\\u001b[2J  last one\n");
	g.no_heading = true;
	g.max_width = 12;
	expect(&g, "      7  a l\n1234567  b\\n\n");
	grid_done(&g);
}

static void test_widths(void **state)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(text_width(STR("abc")), 3);
	assert_int_equal(text_width(STR("\xe4\xba\xa4\xe7\x95\xaa")), 4); /* 交番 */
	assert_int_equal(text_width(STR("\xff\x01")), 2);
	assert_true(str_is(text_head(STR("\xe4\xba\xa4\xe7\x95\xaa"), 3), "\xe4\xba\xa4"));
	assert_true(str_is(text_head(STR("abc"), 3), "abc"));
	assert_true(str_is(text_head(STR("abc"), 0), ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
