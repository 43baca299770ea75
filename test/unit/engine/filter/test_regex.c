/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: anchors, bad UTF-8, limits, no allocation while matching. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "engine/filter/regex.h"
#include "test/unit/engine/filter/subject.h"

static bool matches(const char *pattern, struct str text)
{
	struct regex_scratch *s = regex_scratch_new();
	struct err e = {0};
	struct regex *r = regex_new(str_of(pattern), &e);

	if (!r)
		fail_msg("%s: %s", pattern, e.msg);
	bool m = regex_matches(r, s, text);
	regex_free(r);
	regex_scratch_free(s);
	return m;
}

static void test_whole_text(void **state)
{
	assert_true(matches("abc", STR("abc")));
	assert_true(matches("^abc$", STR("abc")));
	assert_false(matches("abc", STR("abcd")));
	assert_false(matches("abc", STR("xabc")));
	assert_false(matches("abc$", STR("abc\n")));
	assert_true(matches("a|ab", STR("ab"))); /* leftmost-longest finds it too */
	assert_true(matches("", STR("")));
	assert_true(matches("a.c", STR("a\xc3\xa9"
				       "c")));
	assert_false(matches("a.c", STR("a\nc")));
	assert_true(matches("[[:digit:]]+", STR("123")));
	assert_true(matches("(/(etc|usr))+/x", STR("/etc/usr/x")));
}

static void test_bad_utf8(void **state)
{
	assert_true(matches("a.b", STR("a\xff"
				       "b")));
	assert_true(matches("a\\x{fffd}b", STR("a\xff"
					       "b")));
	assert_true(matches("a..b", STR("a\xc3\xff"
					"b")));
	assert_false(matches("a.b", STR("a\xed\xa0\x80"
					"b"))); /* a surrogate: three bad bytes */
	assert_true(matches("a...b", STR("a\xed\xa0\x80"
					 "b")));
}

static void test_refused(void **state)
{
	static char longest[REGEX_PATTERN_MAX + 2];
	struct err e = {0};

	assert_int_not_equal(regex_check(STR("(a"), &e), 0);
	assert_non_null(strstr(e.msg, "byte 2"));
	assert_int_not_equal(regex_check(STR("a\\Cb"), &e), 0);
	assert_int_not_equal(regex_check(STR("((a{1,2000}){1,2000}){1,2000}"), &e), 0);
	assert_int_not_equal(regex_check(STR("\xff"), &e), 0);
	memset(longest, 'a', REGEX_PATTERN_MAX + 1);
	assert_int_not_equal(regex_check(str_of(longest), &e), 0);
	assert_int_equal(regex_check(str_head(str_of(longest), REGEX_PATTERN_MAX), &e), 0);
	for (int i = 0; i < 2000; i++)
		longest[i] = i < 1000 ? '(' : ')';
	assert_int_not_equal(regex_check(str_make(longest, 2000), &e), 0);
}

/* A pattern that explodes when backtracking still gives the right answer, and soon. */
static void test_explosive(void **state)
{
	static char text[4001];

	memset(text, 'a', 4000);
	assert_false(matches("(a+)+b", str_of(text)));
	text[3999] = 'b';
	assert_true(matches("(a|aa)+b", str_of(text)));
	text[30] = 'c';
	assert_false(matches("(a*)*(a*)*b", str_of(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_text),
		cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_explosive),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
