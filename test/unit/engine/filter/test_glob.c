/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern matcher against fnmatch(3), which Falco uses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "engine/filter/value.h"
#include "test/unit/engine/filter/subject.h"

static void compare(const char *pattern, const char *text)
{
	for (int fold = 0; fold < 2; fold++) {
		bool want = !fnmatch(pattern, text, fold ? FNM_CASEFOLD : 0);

		if (glob_match(str_of(pattern), str_of(text), fold) != want)
			fail_msg("'%s' on '%s' (%d): fnmatch says %d", pattern, text, fold, want);
	}
}

static void test_known(void **state)
{
	static const char *const patterns[] = {
		"",
		"*",
		"**",
		"?",
		"a",
		"A",
		"a*",
		"*a",
		"a*b",
		"*/x",
		"/*",
		"a?c",
		"[abc]",
		"[!abc]",
		"[^abc]",
		"[a-c]x",
		"[]a]",
		"[!]a]",
		"[a",
		"a[",
		"\\*",
		"\\a",
		"[\\]a]",
		"[a\\-c]",
		"[[:digit:]]",
		"[[:upper:]b]",
		"*.*.*",
		"a*b*c",
		"[-a]",
		"[a-]",
		"[[:nope:]]",
		".*",
	};
	static const char *const texts[] = {
		"",
		"a",
		"b",
		"c",
		"A",
		"B",
		"ab",
		"abc",
		"aXbYc",
		"/x",
		"/a/x",
		"axc",
		"bx",
		"]",
		"!",
		"-",
		"[",
		"[a",
		"a[",
		"*",
		"\\a",
		"1",
		"a.b.c",
		".hidden",
		"a/b",
		"Q",
		"aaab",
		"aab*c",
	};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		for (size_t j = 0; j < sizeof(texts) / sizeof(*texts); j++)
			compare(patterns[i], texts[j]);
}

static void test_random(void **state)
{
	static const char letters[] = "ab*?[]-!/A";
	unsigned seed = 7;

	for (int i = 0; i < 20000; i++) {
		char pattern[10] = "", text[10] = "";
		size_t np = (unsigned)rand_r(&seed) % 8, nt = (unsigned)rand_r(&seed) % 8;

		for (size_t k = 0; k < np; k++)
			pattern[k] = letters[(unsigned)rand_r(&seed) % (k ? 4 : 10)];
		for (size_t k = 0; k < nt; k++)
			text[k] = "abA/"[(unsigned)rand_r(&seed) % 4];
		compare(pattern, text);
	}
}

/* Stars do not multiply: this would run for years if each were tried again. */
static void test_many_stars(void **state)
{
	static char text[20001];

	memset(text, 'a', 20000);
	assert_false(glob_match(STR("*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_of(text), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many_stars),
	};

	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
